"""Files that are replaced whole or not at all: `whole_file`, `write_whole`, `load_whole`."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

Made = TypeVar("Made")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Path to write to, which takes the place of another when the block ends without an error.

    Parameters
    ----------
    path
        Of the file that is to be there; its folder is there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "x.txt") as partial:
    ...         size = partial.write_text("whole")
    ...     (Path(folder) / "x.txt").read_text()
    'whole'
    """
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)


def write_whole(path: Path, text: str) -> None:
    """Write a text file, replacing it whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def load_whole(path: Path, make: Callable[[Mapping[str, Any]], Made], what: str, then: str) -> Made:
    """What is made of the arrays of an ``.npz`` file.

    Parameters
    ----------
    path
        Of the file.
    make
        Called with its arrays by name.
    what, then
        What the file should be, and what becomes of it once it is removed, for the error.

    Raises
    ------
    ValueError
        If the file is damaged, cut off, or one of something else.
    """
    try:
        with path.open("rb") as file, np.load(file) as stored:
            return make({name: stored[name] for name in stored.files})
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not {what} ({error}); remove it, and {then}") from error
