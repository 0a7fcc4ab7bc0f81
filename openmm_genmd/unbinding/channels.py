"""Channels, along which ligands leave: `find_channels`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from openmm_genmd.analysis.secondary_structure import helix_letters, secondary_structure
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.found_path import FoundPath, exits
from openmm_genmd.unbinding.ligand_paths import LigandPath
from openmm_genmd.unbinding.success import share_interval

Array = NDArray[np.float64]

THRESHOLD_NM = 0.5
"""Mean distance of paths above which groups of them are different channels, nm."""

_MOST = 0.5


@dataclass(frozen=True, eq=False)
class Channel:
    """Paths that leave the receptor on the same way.

    The two portals of a symmetric host are two channels.

    Attributes
    ----------
    number
        From 1, the channel with the most paths.
    paths
        Numbers of its paths, ascending.
    representative
        Number of the path that is nearest to the others on average.
    mean_path_nm
        ``(k, 3)``, nm, mean of the paths on each sphere about the bound place that all of them
        reach in touch with the receptor, in the frame of the bound structure.
    share, share_interval
        Of all paths that lead out, with Wilson's 95 % interval; paths count as independent.
    residues
        Labels of the residues that at least half of its paths touch on the outer half of the way.
    residue_indices
        The same by index in the Topology.
    helices
        Letters of the helices among these, in order; empty where there are none.

    Examples
    --------
    Made by `find_channels`.
    """

    number: int
    paths: tuple[int, ...]
    representative: int
    mean_path_nm: Array
    share: float
    share_interval: tuple[float, float]
    residues: tuple[str, ...]
    residue_indices: tuple[int, ...]
    helices: tuple[str, ...]

    @property
    def name(self) -> str:
        """For figures and tables."""
        if not self.helices:
            return f"channel {self.number}"
        where = "between" if len(self.helices) > 1 else "at"
        noun = "helices" if len(self.helices) > 1 else "helix"
        return f"channel {self.number} ({where} {noun} {'/'.join(self.helices)})"


def find_channels(
    paths: Iterable[FoundPath], bound: BoundComplex, *, threshold_nm: float = THRESHOLD_NM
) -> list[Channel]:
    """Channels of the paths that lead out, the most used first; none if none leads out.

    All frames are superposed on the receptor of the bound structure. Two paths are compared on
    spheres about the ligand's bound place, where its centre crosses them for the last time: their
    distance is the RMS distance of these crossings on the spheres that both reach in touch with the
    receptor. Clusters are joined while the mean distance between their paths is below the threshold
    (average linkage).

    Parameters
    ----------
    paths
        Those that do not lead out, or were seen to come back, are left aside.
    bound
        The complex.
    threshold_nm
        See above, nm.

    Raises
    ------
    ValueError
        If the threshold is not positive, or a path is one of another complex, touches the receptor
        nowhere, or leads out without leaving the bound place.

    References
    ----------
    Sokal and Michener, Univ. Kansas Sci. Bull. 38, 1409 (1958): average linkage.
    Nunes-Alves, Zuckerman and Arantes, Biophys. J. 114, 1058 (2018): ways out of T4 lysozyme L99A,
    told apart by the helices between which they pass.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> find_channels([], bundled_complex("cb7-b2"))
    []
    """
    if not threshold_nm > 0:
        raise ValueError(f"threshold_nm must be positive, got {threshold_nm}")
    leaving = sorted(exits(paths), key=lambda path: path.number)
    ways = [LigandPath.of(path, bound) for path in leaving]
    _require_ways(ways)
    if not ways:
        return []
    distances = path_distances_nm(ways)
    groups = sorted(_groups(distances, threshold_nm), key=lambda group: (-len(group), group[0]))
    letters = _letters(bound)
    return [
        _channel(
            number,
            [ways[k] for k in group],
            distances[np.ix_(group, group)],
            len(ways),
            bound,
            letters,
        )
        for number, group in enumerate(groups, start=1)
    ]


def path_distances_nm(ways: Sequence[LigandPath]) -> Array:
    """Distances ``(n, n)``, nm, of ways; see `find_channels`."""
    crossings = _padded(ways)
    rows = [np.sqrt(np.nanmean(((crossings - own) ** 2).sum(axis=2), axis=1)) for own in crossings]
    return np.array(rows)


def _require_ways(ways: Sequence[LigandPath]) -> None:
    for way in ways:
        if not len(way.shells_nm):
            raise ValueError(
                f"path {way.number} leads out, but its ligand ends where it was bound; is the path "
                "one of this complex?"
            )


def _padded(ways: Sequence[LigandPath]) -> Array:
    """Crossings ``(n_ways, most, 3)``, NaN beyond the end of a way."""
    padded = np.full((len(ways), max(len(way.shells_nm) for way in ways), 3), np.nan)
    for row, way in zip(padded, ways, strict=True):
        row[: len(way.shells_nm)] = way.shells_nm
    return padded


def _groups(distances_nm: Array, threshold_nm: float) -> list[list[int]]:
    if len(distances_nm) == 1:
        return [[0]]
    tree = linkage(squareform(distances_nm, checks=False), method="average")
    labels = fcluster(tree, threshold_nm, criterion="distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _letters(bound: BoundComplex) -> dict[int, str]:
    if bound.helices is not None:
        return bound.helices
    codes = secondary_structure(bound.topology, bound.positions_nm, bound.receptor)
    return helix_letters(bound.topology, codes)


def _channel(
    number: int,
    members: list[LigandPath],
    distances_nm: Array,
    of: int,
    bound: BoundComplex,
    letters: dict[int, str],
) -> Channel:
    touched = np.mean([way.touched for way in members], axis=0) >= _MOST
    residues = [r for r in bound.topology.residues() if touched[r.index]]
    return Channel(
        number=number,
        paths=tuple(way.number for way in members),
        representative=members[int(distances_nm.mean(axis=1).argmin())].number,
        mean_path_nm=_mean_path(members),
        share=len(members) / of,
        share_interval=share_interval(of, len(members)),
        residues=tuple(f"{r.chain.id}:{r.name} {r.id}" for r in residues),
        residue_indices=tuple(r.index for r in residues),
        helices=tuple(sorted({letters[r.index] for r in residues if r.index in letters})),
    )


def _mean_path(members: list[LigandPath]) -> Array:
    # Where members drop out the mean of the others would jump.
    reached = min(len(way.shells_nm) for way in members)
    return np.asarray(np.mean([way.shells_nm[:reached] for way in members], axis=0))
