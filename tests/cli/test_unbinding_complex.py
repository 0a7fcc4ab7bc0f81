"""Options that make a complex cheaper: a part of it, and heavier hydrogens."""

from pathlib import Path

import pytest

from openmm_genmd.cli.unbind_prepare import _plan
from openmm_genmd.cli.unbinding_complex import chosen_complex
from openmm_genmd.unbinding.exit_metadynamics import MetadynamicsSettings
from openmm_genmd.unbinding.stored_complex import save_complex

PLAN = {
    **{"pulls": 0, "metadynamics": 1, "seed": 0, "platform": "CPU", "stay_ps": 3.0},
    **{"steps": 100, "length_nm": 1.0, "spring_kj_per_mol_nm2": 1000.0, "exit_nm": 0.6},
    **{"time_step_fs": 4.0, "most_steps": 100, "naive": False, "steps_per_hill": None},
}


def test_a_part_with_heavy_hydrogens(tmp_path: Path) -> None:
    options = {"system": "l99a-p-xylene", "pocket_nm": 0.6, "cut_nm": 0.9, "hydrogen_mass_da": 3.0}
    part = chosen_complex(options)
    assert part.topology.getNumAtoms() == 990
    hydrogen = next(a for a in part.topology.atoms() if a.index in part.ligand and a.name[0] == "H")
    assert part.system.getParticleMass(hydrogen.index)._value == 3.0
    save_complex(part, tmp_path)
    assert chosen_complex({}, tmp_path).topology.getNumAtoms() == 990
    for name, option in (("cut_nm", "--cut-nm"), ("hydrogen_mass_da", "--hydrogen-mass-da")):
        with pytest.raises(ValueError, match=f"{option} cannot change the complex in"):
            chosen_complex({name: 3.0}, tmp_path)


def test_hills_may_be_rarer() -> None:
    assert _plan(PLAN).hills.steps_per_hill == MetadynamicsSettings.fast().steps_per_hill
    assert _plan(PLAN | {"steps_per_hill": 20}).hills.steps_per_hill == 20
    naive = _plan(PLAN | {"naive": True, "steps_per_hill": 50}).hills
    assert naive == MetadynamicsSettings.naive().model_copy(
        update={"steps_per_hill": 50, "most_steps": 100, "time_step_fs": 4.0}
    )
