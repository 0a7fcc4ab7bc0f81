"""What is done to a receptor is seen, and what is not done to it is not."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from openmm_genmd.analysis.secondary_structure import secondary_structure
from openmm_genmd.unbinding.bound_complex import BoundComplex
from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.cut_complex import cut_complex
from openmm_genmd.unbinding.method_summary import Tries
from openmm_genmd.unbinding.receptor_strain import ReceptorStrain, StrainGauge

QUARTER_TURN = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])


@cache
def lysozyme() -> BoundComplex:
    return bundled_complex("l99a-p-xylene", pocket_nm=0.8)


def residues(bound, first, last):
    atoms = bound.topology.atoms()
    inside = range(first, last + 1)
    return [a.index for a in atoms if int(a.residue.id) in inside and a.residue.name != "PXY"]


def test_a_complex_that_moves_as_a_whole_is_not_strained():
    x = lysozyme().positions_nm @ QUARTER_TURN.T + 2.0
    x[lysozyme().ligand] += 3.0  # it does not matter where the ligand is
    strain = StrainGauge(lysozyme()).measure(x.astype(np.float32))
    assert strain.rmsd_nm < 1e-5
    assert strain.helix_lost == 0.0


def test_a_helix_that_is_torn_out_is_seen():
    """Helix F (108 to 113) moved by 0.4 nm: nine residues' worth of pocket backbone."""
    gauge, x = StrainGauge(lysozyme()), lysozyme().positions_nm.copy()
    x[residues(lysozyme(), 107, 113)] += [0.0, 0.0, 0.4]
    torn = gauge.measure(x)
    inside = set(lysozyme().pocket.tolist())
    pocket = {int(a.residue.id) for a in lysozyme().topology.atoms() if a.index in inside}
    share = len(pocket & set(range(107, 114))) / len(pocket)
    assert torn.rmsd_nm == pytest.approx(0.4 * np.sqrt(share), rel=0.1)
    assert torn.helix_lost < 0.1  # hydrogen bonds within it are whole
    rng = np.random.default_rng(1)
    x = lysozyme().positions_nm.copy()
    unfolded = residues(lysozyme(), 93, 106)
    x[unfolded] += rng.normal(scale=0.15, size=(len(unfolded), 3))
    codes = secondary_structure(lysozyme().topology, lysozyme().positions_nm, lysozyme().receptor)
    helical = [n for n, code in codes.items() if code == "H"]
    share = sum(92 <= n <= 105 for n in helical) / len(helical)
    assert share < gauge.measure(x).helix_lost < share + 0.05


def test_a_receptor_that_is_cut_has_strain_too():
    cut = cut_complex(lysozyme(), 1.1)
    gauge, x = StrainGauge(cut), cut.positions_nm.copy()
    none = gauge.measure(x)
    assert (none.rmsd_nm, none.helix_lost) == (pytest.approx(0.0, abs=1e-9), 0.0)
    x[residues(cut, 107, 113)] += [0.0, 0.0, 0.4]
    y = lysozyme().positions_nm.copy()
    y[residues(lysozyme(), 107, 113)] += [0.0, 0.0, 0.4]
    expected = StrainGauge(lysozyme()).measure(y).rmsd_nm
    assert gauge.measure(x).rmsd_nm == pytest.approx(expected, rel=0.1)
    assert expected > 0.1


def test_hosts_have_no_backbone():
    host = bundled_complex("cb7-b2")
    x = host.positions_nm.copy()
    x[host.receptor] *= 1.05  # swollen
    radii = np.linalg.norm(
        host.positions_nm[host.receptor_heavy] - host.positions_nm[host.receptor_heavy].mean(0),
        axis=1,
    )
    expected = 0.05 * np.sqrt((radii**2).mean())
    strain = StrainGauge(host).measure(x)
    assert strain.rmsd_nm == pytest.approx(expected, rel=1e-3)
    assert strain.helix_lost == 0.0


def test_summaries_are_medians_of_all_tries():
    strains = [ReceptorStrain(value, value / 2) for value in (0.1, 0.2, 0.9)]
    tries = Tries([True, False, False], [10.0, 99.0, None], 1.0, 1, strains)
    found = tries.summary()
    assert found["receptor_rmsd_nm"] == pytest.approx([0.2, 0.4])
    assert found["helix_lost"] == pytest.approx([0.1, 0.2])
    assert Tries([True], [1.0], 1.0, 1).summary()["receptor_rmsd_nm"] is None
