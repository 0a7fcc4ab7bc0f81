"""What switching gains for alanine dipeptide in water, against plain MD.

    python benchmarks/explicit_solvent.py --minutes 20 --json FILE

Hybrid runs start from equilibrated frames that come with the benchmark, and take a few leaps of the
bundled checkpoint from each. Counted are acceptance probabilities, not acceptances:

* *far acceptance*: the mean over proposals whose shortest arc in (phi, psi) is longer than 1 rad,
  per 1,000 MD steps spent on them. A switch costs every evaluation of energy or forces that it
  makes, those of terminated ones included.
* *flux*: the probability of crossing between phi < 0 and .3 < phi < 2.2 rad, per 1,000 steps, those
  of the MD between leaps included. Both directions are measured, the second from starting points in
  the rare basin, weighted by its population. That of plain MD comes from the stored reference
  (explicit_solvent_reference.py): twice population times rate out of the rare basin, so that the
  population cancels in the ratio of the fluxes.

Errors are jackknife estimates over starting points.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from alanine_dipeptide_box import make_box, make_implicit_energy
from explicit_solvent_attempts import Attempts, Chains
from explicit_solvent_basins import is_left, is_right
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from openmm_genmd import Instantaneous, SteeredSwitching
from openmm_genmd.analysis.statistics import jackknife_ratio
from openmm_genmd.md.protocols import JumpProtocol

Array = NDArray[np.float64]

REFERENCE = Path(__file__).parent / "reference" / "alanine_dipeptide_box.json"
STARTS = REFERENCE.with_suffix(".npz")
PER = 1000.0


def make_protocol(
    steps: int = 2000, limit_kt: float = 8.0, reach_nm: float = 0.135, surrogate: bool = True
) -> SteeredSwitching:
    """Return the settings of the benchmark.

    The surrogate, the molecule in implicit solvent, refuses leaps without a switch, and keeps the
    molecule's own barriers out of what the limit is for.
    """
    return SteeredSwitching(
        steps=steps,
        time_step_ps=0.006,
        hydrogen_mass_da=4.5,
        reach_nm=reach_nm or math.inf,
        surrogate=make_implicit_energy() if surrogate else None,
        surrogate_margin_kt=3.0,
        work_limit_kt=limit_kt or math.inf,
        blocks_per_check=max(1, steps // 80) if limit_kt else 0,
    )


def by_start(attempts: Attempts, values: Array) -> Array:
    """Sums of values ``(n,)`` over the attempts of each starting point that was visited."""
    starts = np.unique(attempts.start)
    return np.array([values[attempts.start == start].sum() for start in starts])


def rate(attempts: Attempts, selected: Array, steps: Array) -> list[float]:
    """Value and standard error of acceptance probability per 1,000 of given steps."""
    gained, spent = (by_start(attempts, v) for v in (attempts.probability * selected, steps))
    used = spent > 0
    value, error = jackknife_ratio(PER * gained[used], spent[used])
    return [float(value), float(error)]


def crossing_rate(
    attempts: Attempts, source: Callable[[Any], Any], target: Callable[[Any], Any]
) -> list[float]:
    """Probability per 1,000 steps, MD included, of a chain in one basin to leap to the other."""
    inside = source(attempts.torsions[:, 0, 0])
    steps = attempts.switching_steps + attempts.md_steps / len(attempts.start)
    return rate(attempts, attempts.between(source, target), steps * inside)


def weighted(terms: list[tuple[float, list[float]]]) -> list[float]:
    """Value and standard error of a sum of independent terms with weights."""
    value = sum(weight * term[0] for weight, term in terms)
    variance = sum((weight * term[1]) ** 2 for weight, term in terms)
    return [float(value), float(np.sqrt(variance))]


def findings(right: Attempts, left: Attempts, reference: dict[str, Any]) -> dict[str, Any]:
    """Everything that the JSON file holds, from chains that start in either basin."""
    share = reference["left_population"][0]
    far = [
        (weight, rate(attempts, attempts.far(), attempts.switching_steps * attempts.far()))
        for weight, attempts in ((1.0 - share, right), (share, left))
    ]
    there = crossing_rate(right, is_right, is_left)
    back = crossing_rate(left, is_left, is_right)
    flux = weighted([(2.0 * share, back)])
    md = reference["md_flux_per_1000_steps"]
    ratio = flux[0] / md[0]
    error = ratio * np.hypot(flux[1] / max(flux[0], 1e-300), md[1] / md[0])
    selected = right.far()
    return {
        "grade": right.grade,
        "far_acceptance_per_1000_md_steps": weighted(far),
        "flux_per_1000_md_steps": {"hybrid": flux, "md": md},
        "flux_ratio": [ratio, float(error)],
        "flux_from_the_frequent_basin": weighted([(2.0 * (1.0 - share), there)]),
        "far_attempts": int(selected.sum()),
        "far_acceptance": float(right.probability[selected].mean()),
        "steps_per_far_attempt": float(right.switching_steps[selected].mean()),
        "crossings_attempted": int(left.between(is_left, is_right).sum()),
    }


def load_starts(basin: str) -> Array:
    """Equilibrated positions ``(n, n_particles, 3)`` in nm that come with the benchmark."""
    return np.asarray(np.load(STARTS)[basin], dtype=np.float64)


def show(results: dict[str, Any], console: Console) -> None:
    """Print a table."""
    table = Table("", "per 1,000 steps", "±")
    flux = results["flux_per_1000_md_steps"]
    rows = {
        f"far acceptance ({results['grade']})": results["far_acceptance_per_1000_md_steps"],
        "flux, hybrid": flux["hybrid"],
        "flux, plain MD": flux["md"],
        "ratio of fluxes": results["flux_ratio"],
    }
    for name, (value, error) in rows.items():
        table.add_row(name, f"{value:.3g}", f"{error:.2g}")
    console.print(table)


def attempts_from(basin: str, minutes: float, seed: int, steps: int, *settings: float) -> Attempts:
    """Return the attempts of chains that start in one basin."""
    protocol: JumpProtocol = make_protocol(steps, *settings) if steps else Instantaneous()
    return Chains(make_box(), load_starts(basin), protocol, seed).run(minutes)


def main(
    minutes: Annotated[float, typer.Option(help="wall time, on two cores")] = 20.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="where results go")] = None,
    steps: Annotated[int, typer.Option(help="steps of a switch; 0: instantaneous")] = 2000,
    limit_kt: Annotated[float, typer.Option(help="limit of the partial work; 0: none")] = 8.0,
    reach_nm: Annotated[float, typer.Option(help="of a switch; 0: any")] = 0.135,
    surrogate: Annotated[bool, typer.Option(help="implicit solvent decides first")] = True,
    seed: Annotated[int, typer.Option(help="of everything random")] = 1,
) -> None:
    """Leaps in water, switched; acceptance and flux against plain MD."""
    console = Console()
    with console.status(f"leaping for {minutes:g} minutes"), ProcessPoolExecutor(2) as pool:
        running = [
            pool.submit(attempts_from, basin, minutes, seed, steps, limit_kt, reach_nm, surrogate)
            for basin in ("right", "left")
        ]
        right, left = (run.result() for run in running)
    results = findings(right, left, json.loads(REFERENCE.read_text()))
    show(results, console)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(results, indent=1))
        store(json_file.with_suffix(".npz"), right, left)


def store(path: Path, right: Attempts, left: Attempts) -> None:
    """Write all attempts, for looking at the work."""
    np.savez_compressed(
        path,
        **{
            f"{basin}_{name}": value
            for basin, attempts in (("right", right), ("left", left))
            for name, value in vars(attempts).items()
        },
    )


if __name__ == "__main__":
    typer.run(main)
