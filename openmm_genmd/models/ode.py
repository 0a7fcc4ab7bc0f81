"""Samples of a flow: its ordinary differential equation from noise to data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torchdiffeq import odeint  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from openmm_genmd.models.mars_fm import MarsFM

Method = Literal["euler", "midpoint", "dopri5"]


def integrate(
    field: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    *,
    steps: int = 20,
    method: Method = "midpoint",
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> Tensor:
    """Where a velocity field carries points from flow time 0 to 1; shape of the start.

    Parameters
    ----------
    field
        From positions and a flow time, a scalar tensor, to velocities.
    start
        Positions at flow time 0, any shape.
    steps
        Of equal length; ``dopri5`` chooses its own.
    method
        ``euler`` (order 1, one evaluation a step), ``midpoint`` (order 2, two evaluations) or
        ``dopri5`` (order 5, adaptive).
    rtol, atol
        Tolerances of ``dopri5``. At rtol = 1e-3 it crosses the flow to a Gaussian in two steps and
        is off by a fifth of its width, at 1e-4 by a thousandth. It takes the same steps for the
        whole batch, so that a sample depends, within the tolerance, on what it is sampled with.

    Raises
    ------
    ValueError
        If the method is unknown or steps is not positive.
    FloatingPointError
        If the positions are not finite in the end.
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be one of {', '.join(get_args(Method))}; got {method!r}")
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    end = _integrate(field, start, steps, method, rtol, atol)
    if not torch.isfinite(end).all():
        raise FloatingPointError(
            "the flow left the range of numbers before its end: the velocity field is too steep; "
            "take more steps or method='dopri5', or train the model longer"
        )
    return end


def _integrate(
    field: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    steps: int,
    method: Method,
    rtol: float,
    atol: float,
) -> Tensor:
    grid = torch.linspace(0.0, 1.0, steps + 1, dtype=start.dtype, device=start.device)
    options = {} if method == "dopri5" else {"grid_constructor": lambda *_: grid}
    try:
        ends: Tensor = odeint(
            lambda time, position: field(position, time),
            start,
            grid[[0, -1]],
            method=method,
            options=options,
            rtol=rtol,
            atol=atol,
        )
    except AssertionError as error:  # so torchdiffeq refuses what is not finite
        if not any(words in str(error) for words in ("underflow", "non-finite")):
            raise
        return torch.full_like(start, torch.nan)
    return ends[-1]


@torch.no_grad()
def sample(
    model: MarsFM,
    rotations: Tensor,
    translations_angstrom: Tensor,
    residue_types: Tensor,
    token_mask: Tensor,
    residue_mask: Tensor,
    *,
    rng: np.random.Generator,
    n_samples: int = 1,
    steps: int = 20,
    method: Method = "midpoint",
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> Tensor:
    """Tokens ``(B, n_samples, L, 21)`` of new conformations of each molecule; zero where masked.

    Parameters
    ----------
    model
        On the device of the tensors, in evaluation mode.
    rotations, translations_angstrom, residue_types, token_mask, residue_mask
        The current conformations; see `MarsFM.forward`.
    rng
        The only source of randomness; the noise is the same on each device.
    n_samples
        For each molecule. Its frames are encoded once for all of them.
    steps, method, rtol, atol
        See `integrate`.
    """
    shape = (token_mask.shape[0], n_samples, *token_mask.shape[1:])
    noise = torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)).to(translations_angstrom)
    mask = token_mask[:, None]
    given = (rotations, translations_angstrom, residue_types, token_mask, residue_mask)

    def field(tokens: Tensor, time: Tensor) -> Tensor:
        velocity: Tensor = model(tokens, time.expand(len(tokens)), *given)
        return velocity

    start = torch.where(mask, noise, 0.0)
    return integrate(field, start, steps=steps, method=method, rtol=rtol, atol=atol)
