"""Peptides from their sequence to trajectories: sound, all basins found, resumed exactly."""

from __future__ import annotations

import copy

import mdtraj
import numpy as np
import openmm
import pytest
from pydantic import ValidationError

from openmm_genmd.data.trajectory import Frames
from openmm_genmd.md.basin_shares import positive_phi
from openmm_genmd.md.peptide_input import peptide_input, require_sound
from openmm_genmd.md.peptide_plan import peptide_plan
from openmm_genmd.md.planned_runs import cold_runs, hot_runs
from openmm_genmd.md.simulate import Progress, simulate_data
from openmm_genmd.md.simulation_plan import SimulationPlan
from openmm_genmd.md.starts import same_stereochemistry, search_torsions, thinned
from openmm_genmd.md.system_input import SystemInput
from openmm_genmd.representations.torsions import TorsionRepresentation


@pytest.fixture(scope="module")
def dialanine():
    return peptide_input("AA")


def tiny(**changes) -> SimulationPlan:
    values = {
        "hot_time_ps": 5.0,
        "runs": 4,
        "equilibration_ps": 0.2,
        "run_time_ps": 1.0,
        "frame_interval_ps": 0.1,
        "hot_candidates": 12,
    }
    return peptide_plan(42, values | changes)


def positions(path, out) -> np.ndarray:
    return mdtraj.load(str(path), top=str(out / "topology.pdb")).xyz


def turned(given: SystemInput, name: str, step_rad: float) -> np.ndarray:
    """Positions with one torsion changed, which may be an omega."""
    representation = TorsionRepresentation.from_topology(given.topology, include_omega=True)
    names = [torsion.name for torsion in representation.torsions]
    return representation.turn(step_rad * np.eye(len(names))[names.index(name)], given.positions_nm)


def test_peptide_is_minimized_and_the_same_every_time(dialanine):
    again = peptide_input("AA")
    assert np.array_equal(again.positions_nm, dialanine.positions_nm)
    reference = openmm.Platform.getPlatformByName("Reference")
    context = openmm.Context(dialanine.system, openmm.VerletIntegrator(0.001), reference)
    context.setPositions(dialanine.positions_nm)
    forces = context.getState(forces=True).getForces(asNumpy=True)._value
    assert np.sqrt(np.mean(forces**2)) < 50  # kJ/mol/nm; at 300 K a thousand
    assert dialanine.system.getNumConstraints() == 17
    assert any(isinstance(f, openmm.GBSAOBCForce) for f in dialanine.system.getForces())


@pytest.mark.parametrize("sequence", ["PWHG", "RDTI"])
def test_ends_with_charges(sequence):
    given = peptide_input(sequence, "none")
    require_sound(sequence, given.topology, given.positions_nm)
    assert {r.name for r in given.topology.residues()}.isdisjoint({"ACE", "NME"})


def test_unsound_peptides_are_named(dialanine):
    mirrored = dialanine.positions_nm * [1, 1, -1]
    with pytest.raises(RuntimeError, match=r"AA that was built is not sound: CA ALA 2 has the wro"):
        require_sound("AA", dialanine.topology, mirrored)
    cis = turned(dialanine, "omega ALA 3", np.pi)
    with pytest.raises(RuntimeError, match="peptide bond C ALA 2 - N ALA 3 is cis"):
        require_sound("AA", dialanine.topology, cis)


def test_hot_leaps_find_all_basins_that_md_misses(tmp_path, dialanine):
    signs = {}
    for name, changes in {"leaps": {}, "md": {"hot_leaps": False}}.items():
        simulate_data(dialanine, tiny(**changes), tmp_path / name)
        representation = TorsionRepresentation.from_topology(dialanine.topology)
        phi = [n for n, t in enumerate(representation.torsions) if t.name.startswith("phi")]
        starts = np.load(tmp_path / name / "starts.npy")
        hot = positions(tmp_path / name / "hot-600K.dcd", tmp_path / name)
        assert len(hot) == 50
        signs[name] = np.unique(representation.encode(hot)[:, phi] > 0, axis=0)
        if name == "leaps":
            assert len(np.load(tmp_path / name / "hot-600K.npy")) == 12
            assert (representation.encode(starts)[:, phi] > 0).any(axis=0).all()
    assert len(signs["leaps"]) >= 3
    assert len(signs["md"]) < len(signs["leaps"])


def test_interrupted_leaps_are_completed_as_if_nothing_had_happened(tmp_path, dialanine):
    plan = tiny(hot_time_ps=0.5, runs=2, run_time_ps=0.5)
    whole = simulate_data(dialanine, plan, tmp_path / "a")

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.stage.startswith("run-001"):
            raise KilledError

    with pytest.raises(KilledError):
        simulate_data(dialanine, plan, tmp_path / "b", report=kill)
    resumed = simulate_data(dialanine, plan, tmp_path / "b", resume=True)
    for one, other in zip(whole, resumed, strict=True):
        np.testing.assert_array_equal(
            positions(one, tmp_path / "a"), positions(other, tmp_path / "b")
        )


def test_leaps_that_are_not_possible_leave_no_folder(tmp_path, dialanine):
    system = copy.deepcopy(dialanine.system)
    force = openmm.CustomExternalForce("x")
    force.addParticle(0, [])
    system.addForce(force)
    strange = SystemInput(dialanine.topology, dialanine.positions_nm, system)
    with pytest.raises(ValueError, match=r"(?s)CustomExternalForce.*simulate others without hot_l"):
        simulate_data(strange, tiny(), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_conformations_with_other_chirality_or_cis_bonds_are_no_starts(dialanine):
    x = dialanine.positions_nm
    conformations = np.stack(
        [
            x,
            x * [1, 1, -1],
            turned(dialanine, "omega ALA 3", np.pi),
            turned(dialanine, "phi ALA 2", 2),
        ]
    )
    same = same_stereochemistry(conformations, x, dialanine.topology)
    assert same.tolist() == [True, False, False, True]
    # The reference decides: a cis bond that was there from the beginning may stay.
    assert same_stereochemistry(conformations, conformations[2], dialanine.topology).tolist() == [
        *(True, False, True, False)  # the first passes in any case
    ]
    bare = copy.deepcopy(dialanine.topology)
    bare._bonds.clear()
    assert same_stereochemistry(conformations, x, bare).all()


def test_backbone_counts_three_times(dialanine):
    given = peptide_input("S")
    representation = TorsionRepresentation.from_topology(given.topology)
    names = [torsion.name for torsion in representation.torsions]
    assert names == ["phi SER 2", "psi SER 2", "chi1 SER 2"]
    x = given.positions_nm[None]
    phi, psi, chi = representation.encode(x)[0]
    assert search_torsions(x, representation)[0].tolist() == [phi, psi, chi, phi, psi, phi, psi]


def test_thinning_keeps_what_is_far_apart(dialanine):
    representation = TorsionRepresentation.from_topology(dialanine.topology)
    steps = np.zeros((9, len(representation.torsions)))
    steps[:, 0] = [0.0, 0.05, 0.1, 0.12, 2.0, 2.05, 2.1, -1.9, -1.95]
    frames = representation.turn(steps, dialanine.positions_nm)
    kept = thinned(frames, representation, 3)
    angles = representation.encode(kept)[:, 0] - representation.encode(frames[:1])[0, 0]
    wrapped = np.angle(np.exp(1j * angles))
    np.testing.assert_allclose(wrapped, [0.0, 2.1, -1.9], atol=0.11)
    assert len(thinned(frames, representation, 50)) == 9


def test_share_of_positive_phi(monkeypatch, dialanine):
    representation = TorsionRepresentation.from_topology(dialanine.topology)
    names = [torsion.name for torsion in representation.torsions]
    angles = np.full((4, len(names)), -1.0)
    angles[:3, names.index("phi ALA 3")] = 1.0
    frames = representation.decode(angles, dialanine.positions_nm)
    parts = [Frames(frames[:1], None, "a", 0), Frames(frames[1:], None, "a", 1)]
    monkeypatch.setattr("openmm_genmd.md.basin_shares.iterate_frames", lambda *given: iter(parts))
    assert positive_phi(dialanine, []) == {"ALA 2": 0.0, "ALA 3": 0.75}


def test_plans_of_peptides():
    plan = peptide_plan(100, {"run_time_ps": 7.0})
    assert (plan.platform, plan.run_time_ps, plan.hot_leaps) == ("Reference", 7.0, True)
    assert peptide_plan(101, {}).platform == "CPU"
    assert peptide_plan(101, {"platform": "Reference"}).platform == "Reference"
    with pytest.raises(ValidationError):
        peptide_plan(52, {"walltime": 3})


def test_planned_runs():
    plan = SimulationPlan(runs=2, leaps=True, hot_temperatures_k=(500, 700), hot_candidates=10)
    assert [run.name for run in hot_runs(plan)] == ["hot-500K", "hot-700K"]
    assert [(run.name, run.leaps) for run in cold_runs(plan)] == [
        ("run-000", True),
        ("run-001", True),
    ]
    md = hot_runs(plan)[0]
    leaping = hot_runs(plan.model_copy(update={"hot_leaps": True}))[0]
    assert (md.candidate_interval(100), leaping.candidate_interval(100)) == (10, 1)
    assert cold_runs(plan)[0].candidate_interval(100) > 100
