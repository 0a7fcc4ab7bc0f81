"""The reference of the explicit-solvent benchmark from what its long runs left.

    python benchmarks/explicit_solvent_combine.py out/explicit_reference

Reads all ``left-*.json`` (explicit_solvent_reference.py) and ``frames-*.npz`` (sampled by
explicit_solvent_population.py) of the folder, and writes benchmarks/reference/
alanine_dipeptide_box.json and .npz: the population of the rare basin, the rate of MD out of it,
their product, and starting points: in the frequent basin drawn by their weights from the frames, in
the rare one from plain MD inside of it (``left-bias0-*.npz``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from alanine_dipeptide_box import TIME_STEP_PS
from explicit_solvent_basins import is_left, is_right
from numpy.typing import NDArray

from openmm_genmd.analysis.statistics import jackknife_ratio

Array = NDArray[np.float64]

REFERENCE = Path(__file__).parent / "reference" / "alanine_dipeptide_box.json"
BLOCKS_PER_RUN = 5
STARTS = {"right": 24, "left": 12}
PS_PER_1000_STEPS = 1000 * TIME_STEP_PS


def exit_rate(runs: list[dict[str, Any]]) -> dict[str, float]:
    """Rate per ps out of the rare basin, its Poisson error, and what it was counted from."""
    exits = sum(len(run["exits"]) for run in runs)
    time_ps = sum(run["boosted_ps"] for run in runs)
    rate = exits / time_ps
    return {
        "per_ps": rate,
        "standard_error": rate / exits**0.5,
        "exits": exits,
        "boosted_ns": time_ps / 1000,
        "md_ns": sum(run["steps"] for run in runs) * TIME_STEP_PS / 1000,
    }


def left_population(torsions: list[Array], bias_kt: list[Array]) -> tuple[float, float]:
    """Population of the rare basin and its error, from blocks of reweighted runs."""
    highest = max(bias.max() for bias in bias_kt)
    tops, bottoms = [], []
    for angles, bias in zip(torsions, bias_kt, strict=True):
        weights = np.exp(bias - highest)
        left = weights * is_left(angles[:, 0])
        blocks = np.array_split(np.arange(len(weights)), BLOCKS_PER_RUN)
        tops += [left[block].sum() for block in blocks]
        bottoms += [weights[block].sum() for block in blocks]
    value, error = jackknife_ratio(np.array(tops), np.array(bottoms))
    return float(value), float(error)


def draw_right(
    torsions: Array, bias_kt: Array, positions_nm: Array, rng: np.random.Generator
) -> Array:
    """Frames of the frequent basin, drawn by their weights without repetition."""
    share = np.exp(bias_kt - bias_kt.max()) * is_right(torsions[:, 0])
    chosen = rng.choice(len(share), STARTS["right"], replace=False, p=share / share.sum())
    return np.asarray(positions_nm[np.sort(chosen)])


def draw_left(positions_nm: Array, rng: np.random.Generator) -> Array:
    """Frames of plain MD, drawn without repetition."""
    chosen = rng.choice(len(positions_nm), STARTS["left"], replace=False)
    return np.asarray(positions_nm[np.sort(chosen)])


def combine(folder: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Everything that the two files of the reference hold."""
    rate = exit_rate([json.loads(path.read_text()) for path in sorted(folder.glob("left-*.json"))])
    archives = [np.load(path) for path in sorted(folder.glob("frames-*.npz"))]
    torsions = [archive["torsions"] for archive in archives]
    bias = [archive["bias_kt"] for archive in archives]
    population = left_population(torsions, bias)
    flux = 2.0 * population[0] * rate["per_ps"] * PS_PER_1000_STEPS
    error = flux * rate["standard_error"] / rate["per_ps"]
    results = {
        "left_population": population,
        "left_population_by_run": [
            left_population([t], [b])[0] for t, b in zip(torsions, bias, strict=True)
        ],
        "exit_rate": rate,
        "md_flux_per_1000_steps": [flux, error],
        "note": "errors of fluxes leave out that of the population, a factor of both",
    }
    positions = np.concatenate([archive["positions_nm"] for archive in archives])
    rng = np.random.default_rng(1)
    plain = [np.load(path)["frames"] for path in sorted(folder.glob("left-bias0-*.npz"))]
    starts = {
        "right": draw_right(np.concatenate(torsions), np.concatenate(bias), positions, rng),
        "left": draw_left(np.concatenate(plain), rng),
    }
    return results, starts


def main(
    folder: Annotated[Path, typer.Argument(help="of the long runs")],
) -> None:
    """Write the reference."""
    results, starts = combine(folder)
    REFERENCE.write_text(json.dumps(results, indent=1))
    np.savez_compressed(
        REFERENCE.with_suffix(".npz"), **{k: v.astype(np.float32) for k, v in starts.items()}
    )
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    typer.run(main)
