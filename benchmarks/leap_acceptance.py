"""Acceptance of single leaps by representation and density, and what each costs.

    python benchmarks/leap_acceptance.py --sequence AAAA --frames 200 --json FILE

Leaps are tried from conformations of the Boltzmann distribution (MD with uniform leaps, no model)
and never carried out, so that each is an independent sample of the acceptance in equilibrium: of a
single try, and where a density is cheap of one try with 32 candidates (`MultipleTry`).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import openmm
import typer
from numpy.typing import NDArray
from openmm.app import Simulation
from rich.progress import track

from openmm_genmd import BatchedEnergy, Proposer, UniformTorsionProposer, load_proposer
from openmm_genmd.md.peptide_input import peptide_input
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.md.torsion_leaps import TorsionLeaps
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer
from openmm_genmd.proposers.peptide_blocks import peptide_block_proposer
from openmm_genmd.representations.torsions import TorsionRepresentation
from openmm_genmd.units import thermal_energy_kj_per_mol

Array = NDArray[np.float64]

TEMPERATURE_K = 300.0
STEPS_BETWEEN_FRAMES = 250
EQUILIBRATION_FRAMES = 40
KINDS = ("phi/psi", "side chain", "residue", "neighbours", "all")
FEWER_EXACT = 5
"""An exact leap of a network costs as much as twenty paths: only a fifth of the frames are used."""


@dataclass(frozen=True)
class Tried:
    """Leaps of one kind.

    Attributes
    ----------
    name, proposer
        Who leaps.
    every
        Only every how many frames are used.
    """

    name: str
    proposer: Proposer
    every: int = 1


def boltzmann_frames(given: SystemInput, n: int) -> Array:
    """Conformations ``(n, n_atoms, 3)`` in nm at 300 K."""
    inner = openmm.LangevinMiddleIntegrator(TEMPERATURE_K, 1.0, 0.002)
    inner.setRandomNumberSeed(1)
    leaps = TorsionLeaps(given.topology, given.system, SimulationPlan()).around(inner, 1)
    platform = openmm.Platform.getPlatformByName("Reference")
    simulation = Simulation(given.topology, given.system, leaps, platform)
    simulation.context.setPositions(given.positions_nm)
    frames = []
    for _ in track(range(EQUILIBRATION_FRAMES + n), "frames", transient=True):
        simulation.step(STEPS_BETWEEN_FRAMES)
        state = simulation.context.getState(positions=True)
        frames.append(state.getPositions(asNumpy=True)._value)
    return np.array(frames[EQUILIBRATION_FRAMES:])


def proposers(given: SystemInput) -> Iterator[Tried]:
    """All kinds of leaps."""
    topology, system = given.topology, given.system
    representation = TorsionRepresentation.from_topology(topology, system)
    blocks = load_checkpoint(find_checkpoint("tetrapeptide-blocks"), _block_model())
    for kind in KINDS:
        try:
            uniform = UniformTorsionProposer(representation, blocks={kind: 1.0})
        except ValueError:  # no side chains
            continue
        yield Tried(f"uniform, {kind}", uniform)
        learned = peptide_block_proposer(blocks.model, representation, kinds=[kind])
        yield Tried(f"blocks, {kind}", learned)
    yield Tried("MarS-FM torsions, path", load_proposer("tetrapeptide-leaps", topology, system))
    exact = MarsFMProposer("tetrapeptide-leaps", topology, density="exact", steps=8, system=system)
    yield Tried("MarS-FM torsions, exact", exact, FEWER_EXACT)
    yield Tried("MarS-FM frames, path", load_proposer("tetrapeptides", topology, system))


def _block_model() -> type:
    from openmm_genmd.models.block_transformer import BlockTransformer

    return BlockTransformer


def of_candidates(
    tried: Tried, frames: Array, energy: BatchedEnergy, k: int, seed: int
) -> dict[str, float]:
    """Acceptance of the pick of k candidates and CPU per leap; see `MultipleTry`.

    The share of leaps that are accepted and move a torsion by more than 1 rad is beside it, since
    a candidate that hardly moves is easily accepted.
    """
    rng, kt = np.random.default_rng(seed), thermal_energy_kj_per_mol(TEMPERATURE_K)
    began, found, far = time.process_time(), [], []
    for x in frames:
        part = tried.proposer.choose(rng)
        candidates, log_q = part.sample(x, None, rng, k)
        log_q_x = part.log_density(x[None], x, None)
        energies = energy.evaluate(np.concatenate([x[None], candidates]))
        logs = -energies / kt - np.concatenate([log_q_x, log_q])
        weights = np.exp(logs - logs.max())
        if not weights[1:].any():  # all candidates are hopeless
            found.append(0.0)
            far.append(0.0)
            continue
        pick = 1 + rng.choice(k, p=weights[1:] / weights[1:].sum())
        acceptance = min(1.0, weights[1:].sum() / (weights.sum() - weights[pick]))
        found.append(acceptance)
        turned = part.representation.encode(candidates[pick - 1]) - part.representation.encode(x)
        far.append(acceptance * bool(np.any(np.abs(np.angle(np.exp(1j * turned))) > 1.0)))
    cpu_ms = 1000 * (time.process_time() - began) / len(frames)
    error = float(np.std(found, ddof=1) / math.sqrt(len(found)))
    return {
        "candidates_acceptance": float(np.mean(found)),
        "candidates_error": error,
        "candidates_far": float(np.mean(far)),
        "candidates_cpu_ms": cpu_ms,
    }


def measure(tried: Tried, frames: Array, energy: BatchedEnergy, seed: int) -> dict[str, float]:
    """Acceptance with its standard error, and milliseconds of CPU per leap."""
    rng, kt = np.random.default_rng(seed), thermal_energy_kj_per_mol(TEMPERATURE_K)
    began, found = time.process_time(), []
    used = frames[:: tried.every]
    for x in used:
        proposal = tried.proposer.propose(x.copy(), None, rng)
        if not (math.isfinite(proposal.log_ratio) and np.isfinite(proposal.positions).all()):
            found.append(0.0)
            continue
        before, after = energy.evaluate(np.array([x, proposal.positions]))
        logarithm = -(after - before) / kt + proposal.log_ratio
        found.append(min(1.0, math.exp(min(0.0, logarithm))) if math.isfinite(logarithm) else 0.0)
    cpu_ms = 1000 * (time.process_time() - began) / len(used)
    error = float(np.std(found, ddof=1) / math.sqrt(len(found)))
    return {"acceptance": float(np.mean(found)), "error": error, "cpu_ms": cpu_ms, "n": len(used)}


def main(
    sequence: Annotated[str, typer.Option(help="one-letter codes")],
    json_file: Annotated[Path, typer.Option("--json", help="file for the results")],
    frames: Annotated[int, typer.Option(min=10, help="conformations to leap from")] = 200,
    candidates: Annotated[int, typer.Option(min=2, help="of a leap with many")] = 32,
    seed: Annotated[int, typer.Option()] = 1,
) -> None:
    """Measure acceptance by representation and density."""
    given = peptide_input(sequence)
    conformations = boltzmann_frames(given, frames)
    energy = BatchedEnergy(given.system, range(given.system.getNumParticles()), threads=1)
    results = {}
    for tried in proposers(given):
        results[tried.name] = measure(tried, conformations, energy, seed)
        if not tried.proposer.conditional:
            results[tried.name] |= of_candidates(tried, conformations, energy, candidates, seed)
        print(sequence, tried.name, {k: round(v, 4) for k, v in results[tried.name].items()})
    json_file.parent.mkdir(parents=True, exist_ok=True)
    json_file.write_text(json.dumps({"sequence": sequence, "leaps": results}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
