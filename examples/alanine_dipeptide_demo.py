"""Leaps against plain MD on alanine dipeptide: the same MD, side by side, in a few minutes.

    python examples/alanine_dipeptide_demo.py --out out

The hybrid run and plain MD take turns on one core, each with its own wall clock, from the same
start; so does a set of short runs that measures how long plain MD takes to leave the rare basin.
Afterwards ``out`` holds summary.json, free_energy.png, jumps.csv and report.html.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from alanine_dipeptide_samplers import (
    ExitTrajectories,
    TorsionTrajectory,
    hybrid,
    plain_md,
    rare_frames,
    take_turns,
)
from demo_findings import Findings, Settings, evaluate
from demo_output import draw, page, summary_json, table
from reference import load_reference

from openmm_genmd import JumpReporter, load_proposer
from openmm_genmd.analysis.figures import png_bytes
from openmm_genmd.analysis.jump_log import read_jump_log
from openmm_genmd.analysis.report import write_report
from openmm_genmd.data.structures import load_structure

# Shorter intervals and more tries cost MD steps, longer ones crossings: see the benchmark.
JUMP_INTERVAL = 10
TRIES_PER_JUMP = 2
# Exits of plain MD are the rarest events, so that they limit the precision of the comparison.
HYBRID_SECONDS, MD_SECONDS, EXIT_SECONDS = 3.0, 1.0, 6.0


def start_hybrid(settings: Settings) -> TorsionTrajectory:
    """Start MD with leaps from the bundled model."""
    topology, _ = load_structure("alanine-dipeptide")
    return hybrid(
        load_proposer("alanine-dipeptide", topology),
        jump_interval=settings.jump_interval,
        tries_per_jump=settings.tries_per_jump,
        seed=settings.seed,
    )


def sample(
    leaps: TorsionTrajectory, md: TorsionTrajectory, exits: ExitTrajectories, minutes: float
) -> None:
    """Let all three take turns until the time is over."""
    rounds = max(2, round(60 * minutes / (HYBRID_SECONDS + MD_SECONDS + EXIT_SECONDS)))
    for _ in track(range(rounds), "hybrid and plain MD in turns", transient=True):
        first = leaps.n_frames
        take_turns([(leaps, HYBRID_SECONDS), (md, MD_SECONDS), (exits, EXIT_SECONDS)])
        exits.add_starts(rare_frames(leaps, first))


def run(minutes: float, settings: Settings, out: Path) -> Findings:
    """Sample and write all files."""
    leaps, md = start_hybrid(settings), plain_md(settings.seed)
    exits = ExitTrajectories(np.random.default_rng(settings.seed))
    reporter = JumpReporter(out / "jumps.csv", 1000)
    leaps.simulation.reporters.append(reporter)
    sample(leaps, md, exits, minutes)
    # The last attempts, after the last full report interval.
    reporter.write(leaps.simulation.integrator)
    reporter.close()
    log = read_jump_log(out / "jumps.csv")
    reference = load_reference()
    findings = evaluate(leaps, md, exits, log, reference, settings)
    (out / "summary.json").write_text(summary_json(findings), encoding="utf-8")
    figure = png_bytes(draw(findings, leaps.phi_psi_rad(), md.phi_psi_rad(), reference))
    (out / "free_energy.png").write_bytes(figure)
    write_report(page(findings, log, figure, reference), out / "report.html")
    return findings


def main() -> None:
    """Parse the command line, run, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--minutes", type=float, default=4.5, help="wall time of all turns")
    parser.add_argument("--seed", type=int, default=20, help="not 0, which means the clock")
    parser.add_argument("--jump-interval", type=int, default=JUMP_INTERVAL, help="MD steps")
    parser.add_argument("--tries-per-jump", type=int, default=TRIES_PER_JUMP)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = Settings(options.jump_interval, options.tries_per_jump, options.seed)
    findings = run(options.minutes, settings, options.out)
    console = Console()
    console.print(table(findings))
    console.print(f"[bold]Open {options.out / 'report.html'}[/bold] for figures and explanations.")


if __name__ == "__main__":
    main()
