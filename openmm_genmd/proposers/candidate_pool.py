"""Candidates drawn in advance: `CandidatePool`, and the models that torsion leaps can use."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class TorsionModelConfig(Protocol):
    """What a proposer has to know about a model."""

    @property
    def n_torsions(self) -> int:
        """Number of angles."""

    @property
    def conditional(self) -> bool:
        """Whether the density depends on the current torsions."""


class TorsionModel(Protocol):
    """A normalised density on the torus, for instance `TorusFlow`."""

    @property
    def config(self) -> TorsionModelConfig:
        """Its settings."""

    def sample(
        self, n: int, rng: np.random.Generator, context: Array | None = None
    ) -> tuple[Array, Array]:
        """Angles ``(n, d)`` in rad and their log densities ``(n,)``."""

    def log_prob_numpy(self, angles: Array, context: Array | None = None) -> Array:
        """Log densities ``(n,)`` with respect to d(angles) of angles ``(n, d)`` in rad."""


def model_version(model: TorsionModel | None) -> Hashable:
    """Return what changes with a model's weights: its ``weights_version()``, None without one.

    A model without weights has no such method. One that has some and says nothing is taken at its
    word.
    """
    version: Callable[[], Hashable] | None = getattr(model, "weights_version", None)
    return None if version is None else version()


class CandidatePool:
    """Independent draws of an unconditional model, made many at a time and used once each.

    Drawing a batch costs hardly more than drawing one. The candidates are independent of the
    conformation that they meet, so it does not matter that they were drawn before it was known;
    those of a conditional model would be wrong as soon as the conformation changes.

    Parameters
    ----------
    model
        Unconditional.
    size
        Candidates per batch.

    Raises
    ------
    ValueError
        If the model is conditional, or the size is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> uniform = SimpleNamespace(
    ...     config=SimpleNamespace(n_torsions=1, conditional=False),
    ...     sample=lambda n, rng: (rng.uniform(-np.pi, np.pi, (n, 1)), np.full(n, -np.log(6.28))),
    ... )
    >>> pool = CandidatePool(uniform, 4)
    >>> angles, log_densities = pool.draw_many(np.random.default_rng(1), 3)
    >>> len(pool.remaining[1])
    1
    """

    def __init__(self, model: TorsionModel, size: int) -> None:
        if model.config.conditional:
            raise ValueError("a pool holds candidates of an unconditional model only")
        if size < 1:
            raise ValueError(f"pool_size must be at least 1, got {size}")
        self._model = model
        self._size = size
        self.clear()

    @property
    def remaining(self) -> tuple[Array, Array]:
        """Angles ``(n, d)`` in rad and log densities ``(n,)`` of the candidates not yet used."""
        return self._angles[self._used :], self._log_densities[self._used :]

    def clear(self) -> None:
        """Forget all candidates."""
        self.fill(np.empty((0, self._model.config.n_torsions)), np.empty(0))

    def fill(self, angles_rad: Array, log_densities: Array) -> None:
        """Replace the candidates, as `remaining` gave them."""
        self._angles, self._log_densities = angles_rad, log_densities
        self._used = 0

    def draw(self, rng: np.random.Generator) -> tuple[Array, float]:
        """Angles ``(d,)`` in rad of the next candidate and its log density."""
        angles, log_densities = self.draw_many(rng, 1)
        return angles[0], float(log_densities[0])

    def draw_many(self, rng: np.random.Generator, k: int) -> tuple[Array, Array]:
        """Angles ``(k, d)`` in rad of the next candidates and their log densities ``(k,)``."""
        missing = self._used + k - len(self._angles)
        if missing > 0:
            fresh = self._model.sample(max(missing, self._size), rng)
            left = self.remaining
            self.fill(*(np.concatenate(pair) for pair in zip(left, fresh, strict=True)))
        start, self._used = self._used, self._used + k
        return self._angles[start : self._used], self._log_densities[start : self._used]
