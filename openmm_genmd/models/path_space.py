"""Chains of Gaussian transitions from noise to data, whose paths have a density: `GaussianChain`.

The density of the data at the end is unknown, that of the whole path is a product. A Metropolis
move draws two paths: z by the model, from noise to the proposed y, and w by noising the current x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from openmm_genmd.models.wrapped_normal import shortest_difference, wrapped_normal_log_density

Field = Callable[[Tensor, Tensor], Tensor]
"""A network with its condition: numbers ``(rows, d)`` float64 and levels or times ``(rows,)``, to
numbers ``(rows, d)``: a score or a velocity.

With n conditions there is a multiple of n rows, and the rows of a condition follow each other."""


@dataclass(frozen=True, eq=False)
class NoisePath:
    """Points from noise to data, and their log density.

    Attributes
    ----------
    points
        ``(n, K + 1, d)`` float64: n paths, from noise to data.
    log_density
        ``(n,)``: of the whole path as a chain of the model drew it.

    Examples
    --------
    >>> path = NoisePath(torch.zeros(5, 3, 2), torch.zeros(5))
    >>> path.ends.shape
    torch.Size([5, 2])
    """

    points: Tensor
    log_density: Tensor

    @property
    def ends(self) -> Tensor:
        """The data, ``(n, d)``."""
        return self.points[:, -1]


@dataclass(frozen=True, eq=False)
class GaussianChain:
    """K transitions from noise z_0 to data z_K, and the noising chain the other way.

    Forwards, z_(k+1) is normal around ``keep[k] z_k + gain[k] network(z_k, levels[k])``; backwards,
    z_k is normal around ``noising_keep[k] z_(k+1)``. Whatever the numbers and the network, both are
    proper densities; good numbers make them alike. The noise z_0 is standard normal, or, on the
    torus, uniform.

    Attributes
    ----------
    levels
        What the network is told at z_k, ``(K,)``: noise levels or flow times. Like all tensors
        here float64.
    keep, gain, noising_keep, noising_width
        ``(K,)``. The first of ``noising_keep`` and ``noising_width`` make z_0 of z_1.
    width
        Of the forward transitions, ``(K, 1)`` or ``(K, d)``, positive.
    periodic
        Whether the numbers are angles in rad; then normal means wrapped normal.

    Raises
    ------
    ValueError
        If shapes do not fit, or a width is not positive.

    References
    ----------
    Ho et al., Denoising Diffusion Probabilistic Models, NeurIPS 2020, eqs. 1 and 2 (both chains);
    Hastings, Biometrika 57, 97 (1970), on paths instead of points.

    Examples
    --------
    A chain of two steps whose network knows nothing, as a Metropolis move from 0:

    >>> from openmm_genmd.models.torus_path import torus_chain
    >>> chain, rng = torus_chain(2), np.random.default_rng(1)
    >>> ignorant = lambda angles, levels: torch.zeros_like(angles)
    >>> there = chain.draw(ignorant, 1, 3, rng)
    >>> back = chain.noise(torch.zeros(1, 3, dtype=torch.float64), rng)
    >>> chain.log_ratio(there, back, ignorant).shape
    torch.Size([1])
    """

    levels: Tensor
    keep: Tensor
    gain: Tensor
    width: Tensor
    noising_keep: Tensor
    noising_width: Tensor
    periodic: bool

    def __post_init__(self) -> None:
        """Refuse what is no chain of densities."""
        steps = len(self.levels)
        for name in ("keep", "gain", "noising_keep", "noising_width"):
            if getattr(self, name).shape != (steps,):
                shape = tuple(getattr(self, name).shape)
                raise ValueError(f"{name} must have shape ({steps},) like levels, got {shape}")
        if self.width.ndim != 2 or len(self.width) != steps:
            raise ValueError(
                f"width must have shape ({steps}, 1) or ({steps}, d), got {tuple(self.width.shape)}"
            )
        if not ((self.width > 0.0).all() and (self.noising_width > 0.0).all()):
            raise ValueError(
                "every transition must have a positive width, the last one included; without one "
                "the path has no density"
            )

    @property
    def steps(self) -> int:
        """The number of transitions, K."""
        return len(self.levels)

    def draw(self, field: Field, n: int, size: int, rng: np.random.Generator) -> NoisePath:
        """Paths of the model, with K calls of the network on n rows.

        Parameters
        ----------
        field
            The network, conditioned on where the leap starts.
        n, size
            How many paths, in how many dimensions d.
        rng
            The only source of randomness.
        """
        points = [self._prior(n, size, rng)]
        log_density = self._prior_log_density(points[0])
        for k in range(self.steps):
            mean = self._mean(k, points[-1], field(points[-1], self.levels[k].expand(n)))
            points.append(self._moved(mean, self.width[k] * _normal((n, size), rng)))
            log_density = log_density + self._log_normal(points[-1] - mean, self.width[k])
        return NoisePath(torch.stack(points, dim=1), log_density)

    def noise(self, ends: Tensor, rng: np.random.Generator) -> Tensor:
        """Points ``(n, K + 1, d)`` of paths that end at data ``(n, d)``, by the noising chain."""
        points = [ends]
        for k in reversed(range(self.steps)):
            noise = self.noising_width[k] * _normal(tuple(ends.shape), rng)
            points.append(self._moved(self.noising_keep[k] * points[-1], noise))
        return torch.stack(points[::-1], dim=1)

    def log_forward(self, points: Tensor, field: Field) -> Tensor:
        """Log density ``(n,)`` of paths ``(n, K + 1, d)`` of the model; one call on n K rows.

        Parameters
        ----------
        points
            From noise to data.
        field
            The network, conditioned on where the model's leap would start, which is not where
            these paths began: for the way back it is y. Rows of a path follow each other.
        """
        n, _, size = points.shape
        before, after = points[:, :-1], points[:, 1:]
        answer = field(before.reshape(-1, size), self.levels.repeat(n)).reshape(before.shape)
        steps = torch.arange(self.steps)
        innovations = after - self._mean(steps, before, answer)
        transitions = self._log_normal(innovations, self.width).sum(dim=1)
        return self._prior_log_density(points[:, 0]) + transitions

    def log_noising(self, points: Tensor) -> Tensor:
        """Log density ``(n,)`` of all but the last point of paths ``(n, K + 1, d)``, given that."""
        kept = self.noising_keep[:, None] * points[:, 1:]
        return self._log_normal(points[:, :-1] - kept, self.noising_width[:, None]).sum(dim=1)

    def log_ratio(self, there: NoisePath, back: Tensor, field_at_end: Field) -> Tensor:
        """Log ratio ``(n,)`` of Metropolis moves on the space of both paths.

        ``log F_y(w -> x) + log B(z | y) - log F_x(z -> y) - log B(w | x)``.

        Parameters
        ----------
        there
            z, which the model drew given x, ending at y.
        back
            w ``(n, K + 1, d)``, which `noise` drew *after* y was known, ending at x. If the data
            are relative to the conformation where a leap starts, at x as seen from y.
        field_at_end
            The network conditioned on y.
        """
        returned = self.log_forward(back, field_at_end) + self.log_noising(there.points)
        return returned - there.log_density - self.log_noising(back)

    def _mean(self, k: int | Tensor, points: Tensor, answer: Tensor) -> Tensor:
        keep, gain = (x[k][..., None] for x in (self.keep, self.gain))
        return keep * points + gain * answer.to(points.dtype)

    def _moved(self, mean: Tensor, step: Tensor) -> Tensor:
        return shortest_difference(mean + step) if self.periodic else mean + step

    def _prior(self, n: int, size: int, rng: np.random.Generator) -> Tensor:
        if self.periodic:
            return torch.from_numpy(rng.uniform(-math.pi, math.pi, size=(n, size)))
        return _normal((n, size), rng)

    def _prior_log_density(self, points: Tensor) -> Tensor:
        if self.periodic:
            return points.new_full(points.shape[:-1], -points.shape[-1] * math.log(2.0 * math.pi))
        return self._log_normal(points, torch.ones(1, dtype=points.dtype))

    def _log_normal(self, difference: Tensor, width: Tensor) -> Tensor:
        if self.periodic:
            return wrapped_normal_log_density(difference, width).sum(dim=-1)
        scaled = -0.5 * (difference / width) ** 2 - torch.log(width * math.sqrt(2.0 * math.pi))
        return scaled.sum(dim=-1)


def _normal(shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(rng.standard_normal(shape))
