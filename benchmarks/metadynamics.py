"""Well-tempered metadynamics on phi and psi as `openmm.app.Metadynamics` does it, reweighted.

Settings: hills of 1.5 kJ/mol and .3 rad every 100 steps (.2 ps), bias factor 8, which leaves some
1.4 kT of the 28 kJ/mol to the saddle.
"""

from __future__ import annotations

import numpy as np
from alanine_dipeptide_samplers import TorsionTrajectory
from alanine_dipeptide_system import (
    TEMPERATURE_K,
    make_simulation,
    make_system,
    make_thermostat,
    torsion_atoms,
    torsion_force,
)
from numpy.typing import NDArray
from openmm import app, unit

from openmm_genmd.data.structures import load_structure
from openmm_genmd.units import thermal_energy_kj_per_mol

BIAS_FACTOR = 8.0
HEIGHT_KJ_PER_MOL = 1.5
WIDTH_RAD = 0.3
HILL_STEPS = 100
GRID_POINTS = 61
OFFSET_STEPS = 1000
"""Steps between updates of c(t), which is costly and hardly moves within ten hills."""
BURN_IN = 0.2
"""Share of the run that is left out of the estimate: the first filling of the basins."""


class MetadynamicsTrajectory(TorsionTrajectory):
    """Metadynamics with the weight of every frame.

    Parameters
    ----------
    seed
        Of thermostat and velocities.
    """

    def __init__(self, seed: int) -> None:
        topology, _ = load_structure("alanine-dipeptide")
        system = make_system(topology)
        variables = [
            app.BiasVariable(torsion_force(quad), -np.pi, np.pi, WIDTH_RAD, True, GRID_POINTS)
            for quad in torsion_atoms(topology)
        ]
        self._metadynamics = app.Metadynamics(
            system,
            variables,
            TEMPERATURE_K * unit.kelvin,
            BIAS_FACTOR,
            HEIGHT_KJ_PER_MOL,
            HILL_STEPS,
        )
        super().__init__(make_simulation(system, make_thermostat(seed), seed))
        # Frames then fall midway between hills: the hill just added under a frame would raise the
        # frame's own weight.
        self._metadynamics.step(self.simulation, HILL_STEPS // 4)
        self._group = 1 << max(force.getForceGroup() for force in system.getForces())
        self._log_weights: list[float] = []
        self._offset_kj_per_mol = 0.0

    def _advance(self, steps: int) -> None:
        """Take steps, add hills when due, and weigh the frame."""
        self._metadynamics.step(self.simulation, steps)
        state = self.simulation.context.getState(energy=True, groups=self._group)
        bias = state.getPotentialEnergy()._value
        if len(self._log_weights) % (OFFSET_STEPS // steps) == 0:
            self._offset_kj_per_mol = offset_kj_per_mol(self._metadynamics)
        kt = thermal_energy_kj_per_mol(TEMPERATURE_K)
        self._log_weights.append((bias - self._offset_kj_per_mol) / kt)

    def weights(self) -> NDArray[np.float64]:
        """Weights of the frames so far, ``(n,)`` float64; zero during the first filling."""
        log_weights = np.array(self._log_weights)
        weights = np.exp(log_weights - log_weights.max())
        weights[: int(BURN_IN * len(weights))] = 0.0
        return np.asarray(weights, dtype=np.float64)


def offset_kj_per_mol(metadynamics: app.Metadynamics) -> float:
    """Compute c(t), kJ/mol, from a bias on a grid of two periodic variables.

    References
    ----------
    Tiwary and Parrinello, J. Phys. Chem. B 119, 736 (2015), eq. 12.
    """
    kt = thermal_energy_kj_per_mol(TEMPERATURE_K)
    # F = -g / (g - 1) V, so V / (g - 1) = -F / g. The end of the period is its beginning.
    scaled = -metadynamics.getFreeEnergy()._value[:-1, :-1] / kt
    return float(kt * (_log_sum_exp(scaled) - _log_sum_exp(scaled / BIAS_FACTOR)))


def _log_sum_exp(values: NDArray[np.float64]) -> float:
    highest = values.max()
    return float(highest + np.log(np.sum(np.exp(values - highest))))
