"""Data files of a user in and out: samples, labels and pairs in, maps out.

Samples come from ``.npy``, ``.npz``, ``.csv`` (or ``.tsv``), ``.parquet`` or a folder of images. What cannot be read
is refused by a ``ValueError`` that names the file. Nothing read is ever executed: pickled arrays are refused.
"""

from __future__ import annotations

import contextlib
import io
import os
import struct
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.disk import atomic_write
from drlim.cli.tables import (
    TABLE_SUFFIXES,
    TEXT_SUFFIXES,
    CsvTable,
    ParquetTable,
    column_place,
    listed,
    one_line,
    open_csv,
    open_table,
    readable,
    require_pyarrow,
    typed,
)
from drlim.datasets.formats import write_npz
from drlim.graph import NeighborhoodGraph

__all__ = ["MAP_SUFFIXES", "Samples", "check_output", "read_graph", "read_labels", "read_samples", "write_map"]

MAP_SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
"""Kinds of file that `write_map` writes."""

_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_PAIR_SETS = ("similar", "dissimilar", "ignored")
_Path = str | os.PathLike[str]


class Samples(NamedTuple):
    """Samples, and the names of their columns where the file has them.

    Attributes
    ----------
    X : ndarray, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
    names : list of str or None
    """

    X: NDArray[Any]
    names: list[str] | None = None


def read_samples(
    path: _Path, *, array: str | None = None, columns: Sequence[str] | None = None, leave_out: str | None = None
) -> Samples:
    """Read samples, one a row or one an image.

    Parameters
    ----------
    path : str or path-like
        - ``.npy``: an array, read through a memory map;
        - ``.npz``: the array that ``array`` names, or the only one;
        - ``.csv``, ``.tsv``: numbers separated by commas, semicolons or tabs, with or without a row of names;
        - ``.parquet``: columns of numbers;
        - a folder: its images, in the order of their names, all of one size, grey or RGB.
    array : str, default=None
        Name of an array in an ``.npz``.
    columns : sequence of str, default=None
        The columns wanted of a table that has names, in this order; None takes all.
    leave_out : str, default=None
        A column of a table that is not to be read, such as one of labels.

    Returns
    -------
    Samples

    Raises
    ------
    ValueError
        When the file does not hold what was asked for; names file, row and column.
    ImportError
        When the format needs a package that is not installed; names it.
    OSError
        When the system cannot read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    is_table = suffix in TABLE_SUFFIXES and not path.is_dir()
    if array is not None and suffix != ".npz":
        raise ValueError(f"{path}: only an .npz has arrays by name. Got array={short_repr(array)}.")
    if leave_out is not None and not is_table:
        raise ValueError(f"{path}: only a .csv or .parquet has columns by name. Got {short_repr(leave_out)}.")
    if path.is_dir():
        return Samples(_read_images(path))
    if suffix == ".npy":
        return Samples(_read_npy(path))
    if suffix == ".npz":
        return Samples(_read_npz(path, array))
    if not is_table:
        kinds = ".npy, .npz, .csv, .tsv, .parquet or a folder of images"
        raise ValueError(f"{path} is of a kind that cannot be read. Give {kinds}.")
    table = open_table(path)
    wanted = _wanted_columns(table, columns, leave_out)
    return Samples(table.numbers(wanted), None if table.names is None else [table.names[place] for place in wanted])


def read_labels(source: str, data: _Path | None = None) -> NDArray[Any]:
    """Read one label a sample.

    Parameters
    ----------
    source : str
        A file: ``.npy``, ``.npz``, ``.txt`` with one label a line, or ``.csv`` or ``.parquet`` of one column, text
        with the column's name above it; else the name of a column of ``data``, or of an array in it.
    data : str or path-like, default=None
        The file of the samples.

    Returns
    -------
    ndarray, shape (n_samples,)
        Integers where all labels are, else numbers where all are, else text.

    Raises
    ------
    ValueError, ImportError, OSError
        As `read_samples` does, and when there is neither such a file nor such a column.
    """
    path = Path(source)
    if not path.is_file():
        if data is None:
            raise ValueError(f"{source} is no file, and there is no data with a column of that name.")
        return _labels_within(Path(data), source)
    suffix = path.suffix.lower()
    if suffix in (".npy", ".npz"):
        labels = _read_npy(path) if suffix == ".npy" else _read_npz(path, None)
    elif suffix == ".txt":
        with readable(path):
            labels = typed(path.read_text(encoding="utf-8-sig").splitlines())
    elif suffix in TABLE_SUFFIXES:
        table = open_table(path)
        if table.n_columns != 1:
            raise ValueError(f"{path}: expected one column of labels. Got {table.n_columns}.")
        labels = table.values(0)
    else:
        raise ValueError(f"{path} is of a kind that cannot be read. Give labels as .npy, .npz, .csv, .txt or .parquet.")
    return _flat(labels, path)


def read_graph(path: _Path, n_samples: int) -> NeighborhoodGraph:
    """Read which samples are similar.

    Parameters
    ----------
    path : str or path-like
        - ``.csv``, ``.tsv`` or ``.npy``: two columns of sample numbers, counted from 0, one similar pair a row;
        - ``.npz``: such arrays named ``similar``, and if wanted ``dissimilar`` and ``ignored``; or one array of
          similar pairs; or a sparse matrix as ``scipy.sparse.save_npz`` writes it.
    n_samples : int
        Samples there are.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, OSError
        When the file cannot be read, or holds no pairs of these samples.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        arrays = _read_whole_npz(path)
        if {"format", "shape", "indices", "indptr"} <= arrays.keys():
            return _sparse_graph(path)
        pairs = arrays if "similar" in arrays or len(arrays) != 1 else {"similar": next(iter(arrays.values()))}
    elif suffix == ".npy":
        pairs = {"similar": _read_npy(path)}
    elif suffix in TEXT_SUFFIXES:
        table = open_csv(path)
        pairs = {"similar": table.numbers(list(range(table.n_columns)))}
    else:
        raise ValueError(f"{path} is of a kind that cannot be read. Give pairs as .csv, .npy or .npz.")
    if not {"similar"} <= pairs.keys() <= set(_PAIR_SETS):
        raise ValueError(
            f"{path}: expected the arrays 'similar', and if wanted 'dissimilar' and 'ignored'. Got {listed(pairs)}."
        )
    try:
        return NeighborhoodGraph.from_pairs(n_samples, **pairs)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def write_map(path: _Path, Z: NDArray[Any], names: Sequence[str]) -> None:
    """Write a map, atomically; the suffix of the path says how.

    Parameters
    ----------
    path : str or path-like
        ``.npy``, ``.npz`` (array ``embedding``), ``.csv`` or ``.parquet`` (one column an axis).
    Z : ndarray, shape (n_samples, n_components)
        Comes back to the last bit, from text too.
    names : sequence of str
        One for each column.

    Raises
    ------
    ValueError, ImportError, OSError
        As `check_output` does.
    """
    path = Path(path)
    check_output(path, MAP_SUFFIXES)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        write_npz(path, {"embedding": Z})
        return
    content = io.BytesIO()
    if suffix == ".npy":
        np.lib.format.write_array(content, Z, allow_pickle=False)
    elif suffix == ".csv":
        rows = [",".join(row) for row in Z.astype(str).tolist()]  # the shortest text that gives the same number
        content.write("\n".join([",".join(names), *rows, ""]).encode())
    else:
        pyarrow = require_pyarrow()
        table = pyarrow.table({name: np.ascontiguousarray(Z[:, place]) for place, name in enumerate(names)})
        pyarrow.parquet.write_table(table, content)
    atomic_write(path, content.getvalue())


def check_output(path: _Path, suffixes: Collection[str]) -> None:
    """Refuse a file that could not be written, before any work.

    Parameters
    ----------
    path : str or path-like
        File to be written.
    suffixes : collection of str
        Kinds of file to choose from, in lower case.

    Raises
    ------
    InvalidParameterError
        When the suffix is none of them.
    ImportError
        When the kind needs a package that is not installed.
    OSError
        When the folder is missing or may not be written, or the path is a folder.
    """
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise InvalidParameterError(f"A file to be written here must end in {' or '.join(suffixes)}. Got {path}.")
    if path.suffix.lower() == ".parquet":
        require_pyarrow()
    folder = path.resolve().parent
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {path}: it is a folder. Give the path of a file.")
    if not folder.is_dir():
        raise FileNotFoundError(f"Cannot write {path}: there is no folder {folder}. Create it first.")
    try:
        with tempfile.TemporaryFile(dir=folder):  # permissions do not tell all: a disk may be read-only
            pass
    except OSError as error:
        raise PermissionError(f"Cannot write {path}: {error.strerror} in {folder}. Give another path.") from error


def _wanted_columns(table: CsvTable | ParquetTable, columns: Sequence[str] | None, leave_out: str | None) -> list[int]:
    """Return the places of the columns wanted."""
    left_out = set() if leave_out is None else {column_place(table, leave_out)}
    if columns is not None and table.names is not None:
        return [column_place(table, name) for name in columns]
    wanted = [place for place in range(table.n_columns) if place not in left_out]
    if not wanted:
        raise ValueError(f"{table.path} has no column left.")
    return wanted


def _labels_within(data: Path, name: str) -> NDArray[Any]:
    suffix = data.suffix.lower()
    if suffix == ".npz":
        return _flat(_read_npz(data, name), data)
    if suffix in TABLE_SUFFIXES:
        table = open_table(data)
        return _flat(table.values(column_place(table, name)), data)
    raise ValueError(f"{name} is no file, and {data} has no columns by name.")


def _flat(labels: NDArray[Any], path: Path) -> NDArray[Any]:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"{path}: expected one label a sample, shape (n_samples,). Got {short_repr(labels)}.")
    return labels


def _read_npy(path: Path) -> NDArray[Any]:
    with readable(path):
        return np.lib.format.open_memmap(path, mode="r")


def _read_npz(path: Path, name: str | None) -> NDArray[Any]:
    """Return one array of an archive."""
    with readable(path), _archive(path) as archive:
        names = list(archive)
        if name in names or (name is None and len(names) == 1):
            array: NDArray[Any] = archive[names[0] if name is None else name]
            return array
    if name is None:
        raise ValueError(f"{path} has {len(names)} arrays: name one. It has {listed(names)}.")
    raise ValueError(f"{path} has no array {name!r}. It has {listed(names)}.")


def _read_whole_npz(path: Path) -> dict[str, NDArray[Any]]:
    with readable(path), _archive(path) as archive:
        return dict(archive)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[Mapping[str, NDArray[Any]]]:
    with path.open("rb") as file:  # given a path, np.load leaves it open when it is no archive
        yield np.lib.npyio.NpzFile(file, allow_pickle=False)


def _sparse_graph(path: Path) -> NeighborhoodGraph:
    from scipy import sparse

    with readable(path):
        return NeighborhoodGraph.from_csr(sparse.load_npz(path))


def _read_images(folder: Path) -> NDArray[Any]:
    """Return the images of a folder as (n, H, W) or (n, 3, H, W)."""
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(f"{folder} has no images in it ({', '.join(_IMAGE_SUFFIXES)}).")
    first = _pixels(paths[0])
    images = np.empty((len(paths), *first.shape), dtype=first.dtype)
    for place, path in enumerate(paths):
        image = _pixels(path)
        if image.shape != first.shape or image.dtype != first.dtype:
            raise ValueError(
                f"{folder}: all images must be of one size and kind. {paths[0].name} is of shape {first.shape} and "
                f"dtype {first.dtype}, {path.name} of shape {image.shape} and dtype {image.dtype}."
            )
        images[place] = image
    return images


def _pixels(path: Path) -> NDArray[Any]:
    """Return an image as (H, W), or (3, H, W) for RGB."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Reading images needs Pillow, which is not installed: pip install pillow") from error
    try:
        with Image.open(path) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("L") if mode == "1" else image)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is no image that can be read: {one_line(error)}") from error
    if mode == "RGB":
        return pixels.transpose(2, 0, 1)  # (3, H, W)
    if pixels.ndim != 2 or mode in ("P", "PA"):  # a palette's numbers are no brightness
        raise ValueError(f"{path} is an image of mode {mode}. Convert it to grey or RGB.")
    return pixels
