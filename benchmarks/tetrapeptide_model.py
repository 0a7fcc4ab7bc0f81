"""From nothing to the bundled model of tetrapeptides, and its evaluation; resumable.

    python benchmarks/tetrapeptide_model.py --out out/tetrapeptides --stage all

Stages: `simulate` (the training peptides), `msm`, `train`, `reference` (the held-out peptides, see
tetrapeptide_reference.py), `evaluate` (samples and plain MD of several lengths against them),
`bundle` (into the package; only if asked for by name); also only by name `leaps` and `blocks`, the
two bundled models for leaps inside a simulation. Each runs the commands that a user would
run, and leaves out what is there already.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from tetrapeptide_reference import make_reference
from tetrapeptides import HELD_OUT, MORE, TRAINING
from torch import nn

from openmm_genmd.models.block_transformer import BlockTransformer
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions
from openmm_genmd.proposers.load import BUNDLED

STAGES = ("simulate", "msm", "train", "reference", "evaluate", "bundle", "leaps", "blocks")
BY_NAME = ("bundle", "leaps", "blocks")
FRAME_INTERVAL_PS = 0.1
# Runs leap, so that time is not physical: the lag is some frames, and few states are asked for.
MSM = ["--frame-interval-ps", "0.1", "--lag-time-ps", "0.5", "--n-microstates", "40"]
MSM += ["--keep-largest-set", "--min-fraction", "0.51", "--min-crossings", "0"]
REFERENCE_ITERATIONS = 1000
MD_LENGTHS_PS = (25.0, 100.0, 250.0)


def genmd(*arguments: object) -> None:
    """Run a command of the package; its output goes on."""
    command = [sys.executable, "-m", "openmm_genmd.cli.main", *map(str, arguments)]
    subprocess.run(command, check=True)


def simulate(sequence: str, out: Path) -> None:
    """Training data of a peptide."""
    folder = out / "data" / sequence
    resume = ["--resume"] if (folder / "manifest.json").exists() else []
    options = ["--sequence", sequence, "--frame-interval-ps", FRAME_INTERVAL_PS, *resume]
    genmd("simulate", "--out", out / "data", *options)


def model_states(sequence: str, out: Path) -> None:
    """Markov model and pairs of a peptide."""
    folder = out / "msm" / sequence
    if not (folder / "model.npz").exists():
        genmd("msm", "--trajectory", out / "data" / sequence, "--out", folder, *MSM)


def train(out: Path, steps: int) -> None:
    """Fit the model."""
    folders = [out / "msm" / sequence for sequence in TRAINING]
    data = [item for folder in folders if folder.exists() for item in ("--data", folder)]
    checkpoint = out / "tetrapeptides.safetensors"
    resume = ["--resume"] if checkpoint.with_suffix(".state").exists() else []
    genmd("train", "marsfm", *data, "--out", checkpoint, "--steps", steps, *resume)


def leaps(out: Path, steps: int) -> None:
    """MarS-FM on torsions, from the same pairs, and into the package."""
    data = [item for s in TRAINING for item in ("--data", out / "msm" / s)]
    checkpoint = out / "tetrapeptide-leaps.safetensors"
    genmd("train", "marsfm", "--leaps", *data, "--out", checkpoint, "--steps", steps)
    bundle(out, checkpoint.stem, MarsFMTorsions)


def blocks(out: Path, workers: int) -> None:
    """Densities of blocks of torsions, from more peptides, and into the package."""

    def simulate_half(sequence: str) -> None:
        folder = out / "more" / sequence
        resume = ["--resume"] if (folder / "manifest.json").exists() else []
        options = ["--frame-interval-ps", FRAME_INTERVAL_PS, "--seed", 3, "--run-time-ps", 10]
        genmd("simulate", "--sequence", sequence, "--out", out / "more", *options, *resume)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(simulate_half, MORE))
    folders = [*(out / "data" / s for s in TRAINING), *(out / "more" / s for s in MORE)]
    data = [item for folder in folders for item in ("--data", folder)]
    checkpoint = out / "tetrapeptide-blocks.safetensors"
    options = ["--validation-fraction", 0, "--steps", 6000]
    genmd("train", "blocks", *data, "--out", checkpoint, *options)
    bundle(out, checkpoint.stem, BlockTransformer)


def bundle(out: Path, name: str, kind: type[nn.Module]) -> None:
    """Put a model, in half precision, among those that come with the package."""
    checkpoint = load_checkpoint(out / f"{name}.safetensors", kind)
    metadata = dict(checkpoint.metadata) | {"held_out_sequences": [*HELD_OUT, "AAAA"]}
    path = BUNDLED / f"{name}.safetensors"
    numbers = checkpoint.representation
    save_checkpoint(path, checkpoint.model.half(), checkpoint.fingerprint, numbers, metadata)


def reference(sequence: str, out: Path) -> None:
    """Replica exchange with leaps, from two starts."""
    folder = out / "reference" / sequence
    if not (folder / "reference.json").exists():
        make_reference(sequence, folder, REFERENCE_ITERATIONS)


def plain_md(sequence: str, out: Path, time_ps: float) -> Path:
    """Folder with plain MD of a peptide, two replicas from the extended conformation."""
    folder = out / f"md-{time_ps:g}ps"
    if not (folder / sequence / "run-001.dcd").exists():
        options = ["--runs", 2, "--run-time-ps", time_ps, "--frame-interval-ps", time_ps / 500]
        options += ["--no-leaps", "--hot-temperatures-k", "none"]
        genmd("simulate", "--sequence", sequence, "--out", folder, *options)
    return folder / sequence


def compare(sequence: str, out: Path, generated: Path, name: str) -> None:
    """One evaluation against the reference."""
    folder = out / "reference" / sequence
    starts = [item for i in (0, 1) for item in ("--reference", folder / f"start-{i}.xtc")]
    file = out / "metrics" / f"{sequence}-{name}.json"
    file.parent.mkdir(exist_ok=True)
    if not file.exists():
        topology = ["--topology", folder / "topology.pdb", "--reference-interval-ps", 0.1]
        limits = ["--min-crossings", 0, "--lag-time-ps", 0.5]
        genmd("evaluate", *starts, "--generated", generated, *topology, *limits, "--json", file)


def evaluate(sequence: str, out: Path) -> None:
    """Samples of the model, and plain MD, against the reference."""
    samples = out / "samples" / f"{sequence}.xtc"
    samples.parent.mkdir(exist_ok=True)
    if not samples.exists():
        start = ["--pdb", out / "reference" / sequence / "topology.pdb", "--out", samples]
        genmd("sample", "--model", out / "tetrapeptides.safetensors", *start)
    compare(sequence, out, samples, "model")
    for time_ps in MD_LENGTHS_PS:
        compare(sequence, out, plain_md(sequence, out, time_ps), f"md-{time_ps:g}ps")


def summarize(out: Path) -> None:
    """Print means over the held-out peptides."""
    table: dict[str, dict[str, list[float]]] = {}
    for file in sorted((out / "metrics").glob("*.json")):
        name = file.stem.split("-", 1)[1]
        for metric, value in json.loads(file.read_text())["metrics"].items():
            number = value["value"] if isinstance(value, dict) else value
            if isinstance(number, (int, float)):
                table.setdefault(metric, {}).setdefault(name, []).append(float(number))
    means = {m: {n: sum(v) / len(v) for n, v in row.items()} for m, row in table.items()}
    print(json.dumps(means, indent=1))


def main(
    out: Annotated[Path, typer.Option(help="folder of everything")],
    stage: Annotated[list[str], typer.Option(help="; ".join(STAGES) + "; or all")],
    steps: Annotated[int, typer.Option(help="of the training")] = 10_000,
    workers: Annotated[int, typer.Option(help="processes at a time")] = 2,
) -> None:
    """Run stages."""
    wanted = [s for s in STAGES if s not in BY_NAME] if "all" in stage else stage
    out.mkdir(parents=True, exist_ok=True)
    jobs = {"simulate": simulate, "msm": model_states, "reference": reference, "evaluate": evaluate}
    whole: dict[str, Callable[[], None]] = {
        "train": lambda: train(out, steps),
        "bundle": lambda: bundle(out, "tetrapeptides", MarsFM),
        "leaps": lambda: leaps(out, steps),
        "blocks": lambda: blocks(out, workers),
    }
    for name in STAGES:
        if name not in wanted:
            continue
        if name in whole:
            whole[name]()
            continue
        sequences = TRAINING if name in ("simulate", "msm") else HELD_OUT
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(lambda each, job=jobs[name]: job(each, out), sequences))
    if "evaluate" in wanted:
        summarize(out)


if __name__ == "__main__":
    typer.run(main)
