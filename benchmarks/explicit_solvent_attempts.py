"""Leaps of alanine dipeptide in water from many starting points, with all that is known of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import openmm
from alanine_dipeptide_box import TEMPERATURE_K, Box, make_thermostat
from numpy.typing import NDArray

from openmm_genmd import GenerativeJumpIntegrator, Proposal, Proposer, load_proposer
from openmm_genmd.md.protocols import JumpProtocol

Array = NDArray[np.float64]

JUMP_INTERVAL = 50
JUMPS_PER_START = 4
LEAST_EVALUATIONS = 2
"""What a leap without a switch costs."""


class Watched(Proposer):
    """A proposer whose proposals are remembered: torsions before and after."""

    def __init__(self, proposer: Proposer) -> None:
        self.proposer = proposer
        self.particles, self.grade = proposer.particles, proposer.grade
        self.representation, self.soft_only = proposer.representation, proposer.soft_only
        self.torsions: list[Array] = []

    def propose(self, positions: Array, box: Array | None, rng: np.random.Generator) -> Proposal:
        """Return what the proposer proposes."""
        proposal = self.proposer.propose(positions, box, rng)
        encode = self.representation.encode
        whole = [self.representation.make_whole(x, box) for x in (positions, proposal.positions)]
        self.torsions.append(np.stack([encode(x) for x in whole]))
        return proposal


@dataclass
class Attempts:
    """Attempted leaps, in order.

    Attributes
    ----------
    start
        ``(n,)``: which starting point the chain comes from.
    torsions
        ``(n, 2, 2)``, rad: (phi, psi) of the current and of the proposed conformation.
    probability, work_kt, log_ratio
        ``(n,)``: acceptance probability, work, log ratio; the work of a terminated switch is NaN.
    switching_steps
        ``(n,)``: what the switch cost, in evaluations of energy or forces.
    md_steps
        MD steps between the attempts, in all.
    grade
        Of the run.
    """

    start: NDArray[np.int64]
    torsions: Array
    probability: Array
    work_kt: Array
    log_ratio: Array
    switching_steps: Array
    md_steps: int
    grade: str

    def far(self, least_rad: float = 1.0) -> NDArray[np.bool_]:
        """Whether the shortest arc in (phi, psi) is longer than `least_rad`."""
        arc = np.remainder(self.torsions[:, 1] - self.torsions[:, 0] + np.pi, 2 * np.pi) - np.pi
        return np.asarray(np.linalg.norm(arc, axis=1) > least_rad)

    def between(
        self, source: Callable[[Any], Any], target: Callable[[Any], Any]
    ) -> NDArray[np.bool_]:
        """Whether phi of the current conformation is in one basin and that proposed in another."""
        return np.asarray(source(self.torsions[:, 0, 0]) & target(self.torsions[:, 1, 0]))


class Chains:
    """Hybrid runs from starting points in random order, a few attempts from each.

    Parameters
    ----------
    box
        The System.
    starts_nm
        ``(n, n_particles, 3)``, nm: equilibrated.
    protocol
        What surrounds a leap.
    seed
        Of everything.
    threads
        Of the CPU platform.
    tries
        Attempts at each jump.
    """

    def __init__(
        self,
        box: Box,
        starts_nm: Array,
        protocol: JumpProtocol,
        seed: int,
        threads: int = 1,
        tries: int = 1,
    ) -> None:
        self.rng, self.starts_nm = np.random.default_rng(seed), starts_nm
        atoms = range(box.n_solute)
        proposer = load_proposer("alanine-dipeptide", box.topology, box.system, atoms=atoms)
        self.watched = Watched(proposer)
        self.integrator = GenerativeJumpIntegrator(
            make_thermostat(seed), self.watched, JUMP_INTERVAL, tries, protocol, seed=seed
        )
        platform = openmm.Platform.getPlatformByName("CPU")
        self.context = openmm.Context(
            box.system, self.integrator, platform, {"Threads": str(threads)}
        )
        self.starts: list[int] = []

    def run(self, minutes: float) -> Attempts:
        """Return all attempts so far after some more minutes of wall time."""
        end = time.monotonic() + 60 * minutes
        order: list[int] = []
        while time.monotonic() < end:
            order = order or list(self.rng.permutation(len(self.starts_nm)))
            self._visit(order.pop())
        return self.attempts()

    def _visit(self, start: int) -> None:
        self.context.setPositions(self.starts_nm[start])
        self.context.setVelocitiesToTemperature(TEMPERATURE_K, int(self.rng.integers(1, 2**31)))
        self.integrator.step(JUMP_INTERVAL * JUMPS_PER_START)
        self.starts += [start] * (JUMPS_PER_START * self.integrator.getTriesPerJump())

    def attempts(self) -> Attempts:
        """Return all attempts so far."""
        records = self.integrator.getRecords()
        kt_kj = self.integrator.getTemperature()._value * 0.00831446261815324
        return Attempts(
            start=np.array(self.starts),
            torsions=np.array(self.watched.torsions),
            probability=np.array([record.probability for record in records]),
            work_kt=np.array([record.work_kj_per_mol for record in records]) / kt_kj,
            log_ratio=np.array([record.log_ratio for record in records]),
            switching_steps=np.array(
                [max(record.switching_steps, LEAST_EVALUATIONS) for record in records]
            ),
            md_steps=JUMP_INTERVAL * len(records) // self.integrator.getTriesPerJump(),
            grade=self.integrator.getGrade() or "",
        )
