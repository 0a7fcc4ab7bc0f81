"""`UniformTorsionProposer`: what it moves, how it is distributed, what it refuses."""

import numpy as np
import pytest

from openmm_genmd import Block, UniformTorsionProposer

TRICLINIC = np.array([[2.5, 0, 0], [0.8, 2.4, 0], [-0.9, 1.1, 2.3]])


def _circular_moments(angles):
    """Cosines and sines of angles, of twice the angles, of sums of pairs: mean 0, variance 1/2."""
    combinations = [angles, 2 * angles, angles[:, :1] + angles, angles[:, :1] - angles[:, 1:]]
    values = np.concatenate(combinations, axis=1)
    return np.concatenate([np.cos(values), np.sin(values)], axis=1)


@pytest.mark.parametrize("batch", [False, True])
def test_torsions_are_uniform_and_independent_of_those_before(dipeptide, batch):
    proposer = UniformTorsionProposer(dipeptide.representation)
    rng, n, x = np.random.default_rng(1), 4000, dipeptide.positions_nm
    if batch:
        candidates, log_q = proposer.choose(rng).sample(x, None, rng, n)
        assert np.allclose(log_q, -2 * np.log(2 * np.pi), rtol=1e-14)
    else:
        proposals = [proposer.propose(x, None, rng) for _ in range(n)]
        candidates = np.array([proposal.positions for proposal in proposals])
        assert {proposal.log_ratio for proposal in proposals} == {0.0}
    moments = _circular_moments(dipeptide.representation.encode(candidates)).mean(axis=0)
    assert np.abs(moments).max() < 4 * np.sqrt(0.5 / n)


def test_only_the_torsions_of_the_block_change(peptide):
    representation, x = peptide
    proposer = UniformTorsionProposer(representation, blocks=["phi/psi", "side chain", "single"])
    rng, before = np.random.default_rng(2), representation.encode(x)
    for block, part in zip(proposer.blocks, proposer.parts, strict=True):
        for y in (part.propose(x, None, rng).positions, part.sample(x, None, rng, 3)[0][1]):
            change = np.remainder(representation.encode(y) - before + np.pi, 2 * np.pi) - np.pi
            changed = np.abs(change) > 1e-9
            assert np.flatnonzero(changed).tolist() == list(block.torsions)
            moving = {a for n in block.torsions for a in representation.torsions[n].moving}
            kept = sorted(set(range(len(x))) - moving)
            assert np.array_equal(y[kept], x[kept])


def test_blocks_are_chosen_by_their_weights(peptide):
    representation, _ = peptide
    proposer = UniformTorsionProposer(representation, blocks={"single": 1.0, "all": 3.0})
    n_single = len(representation.torsions)
    assert proposer.probabilities == pytest.approx([0.25 / n_single] * n_single + [0.75])
    rng, n = np.random.default_rng(3), 4000
    chosen = [proposer.parts.index(proposer.choose(rng)) for _ in range(n)]
    shares = np.bincount(chosen, minlength=n_single + 1) / n
    p = np.array(proposer.probabilities)
    assert (np.abs(shares - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_proposing_is_choosing_and_proposing(peptide):
    representation, x = peptide
    proposer = UniformTorsionProposer(representation)
    one, other = np.random.default_rng(4), np.random.default_rng(4)
    for _ in range(10):
        chosen = proposer.choose(other)
        assert chosen.particles == proposer.particles
        assert (chosen.conditional, proposer.conditional) == (False, False)
        y = proposer.propose(x, None, one).positions
        assert np.array_equal(y, chosen.propose(x, None, other).positions)


def test_periodic_images_are_kept(dipeptide):
    proposer, x = UniformTorsionProposer(dipeptide.representation), dipeptide.positions_nm
    images = np.random.default_rng(0).integers(-1, 2, size=x.shape) @ TRICLINIC
    whole, broken = (
        proposer.propose(positions, TRICLINIC, np.random.default_rng(5)).positions
        for positions in (x, x + images)
    )
    assert np.abs(whole - (broken - images)).max() < 1e-12
    part = proposer.parts[0]
    many = part.sample(x + images, TRICLINIC, np.random.default_rng(6), 3)[0]
    expected = part.sample(x, TRICLINIC, np.random.default_rng(6), 3)[0]
    assert np.abs(many - images - expected).max() < 1e-12
    assert np.abs(expected - x).max() > 0.05


def test_defaults(dipeptide, peptide, molecules):
    names = [block.name for block in UniformTorsionProposer(dipeptide.representation).blocks]
    assert names == ["phi/psi ALA 2"]
    proposer = UniformTorsionProposer(dipeptide.representation)
    assert (proposer.grade, proposer.particles) == ("exact", tuple(range(22)))
    # All torsions are phi and psi of the only residue: one block with the weight of two.
    assert proposer.blocks[0].weight == 2.0
    blocks = UniformTorsionProposer(peptide[0]).blocks
    assert [block.name for block in blocks] == [
        *(f"phi/psi {residue}" for residue in ("SER 2", "LYS 3", "PRO 4", "ILE 5")),
        *("psi SER 2/phi LYS 3", "psi PRO 4/phi ILE 5"),
        *(f"side chain {residue}" for residue in ("SER 2", "LYS 3", "ILE 5")),
        "all",
    ]
    # Without a backbone there are single torsions.
    blocks = UniformTorsionProposer(molecules["hexane"].representation).blocks
    assert [block.torsions for block in blocks] == [(0,), (1,), (2,), (0, 1, 2)]


def test_own_blocks_and_weights(peptide):
    blocks = [Block("mine", (0, 3)), Block("yours", (1,))]
    proposer = UniformTorsionProposer(peptide[0], blocks=blocks, weights=[1, 4])
    assert [(b.name, b.weight) for b in proposer.blocks] == [("mine", 1.0), ("yours", 4.0)]
    assert proposer.probabilities == (0.2, 0.8)
    kinds = UniformTorsionProposer(peptide[0], blocks="all").blocks
    assert [block.name for block in kinds] == ["all"]


def test_wrong_arguments(dipeptide, von_mises):
    representation = dipeptide.representation
    with pytest.raises(ValueError, match=r"block 'psi' has a model; .* use BlockProposer"):
        UniformTorsionProposer(representation, blocks=[Block("psi", (1,), von_mises([0], [1]))])
    words = r"blocks must be 'default', kinds .* class Block, got"
    for blocks in ([Block("psi", (1,)), "all"], [3], [(0, 1)]):
        with pytest.raises(TypeError, match=words):
            UniformTorsionProposer(representation, blocks=blocks)
    part = UniformTorsionProposer(representation).parts[0]
    with pytest.raises(ValueError, match="number of candidates must be at least 1, got 0"):
        part.sample(dipeptide.positions_nm, None, np.random.default_rng(1), 0)
    with pytest.raises(ValueError, match=r"positions must have shape \(..., 22, 3\)"):
        part.propose(np.zeros((3, 3)), None, np.random.default_rng(1))


def test_a_lost_particle_stays_lost(dipeptide):
    x = dipeptide.positions_nm.copy()
    x[8, 1] = np.nan
    proposer = UniformTorsionProposer(dipeptide.representation)
    for box in (None, TRICLINIC):
        assert np.isnan(proposer.propose(x, box, np.random.default_rng(1)).positions).any()
