"""`BlockProposer`: densities and ratios of its blocks, what it keeps, what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from openmm_genmd import Block, BlockProposer, torsion_blocks
from openmm_genmd.proposers.kept_context_leap import KeptContextLeap
from openmm_genmd.proposers.torsion_proposer import TorsionProposer
from openmm_genmd.proposers.uniform_leap import UniformLeap

TRICLINIC = np.array([[6.5, 0, 0], [1.8, 6.4, 0], [-1.9, 2.1, 6.3]])
CHOSEN = (4, 1)  # torsions of a block, not in the order of the molecule


class GivenOthers:
    """Von Mises densities around a combination of the torsions that are kept."""

    def __init__(self, von_mises, n_others):
        self.config = von_mises((0, 0), (1, 1), conditional=True).config
        self.mixing = np.random.default_rng(0).normal(size=(n_others, 2))
        self.von_mises = von_mises

    def _at(self, context):
        return self.von_mises((context @ self.mixing)[0], (1.5, 0.8))

    def sample(self, n, rng, context):
        return self._at(context).sample(n, rng)

    def log_prob_numpy(self, angles, context):
        return self._at(context).log_prob_numpy(angles)


def _block(kind, peptide, von_mises):
    """A block of each kind of density."""
    n_others = len(peptide[0].torsions) - 2
    return {
        "uniform": Block("b", CHOSEN),
        "plain": Block("b", CHOSEN, von_mises((1.0, -2.0), (1.2, 0.7))),
        "own": Block("b", CHOSEN, von_mises((0.5, 1.0), (1.2, 0.7), conditional=True)),
        "kept": Block("b", CHOSEN, GivenOthers(von_mises, n_others), given="kept"),
    }[kind]


KINDS = ["uniform", "plain", "own", "kept"]


@pytest.fixture(params=KINDS)
def leap(request, peptide, von_mises):
    """Give the part of a proposer with one block, and whether it needs the replaced values."""
    block = _block(request.param, peptide, von_mises)
    (part,) = BlockProposer(peptide[0], [block]).parts
    return part, request.param == "own"


def _wrapped(angles):
    return np.remainder(angles + np.pi, 2 * np.pi) - np.pi


def test_only_the_block_changes_and_it_does(leap, peptide):
    part, conditional = leap
    representation, x = peptide
    assert part.conditional == conditional
    rng, before = np.random.default_rng(1), representation.encode(x)
    moving = {atom for n in CHOSEN for atom in representation.torsions[n].moving}
    kept = sorted(set(range(len(x))) - moving)
    proposals = [part.propose(x, None, rng).positions for _ in range(3)]
    for y in (*proposals, *part.sample(x, None, rng, 4)[0]):
        changed = np.abs(_wrapped(representation.encode(y) - before)) > 1e-9
        assert np.flatnonzero(changed).tolist() == sorted(CHOSEN)
        assert np.array_equal(y[kept], x[kept])


def test_the_ratio_is_that_of_the_densities(leap, peptide):
    """log q(x|y) - log q(y|x), each from log_density."""
    part, _ = leap
    x, rng = peptide[1], np.random.default_rng(2)
    for box in (None, TRICLINIC):
        for _ in range(5):
            proposal = part.propose(x, box, rng)
            y = proposal.positions
            ratio = part.log_density(x[None], y, box) - part.log_density(y[None], x, box)
            assert proposal.log_ratio == pytest.approx(ratio[0], abs=1e-9)
    back = part.propose(y, box, rng)
    assert isinstance(part, UniformLeap) or abs(back.log_ratio) > 1e-3


def test_batches_carry_their_densities(leap, peptide):
    part, _ = leap
    x, rng = peptide[1], np.random.default_rng(3)
    candidates, log_q = part.sample(x, None, rng, 6)
    assert np.abs(part.log_density(candidates, x, None) - log_q).max() < 1e-9
    # The density of the present values among those of the candidates, as i-SIR needs it.
    assert np.isfinite(part.log_density(x[None], x, None)).all()
    assert isinstance(part, UniformLeap) or np.ptp(log_q) > 0.1
    with pytest.raises(ValueError, match="number of candidates must be at least 1, got 0"):
        part.sample(x, None, rng, 0)


def test_density_given_any_candidate_is_the_same_unless_conditional(leap, peptide):
    part, conditional = leap
    x, rng = peptide[1], np.random.default_rng(4)
    candidates, log_q = part.sample(x, None, rng, 5)
    given_another = part.log_density(candidates, candidates[2], None)
    same = bool(np.abs(given_another - log_q).max() < 1e-9)
    assert same != conditional


def test_densities_are_normalized(peptide, von_mises):
    """The average of 1/q over draws from q is the area of the torus."""
    for kind in KINDS:
        (part,) = BlockProposer(peptide[0], [_block(kind, peptide, von_mises)]).parts
        _, log_q = part.sample(peptide[1], None, np.random.default_rng(5), 3000)
        weights = np.exp(-log_q) / (2 * np.pi) ** 2
        error = weights.std() / np.sqrt(len(weights))
        assert abs(weights.mean() - 1) < 4 * error + 1e-9


def test_broken_molecules_are_made_whole_and_stay_where_they_are(leap, peptide):
    part, _ = leap
    x = peptide[1]
    images = np.random.default_rng(0).integers(-1, 2, size=x.shape) @ TRICLINIC
    proposals, batches = [], []
    for positions in (x, x + images):
        part.set_state(b"")
        proposals.append(part.propose(positions, TRICLINIC, np.random.default_rng(6)))
        part.set_state(b"")
        batches.append(part.sample(positions, TRICLINIC, np.random.default_rng(7), 3))
    whole, broken = proposals
    assert np.abs(whole.positions - (broken.positions - images)).max() < 1e-11
    assert whole.log_ratio == pytest.approx(broken.log_ratio, abs=1e-9)
    one, other = batches
    assert np.abs(one[0] - (other[0] - images)).max() < 1e-11
    density = part.log_density(other[0], x + images, TRICLINIC)
    assert np.abs(density - one[1]).max() < 1e-9


def test_lost_particles_give_no_ratio(peptide, von_mises):
    lost = peptide[1].copy()
    lost[peptide[0].torsions[4].atoms[1]] = np.nan
    for kind in ("plain", "own", "kept"):
        (part,) = BlockProposer(peptide[0], [_block(kind, peptide, von_mises)]).parts
        assert np.isnan(part.propose(lost, None, np.random.default_rng(1)).log_ratio)


def test_a_conformation_that_moved_in_place_is_measured_again(peptide, von_mises):
    (part,) = BlockProposer(peptide[0], [_block("kept", peptide, von_mises)]).parts
    (fresh,) = BlockProposer(peptide[0], [_block("kept", peptide, von_mises)]).parts
    x = peptide[1].copy()
    candidates, _ = part.sample(x, None, np.random.default_rng(2), 3)
    before = part.log_density(x[None], x, None)
    everything = np.arange(len(peptide[0].torsions), dtype=float)
    x[:] = peptide[0].decode(everything, x)
    after = part.log_density(x[None], x, None)
    assert abs(after - before)[0] > 1e-3
    assert np.array_equal(after, fresh.log_density(x[None], x, None))
    turned = part.sample(x, None, np.random.default_rng(2), 3)[0]
    assert np.array_equal(turned, fresh.sample(x, None, np.random.default_rng(2), 3)[0])
    assert not np.allclose(turned, candidates)


def test_one_candidate_has_the_density_that_it_has_among_others(peptide, von_mises):
    (part,) = BlockProposer(peptide[0], [_block("kept", peptide, von_mises)]).parts
    candidates, log_densities = part.sample(peptide[1], None, np.random.default_rng(3), 3)
    alone = [part.log_density(one[None], peptide[1], None)[0] for one in candidates]
    np.testing.assert_allclose(alone, log_densities, atol=1e-9)
    np.testing.assert_allclose(part.log_density(candidates, peptide[1], None), alone, atol=1e-9)


def test_blocks_become_parts_of_their_kind(peptide, von_mises):
    blocks = [replace(_block(kind, peptide, von_mises), name=kind) for kind in KINDS]
    proposer = BlockProposer(peptide[0], blocks, weights=[1, 2, 3, 4], pool_size=17)
    kinds = [UniformLeap, TorsionProposer, TorsionProposer, KeptContextLeap]
    assert [type(part) for part in proposer.parts] == kinds
    assert proposer.parts[1].pool_size == 17
    assert proposer.probabilities == (0.1, 0.2, 0.3, 0.4)
    assert [block.weight for block in proposer.blocks] == [1.0, 2.0, 3.0, 4.0]
    assert proposer.conditional
    assert not BlockProposer(peptide[0], [blocks[1], blocks[3]]).conditional
    assert {part.particles for part in proposer.parts} == {proposer.particles}


def test_proposing_is_choosing_and_proposing(peptide, von_mises):
    blocks = [_block(kind, peptide, von_mises) for kind in KINDS]
    proposer, twin = (BlockProposer(peptide[0], blocks) for _ in range(2))
    one, other, x = np.random.default_rng(8), np.random.default_rng(8), peptide[1]
    for _ in range(12):
        a = proposer.propose(x, None, one)
        b = twin.choose(other).propose(x, None, other)
        assert np.array_equal(a.positions, b.positions)
        assert a.log_ratio == b.log_ratio
        x = a.positions


def test_candidates_come_from_one_block(peptide):
    proposer = BlockProposer(peptide[0], torsion_blocks(peptide[0]))
    with pytest.raises(
        NotImplementedError, match=r"candidates of one leap of a BlockProposer must"
    ):
        proposer.sample(peptide[1], None, np.random.default_rng(1), 3)
    with pytest.raises(NotImplementedError, match=r"a leap of a BlockProposer has the density of"):
        proposer.log_density(peptide[1][None], peptide[1], None)


def test_restart_continues_with_the_same_proposals(peptide, von_mises):
    def make():
        blocks = [_block(kind, peptide, von_mises) for kind in KINDS]
        return BlockProposer(peptide[0], blocks, pool_size=8)

    proposer, resumed, x = make(), make(), peptide[1]
    rng = np.random.default_rng(9)
    for _ in range(15):
        x = proposer.propose(x, None, rng).positions
    resumed.set_state(proposer.get_state())
    rng_copy = np.random.default_rng()
    rng_copy.bit_generator.state = rng.bit_generator.state
    y = x
    for _ in range(30):
        one, other = proposer.propose(x, None, rng), resumed.propose(y, None, rng_copy)
        x, y = one.positions, other.positions
        assert np.array_equal(x, y)
        assert one.log_ratio == other.log_ratio


def test_wrong_blocks(peptide, von_mises):
    representation, model = peptide[0], von_mises((0, 0), (1, 1))

    def made(*blocks, **options):
        return BlockProposer(representation, blocks, **options)

    with pytest.raises(ValueError, match="needs at least one block, got none"):
        made()
    with pytest.raises(ValueError, match=r"block 'a' must have at least one torsion .*, got \[\]"):
        Block("a", ())
    with pytest.raises(ValueError, match=r"block 'a' must have .* each only once, got \[1, 1\]"):
        Block("a", (1, 1))
    with pytest.raises(
        ValueError, match="given of block 'a' must be 'own' or 'kept', got 'others'"
    ):
        Block("a", (1,), given="others")
    with pytest.raises(ValueError, match="block 'b' repeats an earlier one with the same torsions"):
        made(Block("a", (0, 1)), Block("b", (1, 0)))
    # The same torsions with two densities are a mixture.
    assert len(made(Block("a", (0, 1)), Block("b", (0, 1), model)).parts) == 2
    with pytest.raises(ValueError, match="block 'a' has 1 torsions but its model 2; train a model"):
        made(Block("a", (0,), model))
    with pytest.raises(ValueError, match=r"different numbers from 0 to \d+, got \[99\]"):
        made(Block("a", (99,)))
    with pytest.raises(
        ValueError, match="block 'a' has given='kept', which needs a conditional mo"
    ):
        made(Block("a", (0, 1), model, given="kept"))
    everything = tuple(range(len(representation.torsions)))
    n = len(everything)
    complete = von_mises(np.zeros(n), np.ones(n), conditional=True)
    with pytest.raises(ValueError, match="needs a conditional model and torsions that are not in"):
        made(Block("a", everything, complete, given="kept"))
    with pytest.raises(ValueError, match="block 'a' has given='kept' but no model"):
        Block("a", (0,), given="kept")


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1.0], "expected one weight for each of 2 blocks, got 1"),
        ([1, 2, 3], "expected one weight for each of 2 blocks, got 3"),
        ([1, -1], r"weights of blocks must be finite, not negative .*, got \[1.0, -1.0\]"),
        ([0, 0], "weights of blocks must be finite, not negative and not all zero"),
        ([1, np.nan], "weights of blocks must be finite"),
        ([1, np.inf], "weights of blocks must be finite"),
    ],
)
def test_wrong_weights(peptide, weights, words):
    blocks = [Block("a", (0,)), Block("b", (1,))]
    with pytest.raises(ValueError, match=words):
        BlockProposer(peptide[0], blocks, weights)
    weighted = [replace(b, weight=w) for b, w in zip(blocks, weights, strict=False)]
    if len(weights) == 2:
        with pytest.raises(ValueError, match=words):
            BlockProposer(peptide[0], weighted)


def test_kinds_of_blocks(peptide):
    blocks = torsion_blocks(peptide[0], {"phi/psi": 2.0, "side chain": 3.0, "psi/phi": 0.0})
    weights = {block.name: block.weight for block in blocks}
    assert weights["phi/psi LYS 3"] == 0.5
    assert weights["side chain SER 2"] == 1.0
    assert weights["psi PRO 4/phi ILE 5"] == 0.0
    # Blocks of two kinds with the same torsions are one: the psi of proline.
    merged = torsion_blocks(peptide[0], ["phi/psi", "single"])
    (proline,) = (block for block in merged if block.name == "phi/psi PRO 4")
    assert proline.weight == 2.0
    assert "psi PRO 4" not in [block.name for block in merged]


def test_wrong_kinds(peptide, molecules):
    for kinds in ("all", ["all", "all"]):
        with pytest.raises(ValueError, match="kinds must be a sequence or mapping of different"):
            torsion_blocks(peptide[0], kinds)
    with pytest.raises(ValueError, match=r"kind must be one of residue, .*; got 'helix'"):
        torsion_blocks(peptide[0], ["helix"])
    with pytest.raises(
        ValueError, match=r"no torsions of the kinds side chain; 'single' and 'all'"
    ):
        torsion_blocks(molecules["hexane"].representation, ["side chain"])
