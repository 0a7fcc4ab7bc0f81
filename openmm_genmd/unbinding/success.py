"""How often one of several tries succeeds: `success_at_k`, with error bars."""

from __future__ import annotations

from math import comb
from typing import Literal

CONFIDENCE = 0.95
"""Of all intervals, unless told otherwise."""


def success_at_k(tries: int, successes: int, k: int) -> float:
    """Probability that at least one of k tries, drawn from all without return, succeeded.

    It is 1 - C(n - c, k) / C(n, k) with n tries and c successes, the unbiased estimate of
    1 - (1 - p)^k.

    Parameters
    ----------
    tries
        How many there were, n.
    successes
        How many of them succeeded, c.
    k
        How many one would start.

    Raises
    ------
    ValueError
        If k is not between 1 and the number of tries, or the successes are not between 0 and it.

    References
    ----------
    Chen et al., arXiv:2107.03374 (2021), equation 1.

    Examples
    --------
    >>> success_at_k(30, 15, 1), round(success_at_k(30, 15, 10), 4)
    (0.5, 0.9999)
    """
    _check(tries, successes)
    _check_k(tries, k)
    return 1.0 - comb(tries - successes, k) / comb(tries, k)


def success_interval(
    tries: int, successes: int, k: int, *, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Interval that holds 1 - (1 - p)^k with at least the given confidence.

    Its ends are those of the exact interval of p, since the function rises with p.

    Parameters
    ----------
    tries, successes, k
        As for `success_at_k`.
    confidence
        Between 0 and 1.

    Raises
    ------
    ValueError
        As `success_at_k` and `share_interval`.

    Examples
    --------
    >>> [round(end, 3) for end in success_interval(30, 15, 1)]
    [0.313, 0.687]
    """
    _check_k(tries, k)
    low, high = share_interval(tries, successes, confidence=confidence, method="exact")
    return 1.0 - (1.0 - low) ** k, 1.0 - (1.0 - high) ** k


def share_interval(
    tries: int,
    successes: int,
    *,
    confidence: float = CONFIDENCE,
    method: Literal["wilson", "exact"] = "wilson",
) -> tuple[float, float]:
    """Confidence interval of a share.

    Parameters
    ----------
    tries, successes
        Independent ones.
    confidence
        Between 0 and 1.
    method
        ``exact``: that of Clopper and Pearson, never too narrow; ``wilson``: the score interval,
        whose coverage is right on average.

    Raises
    ------
    ValueError
        If there are no tries, the successes are not between 0 and their number, or the confidence
        is not between 0 and 1.

    References
    ----------
    Wilson, J. Am. Stat. Assoc. 22, 209 (1927).
    Clopper and Pearson, Biometrika 26, 404 (1934).

    Examples
    --------
    >>> [round(end, 3) for end in share_interval(10, 3)]
    [0.108, 0.603]
    """
    from scipy.stats import binomtest

    _check(tries, successes)
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence must be between 0 and 1, got {confidence}")
    low, high = binomtest(successes, tries).proportion_ci(confidence, method)
    return float(low), float(high)


def _check(tries: int, successes: int) -> None:
    if tries < 1 or not 0 <= successes <= tries:
        raise ValueError(
            f"expected at least one try and 0 to that many successes, got {tries} and {successes}"
        )


def _check_k(tries: int, k: int) -> None:
    if not 1 <= k <= tries:
        raise ValueError(
            f"success@k needs k from 1 to the number of tries, {tries}, got {k}; start more walkers"
        )
