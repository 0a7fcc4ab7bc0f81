"""What many candidates per jump gain over single tries, both from the same untrained proposer.

    python benchmarks/multiple_try.py --seconds 60

Both runs take turns. A *move* is an accepted jump that turns a torsion by more than 60 degrees.
Moves are counted per second of wall time: of the jumps alone, and with the MD that lies between
jumps. The ratio of the jumps alone is what `MultipleTry` gains where jumps take most of the time;
MD costs both runs the same and dilutes it.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

import numpy as np
import openmm
import typer
from alanine_dipeptide_system import make_system, make_thermostat
from numpy.typing import NDArray
from openmm import app
from rich.console import Console
from rich.progress import track
from rich.table import Table

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    Instantaneous,
    MultipleTry,
    UniformTorsionProposer,
)
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation

CANDIDATES = 32
JUMP_INTERVAL = 10
MOVE_RAD = np.pi / 3
N_TURNS = 20
FEWEST_MOVES = 10
# The fastest platform on one core for each molecule.
PLATFORMS: dict[str, tuple[str, dict[str, str]]] = {
    "alanine dipeptide": ("Reference", {}),
    "ACE-AAAA-NME": ("CPU", {"Threads": "1"}),
}
CASES: tuple[tuple[str, list[str] | str], ...] = (
    ("alanine dipeptide", ["all"]),
    ("ACE-AAAA-NME", "default"),
)
METHODS = ("single tries", "MultipleTry")


def molecules() -> dict[str, tuple[app.Topology, NDArray[np.float64]]]:
    """Topologies and positions ``(n, 3)`` in nm of the two peptides."""
    return {
        "alanine dipeptide": load_structure("alanine-dipeptide"),
        "ACE-AAAA-NME": build_peptide("AAAA"),
    }


class JumpingRun:
    """A run whose jumps are timed and whose moves are counted, turn by turn."""

    def __init__(
        self,
        topology: app.Topology,
        positions_nm: NDArray[np.float64],
        platform: tuple[str, dict[str, str]],
        blocks: list[str] | str,
        method: str,
    ) -> None:
        system = make_system(topology)
        self._representation = TorsionRepresentation.from_topology(topology, system)
        proposer = UniformTorsionProposer(self._representation, blocks=blocks)
        protocol: Instantaneous | MultipleTry = Instantaneous()
        if method == "MultipleTry":
            surrogate = BatchedEnergy(system, proposer.particles, threads=1)
            protocol = MultipleTry(CANDIDATES, surrogate=surrogate)
        self._integrator = GenerativeJumpIntegrator(
            make_thermostat(1), proposer, JUMP_INTERVAL, protocol=protocol, seed=2
        )
        self._context = openmm.Context(
            system, self._integrator, openmm.Platform.getPlatformByName(platform[0]), platform[1]
        )
        self._context.setPositions(positions_nm)
        openmm.LocalEnergyMinimizer.minimize(self._context)
        self._context.setVelocitiesToTemperature(300.0, 3)
        self.turn(0.2)
        self._integrator.resetStatistics()

    def turn(self, seconds: float) -> NDArray[np.float64]:
        """Run for a while; return moves, wall time of the jumps, and all wall time: ``(3,)``."""
        moves, spent, began = 0, 0.0, self._jump_seconds()
        while spent < seconds:
            spent += self._timed_steps(JUMP_INTERVAL - 1)
            before = self._torsions()
            spent += self._timed_steps(1)
            if self._integrator.getLastJump().accepted:
                turned = np.abs(np.angle(np.exp(1j * (self._torsions() - before))))
                moves += bool(turned.max() > MOVE_RAD)
        return np.array([moves, self._jump_seconds() - began, spent])

    def _timed_steps(self, steps: int) -> float:
        start = time.perf_counter()
        self._integrator.step(steps)
        return time.perf_counter() - start

    def _torsions(self) -> NDArray[np.float64]:
        positions = self._context.getState(positions=True).getPositions(asNumpy=True)
        return self._representation.encode(np.asarray(positions._value))

    def _jump_seconds(self) -> float:
        statistics = self._integrator.getStatistics()
        return float(
            statistics.model_seconds + statistics.energy_seconds + statistics.bookkeeping_seconds
        )

    def acceptance(self) -> float:
        """Fraction of the attempts that were accepted."""
        return float(self._integrator.getAcceptanceRate())


def compare(name: str, blocks: list[str] | str, seconds: float) -> dict[str, Any]:
    """Rates of both methods and their ratios with standard errors, for one molecule.

    Parameters
    ----------
    name
        One of `molecules`.
    blocks
        As for `UniformTorsionProposer`.
    seconds
        Wall time for both together.
    """
    topology, positions_nm = molecules()[name]
    runs = {
        method: JumpingRun(topology, positions_nm, PLATFORMS[name], blocks, method)
        for method in METHODS
    }
    turns: dict[str, list[NDArray[np.float64]]] = {method: [] for method in METHODS}
    for _ in range(N_TURNS):
        for method, run in runs.items():
            turns[method].append(run.turn(seconds / N_TURNS / len(METHODS)))
    counts = np.array([turns[method] for method in METHODS])
    result: dict[str, Any] = {}
    for number, method in enumerate(METHODS):
        moves, jumping, total = counts[number].sum(axis=0)
        result[method] = {
            "acceptance": runs[method].acceptance(),
            "moves": moves,
            "moves_per_second_of_jumps": moves / jumping,
            "moves_per_second": moves / total,
        }
    for name, seconds_spent in (("ratio", counts[:, :, 1]), ("ratio_with_md", counts[:, :, 2])):
        result |= ratio_of_rates(name, counts[:, :, 0], seconds_spent)
    return result


def ratio_of_rates(
    name: str, moves: NDArray[np.float64], seconds: NDArray[np.float64]
) -> dict[str, float]:
    """Ratio of the second rate to the first, with its standard error by the jackknife over turns.

    Parameters
    ----------
    name
        The key of the ratio; its error gets ``_error`` appended. If the first method made too few
        moves for a ratio, there is ``_at_least`` instead, its 95 % limit.
    moves, seconds
        ``(2, n_turns)`` float64.

    References
    ----------
    Efron and Stein, Ann. Stat. 9, 586 (1981), eq. 1.1; Hanley and Lippman-Hand, J. Am. Med. Assoc.
    249, 1743 (1983): no event, 95 % limit 3.
    """
    rates = moves.sum(axis=1) / seconds.sum(axis=1)
    if moves[0].sum() < FEWEST_MOVES:
        most = moves[0].sum() + 3 + 2 * np.sqrt(moves[0].sum())
        return {f"{name}_at_least": float(rates[1] * seconds[0].sum() / most)}
    left_out = (moves.sum(axis=1, keepdims=True) - moves) / (
        seconds.sum(axis=1, keepdims=True) - seconds
    )
    logs = np.log(left_out[1] / left_out[0])
    ratio = float(rates[1] / rates[0])
    error = float(ratio * np.sqrt((moves.shape[1] - 1) * np.var(logs)))
    return {name: ratio, f"{name}_error": error}


def compare_all(seconds: float) -> dict[str, Any]:
    """`compare` for every molecule and kind of blocks, with so many seconds for each."""
    cases = {
        f"{name}, {blocks if isinstance(blocks, str) else blocks[0]} blocks": compare(
            name, blocks, seconds
        )
        for name, blocks in track(CASES, "MultipleTry", transient=True)
    }
    return {"candidates": CANDIDATES, "jump_interval": JUMP_INTERVAL, "cases": cases}


def shown_ratio(case: dict[str, Any], name: str) -> str:
    """Write a ratio with its error, or its limit."""
    if name in case:
        return f"{case[name]:.2f} ± {case[f'{name}_error']:.2f}"
    return f"> {case[f'{name}_at_least']:.2g}"


def main(
    seconds: Annotated[float, typer.Option(help="Wall time for each of the comparisons.")] = 60.0,
) -> None:
    """Compare MultipleTry(32) with single tries of the same uniform proposer."""
    results = compare_all(seconds)
    table = Table("", "acceptance, single", "multiple", "gain, jumps alone", "gain with MD")
    for name, case in results["cases"].items():
        single, multiple = (case[method] for method in METHODS)
        table.add_row(
            name,
            f"{single['acceptance']:.3f}",
            f"{multiple['acceptance']:.3f}",
            shown_ratio(case, "ratio"),
            shown_ratio(case, "ratio_with_md"),
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
