"""`TorsionProposer` as a Monte Carlo move, its caches and its state."""

import copy
import json

import numpy as np
import pytest

from openmm_genmd.proposers.candidate_pool import CandidatePool
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.torsion_state import TorsionState, pack, unpack

TRICLINIC = np.array([[2.5, 0, 0], [0.8, 2.4, 0], [-0.9, 1.1, 2.3]])
CENTRES, KAPPAS = (-1.0, 2.0), (1.0, 0.5)


def _proposer(dipeptide, von_mises, *, conditional=False, **options):
    model = von_mises(CENTRES, KAPPAS, conditional=conditional)
    return TorsionProposer(dipeptide.representation, model, **options)


def _log_target(torsions):
    """A density with two wells in the first angle, tilted towards one, coupled to the second."""
    phi, psi = torsions
    return np.cos(2 * phi) + 0.6 * np.cos(phi - 1) + 0.8 * np.cos(psi - phi)


OBSERVABLES = (
    lambda phi, psi: np.cos(phi),
    lambda phi, psi: np.sin(phi),
    lambda phi, psi: np.sin(psi),
    lambda phi, psi: np.cos(2 * phi),
    lambda phi, psi: np.cos(phi - psi),
)


def _exact_averages():
    grid = np.arange(400) * 2 * np.pi / 400
    phi, psi = np.meshgrid(grid, grid)
    weights = np.exp(_log_target((phi, psi)))
    return np.array([(weights * f(phi, psi)).sum() for f in OBSERVABLES]) / weights.sum()


def _deviations(proposer, x, *, n_steps=12000, use_ratio=True):
    """How far a Metropolis-Hastings chain is off for each observable, in standard errors."""
    rng = np.random.default_rng(11)
    encode = proposer.representation.encode
    torsions, visited = encode(x), []
    for _ in range(n_steps):
        proposal = proposer.propose(x.copy(), None, rng)
        proposed = encode(proposal.positions)
        log_ratio = proposal.log_ratio if use_ratio else 0.0
        if np.log(rng.random()) < _log_target(proposed) - _log_target(torsions) + log_ratio:
            x, torsions = proposal.positions, proposed
        visited.append(torsions)
    phi, psi = np.array(visited).T
    values = np.array([f(phi, psi) for f in OBSERVABLES])
    blocks = values.reshape(len(values), 40, -1).mean(axis=2)
    standard_errors = blocks.std(axis=1, ddof=1) / np.sqrt(blocks.shape[1])
    return np.abs(blocks.mean(axis=1) - _exact_averages()) / standard_errors


@pytest.mark.parametrize("conditional", [False, True])
def test_samples_the_target(dipeptide, von_mises, conditional):
    proposer = _proposer(dipeptide, von_mises, conditional=conditional)
    assert _deviations(proposer, dipeptide.positions_nm).max() < 4


@pytest.mark.parametrize("conditional", [False, True])
def test_without_the_ratio_it_does_not(dipeptide, von_mises, conditional):
    proposer = _proposer(dipeptide, von_mises, conditional=conditional)
    deviations = _deviations(proposer, dipeptide.positions_nm, use_ratio=False)
    assert deviations.max() > 8


def test_log_ratio_is_that_of_the_densities(dipeptide, von_mises):
    x = dipeptide.positions_nm
    encode = dipeptide.representation.encode
    for conditional in (False, True):
        proposer = _proposer(dipeptide, von_mises, conditional=conditional)
        model = von_mises(CENTRES, KAPPAS, conditional=conditional)
        y = proposer.propose(x, None, np.random.default_rng(3))
        phi_x, phi_y = encode(x)[None], encode(y.positions)[None]
        forward = model.log_prob_numpy(phi_y, *([phi_x] if conditional else []))
        backward = model.log_prob_numpy(phi_x, *([phi_y] if conditional else []))
        assert y.log_ratio == pytest.approx((backward - forward)[0], abs=1e-12)
        assert abs(y.log_ratio) > 0.1


def test_only_the_torsions_change(dipeptide, von_mises):
    x = dipeptide.positions_nm
    y = _proposer(dipeptide, von_mises).propose(x, None, np.random.default_rng(4)).positions
    representation = dipeptide.representation
    assert np.abs(representation.decode(representation.encode(x), y) - x).max() < 1e-13
    assert np.abs(y - x).max() > 0.05


def test_densities_are_evaluated_once_per_conformation(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises, pool_size=50)
    model, rng, x = proposer._model, np.random.default_rng(5), dipeptide.positions_nm
    for _ in range(5):
        first = proposer.propose(x.copy(), None, rng)
    assert (model.n_samples, model.n_densities) == (1, 1)
    # Accepted, and tried again without MD in between: the density of x = y is known.
    second = proposer.propose(first.positions.copy(), None, rng)
    assert model.n_densities == 1
    fresh = _proposer(dipeptide, von_mises)._log_q(first.positions)
    log_q_y = model._log_density(dipeptide.representation.encode(second.positions)[None], None)[0]
    assert second.log_ratio == pytest.approx(fresh - log_q_y, abs=1e-12)
    # The smallest change is a new conformation.
    moved = first.positions.copy()
    moved[6, 0] = np.nextafter(moved[6, 0], 1)
    proposer.propose(moved, None, rng)
    assert (model.n_samples, model.n_densities) == (1, 2)


def test_changing_a_returned_array_does_not_harm(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises)
    rng = np.random.default_rng(6)
    first = proposer.propose(dipeptide.positions_nm, None, rng).positions
    untouched = first.copy()
    first += 1.0
    known = proposer._known[untouched.tobytes()]
    assert known == pytest.approx(proposer._log_q(untouched), abs=1e-12)


def test_every_candidate_is_used_once(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises, pool_size=7)
    rng, encode = np.random.default_rng(8), dipeptide.representation.encode
    x = dipeptide.positions_nm
    drawn = np.array([encode(proposer.propose(x, None, rng).positions) for _ in range(14)])
    twin = np.random.default_rng(8)
    model = von_mises(CENTRES, KAPPAS)
    expected = np.concatenate([model.sample(7, twin)[0] for _ in range(2)])
    assert np.abs(np.remainder(drawn - expected + 1, 2 * np.pi) - 1).max() < 1e-12


@pytest.mark.parametrize("conditional", [False, True])
def test_periodic_images_are_kept(dipeptide, von_mises, conditional):
    x = dipeptide.positions_nm
    images = np.random.default_rng(0).integers(-1, 2, size=x.shape) @ TRICLINIC
    whole, broken = (
        _proposer(dipeptide, von_mises, conditional=conditional).propose(
            positions, TRICLINIC, np.random.default_rng(9)
        )
        for positions in (x, x + images)
    )
    assert np.abs(whole.positions - (broken.positions - images)).max() < 1e-12
    assert whole.log_ratio == pytest.approx(broken.log_ratio, abs=1e-10)


@pytest.mark.parametrize("conditional", [False, True])
def test_batches_carry_their_densities(dipeptide, von_mises, conditional):
    proposer = _proposer(dipeptide, von_mises, conditional=conditional)
    x, rng = dipeptide.positions_nm, np.random.default_rng(10)
    candidates, log_q = proposer.sample(x, TRICLINIC, rng, 5)
    assert candidates.shape == (5, 22, 3)
    assert np.abs(proposer.log_density(candidates, x, TRICLINIC) - log_q).max() < 1e-12
    assert np.ptp(log_q) > 0.1
    images = np.random.default_rng(1).integers(-1, 2, size=x.shape) @ TRICLINIC
    shifted = proposer.log_density(candidates + images, x, TRICLINIC)
    assert np.abs(shifted - log_q).max() < 1e-10
    with pytest.raises(ValueError, match="number of candidates must be at least 1, got 0"):
        proposer.sample(x, None, rng, 0)


def test_batches_use_the_pool_and_remember(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises, pool_size=50)
    model, rng, x = proposer._model, np.random.default_rng(14), dipeptide.positions_nm
    fresh = _proposer(dipeptide, von_mises)
    for n_jumps in range(1, 4):
        candidates, log_q = proposer.sample(x, None, rng, 20)
        current = proposer.log_density(x[None], x, None)
        assert current[0] == pytest.approx(fresh._log_q(x), abs=1e-12)
        # Each jump without MD after an accepted one finds the density of where it is.
        assert (model.n_samples, model.n_densities) == (1 + n_jumps // 3, 1)
        x = candidates[7].copy()
        assert proposer.log_density(x[None], x, None)[0] == log_q[7]
    # 60 candidates came from two batches, each used once and in order.
    twin, rng = von_mises(CENTRES, KAPPAS), np.random.default_rng(14)
    twin.sample(50, rng)
    expected = twin.sample(50, rng)[0][9]
    difference = dipeptide.representation.encode(candidates[-1]) - expected
    assert np.abs(np.remainder(difference + np.pi, 2 * np.pi) - np.pi).max() < 1e-12


def test_a_batch_larger_than_the_pool(dipeptide, von_mises):
    proposer, rng = _proposer(dipeptide, von_mises, pool_size=4), np.random.default_rng(15)
    x = dipeptide.positions_nm
    proposer.propose(x, None, rng)
    candidates, log_q = proposer.sample(x, None, rng, 9)
    assert len(np.unique(candidates[:, 0, 0])) == 9
    assert (
        np.abs(_proposer(dipeptide, von_mises).log_density(candidates, x, None) - log_q).max()
        < 1e-12
    )
    assert proposer._model.n_samples == 2


def test_restart_between_batches(dipeptide, von_mises):
    proposer, rng = _proposer(dipeptide, von_mises, pool_size=50), np.random.default_rng(16)
    candidates, _ = proposer.sample(dipeptide.positions_nm, None, rng, 20)
    resumed, rng_copy = _proposer(dipeptide, von_mises, pool_size=50), copy.deepcopy(rng)
    resumed.set_state(proposer.get_state())
    x = candidates[3]
    for n in (20, 20):
        one, other = (p.sample(x, None, r, n) for p, r in ((proposer, rng), (resumed, rng_copy)))
        assert np.array_equal(one[0], other[0])
        assert np.array_equal(one[1], other[1])
    assert np.array_equal(
        proposer.log_density(x[None], x, None), resumed.log_density(x[None], x, None)
    )


@pytest.mark.parametrize("conditional", [False, True])
def test_lost_particles_give_no_ratio(dipeptide, von_mises, conditional):
    proposer = _proposer(dipeptide, von_mises, conditional=conditional)
    for value in (np.nan, np.inf):
        x = dipeptide.positions_nm.copy()
        x[8, 1] = value
        for box in (None, TRICLINIC):
            assert np.isnan(proposer.propose(x, box, np.random.default_rng(1)).log_ratio)
        assert np.isnan(proposer.representation.encode(x[None])).all()


@pytest.mark.parametrize("accept", [False, True])
def test_restart_continues_with_the_same_proposals(dipeptide, von_mises, accept):
    proposer, rng = _proposer(dipeptide, von_mises, pool_size=10), np.random.default_rng(12)
    x = dipeptide.positions_nm

    def run(proposer, x, rng, n):
        ratios = []
        for _ in range(n):
            proposal = proposer.propose(x.copy(), None, rng)
            ratios.append(proposal.log_ratio)
            x = proposal.positions if accept else x
        return x, ratios

    x, _ = run(proposer, x, rng, 13)
    state, rng_copy = proposer.get_state(), copy.deepcopy(rng)
    resumed = _proposer(dipeptide, von_mises, pool_size=10)
    resumed.set_state(state)
    expected, ratios = run(proposer, x, rng, 25)
    again, ratios_again = run(resumed, x, rng_copy, 25)
    assert ratios == ratios_again
    assert np.array_equal(expected, again)
    assert len(state) < 7 * 3 * 8 + 2 * (22 * 3 * 8 + 8) + 40


def test_empty_state_is_that_of_a_new_proposer(dipeptide, von_mises):
    proposer, x = _proposer(dipeptide, von_mises), dipeptide.positions_nm
    first = proposer.propose(x, None, np.random.default_rng(1))
    proposer.set_state(b"")
    again = proposer.propose(x, None, np.random.default_rng(1))
    assert np.array_equal(first.positions, again.positions)
    assert proposer._model.n_densities == 2
    unused = _proposer(dipeptide, von_mises)
    other = _proposer(dipeptide, von_mises)
    other.set_state(unused.get_state())
    assert other.get_state() == unused.get_state()


def test_conditional_proposer_has_no_state(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises, conditional=True)
    proposer.propose(dipeptide.positions_nm, None, np.random.default_rng(1))
    assert proposer.get_state() == b""
    proposer.set_state(b"")


def test_damaged_states(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises, pool_size=3)
    proposer.propose(dipeptide.positions_nm, None, np.random.default_rng(1))
    state = proposer.get_state()
    for damaged in (b"GTP", b"PK" + state):
        with pytest.raises(ValueError, match="not the state of a torsion proposer"):
            proposer.set_state(damaged)
    # Any single wrong byte behind the magic, a missing end, and something appended.
    flipped = [state[:n] + bytes([state[n] ^ 1]) + state[n + 1 :] for n in range(4, len(state), 7)]
    for damaged in (*flipped, state[:-1], state + b"\0"):
        with pytest.raises(ValueError, match="state of the torsion proposer is damaged"):
            proposer.set_state(damaged)
    assert proposer.get_state() == state


def test_state_of_another_proposer(dipeptide, von_mises):
    other = pack(TorsionState(np.zeros((2, 3)), np.zeros(2), {}))
    with pytest.raises(ValueError, match="with 3 torsions, but this proposer is for 2 torsions"):
        _proposer(dipeptide, von_mises).set_state(other)
    with pytest.raises(ValueError, match="this proposer is conditional"):
        _proposer(dipeptide, von_mises, conditional=True).set_state(other)


def test_state_round_trip():
    state = TorsionState(np.arange(6.0).reshape(3, 2), np.ones(3), {b"ab": np.nan, b"cd": -1.0})
    again = unpack(pack(state))
    assert np.array_equal(again.angles_rad, state.angles_rad)
    assert np.array_equal(again.log_densities, state.log_densities)
    assert list(again.known) == [b"ab", b"cd"]
    assert np.isnan(again.known[b"ab"])


def test_wrong_arguments(dipeptide, von_mises):
    with pytest.raises(ValueError, match="model has 3 torsions but the representation 2; train"):
        TorsionProposer(dipeptide.representation, von_mises((0, 0, 0), (1, 1, 1)))
    with pytest.raises(ValueError, match="pool_size must be at least 1, got 0"):
        _proposer(dipeptide, von_mises, pool_size=0)
    with pytest.raises(ValueError, match="candidates of an unconditional model only"):
        CandidatePool(von_mises(CENTRES, KAPPAS, conditional=True), 5)
    with pytest.raises(ValueError, match=r"positions must have shape \(..., 22, 3\)"):
        _proposer(dipeptide, von_mises).propose(np.zeros((3, 3)), None, np.random.default_rng(1))


def test_attributes_and_description(dipeptide, von_mises):
    proposer = _proposer(dipeptide, von_mises)
    assert proposer.particles == tuple(range(22))
    assert (proposer.grade, proposer.conditional, proposer.checkpoint_path) == (
        "exact",
        False,
        None,
    )
    assert proposer.describe() == {}
    stored = _proposer(dipeptide, von_mises, checkpoint_path="a.safetensors", sha256="12")
    assert json.loads(json.dumps(stored.describe())) == {
        "class": "TorsionProposer",
        "checkpoint": "a.safetensors",
        "sha256": "12",
        "pool_size": 1000,
        "representation": dipeptide.representation.to_dict(),
    }
