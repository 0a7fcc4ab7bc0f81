"""Whether a System allows the rotations of a representation: `check_system`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

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
    for torsion in torsions:
        for particle in torsion.moving:
            mass = system.getParticleMass(particle)._value
            if mass == 0 and particle != torsion.pivot and not system.isVirtualSite(particle):
                raise ValueError(
                    f"rotation about {torsion.name} would move particle {particle}, which has mass "
                    "0 (frozen); give it its mass, or leave that bond out with atoms="
                )


def _check_constraints(system: openmm.System, torsions: Sequence[Torsion]) -> None:
    moved = {particle for torsion in torsions for particle in torsion.moving}
    partners: dict[int, list[int]] = defaultdict(list)
    for n in range(system.getNumConstraints()):
        a, b, _ = system.getConstraintParameters(n)
        if a in moved or b in moved:
            _require_kept(torsions, a, b, f"the constraint between particles {a} and {b}")
        partners[a].append(b)
        partners[b].append(a)
    for shared, a, b in _angles(partners):
        if a in moved or b in moved:
            what = f"the angle between the constraints {a}-{shared} and {shared}-{b}"
            _require_kept(torsions, a, b, what)


def _angles(partners: dict[int, list[int]]) -> Iterator[tuple[int, int, int]]:
    for shared, others in partners.items():
        for a, b in combinations(others, 2):
            yield shared, a, b


def _require_kept(torsions: Sequence[Torsion], a: int, b: int, what: str) -> None:
    for torsion in torsions:
        if not torsion.keeps_distance(a, b):
            raise ValueError(
                f"rotation about {torsion.name} would change {what}, and the acceptance rule holds "
                "for unchanged constraints only; make the System with constraints=HBonds, or leave "
                "that bond out with atoms="
            )
