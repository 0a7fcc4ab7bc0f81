"""Independent reference for alanine dipeptide: flat-histogram umbrella sampling on phi and psi.

No leaps are involved. A short well-tempered metadynamics run on (phi, psi) gives a rough surface
F0. The bias V = -(1 - 1/g) min(F0, cap) is then *frozen* and several independent walkers sample
under U + V, starting from different seeds; each frame counts with the weight exp(+V/kT) (Torrie and
Valleau, J. Comput. Phys. 23, 187 (1977)). Because psi is biased as well as phi, the slow
psi transitions that hide behind a bias on phi alone are crossed too. Any F0 gives the right
answer; a good one gives it sooner. Half of the walkers start in alpha-left, so that a memory of
the start would show. The standard error is the larger of a jackknife over blocks of all walkers
and the scatter between walkers; chi-squares say whether walkers agree, and those of either start.

Each seed writes its frames; sets of several seeds are combined, each with its share of all frames:

    python benchmarks/reference_population.py sample A.npz --seed 2026 --nanoseconds 48
    python benchmarks/reference_population.py combine A.npz B.npz --json FILE
"""

from __future__ import annotations

import argparse
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openmm
from alanine_dipeptide_system import (
    PLATFORM,
    TEMPERATURE_K,
    TIME_STEP_PS,
    current_positions_nm,
    make_simulation,
    make_system,
    make_thermostat,
    phi_psi_rad,
    torsion_atoms,
    torsion_force,
)
from numpy.typing import NDArray
from openmm import app, unit
from reference_reweighting import SampleSet, summarise, write_json

from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation

BIAS_FACTOR = 8.0
BIAS_GROUP = 31
CAP_KJ_PER_MOL = 40.0
GRID_POINTS = 61  # both ends of the period included, as OpenMM's periodic tables want
METADYNAMICS_STEPS = 600_000
EQUILIBRATION_STEPS = 100_000
BLOCK_STEPS = 100_000
STRIDE = 25
ALPHA_LEFT_RAD = (1.0, 0.6)
CONSTRAINT_TOLERANCE = 1e-5
METHOD = (
    "umbrella sampling with one frozen bias on (phi, psi) that flattens the surface (from "
    "well-tempered metadynamics), independent walkers, reweighted with exp(V/kT); errors: "
    "the larger of a jackknife over blocks and the scatter between walkers; no leaps"
)


def rough_surface(seed: int) -> NDArray[np.float64]:
    """Run metadynamics for F0 on the ``(psi, phi)`` grid, ``(61, 61)`` in kJ/mol, minimum zero."""
    topology, _ = load_structure("alanine-dipeptide")
    system = make_system(topology)
    variables = [
        app.BiasVariable(torsion_force(quad), -np.pi, np.pi, 0.3, True, GRID_POINTS)
        for quad in torsion_atoms(topology)
    ]
    metadynamics = app.Metadynamics(
        system, variables, TEMPERATURE_K * unit.kelvin, BIAS_FACTOR, 1.5, 100
    )
    simulation = make_simulation(system, make_thermostat(seed), seed)
    metadynamics.step(simulation, METADYNAMICS_STEPS)
    surface = metadynamics.getFreeEnergy().value_in_unit(unit.kilojoules_per_mole)
    return np.asarray(surface - surface.min(), dtype=np.float64)


def frozen_bias(surface_kj_per_mol: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn F0 into V = -(1 - 1/g) min(F0, cap) on the same grid, kJ/mol."""
    return -(1 - 1 / BIAS_FACTOR) * np.minimum(surface_kj_per_mol, CAP_KJ_PER_MOL)


def biased_simulation(
    bias_kj_per_mol: NDArray[np.float64], seed: int, *, from_alpha_left: bool
) -> app.Simulation:
    """Build a Simulation under U + V that starts minimised, or in alpha-left."""
    topology, _ = load_structure("alanine-dipeptide")
    system = make_system(topology)
    phi, psi = torsion_atoms(topology)
    force = openmm.CustomCVForce("bias(phi, psi)")
    force.addCollectiveVariable("phi", torsion_force(phi))
    force.addCollectiveVariable("psi", torsion_force(psi))
    size, ends = bias_kj_per_mol.shape[0], (-np.pi, np.pi)
    table = openmm.Continuous2DFunction(size, size, bias_kj_per_mol.flatten(), *ends, *ends, True)
    force.addTabulatedFunction("bias", table)
    force.setForceGroup(BIAS_GROUP)
    system.addForce(force)
    simulation = make_simulation(system, make_thermostat(seed), seed)
    if from_alpha_left:
        _, positions_nm = load_structure("alanine-dipeptide")
        turned = TorsionRepresentation.from_topology(topology).decode(ALPHA_LEFT_RAD, positions_nm)
        simulation.context.setPositions(turned)
        simulation.context.applyConstraints(CONSTRAINT_TOLERANCE)
    return simulation


def sample_block(simulation: app.Simulation) -> NDArray[np.float64]:
    """Run one block and return its frames, ``(frames, 3)``: phi and psi in rad, V in kJ/mol."""
    positions, bias = [], []
    for _ in range(BLOCK_STEPS // STRIDE):
        simulation.integrator.step(STRIDE)
        positions.append(current_positions_nm(simulation.context))
        energy = simulation.context.getState(energy=True, groups=1 << BIAS_GROUP)
        bias.append(energy.getPotentialEnergy()._value)
    angles = phi_psi_rad(np.array(positions), torsion_atoms(simulation.topology))
    return np.column_stack([angles, bias])


def sample(
    walkers: int, blocks: int, seed: int, backup: Path, *, minutes: float, alpha_left: int
) -> None:
    """Run independent walkers, a block of each in turn so that a stopped run leaves them equal.

    The file ``backup`` gets ``frames``, ``(3, walkers, blocks, frames)`` float64: phi and psi in
    rad, V in kJ/mol; ``from_alpha_left``, ``(walkers,)`` bool, where each started; ``seed``.
    """
    began = time.perf_counter()
    bias = frozen_bias(rough_surface(seed))
    started = np.arange(walkers) < alpha_left
    simulations = [
        biased_simulation(bias, seed + 1 + walker, from_alpha_left=bool(start))
        for walker, start in enumerate(started)
    ]
    for simulation in simulations:
        simulation.step(EQUILIBRATION_STEPS)
    collected: list[list[NDArray[np.float64]]] = []
    for block in range(blocks):
        collected.append([sample_block(simulation) for simulation in simulations])
        frames = np.array(collected).transpose(3, 1, 0, 2)
        np.savez(backup, frames=frames, bias_table=bias, from_alpha_left=started, seed=seed)
        seconds = time.perf_counter() - began
        print(f"block {block + 1}/{blocks}, {seconds:.0f} s", flush=True)
        if seconds > 60 * minutes:
            break


def load(path: Path) -> SampleSet:
    """Read the frames of one seed."""
    stored = np.load(path)
    return SampleSet(stored["frames"], stored["from_alpha_left"], int(stored["seed"]))


def provenance(sets: list[SampleSet]) -> dict[str, Any]:
    """Describe how the frames were made, for the reference file."""
    block_ns = BLOCK_STEPS * TIME_STEP_PS / 1000
    return {
        "method": METHOD,
        "platform": PLATFORM,
        "openmm": version("openmm"),
        "sets": [
            {
                "seed": samples.seed,
                "n_walkers": samples.frames.shape[1],
                "from_alpha_left": int(samples.from_alpha_left.sum()),
                "blocks_per_walker": samples.frames.shape[2],
                "total_ns": samples.n_blocks * block_ns,
            }
            for samples in sets
        ],
        "block_ns": block_ns,
        "total_ns": sum(samples.n_blocks for samples in sets) * block_ns,
        "discarded_ns_per_walker": EQUILIBRATION_STEPS * TIME_STEP_PS / 1000,
        "bias_factor": BIAS_FACTOR,
        "cap_kj_per_mol": CAP_KJ_PER_MOL,
    }


def parse() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("sample", help="write the frames of one seed")
    one.add_argument("samples", type=Path, help="npz file")
    one.add_argument("--nanoseconds", type=float, default=48.0, help="of all walkers together")
    one.add_argument(
        "--minutes", type=float, default=np.inf, help="stop after the block that runs then"
    )
    one.add_argument("--walkers", type=int, default=8)
    one.add_argument("--from-alpha-left", type=int, default=4, help="how many walkers start there")
    one.add_argument("--seed", type=int, default=2026, help="not 0, which means the clock")
    all_sets = commands.add_parser("combine", help="reweight the frames of all seeds")
    all_sets.add_argument("samples", type=Path, nargs="+", help="npz files")
    all_sets.add_argument("--json", type=Path, required=True)
    return parser.parse_args()


def main() -> None:
    """Sample one seed, or combine several and write the JSON file."""
    o = parse()
    if o.command == "sample":
        blocks = max(2, round(o.nanoseconds * 1000 / TIME_STEP_PS / BLOCK_STEPS / o.walkers))
        sample(
            o.walkers, blocks, o.seed, o.samples, minutes=o.minutes, alpha_left=o.from_alpha_left
        )
    else:
        sets = [load(path) for path in o.samples]
        write_json(o.json, summarise(sets), **provenance(sets))


if __name__ == "__main__":
    main()
