"""Contract of `MarsFMProposer`; that it keeps a target is shown in tests/correctness."""

import numpy as np
import pytest
import torch
from openmm import app

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.checkpoint import save_checkpoint
from openmm_genmd.models.mars_fm import MarsFM, MarsFMConfig
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.models.torus_flow import TorusFlow, TorusFlowConfig
from openmm_genmd.proposers.descriptions import proposer_from_description
from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.torsions import TorsionRepresentation

TINY = {"width": 8, "heads": 1, "ipa_layers": 1, "transformer_layers": 1}
KINDS = [("torsions", "path"), ("torsions", "exact"), ("frames", "path"), ("frames", "exact")]


def network(geometry, scale=0.05):
    """Random weights: no velocity is zero."""
    if geometry == "torsions":
        model = MarsFMTorsions(MarsFMTorsionsConfig(**TINY))
    else:
        model = MarsFM(MarsFMConfig(**TINY))
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(scale * torch.randn(weights.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def molecule():
    topology, positions_nm = build_peptide("SPV")
    return topology, positions_nm


def proposers(molecule, geometry, density, **options):
    options = {"steps": 3, "radius_width": 1.0, "repeated_width_rad": 2.0} | options
    return MarsFMProposer(network(geometry), molecule[0], density=density, **options)


@pytest.mark.parametrize(("geometry", "density"), KINDS)
def test_a_leap_carries_what_its_representation_carries(molecule, geometry, density):
    proposer = proposers(molecule, geometry, density)
    positions_nm = molecule[1]
    proposal = proposer.propose(positions_nm, None, np.random.default_rng(1))
    assert proposal.positions.shape == positions_nm.shape
    bonds = [(a.index, b.index) for a, b in molecule[0].bonds()]
    lengths = [
        np.linalg.norm(x[[a for a, _ in bonds]] - x[[b for _, b in bonds]], axis=1)
        for x in (positions_nm, proposal.positions)
    ]
    changed = np.abs(lengths[0] - lengths[1]) > 1e-9
    within = {
        a.residue.index == b.residue.index
        for (a, b), c in zip(molecule[0].bonds(), changed, strict=True)
        if c
    }
    assert within <= ({False} if geometry == "frames" else set())
    assert np.abs(proposal.positions - positions_nm).max() > 0.05


@pytest.mark.parametrize(("geometry", "density"), KINDS)
def test_randomness_comes_from_the_generator_alone(molecule, geometry, density):
    proposer = proposers(molecule, geometry, density)
    one, same, other = (
        proposer.propose(molecule[1], None, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.positions, same.positions)
    np.testing.assert_equal(one.log_ratio, same.log_ratio)
    assert np.abs(one.positions - other.positions).max() > 1e-3


def test_grades(molecule):
    grades = [
        (proposers(molecule, *kind).geometry, proposers(molecule, *kind).grade) for kind in KINDS
    ]
    assert grades == [
        ("torsions", "path"),
        ("torsions", "exact"),
        ("frames", "path"),
        ("frames", "path"),
    ]


def test_candidates_have_the_density_that_the_ratio_has(molecule):
    proposer, x = proposers(molecule, "torsions", "exact"), molecule[1]
    rng = np.random.default_rng(3)
    y, log_q = proposer.sample(x, None, rng, 4)
    np.testing.assert_allclose(proposer.log_density(y, x, None), log_q, atol=1e-9)
    proposal = proposer.propose(x, None, np.random.default_rng(4))
    there = proposer.log_density(proposal.positions[None], x, None)
    back = proposer.log_density(x[None], proposal.positions, None)
    assert proposal.log_ratio == pytest.approx(float(back[0] - there[0]), abs=1e-9)
    assert abs(proposal.log_ratio) > 1e-3


def test_a_path_there_and_back_is_a_path_back_and_there(molecule):
    """The ratio from y to x is the negative one, if the same two paths are drawn."""
    proposer = proposers(molecule, "torsions", "path")
    leaps, x = proposer._density, molecule[1][None]
    there = leaps.chain.draw(leaps.leap.field(x), 1, leaps.leap.size, np.random.default_rng(5))
    y = leaps.leap.conformations(there.ends, x)
    back = leaps.chain.noise(leaps.leap.numbers(x, y, None), np.random.default_rng(6))
    forward = leaps.chain.log_ratio(there, back, leaps.leap.field(y))
    drawn = type(there)(back, leaps.chain.log_forward(back, leaps.leap.field(y)))
    backward = leaps.chain.log_ratio(drawn, there.points, leaps.leap.field(x))
    torch.testing.assert_close(forward, -backward, atol=1e-3, rtol=0)  # of a float32 network


@pytest.mark.parametrize("geometry", ["torsions", "frames"])
def test_atoms_stay_in_their_periodic_images(molecule, geometry):
    proposer, x = proposers(molecule, geometry, "path"), molecule[1]
    box = 4.0 * np.eye(3)
    broken = x + box[0] * (np.arange(len(x)) % 3)[:, None]
    plain = proposer.propose(x, None, np.random.default_rng(7))
    wrapped = proposer.propose(broken, box, np.random.default_rng(7))
    shift = (wrapped.positions - plain.positions) / 4.0
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-6)
    assert wrapped.log_ratio == pytest.approx(plain.log_ratio, abs=1e-2)


def test_the_molecule_may_be_anywhere_in_a_system(molecule):
    topology, positions_nm = molecule
    modeller = app.Modeller(topology, positions_nm)
    water = app.Topology()
    residue = water.addResidue("HOH", water.addChain())
    atoms = [water.addAtom(n, app.Element.getBySymbol(n[0]), residue) for n in ("O", "H1", "H2")]
    water.addBond(atoms[0], atoms[1])
    water.addBond(atoms[0], atoms[2])
    solvated = app.Modeller(water, 5 + np.zeros((3, 3)))
    solvated.add(modeller.topology, modeller.positions)
    for geometry in ("torsions", "frames"):
        inside = MarsFMProposer(network(geometry), solvated.topology, steps=3)
        alone = MarsFMProposer(network(geometry), topology, steps=3)
        assert list(inside.particles) == [3 + n for n in alone.particles]
        found = [p.propose(positions_nm, None, np.random.default_rng(8)) for p in (inside, alone)]
        np.testing.assert_array_equal(found[0].positions, found[1].positions)


@pytest.mark.parametrize(("geometry", "density"), KINDS)
def test_what_is_not_finite_is_rejected_and_never_raises(molecule, geometry, density):
    proposer, x = proposers(molecule, geometry, density), molecule[1]
    lost = x.copy()
    lost[3] = np.nan
    assert np.isnan(proposer.propose(lost, None, np.random.default_rng(1)).log_ratio)
    bad = network(geometry)
    with torch.no_grad():
        next(iter(bad.parameters())).fill_(torch.nan)
    bad = MarsFMProposer(bad, molecule[0], density=density, steps=2)
    assert not np.isfinite(bad.propose(x, None, np.random.default_rng(1)).log_ratio)


def test_candidates_of_a_lost_conformation_are_lost(molecule):
    proposer, x = proposers(molecule, "torsions", "exact"), molecule[1]
    lost = np.full_like(x, np.nan)
    candidates, log_density = proposer.sample(lost, None, np.random.default_rng(1), 2)
    assert np.isnan(candidates).all()
    assert np.isnan(log_density).all()
    assert np.isnan(proposer.log_density(x[None], lost, None)).all()
    assert np.isnan(proposer.log_density(lost[None], x, None)).all()


@pytest.mark.parametrize(("geometry", "density"), [KINDS[1], KINDS[2]])
def test_a_description_makes_the_proposer_again(tmp_path, molecule, geometry, density):
    path = tmp_path / "model.safetensors"
    save_checkpoint(path, network(geometry), None, {}, {})
    options = {"density": density, "steps": 4, "last_noise": 0.2, "data_width": 0.4}
    proposer = MarsFMProposer(path, molecule[0], **options)
    again = proposer_from_description(proposer.describe())
    assert again.describe() == proposer.describe()
    one, other = (p.propose(molecule[1], None, np.random.default_rng(9)) for p in (proposer, again))
    np.testing.assert_array_equal(one.positions, other.positions)
    assert proposers(molecule, geometry, density).describe() == {}
    save_checkpoint(path, network(geometry, scale=0.06), None, {}, {})
    with pytest.raises(ValueError, match="has changed since the proposer was stored"):
        proposer_from_description(proposer.describe())


def test_the_network_is_copied(molecule):
    model = network("torsions")
    proposer = MarsFMProposer(model, molecule[0], density="exact", steps=2)
    before = proposer.propose(molecule[1], None, np.random.default_rng(1)).log_ratio
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    assert proposer.propose(molecule[1], None, np.random.default_rng(1)).log_ratio == before
    assert next(model.parameters()).dtype == torch.float32


def test_leaps_of_paths_have_no_density_of_their_own(molecule):
    proposer, x = proposers(molecule, "frames", "exact"), molecule[1]
    with pytest.raises(NotImplementedError, match="leaps of grade path have no density of their o"):
        proposer.sample(x, None, np.random.default_rng(1), 2)
    with pytest.raises(NotImplementedError, match="leaps of grade path have no density of their o"):
        proposer.log_density(x[None], x, None)


def test_wrong_arguments_are_refused(tmp_path, molecule, dipeptide):
    topology, x = molecule
    with pytest.raises(ValueError, match="density must be 'path' or 'exact', got 'fast'"):
        MarsFMProposer(network("torsions"), topology, density="fast")
    with pytest.raises(TypeError, match="model must be a MarsFM, a MarsFMTorsions or a checkpoint"):
        MarsFMProposer(TorusFlow(TorusFlowConfig(n_torsions=2)), topology)
    flow = TorusFlow(TorusFlowConfig(n_torsions=2))
    path = tmp_path / "flow.safetensors"
    save_checkpoint(path, flow, dipeptide.representation.fingerprint, {}, {})
    with pytest.raises(TypeError, match=r"flow\.safetensors holds a TorusFlow; expected a "):
        MarsFMProposer(path, topology)
    with pytest.raises(FileNotFoundError, match="no checkpoint file nowhere"):
        MarsFMProposer("nowhere", topology)
    frames = FrameRepresentation.from_topology(topology)
    with pytest.raises(TypeError, match="a MarsFMTorsions needs a Topology or a TorsionRepresenta"):
        MarsFMProposer(network("torsions"), frames)
    with pytest.raises(ValueError, match="steps must be at least 2"):
        MarsFMProposer(network("torsions"), topology, steps=1)
    proposer = proposers(molecule, "torsions", "exact")
    with pytest.raises(ValueError, match=r"positions must have shape \(\d+, 3\), got \(2, 3\)"):
        proposer.propose(x[:2], None, np.random.default_rng(1))
    with pytest.raises(ValueError, match="the number of candidates must be at least 1, got 0"):
        proposer.sample(x, None, np.random.default_rng(1), 0)


def test_torsions_that_the_network_does_not_know_are_carried(molecule):
    everything = TorsionRepresentation.from_topology(molecule[0], include_methyl=True)
    proposer = MarsFMProposer(network("torsions"), everything, steps=2)
    names = [torsion.name for torsion in proposer._density.leap.representation.torsions]
    # Ace-Ser-Pro-Val-Nme: phi of proline is in a ring, and methyl groups and hydroxyls are no chi.
    assert names == [
        "phi SER 2",
        "psi SER 2",
        "chi1 SER 2",
        "psi PRO 3",
        "phi VAL 4",
        "psi VAL 4",
        "chi1 VAL 4",
    ]
    methyls = [
        n
        for n, t in enumerate(everything.torsions)
        if t.name.split()[0] not in ("phi", "psi", "chi1")
    ]
    with pytest.raises(ValueError, match="the network knows none of the torsions"):
        MarsFMProposer(network("torsions"), everything.subset(methyls))
