"""Path-space sampling on the torus, from a network that knows the score of noised angles."""

from __future__ import annotations

import torch
from torch import Tensor

from openmm_genmd.models.path_space import GaussianChain


def torus_chain(
    steps: int,
    *,
    sigma_max_rad: float = 2.0,
    sigma_min_rad: float = 0.1,
    data_width_rad: float | Tensor = 0.4,
) -> GaussianChain:
    """Chain that turns uniform angles into data, by the score of angles with added noise.

    Levels are equally spaced, s_0 = ``sigma_max_rad`` to s_(K-1) = ``sigma_min_rad``, and s_K = 0
    are the data. Noising adds normal noise of variance s_k^2 - s_(k+1)^2. The mean of z_(k+1) given
    z_k is then z_k + (s_k^2 - s_(k+1)^2) score(z_k, s_k), if the score is that of the data; the
    variance is (s_k^2 - s_(k+1)^2) (s_(k+1)^2 + v^2) / (s_k^2 + v^2) for data that are normal with
    variance v^2. With v = 0 that is the ancestral sampler, whose last transition has no width.

    Parameters
    ----------
    steps
        Transitions K, at least 2; so many calls of the network.
    sigma_max_rad, sigma_min_rad
        The first level and the last one, rad. The first point is uniform, as data with noise of 2
        nearly are. More noise takes transitions from where they are needed: on coupled torsions
        and with 10 transitions .62 of leaps are accepted from 2, .48 from pi, and with geometric
        levels from pi .43.
    data_width_rad
        v, rad, about the width of a basin of the data: a number or ``(d,)``. A wrong one costs
        acceptance.

    Raises
    ------
    ValueError
        If there are fewer than two steps, or levels or widths are not positive and descending.

    References
    ----------
    Song et al., Score-Based Generative Modeling through SDEs, ICLR 2021, appendix F (ancestral
    sampling of variance-exploding noise); Bao et al., Analytic-DPM, ICLR 2022, theorem 1 (the best
    mean and variance of a Gaussian transition).

    Examples
    --------
    >>> chain = torus_chain(3)
    >>> [round(level, 3) for level in chain.levels.tolist()]
    [2.0, 1.05, 0.1]
    >>> torch.round(chain.width[:, 0], decimals=3).tolist()
    [0.938, 0.384, 0.097]
    """
    width = torch.as_tensor(data_width_rad, dtype=torch.float64).reshape(1, -1)
    _check(steps, sigma_max_rad, sigma_min_rad, width)
    levels = torch.linspace(sigma_max_rad, sigma_min_rad, steps, dtype=torch.float64)
    variance = levels**2
    next_variance = torch.cat((variance[1:], variance.new_zeros(1)))
    added = variance - next_variance
    rest = (next_variance[:, None] + width**2) / (variance[:, None] + width**2)
    one = torch.ones_like(levels)
    return GaussianChain(
        levels=levels,
        keep=one,
        gain=added,
        width=(added[:, None] * rest).sqrt(),
        noising_keep=one,
        noising_width=added.sqrt(),
        periodic=True,
    )


def _check(steps: int, sigma_max: float, sigma_min: float, width: Tensor) -> None:
    if steps < 2:
        raise ValueError(f"steps must be at least 2, one for each end of the levels; got {steps}")
    if not 0.0 < sigma_min < sigma_max:
        raise ValueError(
            f"expected 0 < sigma_min_rad < sigma_max_rad, got {sigma_min} and {sigma_max}"
        )
    if not (width > 0.0).all():
        raise ValueError(f"data_width_rad must be positive, got {width.flatten().tolist()}")
