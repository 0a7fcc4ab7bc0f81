"""What ``genmd evaluate`` reads: reference and generated ensemble of one molecule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from openmm_genmd.analysis.ensemble import Ensemble, Molecule, read_ensemble
from openmm_genmd.analysis.evaluation import EvaluationSettings
from openmm_genmd.cli.msm_sources import choose_sources
from openmm_genmd.data.open_trajectories import open_trajectories
from openmm_genmd.data.structure_file import load_structure_file
from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory_source import TrajectorySource

_WITH_POSITIONS = (".pdb", ".cif", ".mmcif")
_DEFAULT_TEMPERATURE_K = 300.0


def read_ensembles(
    options: Mapping[str, Any],
) -> tuple[str, EvaluationSettings, Ensemble, Ensemble]:
    """Name, settings, reference and generated ensemble.

    Parameters
    ----------
    options
        Of ``genmd evaluate``, by their names.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    ValueError
        If a file cannot be read, the trajectories are not of one molecule and one temperature, or
        an option has a value that makes no sense.
    """
    opened = open_trajectories(options["reference"], options["topology"], stride=options["stride"])
    others = open_trajectories(
        options["generated"], options["generated_topology"] or options["topology"]
    )
    sources, temperature_k = _of_one_temperature(opened, options["temperature_k"])
    settings = EvaluationSettings(
        lag_time_ps=options["lag_time_ps"],
        features=options["features"].value,
        kind=options["kind"].value,
        temperature_k=temperature_k or _DEFAULT_TEMPERATURE_K,
        **{name: options[name] for name in ("n_states", "min_crossings", "seed")},
    )
    molecule = _molecule(options, sources[0])
    shape = settings.features == "shape" or settings.is_protein(len(molecule.layout))
    reference = read_ensemble(
        sources,
        molecule,
        frame_interval_ps=_reference_interval_ps(sources, options),
        with_shape=shape,
    )
    generated = read_ensemble(
        others, molecule, frame_interval_ps=options["generated_interval_ps"], with_shape=shape
    )
    return options["name"] or sources[0].name, settings, reference, generated


def _of_one_temperature(
    opened: list[TrajectorySource], temperature_k: float | None
) -> tuple[list[TrajectorySource], float | None]:

    # The time between frames may be unknown here: only molecule and temperature are checked.
    timeless = [replace(source, frame_interval_ps=None) for source in opened]
    chosen = choose_sources(timeless, temperature_k=temperature_k, frame_interval_ps=1.0)
    kept = [s for s, t in zip(opened, timeless, strict=True) if any(t is c for c in chosen.sources)]
    return kept, chosen.temperature_k


def _reference_interval_ps(
    sources: list[TrajectorySource], options: Mapping[str, Any]
) -> float | None:
    given = options["reference_interval_ps"]
    if given is not None:
        return given * options["stride"] or None
    known = {source.frame_interval_ps for source in sources}
    if options["states"] or len(known) > 1:
        return None
    return known.pop()


def _molecule(options: Mapping[str, Any], source: TrajectorySource) -> Molecule:
    file = options["native"] or options["topology"]
    if file is not None and file.suffix.lower() in _WITH_POSITIONS:
        # The reader of topologies knows names and bonds that the plain reader does not.
        return Molecule.of(load_topology(file), load_structure_file(file)[1])
    first = next(iter(source.iterate(chunk=1)))
    return Molecule.of(source.topology, first.positions_nm[0])
