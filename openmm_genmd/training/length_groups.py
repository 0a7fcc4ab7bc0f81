"""Molecules of similar length, which make a batch together with little padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SPREAD = 1.25
"""Longest over shortest molecule of one batch: what is shorter is padded."""


def length_groups(lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    """Numbers of molecules, in groups of similar length, the shortest of each first.

    Parameters
    ----------
    lengths
        Tokens of each molecule: residues, or torsions.

    Examples
    --------
    >>> [group.tolist() for group in length_groups([100, 4, 4, 110, 300])]
    [[1, 2], [0, 3], [4]]
    """
    order = np.argsort(lengths, kind="stable")
    groups: list[list[int]] = []
    for number in order.tolist():
        if not groups or lengths[number] > _SPREAD * lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(number)
    return [np.array(group, dtype=np.int64) for group in groups]


def draw_group(groups: Sequence[NDArray[np.int64]], rng: np.random.Generator) -> NDArray[np.int64]:
    """One of the groups, as often as it has molecules, so that all molecules come alike.

    Parameters
    ----------
    groups
        Of `length_groups`.
    rng
        Says which.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> drawn = [len(draw_group([np.arange(3), np.arange(1)], rng)) for _ in range(1000)]
    >>> bool(abs(drawn.count(3) - 750) < 50)
    True
    """
    sizes = np.array([len(group) for group in groups])
    return groups[rng.choice(len(sizes), p=sizes / sizes.sum())]
