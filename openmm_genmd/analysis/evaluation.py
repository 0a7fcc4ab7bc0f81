"""All metrics of a generated ensemble against a reference: `evaluate`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from openmm_genmd.analysis.comparison import MIN_FRAMES, Comparison, FrameData, compare
from openmm_genmd.analysis.ensemble import Ensemble
from openmm_genmd.analysis.evaluation_details import details_of, facts_of
from openmm_genmd.analysis.evaluation_dynamics import Dynamics, compare_dynamics
from openmm_genmd.analysis.evaluation_frames import (
    Family,
    families_of_all,
    families_of_positions,
    frames_of_all,
)
from openmm_genmd.analysis.evaluation_table import EXPLORATORY, METRICS
from openmm_genmd.analysis.reference_states import (
    ReferenceStates,
    fit_reference_states,
    lag_in_frames,
    reuse_states,
)
from openmm_genmd.msm.diagnosis import SamplingError
from openmm_genmd.msm.estimation import MsmConfig
from openmm_genmd.msm.state_map import StateMap

_PROTEIN_RESIDUES = 10
_MUCH_EXCLUDED = 0.01


class EvaluationSettings(BaseModel):
    """What is measured, and how.

    Attributes
    ----------
    lag_time_ps
        Lag of TICA, of the Markov model and of fluxes, ps.
    features
        What the Markov model of the reference is made of: torsions, or shape, for proteins.
    n_microstates, n_states
        Clusters of k-means, and metastable states of PCCA+.
    min_crossings
        How often states of the reference must have been entered and left; 0 accepts any.
    temperature_k
        Of both ensembles, for free energies, K.
    kind
        Contacts, exposure and folding are for proteins; auto: ten residues or more.
    max_frames
        Equally spaced frames of each ensemble used for fluctuations, clashes and folding.
    max_area_frames
        The same for solvent-accessible areas, which take the most time.
    path_length, n_paths
        States in a transition path, and number of paths.
    seed
        Of k-means and of the paths.

    Examples
    --------
    >>> EvaluationSettings(lag_time_ps=50_000.0, features="shape").max_frames
    1000
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lag_time_ps: float = Field(default=100.0, gt=0)
    features: Literal["torsions", "shape"] = "torsions"
    n_microstates: int = Field(default=100, ge=2)
    n_states: int = Field(default=10, ge=2, le=16)
    min_crossings: float = Field(default=3.0, ge=0)
    temperature_k: float = Field(default=300.0, gt=0)
    kind: Literal["auto", "peptide", "protein"] = "auto"
    max_frames: int = Field(default=1000, ge=20)
    max_area_frames: int = Field(default=200, ge=20)
    path_length: int = Field(default=11, ge=2)
    n_paths: int = Field(default=1000, ge=1)
    seed: int = Field(default=0, ge=0)

    def is_protein(self, n_residues: int) -> bool:
        """Whether the metrics of proteins are asked for."""
        return self.kind == "protein" or (self.kind == "auto" and n_residues >= _PROTEIN_RESIDUES)


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one generated ensemble.

    Attributes
    ----------
    settings
        What was measured.
    metrics
        By their names in `METRICS`; those that do not apply are missing.
    facts
        Frames, replicas, lags: what the numbers rest on.
    details
        Numbers per torsion, atom and state, for figures and for a summary of several targets.
    reference, generated
        Quantities of all frames, for figures.
    dynamics
        Only if both ensembles have an order in time.
    notes
        What a reader should know before quoting a number.

    Examples
    --------
    >>> from openmm_genmd.analysis.ensemble import Molecule
    >>> from openmm_genmd.data.structures import load_structure
    >>> topology, positions_nm = load_structure("alanine-dipeptide")
    >>> molecule = Molecule.of(topology, positions_nm)
    >>> rng = np.random.default_rng(1)
    >>> frames = molecule.native_angstrom + rng.normal(scale=0.2, size=(40, 10, 3))
    >>> angles = rng.uniform(-3, 3, size=(40, 1, 7))
    >>> ensemble = Ensemble(molecule, frames, angles, (40,), None)
    >>> result = evaluate(ensemble, ensemble, EvaluationSettings())
    >>> result.metrics["torsion_jsd"].value, round(result.metrics["rmsf_r_heavy"].value, 6)
    (0.0, 1.0)
    """

    settings: EvaluationSettings
    metrics: dict[str, Comparison]
    facts: dict[str, Any]
    details: dict[str, Any]
    reference: FrameData
    generated: FrameData
    dynamics: Dynamics | None
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON file."""
        metrics = {
            name: {
                "label": METRICS[name].label,
                "unit": METRICS[name].unit,
                "better": METRICS[name].better,
                **self.metrics[name].as_dict(),
            }
            for name in METRICS
            if name in self.metrics
        }
        return {
            "grade": EXPLORATORY,
            **self.facts,
            "settings": self.settings.model_dump(),
            "metrics": metrics,
            **self.details,
            "notes": list(self.notes),
        }


def evaluate(
    reference: Ensemble,
    generated: Ensemble,
    settings: EvaluationSettings,
    *,
    state_map: StateMap | None = None,
) -> Evaluation:
    """Every metric that applies.

    Parameters
    ----------
    reference, generated
        Two ensembles of one molecule. States come from the reference, if it has a time between
        frames; metrics of dynamics need that of both.
    settings
        What is measured.
    state_map
        States to use instead, from `genmd msm`: for references without an order in time.

    Raises
    ------
    ValueError
        If an ensemble has fewer than ten frames, the lag is not a multiple of the time between
        frames, or the states are not of this molecule.
    """
    for name, ensemble in (("reference", reference), ("generated", generated)):
        if len(ensemble) < MIN_FRAMES:
            raise ValueError(
                f"the {name} ensemble needs at least {MIN_FRAMES} frames, got {len(ensemble)}"
            )
    states, notes = _states(reference, settings, state_map)
    frames = [frames_of_all(ensemble, states) for ensemble in (reference, generated)]
    notes += _excluded(frames[1])
    protein = settings.is_protein(len(reference.molecule.layout))
    families = [
        *families_of_all(
            *frames,
            torsion_names=reference.molecule.torsion_names,
            n_states=states.n_states if states else 0,
            temperature_k=settings.temperature_k,
        ),
        *families_of_positions(
            reference,
            generated,
            max_frames=settings.max_frames,
            max_area_frames=settings.max_area_frames,
            temperature_k=settings.temperature_k,
            protein=protein,
        ),
    ]
    metrics = _measured(families)
    dynamics = _dynamics(reference, generated, states, settings)
    if dynamics is not None:
        metrics |= dynamics.numbers
        notes += dynamics.notes
    return Evaluation(
        settings,
        {name: _presentable(name, value) for name, value in metrics.items()},
        facts_of(reference, generated, lag_time_ps=settings.lag_time_ps),
        details_of(reference, generated, frames, states, dynamics),
        frames[0],
        frames[1],
        dynamics,
        tuple(notes),
    )


def _states(
    reference: Ensemble, settings: EvaluationSettings, state_map: StateMap | None
) -> tuple[ReferenceStates | None, list[str]]:
    interval_ps = reference.frame_interval_ps
    lag = None if interval_ps is None else lag_in_frames(settings.lag_time_ps, interval_ps)
    try:
        if state_map is not None:
            states = reuse_states(state_map, reference, lag)
            return states, list(states.notes)
        if lag is None:
            return None, [
                "no TICA and no states: the time between frames of the reference is not known"
            ]
        config = MsmConfig(
            lag_frames=lag,
            coordinates="tica" if settings.features == "torsions" else "standardized",
            n_microstates=settings.n_microstates,
            n_states=settings.n_states,
            min_crossings=settings.min_crossings,
            seed=settings.seed,
        )
        states = fit_reference_states(reference, config, settings.features)
    except SamplingError as error:
        return None, [f"no TICA and no states of the reference: {error}"]
    return states, list(states.notes)


def _measured(families: Iterable[Family]) -> dict[str, Comparison]:
    metrics: dict[str, Comparison] = {}
    for statistic, reference, generated in families:
        metrics |= compare(statistic, reference, generated)
    return metrics


def _presentable(name: str, comparison: Comparison) -> Comparison:
    """Without what makes no sense for a number that describes one ensemble only."""
    if name.endswith("_reference"):
        return Comparison(comparison.value)
    if name.endswith("_generated"):
        return Comparison(comparison.value, comparison.standard_error)
    return comparison


def _excluded(generated: FrameData) -> list[str]:
    if "states" not in generated.arrays:
        return []
    share = float(np.mean(generated["states"] < 0))
    if share <= _MUCH_EXCLUDED:
        return []
    return [f"{share:.1%} of the generated frames are in conformations without a state: left out"]


def _dynamics(
    reference: Ensemble,
    generated: Ensemble,
    states: ReferenceStates | None,
    settings: EvaluationSettings,
) -> Dynamics | None:
    if reference.frame_interval_ps is None or generated.frame_interval_ps is None:
        return None
    return compare_dynamics(
        reference,
        generated,
        states,
        lag_time_ps=settings.lag_time_ps,
        path_length=settings.path_length,
        n_paths=settings.n_paths,
        seed=settings.seed,
    )
