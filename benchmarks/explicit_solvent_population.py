"""Equilibrium of alanine dipeptide in water without leaps: populations, and frames to start from.

    python benchmarks/explicit_solvent_population.py build SURFACE.npz --minutes 12
    python benchmarks/explicit_solvent_population.py sample SURFACE.npz FRAMES.npz --minutes 30

`build` runs well-tempered metadynamics on (phi, psi). `sample` freezes what it left as a bias and
samples under it; each frame then counts with exp(+bias/kT) (Torrie and Valleau, J. Comput. Phys.
23, 187 (1977)), which is right for any bias. Several seeds can run side by side.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import openmm
import typer
from alanine_dipeptide_box import KT_KJ, TEMPERATURE_K, make_box, make_thermostat
from explicit_solvent_reference import entrance_nm, torsions_of
from numpy.typing import NDArray

Array = NDArray[np.float64]

POINTS = 61
HILL_STEPS = 100
HEIGHT_KJ, WIDTH_RAD, BIAS_FACTOR = 2.0, 0.35, 8.0
FRAME_STEPS = 250
CAP_KJ = 36.0
SETTLING_STEPS = 10_000
GRID = np.linspace(-np.pi, np.pi, POINTS)

app = typer.Typer(help=__doc__)


class BiasedBox:
    """The box with a bias on (phi, psi), on a periodic grid."""

    def __init__(self, bias_kj: Array, seed: int) -> None:
        box = make_box()
        self.representation = torsions_of(box)
        self.solute = list(self.representation.particles)
        self.function = openmm.Continuous2DFunction(
            POINTS, POINTS, bias_kj.T.ravel(), -np.pi, np.pi, -np.pi, np.pi, True
        )
        self.force = openmm.CustomCompoundBondForce(
            5, "bias(dihedral(p1, p2, p3, p4), dihedral(p2, p3, p4, p5))"
        )
        self.force.addTabulatedFunction("bias", self.function)
        phi, psi = (torsion.atoms for torsion in self.representation.torsions)
        self.force.addBond([*phi, psi[3]], [])
        box.system.addForce(self.force)
        self.integrator = make_thermostat(seed)
        platform = openmm.Platform.getPlatformByName("CPU")
        self.context = openmm.Context(box.system, self.integrator, platform, {"Threads": "1"})
        self.context.setPositions(entrance_nm(make_box()) if seed % 2 else box.positions_nm)
        openmm.LocalEnergyMinimizer.minimize(self.context, 10.0, 200)
        self.context.setVelocitiesToTemperature(TEMPERATURE_K, seed)

    def set_bias(self, bias_kj: Array) -> None:
        """Replace the bias ``(POINTS, POINTS)`` in kJ/mol, [phi, psi]."""
        values = bias_kj.T.ravel()
        self.function.setFunctionParameters(POINTS, POINTS, values, -np.pi, np.pi, -np.pi, np.pi)
        self.force.updateParametersInContext(self.context)

    def positions_nm(self) -> Array:
        """Positions ``(n_particles, 3)`` in nm."""
        state = self.context.getState(positions=True)
        return np.array(state.getPositions(asNumpy=True)._value)

    def torsions(self) -> Array:
        """Return (phi, psi) in rad."""
        return self.representation.encode(self.positions_nm()[self.solute])


def hill(center: Array) -> Array:
    """Gaussian of height 1 around (phi, psi) on the grid, periodic."""
    phi, psi = (np.exp((np.cos(GRID - c) - 1.0) / WIDTH_RAD**2) for c in center)
    for values in (phi, psi):
        values[-1] = values[0]  # to the bit, or no periodic spline goes through them
    return np.asarray(phi[:, None] * psi[None, :])


def bias_at(bias_kj: Array, torsions: Array) -> Array:
    """Bias in kJ/mol at ``(n, 2)`` torsions in rad: that of the nearest straight lines."""
    place = (np.remainder(torsions + np.pi, 2 * np.pi)) / (GRID[1] - GRID[0])
    low = np.minimum(place.astype(int), POINTS - 2)
    (a, b), (i, j) = (place - low).T, low.T
    return np.asarray(
        (1 - a) * (1 - b) * bias_kj[i, j]
        + a * (1 - b) * bias_kj[i + 1, j]
        + (1 - a) * b * bias_kj[i, j + 1]
        + a * b * bias_kj[i + 1, j + 1]
    )


def capped(bias_kj: Array) -> Array:
    """Return a bias that leaves alone what lies more than `CAP_KJ` above the minimum."""
    return np.asarray(np.maximum(bias_kj - bias_kj.max() + CAP_KJ, 0.0))


@app.command()
def build(surface: Path, minutes: float = 12.0, seed: int = 2) -> None:
    """Build the bias by well-tempered metadynamics; continues where it was."""
    bias = np.load(surface)["bias_kj"] if surface.exists() else np.zeros((POINTS, POINTS))
    box = BiasedBox(bias, seed)
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        box.integrator.step(HILL_STEPS)
        center = box.torsions()
        here = bias_at(bias, center[None])[0]
        bias += HEIGHT_KJ * np.exp(-here / (KT_KJ * (BIAS_FACTOR - 1))) * hill(center)
        box.set_bias(bias)
        np.savez_compressed(surface, bias_kj=bias)


@app.command()
def sample(
    surface: Path,
    frames: Path,
    minutes: float = 30.0,
    seed: Annotated[int, typer.Option(help="odd: starts in the rare basin")] = 1,
) -> None:
    """Sample under the frozen bias."""
    bias = capped(np.load(surface)["bias_kj"])
    box = BiasedBox(bias, seed)
    box.integrator.step(SETTLING_STEPS)
    torsions, positions = [], []
    end = time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        box.integrator.step(FRAME_STEPS)
        torsions.append(box.torsions())
        positions.append(box.positions_nm().astype(np.float32))
        if len(torsions) % 100 == 0:
            store(frames, bias, torsions, positions)
    store(frames, bias, torsions, positions)


def store(frames: Path, bias: Array, torsions: list[Array], positions: list[Array]) -> None:
    """Write frames with the bias at them, in kT."""
    at = bias_at(bias, np.array(torsions)) / KT_KJ
    np.savez_compressed(
        frames, torsions=np.array(torsions), bias_kt=at, positions_nm=np.array(positions)
    )


if __name__ == "__main__":
    app()
