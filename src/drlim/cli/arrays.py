"""Arrays in a user's ``.npy`` and ``.npz`` files. Pickled ones are refused: nothing read is ever executed."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drlim._base.arrays import Array
from drlim._base.messages import listed
from drlim.tables.files import readable

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["is_sparse", "read_array", "read_npy", "read_sparse", "read_whole_npz"]


def read_array(path: Path, name: str | None, way_out: str, several: str = "Give a file of one.") -> Array:
    """Return an array of an .npy or .npz.

    Of a file of another kind the message ends in ``way_out``, and where a name is wanted of several in ``several``.
    """
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return read_npy(path)
    if suffix == ".npz":
        return _read_npz(path, name, several)
    if not path.exists():
        raise FileNotFoundError(errno.ENOENT, "there is no such file or folder", str(path))
    raise ValueError(f"{path} is of a kind that cannot be read. {way_out}")


def read_npy(path: Path) -> Array:
    """Return an array through a memory map."""
    with readable(path):
        return np.lib.format.open_memmap(path, mode="r")


def read_whole_npz(path: Path) -> dict[str, Array]:
    """Return all arrays of an archive by name."""
    with readable(path), _archive(path) as archive:
        return {name: _member(archive, name) for name in archive}


def is_sparse(path: Path) -> bool:
    """Return whether a file is a sparse matrix as ``scipy.sparse.save_npz`` writes it."""
    if path.suffix.lower() != ".npz":
        return False
    with readable(path), _archive(path) as archive:
        return {"format", "shape", "data"} <= set(archive)


def read_sparse(path: Path) -> sparse.csr_array:
    """Return a sparse matrix as rows."""
    from scipy import sparse  # `drlim --help` needs none

    with readable(path):
        return sparse.csr_array(sparse.load_npz(path))


def _read_npz(path: Path, name: str | None, several: str) -> Array:
    """Return one array of an archive."""
    with readable(path), _archive(path) as archive:
        names = list(archive)
        if name in names or (name is None and len(names) == 1):
            return _member(archive, names[0] if name is None else name)
    if name is None:
        raise ValueError(f"{path} has {len(names)} arrays: {listed(names)}. {several}")
    raise ValueError(f"{path} has no array {name!r}. It has {listed(names)}.")


def _member(archive: np.lib.npyio.NpzFile, name: str) -> Array:
    """Return a member of an archive, or refuse one that is no array, of which NumPy gives the bytes."""
    found: object = archive[name]
    if not isinstance(found, np.ndarray):
        raise ValueError(f"its member {name!r} is no array. Write the arrays by numpy.savez.")  # noqa: TRY004 - a file's fault
    return found


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[np.lib.npyio.NpzFile]:
    with path.open("rb") as file:  # given a path, np.load leaves it open when it is no archive
        yield np.lib.npyio.NpzFile(file, allow_pickle=False)
