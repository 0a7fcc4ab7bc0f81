"""What the commands say when something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.markup import escape

_OPTIONS = {"hidden_features": "hidden"}
"""Settings whose option has another name."""


def explain_validation(error: ValidationError) -> str:
    """One line per wrong option: its name on the command line, what was expected, what came.

    Parameters
    ----------
    error
        From a model whose fields are options with underscores; models inside it too.

    Examples
    --------
    >>> from openmm_genmd.md.simulation_plan import SimulationPlan
    >>> try:
    ...     SimulationPlan(runs=0, run_time_ps="long")
    ... except ValidationError as error:
    ...     print(explain_validation(error))
    --runs should be greater than or equal to 1, got 0
    --run-time-ps should be a valid number, unable to parse string as a number, got 'long'
    """
    # A seed, for instance, may go to several parts of the settings.
    lines = dict.fromkeys(_line(details) for details in error.errors(include_url=False))
    return "\n".join(lines)


def _line(details: ErrorDetails) -> str:
    names = [part for part in details["loc"] if isinstance(part, str)]
    message = details["msg"].removeprefix("Input ").removeprefix("Value error, ")
    if not names:
        return message
    option = f"--{_OPTIONS.get(names[-1], names[-1]).replace('_', '-')}"
    if details["type"] == "missing":
        return f"{option} is required"
    if details["type"] == "extra_forbidden":
        return f"{option} is unknown"
    return f"{option} {message}, got {details['input']!r}"


def print_error(console: Console, command: str, error: Exception) -> None:
    """Say in red which command failed, and why."""
    text = explain_validation(error) if isinstance(error, ValidationError) else str(error)
    # Escaped, since file names may contain brackets.
    console.print(f"[red]{command}:[/red] {escape(text)}", highlight=False, soft_wrap=True)


@contextmanager
def stopping_on(
    kinds: tuple[type[Exception], ...], command: str, console: Console
) -> Iterator[None]:
    """Say in red what failed, and end the command with status 1, if one of these errors comes.

    Raises
    ------
    typer.Exit
        In the place of the error.
    """
    try:
        yield
    except kinds as error:
        print_error(console, command, error)
        raise typer.Exit(1) from None
