"""Which proposer a run gets by its settings."""

from importlib.resources import files

import numpy as np
import pytest

from openmm_genmd import Instantaneous, MixtureProposer, SteeredSwitching, UniformTorsionProposer
from openmm_genmd.md.run_proposer import run_proposer, run_protocol
from openmm_genmd.md.run_settings import RunSettings
from openmm_genmd.md.system_input import load_system_input
from openmm_genmd.proposers.torsion_proposer import TorsionProposer

PDB = str(files("openmm_genmd") / "data/structures/alanine-dipeptide.pdb")
FORCE_FIELD = "amber99sbildn.xml,amber99_obc.xml"


@pytest.fixture(scope="module")
def given():
    return load_system_input(PDB, FORCE_FIELD)


def _made(given, proposer, fraction=0.0):
    settings = RunSettings(
        pdb=PDB, system=FORCE_FIELD, proposer=proposer, uniform_fraction=fraction
    )
    return run_proposer(settings, given)


def test_a_model_alone(given):
    assert type(_made(given, "alanine-dipeptide")) is TorsionProposer


def test_uniform_leaps_need_no_model(given):
    proposer = _made(given, "uniform")
    assert type(proposer) is UniformTorsionProposer
    x = np.array(given.positions_nm)
    assert proposer.propose(x, None, np.random.default_rng(1)).log_ratio == 0.0


def test_a_model_with_uniform_leaps(given):
    proposer = _made(given, "alanine-dipeptide", 0.15)
    assert type(proposer) is MixtureProposer
    assert [type(p) for p in proposer.proposers] == [TorsionProposer, UniformTorsionProposer]
    assert proposer.probabilities == (0.85, 0.15)
    assert proposer.representation == proposer.proposers[0].representation


def test_uniform_leaps_with_uniform_leaps(given):
    with pytest.raises(ValueError, match=r"are uniform; leave uniform_fraction out, got 0\.2"):
        _made(given, "uniform", 0.2)


def test_leaps_take_the_time_that_is_asked_for(given):
    settings = RunSettings(pdb=PDB, system=FORCE_FIELD, proposer="uniform")
    proposer = run_proposer(settings, given)
    assert run_protocol(settings, given.system, proposer) == Instantaneous()
    asked = {
        "switching_steps": 2000,
        "switching_time_step_fs": 4.0,
        "switching_hydrogen_mass_da": 3.0,
    }
    switching = run_protocol(settings.model_copy(update=asked), given.system, proposer)
    assert switching == SteeredSwitching(
        steps=2000,
        time_step_ps=0.004,
        hydrogen_mass_da=3.0,
    )
