"""Whether positions are those of a topology, in nm: judged by bond lengths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from openmm import app

_HYDROGEN_NM, _HEAVY_NM = 0.102, 0.145
"""Typical bonds. Their ratio to what is found tells units apart, which differ by a factor of 10."""

_SECOND_PERIOD = 10
"""Atomic number up to which a bond between heavy atoms is shorter than 0.2 nm."""


def require_plausible_bonds(
    positions_nm: NDArray[np.floating[Any]],
    topology: app.Topology,
    box_nm: NDArray[np.float64] | None,
    what: str,
) -> None:
    """None if bonded atoms are a bond apart.

    Atoms without bonds in the topology are not looked at, and a single long bond between two
    residues is taken for a gap in the chain. Limits are wide: bonds of hydrogens 0.06 to 0.16 nm,
    those of carbon, nitrogen, oxygen and fluorine 0.09 to 0.2 nm, others 0.09 to 0.33 nm.

    Parameters
    ----------
    positions_nm
        ``(n_atoms, 3)``, nm.
    topology
        Its bonds are expected.
    box_nm
        ``(3, 3)``, rows are box vectors; molecules may be broken across it. None without a box.
    what
        Where the positions come from, for the message.

    Raises
    ------
    ValueError
        If they are in Angstrom, or were divided by ten twice, or atoms are not where the topology
        has them.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> require_plausible_bonds(10 * positions_nm, topology, None, "a.npz")
    ... # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: bonds in the first frame of a.npz are 10.7 times as long as expected: its ...
    """
    bonds = list(topology.bonds())
    if not bonds:
        return
    pairs = np.array([(bond[0].index, bond[1].index) for bond in bonds])
    numbers = np.array([a.element.atomic_number if a.element else 0 for a in topology.atoms()])
    lengths_nm = _lengths(positions_nm, pairs, box_nm)
    _require_unit(lengths_nm, numbers[pairs], what)
    _require_order(lengths_nm, numbers[pairs], bonds, what)


def _lengths(
    positions_nm: NDArray[np.floating[Any]],
    pairs: NDArray[np.int64],
    box_nm: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    offsets = np.asarray(positions_nm[pairs[:, 1]] - positions_nm[pairs[:, 0]], dtype=np.float64)
    if box_nm is not None and abs(np.linalg.det(box_nm)) > 0:
        offsets -= np.round(offsets @ np.linalg.inv(box_nm)) @ box_nm
    return np.asarray(np.linalg.norm(offsets, axis=1))


def _require_unit(lengths_nm: NDArray[np.float64], numbers: NDArray[np.int64], what: str) -> None:
    expected = np.where((numbers == 1).any(axis=1), _HYDROGEN_NM, _HEAVY_NM)
    ratio = float(np.median(lengths_nm / expected))
    if 6 < ratio < 16:
        mistake = "its positions are in Angstrom where nm are expected; convert them"
    elif 0.06 < ratio < 0.16:
        mistake = (
            "its positions are in nm where the format has Angstrom, and were divided by 10; "
            "write them in the unit of the format"
        )
    else:
        return
    raise ValueError(
        f"bonds in the first frame of {what} are {ratio:.3g} times as long as expected: {mistake}"
    )


def _require_order(
    lengths_nm: NDArray[np.float64],
    numbers: NDArray[np.int64],
    bonds: list[Any],
    what: str,
) -> None:
    hydrogen, heavy = (numbers == 1).any(axis=1), (numbers > _SECOND_PERIOD).any(axis=1)
    shortest = np.where(hydrogen, 0.06, 0.09)
    longest = np.select([heavy, hydrogen], [0.33, 0.16], 0.2)
    bad = np.flatnonzero((lengths_nm < shortest) | (lengths_nm > longest))
    inside = [n for n in bad if bonds[n][0].residue is bonds[n][1].residue]
    if not inside and len(bad) < 2:
        return
    first = inside[0] if inside else bad[0]
    raise ValueError(
        f"{len(bad)} of {len(bonds)} bonds of the topology have impossible lengths in the first "
        f"frame of {what}, for instance {_label(bonds[first])}: {lengths_nm[first]:.3f} nm; its "
        "atoms are in another order than in the topology, or it is another molecule, or one "
        "that is broken across the boundaries of a box that the file does not hold"
    )


def _label(bond: Any) -> str:
    a, b = bond[0], bond[1]
    return f"{a.name}-{b.name} of {a.residue.name} {a.residue.index} (atoms {a.index}, {b.index})"
