"""Data files of a user in and out: samples, labels and pairs in, maps out.

Samples come from ``.npy``, ``.npz``, ``.csv`` (or ``.tsv``), ``.parquet`` or a folder of images. What cannot be read
is refused by a ``ValueError`` that names the file. Nothing read is ever executed: pickled arrays are refused.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, cast

from drlim._base.arrays import Array
from drlim._base.checks import short_repr
from drlim._base.disk import refuse_special
from drlim._base.messages import listed
from drlim.cli.arrays import is_sparse, read_array, read_npy, read_sparse, read_whole_npz
from drlim.datasets.folders import image_folder
from drlim.datasets.pillow import Size
from drlim.graph import NeighborhoodGraph
from drlim.graph.statements import KINDS
from drlim.tables.files import (
    TABLE_SUFFIXES,
    TEXT_SUFFIXES,
    CsvTable,
    ParquetTable,
    column_place,
    open_csv,
    open_table,
    readable,
    typed,
)

__all__ = [
    "Samples",
    "read_graph",
    "read_labels",
    "read_samples",
]

_Path = str | os.PathLike[str]


class Samples(NamedTuple):
    """Samples, and the names of their columns where the file has them.

    Attributes
    ----------
    X : ndarray, shape (n_samples, n_features), (n_samples, H, W) or (n_samples, C, H, W)
        The samples.
    names : list of str or None
        One name for each column; None when the file has none.
    said : str or None
        What was done to the sizes of images.
    """

    X: Array
    names: list[str] | None = None
    said: str | None = None


def read_samples(
    path: _Path,
    *,
    array: str | None = None,
    columns: Sequence[str] | None = None,
    leave_out: str | Collection[str] | None = None,
    size: Size | None = None,
    color: str = "auto",
) -> Samples:
    """Read samples, one a row or one an image.

    Parameters
    ----------
    path : str or path-like
        - ``.npy``: an array, read through a memory map;
        - ``.npz``: the array that ``array`` names, or the only one; or a sparse matrix as ``scipy.sparse.save_npz``
          writes it;
        - ``.csv``, ``.tsv``: numbers separated by commas, semicolons or tabs, with or without a row of names;
        - ``.parquet``: columns of numbers;
        - a folder: its images and those of its subfolders, in the order of their paths, as `image_folder` reads them.
    array : str, default=None
        Name of an array in an ``.npz``.
    columns : sequence of str, default=None
        Columns to read, in this order, from a table with names; None reads all.
    leave_out : str or collection of str, default=None
        Columns of a table that are not read, such as one of labels.
    size : (int, int), default=None
        Height and width that the images of a folder are brought to; None keeps theirs if they are all of one size.
    color : {"auto", "grey", "rgb"}, default="auto"
        What the images of a folder are brought to.

    Returns
    -------
    Samples

    Raises
    ------
    ValueError
        When the file does not hold such samples; the message names the file, the row and the column.
    ImportError
        When the format needs a package that is not installed; the message names it.
    OSError
        When the system cannot read.
    """
    path = Path(path)
    is_table = path.suffix.lower() in TABLE_SUFFIXES and not path.is_dir()
    if array is not None and path.suffix.lower() != ".npz":
        raise ValueError(f"{path}: only an .npz has arrays by name. Got array={short_repr(array)}.")
    left_out = _left_out(path, leave_out, is_table=is_table)
    if path.is_dir():
        found = image_folder(path, size=size, color=color)
        return Samples(found.X, said=found.said)
    if size is not None:
        raise ValueError(f"{path}: only the images of a folder are brought to a size, and this is no folder.")
    if is_table:
        return _read_table(path, columns, left_out)
    if array is None and is_sparse(path):
        return Samples(cast("Array", read_sparse(path)))  # estimators take it as they take an array
    kinds = ".npy, .npz, .csv, .tsv, .parquet or a folder of images"
    return Samples(read_array(path, array, f"Give {kinds}.", "Name one by --array NAME."))


def read_labels(source: str, data: _Path | None = None) -> Array:
    """Read labels, one for each sample.

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
        Integers when all labels are integers, else numbers when all are numbers, else text. Blanks among numbers are
        NaN, and those of a ``.parquet`` are NaN or None.

    Raises
    ------
    ValueError, ImportError, OSError
        As `read_samples` does, and when there is neither such a file nor such a column.
    """
    path = Path(source)
    refuse_special(path)
    if not path.is_file():
        if data is None:
            raise ValueError(f"{source} is no file, and there is no data with a column of that name.")
        return _labels_within(Path(data), source)
    suffix = path.suffix.lower()
    if suffix == ".txt":
        with readable(path):
            labels = typed(path.read_text(encoding="utf-8-sig").splitlines())
    elif suffix in TABLE_SUFFIXES:
        table = open_table(path)
        if table.n_columns != 1:
            raise ValueError(f"{path}: expected one column of labels. Got {table.n_columns}.")
        labels = table.values(0)
    else:
        labels = read_array(path, None, "Give labels as .npy, .npz, .csv, .txt or .parquet.")
    return _flat(labels, path)


def read_graph(path: _Path, n_samples: int) -> NeighborhoodGraph:
    """Read pairs of similar samples as a graph.

    Parameters
    ----------
    path : str or path-like
        - ``.csv``, ``.tsv`` or ``.npy``: two columns of sample numbers, counted from 0, one similar pair a row;
        - ``.npz``: such arrays named ``similar``, and if wanted ``dissimilar`` and ``ignored``; or one array of
          similar pairs; or a sparse matrix as ``scipy.sparse.save_npz`` writes it.
    n_samples : int
        Number of samples.

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
        arrays = read_whole_npz(path)
        if {"format", "shape", "indices", "indptr"} <= arrays.keys():
            return _sparse_graph(path)
        pairs = arrays if "similar" in arrays or len(arrays) != 1 else {"similar": next(iter(arrays.values()))}
    elif suffix == ".npy":
        pairs = {"similar": read_npy(path)}
    elif suffix in TEXT_SUFFIXES:
        table = open_csv(path)
        pairs = {"similar": table.numbers(list(range(table.n_columns)))}
    else:
        raise ValueError(f"{path} is of a kind that cannot be read. Give pairs as .csv, .npy or .npz.")
    if not {"similar"} <= pairs.keys() <= set(KINDS):
        raise ValueError(
            f"{path}: expected the arrays 'similar', and if wanted 'dissimilar' and 'ignored'. Got {listed(pairs)}."
        )
    try:
        return NeighborhoodGraph.from_pairs(n_samples, **pairs)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path}: {error}") from error


def _left_out(path: Path, given: str | Collection[str] | None, *, is_table: bool) -> list[str]:
    """Return the names of the columns that are not read; refuse names of columns in data without such."""
    names = [given] if isinstance(given, str) else list(given or ())
    if names and not is_table:
        raise ValueError(f"{path}: only a .csv or .parquet has columns by name. Got {short_repr(names[0])}.")
    return names


def _read_table(path: Path, columns: Sequence[str] | None, leave_out: Sequence[str]) -> Samples:
    """Return the columns wanted of a table, with their names where it has names."""
    table = open_table(path)
    wanted = _wanted_columns(table, columns, leave_out)
    return Samples(table.numbers(wanted), None if table.names is None else [table.names[place] for place in wanted])


def _wanted_columns(
    table: CsvTable | ParquetTable, columns: Sequence[str] | None, leave_out: Sequence[str]
) -> list[int]:
    """Return the places of the columns wanted."""
    left_out = {column_place(table, name) for name in leave_out}
    if columns is not None and table.names is not None:
        return [column_place(table, name) for name in columns]
    wanted = [place for place in range(table.n_columns) if place not in left_out]
    if not wanted:
        raise ValueError(f"{table.path} has no column left.")
    return wanted


def _labels_within(data: Path, name: str) -> Array:
    suffix = data.suffix.lower()
    if suffix == ".npz":
        return _flat(read_array(data, name, ""), data)
    if suffix in TABLE_SUFFIXES:
        table = open_table(data)
        return _flat(table.values(column_place(table, name)), data)
    raise ValueError(f"{name} is no file, and {data} has no columns by name.")


def _flat(labels: Array, path: Path) -> Array:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"{path}: expected one label a sample, shape (n_samples,). Got {short_repr(labels)}.")
    return labels


def _sparse_graph(path: Path) -> NeighborhoodGraph:
    from scipy import sparse

    with readable(path):
        return NeighborhoodGraph.from_csr(sparse.load_npz(path))
