"""What a jump costs, on every platform there is: see --help."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import openmm
import typer
from batched_energy_speed import (
    LARGE_BATCH,
    candidates_per_energy,
    displaced,
    implicit_peptide,
    leaps,
)
from bookkeeping_speed import bookkeeping_speedup
from jump_timing import JUMPS, LONG_JUMPS, Machine, jump_costs, throughput_ratios
from multiple_try import compare_all
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from timed_systems import TimedSystem, dhfr, dipeptide, water_box

PLATFORMS = ("Reference", "CPU", "OpenCL", "CUDA")
PEPTIDES = ("AAA", "AAAA", "AAAAAA")  # 42, 52 and 72 atoms
N_CANDIDATES = 256
HOST_DEVICES = ("cpu", "pthread", "pocl", "basic")
TARGETS = {
    "md_throughput_ratio": "≥ .99",
    "reject_md_steps": "≤ 2.1",
    "accept_md_steps": "≤ 2.1",
    "per_try_md_steps_at_4": "≤ 1.35",
    "batched_candidates_per_energy": "≥ 10; on a GPU ≥ 1000",
    "bookkeeping_speedup_100k": "≥ 20",
}
HELP = """Measure what jumps cost, and write it to a JSON file.

For each platform: the **speed of MD** with jumps that never fall due, over that of the bare inner
integrator, for 22 to 100,000 atoms (the worst median, and one per size); the cost of a **rejected**
and of an **accepted** jump and of **one of four tries**, in MD steps of the same run; how many
candidates `BatchedEnergy` evaluates while OpenMM evaluates one energy, on the host and, in batches
of 16384, on a GPU; by how much platform kernels
speed up the bookkeeping; and what `MultipleTry` gains.

Jumps are timed with leaps that are short on the scale of a neighbor list, and again with long ones
(`*_long_leap_md_steps`), after which the CPU platform builds its list anew. Large Systems need
minutes: `--seconds` says how long each measurement may take; 12 is enough on a quiet machine.
Every figure is the median of interleaved pairs, with its quartiles beside it. The speed of MD is
measured in CPU time on platforms of the host, jumps in wall time unless `--threads 1` is given:
leave the machine alone meanwhile."""


def main(
    json_file: Annotated[Path, typer.Option("--json", help="Where the results go.")],
    seconds: Annotated[
        float, typer.Option(help="Time for each measurement; a few pairs are made in any case.")
    ] = 12.0,
    threads: Annotated[
        int, typer.Option(help="Threads of the CPU platform; 0 means one for each core.")
    ] = 0,
    platform: Annotated[
        list[str] | None, typer.Option(help="Only this platform; can be repeated.")
    ] = None,
    atoms: Annotated[
        list[int] | None,
        typer.Option(
            help="Sizes for the speed of MD, instead of 22, 2700, 23558 (DHFR) and 100000."
        ),
    ] = None,
    multiple_try: Annotated[bool, typer.Option(help="Whether to measure MultipleTry.")] = True,
) -> None:
    """Measure, print a table, write the file."""
    console = Console()
    results: dict[str, Any] = {"openmm": version("openmm"), "seconds": seconds}
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console
    ) as progress:
        for name in platform or PLATFORMS:
            task = progress.add_task(name, total=None)
            results[name] = _measure(name, threads, seconds, atoms, progress, task)
            progress.remove_task(task)
        if multiple_try:
            task = progress.add_task("MultipleTry", total=None)
            results["multiple_try"] = compare_all(5 * seconds)
            progress.remove_task(task)
    json_file.write_text(json.dumps(results, indent=2) + "\n")
    console.print(_table(results))
    for name in platform or PLATFORMS:
        about = results[name]
        console.print(
            f"{name}:", about.get("skipped") or f"{about['device']}, {about['jumping_system']}"
        )
    console.print(f"written to {json_file}")


def _measure(
    name: str,
    threads: int,
    seconds: float,
    atoms: list[int] | None,
    progress: Progress,
    task: Any,
) -> dict[str, Any]:
    """Measure all there is to measure on one platform."""
    try:
        machine, device = find_machine(name, threads)
    except openmm.OpenMMException as error:
        return {"skipped": str(error)}
    result: dict[str, Any] = {"device": device}
    ratios = {}
    for size in atoms or _sizes(name, device):
        timed = system_of_size(size)
        progress.update(task, description=f"{name}: speed of MD, {timed.name}")
        ratios[str(len(timed.positions_nm))] = _summary(throughput_ratios(machine, timed, seconds))
    result["md_throughput_ratio"] = min(entry["median"] for entry in ratios.values())
    result["md_throughput_by_atoms"] = ratios
    timed = system_of_size(max(atoms)) if atoms else _jumping_system(name, device)
    if name != "Reference" and threads != 1:
        # What several threads do at once is counted once.
        machine = replace(machine, clock=time.perf_counter)
    progress.update(task, description=f"{name}: jumps, {timed.name}")
    result |= _jumps(machine, timed, seconds)
    if name == "CPU":
        progress.update(task, description="BatchedEnergy")
        result |= _batched()
    elif name in ("OpenCL", "CUDA") and not device.endswith("(host)"):
        progress.update(task, description=f"{name}: BatchedEnergy")
        result |= _batched(name)
    if name in ("OpenCL", "CUDA"):
        progress.update(task, description=f"{name}: bookkeeping")
        measured = bookkeeping_speedup(name)
        result |= {"bookkeeping_speedup_100k": measured["speedup"], "bookkeeping": measured}
    return result


def find_machine(name: str, threads: int) -> tuple[Machine, str]:
    """Find a platform that works here, and the name of its device.

    Raises
    ------
    openmm.OpenMMException
        If the platform is missing or has no device.
    """
    properties = (("Threads", str(threads)),) if name == "CPU" and threads > 0 else ()
    test = dipeptide()
    context = Machine(name, properties, time.perf_counter).start(
        test, openmm.VerletIntegrator(0.001)
    )
    platform = context.getPlatform()
    device = "host"
    if "DeviceName" in platform.getPropertyNames():
        device = platform.getPropertyValue(context, "DeviceName")
    on_host = device == "host" or any(word in device.lower() for word in HOST_DEVICES)
    clock = time.process_time if on_host else time.perf_counter
    if on_host and device != "host":
        device += " (host)"
    return Machine(name, properties, clock), device


def _sizes(name: str, device: str) -> list[int]:
    """Atoms of the Systems whose MD is timed: what the platform manages in seconds."""
    if name == "Reference":
        return [22]
    if name == "OpenCL" and device.endswith("(host)"):
        return [22, 2700]
    return [22, 2700, 23558, 100000]


def system_of_size(n_atoms: int) -> TimedSystem:
    """Make a System of about n_atoms."""
    if n_atoms == 22:
        return dipeptide()
    return dhfr() if n_atoms == 23558 else water_box(n_atoms)


def _jumping_system(name: str, device: str) -> TimedSystem:
    if name == "Reference":
        return dipeptide()
    return water_box(2700) if name == "OpenCL" and device.endswith("(host)") else dhfr()


def _jumps(machine: Machine, timed: TimedSystem, seconds: float) -> dict[str, Any]:
    """Costs of jumps, under the names of the JSON file."""
    long_ones = LONG_JUMPS if timed.system.usesPeriodicBoundaryConditions() else ()
    patience = 10 if len(timed.positions_nm) > 10000 else 2
    costs = jump_costs(machine, timed, JUMPS + long_ones, patience * seconds)
    four = costs.pop("four_tries")
    summaries = {f"{name}_md_steps": _summary(values) for name, values in costs.items()}
    summaries["per_try_md_steps_at_4"] = _summary(four / 4)
    result: dict[str, Any] = {key: entry["median"] for key, entry in summaries.items()}
    return {"jumping_system": timed.name, **result, "quartiles": summaries}


def _summary(values: NDArray[np.float64]) -> dict[str, float]:
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": median, "low": low, "high": high, "pairs": len(values)}


def _batched(device: str | None = None) -> dict[str, Any]:
    """Candidates per energy of torsion leaps, the worst of three peptides; of any others, too."""
    n_candidates = LARGE_BATCH if device else N_CANDIDATES
    rows = []
    for sequence in PEPTIDES:
        topology, system, positions_nm = implicit_peptide(sequence)
        for kind, conformations in (
            ("leaps", leaps(topology, positions_nm, n_candidates)),
            ("displaced", displaced(positions_nm, n_candidates)),
        ):
            row = candidates_per_energy(
                system, positions_nm, conformations=conformations, device=device
            )
            rows.append({"conformations": kind, **row})
    worst = {
        kind: min(row["candidates_per_energy"] for row in rows if row["conformations"] == kind)
        for kind in ("leaps", "displaced")
    }
    return {
        "batched_candidates_per_energy": worst["leaps"],
        "batched_any_conformations_per_energy": worst["displaced"],
        "batched_by_peptide": rows,
    }


def _table(results: dict[str, Any]) -> Table:
    platforms = [name for name in PLATFORMS if name in results]
    table = Table("", *platforms, "target", title="Jumps")
    keys = [
        *TARGETS,
        "reject_long_leap_md_steps",
        "accept_long_leap_md_steps",
    ]
    for key in keys:
        cells = [results[name].get(key, "") for name in platforms]
        shown = [f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in cells]
        if any(shown):
            table.add_row(key, *shown, TARGETS.get(key, ""))
    return table


app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
app.command(help=HELP, no_args_is_help=True)(main)

if __name__ == "__main__":
    app()
