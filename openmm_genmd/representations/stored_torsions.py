"""What a representation with torsions looks like in a file: `StoredRepresentation`."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from openmm_genmd.data.fingerprint import TopologyFingerprint


class StoredTorsion(BaseModel):
    """A `Torsion`, checked for its types."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    atoms: tuple[int, int, int, int]
    moving: tuple[int, ...]


class StoredRepresentation(BaseModel):
    """A `TorsionRepresentation` or `FrameRepresentation`, checked for its types."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: str
    particles: tuple[int, ...]
    torsions: tuple[StoredTorsion, ...]
    fingerprint: TopologyFingerprint

    @classmethod
    def of_type(cls, kind: str, description: dict[str, Any]) -> Self:
        """What a dictionary by `to_dict` says.

        Parameters
        ----------
        kind
            Name of the class that it has to describe.
        description
            The dictionary.

        Raises
        ------
        ValueError
            If it describes something else, or is damaged.
        """
        if description.get("type") != kind:
            raise ValueError(
                f"expected the description of a {kind}, got {description.get('type')!r}"
            )
        try:
            return cls.model_validate(description)
        except ValidationError as error:
            raise ValueError(f"damaged description of a {kind}: {error}") from error
