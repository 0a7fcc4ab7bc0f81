"""Leaps of `TorsionRepresentation`: what they change and what they keep, over molecules."""

import itertools

import mdtraj
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.torsion_kernel import TorsionKernel

NAMES = ["dipeptide", "peptide", "hexane", "biphenyl"]
examples = settings(deadline=None, derandomize=True, max_examples=40)


def _circular(difference):
    return np.abs(np.remainder(difference + np.pi, 2 * np.pi) - np.pi).max()


@examples
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_round_trips(molecules, name, seed):
    representation, x, torsions = molecules[name].random_case(seed)
    y = representation.decode(torsions, x)
    assert _circular(representation.encode(y) - torsions) < 1e-10
    assert np.abs(representation.decode(representation.encode(x), x) - x).max() < 1e-13
    # The reverse leap leads back to x itself, not to a rotated copy of it.
    assert np.abs(representation.decode(representation.encode(x), y) - x).max() < 1e-12


@examples
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_bonds_angles_and_chirality_are_carried(molecules, name, seed):
    molecule = molecules[name]
    representation, x, torsions = molecule.random_case(seed)
    y = representation.decode(torsions, x)
    bonds = np.array(BondGraph.of(molecule.topology).bonds)
    neighbours = [set(bonds[(bonds == n).any(axis=1)].ravel()) - {n} for n in range(len(x))]
    pairs = [(a, b) for around in neighbours for a, b in itertools.combinations(around, 2)]
    for a, b in (bonds.T, np.array(pairs).T):
        assert np.abs(_distances(x, a, b) - _distances(y, a, b)).max() < 1e-13
    triples = np.array(
        [(n, *three) for n in range(len(x)) for three in itertools.combinations(neighbours[n], 3)]
    )
    assert np.abs(_volumes(x, triples) - _volumes(y, triples)).max() < 1e-14
    assert np.abs(_volumes(x, triples)).max() > 1e-5


def _distances(x, a, b):
    return np.linalg.norm(x[a] - x[b], axis=-1)


def _volumes(x, triples):
    edges = x[triples[:, 1:]] - x[triples[:, :1]]
    return np.linalg.det(edges)


@pytest.mark.parametrize("name", ["dipeptide", "peptide"])
def test_constrained_distances_are_kept(molecules, name):
    molecule = molecules[name]
    representation, x, torsions = molecule.random_case(5)
    y = representation.decode(torsions, x)
    system = molecule.system
    pairs = [system.getConstraintParameters(n)[:2] for n in range(system.getNumConstraints())]
    a, b = np.array(pairs).T
    assert len(pairs) > 10
    assert np.abs(_distances(x, a, b) - _distances(y, a, b)).max() < 1e-15


def test_other_torsions_do_not_change(molecules):
    representation, x, _ = molecules["peptide"].random_case(3)
    for n in range(len(representation.torsions)):
        torsions = representation.encode(x)
        torsions[n] += 1.0
        assert (
            _circular(representation.encode(representation.decode(torsions, x)) - torsions) < 1e-11
        )


def test_part_that_never_moves_stays(molecules):
    representation, x, torsions = molecules["peptide"].random_case(4)
    moved = {atom for torsion in representation.torsions for atom in torsion.moving}
    still = sorted(set(range(len(x))) - moved)
    assert still
    assert np.array_equal(representation.decode(torsions, x)[still], x[still])


@pytest.mark.parametrize("name", NAMES)
def test_encode_agrees_with_mdtraj(molecules, name):
    molecule = molecules[name]
    representation = molecule.representation
    x = np.array([molecule.conformation(seed) for seed in range(20)])
    trajectory = mdtraj.Trajectory(x, mdtraj.Topology.from_openmm(molecule.topology))
    expected = mdtraj.compute_dihedrals(trajectory, [t.atoms for t in representation.torsions])
    # MDTraj works in single precision.
    assert _circular(representation.encode(x) - expected) < 2e-3
    assert np.median(np.abs(representation.encode(x) - expected)) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_batches_agree_with_single_conformations(molecules, name):
    molecule = molecules[name]
    representation, x, torsions = molecule.random_case(0)
    many_x = np.array([molecule.conformation(seed) for seed in range(3)])
    many = np.linspace(-1, 1, 6)[:, None].reshape(2, 3, 1) + torsions
    y = representation.decode(many, many_x)
    for a, b in np.ndindex(2, 3):
        single = representation.decode(many[a, b], many_x[b])
        assert np.abs(y[a, b] - single).max() < 1e-13
        assert _circular(representation.encode(y)[a, b] - representation.encode(single)) < 1e-11
    assert (
        np.abs(
            representation.decode(torsions, many_x)[1] - representation.decode(torsions, many_x[1])
        ).max()
        < 1e-13
    )
    assert (
        np.abs(representation.decode(many, x)[1, 2] - representation.decode(many[1, 2], x)).max()
        < 1e-13
    )
    assert representation.encode(many_x[:0]).shape == (0, len(torsions))


@pytest.mark.parametrize("batch", [(), (1,)])
def test_half_turn_is_minus_pi(molecules, batch):
    kernel = TorsionKernel([(0, 1, 2, 3)], [(2, 3)])
    trans = np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0], [-1, 0, 0]])
    assert kernel.angles(trans.reshape(*batch, 4, 3)).ravel().tolist() == [-np.pi]


@pytest.mark.parametrize("batch", [(), (1,)])
def test_undefined_rotations_are_not_a_number(molecules, batch):
    representation, x, torsions = molecules["dipeptide"].random_case(0)
    x = x.reshape(*batch, 22, 3)
    collapsed = x.copy()
    collapsed[..., 8, :] = collapsed[..., 6, :]
    lost = x.copy()
    lost[..., 8, 0] = np.nan
    for y in (
        representation.decode(torsions, collapsed),
        representation.decode(torsions, lost),
        representation.decode([np.nan, 0.0], x),
        representation.decode([np.inf, 0.0], x),
    ):
        assert np.isnan(y[..., 0, :]).all()
    assert np.isnan(representation.encode(lost)).all()
