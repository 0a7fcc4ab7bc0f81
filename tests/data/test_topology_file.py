"""Topologies have the same atoms and bonds whichever program wrote the file."""

from __future__ import annotations

from pathlib import Path

import mdtraj
import numpy as np
import openmmtools
import pytest
from openmm import app

from openmm_genmd.data.molecules import BondGraph
from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.topology_file import load_topology, parse_pdb

LYSOZYME = Path(openmmtools.__file__).parent / "data" / "T4-lysozyme-L99A-implicit"


def bonds(topology: app.Topology) -> set[tuple[int, int]]:
    return set(BondGraph.of(topology).bonds)


def test_prmtop_and_pdb_agree():
    from_pdb, from_prmtop = (load_topology(LYSOZYME / f"receptor.{s}") for s in ("pdb", "prmtop"))
    assert [a.name for a in from_pdb.atoms()] == [a.name for a in from_prmtop.atoms()]
    assert len(bonds(from_pdb)) == 2623
    assert bonds(from_pdb) == bonds(from_prmtop)


@pytest.mark.parametrize("suffix", [".cif", ".h5", ".gro"])
def test_other_formats(tmp_path, suffix):
    topology, positions_nm = load_structure("alanine-dipeptide")
    path = tmp_path / f"a{suffix}"
    if suffix == ".cif":
        with path.open("w") as file:
            app.PDBxFile.writeFile(topology, positions_nm * 10, file)
    else:
        converted = mdtraj.Topology.from_openmm(topology)
        mdtraj.Trajectory(positions_nm[None].astype(np.float32), converted).save(str(path))
    loaded = load_topology(path)
    assert [a.name for a in loaded.atoms()] == [a.name for a in topology.atoms()]
    if suffix != ".gro":
        assert bonds(loaded) == bonds(topology)


def test_names_of_charmm():
    """HSE, hydrogens with names of CHARMM and of nobody, in a fragment of lysozyme around HIS."""
    lines = (LYSOZYME / "receptor.pdb").read_text().splitlines()
    fragment = [line for line in lines if line.startswith("ATOM") and 29 <= int(line[22:26]) <= 33]
    expected = parse_pdb("\n".join(fragment))
    assert [r.name for r in expected.residues()] == ["ILE", "GLY", "HIS", "LEU", "LEU"]
    renamed = "\n".join(fragment)
    for old, new in (
        (" HIS ", " HSE "),
        (" HIE ", " HSE "),
        (" H   ", " HN  "),
        (" HG  LEU", " HQ  LEU"),
        (" CD1 LEU", " CX  LEU"),
    ):
        renamed = renamed.replace(old, new)
    assert " HSE " in renamed
    assert " CX  LEU" in renamed
    got = parse_pdb(renamed)
    assert [r.name for r in got.residues()] == [r.name for r in expected.residues()]
    assert bonds(got) == bonds(expected)


def test_unknown_residue_gets_all_its_bonds():
    """A residue of which no reader knows anything, with bromine for chlorine, and its links."""
    lines = (LYSOZYME / "receptor.pdb").read_text().splitlines()
    fragment = [line for line in lines if line.startswith("ATOM") and 5 <= int(line[22:26]) <= 7]
    expected = parse_pdb("\n".join(fragment))
    middle = list(expected.residues())[1]
    renamed = [
        line.replace(line[17:20], "XYZ") if int(line[22:26]) == 6 else line for line in fragment
    ]
    got = parse_pdb("\n".join(renamed))
    assert middle.name == "MET"  # sulphur has longer bonds
    assert bonds(got) == bonds(expected)


def test_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no topology at .*none\.pdb"):
        load_topology(tmp_path / "none.pdb")
    (tmp_path / "a.pdb").write_text("REMARK\n")
    with pytest.raises(ValueError, match=r"cannot read a topology from .*a\.pdb: .*; expected PDB"):
        load_topology(tmp_path / "a.pdb")
    (tmp_path / "a.prmtop").write_text("no")
    with pytest.raises(ValueError, match=r"cannot read a topology from .*a\.prmtop"):
        load_topology(tmp_path / "a.prmtop")
    with pytest.raises(ValueError, match="expected a PDB file with atoms, got no ATOM"):
        parse_pdb("REMARK\n")
