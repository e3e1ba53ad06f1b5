"""The meaning of the labels of a picture: groups in natural order, or numbers, and which samples have no label."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import check_labels, check_points
from drlim.tables.values import values_of

__all__ = ["MOST_GROUPS", "Labels", "natural_key", "read_labels"]

MOST_GROUPS = 60
"""Maximum number of groups that a picture names and gives colours of their own."""

_DAYS_OF_A_YEAR = 365.2425

_MOST_WHOLE_FLOATS = 10
"""Maximum number of distinct whole numbers of floating point that are names of groups."""

_BLANKS = ("", "nan", "NaN", "<NA>")
"""Texts that stand for a missing label, as NumPy and pandas write it."""

_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Labels:
    """The group or the number of each sample."""

    known: NDArray[np.bool_]  # (n,) whether a sample has a label
    codes: Index  # (n,) indices into `groups`; -1 without a label, or where labels are numbers
    groups: tuple[str, ...] = ()  # names, in natural order
    numbers: Floats | None = None  # (n,) NaN without a label; None where labels are groups


def read_labels(labels: ArrayLike, n_samples: int, most_numbers: int = MOST_GROUPS) -> Labels:
    """Return what labels mean, or refuse them; more than ``most_numbers`` distinct whole numbers are no groups."""
    given = _given(labels, n_samples)
    missing = _missing(given)
    present = given[~missing]
    values = check_labels(present if hasattr(labels, "dtype") else present.tolist(), "labels", len(present), "Z")
    if values.dtype.kind == "O":
        values = np.asarray(values.tolist())
    groups, places = np.unique(values, return_inverse=True)
    unknown = _place_of_unknown(groups)
    if unknown is not None:
        is_known = places != unknown
        missing[np.flatnonzero(~missing)[~is_known]] = True
        values = values[is_known]
        groups, places = np.unique(values, return_inverse=True)
    codes = np.full(n_samples, -1)
    found = _numbers_of(values, groups, most_numbers, some_missing=bool(missing.any()))
    if found is not None:
        numbers = np.full(n_samples, np.nan)
        numbers[~missing] = found
        return Labels(~missing, codes, numbers=numbers)
    names = [_name(group) for group in groups.tolist()]
    order = np.arange(len(names))
    if groups.dtype.kind not in "fiu" and len(names) <= MOST_GROUPS:
        order = np.array(sorted(order.tolist(), key=lambda place: natural_key(names[place])), dtype=np.int64)
    codes[~missing] = np.argsort(order)[places]
    return Labels(~missing, codes, tuple(names[place] for place in order))


def _numbers_of(values: Array, groups: Array, most_numbers: int, *, some_missing: bool) -> Floats | None:
    """Return numbers, and many dates as years, such as 2020.5 for the middle of 2020; None for names of groups."""
    if values.dtype.kind in "fiu":
        if _are_names(groups, most_numbers, some_missing=some_missing):
            return None
        return check_points(values[:, None], name="labels")[:, 0].astype(np.float64)
    if values.dtype.kind not in "MU" or len(groups) <= MOST_GROUPS:
        return None
    found = values_of(values, "labels")
    return 1970 + np.asarray(found.numbers) / _DAYS_OF_A_YEAR if found.is_date else None


def natural_key(name: str) -> tuple[bool, float, list[tuple[str, int]], str]:
    """Return the sort key of a name: numbers by value before other text; in other text, runs of digits by value."""
    is_number = _NUMBER.fullmatch(name.strip()) is not None
    pieces = re.split(r"([0-9]+)", name.casefold())
    pairs = list(zip(pieces[::2], [*map(int, pieces[1::2]), -1], strict=True))
    return not is_number, float(name) if is_number else 0.0, pairs, name


def _given(labels: ArrayLike, n_samples: int) -> Array:
    """Return labels as an array (n,) that still shows what is missing, or refuse their shape."""
    values = labels
    if isinstance(labels, np.ma.MaskedArray):
        unmasked: Array = labels.data.astype(object)
        unmasked[np.ma.getmaskarray(labels)] = None
        values = unmasked
    given: Array = np.asarray(values, dtype=None if hasattr(values, "dtype") else object)
    if given.ndim != 1 or len(given) != n_samples:
        check_labels(values, "labels", n_samples, "Z")  # which raises
    return given.astype(object) if given.dtype.kind == "T" else given


def _missing(given: Array) -> NDArray[np.bool_]:
    """Return which labels (n,) are None, NaN, NA, NaT or blank, or -1 beside strings."""
    kind = given.dtype.kind
    if kind == "U":
        return np.isin(np.char.strip(given), _BLANKS)
    if kind == "O":
        values = given.tolist()
        unknown = (-1,) if any(isinstance(value, str) and value.strip() not in _BLANKS for value in values) else ()
        return np.array([_is_missing(value) or value in unknown for value in values], dtype=bool)
    missing: NDArray[np.bool_] = given != given  # NaN and NaT differ from themselves
    return missing


def _is_missing(value: object) -> bool:
    if value is None or (isinstance(value, str) and value.strip() in _BLANKS):
        return True
    try:
        return bool(value != value)  # NaN differs from itself
    except (TypeError, ValueError):  # pandas' NA is neither equal nor unequal
        return True


def _place_of_unknown(groups: Array) -> int | None:
    """Return the place of -1 among the groups if it means "unknown": the others are names, or numbers from 0 on.

    -1 beside nothing but 1 is a sign, and so a group.
    """
    names = _comparable_names(groups)
    others = [name for name in names if name != "-1"]
    is_sign = len(groups) == 2 and others == ["1"]
    if len(others) + 1 != len(names) or is_sign or any(map(_is_negative, others)):
        return None
    return names.index("-1")


def _comparable_names(groups: Array) -> list[str]:
    """Return texts, or of sorted whole numbers the first two, since no other is negative if the second is not."""
    if groups.dtype.kind == "U":
        return [name.strip() for name in groups.tolist()]
    if groups.dtype.kind in "fi" and bool((np.isfinite(groups) & (groups == np.round(groups))).all()):
        return [f"{group:.0f}" for group in groups.tolist()[:2]]
    return []


def _is_negative(name: str) -> bool:
    return _NUMBER.fullmatch(name) is not None and float(name) < 0


def _are_names(groups: Array, most_numbers: int, *, some_missing: bool) -> bool:
    """Whether distinct numbers are names of groups. NumPy and pandas store whole numbers with gaps as floats."""
    are_floats = groups.dtype.kind == "f" and not some_missing
    most = min(most_numbers, _MOST_WHOLE_FLOATS) if are_floats else most_numbers
    whole = np.isfinite(groups) & (groups == np.round(groups))
    return len(groups) <= most and bool(whole.all())


def _name(group: object) -> str:
    return f"{group:.0f}" if isinstance(group, float) else str(group)
