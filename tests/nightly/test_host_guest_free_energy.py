"""The free energy of unbinding of CB7-B2 along a path, against double decoupling."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from openmm_genmd.cli.main import app

pytestmark = pytest.mark.nightly

ALCHEMICAL_KCAL_PER_MOL = (17.72, 0.17)
"""By ``benchmarks/host_guest_alchemical.py``: another method, the same force field."""


def test_the_free_energy_along_a_path_is_that_of_double_decoupling(tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = ["--system", "cb7-b2", "--walkers", "6", "--shots", "0", "--out", str(out)]
    found = CliRunner().invoke(app, ["unbind", "run", *arguments, "--free-energy"])
    assert found.exit_code == 0, found.output
    result = json.loads((out / "summary.json").read_text())["dG_kcal_per_mol"]
    exact, exact_error = ALCHEMICAL_KCAL_PER_MOL
    for direction in ("out", "in"):
        value, error = result[direction]
        assert error < 1.5
        assert abs(value - exact) < 3.5 * np.hypot(error, exact_error)
    assert result["least_overlap"] > 0.03
