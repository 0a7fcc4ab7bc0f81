"""Normalised densities of flows: `ExactFlow`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from openmm_genmd.models.implicit_midpoint import ImplicitMidpoint
from openmm_genmd.models.path_space import Field


@dataclass(frozen=True, eq=False)
class ExactFlow:
    """A flow's density: that of the base point, divided by how much the flow stretches there.

    The base is uniform on the torus for a periodic flow, otherwise standard normal.

    Parameters
    ----------
    flow
        From base to data.
    size
        Dimensions d.

    References
    ----------
    Chen et al., Neural Ordinary Differential Equations, NeurIPS 2018, eq. 8, whose integral is here
    the determinant of the discrete map itself.

    Examples
    --------
    >>> times = torch.linspace(0.0, 1.0, 5, dtype=torch.float64)
    >>> still = ExactFlow(ImplicitMidpoint(lambda x, t: 0.0 * x, times, periodic=True), 2)
    >>> angles, log_density = still.sample(3, np.random.default_rng(1))
    >>> torch.round(-log_density, decimals=3).tolist()  # 2 log(2 pi)
    [3.676, 3.676, 3.676]
    """

    flow: ImplicitMidpoint
    size: int

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Data ``(n, d)`` and log densities ``(n,)``; both NaN where the flow has no inverse."""
        base = self._draw(n, rng)
        end = self.flow.forward(base)
        return end.positions, self._log_base(base) - end.log_det

    def log_density(self, data: Tensor) -> Tensor:
        """Log densities ``(n,)`` of data ``(n, d)``; NaN where the flow has no inverse."""
        start = self.flow.backward(data)
        return self._log_base(start.positions) + start.log_det

    def _draw(self, n: int, rng: np.random.Generator) -> Tensor:
        if self.flow.periodic:
            return torch.from_numpy(rng.uniform(-math.pi, math.pi, size=(n, self.size)))
        return torch.from_numpy(rng.standard_normal((n, self.size)))

    def _log_base(self, base: Tensor) -> Tensor:
        turn = self.size * math.log(2.0 * math.pi)
        if self.flow.periodic:
            return base.new_full((len(base),), -turn)
        return -0.5 * (base.square().sum(dim=-1) + turn)


def torus_flow_of_score(
    score: Field,
    size: int,
    steps: int,
    *,
    sigma_max_rad: float = math.pi,
    sigma_min_rad: float = 0.05,
) -> ExactFlow:
    """Density on the torus of a network that knows the score of noised angles.

    The flow is d(angles)/d(log sigma) = -sigma^2 score(angles, sigma), from uniform angles at
    ``sigma_max_rad`` to ``sigma_min_rad``, in steps of equal length in log sigma.

    Parameters
    ----------
    score
        Conditioned, and in float64.
    size
        Angles d.
    steps
        Of the integration, at least 1.
    sigma_max_rad, sigma_min_rad
        Levels of noise, rad.

    Raises
    ------
    ValueError
        If there is no step, or the levels are not positive and descending.

    References
    ----------
    Song et al., Score-Based Generative Modeling through SDEs, ICLR 2021, eq. 13 for noise that
    grows.

    Examples
    --------
    >>> flat = torus_flow_of_score(lambda angles, sigma: 0.0 * angles, 2, steps=3)
    >>> flat.log_density(torch.zeros(1, 2, dtype=torch.float64)).exp().tolist()  # 1 / (2 pi)^2
    [0.02533029591058445]
    """
    _require_steps(steps)
    if not 0.0 < sigma_min_rad < sigma_max_rad:
        raise ValueError(
            f"expected 0 < sigma_min_rad < sigma_max_rad, got {sigma_min_rad} and {sigma_max_rad}"
        )
    ends = math.log(sigma_max_rad), math.log(sigma_min_rad)

    def velocity(angles: Tensor, log_sigma: Tensor) -> Tensor:
        sigma = log_sigma.exp()
        return -(sigma[:, None] ** 2) * score(angles, sigma)

    times = torch.linspace(*ends, steps + 1, dtype=torch.float64)
    return ExactFlow(ImplicitMidpoint(velocity, times, periodic=True), size)


def flow_of_velocity(velocity: Field, size: int, steps: int) -> ExactFlow:
    """Density of a network that was trained by flow matching, from flow time 0 to 1.

    Parameters
    ----------
    velocity
        Conditioned, and in float64.
    size
        Numbers d.
    steps
        Of equal length, at least 1.

    Raises
    ------
    ValueError
        If there is no step.

    Examples
    --------
    >>> still = flow_of_velocity(lambda x, s: 0.0 * x, 1, steps=2)
    >>> still.log_density(torch.zeros(1, 1, dtype=torch.float64)).exp().item()  # 1 / sqrt(2 pi)
    0.3989422804014327
    """
    _require_steps(steps)
    times = torch.linspace(0.0, 1.0, steps + 1, dtype=torch.float64)
    return ExactFlow(ImplicitMidpoint(velocity, times), size)


def _require_steps(steps: int) -> None:
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
