"""The folder of a search that is over, made without one."""

import json
from pathlib import Path

import numpy as np

from openmm_genmd.unbinding.path_settings import PathSettings
from openmm_genmd.unbinding.phase import Phase
from openmm_genmd.unbinding.stored_complex import save_complex
from openmm_genmd.unbinding.walker import Stop, Walker

from .gated_complex import pushed_frames
from .small_complex import small_complex


def finished_run(folder: Path, stable: bool = True) -> Path:
    """Folder of a run with two walkers, of which the first pushed its ligand out."""
    bound = small_complex()
    (folder / "paths").mkdir(parents=True)
    save_complex(bound, folder)
    frames = pushed_frames(bound).astype(np.float32)
    for number, (last, status) in enumerate(((12, "out"), (3, "gave up"))):
        at = [Phase(x.astype(np.float64), np.zeros(x.shape)) for x in frames[[0, last - 1]]]
        stops = [Stop(at[0], frames[:1]), Stop(at[1], frames[1:last], 40.0, 0.0)]
        walker = Walker(number, stops, np.random.default_rng(number), status)
        walker.save(folder / "paths" / f"walker-{number:04d}.npz")
        verdict = {"stable": stable if status == "out" else None, "steps": 10, "seconds": 1.0}
        (folder / "paths" / f"walker-{number:04d}.json").write_text(json.dumps(verdict))
    plan = {"system": "ring", "walkers": 2, "settings": PathSettings().model_dump()}
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "summary.json").write_text(json.dumps({"grade": "exploratory", "tries": 2}))
    return folder
