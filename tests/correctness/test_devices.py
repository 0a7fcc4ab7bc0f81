"""Averages against exact answers where jumps stay on a device: OpenCL, run by PoCL on a CPU."""

import pytest

from openmm_genmd import GenerativeJumpIntegrator, platform_kernels

from .bad_proposers import BiasedDrift
from .exact_models import CoupledParticles
from .running import engine_samples, langevin, start
from .scores import agrees, block_scores, disagrees

MODEL = CoupledParticles()
SHAPE = dict(contraction=0.7, drift_nm=0.03, width_nm=0.06)


def scores(platform, precision, n_jumps, broken=None):
    platform.setPropertyDefaultValue("Precision", precision)
    proposer = BiasedDrift(MODEL.particles, [0, 2], broken, **SHAPE)
    samples = engine_samples(MODEL, proposer, n_jumps, tries=4, platform=platform)
    return block_scores(MODEL.observables(samples[len(samples) // 20 :]), MODEL.exact(300.0))


@pytest.mark.parametrize("precision", ["single", "mixed"])
def test_averages_are_exact_on_a_device(opencl, precision):
    assert agrees(scores(opencl, precision, 4000))


def test_without_the_ratio_they_are_not(opencl):
    assert disagrees(scores(opencl, "mixed", 4000, "no q ratio"))


def test_a_device_and_the_reference_take_the_same_decisions(opencl):
    """The same random numbers, and MD so short that rounding does not grow."""
    opencl.setPropertyDefaultValue("Precision", "double")
    accepted = []
    for platform in (opencl, opencl.getPlatformByName("Reference")):
        proposer = BiasedDrift(MODEL.particles, [0, 2], None, **SHAPE)
        inner = langevin(time_step_ps=1e-7)
        integrator = GenerativeJumpIntegrator(inner, proposer, 1, triesPerJump=5, seed=8)
        context = start(MODEL.system(), integrator, MODEL.start_nm(), platform=platform)
        integrator.step(40)
        accepted.append([record.accepted for record in integrator.getRecords()])
        del context
    assert 20 < sum(accepted[0]) < 180
    assert accepted[0] == accepted[1]


def test_kernels_of_the_device_are_used(opencl):
    assert platform_kernels.available()["OpenCL"] == "loaded"
    assert opencl.supportsKernels(["GenMDJump"])
