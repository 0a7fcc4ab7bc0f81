"""What a user names as training data: which files these are, and what is known about them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openmm_genmd.md.manifest import Manifest, read_manifest


def find_trajectories(given: Sequence[Path]) -> tuple[list[Path], list[Manifest]]:
    """Files to read, and the manifests of the folders that were given.

    Parameters
    ----------
    given
        Trajectories, and folders that ``genmd simulate`` made.

    Raises
    ------
    ValueError
        If a folder is not such a folder, or its simulation is not complete.
    """
    files: list[Path] = []
    manifests = []
    for path in given:
        if not path.is_dir():
            files.append(path)
            continue
        inside, manifest = sorted(path.glob("run-*.dcd")), read_manifest(path)
        if not inside or manifest is None:
            raise ValueError(f"{path} is a folder without the files that genmd simulate writes")
        if len(inside) != manifest.plan.runs:
            raise ValueError(
                f"{path} has {len(inside)} of {manifest.plan.runs} trajectories, and basins may be "
                "missing; complete it with genmd simulate --resume, or name single files"
            )
        files += inside
        manifests.append(manifest)
    return files, manifests


def notes_on_data(
    given: Sequence[Path], manifests: Sequence[Manifest], temperature_k: float | None
) -> dict[str, Any]:
    """What the checkpoint says about its data: ``temperature_k``, and ``data_seconds`` if known.

    Parameters
    ----------
    given, manifests
        Of `find_trajectories`. Only if all are folders is it known what the data cost.
    temperature_k
        As the user says; None leaves it to the manifests.

    Raises
    ------
    ValueError
        If there is more than one temperature.
    """
    temperatures = {manifest.plan.temperature_k for manifest in manifests}
    if temperature_k is not None:
        temperatures.add(temperature_k)
    if len(temperatures) > 1:
        listed = ", ".join(f"{t:g}" for t in sorted(temperatures))
        raise ValueError(
            f"the trajectories and --temperature-k should have one temperature, got {listed} K; "
            "train on data of one temperature"
        )
    notes: dict[str, Any] = {"temperature_k": temperatures.pop() if temperatures else None}
    if len(manifests) == len(given):
        notes["data_seconds"] = sum(manifest.data_seconds for manifest in manifests)
    return notes
