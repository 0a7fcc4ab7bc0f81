"""Rotamer changes of isoleucine in water: AlchemicalSwitching, leaps, and MD. See --help."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Protocol

import numpy as np
import typer
from multiple_try import ratio_of_rates, shown_ratio
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rotamer_methods import TIME_STEP_PS, Leaps, PlainMD, SideChain

from openmm_genmd import AlchemicalSwitching, Instantaneous

EQUILIBRATION_STEPS = 10000
BIAS_KT = 5.0
SWITCH_STEPS, STEPS_BETWEEN_SWITCHES, STEPS_BETWEEN_LEAPS = 1000, 100, 3
SWITCH_HYDROGEN_MASS_DA = 4.5
# Between the start and the leap. Charges are off before atoms are soft enough to overlap. Sterics
# stay on in part: two cores that overlap at .3 cost about 1 kT, and less is left to be undone.
CHARGES_OFF, SOFTEST = 0.15, 0.3
KNOTS = 21
ROUNDS = 12
SHARES = {
    "AlchemicalSwitching": 0.4,
    "Instantaneous": 0.35,
    "Instantaneous, chi1 and chi2": 0.05,
    "MD": 0.05,
    "MD, accelerated": 0.15,
}
HELP = """Measure how often methods change the rotamer of isoleucine dipeptide in water (PME).

A **move** turns chi1 into another rotamer. The leap is a turn of chi1 by 120 degrees to either
side. **AlchemicalSwitching** turns the side chain's interactions with everything else down before
the leap and up after it (`openmmtools.alchemy`, rule "total work": exact); **Instantaneous** makes
the same leap every 3 MD steps, and, as a second variant, a leap that turns chi2 as well. Moves of
both are sums of acceptance probabilities. **MD** moves when chi1 arrives in the core of another
well; since that is rare, its rate is also measured with a bias that fills the wells and vanishes
near the borders between them (hyperdynamics: a step counts exp(bias/kT) times; Voter, Phys. Rev.
Lett. 78, 3908 (1997)).

Methods take turns, on one thread each, and time is CPU time: on a quiet machine that is wall time.
Standard errors are the jackknife's over turns. Gains of AlchemicalSwitching over a method that made
fewer than ten moves come with a 95 % limit, which takes the sum of probabilities for a count."""


def switching(side_chain: SideChain) -> AlchemicalSwitching:
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
        steps=SWITCH_STEPS,
        time_step_ps=TIME_STEP_PS,
        hydrogen_mass_da=SWITCH_HYDROGEN_MASS_DA,
        rule="total work",
    )


class Method(Protocol):
    """Whatever changes rotamers."""

    def turn(self, seconds: float) -> tuple[float, float]:
        """Run for some CPU time; return the moves and the time that they took."""


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


def make_methods(side_chain: SideChain) -> dict[str, Method]:
    """All methods, at the same starting point."""
    switch, leap = switching(side_chain), Instantaneous()
    return {
        "AlchemicalSwitching": Leaps(side_chain, switch, STEPS_BETWEEN_SWITCHES),
        "Instantaneous": Leaps(side_chain, leap, STEPS_BETWEEN_LEAPS),
        "Instantaneous, chi1 and chi2": Leaps(side_chain, leap, STEPS_BETWEEN_LEAPS, True),
        "MD": PlainMD(side_chain),
        "MD, accelerated": PlainMD(side_chain, BIAS_KT),
    }


def compare(methods: dict[str, Method], minutes: float) -> dict[str, dict[str, Any]]:
    """Rates of all methods, and the ratio of the first one's to each, with standard errors."""
    turns = {name: Turns() for name in methods}
    for _ in track(range(ROUNDS), "Taking turns", transient=True):
        for name, method in methods.items():
            turns[name].add(*method.turn(60 * minutes * SHARES[name] / ROUNDS))
    first, results = turns["AlchemicalSwitching"], {}
    for name, own in turns.items():
        result: dict[str, Any] = {"moves_per_minute": own.per_minute, "moves": sum(own.moves)}
        result["minutes"] = sum(own.seconds) / 60
        if isinstance(method := methods[name], Leaps):
            result["attempts"] = len(method.probabilities)
            rate, error = own.per_minute
            mean = float(np.mean(method.probabilities))
            result["acceptance"] = [mean, mean * error / rate if rate else 0.0]
            result["largest_probability"] = max(method.probabilities)
        if own is not first:
            result |= gain_over(own, first)
        results[name] = result
    return results


def gain_over(own: Turns, first: Turns) -> dict[str, float]:
    """Ratio of the rates of `first` and `own`, with its error and, after few moves, its limit."""
    moves = np.array([own.moves, first.moves])
    seconds = np.array([own.seconds, first.seconds])
    gain = ratio_of_rates("gain", moves, seconds)
    (rate, error), (other, other_error) = first.per_minute, own.per_minute
    if "gain" not in gain and other > 0 and rate > 0:
        gain["gain"] = rate / other
        gain["gain_error"] = gain["gain"] * math.hypot(error / rate, other_error / other)
    return gain


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
        acceptance = (
            "{:.2g} ± {:.1g}".format(*result["acceptance"]) if "acceptance" in result else ""
        )
        gain = "" if name == "AlchemicalSwitching" else shown_ratio(result, "gain")
        if "gain" in result and "gain_at_least" in result:
            gain += f" (> {result['gain_at_least']:.2g})"
        table.add_row(name, f"{rate:.2g} ± {error:.1g}", acceptance, gain)
    Console().print(table)


app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
app.command(help=HELP, no_args_is_help=True)(main)

if __name__ == "__main__":
    app()
