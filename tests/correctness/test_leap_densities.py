"""Leaps by path-space and by exact flows keep their target, however wrong the network is.

Every chain starts from an exact sample of the target. The networks propose to drift away, so that
nothing but the ratio keeps the averages where they are; each twin breaks one part of it.
"""

import numpy as np
import pytest

from .leap_moves import TokenMove, TorusFlowMove, TorusPathMove
from .leap_targets import CircleTarget, ResidueTarget, TorusTarget, steep_score
from .scores import agrees

TORUS, CIRCLE, RESIDUE = TorusTarget(), CircleTarget(), ResidueTarget()
WRONG = 5.0
"""Standard errors that a twin has to be off."""


def moved(move, n, moves, seed=1):
    """Standard scores of n chains after so many moves, and the acceptance."""
    rng = np.random.default_rng(seed)
    state, accepted = move.target.samples(n, rng), []
    for _ in range(moves):
        state, fraction = move(state, rng)
        accepted.append(fraction)
    return move.target.scores(state), np.mean(accepted)


def goes_wrong(move, n, moves, seed=1):
    """Whether a score of n chains leaves the range of chance within so many moves."""
    rng = np.random.default_rng(seed)
    state = move.target.samples(n, rng)
    for k in range(moves):
        state, _ = move(state, rng)
        if k % 3 == 2 and np.abs(move.target.scores(state)).max() > WRONG:
            return True
    return False


def test_paths_on_the_torus_keep_the_target():
    scores, acceptance = moved(TorusPathMove(TORUS), 6000, 8)
    assert agrees(scores)
    assert acceptance > 0.05


def test_flows_on_the_torus_keep_the_target():
    scores, acceptance = moved(TorusFlowMove(TORUS), 1000, 4)
    assert agrees(scores)
    assert acceptance > 0.05


def test_flows_without_an_inverse_everywhere_keep_the_target():
    """The peaks are too sharp for three steps: a part of all proposals has to be rejected."""
    move = TorusFlowMove(CIRCLE, score=steep_score, steps=3)
    scores, acceptance = moved(move, 1000, 4)
    assert agrees(scores)
    rng = np.random.default_rng(2)
    lost = np.isnan(move.proposal(CIRCLE.samples(500, rng), rng)[1]).mean()
    assert 0.05 < lost < 0.9
    assert acceptance > 0.05


def test_paths_of_tokens_keep_the_target():
    scores, acceptance = moved(TokenMove(RESIDUE, path="trigonometric"), 4000, 15)
    assert agrees(scores)
    assert acceptance > 0.03


def test_flows_of_tokens_keep_the_target():
    scores, acceptance = moved(TokenMove(RESIDUE, density="exact"), 800, 6)
    assert agrees(scores)
    assert acceptance > 0.03


@pytest.mark.parametrize(
    "broken", ["way back conditioned on x", "no noising densities", "ratio dropped"]
)
def test_broken_paths_on_the_torus_go_wrong(broken):
    assert goes_wrong(TorusPathMove(TORUS, broken), 8000, 12)


@pytest.mark.parametrize(("broken", "n"), [("explicit Euler", 4000), ("ratio dropped", 800)])
def test_broken_flows_on_the_torus_go_wrong(broken, n):
    assert goes_wrong(TorusFlowMove(TORUS, broken), n, 15)


def test_flows_whose_round_trip_is_not_checked_go_wrong():
    broken = "round trip not checked"
    assert goes_wrong(TorusFlowMove(CIRCLE, broken, steep_score, steps=3), 3000, 9)


@pytest.mark.parametrize(
    "broken",
    [
        "no radius Jacobian",
        "way back as seen from x",
        "way back conditioned on x",
        "repeated torsion scored twice",
        "repeated torsion not scored at y",
        "ratio dropped",
    ],
)
def test_broken_paths_of_tokens_go_wrong(broken):
    assert goes_wrong(TokenMove(RESIDUE, broken=broken), 6000, 75)
