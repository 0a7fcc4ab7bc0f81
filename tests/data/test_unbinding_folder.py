"""Folders of unbinding trajectories: read, written by several processes, killed at any moment."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mdtraj
import numpy as np
import openmm
import pytest
from openmm import XmlSerializer, app

from openmm_genmd.data import unbinding_writer
from openmm_genmd.data.unbinding_folder import UnbindingFolder
from openmm_genmd.data.unbinding_writer import UnbindingWriter

HOST_GUEST = (
    Path(importlib.util.find_spec("openmmtools").submodule_search_locations[0]) / "data" / "cb7-b2"
)
LIGAND = np.arange(126, 156)


@pytest.fixture(scope="module")
def b2():
    prmtop = app.AmberPrmtopFile(str(HOST_GUEST / "complex-vacuum.prmtop"))
    crd = app.AmberInpcrdFile(str(HOST_GUEST / "complex-vacuum.inpcrd"))
    x = np.array(crd.getPositions(asNumpy=True)._value)
    return prmtop.topology, x, prmtop.createSystem(constraints=app.HBonds)


def frames(x, n=5, seed=0):
    return x + 0.01 * np.random.default_rng(seed).normal(size=(n, *x.shape))


def bonds(topology):
    return {frozenset((a.index, b.index)) for a, b in topology.bonds()}


def test_written_and_read(tmp_path, b2):
    topology, x, _ = b2
    writer = UnbindingWriter(tmp_path / "runs", "cb7-b2", topology, LIGAND[::-1], x)
    other = UnbindingWriter(tmp_path / "runs", "other", topology, range(126), x)
    added = [
        writer.append(frames(x, seed=1), method="pull", seed=1, frame_interval_ps=0.05),
        writer.append(frames(x, 3), method="", work_kcal_per_mol=-91.5, stable_exit=False),
    ]
    other.append(frames(x, 1), method="metadynamics", stable_exit=True)
    folder = UnbindingFolder.open(str(tmp_path / "runs"))
    assert [entry.id for entry in folder.entries] == ["cb7-b2", "other"]
    entry = folder.by_id["cb7-b2"]
    assert list(entry.trajectories) == added
    assert entry.ligand.tolist() == LIGAND.tolist()
    assert bonds(entry.topology) == bonds(topology)
    first, second = entry.trajectories
    assert (first.method, first.seed, first.frame_interval_ps) == ("pull", 1, 0.05)
    assert (first.work_kcal_per_mol, first.stable_exit) == (None, None)
    assert (second.work_kcal_per_mol, second.stable_exit) == (-91.5, False)
    read = entry.read(first)
    assert read.dtype == np.float32
    # float32 of Angstrom; xtc would be off by up to 5e-4.
    np.testing.assert_allclose(read, frames(x, seed=1), rtol=0, atol=1e-6)
    source = entry.source(first, stride=2)
    assert (source.name, source.frame_interval_ps, source.n_frames) == ("cb7-b2", 0.1, 3)
    np.testing.assert_array_equal(next(source.iterate()).positions_nm, read[::2])
    assert folder.by_id["other"].trajectories[0].path == "other/00000.dcd"


def test_a_writer_resumes(tmp_path, b2):
    topology, x, _ = b2
    UnbindingWriter(tmp_path, "a", topology, LIGAND, x).append(frames(x), method="pull", seed=3)
    again = UnbindingWriter(tmp_path, "a", topology, LIGAND, x)
    assert [t.seed for t in again.trajectories()] == [3]
    again.append(frames(x), method="pull", seed=4)
    assert [t.path for t in again.trajectories()] == ["a/00000.dcd", "a/00001.dcd"]


def test_what_a_killed_process_leaves_is_not_read(tmp_path, b2, monkeypatch):
    """Killed between the trajectory and the index, and while it wrote the trajectory."""
    topology, x, _ = b2
    writer = UnbindingWriter(tmp_path, "a", topology, LIGAND, x)
    writer.append(frames(x, seed=1), method="pull", seed=1)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(unbinding_writer, "write_index", killed)
        with pytest.raises(KeyboardInterrupt):
            writer.append(frames(x, seed=2), method="pull", seed=2)
    (tmp_path / "a" / "00001.partial.dcd").write_bytes(b"half")
    (tmp_path / "index.json.partial").write_text('[{"id"')
    [entry] = UnbindingFolder.open(tmp_path).entries
    assert [t.seed for t in entry.trajectories] == [1]
    writer.append(frames(x, seed=3), method="pull", seed=3)
    [entry] = UnbindingFolder.open(tmp_path).entries
    assert [t.seed for t in entry.trajectories] == [1, 3]
    np.testing.assert_allclose(
        entry.read(entry.trajectories[1]), frames(x, seed=3), rtol=0, atol=1e-6
    )


WORKER = """
import sys
import numpy as np
from openmm import app
from openmm_genmd.data.unbinding_writer import UnbindingWriter
folder, data, first, last = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
topology = app.AmberPrmtopFile(f"{data}/complex-vacuum.prmtop").topology
crd = app.AmberInpcrdFile(f"{data}/complex-vacuum.inpcrd")
x = np.array(crd.getPositions(asNumpy=True)._value)
writer = UnbindingWriter(folder, "a", topology, range(126, 156), x)
print("ready", flush=True)
for seed in range(first, last):
    writer.append(np.tile(x + 0.001 * seed, (20, 1, 1)), method="pull", seed=seed)
"""


def start(folder, first, last):
    command = [sys.executable, "-c", WORKER, folder, HOST_GUEST, str(first), str(last)]
    return subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE)


def test_several_processes_of_which_one_is_killed(tmp_path, b2):
    _, x, _ = b2
    lasting, killed = start(tmp_path, 0, 40), start(tmp_path, 1000, 10**6)
    assert killed.stdout.readline() == b"ready\n"
    time.sleep(0.3)
    os.kill(killed.pid, signal.SIGKILL)
    assert (lasting.wait(60), killed.wait(60)) == (0, -signal.SIGKILL)
    for process in (lasting, killed):
        process.stdout.close()
    [entry] = UnbindingFolder.open(tmp_path).entries
    seeds = [t.seed for t in entry.trajectories]
    assert sorted(seed for seed in seeds if seed < 1000) == list(range(40))
    assert len(seeds) > 40
    assert len({t.path for t in entry.trajectories}) == len(seeds)
    for trajectory in entry.trajectories[:: max(1, len(seeds) // 20)]:
        expected = np.tile(x + 0.001 * trajectory.seed, (20, 1, 1))
        np.testing.assert_allclose(entry.read(trajectory), expected, rtol=1e-6, atol=1e-6)


def foreign(folder, b2, **changes):
    """A folder of somebody else: prmtop, xtc, the ligand by name, bare paths."""
    folder.mkdir(exist_ok=True)
    (folder / "top.prmtop").write_bytes((HOST_GUEST / "complex-vacuum.prmtop").read_bytes())
    converted = mdtraj.Topology.from_openmm(b2[0])
    times = 2.0 * np.arange(5)
    mdtraj.Trajectory(frames(b2[1]), converted, time=times).save_xtc(str(folder / "a.xtc"))
    entry = {"id": "a", "topology": "top.prmtop", "ligand": "B2", "trajectories": ["a.xtc"]}
    entry |= changes
    (folder / "index.json").write_text(json.dumps([entry]))
    return folder


def test_foreign_folders(tmp_path, b2):
    [entry] = UnbindingFolder.open(foreign(tmp_path, b2)).entries
    assert entry.ligand.tolist() == LIGAND.tolist()
    [trajectory] = entry.trajectories
    assert (trajectory.path, trajectory.method) == ("a.xtc", "")
    np.testing.assert_allclose(entry.read(trajectory), frames(b2[1]), rtol=0, atol=6e-4)
    assert entry.source(trajectory).frame_interval_ps == 2.0


def test_bonds_from_a_system(tmp_path, b2):
    """A PDB file without CONECT records has none of the host's."""
    topology, x, system = b2
    folder = foreign(tmp_path, b2, topology="a.pdb", system="a.xml", ligand=LIGAND.tolist())
    topology_without = app.Topology()
    for residue in topology.residues():
        added = topology_without.addResidue(residue.name, topology_without.addChain())
        for atom in residue.atoms():
            topology_without.addAtom(atom.name, atom.element, added)
    with (folder / "a.pdb").open("w") as file:
        app.PDBFile.writeFile(topology_without, x * 10, file)
    (folder / "a.xml").write_text(XmlSerializer.serialize(system))
    [entry] = UnbindingFolder.open(folder).entries
    assert bonds(entry.topology) == bonds(topology)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ligand": "LIG"}, r"index.json, ligand of a: .* 'LIG' matches no atom; there are resid"),
        ({"ligand": [155, 156]}, r"the ligand of a should be some of .* 2 indices from 155 to 156"),
        ({"ligand": []}, "should be some of the 156 atoms 0 to 155 of top.prmtop, got 0 indices"),
        ({"ligand": list(range(156))}, "got 156 indices from 0 to 155"),
        ({"ligand": 3.5}, r"cannot read .*index.json: .* at 0.ligand"),
        (
            {"trajectories": [{"pth": "a.xtc"}]},
            r"Field required at 0.trajectories.0.path; ",
        ),
        ({"trajectories": {"path": "a.xtc"}}, r"valid array at 0.trajectories; expected a list"),
        (
            {"work": 3},
            r"inputs are not permitted at 0.work; expected a list of",
        ),
    ],
)
def test_bad_entries(tmp_path, b2, changes, words):
    with pytest.raises(ValueError, match=words):
        UnbindingFolder.open(foreign(tmp_path, b2, **changes))


def test_bad_folders(tmp_path, b2):
    with pytest.raises(FileNotFoundError, match=r"no folder at .*nowhere; give one with an index"):
        UnbindingFolder.open(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"has no index.json; expected a folder that genmd"):
        UnbindingFolder.open(tmp_path)
    folder = foreign(tmp_path / "a", b2, trajectories=["a.xtc", "b.xtc", "c.xtc"])
    with pytest.raises(FileNotFoundError, match=r"2 files of a that do not exist, the first b.xtc"):
        UnbindingFolder.open(folder)
    entries = json.loads((foreign(folder, b2) / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(entries * 2))
    with pytest.raises(ValueError, match="has 2 entries with the id 'a'; merge their trajectories"):
        UnbindingFolder.open(folder)
    (folder / "index.json").write_text("[{")
    with pytest.raises(ValueError, match=r"cannot read .*index.json: .* at its beginning"):
        UnbindingFolder.open(folder)


def test_bad_systems(tmp_path, b2):
    folder = foreign(tmp_path, b2, system="a.xml")
    (folder / "a.xml").write_text("text")
    with pytest.raises(ValueError, match=r"cannot read the System of a in .*a.xml"):
        UnbindingFolder.open(folder)
    (folder / "a.xml").write_text(XmlSerializer.serialize(openmm.System()))
    with pytest.raises(ValueError, match="has 0 particles, but the topology of a 156 atoms; give"):
        UnbindingFolder.open(folder)


def test_damaged_trajectories(tmp_path, b2):
    topology, x, _ = b2
    writer = UnbindingWriter(tmp_path, "a", topology, LIGAND, x)
    short = writer.append(frames(x), method="pull")
    wrong = writer.append(10 * frames(x), method="pull")
    path = tmp_path / short.path
    path.write_bytes(path.read_bytes()[:300])
    [entry] = UnbindingFolder.open(tmp_path).entries
    with pytest.raises(ValueError, match=r"00000.dcd"):
        entry.read(short)
    with pytest.raises(ValueError, match=r"bonds in the first frame of .*00001.dcd are .* times"):
        entry.read(wrong)


def test_bad_appends(tmp_path, b2):
    topology, x, _ = b2
    writer = UnbindingWriter(tmp_path, "a", topology, LIGAND, x)
    with pytest.raises(ValueError, match="expected at least one frame of a, got none"):
        writer.append(frames(x, 0), method="pull")
    with pytest.raises(ValueError, match="the work must be finite, got nan kcal/mol; leave out"):
        writer.append(frames(x), method="pull", work_kcal_per_mol=np.nan)
    with pytest.raises(ValueError, match="have positions that are not finite"):
        writer.append(frames(x) * np.inf, method="pull")
    with pytest.raises(ValueError, match=r"must have shape \(n, 156, 3\)"):
        writer.append(frames(x)[:, 1:], method="pull")
    with pytest.raises(ValueError, match="greater than 0"):
        writer.append(frames(x), method="pull", frame_interval_ps=0.0)
    assert UnbindingFolder.open(tmp_path).entries[0].trajectories == ()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["topology.pdb"]


def test_bad_writers(tmp_path, b2):
    topology, x, _ = b2
    UnbindingWriter(tmp_path, "a", topology, LIGAND, x)
    with pytest.raises(
        ValueError, match=r"another complex with the id 'a' .* choose another id or"
    ):
        UnbindingWriter(tmp_path, "a", topology, LIGAND[1:], x)
    with pytest.raises(ValueError, match=r"must consist of letters, digits and ._\+-, got '../a'"):
        UnbindingWriter(tmp_path, "../a", topology, LIGAND, x)
    for ligand in ([], [156], range(156)):
        with pytest.raises(ValueError, match="some of the atoms 0 to 155 of the topology"):
            UnbindingWriter(tmp_path, "b", topology, ligand, x)
    # Bonds of residues with names of amino acids are not written.
    renamed = app.AmberPrmtopFile(str(HOST_GUEST / "complex-vacuum.prmtop")).topology
    for residue in renamed.residues():
        residue.name = "ALA"
    atoms = list(renamed.atoms())
    renamed.addBond(atoms[0], atoms[150])
    with pytest.raises(ValueError, match=r"do not come back from a PDB file: expected 179 bonds"):
        UnbindingWriter(tmp_path, "c", renamed, LIGAND, x)
