"""A ligand of four atoms in a shallow well inside a ring: fast, and easy to push out."""

import itertools

import numpy as np
import openmm
from openmm import app

from openmm_genmd.unbinding.bound_complex import BoundComplex

RADIUS_NM, WELL_KJ_PER_MOL = 0.4, 12.0


def small_complex(
    *, well_kj_per_mol: float = WELL_KJ_PER_MOL, box_nm: float | None = None
) -> BoundComplex:
    """A stiff ring of eight carbons in the xy plane and a tetrahedron of four in its middle.

    With the edge of a cubic box it is periodic.
    """
    topology, system = app.Topology(), openmm.System()
    angles = np.arange(8) * np.pi / 4
    ring = RADIUS_NM * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    ligand = 0.05 * np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]])
    for name, count in (("RNG", 8), ("LIG", 4)):
        residue = topology.addResidue(name, topology.addChain())
        for n in range(count):
            topology.addAtom(f"C{n}", app.element.carbon, residue)
            system.addParticle(12.0)
    atoms, x = list(topology.atoms()), np.concatenate([ring, ligand])
    network = openmm.HarmonicBondForce()
    for group in (range(8), range(8, 12)):
        for i, j in itertools.combinations(group, 2):
            network.addBond(i, j, float(np.linalg.norm(x[i] - x[j])), 50_000.0)
            if np.linalg.norm(x[i] - x[j]) < 0.2:
                topology.addBond(atoms[i], atoms[j])
    system.addForce(network)
    held = openmm.CustomCentroidBondForce(
        2, f"-{well_kj_per_mol} * exp(-0.5*(distance(g1,g2)/0.15)^2)"
    )
    held.addGroup(list(range(8)))
    held.addGroup(list(range(8, 12)))
    held.addBond([0, 1])
    if box_nm is not None:
        held.setUsesPeriodicBoundaryConditions(True)
        system.setDefaultPeriodicBoxVectors(*(box_nm * np.eye(3)))
    system.addForce(held)
    parts = (np.arange(8, 12), np.arange(8), np.arange(8))
    return BoundComplex("ring", topology, system, x, *parts, temperature_k=300.0)
