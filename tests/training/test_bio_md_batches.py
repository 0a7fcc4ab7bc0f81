"""Windows of trajectories: which, how aligned, which frames known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.models.bio_md_config import BioMDConfig
from openmm_genmd.representations.complex_atoms import ComplexAtoms
from openmm_genmd.training.bio_md_batches import ComplexBatches
from openmm_genmd.training.complex_trajectories import (
    ComplexTrajectories,
    WindowShape,
    measure_scales,
)

from ..representations.small_complexes import (
    heavy_positions_nm,
    leaving,
    small_complex,
    small_topology,
)

CONFIG = BioMDConfig(
    width=16,
    pair_width=4,
    heads=2,
    encoder_layers=1,
    trajectory_layers=1,
    coarse_factor=4,
    block_frames=3,
)
DIRECTIONS = ([0, 0, 1.0], [0.6, 0, 0.8], [0, -0.6, 0.8])


def trajectories(**changes):
    positions = tuple(leaving(40, d, seed=n) for n, d in enumerate(DIRECTIONS))
    values = {
        "name": "ring",
        "atoms": small_complex(),
        "positions_nm": positions,
        "frame_interval_ps": 0.5,
        "weights": np.ones(3),
    }
    return ComplexTrajectories(**values | changes)


def part_of_complex():
    """The same without the last heavy atom of the guest, as another complex."""
    atoms = ComplexAtoms.of(small_topology(), [18, 19, 20], receptor=range(6))
    positions = tuple(p[:, :9] for p in trajectories().positions_nm)
    return trajectories(name="part", atoms=atoms, positions_nm=positions)


def batches(sources=None, **changes):
    values = {"batch_size": 6, "seed": 0} | changes
    return ComplexBatches(sources or [trajectories()], CONFIG, **values)


def distances(frames):
    return np.linalg.norm(frames[..., :, None, :] - frames[..., None, :, :], axis=-1)


@pytest.mark.parametrize("fine", [0.0, 1.0])
def test_windows_are_frames_of_a_trajectory_at_the_right_times(fine):
    source = trajectories()
    made = batches(fine_share=fine, short_share=0.0)
    seen = set()
    inner = [distances(10.0 * p.astype(float)) for p in source.positions_nm]
    for step in range(8):
        batch = made.draw(step, range(6))
        stride = 1 if fine else 4
        assert (batch["is_fine"] == bool(fine)).all()
        for row in range(6):
            found = distances(batch["positions_angstrom"][row].astype(float))
            offsets = batch["offsets"][row]
            matches = [
                (k, start)
                for k, all_frames in enumerate(inner)
                for start in range(40)
                if np.abs(all_frames[start] - found[0]).max() < 1e-4
            ]
            ((k, start),) = matches
            for n in range(len(offsets)):
                np.testing.assert_allclose(inner[k][start + stride * n], found[n], atol=1e-4)
            seen.add(k)
        known = np.isin(batch["offsets"][0], (0, 4)) if fine else batch["offsets"][0] < 1
        assert (batch["tau"][:, known] == 1.0).all()
        assert (batch["tau"][:, ~known] < 1.0).all()
    assert seen == {0, 1, 2}


def test_histories_and_short_blocks_come():
    made = batches(fine_share=0.2, short_share=0.5)
    shapes = {tuple(made.draw(step, range(1))["offsets"][0].tolist()) for step in range(60)}
    assert {(0, 1, 2, 3), (-1, 0, 1, 2, 3), (0, 1, 2, 3, 4), (0, 1)} <= shapes
    long = {len(s) for s in shapes if s[-1] < 4}
    assert long == {2, 3, 4, 5}
    assert WindowShape.coarse(CONFIG, history=2, new=3).span == 17


def test_frames_lie_where_the_receptor_of_the_last_known_one_lies():
    source = trajectories()
    turns = Rotation.random(120, rng=np.random.default_rng(3)).as_matrix().reshape(3, 40, 3, 3)
    tumbling = tuple(
        (p @ r + np.random.default_rng(4).normal(size=(40, 1, 3))).astype(np.float32)
        for p, r in zip(source.positions_nm, turns, strict=True)
    )
    still = batches().draw(3, range(6))
    moved = batches([trajectories(positions_nm=tumbling)]).draw(3, range(6))
    np.testing.assert_allclose(moved["positions_angstrom"], still["positions_angstrom"], atol=2e-4)
    receptor = still["positions_angstrom"][:, :, :6]
    assert np.abs(receptor - receptor[:, :1]).max() < 0.2  # superposed, it only shakes
    assert np.abs(receptor[:, still["offsets"][0] == 0].mean(axis=2)).max() < 1e-4


def test_random_rotations_turn_each_example():
    plain, turned = (batches(random_rotations=r).draw(1, range(6)) for r in (False, True))
    again = batches(random_rotations=True).draw(1, range(6))
    np.testing.assert_array_equal(turned["positions_angstrom"], again["positions_angstrom"])
    receptor = turned["positions_angstrom"][:, 0, :6]
    spread = np.abs(receptor - receptor[:1]).max()
    same = plain["positions_angstrom"][:, 0, :6]
    assert spread > 1.0 > np.abs(same - same[:1]).max()
    inner = distances(turned["positions_angstrom"].astype(float))
    assert np.isfinite(inner).all()


def test_rows_do_not_depend_on_the_others():
    made = batches([trajectories(), part_of_complex()])
    whole = made.draw(5, range(6))
    for name, array in made.draw(5, range(2, 4)).items():
        np.testing.assert_array_equal(array, whole[name][2:4])
    assert any((whole["noise"] != made.draw(6, range(6))["noise"]).ravel())


def test_complexes_of_different_size_are_padded():
    made = batches([trajectories(), part_of_complex()], batch_size=12)
    batch = made.draw(0, range(12))
    sizes = batch["mask"].sum(axis=1)
    assert set(sizes.tolist()) == {9, 10}
    small = int(np.flatnonzero(sizes == 9)[0])
    atoms = part_of_complex().atoms
    np.testing.assert_array_equal(batch["features"][small, :9], atoms.features)
    np.testing.assert_array_equal(batch["separations"][small, :9, :9], atoms.separations)
    assert batch["positions_angstrom"][small, :, 9].max() == 0.0
    bonds = batch["ligand_bonds"][small]
    assert {tuple(b) for b in bonds.tolist() if b[0] != b[1]} == {(6, 7), (7, 8)}


def test_weights_say_how_often_a_trajectory_is_drawn():
    source = trajectories(weights=np.array([0.0, 3.0, 1.0]))
    made = batches([source], fine_share=0.0, short_share=0.0, batch_size=100)
    count = np.zeros(3)
    inner = [distances(10.0 * p.astype(float)) for p in source.positions_nm]
    for step in range(4):
        for found in distances(
            made.draw(step, range(100))["positions_angstrom"][:, 0].astype(float)
        ):
            count[[np.abs(x - found).max(axis=(1, 2)).min() < 1e-4 for x in inner]] += 1
    assert count[0] == 0
    expected, error = 300, np.sqrt(400 * 0.75 * 0.25)
    assert abs(count[1] - expected) < 4 * error
    assert abs(count[1] - 200) > 4 * error  # a twin that ignores them


def test_known_frames_are_rough_in_half_of_the_examples():
    source = trajectories()
    rough = tuple(p + np.float32(0.5) * (np.arange(10) == 9)[:, None] for p in source.positions_nm)
    source = dataclasses.replace(source, unsmoothed_nm=rough)
    made = batches([source], batch_size=200, fine_share=0.0, short_share=0.0)
    batch = made.draw(0, range(200))
    known = batch["offsets"][0] < 1
    bond = np.linalg.norm(
        batch["positions_angstrom"][:, :, 9] - batch["positions_angstrom"][:, :, 8], axis=-1
    )
    assert (bond[:, ~known] < 2.0).all()
    share = (bond[:, known] > 4.0).mean()
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 200)


def test_flow_times():
    tau = batches(batch_size=400, fine_share=0.0, short_share=0.0).draw(0, range(400))["tau"]
    unknown = tau[:, (tau < 1.0).any(axis=0)]
    common = (unknown == unknown[:, :1]).all(axis=1)
    assert abs(common.mean() - 0.5) < 4 * np.sqrt(0.25 / 400)
    for values in (unknown[common, 0], unknown[~common].ravel()):
        assert abs(values.mean() - 0.5) < 4 * np.sqrt(1 / 12 / len(values))
        assert abs((values < 0.25).mean() - 0.25) < 4 * np.sqrt(0.1875 / len(values))


def test_scales_are_root_mean_squares():
    source = trajectories()
    scales = measure_scales([source], CONFIG)
    assert (len(scales.coarse), len(scales.fine)) == (3, 4)
    squares = np.zeros(3)
    for positions in source.positions_nm:
        for start in range(40 - 12):
            for offset in (1, 2, 3):
                moved = 10.0 * (positions[start + 4 * offset, 6:] - positions[start, 6:])
                squares[offset - 1] += (moved.astype(float) ** 2).mean() / 28 / 3
    found = [ligand for _, ligand, _ in scales.coarse]
    assert found == pytest.approx(np.sqrt(squares), rel=0.05)
    # They shake by 0.02 Angstrom each, less than what is told from noise; the guest is rigid.
    assert {row[0] for row in scales.coarse} == {row[2] for row in scales.coarse} == {0.05}
    # Only what is trained on counts.
    one = measure_scales([trajectories(weights=np.array([1.0, 0, 0]))], CONFIG)
    alone = measure_scales(
        [trajectories(positions_nm=source.positions_nm[:1], weights=np.ones(1))], CONFIG
    )
    assert one == alone


def test_what_a_ligand_does_beside_rigid_motions_is_measured():
    rng = np.random.default_rng(0)
    source = trajectories()
    shaken = [p + 0.03 * rng.normal(size=p.shape) for p in source.positions_nm]
    shaken = trajectories(positions_nm=tuple(p.astype(np.float32) for p in shaken))
    scales = measure_scales([shaken], CONFIG)
    # Differences of two draws of 0.3 Angstrom; six of twelve numbers of four atoms are rigid.
    for _, whole, inner in scales.coarse:
        assert inner == pytest.approx(0.3 * np.sqrt(2) * np.sqrt(0.5), rel=0.1)
        assert whole > 1.3 * inner


def test_division_is_by_trajectories():
    source = trajectories(weights=np.array([1.0, 0.0, 2.0]))
    training, held_out = source.divide(0.3, np.random.default_rng(0))
    assert (len(training.positions_nm), len(held_out.positions_nm)) == (1, 1)
    both = [*training.positions_nm, *held_out.positions_nm]
    assert {id(p) for p in both} == {id(source.positions_nm[k]) for k in (0, 2)}
    assert source.divide(0.0, np.random.default_rng(0)) == (source, None)
    single = trajectories(positions_nm=source.positions_nm[:1], weights=np.ones(1))
    assert single.divide(0.5, np.random.default_rng(0)) == (single, None)


def test_digest_is_that_of_everything():
    first = batches().sha256
    assert batches().sha256 == first
    other = trajectories(weights=np.array([1.0, 1.0, 2.0]))
    for changed in (
        batches(seed=1),
        batches(fine_share=0.5),
        batches(random_rotations=True),
        batches([other]),
        batches([dataclasses.replace(trajectories(), unsmoothed_nm=trajectories().positions_nm)]),
    ):
        assert changed.sha256 != first


def test_errors():
    source = trajectories()
    with pytest.raises(ValueError, match="ring: expected a trajectory at least, got none"):
        trajectories(positions_nm=(), weights=np.ones(0))
    with pytest.raises(
        ValueError, match=r"ring, trajectory 1: expected shape \(T, 10, 3\).*9, 3\)"
    ):
        trajectories(positions_nm=(source.positions_nm[0], source.positions_nm[1][:, :9]))
    broken = source.positions_nm[0].copy()
    broken[3, 2, 1] = np.nan
    with pytest.raises(ValueError, match="ring, trajectory 0 is not finite; leave it out, or cut"):
        trajectories(positions_nm=(broken,), weights=np.ones(1))
    with pytest.raises(ValueError, match="frame_interval_ps must be positive, got 0"):
        trajectories(frame_interval_ps=0.0)
    for weights in (np.ones(2), np.zeros(3), np.array([1.0, -1.0, 1.0])):
        with pytest.raises(ValueError, match="expected 3 weights that are not negative"):
            trajectories(weights=weights)
    with pytest.raises(ValueError, match="unsmoothed_nm must have the shapes of positions_nm"):
        trajectories(unsmoothed_nm=source.positions_nm[:2])
    with pytest.raises(ValueError, match="expected at least one complex to learn from, got none"):
        ComplexBatches([], CONFIG, batch_size=1, seed=0)
    short = tuple(p[:16] for p in source.positions_nm)
    with pytest.raises(ValueError, match="longest trajectory has 16 frames, expected 17 at least"):
        batches([trajectories(positions_nm=short)])
    assert heavy_positions_nm().shape == (10, 3)
