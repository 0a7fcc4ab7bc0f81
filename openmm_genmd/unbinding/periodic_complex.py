"""Receptor and ligand brought into the same periodic image: `gather`."""

from __future__ import annotations

from itertools import product

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.periodic import bond_tree, make_whole
from openmm_genmd.unbinding.contacts import heavy_atoms, minimum_distances_nm

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]


def gather(
    positions_nm: Floats,
    system: openmm.System,
    topology: app.Topology,
    graph: BondGraph,
    ligand: Integers,
    receptor: Integers,
) -> Floats:
    """Positions ``(n_atoms, 3)``, nm, with whole molecules and the ligand beside the receptor.

    Without a periodic box they come back as they are. Molecules are moved by box vectors only, so
    that energies do not change: those of the receptor to the image next to its largest, then the
    ligand to the image next to the receptor.

    Parameters
    ----------
    positions_nm
        ``(n_atoms, 3)``, nm, any images.
    system
        Says whether there is a box.
    topology
        Has the box of the positions, if its file did; otherwise the System's is used.
    graph
        Bonds and molecules.
    ligand, receptor
        Their atoms.
    """
    if not system.usesPeriodicBoundaryConditions():
        return positions_nm
    vectors = topology.getPeriodicBoxVectors()
    if vectors is None:
        vectors = system.getDefaultPeriodicBoxVectors()
    box_nm = np.array([v.value_in_unit(unit.nanometer) for v in vectors], dtype=np.float64)
    x = make_whole(positions_nm, box_nm, bond_tree(len(positions_nm), graph.bonds)).copy()
    inside = set(receptor.tolist())
    parts = [np.array(m) for m in graph.molecules if m[0] in inside]
    parts.sort(key=len, reverse=True)
    placed = parts[0]
    for part in [*parts[1:], ligand]:
        reference = heavy_atoms(topology, placed)
        x[part] += _nearest_image(x, reference, heavy_atoms(topology, part), box_nm)
        placed = np.concatenate((placed, part))
    return np.asarray(x)


def _nearest_image(x: Floats, reference: Integers, moved: Integers, box_nm: Floats) -> Floats:
    """Box vectors ``(3,)``, nm, that bring a molecule next to another."""
    offset = x[moved].mean(axis=0) - x[reference].mean(axis=0)
    rough = np.zeros(3)
    for axis in (2, 1, 0):
        rough -= np.round((offset + rough)[axis] / box_nm[axis, axis]) * box_nm[axis]
    shifts = [rough + np.array(n) @ box_nm for n in product((0, -1, 1), repeat=3)]
    places = [np.concatenate((x[reference], x[moved] + shift)) for shift in shifts]
    one = np.arange(len(reference))
    other = len(reference) + np.arange(len(moved))
    distances = [minimum_distances_nm(place, one, other)[0] for place in places]
    return np.asarray(shifts[int(np.argmin(distances))])
