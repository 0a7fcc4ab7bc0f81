"""What a generative model has to offer to become a Monte Carlo move: `Proposer` and `Proposal`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Grade = Literal["exact", "path", "exploratory"]
"""``exact``: ratio known to rounding. ``path``: exact on an extended space.
``exploratory``: no ratio, so not Boltzmann."""

GRADES: tuple[Grade, ...] = ("exact", "path", "exploratory")

UP_TO_TIME_STEP = " up to time step"
"""Added to the grade of a run whose switches count their protocol work alone."""

RUN_GRADES = (*GRADES, "exact" + UP_TO_TIME_STEP, "path" + UP_TO_TIME_STEP)
"""What a run can say of itself."""


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Proposal:
    """A new conformation of the moved particles and the density ratio that makes it a fair move.

    Attributes
    ----------
    positions
        ``(n_moved, 3)`` float64, nm, in the order of `Proposer.particles`.
    log_ratio
        log q(x|y) - log q(y|x) + log|J|, dimensionless: x the current and y the proposed
        conformation, q the proposal density, J the Jacobian of a deterministic part.
        NaN or infinite values reject the jump and are counted.

    Examples
    --------
    >>> Proposal(np.zeros((1, 3)), log_ratio=-0.5).log_ratio
    -0.5
    """

    positions: NDArray[np.float64]
    log_ratio: float


class Proposer(ABC):
    """Draws a new conformation and says with what density.

    A subclass sets `particles` and `grade` (class or instance attributes) and implements `propose`.
    It need not call ``super().__init__()``. The optional members are used by batched candidates,
    blocks, switching protocols and restarts.

    Attributes
    ----------
    particles
        Indices into the System of the particles that a leap may move. May contain virtual sites:
        what is returned for them is ignored, they are recomputed.
    grade
        ``exact``, ``path`` or ``exploratory``. Printed in every log and file of the run.
    representation
        The soft coordinates that the model generates, or None.
    conditional
        Whether q depends on the coordinates that it replaces; False if only on others, or none.
    soft_only
        Whether the density depends on the soft coordinates of the representation alone, and not on
        anything that a leap carries: then springs may drag them (`SteeredSwitching`).
    tensors
        Whether positions shall come as torch tensors (float64) that share the Context's own memory:
        on the GPU with the CUDA platform, otherwise on the CPU. Answers may then be tensors too.
        A tensor shows the conformation until the method returns; ``clone()`` what is kept.
    adapts
        Whether the density changes with what the run has seen. Such a chain has no stationary
        distribution to speak of, so that an integrator takes the proposer for exploratory leaps
        alone. Train between runs instead, and freeze.

    Examples
    --------
    A particle that leaps to a place drawn from a normal distribution, whatever its position:

    >>> import numpy as np
    >>> class NormalLeap(Proposer):
    ...     particles, grade, conditional = [0], "exact", False
    ...     def propose(self, positions, box, rng):
    ...         new = rng.normal(size=positions.shape)
    ...         return Proposal(new, 0.5 * float(np.sum(new**2) - np.sum(positions**2)))
    >>> proposal = NormalLeap().propose(np.zeros((1, 3)), None, np.random.default_rng(1))
    >>> proposal.positions.shape
    (1, 3)
    """

    particles: Sequence[int]
    grade: Grade
    representation: Any = None
    conditional: bool = True
    soft_only: bool = False
    tensors: bool = False
    adapts: bool = False

    @abstractmethod
    def propose(
        self,
        positions: NDArray[np.float64],
        box: NDArray[np.float64] | None,
        rng: np.random.Generator,
    ) -> Proposal:
        """Proposed conformation with its log ratio.

        Parameters
        ----------
        positions
            ``(n_moved, 3)`` float64, nm: the current conformation, a copy.
        box
            ``(3, 3)`` float64, nm, rows are the periodic box vectors; None without periodicity.
        rng
            The integrator's own generator: the only source of randomness to use, since it is
            seeded, checkpointed and serialized with the run.
        """

    def choose(self, rng: np.random.Generator) -> Proposer:
        """Return the part of this proposer that makes the next leap; by default itself.

        A proposer that leaps in one of several ways, such as blocks or the components of a mixture,
        chooses one here, whatever the conformation. The result has the same particles in the same
        order. All candidates of a jump must come from one part: call this once, then `sample` and
        `log_density` of the result. Its `conditional` is False if its density depends on nothing
        but coordinates that its candidates leave unchanged.
        """
        return self

    def sample(
        self,
        positions: NDArray[np.float64],
        box: NDArray[np.float64] | None,
        rng: np.random.Generator,
        k: int,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Candidates ``(k, n_moved, 3)`` in nm and their log densities ``(k,)``.

        Raises
        ------
        NotImplementedError
            If the proposer offers single proposals only.
        """
        raise NotImplementedError(
            f"{type(self).__name__} does not draw batches; implement sample()"
        )

    def log_density(
        self,
        candidates: NDArray[np.float64],
        given: NDArray[np.float64],
        box: NDArray[np.float64] | None,
    ) -> NDArray[np.float64]:
        """Log densities ``(k,)`` of candidates ``(k, n_moved, 3)`` in nm, given a conformation.

        Raises
        ------
        NotImplementedError
            If the proposer cannot evaluate its density.
        """
        raise NotImplementedError(f"{type(self).__name__} has no density; implement log_density()")

    def get_state(self) -> bytes:
        """Everything that a restart needs besides the constructor's arguments: pools included."""
        return b""

    def set_state(self, data: bytes) -> None:  # noqa: B027 (most proposers have no state)
        """Return to a state that `get_state` gave; ``b""`` is the state of a new proposer."""

    def frozen_version(self) -> Hashable:
        """Return something that changes with the density, cheaply; None if that is fixed anyway.

        An integrator compares it before each leap, and stops a run of exact or path grade in which
        the density has changed.
        """
        return None

    def describe(self) -> dict[str, Any]:
        """Return JSON types from which `proposer_from_description` makes this again, or nothing."""
        return {}
