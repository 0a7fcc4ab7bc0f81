"""Errors of bonds and angles."""

from __future__ import annotations

import mdtraj
import numpy as np
import pytest

from openmm_genmd.analysis.metrics_ligand import bond_angles, geometry_errors

BONDS = [(0, 1), (1, 2), (2, 3), (1, 4)]


def test_errors_are_those_of_mdtraj():
    frames = np.random.default_rng(0).uniform(0, 3, size=(7, 5, 3))
    trajectory = mdtraj.Trajectory(frames.astype(np.float32), None)
    triples = [(0, 1, 2), (0, 1, 4), (2, 1, 4), (1, 2, 3)]
    assert sorted(map(tuple, bond_angles(BONDS).tolist())) == sorted(triples)
    lengths = mdtraj.compute_distances(trajectory, BONDS, periodic=False)
    angles = mdtraj.compute_angles(trajectory, triples, periodic=False)
    found = geometry_errors(frames[1:], frames[0], bonds=BONDS)
    assert found.bond_mae_angstrom == pytest.approx(
        np.abs(lengths[1:] - lengths[0]).mean(), rel=1e-5
    )
    assert found.angle_mae_rad == pytest.approx(np.abs(angles[1:] - angles[0]).mean(), rel=1e-4)


def test_rigid_motion_is_no_error_and_nothing_to_compare_is_unknown():
    frame = np.random.default_rng(1).uniform(0, 3, size=(5, 3))
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    errors = geometry_errors((frame @ turn.T + 4.0)[None], frame, bonds=BONDS)
    assert (errors.bond_mae_angstrom, errors.angle_mae_rad) == pytest.approx((0, 0), abs=1e-9)
    nothing = geometry_errors(frame[None], frame, bonds=[])
    assert np.isnan([nothing.bond_mae_angstrom, nothing.angle_mae_rad]).all()


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"frames \(F, n, 3\) and a structure \(n, 3\).*\(5, 3\)"):
        geometry_errors(np.zeros((5, 3)), np.zeros((5, 3)), bonds=BONDS)
    with pytest.raises(ValueError, match=r"got shapes \(0, 5, 3\)"):
        geometry_errors(np.zeros((0, 5, 3)), np.zeros((5, 3)), bonds=BONDS)
