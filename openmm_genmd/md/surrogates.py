"""Energies that stand in for OpenMM's: `WithSurrogate`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.native import core

Array = NDArray[np.float64]


class WithSurrogate:
    """What protocols with a surrogate energy have in common; the integrator keeps them alive."""

    surrogate: Any

    def _check_surrogate(self) -> None:
        if not (self.surrogate is None or self._is_native or callable(self.surrogate)):
            raise TypeError(
                "surrogate must be a BatchedEnergy, a function of positions (K, n_moved, 3) in nm "
                f"that returns energies (K,) in kJ/mol, or None; got {self.surrogate!r}"
            )

    @property
    def _is_native(self) -> bool:
        return isinstance(getattr(self.surrogate, "native", None), core.CandidateEnergy)

    def native_surrogate(self) -> Any:
        """Return what the extension module evaluates: a native energy, this object, or None."""
        if self.surrogate is None:
            return None
        return self.surrogate.native if self._is_native else self

    def energies(self, positions: Array) -> Array:
        """Surrogate energies ``(K,)`` in kJ/mol of positions ``(K, n_moved, 3)`` in nm.

        Raises
        ------
        ValueError
            If the surrogate returns another shape.
        """
        energies = np.asarray(self.surrogate(positions), dtype=np.float64)
        if energies.shape != (len(positions),):
            raise ValueError(
                f"the surrogate must return one energy for each of {len(positions)} conformations, "
                f"shape ({len(positions)},); got {energies.shape}"
            )
        return energies
