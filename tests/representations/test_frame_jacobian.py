"""Volume that leaps of frames keep: determinants by differences, and twins that change it."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.frame_representation import FrameRepresentation
from openmm_genmd.representations.residue_frames import ResidueFrames

CASES = [("GG", "none"), ("AG", "ace-nme"), ("PS", "none"), ("C", "ace-nme")]
STEP = 1e-5


def prepare(sequence, caps):
    """Representation, and a conformation whose bonds and angles are not ideal."""
    topology, positions = build_peptide(sequence, caps)
    noise = np.random.default_rng(1).normal(size=positions.shape)
    return FrameRepresentation.from_topology(topology), positions + 0.005 * noise


def random_motions(n_residues, rng):
    """Frames near the unit motion, so that peptide bonds are strained but not absurd."""
    rotations = Rotation.from_rotvec(0.4 * rng.normal(size=(n_residues, 3))).as_matrix()
    return ResidueFrames(rotations, 0.4 * rng.normal(size=(n_residues, 3)))


def shifted(frames, torsions, steps, rotated_by=None):
    """Frames and torsions changed by steps (n, 6 R + n_torsions), turns in the frames' own axes."""
    n_residues = len(frames.translations_angstrom)
    parts = steps[:, : 6 * n_residues].reshape(-1, n_residues, 6)
    turns = Rotation.from_rotvec(parts[..., :3].reshape(-1, 3)).as_matrix()
    rotations = frames.rotations @ turns.reshape(-1, n_residues, 3, 3)
    if rotated_by is not None:
        rotations = rotated_by(frames.rotations, parts[..., :3])
    moved = ResidueFrames(rotations, frames.translations_angstrom + parts[..., 3:])
    return moved, torsions + steps[:, 6 * n_residues :]


def flat_turns(rotations, steps):
    """Steps of rotation vectors: a measure that is not Haar's."""
    vectors = Rotation.from_matrix(rotations).as_rotvec() + steps
    return Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*steps.shape, 3)


def difference(plus, minus):
    """Columns of a Jacobian, (3 n_moved, n)."""
    return ((plus - minus) / (2 * STEP)).reshape(len(plus), -1).T


def log_volume(decode, z, x, rotated_by=None):
    """Log of |det| of (frames, torsions, carried) -> Cartesian coordinates.

    Carried coordinates are those along directions at x that together with the soft ones at x span
    everything; any would do.
    """
    unit = STEP * np.eye(6 * len(z[0].translations_angstrom) + len(z[1]))
    soft = difference(
        decode(*shifted(*z, unit, rotated_by), x), decode(*shifted(*z, -unit, rotated_by), x)
    )
    directions = np.linalg.qr(np.random.default_rng(0).normal(size=(x.size, x.size)))[0]
    directions = STEP * directions[: x.size - len(unit)].reshape(-1, *x.shape)
    carried = difference(decode(*z, x + directions), decode(*z, x - directions))
    return np.linalg.slogdet(np.hstack((soft, carried)))[1]


def volumes(representation, decode, x, rotated_by=None):
    """Logarithms of volumes at several random values of the soft coordinates."""
    rng = np.random.default_rng(2)
    frames, torsions = representation.encode(x)
    found = []
    for _ in range(5):
        z = (
            random_motions(len(representation.layout), rng).compose(frames),
            rng.uniform(-np.pi, np.pi, torsions.shape),
        )
        found.append(log_volume(decode, z, x, rotated_by))
    return np.array(found)


@pytest.mark.parametrize(("sequence", "caps"), CASES)
def test_volume_depends_on_what_is_carried_alone(sequence, caps):
    representation, x = prepare(sequence, caps)
    assert np.ptp(volumes(representation, representation.decode, x)) < 1e-6


@pytest.mark.parametrize(("sequence", "caps"), CASES)
def test_rigid_motions_and_turns_keep_the_volume(sequence, caps):
    """The leap as a map of conformations: all frames moved, all torsions turned."""
    representation, x = prepare(sequence, caps)
    assert abs(log_volume_of_leap(representation, representation.decode, x)) < 1e-6


def log_volume_of_leap(representation, decode, x):
    motions = random_motions(len(representation.layout), np.random.default_rng(3))
    steps = np.linspace(0.5, 1.5, len(representation.torsions))

    def leap(conformations):
        frames, torsions = representation.encode(conformations)
        return decode(motions.compose(frames), torsions + steps, conformations)

    unit = STEP * np.eye(x.size).reshape(-1, *x.shape)
    return np.linalg.slogdet(difference(leap(x + unit), leap(x - unit)))[1]


def test_flat_measure_of_rotation_vectors_is_noticed():
    representation, x = prepare("GG", "none")
    assert np.ptp(volumes(representation, representation.decode, x, flat_turns)) > 0.05


def stretching(representation):
    """Twin: bonds of O and H grow with the peptide bond, so that planes look relaxed."""
    names = representation.fingerprint.names
    carbon, oxygen, nitrogen, hydrogen = range(7, 11)
    assert "".join(names[carbon : hydrogen + 1]) == "CONH"

    def decode(frames, torsions, x):
        y = representation.decode(frames, torsions, x)
        length = np.linalg.norm(y[..., carbon, :] - y[..., nitrogen, :], axis=-1)
        for atom, center in ((oxygen, carbon), (hydrogen, nitrogen)):
            bond = y[..., atom, :] - y[..., center, :]
            y[..., atom, :] = y[..., center, :] + (length / 0.1335)[..., None] * bond
        return y

    return decode


def test_twin_whose_hydrogens_are_stretched_is_noticed():
    representation, x = prepare("GG", "none")
    twin = stretching(representation)
    assert np.ptp(volumes(representation, twin, x)) > 0.05
    assert abs(log_volume_of_leap(representation, twin, x)) > 0.05


def test_twin_with_ideal_geometry_is_noticed():
    """No volume at all: the way back does not lead to where it started."""
    representation, ideal = prepare("GG", "none")
    x = ideal + 0.01

    def decode(frames, torsions, conformations):
        return representation.decode(frames, torsions, np.broadcast_to(ideal, conformations.shape))

    assert (volumes(representation, decode, x) < -100).all()
    distorted = ideal + 0.01 * np.random.default_rng(5).normal(size=ideal.shape)
    back = decode(*representation.encode(distorted), distorted)
    assert np.abs(back - distorted).max() > 0.005
