"""Which path of a stored run is taken for a free energy."""

import json
from pathlib import Path

import numpy as np
import pytest

from openmm_genmd.unbinding.stored_run import StoredRun, write_summary

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


def test_the_free_energy_found_last_is_the_one_in_the_summary(tmp_path: Path) -> None:
    own = tmp_path / "free-energy"
    own.mkdir()
    (own / "result.json").write_text(json.dumps({"dG_kcal_per_mol": {"mean": [9.0, 0.1]}}))
    before = {"tries": 2, "dG_kcal_per_mol": {"mean": [5.0, 1.0]}}
    written = write_summary(before, tmp_path)
    assert written == {"tries": 2, "dG_kcal_per_mol": {"mean": [9.0, 0.1]}}
    assert json.loads((tmp_path / "summary.json").read_text()) == written
