"""Conformations from conformations, generation by generation: `TreeSampler`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.float32]
Integers = NDArray[np.int64]


class ConformationSampler(Protocol):
    """Draws new conformations of a molecule given current ones, without a density.

    Examples
    --------
    >>> class Wiggle:
    ...     def sample(self, positions_nm, n, rng):
    ...         shape = (len(positions_nm), n, *positions_nm.shape[1:])
    ...         return positions_nm[:, None] + 0.01 * rng.standard_normal(shape)
    >>> sampler: ConformationSampler = Wiggle()
    >>> sampler.sample(np.zeros((2, 5, 3)), 4, np.random.default_rng(0)).shape
    (2, 4, 5, 3)
    """

    def sample(self, positions_nm: NDArray[Any], n: int, rng: np.random.Generator) -> NDArray[Any]:
        """Positions ``(m, n, n_atoms, 3)``, nm: n for each of the m current ones.

        Parameters
        ----------
        positions_nm
            ``(m, n_atoms, 3)``, nm.
        n
            How many for each.
        rng
            The only source of randomness.
        """
        ...


@dataclass(frozen=True)
class TreePlan:
    """Shape of the trees.

    Attributes
    ----------
    branching
        Children of each conformation, generation by generation; so many numbers, so deep a tree.
    budget
        Conformations in all. Trees are grown from the starts in turn until they are reached; the
        generation that would exceed it is spread evenly over its parents. None: one tree for each
        start.
    batch_size
        Conformations drawn at once.
    tries
        How often a conformation that is not sound is drawn, at most.

    Raises
    ------
    ValueError
        If a number is not positive.

    Examples
    --------
    >>> TreePlan().size, TreePlan(branching=(1,) * 5).size
    (1110, 5)
    """

    branching: tuple[int, ...] = (10, 10, 10)
    budget: int | None = None
    batch_size: int = 250
    tries: int = 3

    def __post_init__(self) -> None:
        for name, value in (
            ("branching", min(self.branching, default=0)),
            ("budget", 1 if self.budget is None else self.budget),
            ("batch_size", self.batch_size),
            ("tries", self.tries),
        ):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")

    @property
    def generations(self) -> tuple[int, ...]:
        """Conformations of each generation of one tree."""
        return tuple(math.prod(self.branching[: n + 1]) for n in range(len(self.branching)))

    @property
    def size(self) -> int:
        """Conformations of one tree, its start not counted."""
        return sum(self.generations)

    def count(self, n_starts: int) -> int:
        """Conformations of all trees."""
        return n_starts * self.size if self.budget is None else self.budget


@dataclass(frozen=True, eq=False)
class TreeNodes:
    """Conformations of one generation that were drawn together.

    Attributes
    ----------
    positions_nm
        ``(n, n_atoms, 3)`` float32, nm.
    parents
        ``(n,)`` int64: numbers of the conformations that they were drawn from, counted over all
        that a sampling gives; -1 - k for start number k.
    depth
        Generation, from 1.
    sound
        ``(n,)`` bool: whether the last try was sound.

    Examples
    --------
    >>> nodes = TreeNodes(np.zeros((2, 5, 3), np.float32), np.array([-1, -1]), 1, np.ones(2, bool))
    >>> len(nodes.positions_nm), bool(nodes.sound.all())
    (2, True)
    """

    positions_nm: Positions
    parents: Integers
    depth: int
    sound: NDArray[np.bool_]


class TreeSampler:
    """Grows trees of conformations: children of children of a start, many at a time.

    Conformations that are not sound have no children; what these would have been is spread over
    the others of the generation, as long as there are any.

    Parameters
    ----------
    sampler
        Draws children.
    plan
        Shape of the trees.
    seed
        With the plan and the sampler it determines the conformations.
    sound
        From positions ``(n, n_atoms, 3)``, nm, to ``(n,)`` bool. By default all are.

    Examples
    --------
    >>> class Wiggle:
    ...     def sample(self, positions_nm, n, rng):
    ...         shape = (len(positions_nm), n, *positions_nm.shape[1:])
    ...         return positions_nm[:, None] + 0.01 * rng.standard_normal(shape)
    >>> trees = TreeSampler(Wiggle(), TreePlan(branching=(2, 3)), seed=0)
    >>> [(nodes.depth, nodes.parents.tolist()) for nodes in trees.iterate(np.zeros((1, 5, 3)))]
    [(1, [-1, -1]), (2, [0, 0, 0, 1, 1, 1])]
    """

    def __init__(
        self,
        sampler: ConformationSampler,
        plan: TreePlan,
        *,
        seed: int,
        sound: Callable[[NDArray[Any]], NDArray[np.bool_]] | None = None,
    ) -> None:
        self._sampler, self._plan, self._seed = sampler, plan, seed
        self._sound = sound or (lambda positions_nm: np.ones(len(positions_nm), dtype=np.bool_))

    def iterate(self, starts_nm: NDArray[Any]) -> Iterator[TreeNodes]:
        """Conformations as they are drawn, a generation after the other, tree after tree.

        Parameters
        ----------
        starts_nm
            ``(n_starts, n_atoms, 3)``, nm, at least one.
        """
        total, done, tree = self._plan.count(len(starts_nm)), 0, 0
        while done < total:
            start = tree % len(starts_nm)
            rng = np.random.default_rng((self._seed, tree))
            for nodes in self._grow(starts_nm[start], start, done, total - done, rng):
                done += len(nodes.parents)
                yield nodes
            tree += 1

    def _grow(
        self,
        start_nm: NDArray[Any],
        start: int,
        first: int,
        budget: int,
        rng: np.random.Generator,
    ) -> Iterator[TreeNodes]:
        """One tree, of which at most ``budget`` are drawn; its first is number ``first`` of all."""
        parents_nm, numbers = start_nm[None].astype(np.float32), np.array([-1 - start])
        for depth, size in enumerate(self._plan.generations, 1):
            wanted = min(size, budget)
            generation = []
            for chosen, n in _calls(len(numbers), wanted, self._plan.batch_size):
                positions, sound = self._draw(parents_nm[chosen], n, rng)
                nodes = TreeNodes(positions, np.repeat(numbers[chosen], n), depth, sound)
                generation.append(nodes)
                yield nodes
            budget -= wanted
            if budget == 0:
                return
            sound = np.concatenate([nodes.sound for nodes in generation])
            fertile = sound if sound.any() else np.ones_like(sound)
            parents_nm = np.concatenate([nodes.positions_nm for nodes in generation])[fertile]
            numbers = first + np.flatnonzero(fertile)
            first += wanted

    def _draw(
        self, parents_nm: Positions, n: int, rng: np.random.Generator
    ) -> tuple[Positions, NDArray[np.bool_]]:
        """Children ``(m n, n_atoms, 3)`` and whether they are sound."""
        drawn = self._sampler.sample(parents_nm, n, rng)
        positions = drawn.reshape(-1, *parents_nm.shape[1:]).astype(np.float32)
        sound = self._sound(positions)
        for _ in range(self._plan.tries - 1):
            broken = np.flatnonzero(~sound)
            if not len(broken):
                break
            again = self._sampler.sample(parents_nm[broken // n], 1, rng)[:, 0]
            positions[broken] = again
            sound[broken] = self._sound(positions[broken])
        return positions, sound


def _calls(
    n_parents: int, n_children: int, batch_size: int
) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Parents and how many children each, so that all get equally many to within one."""
    each, more = divmod(n_children, n_parents)
    groups = ((np.arange(more), each + 1), (np.arange(more, n_parents), each))
    for parents, count in groups:
        for first in range(0, count, batch_size):
            n = min(batch_size, count - first)
            together = max(1, batch_size // n)
            for place in range(0, len(parents), together):
                yield parents[place : place + together], n
