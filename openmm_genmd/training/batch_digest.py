"""Digest of everything that determines the batches of a training: `batches_sha256`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Protocol


class Digested(Protocol):
    """Examples that know their digest.

    Examples
    --------
    `PairSource`, `BlockSource` and `ComplexTrajectories` are such.
    """

    @property
    def sha256(self) -> str:
        """Hexadecimal digest of the examples."""
        ...


def batches_sha256(settings: str, sources: Iterable[Digested]) -> str:
    """Hexadecimal digest for `Batches`: a training resumes only where it is the same.

    Parameters
    ----------
    settings
        Everything but the sources that determines the batches. Other words for the same settings
        would end all trainings that could resume.
    sources
        Where the examples are from, in order.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> one, other = (SimpleNamespace(sha256=name) for name in "ab")
    >>> batches_sha256("8 0", [one, other]) == batches_sha256("8 0", [other, one])
    False
    """
    digest = hashlib.sha256(settings.encode())
    for source in sources:
        digest.update(source.sha256.encode())
    return digest.hexdigest()
