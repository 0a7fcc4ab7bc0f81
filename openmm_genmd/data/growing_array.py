"""NumPy files of unknown length, written piece by piece: `GrowingArray`."""

from __future__ import annotations

import io
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray


class GrowingArray:
    """A float32 ``.npy`` file that rows are appended to; whole at its place or not there at all.

    Rows go to ``*.partial``, which takes the file's place when the ``with`` block ends without an
    exception, and is removed when it ends with one.

    Parameters
    ----------
    path
        Replaced at the end.
    row_shape
        Of one row; the array has shape ``(length, *row_shape)``.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "numbers.npy"
    ...     with GrowingArray(path, (2,)) as array:
    ...         array.append(np.array([[1, 2], [3, 4]]))
    ...         array.append(np.array([[5, 6]]))
    ...     np.load(path).tolist()
    [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
    """

    def __init__(self, path: Path, row_shape: tuple[int, ...]) -> None:
        self.length = 0
        self._path = path
        self._partial = path.with_name(path.name + ".partial")
        self._row_shape = row_shape
        self._file = self._partial.open("wb")
        self._file.write(self._header())

    def append(self, rows: NDArray[Any]) -> None:
        """Write rows ``(n, *row_shape)``, converted to float32, behind those that are there.

        Raises
        ------
        ValueError
            If the shape is wrong.
        """
        if rows.shape[1:] != self._row_shape:
            raise ValueError(
                f"rows of {self._path.name} must have shape (n, {self._row_shape}), got "
                f"{rows.shape}"
            )
        self._file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
        self.length += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put the file in its place, or remove what there is of it."""
        with self._file:
            if error is None:
                self._file.seek(0)
                self._file.write(self._header())
                self._file.flush()
                # Without it a power cut could leave a renamed but empty file.
                os.fsync(self._file.fileno())
        if error is None:
            os.replace(self._partial, self._path)
        else:
            self._partial.unlink()

    def _header(self) -> bytes:
        """Of one length however many rows there are: NumPy leaves room for the number to grow."""
        header = io.BytesIO()
        shape = (self.length, *self._row_shape)
        npy.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
        return header.getvalue()
