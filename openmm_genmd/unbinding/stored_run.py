"""Runs of `genmd unbind run`, as they lie in their folders: `StoredRun`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.channels import find_channels
from openmm_genmd.unbinding.found_path import FoundPath
from openmm_genmd.unbinding.stored_complex import has_complex, load_complex
from openmm_genmd.unbinding.team_run import stored_walker
from openmm_genmd.unbinding.unbinding_report import UnbindingReport, write_unbinding_report
from openmm_genmd.unbinding.unbinding_tables import METHODS
from openmm_genmd.unbinding.verification import Shots, stored_shots
from openmm_genmd.unbinding.whole_file import write_whole

PLAN, SUMMARY, PAGE, PATHS = "plan.json", "summary.json", "unbinding.html", "paths"
FREE_ENERGY = "free-energy"
_SECTION, _FOUND = "section.html", "result.json"


@dataclass(frozen=True, eq=False)
class StoredRun:
    """A run that is finished.

    Attributes
    ----------
    folder
        Where it is.
    bound
        Its complex.
    plan
        What ``plan.json`` says.
    summary
        What ``summary.json`` says.
    paths
        Of all walkers.

    Examples
    --------
    Read by `genmd unbind free-energy`.
    """

    folder: Path
    bound: BoundComplex
    plan: Mapping[str, Any]
    summary: Mapping[str, Any]
    paths: list[FoundPath]

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Run of a folder.

        Raises
        ------
        FileNotFoundError
            If there is no finished run.
        ValueError
            If a walker's file is damaged.
        """
        folder = Path(folder)
        if not (folder / SUMMARY).is_file() or not has_complex(folder):
            raise FileNotFoundError(
                f"{folder} has no finished run; make one with genmd unbind run, or finish it with "
                "--resume"
            )
        plan, summary = (_read(folder / name) for name in (PLAN, SUMMARY))
        return cls(folder, load_complex(folder), plan, summary, _paths(folder, plan["walkers"]))

    def path(self, number: int | None = None) -> FoundPath:
        """Path of a number; without one that of the least work in the most used channel.

        Raises
        ------
        ValueError
            If it leads nowhere, or there is none.
        """
        if number is None:
            return self._best()
        for path in self.paths:
            if path.number == number and path.counts:
                return path
        good = [path.number for path in self.paths if path.counts]
        raise ValueError(
            f"path {number} does not lead to an exit that stays; those that do: {good}"
        )

    def report(self) -> UnbindingReport:
        """What its page says, the free energy included if there is one."""
        section = self.folder / FREE_ENERGY / _SECTION
        known = {k: v for k, v in self.summary.items() if k not in METHODS}
        return UnbindingReport(
            self.bound,
            self.paths,
            settings={k: str(v) for k, v in _flat(self.plan).items()},
            summary=known,
            baselines={k: v for k, v in self.summary.items() if k in METHODS},
            shooting=_shots(self.folder / PATHS, [path.number for path in self.paths]),
            charged_core_seconds=self.summary.get("charged_core_seconds"),
            sections=[section.read_text(encoding="utf-8")] if section.is_file() else [],
        )

    def _best(self) -> FoundPath:
        good = {path.number: path for path in self.paths if path.counts}
        if not good:
            raise ValueError(
                f"no path in {self.folder} leads to an exit that stays; search with more walkers"
            )
        main = find_channels(self.paths, self.bound)[0]
        inside = [good[number] for number in main.paths if number in good]
        return min(inside or good.values(), key=lambda path: path.total_work_kcal_per_mol)


def write_page(folder: str | Path) -> None:
    """Write ``unbinding.html`` from what the folder holds.

    Raises
    ------
    FileNotFoundError
        If there is no finished run.
    """
    write_unbinding_report(StoredRun.load(folder).report(), Path(folder) / PAGE)


def write_summary(summary: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Summary as it is written to ``summary.json``, the free energy included if there is one."""
    stored = folder / FREE_ENERGY / _FOUND
    found = _read(stored) if stored.is_file() else {}
    whole = _finite({**summary, **found})
    write_whole(folder / SUMMARY, json.dumps(whole, indent=1) + "\n")
    return dict(whole)


def add_free_energy(folder: Path, found: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Summary of a run to which a free energy is added, on the page too.

    Parameters
    ----------
    folder
        Of the run.
    found
        For the summary.
    section
        For the page, HTML.
    """
    own = folder / FREE_ENERGY
    write_whole(own / _SECTION, section)
    write_whole(own / _FOUND, json.dumps(_finite(found), indent=1) + "\n")
    summary = write_summary(_read(folder / SUMMARY), folder)
    write_page(folder)
    return summary


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _paths(folder: Path, walkers: int) -> list[FoundPath]:
    paths = []
    for number in range(walkers):
        walker, verdict = stored_walker(folder / PATHS, number)
        path = FoundPath.of(
            walker, verdict.stable, steps=verdict.steps, core_seconds=verdict.seconds
        )
        paths.append(path)
    return paths


def _shots(folder: Path, numbers: list[int]) -> dict[int, list[Shots]]:
    found = {number: stored_shots(folder, number) for number in numbers}
    return {number: shots for number, shots in found.items() if shots}


def _flat(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in plan.items() if k != "settings"} | dict(plan["settings"])


def _finite(value: Any) -> Any:
    """JSON knows no NaN: None in its place."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
