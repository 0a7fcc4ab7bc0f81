"""Proposer and protocol that a run's settings ask for: `run_proposer`, `run_protocol`."""

from __future__ import annotations

import openmm

from openmm_genmd.md.batched_energy import BatchedEnergy
from openmm_genmd.md.protocols import Instantaneous, JumpProtocol, MultipleTry
from openmm_genmd.md.run_settings import RunSettings
from openmm_genmd.md.steered_switching import SteeredSwitching
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.proposers.load import load_proposer
from openmm_genmd.proposers.mixture_proposer import MixtureProposer
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.representations.torsions import TorsionRepresentation

UNIFORM = "uniform"
"""Name of the untrained proposer."""


def run_proposer(settings: RunSettings, given: SystemInput) -> Proposer:
    """Learned proposer, the uniform one, or a mixture of both.

    Raises
    ------
    FileNotFoundError
        If the settings name a proposer that there is not.
    ValueError
        If it does not fit the molecule, or uniform leaps shall be mixed with uniform leaps.
    """
    fraction = settings.uniform_fraction
    if settings.proposer == UNIFORM:
        if fraction > 0:
            raise ValueError(
                f"all leaps of the proposer {UNIFORM} are uniform; leave uniform_fraction out, "
                f"got {fraction}"
            )
        representation = TorsionRepresentation.from_topology(given.topology, given.system)
        return UniformTorsionProposer(representation)
    learned = load_proposer(settings.proposer, given.topology, given.system)
    if fraction == 0:
        return learned
    soft = learned.representation
    if not isinstance(soft, TorsionRepresentation):
        soft = TorsionRepresentation.from_topology(
            given.topology, given.system, atoms=learned.particles
        )
    uniform = UniformTorsionProposer(soft)
    return MixtureProposer([learned, uniform], weights=[1 - fraction, fraction])


def run_protocol(settings: RunSettings, system: openmm.System, proposer: Proposer) -> JumpProtocol:
    """Single tries, switches, or many candidates with the energy by which they are weighed.

    Raises
    ------
    ValueError
        If both switches and many candidates are asked for; if the System has forces that
        `BatchedEnergy` does not know, and no other weights are asked for.
    """
    if settings.switching_steps > 0:
        return _switching(settings)
    if settings.candidates == 1:
        return Instantaneous()
    if settings.surrogate == "none":
        return MultipleTry(settings.candidates)
    try:
        surrogate = BatchedEnergy(system, proposer.particles)
    except ValueError as error:
        raise ValueError(
            f"{error}. Or weigh the candidates by OpenMM's own energy, one evaluation for each, "
            "with surrogate none"
        ) from None
    return MultipleTry(settings.candidates, surrogate)


def _switching(settings: RunSettings) -> SteeredSwitching:
    if settings.candidates > 1:
        raise ValueError(
            "a leap takes time or is picked from many candidates, not both: leave out "
            f"switching_steps={settings.switching_steps} or candidates={settings.candidates}"
        )
    return SteeredSwitching(
        steps=settings.switching_steps,
        time_step_ps=1e-3 * settings.switching_time_step_fs,
        hydrogen_mass_da=settings.switching_hydrogen_mass_da,
    )
