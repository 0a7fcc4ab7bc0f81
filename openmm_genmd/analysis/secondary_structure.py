"""Helices and strands of a protein, and letters for its helices."""

from __future__ import annotations

from typing import Any

import mdtraj
import numpy as np
from numpy.typing import ArrayLike, NDArray
from openmm import app

_SHORTEST_HELIX = 4
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def secondary_structure(
    topology: app.Topology, positions_nm: NDArray[Any], atoms: ArrayLike
) -> dict[int, str]:
    """Index of each protein residue -> its DSSP code, ``" "`` for a loop.

    Parameters
    ----------
    topology
        All atoms.
    positions_nm
        ``(n_atoms, 3)``, nm.
    atoms
        Indices of those to look at, whole residues. What is no protein is left out.

    References
    ----------
    Kabsch and Sander, Biopolymers 22, 2577 (1983).
    """
    whole = mdtraj.Topology.from_openmm(topology)
    part = whole.subset(np.asarray(atoms))
    owners = [whole.atom(int(atom)).residue.index for atom in np.asarray(atoms)]
    numbers = {part.atom(k).residue.index: owner for k, owner in enumerate(owners)}
    x = np.asarray(positions_nm, np.float32)[None, np.asarray(atoms)]
    codes = mdtraj.compute_dssp(mdtraj.Trajectory(x, part), simplified=False)[0]
    return {numbers[k]: str(code) for k, code in enumerate(codes) if code != "NA"}


def helix_letters(topology: app.Topology, codes: dict[int, str]) -> dict[int, str]:
    """Index of each residue in an alpha helix -> the helix's letter, A being the chain's first.

    Helices of at least four residues count, each chain's anew. For T4 lysozyme these are the
    helices A to J of the literature.

    Parameters
    ----------
    topology
        All atoms.
    codes
        From `secondary_structure`.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> topology, _ = build_peptide("AAAAAAA")
    >>> helix_letters(topology, dict(enumerate("HHHHHHH TT", start=1)))
    {1: 'A', 2: 'A', 3: 'A', 4: 'A', 5: 'A', 6: 'A', 7: 'A'}
    """
    letters: dict[int, str] = {}
    for chain in topology.chains():
        numbers = [residue.index for residue in chain.residues()]
        for n, helix in enumerate(_helices([k for k in numbers if codes.get(k) == "H"])):
            name = _LETTERS[n % 26] + (str(n // 26) if n >= 26 else "")
            letters |= dict.fromkeys(helix, name)
    return letters


def _helices(residues: list[int]) -> list[list[int]]:
    """Runs of neighbors that are long enough."""
    runs: list[list[int]] = []
    for residue in residues:
        if runs and residue == runs[-1][-1] + 1:
            runs[-1].append(residue)
        else:
            runs.append([residue])
    return [run for run in runs if len(run) >= _SHORTEST_HELIX]
