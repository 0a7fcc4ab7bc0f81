"""`GrowingArray`: what NumPy reads back, and what an exception leaves behind."""

import numpy as np
import pytest

from openmm_genmd.data.growing_array import GrowingArray


@pytest.mark.parametrize("lengths", [(), (0,), (1,), (3, 0, 7), (99, 1), (12345, 1)])
def test_numpy_reads_the_rows(tmp_path, lengths):
    path = tmp_path / "rows.npy"
    rng = np.random.default_rng(0)
    pieces = [rng.normal(size=(n, 2, 3)) for n in lengths]
    with GrowingArray(path, (2, 3)) as array:
        for piece in pieces:
            array.append(piece)
        assert array.length == sum(lengths)
    expected = np.concatenate([np.empty((0, 2, 3)), *pieces]).astype(np.float32)
    np.testing.assert_array_equal(np.load(path), expected)
    if sum(lengths):
        np.testing.assert_array_equal(np.load(path, mmap_mode="r"), expected)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.npy"]


def test_an_exception_leaves_the_old_file(tmp_path):
    path = tmp_path / "rows.npy"
    np.save(path, np.arange(4))

    def interrupted():
        with GrowingArray(path, (3,)) as array:
            array.append(np.zeros((5, 3)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    np.testing.assert_array_equal(np.load(path), np.arange(4))
    assert [file.name for file in tmp_path.iterdir()] == ["rows.npy"]


def test_rows_of_another_shape_are_refused(tmp_path):
    message = r"rows of rows.npy must have shape \(n, \(3,\)\), got \(5, 4\)"
    with pytest.raises(ValueError, match=message), GrowingArray(tmp_path / "rows.npy", (3,)) as a:
        a.append(np.zeros((5, 4)))
