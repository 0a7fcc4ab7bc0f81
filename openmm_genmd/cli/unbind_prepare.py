"""``genmd unbind prepare``: training data for BioMD."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.cli.unbinding_complex import chosen_complex

if TYPE_CHECKING:
    from openmm_genmd.data.unbinding_folder import UnbindingEntry
    from openmm_genmd.unbinding.preparation_manifest import PreparationManifest
    from openmm_genmd.unbinding.preparation_plan import PreparationPlan

_BUNDLED, _OWN = "A complex by name", "A complex of your own"
_PULL, _HILLS, _MD = "Pulls", "Metadynamics", "Molecular dynamics"


def prepare(
    out: Annotated[Path, typer.Option(help="Folder for the trajectories.")],
    system: Annotated[
        str | None,
        typer.Option(
            help="cb7-b2, cb7-viologen, cb7-p-xylene or l99a-p-xylene.", rich_help_panel=_BUNDLED
        ),
    ] = None,
    pdb: Annotated[
        Path | None,
        typer.Option(
            help="Structure (PDB or CIF) of the bound state, with hydrogens.", rich_help_panel=_OWN
        ),
    ] = None,
    system_xml: Annotated[
        str | None,
        typer.Option(
            help="Serialized System (XML), or force field files separated by commas.",
            rich_help_panel=_OWN,
        ),
    ] = None,
    ligand: Annotated[
        str | None,
        typer.Option(
            help="Name of its residue, 'chain B', 'resSeq 401' or an expression of mdtraj.",
            rich_help_panel=_OWN,
        ),
    ] = None,
    pocket_nm: Annotated[
        float | None,
        typer.Option(
            help="A model shall be shown only residues this near to the ligand; for proteins 1 to "
            "1.2, and the same in genmd train biomd."
        ),
    ] = None,
    pulls: Annotated[int, typer.Option(help="Steered pulls in random directions.")] = 200,
    metadynamics: Annotated[int, typer.Option(help="Metadynamics until the ligand leaves.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes, each on one core.")] = 1,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Go on in a folder with the same options; the complex may be left out, and "
            "--pulls or --metadynamics be more.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    platform: Annotated[str, typer.Option(help="OpenMM platform.")] = "CPU",
    temperature_k: Annotated[
        float | None, typer.Option(help="Of the MD [300].", rich_help_panel=_MD)
    ] = None,
    cutoff_nm: Annotated[
        float | None,
        typer.Option(
            help="Of nonbonded interactions, if the System is built here.", rich_help_panel=_MD
        ),
    ] = None,
    cut_nm: Annotated[
        float | None,
        typer.Option(
            help="Leave out what is farther from the ligand, and hold what it touched; for large "
            "proteins in implicit solvent on a CPU.",
            rich_help_panel=_MD,
        ),
    ] = None,
    hydrogen_mass_da: Annotated[
        float | None,
        typer.Option(
            help="Mass of hydrogens, taken from the atoms next to them; 3 allows 4 fs.",
            rich_help_panel=_MD,
        ),
    ] = None,
    time_step_fs: Annotated[float, typer.Option(help="Time step.", rich_help_panel=_MD)] = 2.0,
    exit_nm: Annotated[
        float,
        typer.Option(
            help="The ligand is out when no heavy atom is nearer to the receptor.",
            rich_help_panel=_MD,
        ),
    ] = 0.6,
    stay_ps: Annotated[
        float,
        typer.Option(
            help="Unbiased MD without a contact after which an exit is stable.",
            rich_help_panel=_MD,
        ),
    ] = 3.0,
    steps: Annotated[int, typer.Option(help="MD steps of a pull.", rich_help_panel=_PULL)] = 2500,
    length_nm: Annotated[
        float, typer.Option(help="How far a pull leads.", rich_help_panel=_PULL)
    ] = 1.4,
    spring_kj_per_mol_nm2: Annotated[
        float, typer.Option(help="On the ligand's centre.", rich_help_panel=_PULL)
    ] = 1000.0,
    most_steps: Annotated[
        int,
        typer.Option(help="MD steps after which metadynamics gives up.", rich_help_panel=_HILLS),
    ] = 150_000,
    steps_per_hill: Annotated[
        int | None,
        typer.Option(
            help="MD steps between hills [10]; more of them push less and strain a protein less.",
            rich_help_panel=_HILLS,
        ),
    ] = None,
    naive: Annotated[
        bool,
        typer.Option(
            "--naive",
            help="Hills as small and rare as for a free energy, instead of those that push.",
            rich_help_panel=_HILLS,
        ),
    ] = False,
) -> None:
    """Make paths on which a ligand leaves its receptor, for `genmd train biomd` to learn from.

    A pull leads the ligand's centre along a straight line in a random direction; many tear the
    receptor or stay inside. A ligand that is out is released and must stay out. Every path is
    stored with its work and whether its exit is stable, so that the training can choose.

    The folder gets `index.json`, which lists the trajectories, `manifest.json` (options, versions,
    processor time), and `topology.pdb`, `system.xml` and `complex.json`, which are the complex.
    After an interruption `--resume` makes what is missing, with the same random numbers.

    Example: genmd unbind prepare --system cb7-b2 --pulls 400 --workers 2 --out data/cb7-b2

    Example: genmd unbind prepare --pdb bound.pdb --system-xml system.xml --ligand LIG --out lig

    Next: genmd train biomd data/cb7-b2 --out cb7-b2.safetensors

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails; with
        status 130 after an interrupt from the keyboard.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    kinds = (ValueError, OSError, RuntimeError, ImportError)
    try:
        with stopping_on(kinds, "genmd unbind prepare", console):
            manifest = _prepare(options, console)
            lines = _summary(manifest, out, pocket_nm)
    except KeyboardInterrupt:
        console.print(
            f"Interrupted; what is finished is kept in {out}, and --resume makes the rest.",
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(130) from None
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


def _prepare(options: dict[str, Any], console: Console) -> PreparationManifest:
    from openmm_genmd.unbinding.prepare import prepare

    plan = _plan(options)
    bound = chosen_complex(options, options["out"] if options["resume"] else None)
    with counting_progress(console) as bar:
        task = bar.add_task(bound.name, total=plan.pulls + plan.metadynamics)

        def show(done: int, of: int, manifest: PreparationManifest) -> None:
            stable = manifest.pull.stable + manifest.metadynamics.stable
            described = f"{bound.name}, {stable} stable exits"
            bar.update(task, completed=done, total=of, description=described)

        return prepare(
            bound,
            options["out"],
            plan,
            workers=options["workers"],
            resume=options["resume"],
            report=show,
        )


def _plan(options: dict[str, Any]) -> PreparationPlan:
    from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
    from openmm_genmd.unbinding.preparation_plan import PreparationPlan

    def take(*names: str) -> dict[str, Any]:
        return {name: options[name] for name in names}

    chosen = MetadynamicsSettings.naive if options["naive"] else MetadynamicsSettings.fast
    rare = {} if options["steps_per_hill"] is None else take("steps_per_hill")
    values = {
        **take("pulls", "metadynamics", "seed", "platform", "stay_ps"),
        "pull": take("steps", "length_nm", "spring_kj_per_mol_nm2", "exit_nm", "time_step_fs"),
        "hills": {**chosen().model_dump(), **take("most_steps", "exit_nm", "time_step_fs"), **rare},
    }
    return PreparationPlan.model_validate(values)


def _summary(manifest: PreparationManifest, out: Path, pocket_nm: float | None) -> list[str]:
    from openmm_genmd.data.unbinding_folder import UnbindingFolder

    [entry] = UnbindingFolder.open(out).entries
    lines = []
    for method, name in (("pull", "pulls"), ("metadynamics", "metadynamics")):
        tally = getattr(manifest, method)
        made = [path for path in entry.trajectories if path.method == method]
        work = [path.work_kcal_per_mol for path in made if path.stable_exit]
        if not made and not tally.unstable:
            continue
        line = f"{len(work)} of {len(made)} {name} end in stable exits"
        if work:
            line += f", work {np.median(np.array(work, dtype=float)):.0f} kcal/mol (median)"
        if tally.stable:
            line += (
                f", {tally.seconds_per_stable_exit:.1f} core seconds and "
                f"{tally.steps_per_stable_exit:.0f} MD steps for each"
            )
        if tally.unstable:
            line += f"; {len(tally.unstable)} more became unstable and are left out"
        lines.append(line)
    return [*lines, _next(entry, out, pocket_nm)]


def _next(entry: UnbindingEntry, out: Path, pocket_nm: float | None) -> str:
    if not any(path.stable_exit for path in entry.trajectories):
        return "There is no stable exit to learn from yet: --resume with more --pulls"
    pocket = "" if pocket_nm is None else f"--pocket-nm {pocket_nm:g} "
    return f"Next: genmd train biomd {out} {pocket}--out model.safetensors"
