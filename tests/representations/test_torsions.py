"""Properties of `TorsionRepresentation` over molecules and random conformations."""

import itertools
import json

import mdtraj
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.representations.rotatable_bonds import Torsion
from openmm_genmd.representations.torsion_kernel import TorsionKernel
from openmm_genmd.representations.torsions import TorsionRepresentation

NAMES = ["dipeptide", "peptide", "hexane", "biphenyl"]
examples = settings(deadline=None, derandomize=True, max_examples=40)


def _random_case(molecules, name, seed):
    molecule = molecules[name]
    d = len(molecule.representation.torsions)
    torsions = np.random.default_rng(seed + 1).uniform(-np.pi, np.pi, d)
    return molecule, molecule.representation, molecule.conformation(seed), torsions


def _circular(difference):
    return np.abs(np.remainder(difference + np.pi, 2 * np.pi) - np.pi).max()


@examples
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_round_trips(molecules, name, seed):
    _, representation, x, torsions = _random_case(molecules, name, seed)
    y = representation.decode(torsions, x)
    assert _circular(representation.encode(y) - torsions) < 1e-10
    assert np.abs(representation.decode(representation.encode(x), x) - x).max() < 1e-13
    # The reverse leap leads back to x itself, not to a rotated copy of it.
    assert np.abs(representation.decode(representation.encode(x), y) - x).max() < 1e-12


@examples
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32))
def test_bonds_angles_and_chirality_are_carried(molecules, name, seed):
    molecule, representation, x, torsions = _random_case(molecules, name, seed)
    y = representation.decode(torsions, x)
    bonds = np.array(BondGraph.of(molecule.topology).bonds)
    neighbours = [set(bonds[(bonds == n).any(axis=1)].ravel()) - {n} for n in range(len(x))]
    pairs = [(a, b) for around in neighbours for a, b in itertools.combinations(around, 2)]
    for a, b in (bonds.T, np.array(pairs).T):
        assert np.abs(_distances(x, a, b) - _distances(y, a, b)).max() < 1e-13
    triples = np.array(
        [(n, *three) for n in range(len(x)) for three in itertools.combinations(neighbours[n], 3)]
    )
    assert np.abs(_volumes(x, triples) - _volumes(y, triples)).max() < 1e-14
    assert np.abs(_volumes(x, triples)).max() > 1e-5


def _distances(x, a, b):
    return np.linalg.norm(x[a] - x[b], axis=-1)


def _volumes(x, triples):
    edges = x[triples[:, 1:]] - x[triples[:, :1]]
    return np.linalg.det(edges)


@pytest.mark.parametrize("name", ["dipeptide", "peptide"])
def test_constrained_distances_are_kept(molecules, name):
    molecule, representation, x, torsions = _random_case(molecules, name, 5)
    y = representation.decode(torsions, x)
    system = molecule.system
    pairs = [system.getConstraintParameters(n)[:2] for n in range(system.getNumConstraints())]
    a, b = np.array(pairs).T
    assert len(pairs) > 10
    assert np.abs(_distances(x, a, b) - _distances(y, a, b)).max() < 1e-15


def test_other_torsions_do_not_change(molecules):
    _, representation, x, _ = _random_case(molecules, "peptide", 3)
    for n in range(len(representation.torsions)):
        torsions = representation.encode(x)
        torsions[n] += 1.0
        assert (
            _circular(representation.encode(representation.decode(torsions, x)) - torsions) < 1e-11
        )


def test_part_that_never_moves_stays(molecules):
    _, representation, x, torsions = _random_case(molecules, "peptide", 4)
    moved = {atom for torsion in representation.torsions for atom in torsion.moving}
    still = sorted(set(range(len(x))) - moved)
    assert still
    assert np.array_equal(representation.decode(torsions, x)[still], x[still])


def _determinant(function, x, step=1e-5):
    flat = x.ravel()
    columns = [
        function((flat + d).reshape(x.shape)).ravel()
        - function((flat - d).reshape(x.shape)).ravel()
        for d in step * np.eye(len(flat))
    ]
    return abs(np.linalg.det(np.array(columns) / (2 * step)))


def _shear(torsions):
    """Smooth map of the torus that mixes its angles, and its determinant by differences."""
    return torsions + 0.3 * np.sin(torsions + np.roll(torsions, 1)) + 0.7


def _stretching(representation):
    def decode(torsions, x):
        y = representation.decode(torsions, x)
        torsion = representation.torsions[0]
        _, j, k, _ = torsion.atoms
        y[list(torsion.moving)] += (
            0.3 * torsion.direction * (y[k] - y[j]) * (1 - np.cos(torsions[0]))
        )
        return y

    return decode


@pytest.mark.parametrize("name", ["dipeptide", "hexane"])
def test_jacobian_is_that_of_the_torsions_alone(molecules, name):
    _, representation, x, _ = _random_case(molecules, name, 7)
    encode, decode = representation.encode, representation.decode
    delta = np.linspace(0.5, 1.0, len(representation.torsions))
    assert abs(_determinant(lambda z: decode(encode(z) + delta, z), x) - 1) < 1e-6
    on_torus = _determinant(_shear, encode(x))
    assert abs(on_torus - 1) > 0.05
    assert abs(_determinant(lambda z: decode(_shear(encode(z)), z), x) / on_torus - 1) < 1e-6


@pytest.mark.parametrize("name", ["dipeptide", "hexane"])
def test_jacobian_test_notices_a_stretched_bond(molecules, name):
    _, representation, x, _ = _random_case(molecules, name, 7)
    decode = _stretching(representation)
    assert abs(_determinant(lambda z: decode(representation.encode(z) + 0.7, z), x) - 1) > 0.05


def _sides(bonds, chosen):
    """Kernel of a chain of 6 carbons that turns what is above or below each bond as told."""
    corners = [(n - 1, n, n + 1, n + 2) for n in bonds]
    moving = [range(n + 1, 6) if up else range(n + 1) for n, up in zip(bonds, chosen, strict=True)]
    return TorsionKernel(corners, moving)


def test_sides_that_overlap_or_depend_on_the_state_do_not_lead_back():
    rng = np.random.default_rng(1)
    x = np.cumsum(rng.normal(size=(6, 3)), axis=0)
    new = np.array([1.0, -2.0])
    good = _sides((1, 3), (False, True))
    overlapping = _sides((1, 3), (True, False))

    def chosen_by_state(z):
        return _sides((1, 3), (good.angles(z)[0] > 0, True))

    back = good.turn_to(good.angles(x), good.turn_to(new, x))
    assert np.abs(back - x).max() < 1e-13
    back = overlapping.turn_to(good.angles(x), overlapping.turn_to(new, x))
    assert np.abs(back - x).max() > 0.1
    x = good.turn_to(np.array([-1.0, 0.0]), x)
    y = chosen_by_state(x).turn_to(new, x)
    back = chosen_by_state(y).turn_to(good.angles(x), y)
    assert np.abs(back - x).max() > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_encode_agrees_with_mdtraj(molecules, name):
    molecule, representation, _, _ = _random_case(molecules, name, 0)
    x = np.array([molecule.conformation(seed) for seed in range(20)])
    trajectory = mdtraj.Trajectory(x, mdtraj.Topology.from_openmm(molecule.topology))
    expected = mdtraj.compute_dihedrals(trajectory, [t.atoms for t in representation.torsions])
    # MDTraj works in single precision.
    assert _circular(representation.encode(x) - expected) < 2e-3
    assert np.median(np.abs(representation.encode(x) - expected)) < 1e-6


@pytest.mark.parametrize("name", NAMES)
def test_batches_agree_with_single_conformations(molecules, name):
    molecule, representation, x, torsions = _random_case(molecules, name, 0)
    many_x = np.array([molecule.conformation(seed) for seed in range(3)])
    many = np.linspace(-1, 1, 6)[:, None].reshape(2, 3, 1) + torsions
    y = representation.decode(many, many_x)
    for a, b in np.ndindex(2, 3):
        single = representation.decode(many[a, b], many_x[b])
        assert np.abs(y[a, b] - single).max() < 1e-13
        assert _circular(representation.encode(y)[a, b] - representation.encode(single)) < 1e-11
    assert (
        np.abs(
            representation.decode(torsions, many_x)[1] - representation.decode(torsions, many_x[1])
        ).max()
        < 1e-13
    )
    assert (
        np.abs(representation.decode(many, x)[1, 2] - representation.decode(many[1, 2], x)).max()
        < 1e-13
    )
    assert representation.encode(many_x[:0]).shape == (0, len(torsions))


@pytest.mark.parametrize("batch", [(), (1,)])
def test_half_turn_is_minus_pi(molecules, batch):
    kernel = TorsionKernel([(0, 1, 2, 3)], [(2, 3)])
    trans = np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 0], [-1, 0, 0]])
    assert kernel.angles(trans.reshape(*batch, 4, 3)).ravel().tolist() == [-np.pi]


@pytest.mark.parametrize("batch", [(), (1,)])
def test_undefined_rotations_are_not_a_number(molecules, batch):
    _, representation, x, torsions = _random_case(molecules, "dipeptide", 0)
    x = x.reshape(*batch, 22, 3)
    collapsed = x.copy()
    collapsed[..., 8, :] = collapsed[..., 6, :]
    lost = x.copy()
    lost[..., 8, 0] = np.nan
    for y in (
        representation.decode(torsions, collapsed),
        representation.decode(torsions, lost),
        representation.decode([np.nan, 0.0], x),
        representation.decode([np.inf, 0.0], x),
    ):
        assert np.isnan(y[..., 0, :]).all()
    assert np.isnan(representation.encode(lost)).all()


def test_dictionary_round_trip_through_json(molecules):
    for molecule in molecules.values():
        text = json.dumps(molecule.representation.to_dict())
        assert TorsionRepresentation.from_dict(json.loads(text)) == molecule.representation


def test_relocated(molecules, build):
    two = build["alkane"](6, copies=2)
    second = TorsionRepresentation.from_topology(two, atoms=range(20, 40))
    moved = molecules["hexane"].representation.relocated(second.particles)
    assert moved.particles == second.particles
    assert moved.fingerprint == second.fingerprint
    for one, other in zip(moved.torsions, second.torsions, strict=True):
        assert (one.atoms, one.moving) == (other.atoms, other.moving)
    with pytest.raises(ValueError, match="expected 20 particles, got 3"):
        moved.relocated([1, 2, 3])


def test_atoms_restrict_the_torsions(molecules):
    topology = molecules["peptide"].topology
    serine = [a.index for a in topology.atoms() if a.residue.name == "SER"]
    representation = TorsionRepresentation.from_topology(topology, atoms=serine)
    assert {t.name for t in representation.torsions} == {"phi SER 2", "chi1 SER 2", "psi SER 2"}
    assert len(representation.particles) == topology.getNumAtoms()


def test_several_flexible_molecules_are_an_error(build):
    two = build["alkane"](4, copies=2)
    words = r"2 molecules have rotatable bonds \(ALK 1 of chain 1, atoms 0 to 13; .*with atoms="
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation.from_topology(two)
    five = build["alkane"](4, copies=5)
    with pytest.raises(ValueError, match=r"5 molecules .*; …\)"):
        TorsionRepresentation.from_topology(five)
    assert TorsionRepresentation.from_topology(two, atoms=range(14)).particles == tuple(range(14))


@pytest.mark.parametrize(
    ("atoms", "words"),
    [
        ([], "atoms= selects no atom"),
        ([0, 99], "atoms= must be between 0 and 27, got 0 to 99"),
        ([-1], "atoms= must be between 0 and 27, got -1 to -1"),
        ([0, 14], "atoms= spans 2 molecules"),
        ([0, 5], "no rotatable bond between the atoms given as atoms="),
    ],
)
def test_bad_selections(build, atoms, words):
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation.from_topology(build["alkane"](4, copies=2), atoms=atoms)


def test_nothing_to_rotate(build):
    with pytest.raises(ValueError, match=r"no rotatable bond in this Topology: .*include_methyl="):
        TorsionRepresentation.from_topology(build["alkane"](3))
    with pytest.raises(ValueError, match=r"no bonds in this Topology; pass system="):
        TorsionRepresentation.from_topology(build["graph"]("ION", "CC", []))


def test_wrong_shapes(molecules):
    representation = molecules["dipeptide"].representation
    with pytest.raises(
        ValueError, match=r"positions must have shape \(..., 22, 3\), got \(21, 3\)"
    ):
        representation.encode(np.zeros((21, 3)))
    with pytest.raises(ValueError, match=r"torsions must have shape \(..., 2\), got \(3,\)"):
        representation.decode(np.zeros(3), np.zeros((22, 3)))


def _changed(molecules, **changes):
    return molecules["dipeptide"].representation.to_dict() | changes


def test_bad_descriptions(molecules):
    with pytest.raises(ValueError, match="description of a TorsionRepresentation, got 'Frames'"):
        TorsionRepresentation.from_dict({"type": "Frames"})
    with pytest.raises(ValueError, match=r"(?s)damaged description of a Torsion.*particles"):
        TorsionRepresentation.from_dict(_changed(molecules, particles="all"))
    with pytest.raises(ValueError, match=r"(?s)damaged description of a Torsion.*colour"):
        TorsionRepresentation.from_dict(_changed(molecules, colour="red"))
    with pytest.raises(ValueError, match="at least one torsion, got none"):
        TorsionRepresentation.from_dict(_changed(molecules, torsions=[]))
    with pytest.raises(ValueError, match="fingerprint has 22 atoms but there are 21 particles"):
        TorsionRepresentation.from_dict(_changed(molecules, particles=list(range(21))))


@pytest.mark.parametrize(
    ("torsion", "words"),
    [
        (Torsion((4, 6, 8, 99), "bad", (8, 99)), r"torsion bad uses particles \[99\]"),
        (Torsion((4, 6, 8, 14), "bad", (14,)), "torsion bad must move the atoms on one side"),
        (Torsion((4, 6, 8, 14), "bad", (4, 6, 14)), "torsion bad must move the atoms on one side"),
    ],
)
def test_bad_torsions(molecules, torsion, words):
    good = molecules["dipeptide"].representation
    with pytest.raises(ValueError, match=words):
        TorsionRepresentation(good.particles, (torsion,), good.fingerprint)


def test_overlapping_sides_are_refused(molecules):
    good = molecules["dipeptide"].representation
    phi, psi = good.torsions
    everything = set(good.particles)
    wrong = (
        Torsion(phi.atoms, phi.name, tuple(sorted(everything - set(phi.moving)))),
        Torsion(psi.atoms, psi.name, tuple(sorted(everything - set(psi.moving)))),
    )
    with pytest.raises(ValueError, match="nested or disjoint"):
        TorsionRepresentation(good.particles, wrong, good.fingerprint)


def test_wrong_system(molecules):
    system = app.ForceField("amber99sbildn.xml").createSystem(molecules["dipeptide"].topology)
    with pytest.raises(ValueError, match="the Topology has 20 atoms but the System 22 particles"):
        TorsionRepresentation.from_topology(molecules["hexane"].topology, system)
