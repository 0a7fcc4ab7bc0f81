"""Protocols survive XML, pickle and copies with all their settings, and run the same."""

import copy
import math

import openmm
import pytest

from openmm_genmd import (
    AlchemicalSwitching,
    GenerativeJumpIntegrator,
    Instantaneous,
    LocalRelaxation,
    SoftCoordinates,
    SteeredSwitching,
    UniformTorsionProposer,
    load_proposer,
)
from openmm_genmd.md.switching_settings import sigmoid_table
from openmm_genmd.native import core
from openmm_genmd.representations.torsions import TorsionRepresentation

from .round_trips import through_openmm_clone, through_pickle, through_xml
from .switching_systems import PROTOCOLS, START_NM, Mirror, alchemical_pair, bound_pair

COORDINATES = SoftCoordinates(
    torsions=[((0, 1, 2, 3), (2, 3)), ((4, 5, 6, 7), (5, 4))],
    frames=[((0, 1, 2), (0, 1, 2, 3)), ((5, 6, 7), (5, 6, 7))],
    points=[8, 9],
    torsion_width_rad=0.2,
    position_width_nm=0.013,
    rotation_width_rad=0.07,
)
SETTINGS = {
    "steps": 60,
    "steps_per_change": 5,
    "time_step_ps": 0.0015,
    "friction_per_ps": 0.75,
    "hydrogen_mass_da": 2.5,
    "rule": "metropolized steps",
    "work_limit_kt": 12.5,
    "blocks_per_check": 3,
    "schedule": (0.0, 0.1, 0.5, 0.9, 1.0),
}
STEERED = [
    SteeredSwitching(coordinates=COORDINATES),
    SteeredSwitching(coordinates=COORDINATES, variant="springs", **SETTINGS),
    SteeredSwitching(
        coordinates=SoftCoordinates(torsions=[((0, 1, 2, 3), (2, 3))], superpose=True),
        schedule="sigmoid",
        rule="protocol work",
    ),
]
OTHERS = [
    LocalRelaxation(),
    LocalRelaxation(steps=50, max_iterations=7, time_step_ps=0.0005, friction_per_ps=3.0),
    LocalRelaxation(minimize=False, steps=5),
]


def from_inside_another(integrator):
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(integrator)
    result = GenerativeJumpIntegrator.fromIntegrator(compound.getIntegrator(0))
    result.compound = compound
    return result


LOSE_PROPOSER = [through_xml, through_pickle, through_openmm_clone]
DUPLICATES = [copy.copy, copy.deepcopy, *LOSE_PROPOSER, from_inside_another]


def jumping_with(protocol, proposer=None, **settings):
    grade = "exploratory" if isinstance(protocol, LocalRelaxation) else None
    return GenerativeJumpIntegrator(
        openmm.VerletIntegrator(0.002),
        proposer or Mirror(),
        5,
        protocol=protocol,
        grade=grade,
        **{"temperature": 300.0, "seed": 3} | settings,
    )


@pytest.mark.parametrize("duplicate", DUPLICATES)
@pytest.mark.parametrize("protocol", STEERED + OTHERS, ids=lambda p: p.name)
def test_all_settings_survive(duplicate, protocol):
    proposer = Mirror()
    proposer.soft_only = True
    original = jumping_with(protocol, proposer)
    result = duplicate(original)
    assert result.getProtocol() == protocol
    assert type(result.getProtocol()) is type(protocol)


@pytest.mark.parametrize("duplicate", DUPLICATES)
@pytest.mark.parametrize("settings", [{}, SETTINGS | {"schedule": (0.0, 0.7, 1.0)}])
def test_all_settings_of_alchemical_switching_survive(duplicate, settings):
    parameters = {"lambda_bond": (1.0, 0.25, 0.0)} if settings else ["lambda_bond"]
    protocol = AlchemicalSwitching(system=alchemical_pair(), parameters=parameters, **settings)
    result = duplicate(jumping_with(protocol)).getProtocol()
    serialize = openmm.XmlSerializer.serialize
    assert serialize(result.system) == serialize(protocol.system)
    ours = {name: value for name, value in vars(protocol).items() if name != "system"}
    theirs = {name: value for name, value in vars(result).items() if name != "system"}
    assert ours == theirs
    assert result.parameters == {"lambda_bond": (1.0, 0.25, 0.0) if settings else (1.0, 0.0)}


@pytest.mark.parametrize("duplicate", LOSE_PROPOSER)
def test_the_coordinates_of_the_proposer_are_written_out(duplicate, alanine):
    topology, system, _ = alanine
    representation = TorsionRepresentation.from_topology(topology, system)
    proposer = UniformTorsionProposer(representation)
    for variant in ("morph", "springs"):
        original = jumping_with(SteeredSwitching(variant=variant), proposer)
        coordinates = duplicate(original).getProtocol().coordinates
        assert coordinates.superpose == (variant == "morph")
        assert len(coordinates.torsions) == len(representation.torsions) > 0
        for (atoms, moving), torsion in zip(
            coordinates.torsions, representation.torsions, strict=True
        ):
            assert (atoms, moving) == (tuple(torsion.atoms), tuple(torsion.moving))


def test_without_a_representation_positions_are_the_coordinates():
    result = through_xml(jumping_with(SteeredSwitching()))
    assert result.getProtocol() == SteeredSwitching(coordinates=SoftCoordinates(points=[0]))


def test_schedules_keep_their_names_and_infinity_its_value():
    for schedule in ("linear", "sigmoid"):
        protocol = SteeredSwitching(coordinates=COORDINATES, schedule=schedule)
        result = through_xml(jumping_with(protocol)).getProtocol()
        assert (result.schedule, result.work_limit_kt) == (schedule, math.inf)
    table = sigmoid_table(9.0)
    protocol = SteeredSwitching(coordinates=COORDINATES, schedule=table)
    assert through_xml(jumping_with(protocol)).getProtocol().schedule == table


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, *LOSE_PROPOSER])
@pytest.mark.parametrize("name", PROTOCOLS)
def test_duplicates_run_like_the_original(duplicate, name, in_context, snapshot):
    original = jumping_with(PROTOCOLS[name](friction_per_ps=2.0))
    result = duplicate(original)
    if duplicate in LOSE_PROPOSER:
        result.setProposer(Mirror())
    contexts = [in_context(bound_pair(), each, START_NM) for each in (original, result)]
    for each in (original, result):
        each.step(50)
    assert snapshot(contexts[0]) == snapshot(contexts[1])
    works = [[r.work_kj_per_mol for r in each.getRecords()] for each in (original, result)]
    assert works[0] == works[1]
    assert original.getNumJumpsAccepted() > 0


def test_the_protocol_can_be_changed_during_a_run(in_context):
    integrator = jumping_with(PROTOCOLS["morph"]())
    in_context(bound_pair(), integrator, START_NM)
    for name in ("morph", "springs", "alchemical"):
        protocol = PROTOCOLS[name](steps=10)
        integrator.setProtocol(protocol)
        integrator.step(5)
        assert integrator.getProtocol() is protocol
        assert integrator.getLastJump().switching_steps in (10, 11, 12, 13)
    integrator.setProtocol(Instantaneous())
    integrator.step(5)
    assert integrator.getLastJump().switching_steps == 0
    assert core.get_steered(integrator) is None
    assert core.get_alchemical(integrator) is None
    assert core.get_relaxation(integrator) is None


def test_a_loaded_proposer_returns_with_its_protocol(alanine):
    topology, _, _ = alanine
    proposer = load_proposer("alanine-dipeptide", topology)
    result = through_pickle(jumping_with(SteeredSwitching(steps=8), proposer))
    assert result.getProposer().describe() == proposer.describe()
    assert (result.getGrade(), result.getProtocol().steps) == (proposer.grade, 8)


def test_a_loaded_proposer_returns_with_a_relaxation(alanine):
    topology, _, _ = alanine
    proposer = load_proposer("alanine-dipeptide", topology)
    result = through_pickle(jumping_with(LocalRelaxation(steps=3), proposer))
    assert (result.getGrade(), result.getProtocol()) == ("exploratory", LocalRelaxation(steps=3))
