"""Where a ligand is and how it is turned, as its receptor sees it: `Poses`, `PoseFrame`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.pose_groups import ligand_triangle, receptor_sectors

Array = NDArray[np.float64]
Integers = NDArray[np.intp]
Groups = tuple[Integers, Integers, Integers]

_SMALLEST_SINE = 1e-6
"""Between two sides of a triangle; below it rounding decides which way the axes point."""


@dataclass(frozen=True, eq=False)
class Poses:
    """Places and orientations of a ligand in its receptor's frame.

    Attributes
    ----------
    places_nm
        ``(n, 3)`` float64, nm, centers of the ligand's heavy atoms.
    rotations
        ``(n, 3, 3)`` float64, columns are the ligand's axes.

    Raises
    ------
    ValueError
        If the arrays do not fit each other.

    Examples
    --------
    >>> poses = Poses(np.zeros((4, 3)), np.tile(np.eye(3), (4, 1, 1)))
    >>> len(poses), len(poses[1:]), len(Poses.joined([poses, poses[[0, 2]]]))
    (4, 3, 6)
    """

    places_nm: Array
    rotations: Array

    def __post_init__(self) -> None:
        n = len(self.places_nm)
        if self.places_nm.shape != (n, 3) or self.rotations.shape != (n, 3, 3):
            raise ValueError(
                "expected places (n, 3) and rotations (n, 3, 3) of equally many poses, got "
                f"{self.places_nm.shape} and {self.rotations.shape}"
            )

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.places_nm)

    def __getitem__(self, which: slice | Sequence[int] | NDArray[Any]) -> Poses:
        """Return some of them, by a slice, indices or a mask."""
        return Poses(self.places_nm[which], self.rotations[which])

    @classmethod
    def joined(cls, parts: Sequence[Poses]) -> Self:
        """All poses of some parts, in their order; none of no parts."""
        places = [np.empty((0, 3)), *(part.places_nm for part in parts)]
        rotations = [np.empty((0, 3, 3)), *(part.rotations for part in parts)]
        return cls(np.concatenate(places), np.concatenate(rotations))


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    receptor_groups: tuple[list[int], list[int], list[int]]
    ligand_groups: tuple[list[int], list[int], list[int]]
    ligand_heavy: list[int]


@dataclass(frozen=True, eq=False)
class PoseFrame:
    """Which particles say where a ligand is and how it is turned.

    With the centroids g1, g2, g3 of three groups of the receptor, the origin is their mean, the
    first axis points from g1 to g2, the third is perpendicular to all three, towards
    (g2 - g1) x (g3 - g1), and the second is the third's product with the first. The axes of the
    ligand are those of its own three groups. Centroids are plain means. Axes of this kind are
    smooth wherever the groups are not in line, so that a force can be taken from them; those of a
    superposition on a reference would need an eigenvalue problem in it.

    Attributes
    ----------
    receptor_groups, ligand_groups
        Three index arrays each.
    ligand_heavy
        ``(n,)``, the particles whose mean is the ligand's place.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> frame = PoseFrame.of(bound)
    >>> poses = frame.poses(bound.positions_nm[None])
    >>> bool(np.linalg.norm(poses.places_nm[0]) < 0.05)  # B2 is in the middle of the ring
    True
    >>> again = PoseFrame.of_json(frame.to_json()).poses(bound.positions_nm[None])
    >>> bool((again.rotations == poses.rotations).all())
    True
    """

    receptor_groups: Groups
    ligand_groups: Groups
    ligand_heavy: Integers

    @classmethod
    def of(cls, bound: BoundComplex, frames_nm: NDArray[Any] | None = None) -> Self:
        """Frame of a complex, the same for the same arguments.

        Parameters
        ----------
        bound
            The complex; the receptor's groups depend on its bound state alone.
        frames_nm
            ``(n, n_particles, 3)``, nm, from which the rigid part of the ligand is known. Without
            them rotatable bonds are turned instead.

        Raises
        ------
        ValueError
            If the ligand or the receptor has no three heavy atoms that are not in line, or the
            frames do not fit the complex.
        """
        return cls(receptor_sectors(bound), ligand_triangle(bound, frames_nm), bound.ligand_heavy)

    def poses(self, positions_nm: NDArray[Any]) -> Poses:
        """Poses of conformations.

        Parameters
        ----------
        positions_nm
            ``(n, n_particles, 3)``, nm, with ligand and receptor whole and in one image.

        Raises
        ------
        ValueError
            If the shape is another one, or three groups are in line.
        """
        x = np.asarray(positions_nm)
        if x.ndim != 3 or x.shape[2] != 3:
            raise ValueError(f"expected positions (n, n_particles, 3), got {x.shape}")
        origins, axes = _axes(x, self.receptor_groups, "receptor")
        _, ligand_axes = _axes(x, self.ligand_groups, "ligand")
        offsets = _centroids(x, self.ligand_heavy) - origins
        places = np.einsum("nki,nk->ni", axes, offsets)
        return Poses(places, np.einsum("nki,nkj->nij", axes, ligand_axes))

    def to_json(self) -> str:
        """Text from which `of_json` makes the same again."""
        return _Stored(
            receptor_groups=_lists(self.receptor_groups),
            ligand_groups=_lists(self.ligand_groups),
            ligand_heavy=self.ligand_heavy.tolist(),
        ).model_dump_json()

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Frame that `to_json` has written.

        Raises
        ------
        ValueError
            If the text is something else.
        """
        try:
            stored = _Stored.model_validate_json(text)
        except ValidationError as error:
            raise ValueError(f"expected a stored PoseFrame, got {text[:80]!r}: {error}") from None
        heavy = np.array(stored.ligand_heavy, dtype=np.intp)
        return cls(_arrays(stored.receptor_groups), _arrays(stored.ligand_groups), heavy)


def _lists(groups: Groups) -> tuple[list[int], list[int], list[int]]:
    one, two, three = (group.tolist() for group in groups)
    return one, two, three


def _arrays(groups: tuple[list[int], list[int], list[int]]) -> Groups:
    one, two, three = (np.array(group, dtype=np.intp) for group in groups)
    return one, two, three


def _centroids(x: NDArray[Any], group: Integers) -> Array:
    return np.asarray(x[:, group].mean(axis=1, dtype=np.float64))


def _axes(x: NDArray[Any], groups: Groups, whose: str) -> tuple[Array, Array]:
    """Origins ``(n, 3)`` and axes ``(n, 3, 3)``, as columns, of three groups."""
    one, two, three = (_centroids(x, group) for group in groups)
    along, other = two - one, three - one
    normal = np.cross(along, other)
    sizes = [np.linalg.norm(v, axis=1, keepdims=True) for v in (along, other, normal)]
    sound = (sizes[2] > _SMALLEST_SINE * sizes[0] * sizes[1])[:, 0]
    if not sound.all():
        raise ValueError(
            f"the three groups of the {whose} are in line, or not finite, in conformation "
            f"{int(np.argmin(sound))} of {len(x)}: it has no orientation there; check the positions"
        )
    first, third = along / sizes[0], normal / sizes[2]
    return (one + two + three) / 3, np.stack([first, np.cross(third, first), third], axis=2)
