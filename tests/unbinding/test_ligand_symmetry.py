"""Relabelings of a ligand: all that the System allows, and no others."""

import copy
from dataclasses import replace

import networkx
import numpy as np
import openmm
import pytest
from networkx.algorithms.isomorphism import GraphMatcher
from openmm import app
from scipy.spatial.transform import Rotation

from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.contacts import heavy_atoms
from openmm_genmd.unbinding.ligand_graph import LigandGraph
from openmm_genmd.unbinding.ligand_symmetry import ligand_symmetries, relabeled
from openmm_genmd.unbinding.pose import PoseFrame

from .small_complex import small_complex

B2 = bundled_complex("cb7-b2")
XYLENE = bundled_complex("cb7-p-xylene")
FOUND = {
    "b2": (B2, ligand_symmetries(B2)),
    "xylene": (XYLENE, ligand_symmetries(XYLENE, tolerance_kj_per_mol=1.0)),
}


def energies_kj_per_mol(bound: BoundComplex, frames: np.ndarray) -> np.ndarray:
    platform = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(bound.system, openmm.VerletIntegrator(0.001), platform)
    found = []
    for x in frames:
        context.setPositions(x)
        found.append(context.getState(energy=True).getPotentialEnergy()._value)
    return np.array(found)


def nonbonded(system: openmm.System) -> openmm.NonbondedForce:
    return next(f for f in system.getForces() if isinstance(f, openmm.NonbondedForce))


def with_charge(bound: BoundComplex, atom: int, change: float) -> BoundComplex:
    system = copy.deepcopy(bound.system)
    charge, sigma, epsilon = nonbonded(system).getParticleParameters(atom)
    nonbonded(system).setParticleParameters(atom, charge._value + change, sigma, epsilon)
    return replace(bound, system=system)


def flips(bound: BoundComplex, permutations) -> int:
    """How many turn the longest axis of the ligand round."""
    x = bound.positions_nm
    heavy = bound.ligand_heavy
    i, j = np.unravel_index(
        np.argmax(np.linalg.norm(x[heavy][:, None] - x[heavy], axis=-1)), (len(heavy),) * 2
    )
    axis = x[heavy[j]] - x[heavy[i]]
    return sum(
        float((y[heavy[j]] - y[heavy[i]]) @ axis) < 0
        for y in (relabeled(x, p) for p in permutations)
    )


@pytest.mark.parametrize(("name", "n", "n_flips"), [("b2", 5, 3), ("xylene", 3, 2)])
def test_symmetries_are_found_with_the_flip(name: str, n: int, n_flips: int) -> None:
    bound, permutations = FOUND[name]
    assert len(permutations) == n
    assert flips(bound, permutations) == n_flips
    elements = [atom.element for atom in bound.topology.atoms()]
    outside = np.setdiff1d(np.arange(len(elements)), bound.ligand)
    for p in permutations:
        np.testing.assert_array_equal(np.sort(p), np.arange(len(elements)))
        np.testing.assert_array_equal(p[outside], outside)
        assert (p[bound.ligand_heavy] != bound.ligand_heavy).any()
        assert all(elements[a] is elements[b] for a, b in enumerate(p))
    known = {tuple(p) for p in permutations}
    assert {tuple(np.argsort(p)) for p in permutations} == known


def test_energy_is_kept_far_from_the_bound_state_too() -> None:
    bound, permutations = FOUND["b2"]
    x = bound.positions_nm + np.random.default_rng(1).normal(scale=0.03, size=(156, 3))
    energies = energies_kj_per_mol(bound, np.array([x, *(relabeled(x, p) for p in permutations)]))
    np.testing.assert_allclose(energies[1:], energies[0], atol=1e-3)
    swapped = np.arange(156)
    swapped[bound.ligand_heavy[:2]] = bound.ligand_heavy[1::-1]
    assert abs(np.diff(energies_kj_per_mol(bound, np.array([x, relabeled(x, swapped)])))) > 1.0


@pytest.mark.parametrize("name", ["b2", "xylene"])
def test_relabeled_is_turned_and_no_mirror_image(name: str) -> None:
    """A rotation brings the relabeled ligand, hydrogens of rotors aside, almost onto itself."""
    bound, permutations = FOUND[name]
    core = ring_of(bound)
    for p in permutations:
        x, y = bound.positions_nm[core], bound.positions_nm[p[core]]
        _, rmsd = Rotation.align_vectors(y - y.mean(axis=0), x - x.mean(axis=0))
        assert rmsd / np.sqrt(len(core)) < 0.02
    frame = PoseFrame.of(bound)
    frames = np.array(
        [bound.positions_nm, *(relabeled(bound.positions_nm, p) for p in permutations)]
    )
    angles = Rotation.from_matrix(
        frame.poses(frames).rotations @ frame.poses(frames[:1]).rotations[0].T
    ).magnitude()
    assert (angles[1:] > np.radians(100)).all()


def ring_of(bound: BoundComplex) -> np.ndarray:
    """Ring atoms of the ligand with their hydrogens."""
    graph = networkx.Graph((b[0].index, b[1].index) for b in bound.topology.bonds())
    ligand = graph.subgraph(bound.ligand.tolist())
    rings = {a for ring in networkx.minimum_cycle_basis(ligand) for a in ring}
    return np.array(sorted(rings | {h for a in rings for h in ligand[a] if ligand.degree(h) == 1}))


@pytest.mark.parametrize("name", ["cb7-b2", "cb7-p-xylene", "cb7-viologen"])
def test_automorphisms_are_those_of_networkx(name: str) -> None:
    bound = bundled_complex(name)
    graph = networkx.Graph((b[0].index, b[1].index) for b in bound.topology.bonds())
    atoms = list(bound.topology.atoms())
    heavy = graph.subgraph(bound.ligand_heavy.tolist()).copy()
    for atom in heavy:
        heavy.nodes[atom]["kind"] = (atoms[atom].element.symbol, graph.degree(atom))
    matcher = GraphMatcher(heavy, heavy, node_match=lambda a, b: a == b)
    expected = {frozenset(mapping.items()) for mapping in matcher.isomorphisms_iter()}
    found = [frozenset(mapping.items()) for mapping in LigandGraph(bound).automorphisms()]
    assert len(found) == len(expected)
    assert set(found) == expected


def test_a_ligand_with_a_charge_of_its_own_has_none() -> None:
    """Of a bridge atom: nothing but a mirror image leaves it where it is."""
    bridge = next(a for a in ring_of(B2) if a in B2.ligand_heavy and hydrogens_on(B2, a) == 2)
    assert ligand_symmetries(with_charge(B2, bridge, 0.01)) == []


def test_a_charge_on_the_axis_leaves_the_turns_about_it() -> None:
    [*ends] = [a for a in B2.ligand_heavy if symbol(B2, a) == "O"]
    kept = ligand_symmetries(with_charge(B2, ends[0], 0.01))
    assert len(kept) == 2
    assert flips(B2, kept) == 0


def symbol(bound: BoundComplex, atom: int) -> str:
    return list(bound.topology.atoms())[atom].element.symbol


def hydrogens_on(bound: BoundComplex, atom: int) -> int:
    pairs = [(b[0], b[1]) for b in bound.topology.bonds() if atom in (b[0].index, b[1].index)]
    return sum(app.element.hydrogen in (a.element, b.element) for a, b in pairs)


def test_other_masses_and_constraints_have_none() -> None:
    heavier = copy.deepcopy(B2.system)
    bridge = next(a for a in ring_of(B2) if a in B2.ligand_heavy and hydrogens_on(B2, a) == 2)
    heavier.setParticleMass(int(bridge), 13.0)
    assert ligand_symmetries(replace(B2, system=heavier)) == []
    longer = copy.deepcopy(B2.system)
    for n in range(longer.getNumConstraints()):
        a, b, length = longer.getConstraintParameters(n)
        if bridge in (a, b):
            longer.setConstraintParameters(n, a, b, length * 1.01)
    assert ligand_symmetries(replace(B2, system=longer)) == []


def test_a_nearly_symmetric_force_field_needs_a_tolerance() -> None:
    """Of p-xylene, with charges that differ by 0.001 e between atoms that are equivalent."""
    assert ligand_symmetries(XYLENE) == []


def test_an_unsymmetric_ligand_has_none() -> None:
    ring = small_complex()
    atoms = list(ring.topology.atoms())
    atoms[8].element, atoms[9].element = app.element.oxygen, app.element.nitrogen
    atoms[10].element = app.element.fluorine
    np.testing.assert_array_equal(heavy_atoms(ring.topology, ring.ligand), ring.ligand)
    assert ligand_symmetries(ring) == []


def test_a_tetrahedron_has_all_permutations_of_its_corners() -> None:
    """Four atoms bonded to each other, each with three neighbors: no handedness to keep."""
    assert len(ligand_symmetries(small_complex())) == 23
    with pytest.raises(ValueError, match="more than 22 automorphisms besides the identity"):
        ligand_symmetries(small_complex(), at_most=22)
    assert len(ligand_symmetries(small_complex(), at_most=23)) == 23


@pytest.mark.parametrize("tolerance", [0.0, -1.0, np.nan])
def test_tolerance_must_be_positive(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance_kj_per_mol must be positive"):
        ligand_symmetries(B2, tolerance_kj_per_mol=tolerance)
