"""Independent reference for alanine dipeptide: flat-histogram umbrella sampling on phi and psi.

No leaps are involved. A short well-tempered metadynamics run on (phi, psi) gives a rough surface
F0. The bias V = -(1 - 1/g) min(F0, cap) is then *frozen* and several independent walkers sample
under U + V, starting from different seeds; each frame counts with the weight exp(+V/kT) (Torrie and
Valleau, J. Comput. Phys. 23, 187 (1977)). Because psi is biased as well as phi, the slow
psi transitions that hide behind a bias on phi alone are crossed too. Any F0 gives the right
answer; a good one gives it sooner. Errors come from a jackknife over blocks of all walkers, and the
chi-square between walkers says whether they agree.

    python benchmarks/reference_population.py --nanoseconds 48 --json FILE [--samples FILE.npz]
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
from reference_reweighting import summarise, write_json

from openmm_genmd.data.structures import load_structure

BIAS_FACTOR = 8.0
BIAS_GROUP = 31
CAP_KJ_PER_MOL = 40.0
GRID_POINTS = 61  # both ends of the period included, as OpenMM's periodic tables want
METADYNAMICS_STEPS = 600_000
EQUILIBRATION_STEPS = 100_000
BLOCK_STEPS = 100_000
STRIDE = 25
METHOD = (
    "umbrella sampling with one frozen bias on (phi, psi) that flattens the surface (from "
    "well-tempered metadynamics), independent walkers, reweighted with exp(V/kT); errors: "
    "jackknife over blocks; no leaps"
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


def biased_simulation(bias_kj_per_mol: NDArray[np.float64], seed: int) -> app.Simulation:
    """Build a Simulation under U + V."""
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
    return make_simulation(system, make_thermostat(seed), seed)


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


def sample(walkers: int, blocks: int, seed: int, backup: Path | None) -> NDArray[np.float64]:
    """Run independent walkers, a block of each in turn so that a stopped run leaves them equal.

    Returns
    -------
    ndarray
        ``(3, walkers, blocks, frames)`` float64: phi and psi in rad, V in kJ/mol.
    """
    began = time.perf_counter()
    bias = frozen_bias(rough_surface(seed))
    simulations = [biased_simulation(bias, seed + 1 + walker) for walker in range(walkers)]
    for simulation in simulations:
        simulation.step(EQUILIBRATION_STEPS)
    collected: list[list[NDArray[np.float64]]] = []
    for block in range(blocks):
        collected.append([sample_block(simulation) for simulation in simulations])
        if backup is not None:
            np.savez(backup, frames=np.array(collected).transpose(3, 1, 0, 2), bias_table=bias)
        print(f"block {block + 1}/{blocks}, {time.perf_counter() - began:.0f} s", flush=True)
    return np.array(collected).transpose(3, 1, 0, 2)


def lengths(frames: NDArray[np.float64], seed: int) -> dict[str, Any]:
    """Describe how the frames were made, for the reference file."""
    _, walkers, blocks, _ = frames.shape
    block_ns = BLOCK_STEPS * TIME_STEP_PS / 1000
    return {
        "method": METHOD,
        "platform": PLATFORM,
        "openmm": version("openmm"),
        "seed": seed,
        "n_walkers": walkers,
        "blocks_per_walker": blocks,
        "block_ns": block_ns,
        "total_ns": walkers * blocks * block_ns,
        "discarded_ns_per_walker": EQUILIBRATION_STEPS * TIME_STEP_PS / 1000,
        "bias_factor": BIAS_FACTOR,
        "cap_kj_per_mol": CAP_KJ_PER_MOL,
    }


def main() -> None:
    """Sample, or load frames sampled earlier; reweight; write the JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nanoseconds", type=float, default=48.0, help="of all walkers together")
    parser.add_argument("--walkers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--samples", type=Path, help="npz file of frames; read if it exists")
    options = parser.parse_args()
    if options.samples is not None and options.samples.exists():
        frames = np.load(options.samples)["frames"]
    else:
        blocks = round(options.nanoseconds * 1000 / TIME_STEP_PS / BLOCK_STEPS / options.walkers)
        frames = sample(options.walkers, max(2, blocks), options.seed, options.samples)
    write_json(options.json, summarise(frames), **lengths(frames, options.seed))


if __name__ == "__main__":
    main()
