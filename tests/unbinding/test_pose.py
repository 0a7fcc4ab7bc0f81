"""Poses: they turn with the ligand, do not see the motion of the whole, and know what is rigid."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.rotatable_bonds import Torsion, find_torsions
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.pose import PoseFrame, Poses
from openmm_genmd.unbinding.pose_groups import ligand_triangle, receptor_sectors

from .made_up import made_up
from .small_complex import small_complex

B2 = bundled_complex("cb7-b2")
FRAME = PoseFrame.of(B2)


def conformations(rng: np.random.Generator, n: int = 4) -> np.ndarray:
    return B2.positions_nm + rng.normal(scale=0.01, size=(n, *B2.positions_nm.shape))


def straight(**sizes) -> BoundComplex:
    return BoundComplex.of(made_up(**sizes), "LIG", name="straight")


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_motion_of_the_whole_is_not_seen_and_that_of_the_ligand_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = conformations(rng)
    turns = Rotation.random(4, random_state=rng).as_matrix()
    shifts = rng.normal(scale=2.0, size=(4, 1, 3))
    poses = FRAME.poses(x)
    moved = FRAME.poses(np.einsum("nij,npj->npi", turns, x) + shifts)
    np.testing.assert_allclose(moved.places_nm, poses.places_nm, atol=1e-11)
    np.testing.assert_allclose(moved.rotations, poses.rotations, atol=1e-11)

    center = x[:, B2.ligand_heavy].mean(axis=1, keepdims=True)
    turned = np.einsum("nij,npj->npi", turns, x[:, B2.ligand] - center) + center + shifts
    y = x.copy()
    y[:, B2.ligand] = turned
    alone = FRAME.poses(y)
    # The receptor's axes in the laboratory, from what the ligand's do.
    axes = receptor_axes(x)
    np.testing.assert_allclose(
        alone.places_nm - poses.places_nm,
        np.einsum("nki,nk->ni", axes, shifts[:, 0]),
        atol=1e-11,
    )
    expected = np.swapaxes(axes, 1, 2) @ turns @ axes @ poses.rotations
    np.testing.assert_allclose(alone.rotations, expected, atol=1e-11)


def receptor_axes(x: np.ndarray) -> np.ndarray:
    """Gram and Schmidt, one conformation at a time."""
    found = []
    for frame in x:
        one, two, three = (frame[group].mean(axis=0) for group in FRAME.receptor_groups)
        first = (two - one) / np.linalg.norm(two - one)
        second = (three - one) - first * (first @ (three - one))
        second /= np.linalg.norm(second)
        found.append(np.stack([first, second, np.cross(first, second)], axis=1))
    return np.array(found)


def test_rotations_are_rotations_and_the_place_is_that_of_the_center() -> None:
    x = conformations(np.random.default_rng(2))
    poses = FRAME.poses(x)
    np.testing.assert_allclose(np.linalg.det(poses.rotations), 1.0, atol=1e-12)
    np.testing.assert_allclose(
        np.swapaxes(poses.rotations, 1, 2) @ poses.rotations,
        np.tile(np.eye(3), (4, 1, 1)),
        atol=1e-12,
    )
    corners = np.stack([x[:, group].mean(axis=1) for group in FRAME.receptor_groups])
    apart = np.linalg.norm(x[:, B2.ligand_heavy].mean(axis=1) - corners.mean(axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(poses.places_nm, axis=1), apart, atol=1e-12)
    single = FRAME.poses(x.astype(np.float32))
    assert single.places_nm.dtype == single.rotations.dtype == np.float64
    np.testing.assert_allclose(single.places_nm, poses.places_nm, atol=2e-6)


@pytest.mark.parametrize("name", ["cb7-b2", "cb7-viologen", "l99a-p-xylene"])
def test_groups_do_not_depend_on_how_the_complex_lies(name: str) -> None:
    bound = bundled_complex(name)
    groups = receptor_sectors(bound)
    sizes = [len(group) for group in groups]
    assert max(sizes) - min(sizes) <= 1
    atoms = np.concatenate(groups)
    if name.startswith("l99a"):
        names = [atom.name for atom in bound.topology.atoms()]
        assert {names[n] for n in atoms} == {"CA"}
        residues = [atom.residue.index for atom in bound.topology.atoms()]
        assert len(atoms) == len({residues[n] for n in bound.pocket})
    else:
        np.testing.assert_array_equal(np.sort(atoms), bound.receptor_heavy)
    for seed in range(3):
        turn = Rotation.random(random_state=seed).as_matrix()
        lying = replace(bound, positions_nm=bound.positions_nm @ turn.T + seed)
        for group, again in zip(groups, receptor_sectors(lying), strict=True):
            np.testing.assert_array_equal(group, again)
        for group, again in zip(ligand_triangle(bound), ligand_triangle(lying), strict=True):
            np.testing.assert_array_equal(group, again)


def test_groups_are_those_of_the_pocket_where_there_is_one() -> None:
    pocket = bundled_complex("l99a-p-xylene", pocket_nm=0.8)
    assert len(pocket.pocket) < len(pocket.receptor)
    assert set(np.concatenate(receptor_sectors(pocket))) <= set(pocket.pocket.tolist())


def test_sectors_are_thirds_of_a_ring() -> None:
    groups = receptor_sectors(small_complex())
    assert sorted(np.concatenate(groups).tolist()) == list(range(8))
    # Neighbors on the ring stay together.
    assert all(len(np.flatnonzero(np.diff(np.sort(g)) != 1)) <= 1 for g in groups)


def test_the_ligands_triangle_is_rigid() -> None:
    viologen = bundled_complex("cb7-viologen")
    triangle = np.concatenate(ligand_triangle(viologen))
    others = np.setdiff1d(viologen.ligand_heavy, triangle)
    rng = np.random.default_rng(3)
    frames = np.repeat(viologen.positions_nm[None], 10, axis=0)
    frames[:, triangle] += rng.normal(scale=0.1, size=(10, 3, 3))
    frames[:, others] += rng.normal(scale=0.001, size=(10, len(others), 3))
    assert len(set(triangle) & set(np.concatenate(ligand_triangle(viologen, frames)))) == 0


def test_of_rigid_triangles_the_tallest_is_taken() -> None:
    ring = small_complex()
    x = ring.positions_nm.copy()
    x[8:] = [[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0.3, 0.3, 0]]
    triangle = np.concatenate(ligand_triangle(ring, x[None]))
    # Atoms 8, 9, 10 and 11 are (0, 0), (1, 0), (0, 1), (3, 3): heights .07, .1/.42, ...
    np.testing.assert_array_equal(triangle, [9, 10, 11])
    floppy = np.repeat(x[None], 2, axis=0)
    floppy[1, 11] += [0.5, 0.0, 0.0]
    np.testing.assert_array_equal(np.concatenate(ligand_triangle(ring, floppy)), [8, 9, 10])


def test_a_turned_bond_is_seen_without_frames() -> None:
    viologen = bundled_complex("cb7-viologen")
    graph = BondGraph.of(viologen.topology, viologen.system)
    [molecule] = [m for m in graph.molecules if viologen.ligand[0] in m]
    [torsions] = find_torsions(viologen.topology, graph, [molecule]).values()
    assert len(torsions) > 8
    rigid = np.concatenate(ligand_triangle(viologen))
    assert max(strain(viologen, t, rigid) for t in torsions) < 0.05
    of_bound_state_alone = ligand_triangle(viologen, viologen.positions_nm[None])
    floppy = np.concatenate(of_bound_state_alone)
    assert max(strain(viologen, t, floppy) for t in torsions) > 0.2


def strain(bound: BoundComplex, torsion: Torsion, atoms: np.ndarray) -> float:
    """Largest relative change of a distance between some atoms by half a turn about a bond."""
    x, (_, j, k, _) = bound.positions_nm, torsion.atoms
    axis = (x[k] - x[j]) / np.linalg.norm(x[k] - x[j])
    y, moving = x.copy(), list(torsion.moving)
    y[moving] = x[j] + Rotation.from_rotvec(np.pi * axis).apply(x[moving] - x[j])
    return float(np.abs(pdist(y[atoms]) / pdist(x[atoms]) - 1).max())


def test_what_is_stored_comes_back() -> None:
    again = PoseFrame.of_json(FRAME.to_json())
    for one, other in zip(
        (*FRAME.receptor_groups, *FRAME.ligand_groups, FRAME.ligand_heavy),
        (*again.receptor_groups, *again.ligand_groups, again.ligand_heavy),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
        assert other.dtype == np.intp
    with pytest.raises(ValueError, match=r"expected a stored PoseFrame, got '\{\}'"):
        PoseFrame.of_json("{}")


def test_parts_of_poses() -> None:
    poses = FRAME.poses(conformations(np.random.default_rng(1)))
    joined = Poses.joined([poses[[2]], poses[:2], poses[np.array([False, False, False, True])]])
    np.testing.assert_array_equal(joined.places_nm, poses.places_nm[[2, 0, 1, 3]])
    np.testing.assert_array_equal(joined.rotations, poses.rotations[[2, 0, 1, 3]])
    assert len(Poses.joined([])) == 0
    with pytest.raises(ValueError, match="expected places"):
        Poses(poses.places_nm, poses.rotations[:2])


def test_positions_must_fit() -> None:
    with pytest.raises(ValueError, match="expected positions"):
        FRAME.poses(B2.positions_nm)
    x = np.repeat(B2.positions_nm[None], 3, axis=0)
    x[1, np.concatenate(FRAME.ligand_groups), 1:] = 0.0
    with pytest.raises(ValueError, match=r"groups of the ligand are in line.*conformation 1 of 3"):
        FRAME.poses(x)
    x = np.repeat(B2.positions_nm[None], 2, axis=0)
    x[1, B2.receptor] = np.nan
    with pytest.raises(ValueError, match="groups of the receptor are in line, or not finite"):
        FRAME.poses(x)


def test_frames_must_fit() -> None:
    for frames in (B2.positions_nm, np.empty((0, 156, 3)), np.zeros((2, 155, 3))):
        with pytest.raises(ValueError, match="expected frames"):
            PoseFrame.of(B2, frames)


def test_ligand_and_receptor_need_an_orientation() -> None:
    with pytest.raises(ValueError, match="the ligand has 2 heavy atoms, expected three"):
        ligand_triangle(straight(n_ligand=2))
    with pytest.raises(ValueError, match="heavy atoms of the ligand are in line"):
        ligand_triangle(straight())
    with pytest.raises(ValueError, match=r"its 12 heavy atoms .* are in line"):
        receptor_sectors(straight())
    ring = small_complex()
    two = replace(ring, receptor=ring.receptor[:2], pocket=ring.pocket[:2])
    with pytest.raises(ValueError, match="the receptor has no orientation: its 2 heavy atoms"):
        receptor_sectors(two)
