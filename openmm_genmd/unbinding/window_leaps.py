"""Leaps of a ligand inside windows, to modes that MD hardly reaches: `WindowLeaps`."""

from __future__ import annotations

import copy
from typing import NamedTuple

import numpy as np
import openmm

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.md.integrator import GenerativeJumpIntegrator
from openmm_genmd.md.platforms import find_platform
from openmm_genmd.md.seeds import openmm_seed
from openmm_genmd.md.soft_coordinates import SoftCoordinates
from openmm_genmd.md.steered_switching import SteeredSwitching
from openmm_genmd.proposers.proposer import Proposer
from openmm_genmd.proposers.rigid_turn_proposer import RigidTurnProposer
from openmm_genmd.proposers.uniform_torsion_proposer import UniformTorsionProposer
from openmm_genmd.representations.rotatable_bonds import find_torsions
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.pose_restraint import PoseWindow
from openmm_genmd.units import thermal_energy_kj_per_mol

_MOST_WORK_KT = 25.0
"""At which a switch is given up."""
_LOOKS = 20
"""At the partial work of a switch."""
_FREE_TO_TURN_KT = 10.0
"""What a restraint may cost a ligand that is turned over for such leaps to be tried."""


class LeapCounts(NamedTuple):
    """Leaps that were tried, those accepted, and the evaluations of the forces they cost.

    Examples
    --------
    >>> LeapCounts(tried=4, accepted=1, steps=2000).accepted
    1
    """

    tried: int = 0
    accepted: int = 0
    steps: int = 0


class WindowLeaps:
    """Turns of a ligand, and of its rotatable bonds, dragged while everything else makes way.

    Each is a leap of `GenerativeJumpIntegrator` with `SteeredSwitching`, in a Context of its own
    that has the restraint of the window: its Boltzmann distribution is kept. Where the restraint
    holds the orientation of the ligand, its torsions alone leap.

    Parameters
    ----------
    bound
        The complex, with the masses of the MD.
    system
        The same with the restraint.
    settings
        Of leaps and MD.
    platform
        By name; ``CPU`` runs on one thread.
    seed
        Of everything random.

    Attributes
    ----------
    has_torsions
        Whether the ligand has a rotatable bond.

    Raises
    ------
    ValueError
        If there is no such platform; if turning a bond would change a constraint.

    References
    ----------
    Nilmeier, Crooks, Minh & Chodera, PNAS 108, E1009 (2011). ``docs/theory.md``, section 11.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> settings = FreeEnergySettings(leap_steps=500)
    >>> leaps = WindowLeaps(bound, bound.system, settings, platform="Reference", seed=1)
    >>> leaps.has_torsions, leaps.take_counts().tried  # its hydroxymethyl groups turn
    (True, 0)
    """

    def __init__(
        self,
        bound: BoundComplex,
        system: openmm.System,
        settings: FreeEnergySettings,
        *,
        platform: str,
        seed: int,
    ) -> None:
        self._bound, self._system, self._settings = bound, system, settings
        self._counts = LeapCounts()
        self._platform = find_platform(platform)
        self._rng = np.random.default_rng((seed, 31))
        kt = thermal_energy_kj_per_mol(bound.temperature_k)
        self._free_to_turn_kj_per_mol = _FREE_TO_TURN_KT * kt
        turner = RigidTurnProposer(bound.ligand.tolist(), bound.positions_nm)
        rigid = SoftCoordinates(frames=[(turner.axis_atoms, turner.particles)])
        self._turns = self._context(turner, rigid, openmm_seed(seed, 32))
        twister = _torsion_proposer(bound)
        self.has_torsions = twister is not None
        self._twists = self._context(twister, None, openmm_seed(seed, 33)) if twister else None

    def leap(self, context: openmm.Context, window: PoseWindow) -> None:
        """Try one leap, in a window, from where a Context is; it then is where that ended."""
        chosen = self._chosen(window)
        if chosen is None:
            return
        before = context.getState(positions=True, velocities=True)
        chosen.setPeriodicBoxVectors(*before.getPeriodicBoxVectors())
        chosen.setPositions(before.getPositions(asNumpy=True))
        chosen.setVelocities(before.getVelocities(asNumpy=True))
        for name, value in dict(context.getParameters()).items():
            chosen.setParameter(name, value)
        chosen.getIntegrator().step(1)
        after = chosen.getState(positions=True, velocities=True)
        context.setPositions(after.getPositions(asNumpy=True))
        context.setVelocities(after.getVelocities(asNumpy=True))

    def take_counts(self) -> LeapCounts:
        """What happened since this was last called."""
        now = [each.getIntegrator() for each in (self._turns, self._twists) if each is not None]
        tried = sum(each.getNumJumpsAttempted() for each in now)
        switches = sum(int(each.getStatistics().switching_steps) for each in now)
        accepted = sum(each.getNumJumpsAccepted() for each in now)
        before, self._counts = self._counts, LeapCounts(tried, accepted, tried + switches)
        return LeapCounts(*(a - b for a, b in zip(self._counts, before, strict=True)))

    def _chosen(self, window: PoseWindow) -> openmm.Context | None:
        """Context of one of the leaps that make sense in a window, whatever the conformation."""
        most = 4.0 * window.rotation_spring_kj_per_mol
        free = [self._turns] if most < self._free_to_turn_kj_per_mol else []
        found = [*free, *([self._twists] if self._twists is not None else [])]
        return found[int(self._rng.integers(len(found)))] if found else None

    def _context(
        self, proposer: Proposer, coordinates: SoftCoordinates | None, seed: int
    ) -> openmm.Context:
        settings, bound = self._settings, self._bound
        # That of the windows: stored velocities are half of a step behind their positions.
        md = openmm.LangevinMiddleIntegrator(
            bound.temperature_k, settings.friction_per_ps, 1e-3 * settings.time_step_fs
        )
        md.setRandomNumberSeed(openmm_seed(seed, 1))
        protocol = SteeredSwitching(
            coordinates=coordinates,
            steps=settings.leap_steps,
            time_step_ps=1e-3 * settings.leap_time_step_fs,
            work_limit_kt=_MOST_WORK_KT,
            blocks_per_check=max(1, settings.leap_steps // _LOOKS),
        )
        integrator = GenerativeJumpIntegrator(md, proposer, 1, protocol=protocol, seed=seed)
        threads = {"Threads": "1"} if self._platform.getName() == "CPU" else {}
        return openmm.Context(copy.deepcopy(self._system), integrator, self._platform, threads)


def _torsion_proposer(bound: BoundComplex) -> UniformTorsionProposer | None:
    """Of the ligand's rotatable bonds one at a time; None if it has none."""
    graph = BondGraph.of(bound.topology, bound.system)
    ligand = set(bound.ligand.tolist())
    molecules = [molecule for molecule in graph.molecules if ligand.issuperset(molecule)]
    for molecule in find_torsions(bound.topology, graph, molecules):
        representation = TorsionRepresentation.from_topology(
            bound.topology, bound.system, atoms=molecule
        )
        return UniformTorsionProposer(representation, blocks="single")
    return None
