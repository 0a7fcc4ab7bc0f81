"""Files of models: whole, or refused in words."""

import numpy as np
import pytest

from openmm_genmd.msm.array_file import read_arrays, write_arrays


def test_arrays_come_back_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "model.npz"
    write_arrays(path, a=np.arange(3), b=np.array(["x"]))
    write_arrays(path, a=np.arange(4), b=np.array(["y"]))
    arrays = read_arrays(path, ("a", "b"), "a model")
    assert arrays["a"].tolist() == [0, 1, 2, 3]
    assert arrays["b"].tolist() == ["y"]
    assert [file.name for file in tmp_path.iterdir()] == ["model.npz"]


def test_a_killed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.npz"
    write_arrays(path, a=np.arange(3))

    class Unwritable:
        def __array__(self, dtype=None, copy=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_arrays(path, a=Unwritable())
    assert read_arrays(path, ("a",), "a model")["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_that_was_cut_off_is_refused(share, tmp_path):
    path = tmp_path / "model.npz"
    write_arrays(path, a=np.random.default_rng(1).random(1000))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"expected a model as genmd msm writes it, got .*model"):
        read_arrays(path, ("a",), "a model")


def test_a_missing_array_is_refused(tmp_path):
    write_arrays(tmp_path / "model.npz", a=np.arange(3))
    with pytest.raises(ValueError, match="make it again"):
        read_arrays(tmp_path / "model.npz", ("b",), "a model")
