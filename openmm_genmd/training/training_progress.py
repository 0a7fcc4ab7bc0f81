"""How far a training is, and how it fails."""

from __future__ import annotations

from dataclasses import dataclass


class DivergedError(ValueError):
    """The loss is no longer a number."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes
    ----------
    step
        Steps done.
    loss
        Mean over the steps of the last row of the log, NaN before the first.
    best_loss, best_step
        Lowest validation loss so far, and when it was found.
    seconds
        Wall time of all sessions.
    profile
        Seconds by section: waiting for ``data``, ``forward``, ``backward``, ``optimizer`` (clipping
        and averaging included), ``validation``,
        and ``other``: files, log and reports.

    Examples
    --------
    >>> TrainingProgress(10, 0.5, 0.4, 10, 2.0, {"data": 0.1, "forward": 1.9}).data_share
    0.05
    """

    step: int
    loss: float
    best_loss: float
    best_step: int
    seconds: float
    profile: dict[str, float]

    @property
    def data_share(self) -> float:
        """Share of the time that was spent waiting for data."""
        return self.profile.get("data", 0.0) / (sum(self.profile.values()) or 1.0)
