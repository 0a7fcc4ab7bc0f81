"""Which path of a stored run is taken for a free energy."""

from pathlib import Path

import numpy as np
import pytest

from openmm_genmd.unbinding.stored_run import StoredRun

from .made_up_paths import portal_path, tube_complex


def run_of(*paths) -> StoredRun:
    return StoredRun(Path("run"), tube_complex(), {}, {}, list(paths))


def test_the_path_of_least_work_in_the_most_used_channel_is_taken() -> None:
    # Works rise with the number: the cheapest of all, 0, leaves by the other portal.
    rng, bound = np.random.default_rng(3), tube_complex()
    down = portal_path(bound, 0, -1, rng)
    came_back = portal_path(bound, 1, 1, rng, stable_exit=False)
    up = [portal_path(bound, n, 1, rng) for n in (4, 2, 3)]
    run = run_of(down, came_back, *up)
    assert run.path().number == 2
    assert run.path(0).number == 0
    with pytest.raises(ValueError, match=r"path 1 does not lead .* those that do: \[0, 4, 2, 3\]"):
        run.path(1)
    with pytest.raises(ValueError, match="no path in run leads to an exit that stays"):
        run_of(came_back).path()
