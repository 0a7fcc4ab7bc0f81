"""``genmd simulate``: training data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as ProgressBar

from openmm_genmd.cli.messages import print_error, stopping_on
from openmm_genmd.cli.simulation_jobs import SimulationJob, simulation_jobs
from openmm_genmd.md.simulate import Progress, simulate_data
from openmm_genmd.md.system_input import SystemInput

_PEPTIDES, _STRUCTURE = "Peptides that are built", "A structure of your own"
_SEARCH, _RUNS = "Search for basins", "Runs, which are the training data"
_MD = "Molecular dynamics"
_FORCE_FIELD = "Force field files only; a serialized System has its own"


def simulate(
    out: Annotated[
        Path,
        typer.Option(help="Folder for the trajectories, or for the folders of the peptides."),
    ],
    sequence: Annotated[
        list[str] | None,
        typer.Option(
            help="One-letter codes of a peptide; give it several times for several.",
            rich_help_panel=_PEPTIDES,
        ),
    ] = None,
    caps: Annotated[
        str | None,
        typer.Option(
            help="ace-nme, or none for charged ends [ace-nme].", rich_help_panel=_PEPTIDES
        ),
    ] = None,
    pdb: Annotated[
        Path | None,
        typer.Option(
            help="Structure (PDB or CIF): atoms and first positions.", rich_help_panel=_STRUCTURE
        ),
    ] = None,
    system: Annotated[
        str | None,
        typer.Option(
            help="Serialized System (XML), or force field files separated by commas "
            "[of peptides: amber99sbildn.xml,amber99_obc.xml].",
            rich_help_panel=_STRUCTURE,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an interrupted simulation, same options.")
    ] = False,
    platform: Annotated[
        str | None,
        typer.Option(
            help="OpenMM platform [CPU; of peptides up to 100 atoms Reference, which is as fast]."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    hot_temperatures_k: Annotated[
        str,
        typer.Option(
            help="One run at each, separated by commas; or none.", rich_help_panel=_SEARCH
        ),
    ] = "600",
    hot_time_ps: Annotated[
        float | None,
        typer.Option(help="Length of each hot run [500; peptides 60].", rich_help_panel=_SEARCH),
    ] = None,
    hot_leaps: Annotated[
        bool | None,
        typer.Option(
            "--hot-leaps/--no-hot-leaps",
            help="Whether hot runs leap in their torsions, too [yes for peptides, else no].",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    torsion_starts: Annotated[
        int | None,
        typer.Option(
            help="Conformations with random torsions, tried as starts besides frames of hot runs "
            "[100; peptides 0].",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    runs: Annotated[
        int | None,
        typer.Option(
            help="How many; at least twice the basins if they do not leap [24; peptides 8].",
            rich_help_panel=_RUNS,
        ),
    ] = None,
    run_time_ps: Annotated[
        float | None,
        typer.Option(help="Length of each run [100; peptides 20].", rich_help_panel=_RUNS),
    ] = None,
    equilibration_ps: Annotated[
        float | None,
        typer.Option(
            help="Before that in each run, not stored [5; peptides 1].", rich_help_panel=_RUNS
        ),
    ] = None,
    frame_interval_ps: Annotated[
        float | None,
        typer.Option(help="Between stored frames [0.5; peptides 0.2].", rich_help_panel=_RUNS),
    ] = None,
    temperature_k: Annotated[
        list[float] | None,
        typer.Option(
            help="That of the run to be accelerated; may be given several times [300].",
            rich_help_panel=_RUNS,
        ),
    ] = None,
    leaps: Annotated[
        bool | None,
        typer.Option(
            "--leaps/--no-leaps",
            help="Whether runs leap in their torsions: right populations, but no longer kinetics "
            "[yes for peptides, else no].",
            rich_help_panel=_RUNS,
        ),
    ] = None,
    leap_interval: Annotated[
        int, typer.Option(help="MD steps between leaps.", rich_help_panel=_MD)
    ] = 25,
    leap_tries: Annotated[
        int, typer.Option(help="Attempts at each leap.", rich_help_panel=_MD)
    ] = 4,
    leap_candidates: Annotated[
        int, typer.Option(help="Candidates of each attempt.", rich_help_panel=_MD)
    ] = 64,
    time_step_fs: Annotated[float, typer.Option(help="Time step.", rich_help_panel=_MD)] = 2.0,
    friction_per_ps: Annotated[
        float, typer.Option(help="Friction of LangevinMiddle.", rich_help_panel=_MD)
    ] = 1.0,
    constraints: Annotated[
        str | None,
        typer.Option(
            help="none, HBonds, AllBonds, HAngles [HBonds].", rich_help_panel=_FORCE_FIELD
        ),
    ] = None,
    nonbonded: Annotated[
        str | None,
        typer.Option(
            help="NoCutoff, PME, ... [PME in a box, else NoCutoff].", rich_help_panel=_FORCE_FIELD
        ),
    ] = None,
    cutoff_nm: Annotated[
        float,
        typer.Option(help="Nonbonded; not used by NoCutoff.", rich_help_panel=_FORCE_FIELD),
    ] = 1.0,
) -> None:
    """Make training data: find basins, then sample each of them at the target temperature.

    First a search: hot MD, with leaps of torsions if it is a peptide, or conformations with random
    torsions. The minimised ones that are farthest apart become the starts of the runs. Without
    leaps in the runs, how many frames a basin gets says nothing about its free energy; with them
    the populations are those of the force field, as far as the runs are long enough.

    The folder gets `run-*.dcd` (training data), `hot-*.dcd` (the search, not for training),
    `topology.pdb`, `system.xml` and `manifest.json` (options, versions, wall time). Each peptide
    has a folder of its own in it. After an interruption `--resume` repeats the unfinished run
    alone, with the same random numbers.

    Example: genmd simulate --sequence AAAA --sequence KLVF --out data

    Example: genmd simulate --pdb ala.pdb --system amber99sbildn.xml,amber99_obc.xml
    --platform Reference --out data

    Next: genmd train torsions --trajectory data --topology data/topology.pdb
    --out ala.safetensors

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError,), "genmd simulate", console):
        jobs = simulation_jobs(options)
    failed = [job for job in jobs if not _run(job, resume=resume, console=console)]
    if failed:
        raise typer.Exit(1)


def _run(job: SimulationJob, *, resume: bool, console: Console) -> bool:
    """Whether the job was completed; if not, it has been said why."""
    began = time.monotonic()
    try:
        given, plan = job.prepare()
        with ProgressBar(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.description}"),
            console=console,
        ) as bar:
            task = bar.add_task("", total=None)

            def show(progress: Progress) -> None:
                bar.update(
                    task,
                    completed=progress.done_ps,
                    total=progress.total_ps,
                    description=f"{job.name} {_describe(progress)}".lstrip(),
                )

            files = simulate_data(given, plan, job.folder, resume=resume, report=show)
    except (ValueError, OSError, RuntimeError) as error:
        print_error(console, f"genmd simulate{job.name and f' ({job.name})'}", error)
        return False
    lines = [
        f"{len(files)} trajectories of {plan.run_time_ps:g} ps in {job.folder} after "
        f"{time.monotonic() - began:.0f} s; next: genmd train torsions --trajectory {job.folder} "
        f"--topology {job.folder / 'topology.pdb'} --out model.safetensors"
        + (", or genmd msm for a model of many peptides" if job.name else "")
    ]
    if plan.leaps:
        lines += ["The runs have leaps: their populations count, time between frames does not."]
    if shares := _positive_phi(given, files):
        lines += [f"phi > 0 in {shares} of the frames"]
    console.print("\n".join(lines), highlight=False, soft_wrap=True)
    return True


def _positive_phi(given: SystemInput, files: list[Path]) -> str:
    from openmm_genmd.md.basin_shares import positive_phi

    return ", ".join(f"{100 * a:.2g} % ({name})" for name, a in positive_phi(given, files).items())


def _describe(progress: Progress) -> str:
    text = f"{progress.stage}, {progress.ns_per_day:.3g} ns/day"
    if not progress.ns_per_day:
        return text
    seconds = (progress.total_ps - progress.done_ps) * 86.4 / progress.ns_per_day
    return f"{text}, {int(seconds) // 60}:{int(seconds) % 60:02d} left"
