"""From nothing to a bundled model of unbinding paths; resumable.

    python benchmarks/unbinding_model.py --out out/unbinding
    python benchmarks/unbinding_model.py --out out/unbinding --system l99a-p-xylene
    python benchmarks/unbinding_model.py --out out/unbinding --bundle    # into the package

Runs the commands that a user would run. What data and training cost is written into the model,
from where reports take it to say after how many paths it has paid for itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from openmm_genmd.models.bio_md import BioMD
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.proposers.load import BUNDLED

_PART = "--cutoff-nm 0.9 --cut-nm 1.1 --pocket-nm 0.6 --hydrogen-mass-da 3 --time-step-fs 4"
_HILLS = "--pulls 0 --metadynamics 12 --most-steps 6000"
RECIPES = {
    "cb7-b2": ("--pulls 300", "--max-work-kcal-per-mol 130 --steps 1300"),
    "l99a-p-xylene": (
        f"{_PART} {_HILLS}",
        "--pocket-nm 0.6 --batch-size 4 --steps 600 --validation-fraction 0.2",
    ),
}
"""System -> options of `genmd unbind prepare` and `genmd train biomd`."""


def genmd(*arguments: Any) -> None:
    """Run a command as a user would."""
    command = [sys.executable, "-m", "openmm_genmd.cli.main", *map(str, arguments)]
    subprocess.run(command, check=True)


def costs(data: Path, log: Path) -> dict[str, float]:
    """Seconds of one core that data and training took."""
    manifest = json.loads((data / "manifest.json").read_text(encoding="utf-8"))
    made = sum(manifest[part]["core_seconds"] for part in ("starts", "pull", "metadynamics"))
    last = json.loads(log.read_text(encoding="utf-8").splitlines()[-1])
    return {"data_core_seconds": made, "training_core_seconds": last["seconds"]}


def main(
    out: Annotated[Path, typer.Option(help="where data and model go")],
    system: Annotated[str, typer.Option(help=" or ".join(RECIPES))] = "cb7-b2",
    bundle: Annotated[bool, typer.Option("--bundle", help="into the package")] = False,
) -> None:
    """Make the data, train, and put the model into the package if asked to."""
    paths, fit = (options.split() for options in RECIPES[system])
    data, model = out / system, out / f"{system}.safetensors"
    again = ["--resume"] if (data / "manifest.json").exists() else []
    genmd("unbind", "prepare", "--system", system, "--out", data, *paths, *again)
    if not model.exists():
        genmd("train", "biomd", data, "--out", model, *fit)
    if bundle:
        checkpoint = load_checkpoint(model, BioMD)
        metadata = {**checkpoint.metadata, **costs(data, model.with_suffix(".jsonl"))}
        path, half = BUNDLED / model.name, checkpoint.model.half()
        save_checkpoint(path, half, None, checkpoint.representation, metadata)


if __name__ == "__main__":
    typer.run(main)
