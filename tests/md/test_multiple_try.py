"""MultipleTry from Python: what is passed by mistake, copies, XML, batches and observers."""

import copy
import gc
import pickle
import weakref

import numpy as np
import openmm
import pytest

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    Instantaneous,
    MultipleTry,
    UniformTorsionProposer,
)
from openmm_genmd.md.proposer_session import ProposerSession
from openmm_genmd.representations.torsions import TorsionRepresentation

from .normal_leap import NormalLeap, soft_well


@pytest.mark.parametrize("candidates", [0, -3, 2.0, "8", None, 2**31])
def test_the_number_of_candidates_must_be_positive(candidates):
    with pytest.raises(ValueError, match="candidates must be a positive integer, got"):
        MultipleTry(candidates)


@pytest.mark.parametrize("surrogate", [3, "vacuum", np.zeros(3)])
def test_the_surrogate_must_be_an_energy(surrogate):
    with pytest.raises(TypeError, match="surrogate must be a BatchedEnergy, a function"):
        MultipleTry(8, surrogate)


def test_a_proposer_of_single_tries_is_refused(stepper, jumping, proposing):
    message = r"implements sample\(\) and log_density\(\), but FunctionProposer has no sample\(\)"
    with pytest.raises(ValueError, match=message):
        jumping(stepper, protocol=MultipleTry(4))
    integrator = jumping(NormalLeap(), protocol=MultipleTry(4))
    with pytest.raises(ValueError, match=message):
        integrator.setProposer(stepper)
    assert isinstance(integrator.getProposer(), NormalLeap)


def test_an_exploratory_proposer_is_refused(jumping):
    proposer = NormalLeap()
    proposer.grade = "exploratory"
    with pytest.raises(ValueError, match="weighs candidates by their density, which a proposer of"):
        jumping(proposer, protocol=MultipleTry(4), grade="exploratory")


def test_the_protocol_can_be_changed_during_a_run(well, jumping, in_context):
    integrator = jumping(NormalLeap(), protocol=MultipleTry(4))
    in_context(well(1), integrator)
    integrator.step(20)
    rough = MultipleTry(16, soft_well)
    integrator.setProtocol(rough)
    integrator.step(20)
    assert integrator.getProtocol() is rough
    assert integrator.getNumJumpsAttempted() == 8
    with pytest.raises(TypeError, match="protocol must be a jump protocol such as Instantaneous"):
        integrator.setProtocol("MultipleTry")


def test_a_protocol_needs_a_proposer(jumping):
    lost = pickle.loads(pickle.dumps(jumping(NormalLeap())))
    with pytest.raises(ValueError, match="set the proposer before the protocol"):
        lost.setProtocol(MultipleTry(4))


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies_keep_the_surrogate(how, well, verlet_jumping, in_context, snapshot):
    original = verlet_jumping(NormalLeap(), protocol=MultipleTry(4, soft_well))
    duplicate = how(original)
    assert duplicate.getProtocol() == original.getProtocol()
    contexts = [in_context(well(1), each) for each in (original, duplicate)]
    for each in (original, duplicate):
        each.step(50)
    assert snapshot(contexts[0]) == snapshot(contexts[1])


def test_xml_keeps_the_number_but_not_the_surrogate(well, jumping, in_context):
    for surrogate in (None, soft_well):
        original = jumping(NormalLeap(), protocol=MultipleTry(9, surrogate))
        result = pickle.loads(pickle.dumps(original))
        assert result.getProtocol() == MultipleTry(9)
        result.setProposer(NormalLeap())
        in_context(well(1), result)
        if surrogate is not None:
            with pytest.raises(openmm.OpenMMException, match="surrogate energy is not stored in"):
                result.step(5)
            result.setProtocol(MultipleTry(9, surrogate))
        result.step(5)
        assert result.getNumJumpsAttempted() == 1


def test_a_surrogate_lives_as_long_as_the_integrator_inside_another_one(well, jumping, in_context):
    inner = jumping(NormalLeap(), protocol=MultipleTry(4, lambda x: soft_well(x)))
    inner.setCandidateObserver(lambda positions, weights: None)
    alive = weakref.ref(inner.getProtocol())
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(inner)
    del inner
    gc.collect()
    in_context(well(1), compound)
    compound.step(20)
    assert alive() is not None


def test_another_object_of_the_same_integrator_keeps_surrogate_and_observer(
    well, jumping, in_context
):
    seen = []
    original = jumping(NormalLeap(), protocol=MultipleTry(4, lambda x: soft_well(x)))
    original.setCandidateObserver(lambda positions, weights: seen.append(weights))
    compound = openmm.CompoundIntegrator()
    compound.addIntegrator(original)
    other = GenerativeJumpIntegrator.fromIntegrator(compound.getIntegrator(0))
    assert other.getProtocol() is original.getProtocol()
    context = in_context(well(1), compound)
    del original
    gc.collect()
    compound.step(20)
    assert len(seen) == other.getNumJumpsAttempted() == 4
    del context


def test_a_surrogate_that_holds_its_integrator_is_collected(well, jumping):
    class Holder:
        def __call__(self, positions_nm):
            return soft_well(positions_nm)

    surrogate = Holder()
    surrogate.integrator = integrator = jumping(NormalLeap(), protocol=MultipleTry(4, surrogate))
    alive = weakref.ref(integrator)
    del integrator, surrogate
    gc.collect()
    assert alive() is None


@pytest.mark.parametrize(
    ("surrogate", "error", "message"),
    [
        (lambda x: np.zeros(2), ValueError, "one energy for each of 5 conformations, shape"),
        (lambda x: 0.0, ValueError, r"shape \(5,\); got \(\)"),
        (lambda x: ["a"] * 5, ValueError, "could not convert string to float"),
        (lambda x: 1 / 0, ZeroDivisionError, "division by zero"),
    ],
)
def test_errors_of_a_surrogate_arrive_and_leave_no_trace(
    surrogate, error, message, well, jumping, in_context, snapshot
):
    integrator = jumping(NormalLeap(), interval=1, protocol=MultipleTry(4, surrogate))
    context = in_context(well(1), integrator)
    with pytest.raises(error, match=message):
        integrator.step(1)
    before = snapshot(context)
    integrator.setProtocol(Instantaneous())
    assert snapshot(context) == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda d: d[0], r"sample\(\) must return \(positions, log densities\), got array"),
        (lambda d: (d[0].tolist(), d[1]), "candidates of sample.* float64 .nm., got a list"),
        (lambda d: (d[0].astype("f4"), d[1]), "candidates of sample.* got dtype float32"),
        (lambda d: (d[0], list(d[1])), "log densities of sample.* float64 .dimensionless., got a"),
        (lambda d: (d[0][:-1], d[1]), r"shapes \(4, 1, 3\) and \(4,\), got \(3, 1, 3\) and \(4,\)"),
        (lambda d: (d[0], d[1][:, None]), r"shapes \(4, 1, 3\) and \(4,\), got .* and \(4, 1\)"),
    ],
)
def test_wrong_candidates_are_refused(spoil, message):
    session = ProposerSession(NormalLeap(spoil))
    with pytest.raises(ValueError, match=message):
        session.candidates(np.zeros((1, 3)), None, 4)


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (list, r"answer of log_density\(\) must be a NumPy array of float64"),
        (lambda value: np.zeros(2), r"log_density\(\) must return shape \(1,\), got \(2,\)"),
    ],
)
def test_wrong_densities_are_refused(density, message):
    session = ProposerSession(NormalLeap(density=density))
    with pytest.raises(ValueError, match=message):
        session.candidates(np.zeros((1, 3)), None, 4)


def test_a_part_that_moves_other_particles_is_refused(monkeypatch):
    other = NormalLeap()
    other.particles = [1]
    monkeypatch.setattr(NormalLeap, "choose", lambda self, rng: other)
    with pytest.raises(ValueError, match=r"NormalLeap.choose\(\) returned a part that moves other"):
        ProposerSession(NormalLeap()).candidates(np.zeros((1, 3)), None, 4)


def test_candidates_that_are_not_finite_are_never_picked(well, jumping, in_context):
    def spoil(drawn):
        drawn[0][::2] = np.nan
        return drawn

    for surrogate in (None, soft_well):
        protocol = MultipleTry(2, surrogate)
        integrator = jumping(NormalLeap(spoil), interval=1, protocol=protocol)
        context = in_context(well(1), integrator)
        integrator.step(200)
        assert integrator.getNumJumpsAccepted() > 10
        assert integrator.getRejections()["not finite"] == 0
        assert np.isfinite(context.getState(energy=True).getPotentialEnergy()._value)


@pytest.mark.parametrize("what", ["candidates", "current density", "current surrogate"])
def test_without_finite_weights_the_attempt_is_rejected(what, well, jumping, in_context):
    def surrogate(positions):
        energies = soft_well(positions)
        energies[-1 if what == "current surrogate" else slice(0)] = np.nan
        return energies

    proposer = NormalLeap(
        (lambda d: (d[0] * np.nan, d[1])) if what == "candidates" else (lambda d: d),
        (lambda v: v - np.inf) if what == "current density" else (lambda v: v),
    )
    integrator = jumping(proposer, interval=1, protocol=MultipleTry(4, surrogate))
    seen = []
    integrator.setCandidateObserver(lambda positions, weights: seen.append((positions, weights)))
    in_context(well(1), integrator)
    integrator.step(20)
    assert integrator.getRejections()["not finite"] == 20
    assert [weights.tolist() for _, weights in seen] == [[1.0]] * 20


def test_a_surrogate_is_not_asked_for_nothing(well, jumping, in_context):
    """One conditional candidate has no references but x."""
    proposer, asked = NormalLeap(), []
    proposer.conditional = True

    def surrogate(positions):
        asked.append(positions.shape)
        return soft_well(positions)

    integrator = jumping(proposer, interval=1, protocol=MultipleTry(1, surrogate))
    in_context(well(1), integrator)
    integrator.step(10)
    assert asked == [(2, 1, 3)] * 10


def test_a_surrogate_that_misleads_is_named_as_the_reason(well, jumping, in_context):
    def misleading(positions):
        return -500 * positions[:, 0, 0] ** 2

    integrator = jumping(NormalLeap(), interval=1, protocol=MultipleTry(8, misleading))
    in_context(well(1), integrator)
    integrator.step(200)
    reasons = integrator.getRejections()
    assert reasons["surrogate"] > 0.8 * (200 - integrator.getNumJumpsAccepted())
    assert reasons["surrogate"] > 100


def test_batched_energy_of_the_molecule_is_as_good_as_the_force_field(alanine, in_context):
    """The surrogate is the force field itself, so that no pick is rejected because of it."""
    topology, system, positions_nm = alanine
    representation = TorsionRepresentation.from_topology(topology, system)
    proposer = UniformTorsionProposer(representation)
    energy = BatchedEnergy(system, proposer.particles)
    integrator = GenerativeJumpIntegrator(
        openmm.LangevinMiddleIntegrator(300, 1, 0.002),
        proposer,
        10,
        protocol=MultipleTry(32, energy),
        seed=4,
    )
    context = in_context(system, integrator, positions_nm)
    integrator.step(1000)
    assert integrator.getAcceptanceRate() > 0.3
    assert integrator.getRejections()["surrogate"] <= 2
    assert len({round(record.log_ratio) for record in integrator.getRecords()}) > 5
    state = context.getState(positions=True, energy=True)
    x = state.getPositions(asNumpy=True)._value[None]
    np.testing.assert_allclose(energy.evaluate(x)[0], state.getPotentialEnergy()._value, rtol=1e-9)
