"""MD with uniform torsion leaps, for data: `TorsionLeaps`."""

from __future__ import annotations

import openmm
from openmm import app

from openmm_genmd.md.batched_energy import BatchedEnergy
from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.protocols import MultipleTry
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.representations.torsions import TorsionRepresentation


class TorsionLeaps:
    """Leaps of random blocks of torsions between pieces of MD, Boltzmann kept, no model needed.

    Torsions are drawn uniformly on the torus, many candidates at a time, which `BatchedEnergy`
    weighs and OpenMM's own energy accepts.

    Parameters
    ----------
    topology, system
        The molecule. Its forces must be those that `BatchedEnergy` knows: no cutoff, no box.
    plan
        Interval, tries and candidates.

    Raises
    ------
    ValueError
        If the System has other forces, or the molecule no rotatable bond.

    Examples
    --------
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, _ = load_structure("alanine-dipeptide")
    >>> system = app.ForceField("amber99sbildn.xml", "amber99_obc.xml").createSystem(topology)
    >>> leaps = TorsionLeaps(topology, system, SimulationPlan(leap_interval=50))
    >>> leaps.around(openmm.LangevinMiddleIntegrator(300, 1, 0.002), seed=1).getJumpInterval()
    50
    """

    def __init__(self, topology: app.Topology, system: openmm.System, plan: SimulationPlan) -> None:
        self._plan = plan
        representation = TorsionRepresentation.from_topology(topology, system)
        self._proposer = UniformTorsionProposer(representation)
        try:
            self._surrogate = BatchedEnergy(system, self._proposer.particles, threads=1)
        except ValueError as error:
            raise ValueError(
                f"{error}. Leaps of torsions are for molecules in vacuum or implicit solvent; "
                "simulate others without hot_leaps and leaps"
            ) from None

    def around(self, inner: openmm.Integrator, seed: int) -> GenerativeJumpIntegrator:
        """Integrator that leaps, too.

        Parameters
        ----------
        inner
            Does the MD, at its own temperature; it is taken over.
        seed
            Of the leaps.
        """
        plan = self._plan
        protocol = MultipleTry(plan.leap_candidates, self._surrogate)
        how_often = plan.leap_interval, plan.leap_tries
        return GenerativeJumpIntegrator(inner, self._proposer, *how_often, protocol, seed=seed)
