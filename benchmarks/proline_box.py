"""Proline dipeptide in a small box of water: its first peptide bond is cis or trans."""

from __future__ import annotations

import numpy as np
import openmm
from alanine_dipeptide_box import FORCE_FIELD, Box, make_system
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.peptides import build_peptide

Array = NDArray[np.float64]

BUILT_EDGE_NM = 1.8
HYDROGEN_MASS_DA = 3.0
# At 300 K and 1 bar: of a water molecule from the mean edges of two boxes; the solute's is near.
WATER_NM3, SOLUTE_NM3 = 0.0304, 0.23
# The solvated box is compressed, waters as rigid bodies, before the energy is minimized.
MINIMIZER_STEPS = 500


def make_proline_box() -> Box:
    """ACE-PRO-NME, trans, in water at the density of 1 bar, minimized.

    Hydrogens weigh 3 Da, so that MD can do steps of 4 fs: masses leave the distribution of
    positions as it is.
    """
    force_field = app.ForceField(*FORCE_FIELD)
    topology, built_nm = build_peptide("P")
    modeller = app.Modeller(topology, (built_nm - built_nm.mean(axis=0)) * unit.nanometer)
    n_solute = topology.getNumAtoms()
    edges = openmm.Vec3(BUILT_EDGE_NM, BUILT_EDGE_NM, BUILT_EDGE_NM)
    modeller.addSolvent(force_field, model="tip3p", boxSize=edges, neutralize=False)
    positions = np.array(modeller.positions.value_in_unit(unit.nanometer))
    n_waters = (len(positions) - n_solute) // 3
    edge_nm = float(np.cbrt(n_waters * WATER_NM3 + SOLUTE_NM3))
    modeller.topology.setPeriodicBoxVectors(np.eye(3) * edge_nm * unit.nanometer)
    system = make_system(
        force_field, modeller.topology, hydrogenMass=HYDROGEN_MASS_DA * unit.dalton
    )
    compressed = _compressed(modeller.topology, positions, edge_nm / BUILT_EDGE_NM)
    return Box(modeller.topology, minimized(system, compressed), system, n_solute)


def _compressed(topology: app.Topology, positions: Array, factor: float) -> Array:
    """Waters drawn nearer to the origin, where the solute's center is, each as a rigid body."""
    result = positions.copy()
    for residue in topology.residues():
        if residue.name == "HOH":
            atoms = [atom.index for atom in residue.atoms()]
            result[atoms] += (factor - 1) * positions[atoms[0]]
    return result


def minimized(system: openmm.System, positions: Array) -> Array:
    """Positions ``(n, 3)`` in nm after some steps of minimization."""
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform, {"Threads": "1"})
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, MINIMIZER_STEPS)
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)
