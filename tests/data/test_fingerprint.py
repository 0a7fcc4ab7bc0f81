"""Tests of `openmm_genmd.data.fingerprint`."""

import pydantic
import pytest
from openmm import app

from openmm_genmd.data.fingerprint import TopologyFingerprint, summary
from openmm_genmd.data.structures import load_structure


def _butane(names="ABCD", elements="CCCC", bonds=((0, 1), (1, 2), (2, 3)), padding=0):
    topology = app.Topology()
    chain = topology.addChain()
    for _ in range(padding):
        topology.addAtom("O", app.element.oxygen, topology.addResidue("HOH", chain))
    residue = topology.addResidue("BUT", chain)
    atoms = [
        topology.addAtom(name, app.Element.getBySymbol(symbol), residue)
        for name, symbol in zip(names, elements, strict=True)
    ]
    for a, b in bonds:
        topology.addBond(atoms[a], atoms[b])
    return TopologyFingerprint.of(topology, range(padding, padding + len(names)))


def test_place_in_the_system_does_not_matter():
    assert _butane().matches(_butane(padding=3))
    assert _butane().digest == _butane(padding=3).digest


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (_butane(names="ABXD"), r"atom 2: expected C \(C\) of BUT 0, got X \(C\) of BUT 0"),
        (_butane(elements="CCNC"), r"atom 2: expected C \(C\) of BUT 0, got C \(N\) of BUT 0"),
        (_butane(bonds=((0, 1), (1, 2))), r"expected a bond C-D \(atoms 2, 3\), got none"),
        (
            _butane(bonds=((0, 1), (1, 2), (2, 3), (0, 3))),
            r"expected no bond A-D \(atoms 0, 3\), got one",
        ),
        (_butane(names="ABC", elements="CCC", bonds=((0, 1), (1, 2))), "expected 4 atoms, got 3"),
    ],
)
def test_every_kind_of_difference_is_named(other, words):
    assert not _butane().matches(other)
    assert _butane().digest != other.digest
    with pytest.raises(ValueError, match=words):
        _butane().require_match(other, "checkpoint b.safetensors")


def test_error_names_owner_and_both_digests():
    other = _butane(names="WXYZ")
    words = (
        rf"checkpoint b was made for another molecule \(fingerprint {_butane().digest}, "
        rf"this one {other.digest}\): atom 0.*atom 2.*; and 1 more"
    )
    with pytest.raises(ValueError, match=words):
        _butane().require_match(other, "checkpoint b")


def test_match_passes():
    _butane().require_match(_butane(padding=1), "checkpoint")


def test_json_round_trip_and_unknown_keys():
    topology, _ = load_structure("alanine-dipeptide")
    fingerprint = TopologyFingerprint.of(topology, range(22))
    assert TopologyFingerprint.model_validate_json(fingerprint.model_dump_json()) == fingerprint
    with pytest.raises(pydantic.ValidationError, match="colour"):
        TopologyFingerprint(**fingerprint.model_dump(), colour="red")


def test_residues_count_from_the_first_and_bonds_outside_are_left_out():
    topology, _ = load_structure("alanine-dipeptide")
    alanine = TopologyFingerprint.of(topology, range(6, 16))
    assert set(alanine.residue_indices) == {0}
    assert len(alanine.bonds) == 9


def test_summary_counts_what_it_leaves_out():
    assert summary(["a"], 2) == "a"
    assert summary(["a", "b", "c"], 2) == "a; b; and 1 more"
