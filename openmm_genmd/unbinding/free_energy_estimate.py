"""From samples of windows to a free energy of unbinding: `DirectionEstimate`, `weak_points`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.soft_springs import spring_flags
from openmm_genmd.analysis.statistics import error_of_mean
from openmm_genmd.analysis.window_convergence import convergence_in_time
from openmm_genmd.analysis.window_free_energy import WindowFreeEnergies, window_free_energies
from openmm_genmd.unbinding.pose import Poses
from openmm_genmd.unbinding.pose_restraint import log_free_volume
from openmm_genmd.unbinding.window_samples import WindowSamples
from openmm_genmd.unbinding.window_sampling import WindowPlan
from openmm_genmd.units import KJ_PER_KCAL, thermal_energy_kj_per_mol

Array = NDArray[np.float64]
Value = tuple[float, float]


@dataclass(frozen=True, eq=False)
class DirectionEstimate:
    """What the simulations started at one end say.

    Attributes
    ----------
    windows
        Free energies of the windows, kT.
    unbinding_kcal_per_mol
        Standard free energy from the bound to the free state (1 mol/L), and its standard error.
    by_pairs_kcal_per_mol
        The same from neighboring windows alone, by BAR, and its error: a check on MBAR.
    correction_kcal_per_mol
        Part of it that takes the ligand from the last window to infinite distance, with its place
        and orientation still restrained; 0 in a periodic box, where there is no such distance.
    volume_kcal_per_mol
        Part of it that then releases the restraints, into the standard state.
    time_ps
        ``(n,)``, simulated time of each window, for the two below.
    forward_kcal_per_mol, reverse_kcal_per_mol
        ``(n, 2)``, free energy of unbinding and its error from the first and from the last samples
        of so much time.
    core_seconds, steps
        What it cost, trials included: of one core, and evaluations of the forces.
    """

    windows: WindowFreeEnergies
    unbinding_kcal_per_mol: Value
    by_pairs_kcal_per_mol: Value
    correction_kcal_per_mol: Value
    volume_kcal_per_mol: float
    time_ps: Array
    forward_kcal_per_mol: Array
    reverse_kcal_per_mol: Array
    core_seconds: float
    steps: int

    @classmethod
    def of(cls, plan: WindowPlan, samples: WindowSamples) -> Self:
        """Estimate from samples of all windows.

        Parameters
        ----------
        plan
            What was sampled.
        samples
            Of one direction.

        Raises
        ------
        ValueError
            If there are too few.
        """
        kt = thermal_energy_kj_per_mol(plan.bound.temperature_k) / KJ_PER_KCAL
        energies, last = reduced_energies(plan, samples), len(plan.path.windows) - 1
        found = window_free_energies(energies, samples.windows)
        value, error = found.difference(0, last)
        used = slice(found.discarded, None)
        apart, apart_error = _parting_kt(plan, samples.interaction_kj_per_mol[used])
        volume = log_free_volume(plan.path.windows[-1], plan.bound.temperature_k)
        in_time = convergence_in_time(energies[used], samples.windows[used], 0, last)
        return cls(
            found,
            (kt * (value + apart + volume), kt * float(np.hypot(error, apart_error))),
            (
                kt * float(found.bar_kt.sum() + apart + volume),
                kt * float(np.hypot(np.linalg.norm(found.bar_errors_kt), apart_error)),
            ),
            (kt * apart, kt * apart_error),
            kt * volume,
            np.asarray(in_time.iterations * plan.settings.iteration_ps, np.float64),
            kt * _shifted(in_time.forward_kt, apart + volume, apart_error),
            kt * _shifted(in_time.reverse_kt, apart + volume, apart_error),
            samples.core_seconds,
            samples.steps,
        )

    @property
    def halves_kcal_per_mol(self) -> tuple[Value, Value]:
        """Estimates of the first and of the second half of the time."""
        middle = len(self.time_ps) // 2 - 1
        first, second = self.forward_kcal_per_mol[middle], self.reverse_kcal_per_mol[middle]
        return (float(first[0]), float(first[1])), (float(second[0]), float(second[1]))

    def profile_kcal_per_mol(self, temperature_k: float) -> tuple[Array, Array]:
        """Free energies ``(n_windows,)``, the first being 0, and their standard errors."""
        kt = thermal_energy_kj_per_mol(temperature_k) / KJ_PER_KCAL
        return kt * self.windows.free_energies_kt, kt * self.windows.errors_kt[0]


def _shifted(estimates: Array, shift: float, error: float) -> Array:
    """Values and errors ``(n, 2)`` to which a number with an error is added."""
    return np.stack([estimates[:, 0] + shift, np.hypot(estimates[:, 1], error)], axis=1)


def _parting_kt(plan: WindowPlan, interaction_kj_per_mol: Array) -> Value:
    """Free energy, kT, of taking the ligand from the last window to infinite distance."""
    if not np.isfinite(interaction_kj_per_mol).all():
        return 0.0, 0.0
    reduced = interaction_kj_per_mol / thermal_energy_kj_per_mol(plan.bound.temperature_k)
    shift = float(reduced.max())
    weights = np.exp(reduced - shift)
    mean = float(weights.mean())
    error = error_of_mean(weights) if np.ptp(weights) > 0 else 0.0
    return -shift - float(np.log(mean)), error / mean


def reduced_energies(plan: WindowPlan, samples: WindowSamples) -> Array:
    """Energies ``(n_iterations, n_replicas, n_windows)`` of restraints, kT."""
    windows = plan.path.windows
    flat = plan.restraint.energies_kj_per_mol(windows, samples.poses).T
    kt = thermal_energy_kj_per_mol(plan.bound.temperature_k)
    return np.asarray(flat.reshape(*samples.windows.shape, len(windows)) / kt)


def weak_points(
    plan: WindowPlan, parts: list[WindowSamples], least_overlap: float
) -> tuple[list[int], dict[int, str]]:
    """Neighbors i, i + 1 that overlap too little, and windows whose spring is too soft, and why.

    Parameters
    ----------
    plan
        What was sampled.
    parts
        Of the directions, equally long.
    least_overlap
        That is enough.
    """
    energies = np.concatenate([reduced_energies(plan, part) for part in parts], axis=1)
    windows = np.concatenate([part.windows for part in parts], axis=1)
    skip = len(energies) // 4
    found = window_free_energies(energies[skip:], windows[skip:], discard=0)
    links = np.minimum(np.diag(found.overlap, 1), np.diag(found.overlap, -1))
    weak = np.flatnonzero(links < least_overlap).tolist()
    return weak, soft_springs(plan, parts, skip)


def soft_springs(plan: WindowPlan, parts: list[WindowSamples], skip: int) -> dict[int, str]:
    """Windows on the path whose spring is softer than the free energy is curved, and why.

    Parameters
    ----------
    plan
        What was sampled.
    parts
        Of the directions.
    skip
        Iterations left out at the beginning.
    """
    path, tangents = plan.path, plan.path.tangents()
    places = Poses.joined([part.poses[skip * part.windows.shape[1] :] for part in parts]).places_nm
    windows = np.concatenate([part.windows[skip:].ravel() for part in parts])
    chosen = range(path.first_on_path, len(path.windows))
    along = {
        n: (places[windows == n] - path.windows[n].place_nm) @ tangents[n]
        for n in chosen
        if tangents[n].any()
    }
    springs = {n: path.windows[n].place_spring_kj_per_mol_nm2 for n in along}
    return spring_flags(along, springs, plan.bound.temperature_k)
