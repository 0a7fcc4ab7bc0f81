"""``genmd run``: a hybrid run from the shell."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.md.hybrid_run import HybridRun
from openmm_genmd.md.run_settings import RunSettings

_PS_PER_NS = 1000.0
_SECONDS_PER_DAY = 86400.0


def run(
    out: Annotated[Path, typer.Option(help="Folder of the run: new, or to be resumed.")],
    pdb: Annotated[
        str | None, typer.Option(help="Structure: topology and first positions.")
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(help="Serialized System (XML), or force field files separated by commas."),
    ] = None,
    proposer: Annotated[
        str | None,
        typer.Option(
            help="Bundled model (alanine-dipeptide; for any tetrapeptide tetrapeptide-blocks, with "
            "--candidates 32), a checkpoint, or uniform: torsions of random blocks anywhere, "
            "untrained; the baseline that a model has to beat."
        ),
    ] = None,
    uniform_fraction: Annotated[
        float | None,
        typer.Option(
            help="Share of leaps left to the uniform proposer, so that nothing the model forgot "
            "stays out of reach; 0.1 to 0.2 costs little [0]."
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="MD steps in all, from the beginning [500000; resumed: as before].", min=1
        ),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the run in --out.")] = False,
    temperature_k: Annotated[float | None, typer.Option(help="Temperature [300].")] = None,
    friction_per_ps: Annotated[float | None, typer.Option(help="Langevin friction [1].")] = None,
    time_step_fs: Annotated[float | None, typer.Option(help="MD time step [2].")] = None,
    jump_interval: Annotated[int | None, typer.Option(help="MD steps between jumps [50].")] = None,
    tries_per_jump: Annotated[int | None, typer.Option(help="Attempts at each jump [4].")] = None,
    candidates: Annotated[
        int | None,
        typer.Option(
            help="Candidates at each attempt, of which the best weighted is tried. With uniform "
            "leaps 32 are accepted many times as often as one [1]."
        ),
    ] = None,
    surrogate: Annotated[
        str | None,
        typer.Option(
            help="What weighs the candidates: batched (all at once, for molecules in vacuum or "
            "OBC solvent), none (OpenMM's energy, one evaluation each) [batched]."
        ),
    ] = None,
    switching_steps: Annotated[
        int | None,
        typer.Option(
            help="For explicit solvent: MD steps in which a leap is dragged while water makes "
            "way, 1000 or more, with one try per jump and as many MD steps between jumps; 0 for "
            "leaps that take no time [0]."
        ),
    ] = None,
    switching_time_step_fs: Annotated[
        float | None, typer.Option(help="Time step of these steps [6].")
    ] = None,
    switching_hydrogen_mass_da: Annotated[
        float | None,
        typer.Option(help="Mass of the solvent's hydrogens in these steps; 0: their own [4.5]."),
    ] = None,
    record_candidates: Annotated[
        bool | None,
        typer.Option(
            "--record-candidates",
            help="Keep torsions and weights of what was tried, so that genmd train can continue "
            "from this run; some MB.",
        ),
    ] = None,
    recorded_per_attempt: Annotated[
        int | None, typer.Option(help="At most so many of each attempt, the heaviest [8].")
    ] = None,
    recorded_rows: Annotated[
        int | None,
        typer.Option(
            help="At most about so many in all; beyond that every second attempt is dropped "
            "[200000]."
        ),
    ] = None,
    frame_interval: Annotated[
        int | None, typer.Option(help="MD steps between frames [500].")
    ] = None,
    checkpoint_interval: Annotated[
        int | None, typer.Option(help="MD steps between checkpoints [50000].")
    ] = None,
    constraints: Annotated[
        str | None, typer.Option(help="none, HBonds, AllBonds, HAngles [HBonds].")
    ] = None,
    nonbonded: Annotated[str | None, typer.Option(help="NoCutoff, PME, ... [by the box].")] = None,
    cutoff_nm: Annotated[float | None, typer.Option(help="Nonbonded cutoff [1].")] = None,
    platform: Annotated[str | None, typer.Option(help="OpenMM platform [CPU].")] = None,
    minimize: Annotated[
        bool | None, typer.Option(help="Minimize the energy before the first step [yes].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random [1].")] = None,
) -> None:
    """Run MD that alternates with learned leaps; the Boltzmann distribution is kept.

    The folder gets trajectory.dcd, energies.csv, jumps.csv (one row per attempted leap) and what
    is needed to continue. A run that was stopped or killed continues with --resume: nothing is
    lost or doubled in its files. Ctrl-C writes a checkpoint first.

    Example: genmd run --pdb ala.pdb --system amber99sbildn.xml,amber99_obc.xml
    --proposer alanine-dipeptide --platform Reference --steps 500000 --out run1
    """
    given = {
        name: value
        for name, value in locals().items()
        if name in RunSettings.model_fields
        and value is not None
        and not (name == "steps" and resume)
    }
    console = Console(stderr=True)
    wrong = (ValueError, OSError, RuntimeError, FloatingPointError)
    with stopping_on(wrong, "genmd run", console):
        hybrid = HybridRun(out, _settings(given, resume), resume=resume)
        if hybrid.step >= (steps or hybrid.settings.steps):
            console.print(f"already at step {hybrid.step}", highlight=False)
        _run_with_progress(hybrid, steps or hybrid.settings.steps, console)


def _settings(given: dict[str, Any], resume: bool) -> RunSettings | None:
    if resume:
        if given:
            options = ", ".join("--" + name.replace("_", "-") for name in given)
            raise ValueError(f"a run is resumed with its own settings; leave out {options}")
        return None
    missing = [f"--{name}" for name in ("pdb", "system", "proposer") if name not in given]
    if missing:
        raise ValueError(f"a new run needs {', '.join(missing)}; see genmd run --help")
    # A resumed run has to find its files from any folder; names of force fields are no files.
    files = ("pdb", "system", "proposer")
    absolute = {n: str(Path(given[n]).resolve()) for n in files if Path(given[n]).is_file()}
    return RunSettings(**given | absolute)


class _StopRequest:
    """Remembers a first Ctrl-C or SIGTERM; a second one interrupts at once."""

    def __init__(self) -> None:
        self.is_set = False
        self._previous = {
            number: signal.signal(number, self._handle)
            for number in (signal.SIGINT, signal.SIGTERM)
        }

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_set:
            raise KeyboardInterrupt
        self.is_set = True

    def restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def _run_with_progress(hybrid: HybridRun, steps: int, console: Console) -> None:
    integrator, settings = hybrid.integrator, hybrid.settings
    console.print(
        f"grade [bold]{integrator.getGrade()}[/bold], {settings.temperature_k:g} K, "
        f"{settings.tries_per_jump} tries"
        + (f" of {settings.candidates} candidates" if settings.candidates > 1 else "")
        + (f" of {settings.switching_steps} steps" if settings.switching_steps else "")
        + f" every {settings.jump_interval} steps, "
        f"from step {hybrid.step} to {steps} in {hybrid.folder}",
        highlight=False,
        soft_wrap=True,
    )
    stop = _StopRequest()
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.description}"),
    )
    try:
        with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
            task = progress.add_task("", total=steps, completed=hybrid.step)
            start = hybrid.step

            def show(step: int) -> None:
                elapsed = progress.tasks[0].elapsed or float("inf")
                ns = (step - start) * settings.time_step_fs * 1e-3 / _PS_PER_NS
                text = (
                    f"{ns / elapsed * _SECONDS_PER_DAY:.3g} ns/day, "
                    f"acceptance {integrator.getAcceptanceRate():.3f}"
                )
                progress.update(task, completed=step, description=text)

            hybrid.run(steps, show, lambda: stop.is_set)
    finally:
        stop.restore()
        hybrid.close()
    _print_summary(hybrid, steps, console)


def _print_summary(hybrid: HybridRun, steps: int, console: Console) -> None:
    integrator = hybrid.integrator
    if integrator.getNumJumpsAttempted() == 0:
        console.print(f"step {hybrid.step}: no jump was due yet", highlight=False)
        return
    rejections = ", ".join(f"{name} {n}" for name, n in integrator.getRejections().items() if n)
    console.print(
        f"step {hybrid.step}: {integrator.getNumJumpsAttempted()} jumps attempted, acceptance "
        f"{integrator.getAcceptanceRate():.3f}; rejected: {rejections or 'none'}",
        highlight=False,
        soft_wrap=True,
    )
    if hybrid.step < steps:
        console.print(
            f"stopped early; to go on: genmd run --out {hybrid.folder} --resume --steps {steps}",
            highlight=False,
            soft_wrap=True,
        )
