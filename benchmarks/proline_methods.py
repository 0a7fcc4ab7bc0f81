"""How the peptide bond of proline changes: by leaps, and by MD, plain or accelerated."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import openmm
from alanine_dipeptide_box import KT_KJ, TEMPERATURE_K, Box, make_thermostat
from numpy.typing import NDArray
from proline_box import make_proline_box, minimized

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer
from openmm_genmd.md.protocols import JumpProtocol
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

TIME_STEP_PS = 0.004
LOOK_STEPS = 25
# Of a well, as MD sees it: in between nothing counts, so that quick recrossings do not.
CORE_DEG = 30.0
# Where the bias ends: cos(2 omega) at 72 degrees from the middle of the well.
BIAS_END = -0.8


class Flip(Proposer):
    """Turns the acetyl group about the peptide bond by 180 degrees; log ratio 0."""

    grade = "exact"

    def __init__(self, representation: TorsionRepresentation, omega: int) -> None:
        self.representation, self.particles = representation, representation.particles
        self._leap = np.zeros(len(representation.torsions))
        self._leap[omega] = math.pi

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Turn it."""
        return Proposal(self.representation.turn(self._leap, positions), 0.0)


@dataclass(frozen=True)
class PeptideBond:
    """The box, equilibrated with the bond as it is, and its torsion omega."""

    box: Box
    representation: TorsionRepresentation

    @classmethod
    def make(cls, equilibration_steps: int, *, cis: bool) -> PeptideBond:
        """Build the box, turn the bond if asked, and equilibrate."""
        box = make_proline_box()
        representation = TorsionRepresentation.from_topology(
            box.topology, box.system, atoms=range(box.n_solute), include_omega=True
        )
        built = cls(box, representation)
        return (built.flipped() if cis else built).equilibrated(equilibration_steps)

    def flipped(self) -> PeptideBond:
        """Return the same with the bond turned, minimized."""
        moved, positions = list(self.representation.particles), self.box.positions_nm.copy()
        flip = Flip(self.representation, self.which)
        positions[moved] = flip.propose(positions[moved], None, np.random.default_rng()).positions
        return self._at(minimized(self.box.system, positions))

    def equilibrated(self, steps: int) -> PeptideBond:
        """Return the same after some MD."""
        thermostat = make_thermostat(1, 0.001)
        context = self.start(thermostat)
        thermostat.step(steps // 10)
        thermostat.setStepSize(TIME_STEP_PS)
        thermostat.step(steps)
        return self._at(_positions(context))

    def _at(self, positions: Array) -> PeptideBond:
        box = Box(self.box.topology, positions, self.box.system, self.box.n_solute)
        return PeptideBond(box, self.representation)

    @property
    def which(self) -> int:
        """Index of omega among the torsions: that between acetyl and proline."""
        first = next(self.box.topology.residues())
        acetyl = {atom.index for atom in first.atoms()}
        torsions = self.representation.torsions
        return next(i for i, t in enumerate(torsions) if len(acetyl & set(t.atoms)) == 2)

    @property
    def alchemical_atoms(self) -> list[int]:
        """The acetyl group: all that the leap moves, and its carbon on the axis.

        With it the group is neutral, so that the water around need not notice its charges go.
        """
        return [atom.index for atom in next(self.box.topology.residues()).atoms()]

    def omega_deg(self, positions: Array) -> Array:
        """Omega, 0 for cis, in [0, 360) of positions ``(..., n, 3)`` in nm."""
        return self.omega_of_solute_deg(positions[..., list(self.representation.particles), :])

    def omega_of_solute_deg(self, solute: Array) -> Array:
        """Return the same for positions of the molecule alone."""
        # The representation measures it from the oxygen, which is opposite to the methyl group.
        from_oxygen = self.representation.encode(solute)[..., self.which]
        return np.asarray((np.degrees(from_oxygen) + 180.0) % 360.0)

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


class Method(Protocol):
    """Whatever turns the bond."""

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time that they took."""


class Leaps:
    """MD with leaps; moves are acceptance probabilities of leaps to the other well."""

    def __init__(self, bond: PeptideBond, protocol: JumpProtocol, interval: int) -> None:
        self._bond, self._interval = bond, interval
        self.probabilities: list[float] = []
        self._integrator = GenerativeJumpIntegrator(
            make_thermostat(2, TIME_STEP_PS),
            Flip(bond.representation, bond.which),
            interval,
            protocol=protocol,
            seed=3,
        )
        self._integrator.setCandidateObserver(self._observe)
        self._context = bond.start(self._integrator)

    def _observe(self, positions: Array, weights: Array) -> None:
        """Positions are those of the molecule, the first where the leap came from."""
        omega = self._bond.omega_of_solute_deg(positions)
        self.probabilities[-1] += float(weights @ (is_cis(omega) != is_cis(omega[0])))

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time that they took."""
        first, began = len(self.probabilities), time.process_time()
        while time.process_time() - began < seconds:
            self.probabilities.append(0.0)
            self._integrator.step(self._interval)
        return sum(self.probabilities[first:]), time.process_time() - began


def is_cis(omega_deg: Any) -> Any:
    """Whether the bond is nearer to cis, 0 degrees, than to trans."""
    return np.cos(np.radians(omega_deg)) > 0


def bias_kt(omega_deg: float, height_kt: float) -> float:
    """Bias in kT at omega, zero within 18 degrees of the borders between the wells."""
    shape = (math.cos(math.radians(2 * omega_deg)) - BIAS_END) / (1.0 - BIAS_END)
    return height_kt * max(0.0, shape)


class PlainMD:
    """MD; with a bias, which makes each step count as several of unbiased MD."""

    def __init__(self, bond: PeptideBond, height_kt: float = 0.0) -> None:
        self._bond, self._height_kt = bond, height_kt
        self._integrator = make_thermostat(4, TIME_STEP_PS)
        self._context = bond.start(self._integrator, self._biased_system())
        self._was_cis: bool | None = None

    def _biased_system(self) -> openmm.System:
        system = openmm.XmlSerializer.clone(self._bond.box.system)
        if self._height_kt > 0:
            height = self._height_kt * KT_KJ
            force = openmm.CustomTorsionForce(
                f"{height}*max(0, (cos(2*theta)-({BIAS_END}))/(1-({BIAS_END})))"
            )
            force.addTorsion(*self._bond.representation.torsions[self._bond.which].atoms, [])
            system.addForce(force)
        return system

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time unbiased MD would have taken."""
        moves, spent, counted = 0, 0.0, 0.0
        while spent < seconds:
            began = time.process_time()
            self._integrator.step(LOOK_STEPS)
            omega_deg = float(self._bond.omega_deg(_positions(self._context)))
            moves += self._arrives(omega_deg)
            elapsed = time.process_time() - began
            spent += elapsed
            counted += elapsed * math.exp(bias_kt(omega_deg, self._height_kt))
        return moves, counted

    def _arrives(self, omega_deg: float) -> bool:
        """Whether the core of the other well is reached."""
        if abs((omega_deg + 90.0) % 180.0 - 90.0) > CORE_DEG:
            return False
        before, self._was_cis = self._was_cis, bool(is_cis(omega_deg))
        return before is not None and before != self._was_cis


class FromBoth:
    """A method that starts half of its time cis, half of it trans."""

    def __init__(self, cis: Method, trans: Method) -> None:
        self.starts = {"cis": cis, "trans": trans}

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run both for half of some CPU time; return the moves and the time that they took."""
        turns = [method.turn(0.5 * seconds) for method in self.starts.values()]
        return sum(moves for moves, _ in turns), sum(spent for _, spent in turns)
