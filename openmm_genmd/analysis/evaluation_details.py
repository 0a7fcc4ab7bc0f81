"""What an evaluation rests on, and its numbers per torsion, atom and state, ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.comparison import (
    BLOCKS,
    FrameData,
    are_replicas,
    finite_or_none,
)
from openmm_genmd.analysis.ensemble import Ensemble
from openmm_genmd.analysis.evaluation_dynamics import Dynamics
from openmm_genmd.analysis.evaluation_statistics import torsion_distances
from openmm_genmd.analysis.metrics_distributions import occupancies
from openmm_genmd.analysis.metrics_flexibility import rmsf, thin
from openmm_genmd.analysis.reference_states import ReferenceStates, lag_in_frames

_MAX_FRAMES = 5000


def facts_of(reference: Ensemble, generated: Ensemble, *, lag_time_ps: float) -> dict[str, Any]:
    """Frames, replicas, lag, and where error bars come from."""
    interval_ps = reference.frame_interval_ps
    lag = None if interval_ps is None else lag_in_frames(lag_time_ps, interval_ps)
    return {
        "sequence": reference.molecule.layout.sequence,
        "reference": _size(reference),
        "generated": _size(generated),
        "lag": {"time_ps": lag_time_ps, "reference_frames": lag},
        "error_bars": error_source(generated),
    }


def error_source(generated: Ensemble) -> str:
    """Where error bars come from, in words."""
    if are_replicas(generated.lengths):
        return f"jackknife over {len(generated.lengths)} generated replicas"
    return (
        f"jackknife over {BLOCKS} consecutive blocks of the generated frames: too small where "
        "frames remember longer than a block"
    )


def details_of(
    reference: Ensemble,
    generated: Ensemble,
    frames: Sequence[FrameData],
    states: ReferenceStates | None,
    dynamics: Dynamics | None,
) -> dict[str, Any]:
    """Numbers per torsion, per atom and per state."""
    details: dict[str, Any] = {
        "torsions": _torsions(reference, frames, dynamics),
        "alpha_carbons": _fluctuations(reference, generated, reference.molecule.alpha_carbons),
        "heavy_atoms": _fluctuations(reference, generated, None),
    }
    if states is not None and all(np.any(data["states"] >= 0) for data in frames):
        details["state_populations"] = {
            name: occupancies(data["states"], states.n_states).tolist()
            for name, data in zip(("reference", "generated"), frames, strict=True)
        }
    return details


def _size(ensemble: Ensemble) -> dict[str, Any]:
    return {
        "frames": len(ensemble),
        "replicas": len(ensemble.lengths),
        "frames_of_replicas": list(ensemble.lengths),
        "frame_interval_ps": ensemble.frame_interval_ps,
    }


def _torsions(
    reference: Ensemble, frames: Sequence[FrameData], dynamics: Dynamics | None
) -> list[dict[str, Any]]:
    names = reference.molecule.torsion_names
    each = torsion_distances(frames[0], frames[1])
    rows: list[dict[str, Any]] = [
        {"name": name, "jsd": finite_or_none(distance)}
        for name, distance in zip(names, each.tolist(), strict=True)
    ]
    if dynamics is not None:
        for i, row in enumerate(rows):
            row["decorrelation_reference_ps"] = dynamics.reference.torsion_times_ps[i]
            row["decorrelation_generated_ps"] = dynamics.generated.torsion_times_ps[i]
    return rows


def _fluctuations(
    reference: Ensemble, generated: Ensemble, atoms: NDArray[np.int64] | None
) -> dict[str, list[float]]:
    """RMSF in Angstrom of both ensembles, each superposed with the atoms that are compared."""
    result = {}
    for name, ensemble in (("reference", reference), ("generated", generated)):
        positions = thin(ensemble.heavy_angstrom, _MAX_FRAMES)
        if atoms is not None:
            positions = ensemble.molecule.superposed(positions, atoms)
        result[f"rmsf_{name}_angstrom"] = rmsf(positions).tolist()
    return result
