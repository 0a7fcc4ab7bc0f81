"""Bonds from distances are those of the force field, or are refused."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import openmm
import pytest
from openmm import app

from openmm_genmd.data.covalent_bonds import infer_bonds
from openmm_genmd.data.peptides import build_peptide

DATA = Path(importlib.util.find_spec("openmmtools").submodule_search_locations[0]) / "data"
COMPLEXES = [
    ("cb7-b2/complex-vacuum.prmtop", "cb7-b2/complex-vacuum.inpcrd"),
    ("cb7-viologen/leap/complex-vacuum.prmtop", "cb7-viologen/leap/complex-vacuum.inpcrd"),
    ("T4-lysozyme-L99A-implicit/complex.prmtop", "T4-lysozyme-L99A-implicit/complex.crd"),
]


def numbers(topology):
    return [atom.element.atomic_number for atom in topology.atoms()]


def pairs(topology):
    return sorted(tuple(sorted((a.index, b.index))) for a, b in topology.bonds())


@pytest.mark.parametrize(("prmtop", "coordinates"), COMPLEXES)
def test_complexes(prmtop, coordinates):
    topology = app.AmberPrmtopFile(str(DATA / prmtop)).topology
    x = np.array(app.AmberInpcrdFile(str(DATA / coordinates)).getPositions(asNumpy=True)._value)
    assert infer_bonds(x, numbers(topology), "it") == pairs(topology)


def test_hot_molecules():
    """Bonds vibrate: every element of proteins at 400 K, disulfide bond aside."""
    topology, x = build_peptide("ACDEFGHIKLMNPQRSTVWY")
    system = app.ForceField("amber14-all.xml").createSystem(topology)
    integrator = openmm.LangevinMiddleIntegrator(400, 10, 0.0005)
    integrator.setRandomNumberSeed(1)
    context = openmm.Context(system, integrator, openmm.Platform.getPlatformByName("CPU"))
    context.setPositions(x)
    openmm.LocalEnergyMinimizer.minimize(context, maxIterations=100)
    context.setVelocitiesToTemperature(400, 1)
    for _ in range(10):
        integrator.step(50)
        x = context.getState(positions=True).getPositions(asNumpy=True)._value
        assert infer_bonds(x, numbers(topology), "it") == pairs(topology)


def test_metals_have_no_bonds():
    x = np.array([[0.0, 0, 0], [0.2, 0, 0], [0.2, 0.096, 0], [0.2, 0, 0.096]])
    assert infer_bonds(x, [30, 8, 1, 1], "it") == [(1, 2), (1, 3)]
    assert infer_bonds(x[:1], [30], "it") == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, z: (x, [92, *z[1:]]), "a.h5 has atoms of atomic number 92, whose bonds cannot"),
        (lambda x, z: (x * 0.5, z), r"atom \d+ \(atomic number \d+\) would have \d+, and"),
        (lambda x, z: (x * 2, z), r"\(atomic number 1\) would have 0, and"),
    ],
)
def test_refused(change, words):
    topology, x = build_peptide("AF")
    with pytest.raises(ValueError, match=words):
        infer_bonds(*change(x, numbers(topology)), "a.h5")
