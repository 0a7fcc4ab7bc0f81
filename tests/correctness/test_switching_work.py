"""The work of switches there and back: Crooks, Jarzynski, and switches that change nothing.

For switches from a region A of the leaping coordinate to a region B, and back, with works w there
and w' back in kT and dF = -log(P(B)/P(A)): <exp(-w)> = exp(-dF) (Jarzynski, Phys. Rev. Lett. 78,
2690 (1997)) and <g(w - dF) exp(-(w - dF))> = <g(-(w' + dF))> for every g (Crooks, Phys. Rev. E 60,
2721 (1999)).
"""

import math

import numpy as np
import pytest

from openmm_genmd import AlchemicalSwitching, GenerativeJumpIntegrator, Proposal

from .bad_proposers import BadProposer
from .running import langevin, start
from .scores import LIMIT, agrees
from .switching_chains import KT, WIDTH_NM, oracle, protocol
from .switching_models import OscillatorBath

MODEL, SETTINGS = OscillatorBath(), dict(steps=40, steps_per_change=2, time_step_ps=0.02)
DISTANCE_NM = 2 * MODEL.half_width_nm


class BackAndForth(BadProposer):
    """Goes from the left region to the right one, or back, by a fixed shift along x."""

    def shifted(self, x):
        y = x.copy()
        y[..., 0] += np.where(x[..., 0] < 0, DISTANCE_NM, -DISTANCE_NM)
        leads_back = np.sign(y[..., 0, 0]) == -np.sign(x[..., 0, 0])
        return y, np.where(leads_back, 0.0, -np.inf)

    def __call__(self, x, draws):
        y, self.log_ratio = self.shifted(x)
        return y, self.log_ratio

    def propose(self, positions, box, rng):
        self.seen.append(positions)
        y, log_ratio = self.shifted(positions)
        return Proposal(y, float(log_ratio))


class Stay(BadProposer):
    def leap(self, positions, box, rng):
        return positions, 0.0, 0.0


def free_energy_kt(variant) -> float:
    """Return -log(P(B)/P(A)), with A and B to the left and right of the origin, by quadrature."""
    grid = np.linspace(-0.6, 0.6, 4001)
    density = np.exp(-MODEL.energy_x(grid) / KT)
    right = (grid > 0) & (grid < DISTANCE_NM)
    left = (grid < 0) & (grid > -DISTANCE_NM)
    if variant == "springs":
        edges = (grid[:, None] - [-DISTANCE_NM, 0, DISTANCE_NM]) / (WIDTH_NM * math.sqrt(2))
        left, right = np.diff(np.vectorize(math.erf)(-edges), axis=1).T * -1
    return float(-np.log(np.sum(density * right) / np.sum(density * left)))


def engine_works(variant, n_jumps=6000, **settings):
    """Works (kT) of switches from left to right, and from right to left."""
    proposer = BackAndForth()
    integrator = GenerativeJumpIntegrator(
        langevin(), proposer, 20, protocol=protocol(variant, **settings), seed=3
    )
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    integrator.step(20 * n_jumps)
    del context
    works = np.array([record.work_kj_per_mol for record in integrator.getRecords()]) / KT
    return split(works, proposer.samples()[:, 0, 0] < 0)


def oracle_works(variant, broken=None, **settings):
    """The same, of independent walkers."""
    rng = np.random.default_rng(2)
    proposer, x = BackAndForth(), MODEL.draw(20000, KT, rng)
    switch = oracle(variant, MODEL, proposer, rng, broken=broken, **settings)
    _, _, decided = switch.jump(x)
    possible = np.isfinite(proposer.log_ratio)
    return split(np.where(possible, decided.work / KT, np.nan), switch.move.start[:, 0, 0] < 0)


def split(works, starts_left):
    """Works of switches that were made at all, from the left and from the right."""
    made = np.isfinite(works)
    return works[made & starts_left], works[made & ~starts_left]


def mean_and_error(samples):
    blocks = samples[: len(samples) // 32 * 32].reshape(32, -1).mean(axis=1)
    return blocks.mean(), blocks.std(ddof=1) / np.sqrt(32)


def relation_scores(there, back, free_energy) -> np.ndarray:
    """Scores of Jarzynski's relation in both directions, and of Crooks's with three g."""
    w, w_back = there - free_energy, back + free_energy
    pairs = [
        (np.exp(-w), np.ones(64)),
        (np.ones(64), np.exp(-w_back)),
        (1 / (1 + np.exp(w)), 1 / (1 + np.exp(w_back))),  # Bennett's acceptance ratio
        (np.exp(-0.5 * w), np.exp(-0.5 * w_back)),
        (np.exp(-w) * (w > 1), (w_back < -1).astype(float)),
    ]
    scores = []
    for one, other in pairs:
        (mean, error), (mean_other, error_other) = mean_and_error(one), mean_and_error(other)
        scores.append((mean - mean_other) / np.hypot(error, error_other))
    return np.array(scores)


CASES = [
    ("morph", dict(rule="total work")),
    ("morph", dict(rule="protocol work", friction_per_ps=2.0, time_step_ps=0.01)),
    ("springs", dict(rule="total work", friction_per_ps=2.0)),
    ("springs", dict(rule="metropolized steps", time_step_ps=0.03)),
]


@pytest.mark.parametrize(("variant", "settings"), CASES)
def test_works_of_the_engine_obey_crooks_and_jarzynski(variant, settings):
    there, back = engine_works(variant, **(SETTINGS | settings))
    assert min(len(there), len(back)) > 1000
    assert agrees(relation_scores(there, back, free_energy_kt(variant)))


@pytest.mark.parametrize(("variant", "settings"), CASES)
def test_works_of_the_oracle_obey_crooks_and_jarzynski(variant, settings):
    works = oracle_works(variant, **(SETTINGS | settings))
    assert agrees(relation_scores(*works, free_energy_kt(variant)))


@pytest.mark.parametrize(
    ("variant", "broken"),
    [
        ("morph", "middle increment missing"),
        ("springs", "middle increment missing"),
        ("springs", "coupling counted"),
    ],
)
def test_broken_works_fail_the_check(variant, broken):
    settings = SETTINGS | dict(rule="protocol work", time_step_ps=0.01, steps_per_change=8)
    works = oracle_works(variant, broken, **settings)
    scores = relation_scores(*works, free_energy_kt(variant))
    assert np.all(np.isfinite(scores))
    assert np.max(np.abs(scores)) > 1.5 * LIMIT


def records_of(switch, n_jumps):
    """Return the records of switches of length zero, and the count of accepted ones."""
    integrator = GenerativeJumpIntegrator(langevin(), Stay(), 5, protocol=switch, seed=3)
    context = start(MODEL.system(), integrator, MODEL.start_nm())
    integrator.step(5 * n_jumps)
    del context
    return integrator.getRecords(), integrator.getNumJumpsAccepted()


ZERO = dict(steps=10, steps_per_change=2, time_step_ps=0.02)


def switch_of_length_zero(variant, **settings):
    """A switch whose changes change nothing, whoever proposes."""
    if variant == "alchemical":
        system, table = MODEL.system("lambda_bath"), {"lambda_bath": (1.0, 1.0)}
        return AlchemicalSwitching(
            system=system, parameters=table, **(ZERO | {"steps": 8}), **settings
        )
    return protocol(variant, **ZERO, **settings)


@pytest.mark.parametrize("rule", ["protocol work", "metropolized steps"])
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_a_switch_of_length_zero_is_always_accepted(variant, rule):
    records, n_accepted = records_of(switch_of_length_zero(variant, rule=rule), 200)
    assert n_accepted == 200
    assert all(record.probability > 1 - 1e-12 for record in records)


@pytest.mark.parametrize("friction_per_ps", [0.0, 2.0])
@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_a_switch_of_length_zero_costs_its_shadow_work(variant, friction_per_ps):
    switch = switch_of_length_zero(variant, friction_per_ps=friction_per_ps)
    records, n_accepted = records_of(switch, 3000)
    works = np.array([record.work_kj_per_mol for record in records]) / KT
    probability = np.array([record.probability for record in records])
    assert works.std() > 0.01
    np.testing.assert_allclose(probability, np.exp(np.minimum(0, -works)), rtol=1e-10)
    mean, error = mean_and_error(np.exp(-works))
    assert abs(mean - 1) < LIMIT * error
    p = probability.mean()
    assert abs(n_accepted / 3000 - p) < LIMIT * np.sqrt(p * (1 - p) / 3000)


@pytest.mark.parametrize("variant", ["morph", "springs", "alchemical"])
def test_shadow_work_is_what_the_other_rule_counts(variant):
    """The first switches of two runs from the same seed are the same."""
    counted = records_of(switch_of_length_zero(variant, rule="total work"), 1)[0][0]
    reported = records_of(switch_of_length_zero(variant, rule="protocol work"), 1)[0][0]
    assert abs(counted.work_kj_per_mol) > 1e-4
    assert reported.work_kj_per_mol == pytest.approx(0, abs=1e-10)
    assert reported.shadow_work_kj_per_mol == pytest.approx(counted.work_kj_per_mol, rel=1e-9)
    assert np.isnan(counted.shadow_work_kj_per_mol)
