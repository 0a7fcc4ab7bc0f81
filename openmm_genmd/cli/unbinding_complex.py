"""Which complex a command of ``genmd unbind`` is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from openmm_genmd.unbinding.bound_complex import BoundComplex

_OWN_FILES = ("pdb", "system_xml", "ligand")
_CHANGES = ("cut_nm", "hydrogen_mass_da")


def chosen_complex(options: Mapping[str, Any], folder: Path | None = None) -> BoundComplex:
    """Complex that the options of a command ask for.

    Parameters
    ----------
    options
        By their names in Python, None for those that were not given: ``system``, a bundled name, or
        ``pdb``, ``system_xml`` and ``ligand``; ``temperature_k``, ``pocket_nm`` and ``cutoff_nm``;
        ``cut_nm`` and ``hydrogen_mass_da``, see `cut_complex` and `with_heavy_hydrogens`.
    folder
        Where the complex of `genmd unbind prepare` is, if no option names another.

    Raises
    ------
    ValueError
        If options are missing or contradict each other, or the complex is not sound.
    FileNotFoundError
        If a file does not exist.
    ModuleNotFoundError
        If a bundled complex lacks the package that it comes with.

    Examples
    --------
    >>> chosen_complex({"system": "cb7-b2"}).topology.getNumAtoms()
    156
    """
    from openmm_genmd.unbinding.bound_complex import read_complex
    from openmm_genmd.unbinding.bundled_systems import bundled_complex, bundled_names
    from openmm_genmd.unbinding.stored_complex import load_complex

    given = [name for name in ("system", *_OWN_FILES) if options.get(name) is not None]
    more, changes = (
        {name: options[name] for name in names if options.get(name) is not None}
        for names in (("temperature_k", "pocket_nm", "cutoff_nm"), _CHANGES)
    )
    if not given and folder is not None:
        if more or changes:
            first = _option(next(iter(more | changes)))
            raise ValueError(
                f"{first} cannot change the complex in {folder}; name the complex, or leave the "
                "option out"
            )
        return load_complex(folder)
    if given == ["system"]:
        return _changed(bundled_complex(options["system"], **more), changes)
    if given != list(_OWN_FILES):
        raise ValueError(
            f"give either --system, one of {', '.join(bundled_names())}, or all of --pdb, "
            f"--system-xml and --ligand; got {' '.join(map(_option, given)) or 'none of them'}"
        )
    own = (options[name] for name in _OWN_FILES)
    return _changed(read_complex(*own, name=_name(Path(options["pdb"])), **more), changes)


def _changed(bound: BoundComplex, changes: Mapping[str, float]) -> BoundComplex:
    from openmm_genmd.unbinding.cut_complex import cut_complex
    from openmm_genmd.unbinding.heavy_hydrogens import with_heavy_hydrogens

    if "cut_nm" in changes:
        bound = cut_complex(bound, changes["cut_nm"])
    if "hydrogen_mass_da" in changes:
        bound = with_heavy_hydrogens(bound, changes["hydrogen_mass_da"])
    return bound


def _name(pdb: Path) -> str:
    """Name of a file as one that a folder can have."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", pdb.stem).lstrip("._+-") or "complex"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
