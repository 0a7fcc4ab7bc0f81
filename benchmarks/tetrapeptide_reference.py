"""References of tetrapeptides: replica exchange plus uniform torsion leaps, from two starts.

    python benchmarks/tetrapeptide_reference.py --sequence KLVF --out out/reference

Four temperatures, whose replicas leap in random blocks of torsions between pieces of MD, so that
the Boltzmann distribution of the force field is sampled at each. One run starts extended, the
other from a conformation with random torsions; they have to agree. The frames at 300 K become
`start-0.xtc` and `start-1.xtc`; `reference.json` has what was compared.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import mdtraj
import numpy as np
import openmm
import typer
from numpy.typing import NDArray
from openmm import app, unit
from openmm.app import ReplicaExchangeSampler, Simulation

from openmm_genmd.md.peptide_input import peptide_input
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.starts import relax, rotated_conformations
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.md.torsion_leaps import TorsionLeaps
from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

TEMPERATURES_K = (300.0, 375.0, 470.0, 590.0)
STEPS_PER_ITERATION = 50
TIME_STEP_PS = 0.002
DISCARDED = 0.1
BLOCKS = 20
CANDIDATE_STARTS = 20
BINS = 100
STORED = Path(__file__).parent / "reference" / "tetrapeptides.npz"


def start_of(given: SystemInput, which: int) -> Array:
    """Positions ``(n, 3)`` in nm: as built, or with random torsions, the lowest of some."""
    if which == 0:
        return given.positions_nm
    rng = np.random.default_rng(which)
    representation = TorsionRepresentation.from_topology(given.topology, given.system)
    rotated = rotated_conformations(given.positions_nm, representation, CANDIDATE_STARTS, rng)
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(given.system, openmm.VerletIntegrator(0.001), platform)
    relaxed, energies = relax(context, rotated)
    return np.asarray(relaxed[np.argmin(energies)])


def sample(given: SystemInput, which: int, iterations: int, report: Any) -> Array:
    """Positions ``(iterations, n, 3)`` in nm of the replica at the lowest temperature."""
    random.seed(which)  # what OpenMM's sampler draws exchanges from
    inner = openmm.LangevinMiddleIntegrator(TEMPERATURES_K[0], 1.0, TIME_STEP_PS)
    inner.setRandomNumberSeed(which + 1)
    leaps = TorsionLeaps(given.topology, given.system, SimulationPlan())
    integrator = leaps.around(inner, which + 1)
    platform = openmm.Platform.getPlatformByName("Reference")  # the fastest one of this size
    simulation = Simulation(given.topology, given.system, integrator, platform)
    simulation.context.setPositions(start_of(given, which))
    simulation.context.setVelocitiesToTemperature(TEMPERATURES_K[0], which + 1)
    states = [{"temperature": t * unit.kelvin} for t in TEMPERATURES_K]
    sampler = ReplicaExchangeSampler(states, simulation, STEPS_PER_ITERATION)
    frames: list[Array] = []

    def keep(sampler: ReplicaExchangeSampler) -> None:
        coldest = sampler.replicaConformation[sampler.replicaStateIndex.index(0)]
        frames.append(coldest.getPositions(asNumpy=True)._value)
        report(len(frames))

    sampler.reporters.append(keep)
    sampler.simulate(iterations)
    return np.array(frames)


def observables(topology: app.Topology, frames: Array) -> tuple[list[str], Array]:
    """Names, and values ``(n, k)``: cos and sin of all torsions, and whether phi is positive."""
    representation = TorsionRepresentation.from_topology(topology)
    angles = representation.encode(frames[:, list(representation.particles)])
    names = [torsion.name for torsion in representation.torsions]
    phi = [i for i, name in enumerate(names) if name.startswith("phi")]
    values = [np.cos(angles), np.sin(angles), (angles[:, phi] > 0).astype(float)]
    labels = [f"cos {n}" for n in names] + [f"sin {n}" for n in names]
    return labels + [f"{names[i]} > 0" for i in phi], np.concatenate(values, axis=1)


def block_average(values: Array) -> tuple[Array, Array]:
    """Means and standard errors ``(k,)`` of correlated values ``(n, k)``, by blocks."""
    used = values[int(DISCARDED * len(values)) :]
    length = len(used) // BLOCKS
    blocks = used[-BLOCKS * length :].reshape(BLOCKS, length, -1).mean(axis=1)
    return blocks.mean(axis=0), blocks.std(axis=0, ddof=1) / np.sqrt(BLOCKS)


def histograms(topology: app.Topology, runs: list[Array]) -> tuple[list[str], Array]:
    """Names of torsions, and counts ``(n_runs, n_torsions, 100)`` over [-pi, pi]."""
    representation = TorsionRepresentation.from_topology(topology)
    edges = np.linspace(-np.pi, np.pi, BINS + 1)
    counts = [
        [np.histogram(angles, edges)[0] for angles in representation.encode(frames).T]
        for frames in (run[:, list(representation.particles)] for run in runs)
    ]
    return [torsion.name for torsion in representation.torsions], np.array(counts)


def compare(topology: app.Topology, runs: list[Array]) -> dict[str, Any]:
    """How far the two starts are apart, in standard errors, and the populations of phi > 0."""
    names = observables(topology, runs[0][:1])[0]
    averages = [block_average(observables(topology, run)[1]) for run in runs]
    (one, error), (other, other_error) = averages
    together = np.hypot(error, other_error)
    scores = np.abs(one - other) / np.maximum(together, 1e-3)
    rare = {
        name: [[float(m[i]), float(e[i])] for m, e in averages]
        for i, name in enumerate(names)
        if name.endswith("> 0")
    }
    worst = int(np.argmax(scores))
    return {
        "populations": rare,
        "largest_score": float(scores[worst]),
        "largest_score_of": names[worst],
        "root_mean_square_score": float(np.sqrt(np.mean(scores**2))),
    }


def make_reference(
    sequence: str, folder: Path, iterations: int, report: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Run both starts, write the files, return the comparison; report each iteration."""
    given = peptide_input(sequence)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "topology.pdb").open("w") as file:
        app.PDBFile.writeFile(given.topology, given.positions_nm * unit.nanometer, file)
    began, runs = time.process_time(), []
    for which in (0, 1):
        frames = sample(given, which, iterations, lambda n: report())
        kept = frames[int(DISCARDED * len(frames)) :]
        topology = mdtraj.Topology.from_openmm(given.topology)
        mdtraj.Trajectory(kept, topology).save_xtc(str(folder / f"start-{which}.xtc"))
        runs.append(frames)
    found = compare(given.topology, runs) | {
        "sequence": sequence,
        "iterations": iterations,
        "temperatures_k": list(TEMPERATURES_K),
        "md_ps_per_replica": iterations * STEPS_PER_ITERATION * TIME_STEP_PS,
        "cpu_seconds": time.process_time() - began,
    }
    (folder / "reference.json").write_text(json.dumps(found, indent=1) + "\n")
    return found


def store(out: Path) -> None:
    """Keep the histograms and comparisons of all references beside this program."""
    kept: dict[str, Any] = {}
    for file in sorted(out.glob("*/reference.json")):
        topology = app.PDBFile(str(file.parent / "topology.pdb")).topology
        runs = [
            mdtraj.load(str(file.parent / f"start-{i}.xtc"), top=str(file.parent / "topology.pdb"))
            for i in (0, 1)
        ]
        names, counts = histograms(topology, [run.xyz.astype(np.float64) for run in runs])
        sequence = file.parent.name
        kept |= {f"{sequence}_torsions": names, f"{sequence}_counts": counts.astype(np.uint16)}
        kept[f"{sequence}_reference"] = file.read_text()
    np.savez_compressed(STORED, **kept)


def main(
    sequence: Annotated[list[str], typer.Option(help="one-letter codes; once for each")],
    out: Annotated[Path, typer.Option(help="folder; one inside for each sequence")],
    iterations: Annotated[int, typer.Option(help="exchanges of each run")] = 1000,
    keep: Annotated[
        bool, typer.Option("--keep", help="store histograms in the repository")
    ] = False,
) -> None:
    """Make references; one that is there already is left as it is."""
    for each in sequence:
        if not (out / each / "reference.json").exists():
            found = make_reference(each, out / each, iterations)
            print(each, json.dumps({k: found[k] for k in ("largest_score", "cpu_seconds")}))
    if keep:
        store(out)


if __name__ == "__main__":
    typer.run(main)
