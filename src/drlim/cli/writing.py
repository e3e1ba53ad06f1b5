"""A map as a file: its axes, and what tells its rows apart before them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim._base.disk import atomic_write
from drlim.cli.targets import MAP_SUFFIXES, check_output
from drlim.datasets.formats import write_npz
from drlim.tables.files import require_pyarrow

__all__ = ["Ids", "write_map"]


class Ids(NamedTuple):
    """What tells the rows of DATA apart: a name, and a value for each row."""

    name: str
    values: Sequence[object]


def write_map(path: str | os.PathLike[str], Z: Array, names: Sequence[str], ids: Ids | None = None) -> None:
    """Write a map, atomically, in the format that the suffix of the path names.

    Parameters
    ----------
    path : str or path-like
        ``.npy``, ``.npz`` (array ``embedding``), ``.csv`` or ``.parquet`` (one column an axis).
    Z : ndarray, shape (n_samples, n_components)
        The map. Every format stores it exactly, text too.
    names : sequence of str
        One name for each column.
    ids : (str, sequence), default=None
        Name and values of a column that comes first, so that rows can be joined; in an ``.npz`` an array of that name.
        An ``.npy`` has none.

    Raises
    ------
    ValueError, ImportError, OSError
        As `check_output` does.
    """
    path = Path(path)
    check_output(path, MAP_SUFFIXES)
    suffix = path.suffix.lower()
    if suffix == ".npz":
        more = {} if ids is None else {ids.name: np.array([str(one) for one in ids.values])}
        write_npz(path, {**more, "embedding": Z})
        return
    content = io.BytesIO()
    if suffix == ".npy":
        np.lib.format.write_array(content, Z, allow_pickle=False)
    elif suffix == ".csv":
        content.write(_csv_text(Z, names, ids).encode())
    else:
        pyarrow = require_pyarrow()
        first = {} if ids is None else {ids.name: list(ids.values)}
        axes = {name: np.ascontiguousarray(Z[:, place]) for place, name in enumerate(names)}
        pyarrow.parquet.write_table(pyarrow.table({**first, **axes}), content)
    atomic_write(path, content.getvalue())


def _csv_text(Z: Array, names: Sequence[str], ids: Ids | None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rows = Z.astype(str).tolist()  # the shortest text that gives the same number
    writer.writerow(names if ids is None else [ids.name, *names])
    writer.writerows(rows if ids is None else ([one, *row] for one, row in zip(ids.values, rows, strict=True)))
    return text.getvalue()
