"""Cis and trans proline in water: AlchemicalSwitching, leaps, and MD. See --help."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from multiple_try import ratio_of_rates, shown_ratio
from proline_methods import TIME_STEP_PS, FromBoth, Leaps, PeptideBond, PlainMD
from rich.console import Console
from rich.progress import track
from rich.table import Table

from openmm_genmd import AlchemicalSwitching, Instantaneous
from openmm_genmd.md.protocols import JumpProtocol

EQUILIBRATION_STEPS = 10000
BIAS_KT = 26.0
SWITCH_STEPS, STEPS_BETWEEN_SWITCHES, STEPS_BETWEEN_LEAPS = 4000, 100, 3
SWITCH_HYDROGEN_MASS_DA = 4.5
# Between the start and the leap. Charges are off before atoms are soft enough to overlap. Sterics
# stay on in part: what is left costs little to overlap, and less is left to be undone.
CHARGES_OFF, SOFTEST = 0.3, 0.1
KNOTS = 21
ROUNDS = 8
SHARES = {
    "AlchemicalSwitching": 0.7,
    "Instantaneous": 0.15,
    "MD": 0.05,
    "MD, accelerated": 0.1,
}
HELP = """Measure how often methods turn the peptide bond of proline dipeptide in water (PME).

A **move** goes from cis to trans or back, which takes seconds to minutes in nature. The leap turns
the acetyl group about the bond by 180 degrees. **AlchemicalSwitching** turns the interactions of
that group with everything else down before the leap and up after it (`openmmtools.alchemy`, rule
"total work": exact); **Instantaneous** makes the same leap every 3 MD steps. Moves of both are sums
of acceptance probabilities. **MD** moves when omega arrives in the core of the other well; since
that is never seen, its rate is also measured with a bias that fills the wells and vanishes near the
borders between them (hyperdynamics: a step counts exp(bias/kT) times; Voter, Phys. Rev. Lett. 78,
3908 (1997)).

Half of each method's time starts cis, half of it trans. Methods take turns, on one thread each, and
time is CPU time: on a quiet machine that is wall time. Standard errors are the jackknife's over
turns. Gains of AlchemicalSwitching over a method that made fewer than ten moves come with a 95 %
limit, which takes the sum of probabilities for a count."""


def switching(bond: PeptideBond) -> AlchemicalSwitching:
    """Protocol that softens the acetyl group, and turns its charges off before that matters."""
    from openmmtools.alchemy import AbsoluteAlchemicalFactory, AlchemicalRegion

    factory = AbsoluteAlchemicalFactory(
        consistent_exceptions=False, alchemical_pme_treatment="exact"
    )
    region = AlchemicalRegion(
        alchemical_atoms=bond.alchemical_atoms,
        annihilate_electrostatics=True,
        annihilate_sterics=False,
    )
    progress = np.linspace(0.0, 1.0, KNOTS)
    tables = {
        "lambda_electrostatics": np.clip(1.0 - progress / CHARGES_OFF, 0.0, 1.0).tolist(),
        "lambda_sterics": (1.0 - (1.0 - SOFTEST) * progress).tolist(),
    }
    return AlchemicalSwitching(
        system=factory.create_alchemical_system(bond.box.system, region),
        parameters=tables,
        steps=SWITCH_STEPS,
        time_step_ps=TIME_STEP_PS,
        hydrogen_mass_da=SWITCH_HYDROGEN_MASS_DA,
        rule="total work",
    )


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


def make_methods(cis: PeptideBond, trans: PeptideBond) -> dict[str, FromBoth]:
    """All methods, from both starting points."""

    def leaps(protocol: JumpProtocol, interval: int) -> FromBoth:
        return FromBoth(Leaps(cis, protocol, interval), Leaps(trans, protocol, interval))

    return {
        "AlchemicalSwitching": leaps(switching(cis), STEPS_BETWEEN_SWITCHES),
        "Instantaneous": leaps(Instantaneous(), STEPS_BETWEEN_LEAPS),
        "MD": FromBoth(PlainMD(cis), PlainMD(trans)),
        "MD, accelerated": FromBoth(PlainMD(cis, BIAS_KT), PlainMD(trans, BIAS_KT)),
    }


def compare(methods: dict[str, FromBoth], minutes: float) -> dict[str, dict[str, Any]]:
    """Rates of all methods, and the ratio of the first one's to each, with standard errors."""
    turns = {name: Turns() for name in methods}
    for _ in track(range(ROUNDS), "Taking turns", transient=True):
        for name, method in methods.items():
            turns[name].add(*method.turn(60 * minutes * SHARES[name] / ROUNDS))
    first, results = turns["AlchemicalSwitching"], {}
    for name, own in turns.items():
        result: dict[str, Any] = {"moves_per_minute": own.per_minute, "moves": sum(own.moves)}
        result["minutes"] = sum(own.seconds) / 60
        result |= acceptance(methods[name])
        if own is not first:
            result |= gain_over(own, first)
        results[name] = result
    return results


def acceptance(method: FromBoth) -> dict[str, Any]:
    """Mean acceptance with its standard error, from each start; nothing for MD."""
    found: dict[str, Any] = {}
    for start, leaps in method.starts.items():
        if isinstance(leaps, Leaps):
            p = np.array(leaps.probabilities)
            error = float(p.std() / math.sqrt(len(p)))
            found[f"acceptance_from_{start}"] = [float(p.mean()), error]
            found[f"attempts_from_{start}"] = len(p)
    return found


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
    bonds = [PeptideBond.make(EQUILIBRATION_STEPS, cis=cis) for cis in (True, False)]
    methods = compare(make_methods(*bonds), minutes)
    results = {
        "openmm": version("openmm"),
        "atoms": bonds[0].box.system.getNumParticles(),
        "grade": "exact",
        "switch_steps": SWITCH_STEPS,
        "methods": methods,
    }
    json_file.write_text(json.dumps(results, indent=2) + "\n")
    columns = ("moves per minute", "acceptance from cis", "from trans")
    table = Table("", *columns, "gain of AlchemicalSwitching")
    for name, result in methods.items():
        rate, error = result["moves_per_minute"]
        acceptances = [
            "{:.2g} ± {:.1g}".format(*result[key]) if key in result else ""
            for key in ("acceptance_from_cis", "acceptance_from_trans")
        ]
        gain = "" if name == "AlchemicalSwitching" else shown_ratio(result, "gain")
        if "gain" in result and "gain_at_least" in result:
            gain += f" (> {result['gain_at_least']:.2g})"
        table.add_row(name, f"{rate:.2g} ± {error:.1g}", *acceptances, gain)
    Console().print(table)


app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)
app.command(help=HELP, no_args_is_help=True)(main)

if __name__ == "__main__":
    app()
