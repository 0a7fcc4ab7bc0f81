"""Complexes of MISATO, in files of its layout made from real structures."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest
from openmm import app, unit

from openmm_genmd.data.amber_residues import residue_names, residue_spans
from openmm_genmd.data.misato import _RESIDUES, misato_ids, open_misato
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.complex_atoms import pocket_residues
from openmm_genmd.representations.residue_types import residue_type

LYSOZYME = (
    Path(importlib.util.find_spec("openmmtools").submodule_search_locations[0])
    / "data"
    / "T4-lysozyme-L99A-implicit"
)
CODES = {name: code for code, name in enumerate(_RESIDUES)}
CODES |= {"HIS": 11, "TMP": 0, "NME": 99}
TEMPLATES = app.ForceField("amber14/protein.ff14SB.xml")._templates


@pytest.fixture(scope="module")
def lysozyme():
    topology = app.AmberPrmtopFile(str(LYSOZYME / "complex.prmtop")).topology
    crd = app.AmberInpcrdFile(str(LYSOZYME / "complex-minimized.crd"))
    return topology, np.array(crd.getPositions(asNumpy=True)._value)


@cache
def peptide(sequence):
    """Topology and positions with the atoms of each residue in Amber's order."""
    built, x = build_peptide(sequence)
    topology, order, places = app.Topology(), [], {}
    chain = topology.addChain()
    for residue in built.residues():
        atoms = {atom.name: atom for atom in residue.atoms()}
        added = topology.addResidue(residue.name, chain)
        for template in TEMPLATES[residue.name].atoms:
            renamed = {"CH3": "C"}.get(template.name, template.name.replace("HH3", "H"))
            atom = atoms.get(template.name) or atoms[renamed]
            places[atom.index] = topology.addAtom(template.name, atom.element, added)
            order.append(atom.index)
    for a, b in built.bonds():
        topology.addBond(places[a.index], places[b.index])
    return topology, x[order]


def arrays(topology, x, ligand_start, n_frames=3, *, kind=np.int64):
    noise = 0.001 * np.random.default_rng(0).normal(size=(n_frames, *x.shape))
    noise[0] = 0
    return {
        "trajectory_coordinates": 10 * (x + noise),
        "atoms_type": np.zeros(len(x), dtype=kind),
        "atoms_number": np.array([a.element.atomic_number for a in topology.atoms()], dtype=kind),
        "atoms_residue": np.array([CODES[a.residue.name] for a in topology.atoms()], dtype=kind),
        "atoms_element": np.zeros(len(x), dtype=kind),
        "molecules_begin_atom_index": np.array([0, ligand_start], dtype=kind),
        "frames_distance": np.zeros(n_frames),
    }


def write(path, **complexes):
    with h5py.File(path, "w") as file:
        for name, datasets in complexes.items():
            for key, values in datasets.items():
                file.create_dataset(f"{name}/{key}", data=values, compression="gzip")
    return path


def small(**changes):
    """A tripeptide with alanine as ligand, in one chain and another."""
    (one, x), (other, y) = peptide("GAS"), peptide("A")
    moved = y + np.array([0, 0.6, 0])
    modeller = app.Modeller(one, x * unit.nanometer)
    modeller.add(other, moved * unit.nanometer)
    both = np.concatenate((x, moved))
    found = arrays(modeller.topology, both, len(x))
    found.update(changes)
    return {key: values for key, values in found.items() if values is not None}


@pytest.mark.parametrize("kind", [np.int64, np.int16, np.float64])
def test_a_protein_and_a_small_molecule(tmp_path, lysozyme, kind):
    topology, x = lysozyme
    datasets = arrays(topology, x, 2603, kind=kind)
    path = write(tmp_path / "MD.hdf5", **{"181L": datasets, "1ABC": small()})
    assert misato_ids(path) == ["181L", "1ABC"]
    found = open_misato(path, "181l")
    assert (found.id, found.ligand.tolist()) == ("181L", list(range(2603, 2621)))
    assert found.positions_nm.dtype == np.float32
    expected = datasets["trajectory_coordinates"] / 10
    np.testing.assert_allclose(found.positions_nm, expected, atol=1e-6)
    bonds = {frozenset((a.index, b.index)) for a, b in found.topology.bonds()}
    assert bonds == {frozenset((a.index, b.index)) for a, b in topology.bonds()}
    atoms, wanted = list(found.topology.atoms()), list(topology.atoms())
    # The file is older than the library of residues, which has other names of some hydrogens.
    for atom, other in zip(atoms[:2603], wanted[:2603], strict=True):
        assert atom.residue.index == other.residue.index
        assert residue_type(atom.residue.name) == residue_type(other.residue.name)
        assert atom.element is other.element
        assert atom.name == other.name or atom.element.symbol == "H"
    assert {atom.residue.name for atom in atoms[2603:]} == {"MOL"}
    assert [atom.name for atom in atoms[2603:2606]] == ["C1", "C2", "C3"]
    assert [chain.topology is found.topology for chain in found.topology.chains()] == [True, True]


def test_source(tmp_path):
    found = open_misato(write(tmp_path / "MD.hdf5", **{"1ABC": small()}), "1ABC")
    source = found.source(stride=2)
    source.check()
    assert (source.name, source.frame_interval_ps, source.n_frames) == ("1ABC", 160.0, 2)
    [frames] = source.iterate()
    np.testing.assert_array_equal(frames.positions_nm, found.positions_nm[::2])


def test_peptides_are_ligands_too(tmp_path):
    found = open_misato(write(tmp_path / "MD.hdf5", **{"1ABC": small()}), "1ABC")
    names = [residue.name for residue in found.topology.residues()]
    assert names == ["ACE", "GLY", "ALA", "SER", "NME", "ACE", "ALA", "NME"]


def test_topology_beside(tmp_path, lysozyme):
    topology, x = lysozyme
    path = write(tmp_path / "MD.hdf5", **{"181L": arrays(topology, x, 2603)})
    found = open_misato(path, "181L", LYSOZYME / "complex.prmtop")
    assert [a.name for a in found.topology.atoms()] == [a.name for a in topology.atoms()]
    with pytest.raises(ValueError, match=r"the 2603 atoms of .* are not those of 181L in .* 2621"):
        open_misato(path, "181L", LYSOZYME / "receptor.prmtop")


def test_crop(tmp_path, lysozyme):
    topology, x = lysozyme
    found = open_misato(
        write(tmp_path / "MD.hdf5", **{"181L": arrays(topology, x, 2603)}), "181L", any_size=True
    )
    near = pocket_residues(found.topology, found.positions_nm[0], found.ligand, radius_nm=0.6)
    cropped = found.cropped(near)
    kept = [*near.tolist(), *range(2603, 2621)]
    np.testing.assert_array_equal(cropped.positions_nm, found.positions_nm[:, kept])
    atoms = list(found.topology.atoms())
    assert [a.name for a in cropped.topology.atoms()] == [atoms[n].name for n in kept]
    np.testing.assert_array_equal(np.array(kept)[cropped.ligand], found.ligand)
    assert 15 < cropped.topology.getNumResidues() < 40


def carbons(n_receptor, n_ligand):
    """Carbons too far apart for bonds, each a residue of the receptor, and one of the ligand."""
    n = n_receptor + n_ligand
    x = np.zeros((2, n, 3))
    x[:, :, 0] = 3.0 * np.arange(n)
    codes = np.arange(n) % 2 + 1
    codes[n_receptor:] = 0
    return {
        "trajectory_coordinates": x,
        "atoms_number": np.full(n, 6),
        "atoms_residue": codes,
        "molecules_begin_atom_index": [0, n_receptor],
    }


def test_limits(tmp_path):
    parts = {"A": carbons(800, 100), "B": carbons(801, 1), "C": carbons(2, 101)}
    path = write(tmp_path / "MD.hdf5", **parts)
    assert len(open_misato(path, "A").ligand) == 100
    with pytest.raises(ValueError, match=r"B in .* has 801 residues, at most 800 .* any_size=True"):
        open_misato(path, "B")
    assert open_misato(path, "B", any_size=True).cropped(range(5)).topology.getNumAtoms() == 6
    with pytest.raises(ValueError, match=r"ligand of C in .* has 101 heavy atoms, at most 100 are"):
        open_misato(path, "C")


FRAMES = small()["trajectory_coordinates"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trajectory_coordinates": None}, "MD.hdf5: 1ABC has no dataset trajectory_coordinates; "),
        ({"atoms_number": None}, r"no dataset atoms_number; .* not the file of quantum chemistry"),
        ({"molecules_begin_atom_index": None}, "no dataset molecules_begin_atom_index; expected"),
        ({"trajectory_coordinates": FRAMES[0]}, r"should be \(n_frames, n_atoms, 3\), got \(\d+, "),
        ({"trajectory_coordinates": FRAMES[:0]}, r"n_atoms, 3\), got \(0, "),
        ({"trajectory_coordinates": FRAMES[:, :-1]}, r"atoms_number should have one number for ea"),
        ({"atoms_residue": [2, 2]}, r"atoms_residue should have one number .* got \(2,\); downloa"),
        (
            {"molecules_begin_atom_index": [0, 999]},
            r"less than \d+, got \[0, 999\]; the last",
        ),
        (
            {"molecules_begin_atom_index": [0]},
            r"of two molecules or more, .* got \[0\]",
        ),
        ({"molecules_begin_atom_index": [0, 9, 9]}, r"ascending .* got \[0, 9, 9\]"),
        ({"trajectory_coordinates": FRAMES * np.nan}, "frame 0 of .* coordinates that are not fin"),
        ({"trajectory_coordinates": FRAMES / 10}, "bonds of 1ABC in .* cannot be told from dista"),
    ],
)
def test_damaged(tmp_path, changes, words):
    path = write(tmp_path / "MD.hdf5", **{"1ABC": small(**changes)})
    with pytest.raises(ValueError, match=words):
        open_misato(path, "1ABC")


def test_no_such_complex(tmp_path):
    path = write(tmp_path / "MD.hdf5", **{"1ABC": small(), "2DEF": small()})
    with pytest.raises(ValueError, match="no complex 9XYZ; there are 2, for instance 1ABC, 2DEF"):
        open_misato(path, "9xyz")
    with pytest.raises(FileNotFoundError, match="no file at nowhere"):
        open_misato("nowhere", "1ABC")
    (tmp_path / "text.hdf5").write_text("text")
    with pytest.raises(ValueError, match=r"cannot read .*text.hdf5 as HDF5"):
        misato_ids(tmp_path / "text.hdf5")
    other = write(tmp_path / "other.hdf5", a={"b": [1]})
    with pytest.raises(ValueError, match=r"one group with trajectory_coordinates .* got a$"):
        misato_ids(other)


def test_residues_of_amides():
    """Nitrogens of Asn and Gln follow C and O, but begin no residue."""
    topology, _ = peptide("NQAAN")
    numbers = [a.element.atomic_number for a in topology.atoms()]
    bonds = sorted(tuple(sorted((a.index, b.index))) for a, b in topology.bonds())
    spans = residue_spans(numbers, bonds, [2] * len(numbers), [0])
    assert [len(span) for span in spans] == [len(list(r.atoms())) for r in topology.residues()]
    without = residue_spans(numbers, [], [2] * len(numbers), [0])
    assert len(without) == 1


def test_unknown_residues():
    assert residue_names(range(3), [8, 1, 1], [(0, 1), (0, 2)]) is None
    cysteine = TEMPLATES["CYX"]
    numbers = [atom.element.atomic_number for atom in cysteine.atoms]
    name, _ = residue_names(
        range(len(numbers)), numbers, [tuple(sorted(b)) for b in cysteine.bonds]
    )
    assert name == "CYX"
