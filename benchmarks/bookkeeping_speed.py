"""How much faster jumps move state than the getState/setPositions route of a Python script.

    make build-tests
    python benchmarks/bookkeeping_speed.py [--platform OpenCL] [--atoms 100000] [--moved 200]

Both sides do the bookkeeping of a rejected jump, without energies: get the state, place a leap,
put everything back. The device's side is measured in C++ (`jump_bookkeeping.cpp`), where it also
keeps the forces, which velocities after an accepted jump need; the two take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import openmm
from numpy.typing import NDArray
from openmm import unit
from openmm.version import openmm_library_path

PROGRAM = Path(__file__).resolve().parents[1] / "build-tests" / "kernels" / "JumpBookkeeping"


def lattice(atoms: int) -> NDArray[np.float64]:
    """Positions ``(atoms, 3)`` in nm on a cubic lattice."""
    edge = int(np.ceil(atoms ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(edge)] * 3, indexing="ij"), axis=-1)
    return 0.4 * grid.reshape(-1, 3)[:atoms].astype(np.float64)


def script_ms(context: openmm.Context, moved: list[int]) -> float:
    """Wall time of a rejected jump as a script does it, with NumPy arrays."""
    start = time.perf_counter()
    state = context.getState(positions=True)
    positions = state.getPositions(asNumpy=True).value_in_unit(unit.nanometer)
    candidate = positions.copy()
    candidate[moved, 0] += 0.01
    context.setPositions(candidate)
    context.setPositions(positions)
    return 1e3 * (time.perf_counter() - start)


def device_ms(atoms: int, moved: int, repeats: int = 40) -> float:
    """Median wall time of the same by the device kernel."""
    environment = {**os.environ, "OPENMM_PLUGIN_DIR": f"{openmm_library_path}/plugins"}
    command = [str(PROGRAM), str(atoms), str(moved), str(repeats)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def bookkeeping_speedup(
    platform_name: str, *, atoms: int = 100_000, moved: int = 200
) -> dict[str, float]:
    """Time of a rejected jump's bookkeeping by script over that by the device kernel.

    Parameters
    ----------
    platform_name
        Platform on which both run, in its default precision; OpenCL.
    atoms, moved
        Size of the System, and how many of its particles leap.

    Returns
    -------
    dict
        ``speedup``, ``script_ms``, ``jump_ms``: medians of seven turns.

    Raises
    ------
    ValueError
        For a platform whose kernel is not measured here.
    FileNotFoundError
        If the program was not built.
    """
    if platform_name != "OpenCL":
        raise ValueError(f"platform_name must be 'OpenCL', got {platform_name!r}")
    if not PROGRAM.exists():
        raise FileNotFoundError(f"{PROGRAM} is missing; build it with 'make build-tests'")
    system = openmm.System()
    for _ in range(atoms):
        system.addParticle(40.0)
    particles = np.linspace(0, atoms - 1, moved).astype(int).tolist()
    platform = openmm.Platform.getPlatformByName(platform_name)
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(lattice(atoms))
    script_ms(context, particles)  # compiles and allocates
    script, device = [], []
    for _ in range(7):
        script.append(np.median([script_ms(context, particles) for _ in range(10)]))
        device.append(device_ms(atoms, moved))
    return {
        "speedup": float(np.median(np.divide(script, device))),
        "script_ms": float(np.median(script)),
        "jump_ms": float(np.median(device)),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platform", default="OpenCL")
    parser.add_argument("--atoms", type=int, default=100_000)
    parser.add_argument("--moved", type=int, default=200)
    options = parser.parse_args()
    figures = bookkeeping_speedup(options.platform, atoms=options.atoms, moved=options.moved)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
