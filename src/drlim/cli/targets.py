"""Files to be written, checked before any work and before anything slow is imported."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from drlim._base.disk import refuse_special
from drlim.cli.output import UsageError

__all__ = ["MAP_SUFFIXES", "check_output"]

MAP_SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
"""Suffixes of the files that `write_map` writes."""


def check_output(path: str | os.PathLike[str], suffixes: Collection[str]) -> None:
    """Refuse a file that cannot be written, before any work.

    Parameters
    ----------
    path : str or path-like
        File to be written.
    suffixes : collection of str
        Kinds of file to choose from, in lower case.

    Raises
    ------
    UsageError
        When the suffix is none of them.
    ImportError
        When the kind needs a package that is not installed.
    OSError
        When the folder is missing or may not be written, or the path is a folder.
    ValueError
        When the path is of a pipe or a device.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"A file to be written here must end in {' or '.join(suffixes)}. Got {path}.")
    if path.suffix.lower() == ".parquet":
        from drlim.tables.files import require_pyarrow  # imports NumPy

        require_pyarrow()
    folder = path.resolve().parent
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {path}: it is a folder. Give the path of a file.")
    refuse_special(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: there is no folder {folder}. Create it first.")
    try:
        with tempfile.TemporaryFile(dir=folder):  # permissions do not tell all: a disk may be read-only
            pass
    except OSError as error:
        raise PermissionError(f"Cannot write {path}: {error.strerror} in {folder}. Give another path.") from error
