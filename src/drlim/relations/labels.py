"""What users name samples by: labels and ids of any type, some of them missing, as whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drlim._base.checks import is_masked, short_repr

__all__ = ["as_array", "group_codes", "is_missing", "label_array", "label_codes"]

Index = NDArray[np.int64]


def as_array(values: Any, name: str) -> NDArray[Any]:
    """Return values as an array, or refuse them by name (with its quotes)."""
    _refuse_masked(values, name, "fill them in, or leave their samples out")
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of unequal length
        raise ValueError(f"Expected {name} to be an array. Got rows of unequal length.") from error


def _refuse_masked(values: Any, name: str, way_out: str) -> None:
    """Refuse masked values; the name has its quotes."""
    if is_masked(values):
        raise ValueError(f"Expected {name} to hold no masked values. Got {short_repr(values)}: {way_out}.")


def is_missing(value: Any) -> bool:
    """Return whether a label is None, NaN, NaT or NA."""
    try:
        return value is None or bool(value != value)  # NaN and NaT alone differ from themselves
    except TypeError:  # pandas' NA
        return True


def label_array(labels: Any, name: str) -> NDArray[Any]:
    """Return labels as a 1-D array; a list's keep their own types, where numpy would make 1 and "1" the same."""
    _refuse_masked(labels, name, "fill them in, with -1 where a sample has no label")
    if isinstance(labels, list | tuple):
        values = np.fromiter(labels, dtype=object, count=len(labels))  # a tuple may be a label
    else:
        values = np.asarray(labels, dtype=None if hasattr(labels, "dtype") else object)
    if values.ndim != 1 or len(values) == 0:
        got = f"shape {values.shape}" if values.ndim else short_repr(labels)
        raise ValueError(f"Expected {name} to be 1-D, with a value for each of at least one sample. Got {got}.")
    return values


def label_codes(labels: Any, name: str) -> tuple[Index, list[Any]]:
    """Return a number for each label (n,), and the distinct labels that the numbers stand for."""
    values = label_array(labels, name)
    if values.dtype.kind != "O":
        distinct, codes = np.unique(values, return_inverse=True)
        return codes.astype(np.int64), distinct.tolist() if distinct.dtype.kind not in "mM" else list(distinct)
    table: dict[Any, int] = {}
    try:
        numbers = (table.setdefault(value, len(table)) for value in values.tolist())
        return np.fromiter(numbers, dtype=np.int64, count=len(values)), list(table)
    except TypeError as error:
        raise TypeError(f"Expected {name} to hold numbers, strings or other hashable values ({error}).") from error


def group_codes(groups: Any, name: str = "'groups'") -> tuple[Index, list[Any]]:
    """Codes of groups from 0 on, -1 for samples that are in none, and the labels of those that are."""
    codes, labels = label_codes(groups, name)
    in_none = np.array([is_missing(label) or label == -1 for label in labels], dtype=bool)
    numbers = np.where(in_none, -1, np.cumsum(~in_none) - 1)
    return numbers[codes], [label for label, none in zip(labels, in_none.tolist(), strict=True) if not none]
