"""One integrator's use of a proposer."""

import copy

import numpy as np
import openmm
import pytest

from openmm_genmd import Proposal
from openmm_genmd.md.proposer_session import ProposerSession, checked_proposal

X = np.zeros((1, 3))


@pytest.mark.parametrize("thing", [None, "flow", lambda x, box, rng: None, object()])
def test_only_proposers_are_taken(thing, jumping):
    with pytest.raises(
        TypeError, match=r"instance of a subclass of openmm_genmd.Proposer, got \w+"
    ):
        ProposerSession(thing)
    with pytest.raises(TypeError, match="expected an instance of a subclass"):
        jumping(thing)


@pytest.mark.parametrize(
    ("particles", "message"),
    [
        (None, "particles must be a sequence of indices, got None"),
        (3, "particles must be a sequence of indices, got 3"),
        ("012", "particles must be a sequence of indices, got '012'"),
        (b"01", "particles must be a sequence of indices"),
        ([0, 1.0], "particles must be integers: 'float' object"),
        (["0"], "particles must be integers: 'str' object"),
        (np.array([0.0]), "particles must be integers"),
        ([], "particles is empty; expected at least one particle index"),
        ([0, -1], r"particles contains a negative index \(-1\)"),
        ([0, 1, 0], "particles contains an index twice; expected each particle once"),
    ],
)
def test_wrong_particles_are_refused(particles, message, proposing, jumping):
    with pytest.raises(ValueError, match=message):
        ProposerSession(proposing(None, particles))
    integrator = jumping(proposing(None))
    with pytest.raises(ValueError, match=message):
        integrator.setProposer(proposing(None, particles))
    assert integrator.getProposer().particles == (0,)


@pytest.mark.parametrize(
    "particles", [range(2), (0, 1), np.array([0, 1]), np.arange(2, dtype="u1")]
)
def test_any_sequence_of_integers_is_taken(particles, proposing):
    assert ProposerSession(proposing(None, particles)).particles == [0, 1]


@pytest.mark.parametrize("grade", ["Exact", "", None, 1])
def test_wrong_grades_are_refused(grade, proposing):
    message = "proposer.grade must be one of exact, path, exploratory; got "
    with pytest.raises(ValueError, match=message):
        ProposerSession(proposing(None, grade=grade))


def test_missing_particles_and_grade_are_refused(stayer):
    class Bare(type(stayer)):
        def __init__(self):
            pass

    with pytest.raises(ValueError, match="particles must be a sequence of indices, got None"):
        ProposerSession(Bare())
    Bare.particles = [0]
    with pytest.raises(ValueError, match=r"grade must be one of .* got None"):
        ProposerSession(Bare())


def test_a_checked_proposal_is_passed_on_unchanged():
    positions = np.arange(6.0).reshape(2, 3)
    checked, log_ratio = checked_proposal(Proposal(positions, np.float32(0.5)), 2)
    assert checked is positions
    assert (type(log_ratio), log_ratio) == (float, 0.5)
    assert np.isnan(checked_proposal(Proposal(positions, np.nan), 2)[1])


def test_the_state_of_a_proposer_must_be_bytes(stayer):
    stayer.get_state = lambda: "text"
    with pytest.raises(
        TypeError, match=r"FunctionProposer.get_state\(\) must return bytes, got str"
    ):
        ProposerSession(stayer)


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: b"",
        lambda state: state[:7],
        lambda state: state[:30],
        lambda state: b"\xff" * 8 + state[8:],
        lambda state: state.replace(b"PCG64", b"PCG65"),
        lambda state: state.replace(b'"state"', b'"stale"'),
        lambda state: state.replace(b"{", b"\xff", 1),
    ],
)
def test_damaged_random_numbers_are_refused(damage, stepper):
    session = ProposerSession(stepper)
    state = session.get_state()
    with pytest.raises(
        ValueError, match="random number state of the proposer is damaged; expected"
    ):
        session.set_state(damage(state))
    with pytest.raises(ValueError, match="it is truncated"):
        session.set_state(state[:-1])
    session.set_state(state)


def test_equal_seeds_begin_equal_runs(pool_proposer):
    session = ProposerSession(pool_proposer())
    runs = []
    for seed in (5, 6, 5):
        session.begin_run(seed)
        runs.append([session.propose(X, None)[0][0, 0] for _ in range(25)])
    assert runs[0] == runs[2] != runs[1]


def test_a_state_in_the_middle_of_a_pool_is_restored(pool_proposer):
    session = ProposerSession(pool_proposer())
    session.begin_run(5)
    for _ in range(13):
        session.propose(X, None)
    state = session.get_state()
    expected = [session.propose(X, None)[0][0, 0] for _ in range(25)]
    for target in (session, ProposerSession(pool_proposer())):
        target.set_state(state)
        assert [target.propose(X, None)[0][0, 0] for _ in range(25)] == expected


def alone_and_shared(pool_proposer, seeds):
    """Sessions that have a proposer each, and sessions that share one."""
    shared = pool_proposer()
    alone = [ProposerSession(pool_proposer()) for _ in seeds]
    together = [ProposerSession(shared) for _ in seeds]
    for sessions in (alone, together):
        for session, seed in zip(sessions, seeds, strict=True):
            session.begin_run(seed)
    return alone, together


def test_sessions_that_share_a_proposer_do_not_notice_each_other(pool_proposer):
    alone, together = alone_and_shared(pool_proposer, seeds=(1, 2, 3))
    states = [None] * 3
    order = np.random.default_rng(0).integers(3, size=200)
    for turn, which in enumerate(order):
        expected = alone[which].propose(X, None)[0][0, 0]
        assert together[which].propose(X, None)[0][0, 0] == expected
        if turn % 3 == 0:
            states[which] = (together[which].get_state(), alone[which].get_state())
            assert states[which][0] == states[which][1]
        if turn % 7 == 0 and states[which] is not None:
            together[which].set_state(states[which][0])
            alone[which].set_state(states[which][1])


def test_a_session_that_comes_later_does_not_inherit_a_used_pool(pool_proposer):
    """Two runs with the same candidates would be correlated."""
    shared = pool_proposer()
    first = ProposerSession(shared)
    first.begin_run(1)
    first.propose(X, None)
    second = ProposerSession(shared)
    assert second.initial_state == b""
    second.begin_run(1)
    assert second.propose(X, None)[0][0, 0] != first.propose(X, None)[0][0, 0]


def test_contexts_that_share_a_proposer_run_as_if_alone(
    pool_proposer, well, verlet_jumping, in_context, snapshot
):
    expected = []
    for seed in (1, 2):
        integrator = verlet_jumping(pool_proposer(), seed=seed)
        context = in_context(well(), integrator)
        integrator.step(120)
        expected.append(snapshot(context))
    shared = pool_proposer()
    integrators = [verlet_jumping(shared, seed=seed) for seed in (1, 2)]
    contexts = [in_context(well(), integrator) for integrator in integrators]
    for _ in range(20):
        for integrator in integrators:
            integrator.step(6)
    assert [snapshot(context) for context in contexts] == expected


def test_checkpoints_of_contexts_that_share_a_proposer(
    pool_proposer, well, verlet_jumping, in_context, snapshot
):
    shared = pool_proposer()
    integrators = [verlet_jumping(shared, seed=seed) for seed in (1, 2)]
    contexts = [in_context(well(), integrator) for integrator in integrators]
    for integrator in (*integrators, integrators[0]):
        integrator.step(35)
    checkpoints = [context.createCheckpoint() for context in contexts]
    results = []
    for order in ((0, 1), (1, 0)):
        for index in order:
            contexts[index].loadCheckpoint(checkpoints[index])
        for index in order:
            integrators[index].step(70)
        results.append([snapshot(context) for context in contexts])
    assert results[0] == results[1]


def test_use_by_two_simulations_at_the_same_time_is_noticed(proposing):
    """Threads that share a proposer would take each other's candidates."""

    def propose_for_the_other(positions, box, rng):
        calls.append(positions)
        if len(calls) == 1:
            second.propose(X, None)
        return Proposal(positions, 0.0)

    calls = []
    shared = proposing(propose_for_the_other)
    first, second = ProposerSession(shared), ProposerSession(shared)
    with pytest.raises(RuntimeError, match="another simulation while it proposed for this one"):
        first.propose(X, None)
    assert first.propose(X, None)[1] == 0.0


def test_a_deep_copy_of_an_integrator_has_its_own_proposer(pool_proposer, jumping):
    integrator = jumping(pool_proposer())
    duplicate = copy.deepcopy(integrator)
    assert duplicate.getProposer() is not integrator.getProposer()
    assert isinstance(duplicate, openmm.CompoundIntegrator)
