"""Leaps of MarsFM in a real System, with each protocol."""

from __future__ import annotations

import openmm
import pytest
from openmm import app

from openmm_genmd import (
    GenerativeJumpIntegrator,
    Instantaneous,
    LocalRelaxation,
    MixtureProposer,
    MultipleTry,
    SteeredSwitching,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer
from openmm_genmd.representations.torsions import TorsionRepresentation


@pytest.fixture(scope="module")
def peptide():
    topology, positions_nm = build_peptide("GA")
    force_field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    return topology, positions_nm, force_field.createSystem(topology, constraints=app.HBonds)


def run(peptide, proposer, protocol, jumps, **options):
    topology, positions_nm, system = peptide
    inner = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    inner.setRandomNumberSeed(1)
    integrator = GenerativeJumpIntegrator(
        inner, proposer, jumpInterval=5, protocol=protocol, seed=2, **options
    )
    platform = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, system, integrator, platform)
    simulation.context.setPositions(positions_nm)
    simulation.minimizeEnergy(maxIterations=50)
    simulation.context.setVelocitiesToTemperature(300, 1)
    simulation.step(5 * jumps)
    return integrator


PROTOCOLS = {
    "path": [
        (Instantaneous(), 60, "path"),
        (SteeredSwitching(steps=20, time_step_ps=0.001), 6, "path"),
        (LocalRelaxation(minimize=False, steps=5), 6, "exploratory"),
    ],
    "exact": [(MultipleTry(2), 3, "exact")],
}


@pytest.mark.parametrize(
    ("density", "protocol", "jumps", "grade"),
    [(density, *case) for density, cases in PROTOCOLS.items() for case in cases],
)
def test_every_protocol_takes_it(peptide, density, protocol, jumps, grade):
    topology, _, system = peptide
    proposer = MarsFMProposer(
        "tetrapeptide-leaps", topology, density=density, steps=6, system=system
    )
    exploratory = {"grade": "exploratory"} if grade == "exploratory" else {}
    integrator = run(peptide, proposer, protocol, jumps, **exploratory)
    statistics = integrator.getStatistics()
    assert integrator.getGrade() == grade
    assert statistics.attempted == jumps
    rejected = sum(integrator.getRejections().values())
    assert statistics.accepted + rejected == jumps
    if isinstance(protocol, Instantaneous):
        assert statistics.sum_probability > 0.2  # of 60 leaps of four torsions


def test_paths_and_many_candidates_do_not_go_together(peptide):
    topology, _, system = peptide
    proposer = MarsFMProposer("tetrapeptide-leaps", topology, system=system)
    with pytest.raises((NotImplementedError, ValueError), match="path"):
        run(peptide, proposer, MultipleTry(4), 1)


def test_bundled_models_leap_in_a_mixture_with_the_baseline(peptide):
    topology, _, system = peptide
    uniform = UniformTorsionProposer(TorsionRepresentation.from_topology(topology, system))
    for name, grade in (("tetrapeptide-leaps", "path"), ("tetrapeptide-blocks", "exact")):
        mixture = MixtureProposer([load_proposer(name, topology, system), uniform], [0.8, 0.2])
        integrator = run(peptide, mixture, Instantaneous(), 30)
        assert integrator.getGrade() == grade
        assert integrator.getStatistics().sum_probability > 0
