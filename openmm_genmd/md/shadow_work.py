"""A warning when the time step of a switch costs too much: `warn_of_shadow_work`."""

from __future__ import annotations

import warnings
from typing import Any

from openmm_genmd.md.native import core
from openmm_genmd.md.switching_settings import SwitchingSettings

LARGEST_KT = 2.0
TRIALS, STEPS = 4, 100


class ShadowWorkWarning(UserWarning):
    """The time step of a switch is too long for its masses."""


def warn_of_shadow_work(integrator: Any, protocol: SwitchingSettings) -> None:
    """Measure what the time step of a switch costs, and warn if it is more than `LARGEST_KT`.

    The shadow work of deterministic MD is bounded, so that a short stretch tells; that of a
    thermostatted one adds up, and is extrapolated. Metropolised steps have none.
    """
    if protocol.rule == "metropolized steps":
        return
    steps = min(protocol.steps, STEPS)
    works = core.measure_shadow_work(integrator, TRIALS, steps)
    mean_kt = sum(works) / len(works)
    if protocol.friction_per_ps > 0:
        mean_kt *= protocol.steps / steps
    if not mean_kt <= LARGEST_KT:
        warnings.warn(_message(protocol, mean_kt), ShadowWorkWarning, stacklevel=3)


def _message(protocol: SwitchingSettings, mean_kt: float) -> str:
    effect = "biases what is sampled" if protocol.rule == "protocol work" else "costs acceptance"
    return (
        f"a switch that changes nothing has {mean_kt:.1f} kT of shadow work, which {effect}: make "
        f"time_step_ps={protocol.time_step_ps:g} shorter, raise "
        f"hydrogen_mass_da={protocol.hydrogen_mass_da:g}, or start from equilibrated positions"
    )
