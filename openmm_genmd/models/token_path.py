"""Path-space sampling of tokens, from a network that learned by flow matching."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from openmm_genmd.models.flow_paths import FlowPath
from openmm_genmd.models.path_space import GaussianChain


def token_chain(
    path: FlowPath,
    steps: int,
    *,
    first_noise: float = 2.0,
    last_noise: float = 0.05,
    data_width: float | Tensor = 0.3,
) -> GaussianChain:
    """Chain that turns standard normal numbers into data, by the velocity of a flow.

    z_k is the path's point at flow time s_k, ``alpha z + sigma noise``. Noising is the Markov chain
    that has these marginals for each data point. Forwards, the network's velocity says what data
    are expected; z_(k+1) has the mean and variance that it has if the data are normal around these.

    Parameters
    ----------
    path
        Between noise and data, on which the network was trained.
    steps
        Transitions K, at least 2; so many calls of the network.
    first_noise, last_noise
        sigma / alpha, the noise in units of the data, after the first transition and before the
        last one; geometric in between.
    data_width
        v, in units of the data, about the width of a basin: a number or ``(d,)``. The last
        transition has the width v l / sqrt(v^2 + l^2), l = ``last_noise``. A wrong one costs
        acceptance.

    Raises
    ------
    ValueError
        If there are fewer than two steps, or noise or width are not positive and descending.

    References
    ----------
    Song, Meng and Ermon, Denoising Diffusion Implicit Models, ICLR 2021, eq. 7 (z_(k+1) given z_k
    and the data); Bao et al., Analytic-DPM, ICLR 2022, theorem 1 (given z_k alone).

    Examples
    --------
    >>> chain = token_chain(FlowPath("linear"), 4)
    >>> torch.round(chain.levels, decimals=3).tolist()
    [0.0, 0.333, 0.76, 0.952]
    >>> torch.round(chain.width[:, 0], decimals=3).tolist()
    [0.674, 0.323, 0.207, 0.049]
    """
    width = torch.as_tensor(data_width, dtype=torch.float64).reshape(1, -1)
    _check(steps, first_noise, last_noise, width)
    at = path.coefficients(times := _times(path, steps, first_noise, last_noise))
    alpha, sigma = _with_data_at_end(at.alpha, 1.0), _with_data_at_end(at.sigma, 0.0)
    kept = alpha[:-1] / alpha[1:]
    added = sigma[:-1] ** 2 - (kept * sigma[1:]) ** 2
    # z_(k+1) given z_k and the data: remembered z_k + recalled data, and a known variance.
    remembered = kept * sigma[1:] ** 2 / sigma[:-1] ** 2
    recalled = alpha[1:] - remembered * alpha[:-1]
    given_data = sigma[1:] ** 2 * added / sigma[:-1] ** 2
    unknown = width**2 / (1.0 + (width * (alpha[:-1] / sigma[:-1])[:, None]) ** 2)
    # The data that belong to a velocity: (sigma' z - sigma velocity) / determinant.
    determinant = at.alpha * at.sigma_rate - at.sigma * at.alpha_rate
    return GaussianChain(
        levels=times,
        keep=remembered + recalled * at.sigma_rate / determinant,
        gain=-recalled * at.sigma / determinant,
        width=(given_data[:, None] + recalled[:, None] ** 2 * unknown).sqrt(),
        noising_keep=kept,
        noising_width=added.sqrt(),
        periodic=False,
    )


def _times(path: FlowPath, steps: int, first: float, last: float) -> Tensor:
    """Flow times ``(K,)``: 0, and where sigma / alpha is what it should be."""
    noise = torch.logspace(math.log10(first), math.log10(last), steps - 1, dtype=torch.float64)
    later = 1.0 / (1.0 + noise) if path.name == "linear" else torch.atan(1.0 / noise) * 2 / math.pi
    return torch.cat((later.new_zeros(1), later))


def _with_data_at_end(values: Tensor, end: float) -> Tensor:
    return torch.cat((values, values.new_tensor([end])))


def _check(steps: int, first: float, last: float, width: Tensor) -> None:
    if steps < 2:
        raise ValueError(f"steps must be at least 2, one for each end of the path; got {steps}")
    if not 0.0 < last < first:
        raise ValueError(f"expected 0 < last_noise < first_noise, got {last} and {first}")
    if not (width > 0.0).all():
        raise ValueError(f"data_width must be positive, got {width.flatten().tolist()}")
