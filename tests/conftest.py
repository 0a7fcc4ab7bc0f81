"""Molecules of several kinds with random conformations."""

import os
from dataclasses import dataclass

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.structures import load_structure
from openmm_genmd.md.platform_kernels import LOADED, available
from openmm_genmd.representations.periodic import bond_tree
from openmm_genmd.representations.torsions import TorsionRepresentation


@dataclass(frozen=True)
class Molecule:
    """A topology, its System if there is a force field for it, and its default representation."""

    topology: app.Topology
    system: openmm.System | None
    representation: TorsionRepresentation

    def conformation(self, seed):
        """Positions (n, 3) in nm: bonds of 0.1 to 0.16 nm along a tree, in random directions."""
        rng = np.random.default_rng(seed)
        bonds = BondGraph.of(self.topology).bonds
        positions = rng.normal(size=(self.topology.getNumAtoms(), 3))
        for parent, child in bond_tree(len(positions), bonds):
            step = rng.normal(size=3)
            positions[child] = positions[parent] + rng.uniform(0.1, 0.16) * step / np.linalg.norm(
                step
            )
        return positions

    def random_case(self, seed):
        """Representation, positions (n, 3) in nm, and other torsions (d,) in rad."""
        d = len(self.representation.torsions)
        torsions = np.random.default_rng(seed + 1).uniform(-np.pi, np.pi, d)
        return self.representation, self.conformation(seed), torsions


def graph_topology(name, symbols, bonds, copies=1):
    topology = app.Topology()
    for _ in range(copies):
        residue = topology.addResidue(name, topology.addChain())
        atoms = [
            topology.addAtom(f"{symbol}{n}", app.Element.getBySymbol(symbol), residue)
            for n, symbol in enumerate(symbols, 1)
        ]
        for a, b in bonds:
            topology.addBond(atoms[a], atoms[b])
    return topology


def alkane(n_carbons, copies=1):
    hydrogens = [n for n in range(n_carbons) for _ in range(2)] + [0, n_carbons - 1]
    bonds = [(n, n + 1) for n in range(n_carbons - 1)]
    bonds += [(carbon, n_carbons + n) for n, carbon in enumerate(hydrogens)]
    return graph_topology("ALK", "C" * n_carbons + "H" * len(hydrogens), bonds, copies)


def biphenyl():
    rings = [(6 * r + n, 6 * r + (n + 1) % 6) for r in range(2) for n in range(6)]
    hydrogens = [n for n in range(12) if n not in (0, 6)]
    bonds = [*rings, (0, 6), *((carbon, 12 + n) for n, carbon in enumerate(hydrogens))]
    return graph_topology("BPH", "C" * 12 + "H" * 10, bonds)


def peptide(sequence):
    force_field = app.ForceField("amber99sbildn.xml")
    topology = app.Topology()
    chain = topology.addChain()
    previous = None
    for name in sequence:
        template = force_field._templates[name]
        residue = topology.addResidue(name, chain)
        atoms = [topology.addAtom(a.name, a.element, residue) for a in template.atoms]
        for a, b in template.bonds:
            topology.addBond(atoms[a], atoms[b])
        by_name = {atom.name: atom for atom in atoms}
        if previous is not None:
            topology.addBond(previous["C"], by_name["N"])
        previous = by_name
    return topology


def _force_field_system(topology):
    return app.ForceField("amber99sbildn.xml").createSystem(topology, constraints=app.HBonds)


@pytest.fixture(scope="session")
def opencl():
    """Give OpenCL with jump kernels of its own; GENMD_REQUIRE_OPENCL=1 forbids skipping."""
    reason = available()["OpenCL"]
    if reason == LOADED:
        platform = openmm.Platform.getPlatformByName("OpenCL")
        system = openmm.System()
        system.addParticle(1.0)
        try:
            openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
        except openmm.OpenMMException as error:
            reason = str(error)
        else:
            return platform
    (pytest.fail if os.environ.get("GENMD_REQUIRE_OPENCL") == "1" else pytest.skip)(
        f"OpenCL does not work here: {reason}"
    )


@pytest.fixture(scope="session")
def build():
    """Give the builders to tests that need molecules of their own."""
    return {"alkane": alkane, "peptide": peptide, "graph": graph_topology}


@pytest.fixture(scope="session")
def molecules():
    dipeptide, _ = load_structure("alanine-dipeptide")
    topologies = {
        "dipeptide": dipeptide,
        "peptide": peptide(["ACE", "SER", "LYS", "PRO", "ILE", "NME"]),
        "hexane": alkane(6),
        "biphenyl": biphenyl(),
    }
    with_force_field = ("dipeptide", "peptide")
    return {
        name: Molecule(
            topology,
            _force_field_system(topology) if name in with_force_field else None,
            TorsionRepresentation.from_topology(topology),
        )
        for name, topology in topologies.items()
    }
