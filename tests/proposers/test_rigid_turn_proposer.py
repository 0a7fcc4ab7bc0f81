"""Rigid turns: shapes are kept, a turn is as likely as its inverse, bad molecules are refused."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.stats import ks_2samp

from openmm_genmd.proposers.rigid_turn_proposer import RigidTurnProposer

X_NM = np.array([[0.01, 0.0, 0.02], [0.3, 0.02, 0.0], [-0.2, 0.1, 0.0], [0.0, -0.08, 0.06]])


def turns(proposer: RigidTurnProposer, count: int, seed: int) -> Rotation:
    """Turns of the molecule in its own axes."""
    rng = np.random.default_rng(seed)
    axes = own_axes(X_NM)
    made = [own_axes(proposer.propose(X_NM, None, rng).positions) for _ in range(count)]
    return Rotation.from_matrix(np.array([axes.T @ new for new in made]))


def own_axes(x: np.ndarray) -> np.ndarray:
    first = (x[1] - x[0]) / np.linalg.norm(x[1] - x[0])
    third = np.cross(first, x[2] - x[0])
    third /= np.linalg.norm(third)
    return np.stack([first, np.cross(third, first), third], axis=1)


def test_the_molecule_keeps_its_shape_and_its_middle():
    proposer = RigidTurnProposer([2, 3, 4, 5], np.concatenate([np.full((2, 3), 9.0), X_NM]))
    assert proposer.axis_atoms[:2] == (2, 3)
    proposal = proposer.propose(X_NM, None, np.random.default_rng(1))
    before, after = (x[:, None] - x for x in (X_NM, proposal.positions))
    np.testing.assert_allclose(np.linalg.norm(after, axis=2), np.linalg.norm(before, axis=2))
    np.testing.assert_allclose(proposal.positions.mean(axis=0), X_NM.mean(axis=0))
    handed = [np.linalg.det(d[0, 1:]) for d in (before, after)]
    assert handed[1] == pytest.approx(handed[0])
    assert proposal.log_ratio == 0.0


@pytest.mark.parametrize("spread_rad", [0.3, 1.0])
def test_a_turn_and_its_inverse_are_equally_likely(spread_rad):
    proposer = RigidTurnProposer(range(4), X_NM, spread_rad=spread_rad)
    made = turns(proposer, 4000, seed=3)
    one, other = made[:2000].as_matrix(), made[2000:].inv().as_matrix()
    for i, j in np.ndindex(3, 3):
        assert ks_2samp(one[:, i, j], other[:, i, j]).pvalue > 1e-4


def test_a_turn_that_is_not_as_likely_as_its_inverse_would_be_seen():
    made = turns(RigidTurnProposer(range(4), X_NM), 4000, seed=3)
    forward = Rotation.from_rotvec([0.0, 0.0, 0.5])
    one, other = (made[:2000] * forward).as_matrix(), (made[2000:] * forward).inv().as_matrix()
    assert min(ks_2samp(one[:, i, j], other[:, i, j]).pvalue for i, j in np.ndindex(3, 3)) < 1e-10


def test_most_turns_are_half_turns_over_an_axis_of_the_molecule():
    made = turns(RigidTurnProposer(range(4), X_NM, spread_rad=0.05), 2000, seed=4).as_matrix()
    over = [np.diag(2.0 * (np.arange(3) == axis) - 1.0) for axis in range(3)]
    close = [np.linalg.norm(made - flip, axis=(1, 2)) < 0.5 for flip in over]
    for found in close:
        assert abs(found.mean() - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 2000) + 0.003


def test_it_turns_a_turned_molecule_in_the_same_way():
    proposer = RigidTurnProposer(range(4), X_NM)
    turn = Rotation.from_rotvec([0.3, -1.0, 0.4])
    x = X_NM @ turn.as_matrix().T + 0.7
    one = proposer.propose(X_NM, None, np.random.default_rng(5)).positions
    other = proposer.propose(x, None, np.random.default_rng(5)).positions
    np.testing.assert_allclose(other, one @ turn.as_matrix().T + 0.7)


def test_bad_molecules_are_refused():
    with pytest.raises(ValueError, match="three particles to be turned over, got 2"):
        RigidTurnProposer([0, 1], X_NM)
    with pytest.raises(ValueError, match="are in line: it cannot be turned over"):
        RigidTurnProposer([0, 1, 2], [[0.0, 0, 0], [0.1, 0, 0], [0.3, 0, 0]])
    with pytest.raises(ValueError, match="spread_rad must be positive and finite, got 0"):
        RigidTurnProposer([0, 1, 2, 3], X_NM, spread_rad=0)
