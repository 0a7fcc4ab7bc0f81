"""Switches with a surrogate energy: exact however wrong it is, unless it decides in a wrong way.

The surrogate joins the particle that leaps to one that does not, so that the way back meets it
among others than the way there.
"""

import numpy as np
import pytest

from .scores import LIMIT, agrees, block_scores
from .switching_chains import (
    KINETIC_EXACT,
    KT,
    STEPS,
    STEPS_PER_CHANGE,
    engine_states,
    kinetic_observables,
    oracle,
    protocol,
)
from .switching_models import OscillatorBath, Overshoot
from .switching_surrogate import WrongBond
from .switching_twin import compare

MODEL, WALKERS = OscillatorBath(), 20000
SETTINGS = dict(steps=STEPS, steps_per_change=STEPS_PER_CHANGE, time_step_ps=0.02)
LIMIT_KT = dict(work_limit_kt=1.5, blocks_per_check=1)
NEAR = dict(reach_nm=0.13)
LOOSE = dict(work_limit_kt=5.0, blocks_per_check=1)
RULES = ("protocol work", "total work", "metropolized steps")


def native(settings):
    """Return the settings of the engine: the same with a `BatchedEnergy`."""
    return settings | dict(surrogate=settings["surrogate"].batched())


@pytest.mark.parametrize("limit", [{}, LIMIT_KT, {"reach_nm": 0.03}], ids=["", "limit", "reach"])
@pytest.mark.parametrize("margin_kt", [0.0, 0.4])
@pytest.mark.parametrize("rule", RULES)
def test_engine_and_oracle_agree(rule, margin_kt, limit):
    settings = dict(steps=8, steps_per_change=2, time_step_ps=0.01, rule=rule) | limit
    settings |= dict(surrogate=WrongBond(), surrogate_margin_kt=margin_kt)
    leap = Overshoot(contraction=0.8, width_nm=0.015)
    records = compare(
        MODEL.system(),
        MODEL.start_nm(),
        leap,
        protocol("morph", **native(settings)),
        lambda landscape, leap, draws: oracle("morph", MODEL, leap, draws, **settings),
        n_jumps=40,
    )
    assert 1 < sum(record.accepted for record in records) < 39
    assert any(record.reason == "surrogate" for record in records)
    assert bool(limit) == any(record.reason == "terminated" for record in records)


@pytest.mark.parametrize(
    ("margin_kt", "limit"), [(0.0, {}), (0.0, LOOSE), (1.0, LOOSE | dict(reach_nm=0.15))]
)
def test_the_engine_samples_the_boltzmann_distribution(margin_kt, limit):
    settings = SETTINGS | limit | dict(surrogate=WrongBond(), surrogate_margin_kt=margin_kt)
    switch = protocol("morph", **native(settings))
    _, x, v, force = engine_states(MODEL, Overshoot(), switch, 5000)
    samples = np.concatenate([MODEL.observables(x), kinetic_observables(MODEL, x, v, force)], 1)
    exact = np.append(MODEL.exact(300.0), KINETIC_EXACT)
    assert agrees(block_scores(samples[100:], exact))


def changed_positions(settings, n_jumps=10):
    """Scores of the observables of positions after some switches, from independent samples."""
    rng = np.random.default_rng(1)
    x = start = MODEL.draw(WALKERS, KT, rng)
    switch = oracle("morph", MODEL, Overshoot(), rng, surrogate=WrongBond(), **settings)
    for _ in range(n_jumps):
        y, _, decided = switch.jump(x)
        x = np.where(decided.accepted[:, None, None], y, x)
    assert np.mean(x != start) > 0.05
    change = MODEL.observables(x) - MODEL.observables(start)
    return change.mean(axis=0) / (change.std(axis=0) / np.sqrt(WALKERS))


@pytest.mark.parametrize("limit", [{}, LIMIT_KT, NEAR], ids=["", "limit", "reach"])
@pytest.mark.parametrize("margin_kt", [0.0, 1.0])
def test_the_oracle_passes_the_check(margin_kt, limit):
    assert agrees(changed_positions(SETTINGS | limit | dict(surrogate_margin_kt=margin_kt)))


@pytest.mark.parametrize(
    ("broken", "limit"),
    [
        (dict(surrogate_broken="decided twice"), {}),
        (dict(surrogate_broken="way back forgotten"), {}),
        (dict(surrogate_broken="others of the start"), {}),
        (dict(broken="forward check only"), LIMIT_KT),
        (dict(surrogate_broken="reach of the end"), dict(reach_nm=0.07)),
    ],
)
def test_broken_surrogates_fail_the_check(broken, limit):
    scores = changed_positions(SETTINGS | limit | broken)
    assert np.all(np.isfinite(scores))
    assert np.max(np.abs(scores)) > 1.5 * LIMIT
