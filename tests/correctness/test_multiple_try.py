"""Many candidates per attempt, surrogates and waste recycling, against exact averages.

The surrogates are wrong on purpose: in the right chain they only cost acceptance.
"""

import numpy as np
import pytest

from openmm_genmd import GenerativeJumpIntegrator, MultipleTry, RecycledObservable

from .batch_proposers import BatchDrift, NarrowNormal, OneOfARow
from .exact_models import CoupledParticles, TiltedDoubleWell, kt
from .multiple_try_oracle import oracle_chain
from .running import langevin, start
from .scores import agrees, block_scores, disagrees

N_JUMPS, N_ORACLE_JUMPS, N_CANDIDATES = 4000, 3000, 6
SINGLE, ROW = TiltedDoubleWell(), CoupledParticles()


def wrong(positions_nm):
    """Energy of the double well tilted the other way, with springs twice as stiff."""
    flipped = positions_nm * np.array([-1.0, -1.0, 1.0])
    return 1.5 * SINGLE.energy(flipped)


def wrong_row(positions_nm):
    """Half of the energy of the row, and a field along y."""
    return 0.5 * ROW.energy(positions_nm) - 30 * positions_nm[:, :, 1].sum(axis=1)


CASES = {
    "independent": (SINGLE, NarrowNormal, wrong),
    "conditional": (SINGLE, BatchDrift, wrong),
    "block": (ROW, OneOfARow, wrong_row),
}


def scores_of(model, samples) -> np.ndarray:
    observed = model.observables(samples[len(samples) // 20 :])
    return block_scores(observed, model.exact(300.0))


def run(model, proposer, protocol, n_jumps=N_JUMPS, observer=None):
    integrator = GenerativeJumpIntegrator(langevin(), proposer, 4, protocol=protocol, seed=3)
    integrator.setCandidateObserver(observer)
    context = start(model.system(), integrator, model.start_nm())
    integrator.step(4 * n_jumps)
    del context
    return integrator


@pytest.mark.parametrize("with_surrogate", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_averages_are_exact(case, with_surrogate):
    model, proposer_type, surrogate = CASES[case]
    proposer = proposer_type()
    run(model, proposer, MultipleTry(N_CANDIDATES, surrogate if with_surrogate else None))
    assert len(proposer.samples()) == N_JUMPS
    assert agrees(scores_of(model, proposer.samples()))


def test_more_candidates_are_accepted_more_often_and_a_wrong_surrogate_costs_acceptance():
    rates = [
        run(SINGLE, NarrowNormal(), MultipleTry(k, surrogate), 2000).getAcceptanceRate()
        for k, surrogate in [(1, None), (8, None), (8, wrong)]
    ]
    assert rates[0] + 0.2 < rates[1]
    assert rates[2] + 0.1 < rates[1]


def test_a_conditional_density_taken_for_an_independent_one_fails_the_check():
    proposer = BatchDrift(lies=True)
    run(SINGLE, proposer, MultipleTry(N_CANDIDATES))
    assert disagrees(scores_of(SINGLE, proposer.samples()))


def test_a_block_chosen_by_the_state_fails_the_check():
    proposer = OneOfARow(by_state=True)
    run(ROW, proposer, MultipleTry(N_CANDIDATES))
    assert disagrees(scores_of(ROW, proposer.samples()))


@pytest.mark.parametrize("with_surrogate", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_oracle_passes_the_same_check(case, with_surrogate):
    model, proposer_type, surrogate = CASES[case]
    samples, recycled = oracle_chain(
        model,
        proposer_type(),
        kt(300.0),
        N_ORACLE_JUMPS,
        N_CANDIDATES,
        surrogate if with_surrogate else None,
    )
    assert agrees(scores_of(model, samples))
    assert agrees(block_scores(recycled, model.exact(300.0)))


@pytest.mark.parametrize(
    ("broken", "k"), [("no delayed acceptance", N_CANDIDATES), ("current left out", 2)]
)
@pytest.mark.parametrize("case", CASES)
def test_broken_acceptance_fails_the_check(case, broken, k):
    model, proposer_type, surrogate = CASES[case]
    samples, _ = oracle_chain(
        model, proposer_type(), kt(300.0), N_ORACLE_JUMPS, k, surrogate, broken
    )
    assert disagrees(scores_of(model, samples))


def test_recycling_the_candidates_of_a_surrogate_fails_the_check():
    proposer = NarrowNormal()
    _, recycled = oracle_chain(
        SINGLE, proposer, kt(300.0), N_ORACLE_JUMPS, N_CANDIDATES, wrong, "surrogate recycled"
    )
    assert agrees(scores_of(SINGLE, proposer.samples()))  # the chain itself is right
    assert disagrees(block_scores(recycled, SINGLE.exact(300.0)))


@pytest.mark.parametrize("with_surrogate", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_recycled_averages_are_exact(case, with_surrogate):
    model, proposer_type, surrogate = CASES[case]
    recycled = RecycledObservable(model.observables)
    protocol = MultipleTry(N_CANDIDATES, surrogate if with_surrogate else None)
    run(model, proposer_type(), protocol, observer=recycled)
    assert recycled.n_attempts == N_JUMPS
    assert agrees(block_scores(recycled.values[N_JUMPS // 20 :], model.exact(300.0)))


def test_recycling_all_candidates_narrows_the_error():
    """Without a surrogate every candidate counts, so that the variance per attempt falls."""
    proposer, recycled = NarrowNormal(), RecycledObservable(SINGLE.observables)
    run(SINGLE, proposer, MultipleTry(16), 4000, recycled)
    plain = SINGLE.observables(proposer.samples())
    ratios = recycled.values.var(axis=0) / plain.var(axis=0)
    assert np.all(ratios < 0.9)
    assert ratios.mean() < 0.6


def test_ratio_and_pick_are_those_of_the_formula():
    """log ratio = log W - log W' + (V(y) - V(x))/kT for one of the candidates, picked by weight."""
    proposer, k = NarrowNormal(), 4
    integrator = run(SINGLE, proposer, MultipleTry(k, wrong), 3000)
    positions, kt_kj = proposer.samples(), kt(300.0)
    expected, observed = np.zeros(k), np.zeros(k)
    for x, (y, _), record in zip(positions, proposer.drawn, integrator.getRecords(), strict=True):
        w, w_x = [
            np.exp(-wrong(c) / kt_kj - proposer.log_density(c, x, None)) for c in (y, x[None])
        ]
        change = (wrong(y) - wrong(x[None])) / kt_kj
        ratios = np.log(w.sum() / (w.sum() - w + w_x)) + change
        works = SINGLE.energy(y) - SINGLE.energy(x[None])
        pick = int(np.argmin(np.abs(ratios - record.log_ratio)))
        np.testing.assert_allclose(record.log_ratio, ratios[pick], atol=1e-8)
        np.testing.assert_allclose(record.work_kj_per_mol, works[pick], atol=1e-8)
        by_weight = np.argsort(w)
        expected += w[by_weight] / w.sum()
        observed[np.flatnonzero(by_weight == pick)] += 1
    assert np.all(np.abs(observed - expected) < 4 * np.sqrt(expected))
