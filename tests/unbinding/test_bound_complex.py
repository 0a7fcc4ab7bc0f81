"""A user's complex is read as it is, or refused in one sentence that says what to do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import XmlSerializer, app

from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.unbinding.bound_complex import BoundComplex, read_complex
from openmm_genmd.unbinding.bundled_systems import bundled_complex

from .made_up import made_up


@pytest.fixture(scope="module")
def xylene():
    return bundled_complex("cb7-p-xylene")


@pytest.fixture(scope="module")
def files(tmp_path_factory, xylene):
    """PDB without CONECT records, as many programs write it, and System."""
    folder = tmp_path_factory.mktemp("complex")
    with (folder / "xylene.pdb").open("w") as file:
        app.PDBFile.writeFile(xylene.topology, xylene.positions_nm * 10, file)
    lines = (folder / "xylene.pdb").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("CONECT")]
    (folder / "xylene.pdb").write_text("\n".join(kept) + "\n")
    (folder / "xylene.xml").write_text(XmlSerializer.serialize(xylene.system))
    return folder / "xylene.pdb", folder / "xylene.xml"


def of(given, **options):
    return BoundComplex.of(given, "LIG", name="made-up", **options)


def bonds(topology):
    return {frozenset((bond[0].index, bond[1].index)) for bond in topology.bonds()}


@pytest.mark.parametrize("selection", ["PXY", "resname PXY", "index 126 to 143", "resSeq 1 and C1"])
def test_read_complex(files, xylene, selection):
    if selection.startswith("resSeq"):
        with pytest.raises(ValueError, match="cannot read the ligand selection"):
            read_complex(*files, selection)
        return
    read = read_complex(*files, selection, temperature_k=310.0)
    np.testing.assert_array_equal(read.ligand, xylene.ligand)
    np.testing.assert_array_equal(read.receptor, xylene.receptor)
    np.testing.assert_allclose(read.positions_nm, xylene.positions_nm, atol=6e-5)
    assert bonds(read.topology) == bonds(xylene.topology)
    assert XmlSerializer.serialize(read.system) == files[1].read_text()
    assert (read.name, read.temperature_k) == ("xylene", 310.0)
    assert read.ligand_heavy.tolist() == list(range(126, 134))
    assert [
        a.element.symbol for a in read.topology.atoms() if a.index in set(read.receptor_heavy)
    ].count("H") == 0
    np.testing.assert_array_equal(read.pocket_heavy, read.receptor_heavy)


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ("LIG", r"'LIG' matches no atom; there are residues CUC, PXY"),
        ("chain Z", r"'chain Z' matches no atom; there are chains 'A', 'B'"),
        ("resSeq 7", r"'resSeq 7' matches no atom; residues are numbered 1 to 1"),
        ("resSeq 1", r"covers 2 molecules \(CUC 1 of chain A, 126 atoms; PXY 1 of chain B, 18"),
        ("resname PXY and index 126", "covers 1 of the 18 atoms of a molecule .* cannot leave"),
        ("resname PXY and name XX", "'resname PXY and name XX' matches no atom"),
        ("index 0 to 143", "covers 2 molecules"),
        ("not a (selection", "cannot read the ligand selection 'not a "),
        ("  ", "the ligand selection is empty; give the name of its residue"),
    ],
)
def test_wrong_selections(files, selection, words):
    with pytest.raises(ValueError, match=words):
        read_complex(*files, selection)


def test_chains_and_residue_numbers():
    for selection in ("chain 2", "LIG", "resSeq 7"):
        assert BoundComplex.of(made_up(), selection, name="a").ligand.tolist() == [12, 13, 14, 15]


def test_a_system_of_another_structure(files, tmp_path):
    (tmp_path / "small.xml").write_text(XmlSerializer.serialize(made_up().system))
    with pytest.raises(ValueError, match=r"has 144 atoms, but .* has 16 particles; give the"):
        read_complex(files[0], tmp_path / "small.xml", "PXY")
    given = made_up()
    few = SystemInput(given.topology, given.positions_nm, openmm.System())
    with pytest.raises(ValueError, match="the Topology has 16 atoms but the System 0 particles"):
        of(few)


def test_no_parameters(files):
    with pytest.raises(ValueError, match=r"No template found .* parameters of its own: add"):
        read_complex(files[0], "amber14/protein.ff14SB.xml", "PXY")
    with pytest.raises(ValueError, match=r"cannot load the force field nothing.xml"):
        read_complex(files[0], "nothing.xml", "PXY")
    with pytest.raises(FileNotFoundError, match=r"no structure file at nothing.pdb"):
        read_complex("nothing.pdb", files[1], "PXY")


@pytest.mark.parametrize(
    ("gap_nm", "words"),
    [
        (0.6, r"not bound: its nearest heavy atom is 0.60 nm from the receptor, .* at most 0.45"),
        (0.1, r"overlaps the receptor: two heavy atoms are 0.10 nm apart, .* minimize the struct"),
        (np.nan, r"particle 12 of made-up is not finite \(4 are not\)"),
    ],
)
def test_not_bound(gap_nm, words):
    with pytest.raises(ValueError, match=words):
        of(made_up(gap_nm=gap_nm))


def test_hardly_bound():
    given = made_up(n_ligand=20, n_residues=20)
    given.positions_nm[40:60, 1] += 0.2 * np.arange(20)
    with pytest.raises(ValueError, match=r"hardly bound: 2 pairs .* 0.5 for each of its 20 heavy"):
        of(given)


def test_limits():
    assert len(of(made_up(800)).receptor) == 1600
    with pytest.raises(ValueError, match=r"made-up has 801 residues, at most 800 .* pass pocket"):
        of(made_up(801))
    cropped = of(made_up(801), pocket_nm=0.5)
    assert (len(cropped.receptor), cropped.pocket.tolist()) == (1602, list(range(6)))
    assert len(of(made_up(60, n_ligand=100)).ligand) == 100
    with pytest.raises(ValueError, match="ligand of made-up has 101 heavy atoms, at most 100 are"):
        of(made_up(60, n_ligand=101))


def test_water_and_ions_are_neither():
    complex = of(made_up(ions=5))
    assert (complex.receptor.tolist(), complex.ligand.tolist()) == (
        list(range(12)),
        list(range(12, 16)),
    )
    given = made_up(ions=2)
    with pytest.raises(ValueError, match="'NA' covers 2 molecules"):
        BoundComplex.of(given, "NA", name="a")
    alone = made_up(n_residues=0, ions=3)
    with pytest.raises(ValueError, match="no receptor: besides the ligand there are only water an"):
        of(alone)


def test_a_ligand_without_heavy_atoms():
    topology = app.Topology()
    for name, element in (("LIG", app.element.hydrogen), ("REC", app.element.carbon)):
        residue = topology.addResidue(name, topology.addChain())
        atoms = [topology.addAtom("A", element, residue) for _ in range(2)]
        topology.addBond(*atoms)
    system = openmm.System()
    for _ in range(4):
        system.addParticle(1.0)
    with pytest.raises(ValueError, match="the ligand has no heavy atoms; select another molecule"):
        of(SystemInput(topology, np.zeros((4, 3)), system))


def test_options():
    with pytest.raises(ValueError, match="expected a temperature above 0 K, got -1"):
        of(made_up(), temperature_k=-1.0)
    with pytest.raises(ValueError, match="pass pocket_nm= to say how far the pocket reaches"):
        of(made_up(), frozen=True)


def test_frozen_surroundings():
    complex = of(made_up(30), pocket_nm=0.5, frozen=True)
    masses = [complex.system.getParticleMass(n)._value for n in range(64)]
    moving = {*complex.pocket.tolist(), *complex.ligand.tolist()}
    assert masses == [12.0 if n in moving else 0.0 for n in range(64)]
    assert 0 < len(complex.pocket) < len(complex.receptor)


BOX = np.array([[3.0, 0, 0], [0.6, 3.0, 0], [-0.9, 0.8, 3.0]])


@pytest.mark.parametrize("seed", range(3))
def test_periodic_images_are_gathered(seed):
    """Atoms in any image, the ligand in another than the receptor."""
    given = made_up(box_nm=BOX)
    wanted = given.positions_nm.copy()
    rng = np.random.default_rng(seed)
    given.positions_nm[:] += rng.integers(-2, 3, (16, 3)) @ BOX
    found = of(given).positions_nm
    np.testing.assert_allclose(found - found[0], wanted - wanted[0], atol=1e-10)
    images = (found - given.positions_nm) @ np.linalg.inv(BOX)
    np.testing.assert_allclose(images, np.round(images), atol=1e-10)


def test_without_a_box_images_are_not_guessed():
    given = made_up()
    given.positions_nm[12:] += BOX[0]
    with pytest.raises(ValueError, match="the ligand is not bound: its nearest heavy atom is"):
        of(given)


def test_the_box_of_the_structure_counts():
    """A System's default box may be another one than that of the positions."""
    given = made_up(box_nm=2 * BOX)
    given.topology.setPeriodicBoxVectors(BOX * openmm.unit.nanometer)
    given.positions_nm[12:] += BOX[2]
    x = of(given).positions_nm
    assert np.linalg.norm(x[12] - x[0]) == pytest.approx(0.35)


def test_explicit_solvent():
    """Water and box stay as they are, the ligand comes back from another image."""
    data = Path(importlib.util.find_spec("openmmtools").submodule_search_locations[0]) / "data"
    loaded = app.AmberPrmtopFile(str(data / "cb7-b2/complex-explicit.prmtop"))
    crd = app.AmberInpcrdFile(str(data / "cb7-b2/complex-explicit.inpcrd"))
    loaded.topology.setPeriodicBoxVectors(crd.boxVectors)
    system = loaded.createSystem(nonbondedMethod=app.PME, constraints=app.HBonds)
    wanted = np.array(crd.getPositions(asNumpy=True)._value)
    moved = wanted.copy()
    moved[126:156] += [crd.boxVectors[0][0]._value, 0, -crd.boxVectors[2][2]._value]
    given = SystemInput(loaded.topology, moved, system)
    complex = BoundComplex.of(given, "B2", name="explicit", pocket_nm=0.5)
    np.testing.assert_allclose(complex.positions_nm[:156], wanted[:156], atol=1e-9)
    assert complex.receptor.tolist() == list(range(126))
    assert complex.ligand.tolist() == list(range(126, 156))
