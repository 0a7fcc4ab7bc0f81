"""What a model for all peptides is told about torsions."""

import numpy as np
import pytest

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.residue_types import RESIDUE_TYPES
from openmm_genmd.representations.torsion_tokens import TOKEN_KINDS, TorsionTokens
from openmm_genmd.representations.torsions import TorsionRepresentation


def tokens_of(sequence, caps="ace-nme", **options):
    topology, _ = build_peptide(sequence, caps)
    representation = TorsionRepresentation.from_topology(topology, **options)
    return TorsionTokens.of(representation), [t.name for t in representation.torsions]


def test_kinds_and_residues_are_those_of_the_names():
    tokens, names = tokens_of("RHPEF", include_omega=True)
    roles = [name.split()[0].replace("chi5", "other") for name in names]
    assert [TOKEN_KINDS[kind] for kind in tokens.kinds] == roles
    assert set(roles) == {"omega", "phi", "psi", "chi1", "chi2", "chi3", "chi4", "other"}
    types = [RESIDUE_TYPES[number] for number in tokens.residue_types]
    assert [t if t != "UNK" else "NME" for t in types] == [name.split()[1] for name in names]
    assert (tokens.residues + 1).tolist() == [int(name.split()[2]) for name in names]


def test_places_in_the_chain():
    tokens, names = tokens_of("A" * 7)
    ends = dict(zip(names, tokens.from_ends.tolist(), strict=True))
    assert ends["phi ALA 2"] == [0, 4]  # 4 and more are alike
    assert ends["psi ALA 5"] == [3, 3]
    assert ends["phi ALA 8"] == [4, 0]


def test_caps_and_free_ends_are_told_apart():
    assert tokens_of("SE")[0].free_ends.tolist() == [False, False]
    assert tokens_of("SE", "none")[0].free_ends.tolist() == [True, True]


def test_half_turns_that_only_rename_atoms():
    tokens, names = tokens_of("FYDENQW")
    found = {name for name, symmetric in zip(names, tokens.symmetric, strict=True) if symmetric}
    assert found == {"chi2 PHE 2", "chi2 TYR 3", "chi2 ASP 4", "chi3 GLU 5"}
    tokens, names = tokens_of("SA", "none")  # the two O of a carboxylate
    assert [n for n, s in zip(names, tokens.symmetric, strict=True) if s] == ["psi ALA 2"]


@pytest.mark.parametrize(("removed", "variant"), [(None, 2), ("HE2", 0)])
def test_protons_of_histidine(removed, variant):
    topology, _ = build_peptide("H")
    representation = TorsionRepresentation.from_topology(topology)
    if removed:
        names = tuple("X" if n == removed else n for n in representation.fingerprint.names)
        other = representation.fingerprint.model_copy(update={"names": names})
        object.__setattr__(representation, "fingerprint", other)
    assert set(TorsionTokens.of(representation).variants.tolist()) == {variant}


def test_an_acid_with_its_proton_is_not_symmetric():
    topology, _ = build_peptide("D")
    representation = TorsionRepresentation.from_topology(topology)
    names = tuple("HD2" if n == "HB2" else n for n in representation.fingerprint.names)
    other = representation.fingerprint.model_copy(update={"names": names})
    object.__setattr__(representation, "fingerprint", other)
    tokens = TorsionTokens.of(representation)
    assert set(tokens.variants.tolist()) == {2}
    assert not tokens.symmetric.any()


def test_the_backbone_is_drawn_before_side_chains():
    tokens, names = tokens_of("SK")
    assert [names[n] for n in tokens.order] == [
        *("phi SER 2", "psi SER 2", "phi LYS 3", "psi LYS 3"),
        *("chi1 SER 2", "chi1 LYS 3", "chi2 LYS 3", "chi3 LYS 3", "chi4 LYS 3"),
    ]


def test_molecules_that_are_no_peptides_have_other_torsions(molecules):
    tokens = TorsionTokens.of(molecules["hexane"].representation)
    assert {TOKEN_KINDS[kind] for kind in tokens.kinds} == {"other"}
    assert {RESIDUE_TYPES[kind] for kind in tokens.residue_types} == {"UNK"}
    assert len(tokens.order) == len(tokens)


def test_alanine_dipeptide_in_full():
    representation = TorsionRepresentation.from_topology(load_structure("alanine-dipeptide")[0])
    tokens = TorsionTokens.of(representation)
    assert len(tokens) == 2
    assert tokens.residues.tolist() == [1, 1]
    assert tokens.from_ends.tolist() == [[0, 0], [0, 0]]
    assert np.array_equal(tokens.order, [0, 1])
