"""Free energy differences from works of switching in both directions, or from two ensembles."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logsumexp

Array = NDArray[np.float64]

MIN_WORKS = 5
"""Works in each direction below which there is no estimate."""

_SIGN_ERRORS = 4.0


def crooks_free_energy(
    forward_work_kt: ArrayLike, reverse_work_kt: ArrayLike
) -> tuple[float, float]:
    """Free energy of the end minus that of the start, and its standard error, kT.

    Works must be independent of each other, and each switch must start in equilibrium.

    Parameters
    ----------
    forward_work_kt
        ``(n,)`` work done on the system on the way from the start to the end, kT.
    reverse_work_kt
        ``(m,)`` work done on the system on the way back, kT.

    Raises
    ------
    ValueError
        If there are fewer than `MIN_WORKS` in a direction, a work is not finite, the two
        distributions do not overlap, or the works contradict the second law, as they do if one
        direction has the wrong sign.

    References
    ----------
    Crooks, Phys. Rev. E 60, 2721 (1999): the fluctuation theorem. Bennett, J. Comput. Phys. 22,
    245 (1976), eq. 10: the error. Shirts et al., Phys. Rev. Lett. 91, 140601 (2003), eq. 8: the
    estimate is that of maximum likelihood.

    Examples
    --------
    Gaussian works around a free energy of 2 kT, with 1 kT dissipated either way:

    >>> rng = np.random.default_rng(1)
    >>> forward, reverse = rng.normal([[3.0], [-1.0]], np.sqrt(2.0), (2, 500))
    >>> value, error = crooks_free_energy(forward, reverse)
    >>> bool(abs(value - 2.0) < 3 * error < 0.3)
    True
    """
    forward, reverse = _checked(forward_work_kt, reverse_work_kt)
    value = bennett_difference(forward, reverse)
    shift = value - np.log(len(forward) / len(reverse))
    spread = [_relative_square_error(expit(shift - forward))]
    spread.append(_relative_square_error(expit(-shift - reverse)))
    return value, float(np.sqrt(sum(spread)))


def work_overlap(forward_work_kt: ArrayLike, reverse_work_kt: ArrayLike) -> float:
    """Overlap of the distributions of the work and of minus the reverse work, from 0 to 1.

    It is 1 minus the second eigenvalue of the overlap matrix of the two ensembles: 1 where both
    are the same, as without dissipation, and near 0 where hardly a work of one direction would
    have been seen in the other. Below some hundredths an estimate hangs on a few works.

    Parameters
    ----------
    forward_work_kt, reverse_work_kt
        As for `crooks_free_energy`.

    Raises
    ------
    ValueError
        As `crooks_free_energy`.

    References
    ----------
    Klimovich, Shirts and Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015): the overlap matrix.

    Examples
    --------
    >>> works = np.array([-1.0, 1.0, 3.0, 5.0, 7.0])
    >>> round(work_overlap(np.ones(5), -np.ones(5)), 2), round(work_overlap(works, works), 2)
    (1.0, 0.36)
    """
    forward, reverse = _checked(forward_work_kt, reverse_work_kt)
    n, m = len(forward), len(reverse)
    work = np.concatenate([forward, -reverse])
    in_start = expit(work - bennett_difference(forward, reverse) + np.log(n / m))
    return float((in_start * (1.0 - in_start)).sum() * (1 / n + 1 / m))


def bennett_difference(forward_kt: Array, reverse_kt: Array) -> float:
    """Bennett's acceptance ratio: the free energy difference, kT, of checked works.

    The two sums of Bennett's equation are compared by their logarithms, so that there is an answer
    even where all terms are too small for a floating-point number.

    Parameters
    ----------
    forward_kt
        ``(n,)`` works, or energies of the end minus those of the start in frames of the start, kT.
    reverse_kt
        ``(m,)`` works back, or energies of the start minus those of the end in frames of the end.

    References
    ----------
    Bennett, J. Comput. Phys. 22, 245 (1976), eq. 12.
    """
    n, m = len(forward_kt), len(reverse_kt)
    log_ratio = float(np.log(n / m))

    def imbalance(value: float) -> float:
        accepted = logsumexp(-np.logaddexp(0.0, log_ratio + forward_kt - value))
        accepted_back = logsumexp(-np.logaddexp(0.0, -log_ratio + reverse_kt + value))
        return float(accepted - accepted_back)

    margin = abs(log_ratio) + float(np.log(n * m)) + 1.0
    lowest = min(forward_kt.min(), (-reverse_kt).min()) - margin
    highest = max(forward_kt.max(), (-reverse_kt).max()) + margin
    return float(brentq(imbalance, lowest, highest, xtol=1e-10))


def _relative_square_error(accepted: Array) -> float:
    return float(np.mean(accepted**2) / np.mean(accepted) ** 2 - 1.0) / len(accepted)


def _checked(forward_work_kt: ArrayLike, reverse_work_kt: ArrayLike) -> tuple[Array, Array]:
    forward = _checked_works("forward", forward_work_kt)
    reverse = _checked_works("reverse", reverse_work_kt)
    _require_second_law(forward, reverse)
    if forward.min() > (-reverse).max():
        raise ValueError(
            f"the work distributions do not overlap: all forward works are above "
            f"{forward.min():.1f} kT, and minus all reverse works below {(-reverse).max():.1f} "
            "kT; switch more slowly, or in more stages"
        )
    return forward, reverse


def _require_second_law(forward: Array, reverse: Array) -> None:
    dissipated = float(forward.mean() + reverse.mean())
    error = float(np.sqrt(forward.var() / len(forward) + reverse.var() / len(reverse)))
    if dissipated < -_SIGN_ERRORS * error - 1e-6:
        raise ValueError(
            f"mean forward and reverse work add up to {dissipated:.1f} kT, and must not be "
            "negative; pass the work done on the system in each direction, each with its own sign"
        )


def _checked_works(name: str, works_kt: ArrayLike) -> Array:
    works = np.asarray(works_kt, dtype=np.float64)
    if works.ndim != 1 or len(works) < MIN_WORKS:
        raise ValueError(
            f"expected at least {MIN_WORKS} {name} works in an array (n,), got shape "
            f"{works.shape}; run more switches"
        )
    if not np.all(np.isfinite(works)):
        raise ValueError(
            f"{np.sum(~np.isfinite(works))} of {len(works)} {name} works are not finite; leave "
            "out no failed switch silently, find out why it failed"
        )
    return works
