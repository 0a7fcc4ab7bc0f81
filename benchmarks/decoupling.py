"""Hamiltonian that takes a guest out of a host in implicit solvent: `Decoupling`."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app, unit
from scipy.integrate import quad

from openmm_genmd.md.platforms import find_platform
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.units import STANDARD_VOLUME_NM3, thermal_energy_kj_per_mol

Floats = NDArray[np.float64]

TIME_STEP_PS = 0.004
FRICTION_PER_PS = 1.0
HYDROGEN_MASS_DA = 3.0
WALL_KJ_PER_MOL_NM2 = 4000.0
ELECTROSTATICS = (1.0, 0.7, 0.35)
STERICS = (1.0, 0.88, 0.76, 0.64, 0.52, 0.41, 0.31, 0.21, 0.11, 0.0)
CHARGES, APART, STERICS_GROUP = 1, 2, 3
"""Force groups: charges and solvent of the complex, solvent of its parts, Lennard-Jones."""
HUGE_NM = 2.5
"""Radius of an atom that no other atom reaches: larger than any distance in a host with guest."""
_PROBE_NM = 0.14
_OFFSET_NM = 0.009
_FAR_NM = 1000.0


@dataclass(frozen=True, eq=False)
class Decoupling:
    """A complex and the path to its host and guest without each other.

    Interactions of host and guest are scaled, those within each are not. First those of charges
    and of the implicit solvent go, linearly, then those of Lennard-Jones, along the soft cores of
    openmmtools.

    Attributes
    ----------
    bound
        The complex.
    system
        With the parameters ``lambda_electrostatics`` and ``lambda_sterics`` and the restraint.
    site_nm
        Distance of the centers of heavy atoms within which the restraint is zero, nm.
    """

    bound: BoundComplex
    system: openmm.System
    site_nm: float

    @classmethod
    def of(cls, bound: BoundComplex, site_nm: float) -> Self:
        """Decoupling of a complex whose System has no cutoff.

        Raises
        ------
        ValueError
            If the System has a cutoff.
        """
        from openmmtools import alchemy, forces

        if _solvent(bound.system).getNonbondedMethod() != openmm.GBSAOBCForce.NoCutoff:
            raise ValueError(f"expected a System without a cutoff, got that of {bound.name}")
        vacuum = copy.deepcopy(bound.system)
        kinds = [type(force) for force in vacuum.getForces()]
        vacuum.removeForce(kinds.index(openmm.GBSAOBCForce))
        factory = alchemy.AbsoluteAlchemicalFactory(consistent_exceptions=False)
        region = alchemy.AlchemicalRegion(
            alchemical_atoms=bound.ligand.tolist(),
            annihilate_electrostatics=False,
            annihilate_sterics=False,
        )
        system = factory.create_alchemical_system(vacuum, region)
        _group_by_state(system, *mixed_solvent(bound))
        wall = forces.FlatBottomRestraintForce(
            WALL_KJ_PER_MOL_NM2 * unit.kilojoule_per_mole / unit.nanometer**2,
            site_nm * unit.nanometer,
            bound.receptor_heavy.tolist(),
            bound.ligand_heavy.tolist(),
        )
        system.addForce(wall)
        return cls(bound, heavier_hydrogens(system, bound.topology), site_nm)

    @property
    def states(self) -> list[dict[str, float]]:
        """Parameters of all states, the complex first."""
        pairs = [(e, 1.0) for e in ELECTROSTATICS] + [(0.0, s) for s in STERICS]
        return [{"lambda_electrostatics": e, "lambda_sterics": s} for e, s in pairs]

    @staticmethod
    def groups(state: dict[str, float]) -> set[int]:
        """Groups of the forces that are not zero in a state."""
        charges, sterics = state["lambda_electrostatics"], state["lambda_sterics"]
        on = {0: True, CHARGES: charges > 0, APART: charges < 1, STERICS_GROUP: sterics > 0}
        return {group for group, needed in on.items() if needed}

    @property
    def kt_kj_per_mol(self) -> float:
        """Thermal energy, kJ/mol."""
        return thermal_energy_kj_per_mol(self.bound.temperature_k)

    def distance_nm(self, positions_nm: Floats) -> float:
        """Distance of the centers, as the restraint has it, nm."""
        centers = []
        for group in (self.bound.receptor_heavy, self.bound.ligand_heavy):
            masses = [self.system.getParticleMass(n)._value for n in group.tolist()]
            centers.append(np.average(positions_nm[group], axis=0, weights=masses))
        return float(np.linalg.norm(centers[0] - centers[1]))

    def wall_kj_per_mol(self, distance_nm: Any) -> Any:
        """Energy of the restraint at distances in nm, kJ/mol."""
        return 0.5 * WALL_KJ_PER_MOL_NM2 * np.maximum(distance_nm - self.site_nm, 0.0) ** 2

    def site_volume_nm3(self) -> float:
        """Volume that the center of the decoupled guest has, nm^3, by quadrature."""

        def shell(r: float) -> float:
            return 4 * math.pi * r**2 * math.exp(-self.wall_kj_per_mol(r) / self.kt_kj_per_mol)

        return float(quad(shell, 0.0, self.site_nm + 0.5, points=[self.site_nm])[0])

    def standard_state_kj_per_mol(self) -> float:
        """Free energy, kJ/mol, from the restrained, decoupled guest to one at 1 mol/L."""
        return -self.kt_kj_per_mol * math.log(STANDARD_VOLUME_NM3 / self.site_volume_nm3())

    def simulation(self, seed: int) -> app.Simulation:
        """A Simulation of the complex on one thread, at its first positions."""
        integrator = openmm.LangevinMiddleIntegrator(
            self.bound.temperature_k, FRICTION_PER_PS, TIME_STEP_PS
        )
        integrator.setRandomNumberSeed(seed)
        platform, threads = find_platform("CPU"), {"Threads": "1"}
        simulation = app.Simulation(self.bound.topology, self.system, integrator, platform, threads)
        simulation.context.setPositions(self.bound.positions_nm)
        simulation.context.setVelocitiesToTemperature(self.bound.temperature_k, seed)
        return simulation

    def end_errors_kj_per_mol(self, frames_nm: Sequence[Floats]) -> tuple[float, float]:
        """Largest errors of the energies at both ends of the path, kJ/mol, over some frames.

        At one end the energy is that of the plain System, at the other that of the plain System
        with the guest a micrometer away.
        """
        path = _context(self.system)
        plain = _context(self.bound.system)
        errors = []
        for state, shift in ((self.states[0], 0.0), (self.states[-1], _FAR_NM)):
            for name, value in {**state, "lambda_restraints": 0.0}.items():
                path.setParameter(name, value)
            differences = []
            for frame in frames_nm:
                moved = np.array(frame)
                moved[self.bound.ligand] += [shift, 0.0, 0.0]
                differences.append(abs(_energy(path, frame) - _energy(plain, moved)))
            errors.append(max(differences))
        return errors[0], errors[1]


def mixed_solvent(bound: BoundComplex) -> list[openmm.CustomCVForce]:
    """Implicit solvent of host and guest together, and of each alone, for a linear mixture.

    Free energies of solvation are mixed, all of them by the native force: with openmmtools' own
    version of it, a CustomGBForce, a step takes nearly twice the time of what is here, and at the
    other end of its path the guest is in vacuum.
    """
    together = openmm.CustomCVForce("lambda_electrostatics*together")
    together.addCollectiveVariable("together", copy.deepcopy(_solvent(bound.system)))
    apart = openmm.CustomCVForce("(1-lambda_electrostatics)*(host + guest - rest)")
    alone = {"host": bound.ligand, "guest": bound.receptor}
    rest = sum(_surface_of_huge(bound.system) * len(left_out) for left_out in alone.values())
    apart.addGlobalParameter("rest", rest)
    for name, left_out in alone.items():
        apart.addCollectiveVariable(name, _without(_solvent(bound.system), left_out))
    for force in (together, apart):
        force.addGlobalParameter("lambda_electrostatics", 1.0)
    return [together, apart]


def _group_by_state(
    system: openmm.System, together: openmm.CustomCVForce, apart: openmm.CustomCVForce
) -> None:
    """Add the solvent, and put forces that some states do not have into groups of their own."""
    for force in system.getForces():
        force.setForceGroup(0)
        if isinstance(force, openmm.CustomNonbondedForce) and _between_two(force):
            coulomb = "chargeprod" in force.getEnergyFunction()
            force.setForceGroup(CHARGES if coulomb else STERICS_GROUP)
    together.setForceGroup(CHARGES)
    apart.setForceGroup(APART)
    for force in (together, apart):
        system.addForce(force)


def _between_two(force: openmm.CustomNonbondedForce) -> bool:
    """Whether it acts between host and guest, not within one."""
    first, second = force.getInteractionGroupParameters(0)
    return set(first) != set(second)


def heavier_hydrogens(system: openmm.System, topology: app.Topology) -> openmm.System:
    """The System, with hydrogens made heavier at the cost of their neighbors."""
    for bond in topology.bonds():
        pair = sorted(bond, key=lambda atom: atom.element is not app.element.hydrogen)
        if [atom.element is app.element.hydrogen for atom in pair] == [True, False]:
            hydrogen, neighbor = (atom.index for atom in pair)
            mass, other = (system.getParticleMass(n)._value for n in (hydrogen, neighbor))
            system.setParticleMass(hydrogen, HYDROGEN_MASS_DA)
            system.setParticleMass(neighbor, other - (HYDROGEN_MASS_DA - mass))
    return system


def _without(solvent: openmm.GBSAOBCForce, atoms: NDArray[np.intp]) -> openmm.GBSAOBCForce:
    """The force without some atoms, but for a constant: every particle must be in it.

    They have no charge and screen nothing. As they are larger than all distances, nothing screens
    them, and their surface is constant.
    """
    rest = copy.deepcopy(solvent)
    for n in atoms.tolist():
        # OpenMM wants scales above zero.
        rest.setParticleParameters(n, 0.0, HUGE_NM, 1e-12)
    return rest


def _surface_of_huge(system: openmm.System) -> float:
    """Energy, kJ/mol, of the surface of an atom that nothing screens."""
    tension = _solvent(system).getSurfaceAreaEnergy()._value
    area = 4 * math.pi * (HUGE_NM + _PROBE_NM) ** 2
    return float(tension * area * (HUGE_NM / (HUGE_NM - _OFFSET_NM)) ** 6)


def _solvent(system: openmm.System) -> Any:
    [found] = [force for force in system.getForces() if isinstance(force, openmm.GBSAOBCForce)]
    return found


def _context(system: openmm.System) -> openmm.Context:
    return openmm.Context(system, openmm.VerletIntegrator(0.001), find_platform("Reference"))


def _energy(context: openmm.Context, positions_nm: Floats) -> float:
    context.setPositions(positions_nm)
    return float(context.getState(energy=True).getPotentialEnergy()._value)
