"""What sees the candidates of every attempt."""

import numpy as np
import pytest

from openmm_genmd import MultipleTry, RecycledObservable

from .normal_leap import NormalLeap


def test_an_observer_sees_every_attempt(well, jumping, in_context, positions_of):
    seen = []
    integrator = jumping(NormalLeap(), interval=1, protocol=MultipleTry(3))
    with pytest.raises(TypeError, match="an observer must be callable, got 'print'"):
        integrator.setCandidateObserver("print")
    integrator.setCandidateObserver(lambda positions, weights: seen.append((positions, weights)))
    context = in_context(well(1), integrator)
    integrator.step(50)
    assert len(seen) == 50
    for positions, weights in seen:
        assert positions.shape == (4, 1, 3)
        np.testing.assert_allclose(weights.sum(), 1, atol=1e-12)
    last = positions_of(context)[0]
    assert np.any(np.all(seen[-1][0][:, 0] == last, axis=1))
    integrator.setCandidateObserver(None)
    integrator.step(5)
    assert len(seen) == 50


def test_single_tries_are_recycled_with_their_probability(stepper, well, jumping, in_context):
    seen = []
    integrator = jumping(stepper, interval=1)
    integrator.setCandidateObserver(lambda positions, weights: seen.append(weights))
    in_context(well(1), integrator)
    integrator.step(30)
    probabilities = [record.probability for record in integrator.getRecords()]
    assert [weights[1] for weights in seen] == probabilities


def test_an_observers_exception_arrives_after_the_attempt(well, jumping, in_context):
    def observer(positions, weights):
        raise RuntimeError("disk full")

    integrator = jumping(NormalLeap(), interval=1, protocol=MultipleTry(3))
    integrator.setCandidateObserver(observer)
    in_context(well(1), integrator)
    accepted = 0
    for attempt in range(1, 30):
        with pytest.raises(RuntimeError, match="disk full"):
            integrator.step(1)
        accepted += integrator.getLastJump().accepted
        assert integrator.getNumJumpsAttempted() == attempt
    assert integrator.getNumJumpsAccepted() == accepted > 5


def test_an_observer_may_reset_the_statistics(well, jumping, in_context):
    integrator = jumping(NormalLeap(), interval=1, protocol=MultipleTry(3))
    integrator.setCandidateObserver(lambda positions, weights: integrator.resetStatistics())
    in_context(well(1), integrator)
    integrator.step(20)
    assert integrator.getNumJumpsAttempted() == 0
    assert integrator.getRecords() == []


def test_recycled_observables_check_their_function():
    recycled = RecycledObservable(lambda positions: 1.0)
    assert recycled.values.shape == (0, 0)
    with pytest.raises(ValueError, match=r"observable must return \(2,\) or \(2, m\) numbers, got"):
        recycled(np.zeros((2, 1, 3)), np.array([0.5, 0.5]))


def test_values_without_weight_do_not_count():
    recycled = RecycledObservable(lambda positions: np.log(positions[:, 0, :2]))
    with np.errstate(divide="ignore"):
        recycled(np.array([[[1.0, 1, 1]], [[0.0, 0, 0]]]), np.array([1.0, 0.0]))
    np.testing.assert_array_equal(recycled.values, [[0.0, 0.0]])
