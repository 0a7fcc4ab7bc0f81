"""Protocols as the extension module has them, after XML or a copy: `protocol_of`."""

from __future__ import annotations

from typing import Any

from openmm_genmd.md.alchemical_switching import AlchemicalSwitching
from openmm_genmd.md.local_relaxation import LocalRelaxation
from openmm_genmd.md.protocols import Instantaneous, JumpProtocol, MultipleTry
from openmm_genmd.md.steered_switching import SteeredSwitching
from openmm_genmd.native import core


def protocol_of(integrator: Any) -> JumpProtocol:
    """Return what surrounds leaps; surrogates are missing."""
    name, candidates = core.get_protocol(integrator)
    if name == SteeredSwitching.name:
        return SteeredSwitching.from_native(core.get_steered(integrator))
    if name == AlchemicalSwitching.name:
        return AlchemicalSwitching.from_native(core.get_alchemical(integrator))
    if name == LocalRelaxation.name:
        return LocalRelaxation.from_native(core.get_relaxation(integrator))
    return MultipleTry(candidates) if name == MultipleTry.name else Instantaneous()
