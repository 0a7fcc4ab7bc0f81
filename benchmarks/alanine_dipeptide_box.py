"""Alanine dipeptide in a small box of water: the system of the explicit-solvent benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd import BatchedEnergy
from openmm_genmd.data.structures import load_structure

Array = NDArray[np.float64]

FORCE_FIELD = ("amber99sbildn.xml", "tip3p.xml")
EDGE_NM = 1.95
CUTOFF_NM = 0.8
TEMPERATURE_K = 300.0
TIME_STEP_PS = 0.002
FRICTION_PER_PS = 1.0
KT_KJ = 0.00831446261815324 * TEMPERATURE_K


@dataclass(frozen=True)
class Box:
    """A solvated molecule.

    Attributes
    ----------
    topology
        Of everything; the solute comes first.
    positions_nm
        ``(n_particles, 3)``, as built: not equilibrated.
    system
        PME, rigid water, constraints on bonds of hydrogens.
    n_solute
        Number of particles of the solute.
    """

    topology: app.Topology
    positions_nm: Array
    system: openmm.System
    n_solute: int


def make_system(force_field: app.ForceField, topology: app.Topology, **more: Any) -> openmm.System:
    """System of a solvated molecule; `more` goes to ForceField.createSystem."""
    return force_field.createSystem(
        topology,
        nonbondedMethod=app.PME,
        nonbondedCutoff=CUTOFF_NM,
        constraints=app.HBonds,
        rigidWater=True,
        **more,
    )


def make_box(edge_nm: float = EDGE_NM) -> Box:
    """Alanine dipeptide of the package, solvated in a cubic box."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    force_field = app.ForceField(*FORCE_FIELD)
    modeller = app.Modeller(topology, (positions_nm - positions_nm.mean(0)) * unit.nanometer)
    modeller.addSolvent(
        force_field, model="tip3p", boxSize=openmm.Vec3(edge_nm, edge_nm, edge_nm), neutralize=False
    )
    system = make_system(force_field, modeller.topology)
    positions = np.array(modeller.positions.value_in_unit(unit.nanometer))
    return Box(modeller.topology, positions, system, topology.getNumAtoms())


def make_implicit_energy() -> BatchedEnergy:
    """Return the energy of the molecule in implicit solvent, in kJ/mol."""
    topology, _ = load_structure("alanine-dipeptide")
    force_field = app.ForceField(FORCE_FIELD[0], "amber99_obc.xml")
    return BatchedEnergy(force_field.createSystem(topology), threads=1)


def make_thermostat(seed: int, time_step_ps: float = TIME_STEP_PS) -> openmm.Integrator:
    """Return LangevinMiddle at the temperature of the benchmark."""
    inner = openmm.LangevinMiddleIntegrator(TEMPERATURE_K, FRICTION_PER_PS, time_step_ps)
    inner.setRandomNumberSeed(seed)
    return inner
