"""Shapes of proteins whose structure is known, and radii by an independent formula."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import openmmtools
import pytest
from openmm import app, unit
from scipy.spatial.distance import cdist

from openmm_genmd.data.shape_features import shape_features
from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.topology_file import load_topology
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import TrajectorySource

DATA = Path(openmmtools.__file__).parent / "data"


def loaded(folder: str, prmtop: str, coordinates: str) -> tuple[app.Topology, np.ndarray]:
    positions = app.AmberInpcrdFile(str(DATA / folder / coordinates)).getPositions(asNumpy=True)
    return load_topology(DATA / folder / prmtop), positions.value_in_unit(unit.nanometer)


@pytest.fixture(scope="module")
def lysozyme():
    return loaded("T4-lysozyme-L99A-implicit", "receptor.prmtop", "receptor.crd")


def radius_nm(topology: app.Topology, positions_nm: np.ndarray, n: int | None = None) -> float:
    """Radius of gyration of the first n atoms from distances of pairs: no centre is needed."""
    m = np.array([a.element.mass.value_in_unit(unit.dalton) for a in topology.atoms()])[:n]
    squared = cdist(positions_nm[:n], positions_nm[:n], "sqeuclidean")
    return float(np.sqrt(m @ squared @ m / 2) / m.sum())


def test_lysozyme_has_its_helices(lysozyme):
    """Residues 3-11, 39-50, 60-79, 83-90, 93-106, 108-113, 115-123, 126-134, 137-141, 143-155."""
    topology, positions_nm = lysozyme
    source = TrajectorySource.of_array(positions_nm[None], topology)
    [[radius, helix, strand]] = shape_features(source)
    assert radius == pytest.approx(radius_nm(topology, positions_nm), rel=1e-5)
    assert helix == pytest.approx(105 / 162, abs=0.04)
    assert 0.04 < strand < 0.12  # one small sheet


def test_dihydrofolate_reductase_in_water_has_its_helices_and_strands():
    """Helices 25-35, 44-50, 78-85, 97-107 and a sheet of eight strands; water does not count."""
    topology, positions_nm = loaded("dhfr", "JAC.prmtop", "JAC.inpcrd")
    source = TrajectorySource.of_array(positions_nm[None], topology)
    [[radius, helix, strand]] = shape_features(source)
    assert topology.getNumAtoms() > 20_000
    assert radius == pytest.approx(radius_nm(topology, positions_nm, 2489), rel=1e-5)
    assert helix == pytest.approx(37 / 159, abs=0.02)
    assert 0.27 < strand < 0.37


def test_chunks_do_not_matter_and_boxes_are_undone(lysozyme):
    topology, start_nm = lysozyme
    scales = np.linspace(1.0, 1.3, 7)[:, None, None]
    positions_nm = (start_nm * scales).astype(np.float32)
    expected = shape_features(TrajectorySource.of_array(positions_nm, topology), chunk=7)
    np.testing.assert_allclose(expected[:, 0] / expected[0, 0], scales[:, 0, 0], rtol=1e-5)
    edges_nm = np.arange(7)[:, None, None] * 0.1 * np.eye(3) + 6.0 * np.eye(3)
    wrapped_nm = np.array([x % e.diagonal() for x, e in zip(positions_nm, edges_nm, strict=True)])
    assert np.abs(np.ptp(wrapped_nm, axis=1) - np.ptp(positions_nm, axis=1)).max() > 0.1

    def read(chunk):
        for first in range(0, 7, chunk):
            part = slice(first, first + chunk)
            yield Frames(wrapped_nm[part], edges_nm[part], Path("a"), first)

    source = replace(TrajectorySource.of_array(positions_nm, topology), read=read)
    np.testing.assert_allclose(shape_features(source, chunk=3), expected, atol=2e-6)


def test_caps_have_mass_but_no_secondary_structure():
    topology, positions_nm = load_structure("alanine-dipeptide")
    [row] = shape_features(TrajectorySource.of_array(positions_nm[None], topology))
    np.testing.assert_allclose(row, [radius_nm(topology, positions_nm), 0, 0], rtol=1e-5)


def test_no_protein():
    topology = app.Topology()
    topology.addAtom("O", app.element.oxygen, topology.addResidue("HOH", topology.addChain()))
    source = TrajectorySource.of_array(np.zeros((1, 1, 3)), topology, name="water")
    with pytest.raises(ValueError, match="water has no amino acid residue with N, CA, C and O"):
        shape_features(source)
