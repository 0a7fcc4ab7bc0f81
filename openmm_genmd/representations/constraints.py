"""Whether a System allows the rotations of a representation: `check_system`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import openmm

from openmm_genmd.representations.rotatable_bonds import Torsion


def check_system(system: openmm.System, torsions: Sequence[Torsion]) -> None:
    """None if every rotation keeps the constraints of a System and their measure.

    Parameters
    ----------
    system
        The System in which the torsions' indices count.
    torsions
        The rotations.

    Raises
    ------
    ValueError
        If the System has too few particles; if a rotation would change a constrained distance or
        move a frozen particle (mass 0, not a virtual site); or if it would change the angle
        between two constraints that share a particle.

    Notes
    -----
    Constrained dynamics samples exp(-U/kT) |Z|^(1/2) on the constraint surface, Z_ab = sum over
    particles of grad s_a . grad s_b / m. An entry of Z depends on the angle between two
    constraints that share a particle, so |Z| drops out of the ratio if rotations keep all these
    angles. With HBonds and AllBonds they are bond angles and are kept. HAngles with a hydroxyl
    rotor included is the case that is refused.

    References
    ----------
    Fixman, Proc. Natl. Acad. Sci. USA 71, 3050 (1974), the theorem of its title.
    """
    n_particles = system.getNumParticles()
    largest = max(max(torsion.moving + torsion.atoms) for torsion in torsions)
    if largest >= n_particles:
        raise ValueError(
            f"the representation refers to particle {largest} but the System has {n_particles} "
            "particles; pass the System that belongs to the Topology"
        )
    _check_frozen(system, torsions)
    _check_constraints(system, torsions)


def _check_frozen(system: openmm.System, torsions: Sequence[Torsion]) -> None:
    moved = {particle for torsion in torsions for particle in torsion.moving}
    frozen = {
        particle
        for particle in moved
        if system.getParticleMass(particle)._value == 0 and not system.isVirtualSite(particle)
    }
    for torsion in torsions:
        wrong = frozen.intersection(torsion.moving) - {torsion.pivot}
        if wrong:
            raise ValueError(
                f"rotation about {torsion.name} would move particle {min(wrong)}, which has mass 0 "
                "(frozen); give it its mass, or leave that bond out with atoms="
            )


def _check_constraints(system: openmm.System, torsions: Sequence[Torsion]) -> None:
    moved = {particle for torsion in torsions for particle in torsion.moving}
    distances = {
        pair: what for pair, what in kept_distances(system).items() if moved.intersection(pair)
    }
    first, second = np.array(list(distances), dtype=np.intp).reshape(-1, 2).T
    for torsion in torsions:
        inside = np.zeros(system.getNumParticles(), dtype=bool)
        inside[list(torsion.moving)] = True
        # Atoms on the axis keep their distance from everything that turns.
        axis = torsion.atoms[1:3]
        free = ~(np.isin(first, axis) | np.isin(second, axis))
        torn = np.flatnonzero((inside[first] != inside[second]) & free)
        if len(torn):
            raise ValueError(
                f"rotation about {torsion.name} would change {list(distances.values())[torn[0]]}, "
                "and the acceptance rule holds for unchanged constraints only; make the System "
                "with constraints=HBonds, or leave that bond out with atoms="
            )


def kept_distances(system: openmm.System) -> dict[tuple[int, int], str]:
    """Pairs of particles whose distance has to stay, and why in words.

    Parameters
    ----------
    system
        Its constraints, and the angles between any two that share a particle (see `check_system`).
    """
    partners: dict[int, list[int]] = defaultdict(list)
    distances = {}
    for n in range(system.getNumConstraints()):
        a, b, _ = system.getConstraintParameters(n)
        distances[a, b] = f"the constraint between particles {a} and {b}"
        partners[a].append(b)
        partners[b].append(a)
    for shared, others in partners.items():
        for a, b in combinations(others, 2):
            what = f"the angle between the constraints {a}-{shared} and {shared}-{b}"
            distances.setdefault((a, b), what)
    return distances
