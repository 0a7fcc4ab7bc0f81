"""Replica exchange in small systems of which the free energies are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Coordinates (iterations, replicas, d) and windows (iterations, replicas)."""

    coordinates: Array
    windows: Integers

    def energies(self, centers: Array, spring: float) -> Array:
        return 0.5 * spring * (self.coordinates[:, :, :1] - centers) ** 2


def exchanged(
    advance: Callable[[Array, Array], Array],
    start: Array,
    centers: Array,
    spring: float,
    iterations: int,
    rng: np.random.Generator,
) -> Run:
    """Moves ``advance(coordinates, centers of their windows)``, and exchange of neighbors."""
    x, window = start.copy(), np.arange(len(start))
    frames, windows = [], []
    for t in range(iterations):
        x = advance(x, centers[window])
        frames.append(x)
        windows.append(window.copy())
        replica = np.argsort(window)
        a, b = replica[t % 2 : -1 : 2], replica[t % 2 + 1 :: 2]
        log_ratio = spring * (x[a, 0] - x[b, 0]) * (centers[window[b]] - centers[window[a]])
        swap = np.log(rng.random(len(a))) < log_ratio
        window[a[swap]], window[b[swap]] = window[b[swap]], window[a[swap]]
    return Run(np.array(frames), np.array(windows))


def metropolis(
    energy: Callable[[Array], Array], spring: float, step: Array, steps: int, rng
) -> Callable[[Array, Array], Array]:
    """Metropolis' walk in an energy, kT, of coordinates (n, d), and a spring on the first."""

    def total(x: Array, center: Array) -> Array:
        return energy(x) + 0.5 * spring * (x[:, 0] - center) ** 2

    def advance(x: Array, center: Array) -> Array:
        for _ in range(steps):
            trial = x + step * rng.normal(size=x.shape)
            accept = np.log(rng.random(len(x))) < total(x, center) - total(trial, center)
            x = np.where(accept[:, None], trial, x)
        return x

    return advance


def free_energies(energy: Callable[[Array], Array], centers: Array, spring: float, grid) -> Array:
    """Of the windows relative to the first, kT, by quadrature over a grid (n, d)."""
    boltzmann = np.exp(-energy(grid))
    windows = np.exp(-0.5 * spring * (grid[:, :1] - centers) ** 2)
    free = -np.log(boltzmann @ windows)
    return free - free[0]
