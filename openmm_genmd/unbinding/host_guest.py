"""Guests put into ring-shaped hosts, as starts: `thread_guest`, `minimized`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openmm
from numpy.typing import NDArray

from openmm_genmd.md.platforms import find_platform

Floats = NDArray[np.float64]

_TURNS = 36
_TOLERANCE_KJ_PER_MOL_NM = 1.0
_ITERATIONS = 500


def thread_guest(host_nm: Floats, guest_nm: Floats, inside: Sequence[int]) -> Floats:
    """Positions ``(n, 3)``, nm, of a rigid guest with part of it in the cavity of a ring.

    The center of that part comes to the center of the host and its longest principal axis onto
    the host's shortest, which is the axis of a ring. Of the rotations about it, in steps of ten
    degrees, the one is taken with the largest distance to the host.

    Parameters
    ----------
    host_nm
        ``(n_host, 3)``, nm.
    guest_nm
        ``(n, 3)``, nm, anywhere.
    inside
        Atoms of the guest that belong into the cavity.

    Examples
    --------
    >>> angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    >>> ring = np.stack([np.cos(angle), np.sin(angle), 0.0 * angle], axis=1)
    >>> rod = np.array([[0.0, 0.1, 3.0], [0.2, 0.1, 3.0], [0.4, 0.1, 3.0]])
    >>> abs(thread_guest(ring, rod, [0, 1, 2])).round(3)
    array([[0. , 0. , 0.2],
           [0. , 0. , 0. ],
           [0. , 0. , 0.2]])
    """
    axis = _principal_axes(host_nm)[0]
    along = _principal_axes(guest_nm[inside])[2]
    centered = guest_nm - guest_nm[inside].mean(axis=0)
    upright = centered @ _rotation_between(along, axis).T
    poses = [
        upright @ _rotation(axis, 2 * np.pi * turn / _TURNS).T + host_nm.mean(axis=0)
        for turn in range(_TURNS)
    ]
    gaps = [np.linalg.norm(host_nm[:, None] - pose[None], axis=-1).min() for pose in poses]
    # Of turns that are equal but for rounding the first, so that all machines agree.
    return np.asarray(poses[int(np.argmax(np.round(gaps, 6)))])


def minimized(system: openmm.System, positions_nm: Floats) -> Floats:
    """Positions ``(n_particles, 3)``, nm, after a minimization on one thread.

    Parameters
    ----------
    system
        Its energy is minimized.
    positions_nm
        ``(n_particles, 3)``, nm.
    """
    context = openmm.Context(
        system,
        openmm.VerletIntegrator(0.001),
        find_platform("CPU"),
        {"Threads": "1", "DeterministicForces": "true"},
    )
    context.setPositions(positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, _TOLERANCE_KJ_PER_MOL_NM, _ITERATIONS)
    found = context.getState(positions=True).getPositions(asNumpy=True)
    return np.asarray(found._value, dtype=np.float64)


def _principal_axes(points: Floats) -> Floats:
    """Unit vectors ``(3, 3)`` as rows, the one of least extent first."""
    centered = points - points.mean(axis=0)
    _, vectors = np.linalg.eigh(centered.T @ centered)
    return np.asarray(vectors.T)


def _rotation(axis: Floats, angle_rad: float) -> Floats:
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned = np.eye(3) + np.sin(angle_rad) * cross + (1 - np.cos(angle_rad)) * cross @ cross
    return np.asarray(turned)


def _rotation_between(start: Floats, end: Floats) -> Floats:
    """Rotation matrix of least angle that brings one axis onto another, of either sign."""
    end = end if start @ end >= 0 else -end
    normal = np.cross(start, end)
    sine = float(np.linalg.norm(normal))
    if sine < 1e-12:
        return np.eye(3)
    return _rotation(normal, float(np.arctan2(sine, start @ end)))
