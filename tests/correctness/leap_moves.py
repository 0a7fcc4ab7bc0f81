"""Metropolis moves by path-space and by exact flows, for many chains at once, and broken ones."""

from itertools import pairwise

import numpy as np
import torch

from openmm_genmd.models.exact_flow import flow_of_velocity, torus_flow_of_score
from openmm_genmd.models.flow_paths import FlowPath
from openmm_genmd.models.token_auxiliaries import TokenAuxiliaries, TokenParts
from openmm_genmd.models.token_path import token_chain
from openmm_genmd.models.torus_path import torus_chain
from openmm_genmd.models.wrapped_normal import wrapped_normal_log_density

from .leap_targets import (
    drifting_score,
    drifting_velocity,
    frames_of_state,
    torsions_of_state,
)


def chosen(accepted, new, old):
    """Per chain the new value where accepted."""
    return np.where(accepted.reshape(-1, *[1] * (new.ndim - 1)), new, old)


def decide(log_ratio, rng):
    """Whether moves with these log ratios, target included, are accepted; never if NaN."""
    return np.log(rng.random(len(log_ratio))) < np.nan_to_num(log_ratio, nan=-np.inf)


class TorusPathMove:
    """One leap of all chains on the torus."""

    def __init__(self, target, broken=None):
        self.target, self.broken = target, broken
        self.chain = torus_chain(4, sigma_min_rad=0.2, data_width_rad=0.6)

    def __call__(self, x, rng):
        there = self.chain.draw(drifting_score(x), len(x), 2, rng)
        y = there.ends.numpy()
        back = self.chain.noise(torch.from_numpy(x), rng)
        conditioned_on = x if self.broken == "way back conditioned on x" else y
        ratio = self.chain.log_ratio(there, back, drifting_score(conditioned_on)).numpy()
        if self.broken == "no noising densities":
            ratio = (self.chain.log_forward(back, drifting_score(y)) - there.log_density).numpy()
        if self.broken == "ratio dropped":
            ratio = np.zeros(len(x))
        accepted = decide(self.target.log_density(y) - self.target.log_density(x) + ratio, rng)
        return chosen(accepted, y, x), accepted.mean()


class TorusFlowMove:
    """One leap of all chains on the torus by a flow with a density."""

    def __init__(self, target, broken=None, score=drifting_score, steps=4):
        self.target, self.broken, self.score, self.steps = target, broken, score, steps

    def flow(self, x):
        return torus_flow_of_score(self.score(x), x.shape[1], self.steps, sigma_min_rad=0.2)

    def __call__(self, x, rng):
        y, ratio = self.proposal(x, rng)
        if self.broken == "ratio dropped":
            ratio = 0.0 * ratio
        with np.errstate(invalid="ignore"):
            gain = self.target.log_density(y) - self.target.log_density(x)
        accepted = decide(gain + ratio, rng)
        return chosen(accepted, y, x), accepted.mean()

    def proposal(self, x, rng):
        if self.broken == "round trip not checked":
            return self.one_way(x, rng)
        if self.broken == "explicit Euler":
            return self.explicit(x, rng)
        y, log_q_y = self.flow(x).sample(len(x), rng)
        back = self.flow(y.numpy()).log_density(torch.from_numpy(x))
        return y.numpy(), (back - log_q_y).numpy()

    def one_way(self, x, rng):
        base = torch.from_numpy(rng.uniform(-np.pi, np.pi, size=x.shape))
        there = self.flow(x).flow.one_way(base)
        back = self.flow(there.positions.numpy()).flow.one_way(torch.from_numpy(x), backward=True)
        return there.positions.numpy(), (back.log_det + there.log_det).numpy()

    def explicit(self, x, rng):
        """Euler's rule there and, with the same steps, back, which is not its inverse."""
        base = torch.from_numpy(rng.uniform(-np.pi, np.pi, size=x.shape))
        y, log_there = explicit_euler(self.flow(x).flow, base, backward=False)
        _, log_back = explicit_euler(self.flow(y.numpy()).flow, torch.from_numpy(x), backward=True)
        return y.numpy(), (log_back + log_there).numpy()


def explicit_euler(flow, start, backward):
    """Ends of explicit steps, and the log volume of each as if it were the inverse of the other."""
    times = flow.times.flip(0) if backward else flow.times
    position, volume = start, torch.zeros(len(start), dtype=torch.float64)
    for begin, end in pairwise(times):
        slopes = (end - begin) * flow._slopes(position, begin)
        volume = (
            volume
            + torch.linalg.slogdet(torch.eye(start.shape[1], dtype=torch.float64) + slopes)[1]
        )
        position = position + (end - begin) * flow._at(position, begin)
    return position, volume


class TokenMove:
    """One leap of a residue by tokens relative to where it starts, with auxiliary variables."""

    repeated_width_rad = 0.8

    def __init__(self, target, density="path", path="linear", broken=None):
        self.target, self.density, self.broken = target, density, broken
        self.path = FlowPath(path)
        self.chain = token_chain(self.path, 3, first_noise=1.0, last_noise=0.3, data_width=0.5)
        torsions = np.zeros((1, 7), dtype=bool)
        torsions[0, [2, 3]] = True
        repeated = np.zeros((1, 7), dtype=bool)
        repeated[0, 2] = True
        self.auxiliaries = TokenAuxiliaries(
            torsions, repeated, radius_width=0.4, repeated_width_rad=self.repeated_width_rad
        )

    def __call__(self, x, rng):
        n, field = len(x[2]), drifting_velocity(x, self.path)
        if self.density == "path":
            there = self.chain.draw(field, n, 11, rng)
            tokens, log_there = there.ends.numpy(), None
        else:
            drawn, log_there = flow_of_velocity(field, 11, 2).sample(n, rng)
            tokens = drawn.nan_to_num(1.0).numpy()  # rejected: log_there is NaN in these rows
        y = self.state(x, tokens)
        seen_from = x if self.broken == "way back as seen from x" else y
        parts = TokenParts.between(
            frames_of_state(seen_from), frames_of_state(x), torsions_of_state(x)
        )
        returned = self.auxiliaries.extend(parts, rng)
        starts_at = x if self.broken == "way back conditioned on x" else y
        field_back = drifting_velocity(starts_at, self.path)
        if self.density == "path":
            back = self.chain.noise(torch.from_numpy(returned), rng)
            ratio = self.chain.log_ratio(there, back, field_back)
        else:
            ratio = flow_of_velocity(field_back, 11, 2).log_density(torch.from_numpy(returned))
            ratio = ratio - log_there
        open_there = self.open_density(tokens, y, there=True)
        open_back = self.open_density(returned, x, there=False)
        gain = self.target.log_density(y) - self.target.log_density(x) + open_there - open_back
        if self.broken == "ratio dropped":
            ratio = 0.0 * ratio
        accepted = decide(gain + ratio.numpy(), rng)
        return tuple(chosen(accepted, a, b) for a, b in zip(y, x, strict=True)), accepted.mean()

    def state(self, x, tokens):
        parts = self.auxiliaries.split(tokens)
        frames = parts.placed(frames_of_state(x))
        return (
            frames.rotations[:, 0],
            frames.translations_angstrom[:, 0],
            parts.torsions_rad[:, 0, 3],
        )

    def open_density(self, tokens, state, there):
        truth = torsions_of_state(state)
        density = self.auxiliaries.log_density(tokens, truth)
        if self.broken == "no radius Jacobian":
            pairs = tokens[:, 7:].reshape(-1, 2, 2)
            density += 3 * np.log(np.linalg.norm(tokens[:, :4], axis=1))
            density += np.log(np.linalg.norm(pairs, axis=2)).sum(axis=1)
        difference = np.arctan2(tokens[:, 7], tokens[:, 8]) - truth[:, 0, 2]
        repeated = wrapped_normal_log_density(difference, self.repeated_width_rad)
        if self.broken == "repeated torsion scored twice":
            density += repeated
        if self.broken == "repeated torsion not scored at y" and there:
            density -= repeated
        return density
