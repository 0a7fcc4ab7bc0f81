"""How many candidates `BatchedEnergy` evaluates while OpenMM evaluates one energy.

Run ``python benchmarks/batched_energy_speed.py`` for a table of capped alanine peptides in
implicit solvent (amber99sbildn, OBC). One thread everywhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import app

from openmm_genmd import BatchedEnergy, UniformTorsionProposer
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.torsions import TorsionRepresentation

PLATFORMS = {"Reference": {}, "CPU": {"Threads": "1"}}
LARGE_BATCH = 16384
PEPTIDES = ("A", "AAA", "AAAA", "AAAAA", "AAAAAA")
NOISE_NM = 0.002
MIN_SECONDS = 0.5
MIN_PAIRS = 30


def candidates_per_energy(
    system: openmm.System,
    positions: NDArray[np.float64],
    *,
    candidates: int | None = None,
    conformations: NDArray[np.float64] | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    """Measure both in turn, on one core or on a device; medians of interleaved pairs.

    OpenMM's time is that of an energy with positions set before it, without what Python adds: the
    same call on a System without forces is taken off, so that OpenMM is not shown slower than a
    C++ program would find it. The time of `BatchedEnergy` is that of the call from Python.

    Parameters
    ----------
    system
        A System that `BatchedEnergy` supports.
    positions
        ``(n_particles, 3)`` float64, nm.
    candidates
        How many conformations one call evaluates; 256 by default, 16384 on a device.
    conformations
        ``(candidates, n_particles, 3)`` float64, nm; by default all atoms are displaced at random,
        so that no two conformations share a distance: the hardest case.
    device
        Name of a platform on whose device both are measured, OpenMM in its default precision; by
        default `BatchedEnergy` runs on the host and OpenMM on the platforms that do as well.

    Returns
    -------
    dict
        ``candidates_per_energy``: the ratio to the fastest of the platforms, and, per platform,
        ``{platform}_energy_us`` and ``{platform}_ratio``; ``candidate_us``; the
        ``instruction_set`` of the host.
    """
    if conformations is None:
        default = LARGE_BATCH if device else 256
        conformations = displaced(positions, candidates or default)
    candidates = len(conformations)
    batched = BatchedEnergy(system, threads=None if device else 1, platform=device)
    platforms = [device] if device else list(PLATFORMS)
    result: dict[str, Any] = {
        "n_particles": system.getNumParticles(),
        "candidates": candidates,
        "instruction_set": batched.native.instruction_set,
    }
    for name in platforms:
        energy = _energy_call(system, positions, name)
        nothing = _energy_call(_without_forces(system), positions, name)
        seconds = _interleaved_seconds(
            [energy, nothing, lambda: batched.evaluate(conformations)], repeats=[20, 20, 1]
        )
        own = seconds[0] - seconds[1]
        each = seconds[2] / candidates
        result[f"{name}_energy_us"] = 1e6 * float(np.median(own))
        result[f"{name}_ratio"] = float(np.median(own / each))
        result["candidate_us"] = 1e6 * float(np.median(each))
    result["candidates_per_energy"] = min(result[f"{name}_ratio"] for name in platforms)
    return result


def displaced(positions: NDArray[np.float64], candidates: int) -> NDArray[np.float64]:
    """Conformations ``(candidates, n_particles, 3)``, nm, all atoms displaced at random."""
    noise = np.random.default_rng(1).normal(scale=NOISE_NM, size=(candidates, *positions.shape))
    return positions + noise


def leaps(
    topology: app.Topology, positions: NDArray[np.float64], candidates: int
) -> NDArray[np.float64]:
    """Conformations ``(candidates, n_particles, 3)``, nm, one block of torsions turned."""
    rng = np.random.default_rng(1)
    proposer = UniformTorsionProposer(TorsionRepresentation.from_topology(topology)).choose(rng)
    particles = list(proposer.particles)
    conformations = np.repeat(positions[None], candidates, axis=0)
    conformations[:, particles] = proposer.sample(positions[particles], None, rng, candidates)[0]
    return conformations


def _energy_call(
    system: openmm.System, positions: NDArray[np.float64], platform: str
) -> Callable[[], object]:
    context = openmm.Context(
        system,
        openmm.VerletIntegrator(0.001),
        openmm.Platform.getPlatformByName(platform),
        PLATFORMS.get(platform, {}),
    )
    context.setPositions(positions)
    # What context.getState(energy=True) calls, which takes longer in Python than some energies.
    return lambda: openmm._openmm.Context_getState(context, openmm.State.Energy, False, -1)


def _without_forces(system: openmm.System) -> openmm.System:
    bare = openmm.System()
    for _ in range(system.getNumParticles()):
        bare.addParticle(1.0)
    return bare


def _interleaved_seconds(
    calls: list[Callable[[], object]], repeats: list[int]
) -> NDArray[np.float64]:
    """Seconds per call ``(n_calls, n_rounds)`` float64, all calls in every round."""
    rounds: list[list[float]] = []
    end = time.perf_counter() + MIN_SECONDS
    while len(rounds) < MIN_PAIRS or time.perf_counter() < end:
        rounds.append([_seconds(call, n) for call, n in zip(calls, repeats, strict=True)])
    return np.array(rounds).T


def _seconds(call: Callable[[], object], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - start) / repeats


def implicit_peptide(
    sequence: str,
) -> tuple[app.Topology, openmm.System, NDArray[np.float64]]:
    """Capped peptide in implicit solvent: its positions are ``(n, 3)`` float64, nm."""
    topology, positions_nm = build_peptide(sequence)
    force_field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    return topology, force_field.createSystem(topology, constraints=app.HBonds), positions_nm


def main() -> None:
    """Print the table."""
    print("conformations  atoms  Reference/us  CPU/us  candidate/us  candidates per energy")
    for sequence in PEPTIDES:
        topology, system, positions_nm = implicit_peptide(sequence)
        for kind, conformations in {
            "displaced": displaced(positions_nm, 256),
            "leaps": leaps(topology, positions_nm, 256),
        }.items():
            row = candidates_per_energy(system, positions_nm, conformations=conformations)
            print(
                f"{kind:13s}  {row['n_particles']:5d}  {row['Reference_energy_us']:12.1f}"
                f"  {row['CPU_energy_us']:6.1f}  {row['candidate_us']:12.2f}"
                f"  {row['candidates_per_energy']:21.1f}"
            )


if __name__ == "__main__":
    main()
