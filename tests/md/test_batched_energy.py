"""Energies of many conformations at once against OpenMM and against ten lines of NumPy."""

import copy
import pickle

import numpy as np
import openmm
import pytest
from openmm import app, unit

from openmm_genmd import BatchedEnergy
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation

from .single_forces import SUPPORTED, chain, noisy, openmm_energies, single_force

AMBER = ("amber99sbildn.xml", "amber99_obc.xml")


def assert_agrees(system, conformations):
    expected, size = openmm_energies(system, conformations)
    energies = BatchedEnergy(system).evaluate(conformations)
    assert np.all(np.abs(energies - expected) <= 1e-9 * size)


@pytest.fixture(scope="module")
def dipeptide():
    topology, positions_nm = load_structure("alanine-dipeptide")
    return app.ForceField(*AMBER).createSystem(topology), positions_nm


@pytest.mark.parametrize("name", SUPPORTED)
@pytest.mark.parametrize("seed", range(3))
def test_each_force_alone(name, seed):
    assert_agrees(single_force(name), noisy(chain(seed=seed), seed, 40))


@pytest.mark.parametrize(
    "name",
    ["AlanineDipeptideVacuum", "TolueneVacuum", "HostGuestVacuum", "MolecularIdealGas"],
)
def test_openmmtools_systems(name):
    testsystems = pytest.importorskip("openmmtools.testsystems")
    options = {"nparticles": 10} if name == "MolecularIdealGas" else {}
    case = getattr(testsystems, name)(**options)
    assert_agrees(case.system, noisy(case.positions.value_in_unit(unit.nanometer)))


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("AlanineDipeptideImplicit", "CustomGBForce"),
        ("AlanineDipeptideExplicit", r"NonbondedForce with a cutoff \(PME\)"),
        ("HarmonicOscillator", "CustomExternalForce"),
    ],
)
def test_openmmtools_systems_that_are_refused(name, missing):
    testsystems = pytest.importorskip("openmmtools.testsystems")
    with pytest.raises(ValueError, match=rf"(?s)cannot evaluate.*- {missing}.*without cutoff"):
        BatchedEnergy(getattr(testsystems, name)().system)


@pytest.mark.parametrize("sequence", ["G", "AGAA"])
@pytest.mark.parametrize(
    "force_field", [AMBER, ("amber19/protein.ff19SB.xml",), ("amber96.xml", "amber96_obc.xml")]
)
def test_peptides(sequence, force_field):
    topology, positions_nm = build_peptide(sequence)
    system = app.ForceField(*force_field).createSystem(topology, constraints=app.HBonds)
    assert_agrees(system, noisy(positions_nm))


@pytest.mark.parametrize("force_field", [AMBER, AMBER[:1]])
@pytest.mark.parametrize("block", ["phi ALA 2", "all"])
def test_leaps_that_keep_many_distances(force_field, block):
    """Their pairs are taken from the first conformation, wherever the molecule is."""
    topology, positions_nm = build_peptide("AGA")
    system = app.ForceField(*force_field).createSystem(topology)
    representation = TorsionRepresentation.from_topology(topology)
    torsions = [block == "all" or torsion.name == block for torsion in representation.torsions]
    assert any(torsions)
    turns = np.random.default_rng(4).uniform(-np.pi, np.pi, size=(60, 1)) * np.array(torsions)
    leaps = np.stack([representation.turn(turn, positions_nm) for turn in turns])
    leaps[20:40] += [30.0, -20.0, 10.0]
    leaps[45, 7] += 1e-6
    assert_agrees(system, leaps)


def born_oracle(charges, radii, scales, positions):
    """Energy of GBSAOBCForce with its default constants, kJ/mol (Onufriev et al. 2004, eq. 6-8)."""
    r = np.linalg.norm(positions[:, None] - positions, axis=-1) + np.diag(np.full(len(radii), 1e9))
    rho = (radii - 0.009)[:, None]
    s = ((radii - 0.009) * scales)[None]
    low, up = 1 / np.maximum(rho, abs(r - s)), 1 / (r + s)
    term = low - up + r * (up**2 - low**2) / 4 + np.log(up / low) / (2 * r)
    term += s**2 * (low**2 - up**2) / (4 * r) + np.where(rho < s - r, 2 * (1 / rho - low), 0)
    psi = 0.5 * rho[:, 0] * np.where(rho < r + s, term, 0).sum(axis=1)
    born = 1 / (1 / rho[:, 0] - np.tanh(psi - 0.8 * psi**2 + 4.85 * psi**3) / radii)
    r2, bb = np.where(r < 1e8, r, 0) ** 2, np.outer(born, born)
    pairs = np.outer(charges, charges) / np.sqrt(r2 + bb * np.exp(-r2 / (4 * bb)))
    surface = 4 * np.pi * 2.25936 * np.sum((radii + 0.14) ** 2 * (radii / born) ** 6)
    return -138.93545764438198 / 2 * (1 - 1 / 78.3) * pairs.sum() + surface


def test_born_oracle_agrees_with_openmm_and_with_batches():
    rng = np.random.default_rng(2)
    charges, radii, scales = rng.normal(size=8), rng.uniform(0.1, 0.25, 8), rng.uniform(0.5, 1, 8)
    system, force = openmm.System(), openmm.GBSAOBCForce()
    for particle in zip(charges, radii, scales, strict=True):
        system.addParticle(1.0)
        force.addParticle(*particle)
    system.addForce(force)
    conformations = rng.uniform(-0.3, 0.3, size=(30, 8, 3))
    conformations[:10] *= 3
    expected = [born_oracle(charges, radii, scales, positions) for positions in conformations]
    energies = BatchedEnergy(system).evaluate(conformations)
    np.testing.assert_allclose(energies, expected, rtol=1e-8)
    np.testing.assert_allclose(openmm_energies(system, conformations)[0], expected, rtol=1e-8)


def test_a_molecule_among_others(dipeptide):
    alone, positions_nm = dipeptide
    topology, _ = load_structure("alanine-dipeptide")
    modeller = app.Modeller(topology, positions_nm * unit.nanometer)
    modeller.add(topology, (positions_nm + np.array([0.6, 0, 0])) * unit.nanometer)
    crowd = app.ForceField(*AMBER).createSystem(modeller.topology)
    order = np.random.default_rng(0).permutation(22)
    energy = BatchedEnergy(crowd, [22 + int(i) for i in order])
    assert energy.particles == [22 + i for i in order]
    expected = BatchedEnergy(alone).evaluate([positions_nm])
    np.testing.assert_allclose(energy.evaluate([positions_nm[order]]), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"HarmonicBondForce: bond \d+ joins .*take whole mol"):
        BatchedEnergy(crowd, range(20))


def test_threads_and_instruction_sets(dipeptide):
    system, positions_nm = dipeptide
    conformations = positions_nm + 0.003 * np.random.default_rng(1).normal(size=(3001, 22, 3))
    energies = [BatchedEnergy(system, threads=n).evaluate(conformations) for n in (1, 2, 5, None)]
    assert all(np.array_equal(energies[0], other) for other in energies[1:])
    energy = BatchedEnergy(system, threads=1)
    for name in energy.native.instruction_sets():
        energy.native.instruction_set = name
        np.testing.assert_allclose(energy.evaluate(conformations), energies[0], rtol=1e-11)
    with pytest.raises(ValueError, match="instruction set must be one of"):
        energy.native.instruction_set = "abacus"


def test_kinds_of_positions(dipeptide):
    system, positions_nm = dipeptide
    energy = BatchedEnergy(system)
    expected = energy.evaluate(positions_nm[None])
    assert expected.dtype == np.float64
    quantity = unit.Quantity(10 * positions_nm[None], unit.angstrom)
    np.testing.assert_allclose(energy.evaluate(quantity), expected, rtol=1e-10)
    single = positions_nm.astype(np.float32)[None]
    assert energy.evaluate(single) == energy.evaluate(single.astype(np.float64))
    reversed_rows = positions_nm[None, ::-1]
    backwards = BatchedEnergy(system, range(21, -1, -1)).evaluate(reversed_rows)
    np.testing.assert_allclose(backwards, expected, rtol=1e-12)
    assert energy.evaluate(np.empty((0, 22, 3))).shape == (0,)


def test_positions_that_are_not_finite(dipeptide):
    system, positions_nm = dipeptide
    conformations = np.stack([positions_nm] * 3)
    conformations[1, 3, 0] = np.nan
    conformations[2, 3, 0] = np.inf
    energies = BatchedEnergy(system).evaluate(conformations)
    assert np.isfinite(energies[0])
    assert np.isnan(energies[1])
    assert not np.isfinite(energies[2])


@pytest.mark.parametrize("shape", [(22, 3), (4, 21, 3), (4, 22, 2), (66,), (1, 1, 22, 3)])
def test_wrong_shapes(dipeptide, shape):
    with pytest.raises(ValueError, match=r"must have shape \(K, 22, 3\), got"):
        BatchedEnergy(dipeptide[0]).evaluate(np.zeros(shape))


def test_wrong_kinds_of_positions(dipeptide):
    energy = BatchedEnergy(dipeptide[0])
    with pytest.raises(TypeError, match="must be real numbers in nm, got an array of complex128"):
        energy.evaluate(np.zeros((1, 22, 3), dtype=complex))
    with pytest.raises(ValueError, match="positions must be lengths, got kelvin"):
        energy.evaluate(np.zeros((1, 22, 3)) * unit.kelvin)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"particles": []}, ValueError, "at least one particle"),
        ({"particles": [22]}, ValueError, "between 0 and 21, got 22"),
        ({"particles": [2**40]}, ValueError, "between 0 and 21, got 2147483647"),
        ({"particles": [-1]}, ValueError, "between 0 and 21, got -1"),
        ({"particles": [*range(22), 3]}, ValueError, "must differ, got 3 twice"),
        ({"particles": [0.5]}, TypeError, "integer"),
        ({"threads": 0}, ValueError, "threads must be positive, got 0"),
        ({"threads": 1.5}, TypeError, "integer"),
    ],
)
def test_wrong_arguments(dipeptide, arguments, error, message):
    with pytest.raises(error, match=message):
        BatchedEnergy(dipeptide[0], **arguments)


def test_other_things_than_a_system(dipeptide):
    with pytest.raises(TypeError, match=r"system must be an openmm\.System, got 'water'"):
        BatchedEnergy("water")
    native = type(BatchedEnergy(dipeptide[0]).native)
    with pytest.raises(TypeError, match=r"system must be an openmm\.System, got NonbondedForce"):
        native(openmm.NonbondedForce(), [0], 1)


def test_copies_are_independent_of_later_changes(dipeptide):
    system, positions_nm = copy.deepcopy(dipeptide[0]), dipeptide[1]
    energy = BatchedEnergy(system, list(range(21, -1, -1)), threads=1)
    expected = energy.evaluate([positions_nm])
    system.removeForce(0)
    del system
    for other in (pickle.loads(pickle.dumps(energy)), copy.deepcopy(energy)):
        assert other.particles == energy.particles
        assert np.array_equal(other.evaluate([positions_nm]), expected)
