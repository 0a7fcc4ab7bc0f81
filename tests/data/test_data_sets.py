"""Public data sets, in files of their exact layouts, come back in nm with the right names."""

from __future__ import annotations

import io
from pathlib import Path

import h5py
import mdtraj
import numpy as np
import openmmtools
import pytest
from openmm import app, unit

from openmm_genmd.data.mdgen import ATOM14, atom14_topology
from openmm_genmd.data.open_trajectories import open_trajectories
from openmm_genmd.data.side_chains import ONE_LETTER
from openmm_genmd.data.structures import load_structure

TOPOLOGY, START_NM = load_structure("alanine-dipeptide")
NUMBERS = [atom.element.atomic_number for atom in TOPOLOGY.atoms()]


def conformations(n: int, seed: int = 0) -> np.ndarray:
    """Frames ``(n, 22, 3)``, nm, that differ by a little noise, as stored (float32)."""
    noise = 0.003 * np.random.default_rng(seed).normal(size=(n, 22, 3))
    return (START_NM + noise).astype(np.float32)


def pdb_text() -> str:
    text = io.StringIO()
    app.PDBFile.writeFile(TOPOLOGY, START_NM * 10, text)
    return text.getvalue()


def write_mdcath(path: Path, key: str = "{kelvin}/{replica}") -> dict[tuple[int, int], np.ndarray]:
    """A domain with two temperatures and two replicas of different lengths."""
    written = {}
    with h5py.File(path, "w") as file:
        file.attrs["layout"] = "mdcath-only-protein-v1.0"
        domain = file.create_group("1abcA00")
        domain.attrs.update(numChains=1, numProteinAtoms=22, numResidues=3)
        domain["z"] = NUMBERS
        domain["element"] = [atom.element.symbol for atom in TOPOLOGY.atoms()]
        domain["resname"] = [atom.residue.name for atom in TOPOLOGY.atoms()]
        domain["chain"] = ["A"] * 22
        domain["resid"] = [atom.residue.index for atom in TOPOLOGY.atoms()]
        for name in ("pdb", "pdbProteinAtoms"):
            domain[name] = np.bytes_(pdb_text())
        domain["psf"] = np.bytes_("PSF")
        for kelvin, replica in ((450, 1), (320, 0), (320, 1), (450, 0)):
            positions_nm = written[kelvin, replica] = conformations(7 + replica, seed=kelvin)
            run = domain.create_group(key.format(kelvin=kelvin, replica=replica))
            run.attrs["numFrames"] = len(positions_nm)
            run["coords"] = 10 * positions_nm
            run["coords"].attrs["unit"] = "Angstrom"
            run["forces"] = np.zeros_like(positions_nm)
            run["forces"].attrs["unit"] = "kcal/mol/Angstrom"
            run["box"] = np.diag([5.0, 5.0, 5.0])
            run["box"].attrs["unit"] = "nm"
            run["dssp"] = np.full((len(positions_nm), 3), b"C", dtype=h5py.string_dtype())
            for name, shape in (("rmsd", len(positions_nm)), ("gyrationRadius", 7), ("rmsf", 3)):
                run[name] = np.zeros(shape)
    return written


@pytest.mark.parametrize("key", ["{kelvin}/{replica}", "sims{kelvin}K/{replica}"])
@pytest.mark.parametrize("stride", [1, 3])
def test_mdcath(tmp_path, key, stride):
    path = tmp_path / "mdcath_dataset_1abcA00.h5"
    written = write_mdcath(path, key)
    sources = open_trajectories([path], stride=stride)
    found = [(source.temperature_k, source.replica) for source in sources]
    assert found == [(320.0, "0"), (320.0, "1"), (450.0, "0"), (450.0, "1")]
    for source in sources:
        expected = written[int(source.temperature_k), int(source.replica)][::stride]
        parts = list(source.iterate(chunk=2))
        got = np.concatenate([part.positions_nm for part in parts])
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, expected, atol=1e-6)
        assert (source.name, source.n_frames) == ("1abcA00", len(expected))
        assert source.frame_interval_ps == 1000.0 * stride
        assert [part.first for part in parts] == list(range(0, 8, 2 * stride))[: len(parts)]
        np.testing.assert_array_equal(parts[0].box_nm[0], 5 * np.eye(3))


def _numbers_in_another_order(domain: h5py.Group) -> None:
    domain["z"][...] = NUMBERS[::-1]


def _coords_in_nm(domain: h5py.Group) -> None:
    domain["320/0/coords"][...] = START_NM


def _coords_in_another_order(domain: h5py.Group) -> None:
    domain["320/0/coords"][...] = 10 * START_NM[::-1]


def _unknown_unit(domain: h5py.Group) -> None:
    domain["320/0/coords"].attrs["unit"] = "bohr"


def _too_few_frames(domain: h5py.Group) -> None:
    domain["450/1"].attrs["numFrames"] = 450


def _no_coords(domain: h5py.Group) -> None:
    del domain["450/1/coords"]


def _no_simulations(domain: h5py.Group) -> None:
    del domain["320"]
    del domain["450"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_numbers_in_another_order, r"numbers in z \(22 atoms\) are not those of pdbProteinAtoms"),
        (_coords_in_nm, "are in nm where the format has Angstrom"),
        (_coords_in_another_order, "atoms are in another order than in the topology"),
        (_unknown_unit, "320/0/coords has the unit 'bohr'; expected Angstrom or nm"),
        (_too_few_frames, "450/1 should have 450 frames by its attribute numFrames, got 8"),
        (_no_coords, "has no dataset /1abcA00/450/1/coords; is the file complete"),
        (_no_simulations, r"has no simulations of 1abcA00; expected groups such as 1abcA00/320/0"),
    ],
)
def test_damaged_mdcath(tmp_path, change, words):
    write_mdcath(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        change(file["1abcA00"])
    with pytest.raises(ValueError, match=words):
        open_trajectories([tmp_path / "a.h5"])


def test_mdcath_in_nm_is_believed_if_it_says_so(tmp_path):
    write_mdcath(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "r+") as file:
        coords = file["1abcA00/320/0/coords"]
        coords[...] = coords[...] / 10
        coords.attrs["unit"] = b"nm"
        del file["1abcA00/320/0/box"]
    first = next(open_trajectories([tmp_path / "a.h5"])[0].iterate())
    np.testing.assert_allclose(first.positions_nm, conformations(7, seed=320), atol=1e-6)
    assert first.box_nm is None


def test_atlas(tmp_path):
    folder = tmp_path / "1xyz_A"
    folder.mkdir()
    (folder / "1xyz_A.pdb").write_text(pdb_text())
    converted = mdtraj.Topology.from_openmm(TOPOLOGY)
    for replica in (1, 2, 3):
        frames = mdtraj.Trajectory(conformations(5, replica), converted, 10.0 * np.arange(5))
        frames.save(str(folder / f"1xyz_A_prod_R{replica}_fit.xtc"))
    sources = open_trajectories([folder], stride=2)
    assert [(s.name, s.replica) for s in sources] == [("1xyz_A", f"R{n}") for n in (1, 2, 3)]
    assert {(s.frame_interval_ps, s.n_frames) for s in sources} == {(20.0, 3)}
    for replica, source in enumerate(sources, 1):
        [part] = source.iterate()
        np.testing.assert_allclose(part.positions_nm, conformations(5, replica)[::2], atol=6e-4)


@pytest.fixture(scope="module")
def lysozyme() -> tuple[str, np.ndarray]:
    """Sequence and atom14 array ``(162, 14, 3)``, Angstrom, of all amino acids."""
    folder = Path(openmmtools.__file__).parent / "data" / "T4-lysozyme-L99A-implicit"
    pdb = app.PDBFile(str(folder / "receptor.pdb"))
    positions = pdb.getPositions(asNumpy=True).value_in_unit(unit.angstrom)
    letters = {name: letter for letter, name in ONE_LETTER.items()}
    atom14 = np.zeros((pdb.topology.getNumResidues(), 14, 3))
    for residue in pdb.topology.residues():
        for atom in residue.atoms():
            if atom.name in ATOM14[residue.name]:
                place = ATOM14[residue.name].index(atom.name)
                atom14[residue.index, place] = positions[atom.index]
    centered = np.where(atom14 != 0, atom14 - atom14[80, 1] + 0.05, 0)
    return "".join(letters[r.name] for r in pdb.topology.residues()), centered


def write_mdgen(folder: Path, lysozyme, stem: str, n: int = 6) -> np.ndarray:
    sequence, atom14 = lysozyme
    folder.mkdir(exist_ok=True)
    (folder / "split.csv").write_text(f"name,seqres\nAAAA,AAAA\n2lzm,{sequence}\n")
    frames = np.where(atom14 != 0, atom14 + 0.1 * np.arange(n)[:, None, None, None], 0)
    np.save(folder / f"{stem}.npy", frames.astype(np.float16))
    return frames


@pytest.mark.parametrize(
    ("stem", "replica", "interval_ps"),
    [
        ("2lzm", "0", 0.1),
        ("2lzm_i100", "0", 10.0),
        ("2lzm_R2_i40", "R2", 400.0),
        ("2lzm_R1", "R1", 10.0),
    ],
)
def test_mdgen(tmp_path, lysozyme, stem, replica, interval_ps):
    frames = write_mdgen(tmp_path / "data", lysozyme, stem)
    [source] = open_trajectories([tmp_path / "data" / f"{stem}.npy"], stride=2)
    assert (source.name, source.replica, source.n_frames) == ("2lzm", replica, 3)
    assert source.frame_interval_ps == pytest.approx(2 * interval_ps)
    parts = list(source.iterate(chunk=2))
    got = np.concatenate([part.positions_nm for part in parts])
    assert got.dtype == np.float32
    chosen = frames[::2].reshape(3, -1, 3)[:, np.any(frames[0].reshape(-1, 3) != 0, axis=1)]
    np.testing.assert_allclose(got, chosen / 10, atol=0.0016)  # float16 beyond 32 Angstrom
    # All atoms hang together: a tree, plus a bond for each ring.
    n_rings = sum({"F": 1, "Y": 1, "H": 1, "P": 1, "W": 2}.get(s, 0) for s in lysozyme[0])
    assert source.topology.getNumBonds() == source.topology.getNumAtoms() - 1 + n_rings


def test_mdgen_elsewhere(tmp_path, lysozyme):
    write_mdgen(tmp_path / "data", lysozyme, "2lzm")
    (tmp_path / "data" / "split.csv").rename(tmp_path / "elsewhere.csv")
    path = tmp_path / "data" / "2lzm.npy"
    assert open_trajectories([path])[0].name == "2lzm"  # one folder up
    (tmp_path / "other").mkdir()
    path = path.rename(tmp_path / "other" / "2lzm.npy")
    assert open_trajectories([tmp_path / "other"], tmp_path / "elsewhere.csv")[0].n_frames == 6
    (tmp_path / "a.csv").write_text("name,seqres\nAAAA,AAAA\n")
    with pytest.raises(ValueError, match=r"no sequence of 2lzm for .* name=2lzm and its seqres in"):
        open_trajectories([path], tmp_path / "a.csv")


def test_damaged_mdgen(tmp_path, lysozyme):
    sequence, _ = lysozyme
    frames = write_mdgen(tmp_path, lysozyme, "2lzm")
    path = tmp_path / "2lzm.npy"

    def sequence_is(letters: str) -> None:
        (tmp_path / "split.csv").write_text(f"name,seqres\n2lzm,{letters}\n")

    sequence_is(sequence[:-1])
    with pytest.raises(ValueError, match=r"should have the shape \(n_frames, 161, 14, 3\) for"):
        open_trajectories([path])
    sequence_is(sequence[1:] + sequence[0])
    with pytest.raises(ValueError, match=r"residue 2 in .* has 8 atoms that are not those of PHE"):
        open_trajectories([path])
    sequence_is("X" + sequence[1:])
    with pytest.raises(ValueError, match="expected one-letter codes of the 20 amino acids, got X"):
        open_trajectories([path])
    sequence_is(sequence)
    np.save(path, (frames / 10).astype(np.float16))
    with pytest.raises(ValueError, match="are in nm where the format has Angstrom"):
        open_trajectories([path])
    np.save(path, frames[:0].astype(np.float16))
    with pytest.raises(ValueError, match=r"2lzm\.npy has no frames; is it complete"):
        open_trajectories([path])
    path.write_text("no")
    with pytest.raises(ValueError, match=r"cannot read .*2lzm\.npy as an array of numpy"):
        open_trajectories([path])


def test_all_atoms_of_atom14_are_bonded():
    topology, places = atom14_topology("ACDEFGHIKLMNPQRSTVWY")
    assert len(places) == topology.getNumAtoms() == 167
    assert topology.getNumBonds() == 166 + 6
