"""What is compared between methods on a peptide: `PeptideObservables`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from openmm import app

from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.representations.torsion_tokens import TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

SALT_BRIDGE_NM = 0.45
"""Between a nitrogen and an oxygen of opposite charge."""

ALPHA_PSI_RAD = (np.deg2rad(-120.0), np.deg2rad(50.0))
TRANS_RAD = np.deg2rad(120.0)

_POSITIVE = {("LYS", "NZ"), ("ARG", "NE"), ("ARG", "NH1"), ("ARG", "NH2")}
_NEGATIVE = {("ASP", "OD1"), ("ASP", "OD2"), ("GLU", "OE1"), ("GLU", "OE2")}


@dataclass(frozen=True)
class SlowDirection:
    """TIC-0: the slowest linear combination of sines and cosines of all torsions.

    Attributes
    ----------
    mean, vector
        ``(2 n_torsions,)``: all sines, then all cosines. TIC-0 is (features - mean) . vector.
    """

    mean: Array
    vector: Array

    def of(self, folded_rad: Array) -> Array:
        """TIC-0 ``(n,)`` of `PeptideObservables.folded_rad`."""
        features = np.concatenate([np.sin(folded_rad), np.cos(folded_rad)], axis=1)
        return np.asarray((features - self.mean) @ self.vector)


class PeptideObservables:
    """Named numbers of each conformation of a peptide.

    Shares are 0 or 1: phi > 0 and alpha of each residue, chi1 being trans, and salt bridges
    between side chains of opposite charge. Distances are in nm.

    Parameters
    ----------
    given
        The peptide, with caps or without.

    Attributes
    ----------
    names
        What `measure` gives.
    """

    def __init__(self, given: SystemInput) -> None:
        self.representation = TorsionRepresentation.from_topology(given.topology, given.system)
        self.torsions = tuple(torsion.name for torsion in self.representation.torsions)
        self._folds = 1 + TorsionTokens.of(self.representation).symmetric
        heavy = [a for a in given.topology.atoms() if a.element.symbol != "H"]
        self._masses = np.array([atom.element.mass._value for atom in heavy])
        self._heavy = [atom.index for atom in heavy]
        self._ends = _ends(given.topology)
        self._bridges = _possible_bridges(given.topology)
        self.names = tuple(self.measure(given.positions_nm[None]))

    def angles_rad(self, positions_nm: Array) -> Array:
        """Torsions ``(n, n_torsions)`` in rad, of positions ``(n, n_atoms, 3)`` in nm."""
        return self.representation.encode(positions_nm[:, list(self.representation.particles)])

    def folded_rad(self, positions_nm: Array) -> Array:
        """Torsions likewise, doubled where half a turn only exchanges names of atoms."""
        return self.angles_rad(positions_nm) * self._folds

    def measure(self, positions_nm: Array) -> dict[str, Array]:
        """Values ``(n,)`` by name, of positions ``(n, n_atoms, 3)`` in nm."""
        return {
            **self._of_torsions(self.angles_rad(positions_nm)),
            **{name: _bridged(positions_nm, *ends) for name, ends in self._bridges.items()},
            "end-to-end nm": _distance(positions_nm, *self._ends),
            "radius of gyration nm": self._radius_of_gyration(positions_nm),
        }

    def _of_torsions(self, angles_rad: Array) -> dict[str, Array]:
        angle = dict(zip(self.torsions, angles_rad.T, strict=True))
        found: dict[str, Array] = {}
        for name in self.torsions:
            role, _, residue = name.partition(" ")
            if role == "phi":
                found[f"{name} > 0"] = (angle[name] > 0).astype(float)
            if role == "psi":
                low, high = ALPHA_PSI_RAD
                inside = (angle[name] > low) & (angle[name] < high)
                # The phi of proline is in a ring: no torsion that leaps, and always negative.
                inside &= angle.get(f"phi {residue}", np.full(len(inside), -1.0)) < 0
                found[f"alpha {residue}"] = inside.astype(float)
            if role == "chi1":
                found[f"{name} trans"] = (np.abs(angle[name]) > TRANS_RAD).astype(float)
        return found

    def _radius_of_gyration(self, positions_nm: Array) -> Array:
        heavy = positions_nm[:, self._heavy]
        share = self._masses / self._masses.sum()
        centre = np.einsum("a,nai->ni", share, heavy)[:, None]
        return np.asarray(np.sqrt(np.einsum("a,nai->n", share, (heavy - centre) ** 2)))


def is_share(name: str) -> bool:
    """Whether an observable is 0 or 1."""
    return not name.endswith(" nm")


def _ends(topology: app.Topology) -> tuple[int, int]:
    """First and last carbon of the backbone or its caps."""
    residues = list(topology.residues())
    first = {atom.name: atom.index for atom in residues[0].atoms()}
    last = {atom.name: atom.index for atom in residues[-1].atoms()}
    return first.get("CH3", first.get("CA", 0)), last.get("CH3", last.get("C", 0))


def _possible_bridges(topology: app.Topology) -> dict[str, tuple[list[int], list[int]]]:
    """Charged atoms of each pair of side chains of opposite charge."""
    positive, negative = (_charged(topology, kind) for kind in (_POSITIVE, _NEGATIVE))
    return {
        f"salt bridge {one}-{other}": (positive[one], negative[other])
        for one in positive
        for other in negative
    }


def _charged(topology: app.Topology, kind: set[tuple[str, str]]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for atom in topology.atoms():
        if (atom.residue.name, atom.name) in kind:
            residue = f"{atom.residue.name} {atom.residue.index + 1}"
            found.setdefault(residue, []).append(atom.index)
    return found


def _bridged(positions_nm: Array, one: list[int], other: list[int]) -> Array:
    apart = positions_nm[:, one][:, :, None] - positions_nm[:, other][:, None]
    nearest = np.linalg.norm(apart, axis=-1).min(axis=(1, 2))
    return (nearest < SALT_BRIDGE_NM).astype(float)


def _distance(positions_nm: Array, one: int, other: int) -> Array:
    return np.asarray(np.linalg.norm(positions_nm[:, one] - positions_nm[:, other], axis=1))
