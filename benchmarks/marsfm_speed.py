"""How many structures a second MarS-FM draws, and MD steps a second beside it, on one thread.

    python benchmarks/marsfm_speed.py --json FILE

All atoms are built, hydrogens included; whether they are sound is not checked. MD is that of the
same peptide in implicit solvent. Medians over rounds in which all take turns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import openmm
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from openmm_genmd.md.peptide_input import peptide_input
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.proposers.mars_fm_sampler import MarsFMSampler

SEQUENCE = "LMGA"
BATCH = {"tiny": 500, "paper": 20}
MD_STEPS = 2000
CONFIGURATIONS = {"tiny": MarsFMConfig.tiny, "paper": MarsFMConfig.paper}


def rate(work: Callable[[], object], amount: int) -> float:
    """How much of the work is done per second of wall time."""
    began = time.perf_counter()
    work()
    return amount / (time.perf_counter() - began)


def draw(sampler: MarsFMSampler, start_nm: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return conformations ``(1, n, n_atoms, 3)`` in nm."""
    return sampler.sample(start_nm[None], n, np.random.default_rng(1))


def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="where results go")] = None,
    rounds: Annotated[int, typer.Option(help="turns of each")] = 3,
    steps: Annotated[int, typer.Option(help="of the integration, midpoint rule")] = 20,
) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    given = peptide_input(SEQUENCE)
    integrator = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(given.system, integrator, platform, {"Threads": "1"})
    context.setPositions(given.positions_nm)
    jobs: dict[str, tuple[Callable[[], object], int]] = {
        "MD steps": (lambda: integrator.step(MD_STEPS), MD_STEPS)
    }
    for name, config in CONFIGURATIONS.items():
        sampler = MarsFMSampler(MarsFM(config()), given.topology, steps=steps)
        n = BATCH[name]
        jobs[f"structures, {name}"] = partial(draw, sampler, given.positions_nm, n), n
    found: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, (work, amount) in jobs.items():
            found[name].append(rate(work, amount))
    medians = {name: float(np.median(rates)) for name, rates in found.items()}
    table = Table(f"{SEQUENCE}, {len(given.positions_nm)} atoms", "per second", "MD steps of each")
    for name, value in medians.items():
        table.add_row(name, f"{value:.1f}", f"{medians['MD steps'] / value:.1f}")
    Console().print(table)
    if json_file is not None:
        json_file.write_text(json.dumps({"sequence": SEQUENCE, "per_second": medians}) + "\n")


if __name__ == "__main__":
    typer.run(main)
