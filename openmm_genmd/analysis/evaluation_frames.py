"""From ensembles to the quantities of frames that statistics take, pair by pair."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from openmm_genmd.analysis.comparison import FrameData, Statistic, groups_of
from openmm_genmd.analysis.ensemble import Ensemble
from openmm_genmd.analysis.evaluation_statistics import (
    ContactStatistic,
    ExposureStatistic,
    FoldingStatistic,
    StateStatistic,
    TorsionStatistic,
    clash_statistic,
    flexibility_statistic,
    shape_statistic,
    slow_statistic,
)
from openmm_genmd.analysis.metrics_clashes import count_clashes
from openmm_genmd.analysis.metrics_contacts import contact_frequencies
from openmm_genmd.analysis.metrics_folding import NativeContacts
from openmm_genmd.analysis.reference_states import ReferenceStates

Family = tuple[Statistic, FrameData, FrameData]
"""A statistic, with the reference and the generated frames that it takes."""


def frames_of_all(ensemble: Ensemble, states: ReferenceStates | None) -> FrameData:
    """Cheap quantities of all frames: torsions, slow coordinates, states, shape."""
    arrays: dict[str, NDArray[np.generic]] = {"torsions": ensemble.torsions}
    if states is not None:
        arrays["states"] = states.states(ensemble)
        if states.has_slow_coordinates:
            arrays["slow"] = states.slow(ensemble)[:, :2]
    if ensemble.shape is not None:
        arrays["shape"] = np.asarray(ensemble.shape)
    return FrameData(arrays, groups_of(ensemble.lengths))


def thinned_positions(ensemble: Ensemble, max_frames: int) -> FrameData:
    """Superposed heavy atoms, and alpha carbons superposed on their own, of some frames."""
    every = FrameData({"heavy": ensemble.heavy_angstrom}, groups_of(ensemble.lengths))
    chosen = every.thinned(max_frames)
    molecule = ensemble.molecule
    carbons = molecule.superposed(chosen["heavy"], molecule.alpha_carbons)
    return FrameData({"heavy": chosen["heavy"], "alpha_carbons": carbons}, chosen.groups)


def families_of_all(
    reference: FrameData,
    generated: FrameData,
    *,
    torsion_names: tuple[str, ...],
    n_states: int,
    temperature_k: float,
) -> Iterator[Family]:
    """Statistics of all frames, for those quantities that are there."""
    is_backbone = np.array([name.split()[-1] in ("phi", "psi") for name in torsion_names])
    statistics: dict[str, Statistic] = {
        "torsions": TorsionStatistic(is_backbone),
        "slow": slow_statistic,
        "states": StateStatistic(n_states, temperature_k),
        "shape": shape_statistic,
    }
    for name, statistic in statistics.items():
        if name in reference.arrays:
            yield statistic, _only(reference, name), _only(generated, name)


def families_of_positions(
    reference: Ensemble,
    generated: Ensemble,
    *,
    max_frames: int,
    max_area_frames: int,
    temperature_k: float,
    protein: bool,
) -> Iterator[Family]:
    """Statistics of positions; those of contacts, exposure and folding for proteins only."""
    pair = [thinned_positions(ensemble, max_frames) for ensemble in (reference, generated)]
    yield flexibility_statistic, pair[0], pair[1]
    clashes = [_with_clashes(data, reference) for data in pair]
    yield clash_statistic, clashes[0], clashes[1]
    if not protein:
        return
    molecule = reference.molecule
    native = molecule.native_angstrom
    frequencies = contact_frequencies(native[None, molecule.alpha_carbons])
    carbons = [_only(data, "alpha_carbons") for data in pair]
    yield ContactStatistic(frequencies), carbons[0], carbons[1]
    contacts = NativeContacts.of(native, molecule.residue_of_atom)
    fractions = [_replaced(d, "native_fraction", contacts.fractions(d["heavy"])) for d in pair]
    yield FoldingStatistic(temperature_k), fractions[0], fractions[1]
    few = [data.thinned(max_area_frames) for data in pair]
    areas = [_replaced(d, "areas", molecule.side_chain_areas(d["heavy"])) for d in few]
    yield ExposureStatistic(molecule.side_chain_areas(native[None])[0]), areas[0], areas[1]


def _with_clashes(data: FrameData, reference: Ensemble) -> FrameData:
    molecule = reference.molecule
    clashes = count_clashes(
        data["heavy"], bonds=molecule.bonds, radii_angstrom=molecule.radii_angstrom
    )
    arrays = {"close_pairs": clashes.close_pairs, "overlap": clashes.overlap_fraction}
    return FrameData(arrays, data.groups)


def _only(data: FrameData, name: str) -> FrameData:
    return FrameData({name: data[name]}, data.groups)


def _replaced(data: FrameData, name: str, values: NDArray[np.float64]) -> FrameData:
    return FrameData({name: values}, data.groups)
