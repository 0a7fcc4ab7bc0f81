"""MD, well-tempered metadynamics and leaps on alanine dipeptide: error times wall time.

    python benchmarks/alanine_dipeptide.py --json FILE --minutes 30

Independent short runs of all three take turns on one core, so that they share whatever else the
machine does. Every run starts from the minimised structure and gives one estimate of the population
of alpha-left; the scatter of the estimates, not the runs' own error bars, decides.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from alanine_dipeptide_samplers import TorsionTrajectory, hybrid, plain_md, take_turns
from alanine_dipeptide_system import PLATFORM
from metadynamics import MetadynamicsTrajectory
from reference import load_reference
from rich.console import Console
from rich.progress import track
from rich.table import Table

from openmm_genmd import Proposer, load_proposer
from openmm_genmd.analysis.crossings import count_crossings, in_rare_basin
from openmm_genmd.analysis.figure_of_merit import (
    Interval,
    Merit,
    advantage,
    merit,
    minutes_to_relative_error,
)
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint

CHECKPOINT = "alanine-dipeptide"
SLICE_SECONDS = 2.0
RELATIVE_ERROR = 0.1
# Times that the checkpoint's metadata records: simulating the training data, training on them.
SETUP_KEYS = ("data_seconds", "training_seconds")


def estimate(trajectory: TorsionTrajectory) -> float:
    """Estimate the population of alpha-left from one run."""
    inside = in_rare_basin(trajectory.phi_psi_rad()[:, 0])
    if isinstance(trajectory, MetadynamicsTrajectory):
        return float(np.average(inside, weights=trajectory.weights()))
    return float(inside.mean())


def run_all(
    makers: dict[str, Callable[[int], TorsionTrajectory]], runs: int, seconds: float, seed: int
) -> dict[str, list[dict[str, float]]]:
    """Run every method ``runs`` times for so many seconds of wall time, in turns."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in makers}
    turns = max(1, round(seconds / SLICE_SECONDS))
    for run in track(range(runs), "runs", transient=True):
        trajectories = {name: make(seed + run) for name, make in makers.items()}
        for _ in range(turns):
            take_turns([(trajectory, seconds / turns) for trajectory in trajectories.values()])
        for name, trajectory in trajectories.items():
            results[name].append(
                {
                    "population": estimate(trajectory),
                    "crossings": count_crossings(trajectory.phi_psi_rad()[:, 0]),
                    "steps": trajectory.steps,
                    "seconds": trajectory.seconds,
                }
            )
    return results


def setup_minutes(name: str) -> float | None:
    """Read what the checkpoint cost: training data and training; None if it does not say."""
    metadata = load_checkpoint(find_checkpoint(name)).metadata
    if not all(key in metadata for key in SETUP_KEYS):
        return None
    return sum(float(metadata[key]) for key in SETUP_KEYS) / 60


def summarise(
    results: dict[str, list[dict[str, float]]],
    reference: tuple[float, float],
    setup: dict[str, float | None],
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Turn the runs into figures of merit."""
    populations = {name: [run["population"] for run in runs] for name, runs in results.items()}
    merits = {
        name: merit(
            populations[name],
            minutes=float(np.mean([run["seconds"] for run in runs])) / 60,
            reference=reference,
            rng=rng,
        )
        for name, runs in results.items()
    }
    summary: dict[str, Any] = {
        name: asdict(m) | _cost(m, reference[0], setup[name]) for name, m in merits.items()
    }
    if merits["hybrid"].variance_minutes and merits["metadynamics"].variance_minutes:
        ratio = advantage(populations["hybrid"], populations["metadynamics"], rng=rng)
        summary["variance_metadynamics_over_hybrid"] = ratio
    return summary


def _cost(m: Merit, reference: float, setup: float | None) -> dict[str, float | None]:
    """Minutes to ten percent, without and with the set-up."""
    cost: dict[str, float | None] = {
        "setup_minutes": setup,
        "minutes_to_10_percent": None,
        "minutes_to_10_percent_with_setup": None,
    }
    if m.variance_minutes is not None:
        minutes = minutes_to_relative_error(
            m.variance_minutes[0],
            reference=reference,
            relative_error=RELATIVE_ERROR,
            setup_minutes=0.0,
        )
        cost["minutes_to_10_percent"] = minutes
        if setup is not None:
            cost["minutes_to_10_percent_with_setup"] = minutes + setup
    return cost


def table(summary: dict[str, Any], names: list[str]) -> Table:
    """Lay the figures of merit out for the terminal."""
    result = Table(title="Population of alpha-left, grade: exact; 95 % bootstrap intervals")
    for heading in ("", *names):
        result.add_column(heading)
    single = (
        "mean",
        "standard_error",
        "setup_minutes",
        "minutes_to_10_percent",
        "minutes_to_10_percent_with_setup",
    )
    for key in single:
        result.add_row(key.replace("_", " "), *(_number(summary[name][key]) for name in names))
    for key in ("variance_minutes", "mean_squared_error_minutes", "ess_per_minute"):
        result.add_row(key.replace("_", " "), *(_range(summary[name][key]) for name in names))
    if "variance_metadynamics_over_hybrid" in summary:
        ratio = _range(summary["variance_metadynamics_over_hybrid"])
        result.caption = f"variance of metadynamics over that of the hybrid: {ratio}"
    return result


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"


def _range(interval: Interval | None) -> str:
    if interval is None:
        return "unknown: hardly a run saw it"
    value, low, high = interval
    return f"{value:.3g} ({low:.3g} to {high:.3g})"


def make_methods(
    proposer: Proposer, jump_interval: int, tries_per_jump: int
) -> dict[str, Callable[[int], TorsionTrajectory]]:
    """Name the methods; each makes a new run from a seed."""
    return {
        "MD": plain_md,
        "metadynamics": MetadynamicsTrajectory,
        "hybrid": lambda seed: hybrid(
            proposer, jump_interval=jump_interval, tries_per_jump=tries_per_jump, seed=seed
        ),
    }


def main() -> None:
    """Run the benchmark, print the table, write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30.0, help="wall time of everything")
    parser.add_argument("--runs", type=int, default=20, help="of each method")
    parser.add_argument("--seed", type=int, default=1000, help="of the first run; not 0")
    parser.add_argument("--jump-interval", type=int, default=10, help="MD steps")
    parser.add_argument("--tries-per-jump", type=int, default=2)
    parser.add_argument(
        "--setup-minutes", type=float, help="cost of the checkpoint, if its metadata does not say"
    )
    options = parser.parse_args()
    topology, _ = load_structure("alanine-dipeptide")
    methods = make_methods(
        load_proposer(CHECKPOINT, topology), options.jump_interval, options.tries_per_jump
    )
    seconds = 60 * options.minutes / (options.runs * len(methods))
    results = run_all(methods, options.runs, seconds, options.seed)
    reference = load_reference().population
    setup = setup_minutes(CHECKPOINT) if options.setup_minutes is None else options.setup_minutes
    # The first filling of the basins is part of every metadynamics run and of its wall time.
    setups = {"MD": 0.0, "metadynamics": 0.0, "hybrid": setup}
    rng = np.random.default_rng(options.seed)
    summary = summarise(results, reference, setups, rng)
    Console().print(table(summary, list(methods)))
    settings = {
        "grade": "exact",
        "platform": PLATFORM,
        "openmm": version("openmm"),
        "reference": reference,
        "seconds_per_run": seconds,
        "seed": options.seed,
        "jump_interval": options.jump_interval,
        "tries_per_jump": options.tries_per_jump,
    }
    text = json.dumps({**settings, "summary": summary, "runs": results}, indent=1)
    options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
