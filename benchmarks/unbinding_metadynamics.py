"""Unbinding free energies by metadynamics along the distance of centers. See --help."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import openmm
import typer
from decoupling import (
    FRICTION_PER_PS,
    HYDROGEN_MASS_DA,
    TIME_STEP_PS,
    heavier_hydrogens,
)
from numpy.typing import NDArray
from openmm import unit
from openmm.app import BiasVariable, Metadynamics, Simulation
from rich.console import Console

from openmm_genmd.analysis.radial_free_energy import (
    RadialFreeEnergy,
    standard_free_energy_of_profile,
)
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.units import KJ_PER_KCAL, thermal_energy_kj_per_mol

Floats = NDArray[np.float64]

HEIGHT_KJ_PER_MOL = 2.0
WIDTH_NM = 0.03
BIAS_FACTOR = 20.0
HILL_STEPS = 100
WALL_NM, WALL_KJ_PER_MOL_NM2 = 1.6, 4000.0
REACH_NM = 1.9
BOUND_NM = 0.8
"""Up to here the guest is bound: in the host, or on it."""
BULK_NM = (1.3, 1.55)
"""Where the guest is free and the wall is not felt."""
IN_NM = 0.25
ESTIMATES = 20
HELP = f"""Standard free energy of unbinding of a bundled host and guest, by metadynamics.

Well-tempered metadynamics of OpenMM along the distance of the centers of heavy atoms, with a wall
at {WALL_NM} nm: hills of {HEIGHT_KJ_PER_MOL} kJ/mol and {WIDTH_NM} nm every {HILL_STEPS} steps of
{1e3 * TIME_STEP_PS:g} fs, bias factor {BIAS_FACTOR:g}, hydrogens of {HYDROGEN_MASS_DA:g} Da. The
free energy at 1 mol/L follows from the share of the bound guest and the density of the free one:
the profile holds the growth of the shells with the distance. All orientations count as bound.

Time is CPU time of one core. The estimate is given at {ESTIMATES} times. Its spread over the second
half of a run is no standard error: estimates are correlated. Runs with other seeds give one."""


@dataclass
class Crossings:
    """Ways in and out that a guest made."""

    ways: int = 0
    _inside: bool = True

    def see(self, distance_nm: float) -> None:
        """See where it is now."""
        there = BULK_NM[0] < distance_nm if self._inside else distance_nm < IN_NM
        if there:
            self.ways += 1
            self._inside = not self._inside


class UnbindingMetadynamics:
    """Metadynamics of a complex.

    Parameters
    ----------
    bound
        The complex; its System is not changed.
    seed
        Of thermostat and velocities.
    """

    def __init__(self, bound: BoundComplex, seed: int) -> None:
        self._kt = thermal_energy_kj_per_mol(bound.temperature_k)
        system = heavier_hydrogens(copy.deepcopy(bound.system), bound.topology)
        system.addForce(
            _centers(bound, f"{WALL_KJ_PER_MOL_NM2 / 2}*max(distance(g1, g2)-{WALL_NM}, 0)^2")
        )
        variable = BiasVariable(_centers(bound, "distance(g1, g2)"), 0.0, REACH_NM, WIDTH_NM, False)
        self._metadynamics = Metadynamics(
            system,
            [variable],
            bound.temperature_k * unit.kelvin,
            BIAS_FACTOR,
            HEIGHT_KJ_PER_MOL,
            HILL_STEPS,
        )
        integrator = openmm.LangevinMiddleIntegrator(
            bound.temperature_k, FRICTION_PER_PS, TIME_STEP_PS
        )
        integrator.setRandomNumberSeed(seed)
        self._simulation = Simulation(
            bound.topology, system, integrator, find_platform("CPU"), {"Threads": "1"}
        )
        self._simulation.context.setPositions(bound.positions_nm)
        self._simulation.context.setVelocitiesToTemperature(bound.temperature_k, seed)
        self.crossings = Crossings()

    def advance(self, cpu_seconds: float) -> None:
        """Run for some time, one hill at least."""
        end = time.process_time() + cpu_seconds
        while True:
            self._metadynamics.step(self._simulation, HILL_STEPS)
            [distance] = self._metadynamics.getCollectiveVariables(self._simulation)
            self.crossings.see(float(distance))
            if time.process_time() > end:
                return

    @property
    def nanoseconds(self) -> float:
        """Time simulated so far, ns."""
        return float(self._simulation.currentStep) * TIME_STEP_PS * 1e-3

    def profile(self) -> tuple[Floats, Floats]:
        """Distances, nm, and free energies, kJ/mol, with the growth of the shells in them."""
        energies = self._metadynamics.getFreeEnergy()._value
        return np.linspace(0.0, REACH_NM, len(energies)), energies - energies.min()

    def unbinding_kcal_per_mol(self) -> float:
        """Standard free energy of unbinding so far, kcal/mol.

        Before the guest has been free for long, the bulk of the profile is none.
        """
        return self._standard().value_kt * self._kt / KJ_PER_KCAL

    def bulk_drift_kcal_per_mol(self) -> float:
        """Change of the profile over the bulk beyond that of a free guest, kcal/mol."""
        return self._standard().bulk_drift_kt * self._kt / KJ_PER_KCAL

    def _standard(self) -> RadialFreeEnergy:
        distance_nm, energy_kj_per_mol = self.profile()
        return standard_free_energy_of_profile(
            distance_nm[1:],
            energy_kj_per_mol[1:] / self._kt,
            bound_below_nm=BOUND_NM,
            bulk_nm=BULK_NM,
            most_drift_kt=math.inf,
        )


def _centers(bound: BoundComplex, energy: str) -> openmm.CustomCentroidBondForce:
    force = openmm.CustomCentroidBondForce(2, energy)
    for group in (bound.receptor_heavy, bound.ligand_heavy):
        force.addGroup(group.tolist(), [1.0] * len(group))
    force.addBond([0, 1], [])
    return force


def measure(run: UnbindingMetadynamics, minutes: float) -> dict[str, Any]:
    """Run, with estimates on the way."""
    before, estimates = time.process_time(), []
    for _ in range(ESTIMATES):
        run.advance(60 * minutes / ESTIMATES)
        estimates.append(run.unbinding_kcal_per_mol())
    distance_nm, energy_kj_per_mol = run.profile()
    return {
        "unbinding_kcal_per_mol": estimates[-1],
        "bulk_drift_kcal_per_mol": run.bulk_drift_kcal_per_mol(),
        "spread_kcal_per_mol": float(np.std(estimates[ESTIMATES // 2 :])),
        "estimates_kcal_per_mol": [round(each, 3) for each in estimates],
        "crossings": run.crossings.ways,
        "nanoseconds": run.nanoseconds,
        "cpu_minutes": (time.process_time() - before) / 60,
        "distance_nm": np.round(distance_nm, 5).tolist(),
        "energy_kj_per_mol": np.round(energy_kj_per_mol, 4).tolist(),
    }


def main(
    system: Annotated[str, typer.Option(help="name of a bundled complex")] = "cb7-b2",
    minutes: Annotated[float, typer.Option(help="of one core")] = 10.0,
    seed: Annotated[int, typer.Option(help="of thermostat and velocities")] = 1,
    file: Annotated[Path | None, typer.Option("--json", help="where results go")] = None,
) -> None:
    """Measure and print."""
    found = measure(UnbindingMetadynamics(bundled_complex(system), seed), minutes)
    if file is not None:
        result = {"system": system, "seed": seed, **found}
        file.write_text(json.dumps(result) + "\n", encoding="utf-8")
    Console().print(
        f"{system}: unbinding {found['unbinding_kcal_per_mol']:.2f} kcal/mol at 1 mol/L, spread "
        f"over the second half {found['spread_kcal_per_mol']:.2f}; {found['crossings']} ways in or "
        f"out, {found['nanoseconds']:.2f} ns, {found['cpu_minutes']:.1f} minutes of one core"
    )


app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
app.command(help=HELP)(main)

if __name__ == "__main__":
    app()
