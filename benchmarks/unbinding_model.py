"""From nothing to the bundled model of CB7-B2; resumable.

    python benchmarks/unbinding_model.py --out out/unbinding
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

PULLS = 300
MOST_WORK_KCAL_PER_MOL = 130
STEPS = 1300


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
    bundle: Annotated[bool, typer.Option("--bundle", help="into the package")] = False,
) -> None:
    """Make the data, train, and put the model into the package if asked to."""
    data, model = out / "cb7-b2", out / "cb7-b2.safetensors"
    again = ["--resume"] if (data / "manifest.json").exists() else []
    genmd("unbind", "prepare", "--system", "cb7-b2", "--out", data, "--pulls", PULLS, *again)
    if not model.exists():
        options = ["--max-work-kcal-per-mol", MOST_WORK_KCAL_PER_MOL, "--steps", STEPS]
        genmd("train", "biomd", data, "--out", model, *options)
    if bundle:
        checkpoint = load_checkpoint(model, BioMD)
        metadata = {**checkpoint.metadata, **costs(data, model.with_suffix(".jsonl"))}
        path, half = BUNDLED / model.name, checkpoint.model.half()
        save_checkpoint(path, half, None, checkpoint.representation, metadata)


if __name__ == "__main__":
    typer.run(main)
