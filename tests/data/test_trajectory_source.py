"""Chunks and strides never change frames, and first frames tell wrong units and orders."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from openmm import app

from openmm_genmd.data.bond_check import require_plausible_bonds
from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory import Frames
from openmm_genmd.data.trajectory_source import (
    TrajectorySource,
    even_interval_ps,
    iterate_array,
)

TOPOLOGY, START_NM = load_structure("alanine-dipeptide")


def conformations(n: int) -> np.ndarray:
    """Frames ``(n, 22, 3)``, nm, that differ by a little noise."""
    return START_NM + 0.003 * np.random.default_rng(n).normal(size=(n, 22, 3))


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize("chunk", [1, 3, 50, None])
def test_arrays_come_back_in_order_whatever_the_chunks(stride, chunk):
    stored = conformations(23)
    source = TrajectorySource.of_array(
        stored, TOPOLOGY, name="ala", frame_interval_ps=0.5, temperature_k=300.0, stride=stride
    )
    parts = list(source.iterate(chunk))
    positions_nm = np.concatenate([part.positions_nm for part in parts])
    assert positions_nm.dtype == np.float32
    np.testing.assert_array_equal(positions_nm, stored[::stride].astype(np.float32))
    for part in parts:
        np.testing.assert_array_equal(part.positions_nm[0], stored[part.first].astype(np.float32))
    assert source.n_frames == len(positions_nm)
    assert source.frame_interval_ps == 0.5 * stride
    assert max(len(part.positions_nm) for part in parts) <= (chunk or 23)
    source.check()


def test_default_chunk_is_a_number_of_bytes_not_of_frames():
    many = np.broadcast_to(np.float32(0.1), (300, 200_000, 3))
    big = app.Topology()
    residue = big.addResidue("X", big.addChain())
    for _ in range(200_000):
        big.addAtom("C", app.element.carbon, residue)
    first = next(TrajectorySource.of_array(many, big).iterate())
    assert len(first.positions_nm) == 5
    assert first.positions_nm.nbytes == 12_000_000


def test_units_and_boxes_of_arrays():
    box_nm = np.diag([3.0, 4.0, 5.0])
    [part] = iterate_array(
        10 * conformations(4), 22, Path("a"), stride=1, chunk=9, nm_per_unit=0.1, box_nm=box_nm
    )
    np.testing.assert_allclose(part.positions_nm, conformations(4), atol=1e-6)
    assert part.box_nm.shape == (4, 3, 3)
    np.testing.assert_array_equal(part.box_nm[3], box_nm)


def test_bad_arrays():
    source = TrajectorySource.of_array(conformations(9), TOPOLOGY)
    with pytest.raises(ValueError, match="expected at least 1 frame per chunk, got 0"):
        source.iterate(chunk=0)
    with pytest.raises(ValueError, match="ala has no frames; is it complete"):
        next(TrajectorySource.of_array(conformations(0), TOPOLOGY, name="ala").iterate())
    with pytest.raises(ValueError, match="array has no frames; is its trajectory complete"):
        replace(source, read=lambda chunk: iter(())).check()
    with pytest.raises(ValueError, match="array has 21 atoms, but the topology 22"):
        next(TrajectorySource.of_array(conformations(9)[:, 1:], TOPOLOGY).iterate())
    broken = conformations(9)
    broken[6, 3, 1] = np.inf
    with pytest.raises(ValueError, match="frame 6 of array has coordinates that are not finite"):
        list(TrajectorySource.of_array(broken, TOPOLOGY, stride=3).iterate(chunk=2))


@pytest.mark.parametrize(
    ("times", "interval"),
    [
        ([], None),
        ([3.0], None),
        ([0.0, 2.0, 4.0], 2.0),
        ([0.0, 2.0, 5.0], None),
        ([0.0, 0.0], None),
        ([1.0, 0.5], None),
        (np.float32(1e6) + np.arange(50, dtype=np.float32) * np.float32(0.2), 0.2),
    ],
)
def test_interval(times, interval):
    found = even_interval_ps(np.array(times))
    assert found == (None if interval is None else pytest.approx(interval, rel=0.01))


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (10.0, r"are 10\.\d times as long as expected: its positions are in Angstrom where nm"),
        (0.1, r"are 0\.10\d times as long as expected: .* in nm where the format has Angstrom"),
    ],
)
def test_wrong_units(factor, words):
    source = TrajectorySource.of_array(factor * conformations(2), TOPOLOGY, name="ala")
    with pytest.raises(ValueError, match="bonds in the first frame of ala " + words):
        source.check()


@pytest.mark.parametrize("pair", [(6, 10), (4, 8), (1, 16), (14, 20)])
def test_two_exchanged_atoms(pair):
    positions_nm = START_NM.copy()
    positions_nm[list(pair)] = positions_nm[list(reversed(pair))]
    with pytest.raises(ValueError, match=r"\d+ of 21 bonds of the topology have impossible length"):
        require_plausible_bonds(positions_nm, TOPOLOGY, None, "a.dcd")


def test_another_order_of_residues():
    order = [*range(6, 16), *range(6), *range(16, 22)]  # ALA ACE NME for ACE ALA NME
    with pytest.raises(ValueError, match=r"for instance .* nm; its atoms are in another order"):
        require_plausible_bonds(START_NM[order], TOPOLOGY, None, "a.dcd")


def test_hot_frames_pass():
    """Bonds stretched by three standard deviations of a C-C bond at 600 K."""
    for sign in (-1, 1):
        require_plausible_bonds(START_NM * (1 + 0.1 * sign), TOPOLOGY, None, "a.dcd")


def test_a_gap_between_residues_passes_but_two_do_not():
    shifted = START_NM + np.where(np.arange(22) < 6, 1.0, 0.0)[:, None]
    require_plausible_bonds(shifted, TOPOLOGY, None, "a.dcd")
    shifted[16:] += 1.0
    with pytest.raises(
        ValueError, match=r"2 of 21 bonds .* for instance C-N of ACE 0 \(atoms 4, 6"
    ):
        require_plausible_bonds(shifted, TOPOLOGY, None, "a.dcd")


def test_molecules_may_be_broken_across_a_triclinic_box():
    box_nm = np.array([[3.0, 0.0, 0.0], [1.0, 3.0, 0.0], [-1.0, 1.0, 3.0]])
    broken = START_NM + np.random.default_rng(3).integers(-2, 3, (22, 3)) @ box_nm
    require_plausible_bonds(broken, TOPOLOGY, box_nm, "a.dcd")
    with pytest.raises(ValueError, match="broken across the boundaries of a box"):
        require_plausible_bonds(broken, TOPOLOGY, None, "a.dcd")


def test_without_bonds_nothing_is_known():
    bare = app.Topology()
    bare.addAtom("X", None, bare.addResidue("X", bare.addChain()))
    require_plausible_bonds(np.zeros((1, 3)), bare, None, "a.dcd")


def test_frames_of_a_reader_of_ones_own():
    part = Frames(conformations(2).astype(np.float32), None, Path("mine"), 0)
    source = TrajectorySource("mine", TOPOLOGY, None, None, "0", 2, lambda chunk: iter([part]))
    source.check()
    assert next(source.iterate()) is part
    assert "read" not in repr(source)
