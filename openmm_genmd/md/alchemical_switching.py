"""Leaps with interactions turned off: `AlchemicalSwitching`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import openmm

from openmm_genmd.md.switching_settings import SwitchingSettings, settings_of
from openmm_genmd.native import core


@dataclass(frozen=True, kw_only=True)
class AlchemicalSwitching(SwitchingSettings):
    """Interactions are turned off in the first half, the proposer leaps, and they come back.

    For ligands and side chains in explicit solvent. MD between jumps stays in the simulation's own
    System; the switch happens with the alchemical one, and the energy differences between the two
    at both ends are part of the work. Takes the settings of `SwitchingSettings` besides its own;
    its schedule goes from the start to the leap, and need not be symmetric, since the way back
    mirrors it.

    Parameters
    ----------
    system
        The alchemical System: of the same particles, with Context parameters that scale
        interactions, for instance from ``openmmtools.alchemy.AbsoluteAlchemicalFactory``. A copy is
        made. Context parameters that the simulation has, too, take its values.
    parameters
        Names of the Context parameters, which go from 1 to 0; or a mapping from names to values
        between the start and the leap, at equally spaced progress.

    Raises
    ------
    ValueError
        If a setting is out of range, or the number of changes is odd.
    TypeError
        If `system` is not a System.
    OpenMMException
        On the first jump, if the System has no such parameter or other particles.

    References
    ----------
    Nilmeier, Crooks, Minh & Chodera, PNAS 108, E1009 (2011). ``docs/theory.md``, section 11.

    Examples
    --------
    A particle leaps between two wells; a repulsive neighbour in between is turned off meanwhile:

    >>> import numpy as np, openmm
    >>> from openmm_genmd import AlchemicalSwitching, GenerativeJumpIntegrator, Proposal, Proposer
    >>> class Mirror(Proposer):
    ...     particles, grade = [0], "exact"
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(-positions, 0.0)
    >>> def system_with(repulsion):
    ...     system = openmm.System()
    ...     indices = [system.addParticle(12.0), system.addParticle(12.0)]
    ...     wells = openmm.CustomExternalForce("500*(x*x+y*y+z*z)")
    ...     indices = [wells.addParticle(i, []) for i in range(2)]
    ...     pair = openmm.CustomBondForce(f"{repulsion}*30*exp(-r^2/0.02)")
    ...     if "lambda" in repulsion:
    ...         index = pair.addGlobalParameter("lambda_pair", 1.0)
    ...     index = pair.addBond(0, 1, [])
    ...     indices = [system.addForce(force) for force in (wells, pair)]
    ...     return system
    >>> protocol = AlchemicalSwitching(
    ...     system=system_with("lambda_pair"), parameters=["lambda_pair"], steps=1000)
    >>> integrator = GenerativeJumpIntegrator(
    ...     openmm.LangevinMiddleIntegrator(300, 1, 0.002), Mirror(), 10, protocol=protocol, seed=1)
    >>> platform = openmm.Platform.getPlatformByName("Reference")
    >>> context = openmm.Context(system_with("1"), integrator, platform)
    >>> context.setPositions([[0.1, 0.0, 0.0], [-0.1, 0.0, 0.0]])
    >>> integrator.step(400)
    >>> integrator.getAcceptanceRate() > 0.3  # without the switch: less than .001
    True
    """

    name: ClassVar[str] = "AlchemicalSwitching"
    _is_symmetric: ClassVar[bool] = False

    system: Any
    parameters: Sequence[str] | Mapping[str, Sequence[float]]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.system, openmm.System):
            raise TypeError(f"system must be an openmm.System, got {type(self.system).__name__}")
        if self.steps // self.steps_per_change % 2:
            raise ValueError(
                "the leap is in the middle, so steps / steps_per_change must be even, got "
                f"{self.steps} / {self.steps_per_change}"
            )
        object.__setattr__(self, "parameters", _tables(self.parameters))

    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator."""
        core.set_alchemical(integrator, self.native_settings(), self.system, self.parameters)

    @classmethod
    def from_native(cls, native: Any) -> AlchemicalSwitching:
        """Return a protocol that the extension module has."""
        return cls(
            system=openmm.XmlSerializer.deserialize(native.system_xml),
            parameters=native.parameters,
            **settings_of(native.settings),
        )


def _tables(
    parameters: Sequence[str] | Mapping[str, Sequence[float]],
) -> dict[str, tuple[float, ...]]:
    if isinstance(parameters, str):
        raise ValueError(f"parameters must be a list of names or a mapping, got {parameters!r}")
    if isinstance(parameters, Mapping):
        tables = {name: tuple(float(v) for v in values) for name, values in parameters.items()}
    else:
        tables = dict.fromkeys(parameters, (1.0, 0.0))
    wrong = [name for name, t in tables.items() if len(t) < 2 or not all(map(math.isfinite, t))]
    if wrong or not tables:
        raise ValueError(
            "parameters must name at least one Context parameter, each with two or more finite "
            f"values; got {parameters!r}"
        )
    return tables
