"""What a way out has done to the receptor: `ReceptorStrain`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.secondary_structure import secondary_structure
from openmm_genmd.representations.superposition import superpose
from openmm_genmd.unbinding.bound_complex import BoundComplex

_BACKBONE = ("N", "CA", "C")
_HELIX = "H"


@dataclass(frozen=True)
class ReceptorStrain:
    """How far a receptor is from its bound state.

    Attributes
    ----------
    rmsd_nm
        Of the pocket's backbone (N, CA, C), the receptor's heavy atoms being superposed; of all
        heavy atoms of a pocket without one, a host's.
    helix_lost
        Share of the residues in an alpha helix of the bound state that are in none any more; 0
        where there were none.

    Examples
    --------
    >>> ReceptorStrain(rmsd_nm=0.08, helix_lost=0.0).helix_lost
    0.0
    """

    rmsd_nm: float
    helix_lost: float


@dataclass(frozen=True, eq=False)
class StrainGauge:
    """Measures frames against the bound state of a complex.

    Parameters
    ----------
    bound
        The complex.

    Examples
    --------
    >>> from openmm_genmd.unbinding.bundled_systems import bundled_complex
    >>> bound = bundled_complex("cb7-b2")
    >>> strain = StrainGauge(bound).measure(bound.positions_nm + 1.0)
    >>> round(strain.rmsd_nm, 9), strain.helix_lost
    (0.0, 0.0)
    """

    bound: BoundComplex

    def measure(self, frame_nm: NDArray[np.floating[Any]]) -> ReceptorStrain:
        """Strain at ``(n_particles, 3)``, nm."""
        bound, x = self.bound, np.asarray(frame_nm, np.float64)
        fitted = np.isin(np.arange(len(x)), bound.receptor_heavy)
        turned = superpose(x[None], bound.positions_nm[None], fitted[None])[0]
        away = turned[self._backbone] - bound.positions_nm[self._backbone]
        rmsd_nm = float(np.sqrt((away**2).sum(axis=1).mean()))
        if not self._helical:
            return ReceptorStrain(rmsd_nm, 0.0)
        left = self._helical & self._helices(x)
        return ReceptorStrain(rmsd_nm, 1.0 - len(left) / len(self._helical))

    @cached_property
    def _backbone(self) -> NDArray[np.intp]:
        heavy = set(self.bound.pocket_heavy.tolist())
        atoms = [a for a in self.bound.topology.atoms() if a.index in heavy]
        named = [a.index for a in atoms if a.name in _BACKBONE]
        protein = {"N", "CA", "C"} <= {a.name for a in atoms}
        return np.array(named if protein else sorted(heavy), np.intp)

    @cached_property
    def _helical(self) -> set[int]:
        return self._helices(self.bound.positions_nm)

    def _helices(self, x: NDArray[np.float64]) -> set[int]:
        codes = secondary_structure(self.bound.topology, x, self.bound.receptor)
        return {residue for residue, code in codes.items() if code == _HELIX}
