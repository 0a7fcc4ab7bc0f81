"""The command ``genmd``."""

from __future__ import annotations

import typer

from openmm_genmd.cli.evaluate import evaluate
from openmm_genmd.cli.msm import msm
from openmm_genmd.cli.run import run
from openmm_genmd.cli.sample import sample
from openmm_genmd.cli.simulate import simulate
from openmm_genmd.cli.train import train_app
from openmm_genmd.cli.unbind import unbind_app

app = typer.Typer(
    name="genmd",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="""Generative models as Monte Carlo moves inside a running OpenMM simulation.

A typical way through: `genmd simulate` makes training data, `genmd train torsions` fits a model to
them, `genmd run` uses the model in a simulation that keeps the Boltzmann distribution. Trajectories
of your own serve as training data just as well.

For many peptides at once: `genmd simulate --sequence`, `genmd msm`, `genmd train marsfm`, `genmd
sample`, `genmd evaluate`.""",
)
app.command()(simulate)
app.command()(msm)
app.add_typer(train_app, name="train", help="Fit a generative model to trajectories.")
app.command()(sample)
app.command()(evaluate)
app.command()(run)
app.add_typer(unbind_app, name="unbind", help="Paths on which a ligand leaves its receptor.")


if __name__ == "__main__":
    app()
