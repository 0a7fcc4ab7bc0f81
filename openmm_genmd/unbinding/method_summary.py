"""What a way to find exits achieved, and what that cost: `MethodSummary`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openmm_genmd.unbinding.receptor_strain import ReceptorStrain
from openmm_genmd.unbinding.success import success_at_k, success_interval

_TOGETHER = 10
"""Of success@10."""


@dataclass(frozen=True)
class Tries:
    """Independent tries to get a ligand out.

    Attributes
    ----------
    stable
        Of each, whether the ligand left and stayed out.
    work_kcal_per_mol
        Of each; None where the MD was unstable.
    core_seconds, force_evaluations
        What all of them cost, verification included.
    strains
        Of the receptor where each ended, failures included: a receptor that is torn without letting
        the ligand out is torn, too. Empty where no one looked.

    Examples
    --------
    >>> tries = Tries([True, False, True], [40.0, 90.0, 50.0], core_seconds=12.0,
    ...               force_evaluations=9000)
    >>> tries.summary()["seconds_per_stable_exit"], tries.summary()["work_kcal_per_mol"]
    (6.0, [45.0, 5.0])
    """

    stable: Sequence[bool]
    work_kcal_per_mol: Sequence[float | None]
    core_seconds: float
    force_evaluations: int
    strains: Sequence[ReceptorStrain] = ()

    def summary(self) -> dict[str, Any]:
        """JSON types, with None where nothing succeeded or there are too few tries.

        Works and strains are medians with interquartile ranges. The work is that of stable exits
        alone: what one pays for a path that one gets.
        """
        n, exits = len(self.stable), sum(self.stable)
        pairs = zip(self.work_kcal_per_mol, self.stable, strict=True)
        works = [work for work, stable in pairs if stable and work is not None]
        return {
            "tries": n,
            "stable_exits": exits,
            "success_at_1": success_at_k(n, exits, 1),
            "success_at_1_interval": list(success_interval(n, exits, 1)),
            "success_at_10": success_at_k(n, exits, _TOGETHER) if n >= _TOGETHER else None,
            "seconds_per_stable_exit": self.core_seconds / exits if exits else None,
            "force_evaluations_per_stable_exit": self.force_evaluations / exits if exits else None,
            "work_kcal_per_mol": _spread(works),
            "receptor_rmsd_nm": _spread([strain.rmsd_nm for strain in self.strains]),
            "helix_lost": _spread([strain.helix_lost for strain in self.strains]),
        }


def _spread(values: Sequence[float]) -> list[float] | None:
    """Median and interquartile range."""
    if not values:
        return None
    low, median, high = np.percentile(values, [25, 50, 75])
    return [float(median), float(high - low)]
