"""Leaps of small peptides by networks that know nothing keep an analytic density of them.

Conformations are exact samples, leapt some times with `PathLeaps` and `FlowLeaps`, on which
`MarsFMProposer` rests. Networks are random or drift away; twins break what the ratio is made of.
"""

from functools import partial

import numpy as np
import pytest
import torch

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.models.exact_flow import flow_of_velocity, torus_flow_of_score
from openmm_genmd.models.flow_paths import FlowPath
from openmm_genmd.models.mars_fm_torsions import MarsFMTorsions, MarsFMTorsionsConfig
from openmm_genmd.models.token_path import token_chain
from openmm_genmd.models.torus_path import torus_chain
from openmm_genmd.proposers.leap_densities import FlowLeaps, PathLeaps
from openmm_genmd.proposers.network_leap import TorsionScoreLeap
from openmm_genmd.proposers.token_leap import TokenLeap
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.torsions import TorsionRepresentation

from .leap_moves import chosen, decide
from .leap_targets import ResidueTarget, TorusTarget
from .scores import agrees

TOPOLOGY, POSITIONS_NM = load_structure("alanine-dipeptide")
WRONG = 5.0


def random_network():
    """A score that is far from zero and depends on the frames where a leap starts."""
    config = MarsFMTorsionsConfig(width=8, heads=1, ipa_layers=1, transformer_layers=1)
    model, generator = MarsFMTorsions(config), torch.Generator().manual_seed(3)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(0.15 * torch.randn(weights.shape, generator=generator))
    return model


class WrongWay:
    """A leap whose network, on the way back, is conditioned on x instead of y."""

    def __init__(self, leap):
        self.leap, self.first = leap, None
        self.size, self.numbers = leap.size, leap.numbers
        self.conformations, self.open_log_density = leap.conformations, leap.open_log_density

    def field(self, current):
        self.first = current if self.first is None else self.first
        return self.leap.field(self.first)


class DihedralTarget:
    """Phi and psi of both residues of Ace-Gly-Gly-Nme, each with a mild `TorusTarget`.

    In alanine dipeptide the one frame would not know about phi and psi.
    """

    torus = TorusTarget(temperature_k=900.0)
    topology, positions_nm = build_peptide("GG")

    def __init__(self):
        representation = TorsionRepresentation.from_topology(self.topology)
        layout = ResidueLayout.from_topology(self.topology)
        self.leap = TorsionScoreLeap(DriftingScore(), representation, layout)

    def samples(self, n, rng):
        angles = np.concatenate((self.torus.samples(n, rng), self.torus.samples(n, rng)), axis=1)
        return self.leap.conformations(torch.from_numpy(angles), self.positions_nm[None])

    def log_density(self, x):
        first, second = np.split(self.leap.angles(x), 2, axis=1)
        return self.torus.log_density(first) + self.torus.log_density(second)

    def scores(self, x):
        return np.concatenate(
            [self.torus.scores(two) for two in np.split(self.leap.angles(x), 2, axis=1)]
        )

    def density(self, kind, leap=None):
        leap = leap or self.leap
        if kind == "path":
            return PathLeaps(leap, torus_chain(3, sigma_min_rad=0.3, data_width_rad=0.8))
        flow = partial(torus_flow_of_score, size=4, steps=3, sigma_min_rad=0.3)
        return FlowLeaps(leap, flow)


class DriftingScore(torch.nn.Module):
    """Expects torsions that depend on how the frames of x lie to each other."""

    def encode(self, rotations, translations_angstrom, residue_types, residue_mask):
        offset = rotations[:, 0].transpose(-1, -2) @ rotations[:, 1]
        turn = torch.atan2(offset[:, 1, 0], offset[:, 0, 0])
        lean = 2.0 * offset[:, 2, 2]
        first, second = torch.stack((turn, lean), dim=-1), torch.stack((lean, -turn), dim=-1)
        return torch.stack((first, second), dim=1)

    def score(self, torsions_rad, sigma_rad, encoding, torsion_mask, residue_mask):
        pull = torch.zeros_like(torsions_rad)
        width = (sigma_rad**2 + 0.8**2)[:, None, None]
        pull[..., 1:3] = torch.sin(encoding - torsions_rad[..., 1:3]) / width
        return pull * torch.exp(-0.25 * sigma_rad**2)[:, None, None]


class DriftingTokens(torch.nn.Module):
    """Expects a small turn and shift, and torsions by the frames of x; see `drifting_velocity`."""

    path = FlowPath("linear")

    def forward(self, tokens, time, rotations, translations, types, token_mask, residue_mask):
        at = self.path.coefficients(time[:, None])
        lean = rotations[:, 0, 0, 0]
        center = torch.zeros(len(tokens), 21, dtype=tokens.dtype)
        center[:, 0], center[:, 1], center[:, 4] = 0.9, 0.2 * lean, 0.25
        for pair, angle in ((7, 3.1 + 0 * lean), (9, -1.5 + lean), (11, 1.0 - lean)):
            center[:, pair], center[:, pair + 1] = torch.sin(angle), torch.cos(angle)
        gain = at.alpha * 0.25 / (at.alpha**2 * 0.25 + at.sigma**2)
        data = center + gain * (tokens[:, 0] - at.alpha * center)
        noise = (tokens[:, 0] - at.alpha * data) / at.sigma
        velocity = at.alpha_rate * data + at.sigma_rate * noise
        return torch.where(token_mask[:, 0], velocity, 0.0)[:, None]


class FrameTarget:
    """A frame as in `ResidueTarget`, phi as its chi, and psi that is von Mises around phi."""

    residue = ResidueTarget()

    def __init__(self):
        self.representation = FrameRepresentation.from_topology(TOPOLOGY)
        self.start = self.representation.encode(POSITIONS_NM[None])[0]
        widths = {"radius_width": 0.4, "repeated_width_rad": 0.8}
        self.leap = TokenLeap(DriftingTokens(), self.representation, **widths)

    def samples(self, n, rng):
        rotations, translations, phi = self.residue.samples(n, rng)
        frames = self.start.compose(ResidueFrames(rotations[:, None], translations[:, None]))
        torsions = np.stack((phi, phi + rng.vonmises(0.0, 1.0, n)), axis=1)
        return self.representation.decode(frames, torsions, POSITIONS_NM[None])

    def state(self, x):
        frames, torsions = self.representation.encode(x)
        offset = self.start.inverse().compose(frames)
        rest = offset.rotations[:, 0], offset.translations_angstrom[:, 0], torsions[:, 0]
        return rest, torsions[:, 1] - torsions[:, 0]

    def log_density(self, x):
        state, difference = self.state(x)
        return self.residue.log_density(state) + np.cos(difference)

    def scores(self, x):
        state, difference = self.state(x)
        error = difference.size**-0.5
        columns = np.stack((np.cos(difference), np.sin(difference)))
        exact = np.array([np.i0(1.0) ** -1 * 0.565159103992485, 0.0])  # I_1(1) / I_0(1)
        own = (columns.mean(axis=1) - exact) / (columns.std(axis=1) * error)
        return np.concatenate((self.residue.scores(state), own))

    def density(self, kind, leap=None):
        leap = leap or self.leap
        if kind == "path":
            noise = {"first_noise": 1.0, "last_noise": 0.3, "data_width": 0.5}
            return PathLeaps(leap, token_chain(FlowPath("linear"), 3, **noise))
        return FlowLeaps(leap, partial(flow_of_velocity, size=leap.size, steps=4))


DIHEDRALS, FRAMES = DihedralTarget(), FrameTarget()


def leapt(target, kind, n, leaps, wrap=None, dropped=False, seed=1, stop=np.inf):
    """Scores after some leaps of n conformations, or once they are beyond a limit; acceptance."""
    rng = np.random.default_rng(seed)
    x, accepted = target.samples(n, rng), []
    for k in range(leaps):
        density = target.density(kind, wrap and wrap(target.leap))
        y, ratio = density.propose(x, rng)
        with np.errstate(invalid="ignore"):
            gain = target.log_density(y) - target.log_density(x) + (0 if dropped else ratio)
        fine = decide(gain, rng)
        x = chosen(fine, y, x)
        accepted.append(fine.mean())
        if k % 4 == 3 and np.abs(target.scores(x)).max() > stop:
            break
    return target.scores(x), np.mean(accepted)


@pytest.mark.parametrize("kind", ["path", "exact"])
def test_torsion_leaps_keep_the_target(kind):
    scores, acceptance = leapt(DIHEDRALS, kind, *((4000, 8) if kind == "path" else (600, 4)))
    assert agrees(scores)
    assert acceptance > 0.05


def test_torsion_leaps_of_a_random_network_keep_the_target():
    target = DihedralTarget()
    target.leap = TorsionScoreLeap(
        random_network(), target.leap.representation, target.leap.layout, torch.float32
    )
    scores, acceptance = leapt(target, "path", 2500, 6)
    assert agrees(scores)
    assert acceptance > 0.03


@pytest.mark.parametrize("kind", ["path", "exact"])
def test_frame_leaps_keep_the_target(kind):
    scores, acceptance = leapt(FRAMES, kind, *((3000, 10) if kind == "path" else (400, 4)))
    assert agrees(scores)
    assert acceptance > 0.01


@pytest.mark.parametrize("target", [DIHEDRALS, FRAMES])
def test_a_network_conditioned_on_x_for_the_way_back_goes_wrong(target):
    scores, _ = leapt(target, "path", 4000, 60, wrap=WrongWay, stop=WRONG)
    assert np.abs(scores).max() > WRONG


@pytest.mark.parametrize("target", [DIHEDRALS, FRAMES])
def test_a_dropped_ratio_goes_wrong(target):
    scores, _ = leapt(target, "path", 4000, 60, dropped=True, stop=WRONG)
    assert np.abs(scores).max() > WRONG


def test_tokens_seen_from_x_instead_of_y_go_wrong():
    class SeenFromX(WrongWay):
        def __init__(self, leap):
            super().__init__(leap)
            self.field = leap.field
            self.numbers = lambda new, current, rng: leap.numbers(new, new, rng)

    scores, _ = leapt(FRAMES, "path", 4000, 60, wrap=SeenFromX, stop=WRONG)
    assert np.abs(scores).max() > WRONG
