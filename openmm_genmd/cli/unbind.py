"""``genmd unbind``: from a bound complex to paths on which the ligand leaves, and their cost."""

from __future__ import annotations

import typer

from openmm_genmd.cli.unbind_free_energy import unbind_free_energy
from openmm_genmd.cli.unbind_prepare import prepare
from openmm_genmd.cli.unbind_run import unbind_run

unbind_app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")


@unbind_app.callback()
def _unbind() -> None:
    """From a bound complex to paths on which the ligand leaves."""


unbind_app.command()(prepare)
unbind_app.command("run")(unbind_run)
unbind_app.command("free-energy")(unbind_free_energy)
