"""The Systems whose jumps are timed: a peptide, boxes of water, and DHFR in water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openmm
from alanine_dipeptide_system import make_system
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.structures import load_structure

N_MOVED_WATERS = 8
CUTOFF_NM = 0.9
_SPACING_NM = 0.3107  # one molecule in a cube of this edge is water at 300 K and 1 bar
# TIP3P: Jorgensen et al., J. Chem. Phys. 79, 926 (1983), Table I
_SITES = ((15.999, -0.834, 0.315061, 0.6364), (1.008, 0.417, 1.0, 0.0), (1.008, 0.417, 1.0, 0.0))
_BONDS = ((0, 1, 0.09572), (0, 2, 0.09572), (1, 2, 0.15139))
_WATER_NM = np.array([[0.0, 0.0, 0.0], [0.09572, 0.0, 0.0], [-0.023999, 0.092663, 0.0]])


@dataclass(frozen=True)
class TimedSystem:
    """A System, positions ``(n, 3)`` in nm, and the whole molecules that leap."""

    name: str
    system: openmm.System
    positions_nm: NDArray[np.float64]
    moved: list[int]


def dipeptide() -> TimedSystem:
    """Alanine dipeptide in implicit solvent, 22 atoms, all of which leap."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    return TimedSystem(
        "alanine dipeptide, OBC",
        make_system(topology),
        positions_nm,
        list(range(len(positions_nm))),
    )


def water_box(n_atoms: int) -> TimedSystem:
    """Rigid TIP3P water with PME, on a cubic lattice; at least n_atoms atoms, 24 of which leap."""
    per_edge = int(np.ceil(np.cbrt(n_atoms / 3)))
    lattice = np.array(list(np.ndindex(per_edge, per_edge, per_edge)))
    system, nonbonded = openmm.System(), openmm.NonbondedForce()
    nonbonded.setNonbondedMethod(openmm.NonbondedForce.PME)
    nonbonded.setCutoffDistance(CUTOFF_NM)
    for first in range(0, 3 * len(lattice), 3):
        for mass, *parameters in _SITES:
            system.addParticle(mass)
            nonbonded.addParticle(*parameters)
        for i, j, distance in _BONDS:
            system.addConstraint(first + i, first + j, distance)
            nonbonded.addException(first + i, first + j, 0.0, 1.0, 0.0)
    system.addForce(nonbonded)
    system.setDefaultPeriodicBoxVectors(*np.diag(_SPACING_NM * (lattice.max(axis=0) + 1)))
    positions_nm = (_SPACING_NM * lattice[:, None] + _WATER_NM).reshape(-1, 3)
    moved = list(range(3 * N_MOVED_WATERS))
    return TimedSystem(f"water, {len(positions_nm)} atoms", system, positions_nm, moved)


def dhfr() -> TimedSystem:
    """Dihydrofolate reductase in water, 23,558 atoms, of which 8 waters leap.

    The files come with openmmtools; without it this is a box of water of the same size.
    """
    try:
        from openmmtools.testsystems import DHFRExplicit
    except ImportError:
        return water_box(23558)
    test = DHFRExplicit(nonbondedMethod=app.PME, constraints=app.HBonds)
    atoms = [a.index for a in test.topology.atoms() if a.residue.name in ("WAT", "HOH")]
    positions_nm = np.array(test.positions.value_in_unit(unit.nanometer))
    return TimedSystem("DHFR in water", test.system, positions_nm, atoms[: 3 * N_MOVED_WATERS])
