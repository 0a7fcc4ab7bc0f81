"""The bundled model of tetrapeptides: it loads for any, and has learned what peptides look like."""

import numpy as np
import pytest

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.models.checkpoint import load_checkpoint
from openmm_genmd.models.mars_fm import MarsFM
from openmm_genmd.proposers.load import find_checkpoint, load_proposer
from openmm_genmd.proposers.mars_fm_proposer import MarsFMProposer
from openmm_genmd.proposers.mars_fm_sampler import MarsFMSampler
from openmm_genmd.representations.geometry_check import check
from openmm_genmd.representations.residue_frames import torsions_of


@pytest.fixture(scope="module")
def checkpoint():
    return load_checkpoint(find_checkpoint("tetrapeptides"), MarsFM)


def drawn(model, sequence, caps="ace-nme", n=200):
    topology, start_nm = build_peptide(sequence, caps)
    sampler = MarsFMSampler(model, topology, steps=10)
    samples = sampler.sample(start_nm[None], n, np.random.default_rng(1))[0]
    return samples, topology, sampler.layout


def allowed(phi, psi):
    """Share of residues in the three wide basins of the Ramachandran plot."""
    phi, psi = np.degrees(phi), np.degrees(psi) % 360
    left = (phi < -40) & (phi > -180) & ((psi > 90) & (psi < 200) | (psi > 290) | (psi < 10))
    right = (phi > 30) & (phi < 90) & ((psi < 90) | (psi > 340))
    return float(np.mean(left | right))


def test_it_says_what_it_has_seen_and_what_not(checkpoint):
    seen, held_out = (checkpoint.metadata[k] for k in ("sequences", "held_out_sequences"))
    assert len(seen) >= 30
    assert len(held_out) >= 5
    assert not set(seen) & set(held_out)
    assert checkpoint.metadata["temperature_k"] == 300.0


@pytest.mark.parametrize(
    ("sequence", "caps"), [("LMGA", "ace-nme"), ("FNKV", "none"), ("PPWC", "ace-nme")]
)
def test_peptides_that_it_has_not_seen_look_like_peptides(sequence, caps, checkpoint):
    samples, topology, layout = drawn(checkpoint.model, sequence, caps)
    report = check(samples, topology)
    assert not report.inverted.any()
    assert report.bond_deviation_nm.max() < 0.01
    torsions = torsions_of(samples, layout)
    omega = torsions[:, 1:, 0]
    assert np.mean(np.abs(omega) > 2.6) > 0.97  # trans
    turning = [i for i in range(1, 3) if layout.sequence[i] not in "GP"]
    phi, psi = torsions[:, turning, 1], torsions[:, turning, 2]
    assert allowed(phi, psi) > 0.75
    # A uniform distribution would have .25 there, an untrained network no more.
    untrained, _, _ = drawn(MarsFM(checkpoint.config), sequence, caps)
    other = torsions_of(untrained, layout)
    assert allowed(other[:, turning, 1], other[:, turning, 2]) < 0.5


def test_it_leaps_at_path_grade(dipeptide):
    proposer = load_proposer("tetrapeptides", dipeptide.topology)
    assert isinstance(proposer, MarsFMProposer)
    assert (proposer.grade, proposer.geometry) == ("path", "frames")
    assert proposer.describe()["checkpoint"] == "tetrapeptides"
