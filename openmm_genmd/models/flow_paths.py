"""Paths from noise to data, and the loss that learns to follow them: `FlowPath`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

PathName = Literal["linear", "trigonometric"]


@dataclass(frozen=True)
class PathPoint:
    """Where a path is at a flow time, and how fast it moves.

    Attributes
    ----------
    position
        ``alpha(s) x1 + sigma(s) x0``, shape of the data.
    velocity
        Its derivative in s, the target of flow matching.

    Examples
    --------
    >>> noise, data = torch.zeros(1, 2), torch.ones(1, 2)
    >>> FlowPath("linear").between(noise, data, torch.tensor([0.25])).position.tolist()
    [[0.25, 0.25]]
    """

    position: Tensor
    velocity: Tensor


@dataclass(frozen=True)
class PathCoefficients:
    """Weights of data and noise on a path, and their derivatives; all of the shape of the time.

    Attributes
    ----------
    alpha, sigma
        Weight of the data, from 0 to 1, and of the noise, from 1 to 0.
    alpha_rate, sigma_rate
        Their derivatives in s.

    Examples
    --------
    >>> halfway = FlowPath("linear").coefficients(torch.tensor(0.5))
    >>> float(halfway.alpha), float(halfway.sigma_rate)
    (0.5, -1.0)
    """

    alpha: Tensor
    sigma: Tensor
    alpha_rate: Tensor
    sigma_rate: Tensor


@dataclass(frozen=True)
class FlowPath:
    """The path ``x_s = alpha(s) x1 + sigma(s) x0`` from noise x0 at s = 0 to data x1 at s = 1.

    Attributes
    ----------
    name
        ``linear``: alpha = s, sigma = 1 - s. ``trigonometric``: alpha = sin(pi s / 2),
        sigma = cos(pi s / 2), which keeps the variance of data of unit variance.

    References
    ----------
    Lipman et al., Flow Matching for Generative Modeling, ICLR 2023, eq. 22 (linear); Albergo et
    al., Stochastic Interpolants, arXiv 2303.08797, table 4 (trigonometric).

    Examples
    --------
    >>> end = FlowPath("trigonometric").coefficients(torch.tensor(1.0))
    >>> round(float(end.alpha), 6), abs(round(float(end.sigma), 6))
    (1.0, 0.0)
    """

    name: PathName

    def __post_init__(self) -> None:
        if self.name not in ("linear", "trigonometric"):
            raise ValueError(f"path must be 'linear' or 'trigonometric', got {self.name!r}")

    def coefficients(self, time: Tensor) -> PathCoefficients:
        """Weights at flow times in [0, 1], any shape."""
        if self.name == "linear":
            one = torch.ones_like(time)
            return PathCoefficients(time, 1.0 - time, one, -one)
        angle = 0.5 * math.pi * time
        sine, cosine = angle.sin(), angle.cos()
        return PathCoefficients(sine, cosine, 0.5 * math.pi * cosine, -0.5 * math.pi * sine)

    def between(self, noise: Tensor, data: Tensor, time: Tensor) -> PathPoint:
        """Point of the path between each noise and its data.

        Parameters
        ----------
        noise, data
            x0 and x1, ``(B, ...)``.
        time
            Flow times in [0, 1], ``(B,)``.
        """
        at = self.coefficients(time.reshape(-1, *[1] * (data.ndim - 1)))
        return PathPoint(
            position=at.alpha * data + at.sigma * noise,
            velocity=at.alpha_rate * data + at.sigma_rate * noise,
        )


def flow_matching_loss(
    field: Callable[[Tensor, Tensor], Tensor],
    path: FlowPath,
    *,
    noise: Tensor,
    data: Tensor,
    time: Tensor,
    mask: Tensor,
) -> Tensor:
    """Mean of ``|field(x_s, s) - dx_s/ds|^2`` over the numbers that a mask leaves; a scalar.

    Its minimum over all fields is the velocity that carries noise to the data's distribution.

    Parameters
    ----------
    field
        From positions ``(B, ...)`` and flow times ``(B,)`` to velocities ``(B, ...)``: a model,
        or what wraps it for several processes.
    path
        Between noise and data.
    noise, data
        x0, standard normal, and x1, ``(B, ...)``.
    time
        Flow times, uniform in [0, 1], ``(B,)``.
    mask
        Bool, shape of the data: which of its numbers exist. The others may be anything.

    References
    ----------
    Lipman et al., Flow Matching for Generative Modeling, ICLR 2023, eq. 9.
    """
    point = path.between(noise, torch.where(mask, data, 0.0), time)
    residual = torch.where(mask, field(point.position, time) - point.velocity, 0.0)
    return residual.square().sum() / mask.sum().clamp(min=1)
