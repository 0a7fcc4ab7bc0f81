"""Shadow work: it is measured without a trace, grows with the time step, and warns."""

import warnings

import numpy as np
import openmm
import pytest

from openmm_genmd import GenerativeJumpIntegrator, Instantaneous
from openmm_genmd.md.shadow_work import ShadowWorkWarning
from openmm_genmd.native import core

from .switching_systems import PROTOCOLS, SLOW, START_NM, Mirror, bound_pair, morph

STRETCHED_NM = [[0.35, 0.0, 0.0], [0.2, 0.0, 0.0]]


@pytest.fixture
def run(in_context):
    def make(protocol, positions_nm=START_NM, **settings):
        integrator = GenerativeJumpIntegrator(
            openmm.VerletIntegrator(0.002),
            Mirror(),
            5,
            protocol=protocol,
            **{"temperature": 300.0, "seed": 3} | settings,
        )
        return integrator, in_context(bound_pair(), integrator, positions_nm)

    return make


@pytest.mark.parametrize("name", PROTOCOLS)
def test_measuring_leaves_no_trace(name, run, snapshot):
    """Neither in the Context nor in the random numbers of the jumps to come."""
    ends = []
    for measures in (False, True):
        integrator, context = run(PROTOCOLS[name](friction_per_ps=1.0))
        integrator.step(17)
        before = snapshot(context)
        if measures:
            core.measure_shadow_work(integrator, 3, 20)
            assert snapshot(context) == before
        integrator.step(100)
        works = [record.work_kj_per_mol for record in integrator.getRecords()]
        ends.append((snapshot(context), works, integrator.getStatistics().switching_steps))
    assert ends[0] == ends[1]


def mean_size_kt(run, **settings):
    integrator, _ = run(PROTOCOLS["springs"](**settings))
    return float(np.mean(np.abs(core.measure_shadow_work(integrator, 50, 40))))


@pytest.mark.parametrize("rule", ["total work", "protocol work"])
def test_it_grows_with_the_square_of_the_time_step(rule, run):
    short, long = (mean_size_kt(run, time_step_ps=h, rule=rule) for h in (0.004, 0.008))
    assert long / short == pytest.approx(4.0, rel=0.25)
    assert 1e-4 < short < long < 0.5


def test_it_is_that_of_position_verlet(run):
    """A particle in a harmonic well: the oracle is the same scheme in NumPy, kick in the middle."""
    system = openmm.System()
    system.addParticle(12.0)
    well = openmm.CustomExternalForce("2000*(x*x+y*y+z*z)")
    well.addParticle(0, [])
    system.addForce(well)
    step_ps, kt = 0.02, 0.00831446261815324 * 300.0
    inner = openmm.VerletIntegrator(0.002)
    proposer = Mirror()
    protocol = PROTOCOLS["springs"](time_step_ps=step_ps)
    integrator = GenerativeJumpIntegrator(
        inner, proposer, 5, protocol=protocol, temperature=300.0, seed=3
    )
    reference = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, integrator, reference)
    x0 = np.array([[0.03, -0.02, 0.01]])
    context.setPositions(x0)
    measured = np.array(core.measure_shadow_work(integrator, 4000, 3))
    v = np.random.default_rng(1).normal(size=(4000, 3)) * np.sqrt(kt / 12.0)
    x = np.broadcast_to(x0, v.shape).copy()
    before = 2000 * np.sum(x**2, axis=1) + 6 * np.sum(v**2, axis=1)
    for _ in range(3):
        x += 0.5 * step_ps * v
        v -= step_ps * 4000 / 12.0 * x
        x += 0.5 * step_ps * v
    expected = (2000 * np.sum(x**2, axis=1) + 6 * np.sum(v**2, axis=1) - before) / kt
    for moment in (lambda w: w, lambda w: (w - expected.mean()) ** 2):
        ours, theirs = moment(measured), moment(expected)
        error = np.sqrt((ours.var() + theirs.var()) / 4000)
        assert abs(ours.mean() - theirs.mean()) < 4 * error
    assert abs(expected.mean()) > 10 * expected.std() / np.sqrt(4000)


def test_trials_differ_and_are_the_same_every_time(run):
    integrator, _ = run(morph())
    first = core.measure_shadow_work(integrator, 5, 20)
    assert len(set(first)) == 5
    assert core.measure_shadow_work(integrator, 5, 20) == first
    assert core.measure_shadow_work(integrator, 0, 20) == []


def test_what_explodes_has_infinite_shadow_work(run):
    integrator, _ = run(morph(time_step_ps=3.0))
    assert core.measure_shadow_work(integrator, 2, 100) == [np.inf, np.inf]


def test_what_has_no_shadow_work_says_so(run, stayer, jumping):
    integrator, _ = run(Instantaneous())
    message = "only switching protocols have shadow work, this one is Instantaneous"
    with pytest.raises(openmm.OpenMMException, match=message):
        core.measure_shadow_work(integrator, 1, 1)
    with pytest.raises(openmm.OpenMMException, match="is not bound to a context"):
        core.measure_shadow_work(jumping(stayer, protocol=morph()), 1, 1)
    lost = openmm.XmlSerializer.clone(jumping(stayer, protocol=morph()))
    system = openmm.System()
    system.addParticle(1.0)
    reference = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, lost, reference)
    with pytest.raises(openmm.OpenMMException, match=r"call setProposer.. before measuring shadow"):
        core.measure_shadow_work(lost, 1, 1)
    del context


@pytest.mark.parametrize(
    ("rule", "effect"),
    [("total work", "costs acceptance"), ("protocol work", "biases what is sampled")],
)
def test_a_long_time_step_warns_once(rule, effect, run, snapshot):
    """And only before the first step of a Context; the warning changes nothing."""
    ends = []
    for expects in (True, False):
        protocol = PROTOCOLS["springs"](time_step_ps=0.04, rule=rule)
        integrator, context = run(protocol, STRETCHED_NM)
        mean_kt = integrator.measureShadowWork().mean()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always" if expects else "ignore")
            integrator.step(5)
            integrator.step(5)
        assert [w.category for w in caught] == ([ShadowWorkWarning] if expects else [])
        if expects:
            message = f"has {mean_kt:.1f} kT of shadow work, which {effect}: make time_step_ps=0.04"
            assert message in str(caught[0].message)
            assert caught[0].filename == __file__
        ends.append(snapshot(context))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("settings", [SLOW, {"time_step_ps": 0.04, "rule": "metropolized steps"}])
def test_no_warning_where_there_is_no_reason(settings, run):
    positions_nm = STRETCHED_NM if "rule" in settings else START_NM
    integrator, _ = run(PROTOCOLS["springs"](**settings), positions_nm)
    integrator.step(5)
    assert integrator.getNumJumpsAttempted() == 1


def test_the_method_returns_what_the_extension_measures(run):
    integrator, _ = run(morph())
    works = integrator.measureShadowWork(trials=3, steps=20)
    np.testing.assert_array_equal(works, core.measure_shadow_work(integrator, 3, 20))
    assert works.dtype == np.float64
