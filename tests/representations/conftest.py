"""Peptides from short MD at 450 K (amber99sbildn, OBC), two conformations each, 10 ps apart."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.residue_frames import backbone_of, frames_of, torsions_of
from openmm_genmd.representations.residue_layout import ResidueLayout

STRUCTURES = Path(__file__).parent / "structures"


@dataclass(frozen=True)
class Peptide:
    """A topology and conformations (n, n_atoms, 3) in nm."""

    topology: app.Topology
    positions: np.ndarray

    @property
    def layout(self):
        return ResidueLayout.from_topology(self.topology)

    @property
    def frames(self):
        return frames_of(backbone_of(self.positions, self.layout))

    @property
    def torsions(self):
        return torsions_of(self.positions, self.layout)

    def atom(self, residue, name):
        """Index of an atom by residue number, caps counted, and name."""
        atoms = list(self.topology.residues())[residue].atoms()
        return next(atom.index for atom in atoms if atom.name == name)

    def keep(self, wanted):
        """The part of which wanted(atom) is true."""
        modeller = app.Modeller(self.topology, self.positions[0] * unit.nanometer)
        modeller.delete([atom for atom in self.topology.atoms() if not wanted(atom)])
        kept = [atom.index for atom in self.topology.atoms() if wanted(atom)]
        return Peptide(modeller.topology, self.positions[:, kept])

    def without(self, *names):
        """Topology without atoms of these names."""
        return self.keep(lambda atom: atom.name not in names).topology

    def called(self, name):
        """With another name for all amino acids."""
        same = self.keep(lambda atom: True)
        for residue in same.topology.residues():
            residue.name = residue.name if residue.name in ("ACE", "NME") else name
        return same

    def heavy(self):
        return self.keep(lambda atom: atom.element.symbol != "H")

    def ring(self):
        """Without caps, the last carbon bonded to the first nitrogen."""
        ring = self.keep(lambda atom: atom.residue.name not in ("ACE", "NME"))
        residues = list(ring.topology.residues())
        ends = [{a.name: a for a in residues[n].atoms()} for n in (-1, 0)]
        ring.topology.addBond(ends[0]["C"], ends[1]["N"])
        return ring

    def twice(self, shift=(0.0, 0.0, 5.0)):
        """Two chains, the second moved by ``shift`` in nm."""
        modeller = app.Modeller(self.topology, self.positions[0] * unit.nanometer)
        modeller.add(self.topology, self.positions[0] * unit.nanometer)
        positions = np.concatenate((self.positions, self.positions + shift), axis=1)
        return Peptide(modeller.topology, positions)


def load(name):
    pdb = app.PDBFile(str(STRUCTURES / f"{name}.pdb"))
    models = [
        pdb.getPositions(asNumpy=True, frame=n).value_in_unit(unit.nanometer)
        for n in range(pdb.getNumFrames())
    ]
    return Peptide(pdb.topology, np.array(models))


@pytest.fixture
def all_residues():
    """ACE-ACDEFGHIKLMNPQRSTVWY-NME."""
    return load("all-residues")


@pytest.fixture
def proline_ends():
    """PGP, a zwitterion."""
    return load("proline-ends")


@pytest.fixture(params=["all-residues", "proline-ends", "capped-proline"])
def peptide(request):
    return load(request.param)


def _from_sequence(sequence, caps="ace-nme"):
    topology, positions = build_peptide(sequence, caps)
    return Peptide(topology, positions[None])


def _histidine(variant):
    """ACE-ALA-HIS-GLY-NME in one of the three protonation states, named like it."""
    bare = _from_sequence("AHG").heavy()
    modeller = app.Modeller(bare.topology, bare.positions[0] * unit.nanometer)
    variants = [variant if r.name == "HIS" else None for r in bare.topology.residues()]
    random.seed(1)  # hydrogens start from random places
    reference = openmm.Platform.getPlatformByName("Reference")
    modeller.addHydrogens(
        app.ForceField("amber99sbildn.xml"), variants=variants, platform=reference
    )
    residue = list(modeller.topology.residues())[2]
    residue.name = variant
    return Peptide(modeller.topology, np.array([modeller.positions.value_in_unit(unit.nanometer)]))


def _disulfide():
    """CGGC, a zwitterion, with its sulfurs bonded."""
    bridged = _from_sequence("CGGC", "none").keep(lambda atom: atom.name != "HG")
    sulfurs = [atom for atom in bridged.topology.atoms() if atom.name == "SG"]
    bridged.topology.addBond(*sulfurs)
    for sulfur in sulfurs:
        sulfur.residue.name = "CYX"
    return bridged


def _amide_cap():
    """ACE-LEU-MET-NH2: a hydrogen where the methyl of NME was."""
    short = _from_sequence("LM").keep(lambda atom: atom.residue.name != "NME" or atom.name in "NHC")
    *_, cap = short.topology.residues()
    cap.name = "NH2"
    methyl = next(atom for atom in cap.atoms() if atom.name == "C")
    methyl.name, methyl.element = "H2", app.element.hydrogen
    return short


def _with_d_residue(sequence, residue):
    """Side chain and HA of one residue mirrored at the plane of N, CA and C."""
    peptide = _from_sequence(sequence)
    chosen = list(peptide.topology.residues())[residue + 1]
    backbone = ("N", "H", "CA", "C", "O")
    moved = [atom.index for atom in chosen.atoms() if atom.name not in backbone]
    frame = peptide.frames[0, residue]
    center = frame.translations_angstrom / 10
    local = (peptide.positions[0, moved] - center) @ frame.rotations
    peptide.positions[0, moved] = (local * [1, 1, -1]) @ frame.rotations.T + center
    return peptide


class Pool(dict):
    """A dictionary of which hypothesis shows no contents."""

    def __repr__(self):
        return f"Pool of {len(self)}"


@pytest.fixture(scope="session")
def peptides():
    """Peptides by name: all residues and protonation states, caps and ends, D, rings."""
    all_d = _from_sequence("LVIT")
    pool = {
        "all residues": load("all-residues"),
        "glycines": _from_sequence("GG", "none"),
        "one residue": _from_sequence("A"),
        "capped prolines": _from_sequence("PAP"),
        "prolines at the ends": load("proline-ends"),
        "charged zwitterion": _from_sequence("KRDE", "none"),
        "aromatic zwitterion": _from_sequence("WYFH", "none"),
        "polar": _from_sequence("CMSTNQ"),
        "HID": _histidine("HID"),
        "HIE": _histidine("HIE"),
        "HIP": _histidine("HIP"),
        "amide cap": _amide_cap(),
        "one D residue": _with_d_residue("AVKG", 1),
        "all D": Peptide(all_d.topology, -all_d.positions),
        "head to tail": load("all-residues").ring(),
        "unknown residues": _from_sequence("KS").called("XYZ"),
        "disulfide": _disulfide(),
    }
    return Pool(pool)
