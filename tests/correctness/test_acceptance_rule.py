"""The one acceptance rule, min(1, exp(-w/kT + r)): Metropolis et al., J. Chem. Phys. 21, 1087
(1953); Hastings, Biometrika 57, 97 (1970). Anything that is not finite is a rejection.
"""

import itertools
import math

import numpy as np
import pytest

from openmm_genmd.native import core

from .exact_models import kt

VALUES = [-1e3, -7.0, -1.0, -1e-12, 0.0, 1e-12, 0.3, 2.0, 40.0, 1e3]


def hastings(work, thermal_energy, log_ratio):
    """pi(y) q(x|y) / (pi(x) q(y|x)), cut at one."""
    return min(1.0, math.exp(min(0.0, -work / thermal_energy + log_ratio)))


def check_rule(rule) -> bool:
    cases = itertools.product(VALUES, [kt(200), kt(300), kt(600)], VALUES)
    return all(math.isclose(rule(*c), hastings(*c), rel_tol=1e-14, abs_tol=0) for c in cases)


def test_the_rule_is_the_formula():
    assert check_rule(core.acceptance_probability)


@pytest.mark.parametrize(
    "twin",
    [
        lambda w, t, r: core.acceptance_probability(w, t, 0.0),
        lambda w, t, r: core.acceptance_probability(w, t, -r),
        lambda w, t, r: core.acceptance_probability(-w, t, r),
        lambda w, t, r: core.acceptance_probability(w, 1.0, r),
        lambda w, t, r: 0.5 * core.acceptance_probability(w, t, r),
    ],
)
def test_broken_rules_fail_the_check(twin):
    assert not check_rule(twin)


def test_detailed_balance_of_the_rule():
    """a(x->y) / a(y->x) = exp(-w/kT + r), the condition that keeps pi."""
    rng = np.random.default_rng(1)
    for work, ratio in rng.normal(scale=5, size=(100, 2)):
        forth = core.acceptance_probability(work, 2.5, ratio)
        back = core.acceptance_probability(-work, 2.5, -ratio)
        assert forth / back == pytest.approx(math.exp(-work / 2.5 + ratio), rel=1e-12)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_rejected(bad):
    assert core.acceptance_probability(bad, 2.5, 0.0) == 0.0
    assert core.acceptance_probability(0.0, 2.5, bad) == 0.0
    assert core.acceptance_probability(bad, 2.5, -bad) == 0.0
    assert core.acceptance_probability(0.0, math.nan, bad) == 0.0


def test_an_exponent_that_overflows_is_rejected():
    assert core.acceptance_probability(-1e308, 1e-3, 0.0) == 0.0
    assert core.acceptance_probability(0.0, math.nan, 0.0) == 0.0


def test_extreme_finite_exponents():
    assert core.acceptance_probability(1e300, 2.5, 0.0) == 0.0
    assert core.acceptance_probability(-1e300, 2.5, 0.0) == 1.0
    assert core.acceptance_probability(0.0, 2.5, -745.0) > 0.0
