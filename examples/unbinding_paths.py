"""A guest walks out of its host: paths led by BioMD, verified, and the control without a model.

Grade exploratory: a path is evidence of a way out, without Boltzmann weight and without a rate.
`genmd unbind run` does all of this, resumably and with a report.

    python examples/unbinding_paths.py --walkers 6 --out unbinding_example
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from openmm_genmd.unbinding.bundled_systems import bundled_complex
from openmm_genmd.unbinding.contacts import BoundContacts
from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.team_run import TeamPlan, run_team, tries_of
from openmm_genmd.units import KJ_PER_KCAL

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Unbinding paths of CB7-B2.")
    parser.add_argument("--walkers", type=int, default=6)
    parser.add_argument("--most-leaps", type=int, default=PathSettings().most_leaps)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, help="keeps the walkers and resumes there")
    options = parser.parse_args()

    bound = bundled_complex("cb7-b2")
    settings = PathSettings(most_leaps=options.most_leaps)
    plan = TeamPlan(bound, "cb7-b2", settings=settings, walkers=options.walkers)
    contacts = BoundContacts.of(bound.topology, bound.positions_nm, bound.receptor, bound.ligand)

    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        for name, drift in (("model", "model"), ("no drift", "zero")):
            walkers = replace(plan, drift=drift)
            team = run_team(walkers, out / drift, workers=options.workers)
            found = tries_of(team).summary()
            print(f"{name}: {found['stable_exits']} of {found['tries']} out (exploratory)")
            for walker, verdict in team:
                kept = contacts.fraction(walker.path_nm()[-1])[0]
                work = walker.work_kj_per_mol / KJ_PER_KCAL
                stays = {True: "stays out", False: "comes back", None: "still in"}[verdict.stable]
                print(
                    f"  walker {walker.number}: {stays}, {work:.0f} kcal/mol, contacts {kept:.2f}"
                )
