"""One model for all blocks of a peptide, as a proposer; and the one that comes with the package."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import openmm
import pytest
import torch
from openmm import app, unit

from openmm_genmd import BlockProposer, GenerativeJumpIntegrator, load_proposer
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.block_transformer import BlockTransformer, BlockTransformerConfig
from openmm_genmd.models.checkpoint import load_checkpoint, save_checkpoint
from openmm_genmd.proposers.descriptions import proposer_from_description
from openmm_genmd.proposers.load import find_checkpoint
from openmm_genmd.proposers.peptide_blocks import molecule_density, peptide_block_proposer
from openmm_genmd.representations.torsion_groups import torsion_groups
from openmm_genmd.representations.torsions import TorsionRepresentation

HELD_OUT = {"HRSY", "FNKV", "LMGA"}
FRAMES = Path(__file__).parent / "held_out_torsions.npz"
"""Torsions of 40 frames at 300 K of each, half precision, from replica exchange with leaps."""

SMALL = BlockTransformerConfig(width=16, heads=2, layers=1, hidden_features=24, nodes=12)


def random_model() -> BlockTransformer:
    model = BlockTransformer(SMALL).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("blocks") / "blocks.safetensors"
    save_checkpoint(path, random_model(), None, {"kind": "torsion_tokens"}, {})
    return path


@pytest.fixture(scope="module")
def peptide_sk():
    return build_peptide("SK")


def test_blocks_share_one_model(peptide_sk):
    proposer = peptide_block_proposer(random_model(), peptide_sk[0])
    assert [(block.name, block.given, block.weight) for block in proposer.blocks] == [
        ("residue SER 2", "kept", pytest.approx(0.3)),
        ("residue LYS 3", "kept", pytest.approx(0.3)),
        ("residues SER 2/LYS 3", "own", pytest.approx(0.5)),  # which are all, too
        ("phi/psi SER 2", "kept", pytest.approx(0.075)),
        ("phi/psi LYS 3", "kept", pytest.approx(0.075)),
        ("side chain SER 2", "kept", pytest.approx(0.075)),
        ("side chain LYS 3", "kept", pytest.approx(0.075)),
    ]
    long = peptide_block_proposer(random_model(), build_peptide("KKK")[0])
    assert not any(block.name == "all" for block in long.blocks)
    assert len({id(block.model.molecule) for block in proposer.blocks}) == 1
    assert not proposer.conditional
    assert proposer.describe() == {}  # the model has no file


def test_kinds_of_blocks_are_chosen(peptide_sk):
    model = random_model()
    one = peptide_block_proposer(model, peptide_sk[0], kinds="residue")
    assert [block.name for block in one.blocks] == ["residue SER 2", "residue LYS 3"]
    two = peptide_block_proposer(model, peptide_sk[0], kinds={"all": 3.0, "single": 1.0})
    assert two.probabilities[0] == pytest.approx(0.75)
    with pytest.raises(ValueError, match="kind must be one of"):
        peptide_block_proposer(model, peptide_sk[0], kinds="everything")


def test_what_is_no_peptide_leaps_uniformly(molecules):
    proposer = peptide_block_proposer(random_model(), molecules["hexane"].representation)
    assert all(block.model is None for block in proposer.blocks)


def test_a_leap_says_what_its_densities_are(peptide_sk):
    proposer = peptide_block_proposer(random_model(), peptide_sk[0])
    x, rng = peptide_sk[1], np.random.default_rng(0)
    for part, block in zip(proposer.parts, proposer.blocks, strict=True):
        y = part.propose(x, None, rng)
        log_q_x = part.log_density(x[None], y.positions, None)[0]
        log_q_y = part.log_density(y.positions[None], x, None)[0]
        assert y.log_ratio == pytest.approx(log_q_x - log_q_y, abs=1e-9)
        before, after = (proposer.representation.encode(p) for p in (x, y.positions))
        changed = np.abs(np.exp(1j * before) - np.exp(1j * after)) > 1e-9
        assert np.array_equal(np.flatnonzero(changed), block.torsions)


def test_descriptions_give_the_same_proposer(path, peptide_sk):
    topology, x = peptide_sk
    proposer = load_proposer(path, topology)
    assert isinstance(proposer, BlockProposer)
    description = json.loads(json.dumps(proposer.describe()))
    again = proposer_from_description(description)
    assert again.describe() == proposer.describe()
    assert len({id(block.model.molecule) for block in again.blocks}) == 1
    rngs = [np.random.default_rng(3) for _ in range(2)]
    for _ in range(12):
        one, other = (p.propose(x, None, g) for p, g in zip((proposer, again), rngs, strict=True))
        assert np.array_equal(one.positions, other.positions)
        assert one.log_ratio == other.log_ratio


def test_a_run_continues_from_its_xml(path, peptide_sk):
    topology, x = peptide_sk
    system = app.ForceField("amber99sbildn.xml").createSystem(topology)
    integrators = []
    for proposer in (load_proposer(path, topology, system), None):
        if proposer is None:
            xml = openmm.XmlSerializer.serialize(integrators[0])
            integrator = GenerativeJumpIntegrator.fromIntegrator(
                openmm.XmlSerializer.deserialize(xml)
            )
        else:
            inner = openmm.VerletIntegrator(0.0005)
            integrator = GenerativeJumpIntegrator(inner, proposer, 2, seed=4, temperature=300)
        integrators.append(integrator)
    ends = []
    for integrator in integrators:
        platform = openmm.Platform.getPlatformByName("Reference")
        context = openmm.Context(system, integrator, platform)
        context.setPositions(x)
        integrator.step(20)
        ends.append(context.getState(positions=True).getPositions(asNumpy=True)._value)
    assert np.array_equal(*ends)


def test_versions_change_with_the_weights(peptide_sk):
    model = random_model()
    proposer = peptide_block_proposer(model, peptide_sk[0])
    before = proposer.frozen_version()
    assert proposer.frozen_version() == before
    with torch.no_grad():
        model.logits.bias += 1.0
    assert proposer.frozen_version() != before


def test_a_checkpoint_that_has_changed_is_refused(path, peptide_sk, tmp_path):
    description = load_proposer(path, peptide_sk[0]).describe()
    for block in description["blocks"]:
        block["sha256"] = "0" * 64
    with pytest.raises(ValueError, match="has changed since the proposer was stored"):
        proposer_from_description(description)


def test_free_ends_proline_and_one_molecule_of_two(path):
    topology, positions = build_peptide("PGW", "none")
    other, elsewhere = build_peptide("A")
    modeller = app.Modeller(topology, positions * unit.nanometer)
    modeller.add(other, elsewhere * unit.nanometer)
    with pytest.raises(ValueError, match="2 molecules have rotatable bonds"):
        load_proposer(path, modeller.topology)
    proposer = load_proposer(path, modeller.topology, atoms=range(len(positions)))
    assert proposer.representation.particles == tuple(range(len(positions)))
    assert np.isfinite(proposer.propose(positions, None, np.random.default_rng(0)).log_ratio)


@pytest.fixture(scope="module")
def bundled():
    return load_checkpoint(find_checkpoint("tetrapeptide-blocks"), BlockTransformer)


def test_the_bundled_model_says_what_it_has_seen(bundled):
    seen = bundled.metadata["sequences"] + bundled.metadata["validation_sequences"]
    assert len(seen) >= 36
    assert not HELD_OUT & set(seen)
    assert bundled.metadata["temperature_k"] == 300.0
    assert find_checkpoint("tetrapeptide-blocks").stat().st_size < 500_000


@pytest.mark.parametrize("sequence", sorted(HELD_OUT))
def test_the_bundled_model_knows_peptides_that_it_has_not_seen(bundled, sequence):
    """Frames of its equilibrium, against the uniform density, in nats."""
    with np.load(FRAMES) as stored:
        frames_rad = stored[sequence].astype(float)
    representation = TorsionRepresentation.from_topology(build_peptide(sequence)[0])
    density = molecule_density(bundled.model, representation)
    for kind, gain in {"phi/psi": 1.8, "psi/phi": 1.8, "side chain": 1.2, "all": 11.0}.items():
        gains = []
        for _, block in torsion_groups(representation, kind):
            kept = [n for n in range(frames_rad.shape[1]) if n not in block]
            model = density.block(block)
            for frame in frames_rad[:, None]:
                context = frame[:, kept] if kept else None
                gains.append(model.log_prob_numpy(frame[:, list(block)], context)[0])
            gains[-len(frames_rad) :] += len(block) * np.log(2 * np.pi) * np.ones(len(frames_rad))
        assert np.mean(gains) > gain, kind
