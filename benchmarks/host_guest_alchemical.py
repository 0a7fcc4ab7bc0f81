"""Binding free energies of hosts and guests by decoupling with restraints. See --help."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from decoupling import TIME_STEP_PS, Decoupling
from decoupling_exchange import STEPS_PER_ITERATION, estimate, round_trips, sample
from rich.console import Console

from openmm_genmd.unbinding.bundled_systems import bundled_complex

CHECKED_FRAMES = 4
TOLERANCE_KJ_PER_MOL = 1e-3
HELP = """Standard free energy of unbinding of a bundled host and guest, by alchemical decoupling.

Charges and implicit solvent between host and guest are turned off, then Lennard-Jones (soft cores
of `openmmtools.alchemy`), with replica exchange between all states (`ReplicaExchangeSampler` of
OpenMM) and MBAR. Both ends are checked: the complex, and host and guest without each other, each in
its solvent. A flat-bottomed restraint keeps the guest's center near the host's; from there to 1
mol/L it is a quadrature, and its effect on the complex is taken out by MBAR.

**Symmetry**: the orientation of the guest is free at all times, and the decoupled guest takes all.
Equivalent orientations in the host (the guest upside down, turned about the axis of the ring) thus
all count as bound, as they do in a profile along the distance of the centers. No symmetry numbers
are to be added.

Time is CPU time of one core. Errors are the larger of MBAR's, on uncorrelated frames, and the
standard error over repeats with other seeds. Repeats with odd seeds start from the complex, those
with even seeds from a guest that grows into the host: only where both agree the start is
forgotten."""


@dataclass(frozen=True)
class Repeat:
    """What came of one run.

    Attributes
    ----------
    seed
        Of the run.
    inward
        Whether it began with the guest out of the host.
    unbinding_kcal_per_mol, error_kcal_per_mol
        Standard free energy of unbinding; its standard error by MBAR.
    electrostatics_kcal_per_mol, sterics_kcal_per_mol
        Parts of it that come from turning these off.
    standard_state_kcal_per_mol, restraint_kcal_per_mol
        From the restrained guest to 1 mol/L; of the restraint in the complex.
    overlap
        Between neighboring states, smallest of all.
    inefficiency, equilibration
        Iterations between uncorrelated frames, and those left out at the start.
    iterations, picoseconds
        Done; per state.
    round_trips
        Of replicas between the ends, all together.
    cpu_seconds
        Of one core.
    """

    seed: int
    inward: bool
    unbinding_kcal_per_mol: float
    error_kcal_per_mol: float
    electrostatics_kcal_per_mol: float
    sterics_kcal_per_mol: float
    standard_state_kcal_per_mol: float
    restraint_kcal_per_mol: float
    overlap: list[float]
    inefficiency: float
    equilibration: int
    iterations: int
    picoseconds: float
    round_trips: float
    cpu_seconds: float


def run(decoupling: Decoupling, cpu_seconds: float, seed: int) -> Repeat:
    """One repeat."""
    before = time.process_time()
    # Odd ones from the complex, even ones from host and guest: repeats then also tell whether the
    # start is forgotten.
    inward = seed % 2 == 0
    recorder = sample(decoupling, cpu_seconds, seed, inward=inward)
    found = estimate(decoupling, recorder)
    iterations = len(recorder.states)
    return Repeat(
        seed=seed,
        inward=inward,
        **found,
        iterations=iterations,
        picoseconds=iterations * STEPS_PER_ITERATION * TIME_STEP_PS,
        round_trips=round_trips(recorder.states, len(decoupling.states) - 1),
        cpu_seconds=time.process_time() - before,
    )


def check_ends(decoupling: Decoupling, seed: int) -> tuple[float, float]:
    """Errors of the energies at the ends, kJ/mol, over a few frames of the complex.

    Raises
    ------
    RuntimeError
        If one is too large.
    """
    simulation, frames = decoupling.simulation(seed), []
    for _ in range(CHECKED_FRAMES):
        simulation.step(50)
        state = simulation.context.getState(positions=True)
        frames.append(state.getPositions(asNumpy=True)._value)
    errors = decoupling.end_errors_kj_per_mol(frames)
    if not max(errors) < TOLERANCE_KJ_PER_MOL:
        raise RuntimeError(
            f"expected the energies of complex and of host and guest at the ends of the path, got "
            f"errors of {errors[0]:.2g} and {errors[1]:.2g} kJ/mol"
        )
    return errors


def combined(repeats: list[Repeat]) -> dict[str, float]:
    """Mean of all repeats, with the larger of both errors."""
    values = np.array([repeat.unbinding_kcal_per_mol for repeat in repeats])
    errors = np.array([repeat.error_kcal_per_mol for repeat in repeats])
    n = len(values)
    within = float(np.sqrt((errors**2).sum()) / n)
    between = float(values.std(ddof=1) / math.sqrt(n)) if n > 1 else 0.0
    return {
        "unbinding_kcal_per_mol": float(values.mean()),
        "error_kcal_per_mol": max(within, between),
        "error_by_mbar_kcal_per_mol": within,
        "error_by_repeats_kcal_per_mol": between,
        "cpu_minutes": sum(repeat.cpu_seconds for repeat in repeats) / 60,
    }


def stored(file: Path | None, system: str, site_nm: float) -> list[Repeat]:
    """Repeats that a file has; none if there is no file.

    Raises
    ------
    typer.BadParameter
        If they are of another complex or restraint.
    """
    if file is None or not file.exists():
        return []
    found = json.loads(file.read_text(encoding="utf-8"))
    if (found["system"], found["site_nm"]) != (system, site_nm):
        raise typer.BadParameter(
            f"expected repeats of {system} at {site_nm} nm in {file}, got those of "
            f"{found['system']} at {found['site_nm']} nm; give another file"
        )
    return [Repeat(**each) for each in found["repeats"]]


def main(
    system: Annotated[str, typer.Option(help="name of a bundled complex")] = "cb7-b2",
    minutes: Annotated[float, typer.Option(help="of one core, in all repeats")] = 30.0,
    seed: Annotated[int, typer.Option(help="of the first repeat; others count on")] = 1,
    repeats: Annotated[int, typer.Option(min=1)] = 2,
    site_nm: Annotated[
        float, typer.Option(help="distance of the centers that all bound states are within")
    ] = 0.25,
    file: Annotated[Path | None, typer.Option("--json", help="where results go")] = None,
    resume: Annotated[bool, typer.Option(help="keep the repeats that the file has")] = False,
) -> None:
    """Measure and print."""
    console = Console()
    decoupling = Decoupling.of(bundled_complex(system), site_nm)
    errors = check_ends(decoupling, seed)
    done = stored(file, system, site_nm) if resume else []
    left = set(range(seed, seed + repeats)) - {repeat.seed for repeat in done}
    for each in sorted(left):
        done.append(run(decoupling, 60 * minutes / repeats, each))
        _show(console, done[-1])
        result = {
            "system": system,
            "temperature_k": decoupling.bound.temperature_k,
            "site_nm": site_nm,
            "end_errors_kj_per_mol": errors,
            **combined(done),
            "states": decoupling.states,
            "repeats": [asdict(repeat) for repeat in done],
        }
        if file is not None:
            file.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    total = combined(done)
    console.print(
        f"{system}: unbinding {total['unbinding_kcal_per_mol']:.2f} ± "
        f"{total['error_kcal_per_mol']:.2f} kcal/mol at 1 mol/L, {len(done)} repeats, "
        f"{total['cpu_minutes']:.1f} minutes of one core"
    )


def _show(console: Console, repeat: Repeat) -> None:
    way = "inward" if repeat.inward else "outward"
    console.print(
        f"seed {repeat.seed}, {way}: {repeat.unbinding_kcal_per_mol:.2f} ± "
        f"{repeat.error_kcal_per_mol:.2f} kcal/mol; electrostatics "
        f"{repeat.electrostatics_kcal_per_mol:.2f}, sterics {repeat.sterics_kcal_per_mol:.2f}, "
        f"standard state {repeat.standard_state_kcal_per_mol:.2f}, restraint "
        f"{repeat.restraint_kcal_per_mol:.3f}; least overlap {min(repeat.overlap):.3f}, "
        f"{repeat.picoseconds:.0f} ps per state, {repeat.iterations} iterations of which one in "
        f"{repeat.inefficiency:.1f} counts, {repeat.round_trips:.1f} round trips, "
        f"{repeat.cpu_seconds / 60:.1f} minutes"
    )


app = typer.Typer(help=HELP, rich_markup_mode="markdown", pretty_exceptions_enable=False)
app.command(help=HELP)(main)

if __name__ == "__main__":
    app()
