"""The normal distribution wrapped around a circle: density and score, of arrays and of tensors."""

from __future__ import annotations

import math
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Numbers = TypeVar("Numbers", Tensor, NDArray[np.float64])

_TURN = 2.0 * math.pi
_IMAGES = (-3, -2, -1, 1, 2, 3)
"""Turns by which the images that are summed are away: what is left out is below 1e-25."""

_FREQUENCIES = (1, 2, 3, 4)
"""Of the Fourier series: what is left out is below 1e-21."""

_WIDE_RAD = 2.0
"""Width from which on the Fourier series is used."""


def wrapped_normal_log_density(difference_rad: Numbers, sigma_rad: Any) -> Numbers:
    """Log density, shape of the difference, with respect to d(angle); 2 pi periodic.

    Parameters
    ----------
    difference_rad
        Angle minus the center, rad, any shape: a float64 array or tensor.
    sigma_rad
        Width before it is wrapped, rad, positive; broadcasts to the difference.

    References
    ----------
    Mardia and Jupp, Directional Statistics, Wiley 2000, eqs. 3.5.63 (sum over images) and 3.5.64
    (Fourier series).

    Examples
    --------
    >>> half_turns = np.array([-np.pi, np.pi])
    >>> wrapped_normal_log_density(half_turns, 0.3).round(9).tolist()
    [-53.85295411, -53.85295411]
    >>> wrapped_normal_log_density(half_turns, 9.0) + np.log(2 * np.pi)  # all but uniform
    array([0., 0.])
    """
    xp, shortest, sigma, wide = _prepared(difference_rad, sigma_rad)
    images, _ = _other_images(xp, shortest, sigma)
    narrow = -0.5 * (shortest / sigma) ** 2 - xp.log(sigma * math.sqrt(_TURN)) + xp.log1p(images)
    waves, _ = _waves(xp, shortest, xp.where(wide, sigma, _WIDE_RAD))
    density: Numbers = xp.where(wide, xp.log1p(waves) - math.log(_TURN), narrow)
    return density


def wrapped_normal_score(difference_rad: Numbers, sigma_rad: Any) -> Numbers:
    """Derivative of `wrapped_normal_log_density` in the angle, 1/rad, shape of the difference.

    The target of denoising score matching: at angle z = x + noise the score of the noise is that
    of the difference z - x.

    Parameters
    ----------
    difference_rad, sigma_rad
        See `wrapped_normal_log_density`.

    References
    ----------
    Jing et al., Torsional Diffusion, NeurIPS 2022, section 3.2.

    Examples
    --------
    >>> wrapped_normal_score(np.array([0.1, 6.1]), 0.5).round(6).tolist()  # 6.1 is -0.18
    [-0.4, 0.732741]
    """
    xp, shortest, sigma, wide = _prepared(difference_rad, sigma_rad)
    images, turns = _other_images(xp, shortest, sigma)
    narrow = -(shortest + _TURN * turns / (1.0 + images)) / sigma**2
    waves, slope = _waves(xp, shortest, xp.where(wide, sigma, _WIDE_RAD))
    score: Numbers = xp.where(wide, slope / (1.0 + waves), narrow)
    return score


def shortest_difference(difference_rad: Numbers) -> Numbers:
    """Angles in [-pi, pi] rad that differ from those given by whole turns, same shape."""
    xp: Any = torch if isinstance(difference_rad, Tensor) else np
    angles: Any = difference_rad  # what follows holds for both kinds
    shortest: Any = angles - _TURN * xp.round(angles / _TURN)
    return cast(Numbers, shortest)


def _prepared(difference: Any, sigma: Any) -> tuple[Any, Any, Any, Any]:
    if isinstance(difference, Tensor):
        width: Any = torch.as_tensor(sigma, dtype=difference.dtype, device=difference.device)
        return torch, shortest_difference(difference), width, width > _WIDE_RAD
    width = np.asarray(sigma, dtype=np.float64)
    return np, shortest_difference(np.asarray(difference)), width, width > _WIDE_RAD


def _other_images(xp: Any, shortest: Any, sigma: Any) -> tuple[Any, Any]:
    """Densities of the farther images relative to that of the nearest; their sum, and by turns."""
    sums = turns = 0.0 * shortest
    for k in _IMAGES:
        relative = xp.exp(-_TURN * k * (shortest + math.pi * k) / sigma**2)
        sums, turns = sums + relative, turns + k * relative
    return sums, turns


def _waves(xp: Any, shortest: Any, sigma: Any) -> tuple[Any, Any]:
    """2 pi times the density, less one, by its Fourier series, and the derivative of that."""
    sums = slope = 0.0 * shortest
    for n in _FREQUENCIES:
        amplitude = 2.0 * xp.exp(-0.5 * (n * sigma) ** 2)
        sums = sums + amplitude * xp.cos(n * shortest)
        slope = slope - n * amplitude * xp.sin(n * shortest)
    return sums, slope
