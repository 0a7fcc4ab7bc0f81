"""Leaps that were learned on a peptide, against uniform leaps, plain MD and metadynamics.

    python benchmarks/peptide_hybrid.py --sequence AAAA --minutes 30 --json FILE

Chains of all methods take turns on one core, each method for a quarter of the time; what is
compared is effective samples of TIC-0, the slowest direction, per minute of wall time. Its mean
and variance come from a reference, see `peptide_hybrid_reference.py` and `peptide_hybrid_ess.py`.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from alanine_dipeptide_samplers import take_turns
from alanine_dipeptide_system import PLATFORM
from numpy.typing import NDArray
from peptide_hybrid_methods import Chain, Leaps, learned_proposer, make_chains
from peptide_hybrid_observables import PeptideObservables
from peptide_hybrid_reference import Reference, load_or_make
from peptide_hybrid_results import METHODS, summarise
from peptide_hybrid_table import draw, tables
from rich.console import Console
from rich.progress import track

from openmm_genmd.md.peptide_input import peptide_input

SLICE_SECONDS = 2.0
LEAST_SECONDS = 0.5
"""Of a chain: some twenty frames."""
MIN_CHAINS = 3
DEFAULT_MODEL = "tetrapeptide-blocks"


def seconds_per_chain(minutes: float, chains: int) -> float:
    """Equal shares of the wall time.

    Raises
    ------
    ValueError
        If there are fewer than three chains, or too little time for a chain.
    """
    if chains < MIN_CHAINS:
        raise ValueError(
            f"expected at least {MIN_CHAINS} chains of each method, got {chains}; with fewer "
            "there is no error bar"
        )
    seconds = 60 * minutes / (len(METHODS) * chains)
    if not seconds >= LEAST_SECONDS:
        least = LEAST_SECONDS * len(METHODS) * chains / 60
        raise ValueError(
            f"{minutes:g} minutes are too short for {chains} chains of {len(METHODS)} methods: "
            f"give at least {least:g}, and 30 for a result"
        )
    return seconds


def run(chains: dict[str, list[Chain]], seconds: float, console: Console) -> None:
    """Let all chains take turns until each has had its seconds."""
    turns = max(1, round(seconds / SLICE_SECONDS))
    for _ in track(range(turns), "all methods in turns", console=console, transient=True):
        # Chain by chain, so that those that are compared run one right after the other.
        for same_start in zip(*chains.values(), strict=True):
            take_turns([(chain, seconds / turns) for chain in same_start])


def recorder(observables: PeptideObservables, reference: Reference) -> Any:
    """What chains measure on their frames: all observables, and TIC-0."""

    def record(positions_nm: NDArray[Any]) -> dict[str, NDArray[Any]]:
        tic = reference.slow.of(observables.folded_rad(positions_nm))
        state = (tic > reference.target.middle).astype(float)
        return observables.measure(positions_nm) | {"TIC-0 state": state, "TIC-0": tic}

    return record


def compare(
    sequence: str,
    *,
    minutes: float,
    model: str,
    leaps: Leaps,
    chains: int,
    seed: int,
    console: Console,
) -> dict[str, Any]:
    """Run the comparison and return what the JSON file has.

    Raises
    ------
    ValueError
        If the sequence, the time or the model will not do.
    FileNotFoundError
        If there is no such model.
    """
    seconds = seconds_per_chain(minutes, chains)
    given = peptide_input(sequence)
    learned_proposer(given, model)  # refuses what does not fit before a reference is made
    reference = load_or_make(sequence, given, console)
    made = make_chains(
        *(given, recorder(PeptideObservables(given), reference), reference.variables),
        model=model,
        leaps=leaps,
        chains=chains,
        seed=seed,
    )
    run(made, seconds, console)
    torsions = PeptideObservables(given).torsions
    return summarise(sequence, made, reference) | {
        "settings": {
            "sequence": sequence,
            "minutes": minutes,
            "seconds_per_chain": seconds,
            "chains_per_method": chains,
            "model": model,
            "jump_interval": leaps.interval,
            "tries_per_jump": leaps.tries,
            "candidates": leaps.candidates,
            "metadynamics_variables": [torsions[n] for n in reference.variables],
            "seed": seed,
            "platform": PLATFORM,
            "openmm": version("openmm"),
        }
    }


def main(
    sequence: Annotated[str, typer.Option(help="one-letter codes, for instance AAAA")],
    json_file: Annotated[Path, typer.Option("--json", help="file for the results")],
    minutes: Annotated[float, typer.Option(help="wall time of all methods together")] = 30.0,
    model: Annotated[
        str, typer.Option(help="bundled name, a file, or 'untrained' for a check")
    ] = DEFAULT_MODEL,
    chains: Annotated[int, typer.Option(help="of each method, at least 3")] = 3,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    jump_interval: Annotated[int, typer.Option(help="MD steps")] = Leaps.interval,
    tries: Annotated[int, typer.Option(help="attempts at each jump")] = Leaps.tries,
    candidates: Annotated[int, typer.Option(help="of each attempt")] = Leaps.candidates,
    figure: Annotated[Path | None, typer.Option(help="bars and populations, .png")] = None,
) -> None:
    """Compare learned leaps on a peptide with uniform leaps, plain MD and metadynamics."""
    console = Console()
    try:
        found = compare(
            sequence,
            minutes=minutes,
            model=model,
            leaps=Leaps(jump_interval, tries, candidates),
            chains=chains,
            seed=seed,
            console=console,
        )
    except (ValueError, FileNotFoundError) as error:
        raise typer.BadParameter(str(error)) from None
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    console.print(*tables(found), sep="\n")
    if figure is not None:
        draw(found, figure)


if __name__ == "__main__":
    typer.run(main)
