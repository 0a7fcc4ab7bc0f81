"""The alanine dipeptide of the main job: System, thermostat, torsions.

The force field is amber99sbildn with ``amber99_obc.xml``, HBonds constraints, no cutoff; the
thermostat is LangevinMiddle at 300 K, 1/ps, 2 fs. For 22 atoms Reference is OpenMM's fastest
platform, so every program that is compared with another one uses it.
"""

from __future__ import annotations

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.dihedrals import dihedral

TEMPERATURE_K = 300.0
FRICTION_PER_PS = 1.0
TIME_STEP_PS = 0.002
PLATFORM = "Reference"
FORCE_FIELD = ("amber99sbildn.xml", "amber99_obc.xml")
PHI_ATOMS = (("ACE", "C"), ("ALA", "N"), ("ALA", "CA"), ("ALA", "C"))
PSI_ATOMS = (("ALA", "N"), ("ALA", "CA"), ("ALA", "C"), ("NME", "N"))


def make_system(topology: app.Topology) -> openmm.System:
    """Build the System of the main job, CMMotionRemover included."""
    return app.ForceField(*FORCE_FIELD).createSystem(
        topology, nonbondedMethod=app.NoCutoff, constraints=app.HBonds
    )


def make_thermostat(seed: int) -> openmm.LangevinMiddleIntegrator:
    """Build the thermostat of the main job; the seed must not be 0, which means the clock."""
    integrator = openmm.LangevinMiddleIntegrator(
        TEMPERATURE_K * unit.kelvin,
        FRICTION_PER_PS / unit.picosecond,
        TIME_STEP_PS * unit.picosecond,
    )
    integrator.setRandomNumberSeed(seed)
    return integrator


def make_simulation(
    system: openmm.System, integrator: openmm.Integrator, seed: int
) -> app.Simulation:
    """Build a Simulation, minimised, with velocities at 300 K."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    platform = openmm.Platform.getPlatformByName(PLATFORM)
    simulation = app.Simulation(topology, system, integrator, platform)
    simulation.context.setPositions(positions_nm)
    simulation.minimizeEnergy()
    simulation.context.setVelocitiesToTemperature(TEMPERATURE_K, seed)
    return simulation


def torsion_atoms(topology: app.Topology) -> NDArray[np.int64]:
    """Find phi and psi: atom indices ``(2, 4)`` int64."""
    index = {(atom.residue.name, atom.name): atom.index for atom in topology.atoms()}
    return np.array([[index[key] for key in atoms] for atoms in (PHI_ATOMS, PSI_ATOMS)])


def torsion_force(quad: NDArray[np.int64]) -> openmm.CustomTorsionForce:
    """Make a collective variable: the torsion angle itself, rad."""
    force = openmm.CustomTorsionForce("theta")
    force.addTorsion(*(int(atom) for atom in quad), [])
    return force


def phi_psi_rad(positions_nm: NDArray[np.float64], quads: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute phi and psi of many frames.

    Parameters
    ----------
    positions_nm
        ``(n_frames, n_atoms, 3)`` float64, nm.
    quads
        ``(2, 4)`` int64 from `torsion_atoms`.

    Returns
    -------
    ndarray
        ``(n_frames, 2)`` float64, rad in [-pi, pi].
    """
    # (2, 4, 3, n_frames): torsion, atom, component, frame
    columns = np.moveaxis(positions_nm[:, quads], 0, -1)
    return np.stack([dihedral(*atoms, math_library=np) for atoms in columns], axis=-1)


def current_positions_nm(context: openmm.Context) -> NDArray[np.float64]:
    """Read the positions ``(n_atoms, 3)`` float64, nm, without building a unit-bearing copy."""
    positions = context.getState(positions=True).getPositions(asNumpy=True)
    return np.asarray(positions._value, dtype=np.float64)
