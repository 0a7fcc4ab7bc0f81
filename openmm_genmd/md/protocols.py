"""What surrounds a leap: the jump protocols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Instantaneous:
    """The leap alone, with work U(y) - U(x).

    For vacuum, implicit solvent and small moves. This is the default protocol.

    Examples
    --------
    >>> Instantaneous().name
    'Instantaneous'
    """

    name: ClassVar[str] = "Instantaneous"
