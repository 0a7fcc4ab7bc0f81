"""Systems of some of the particles of another: `cut_system`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray


def cut_system(system: openmm.System, particles: NDArray[np.intp]) -> openmm.System:
    """System of some particles, with all interactions that only they take part in.

    Bonds, angles, torsions, exceptions and constraints with a particle that is left out are left
    out too. What remains is the System that the force field would give for these particles alone,
    chemical bonds cut open.

    Parameters
    ----------
    system
        Without periodic boundaries. Not changed.
    particles
        Indices, ascending: those of the result follow their order.

    Raises
    ------
    ValueError
        If the System is periodic, has virtual sites, or a force of a kind that is not known here.

    Examples
    --------
    >>> from openmm import app
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> whole = app.ForceField("amber99sbildn.xml").createSystem(topology)
    >>> methyl = cut_system(whole, np.arange(4))
    >>> methyl.getNumParticles(), methyl.getForce(0).getNumBonds()
    (4, 3)
    """
    if system.usesPeriodicBoundaryConditions():
        raise ValueError(
            "a System with periodic boundaries cannot be cut, since its solvent would be missing; "
            "use implicit solvent"
        )
    new = {old: n for n, old in enumerate(particles.tolist())}
    cut = openmm.System()
    for old in new:
        if system.isVirtualSite(old):
            raise ValueError(f"particle {old} is a virtual site, which cannot be cut out")
        cut.addParticle(system.getParticleMass(old))
    for n in range(system.getNumConstraints()):
        a, b, distance = system.getConstraintParameters(n)
        if a in new and b in new:
            cut.addConstraint(new[a], new[b], distance)
    for force in system.getForces():
        if type(force) not in _COPY:
            raise ValueError(
                f"cannot cut a {type(force).__name__}; expected forces of "
                f"{', '.join(kind.__name__ for kind in _COPY)}"
            )
        cut.addForce(_COPY[type(force)](force, new))
    return cut


def _like(force: Any) -> Any:
    """Force of the same kind with the settings that all kinds have."""
    made = type(force)()
    made.setName(force.getName())
    made.setForceGroup(force.getForceGroup())
    return made


def _bonded(terms: str, atoms: int) -> Callable[[Any, Mapping[int, int]], Any]:
    """How to copy a force whose terms have so many atoms and then parameters."""

    def copied(force: Any, new: Mapping[int, int]) -> Any:
        made = _like(force)
        for n in range(getattr(force, f"getNum{terms}s")()):
            values = getattr(force, f"get{terms}Parameters")(n)
            members, rest = values[:atoms], values[atoms:]
            if all(atom in new for atom in members):
                getattr(made, f"add{terms}")(*(new[atom] for atom in members), *rest)
        return made

    return copied


def _nonbonded(force: Any, new: Mapping[int, int]) -> Any:
    made = _like(force)
    for name in ("NonbondedMethod", "CutoffDistance", "ReactionFieldDielectric"):
        getattr(made, f"set{name}")(getattr(force, f"get{name}")())
    made.setUseSwitchingFunction(force.getUseSwitchingFunction())
    made.setSwitchingDistance(force.getSwitchingDistance())
    for old in new:
        made.addParticle(*force.getParticleParameters(old))
    for n in range(force.getNumExceptions()):
        a, b, *rest = force.getExceptionParameters(n)
        if a in new and b in new:
            made.addException(new[a], new[b], *rest)
    return made


def _implicit_solvent(force: Any, new: Mapping[int, int]) -> Any:
    made = _like(force)
    names = (
        *("NonbondedMethod", "CutoffDistance", "SoluteDielectric", "SolventDielectric"),
        "SurfaceAreaEnergy",
    )
    for name in names:
        getattr(made, f"set{name}")(getattr(force, f"get{name}")())
    for old in new:
        made.addParticle(*force.getParticleParameters(old))
    return made


def _motion_remover(force: Any, new: Mapping[int, int]) -> Any:
    made = _like(force)
    made.setFrequency(force.getFrequency())
    return made


_COPY: dict[type, Callable[[Any, Mapping[int, int]], Any]] = {
    openmm.HarmonicBondForce: _bonded("Bond", 2),
    openmm.HarmonicAngleForce: _bonded("Angle", 3),
    openmm.PeriodicTorsionForce: _bonded("Torsion", 4),
    openmm.RBTorsionForce: _bonded("Torsion", 4),
    openmm.NonbondedForce: _nonbonded,
    openmm.GBSAOBCForce: _implicit_solvent,
    openmm.CMMotionRemover: _motion_remover,
}
"""Kinds of forces -> how those of some particles are copied, by old index and new one."""
