"""Energies of many conformations on a device (OpenCL, run by PoCL on a CPU) against the host's."""

import copy
import pickle
import re

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd import (
    BatchedEnergy,
    GenerativeJumpIntegrator,
    MultipleTry,
    UniformTorsionProposer,
)
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation

from .single_forces import SUPPORTED, chain, noisy, openmm_energies, single_force

AMBER = ("amber99sbildn.xml", "amber99_obc.xml")


@pytest.fixture(scope="module")
def dipeptide():
    topology, positions_nm = load_structure("alanine-dipeptide")
    return app.ForceField(*AMBER).createSystem(topology), positions_nm


def assert_agrees(system, conformations, platform):
    """To 1e-9 of the sum of the sizes of the forces' energies."""
    _, size = openmm_energies(system, conformations[:40])
    device = BatchedEnergy(system, platform=platform).evaluate(conformations)
    host = BatchedEnergy(system, threads=1).evaluate(conformations)
    assert device.shape == host.shape
    assert np.all(np.abs(device - host) <= 1e-9 * size.min())


@pytest.mark.parametrize("name", SUPPORTED)
def test_each_force_alone(opencl, name):
    assert_agrees(single_force(name), noisy(chain(), count=40), opencl)


@pytest.mark.parametrize("force_field", [AMBER, ("amber19/protein.ff19SB.xml",)])
@pytest.mark.parametrize("count", [1, 3, 257])
def test_tetrapeptide_in_implicit_solvent_and_with_maps(opencl, force_field, count):
    topology, positions_nm = build_peptide("AAAA")
    system = app.ForceField(*force_field).createSystem(topology)
    assert_agrees(system, noisy(positions_nm, count=count), opencl)


def test_positions_that_are_not_finite(opencl, dipeptide):
    system, positions_nm = dipeptide
    conformations = np.repeat(positions_nm[None], 4, axis=0)
    conformations[1, 4, 2], conformations[2, 3, 0] = np.nan, np.inf
    energies = BatchedEnergy(system, platform="OpenCL").evaluate(conformations)
    assert np.array_equal(np.isfinite(energies), [True, False, False, True])
    assert energies[0] == energies[3]


def test_the_result_does_not_depend_on_the_rest_of_the_batch(opencl, dipeptide):
    system, positions_nm = dipeptide
    energy, conformations = BatchedEnergy(system, platform=opencl), noisy(positions_nm, count=50)
    together = energy.evaluate(conformations)
    assert np.array_equal(together[7:9], energy.evaluate(conformations[7:9]))
    assert energy.evaluate(np.zeros((0, 22, 3))).shape == (0,)


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda energy: pickle.loads(pickle.dumps(energy))]
)
def test_copies_stay_on_the_device(opencl, dipeptide, copied):
    system, positions_nm = dipeptide
    original = BatchedEnergy(system, platform=opencl)
    other = copied(original)
    assert other.platform == original.platform == "OpenCL"
    assert BatchedEnergy(system).platform is None
    conformations = noisy(positions_nm)
    assert np.array_equal(original.evaluate(conformations), other.evaluate(conformations))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"platform": "CPU"}, ValueError, "platform CPU has no kernel .* platforms that have: "),
        ({"platform": "Abacus"}, ValueError, "platform must be one of .*, got 'Abacus'"),
        ({"platform": 3}, TypeError, "must be an openmm.Platform or its name, got 3"),
        ({"platform": "CPU", "threads": 2}, ValueError, "threads are those of the host"),
    ],
)
def test_wrong_arguments(dipeptide, arguments, error, message):
    with pytest.raises(error, match=message):
        BatchedEnergy(dipeptide[0], **arguments)


def test_a_device_that_cannot_be_used(opencl, dipeptide):
    index = opencl.getPropertyDefaultValue("DeviceIndex")
    opencl.setPropertyDefaultValue("DeviceIndex", "12345")
    try:
        with pytest.raises(ValueError, match=re.escape("cannot be used in double precision")):
            BatchedEnergy(dipeptide[0], platform=opencl)
    finally:
        opencl.setPropertyDefaultValue("DeviceIndex", index)


def decisions(system, positions_nm, proposer, platform, surrogate):
    """Which of 40 jumps are accepted, with MD so short that rounding does not grow."""
    inner = openmm.LangevinMiddleIntegrator(300, 1, 1e-7)
    inner.setRandomNumberSeed(1)
    protocol = MultipleTry(8, surrogate=surrogate)
    integrator = GenerativeJumpIntegrator(inner, proposer, 1, protocol=protocol, seed=8)
    context = openmm.Context(system, integrator, platform)
    context.setPositions(positions_nm)
    integrator.step(40)
    return [record.accepted for record in integrator.getRecords()]


def test_surrogate_of_multiple_try(opencl):
    """In a simulation on the same device, with the host's decisions."""
    topology, positions_nm = load_structure("alanine-dipeptide")
    system = app.ForceField(*AMBER[:1]).createSystem(topology)
    proposer = UniformTorsionProposer(TorsionRepresentation.from_topology(topology))
    opencl.setPropertyDefaultValue("Precision", "double")
    on_host, on_device = (
        decisions(system, positions_nm, proposer, simulated_on, surrogate)
        for simulated_on, surrogate in (
            (opencl.getPlatformByName("Reference"), BatchedEnergy(system)),
            (opencl, BatchedEnergy(system, platform=opencl)),
        )
    )
    assert len(on_host) == 40
    assert 0 < sum(on_host) < 40
    assert on_host == on_device
