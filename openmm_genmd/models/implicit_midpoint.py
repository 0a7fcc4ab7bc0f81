"""Flows that are inverted to rounding, and whose volume is known: `ImplicitMidpoint`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from openmm_genmd.models.path_space import Field
from openmm_genmd.models.wrapped_normal import shortest_difference

_SLOW = 0.1
"""If an iteration shrinks the step by less, derivatives at the current point pay."""

_RENEWALS = 4
"""Of the derivatives within a step: where these do not help more will not."""


@dataclass(frozen=True, eq=False)
class FlowEnd:
    """Where a flow carried points.

    Attributes
    ----------
    positions
        ``(n, d)`` float64; NaN where a step has not converged or the way back leads elsewhere.
    log_det
        ``(n,)``: log |det| of the derivative of the map; NaN in the same rows.

    Examples
    --------
    >>> FlowEnd(torch.zeros(2, 3), torch.zeros(2)).positions.shape
    torch.Size([2, 3])
    """

    positions: Tensor
    log_det: Tensor


@dataclass(frozen=True, eq=False)
class ImplicitMidpoint:
    """The implicit midpoint rule as an invertible map.

    A step from a to b over h has the midpoint m = a + (h/2) f(m), and b = 2 m - a. The step from b
    over -h has the same midpoint, so that the way back is the exact inverse. With J the derivative
    of f at m, log |det db/da| = log |det(I + hJ/2)| - log |det(I - hJ/2)|.

    Of several solutions for m the solver finds one. Where the way there and the way back find
    different ones the map has no inverse: those points are NaN, and proposals there are rejected.

    Parameters
    ----------
    velocity
        The field, conditioned; float64, or steps will not converge.
    times
        ``(steps + 1,)`` float64, from base to data.
    periodic
        Whether positions are angles in rad, and the velocity 2 pi periodic.
    tolerance
        Change of an iteration at which a midpoint has converged.
    largest_round_trip
        How far from where it began the way there and back may end: other solutions are farther
        away, errors of rounding are nearer.
    iterations
        At most so many for each step.

    References
    ----------
    Hairer, Lubich and Wanner, Geometric Numerical Integration, Springer 2006, eq. II.1.7, sections
    V.1 (symmetry) and VIII.6 (simplified Newton iterations).

    Examples
    --------
    >>> times = torch.linspace(0.0, 1.0, 5, dtype=torch.float64)
    >>> flow = ImplicitMidpoint(lambda x, t: -0.4 * x, times)
    >>> there = flow.forward(torch.ones(1, 2, dtype=torch.float64))
    >>> back = flow.backward(there.positions)
    >>> round(float(there.log_det), 3), float((back.log_det + there.log_det).abs()) < 1e-14
    (-0.801, True)
    """

    velocity: Field
    times: Tensor
    periodic: bool = False
    tolerance: float = 1e-13
    largest_round_trip: float = 1e-9
    iterations: int = 25

    def forward(self, start: Tensor) -> FlowEnd:
        """Data of base points ``(n, d)``, after a round trip as a check."""
        return self._there_and_back(start, self.times)

    def backward(self, start: Tensor) -> FlowEnd:
        """Base points of data ``(n, d)``, after a round trip as a check."""
        return self._there_and_back(start, self.times.flip(0))

    def one_way(self, start: Tensor, *, backward: bool = False) -> FlowEnd:
        """Where points ``(n, d)`` end without the check, which a density needs; NaN if nowhere."""
        return self._end(*self._travel(start, self.times.flip(0) if backward else self.times, True))

    def _there_and_back(self, start: Tensor, times: Tensor) -> FlowEnd:
        end, log_det = self._travel(start, times, True)
        returned, _ = self._travel(end, times.flip(0), False)
        missed = self._distance(returned, start)
        good = missed <= self.largest_round_trip  # False for NaN too
        return self._end(end, torch.where(good, log_det, torch.nan))

    def _end(self, positions: Tensor, log_det: Tensor) -> FlowEnd:
        known = torch.isfinite(log_det)
        nowhere = torch.where(known[:, None], positions, torch.nan)
        return FlowEnd(
            shortest_difference(nowhere) if self.periodic else nowhere,
            torch.where(known, log_det, torch.nan),
        )

    def _distance(self, a: Tensor, b: Tensor) -> Tensor:
        difference = shortest_difference(a - b) if self.periodic else a - b
        return difference.abs().amax(dim=-1)

    def _travel(self, start: Tensor, times: Tensor, with_volume: bool) -> tuple[Tensor, Tensor]:
        position, log_det = start, start.new_zeros(len(start))
        velocity = self._at(start, 0.5 * (times[0] + times[1]))  # to begin the first search with
        slopes: Tensor | None = None
        for begin, end in pairwise(times):
            half, time = 0.5 * (end - begin), 0.5 * (begin + end)
            guess = position + half * velocity
            if slopes is None:
                slopes = self._slopes(guess, time)
            middle, velocity, slopes = self._middle(position, guess, half, time, slopes)
            if with_volume:
                slopes = self._slopes(middle, time)
                log_det = log_det + _log_volume(half * slopes)
            position = position + 2.0 * half * velocity
        return position, log_det

    def _middle(
        self, position: Tensor, guess: Tensor, half: Tensor, time: Tensor, slopes: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Solve ``middle = position + half f(middle)`` by Newton's method with old derivatives.

        They are renewed when convergence is slow. Rows that have converged stay as they are.
        """
        middle, velocity = guess, self._at(guess, time)
        done = torch.zeros(len(guess), dtype=torch.bool, device=guess.device)
        lost, renewals = done, 0
        inverse, previous = _newton(half * slopes), torch.full_like(guess[:, 0], torch.inf)
        for _ in range(self.iterations):
            residual = position + half * velocity - middle
            step = (inverse @ residual[..., None])[..., 0]
            size = step.abs().amax(dim=-1)
            middle = torch.where(done[:, None], middle, middle + step)
            done = done | (size <= self.tolerance * middle.abs().amax(dim=-1).clamp(min=1.0))
            lost = lost | ~torch.isfinite(size)
            if (done | lost).all():  # the last step was taken too: its error is much smaller still
                velocity = self._at(middle, time)
                break
            if renewals < _RENEWALS and ((size > _SLOW * previous) & ~done & ~lost).any():
                slopes, renewals = self._slopes(middle, time), renewals + 1
                inverse = _newton(half * slopes)
            velocity, previous = self._at(middle, time), size
        velocity = torch.where((done & ~lost)[:, None], velocity, torch.nan)
        return middle, velocity, slopes

    def _at(self, positions: Tensor, time: Tensor) -> Tensor:
        with torch.no_grad():
            return self.velocity(positions, time.expand(len(positions))).to(positions.dtype)

    def _slopes(self, positions: Tensor, time: Tensor) -> Tensor:
        """Derivatives ``(n, d, d)`` of the velocity: one call on n d rows, and its gradient."""
        n, size = positions.shape
        rows = positions.detach().repeat_interleave(size, dim=0).requires_grad_()
        with torch.enable_grad():
            answer = self.velocity(rows, time.expand(n * size))
            if not answer.requires_grad:  # a field that is the same everywhere
                return positions.new_zeros(n, size, size)
            each = torch.eye(size, dtype=answer.dtype, device=answer.device).repeat(n, 1)
            (gradient,) = torch.autograd.grad(answer, rows, each, materialize_grads=True)
        return gradient.reshape(n, size, size)


def _newton(half_slopes: Tensor) -> Tensor:
    """Inverse of I - hJ/2; NaN where there is none."""
    matrix = torch.eye(half_slopes.shape[-1], dtype=half_slopes.dtype) - half_slopes
    inverse, failed = torch.linalg.inv_ex(torch.where(torch.isfinite(matrix), matrix, 0.0))
    return torch.where((failed != 0)[:, None, None], torch.nan, inverse)


def _log_volume(half_slopes: Tensor) -> Tensor:
    identity = torch.eye(half_slopes.shape[-1], dtype=half_slopes.dtype)
    clean = torch.nan_to_num(half_slopes)
    volume = torch.linalg.slogdet(identity + clean)[1] - torch.linalg.slogdet(identity - clean)[1]
    lost = ~torch.isfinite(half_slopes).all(dim=-1).all(dim=-1)
    return torch.where(lost, torch.nan, volume)
