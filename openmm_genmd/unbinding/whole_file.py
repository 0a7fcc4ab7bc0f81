"""Files that are replaced whole or not at all: `whole_file`, `write_whole`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
