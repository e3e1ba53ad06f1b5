"""Columns of the metadata that `grid_graph` reads: which ones matter, and what their values are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Index
from drlim._base.checks import check_same_length, short_repr
from drlim._base.messages import did_you_mean
from drlim.relations.labels import is_missing, label_array, label_codes

__all__ = ["ByColumn", "column_phrase", "matching_columns", "nearest_of", "refuse_rows", "value_codes"]

ByColumn = Mapping[Hashable, object]
"""Something for each of some columns, by their names."""


def matching_columns(metadata: object, step: object, cyclic: object, ignored: Iterable[object]) -> ByColumn:
    """Return the columns that are not ignored, of one length, once all parameters name columns that are there."""
    columns = _columns(metadata)
    steps, periods = _by_column(step, "step"), _by_column(cyclic, "cyclic")
    if not steps:
        raise ValueError("Expected 'step' to name at least one column. Got none: for equal rows use orbit_graph.")
    _check_names(columns, steps, periods, ignored)
    kept = {name: column for name, column in columns.items() if name not in ignored}
    sizes = [(str(name), len(label_array(column, column_phrase(name)))) for name, column in kept.items()]
    for name, size in sizes[1:]:
        check_same_length(sizes[0][1], sizes[0][0], size, name)
    return kept


def _columns(metadata: object) -> ByColumn:
    """Return all columns by name."""
    if isinstance(metadata, Mapping):
        return dict(metadata)
    if hasattr(metadata, "columns") and hasattr(metadata, "__getitem__"):
        return {name: metadata[name] for name in metadata.columns}
    raise TypeError(f"Expected 'metadata' to be a DataFrame or a dict of arrays. Got {short_repr(metadata)}.")


def _by_column(given: object, parameter: str) -> ByColumn:
    """Return a dict that the user gives, or refuse what is none."""
    if not isinstance(given, Mapping):
        raise TypeError(f"Expected '{parameter}' to be a dict of column name to value. Got {short_repr(given)}.")
    return given


def _check_names(columns: ByColumn, steps: ByColumn, periods: ByColumn, ignored: Iterable[object]) -> None:
    """Refuse names of columns that are not there, and combinations of parameters that exclude each other."""
    for name in steps:
        _check_name(name, columns, "step")
    for name in periods:
        _check_name(name, columns, "cyclic")
        if name not in steps:
            raise ValueError(f"Expected 'cyclic' to name columns that 'step' names. Got {name!r}.")
    for one in ignored:
        _check_name(one, columns, "ignore")
        if one in steps:
            raise ValueError(f"Expected 'ignore' to name no column that 'step' names. Got {one!r}.")


def _check_name(name: object, columns: ByColumn, parameter: str) -> None:
    if not isinstance(name, Hashable) or name not in columns:
        raise ValueError(f"'{parameter}' names a column that is not in 'metadata'. {nearest_of(name, columns)}")


def column_phrase(name: object) -> str:
    """Return the words by which an error message names a column."""
    return f"column {short_repr(name)} of 'metadata'"


def nearest_of(name: object, known: Iterable[object]) -> str:
    """Return the sentence of an error that gives the name refused, and the most similar known one or else all."""
    names = [str(one) for one in known]
    accepted = f"accepted are {', '.join(map(repr, names[:8]))[:200]}."
    return f"Got {short_repr(name)}: {did_you_mean(str(name), names, accepted, capital=False)}"


def refuse_rows(bad: NDArray[np.bool_], column: object, name: Hashable, wanted: str) -> None:
    """Refuse a column by the first of its bad rows, if there is one; ``bad`` has shape (n,)."""
    if bad.any():
        row = int(np.argmax(bad))
        value = label_array(column, "column")[row : row + 1].tolist()[0]
        raise ValueError(
            f"Expected {column_phrase(name)} to hold {wanted}. Got {short_repr(value)} at row {row}: "
            "leave out such rows, or ignore the column."
        )


def value_codes(column: object, name: Hashable) -> Index:
    """Return a code for each value of a column (n,), equal for equal values, or refuse missing values."""
    codes, values = label_codes(column, column_phrase(name))
    refuse_rows(np.array([is_missing(value) for value in values])[codes], column, name, "a value for each sample")
    return codes
