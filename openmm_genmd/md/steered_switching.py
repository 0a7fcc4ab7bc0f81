"""Leaps that are dragged: `SteeredSwitching`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from openmm import unit

from openmm_genmd.md.soft_coordinates import SoftCoordinates
from openmm_genmd.md.surrogates import WithSurrogate
from openmm_genmd.md.switching_settings import SwitchingSettings, settings_of
from openmm_genmd.native import core
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.units import to_md

Variant = Literal["morph", "springs"]
VARIANTS: tuple[Variant, ...] = ("morph", "springs")


@dataclass(frozen=True, kw_only=True)
class SteeredSwitching(WithSurrogate, SwitchingSettings):
    """A leap dragged along the shortest arc of soft coordinates while everything else makes way.

    For leaps in explicit solvent. Takes the settings of `SwitchingSettings` besides its own.

    Parameters
    ----------
    coordinates
        `SoftCoordinates`; None for those of the proposer (`SoftCoordinates.of`).
    variant
        ``"morph"``: the particles that the proposer moves are held still but for the increments,
        and everything else moves freely. For any proposer. ``"springs"``: everything is free, and
        the coordinates are dragged by springs whose center s is drawn around them; the proposer
        leaps from s. For proposers whose density depends on the soft coordinates alone: those of
        torsions, or any one if all its particles are points.
    reach_nm
        How far a leap may displace the moved particles, for the morph variant: root mean square, in
        nm, superposed if the coordinates superpose. A longer one ends before its switch, with
        reason ``terminated``: work grows with the square of the displacement, so that steps are
        better spent on shorter ones. Leaps that only long ones make have to be left to MD.
    surrogate
        What the moved molecule's energy would be without the switch, for the morph variant: a
        `BatchedEnergy` of its particles, best with implicit solvent, or a function as of
        `MultipleTry`. A leap is first accepted or rejected by this energy, which costs no switch,
        and by what the switch adds to it at the end; and `work_limit_kt` is for the work less the
        change of this energy, so that barriers within the molecule do not end a switch. The
        Boltzmann distribution of the simulation is kept whatever the surrogate is.
    surrogate_margin_kt
        Leaps that the surrogate is against by less than this are not left to chance: about how
        wrong it may be. With zero, leaps that it underrates are lost before their switch.

    Raises
    ------
    TypeError
        If `coordinates` or `surrogate` is of another type.
    ValueError
        If a setting is out of range, or read backwards the schedule is not that of the reverse
        move: f(1-u) = 1-f(u); on installation, if the proposer cannot serve the variant.
    OpenMMException
        On the first jump, if the proposal changes more than the coordinates.

    References
    ----------
    Nilmeier, Crooks, Minh & Chodera, PNAS 108, E1009 (2011): nonequilibrium candidates.
    Chen & Roux, J. Chem. Phys. 142, 024101 (2015): hybrid neMD/MC.
    Christen & Fox, J. Comput. Graph. Stat. 14, 795 (2005): delayed acceptance.
    ``docs/theory.md``, section 11.

    Examples
    --------
    A particle leaps between two wells while its neighbour, to which it is bound, follows:

    >>> import numpy as np, openmm
    >>> from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer, SteeredSwitching
    >>> class Mirror(Proposer):
    ...     particles, grade = [0], "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(positions * np.array([-1.0, 1.0, 1.0]), 0.0)
    >>> system = openmm.System()
    >>> indices = [system.addParticle(12.0), system.addParticle(12.0)]
    >>> wells = openmm.CustomExternalForce("4000*(x^2-0.04)^2/0.04+200*(y^2+z^2)")
    >>> index = wells.addParticle(0, [])
    >>> bond = openmm.HarmonicBondForce()
    >>> index = bond.addBond(0, 1, 0.0, 1000.0)
    >>> indices = [system.addForce(force) for force in (wells, bond)]
    >>> protocol = SteeredSwitching(steps=1000)
    >>> integrator = GenerativeJumpIntegrator(
    ...     openmm.LangevinMiddleIntegrator(300, 1, 0.002), Mirror(), 10, protocol=protocol, seed=1)
    >>> platform = openmm.Platform.getPlatformByName("Reference")
    >>> context = openmm.Context(system, integrator, platform)
    >>> context.setPositions([[0.2, 0.0, 0.0], [0.2, 0.0, 0.0]])
    >>> integrator.step(200)
    >>> integrator.getAcceptanceRate() > 0.7  # without the switch: the bond costs 30 kT
    True
    """

    name: ClassVar[str] = "SteeredSwitching"

    coordinates: SoftCoordinates | None = None
    variant: Variant = "morph"
    reach_nm: Any = math.inf
    surrogate: Any = None
    surrogate_margin_kt: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(VARIANTS)}; got {self.variant!r}")
        if not (self.coordinates is None or isinstance(self.coordinates, SoftCoordinates)):
            raise TypeError(
                f"coordinates must be SoftCoordinates or None, got {self.coordinates!r}"
            )
        object.__setattr__(self, "reach_nm", _length_nm(self.reach_nm))
        self._check_surrogate()
        if not 0 <= self.surrogate_margin_kt < math.inf:
            raise ValueError(
                f"surrogate_margin_kt must be zero or positive, got {self.surrogate_margin_kt}"
            )
        if self.variant == "springs" and (self.surrogate is not None or self.reach_nm < math.inf):
            raise ValueError(
                "surrogate and reach_nm are for variant='morph', whose way is known beforehand; "
                "leave them out"
            )
        if self.variant == "springs" and self.coordinates and self.coordinates.superpose:
            raise ValueError(
                "superpose=True is for variant='morph'; with springs the molecule finds its own way"
            )

    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator that has its proposer."""
        proposer = integrator.getProposer()
        coordinates = self._coordinates_for(proposer)
        if self.variant == "springs":
            _require_soft_density(proposer, coordinates)
        core.set_steered(
            integrator,
            self.native_settings(),
            coordinates.to_native(),
            self.variant == "morph",
            self.reach_nm,
            self.native_surrogate(),
            self.surrogate_margin_kt,
        )

    def _coordinates_for(self, proposer: Proposer) -> SoftCoordinates:
        if self.coordinates is not None:
            return self.coordinates
        found = SoftCoordinates.of(proposer)
        if self.variant == "morph":
            return found
        return SoftCoordinates(found.torsions, found.frames, found.points)

    @classmethod
    def from_native(cls, native: Any) -> SteeredSwitching:
        """Return a protocol that the extension module has, without its surrogate."""
        return cls(
            coordinates=SoftCoordinates.from_native(native.coordinates),
            variant="morph" if native.is_morph else "springs",
            reach_nm=native.reach_nm,
            surrogate_margin_kt=native.surrogate_margin_kt,
            **settings_of(native.settings),
        )


def _length_nm(value: Any) -> float:
    number = value if value == math.inf else to_md(value, unit.nanometer, "reach_nm")
    if not number > 0:
        raise ValueError(f"reach_nm must be positive, got {number}")
    return float(number)


def _require_soft_density(proposer: Proposer, coordinates: SoftCoordinates) -> None:
    """With springs q may see s only: other coordinates are not on the way back what they were."""
    sees_points_only = set(coordinates.points) == {int(p) for p in proposer.particles}
    if sees_points_only:
        return
    if not proposer.soft_only:
        raise ValueError(
            "variant='springs' needs a proposer whose density depends on its soft coordinates "
            f"alone ({type(proposer).__name__}.soft_only is False); use variant='morph', or make "
            "all its particles points"
        )
    dragged = {frozenset(atoms[1:3]) for atoms, _ in coordinates.torsions}
    for torsion in getattr(proposer.representation, "torsions", ()):
        if frozenset(torsion.atoms[1:3]) not in dragged:
            raise ValueError(
                f"variant='springs' has to drag all torsions of the proposer, on which its density "
                f"may depend, but {torsion.name} is not among the coordinates; leave coordinates= "
                "out"
            )
