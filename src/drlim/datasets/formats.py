"""Binary files in and out: IDX (MNIST), NORB's binary matrices, and ``.npz`` of reproducible bytes.

Every reader takes plain and gzipped files, which differ in their first bytes. A file that is truncated, too long or of
another format raises a ``ValueError`` that names it. Nothing that is read is executed.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array
from drlim._base.disk import atomic_write, refuse_special

__all__ = [
    "idx_array",
    "read_idx",
    "read_norb_matrix",
    "unpacked",
    "write_idx",
    "write_norb_matrix",
    "write_npz",
]

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_NORB_TYPES = {0x1E3D4C51: "<f4", 0x1E3D4C53: "<f8", 0x1E3D4C54: "<i4", 0x1E3D4C55: "u1", 0x1E3D4C56: "<i2"}
_NORB_PACKED = 0x1E3D4C52
_GZIP = b"\x1f\x8b"
_MOST_DIMENSIONS = 32
"""Maximum number of dimensions in a header, as in NumPy 1."""

_Path = str | os.PathLike[str]


def unpacked(content: bytes, path: _Path) -> bytes:
    """Unpack the content of a file if it is gzipped; ``path`` is for errors only.

    Raises
    ------
    ValueError
        When the content is gzipped but truncated or corrupted.
    """
    with _gzip_errors(path):
        return gzip.decompress(content) if content[:2] == _GZIP else content


def read_idx(path: _Path) -> Array:
    """Read an IDX file, the format of MNIST.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzipped.

    Returns
    -------
    ndarray
        Array of the shape and number type in the header of the file, in this machine's byte order.

    Raises
    ------
    ValueError
        When the file is truncated, too long, or no IDX file.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_idx(folder + "/labels.gz", np.array([4, 9, 9], dtype=np.uint8))
    ...     read_idx(folder + "/labels.gz")
    array([4, 9, 9], dtype=uint8)
    """
    refuse_special(path)
    return idx_array(unpacked(Path(path).read_bytes(), path), path)


def idx_array(content: bytes, path: _Path) -> Array:
    """Return the array in the unpacked content of an IDX file; ``path`` is for errors only.

    Raises
    ------
    ValueError
        As `read_idx` does.
    """
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _IDX_TYPES:
        raise ValueError(
            f"{os.fspath(path)} is not an IDX file: it begins with the bytes '{content[:4].hex(' ')}', where "
            "two zeros, a number type (08 to 0e) and the count of dimensions are expected."
        )
    if len(content) < 4 + 4 * content[3]:
        raise ValueError(f"{os.fspath(path)} is truncated within its header. Get a fresh copy of it.")
    dtype = _IDX_TYPES[content[2]]
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", content[3], 4))
    start = 4 + 4 * len(shape)
    _check_length(len(content), start + math.prod(shape) * np.dtype(dtype).itemsize, shape, path)
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(values.dtype.newbyteorder("="))


def write_idx(path: _Path, values: ArrayLike) -> None:
    """Write an array as an IDX file, atomically; gzipped when the path ends in ``.gz``.

    Parameters
    ----------
    path : str or path-like
        File to write.
    values : array-like
        Numbers of type uint8, int8, int16, int32, float32 or float64, of at most 32 dimensions.

    Raises
    ------
    ValueError
        When the format does not have the number type of ``values``.
    """
    array = np.asarray(values)
    kind = _type_code(_IDX_TYPES, array.dtype, "IDX")
    header = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    _write_packed(path, header + array.astype(_IDX_TYPES[kind]).tobytes())


def read_norb_matrix(path: _Path, rows: ArrayLike | None = None) -> Array:
    """Read a binary matrix of the NORB data sets (``-dat.mat``, ``-cat.mat``, ``-info.mat``).

    The format: a magic number that names the number type, the count of dimensions, at least three dimensions,
    the values row by row; all little-endian.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzipped.
    rows : array-like of int, shape (n,), default=None
        Indices along the first dimension of the part to read; None reads all. For example, 972 of small NORB's 24,300
        image pairs take 18 MB of memory instead of 450.

    Returns
    -------
    ndarray
        Array of the shape and number type in the header, in this machine's byte order. If ``rows`` are given, the first
        dimension is ``n``.

    Raises
    ------
    ValueError
        When the file is truncated, too long, big-endian, packed, or not such a matrix.
    IndexError
        When a row is out of range.

    References
    ----------
    Y. LeCun, F. J. Huang, L. Bottou, "Learning methods for generic object recognition with invariance to pose
    and lighting", CVPR 2004; the format is that of the small NORB data set, v1.0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_norb_matrix(folder + "/a.mat", np.arange(6, dtype=np.int32).reshape(3, 2))
    ...     read_norb_matrix(folder + "/a.mat", rows=[2, 0])
    array([[4, 5],
           [0, 1]], dtype=int32)
    """
    with _opened(path) as file:
        dtype, shape = _norb_header(file, path)
        start = file.tell()
        expected = start + math.prod(shape) * dtype.itemsize
        # Finding the end of a gzip file unpacks it once more, 2 s for small NORB, but reveals a truncated file.
        _check_length(file.seek(0, io.SEEK_END), expected, shape, path)
        file.seek(start)
        if rows is None:
            values = np.frombuffer(file.read(), dtype).reshape(shape)
        else:
            values = _norb_rows(file, np.asarray(rows, dtype=np.intp), dtype, shape, path)
    return values.astype(dtype.newbyteorder("="))


def write_norb_matrix(path: _Path, values: ArrayLike) -> None:
    """Write an array as a NORB binary matrix, atomically; gzipped when the path ends in ``.gz``.

    Parameters
    ----------
    path : str or path-like
        File to write.
    values : array-like
        Numbers of type uint8, int16, int32, float32 or float64.

    Raises
    ------
    ValueError
        When the format does not have the number type of ``values``.
    """
    array = np.asarray(values)
    magic = _type_code(_NORB_TYPES, array.dtype, "a NORB binary matrix")
    padded = [*array.shape, *[1] * (3 - array.ndim)]
    header = np.array([magic, array.ndim, *padded], "<i4").tobytes()
    _write_packed(path, header + array.astype(_NORB_TYPES[magic]).tobytes())


def write_npz(path: _Path, arrays: Mapping[str, Array]) -> None:
    """Write a compressed ``.npz``, atomically, whose bytes depend on names and values only.

    Parameters
    ----------
    path : str or path-like
        File to write.
    arrays : dict of str to ndarray
        Arrays by name, written in this order. Object arrays are refused, because they would need pickle.

    Notes
    -----
    All members have a fixed date and the same access rights on each system. Another version of zlib may compress them
    differently; the arrays remain the same.
    """

    def write(file: BinaryIO) -> None:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for name, values in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                member.compress_type = zipfile.ZIP_DEFLATED
                member.create_system = 3  # fixed, since the bytes would otherwise depend on the system
                content = io.BytesIO()
                np.lib.format.write_array(content, np.asarray(values), allow_pickle=False)
                archive.writestr(member, content.getvalue(), compresslevel=9)

    atomic_write(path, write)


@contextlib.contextmanager
def _opened(path: _Path) -> Iterator[BinaryIO]:
    """Open a file for reading, gzipped or not. The name does not decide: browsers unpack a file and keep its name."""
    refuse_special(path)
    with Path(path).open("rb") as file:
        gzipped = file.read(2) == _GZIP
        file.seek(0)
        with _gzip_errors(path):
            yield cast("BinaryIO", gzip.GzipFile(fileobj=file)) if gzipped else file


@contextlib.contextmanager
def _gzip_errors(path: _Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(
            f"{os.fspath(path)} is a gzip file that is truncated or corrupted ({error}). Get a fresh copy."
        ) from error


def _check_length(found: int, expected: int, shape: tuple[int, ...], path: _Path) -> None:
    if found != expected:
        what = "truncated" if found < expected else "too long"
        raise ValueError(
            f"{os.fspath(path)} is {what}: its header promises shape {shape}, {expected} bytes in all, and "
            f"it holds {found}. Get a fresh copy of it."
        )


def _type_code(types: Mapping[int, str], dtype: np.dtype[np.generic], owner: str) -> int:
    for code, name in types.items():
        if np.dtype(name) == dtype.newbyteorder(np.dtype(name).byteorder):
            return code
    accepted = ", ".join(sorted(np.dtype(name).name for name in types.values()))
    raise ValueError(f"{owner} cannot hold numbers of type {dtype}. Convert them to one of {accepted}.")


def _write_packed(path: _Path, content: bytes) -> None:
    # mtime=0, so that the same array gives the same bytes
    atomic_write(path, gzip.compress(content, mtime=0) if os.fspath(path).endswith(".gz") else content)


def _norb_header(file: BinaryIO, path: _Path) -> tuple[np.dtype[np.generic], tuple[int, ...]]:
    head = file.read(8).ljust(8, b"\0")
    magic, ndim = (int(n) for n in np.frombuffer(head, "<u4"))
    if magic not in _NORB_TYPES or ndim > _MOST_DIMENSIONS:
        raise ValueError(f"{os.fspath(path)} is not a NORB binary matrix: {_norb_complaint(head, magic, ndim)}.")
    dimensions = file.read(4 * max(3, ndim))
    if len(dimensions) < 4 * max(3, ndim):
        raise ValueError(f"{os.fspath(path)} is truncated within its header. Get a fresh copy of it.")
    shape = tuple(int(n) for n in np.frombuffer(dimensions, "<u4")[:ndim])
    return np.dtype(_NORB_TYPES[magic]), shape


def _norb_complaint(head: bytes, magic: int, ndim: int) -> str:
    if magic == _NORB_PACKED:
        return "it is of the 'packed' type, which is not read; convert it to bytes first"
    if int.from_bytes(head[:4], "big") in _NORB_TYPES:
        return "its numbers are big-endian, where little-endian ones are expected"
    if magic in _NORB_TYPES:
        return f"its header promises {ndim} dimensions"
    return f"it begins with the bytes '{head[:4].hex(' ')}', where '51' to '56', then '4c 3d 1e' are expected"


def _norb_rows(
    file: BinaryIO, rows: NDArray[np.intp], dtype: np.dtype[np.generic], shape: tuple[int, ...], path: _Path
) -> Array:
    """Read some rows in one forward pass: going back in a gzip file means unpacking it again from its start."""
    n_rows = shape[0] if shape else 0
    if rows.size and not (rows.min() >= 0 and rows.max() < n_rows):
        raise IndexError(f"'rows' must be from 0 to {n_rows - 1}, for {os.fspath(path)} holds {n_rows}.")
    start = file.tell()
    row_size = math.prod(shape[1:]) * dtype.itemsize
    values = np.empty((len(rows), *shape[1:]), dtype)
    for i in np.argsort(rows, kind="stable"):
        file.seek(start + int(rows[i]) * row_size)
        values[i] = np.frombuffer(file.read(row_size), dtype).reshape(shape[1:])
    return values
