"""Ensembles: what is measured, and that one molecule is compared with itself only."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest
from openmm import app

from openmm_genmd.analysis.ensemble import Ensemble, Molecule, read_ensemble, superposed_on

from .switching_dipeptide import NATIVE_NM, TOPOLOGY, chain, positions_nm, source, torsions


@pytest.fixture(scope="module")
def molecule():
    return Molecule.of(TOPOLOGY, NATIVE_NM)


@pytest.fixture(scope="module")
def frames_nm():
    rng = np.random.default_rng(1)
    return positions_nm(torsions(chain(30, rng), rng)).astype(np.float32)


def reordered(keep_hydrogens):
    """The dipeptide with the atoms of each residue in reverse order, and where they were."""
    topology, order, twin = app.Topology(), [], {}
    chain_ = topology.addChain()
    for residue in TOPOLOGY.residues():
        added = topology.addResidue(residue.name, chain_)
        for atom in reversed(list(residue.atoms())):
            if keep_hydrogens or atom.element.symbol != "H":
                twin[atom] = topology.addAtom(atom.name, atom.element, added)
                order.append(atom.index)
    for a, b in TOPOLOGY.bonds():
        if a in twin and b in twin:
            topology.addBond(twin[a], twin[b])
    return topology, order


def test_torsions_are_those_of_mdtraj(molecule, frames_nm):
    ensemble = read_ensemble([source(frames_nm)], molecule)
    whole = mdtraj.Trajectory(frames_nm, mdtraj.Topology.from_openmm(TOPOLOGY))
    phi, psi = mdtraj.compute_phi(whole)[1], mdtraj.compute_psi(whole)[1]
    assert ensemble.torsions == pytest.approx(np.hstack((phi, psi)), abs=1e-4)


def test_frames_are_superposed_with_the_least_rmsd(molecule, frames_nm):
    rng = np.random.default_rng(2)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    turned = (frames_nm @ turn + 3.0).astype(np.float32)
    ensemble = read_ensemble([source(turned)], molecule)
    heavy = [a.index for a in TOPOLOGY.atoms() if a.element.symbol != "H"]
    whole = mdtraj.Trajectory(frames_nm, mdtraj.Topology.from_openmm(TOPOLOGY))
    native = mdtraj.Trajectory(NATIVE_NM, whole.topology)
    squared = np.sum((ensemble.heavy_angstrom - molecule.native_angstrom) ** 2, axis=-1)
    theirs = 10 * mdtraj.rmsd(whole, native, 0, atom_indices=heavy)
    assert np.sqrt(squared.mean(axis=1)) == pytest.approx(theirs, abs=2e-3)


def test_superposition_never_reflects():
    rng = np.random.default_rng(3)
    fixed = rng.normal(size=(6, 3))
    mirrored = (fixed * [1.0, 1.0, -1.0])[None].astype(np.float32)
    assert np.abs(superposed_on(mirrored, fixed) - fixed).max() > 0.1
    assert superposed_on(fixed[None].astype(np.float32), fixed)[0] == pytest.approx(fixed, abs=1e-5)


@pytest.mark.parametrize("keep_hydrogens", [True, False])
def test_hydrogens_and_order_do_not_matter(molecule, frames_nm, keep_hydrogens):
    topology, order = reordered(keep_hydrogens)
    expected = read_ensemble([source(frames_nm)], molecule)
    found = read_ensemble([source(frames_nm[:, order], topology=topology)], molecule)
    assert found.heavy_angstrom == pytest.approx(expected.heavy_angstrom, abs=1e-4)
    assert found.torsions == pytest.approx(expected.torsions, abs=1e-4)


def test_a_molecule_across_the_border_of_a_box_is_made_whole(molecule, frames_nm):
    from openmm_genmd.data.trajectory import Frames

    box = np.broadcast_to(np.eye(3) * 2.0, (len(frames_nm), 3, 3))
    wrapped = (frames_nm % 2.0).astype(np.float32)
    assert np.ptp(wrapped, axis=1).max() > 1.5
    inside = source(wrapped)

    def read(chunk):
        yield Frames(wrapped, box, "made up", 0)

    object.__setattr__(inside, "read", read)
    found = read_ensemble([inside], molecule)
    expected = read_ensemble([source(frames_nm)], molecule)
    assert found.heavy_angstrom == pytest.approx(expected.heavy_angstrom, abs=1e-3)


def test_replicas_follow_each_other(molecule, frames_nm):
    ensemble = read_ensemble([source(frames_nm[:12]), source(frames_nm[12:])], molecule)
    assert ensemble.lengths == (12, 18)
    first, second = ensemble.replicas(np.arange(30))
    assert (first[0], second[0], len(ensemble)) == (0, 12, 30)
    assert ensemble.shape is None
    with_shape = read_ensemble([source(frames_nm)], molecule, with_shape=True)
    masses = np.array([atom.element.mass._value for atom in TOPOLOGY.atoms()])[:, None]
    center = np.sum(masses * frames_nm, axis=1, keepdims=True) / masses.sum()
    squares = np.sum(masses * (frames_nm - center) ** 2, axis=(1, 2)) / masses.sum()
    assert with_shape.shape[:, 0] == pytest.approx(np.sqrt(squares), abs=1e-5)


def test_areas_of_atoms_far_apart_are_those_of_spheres(molecule):
    far = 100.0 * molecule.native_angstrom[None]
    # One carbon each: the methyl of acetyl, and CB; the methyl of NME is called C, as a backbone.
    sphere = 4 * np.pi * (1.7 + 2.8) ** 2
    assert molecule.side_chain_areas(far)[0] == pytest.approx([sphere, sphere, 0.0], rel=1e-3)
    native = molecule.side_chain_areas(molecule.native_angstrom[None])[0]
    assert np.all((native[:2] > 0) & (native[:2] < sphere))


def test_bonds_and_radii(molecule):
    assert len(molecule.bonds) == 9
    assert set(molecule.radii_angstrom.round(2)) == {1.7, 1.55, 1.52}
    assert molecule.residue_of_atom.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]


def test_errors(molecule, build):
    with pytest.raises(ValueError, match="expected positions of 22 atoms, got shape"):
        Molecule.of(TOPOLOGY, NATIVE_NM[:-1])
    with pytest.raises(ValueError, match="expected at least one trajectory, got none"):
        read_ensemble([], molecule)
    other = build["peptide"](["ACE", "SER", "NME"])
    positions = np.zeros((1, other.getNumAtoms(), 3))
    with pytest.raises(ValueError, match="has 11 heavy atoms, the molecule 10"):
        read_ensemble([source(positions, topology=other)], molecule)
    assert isinstance(read_ensemble([source(NATIVE_NM[None])], molecule), Ensemble)
