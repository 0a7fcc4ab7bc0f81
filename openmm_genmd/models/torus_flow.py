"""A normalised density on the torus: circular spline flow with a uniform floor."""

from __future__ import annotations

import math
from functools import partial
from operator import attrgetter

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor
from zuko.flows.spline import CircularRQSTransform
from zuko.lazy import LazyTransform
from zuko.nn import MaskedMLP
from zuko.transforms import AutoregressiveTransform, DependentTransform

from openmm_genmd.models.torus_flow_batch import BatchFlow
from openmm_genmd.models.torus_flow_numpy import PointDensity

_VERSION = attrgetter("_version")

_MOST_POINTS_ONE_BY_ONE = 8
"""Above this many points the fixed cost of a batch is smaller than the cost per point."""


class TorusFlowConfig(BaseModel):
    """Architecture of a `TorusFlow`; stored in its checkpoint.

    Attributes
    ----------
    n_torsions
        Dimension of the torus.
    conditional
        Whether the density depends on the current torsions.
    transforms
        Autoregressive spline layers; their order of torsions alternates.
    hidden_features
        Widths of the hidden layers of each masked network.
    bins
        Pieces of each spline.
    uniform_fraction
        Weight of the uniform component in [0, 1]. It bounds the density ratio from above and
        reaches every conformation, so a badly trained model costs acceptance, not correctness.

    Examples
    --------
    >>> config = TorusFlowConfig(n_torsions=2, uniform_fraction=1.0)
    >>> uniform = TorusFlow(config, seed=0)
    >>> np.exp(-uniform.log_prob_numpy(np.zeros((1, 2)))).round(2).tolist()  # (2 pi)^2
    [39.48]
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    n_torsions: int = Field(ge=1)
    conditional: bool = False
    transforms: int = Field(default=2, ge=1)
    hidden_features: tuple[int, ...] = Field(default=(32, 32), min_length=1)
    bins: int = Field(default=12, ge=2)
    uniform_fraction: float = Field(default=0.1, ge=0.0, le=1.0)


class _PeriodicAutoregressive(LazyTransform):  # type: ignore[misc]
    """One layer: torsion i is moved by a circular spline whose knots depend on those before it.

    `zuko.flows.NCSF` gives the raw angles to its network, which tears the density open at ±pi,
    where beta conformations live. Here the network sees cosines and sines.
    """

    def __init__(self, config: TorusFlowConfig, order: Tensor) -> None:
        super().__init__()
        d, self.bins = config.n_torsions, config.bins
        self.order = tuple(order.argsort().tolist())
        earlier = order[:, None] > order
        given = 2 * d if config.conditional else 0
        # A single unconditional torsion has nothing to depend on; a constant stands in.
        self.constant = d == 1 and given == 0
        adjacency = torch.cat(
            (earlier, earlier, torch.ones(d, given + int(self.constant), dtype=torch.bool)), dim=1
        )
        adjacency = torch.repeat_interleave(adjacency, 3 * self.bins - 1, dim=0)
        self.hyper = MaskedMLP(adjacency, config.hidden_features, activation=torch.nn.Tanh)
        # Start from the uniform density: zero parameters make the identity.
        torch.nn.init.zeros_(self.hyper[-1].weight)
        torch.nn.init.zeros_(self.hyper[-1].bias)

    def forward(self, c: Tensor | None = None) -> AutoregressiveTransform:
        return AutoregressiveTransform(partial(self._spline, c), self.passes)

    @property
    def passes(self) -> int:
        return int(self.hyper.out_features // (3 * self.bins - 1))

    def _spline(self, c: Tensor | None, x: Tensor) -> DependentTransform:
        features = [x.cos(), x.sin()]
        if c is not None:
            features.append(c.expand(*x.shape[:-1], -1))
        if self.constant:
            features.append(torch.ones_like(x))
        knots = self.hyper(torch.cat(features, dim=-1)).unflatten(-1, (-1, 3 * self.bins - 1))
        return DependentTransform(
            CircularRQSTransform(*knots.split((self.bins, self.bins, self.bins - 1), dim=-1)), 1
        )


class TorusFlow(torch.nn.Module):
    """Density q(torsions) or q(torsions | current torsions) with respect to d(torsions).

    q = (1 - f) * flow + f / (2 pi)^d with f = ``uniform_fraction``. Everything is float64.

    Parameters
    ----------
    config
        The architecture.
    seed
        Of the initial weights. A new model is the uniform density whatever the seed.

    References
    ----------
    Rezende et al., Normalizing Flows on Tori and Spheres, ICML 2020, section 2.1.2 (circular
    splines); Durkan et al., Neural Spline Flows, NeurIPS 2019, eqs. 4-5.

    Examples
    --------
    >>> import numpy as np
    >>> model = TorusFlow(TorusFlowConfig(n_torsions=2))
    >>> angles, log_prob = model.sample(3, np.random.default_rng(1))
    >>> bool(np.allclose(log_prob, -2 * np.log(2 * np.pi)))  # untrained: uniform
    True
    """

    def __init__(self, config: TorusFlowConfig, *, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        ascending = torch.arange(config.n_torsions)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = torch.nn.ModuleList(
                _PeriodicAutoregressive(config, ascending if i % 2 == 0 else ascending.flip(0))
                for i in range(config.transforms)
            )
        self.to(torch.float64)
        self._log_uniform = -config.n_torsions * math.log(2.0 * math.pi)
        self._arrays: tuple[PointDensity, BatchFlow] | None = None
        self._arrays_version: tuple[int, ...] = ()
        self._weights = tuple(self.parameters())  # walking the modules costs more than a jump

    def log_prob(self, angles: Tensor, context: Tensor | None = None) -> Tensor:
        """Log density ``(n,)`` float64 of any angles ``(n, d)`` in rad; 2 pi periodic.

        Parameters
        ----------
        angles
            ``(n, d)`` float64, rad.
        context
            The current torsions, ``(n, d)`` or ``(1, d)`` float64, rad; None if unconditional.

        Raises
        ------
        ValueError
            If the shape is not ``(n, d)``, or a context is missing or given needlessly.
        """
        self._check(tuple(angles.shape), None if context is None else tuple(context.shape))
        given = _embed(context)
        y, log_det = angles, torch.zeros(len(angles), dtype=angles.dtype, device=angles.device)
        for layer in self.layers:
            y, ladj = layer(given).call_and_ladj(y)
            log_det = log_det + ladj
        floor = _log(self.config.uniform_fraction) + self._log_uniform
        flow = _log(1.0 - self.config.uniform_fraction) + self._log_uniform + log_det
        return torch.logaddexp(flow, torch.full_like(flow, floor))

    def sample(
        self, n: int, rng: np.random.Generator, context: NDArray[np.float64] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Angles ``(n, d)`` in [-pi, pi) rad and their log densities ``(n,)``, both float64.

        Parameters
        ----------
        n
            How many.
        rng
            The only source of randomness; it advances by the same amount whatever is drawn.
        context
            The current torsions, ``(n, d)`` or ``(1, d)`` float64, rad; None if unconditional.

        Raises
        ------
        ValueError
            If a context is missing, given needlessly or has the wrong shape.
        """
        d = self.config.n_torsions
        self._check((n, d), None if context is None else np.shape(context))
        from_floor = rng.random(n) < self.config.uniform_fraction
        base = rng.uniform(-math.pi, math.pi, size=(n, d))
        _, flow = self._unpacked()
        angles, log_det = flow.from_base(base, context)
        angles[from_floor] = base[from_floor]
        given = context if context is None or len(context) == 1 else context[from_floor]
        log_det[from_floor] = flow.to_base(base[from_floor], given)[1]
        return wrap(angles), self._with_floor(log_det)

    def log_prob_numpy(
        self, angles: NDArray[np.float64], context: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Log density ``(n,)`` like `log_prob`, of arrays, and cheap for a few points.

        Parameters
        ----------
        angles
            ``(n, d)`` float64, rad.
        context
            The current torsions, ``(n, d)`` or ``(1, d)`` float64, rad; None if unconditional.

        Raises
        ------
        ValueError
            If a shape is wrong, or a context is missing or given needlessly.
        """
        self._check(np.shape(angles), None if context is None else np.shape(context))
        point, flow = self._unpacked()
        if len(angles) > _MOST_POINTS_ONE_BY_ONE:
            return self._with_floor(flow.to_base(np.asarray(angles), context)[1])
        rows = [None] * len(angles) if context is None else np.broadcast_to(context, angles.shape)
        return np.array([point(x, c) for x, c in zip(angles, rows, strict=True)])

    def weights_version(self) -> tuple[int, ...]:
        """Return how often each weight was changed, as torch counts: by optimisers and by loading.

        A change that it does not notice has no effect on `sample` and `log_prob_numpy` either.
        """
        return tuple(map(_VERSION, self._weights))

    def spline_layers(self) -> list[_PeriodicAutoregressive]:
        """Return the layers in the order in which the density is evaluated."""
        return [layer for layer in self.layers if isinstance(layer, _PeriodicAutoregressive)]

    def _unpacked(self) -> tuple[PointDensity, BatchFlow]:
        version = self.weights_version()
        if self._arrays is None or version != self._arrays_version:
            self._arrays = PointDensity.from_model(self), BatchFlow.from_model(self)
            self._arrays_version = version
        return self._arrays

    def _with_floor(self, log_det: NDArray[np.float64]) -> NDArray[np.float64]:
        floor = _log(self.config.uniform_fraction) + self._log_uniform
        flow = _log(1.0 - self.config.uniform_fraction) + self._log_uniform + log_det
        with np.errstate(invalid="ignore"):  # a density of lost particles is not a number
            return np.logaddexp(flow, floor)

    def _check(self, shape: tuple[int, ...], context: tuple[int, ...] | None) -> None:
        d = self.config.n_torsions
        if len(shape) != 2 or shape[1] != d:
            raise ValueError(f"angles must have shape (n, {d}), got {shape}")
        if self.config.conditional and context not in (shape, (1, d)):
            raise ValueError(
                "this model is conditional: pass the current torsions as context with shape "
                f"{shape} or (1, {d}), got {context}"
            )
        if not self.config.conditional and context is not None:
            raise ValueError("this model is unconditional: leave context out")


def wrap(angles_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles in [-pi, pi) rad, same shape; the remainder alone may round to +pi."""
    wrapped = np.remainder(angles_rad + np.pi, 2.0 * np.pi) - np.pi
    return np.where(wrapped >= np.pi, -np.pi, wrapped)


def _embed(context: Tensor | None) -> Tensor | None:
    return None if context is None else torch.cat((context.cos(), context.sin()), dim=-1)


def _log(weight: float) -> float:
    return math.log(weight) if weight > 0.0 else -math.inf
