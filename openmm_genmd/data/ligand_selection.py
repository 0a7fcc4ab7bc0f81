"""Which molecule is the ligand, in the words of a user: `select_ligand`."""

from __future__ import annotations

import re
from collections.abc import Iterable

import mdtraj
import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.data.molecules import BondGraph

_CHAIN = re.compile(r"chain\s+(\S+)", re.IGNORECASE)
_RESIDUE_NUMBER = re.compile(r"resSeq\s+(-?\d+)", re.IGNORECASE)
_SHOWN = 8


def select_ligand(topology: app.Topology, selection: str, graph: BondGraph) -> NDArray[np.intp]:
    """Atoms ``(n,)`` of the one molecule that is selected, ascending, hydrogens included.

    Parameters
    ----------
    topology
        All atoms.
    selection
        Name of a residue (``"LIG"``), ``"chain B"``, ``"resSeq 401"``, or an expression of mdtraj
        (``"resname LIG and resid 162"``). It must cover one molecule and nothing else.
    graph
        Of the Topology.

    Raises
    ------
    ValueError
        If nothing is selected, or several molecules, or part of one, or mdtraj cannot read the
        expression.

    References
    ----------
    McGibbon et al., Biophys. J. 109, 1528 (2015): mdtraj, whose selection language this is.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> len(select_ligand(topology, "chain A", BondGraph.of(topology)))
    22
    """
    wanted = selection.strip()
    if not wanted:
        raise ValueError(
            "the ligand selection is empty; give the name of its residue, for instance LIG, "
            '"chain B", "resSeq 401" or an expression of mdtraj'
        )
    chosen = _atoms(topology, wanted)
    touched = [molecule for molecule in graph.molecules if chosen.intersection(molecule)]
    if len(touched) > 1:
        shown = "; ".join(_describe(topology, molecule) for molecule in touched[:4])
        raise ValueError(
            f"the ligand selection {wanted!r} covers {len(touched)} molecules ({shown}"
            f"{'; …' if len(touched) > 4 else ''}); select a single one, for instance by "
            f'"{_expression(topology, touched[-1])}"'
        )
    (molecule,) = touched
    if len(chosen) < len(molecule):
        raise ValueError(
            f"the ligand selection {wanted!r} covers {len(chosen)} of the {len(molecule)} atoms of "
            f"a molecule ({_describe(topology, molecule)}); select all of it, hydrogens included. "
            "A ligand that is bonded to the receptor cannot leave"
        )
    return np.array(molecule, dtype=np.intp)


def _atoms(topology: app.Topology, wanted: str) -> set[int]:
    """Atoms that are selected; at least one."""
    if match := _CHAIN.fullmatch(wanted):
        chains = [chain for chain in topology.chains() if chain.id == match[1]]
        known = ", ".join(dict.fromkeys(repr(chain.id) for chain in topology.chains()))
        found = {atom.index for chain in chains for atom in chain.atoms()}
        return found or _nothing(wanted, f"there are chains {known}")
    if match := _RESIDUE_NUMBER.fullmatch(wanted):
        numbered = (r for r in topology.residues() if r.id.strip() == match[1])
        return _of_residues(numbered) or _nothing(wanted, _numbers(topology))
    named = _of_residues(r for r in topology.residues() if r.name == wanted)
    # A residue may be called what mdtraj reads as a keyword, or by signs that it cannot read.
    if named:
        return named
    if re.fullmatch(r"\S+", wanted):
        return _nothing(wanted, _names(topology))
    return _by_mdtraj(topology, wanted) or _nothing(wanted, _names(topology))


def _of_residues(residues: Iterable[app.topology.Residue]) -> set[int]:
    return {atom.index for residue in residues for atom in residue.atoms()}


def _by_mdtraj(topology: app.Topology, expression: str) -> set[int]:
    converted = mdtraj.Topology.from_openmm(topology)
    try:
        return {int(atom) for atom in converted.select(expression)}
    except Exception as error:  # whatever the parser of mdtraj meets
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"cannot read the ligand selection {expression!r}: {reason}; expected the name of a "
            'residue, "chain B", "resSeq 401" or an expression of mdtraj such as '
            '"resname LIG and resSeq 401"'
        ) from error


def _nothing(wanted: str, known: str) -> set[int]:
    raise ValueError(f"the ligand selection {wanted!r} matches no atom; {known}")


def _names(topology: app.Topology) -> str:
    """Names of residues, the rare ones first: among them are the ligands."""
    counts: dict[str, int] = {}
    for residue in topology.residues():
        counts[residue.name] = counts.get(residue.name, 0) + 1
    rare = sorted(counts, key=lambda name: (counts[name], name))
    more = ", …" if len(rare) > _SHOWN else ""
    return f"there are residues {', '.join(rare[:_SHOWN])}{more} (the rarest first)"


def _numbers(topology: app.Topology) -> str:
    ids = [residue.id.strip() for residue in topology.residues()]
    return f"residues are numbered {ids[0]} to {ids[-1]}" if ids else "there are no residues"


def _describe(topology: app.Topology, molecule: tuple[int, ...]) -> str:
    """Residues, chain and number of atoms of a molecule."""
    atoms = list(topology.atoms())
    first, last = atoms[molecule[0]].residue, atoms[molecule[-1]].residue
    span = f"{first.name} {first.id}" + (f" to {last.name} {last.id}" if last != first else "")
    return f"{span} of chain {first.chain.id}, {len(molecule)} atoms"


def _expression(topology: app.Topology, molecule: tuple[int, ...]) -> str:
    return f"index {molecule[0]} to {molecule[-1]}"
