"""State of a torsion proposer as bytes, without pickle: `TorsionState`, `pack`, `unpack`."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_HEADER = struct.Struct("<4sI4I")
_MAGIC = b"GTP1"
_FLOAT = np.dtype("<f8")


@dataclass(frozen=True)
class TorsionState:
    """What a restart needs so that the same proposals follow.

    Attributes
    ----------
    angles_rad
        ``(n, d)``: candidates not yet used.
    log_densities
        ``(n,)``: theirs.
    known
        Positions, as bytes of one length, and their log density.

    Examples
    --------
    >>> unused = TorsionState(np.array([[-1.2, 0.8]]), np.array([-3.1]), {})
    >>> unpack(pack(unused)).angles_rad.tolist()
    [[-1.2, 0.8]]
    """

    angles_rad: NDArray[np.float64]
    log_densities: NDArray[np.float64]
    known: dict[bytes, float]


def pack(state: TorsionState) -> bytes:
    """State as bytes, little-endian, with a checksum.

    Examples
    --------
    >>> state = TorsionState(np.zeros((3, 2)), np.ones(3), {b"positions": 0.5})
    >>> unpack(pack(state)).known
    {b'positions': 0.5}
    """
    key_size = len(next(iter(state.known), b""))
    body = b"".join(
        [
            state.angles_rad.astype(_FLOAT).tobytes(),
            state.log_densities.astype(_FLOAT).tobytes(),
            np.array(list(state.known.values()), dtype=_FLOAT).tobytes(),
            *state.known,
        ]
    )
    shape = (*state.angles_rad.shape, len(state.known), key_size)
    return _HEADER.pack(_MAGIC, zlib.crc32(body, zlib.crc32(repr(shape).encode())), *shape) + body


def unpack(data: bytes) -> TorsionState:
    """State that `pack` made bytes of.

    Raises
    ------
    ValueError
        If the bytes are damaged or something else.
    """
    if len(data) < _HEADER.size or data[:4] != _MAGIC:
        raise ValueError("not the state of a torsion proposer; expected what get_state() returned")
    _, checksum, *shape = _HEADER.unpack_from(data)
    n, d, n_known, key_size = shape
    body = data[_HEADER.size :]
    if zlib.crc32(body, zlib.crc32(repr(tuple(shape)).encode())) != checksum:
        raise ValueError("the state of the torsion proposer is damaged; restart from another copy")
    floats = np.frombuffer(body, dtype=_FLOAT, count=n * d + n + n_known).astype(np.float64)
    angles, log_densities, values = np.split(floats, [n * d, n * d + n])
    start = floats.nbytes
    keys = [body[start + m * key_size : start + (m + 1) * key_size] for m in range(n_known)]
    return TorsionState(
        angles.reshape(n, d), log_densities, dict(zip(keys, values.tolist(), strict=True))
    )
