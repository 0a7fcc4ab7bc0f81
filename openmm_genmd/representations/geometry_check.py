"""Whether conformations of a peptide are sound: `check`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app
from scipy.spatial import cKDTree

from openmm_genmd.representations.dihedrals import dihedral
from openmm_genmd.representations.geometry_expectations import GeometryExpectations

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

BOND_TOLERANCE_NM = 0.02
"""Six standard deviations of a C-C bond at 300 K."""

ANGLE_TOLERANCE_DEG = 25.0
"""Five standard deviations of a C-C-C angle at 300 K."""

OMEGA_TOLERANCE_DEG = 50.0
"""Six standard deviations of a peptide bond at 300 K."""

HEAVY_CONTACT, HYDROGEN_CONTACT = 0.75, 0.5
"""Distance over the sum of radii below which a pair clashes; hydrogen bonds are near 0.6."""


_VALUES_PER_CHUNK = 300_000
"""So many angles take 20 MB."""


@dataclass(frozen=True, eq=False)
class GeometryReport:
    """What `check` found in some conformations.

    Attributes
    ----------
    bond_deviation_nm
        ``(n,)``: how far the worst bond is outside the range of equilibrium lengths.
    worst_bonds
        ``n`` labels of that bond.
    angle_deviation_deg, worst_angles
        The same of angles.
    n_clashes
        ``(n,)`` int64: pairs more than three bonds apart that are closer than 0.75 of the sum of
        their radii, 0.5 where one is a hydrogen.
    closest_contact
        ``(n,)``: the smallest distance over the sum of radii of such a pair, infinite without one.
    worst_contacts
        ``n`` labels of that pair, empty without one.
    inverted
        ``(n, n_centers)`` bool: CA (CB of isoleucine and threonine) of the wrong chirality.
    omega_rad
        ``(n, n_omegas)``, torsions of peptide bonds, those to caps included.
    twisted
        ``(n, n_omegas)`` bool: more than 50 degrees from trans; proline may be cis as well.
    center_labels, omega_labels
        Names for the last two.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> report = check(positions_nm * [1, 1, -1], topology)  # the mirror image
    >>> report.problems(0)
    ['CA ALA 2 has the wrong chirality (D instead of L)']
    """

    bond_deviation_nm: Array
    worst_bonds: tuple[str, ...]
    angle_deviation_deg: Array
    worst_angles: tuple[str, ...]
    n_clashes: Integers
    closest_contact: Array
    worst_contacts: tuple[str, ...]
    inverted: NDArray[np.bool_]
    omega_rad: Array
    twisted: NDArray[np.bool_]
    center_labels: tuple[str, ...]
    omega_labels: tuple[str, ...]

    @property
    def sound(self) -> NDArray[np.bool_]:
        """``(n,)`` bool: conformations without any problem."""
        covalent = (self.bond_deviation_nm <= BOND_TOLERANCE_NM) & (
            self.angle_deviation_deg <= ANGLE_TOLERANCE_DEG
        )
        stereo = ~self.inverted.any(axis=1) & ~self.twisted.any(axis=1)
        return np.asarray(covalent & stereo & (self.n_clashes == 0))

    def problems(self, n: int = 0) -> list[str]:
        """What is wrong with conformation number ``n``, in words; empty if it is sound."""
        found = []
        if not self.bond_deviation_nm[n] <= BOND_TOLERANCE_NM:
            found.append(
                f"bond {self.worst_bonds[n]} is {self.bond_deviation_nm[n]:.3f} nm out of range"
            )
        if not self.angle_deviation_deg[n] <= ANGLE_TOLERANCE_DEG:
            found.append(
                f"angle {self.worst_angles[n]} is {self.angle_deviation_deg[n]:.0f} degrees out "
                "of range"
            )
        if self.n_clashes[n]:
            found.append(
                f"{self.n_clashes[n]} clashes, the worst {self.worst_contacts[n]} at "
                f"{self.closest_contact[n]:.2f} of the sum of radii"
            )
        for center in np.flatnonzero(self.inverted[n]):
            found.append(
                f"{self.center_labels[center]} has the wrong chirality (D instead of L)"
                if self.center_labels[center].startswith("CA ")
                else f"{self.center_labels[center]} has the wrong chirality"
            )
        for omega in np.flatnonzero(self.twisted[n]):
            angle = np.degrees(self.omega_rad[n, omega])
            found.append(f"omega {self.omega_labels[omega]} is {angle:.0f} degrees, not trans")
        return found


def check(positions_nm: NDArray[Any], topology: app.Topology) -> GeometryReport:
    """Report on bonds, angles, clashes, chirality and peptide bonds.

    Ranges are wide enough for what happens at 300 K: a report without problems says that nothing
    is broken, not that a conformation is probable.

    Parameters
    ----------
    positions_nm
        ``(n, n_atoms, 3)``, or ``(n_atoms, 3)`` for one conformation, nm, whole molecules. What is
        not finite counts as broken.
    topology
        With bonds, with or without hydrogens. Only amino acids have a chirality to check.

    Raises
    ------
    ValueError
        If the shape is wrong, or the Topology has no bonds.
    """
    positions = np.asarray(positions_nm, dtype=np.float64)
    positions = positions[None] if positions.ndim == 2 else positions
    if positions.shape[1:] != (topology.getNumAtoms(), 3):
        raise ValueError(
            f"positions must have shape (n, {topology.getNumAtoms()}, 3) as in the Topology, got "
            f"{np.shape(positions_nm)}"
        )
    expected = GeometryExpectations.of(topology)
    with np.errstate(invalid="ignore"):
        omega_rad, twisted = _omegas(positions, expected)
        inverted = _inverted(positions, expected.centers)
        bond, bond_excess = _worst(_lengths, positions, expected.bonds, expected.bond_ranges_nm)
        angle, angle_excess = _worst(_angles, positions, expected.angles, expected.angle_ranges_deg)
    contacts = [_contacts(conformation, expected) for conformation in positions]
    return GeometryReport(
        bond_deviation_nm=bond_excess,
        worst_bonds=_labels(expected, expected.bonds, bond),
        angle_deviation_deg=angle_excess,
        worst_angles=_labels(expected, expected.angles, angle),
        n_clashes=np.array([contact[0] for contact in contacts], dtype=np.int64),
        closest_contact=np.array([contact[1] for contact in contacts], dtype=np.float64),
        worst_contacts=tuple(contact[2] for contact in contacts),
        inverted=inverted,
        omega_rad=omega_rad,
        twisted=twisted,
        center_labels=tuple(expected.labels[center] for center in expected.centers[:, 0]),
        omega_labels=tuple(_label(expected, atoms[[1, 2]]) for atoms in expected.omegas),
    )


def _lengths(positions: Array, bonds: Integers) -> Array:
    return np.asarray(
        np.linalg.norm(positions[:, bonds[:, 1]] - positions[:, bonds[:, 0]], axis=-1)
    )


def _angles(positions: Array, angles: Integers) -> Array:
    one, other = (positions[:, angles[:, end]] - positions[:, angles[:, 1]] for end in (0, 2))
    sine = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.asarray(np.degrees(np.arctan2(sine, (one * other).sum(-1))))


def _worst(
    measure: Callable[[Array, Integers], Array], positions: Array, groups: Integers, ranges: Array
) -> tuple[Integers, Array]:
    """Number of the value ``(n,)`` that is farthest out of its range, and how far ``(n,)``."""
    which, how_far = np.zeros(len(positions), dtype=np.int64), np.zeros(len(positions))
    if not len(groups):
        return which, how_far
    step = max(1, _VALUES_PER_CHUNK // len(groups))
    for start in range(0, len(positions), step):
        part = slice(start, start + step)
        values = measure(positions[part], groups)
        outside = np.maximum(np.maximum(ranges[:, 0] - values, values - ranges[:, 1]), 0.0)
        outside[~np.isfinite(values)] = np.inf
        which[part], how_far[part] = outside.argmax(axis=1), outside.max(axis=1)
    return which, how_far


def _labels(expected: GeometryExpectations, groups: Integers, which: Integers) -> tuple[str, ...]:
    return tuple(_label(expected, groups[n]) if len(groups) else "" for n in which)


def _label(expected: GeometryExpectations, atoms: Integers) -> str:
    return " - ".join(expected.labels[atom] for atom in atoms)


def _contacts(positions: Array, expected: GeometryExpectations) -> tuple[int, float, str]:
    """Number of clashes, the smallest distance in sums of radii, and whose."""
    finite = np.flatnonzero(np.isfinite(positions).all(axis=1))
    reach = 2 * HEAVY_CONTACT * float(expected.radii_nm.max())
    pairs = finite[cKDTree(positions[finite]).query_pairs(reach, output_type="ndarray")]
    pairs = pairs[~np.isin(pairs @ [len(positions), 1], expected.near_pairs)]
    if not len(pairs):
        return 0, np.inf, ""
    distances = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=-1)
    relative = distances / expected.radii_nm[pairs].sum(axis=1)
    hydrogen = expected.is_hydrogen[pairs].any(axis=1)
    # A hydrogen bond is no contact to report, so hydrogens count only where they clash.
    limits = np.where(hydrogen, HYDROGEN_CONTACT, HEAVY_CONTACT)
    worst = int(np.argmin(relative / limits))
    n_clashes = int(np.count_nonzero(relative < limits))
    return n_clashes, float(relative[worst]), _label(expected, pairs[worst])


def _inverted(positions: Array, centers: Integers) -> NDArray[np.bool_]:
    a, b, c = (positions[:, centers[:, n]] - positions[:, centers[:, 0]] for n in (1, 2, 3))
    return np.asarray(~((np.cross(a, b) * c).sum(-1) > 0))


def _omegas(positions: Array, expected: GeometryExpectations) -> tuple[Array, NDArray[np.bool_]]:
    i, j, k, l = np.moveaxis(positions[:, expected.omegas], (-2, -1), (0, 1))  # noqa: E741
    omega = np.asarray(dihedral(i, j, k, l, np), dtype=np.float64)
    from_cis, from_trans = np.abs(np.degrees(omega)), 180.0 - np.abs(np.degrees(omega))
    allowed = (from_trans <= OMEGA_TOLERANCE_DEG) | (
        expected.may_be_cis & (from_cis <= OMEGA_TOLERANCE_DEG)
    )
    return omega, ~allowed
