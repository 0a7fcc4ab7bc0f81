"""Arrays of a model in one file, which appears whole or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def write_arrays(path: str | Path, **arrays: Any) -> None:
    """Write arrays under their names, compressed; a file that exists is replaced."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    # Without open files NumPy would append a suffix to other names.
    with open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)
    os.replace(partial, path)


def read_arrays(path: str | Path, names: Iterable[str], what: str) -> dict[str, NDArray[Any]]:
    """Arrays by their names.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, or one of the names is missing; `what` says what was expected.
    """
    try:
        # Opened here, since NumPy does not close a file that turns out to be damaged.
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            return {name: file[name] for name in names}
    except (KeyError, ValueError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"expected {what} as genmd msm writes it, got {path} ({error}); make it again"
        ) from error
