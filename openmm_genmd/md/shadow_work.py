"""A warning when the time step of a switch costs too much: `warn_of_shadow_work`."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from openmm_genmd.md.switching_settings import SwitchingSettings
from openmm_genmd.native import core

LARGEST_KT = 2.0
TRIALS, STEPS = 4, 100


class ShadowWorkWarning(UserWarning):
    """The time step of a switch is too long for its masses."""


def warn_of_shadow_work(integrator: Any, protocol: SwitchingSettings) -> None:
    """Measure what the time step of a switch costs, and warn if it is more than `LARGEST_KT`.

    Metropolised steps have no shadow work.
    """
    if protocol.rule == "metropolized steps":
        return
    mean_kt = _shadow_work_kt(integrator, protocol)
    if not mean_kt <= LARGEST_KT:
        warnings.warn(_message(protocol, mean_kt), ShadowWorkWarning, stacklevel=4)


def _shadow_work_kt(integrator: Any, protocol: SwitchingSettings) -> float:
    """Mean shadow work in kT of a switch that changes nothing.

    That of deterministic MD is bounded, so that a short stretch tells. A thermostat adds a part
    that grows with the number of steps, which two lengths show.
    """
    short = min(protocol.steps, STEPS)
    mean_kt = _mean_kt(integrator, short)
    if protocol.friction_per_ps == 0 or protocol.steps == short:
        return mean_kt
    longer = min(protocol.steps, 4 * STEPS)
    growth = (_mean_kt(integrator, longer) - mean_kt) / (longer - short)
    return mean_kt + max(0.0, growth) * (protocol.steps - short)


def _mean_kt(integrator: Any, steps: int) -> float:
    return float(np.mean(core.measure_shadow_work(integrator, TRIALS, steps)))


def _message(protocol: SwitchingSettings, mean_kt: float) -> str:
    effect = "biases what is sampled" if protocol.rule == "protocol work" else "costs acceptance"
    return (
        f"a switch that changes nothing has {mean_kt:.1f} kT of shadow work, which {effect}: make "
        f"time_step_ps={protocol.time_step_ps:g} shorter, raise "
        f"hydrogen_mass_da={protocol.hydrogen_mass_da:g}, or start from equilibrated positions"
    )
