"""Two Systems in one: `merge_systems`."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import openmm


def merge_systems(first: openmm.System, second: openmm.System) -> openmm.System:
    """System of the particles of both, those of the second after those of the first.

    Nonbonded interactions between the two follow from the combination rules. For molecules of one
    force field this is the System that the force field would give for both together.

    Parameters
    ----------
    first, second
        With equal settings of nonbonded interactions and implicit solvent. Not changed.

    Raises
    ------
    ValueError
        If they have forces of different kinds, or of kinds that are not known here, or a setting
        differs.

    Examples
    --------
    >>> from openmm import app
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> one = app.ForceField("amber99sbildn.xml").createSystem(topology)
    >>> merge_systems(one, one).getNumParticles()
    44
    """
    merged = copy.deepcopy(first)
    offset = first.getNumParticles()
    for n in range(second.getNumParticles()):
        merged.addParticle(second.getParticleMass(n))
    for n in range(second.getNumConstraints()):
        a, b, distance = second.getConstraintParameters(n)
        merged.addConstraint(a + offset, b + offset, distance)
    kinds = [[type(force) for force in system.getForces()] for system in (first, second)]
    if kinds[0] != kinds[1]:
        names = [", ".join(kind.__name__ for kind in side) for side in kinds]
        raise ValueError(
            f"expected two Systems with the same forces, got {names[0]} and {names[1]}; create "
            "both with the same options"
        )
    for force, added in zip(merged.getForces(), second.getForces(), strict=True):
        if type(force) not in _APPEND:
            raise ValueError(
                f"cannot merge a {type(force).__name__}; expected forces of "
                f"{', '.join(kind.__name__ for kind in _APPEND)}"
            )
        _require_same_settings(force, added)
        _APPEND[type(force)](force, added, offset)
    return merged


def _require_same_settings(force: Any, added: Any) -> None:
    names = ("NonbondedMethod", "CutoffDistance", "SoluteDielectric", "SolventDielectric")
    for name in names:
        getter = f"get{name}"
        if hasattr(force, getter) and getattr(force, getter)() != getattr(added, getter)():
            raise ValueError(
                f"the two Systems differ in the {name} of {force.getName()}: expected "
                f"{getattr(force, getter)()}, got {getattr(added, getter)()}; create both with "
                "the same options"
            )


def _append_bonds(force: Any, added: Any, offset: int) -> None:
    for n in range(added.getNumBonds()):
        a, b, *rest = added.getBondParameters(n)
        force.addBond(a + offset, b + offset, *rest)


def _append_angles(force: Any, added: Any, offset: int) -> None:
    for n in range(added.getNumAngles()):
        *atoms, angle, k = added.getAngleParameters(n)
        force.addAngle(*(atom + offset for atom in atoms), angle, k)


def _append_torsions(force: Any, added: Any, offset: int) -> None:
    for n in range(added.getNumTorsions()):
        *atoms, periodicity, phase, k = added.getTorsionParameters(n)
        force.addTorsion(*(atom + offset for atom in atoms), periodicity, phase, k)


def _append_charges(force: Any, added: Any, offset: int) -> None:
    for n in range(added.getNumParticles()):
        force.addParticle(*added.getParticleParameters(n))
    for n in range(added.getNumExceptions()):
        a, b, *rest = added.getExceptionParameters(n)
        force.addException(a + offset, b + offset, *rest)


def _append_radii(force: Any, added: Any, offset: int) -> None:
    for n in range(added.getNumParticles()):
        force.addParticle(*added.getParticleParameters(n))


def _append_nothing(force: Any, added: Any, offset: int) -> None:
    """Do nothing: the motion of the common center of mass is removed once."""


_APPEND: dict[type, Callable[[Any, Any, int], None]] = {
    openmm.HarmonicBondForce: _append_bonds,
    openmm.HarmonicAngleForce: _append_angles,
    openmm.PeriodicTorsionForce: _append_torsions,
    openmm.NonbondedForce: _append_charges,
    openmm.GBSAOBCForce: _append_radii,
    openmm.CMMotionRemover: _append_nothing,
}
"""Kinds of forces -> how those of a second System are added."""
