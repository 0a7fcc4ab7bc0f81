"""Hydrogens of generated heavy atoms, from the geometry that they had: `CarriedHydrogens`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
from numpy.typing import ArrayLike, NDArray
from openmm import app

from openmm_genmd.data.molecules import BondGraph

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_STRAIGHT = 0.1
"""Sine of an angle between two bonds below which they define no plane."""


@dataclass(frozen=True, eq=False)
class CarriedHydrogens:
    """How hydrogens follow the heavy atoms of a model.

    Each keeps its coordinates in the local frame of its heavy atom and two other heavy atoms: two
    neighbours, or a neighbour and that one's neighbour. Where those are in line, or there is one
    neighbour alone, the shortest turn from the old bond to the new one is made; an atom without any
    is only shifted. Bond lengths to hydrogens are therefore kept exactly, whatever the heavy atoms
    do, and so are angles H-X-H.

    Attributes
    ----------
    particles
        ``(n,)`` int64, the heavy atoms, in the order of the model's.
    hydrogens
        ``(m,)`` int64, those bonded to one of the heavy atoms.
    anchors
        ``(m, 3)`` int64: for each hydrogen its heavy atom, the axis atom and the plane atom, as
        places in ``particles``; -1 where there is none.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions = load_structure("alanine-dipeptide")
    >>> heavy = [a.index for a in topology.atoms() if a.element.symbol != "H"]
    >>> carried = CarriedHydrogens.of(topology, heavy)
    >>> moved = carried.rebuild(positions, positions[heavy][None] + 1.0)
    >>> bool(np.abs(moved[0] - positions - 1.0).max() < 1e-12)
    True
    """

    particles: Integers
    hydrogens: Integers
    anchors: Integers

    @classmethod
    def of(
        cls,
        topology: app.Topology,
        particles: Sequence[int] | Integers,
        *,
        system: openmm.System | None = None,
    ) -> CarriedHydrogens:
        """Hydrogens that are bonded to some heavy atoms.

        Parameters
        ----------
        topology
            All atoms.
        particles
            The heavy atoms, for instance `ComplexAtoms.particles`.
        system
            See `BondGraph.of`.

        Raises
        ------
        ValueError
            If one of the particles is a hydrogen or not in the Topology.
        """
        is_hydrogen = [
            a.element is not None and a.element.symbol in ("H", "D") for a in topology.atoms()
        ]
        place = {int(particle): n for n, particle in enumerate(particles)}
        for particle in place:
            if not 0 <= particle < len(is_hydrogen) or is_hydrogen[particle]:
                raise ValueError(
                    f"particles must be heavy atoms of the Topology, which has {len(is_hydrogen)} "
                    f"atoms, got {particle}"
                )
        neighbours = BondGraph.of(topology, system).neighbours
        heavy = {
            atom: [other for other in sorted(around) if other in place]
            for atom, around in neighbours.items()
        }
        hydrogens, anchors = [], []
        for atom, hydrogen in enumerate(is_hydrogen):
            if hydrogen and (around := heavy.get(atom)):
                hydrogens.append(atom)
                anchors.append([place.get(a, -1) for a in _anchors(around[0], heavy)])
        return cls(
            np.array(list(place), dtype=np.int64),
            np.array(hydrogens, dtype=np.int64),
            np.array(anchors, dtype=np.int64).reshape(-1, 3),
        )

    def rebuild(self, positions_nm: ArrayLike, heavy_nm: ArrayLike) -> Array:
        """Full configurations ``(k, n_atoms, 3)``, nm, float64, with new heavy atoms.

        Parameters
        ----------
        positions_nm
            ``(n_atoms, 3)``, nm: where all atoms are now. Those that neither are in ``particles``
            nor hydrogens of them stay.
        heavy_nm
            ``(k, n, 3)``, nm: new positions of ``particles``.

        Raises
        ------
        ValueError
            If shapes do not fit.
        """
        now = np.asarray(positions_nm, dtype=np.float64)
        new = np.asarray(heavy_nm, dtype=np.float64)
        fits = now.ndim == 2 and now.shape[1] == 3 and len(now) > self._highest
        if not fits or new.shape[1:] != (len(self.particles), 3):
            raise ValueError(
                f"expected positions (n_atoms, 3) with more than {self._highest} atoms and heavy "
                f"atoms (k, {len(self.particles)}, 3), got shapes {now.shape} and {new.shape}"
            )
        result = np.repeat(now[None], len(new), axis=0)
        result[:, self.particles] = new
        if len(self.hydrogens):
            result[:, self.hydrogens] = self._hydrogens(now, new)
        return result

    @property
    def _highest(self) -> int:
        return int(max(self.particles.max(initial=-1), self.hydrogens.max(initial=-1)))

    def _hydrogens(self, now: Array, new: Array) -> Array:
        old = now[self.particles]
        root = self.anchors[:, 0]
        arms = now[self.hydrogens] - old[root]
        turned = np.broadcast_to(arms, (len(new), *arms.shape)).copy()
        has_axis = self.anchors[:, 1] >= 0
        planar = has_axis & (self.anchors[:, 2] >= 0)
        planar[planar] = _bend(*self._bonds(old[None], planar))[0] > _STRAIGHT
        for chosen, frames in ((planar, _plane_frames), (has_axis & ~planar, None)):
            if not chosen.any():
                continue
            before, after = self._bonds(old[None], chosen), self._bonds(new, chosen)
            if frames is None:
                turn = _shortest_turn(before[0], after[0])
            else:
                turn = np.swapaxes(frames(*after), -1, -2) @ frames(*before)
            turned[:, chosen] = (turn @ arms[chosen][..., None])[..., 0]
        return np.asarray(new[:, root] + turned)

    def _bonds(self, heavy: Array, chosen: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Vectors ``(k, m, 3)`` from the heavy atom to its axis atom and its plane atom."""
        root, axis, plane = self.anchors[chosen].T
        return heavy[:, axis] - heavy[:, root], heavy[:, plane] - heavy[:, root]


def _anchors(root: int, heavy: Mapping[int, list[int]]) -> tuple[int, int, int]:
    """The heavy atom, one that defines the axis, one that defines the plane; -1 for none."""
    around = heavy.get(root, [])
    if not around:
        return root, -1, -1
    if len(around) > 1:
        return root, around[0], around[1]
    beyond = [other for other in heavy.get(around[0], []) if other != root]
    return root, around[0], beyond[0] if beyond else -1


def _unit(vectors: Array) -> Array:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12))


def _bend(axis: Array, other: Array) -> Array:
    """Sine of the angle between vectors."""
    return np.asarray(np.linalg.norm(np.cross(_unit(axis), _unit(other)), axis=-1))


def _plane_frames(axis: Array, other: Array) -> Array:
    """Orthonormal frames ``(..., 3, 3)``, rows are their axes, of two vectors by Gram-Schmidt."""
    first = _unit(axis)
    third = _unit(np.cross(first, other))
    return np.stack([first, np.cross(third, first), third], axis=-2)


def _shortest_turn(before: Array, after: Array) -> NDArray[Any]:
    """Rotations ``(..., 3, 3)`` that turn one direction into another about their common normal.

    Rodrigues' formula, R = 1 + K + K^2 / (1 + cos), with K the cross product's matrix.
    """
    a, b = np.broadcast_arrays(_unit(before), _unit(after))
    x, y, z = np.moveaxis(np.cross(a, b), -1, 0)
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)
    cosine = np.sum(a * b, axis=-1)[..., None, None]
    # Opposite directions have no shortest turn: half a turn about any normal is as good.
    turn = np.eye(3) + k + k @ k / np.maximum(1.0 + cosine, 1e-9)
    normal = _unit(np.cross(a, np.where(np.abs(a[..., :1]) < 0.9, [1.0, 0, 0], [0, 1.0, 0])))
    half = 2.0 * normal[..., :, None] * normal[..., None, :] - np.eye(3)
    return np.where(cosine < -1.0 + 1e-9, half, turn)
