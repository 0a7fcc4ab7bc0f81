"""How often plain MD leaves the rare basin of alanine dipeptide in water.

    python benchmarks/explicit_solvent_reference.py --minutes 45 --out out/explicit_reference

Without a bias MD left the basin once in 2 ns, so the long run is accelerated by hyperdynamics: a
bias on phi fills the bottom of the basin and vanishes well before its borders, so that transition
states are not touched, and a time step counts exp(bias/kT) times (Voter, Phys. Rev. Lett. 78, 3908
(1997)). The number of exits divided by that time is the rate of unbiased MD out of the basin, in
which quick recrossings do not count: a visit ends when phi is first seen in the other basin, and
the next one starts from a stored frame of the basin with new velocities. `--bias-kt 0` is plain MD.

Can be killed and continued; several seeds can run side by side.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import openmm
import typer
from alanine_dipeptide_box import KT_KJ, TEMPERATURE_K, TIME_STEP_PS, Box, make_box, make_thermostat
from explicit_solvent_basins import is_left, is_right
from numpy.typing import NDArray

from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

LOOK_STEPS = 25
FRAME_STEPS = 1000
SETTLED_PS = 10.0
# Mean and standard deviation of phi (rad) in 2 ns of plain MD inside of the basin.
CENTER_RAD, WIDTH_RAD = 0.945, 0.159
ENTRANCE = (0.95, 0.7)


def torsions_of(box: Box) -> TorsionRepresentation:
    """Phi and psi of the solute."""
    return TorsionRepresentation.from_topology(box.topology, box.system, atoms=range(box.n_solute))


def entrance_nm(box: Box) -> Array:
    """Positions ``(n, 3)`` in nm with the solute in the rare basin, minimised."""
    representation = torsions_of(box)
    positions = box.positions_nm.copy()
    solute = list(representation.particles)
    positions[solute] = representation.decode(ENTRANCE, positions[solute])
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(box.system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 200)
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)


def bias_kt(phi: float, height_kt: float) -> float:
    """Bias in kT at phi (rad): it fills a harmonic well up to a height."""
    d = np.remainder(phi - CENTER_RAD + np.pi, 2 * np.pi) - np.pi
    return max(0.0, height_kt - 0.5 * (d / WIDTH_RAD) ** 2)


def add_bias(box: Box, height_kt: float) -> None:
    """Add the bias of `bias_kt` to the System."""
    force = openmm.CustomTorsionForce(
        "max(0, height - 0.5*kT*(d/width)^2); d = min(abs(theta-center), 2*pi-abs(theta-center))"
    )
    values = {"height": height_kt * KT_KJ, "kT": KT_KJ, "width": WIDTH_RAD, "center": CENTER_RAD}
    for name, value in {**values, "pi": np.pi}.items():
        force.addGlobalParameter(name, value)
    force.addTorsion(*torsions_of(box).torsions[0].atoms, [])
    box.system.addForce(force)


class BasinRun:
    """Visits of the basin, with what was counted and the frames kept, in a folder."""

    def __init__(self, folder: Path, height_kt: float, seed: int) -> None:
        self.box, self.height_kt = make_box(), height_kt
        self.representation = torsions_of(self.box)
        stem = f"left-bias{height_kt:g}-{seed}"
        self.log, self.archive = folder / f"{stem}.json", folder / f"{stem}.npz"
        self.counts: dict[str, Any] = {
            "bias_kt": height_kt, "seed": seed, "exits": [], "steps": 0, "boosted_ps": 0.0,
        }  # fmt: skip
        self.frames: list[Array] = []
        if self.log.exists():
            self.counts = json.loads(self.log.read_text())
            self.frames = list(np.load(self.archive)["frames"])
        self.rng = np.random.default_rng([seed, len(self.frames)])
        if height_kt > 0:
            add_bias(self.box, height_kt)
        self.integrator = make_thermostat(int(self.rng.integers(1, 2**31)))
        platform = openmm.Platform.getPlatformByName("CPU")
        self.context = openmm.Context(self.box.system, self.integrator, platform, {"Threads": "1"})

    def start(self) -> None:
        """Begin a visit of the basin."""
        x = self.rng.choice(np.array(self.frames)) if self.frames else entrance_nm(self.box)
        self.context.setPositions(x)
        self.context.setVelocitiesToTemperature(TEMPERATURE_K, int(self.rng.integers(1, 2**31)))
        self.visit_ps = 0.0

    def run(self, minutes: float) -> None:
        """Advance for some wall time."""
        end = time.monotonic() + 60 * minutes
        self.start()
        while time.monotonic() < end:
            self.advance()
        self.store()

    def advance(self) -> None:
        """Advance until the next look."""
        self.integrator.step(LOOK_STEPS)
        state = self.context.getState(positions=True)
        positions = state.getPositions(asNumpy=True)._value
        phi = float(self.representation.encode(positions[list(self.representation.particles)])[0])
        self.visit_ps += LOOK_STEPS * TIME_STEP_PS
        if not self.frames and self.visit_ps < SETTLED_PS:
            return
        self.counts["steps"] += LOOK_STEPS
        boost = np.exp(bias_kt(phi, self.height_kt))
        self.counts["boosted_ps"] += LOOK_STEPS * TIME_STEP_PS * boost
        if is_right(phi):
            self.counts["exits"].append([self.counts["steps"], self.counts["boosted_ps"]])
            self.store()
            self.start()
        elif is_left(phi) and self.counts["steps"] % FRAME_STEPS == 0:
            self.frames.append(positions.astype(np.float32))

    def store(self) -> None:
        """Write counts and frames."""
        np.savez_compressed(self.archive, frames=np.array(self.frames))
        self.log.write_text(json.dumps(self.counts))


def main(
    minutes: Annotated[float, typer.Option(help="wall time")] = 60.0,
    out: Annotated[Path, typer.Option(help="folder of counts, frames")] = Path(
        "out/explicit_reference"
    ),
    bias_kt: Annotated[float, typer.Option(help="height of the bias in kT; 0 for none")] = 5.0,
    seed: Annotated[int, typer.Option(help="several seeds run side by side")] = 1,
) -> None:
    """Count how often MD leaves the rare basin."""
    out.mkdir(parents=True, exist_ok=True)
    BasinRun(out, bias_kt, seed).run(minutes)


if __name__ == "__main__":
    typer.run(main)
