"""Dihedral angles and turns about bonds, one formula each for numbers and for arrays.

The functions take Cartesian components one by one and use plain arithmetic on them, so that the
same formula serves a single conformation as Python floats (a few microseconds: a NumPy call costs
more than all the arithmetic of one torsion) and a batch as arrays.
"""

from __future__ import annotations

import math
from typing import Any


def dihedral(
    i: Any,
    j: Any,
    k: Any,
    l: Any,  # noqa: E741
    math_library: Any = math,
) -> Any:
    """Dihedral angle i-j-k-l in rad, in [-pi, pi], positive clockwise (IUPAC).

    Parameters
    ----------
    i, j, k, l
        Three components each, in nm: floats, or arrays of one shape.
    math_library
        ``math`` for floats, ``numpy`` for arrays: where ``atan2`` comes from.

    Returns
    -------
    float or ndarray
        NaN where a component is NaN; 0 where the dihedral is undefined (three atoms in line).

    References
    ----------
    Sign: IUPAC-IUB, Biochemistry 9, 3471 (1970). With bond vectors a, b, c:
    tan(phi) = |b| a . (b x c) / ((a x b) . (b x c)), the form without divisions of Blondel and
    Karplus, J. Comput. Chem. 17, 1132 (1996).
    """
    ax, ay, az = j[0] - i[0], j[1] - i[1], j[2] - i[2]
    bx, by, bz = k[0] - j[0], k[1] - j[1], k[2] - j[2]
    cx, cy, cz = l[0] - k[0], l[1] - k[1], l[2] - k[2]
    mx, my, mz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    nx, ny, nz = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    sine = (bx * bx + by * by + bz * bz) ** 0.5 * (ax * nx + ay * ny + az * nz)
    return math_library.atan2(sine, mx * nx + my * ny + mz * nz)


def turn(j: Any, k: Any, cosine: Any, sine: Any) -> tuple[Any, ...]:
    """Sixteen entries, row by row, of the (4, 4) matrix that turns row vectors about an axis.

    ``(x, y, z, 1) @ matrix`` is the point turned about the line through j and k by the angle,
    counter-clockwise as seen from k towards j: it raises the dihedral i-j-k-l if it moves l.
    Every entry is linear in (cosine, sine, 1), on which `TorsionKernel` relies.

    Parameters
    ----------
    j, k
        Three components each, in nm: floats, or arrays of one shape.
    cosine, sine
        Of the angle; floats or arrays.

    References
    ----------
    Rodrigues' formula, R = cos(a) I + sin(a) [u]x + (1 - cos(a)) u u^T, transposed because rows
    are multiplied from the left; the last row is j - R j.
    """
    jx, jy, jz = j
    x, y, z = k[0] - jx, k[1] - jy, k[2] - jz
    scale = 1.0 / (x * x + y * y + z * z) ** 0.5
    x, y, z = x * scale, y * scale, z * scale
    v = 1.0 - cosine
    vx, vy, vz, sx, sy, sz = v * x, v * y, v * z, sine * x, sine * y, sine * z
    vxy, vxz, vyz = vx * y, vx * z, vy * z
    xx, xy, xz = vx * x + cosine, vxy + sz, vxz - sy
    yx, yy, yz = vxy - sz, vy * y + cosine, vyz + sx
    zx, zy, zz = vxz + sy, vyz - sx, vz * z + cosine
    ox = jx - (jx * xx + jy * yx + jz * zx)
    oy = jy - (jx * xy + jy * yy + jz * zy)
    oz = jz - (jx * xz + jy * yz + jz * zz)
    return (xx, xy, xz, 0.0, yx, yy, yz, 0.0, zx, zy, zz, 0.0, ox, oy, oz, 1.0)
