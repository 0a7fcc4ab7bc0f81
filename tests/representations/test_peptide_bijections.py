"""Torsions and frames of peptides are bijections: what leaps reach, lead back to, and keep."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.side_chains import ONE_LETTER
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.residue_frames import ResidueFrames
from openmm_genmd.representations.torsions import TorsionRepresentation

NAMES = [
    *("all residues", "glycines", "one residue", "capped prolines", "prolines at the ends"),
    *("charged zwitterion", "aromatic zwitterion", "polar", "HID", "HIE", "HIP", "amide cap"),
    *("one D residue", "all D", "head to tail", "unknown residues", "disulfide"),
]
FRAMED = [name for name in NAMES if name != "disulfide"]
examples = settings(deadline=None, derandomize=True, max_examples=8)


class Frames:
    """Random soft coordinates of a `FrameRepresentation`, and how far two of them are apart."""

    def __init__(self, topology):
        self.representation = FrameRepresentation.from_topology(topology)

    def random(self, rng):
        n_residues = len(self.representation.layout)
        rotations = Rotation.random(n_residues, rng=rng).as_matrix()
        frames = ResidueFrames(rotations, rng.normal(size=(n_residues, 3)) * 5)
        return frames, rng.uniform(-np.pi, np.pi, len(self.representation.torsions))

    def encode(self, x):
        return self.representation.encode(x)

    def decode(self, z, x):
        return self.representation.decode(*z, x)

    @staticmethod
    def distance(one, other):
        (f, phi), (g, psi) = one, other
        shifts = np.abs(f.translations_angstrom - g.translations_angstrom).max()
        turns = np.abs(f.rotations - g.rotations).max()
        return max(shifts, turns, circular(phi - psi))


class Torsions:
    """The same of a `TorsionRepresentation`."""

    def __init__(self, topology):
        self.representation = TorsionRepresentation.from_topology(topology)

    def random(self, rng):
        return rng.uniform(-np.pi, np.pi, len(self.representation.torsions))

    def encode(self, x):
        return self.representation.encode(x)

    def decode(self, z, x):
        return self.representation.decode(z, x)

    @staticmethod
    def distance(one, other):
        return circular(one - other)


def circular(difference):
    return np.abs(np.remainder(difference + np.pi, 2 * np.pi) - np.pi).max(initial=0)


@pytest.fixture(scope="module")
def cases(peptides):
    """(name, kind) -> a Frames or Torsions of the peptide, and its positions (n, 3) in nm."""
    made = type(peptides)()
    for name in NAMES:
        for kind in (Frames, Torsions) if name in FRAMED else (Torsions,):
            made[name, kind] = kind(peptides[name].topology), peptides[name].positions[0]
    return made


def random_case(cases, name, kind, seed):
    """Coordinates, a conformation with distorted bonds and angles, and two values of z."""
    coordinates, positions = cases[name, kind]
    rng = np.random.default_rng(seed)
    distorted = positions + 0.01 * rng.normal(size=positions.shape)
    x = coordinates.decode(coordinates.random(rng), distorted)
    return coordinates, x, coordinates.random(rng), coordinates.random(rng)


every_kind = pytest.mark.parametrize(
    ("kind", "name"), [(Torsions, name) for name in NAMES] + [(Frames, name) for name in FRAMED]
)


@every_kind
@examples
@given(seed=st.integers(0, 2**32))
def test_round_trips(cases, kind, name, seed):
    coordinates, x, z, other = random_case(cases, name, kind, seed)
    y = coordinates.decode(z, x)
    assert np.abs(y - x).max() > 1e-4
    assert coordinates.distance(coordinates.encode(y), z) < 1e-8
    assert np.abs(coordinates.decode(coordinates.encode(x), x) - x).max() < 1e-11
    # What is carried is still there: from y every conformation is reached as from x.
    assert np.abs(coordinates.decode(coordinates.encode(x), y) - x).max() < 1e-9
    assert np.abs(coordinates.decode(other, y) - coordinates.decode(other, x)).max() < 1e-9


@every_kind
@examples
@given(seed=st.integers(0, 2**32))
def test_bonds_and_chirality_are_carried(cases, peptides, kind, name, seed):
    coordinates, x, z, _ = random_case(cases, name, kind, seed)
    y = coordinates.decode(z, x)
    topology = peptides[name].topology
    bonds = np.array([pair for pair in BondGraph.of(topology).bonds if kept(topology, kind, pair)])
    assert np.abs(distances(x, bonds) - distances(y, bonds)).max() < 1e-10
    neighbours = BondGraph.of(topology).neighbours
    centers = [around for around in neighbours.values() if len(around) == 4]
    corners = np.array([three for around in centers for three in itertools.combinations(around, 3)])
    middle = np.repeat([n for n, around in neighbours.items() if len(around) == 4], 4)
    assert np.abs(volumes(x, middle, corners) - volumes(y, middle, corners)).max() < 1e-12
    assert np.abs(volumes(x, middle, corners)).max() > 1e-4


@every_kind
@examples
@given(seed=st.integers(0, 2**32))
def test_hydrogens_on_one_atom_stay_together(cases, peptides, kind, name, seed):
    """Lengths and angles of constraints at one heavy atom: those of HBonds and their measure."""
    coordinates, x, z, _ = random_case(cases, name, kind, seed)
    y = coordinates.decode(z, x)
    hydrogen = [atom.element.symbol == "H" for atom in peptides[name].topology.atoms()]
    neighbours = BondGraph.of(peptides[name].topology).neighbours
    pairs = [
        pair
        for heavy, around in neighbours.items()
        if not hydrogen[heavy]
        for pair in itertools.combinations([heavy, *(n for n in around if hydrogen[n])], 2)
    ]
    assert len(pairs) > sum(hydrogen)
    assert np.abs(distances(x, np.array(pairs)) - distances(y, np.array(pairs))).max() < 1e-10


def kept(topology, kind, pair):
    """Whether the representation keeps a bond: frames stretch peptide bonds between residues."""
    residues = {list(topology.atoms())[n].residue for n in pair}
    capped = {r.name for r in residues} & {"ACE", "NME", "NH2"}
    return kind is Torsions or len(residues) == 1 or bool(capped)


def distances(x, pairs):
    return np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=-1)


def volumes(x, middle, corners):
    return np.linalg.det(x[corners] - x[middle][:, None])


def test_all_residues_and_states_are_in_the_pool(peptides):
    names = {residue.name for p in peptides.values() for residue in p.topology.residues()}
    assert names >= {*ONE_LETTER.values(), "HID", "HIE", "HIP", "CYX", "ACE", "NME", "NH2"}
    assert set(peptides) == set(NAMES)


@pytest.mark.parametrize(
    ("name", "left_handed"), [("one D residue", [1]), ("all D", [0, 1, 2, 3]), ("polar", [])]
)
def test_handedness_of_alpha_carbons(peptides, cases, name, left_handed):
    """D residues are in the pool as such, and stay what they are under both kinds of leaps."""
    for kind in (Frames, Torsions):
        coordinates, x, z, _ = random_case(cases, name, kind, seed=1)
        y = coordinates.decode(z, x)
        assert d_residues(peptides[name], y) == d_residues(peptides[name], x) == left_handed


def d_residues(peptide, x):
    def is_d(residue):
        n, alpha, c, beta = (
            x[next(a.index for a in residue.atoms() if a.name == name)]
            for name in ("N", "CA", "C", "CB")
        )
        return np.linalg.det([n - alpha, beta - alpha, c - alpha]) > 0

    amino_acids = [r for r in peptide.topology.residues() if r.name not in ("ACE", "NME")]
    with_beta = [(n, r) for n, r in enumerate(amino_acids) if r.name != "GLY"]
    return [n for n, residue in with_beta if is_d(residue)]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("capped prolines", Torsions), ("capped prolines", Frames), ("prolines at the ends", Frames)],
)
def test_proline_rings_stay_rigid(peptides, cases, name, kind):
    coordinates, x, z, _ = random_case(cases, name, kind, seed=2)
    y = coordinates.decode(z, x)
    rings = [r for r in peptides[name].topology.residues() if r.name == "PRO"]
    assert len(rings) == 2
    for residue in rings:
        ring = [a.index for a in residue.atoms() if a.name in ("N", "CA", "CB", "CG", "CD")]
        pairs = np.array(list(itertools.combinations(ring, 2)))
        assert np.abs(distances(x, pairs) - distances(y, pairs)).max() < 1e-12
    turned = [t.name for t in coordinates.representation.torsions if "PRO" in t.name]
    assert all(name.startswith("psi") for name in turned)


def test_torsions_in_a_disulfide_ring_do_not_turn(peptides, cases):
    """The ring of a bridge stays rigid as a whole: backbone between the cysteines included."""
    coordinates, x, z, _ = random_case(cases, "disulfide", Torsions, seed=3)
    names = [torsion.name for torsion in coordinates.representation.torsions]
    assert names == ["psi CYX 4"]
    y = coordinates.decode(z, x)
    sulfurs = [a.index for a in peptides["disulfide"].topology.atoms() if a.name == "SG"]
    bridge = np.array([sulfurs])
    assert np.abs(distances(x, bridge) - distances(y, bridge)).max() < 1e-13


@pytest.mark.parametrize(
    ("name", "on_nitrogen"), [("HID", [1, 0]), ("HIE", [0, 1]), ("HIP", [1, 1])]
)
def test_histidines_differ_in_hydrogens_only(peptides, cases, name, on_nitrogen):
    atoms = {
        a.name for r in peptides[name].topology.residues() if r.name == name for a in r.atoms()
    }
    assert [int(proton in atoms) for proton in ("HD1", "HE2")] == on_nitrogen
    for kind in (Frames, Torsions):
        representation = cases[name, kind][0].representation
        assert {"chi1", "chi2"} <= {t.name.split()[0] for t in representation.torsions}
