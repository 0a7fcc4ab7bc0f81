"""Helices of a protein whose helices are known."""

import pytest

from openmm_genmd.analysis.secondary_structure import helix_letters, secondary_structure
from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.unbinding.bundled_systems import bundled_complex


@pytest.fixture(scope="module")
def lysozyme():
    bound = bundled_complex("l99a-p-xylene")
    codes = secondary_structure(bound.topology, bound.positions_nm, bound.receptor)
    return bound, codes, helix_letters(bound.topology, codes)


def test_lysozyme_has_its_ten_helices(lysozyme) -> None:
    bound, _, letters = lysozyme
    numbers = {r.index: int(r.id) for r in bound.topology.residues()}
    ends = {
        letter: (min(own), max(own))
        for letter in sorted(set(letters.values()))
        for own in [[numbers[k] for k, found in letters.items() if found == letter]]
    }
    assert "".join(ends) == "ABCDEFGHIJ"
    # F114 lies between helices F and G (Wang et al., eLife 5, e17505 (2016)).
    assert ends["F"] == (108, 112)
    assert ends["G"] == (115, 122)
    assert ends["A"] == (3, 11)
    assert ends["J"] == (143, 155)


def test_a_ligand_is_no_residue_of_a_protein(lysozyme) -> None:
    _, codes, _ = lysozyme
    assert set(codes) == set(range(162))
    host = bundled_complex("cb7-b2")
    assert secondary_structure(host.topology, host.positions_nm, host.receptor) == {}


def test_short_helices_do_not_count_and_chains_begin_anew() -> None:
    topology, _ = build_peptide("AAAAAAAAAAAA")
    codes = dict(enumerate("HHH HHHH", start=1))
    assert set(helix_letters(topology, codes).values()) == {"A"}
    assert min(helix_letters(topology, codes)) == 5
