"""Where the time of a training goes."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch


class StepProfile:
    """A clock with laps: the time between two laps belongs to the section that the second names.

    So sections add up to the wall time. On a GPU the laps are events in its stream: the GPU is not
    made to wait, and what it spends idle before a section is counted there.

    Parameters
    ----------
    device
        Whose time counts.
    spent
        Seconds by section of earlier sessions.

    Examples
    --------
    >>> profile = StepProfile(torch.device("cpu"), {"forward": 3.0})
    >>> for _ in range(2):
    ...     time.sleep(0.05)
    ...     profile.lap("data")
    ...     time.sleep(0.01)
    ...     profile.lap("forward")
    >>> seconds = profile.seconds()
    >>> sorted(seconds), bool(0.1 <= seconds["data"] < 0.5), bool(3.02 <= seconds["forward"] < 3.5)
    (['data', 'forward'], True, True)
    """

    def __init__(self, device: torch.device, spent: Mapping[str, float] | None = None) -> None:
        self._seconds = dict(spent or {})
        self._device = device
        self._events: list[tuple[str, torch.cuda.Event]] = []
        self.restart()

    def restart(self) -> None:
        """Forget the time since the last lap."""
        if self._device.type == "cuda":
            self._read_events()
            self._last_event = self._event()
        self._last = time.perf_counter()

    def lap(self, section: str) -> None:
        """Count the time since the last lap for a section."""
        if self._device.type == "cuda":
            self._events.append((section, self._event()))
            return
        now = time.perf_counter()
        self._add(section, now - self._last)
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Return the seconds of each section, in the order of their first laps."""
        self._read_events()
        return dict(self._seconds)

    def _add(self, section: str, seconds: float) -> None:
        self._seconds[section] = self._seconds.get(section, 0.0) + seconds

    def _event(self) -> torch.cuda.Event:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record(torch.cuda.current_stream(self._device))
        return event

    def _read_events(self) -> None:
        if self._events:
            self._events[-1][1].synchronize()
        for section, event in self._events:
            self._add(section, self._last_event.elapsed_time(event) / 1000)
            self._last_event = event
        self._events = []


def describe_profile(seconds: Mapping[str, float]) -> str:
    """Return the shares of all sections, the largest first.

    Examples
    --------
    >>> describe_profile({"data": 1.0, "forward": 3.0, "backward": 6.0})
    'backward 60 %, forward 30 %, data 10 %'
    """
    total = sum(seconds.values()) or 1.0
    ordered = sorted(seconds.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {100 * value / total:.0f} %" for name, value in ordered)
