"""Protocols that do not fit proposer or System, and what a run says of its grade."""

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import (
    AlchemicalSwitching,
    Instantaneous,
    JumpReporter,
    LocalRelaxation,
    MultipleTry,
    Proposal,
    SoftCoordinates,
    SteeredSwitching,
)
from openmm_genmd.analysis.jump_log import read_jump_log

from .normal_leap import NormalLeap
from .switching_systems import (
    PROTOCOLS,
    START_NM,
    Mirror,
    alchemical_pair,
    bound_pair,
    morph,
)


def butane() -> openmm.System:
    """Four particles in a line of stiff bonds."""
    system, bonds = openmm.System(), openmm.HarmonicBondForce()
    for index in range(4):
        system.addParticle(12.0)
        if index:
            bonds.addBond(index - 1, index, 0.15, 1e5)
    system.addForce(bonds)
    return system


ZIGZAG_NM = [[0.1, 0.1, 0.0], [0.0, 0.0, 0.0], [0.15, 0.0, 0.0], [0.1, 0.1, 0.1]]
TORSION = SoftCoordinates(torsions=[((0, 1, 2, 3), (2, 3))])
FRAME = SoftCoordinates(frames=[((0, 1, 2), (0, 1, 2, 3))])


def shifted_by(distance_nm):
    return lambda x, box, rng: Proposal(x + np.array([[0, 0, 0]] * 3 + [[distance_nm, 0, 0]]), 0.0)


@pytest.mark.parametrize("coordinates", [TORSION, FRAME, SoftCoordinates(points=[0, 1, 2])])
def test_a_proposal_that_changes_more_than_the_coordinates_is_refused(
    coordinates, proposing, verlet_jumping, in_context, snapshot
):
    protocol = SteeredSwitching(coordinates=coordinates, steps=4)
    integrator = verlet_jumping(proposing(shifted_by(2e-5), range(4)), protocol=protocol)
    context = in_context(butane(), integrator, ZIGZAG_NM)
    message = (
        r"the proposal changes more than its soft coordinates \(moved particle [0-3] would end "
        r"0.0000\d+ nm from where it was proposed\). Give coordinates that describe the whole leap"
    )
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 0
    integrator.setProposer(proposing(shifted_by(1e-9), range(4)))
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1
    assert context.getStepCount() == 10


@pytest.mark.parametrize(
    "coordinates",
    [
        TORSION,
        FRAME,
        SoftCoordinates(points=[0, 1, 2, 3]),
        SoftCoordinates(points=[-1]),
    ],
)
def test_coordinates_of_particles_that_do_not_move_are_refused(
    coordinates, proposing, verlet_jumping, in_context
):
    protocol = SteeredSwitching(coordinates=coordinates, steps=4)
    integrator = verlet_jumping(proposing(None, [0, 1]), protocol=protocol)
    in_context(butane(), integrator, ZIGZAG_NM)
    message = r"SoftCoordinates: particle (-1|2|3) is not among those that the proposer moves"
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(5)


@pytest.mark.parametrize("coordinates", [TORSION, FRAME])
@pytest.mark.parametrize("variant", ["morph", "springs"])
def test_a_molecule_broken_across_the_box_is_refused(
    coordinates, variant, proposing, verlet_jumping, in_context
):
    system = butane()
    system.getForce(0).setUsesPeriodicBoundaryConditions(True)
    system.setDefaultPeriodicBoxVectors(*(2.0 * np.eye(3)))
    proposer = proposing(lambda x, box, rng: Proposal(x, 0.0), range(4))
    proposer.soft_only = True
    protocol = SteeredSwitching(
        coordinates=coordinates, variant=variant, steps=4, time_step_ps=0.0005
    )
    for cells, whole in (([3, 3, 3, 3], True), ([0, 0, 1, 1], False)):
        integrator = verlet_jumping(proposer, protocol=protocol)
        in_context(system, integrator, np.array(ZIGZAG_NM) + 2.0 * np.array(cells)[:, None])
        if whole:
            integrator.step(5)
            assert integrator.getNumJumpsAttempted() == 1
        else:
            message = "the molecule that leaps is broken across the periodic box. Set positions in"
            with pytest.raises(openmm.OpenMMException, match=message):
                integrator.step(5)


def test_springs_need_a_density_of_the_coordinates_alone(proposing, verlet_jumping):
    protocol = SteeredSwitching(coordinates=TORSION, variant="springs")
    proposer = proposing(None, range(4))
    message = (
        r"needs a proposer whose density depends on its soft coordinates alone \("
        r"FunctionProposer.soft_only is False\); use variant='morph', or make all its particles"
    )
    with pytest.raises(ValueError, match=message):
        verlet_jumping(proposer, protocol=protocol)
    integrator = verlet_jumping(proposer)
    with pytest.raises(ValueError, match=message):
        integrator.setProtocol(protocol)
    assert integrator.getProtocol() == Instantaneous()
    proposer.soft_only = True
    integrator.setProtocol(protocol)
    points = SoftCoordinates(points=range(4))
    proposer.soft_only = False
    integrator.setProtocol(SteeredSwitching(coordinates=points, variant="springs"))


def test_the_alchemical_system_has_to_fit(verlet_jumping, in_context):
    other = alchemical_pair()
    other.addParticle(1.0)
    for system, names, message in (
        (other, ["lambda_bond"], "alchemical System has 3 particles, but the simulation's has 2"),
        (alchemical_pair(), ["lambda"], "System has no Context parameter 'lambda'"),
    ):
        protocol = AlchemicalSwitching(system=system, parameters=names, steps=4)
        integrator = verlet_jumping(Mirror(), protocol=protocol)
        in_context(bound_pair(), integrator, START_NM)
        with pytest.raises(openmm.OpenMMException, match=message):
            integrator.step(5)


def test_a_system_that_cannot_be_copied_is_refused(verlet_jumping, in_context):
    system = bound_pair()
    system.addForce(openmm.PythonForce(lambda state: (0.0, np.zeros((2, 3)))))
    integrator = verlet_jumping(Mirror(), protocol=morph(steps=4))
    in_context(system, integrator, START_NM)
    message = r"needs a copy of the System, which cannot be made \(.*\). Leave out forces that"
    with pytest.raises(openmm.OpenMMException, match=message):
        integrator.step(5)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_grade_says_which_rule_decides(name, verlet_jumping):
    integrator = verlet_jumping(Mirror(), protocol=PROTOCOLS[name]())
    for rule, grade in (
        ("total work", "exact"),
        ("protocol work", "exact up to time step"),
        ("metropolized steps", "exact"),
    ):
        integrator.setProtocol(PROTOCOLS[name](rule=rule))
        assert integrator.getGrade() == grade
    integrator.setProposer(Mirror(grade="path"))
    integrator.setProtocol(PROTOCOLS[name](rule="protocol work"))
    assert integrator.getGrade() == "path up to time step"
    integrator.setProtocol(Instantaneous())
    assert integrator.getGrade() == "path"


def test_an_exploratory_proposer_stays_exploratory(verlet_jumping):
    proposer = Mirror(grade="exploratory")
    protocol = morph(rule="protocol work")
    with pytest.raises(ValueError, match="the grade would be 'exploratory': the proposer gives no"):
        verlet_jumping(proposer, protocol=protocol)
    integrator = verlet_jumping(proposer, protocol=protocol, grade="exploratory")
    assert integrator.getGrade() == "exploratory"


def test_local_relaxation_has_to_be_asked_for(verlet_jumping, in_context, well):
    message = "or the protocol relaxes outside of the acceptance rule, so the run would not sample"
    with pytest.raises(ValueError, match=message):
        verlet_jumping(Mirror(), protocol=LocalRelaxation())
    integrator = verlet_jumping(Mirror())
    with pytest.raises(ValueError, match=message):
        integrator.setProtocol(LocalRelaxation())
    assert (integrator.getGrade(), integrator.getProtocol()) == ("exact", Instantaneous())
    with pytest.raises(ValueError, match="grade='path' was asked for, but proposer and protocol"):
        integrator.setProtocol(LocalRelaxation(), grade="path")
    integrator.setProtocol(LocalRelaxation(steps=2), grade="exploratory")
    assert integrator.getGrade() == "exploratory"
    with pytest.raises(ValueError, match=message):
        integrator.setProposer(Mirror())
    integrator.setProposer(Mirror(), grade="exploratory")
    in_context(bound_pair(), integrator, START_NM)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1
    integrator.setProtocol(morph(steps=4))
    assert integrator.getGrade() == "exact"
    integrator.step(5)


def test_set_protocol_checks_proposer_and_type(verlet_jumping):
    integrator = verlet_jumping(Mirror(), protocol=morph())
    with pytest.raises(TypeError, match="protocol must be a jump protocol such as Instantaneous"):
        integrator.setProtocol("SteeredSwitching")
    with pytest.raises(ValueError, match=r"MultipleTry needs a proposer that implements sample"):
        integrator.setProtocol(MultipleTry(4))
    assert integrator.getProtocol() == morph()
    lost = type(integrator).fromIntegrator(openmm.XmlSerializer.clone(integrator))
    with pytest.raises(ValueError, match="set the proposer before the protocol: there is none"):
        lost.setProtocol(morph())


def test_a_proposer_of_batches_serves_switches_too(verlet_jumping, in_context, well):
    proposer = NormalLeap()
    proposer.propose = lambda x, box, rng: Proposal(0.2 * rng.normal(size=(1, 3)), 0.0)
    integrator = verlet_jumping(proposer, protocol=morph(steps=4))
    in_context(well(1), integrator)
    integrator.step(10)
    assert integrator.getLastJump().switching_steps >= 4


def simulation_with(protocol, verlet_jumping, **settings):
    topology = app.Topology()
    residue = topology.addResidue("X", topology.addChain())
    for atom in ("A", "B"):
        topology.addAtom(atom, app.element.carbon, residue)
    integrator = verlet_jumping(Mirror(), protocol=protocol, **settings)
    reference = openmm.Platform.getPlatformByName("Reference")
    simulation = app.Simulation(topology, bound_pair(), integrator, reference)
    simulation.context.setPositions(START_NM)
    return simulation


@pytest.mark.parametrize(
    ("protocol", "grade"),
    [
        (morph(rule="protocol work"), "exact up to time step"),
        (morph(), "exact"),
        (LocalRelaxation(steps=3), "exploratory"),
    ],
)
def test_files_carry_grade_steps_and_shadow_work(protocol, grade, tmp_path, verlet_jumping):
    asked = {"grade": "exploratory"} if grade == "exploratory" else {}
    simulation = simulation_with(protocol, verlet_jumping, **asked)
    simulation.reporters.append(JumpReporter(tmp_path / "jumps.csv", 20))
    simulation.step(40)
    assert (tmp_path / "jumps.csv").read_text().splitlines()[0] == f"# grade: {grade}"
    log = read_jump_log(tmp_path / "jumps.csv")
    records = simulation.integrator.getRecords()
    assert log.grade == grade
    assert log.switching_steps.tolist() == [record.switching_steps for record in records]
    assert np.all(log.switching_steps >= protocol.steps)
    shadow = [record.shadow_work_kj_per_mol for record in records]
    np.testing.assert_array_equal(log.shadow_work_kj_per_mol, shadow)
    assert np.all(np.isnan(shadow)) == (grade != "exact up to time step")


def test_a_file_of_another_grade_is_not_continued(tmp_path, verlet_jumping):
    path = tmp_path / "jumps.csv"
    for rule in ("total work", "protocol work"):
        simulation = simulation_with(morph(rule=rule), verlet_jumping)
        simulation.reporters.append(JumpReporter(path, 5, append=True))
        if rule == "total work":
            simulation.step(5)
            simulation.reporters[0].close()
        else:
            message = "begins with '# grade: exact', but this run would write '# grade: exact up to"
            with pytest.raises(ValueError, match=message):
                simulation.step(5)
