"""``genmd evaluate``: a generated ensemble measured against a reference."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from openmm_genmd.cli.messages import stopping_on

if TYPE_CHECKING:
    from openmm_genmd.analysis.evaluation import Evaluation
    from openmm_genmd.analysis.html_page import TextTable

_STATES, _FRAMES, _OUTPUT = "States of the reference", "Which frames", "Several results"


class Features(StrEnum):
    """What states of the reference are made of."""

    torsions = "torsions"
    shape = "shape"


class Kind(StrEnum):
    """Which metrics apply."""

    auto = "auto"
    peptide = "peptide"
    protein = "protein"


def evaluate(
    reference: Annotated[
        list[Path] | None,
        typer.Option(help="Trajectory or folder of the reference, once for each replica."),
    ] = None,
    generated: Annotated[
        list[Path] | None,
        typer.Option(help="The same of what is evaluated; three replicas give better error bars."),
    ] = None,
    topology: Annotated[
        Path | None, typer.Option(help="PDB or CIF file of all atoms [beside the trajectory].")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File for all numbers.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="File for the page with figures [as --json, .html].")
    ] = None,
    native: Annotated[
        Path | None,
        typer.Option(
            help="Structure on which frames are superposed, and whose contacts are native "
            "[--topology, or the first frame of the reference]."
        ),
    ] = None,
    kind: Annotated[
        Kind, typer.Option(help="Contacts, exposure and folding are for proteins.")
    ] = Kind.auto,
    temperature_k: Annotated[
        float | None,
        typer.Option(help="Of both; chooses among references of several [as the files, or 300]."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Of the molecule [as the files].")] = None,
    lag_time_ps: Annotated[
        float,
        typer.Option(
            help="Of TICA and of the Markov model: 100 for tetrapeptides, 50000 for mdCATH.",
            rich_help_panel=_STATES,
        ),
    ] = 100.0,
    features: Annotated[
        Features, typer.Option(help="shape for proteins with few frames.", rich_help_panel=_STATES)
    ] = Features.torsions,
    states: Annotated[
        Path | None,
        typer.Option(
            help="Folder of genmd msm whose states are used, for a reference whose frames have no "
            "order in time, such as replica exchange.",
            rich_help_panel=_STATES,
        ),
    ] = None,
    n_states: Annotated[
        int, typer.Option(help="Metastable states of PCCA+.", rich_help_panel=_STATES)
    ] = 10,
    min_crossings: Annotated[
        float,
        typer.Option(
            help="States must have been entered and left so many times; 0 accepts any.",
            rich_help_panel=_STATES,
        ),
    ] = 3.0,
    seed: Annotated[int, typer.Option(help="Of k-means.", rich_help_panel=_STATES)] = 0,
    reference_interval_ps: Annotated[
        float | None,
        typer.Option(
            help="Time between frames in the files; 0: no order in time [as they say; 0 with "
            "--states].",
            rich_help_panel=_FRAMES,
        ),
    ] = None,
    generated_interval_ps: Annotated[
        float | None,
        typer.Option(
            help="Only for trajectories: time between their frames. Compares dynamics too.",
            rich_help_panel=_FRAMES,
        ),
    ] = None,
    stride: Annotated[
        int,
        typer.Option(min=1, help="Use every how many reference frames.", rich_help_panel=_FRAMES),
    ] = 1,
    generated_topology: Annotated[
        Path | None,
        typer.Option(help="If it is not --topology.", rich_help_panel=_FRAMES),
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FILE of an earlier --json, such as replicate MD: a column in the tables.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    combine: Annotated[
        list[Path] | None,
        typer.Option(
            help="Instead of trajectories: --json files of several molecules, for medians and "
            "correlations over targets.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
) -> None:
    """Measure how close generated conformations come to a reference.

    Distances of torsions, slow coordinates (TICA), metastable states, fluctuations, and for
    proteins contacts, exposure, secondary structure and folding, each with an error bar, and beside
    it what two halves of the reference would get. Prints tables; writes numbers and a page with
    figures. Free energies of generated ensembles are exploratory: no one has weighed the frames.

    Example: genmd evaluate --reference md --generated tree.xtc --topology md/topology.pdb
    --json result.json

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    with stopping_on((ValueError, OSError), "genmd evaluate", Console(stderr=True)):
        if combine:
            _combine(options)
        else:
            _evaluate(options)


def _combine(options: dict[str, Any]) -> None:
    from openmm_genmd.analysis.evaluation_report import read_evaluation, summary_table, write_json
    from openmm_genmd.analysis.evaluation_summary import summarize

    if options["reference"] or options["generated"]:
        raise ValueError("--combine takes results, not trajectories; leave out the trajectories")
    summary = summarize([read_evaluation(file) for file in options["combine"]])
    _print_table("Over targets", summary_table(summary))
    if options["json"]:
        write_json(summary, options["json"])


def _evaluate(options: dict[str, Any]) -> None:
    from openmm_genmd.analysis.evaluation import evaluate as measure
    from openmm_genmd.analysis.evaluation_report import metric_tables, write_json
    from openmm_genmd.cli.evaluation_input import read_ensembles
    from openmm_genmd.msm.state_map import StateMap

    missing = [f"--{name}" for name in ("reference", "generated") if not options[name]]
    if missing:
        raise ValueError(f"expected {' and '.join(missing)}; see genmd evaluate --help")
    beside = _beside(options["beside"] or [])
    console = Console(stderr=True)
    with console.status("reading"):
        name, settings, reference, generated = read_ensembles(options)
    map_file = options["states"]
    state_map = StateMap.load(map_file / "states.npz") if map_file else None
    with console.status("measuring"):
        evaluation = measure(reference, generated, settings, state_map=state_map)
    found = _with_files(evaluation, name, options)
    for group, table in metric_tables(found, beside).items():
        _print_table(group, table)
    for note in found["notes"]:
        console.print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    if options["json"]:
        write_json(found, options["json"])
    _write_page(evaluation, found, beside, options)


def _with_files(evaluation: Evaluation, name: str, options: dict[str, Any]) -> dict[str, Any]:
    from openmm_genmd.cli.msm_sources import notes_on_folders

    found = {"name": name, **evaluation.as_dict()}
    for which in ("reference", "generated"):
        found[which]["files"] = [str(path) for path in options[which]]
    found["notes"] = [*notes_on_folders(options["reference"]), *found["notes"]]
    return found


def _beside(given: list[str]) -> dict[str, dict[str, Any]]:
    from openmm_genmd.analysis.evaluation_report import read_evaluation

    columns = {}
    for text in given:
        name, separator, file = text.partition("=")
        if not separator or not name:
            raise ValueError(f"--beside should be NAME=FILE, got {text!r}")
        columns[name] = read_evaluation(Path(file))
    return columns


def _write_page(
    evaluation: Evaluation,
    found: dict[str, Any],
    beside: dict[str, dict[str, Any]],
    options: dict[str, Any],
) -> None:
    from openmm_genmd.analysis.evaluation_figures import evaluation_figures
    from openmm_genmd.analysis.evaluation_report import render_evaluation

    json: Path | None = options["json"]
    html: Path | None = options["html"] or (json.with_suffix(".html") if json else None)
    if html is None:
        return
    page = render_evaluation(found, evaluation_figures(evaluation), beside=beside)
    html.write_text(page, encoding="utf-8")


def _print_table(title: str, table: TextTable) -> None:
    drawn = Table("metric", *table.headings, title=title, title_justify="left")
    for row in table.rows:
        drawn.add_row(*row)
    Console().print(drawn, markup=False)
