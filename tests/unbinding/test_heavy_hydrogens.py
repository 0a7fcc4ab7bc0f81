"""Heavier hydrogens change masses and nothing else."""

from dataclasses import replace

import numpy as np
import openmm
import pytest

from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.heavy_hydrogens import with_heavy_hydrogens


def center_force(particles: list[int], weights: list[float]) -> openmm.CustomCentroidBondForce:
    force = openmm.CustomCentroidBondForce(1, "100*(x1^2+y1^2+z1^2)")
    force.addGroup(particles, weights)
    force.addBond([0])
    return force


@pytest.mark.parametrize("weights", [[], [1.0, 2.0]])
@pytest.mark.parametrize("nested", [None, "variable", "transfer"])
def test_centers_of_mass_stay_where_they_were(weights, nested):
    bound = bundled_complex("cb7-b2")
    system = openmm.System()
    for n in range(len(bound.positions_nm)):
        system.addParticle(bound.system.getParticleMass(n))
    hydrogen, carbon = hydrogen_and_its_carbon(bound)
    force = center_force([hydrogen, carbon], weights)
    if nested == "variable":
        outer = openmm.CustomCVForce("d")
        outer.addCollectiveVariable("d", force)
    elif nested == "transfer":
        outer = openmm.ATMForce("u0")
        outer.addForce(force)
        for _ in bound.positions_nm:
            outer.addParticle(openmm.Vec3(0, 0, 0))
    else:
        outer = force
    system.addForce(outer)
    bound = replace(bound, system=system)
    heavy = with_heavy_hydrogens(bound, 3.0)
    before, after = (energy_kj_per_mol(each.system, bound.positions_nm) for each in (bound, heavy))
    assert heavy.system.getParticleMass(hydrogen)._value == 3.0
    assert before > 1.0
    assert after == pytest.approx(before, rel=1e-9)


def hydrogen_and_its_carbon(bound) -> tuple[int, int]:
    for bond in bound.topology.bonds():
        atoms = sorted(bond, key=lambda atom: atom.element.atomic_number)
        if [atom.element.symbol for atom in atoms] == ["H", "C"]:
            return atoms[0].index, atoms[1].index
    raise AssertionError("the complex has no such bond")


def energy_kj_per_mol(system: openmm.System, positions_nm: np.ndarray) -> float:
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(system, openmm.VerletIntegrator(0.001), platform)
    context.setPositions(positions_nm)
    return float(context.getState(energy=True).getPotentialEnergy()._value)
