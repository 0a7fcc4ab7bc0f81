"""Switches that are broken on purpose are found out; the same ones unbroken are not.

Walkers start from independent samples of the Boltzmann distribution, so that any change of an
average over them is a mistake.
"""

import numpy as np
import pytest

from .scores import LIMIT, agrees
from .switching_chains import KT, STEPS, STEPS_PER_CHANGE, kinetic_observables, oracle
from .switching_md import SwitchingMD
from .switching_models import AlchemicalBath, OscillatorBath, Overshoot
from .switching_moves import Move

MODEL, WALKERS, MD_STEP_PS = OscillatorBath(), 20000, 0.02
SETTINGS = dict(steps=STEPS, steps_per_change=STEPS_PER_CHANGE, time_step_ps=0.01)
PROTOCOL_WORK = SETTINGS | dict(rule="protocol work")
LOOKS = SETTINGS | dict(time_step_ps=0.02, blocks_per_check=1)
ONE_KT = LOOKS | dict(work_limit_kt=1.0)

TWINS = [
    ("morph", dict(broken="middle increment missing"), PROTOCOL_WORK),
    ("springs", dict(broken="last increment missing"), PROTOCOL_WORK),
    ("alchemical", dict(broken="last increment missing"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="not mirrored"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="not mirrored"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="u^2"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="u^2"), PROTOCOL_WORK),
    ("morph", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("springs", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("alchemical", dict(plan_broken="no last change"), PROTOCOL_WORK),
    ("springs", dict(broken="ratio at the ends"), PROTOCOL_WORK),
    ("alchemical", dict(broken="ratio at the ends"), PROTOCOL_WORK),
    ("springs", dict(broken="coupling counted"), PROTOCOL_WORK),
    ("morph", dict(broken="forward check only"), ONE_KT),
    ("springs", dict(broken="forward check only"), ONE_KT),
    ("morph", dict(broken="cut-off from the drawn number"), LOOKS),
]


def significance(change) -> np.ndarray:
    """How many standard errors the mean ``(k,)`` of changes ``(w, k)`` is away from zero."""
    return change.mean(axis=0) / (change.std(axis=0) / np.sqrt(len(change)))


def changed_positions(variant, settings, n_jumps=10, seed=1):
    """Scores of the observables of positions after some switches."""
    rng = np.random.default_rng(seed)
    x = start = MODEL.draw(WALKERS, KT, rng)
    switch = oracle(variant, MODEL, Overshoot(), rng, **settings)
    for _ in range(n_jumps):
        y, _, decided = switch.jump(x)
        x = np.where(decided.accepted[:, None, None], y, x)
    assert np.mean(x != start) > 0.05
    return significance(MODEL.observables(x) - MODEL.observables(start))


@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
@pytest.mark.parametrize("settings", [PROTOCOL_WORK, ONE_KT], ids=["protocol work", "limit"])
def test_the_oracle_keeps_the_distribution(variant, settings):
    assert agrees(changed_positions(variant, settings))


@pytest.mark.parametrize(("variant", "broken", "settings"), TWINS)
def test_broken_switches_fail_the_check(variant, broken, settings):
    scores = changed_positions(variant, settings | broken)
    assert np.all(np.isfinite(scores))
    assert np.max(np.abs(scores)) > 1.5 * LIMIT


VELOCITIES = {
    "fresh": lambda old, new, fresh, kick: fresh,
    "final velocities kept": lambda old, new, fresh, kick: new,
    # What is stored belongs to half a step before, and to the force there.
    "stored velocities kept": lambda old, new, fresh, kick: old + kick,
}


def changed_velocities(choice, n_jumps=4):
    """Scores of positions, and of on-step velocities, after switches; rejections restore both."""
    rng = np.random.default_rng(4)
    settings = SETTINGS | dict(time_step_ps=MD_STEP_PS)
    switch = oracle("morph", MODEL, Overshoot(), rng, **settings)
    x = start = MODEL.draw(WALKERS, KT, rng)
    v = begun = np.sqrt(KT / MODEL.masses) * rng.normal(size=x.shape)
    for _ in range(n_jumps):
        y, new, decided = switch.jump(x)
        kick = 0.5 * MD_STEP_PS / MODEL.masses * (MODEL.force(y) - MODEL.force(x))
        fresh = np.sqrt(KT / MODEL.masses) * rng.normal(size=x.shape)
        accepted = decided.accepted[:, None, None]
        v = np.where(accepted, VELOCITIES[choice](v, new, fresh, kick), v)
        x = np.where(accepted, y, x)
    before = kinetic_observables(MODEL, start, begun, MODEL.force(start))
    after = kinetic_observables(MODEL, x, v, MODEL.force(x))
    positions = significance(MODEL.observables(x) - MODEL.observables(start))
    return positions, significance(after - before)


def test_fresh_velocities_after_acceptance_pass_the_check():
    positions, velocities = changed_velocities("fresh")
    assert agrees(positions)
    assert agrees(velocities)


@pytest.mark.parametrize("broken", ["final velocities kept", "stored velocities kept"])
def test_kept_velocities_fail_the_check_of_velocities_alone(broken):
    """Positions look right until MD goes on with such velocities."""
    positions, velocities = changed_velocities(broken)
    assert agrees(positions)
    assert np.all(np.isfinite(velocities))
    assert np.max(np.abs(velocities)) > 1.5 * LIMIT


def changed_by_md_and_jumps(landscape, n_rounds=6):
    """Scores after MD in a potential that alternates with alchemical switches of `MODEL`."""
    rng = np.random.default_rng(5)
    switch = oracle("alchemical", MODEL, Overshoot(), rng, **PROTOCOL_WORK)
    md = SwitchingMD(Move(landscape, [0], None), rng, KT, 0.01, friction_per_ps=5.0)
    x = start = MODEL.draw(WALKERS, KT, rng)
    for _ in range(n_rounds):
        x, _, _ = md.propagate(x, md.maxwell(x), 0.0, 10)
        y, _, decided = switch.jump(x)
        x = np.where(decided.accepted[:, None, None], y, x)
    return significance(MODEL.observables(x) - MODEL.observables(start))


def test_md_in_the_real_system_passes_the_check():
    assert agrees(changed_by_md_and_jumps(MODEL))


def test_md_in_the_alchemical_system_with_a_correction_in_the_jump_fails():
    scores = changed_by_md_and_jumps(AlchemicalBath())
    assert np.all(np.isfinite(scores))
    assert np.max(np.abs(scores)) > 1.5 * LIMIT
