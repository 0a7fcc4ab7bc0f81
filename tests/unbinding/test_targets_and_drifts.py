"""Targets accumulate in the receptor's frame, and drifts say where to go."""

import numpy as np
from scipy.spatial.transform import Rotation

from openmm_genmd.representations.superposition import superpose
from openmm_genmd.unbinding.drifts import RandomDrift, ZeroDrift
from openmm_genmd.unbinding.targets import accumulated_target

IS_LIGAND = np.arange(14) >= 9


def complex_nm(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.3, size=(14, 3))


def turned(x: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return Rotation.random(rng=rng).apply(x) + rng.normal(size=3)


def step_of(x: np.ndarray, seed: int) -> np.ndarray:
    """The ligand moves rigidly, the receptor stays."""
    moved = x.copy()
    rng = np.random.default_rng(seed)
    centre = x[IS_LIGAND].mean(axis=0)
    turn = Rotation.from_rotvec(rng.normal(scale=0.3, size=3))
    moved[IS_LIGAND] = turn.apply(x[IS_LIGAND] - centre) + centre + rng.normal(scale=0.1, size=3)
    return moved


def test_without_lag_the_target_is_what_was_proposed() -> None:
    x = complex_nm()
    proposed = step_of(x, 2)
    np.testing.assert_allclose(
        accumulated_target(proposed, x, x, x, IS_LIGAND), proposed, atol=1e-12
    )


def test_a_proposed_change_of_shape_is_made() -> None:
    x = complex_nm()
    proposed = step_of(x, 2)
    proposed[IS_LIGAND] += np.random.default_rng(12).normal(scale=0.02, size=(5, 3))
    np.testing.assert_allclose(
        accumulated_target(proposed, x, x, x, IS_LIGAND), proposed, atol=1e-12
    )


def test_no_step_leaves_the_centers_where_they_are() -> None:
    x, centres = complex_nm(), step_of(complex_nm(), 3)  # far from where the ligand is
    centres[~IS_LIGAND] += 0.01
    np.testing.assert_allclose(accumulated_target(x, x, x, centres, IS_LIGAND), centres, atol=1e-12)


def test_steps_add_up_while_the_ligand_lags_behind() -> None:
    stuck = complex_nm()
    steps = [step_of(stuck, seed) for seed in (4, 5, 6)]
    centres = stuck
    for proposed in steps:
        centres = accumulated_target(proposed, stuck, stuck, centres, IS_LIGAND)
    expected = stuck[IS_LIGAND]
    for proposed in steps:  # each step as a rotation about the center and a shift of it
        start, end = (x[IS_LIGAND] - x[IS_LIGAND].mean(axis=0) for x in (stuck, proposed))
        turn = Rotation.align_vectors(end, start)[0]
        middle = expected.mean(axis=0)
        shift = proposed[IS_LIGAND].mean(axis=0) - stuck[IS_LIGAND].mean(axis=0)
        expected = turn.apply(expected - middle) + middle + shift
    np.testing.assert_allclose(centres[IS_LIGAND], expected, atol=1e-12)


def test_targets_turn_with_the_receptor() -> None:
    before, present = complex_nm(), step_of(complex_nm(), 7)
    proposed, centres = step_of(before, 8), step_of(before, 9)
    target = accumulated_target(proposed, before, present, centres, IS_LIGAND)
    # The model's frames may lie anywhere ...
    elsewhere = turned(np.concatenate([proposed, before]), 10)
    again = accumulated_target(elsewhere[:14], elsewhere[14:], present, centres, IS_LIGAND)
    np.testing.assert_allclose(again, target, atol=1e-12)
    # ... and targets go where the complex goes.
    both = turned(np.concatenate([present, centres]), 11)
    moved = accumulated_target(proposed, before, both[:14], both[14:], IS_LIGAND)
    np.testing.assert_allclose(
        superpose(moved[None], target[None], np.ones((1, 14), bool))[0], target, atol=1e-12
    )
    assert np.abs(moved - target).max() > 0.1


def test_random_steps_are_rigid_isotropic_and_as_long_as_promised() -> None:
    drift, x = RandomDrift(IS_LIGAND, shift_nm=0.15, turn_rad=0.4), complex_nm()
    rngs = [np.random.default_rng(n) for n in range(2000)]
    frames = drift.propose([x[None]] * len(rngs), rngs, 1)[:, 0]
    assert (frames[:, ~IS_LIGAND] == x[~IS_LIGAND]).all()
    ligand, start = frames[:, IS_LIGAND], x[IS_LIGAND]
    between = np.linalg.norm(ligand[:, :, None] - ligand[:, None], axis=-1)
    np.testing.assert_allclose(
        between, np.broadcast_to(np.linalg.norm(start[:, None] - start, axis=-1), between.shape)
    )
    shifts = ligand.mean(axis=1) - start.mean(axis=0)
    squares = (shifts**2).sum(axis=1)
    standard_error = squares.std() / np.sqrt(len(squares))
    assert abs(squares.mean() - 0.15**2) < 4 * standard_error
    assert (np.abs(shifts.mean(axis=0)) < 4 * shifts.std(axis=0) / np.sqrt(len(shifts))).all()


def test_random_steps_are_as_long_as_those_of_another_drift() -> None:
    known = RandomDrift(IS_LIGAND, shift_nm=0.12, turn_rad=0.3)
    rngs = [np.random.default_rng(n) for n in range(400)]
    found = RandomDrift.as_far_as(known, [complex_nm()[None]] * 400, rngs, IS_LIGAND)
    assert abs(found.shift_nm / 0.12 - 1) < 0.05
    assert abs(found.turn_rad / 0.3 - 1) < 0.05


def test_a_walkers_random_steps_do_not_depend_on_the_others() -> None:
    drift, x = RandomDrift(IS_LIGAND, shift_nm=0.12, turn_rad=0.3), complex_nm()[None]
    alone = drift.propose([x], [np.random.default_rng(2)], 3)[0]
    both = drift.propose([x, x], [np.random.default_rng(1), np.random.default_rng(2)], 3)
    np.testing.assert_array_equal(alone, both[1])


def test_zero_drift_repeats_the_present_frame() -> None:
    history = np.stack([complex_nm(1), complex_nm(2)])
    frames = ZeroDrift().propose([history], [np.random.default_rng(1)], 2)
    np.testing.assert_array_equal(frames[0], np.stack([history[1]] * 2))
