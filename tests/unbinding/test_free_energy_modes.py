"""Free energies of ligands that bind in two ways, against integrals."""

from openmm_genmd.unbinding import free_energy_run
from openmm_genmd.unbinding.free_energy_report import free_energy_section
from openmm_genmd.unbinding.free_energy_run import FreeEnergyPlan, run_free_energy
from openmm_genmd.unbinding.window_samples import WindowSamples
from openmm_genmd.unbinding.window_sampling import sample_windows

from .complexes_with_modes import (
    twisted_complex,
    twisted_kcal_per_mol,
    two_way_complex,
    two_way_kcal_per_mol,
    with_turned_end,
)
from .gated_complex import KT, QUICK, pushed_frames

LEAPING = QUICK.model_copy(update={"leap_steps": 20, "iterations_per_leap": 1, "iterations": 150})


def found(bound, frames, settings, folder):
    return run_free_energy(FreeEnergyPlan(bound, frames, 3, settings, 1, "Reference"), folder)


def require_exact(result, exact_kcal_per_mol):
    for estimate in result.estimates.values():
        value, error = estimate.unbinding_kcal_per_mol
        assert 0 < error < 1.0
        assert abs(value - exact_kcal_per_mol) < 3.5 * error
    assert result.verdict.converged, str(result.verdict)


def test_a_ligand_that_leaps_finds_the_other_way_to_bind(tmp_path):
    bound = two_way_complex()
    result = found(bound, pushed_frames(bound), LEAPING, tmp_path)
    require_exact(result, two_way_kcal_per_mol(LEAPING))
    tried, accepted = result.leaps
    assert tried >= 2 * LEAPING.iterations
    assert 20 < accepted < 0.5 * tried
    assert result.summary()["dG_kcal_per_mol"]["leaps"] == {"tried": tried, "accepted": accepted}
    assert f"Leaps of the ligand: {tried:,d} tried, {accepted:,d}" in free_energy_section(result)


def test_without_leaps_the_value_is_that_of_the_way_it_began_with(tmp_path):
    # Both directions agree, since neither sees the other way: no verdict can tell.
    bound = two_way_complex()
    result = found(bound, pushed_frames(bound), QUICK, tmp_path)
    value, error = result.mean_kcal_per_mol
    assert abs(value - two_way_kcal_per_mol(QUICK, ways=1)) < 3.5 * error
    assert value < two_way_kcal_per_mol(QUICK) - 4 * error
    assert result.leaps == (0, 0)
    assert "The ligand did not leap: ways to bind that MD does not" in free_energy_section(result)


def test_a_bond_that_leaps_is_no_slow_coordinate(tmp_path):
    bound = twisted_complex()
    frames = with_turned_end(pushed_frames(bound))
    result = found(bound, frames, LEAPING, tmp_path)
    require_exact(result, twisted_kcal_per_mol(LEAPING))
    assert result.leaps[1] > 100


def test_every_few_iterations_the_ligand_leaps_in_windows_that_let_it_turn(tmp_path):
    settings = QUICK.model_copy(update={"leap_steps": 10, "iterations_per_leap": 3})
    bound = two_way_complex()
    plan = FreeEnergyPlan(bound, pushed_frames(bound), 3, settings, 1, "Reference")
    windows = free_energy_run._first_windows(plan)
    free = [4.0 * w.rotation_spring_kj_per_mol < 10.0 * KT for w in windows.path.windows]
    assert 1 < sum(free) < len(free) / 2
    samples, _ = sample_windows(windows, "in", tmp_path, 10)
    assert samples.leaps_tried == 3 * sum(free)
    stored, _ = WindowSamples.load(tmp_path)
    assert (stored.leaps_tried, stored.leaps_accepted) == (
        samples.leaps_tried,
        samples.leaps_accepted,
    )
    more, _ = sample_windows(windows, "in", tmp_path, 13)
    assert more.leaps_tried == 4 * sum(free)  # those of both processes
