"""Turns by steps, of one conformation many times, and of some of the torsions."""

import numpy as np
import pytest

NAMES = ["dipeptide", "peptide", "hexane", "biphenyl"]


@pytest.mark.parametrize("name", NAMES)
def test_turns_are_what_decode_does(molecules, name):
    representation, x, torsions = molecules[name].random_case(1)
    steps = torsions - representation.encode(x)
    assert np.abs(representation.turn(steps, x) - representation.decode(torsions, x)).max() < 1e-14


@pytest.mark.parametrize("name", NAMES)
def test_many_turns_of_one_conformation_agree_with_single_ones(molecules, name):
    representation, x, torsions = molecules[name].random_case(2)
    many = torsions + np.linspace(-4, 4, 7)[:, None]
    decoded = representation.decode(many, x)
    single = np.array([representation.decode(angles, x) for angles in many])
    assert np.abs(decoded - single).max() < 1e-13
    batched = representation.decode(many, np.broadcast_to(x, (7, *x.shape)))
    assert np.abs(decoded - batched).max() < 1e-13
    difference = representation.encode(decoded) - many
    assert np.abs(np.remainder(difference + np.pi, 2 * np.pi) - np.pi).max() < 1e-10


def test_one_bad_angle_spoils_one_conformation_only(molecules):
    representation, x, torsions = molecules["peptide"].random_case(3)
    many = np.array([torsions, torsions, torsions])
    many[1, 2] = np.inf
    finite = np.isfinite(representation.decode(many, x)).all(axis=(1, 2))
    assert finite.tolist() == [True, False, True]


def test_collapsed_axes_give_no_conformation(molecules):
    representation, x, torsions = molecules["dipeptide"].random_case(0)
    x[8] = x[6]
    assert np.isnan(representation.decode(np.array([torsions, torsions]), x)).all()


def test_a_subset_turns_as_the_whole_does(molecules):
    representation, x, torsions = molecules["peptide"].random_case(4)
    for numbers in ([0], [5, 1], [2, 3, 8]):
        subset = representation.subset(numbers)
        angles = representation.encode(x)
        assert np.array_equal(subset.encode(x), angles[numbers])
        angles[numbers] = torsions[numbers]
        expected = representation.decode(angles, x)
        turned = subset.decode(torsions[numbers], x)
        assert np.abs(turned - expected).max() < 1e-12
        moving = {atom for n in numbers for atom in representation.torsions[n].moving}
        kept = sorted(set(range(len(x))) - moving)
        assert np.array_equal(turned[kept], x[kept])
        many = subset.decode(torsions[None, numbers], x)
        assert np.array_equal(many[0, kept], x[kept])


def test_wrong_arguments(molecules):
    representation, x, _ = molecules["dipeptide"].random_case(0)
    for numbers in ([2], [-1], [0, 0]):
        with pytest.raises(ValueError, match=r"different numbers from 0 to 1, got \["):
            representation.subset(numbers)
    with pytest.raises(ValueError, match="needs at least one torsion, got none"):
        representation.subset([])
    with pytest.raises(ValueError, match=r"torsions must have shape \(..., 2\), got \(3,\)"):
        representation.turn(np.zeros(3), x)
