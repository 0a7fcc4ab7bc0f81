"""Densities of blocks of torsions of one molecule: `MoleculeDensity`, `BlockDensity`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.models.block_transformer import BlockTransformer
from openmm_genmd.models.block_weights import unpack
from openmm_genmd.models.circular_b_spline import REACH, TURN
from openmm_genmd.native import core
from openmm_genmd.representations.torsion_tokens import TorsionTokens

Array = NDArray[np.float64]

_VERSION = attrgetter("_version")


class MoleculeDensity:
    """A `BlockTransformer` that is applied to the torsions of one molecule.

    Parameters
    ----------
    model
        Shared by all blocks. If its weights change they are read again.
    tokens
        The torsions.

    Examples
    --------
    >>> from openmm_genmd.data.peptides import build_peptide
    >>> from openmm_genmd.models.block_transformer import BlockTransformerConfig
    >>> from openmm_genmd.representations.torsions import TorsionRepresentation
    >>> representation = TorsionRepresentation.from_topology(build_peptide("SG")[0])
    >>> model = BlockTransformer(BlockTransformerConfig())
    >>> density = MoleculeDensity(model, TorsionTokens.of(representation))
    >>> block = density.block([2, 0])
    >>> angles, log_density = block.sample(3, np.random.default_rng(1), np.zeros((1, 3)))
    >>> angles.shape, log_density.round(3).tolist()  # untrained: uniform
    ((3, 2), [-3.676, -3.676, -3.676])
    """

    def __init__(self, model: BlockTransformer, tokens: TorsionTokens) -> None:
        self.model, self.tokens = model, tokens
        self._parameters = tuple(model.parameters())
        self._read: tuple[int, ...] = ()
        self._network: Any = None

    def block(self, torsions: Sequence[int]) -> BlockDensity:
        """Density of some torsions, by number, given all others.

        Raises
        ------
        ValueError
            If there are none, or one is out of range or repeated.
        """
        n = len(self.tokens)
        if not torsions or len(set(torsions)) != len(torsions) or not set(torsions) <= {*range(n)}:
            raise ValueError(
                f"a block must have different torsions from 0 to {n - 1}, got {list(torsions)}"
            )
        return BlockDensity(self, torsions)

    def network(self) -> Any:
        """Compiled network with the present weights; another object after they have changed."""
        version = self.weights_version()
        if self._network is None or version != self._read:
            self._network, self._read = core.BlockNetwork(unpack(self.model, self.tokens)), version
        return self._network

    def weights_version(self) -> tuple[int, ...]:
        """Return how often each weight was changed, as torch counts: by optimisers and by loading.

        A change that it does not notice has no effect on densities and draws either.
        """
        return tuple(map(_VERSION, self._parameters))

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_network": None}


@dataclass(frozen=True)
class BlockDensityConfig:
    """What a proposer has to know about a `BlockDensity`.

    Attributes
    ----------
    n_torsions
        Of the block.
    conditional
        Whether there are others, which it is given.

    Examples
    --------
    >>> BlockDensityConfig(n_torsions=2, conditional=True).n_torsions
    2
    """

    n_torsions: int
    conditional: bool


class BlockDensity:
    """Density of a block of torsions given all others of the molecule; a `TorsionModel`.

    q = (1 - f) * network + f / (2 pi)^m with f = ``uniform_fraction``, for the m torsions of the
    block together. Everything is float64.

    Parameters
    ----------
    molecule
        The network.
    torsions
        Numbers of the torsions; columns of angles are in this order.

    Attributes
    ----------
    config
        Conditional unless the block has all torsions of the molecule.

    Examples
    --------
    See `MoleculeDensity`.
    """

    def __init__(self, molecule: MoleculeDensity, torsions: Sequence[int]) -> None:
        tokens = molecule.tokens
        self.molecule, self.torsions = molecule, tuple(torsions)
        self._kept = tuple(n for n in range(len(tokens)) if n not in set(torsions))
        self.config = BlockDensityConfig(len(self.torsions), len(self._kept) > 0)
        self._block = tuple(n for n in tokens.order.tolist() if n in set(torsions))
        self._places = np.array([self._block.index(n) for n in self.torsions])
        self._columns = np.argsort(self._places)
        fraction = molecule.model.config.uniform_fraction
        self._fraction = fraction
        self._log_floor = _log(fraction) - len(self.torsions) * math.log(TURN)
        self._log_rest = _log(1.0 - fraction)
        self._known: tuple[Any, bytes, Any] | None = None

    def sample(
        self, n: int, rng: np.random.Generator, context: Array | None = None
    ) -> tuple[Array, Array]:
        """Angles ``(n, m)`` in [-pi, pi) rad and their log densities ``(n,)``, both float64.

        Parameters
        ----------
        n
            How many.
        rng
            The only source of randomness; it advances by the same amount whatever is drawn.
        context
            Values of all other torsions, ``(1, n_others)`` float64, rad, in their order; None if
            there are none.

        Raises
        ------
        ValueError
            If a context is missing, given needlessly or has the wrong shape.
        """
        given = self._given(context)
        anywhere = rng.random(n) < self._fraction
        drawn, log_density = given.draw(rng.random((n, len(self._block), 1 + REACH)), anywhere)
        return drawn.take(self._places, axis=1), self._with_floor(log_density)

    def log_prob_numpy(self, angles: Array, context: Array | None = None) -> Array:
        """Log densities ``(n,)`` of angles ``(n, m)`` in rad; 2 pi periodic.

        Parameters
        ----------
        angles
            Float64, rad. A NaN gives NaN.
        context
            Values of all other torsions, ``(1, n_others)``; None if there are none.

        Raises
        ------
        ValueError
            If a shape is wrong, or a context is missing or given needlessly.
        """
        m = len(self.torsions)
        if angles.ndim != 2 or angles.shape[1] != m:
            raise ValueError(f"angles must have shape (n, {m}), got {angles.shape}")
        log_density = self._given(context).weigh(angles.take(self._columns, axis=1))
        return self._with_floor(log_density)

    def _given(self, context: Array | None) -> Any:
        """What the network says; the encoder runs only if something has changed."""
        n = len(self._kept)
        shape = None if context is None else context.shape
        if n and shape != (1, n):
            raise ValueError(
                f"the density depends on the torsions that are kept: pass their values as context "
                f"with shape (1, {n}), got {shape}"
            )
        if not n and context is not None:
            raise ValueError("a block of all torsions depends on nothing: leave context out")
        network = self.molecule.network()
        values = np.empty(0) if context is None else np.asarray(context, dtype=np.float64)[0]
        key = values.tobytes()
        if self._known is None or self._known[0] is not network or self._known[1] != key:
            self._known = network, key, network.given(self._block, self._kept, values)
        return self._known[2]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": None}

    @property
    def shared(self) -> MoleculeDensity:
        """What has the weights, of this and of other blocks."""
        return self.molecule

    def weights_version(self) -> tuple[int, ...]:
        """Return what changes with the weights; see `MoleculeDensity.weights_version`."""
        return self.molecule.weights_version()

    def _with_floor(self, log_density: Array) -> Array:
        with np.errstate(invalid="ignore"):  # a density of lost particles is not a number
            return np.logaddexp(log_density + self._log_rest, self._log_floor)


def _log(weight: float) -> float:
    return math.log(weight) if weight > 0.0 else -math.inf
