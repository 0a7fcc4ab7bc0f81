"""Isoleucine dipeptide in a small box of water: a side chain whose rotamers change slowly."""

from __future__ import annotations

import random

import numpy as np
import openmm
from alanine_dipeptide_box import FORCE_FIELD, Box, make_system
from numpy.typing import NDArray
from openmm import app, unit
from peptides import capped_peptide

Array = NDArray[np.float64]

BUILT_EDGE_NM = 1.8
HYDROGEN_MASS_DA = 3.0
# At 300 K and 1 bar, from the mean edges of two boxes.
WATER_NM3, SOLUTE_NM3 = 0.0304, 0.27
# The solvated box is compressed, waters as rigid bodies, before the energy is minimized.
MINIMIZER_STEPS = 500


def make_isoleucine_box() -> Box:
    """ACE-ILE-NME in water at the density of 1 bar, minimized.

    Hydrogens weigh 3 Da, so that MD can do steps of 4 fs: masses leave the distribution of
    positions as it is.
    """
    force_field = app.ForceField(*FORCE_FIELD)
    modeller = _isoleucine(force_field)
    n_solute = modeller.topology.getNumAtoms()
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
    return Box(modeller.topology, _minimized(system, compressed), system, n_solute)


def _isoleucine(force_field: app.ForceField) -> app.Modeller:
    """ACE-ILE-NME around the origin: alanine with carbons for two hydrogens of its methyl."""
    template, placed = capped_peptide("A")
    topology, positions = app.Topology(), []
    chain = topology.addChain()
    for residue in template.residues():
        is_alanine = residue.name == "ALA"
        own = topology.addResidue("ILE" if is_alanine else residue.name, chain)
        here = {atom.name: placed[atom.index] for atom in residue.atoms()}
        heavy = {atom.name: atom.element for atom in residue.atoms() if atom.element.symbol != "H"}
        for name, element in heavy.items():
            topology.addAtom(name, element, own)
            positions.append(here[name])
        for name, position in (_side_chain(here) if is_alanine else {}).items():
            topology.addAtom(name, app.element.carbon, own)
            positions.append(position)
    centered = np.array(positions) - np.mean(positions, axis=0)
    modeller = app.Modeller(topology, centered * unit.nanometer)
    modeller.topology.createStandardBonds()
    state = random.getstate()
    random.seed(1)  # where hydrogens start from
    platform = openmm.Platform.getPlatformByName("Reference")
    modeller.addHydrogens(force_field, platform=platform)
    random.setstate(state)
    return modeller


def _side_chain(alanine: dict[str, Array]) -> dict[str, Array]:
    """Carbons beyond CB, roughly: the minimizer does the rest."""
    bond_nm = 0.153
    beta = alanine["CB"]

    def toward(direction: Array, start: Array) -> Array:
        return np.asarray(start + bond_nm * direction / np.linalg.norm(direction))

    gamma = toward(alanine["HB2"] - beta, beta)
    # A bond parallel to CA-CB is trans to it.
    delta = toward(beta - alanine["CA"], gamma)
    return {"CG1": gamma, "CG2": toward(alanine["HB1"] - beta, beta), "CD1": delta}


def _compressed(topology: app.Topology, positions: Array, factor: float) -> Array:
    """Waters drawn nearer to the origin, where the solute's center is, each as a rigid body."""
    result = positions.copy()
    for residue in topology.residues():
        if residue.name == "HOH":
            atoms = [atom.index for atom in residue.atoms()]
            result[atoms] += (factor - 1) * positions[atoms[0]]
    return result


def _minimized(system: openmm.System, positions: Array) -> Array:
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform, {"Threads": "1"})
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, MINIMIZER_STEPS)
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)
