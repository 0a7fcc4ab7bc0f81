"""Conformations from torsions: what was asked for, and the template's geometry."""

import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.peptides import build_peptide
from openmm_genmd.representations.geometry_check import check
from openmm_genmd.representations.residue_frames import torsions_of
from openmm_genmd.representations.residue_layout import ResidueLayout
from openmm_genmd.representations.torsion_builder import TorsionBuilder


def made(sequence, caps="ace-nme"):
    topology, positions_nm = build_peptide(sequence, caps)
    layout = ResidueLayout.from_topology(topology)
    return topology, positions_nm, layout, TorsionBuilder(layout, topology)


def wrapped(angles):
    return np.remainder(angles + np.pi, 2 * np.pi) - np.pi


@pytest.mark.parametrize(
    ("sequence", "caps"),
    [("ARND", "ace-nme"), ("CQEG", "none"), ("HILK", "ace-nme"), ("MFSTWYV", "ace-nme")],
)
def test_torsions_are_those_asked_for(sequence, caps):
    _, positions_nm, layout, builder = made(sequence, caps)
    rng = np.random.default_rng(1)
    wanted = rng.uniform(-np.pi, np.pi, (5, len(layout), 7))
    found = torsions_of(builder.rebuild(wanted, positions_nm), layout)
    assert np.nanmax(np.abs(wrapped(found - wanted))) < 1e-5
    assert np.array_equal(np.isnan(found[0]), ~layout.torsion_mask)


def test_nothing_changes_when_nothing_is_asked_for():
    _, positions_nm, layout, builder = made("KLPV")
    same = builder.rebuild(torsions_of(positions_nm[None], layout), positions_nm)
    assert np.abs(same - positions_nm).max() < 1e-7


def test_rings_stay_and_all_bonds_and_angles_are_those_of_the_template():
    topology, positions_nm, layout, builder = made("APWH")
    rng = np.random.default_rng(2)
    built = builder.rebuild(rng.uniform(-np.pi, np.pi, (20, len(layout), 7)), positions_nm)
    before, after = check(positions_nm[None], topology), check(built, topology)
    np.testing.assert_allclose(after.bond_deviation_nm, before.bond_deviation_nm[0], atol=1e-7)
    np.testing.assert_allclose(after.angle_deviation_deg, before.angle_deviation_deg[0], atol=1e-3)
    assert not after.inverted.any()
    rings = torsions_of(built, layout)[:, 1, [1, 3, 4]]  # phi and chi of proline
    assert (
        np.abs(wrapped(rings - torsions_of(positions_nm[None], layout)[0, 1, [1, 3, 4]])).max()
        < 1e-5
    )


def test_each_conformation_may_have_a_template_of_its_own():
    _, positions_nm, _, builder = made("GA")
    rng = np.random.default_rng(3)
    wanted = rng.uniform(-np.pi, np.pi, (2, 2, 7))
    templates = np.stack([positions_nm, positions_nm + 0.001 * rng.normal(size=positions_nm.shape)])
    together = builder.rebuild(wanted, templates)
    for each, angles, template in zip(together, wanted, templates, strict=True):
        np.testing.assert_allclose(each, builder.rebuild(angles[None], template)[0], atol=1e-12)


def test_a_molecule_without_a_bond_to_turn_is_refused():
    topology, _ = build_peptide("A")
    layout = ResidueLayout.from_topology(topology)
    with pytest.raises(ValueError, match="no bonds in this Topology"):
        TorsionBuilder(layout, app.Topology())
