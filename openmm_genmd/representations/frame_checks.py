"""Whether frames can move the residues of a System: `check_frames`, `require_rotations`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import openmm

from openmm_genmd.representations.constraints import check_system, kept_distances
from openmm_genmd.representations.frame_plan import FramePlan
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.rotatable_bonds import Torsion

_LARGEST_SKEW = 1e-9
"""Of rotations: with more, bonds to hydrogens are no longer as long as their constraints."""


def require_rotations(frames: ResidueFrames, n_residues: int) -> None:
    """None if frames are rigid motions, one for each residue; NaN counts as one.

    Raises
    ------
    ValueError
        If there are not ``n_residues``, or a rotation is not orthogonal or a reflection.
    """
    shape = frames.translations_angstrom.shape
    if shape[-2:] != (n_residues, 3):
        raise ValueError(f"frames must have shape (..., {n_residues}), got {shape[:-1]}")
    rotations = np.asarray(frames.rotations, dtype=np.float64)
    squares = np.swapaxes(rotations, -1, -2) @ rotations
    skew = np.abs(squares - np.eye(3)).max(axis=(-1, -2))
    x, y, z = np.moveaxis(rotations, -1, 0)
    determinant = (np.cross(x, y) * z).sum(axis=-1)
    if (skew > _LARGEST_SKEW).any() or (determinant < 0).any():
        raise ValueError(
            "rotations of frames must be orthogonal to 1e-9 with determinant 1, got an error of "
            f"{np.nanmax(skew):.1e} and a determinant of {np.nanmin(determinant):.6f}; "
            "compute them in float64, for instance from unit quaternions"
        )


def check_frames(
    system: openmm.System,
    plan: FramePlan,
    particles: Sequence[int],
    torsions: Sequence[Torsion],
) -> None:
    """None if no motion of frames or torsions changes a constraint of a System or its measure.

    Parameters
    ----------
    system
        The System in which `particles` and `torsions` count.
    plan
        Of the peptide.
    particles
        Where the peptide's atoms are in the System.
    torsions
        Those that are generated.

    Raises
    ------
    ValueError
        If the System has too few particles or a frozen one in the peptide (mass 0, not a virtual
        site), or if a constrained distance, or the angle between two constraints that share a
        particle, is not kept (why angles count: see `check_system`).
    """
    n_particles = system.getNumParticles()
    if max(particles) >= n_particles:
        raise ValueError(
            f"the representation refers to particle {max(particles)} but the System has "
            f"{n_particles} particles; pass the System that belongs to the Topology"
        )
    _require_mobile(system, particles)
    if torsions:
        check_system(system, torsions)
    _require_rigid(system, plan, particles)


def _require_mobile(system: openmm.System, particles: Sequence[int]) -> None:
    for particle in particles:
        if system.getParticleMass(particle)._value == 0 and not system.isVirtualSite(particle):
            raise ValueError(
                f"frames would move particle {particle}, which has mass 0 (frozen); give it its "
                "mass, or use TorsionRepresentation with atoms="
            )


def _require_rigid(system: openmm.System, plan: FramePlan, particles: Sequence[int]) -> None:
    """Every kept distance has to lie within a residue, or between an atom and those linked to it.

    Torsions within a residue are not looked at.
    """
    center = np.full(len(particles), -1)
    center[[atom.atom for atom in plan.linked]] = [atom.center for atom in plan.linked]
    place = {particle: n for n, particle in enumerate(particles)}
    for (a, b), what in kept_distances(system).items():
        if a not in place and b not in place:
            continue
        if a in place and b in place and _move_together(place[a], place[b], plan, center.tolist()):
            continue
        raise ValueError(
            f"moving residue frames would change {what}, and the acceptance rule holds for "
            "unchanged constraints only; make the System with constraints=HBonds, or use "
            "TorsionRepresentation, which keeps all bonds and angles"
        )


def _move_together(a: int, b: int, plan: FramePlan, center: Sequence[int]) -> bool:
    if center[a] < 0 and center[b] < 0:
        return bool(plan.owners[a] == plan.owners[b])
    return center[a] in (b, center[b]) or center[b] == a
