"""Columns of a page: groups, numbers or texts of the samples, which colour the points and tell of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_same_length, short_repr
from drlim.tables.values import Values, values_of

__all__ = ["Column", "as_groups", "as_texts", "column_of", "numbers", "stored", "table_columns"]

_MOST_CODES = 20
"""Maximum number of different whole numbers that are taken for groups."""

_FEWEST_A_CODE = 5
"""Minimum number of samples of each of them, on average."""

_MOST_GROUPS = 1000
"""Maximum number of different texts that are taken for groups."""

_FEWEST_A_GROUP = 2.0
"""Minimum number of samples of each of them, on average."""

_MANY = 200_000
"""Number of samples from which numbers are stored in 16 bits."""

_LONGEST_TEXT = 2000
"""Maximum number of letters of a text."""


class Column(NamedTuple):
    """A column of a page.

    Attributes
    ----------
    name : str
    kind : {"category", "number", "text"}
    values : ndarray, shape (n_samples,)
        Codes from 1 of groups, 0 where there is none; numbers, NaN where there is none; or texts.
    groups : sequence of str
        Names of the groups, of which code 1 is the first.
    note : str
        What the numbers are, for the legend.
    ordered : bool
        Whether the groups have an order of their own, as numbers have; else the largest is the first in the legend.
    """

    name: str
    kind: Literal["category", "number", "text"]
    values: Array
    groups: Sequence[str] = ()
    note: str = ""
    ordered: bool = False


def table_columns(table: object, n_samples: int, name: str) -> list[Column]:
    """Return the columns of a data frame or of a dict, or refuse what has other rows.

    Examples
    --------
    >>> [column.kind for column in table_columns({"age": [31.5, 40.0], "city": ["Oslo", "Oslo"]}, 2, "columns")]
    ['number', 'category']
    """
    found = table if isinstance(table, Mapping) else _frame(table, name)
    columns = []
    for key, values in found.items():
        check_same_length(len(values), f"{name}[{str(key)[:60]!r}]", n_samples, "X")
        columns.append(column_of(str(key), values))
    return columns


def _frame(table: object, name: str) -> Mapping[object, Array]:
    names = getattr(table, "columns", None)
    if names is None or not hasattr(table, "__getitem__"):
        raise TypeError(f"Expected {name!r} to be a data frame or a dict of columns by name. Got {short_repr(table)}.")
    return {key: table[key] for key in names}


def column_of(name: str, values: object) -> Column:
    """Return a column of whatever kind its values are of.

    Whole numbers are groups where up to 20 differ, each of 5 samples on average; texts are groups where up to 1000
    differ, each of 2 samples on average.

    Examples
    --------
    >>> column_of("x", [0.5, 1.5]).kind, column_of("x", [0, 1] * 9).groups, column_of("x", ["a", "b", None]).kind
    ('number', ['0', '1'], 'text')
    """
    read = values_of(values, name)
    if str(getattr(values, "dtype", "")).lower().startswith(("bool", "category")):
        return as_groups(name, read)
    if read.numbers is None:
        return _of_words(name, read)
    if read.is_date and read.texts is not None:
        return Column(name, "text", read.texts)
    return as_groups(name, read) if _are_codes(read.numbers) else numbers(name, read.numbers)


def _of_words(name: str, read: Values) -> Column:
    texts = read.as_texts()
    different = len({text for text in texts.tolist() if text is not None})
    few = different <= _MOST_GROUPS and different * _FEWEST_A_GROUP <= len(texts)
    return as_groups(name, read) if few else Column(name, "text", texts)


def _are_codes(values: Floats) -> bool:
    """Return whether numbers are whole and few of them differ."""
    known = values[~np.isnan(values)]
    n_codes = len(np.unique(known[:10_000]))
    few = n_codes <= _MOST_CODES and len(known) >= _FEWEST_A_CODE * n_codes
    return few and bool((known == np.rint(known)).all()) and len(np.unique(known)) <= _MOST_CODES


def as_groups(name: str, read: Values) -> Column:
    """Return values as groups: numbers in their order, texts in that of the alphabet."""
    texts = read.as_texts()
    known = np.array([text is not None for text in texts.tolist()], dtype=bool)
    order: Floats | Array = texts[known].astype(str) if read.numbers is None else read.numbers[known]
    found, first, codes = np.unique(order, return_index=True, return_inverse=True)
    values = np.zeros(len(texts), dtype=np.uint16 if len(found) > 254 else np.uint8)
    values[known] = codes + 1
    groups = [str(texts[known][place]) for place in first]
    return Column(name, "category", values, groups, ordered=read.numbers is not None)


def numbers(name: str, values: Array, note: str = "") -> Column:
    """Return numbers as a column."""
    return Column(name, "number", np.asarray(values, dtype=np.float32), note=note)


def as_texts(name: str, values: object, n_samples: int) -> Column:
    """Return values as texts, whatever they are, or refuse another number of them."""
    texts = np.array([_text(value) for value in np.asarray(values, dtype=object).reshape(-1).tolist()], dtype=object)
    check_same_length(len(texts), name, n_samples, "X")
    return Column(name, "text", texts)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


def stored(column: Column) -> tuple[dict[str, object], Array | None]:
    """Return what the header says of a column, and its array; texts stand in the header."""
    said: dict[str, object] = {"name": column.name, "kind": column.kind, "note": column.note}
    if column.kind == "text":
        return {**said, "values": [_text(value)[:_LONGEST_TEXT] for value in column.values.tolist()]}, None
    if column.kind == "category":
        return {**said, "categories": list(column.groups), "ordered": column.ordered}, column.values
    known = column.values[np.isfinite(column.values)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    if len(column.values) < _MANY:
        return said, column.values
    shares = (column.values.astype(np.float64) - low) / ((high - low) or 1.0)
    steps = np.where(np.isfinite(shares), np.rint(65534 * np.nan_to_num(shares)), 65535).astype(np.uint16)
    return {**said, "low": low, "high": high}, steps
