"""Seeds in OpenMM's sense, all derived from one."""

from __future__ import annotations

import numpy as np
import openmm


def openmm_seed(seed: int, *key: int) -> int:
    """Seed between 1 and 2^31 - 1, independent of those with other keys.

    Parameters
    ----------
    seed
        Of everything; not negative.
    key
        What the seed is for.

    Examples
    --------
    >>> openmm_seed(0, 1) == openmm_seed(0, 1), openmm_seed(0, 1) == openmm_seed(0, 2)
    (True, False)
    """
    sequence = np.random.SeedSequence(seed, spawn_key=key)
    # OpenMM takes 31 bits, and 0 means "choose one".
    return int(sequence.generate_state(1)[0] >> 1) or 1


def seed_forces(system: openmm.System, seed: int) -> None:
    """Give every force that draws random numbers (barostats, thermostats) a seed of its own.

    Parameters
    ----------
    system
        Changed; Contexts made from it before are not.
    seed
        From which the seeds follow; not negative.
    """
    for index, force in enumerate(system.getForces()):
        if hasattr(force, "setRandomNumberSeed"):
            force.setRandomNumberSeed(openmm_seed(seed, index))
