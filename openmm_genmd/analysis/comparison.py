"""A number that compares two ensembles, with its error and with what sampling alone would give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

MIN_REPLICAS = 3
"""With fewer replicas, error bars come from consecutive blocks of all frames."""

MIN_FRAMES = 10
"""Shorter replicas are no groups of their own."""

BLOCKS = 10

_FEWEST = 2
"""Frames below which fluctuations have no meaning."""


@dataclass(frozen=True)
class FrameData:
    """Some quantities of each frame of one ensemble, and the group that each frame belongs to.

    Attributes
    ----------
    arrays
        ``(F, ...)`` each, by name.
    groups
        ``(F,)`` int64, from 0: replicas, or blocks.

    Examples
    --------
    >>> data = FrameData({"x": np.arange(4.0)}, np.array([0, 0, 1, 1]))
    >>> data.without(0)["x"].tolist(), data.thinned(2)["x"].tolist()
    ([2.0, 3.0], [0.0, 3.0])
    """

    arrays: Mapping[str, NDArray[Any]]
    groups: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Check that all arrays have the same frames.

        Raises
        ------
        ValueError
            If they have not.
        """
        lengths = {name: len(values) for name, values in self.arrays.items()}
        if set(lengths.values()) != {len(self.groups)} or not len(self.groups):
            raise ValueError(
                f"expected as many frames as groups, {len(self.groups)} and not none, got {lengths}"
            )

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.groups)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return one of the arrays."""
        return self.arrays[name]

    @property
    def n_groups(self) -> int:
        """Number of groups that have frames."""
        return len(np.unique(self.groups))

    def take(self, frames: NDArray[Any]) -> FrameData:
        """Some of the frames, by index or mask."""
        arrays = {name: values[frames] for name, values in self.arrays.items()}
        return FrameData(arrays, self.groups[frames])

    def without(self, group: int) -> FrameData:
        """All frames but those of one group."""
        return self.take(self.groups != group)

    def thinned(self, n: int) -> FrameData:
        """At most n frames, equally spaced."""
        if len(self) <= n:
            return self
        return self.take(np.linspace(0, len(self) - 1, n).round().astype(np.int64))

    def halves(self) -> tuple[FrameData, FrameData] | None:
        """The first and the second half of the groups; None if either has hardly a frame."""
        names = np.unique(self.groups)
        first = self.groups < names[len(names) // 2]
        if min(np.count_nonzero(first), np.count_nonzero(~first)) < _FEWEST:
            return None
        return self.take(first), self.take(~first)


Statistic = Callable[[FrameData, FrameData], dict[str, float]]
"""Numbers by name from a reference and a generated ensemble; NaN where undefined."""


@dataclass(frozen=True)
class Comparison:
    """One number.

    Attributes
    ----------
    value
        NaN where it is not defined.
    standard_error
        Of the generated ensemble's sampling, by the jackknife; None if it has one group only. The
        reference is taken as it is.
    between_halves
        The same number between two halves of the reference: what half as much sampling of the
        reference would reach. None if it cannot be divided, or the number is not a comparison.

    Examples
    --------
    >>> Comparison(0.21, 0.02, 0.08).as_dict()["value"]
    0.21
    """

    value: float
    standard_error: float | None = None
    between_halves: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        """For a JSON file, which has no NaN."""
        return {
            "value": finite_or_none(self.value),
            "standard_error": finite_or_none(self.standard_error),
            "between_halves_of_reference": finite_or_none(self.between_halves),
        }


def compare(
    statistic: Statistic, reference: FrameData, generated: FrameData
) -> dict[str, Comparison]:
    """Numbers of a statistic, with standard errors and their values between reference halves.

    Parameters
    ----------
    statistic
        Takes reference and generated frames.
    reference, generated
        The two ensembles.

    References
    ----------
    Efron, The Jackknife, the Bootstrap and Other Resampling Plans (1982), chapter 3.

    Examples
    --------
    >>> def shift(reference, generated):
    ...     return {"shift": float(generated["x"].mean() - reference["x"].mean())}
    >>> one = FrameData({"x": np.zeros(4)}, np.array([0, 0, 1, 1]))
    >>> other = FrameData({"x": np.repeat([1.0, 2.0, 3.0], 2)}, np.repeat(np.arange(3), 2))
    >>> result = compare(shift, one, other)["shift"]  # the error of a mean: 1 / sqrt(3)
    >>> result.value, round(result.standard_error, 3), result.between_halves
    (2.0, 0.577, 0.0)
    """
    values = statistic(reference, generated)
    errors = _jackknife_errors(statistic, reference, generated)
    halves = reference.halves()
    between = statistic(*halves) if halves is not None else {}
    return {
        name: Comparison(value, errors.get(name), between.get(name))
        for name, value in values.items()
    }


def jackknife_error(left_out: Iterable[float]) -> float | None:
    """Standard error from a statistic's values with one group left out each.

    None for fewer than two, for values that are not all defined, and where all are the same: what
    has not varied has no error bar, and never one of zero.
    """
    values = np.array(list(left_out), dtype=np.float64)
    if len(values) < 2 or not np.all(np.isfinite(values)) or np.ptp(values) == 0:
        return None
    n = len(values)
    return float(np.sqrt((n - 1) / n * np.sum((values - values.mean()) ** 2)))


def groups_of(lengths: Iterable[int]) -> NDArray[np.int64]:
    """Group ``(F,)`` of each frame for error bars: its replica, or its block if there are few.

    Blocks say too little about the error where the correlation time is as long as they are.

    Examples
    --------
    >>> np.bincount(groups_of([10, 20, 30])).tolist(), np.bincount(groups_of([10, 20])).tolist()
    ([10, 20, 30], [3, 3, 3, 3, 3, 3, 3, 3, 3, 3])
    """
    sizes = list(lengths)
    if are_replicas(sizes):
        return np.repeat(np.arange(len(sizes)), sizes)
    n = sum(sizes)
    return np.arange(n, dtype=np.int64) * min(BLOCKS, n) // max(1, n)


def are_replicas(lengths: Sequence[int]) -> bool:
    """Whether error bars come from replicas: three at least, of ten frames at least."""
    return len(lengths) >= MIN_REPLICAS and min(lengths) >= MIN_FRAMES


def finite_or_none(value: float | None) -> float | None:
    """The number, or None where it is NaN or infinite."""
    return None if value is None or not np.isfinite(value) else float(value)


def _jackknife_errors(
    statistic: Statistic, reference: FrameData, generated: FrameData
) -> dict[str, float | None]:
    groups, sizes = np.unique(generated.groups, return_counts=True)
    if len(groups) < 2 or len(generated) - sizes.max() < _FEWEST:
        return {}
    left_out = [statistic(reference, generated.without(group)) for group in groups.tolist()]
    return {name: jackknife_error(part[name] for part in left_out) for name in left_out[0]}
