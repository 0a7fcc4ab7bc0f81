"""What a way out costs: the free energy of unbinding along a path of a finished search.

A value is believed only if simulations that start bound and simulations that start with the ligand
out agree on it. `genmd unbind free-energy` does the same and adds it to the run's report.

    genmd unbind run --system cb7-b2 --out unbinding
    python examples/unbinding_free_energy.py unbinding --out windows
"""

import argparse
import tempfile
from pathlib import Path

from openmm_genmd.unbinding.free_energy_run import FreeEnergyPlan, run_free_energy
from openmm_genmd.unbinding.free_energy_settings import FreeEnergySettings
from openmm_genmd.unbinding.stored_run import StoredRun

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Free energy of unbinding along a path.")
    parser.add_argument("run", type=Path, help="folder of genmd unbind run")
    parser.add_argument("--iterations", type=int, default=FreeEnergySettings().iterations)
    parser.add_argument("--steps-per-exchange", type=int, default=50)
    parser.add_argument("--platform", default="CPU")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="keeps the windows and resumes there")
    options = parser.parse_args()

    run = StoredRun.load(options.run)
    path = run.path()  # of the least work in the most used channel
    settings = FreeEnergySettings(
        iterations=options.iterations, steps_per_exchange=options.steps_per_exchange
    )
    plan = FreeEnergyPlan(
        run.bound, path.frames_nm, path.number, settings, platform=options.platform
    )
    with tempfile.TemporaryDirectory() as temporary:
        result = run_free_energy(plan, options.out or temporary, workers=options.workers)
    print(f"{run.bound.name}, {len(result.plan.path.windows)} windows along path {path.number}")
    for direction, found in result.estimates.items():
        value, error = found.unbinding_kcal_per_mol
        print(f"  {direction}-started: {value:.2f} ± {error:.2f} kcal/mol (1 mol/L)")
    print(f"  {result.verdict}; grade {result.grade}")
    if result.verdict.converged:
        value, error = result.mean_kcal_per_mol
        print(f"  free energy of unbinding: {value:.2f} ± {error:.2f} kcal/mol")
