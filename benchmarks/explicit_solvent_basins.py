"""The two basins of alanine dipeptide between which crossings are counted, by phi."""

from __future__ import annotations

from typing import Any


def is_right(phi: Any) -> Any:
    """Whether phi (rad) is in the frequent basin."""
    return phi < 0.0


def is_left(phi: Any) -> Any:
    """Whether phi (rad) is in the rare basin."""
    return (phi > 0.3) & (phi < 2.2)
