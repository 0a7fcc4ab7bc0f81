"""The coordinates along which a leap is dragged: `SoftCoordinates`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from openmm import unit

from openmm_genmd.native import core
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.units import to_md

Indices = tuple[int, ...]


@dataclass(frozen=True)
class SoftCoordinates:
    """Torsions, frames of rigid bodies, and single particles, each with what follows it.

    All numbers are indices into the System, and of particles that the proposer moves.

    Parameters
    ----------
    torsions
        Pairs of the four atoms i, j, k, l and the atoms that turn about j-k: one side of the bond,
        with its atom of the bond. Sides of different torsions must be nested or disjoint.
    frames
        Pairs of three atoms a, b, c and the atoms that follow as a rigid body: the origin is a, the
        first axis points to b, c is in the plane of the first two. A residue (N, CA, C), or a
        ligand.
    points
        Atoms whose positions are dragged.
    superpose
        Whether a molecule that morphs is shifted and turned as a whole, so that its atoms sweep
        through as little solvent as possible. The result is a rigid motion of what was proposed,
        which is right for proposers whose density does not depend on the pose, as that of torsions.
    torsion_width_rad, position_width_nm, rotation_width_rad
        How closely the coordinates follow when they are dragged by springs: the standard deviation
        around the center, as Quantity or number.

    Raises
    ------
    ValueError
        If there are no coordinates, or a width is not positive.
    OpenMMException
        If neither or both atoms of a bond are on its turning side, a frame has an atom twice or one
        outside of its group, a particle follows two coordinates, or others than torsions superpose.

    Examples
    --------
    >>> SoftCoordinates(torsions=[((0, 1, 2, 3), (2, 3))]).torsions
    (((0, 1, 2, 3), (2, 3)),)
    """

    torsions: Sequence[tuple[Sequence[int], Sequence[int]]] = ()
    frames: Sequence[tuple[Sequence[int], Sequence[int]]] = ()
    points: Sequence[int] = ()
    superpose: bool = False
    torsion_width_rad: Any = 0.1
    position_width_nm: Any = 0.005
    rotation_width_rad: Any = 0.1

    def __post_init__(self) -> None:
        if not (len(self.torsions) or len(self.frames) or len(self.points)):
            raise ValueError("SoftCoordinates need at least one torsion, frame or point, got none")
        for name in ("torsions", "frames"):
            pairs = tuple(
                (_indices(atoms), _indices(group)) for atoms, group in getattr(self, name)
            )
            object.__setattr__(self, name, pairs)
        object.__setattr__(self, "points", _indices(self.points))
        units = {"torsion_width_rad": unit.radian, "position_width_nm": unit.nanometer}
        for name in ("torsion_width_rad", "position_width_nm", "rotation_width_rad"):
            width = to_md(getattr(self, name), units.get(name, unit.radian), name)
            if not width > 0:
                raise ValueError(f"{name} must be positive, got {width}")
            object.__setattr__(self, name, width)
        self.to_native().require_independent()

    @classmethod
    def of(cls, proposer: Proposer) -> Self:
        """Coordinates of a proposer: its torsions, superposed, or else the positions themselves."""
        representation = proposer.representation
        if isinstance(representation, TorsionRepresentation):
            return cls(
                torsions=[(t.atoms, t.moving) for t in representation.torsions], superpose=True
            )
        return cls(points=list(proposer.particles))

    @classmethod
    def from_native(cls, native: Any) -> Self:
        """Coordinates that the extension module has."""
        torsion, position, rotation = native.widths
        return cls(
            native.torsions,
            native.frames,
            native.points,
            native.superposes,
            torsion_width_rad=torsion,
            position_width_nm=position,
            rotation_width_rad=rotation,
        )

    def to_native(self) -> Any:
        """Return the same for the extension module."""
        native = core.SoftCoordinates()
        for atoms, moving in self.torsions:
            native.add_torsion(atoms, moving)
        for atoms, group in self.frames:
            native.add_frame(atoms, group)
        for point in self.points:
            native.add_point(point)
        native.superposes = self.superpose
        native.set_widths(self.torsion_width_rad, self.position_width_nm, self.rotation_width_rad)
        return native


def _indices(values: Sequence[int]) -> Indices:
    return tuple(int(value) for value in values)
