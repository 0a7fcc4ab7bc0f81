"""What is trained on and what is held out, of any kind of sources: `hold_out`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import numpy as np

PartT = TypeVar("PartT")
PartT_co = TypeVar("PartT_co", covariant=True)


class Divisible(Protocol[PartT_co]):
    """Examples of one molecule or complex, of which some can be held out.

    Examples
    --------
    `BlockSource`, `PairFolder` and `ComplexTrajectories` are such.
    """

    def divide(self, fraction: float, rng: np.random.Generator) -> tuple[PartT_co, PartT_co | None]:
        """What to train on, and about a fraction that is held out, if any can be."""
        ...


def hold_out(
    sources: Sequence[Divisible[PartT]],
    fraction: float,
    seed: int,
    others: Sequence[PartT] = (),
) -> tuple[list[PartT], list[PartT]]:
    """What to train on, one for each source, and what to validate on, which may be nothing.

    Parameters
    ----------
    sources
        What there is.
    fraction
        About how much of each to hold out.
    seed
        Says which.
    others
        Not trained on. With any, nothing of the sources is held out.

    Raises
    ------
    ValueError
        If a source is too small to divide.

    Examples
    --------
    >>> class Frames:
    ...     def divide(self, fraction, rng):
    ...         return ("most", "some") if fraction else ("all", None)
    >>> hold_out([Frames(), Frames()], 0.1, seed=0)
    (['most', 'most'], ['some', 'some'])
    >>> hold_out([Frames()], 0.1, seed=0, others=["another"])
    (['all'], ['another'])
    """
    fraction = 0.0 if others else fraction
    divided = [
        source.divide(fraction, np.random.default_rng((seed, number)))
        for number, source in enumerate(sources)
    ]
    held_out = [part for _, part in divided if part is not None]
    return [part for part, _ in divided], [*others, *held_out]
