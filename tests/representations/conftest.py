"""Peptides from short MD at 450 K (amber99sbildn, OBC), two conformations each, 10 ps apart."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from openmm import app, unit

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
