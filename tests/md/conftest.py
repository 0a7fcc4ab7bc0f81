"""Small systems, proposers and snapshots for the tests of the integrator."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer
from openmm_genmd.data.structures import load_structure


class FunctionProposer(Proposer):
    """A proposer whose `propose` is a function of positions, box and rng."""

    def __init__(self, function, particles: Sequence[int] = (0,), grade="exact") -> None:
        self.function, self.particles, self.grade = function, particles, grade

    def propose(self, positions, box, rng):
        return self.function(positions, box, rng)


class PoolProposer(Proposer):
    """Gaussian steps taken from a pool that is drawn ahead: its state matters."""

    particles, grade = [0], "exact"

    def __init__(self) -> None:
        self.pool: list[float] = []

    def propose(self, positions, box, rng):
        if not self.pool:
            self.pool = list(0.05 * rng.normal(size=9))
        return Proposal(positions + self.pool.pop(), 0.0)

    def get_state(self):
        return np.array(self.pool).tobytes()

    def set_state(self, data):
        self.pool = list(np.frombuffer(data))


def gaussian_step(positions, box, rng):
    return Proposal(positions + 0.05 * rng.normal(size=positions.shape), 0.0)


def stay(positions, box, rng):
    return Proposal(positions, 0.0)


@pytest.fixture
def proposing():
    """A proposer from a function."""
    return FunctionProposer


@pytest.fixture
def stepper():
    """A proposer of symmetric Gaussian steps of particle 0."""
    return FunctionProposer(gaussian_step)


@pytest.fixture
def stayer():
    """A proposer that proposes the current positions."""
    return FunctionProposer(stay)


@pytest.fixture
def pool_proposer():
    return PoolProposer


@pytest.fixture
def well() -> Callable[..., openmm.System]:
    """System of particles in harmonic wells at the origin, which do not interact."""

    def make(n_particles: int = 2, energy: str = "100*(x*x+y*y+z*z)") -> openmm.System:
        system = openmm.System()
        force = openmm.CustomExternalForce(energy)
        for index in range(n_particles):
            system.addParticle(12.0)
            force.addParticle(index, [])
        system.addForce(force)
        return system

    return make


@pytest.fixture
def langevin() -> Callable[..., openmm.Integrator]:
    def make(temperature_k: float = 300.0, seed: int = 7) -> openmm.Integrator:
        inner = openmm.LangevinMiddleIntegrator(
            temperature_k * unit.kelvin, 1 / unit.picosecond, 2 * unit.femtoseconds
        )
        inner.setRandomNumberSeed(seed)
        return inner

    return make


@pytest.fixture
def jumping(langevin) -> Callable[..., GenerativeJumpIntegrator]:
    """Jump integrator with Langevin inside; keywords go to the constructor."""

    def make(proposer, interval: int = 5, **settings) -> GenerativeJumpIntegrator:
        return GenerativeJumpIntegrator(langevin(), proposer, interval, **{"seed": 3} | settings)

    return make


@pytest.fixture
def verlet_jumping() -> Callable[..., GenerativeJumpIntegrator]:
    """Jump integrator whose MD is deterministic, so that all randomness is that of the jumps.

    Langevin integrators on the Reference platform share one stream of random numbers per process.
    """

    def make(proposer, interval: int = 5, **settings) -> GenerativeJumpIntegrator:
        defaults = {"seed": 3, "temperature": 300.0}
        inner = openmm.VerletIntegrator(0.002)
        return GenerativeJumpIntegrator(inner, proposer, interval, **defaults | settings)

    return make


@pytest.fixture
def in_context() -> Iterator[Callable[..., openmm.Context]]:
    """Context at given or default positions, with fixed velocities; lives as long as the test."""
    contexts = []

    def make(system, integrator, positions_nm=None, platform="Reference") -> openmm.Context:
        context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName(platform))
        contexts.append(context)
        if positions_nm is None:
            positions_nm = np.linspace(0, 0.1, 3 * system.getNumParticles()).reshape(-1, 3)
        context.setPositions(positions_nm)
        context.setVelocitiesToTemperature(300.0, 11)
        return context

    yield make
    contexts.clear()


@pytest.fixture
def positions_of() -> Callable[[openmm.Context], np.ndarray]:
    def read(context) -> np.ndarray:
        positions = context.getState(positions=True).getPositions(asNumpy=True)
        return np.array(positions.value_in_unit(unit.nanometer))

    return read


@pytest.fixture
def snapshot() -> Callable[[openmm.Context], tuple[bytes, bytes, int]]:
    """Positions, velocities and step count, to the bit."""

    def take(context) -> tuple[bytes, bytes, int]:
        state = context.getState(positions=True, velocities=True)
        return (
            state.getPositions(asNumpy=True)._value.tobytes(),
            state.getVelocities(asNumpy=True)._value.tobytes(),
            context.getStepCount(),
        )

    return take


@pytest.fixture(scope="session")
def alanine():
    """Topology, System (amber99sbildn, OBC, HBonds) and positions in nm of alanine dipeptide."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    force_field = app.ForceField("amber99sbildn.xml", "amber99_obc.xml")
    system = force_field.createSystem(topology, constraints=app.HBonds)
    return topology, system, positions_nm
