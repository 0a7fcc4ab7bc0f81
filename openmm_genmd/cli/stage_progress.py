"""Progress bars of commands that go through stages: `stage_progress`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Report = Callable[[str, int, int], None]


@contextmanager
def stage_progress(console: Console, names: Mapping[str, str] | None = None) -> Iterator[Report]:
    """Block with a progress bar for each stage that is reported in it.

    Parameters
    ----------
    console
        Where they are drawn.
    names
        Of stages, as they are to be read.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        tasks: dict[str, Any] = {}

        def report(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                tasks[stage] = progress.add_task((names or {}).get(stage, stage), total=of)
            progress.update(tasks[stage], completed=done, total=of)

        yield report
