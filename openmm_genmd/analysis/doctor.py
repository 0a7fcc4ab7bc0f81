"""The rejection doctor: why leaps were rejected and which knob to turn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LOW_ACCEPTANCE = 0.02
"""Below this share of accepted leaps the commonest reason deserves a change of settings."""

_ADVICE = {
    "steric": (
        "The proposed conformation overlaps with itself or with its surroundings.",
        "In explicit solvent an instantaneous leap meets the water: use SteeredSwitching. In "
        "implicit solvent train on more frames, or leap fewer torsions at a time.",
    ),
    "strain": (
        "The proposed conformation is strained: its energy rose by more than the model expected.",
        "Train longer, and on frames of the run's own temperature, so that the model follows the "
        "basins more closely; or leap fewer torsions at a time.",
    ),
    "ratio": (
        "The model gives the way back a far smaller density than the way there.",
        "Cover every basin in training (frames drawn uniformly over states) and raise the uniform "
        "share of the model.",
    ),
    "not finite": (
        "The energy or the density ratio was infinite or not a number.",
        "A few of them do no harm: they are rejected. Many mean that atoms land on top of each "
        "other or that the checkpoint is damaged: train again, in float64.",
    ),
    "constraint": (
        "The proposed conformation breaks a constrained bond or angle.",
        "Use a representation that carries constrained distances; TorsionRepresentation does.",
    ),
    "surrogate": (
        "The surrogate energy preferred a candidate that the force field does not (MultipleTry), "
        "or ruled out a leap before its switch (SteeredSwitching).",
        "Use a surrogate closer to the force field (BatchedEnergy with all of its terms), or fewer "
        "candidates: with many the pick goes where the surrogate is wrong. Switches that were "
        "ruled out cost nothing.",
    ),
    "work": (
        "The switch took more work than the acceptance rule allows.",
        "Use more switching steps, since work falls as one over their number. First make sure that "
        "it is not the time step: measureShadowWork() should be 1 kT at most; if it is more, "
        "shorten time_step_ps or set hydrogen_mass_da.",
    ),
    "terminated": (
        "A leap went beyond reach_nm, or the partial work of its switch, there or back, exceeded "
        "work_limit_kt.",
        "Such switches end early and cost less than whole ones: no harm if some are accepted. If "
        "next to none is, use more switching steps; raise work_limit_kt only if accepted switches "
        "become more frequent per MD step spent.",
    ),
}


@dataclass(frozen=True)
class Diagnosis:
    """One reason of rejection with its share and its remedy.

    Attributes
    ----------
    reason
        As written by `JumpReporter`.
    share
        Of all attempts, between 0 and 1.
    meaning, remedy
        Sentences for the user.

    Examples
    --------
    >>> diagnose({"steric": 30}, n_attempts=100)[0].share
    0.3
    """

    reason: str
    share: float
    meaning: str
    remedy: str


def diagnose(rejections: Mapping[str, int], *, n_attempts: int) -> tuple[Diagnosis, ...]:
    """One `Diagnosis` per reason, the most frequent first.

    Parameters
    ----------
    rejections
        Number of rejections by reason, from `JumpLog.rejections`.
    n_attempts
        Number of attempts, the accepted ones included.

    Raises
    ------
    ValueError
        If there are more rejections than attempts.
    """
    total = sum(rejections.values())
    if total > n_attempts:
        raise ValueError(f"{total} rejections in {n_attempts} attempts: the counts do not match")
    ordered = sorted(rejections.items(), key=lambda item: -item[1])
    return tuple(_diagnosis(reason, count / n_attempts) for reason, count in ordered if count)


def verdict(acceptance: float) -> str:
    """One sentence on the acceptance as a whole."""
    if not acceptance >= 0:
        return "No leap was attempted: the run is shorter than one jump interval."
    if acceptance < LOW_ACCEPTANCE:
        return (
            f"Only {acceptance:.2%} of the leaps were accepted: start with the first remedy below."
        )
    return f"{acceptance:.1%} of the leaps were accepted: the model serves this molecule."


def _diagnosis(reason: str, share: float) -> Diagnosis:
    meaning, remedy = _ADVICE.get(
        reason, ("This reason is unknown to the analysis.", "See the proposer's documentation.")
    )
    return Diagnosis(reason, share, meaning, remedy)
