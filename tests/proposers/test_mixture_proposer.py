"""`MixtureProposer`: which part leaps, with whose ratio, and with which particles."""

import numpy as np
import pytest

from openmm_genmd import MixtureProposer, Proposal, Proposer, UniformTorsionProposer
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.weighted_choice import WeightedChoice


class Shift(Proposer):
    """Normal steps with a made-up ratio, so that one can see who leapt; counts its leaps."""

    def __init__(self, particles, log_ratio=0.0, grade="exact"):
        self.particles, self.log_ratio, self.grade = particles, log_ratio, grade
        self.n_leaps = 0
        self.seen = []

    def propose(self, positions, box, rng):
        self.n_leaps += 1
        self.seen.append(positions.copy())
        return Proposal(positions + rng.normal(size=positions.shape), self.log_ratio)

    def sample(self, positions, box, rng, k):
        candidates = positions + rng.normal(size=(k, *positions.shape))
        return candidates, self.log_density(candidates, positions, box)

    def log_density(self, candidates, given, box):
        return -0.5 * np.sum((candidates - given) ** 2, axis=(1, 2))

    def get_state(self):
        return str(self.n_leaps).encode()

    def set_state(self, data):
        if data == b"bad":
            raise ValueError("bad")
        self.n_leaps = int(data or b"0")


def _learned(dipeptide, von_mises):
    return TorsionProposer(dipeptide.representation, von_mises((-1.0, 2.0), (1.0, 0.5)))


def test_the_ratio_is_that_of_the_part_that_leaps(dipeptide, von_mises):
    learned = _learned(dipeptide, von_mises)
    mixture = MixtureProposer(
        [learned, UniformTorsionProposer(dipeptide.representation)], [0.7, 0.3]
    )
    model, encode = von_mises((-1.0, 2.0), (1.0, 0.5)), dipeptide.representation.encode
    rng, x, n_uniform, n = np.random.default_rng(1), dipeptide.positions_nm, 0, 1000
    log_q_x = model.log_prob_numpy(encode(x)[None])[0]
    for _ in range(n):
        proposal = mixture.propose(x, None, rng)
        if proposal.log_ratio == 0.0:
            n_uniform += 1
        else:
            log_q_y = model.log_prob_numpy(encode(proposal.positions)[None])[0]
            assert proposal.log_ratio == pytest.approx(log_q_x - log_q_y, abs=1e-9)
    assert abs(n_uniform / n - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)


def test_candidates_of_a_leap_come_from_one_part(dipeptide, von_mises):
    """Down to the block of a uniform proposer inside."""
    mixture = MixtureProposer(
        [_learned(dipeptide, von_mises), UniformTorsionProposer(dipeptide.representation)]
    )
    rng, x, spreads = np.random.default_rng(2), dipeptide.positions_nm, set()
    for _ in range(12):
        part = mixture.choose(rng)
        assert part.particles == mixture.particles
        assert part.conditional is False
        candidates, log_q = part.sample(x, None, rng, 5)
        assert np.abs(part.log_density(candidates, x, None) - log_q).max() < 1e-9
        spreads.add(bool(np.ptp(log_q) > 0))
    assert spreads == {True, False}
    with pytest.raises(NotImplementedError, match=r"call sample\(\) of choose\(rng\)"):
        mixture.sample(x, None, rng, 5)


def test_parts_with_fewer_particles_leave_the_others_alone():
    first, second = Shift([4, 2], 0.25), Shift((7, 4), -0.5)
    mixture = MixtureProposer([first, second])
    assert mixture.particles == (4, 2, 7)
    x, rng = np.random.default_rng(0).normal(size=(3, 3)), np.random.default_rng(3)
    for _ in range(20):
        y = mixture.propose(x, None, rng)
        kept, order = {0.25: ([2], [0, 1]), -0.5: ([1], [2, 0])}[y.log_ratio]
        assert np.array_equal(y.positions[kept], x[kept])
        assert (y.positions != x).sum() == 6
        seen = (first if y.log_ratio > 0 else second).seen[-1]
        assert np.array_equal(seen, x[order])
    assert min(first.n_leaps, second.n_leaps) > 3


def test_batches_of_parts_with_fewer_particles():
    mixture = MixtureProposer([Shift([4, 2]), Shift((7, 4))])
    x, rng = np.random.default_rng(0).normal(size=(3, 3)), np.random.default_rng(4)
    for _ in range(6):
        part = mixture.choose(rng)
        assert part.particles == mixture.particles
        assert part.conditional
        candidates, log_q = part.sample(x, None, rng, 4)
        assert np.ptp(candidates, axis=0).any(axis=1).sum() == 2
        assert np.abs(part.log_density(candidates, x, None) - log_q).max() < 1e-12
        still = ~np.ptp(candidates, axis=0).any(axis=1)
        assert np.array_equal(candidates[:, still], np.repeat(x[None, still], 4, axis=0))


def test_mixtures_of_mixtures(dipeptide):
    uniform = UniformTorsionProposer(dipeptide.representation, blocks=["single", "all"])
    mixture = MixtureProposer([MixtureProposer([uniform, Shift([30])]), Shift([31])])
    assert mixture.particles == (*range(22), 30, 31)
    rng = np.random.default_rng(5)
    x = np.vstack([dipeptide.positions_nm, np.zeros((2, 3))])
    moved = set()
    for _ in range(40):
        part = mixture.choose(rng)
        assert part.particles == mixture.particles
        changed = (part.propose(x, None, rng).positions != x).any(axis=1)
        moved.add((bool(changed[:22].any()), bool(changed[22]), bool(changed[23])))
    assert moved == {(True, False, False), (False, True, False), (False, False, True)}


def test_grade_is_the_worst():
    for grades, worst in (
        (["exact", "exact"], "exact"),
        (["path", "exact"], "path"),
        (["exact", "exploratory", "path"], "exploratory"),
    ):
        assert MixtureProposer([Shift([0], grade=grade) for grade in grades]).grade == worst


def test_representation_is_the_common_one(dipeptide, von_mises):
    learned = _learned(dipeptide, von_mises)
    representation = dipeptide.representation
    same = UniformTorsionProposer(representation)
    other = UniformTorsionProposer(representation.subset([1]))
    assert MixtureProposer([learned, same]).representation == representation
    assert MixtureProposer([same, other]).representation is None
    assert MixtureProposer([same, Shift([0])]).representation is None


def test_states_are_those_of_the_parts():
    mixture = MixtureProposer([Shift([0]), Shift([0, 1])], [1, 3])
    assert mixture.get_state() != b""
    rng = np.random.default_rng(6)
    for _ in range(30):
        mixture.propose(np.zeros((2, 3)), None, rng)
    twin = MixtureProposer([Shift([0]), Shift([0, 1])], [1, 3])
    twin.set_state(mixture.get_state())
    assert [p.n_leaps for p in twin.proposers] == [p.n_leaps for p in mixture.proposers]
    assert sum(p.n_leaps for p in twin.proposers) == 30
    twin.set_state(b"")
    assert [p.n_leaps for p in twin.proposers] == [0, 0]


def test_states_that_do_not_fit():
    mixture = MixtureProposer([Shift([0]), Shift([1])])
    mixture.proposers[0].n_leaps = 5
    state = mixture.get_state()
    for damaged in (state[1:], state[:-1], state + b"0", state[:9], b"GCP1" + b"\xff" * 8):
        with pytest.raises(ValueError, match="not the state of a proposer with parts, or damaged"):
            mixture.set_state(damaged)
    three = MixtureProposer([Shift([n]) for n in range(3)]).get_state()
    with pytest.raises(ValueError, match="a proposer with 3 parts, but this one has 2; restart"):
        mixture.set_state(three)
    # All or nothing: the first part keeps its state if the second one's is refused.
    bad = MixtureProposer([Shift([0]), Shift([1])])
    bad.proposers[1].get_state = lambda: b"bad"
    with pytest.raises(ValueError, match="bad"):
        mixture.set_state(bad.get_state())
    assert mixture.proposers[0].n_leaps == 5


def test_a_mixture_without_states_has_none(dipeptide):
    uniform = UniformTorsionProposer(dipeptide.representation)
    assert MixtureProposer([uniform]).get_state() == b""
    MixtureProposer([uniform]).set_state(b"")


def test_wrong_arguments():
    one = Shift([0])
    with pytest.raises(ValueError, match="a mixture needs at least one proposer, got none"):
        MixtureProposer([])
    with pytest.raises(ValueError, match="the same proposer twice; keep it once, with a larger"):
        MixtureProposer([one, one])
    with pytest.raises(TypeError, match=r"subclasses of openmm_genmd\.Proposer, got a str"):
        MixtureProposer(["alanine-dipeptide"])
    with pytest.raises(ValueError, match="particles of Shift contain an index twice"):
        MixtureProposer([Shift([0, 0])])
    for weights in ([1.0], [0.0, 0.0], [0.5, -0.5]):
        with pytest.raises(ValueError, match="weight"):
            MixtureProposer([one, Shift([0])], weights)


def test_a_weight_of_zero_is_never_chosen():
    choice = WeightedChoice([0.0, 1e-300, 3e-300, 0.0], 4, "things")
    assert choice.probabilities == pytest.approx((0, 0.25, 0.75, 0))
    rng = np.random.default_rng(7)
    drawn = np.bincount([choice.draw(rng) for _ in range(2000)], minlength=4)
    assert drawn[0] == drawn[3] == 0
    assert abs(drawn[1] / 2000 - 0.25) < 0.04

    class Extreme:
        def __init__(self, value):
            self.random = lambda: value

    assert choice.draw(Extreme(0.0)) == 1
    assert choice.draw(Extreme(np.nextafter(1.0, 0.0))) == 2
