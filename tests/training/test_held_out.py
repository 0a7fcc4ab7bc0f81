"""What is held out of several sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from openmm_genmd.training.held_out import hold_out


@dataclass(frozen=True)
class Frames:
    """Ten numbered frames, or so few that none can be held out."""

    numbers: tuple[int, ...] = tuple(range(10))

    def divide(self, fraction, rng):
        n = round(fraction * len(self.numbers))
        if n == 0:
            return self, None
        mixed = rng.permutation(self.numbers).tolist()
        return Frames(tuple(mixed[n:])), Frames(tuple(mixed[:n]))


def test_every_source_is_divided_by_a_generator_of_its_own():
    parts, held_out = hold_out([Frames()] * 3, 0.3, seed=5)
    for number, pair in enumerate(zip(parts, held_out, strict=True)):
        assert pair == Frames().divide(0.3, np.random.default_rng((5, number)))
    assert len(set(held_out)) == 3
    assert hold_out([Frames()] * 3, 0.3, seed=6)[1] != held_out


def test_small_sources_are_trained_on_entirely():
    parts, held_out = hold_out([Frames((1,)), Frames()], 0.3, seed=0)
    assert parts[0] == Frames((1,))
    assert held_out == [Frames().divide(0.3, np.random.default_rng((0, 1)))[1]]


def test_with_others_nothing_is_held_out():
    other = Frames((77,))
    assert hold_out([Frames()], 0.3, seed=0, others=[other]) == ([Frames()], [other])
    assert hold_out([Frames()], 0.0, seed=0) == ([Frames()], [])
