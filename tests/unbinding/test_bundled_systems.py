"""Complexes that can be had by name are bound, and stay so for a while."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from functools import cache
from types import SimpleNamespace

import numpy as np
import openmm
import pytest

from openmm_genmd.unbinding.bundled_systems import bundled_complex, bundled_names
from openmm_genmd.unbinding.contacts import BoundContacts
from openmm_genmd.unbinding.frozen_surroundings import freeze

HOSTS = [name for name in bundled_names() if name.startswith("cb7")]


@cache
def host(name):
    return bundled_complex(name)


@pytest.mark.parametrize("name", HOSTS)
def test_hosts_stay_bound(name):
    complex = host(name)
    assert any(isinstance(f, openmm.GBSAOBCForce) for f in complex.system.getForces())
    contacts = BoundContacts.of(
        complex.topology, complex.positions_nm, complex.receptor, complex.ligand
    )
    assert len(contacts) > 50
    integrator = openmm.LangevinMiddleIntegrator(300, 1, 0.002)
    integrator.setRandomNumberSeed(1)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(complex.system, integrator, platform, {"Threads": "1"})
    context.setPositions(complex.positions_nm)
    start = context.getState(energy=True).getPotentialEnergy()._value
    openmm.LocalEnergyMinimizer.minimize(context, 1.0, 100)
    assert context.getState(energy=True).getPotentialEnergy()._value > start - 20  # it was minimal
    context.setVelocitiesToTemperature(300, 1)
    integrator.step(500)
    x = context.getState(positions=True).getPositions(asNumpy=True)._value
    now = BoundContacts.of(complex.topology, x, complex.receptor, complex.ligand)
    assert len(now) > 0.6 * len(contacts)


def test_chemistry():
    counts = {}
    for name in HOSTS:
        complex = host(name)
        ligand = set(complex.ligand.tolist())
        symbols = [a.element.symbol for a in complex.topology.atoms() if a.index in ligand]
        [force] = [f for f in complex.system.getForces() if isinstance(f, openmm.NonbondedForce)]
        charge = sum(force.getParticleParameters(int(n))[0]._value for n in complex.ligand)
        counts[name] = {s: symbols.count(s) for s in sorted(set(symbols))}, round(charge, 1) + 0.0
    assert counts == {
        "cb7-b2": ({"C": 10, "H": 18, "O": 2}, 0.0),
        "cb7-viologen": ({"C": 22, "H": 30, "N": 2, "O": 4}, 2.0),
        "cb7-p-xylene": ({"C": 8, "H": 10}, 0.0),
    }


def test_viologen_has_the_radii_of_obc2():
    """Which the System of B2, whose file was made for OBC2, has by itself."""
    radii = {}
    for name in ("cb7-b2", "cb7-viologen"):
        complex = host(name)
        [force] = [f for f in complex.system.getForces() if isinstance(f, openmm.GBSAOBCForce)]
        symbols = [atom.element.symbol for atom in complex.topology.atoms()]
        parameters = [force.getParticleParameters(n)[1:] for n in range(len(symbols))]
        radii[name] = {
            (symbol, round(radius._value, 6), scale)
            for symbol, (radius, scale) in zip(symbols, parameters, strict=True)
        }
    assert radii["cb7-viologen"] == radii["cb7-b2"]


def test_lysozyme():
    complex = bundled_complex("l99a-p-xylene", pocket_nm=1.2, frozen=True, temperature_k=310.0)
    assert (complex.topology.getNumAtoms(), len(complex.ligand)) == (2621, 18)
    assert complex.temperature_k == 310.0
    assert len(bundled_complex("l99a-p-xylene").pocket_heavy) == 147  # what the model was shown
    forces = {type(force): force for force in complex.system.getForces()}
    assert forces[openmm.NonbondedForce].getCutoffDistance()._value == pytest.approx(1.2)
    held = [n for n in range(2621) if complex.system.getParticleMass(n)._value == 0]
    assert set(held) == set(complex.receptor) - set(complex.pocket)
    context = openmm.Context(
        complex.system,
        openmm.LangevinMiddleIntegrator(310, 1, 0.002),
        openmm.Platform.getPlatformByName("CPU"),
        {"Threads": "1"},
    )
    context.setPositions(complex.positions_nm)
    context.setVelocitiesToTemperature(310, 1)
    context.getIntegrator().step(3)
    moved = context.getState(positions=True).getPositions(asNumpy=True)._value
    still = np.abs(moved - complex.positions_nm).max(axis=1) < 1e-6
    assert set(np.flatnonzero(still)) == set(held)


def test_cutoffs():
    infinite = bundled_complex("l99a-p-xylene", cutoff_nm=np.inf).system
    [force] = [f for f in infinite.getForces() if isinstance(f, openmm.NonbondedForce)]
    assert force.getNonbondedMethod() == openmm.NonbondedForce.NoCutoff
    with pytest.raises(ValueError, match="expected a cutoff above 0 nm, got -1"):
        bundled_complex("cb7-b2", cutoff_nm=-1.0)


def test_unknown_name():
    with pytest.raises(ValueError, match="no complex named 'cb8'; there are cb7-b2, cb7-viologen"):
        bundled_complex("cb8")


def test_openmmtools_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="is not installed; run: pip install openmmtools"):
        bundled_complex("cb7-b2")
    empty = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: empty)
    with pytest.raises(FileNotFoundError, match=r"openmmtools has no file .*complex-vacuum.prmtop"):
        bundled_complex("cb7-b2")


def test_openmmtools_is_not_imported():
    code = (
        "import sys; from openmm_genmd.unbinding.bundled_systems import bundled_complex; "
        "bundled_complex('cb7-b2'); "
        "assert not {'openmmtools', 'pymbar', 'jax', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_frozen_particles_need_a_suitable_system():
    system = openmm.System()
    for _ in range(3):
        system.addParticle(12.0)
    system.addConstraint(0, 1, 0.1)
    system.addForce(openmm.CMMotionRemover())
    with pytest.raises(ValueError, match="between particles 0 and 1 is constrained, and only one"):
        freeze(system, np.array([1, 2]))
    held = freeze(system, np.array([0, 1]))
    assert (held.getNumConstraints(), held.getNumForces()) == (0, 0)
    assert system.getNumConstraints() == 1
    system.addForce(openmm.MonteCarloBarostat(1.0, 300.0))
    with pytest.raises(ValueError, match="has a MonteCarloBarostat, which would move frozen part"):
        freeze(system, np.array([2]))
