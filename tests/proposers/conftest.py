"""Densities on the torus that need no training."""

from types import SimpleNamespace

import numpy as np
import pytest

from openmm_genmd.data.structures import load_structure
from openmm_genmd.representations.torsions import TorsionRepresentation


class VonMises:
    """Product of von Mises densities around fixed centres, or beside the current torsions."""

    def __init__(self, centres, kappas, *, conditional=False):
        self.config = SimpleNamespace(n_torsions=len(centres), conditional=conditional)
        self.centres = np.asarray(centres, dtype=float)
        self.kappas = np.asarray(kappas, dtype=float)
        self.log_norms = np.log(2 * np.pi * np.i0(self.kappas))
        self.n_samples = self.n_densities = 0

    def sample(self, n, rng, context=None):
        self.n_samples += 1
        angles = rng.vonmises(self._means(n, context), self.kappas)
        return angles, self._log_density(angles, context)

    def log_prob_numpy(self, angles, context=None):
        self.n_densities += 1
        return self._log_density(angles, context)

    def _means(self, n, context):
        assert (context is not None) == self.config.conditional
        offset = 0 if context is None else np.asarray(context)
        return np.broadcast_to(self.centres + offset, (n, len(self.centres)))

    def _log_density(self, angles, context):
        cosines = np.cos(angles - self._means(len(angles), context))
        return (self.kappas * cosines - self.log_norms).sum(axis=1)


@pytest.fixture(scope="session")
def von_mises():
    return VonMises


@pytest.fixture(scope="session")
def dipeptide():
    topology, positions_nm = load_structure("alanine-dipeptide")
    return SimpleNamespace(
        topology=topology,
        positions_nm=positions_nm,
        representation=TorsionRepresentation.from_topology(topology),
    )


@pytest.fixture
def peptide(molecules):
    """Give torsions and a random conformation of Ace-Ser-Lys-Pro-Ile-Nme."""
    return molecules["peptide"].representation, molecules["peptide"].conformation(1)
