"""The index of a folder with unbinding trajectories: what `index.json` holds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)

INDEX = "index.json"
_LAYOUT = (
    "{id, topology, ligand, trajectories: [{path, frame_interval_ps, work_kcal_per_mol, "
    "stable_exit, seed, method}]}"
)


class UnbindingTrajectory(BaseModel):
    """One trajectory of a complex that starts bound.

    Attributes
    ----------
    path
        Of an xtc, dcd or other file that mdtraj reads, relative to the folder.
    frame_interval_ps
        Between frames, ps; None if it is not known.
    work_kcal_per_mol
        Spent on the way, kcal/mol; None if it was not measured.
    stable_exit
        Whether the ligand left, and stayed out without bias; None if nobody looked.
    seed
        From which the trajectory follows.
    method
        How it was made, for instance ``"pull"`` or ``"metadynamics"``.

    Examples
    --------
    >>> UnbindingTrajectory(path="cb7-b2/00000.dcd", frame_interval_ps=0.05).stable_exit is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    frame_interval_ps: float | None = Field(default=None, gt=0)
    work_kcal_per_mol: float | None = None
    stable_exit: bool | None = None
    seed: int | None = None
    method: str = ""


class IndexEntry(BaseModel):
    """One complex of the index.

    Attributes
    ----------
    id
        Of the complex, unique in the folder.
    topology
        PDB, PDBx/mmCIF or prmtop file of all atoms, relative to the folder.
    ligand
        Indices of its atoms, or a selection, see `select_ligand`.
    system
        Serialized System, relative to the folder, whose bonds complete those of a PDB file.
    trajectories
        Those that are complete; a mere path stands for a trajectory of which nothing is known.

    Examples
    --------
    >>> entry = IndexEntry(id="1abc", topology="1abc.prmtop", ligand="LIG", trajectories=["a.xtc"])
    >>> entry.trajectories[0].path
    'a.xtc'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    topology: str
    ligand: tuple[int, ...] | str
    system: str | None = None
    trajectories: tuple[UnbindingTrajectory, ...] = ()

    @field_validator("trajectories", mode="before")
    @classmethod
    def _named_paths(cls, given: Any) -> Any:
        """Give mere paths the place of their name."""
        if not isinstance(given, list | tuple):
            return given
        return [{"path": entry} if isinstance(entry, str) else entry for entry in given]


_ENTRIES = TypeAdapter(tuple[IndexEntry, ...])


def read_index(folder: Path) -> tuple[IndexEntry, ...]:
    """Entries of the index of a folder.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged, of another layout, or names a complex twice.
    """
    path = folder / INDEX
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} has no {INDEX}; expected a folder that genmd unbind prepare wrote, or one "
            f"with an {INDEX} that lists {_LAYOUT}"
        )
    try:
        entries = _ENTRIES.validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "its beginning"
        raise ValueError(
            f"cannot read {path}: {first['msg']} at {where}; expected a list of {_LAYOUT}"
        ) from None
    names = [entry.id for entry in entries]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise ValueError(
            f"{path} has {names.count(twice[0])} entries with the id {twice[0]!r}; "
            "merge their trajectories into one entry"
        )
    return entries


def write_index(folder: Path, entries: Sequence[IndexEntry]) -> None:
    """Write the index, whole or not at all.

    Parameters
    ----------
    folder
        Where it goes.
    entries
        All complexes of the folder.
    """
    partial = folder / f"{INDEX}.partial"
    with partial.open("wb") as file:
        file.write(_ENTRIES.dump_json(tuple(entries), indent=1) + b"\n")
        file.flush()
        # Without it a power cut could leave a renamed but empty index.
        os.fsync(file.fileno())
    os.replace(partial, folder / INDEX)
