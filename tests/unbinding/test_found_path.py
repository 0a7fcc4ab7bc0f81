"""What is kept of a walker."""

import numpy as np
import pytest

from openmm_genmd.unbinding.found_path import FoundPath, exits
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.walker import Stop, Walker
from openmm_genmd.units import KJ_PER_KCAL


def walker(status: str = "out") -> Walker:
    """Two leaps of three frames; springs hold 2 kcal/mol after the first, 1 after the second."""
    phase = Phase(np.zeros((2, 3)), np.zeros((2, 3)))
    stops = [
        Stop(phase, np.full((n, 2, 3), n, np.float32), work * KJ_PER_KCAL, held * KJ_PER_KCAL)
        for n, work, held in ((1, 0.0, 0.0), (3, 10.0, 2.0), (3, 25.0, 1.0))
    ]
    return Walker(
        *(7, stops, np.random.default_rng(1)),
        status=status,
        refused_leaps={"unstable": 2},
        steps=900,
        setup_seconds=1.5,
        model_seconds=0.5,
        md_seconds=2.0,
    )


def test_work_is_that_of_the_springs_less_what_they_hold() -> None:
    found = walker()
    path = FoundPath.of(found, True)
    assert path.work_frames.tolist() == [0, 3, 6]
    assert path.work_kcal_per_mol == pytest.approx([0.0, 8.0, 24.0])
    assert path.total_work_kcal_per_mol * KJ_PER_KCAL == pytest.approx(found.work_kj_per_mol)
    assert path.work_at(np.array([0.25, 0.75])) == pytest.approx([4.0, 16.0])
    assert np.array_equal(path.frames_nm, found.path_nm())


def test_costs_are_the_walkers_own_unless_given() -> None:
    own = FoundPath.of(walker(), None)
    assert (own.number, own.steps, own.core_seconds, own.leaps) == (7, 900, 4.0, 2)
    assert own.refused_leaps == {"unstable": 2}
    verified = FoundPath.of(walker(), True, steps=2400, core_seconds=5.0)
    assert (verified.steps, verified.core_seconds) == (2400, 5.0)


@pytest.mark.parametrize(
    ("status", "stable", "counts", "leads_out"),
    [
        ("out", True, True, True),
        ("out", None, False, True),
        ("out", False, False, False),
        ("gave up", None, False, False),
    ],
)
def test_what_counts(status: str, stable: bool | None, counts: bool, leads_out: bool) -> None:
    path = FoundPath.of(walker(status), stable)
    assert path.counts is counts
    assert (exits([path]) == [path]) is leads_out


def test_a_walker_that_walks_has_no_path_yet() -> None:
    with pytest.raises(ValueError, match="walker 7 still walks; finish the search first"):
        FoundPath.of(walker("walking"), None)


@pytest.mark.parametrize(
    ("frames", "at", "work", "message"),
    [
        (np.zeros((4, 3)), [0, 3], [0, 1], r"expected frames \(n, n_particles, 3\), got \(4, 3\)"),
        (np.zeros((0, 2, 3)), [0], [0], r"got \(0, 2, 3\)"),
        (np.zeros((4, 2, 3)), [0, 3], [0, 1, 2], "a work for each of its 2 frames with one, got 3"),
        (np.zeros((4, 2, 3)), [0, 2], [0, 1], r"ascend from 0 to the last one, 3, got \[0, 2\]"),
        (np.zeros((4, 2, 3)), [0, 0, 3], [0, 1, 2], r"got \[0, 0, 3\]"),
        (np.full((4, 2, 3), np.nan), [0, 3], [0, 1], "positions or works that are not finite"),
        (np.zeros((4, 2, 3)), [0, 3], [0, np.inf], "positions or works that are not finite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    frames: np.ndarray, at: list[int], work: list[float], message: str
) -> None:
    with pytest.raises(ValueError, match=f"path 3.*{message}"):
        FoundPath(3, frames.astype(np.float32), np.array(at), np.array(work, float), "out")
