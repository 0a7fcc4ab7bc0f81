"""Molecules broken over periodic boundaries."""

import numpy as np
import pytest

from openmm_genmd.representations.periodic import bond_tree

BOXES = {
    "orthorhombic": np.diag([2.0, 2.5, 3.0]),
    "triclinic": np.array([[2.5, 0, 0], [0.8, 2.4, 0], [-0.9, 1.1, 2.3]]),
    "dodecahedron": 2.5 * np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, np.sqrt(0.5)]]),
}


def _broken(x, box, seed):
    images = np.random.default_rng(seed).integers(-2, 3, size=x.shape)
    return x + images @ box


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("seed", range(4))
def test_broken_molecule_becomes_whole(molecules, box, seed):
    molecule = molecules["dipeptide"]
    x = molecule.conformation(seed)
    broken = _broken(x, BOXES[box], seed)
    whole = molecule.representation.make_whole(broken, BOXES[box])
    assert np.allclose(whole - whole[0], x - x[0], atol=1e-12)
    assert np.array_equal(whole[0], broken[0])


def test_batches(molecules):
    molecule = molecules["peptide"]
    x = np.array([molecule.conformation(seed) for seed in range(3)])
    broken = _broken(x, BOXES["triclinic"], 1)
    whole = molecule.representation.make_whole(broken, BOXES["triclinic"])
    assert np.allclose(whole - whole[:, :1], x - x[:, :1], atol=1e-12)


def test_whole_molecule_is_returned_itself(molecules):
    x = molecules["dipeptide"].conformation(0)
    assert molecules["dipeptide"].representation.make_whole(x, BOXES["triclinic"]) is x


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_left_alone(molecules, value):
    x = molecules["dipeptide"].conformation(0)
    x[3, 1] = value
    assert molecules["dipeptide"].representation.make_whole(x, BOXES["triclinic"]) is x


def test_tree_reaches_every_atom_once():
    tree = bond_tree(6, [(0, 3), (3, 1), (1, 0), (4, 2)])
    assert len(tree) == 3
    assert len({child for _, child in tree}) == 3
    reached = {0, 2, 5}
    for parent, child in tree:
        assert parent in reached
        reached.add(child)
    assert reached == set(range(6))
