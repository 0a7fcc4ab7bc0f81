"""Standard scores: how many standard errors a time average is away from the exact answer."""

import numpy as np

LIMIT = 4.0


def block_scores(samples: np.ndarray, exact: np.ndarray, n_blocks: int = 32) -> np.ndarray:
    """Standard scores ``(k,)`` of the means of ``(n, k)`` samples, with errors from block averages.

    Blocks that are long compared with the correlation time are independent, so that the variance
    of the mean is that of the block averages over their number (Flyvbjerg and Petersen, J. Chem.
    Phys. 91, 461 (1989)).
    """
    length = len(samples) // n_blocks
    blocks = samples[: n_blocks * length].reshape(n_blocks, length, -1).mean(axis=1)
    errors = blocks.std(axis=0, ddof=1) / np.sqrt(n_blocks)
    return (blocks.mean(axis=0) - exact) / errors


def chi_square_score(values: np.ndarray) -> float:
    """Standard score of the sum of squares of numbers that should be standard normal.

    The sum over n of them has mean n and variance 2n.
    """
    return float((np.sum(values**2) - values.size) / np.sqrt(2 * values.size))


def agrees(scores: np.ndarray) -> bool:
    """Whether every score is within `LIMIT` standard errors."""
    return bool(np.all(np.abs(scores) < LIMIT))


def disagrees(scores: np.ndarray) -> bool:
    """Whether all scores are finite and one is beyond `LIMIT`.

    Not the opposite of `agrees`: a chain that gives NaN, or that never moves and so has an error
    of zero, shows that something crashed, not that a check can tell a wrong distribution apart.
    """
    return bool(np.all(np.isfinite(scores)) and np.max(np.abs(scores)) > LIMIT)
