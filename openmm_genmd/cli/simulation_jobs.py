"""What ``genmd simulate`` has to do: one job for each sequence and temperature."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openmm_genmd.data.peptides import require_peptide
from openmm_genmd.md.peptide_input import IMPLICIT_SOLVENT, peptide_input
from openmm_genmd.md.peptide_plan import peptide_plan
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.system_input import SystemInput, load_system_input

_PDB_PLATFORM = "CPU"
_FORCE_FIELD_OPTIONS = ("constraints", "nonbonded", "cutoff_nm")


@dataclass(frozen=True)
class SimulationJob:
    """One folder to be filled.

    Attributes
    ----------
    name
        For people; empty if it is the only one of its kind.
    folder
        Where to.
    prepare
        Makes the molecule and the plan when the job's turn comes.

    Examples
    --------
    >>> jobs = simulation_jobs({"sequence": ["AA", "KV"], "out": Path("data")})
    >>> [str(job.folder) for job in jobs]
    ['data/AA', 'data/KV']
    """

    name: str
    folder: Path
    prepare: Callable[[], tuple[SystemInput, SimulationPlan]]


def simulation_jobs(options: Mapping[str, Any]) -> list[SimulationJob]:
    """Jobs that the options of ``genmd simulate`` ask for, which are checked as far as possible.

    Parameters
    ----------
    options
        By their names in Python; None for those that were not given.

    Raises
    ------
    ValueError
        If options contradict each other, or a value is out of range.
    """
    sequences, pdb = options.get("sequence") or [], options.get("pdb")
    if bool(sequences) == (pdb is not None):
        raise ValueError("give either --pdb, a structure, or --sequence, peptides to be built")
    if pdb is not None and options.get("system") is None:
        raise ValueError(
            f"--system is required with --pdb: force field files, such as {IMPLICIT_SOLVENT}, or a "
            "serialized System"
        )
    _require_different("--sequence", sequences)
    temperatures = options.get("temperature_k") or [SimulationPlan().temperature_k]
    _require_different("--temperature-k", temperatures)
    make = _peptide_jobs if sequences else _structure_jobs
    return list(make(options, temperatures))


def _peptide_jobs(
    options: Mapping[str, Any], temperatures: Sequence[float]
) -> Iterator[SimulationJob]:
    chosen = _chosen(options)
    caps: Any = options.get("caps") or "ace-nme"
    for sequence in options["sequence"]:
        require_peptide(sequence, caps)
        for temperature_k in temperatures:
            values = chosen | {"temperature_k": temperature_k}
            peptide_plan(0, values)  # complain before the first job begins

            def prepare(
                sequence: str = sequence, values: dict[str, Any] = values
            ) -> tuple[SystemInput, SimulationPlan]:
                given = peptide_input(
                    sequence,
                    caps,
                    options.get("system") or IMPLICIT_SOLVENT,
                    **_force_field(options),
                )
                return given, peptide_plan(len(given.positions_nm), values)

            name = sequence if len(temperatures) == 1 else f"{sequence}-{temperature_k:g}K"
            yield SimulationJob(name, options["out"] / name, prepare)


def _structure_jobs(
    options: Mapping[str, Any], temperatures: Sequence[float]
) -> Iterator[SimulationJob]:
    if options.get("caps") is not None:
        raise ValueError("--caps is for peptides that are built; leave it out with --pdb")
    values = {"platform": _PDB_PLATFORM} | _chosen(options)
    for temperature_k in temperatures:
        plan = SimulationPlan(**values | {"temperature_k": temperature_k})

        def prepare(plan: SimulationPlan = plan) -> tuple[SystemInput, SimulationPlan]:
            given = load_system_input(options["pdb"], options["system"], **_force_field(options))
            return given, plan

        name = "" if len(temperatures) == 1 else f"{temperature_k:g}K"
        yield SimulationJob(name, options["out"] / name, prepare)


def _chosen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a plan that the user has given."""
    fields = set(SimulationPlan.model_fields) - {"temperature_k"}
    chosen = {name: options[name] for name in fields if options.get(name) is not None}
    hot = chosen.get("hot_temperatures_k")
    if hot is not None:
        chosen["hot_temperatures_k"] = () if hot == "none" else hot.split(",")
    return chosen


def _force_field(options: Mapping[str, Any]) -> dict[str, Any]:
    names = [name for name in _FORCE_FIELD_OPTIONS if options.get(name) is not None]
    return {name: options[name] for name in names}


def _require_different(option: str, values: Sequence[Any]) -> None:
    repeated = sorted({value for value in values if values.count(value) > 1})
    if repeated:
        listed = ", ".join(map(str, repeated))
        raise ValueError(f"{option} must name each only once, got {listed} twice")
