"""Tests of `openmm_genmd.data.structures`."""

import numpy as np
import pytest

from openmm_genmd.data.structures import load_structure


def test_alanine_dipeptide_is_whole_and_in_nanometres():
    topology, positions_nm = load_structure("alanine-dipeptide")
    assert [residue.name for residue in topology.residues()] == ["ACE", "ALA", "NME"]
    assert positions_nm.dtype == np.float64
    lengths = [
        np.linalg.norm(positions_nm[a.index] - positions_nm[b.index]) for a, b in topology.bonds()
    ]
    assert len(lengths) == 21
    assert 0.09 < min(lengths) < max(lengths) < 0.16


def test_unknown_name_lists_what_there_is():
    with pytest.raises(ValueError, match=r"no structure named 'villin'; there are: alanine-dip"):
        load_structure("villin")
