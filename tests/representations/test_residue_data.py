"""Residue data on disk: what is read back, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.representations.residue_data import open_residue_data, write_residue_data
from openmm_genmd.representations.residue_frames import backbone_of, frames_of, torsions_of

FILE = Path("run-000.dcd")


def jiggled(peptide, n, seed=0):
    """Conformations (n, n_atoms, 3) float32, nm, around those of the peptide."""
    rng = np.random.default_rng(seed)
    start = peptide.positions[rng.integers(2, size=n)]
    return (start + rng.normal(scale=0.002, size=start.shape)).astype(np.float32)


def chunks(positions, size, box=None):
    for first in range(0, len(positions), size):
        part = positions[first : first + size]
        yield Frames(part, None if box is None else box[first : first + size], FILE, first)


def write(folder, peptide, sources, **options):
    options = {"name": "a peptide", "frame_interval_ps": 10.0} | options
    return write_residue_data(folder, peptide.topology, sources, **options)


def test_what_was_written_is_read(tmp_path, peptide):
    replicas = [jiggled(peptide, 25, seed=1), jiggled(peptide, 4, seed=2)]
    folder = tmp_path / "new" / "folder"
    sources = (chunks(replica, 10) for replica in replicas)
    written = write(folder, peptide, sources, temperature_k=300.0)
    data = open_residue_data(folder)
    everything = np.concatenate(replicas)
    np.testing.assert_array_equal(data.backbone_angstrom, backbone_of(everything, peptide.layout))
    np.testing.assert_array_equal(data.torsions_rad, torsions_of(everything, peptide.layout))
    assert data.backbone_angstrom.dtype == data.torsions_rad.dtype == np.float32
    assert isinstance(data.backbone_angstrom, np.memmap)
    assert data.layout.matches(peptide.layout)
    assert (data.name, data.lengths, len(data)) == ("a peptide", (25, 4), 29)
    assert (data.frame_interval_ps, data.temperature_k) == (10.0, 300.0)
    assert data.replicas == (slice(0, 25), slice(25, 29))
    assert data.topology_file == folder / "topology.pdb" == written.topology_file
    assert {file.name for file in folder.iterdir()} == {
        *("topology.pdb", "backbone.npy", "torsions.npy", "residue_data.json")
    }


def test_frames_are_made_when_asked_for(tmp_path, proline_ends):
    positions = jiggled(proline_ends, 12)
    data = write(tmp_path, proline_ends, [chunks(positions, 5)])
    chosen = np.array([7, 0, 11])
    expected = frames_of(backbone_of(positions[chosen].astype(float), proline_ends.layout))
    frames = data.frames(chosen)
    np.testing.assert_allclose(frames.rotations, expected.rotations, atol=1e-6)
    translations = expected.translations_angstrom
    np.testing.assert_allclose(frames.translations_angstrom, translations, rtol=1e-6)


def test_the_topology_keeps_its_bonds_and_first_frame(tmp_path, all_residues):
    data = write(tmp_path, all_residues, [chunks(jiggled(all_residues, 3), 5)])
    again = data.topology()
    pairs = [{(b[0].index, b[1].index) for b in t.bonds()} for t in (again, all_residues.topology)]
    assert {tuple(sorted(p)) for p in pairs[0]} == {tuple(sorted(p)) for p in pairs[1]}
    loaded = app.PDBFile(str(data.topology_file)).getPositions(asNumpy=True)._value
    np.testing.assert_allclose(loaded, jiggled(all_residues, 3)[0], atol=6e-5)


def test_broken_molecules_are_made_whole(tmp_path, proline_ends):
    whole = jiggled(proline_ends, 6)
    box = np.tile(np.diag([2.0, 2.0, 2.0]), (6, 1, 1))
    wrapped = whole.copy()
    wrapped[2:] = np.mod(wrapped[2:], 2.0)
    assert np.abs(np.diff(wrapped, axis=1)).max() > 1.5
    data = write(tmp_path, proline_ends, [chunks(wrapped, 4, box)])
    shift = data.backbone_angstrom - backbone_of(whole, proline_ends.layout)
    np.testing.assert_allclose(shift / 20, np.round(shift[:, :1, :1] / 20) + 0 * shift, atol=1e-5)
    np.testing.assert_allclose(
        data.torsions_rad, torsions_of(whole, proline_ends.layout), atol=1e-4
    )


def test_a_box_of_zeros_is_no_box(tmp_path, proline_ends):
    positions = jiggled(proline_ends, 3)
    data = write(tmp_path, proline_ends, [chunks(positions, 4, np.zeros((3, 3, 3)))])
    np.testing.assert_array_equal(data.torsions_rad, torsions_of(positions, proline_ends.layout))


def test_an_interrupted_writer_leaves_nothing_that_opens(tmp_path, proline_ends):
    positions = jiggled(proline_ends, 12)
    write(tmp_path, proline_ends, [chunks(positions, 5)])

    def interrupted():
        yield from chunks(positions, 5)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, proline_ends, [interrupted()])
    with pytest.raises(FileNotFoundError, match=r"no residue data in .*written when they are comp"):
        open_residue_data(tmp_path)
    assert not list(tmp_path.glob("*.partial"))
    assert len(write(tmp_path, proline_ends, [chunks(positions[:3], 5)])) == 3


@pytest.mark.parametrize("option", ["frame_interval_ps", "temperature_k"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_times_and_temperatures_are_positive(tmp_path, proline_ends, option, value):
    with pytest.raises(ValueError, match=f"{option} must be positive, got {value}"):
        write(tmp_path, proline_ends, [], **{option: value})


@pytest.mark.parametrize("n_frames", [(), (0,), (3, 0)])
def test_trajectories_without_frames_are_refused(tmp_path, proline_ends, n_frames):
    sources = [chunks(jiggled(proline_ends, n), 5) for n in n_frames]
    with pytest.raises(ValueError, match="expected frames in every trajectory, got"):
        write(tmp_path, proline_ends, sources)


def test_a_frame_without_backbone_is_named(tmp_path, proline_ends):
    positions = jiggled(proline_ends, 12)
    positions[8] = 0
    message = r"run-000.dcd, counted from frame 5: .* conformation 3 are in line"
    with pytest.raises(ValueError, match=message):
        write(tmp_path, proline_ends, [chunks(positions, 5)])


def test_a_topology_that_pdb_files_change_is_refused(tmp_path):
    """Caps as part of the residue have no bonds in a PDB file."""
    original, positions = load_structure("alanine-dipeptide")
    topology = app.Topology()
    residue = topology.addResidue("ALA", topology.addChain())
    atoms = [
        topology.addAtom(
            a.name if a.residue.name == "ALA" else f"{a.element.symbol}{n}Y", a.element, residue
        )
        for n, a in enumerate(original.atoms())
    ]
    for bond in original.bonds():
        topology.addBond(atoms[bond[0].index], atoms[bond[1].index])
    message = r"topology of A with 3 torsions becomes A with 0 .* caps as residues ACE and NME"
    with pytest.raises(ValueError, match=message):
        write_residue_data(
            tmp_path,
            topology,
            [[Frames(positions[None], None, FILE, 0)]],
            name="ala",
            frame_interval_ps=1.0,
        )


def test_damaged_data_are_refused(tmp_path, proline_ends):
    write(tmp_path, proline_ends, [chunks(jiggled(proline_ends, 12), 5)])
    description = json.loads((tmp_path / "residue_data.json").read_text())
    (tmp_path / "residue_data.json").write_text(json.dumps(description | {"lengths": [11]}))
    message = (
        r"tells of 11 frames of PGP, but .* \(12, 3, 3, 3\) and \(12, 3, 7\); write them again"
    )
    with pytest.raises(ValueError, match=message):
        open_residue_data(tmp_path)
    (tmp_path / "residue_data.json").write_text(json.dumps(description | {"surprise": 1}))
    with pytest.raises(ValueError, match=r"damaged residue data in (.|\n)*surprise"):
        open_residue_data(tmp_path)
    (tmp_path / "residue_data.json").write_text(json.dumps(description))
    (tmp_path / "torsions.npy").write_bytes(b"")
    with pytest.raises(ValueError, match=r"damaged residue data in .*write them again"):
        open_residue_data(tmp_path)
