"""What a torsion representation looks like in a file: `StoredRepresentation`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from openmm_genmd.data.fingerprint import TopologyFingerprint


class StoredTorsion(BaseModel):
    """A `Torsion`, checked for its types."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    atoms: tuple[int, int, int, int]
    moving: tuple[int, ...]


class StoredRepresentation(BaseModel):
    """A `TorsionRepresentation`, checked for its types."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: str
    particles: tuple[int, ...]
    torsions: tuple[StoredTorsion, ...]
    fingerprint: TopologyFingerprint
