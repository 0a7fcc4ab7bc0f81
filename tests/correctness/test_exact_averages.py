"""Averages against exact answers, with proposers that are deliberately bad.

Detailed balance holds for any proposal density as long as the ratio is right; the worse the
proposal, the more the result depends on the ratio. Every check runs for the correct chain, by the
engine and by the oracle, and for broken ones, which it must tell apart.
"""

import numpy as np
import pytest

from .bad_proposers import BiasedDrift, Mixture, Scaling
from .exact_models import CoupledParticles, TiltedDoubleWell
from .running import engine_samples, oracle_samples
from .scores import agrees, block_scores, disagrees

N_JUMPS, N_BROKEN_JUMPS, N_ORACLE_JUMPS = 30000, 12000, 6000
RATIO_BREAKS = ["no q ratio", "wrong sign"]


def scores_of(model, samples, temperature_k=300.0) -> np.ndarray:
    observed = model.observables(samples[len(samples) // 20 :])
    return block_scores(observed, model.exact(temperature_k))


def drift(model, broken=None):
    """Particle 0 leaps, and in a row of three the last one, but not the one between them."""
    if len(model.particles) == 1:
        shape = dict(contraction=-0.6, drift_nm=0.05, width_nm=0.12)
        return BiasedDrift(model.particles, [0], broken, **shape)
    shape = dict(contraction=0.7, drift_nm=0.03, width_nm=0.06)
    return BiasedDrift(model.particles, [0, 2], broken, **shape)


def scaling(model, broken=None):
    """Growth is proposed more often; in a row of three the steps are shorter."""
    n_particles = len(model.particles)
    return Scaling(model.particles, broken, mean=0.2 / n_particles, width=0.4 / n_particles)


def mixture(model, broken=None):
    return Mixture([drift(model, broken), scaling(model, broken)], [0.6, 0.4])


PROPOSERS = {"drift": drift, "scaling": scaling, "mixture": mixture}
MODELS = {"single": TiltedDoubleWell(), "coupled": CoupledParticles()}


@pytest.mark.parametrize(
    ("proposer", "temperature_k"),
    [("drift", 300.0), ("scaling", 300.0)] + [("mixture", t) for t in (200.0, 300.0, 600.0)],
)
@pytest.mark.parametrize("model", MODELS)
def test_averages_are_exact(model, proposer, temperature_k):
    made = PROPOSERS[proposer](MODELS[model])
    samples = engine_samples(MODELS[model], made, N_JUMPS, temperature_k)
    assert agrees(scores_of(MODELS[model], samples, temperature_k))


def test_averages_are_exact_with_several_tries():
    """The proposer sees the state before each try, and each is a step of the chain."""
    model = MODELS["single"]
    samples = engine_samples(model, mixture(model), N_JUMPS // 3, tries=3)
    assert len(samples) == 3 * (N_JUMPS // 3)
    assert agrees(scores_of(model, samples))


@pytest.mark.parametrize(
    ("proposer", "broken"),
    [(p, b) for p in PROPOSERS for b in RATIO_BREAKS]
    + [("scaling", "no Jacobian"), ("mixture", "no Jacobian")],
)
@pytest.mark.parametrize("model", MODELS)
def test_broken_ratios_fail_the_check(model, proposer, broken):
    made = PROPOSERS[proposer](MODELS[model], broken)
    samples = engine_samples(MODELS[model], made, N_BROKEN_JUMPS)
    assert disagrees(scores_of(MODELS[model], samples))


@pytest.mark.parametrize("temperature_k", [200.0, 600.0])
def test_another_temperature_fails_the_check(temperature_k):
    model = MODELS["single"]
    samples = engine_samples(model, mixture(model), N_BROKEN_JUMPS, temperature_k)
    assert disagrees(scores_of(model, samples, 300.0))


@pytest.mark.parametrize("model", MODELS)
def test_the_oracle_passes_the_same_check(model):
    samples = oracle_samples(MODELS[model], mixture(MODELS[model]), N_ORACLE_JUMPS)
    assert agrees(scores_of(MODELS[model], samples))


@pytest.mark.parametrize("model", MODELS)
def test_a_state_that_is_not_restored_fails_the_check(model):
    made = drift(MODELS[model])
    samples = oracle_samples(MODELS[model], made, N_ORACLE_JUMPS, broken="state not restored")
    assert disagrees(scores_of(MODELS[model], samples))
