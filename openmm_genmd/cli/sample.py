"""``genmd sample``: conformations from a trained model."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from openmm import app
from rich.console import Console

from openmm_genmd.cli.messages import stopping_on
from openmm_genmd.cli.progress import counting_progress
from openmm_genmd.data.fingerprint import TopologyFingerprint, summary
from openmm_genmd.data.structure_file import load_structure_file

if TYPE_CHECKING:
    from openmm_genmd.proposers.tree_sampler import TreeNodes, TreePlan

_TREE, _FLOW = "Tree", "Integration"


def sample(
    model: Annotated[
        Path,
        typer.Option(help="Checkpoint of genmd train marsfm, or the name of a bundled one."),
    ],
    pdb: Annotated[
        list[Path],
        typer.Option(help="PDB or CIF file of a start, all atoms; more starts of one molecule."),
    ],
    out: Annotated[Path, typer.Option(help="Trajectory to write: *.xtc, *.dcd or *.h5.")],
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    branching: Annotated[
        str,
        typer.Option(
            help="Children of each conformation, generation by generation.", rich_help_panel=_TREE
        ),
    ] = "10,10,10",
    depth: Annotated[
        int | None,
        typer.Option(
            help="Generations, if --branching is one number for all.", rich_help_panel=_TREE
        ),
    ] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            help="Conformations in all; trees are grown until they are reached. By default one "
            "tree for each start.",
            rich_help_panel=_TREE,
        ),
    ] = None,
    tries: Annotated[
        int,
        typer.Option(
            help="Draw a conformation with broken geometry again, so often in all.",
            rich_help_panel=_TREE,
        ),
    ] = 3,
    steps: Annotated[int, typer.Option(help="Of the integration.", rich_help_panel=_FLOW)] = 20,
    method: Annotated[
        str, typer.Option(help="euler, midpoint or dopri5.", rich_help_panel=_FLOW)
    ] = "midpoint",
    batch_size: Annotated[
        int, typer.Option(help="Conformations drawn at once.", rich_help_panel=_FLOW)
    ] = 250,
    precision: Annotated[
        str,
        typer.Option(help="float32, tf32 or bfloat16; on a GPU.", rich_help_panel=_FLOW),
    ] = "float32",
    geometry: Annotated[
        str | None,
        typer.Option(
            help="What is built from: torsions keep all bonds and angles, frames strain peptide "
            "bonds but keep the shape of long chains [torsions below ten residues].",
            rich_help_panel=_FLOW,
        ),
    ] = None,
) -> None:
    """Draw conformations of a peptide: children of a start, children of these, and so on.

    All atoms are written, hydrogens included; the topology lies beside OUT as `*.pdb` (an h5 file
    holds it). `*.json` beside it says which conformation each one was drawn from, which are sound
    (bonds, angles, chirality, peptide bonds, clashes), what was broken, and how long it took.
    Conformations that are not sound are drawn again, and have no children.

    The grade is exploratory: conformations come from the model alone and are not Boltzmann
    distributed. `genmd evaluate` compares them with a simulation.

    Example: genmd sample --model peptides.safetensors --pdb start.pdb --out samples.xtc

    Next: genmd evaluate --reference md.xtc --generated samples.xtc --topology samples.pdb
    --json metrics.json

    \f

    Raises
    ------
    typer.Exit
        With status 1, after a message, if options or files do not fit or the work fails.
    """  # noqa: D301 (help ends at the form feed)
    options = dict(locals())
    console = Console(stderr=True)
    with stopping_on((ValueError, OSError, FloatingPointError), "genmd sample", console):
        _sample(options, console)


def _sample(options: dict[str, Any], console: Console) -> None:
    from openmm_genmd.data.trajectory_writer import TrajectoryWriter
    from openmm_genmd.models.checkpoint import load_checkpoint
    from openmm_genmd.models.mars_fm import MarsFM
    from openmm_genmd.proposers.load import find_checkpoint
    from openmm_genmd.proposers.mars_fm_sampler import MarsFMSampler
    from openmm_genmd.proposers.tree_sampler import TreeSampler
    from openmm_genmd.training.distributed import device_named

    plan = _plan(options)
    topology, starts_nm = _starts(options["pdb"])
    device_named(options["device"])
    checkpoint = load_checkpoint(find_checkpoint(options["model"]), MarsFM)
    sampler = MarsFMSampler(
        checkpoint.model,
        topology,
        **{name: options[name] for name in ("steps", "method", "device", "precision", "geometry")},
    )
    geometry = _Geometry(topology)
    trees = TreeSampler(sampler, plan, seed=options["seed"], sound=geometry.sound)
    total = plan.count(len(starts_nm))
    records = []
    began = time.perf_counter()
    with TrajectoryWriter(options["out"], topology) as writer:
        for nodes in _shown(trees.iterate(starts_nm), total, console):
            writer.write(nodes.positions_nm)
            records.append((nodes.parents, np.full(len(nodes.parents), nodes.depth), nodes.sound))
    seconds = time.perf_counter() - began
    parents, depths, sound = (np.concatenate(part).tolist() for part in zip(*records, strict=True))
    record = {
        "grade": "exploratory",
        "model_sha256": checkpoint.sha256,
        "sequence": sampler.layout.sequence,
        "geometry": sampler.geometry,
        "options": {name: str(value) for name, value in options.items()},
        "seconds": seconds,
        "structures_per_second": total / seconds,
        "drawn": geometry.drawn,
        "broken": geometry.broken,
        "parents": parents,
        "depths": depths,
        "sound": sound,
    }
    options["out"].with_suffix(".json").write_text(json.dumps(record) + "\n")
    console.print(
        f"{options['out']}: {total} conformations of {sampler.layout.sequence} in {seconds:.1f} s "
        f"({total / seconds:.1f} per second), {100 * np.mean(sound):.1f} % sound; grade: "
        f"exploratory, not Boltzmann distributed. Topology: {writer.topology_file}",
        highlight=False,
        soft_wrap=True,
    )
    console.print(geometry.describe(), highlight=False, soft_wrap=True)


class _Geometry:
    """Says which conformations are sound, and counts what is wrong with all that were drawn."""

    def __init__(self, topology: app.Topology) -> None:
        self._topology = topology
        self.drawn = 0
        self.broken = dict.fromkeys(("bonds", "angles", "clashes", "chirality", "omega"), 0)

    def sound(self, positions_nm: NDArray[Any]) -> NDArray[np.bool_]:
        from openmm_genmd.representations import geometry_check as limits

        report = limits.check(positions_nm, self._topology)
        found = (
            report.bond_deviation_nm > limits.BOND_TOLERANCE_NM,
            report.angle_deviation_deg > limits.ANGLE_TOLERANCE_DEG,
            report.n_clashes > 0,
            report.inverted.any(axis=1),
            report.twisted.any(axis=1),
        )
        self.drawn += len(positions_nm)
        for name, wrong in zip(self.broken, found, strict=True):
            self.broken[name] += int(np.count_nonzero(wrong))
        return report.sound

    def describe(self) -> str:
        shares = (f"{name} {100 * n / self.drawn:.1f} %" for name, n in self.broken.items())
        return f"of {self.drawn} drawn were broken: {', '.join(shares)}"


def _shown(generations: Iterator[TreeNodes], total: int, console: Console) -> Iterator[TreeNodes]:
    with counting_progress(console) as progress:
        task = progress.add_task("sampling", total=total)
        for nodes in generations:
            yield nodes
            progress.advance(task, len(nodes.parents))


def _plan(options: dict[str, Any]) -> TreePlan:
    from openmm_genmd.proposers.tree_sampler import TreePlan

    text, depth = options["branching"], options["depth"]
    try:
        branching = tuple(int(number) for number in text.split(","))
    except ValueError:
        raise ValueError(
            f"--branching must be numbers separated by commas, such as 10,10,10, got {text!r}"
        ) from None
    if depth is not None:
        if len(branching) != 1 or depth < 1:
            raise ValueError(
                "--depth needs a positive number of generations and a --branching of one number, "
                f"got --depth {depth} --branching {text}"
            )
        branching = branching * depth
    return TreePlan(branching, options["budget"], options["batch_size"], options["tries"])


def _starts(files: list[Path]) -> tuple[app.Topology, NDArray[np.float64]]:
    """Topology, and positions ``(n_starts, n_atoms, 3)``, nm."""
    loaded = [load_structure_file(file) for file in files]
    topology = loaded[0][0]
    first, *others = (TopologyFingerprint.of(t, range(t.getNumAtoms())) for t, _ in loaded)
    for file, other in zip(files[1:], others, strict=True):
        if not first.matches(other):
            raise ValueError(
                f"starts must be of one molecule, but {file} and {files[0]} differ: "
                f"{summary(first.differences(other))}"
            )
    return topology, np.stack([positions for _, positions in loaded])
