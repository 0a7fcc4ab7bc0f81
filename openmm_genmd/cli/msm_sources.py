"""Which trajectories make one Markov state model: one molecule, one temperature, one interval."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

from openmm import app

from openmm_genmd.cli.training_data import find_trajectories
from openmm_genmd.data.trajectory_source import TrajectorySource
from openmm_genmd.md.manifest import read_manifest


@dataclass(frozen=True)
class MsmSources:
    """Replicas of one molecule at one temperature.

    Attributes
    ----------
    sources
        One for each continuous replica.
    frame_interval_ps
        Between the frames that they give.
    temperature_k
        None if nobody knows.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> source = TrajectorySource.of_array(positions_nm[None], topology, temperature_k=320.0)
    >>> chosen = choose_sources([source], frame_interval_ps=2.0, stride=5)
    >>> chosen.frame_interval_ps, chosen.temperature_k
    (10.0, 320.0)
    """

    sources: tuple[TrajectorySource, ...]
    frame_interval_ps: float
    temperature_k: float | None

    @property
    def n_frames(self) -> int | None:
        """Frames in all; None if only reading them would tell."""
        counts = [source.n_frames for source in self.sources]
        return sum(n for n in counts if n is not None) if None not in counts else None


def choose_sources(
    sources: Sequence[TrajectorySource],
    *,
    temperature_k: float | None = None,
    frame_interval_ps: float | None = None,
    stride: int = 1,
) -> MsmSources:
    """Replicas for one model.

    Parameters
    ----------
    sources
        All that were opened.
    temperature_k
        Those of other temperatures are left out.
    frame_interval_ps
        Between the frames in the files, for files that do not say.
    stride
        With which they were opened.

    Raises
    ------
    ValueError
        If there is more than one molecule, temperature or interval, or the interval is unknown.
    """
    known = {s.temperature_k for s in sources} - {None}
    chosen = [
        s for s in sources if temperature_k is None or s.temperature_k in (temperature_k, None)
    ]
    if not chosen or (temperature_k is None and len(known) > 1):
        raise ValueError(
            f"expected trajectories of one temperature, got {_listed(known)} K"
            + (f" and none of {temperature_k:g} K" if not chosen else "")
            + "; choose one with --temperature-k"
        )
    if len({_atoms(source.topology) for source in chosen}) > 1:
        names = ", ".join(sorted({source.name for source in chosen}))
        raise ValueError(
            f"expected trajectories of one molecule, got {names} with different atoms; make a "
            "model of each, in a folder of its own"
        )
    temperature = temperature_k if temperature_k is not None else next(iter(known), None)
    return MsmSources(tuple(chosen), _interval(chosen, frame_interval_ps, stride), temperature)


def _interval(sources: Sequence[TrajectorySource], given_ps: float | None, stride: int) -> float:
    known = {source.frame_interval_ps for source in sources} - {None}
    if given_ps is not None:
        known.add(float(f"{given_ps * stride:.6g}"))
    elif None in {source.frame_interval_ps for source in sources}:
        raise ValueError(
            "the time between frames is not in the files; give it with --frame-interval-ps (runs "
            "with leaps have none: that of genmd simulate, 0.2 for peptides, counts frames then)"
        )
    values = sorted(value for value in known if value is not None)
    if values[-1] - values[0] > 1e-3 * values[0]:
        raise ValueError(
            f"expected one time between frames, got {_listed(known)} ps (after --stride); make a "
            "model of trajectories that were written alike, or correct --frame-interval-ps"
        )
    return values[0]


def notes_on_folders(given: Sequence[Path]) -> list[str]:
    """What is known about data of ``genmd simulate`` that a reader of the model should know.

    Parameters
    ----------
    given
        Trajectories and folders.

    Raises
    ------
    ValueError
        If a folder of ``genmd simulate`` is not complete.
    """
    manifests = []
    for path in given:
        if path.is_dir() and (path / "manifest.json").exists():
            manifests += find_trajectories([path])[1]
        elif path.is_file() and (manifest := read_manifest(path.parent)) is not None:
            manifests.append(manifest)
    if not any(manifest.plan.leaps for manifest in manifests):
        return []
    return [
        "the trajectories were made with leaps: populations are meaningful, but time between "
        "frames, the lag and timescales are not physical"
    ]


def _atoms(topology: app.Topology) -> Hashable:
    return tuple((atom.name, atom.residue.name, atom.residue.index) for atom in topology.atoms())


def _listed(values: set[float | None]) -> str:
    return ", ".join(f"{v:g}" for v in sorted(v for v in values if v is not None)) or "unknown"
