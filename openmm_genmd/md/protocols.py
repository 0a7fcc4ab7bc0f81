"""What surrounds a leap: the jump protocols."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from openmm_genmd.md.surrogates import WithSurrogate
from openmm_genmd.native import core


class JumpProtocol(ABC):
    """What surrounds a leap; see the subclasses."""

    name: ClassVar[str]

    @abstractmethod
    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator."""


@dataclass(frozen=True)
class Instantaneous(JumpProtocol):
    """The leap alone, with work U(y) - U(x).

    For vacuum, implicit solvent and small moves. This is the default protocol.

    Examples
    --------
    >>> Instantaneous().name
    'Instantaneous'
    """

    name: ClassVar[str] = "Instantaneous"

    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator."""
        core.set_instantaneous(integrator)


@dataclass(frozen=True)
class MultipleTry(WithSurrogate, JumpProtocol):
    """Many candidates at each attempt, of which the best weighted are tried: exact for any weights.

    An attempt draws K candidates at once from one part of the proposer (one block, one component
    of a mixture), picks one with probability proportional to exp(-V(y)/kT) / q(y), and accepts it
    with OpenMM's own energy U, so that the Boltzmann distribution of U is kept whatever V is: a
    rough surrogate V costs acceptance, not correctness. With a surrogate an attempt costs one
    evaluation of U, whatever K; without one V is U, which costs K + 1.

    If the density of a part does not depend on what it replaces, the other candidates are the
    references of the reverse move; otherwise K - 1 references are drawn from it and evaluated as
    well. In a periodic box a surrogate sees the molecule as the Context has it, perhaps broken.

    Parameters
    ----------
    candidates
        K, the number of candidates.
    surrogate
        A `BatchedEnergy` of the moved molecule; or any function that takes positions
        ``(K, n_moved, 3)`` in nm, in the order of ``proposer.particles``, and returns energies
        ``(K,)`` in kJ/mol, without noise; or None for OpenMM's energy itself.

    Raises
    ------
    ValueError
        If `candidates` is not a positive integer.
    TypeError
        If `surrogate` is neither a BatchedEnergy nor callable.

    References
    ----------
    Liu, Liang & Wong, J. Am. Stat. Assoc. 95, 121 (2000): multiple tries with references.
    Martino, Digit. Signal Process. 75, 134 (2018), section 4: independent candidates, which are
    their own references.
    Christen & Fox, J. Comput. Graph. Stat. 14, 795 (2005): delayed acceptance.
    ``docs/theory.md``, section 10, derives the ratio.

    Examples
    --------
    Eight candidates for a particle in a harmonic well, weighed by a well that is too narrow:

    >>> import numpy as np, openmm
    >>> from openmm_genmd import GenerativeJumpIntegrator, MultipleTry, Proposal, Proposer
    >>> class Uniform(Proposer):
    ...     particles, grade, conditional = [0], "exact", False
    ...     def propose(self, positions, box, rng):
    ...         return Proposal(rng.uniform(-0.4, 0.4, size=(1, 3)), 0.0)
    ...     def sample(self, positions, box, rng, k):
    ...         return rng.uniform(-0.4, 0.4, size=(k, 1, 3)), np.zeros(k)
    ...     def log_density(self, candidates, given, box):
    ...         return np.zeros(len(candidates))
    >>> system = openmm.System()
    >>> index = system.addParticle(12.0)
    >>> force = openmm.CustomExternalForce("50*(x*x+y*y+z*z)")
    >>> index = force.addParticle(0, []), system.addForce(force)
    >>> protocol = MultipleTry(8, surrogate=lambda x: 60 * np.sum(x**2, axis=(1, 2)))
    >>> integrator = GenerativeJumpIntegrator(
    ...     openmm.LangevinMiddleIntegrator(300, 1, 0.002), Uniform(), 5, protocol=protocol, seed=1)
    >>> platform = openmm.Platform.getPlatformByName("Reference")
    >>> context = openmm.Context(system, integrator, platform)
    >>> context.setPositions([[0.1, 0.0, 0.0]])
    >>> integrator.step(500)
    >>> integrator.getAcceptanceRate() > 0.3  # a single try: .1
    True
    """

    name: ClassVar[str] = "MultipleTry"

    candidates: int = 32
    surrogate: Any = None

    def __post_init__(self) -> None:
        try:
            number = operator.index(self.candidates)
        except TypeError:
            number = 0
        if not 0 < number < 2**31:
            raise ValueError(f"candidates must be a positive integer, got {self.candidates!r}")
        object.__setattr__(self, "candidates", number)
        self._check_surrogate()

    def install(self, integrator: Any) -> None:
        """Make this the protocol of an integrator, which has to keep a reference to it."""
        core.set_multiple_try(integrator, self.candidates, self.native_surrogate())
