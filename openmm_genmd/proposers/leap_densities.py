"""How a network's leaps get their ratio: `PathLeaps` and `FlowLeaps`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from openmm_genmd.models.exact_flow import ExactFlow
from openmm_genmd.models.path_space import Field, GaussianChain
from openmm_genmd.proposers.network_leap import NetworkLeap

Array = NDArray[np.float64]


class LeapDensity(ABC):
    """Leaps of many conformations, each with its log ratio.

    Examples
    --------
    >>> issubclass(PathLeaps, LeapDensity) and issubclass(FlowLeaps, LeapDensity)
    True
    """

    leap: NetworkLeap

    def propose(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Proposed conformations ``(n, n_atoms, 3)``, nm, and log ratios ``(n,)``.

        The ratio of a conformation that is not finite is NaN.
        """
        numbers, drawn = self._draw(x, rng)
        y = self.leap.conformations(numbers, x)
        finite = np.asarray(np.isfinite(y).all(axis=(1, 2)))
        placed = np.where(finite[:, None, None], y, x)
        # Only now is it known from where x has to be seen.
        returned = self.leap.numbers(x, placed, rng)
        ratio = self._log_ratio(drawn, returned, placed, rng)
        ratio = ratio + self.leap.open_log_density(numbers, placed)
        ratio = ratio - self.leap.open_log_density(returned, x)
        return y, np.where(finite, ratio.numpy(), np.nan)

    @abstractmethod
    def _draw(self, x: Array, rng: np.random.Generator) -> tuple[Tensor, Any]:
        """Numbers of y, and what the ratio needs of how they were drawn."""

    @abstractmethod
    def _log_ratio(
        self, drawn: Any, returned: Tensor, y: Array, rng: np.random.Generator
    ) -> Tensor:
        """Log ratios of the densities of numbers, with x seen from y as ``returned``."""


@dataclass(frozen=True, eq=False)
class PathLeaps(LeapDensity):
    """Leaps by random paths; the ratio is that of a path there and one back.

    Attributes
    ----------
    leap
        With its network.
    chain
        Of as many numbers.

    Examples
    --------
    >>> sorted(PathLeaps.__dataclass_fields__)
    ['chain', 'leap']
    """

    leap: NetworkLeap
    chain: GaussianChain

    def _draw(self, x: Array, rng: np.random.Generator) -> tuple[Tensor, Any]:
        there = self.chain.draw(self.leap.field(x), len(x), self.leap.size, rng)
        return there.ends, there

    def _log_ratio(
        self, drawn: Any, returned: Tensor, y: Array, rng: np.random.Generator
    ) -> Tensor:
        back = self.chain.noise(returned, rng)
        return self.chain.log_ratio(drawn, back, self.leap.field(y))


@dataclass(frozen=True, eq=False)
class FlowLeaps(LeapDensity):
    """Leaps by an invertible flow, which has a density.

    Attributes
    ----------
    leap
        With its network, in double precision.
    flow_of
        From a conditioned network to its flow.

    Examples
    --------
    >>> sorted(FlowLeaps.__dataclass_fields__)
    ['flow_of', 'leap']
    """

    leap: NetworkLeap
    flow_of: Callable[[Field], ExactFlow]

    def flow(self, x: Array) -> ExactFlow:
        """Density of the numbers given n conformations, or one for all of them."""
        return self.flow_of(self.leap.field(x))

    def _draw(self, x: Array, rng: np.random.Generator) -> tuple[Tensor, Any]:
        return self.flow(x).sample(len(x), rng)

    def _log_ratio(
        self, drawn: Any, returned: Tensor, y: Array, rng: np.random.Generator
    ) -> Tensor:
        log_density: Tensor = self.flow(y).log_density(returned) - drawn
        return log_density
