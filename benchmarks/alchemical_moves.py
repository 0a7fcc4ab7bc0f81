"""Rotamer changes of isoleucine in water: AlchemicalSwitching, leaps, and MD. See --help."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import openmm
import typer
from alanine_dipeptide_box import KT_KJ, TEMPERATURE_K, Box, make_thermostat
from isoleucine_box import make_isoleucine_box
from multiple_try import ratio_of_rates, shown_ratio
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from openmm_genmd import AlchemicalSwitching, GenerativeJumpIntegrator, Proposal, Proposer
from openmm_genmd.md.protocols import Instantaneous, JumpProtocol
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

TIME_STEP_PS = 0.004
EQUILIBRATION_STEPS = 10000
LOOK_STEPS = 25
# Of a well, as seen by MD: between the cores of two wells nothing counts, so that recrossings do not.
CORE_DEG = 30.0
# Height, and where it ends: cos(3 (chi1 - well)) at 36 degrees from the well.
BIAS_KT, BIAS_END = 4.0, -0.3
SWITCH_STEPS, STEPS_BETWEEN_SWITCHES, STEPS_BETWEEN_LEAPS = 1000, 100, 10
SWITCH_HYDROGEN_MASS_DA = 4.5
# Between the start and the leap. Charges are off before atoms are soft enough to overlap; sterics
# stay half on, since a soft core of that height costs a few kT at most.
CHARGES_OFF, SOFTEST = 0.15, 0.45
KNOTS = 21
ROUNDS = 12
SHARES = {
    "AlchemicalSwitching": 0.5,
    "Instantaneous": 0.1,
    "Instantaneous, chi1 and chi2": 0.1,
    "MD": 0.1,
    "MD, accelerated": 0.2,
}
HELP = """Measure how often methods change the rotamer of isoleucine dipeptide in water (PME).

A **move** turns chi1 into another rotamer. The leap is a turn of chi1 by 120 degrees to either
side. **AlchemicalSwitching** turns the side chain's interactions with everything else down before
the leap and up after it (`openmmtools.alchemy`, rule "total work": exact); **Instantaneous** makes
the same leap every 10 MD steps, and, as a second variant, a leap that turns chi2 as well. Moves of both
are sums of acceptance probabilities. **MD** moves when chi1 arrives in the core of another well;
since that is rare, its rate is also measured with a bias that fills the wells and vanishes near the
borders between them (hyperdynamics: a step counts exp(bias/kT) times; Voter, Phys. Rev. Lett. 78,
3908 (1997)).

Methods take turns, on one thread each, and time is CPU time: on a quiet machine that is wall time.
Standard errors are the jackknife's over turns; a ratio to fewer than ten moves is a 95 % limit."""


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


def switching(side_chain: SideChain, steps: int = SWITCH_STEPS) -> AlchemicalSwitching:
    """Protocol that softens the side chain, and turns its charges off before that matters."""
    from openmmtools.alchemy import AbsoluteAlchemicalFactory, AlchemicalRegion

    factory = AbsoluteAlchemicalFactory(
        consistent_exceptions=False, alchemical_pme_treatment="exact"
    )
    region = AlchemicalRegion(
        alchemical_atoms=side_chain.alchemical_atoms,
        annihilate_electrostatics=True,
        annihilate_sterics=False,
    )
    progress = np.linspace(0.0, 1.0, KNOTS)
    tables = {
        "lambda_electrostatics": np.clip(1.0 - progress / CHARGES_OFF, 0.0, 1.0).tolist(),
        "lambda_sterics": (1.0 - (1.0 - SOFTEST) * progress).tolist(),
    }
    return AlchemicalSwitching(
        system=factory.create_alchemical_system(side_chain.box.system, region),
        parameters=tables,
        steps=steps,
        time_step_ps=TIME_STEP_PS,
        hydrogen_mass_da=SWITCH_HYDROGEN_MASS_DA,
        rule="total work",
    )


class Method(Protocol):
    """Whatever changes rotamers."""

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time that they took."""


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


@dataclass
class Turns:
    """Moves and seconds, turn by turn."""

    moves: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, moves: float, seconds: float) -> None:
        """Add a turn."""
        self.moves.append(moves)
        self.seconds.append(seconds)

    @property
    def per_minute(self) -> list[float]:
        """Rate and its standard error by the jackknife over turns."""
        moves, seconds = np.array(self.moves), np.array(self.seconds)
        left_out = 60 * (moves.sum() - moves) / (seconds.sum() - seconds)
        error = math.sqrt((len(moves) - 1) * float(np.var(left_out)))
        return [60 * float(moves.sum() / seconds.sum()), error]


def make_methods(side_chain: SideChain, switch_steps: int = SWITCH_STEPS) -> dict[str, Method]:
    """All methods, at the same starting point."""
    switch, leap = switching(side_chain, switch_steps), Instantaneous()
    return {
        "AlchemicalSwitching": Leaps(side_chain, switch, STEPS_BETWEEN_SWITCHES),
        "Instantaneous": Leaps(side_chain, leap, STEPS_BETWEEN_LEAPS),
        "Instantaneous, chi1 and chi2": Leaps(side_chain, leap, STEPS_BETWEEN_LEAPS, True),
        "MD": PlainMD(side_chain),
        "MD, accelerated": PlainMD(side_chain, BIAS_KT),
    }


def compare(
    methods: dict[str, Method], minutes: float, rounds: int = ROUNDS
) -> dict[str, dict[str, Any]]:
    """Rates of all methods, and the ratio of the first one's to each, with standard errors."""
    turns = {name: Turns() for name in methods}
    for _ in track(range(rounds), "Taking turns", transient=True):
        for name, method in methods.items():
            turns[name].add(*method.turn(60 * minutes * SHARES[name] / rounds))
    first, results = turns["AlchemicalSwitching"], {}
    for name, own in turns.items():
        result: dict[str, Any] = {"moves_per_minute": own.per_minute, "moves": sum(own.moves)}
        result["minutes"] = sum(own.seconds) / 60
        if isinstance(method := methods[name], Leaps):
            result["attempts"] = len(method.probabilities)
            result["acceptance"] = float(np.mean(method.probabilities))
            result["largest_probability"] = max(method.probabilities)
        if own is not first:
            moves, seconds = [first.moves, own.moves], [first.seconds, own.seconds]
            result |= ratio_of_rates("gain", np.array(moves[::-1]), np.array(seconds[::-1]))
        results[name] = result
    return results


def main(
    json_file: Annotated[Path, typer.Option("--json", help="Where the results go.")],
    minutes: Annotated[float, typer.Option(help="CPU time for all methods together.")] = 12.0,
) -> None:
    """Measure, print a table, write the file."""
    side_chain = SideChain.make(EQUILIBRATION_STEPS)
    methods = compare(make_methods(side_chain), minutes)
    results = {
        "openmm": version("openmm"),
        "atoms": side_chain.box.system.getNumParticles(),
        "grade": "exact",
        "switch_steps": SWITCH_STEPS,
        "methods": methods,
    }
    json_file.write_text(json.dumps(results, indent=2) + "\n")
    table = Table("", "moves per minute", "acceptance", "gain of AlchemicalSwitching")
    for name, result in methods.items():
        rate, error = result["moves_per_minute"]
        acceptance = f"{result['acceptance']:.2g}" if "acceptance" in result else ""
        gain = "" if name == "AlchemicalSwitching" else shown_ratio(result, "gain")
        table.add_row(name, f"{rate:.2g} ± {error:.1g}", acceptance, gain)
    Console().print(table)


app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
app.command(help=HELP, no_args_is_help=True)(main)

if __name__ == "__main__":
    app()
