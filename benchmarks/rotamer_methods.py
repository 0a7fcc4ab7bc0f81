"""How a rotamer changes: by leaps, and by MD, plain or accelerated."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import openmm
from alanine_dipeptide_box import KT_KJ, TEMPERATURE_K, Box, make_thermostat
from isoleucine_box import make_isoleucine_box
from numpy.typing import NDArray

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer
from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

TIME_STEP_PS = 0.004
LOOK_STEPS = 25
# Of a well, as MD sees it: in between nothing counts, so that quick recrossings do not.
CORE_DEG = 20.0
# Where the bias ends: cos(3 (chi1 - well)) at 36 degrees from the middle of the well.
BIAS_END = -0.3


class RotamerLeap(Proposer):
    """Turns chi1, and chi2 if asked, by 120 degrees: volume and all else are kept.

    With every leap its inverse can be drawn, as likely: log ratio 0.
    """

    grade = "exact"

    def __init__(self, representation: TorsionRepresentation, with_chi2: bool = False) -> None:
        self.representation = representation
        self.particles = representation.particles
        names = [torsion.name.split()[0] for torsion in representation.torsions]
        third = 2 * math.pi / 3
        self._leaps = np.zeros((6 if with_chi2 else 2, len(names)))
        pairs = product((-third, third), (0.0, -third, third) if with_chi2 else (0.0,))
        self._leaps[:, [names.index("chi1"), names.index("chi2")]] = list(pairs)

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Draw one of the leaps."""
        leap = self._leaps[rng.integers(len(self._leaps))]
        return Proposal(self.representation.turn(leap, positions), 0.0)


@dataclass(frozen=True)
class SideChain:
    """The box, equilibrated, and its chi1."""

    box: Box
    representation: TorsionRepresentation

    @classmethod
    def make(cls, equilibration_steps: int) -> SideChain:
        """Build the box and equilibrate it."""
        box = make_isoleucine_box()
        representation = TorsionRepresentation.from_topology(
            box.topology, box.system, atoms=range(box.n_solute)
        )
        thermostat = make_thermostat(1, 0.001)
        context = cls(box, representation).start(thermostat)
        thermostat.step(equilibration_steps // 10)
        thermostat.setStepSize(TIME_STEP_PS)
        thermostat.step(equilibration_steps)
        return cls(Box(box.topology, _positions(context), box.system, box.n_solute), representation)

    @property
    def chi1(self) -> Any:
        """The torsion."""
        return next(t for t in self.representation.torsions if t.name.startswith("chi1"))

    @property
    def alchemical_atoms(self) -> list[int]:
        """All that the leap moves; CB, on its axis, stays."""
        return sorted(set(self.chi1.moving) - set(self.chi1.atoms[:3]))

    def chi1_deg(self, positions: Array) -> Array:
        """chi1 in [0, 360) of positions ``(..., n, 3)`` in nm."""
        solute = positions[..., list(self.representation.particles), :]
        which = self.representation.torsions.index(self.chi1)
        return np.asarray(np.degrees(self.representation.encode(solute)[..., which]) % 360.0)

    def start(
        self, integrator: openmm.Integrator, system: openmm.System | None = None
    ) -> openmm.Context:
        """Return a Context at the equilibrated positions."""
        platform = openmm.Platform.getPlatformByName("CPU")
        context = openmm.Context(system or self.box.system, integrator, platform, {"Threads": "1"})
        context.setPositions(self.box.positions_nm)
        context.setVelocitiesToTemperature(TEMPERATURE_K, 1)
        return context


def _positions(context: openmm.Context) -> Array:
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)


class Leaps:
    """MD with leaps; moves are the acceptance probabilities of those that change the rotamer."""

    def __init__(
        self,
        side_chain: SideChain,
        protocol: JumpProtocol,
        interval: int,
        with_chi2: bool = False,
    ) -> None:
        self._side_chain, self._interval = side_chain, interval
        self.probabilities: list[float] = []
        self._proposer = RotamerLeap(side_chain.representation, with_chi2)
        self._integrator = GenerativeJumpIntegrator(
            make_thermostat(2, TIME_STEP_PS), self._proposer, interval, protocol=protocol, seed=3
        )
        self._integrator.setCandidateObserver(self._observe)
        self._context = side_chain.start(self._integrator)

    def _observe(self, positions: Array, weights: Array) -> None:
        """Positions are those of the molecule, the first where the leap came from."""
        torsions = self._side_chain.representation.encode(positions)
        chi1 = np.degrees(torsions[:, self._chi1])
        self.probabilities[-1] += float(weights @ (well_of(chi1) != well_of(chi1[0])))

    @property
    def _chi1(self) -> int:
        return self._side_chain.representation.torsions.index(self._side_chain.chi1)

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time that they took."""
        first, began = len(self.probabilities), time.process_time()
        while time.process_time() - began < seconds:
            self.probabilities.append(0.0)
            self._integrator.step(self._interval)
        return sum(self.probabilities[first:]), time.process_time() - began


def well_of(chi1_deg: Array) -> Array:
    """Which rotamer an angle belongs to: 0, 1, 2 around 60, 180, 300 degrees."""
    return np.asarray(chi1_deg % 360.0 // 120.0)


def bias_kt(chi1_deg: float, height_kt: float) -> float:
    """Bias in kT at chi1, zero within 24 degrees of the borders of the wells."""
    shape = (math.cos(math.radians(3 * chi1_deg - 180.0)) - BIAS_END) / (1.0 - BIAS_END)
    return height_kt * max(0.0, shape)


class PlainMD:
    """MD; with a bias, which makes each step count as several of unbiased MD."""

    def __init__(self, side_chain: SideChain, height_kt: float = 0.0) -> None:
        self._side_chain, self._height_kt = side_chain, height_kt
        self._integrator = make_thermostat(4, TIME_STEP_PS)
        self._context = side_chain.start(self._integrator, self._biased_system())
        self._well: int | None = None

    def _biased_system(self) -> openmm.System:
        system = openmm.XmlSerializer.clone(self._side_chain.box.system)
        if self._height_kt > 0:
            height = self._height_kt * KT_KJ
            force = openmm.CustomTorsionForce(
                f"{height}*max(0, (cos(3*theta-{math.pi})-({BIAS_END}))/(1-({BIAS_END})))"
            )
            force.addTorsion(*self._side_chain.chi1.atoms, [])
            system.addForce(force)
        return system

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time unbiased MD would have taken."""
        moves, spent, counted = 0, 0.0, 0.0
        while spent < seconds:
            began = time.process_time()
            self._integrator.step(LOOK_STEPS)
            chi1_deg = float(self._side_chain.chi1_deg(_positions(self._context)))
            moves += self._arrives(chi1_deg)
            elapsed = time.process_time() - began
            spent += elapsed
            counted += elapsed * math.exp(bias_kt(chi1_deg, self._height_kt))
        return moves, counted

    def _arrives(self, chi1_deg: float) -> bool:
        """Whether the core of another well is reached."""
        if abs(chi1_deg % 120.0 - 60.0) > CORE_DEG:
            return False
        before, self._well = self._well, int(chi1_deg // 120.0)
        return before is not None and before != self._well
