"""Which trajectories may make one model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from openmm import app

from openmm_genmd.cli.msm_sources import choose_sources, notes_on_folders
from openmm_genmd.data.structures import load_structure
from openmm_genmd.data.trajectory_source import TrajectorySource
from openmm_genmd.md.manifest import Manifest
from openmm_genmd.md.simulation_plan import SimulationPlan


def source(**changes):
    topology, positions_nm = load_structure("alanine-dipeptide")
    given = {"frame_interval_ps": 10.0, "temperature_k": 320.0, "name": "ala"}
    return replace(TrajectorySource.of_array(positions_nm[None], topology), **given | changes)


def test_one_of_several_temperatures_is_chosen():
    sources = [source(temperature_k=t, replica=str(i)) for i, t in enumerate((320.0, 348.0, 320.0))]
    chosen = choose_sources(sources, temperature_k=320.0)
    assert [s.replica for s in chosen.sources] == ["0", "2"]
    assert (chosen.temperature_k, chosen.frame_interval_ps, chosen.n_frames) == (320.0, 10.0, 2)
    with pytest.raises(ValueError, match=r"of one temperature, got 320, 348 K; choose one with"):
        choose_sources(sources)
    with pytest.raises(ValueError, match="got 320, 348 K and none of 400 K; choose"):
        choose_sources(sources, temperature_k=400.0)


def test_temperatures_that_files_do_not_say():
    unknown = [source(temperature_k=None), source(temperature_k=None, n_frames=None)]
    assert choose_sources(unknown).temperature_k is None
    assert choose_sources(unknown).n_frames is None
    assert choose_sources(unknown, temperature_k=300.0).temperature_k == 300.0
    assert choose_sources([source(), *unknown]).temperature_k == 320.0


def test_intervals_must_agree_and_are_known():
    assert choose_sources([source(), source(frame_interval_ps=10.001)]).frame_interval_ps == 10.0
    strided = [source(frame_interval_ps=None)]
    assert choose_sources(strided, frame_interval_ps=0.2, stride=5).frame_interval_ps == 1.0
    with pytest.raises(ValueError, match="the time between frames is not in the files; give it"):
        choose_sources(strided)
    with pytest.raises(ValueError, match="expected one time between frames, got 10, 20 ps"):
        choose_sources([source(), source(frame_interval_ps=20.0)])
    with pytest.raises(ValueError, match=r"got 1, 10 ps .after --stride.; .*--frame-interval-ps"):
        choose_sources([source()], frame_interval_ps=1.0)


def test_other_molecules_are_refused():
    other = app.Topology()
    other.addAtom("N", app.element.nitrogen, other.addResidue("ALA", other.addChain()))
    with pytest.raises(ValueError, match="of one molecule, got ala, gly with different atoms"):
        choose_sources([source(), source(topology=other, name="gly")])


def test_leaps_are_noted_and_incomplete_folders_refused(tmp_path):
    for name, leaps in (("with", True), ("without", False)):
        folder = tmp_path / name
        folder.mkdir()
        plan = SimulationPlan(runs=1, leaps=leaps)
        Manifest(plan=plan, system_sha256="", positions_sha256="", openmm="").save(folder)
        (folder / "run-000.dcd").write_bytes(b"")
    assert notes_on_folders([tmp_path / "without"]) == []
    (note,) = notes_on_folders([tmp_path / "without", tmp_path / "with"])
    assert "time between frames, the lag and timescales are not physical" in note
    assert notes_on_folders([tmp_path / "with" / "run-000.dcd"]) == [note]
    (tmp_path / "with" / "run-001.dcd").write_bytes(b"")
    with pytest.raises(ValueError, match="has 2 of 1 trajectories"):
        notes_on_folders([tmp_path / "with"])
    np.savez(tmp_path / "alone.npz")
    assert notes_on_folders([tmp_path / "alone.npz", tmp_path]) == []
