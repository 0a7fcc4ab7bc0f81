"""Folders that ``genmd msm`` made, as sources of training pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.msm.pairs import PairSampler
from openmm_genmd.msm.transition_model import TransitionModel
from openmm_genmd.representations.residue_data import ResidueData, open_residue_data
from openmm_genmd.training.dataset import validation_mask
from openmm_genmd.training.pair_batches import PairSource

MODEL = "model.npz"
"""Transition model in such a folder, beside the residue data."""

_FRAMES_IN_DIGEST = 1000
"""Reading all frames of a large data set would take longer than is worth it."""


@dataclass(frozen=True, eq=False)
class PairFolder:
    """Frames of one molecule and their Markov model.

    Attributes
    ----------
    data
        Backbones and torsions.
    model
        Its labels are of the same frames.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     open_pair_folder(Path(folder))
    Traceback (most recent call last):
        ...
    FileNotFoundError: no residue data in ...
    """

    data: ResidueData
    model: TransitionModel

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the Markov model and of a thousand frames."""
        digest = hashlib.sha256(self.data.layout.sequence.encode())
        digest.update(str(self.data.lengths).encode())
        digest.update(self.model.labels.tobytes() + self.model.transition_matrix.tobytes())
        some = np.linspace(0, len(self.data) - 1, _FRAMES_IN_DIGEST).astype(int)
        digest.update(self.data.backbone_angstrom[some].tobytes())
        return digest.hexdigest()

    def divide(
        self, fraction: float, rng: np.random.Generator
    ) -> tuple[PairSource, PairSource | None]:
        """Training pairs, and validation pairs of frames that are held out.

        Parameters
        ----------
        fraction
            About how much of the frames is held out, in blocks of time; with 0 there are no
            validation pairs. A state of which less than half the intended share would be left is
            trained on entirely.
        rng
            Chooses the blocks.

        Raises
        ------
        ValueError
            If there are too few frames to divide.
        """
        if fraction == 0.0:
            return self._source(self.model.labels, self.model.transition_matrix), None
        held_out = self._held_out(fraction, rng)
        training = np.where(held_out, -1, self.model.labels)
        states = np.unique(self.model.labels[held_out & (self.model.labels >= 0)])
        source = self._source(training, self.model.transition_matrix)
        return source, self._part(held_out, states) if len(states) else None

    def _source(self, labels: NDArray[np.int64], matrix: NDArray[np.float64]) -> PairSource:
        digest = hashlib.sha256(self.sha256.encode() + labels.tobytes()).hexdigest()
        data = self.data
        pairs = PairSampler(labels, matrix)
        return PairSource(data.layout, data.backbone_angstrom, data.torsions_rad, pairs, digest)

    def _held_out(self, fraction: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        labels, n_states = self.model.labels, self.model.n_states
        held_out = validation_mask(self.data.lengths, fraction, rng)
        total = np.bincount(labels[labels >= 0], minlength=n_states)
        left = np.bincount(labels[~held_out & (labels >= 0)], minlength=n_states)
        rare = left < 0.5 * (1.0 - fraction) * total
        return np.asarray(held_out & ~rare[np.maximum(labels, 0)])

    def _part(self, frames: NDArray[np.bool_], states: NDArray[np.int64]) -> PairSource:
        """Pairs of some frames, with the transitions among the states that they are in."""
        matrix = self.model.transition_matrix[np.ix_(states, states)]
        # A state that would lead nowhere leads to itself.
        matrix = np.where(matrix.sum(axis=1, keepdims=True) > 0, matrix, np.eye(len(states)))
        labels = np.where(frames, np.searchsorted(states, self.model.labels), -1)
        labels[self.model.labels < 0] = -1
        return self._source(labels, matrix / matrix.sum(axis=1, keepdims=True))


def open_pair_folder(folder: Path) -> PairFolder:
    """Frames and Markov model in a folder.

    Parameters
    ----------
    folder
        Made by ``genmd msm``.

    Raises
    ------
    FileNotFoundError
        If it has no residue data or no Markov model.
    ValueError
        If these do not belong together.
    """
    data = open_residue_data(folder)
    if not (folder / MODEL).is_file():
        raise FileNotFoundError(f"no {MODEL} in {folder}; `genmd msm --out` makes one")
    model = TransitionModel.load(folder / MODEL)
    if len(model.labels) != len(data):
        raise ValueError(
            f"{folder} has {len(data)} frames, but its Markov model labels {len(model.labels)}; "
            "make the folder again with genmd msm"
        )
    return PairFolder(data, model)


def temperature_of(folders: Sequence[PairFolder]) -> float | None:
    """Return the temperature of all folders in K, or None if none knows it.

    Parameters
    ----------
    folders
        At least one.

    Raises
    ------
    ValueError
        If there is more than one.
    """
    found = {f.data.temperature_k for f in folders} - {None}
    if len(found) > 1:
        listed = ", ".join(f"{t:g}" for t in sorted(t for t in found if t is not None))
        raise ValueError(
            f"the folders should have one temperature, got {listed} K; train a model for each"
        )
    return found.pop() if found else None
