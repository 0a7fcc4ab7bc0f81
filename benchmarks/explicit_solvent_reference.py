"""How often plain MD leaves a basin of alanine dipeptide in water, and frames of the basin.

    python benchmarks/explicit_solvent_reference.py left --minutes 120 --out out/explicit_reference

Trajectories stay in the basin until phi reaches the other one; each next one starts from a frame
of the basin that is at least `SETTLED_PS` older than any visit's start, with new velocities. The
number of exits divided by the time is the rate out of the basin. Can be killed and continued.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import openmm
import typer
from alanine_dipeptide_box import TEMPERATURE_K, TIME_STEP_PS, Box, make_box, make_thermostat
from numpy.typing import NDArray

from openmm_genmd.representations.torsions import TorsionRepresentation

Array = NDArray[np.float64]

LOOK_STEPS = 50
FRAME_STEPS = 5000
SETTLED_PS = 20.0
# phi and psi in rad where each basin is entered for the first time.
ENTRANCES = {"left": (0.95, 0.7), "right": (-1.3, 2.4)}


def is_right(phi: float) -> bool:
    """Whether phi (rad) is in the frequent basin."""
    return phi < 0.0


def is_left(phi: float) -> bool:
    """Whether phi (rad) is in the rare basin."""
    return 0.3 < phi < 2.2


def left_basin(basin: str, phi: float) -> bool:
    """Whether phi (rad) is in the other basin than `basin`."""
    return is_right(phi) if basin == "left" else is_left(phi)


def torsions_of(box: Box) -> TorsionRepresentation:
    """Phi and psi of the solute."""
    return TorsionRepresentation.from_topology(box.topology, box.system, atoms=range(box.n_solute))


def entrance_nm(box: Box, basin: str) -> Array:
    """Positions ``(n, 3)`` in nm with the solute in a basin, minimised."""
    representation = torsions_of(box)
    positions = box.positions_nm.copy()
    solute = list(representation.particles)
    positions[solute] = representation.decode(ENTRANCES[basin], positions[solute])
    context = openmm.Context(box.system, openmm.VerletIntegrator(0.001), _platform())
    context.setPositions(positions)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 200)
    return np.array(context.getState(positions=True).getPositions(asNumpy=True)._value)


def _platform() -> openmm.Platform:
    return openmm.Platform.getPlatformByName("CPU")


class BasinRun:
    """Trajectories in one basin, with what was counted and the frames kept, in a folder."""

    def __init__(self, folder: Path, basin: str, seed: int) -> None:
        self.box, self.basin = make_box(), basin
        self.representation = torsions_of(self.box)
        self.log = folder / f"{basin}-{seed}.json"
        self.archive = folder / f"{basin}-{seed}.npz"
        self.counts: dict[str, Any] = {"basin": basin, "seed": seed, "exits_ps": [], "time_ps": 0.0}
        self.frames: list[Array] = []
        if self.log.exists():
            self.counts = json.loads(self.log.read_text())
            self.frames = list(np.load(self.archive)["frames"])
        self.rng = np.random.default_rng([seed, len(self.frames)])
        self.integrator = make_thermostat(int(self.rng.integers(1, 2**31)))
        self.context = openmm.Context(
            self.box.system, self.integrator, _platform(), {"Threads": "1"}
        )

    def start(self) -> None:
        """Begin a visit of the basin."""
        first = not self.frames
        x = entrance_nm(self.box, self.basin) if first else self.rng.choice(np.array(self.frames))
        self.context.setPositions(x)
        self.context.setVelocitiesToTemperature(TEMPERATURE_K, int(self.rng.integers(1, 2**31)))
        self.visit_ps = 0.0

    def phi(self) -> float:
        """Return phi in rad."""
        x = self.context.getState(positions=True).getPositions(asNumpy=True)._value
        return float(self.representation.encode(x[list(self.representation.particles)])[0])

    def run(self, minutes: float) -> None:
        """Advance for some wall time."""
        end = time.monotonic() + 60 * minutes
        self.start()
        while time.monotonic() < end:
            self.advance()

    def advance(self) -> None:
        """Advance until the next look."""
        self.integrator.step(LOOK_STEPS)
        look_ps = LOOK_STEPS * TIME_STEP_PS
        settled = bool(self.frames) or self.visit_ps >= SETTLED_PS
        self.visit_ps += look_ps
        self.counts["time_ps"] += look_ps if settled else 0.0
        if left_basin(self.basin, self.phi()):
            if settled:
                self.counts["exits_ps"].append(self.counts["time_ps"])
            self.start()
        if settled and round(self.visit_ps / look_ps) % (FRAME_STEPS // LOOK_STEPS) == 0:
            if self.visit_ps >= SETTLED_PS or len(self.frames) == 0:
                state = self.context.getState(positions=True, enforcePeriodicBox=False)
                self.frames.append(state.getPositions(asNumpy=True)._value.astype(np.float32))
            self.store()

    def store(self) -> None:
        """Write counts and frames."""
        np.savez_compressed(self.archive, frames=np.array(self.frames))
        self.log.write_text(json.dumps(self.counts))


def main(
    basin: Annotated[str, typer.Argument(help="left (phi in .3 to 2.2 rad) or right (phi < 0)")],
    minutes: Annotated[float, typer.Option(help="wall time")] = 60.0,
    out: Annotated[Path, typer.Option(help="folder of the results")] = Path(
        "out/explicit_reference"
    ),
    seed: Annotated[int, typer.Option(help="several seeds run side by side")] = 1,
) -> None:
    """Count how often MD leaves a basin."""
    out.mkdir(parents=True, exist_ok=True)
    BasinRun(out, basin, seed).run(minutes)


if __name__ == "__main__":
    typer.run(main)
