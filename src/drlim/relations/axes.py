"""Axes of a grid: the values of a column as levels, and which levels are contiguous."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from drlim._base.arrays import Floats, Index, joined
from drlim._base.checks import short_repr
from drlim.relations.labels import label_array
from drlim.relations.metadata import column_phrase, nearest_of, refuse_rows

__all__ = ["Axis", "axis_of"]

_WHOLE = 1e-6
"""Maximum distance, in steps, of a period from a whole number of steps: 0.3 / 0.1 is 2.9999999999999996."""


@dataclass(frozen=True)
class Axis:
    """A column as an axis of the grid.

    Attributes
    ----------
    level : ndarray of int64, shape (n,)
        Level of each row, in [0, n_levels).
    n_levels : int
        Number of levels.
    first, second : ndarray of int64, shape (m,)
        Contiguous levels: ``second[k]`` follows ``first[k]``. ``first`` ascends.
    """

    level: Index
    n_levels: int
    first: Index
    second: Index


def axis_of(name: Hashable, column: object, step: object, period: object, tolerance: float) -> Axis:
    """Return the axis that a column is, or refuse the column, its step or its period; parameters as of `grid_graph`."""
    values, width, n_categories = _axis_values(name, column, step)  # (n,)
    slack = 0.0  # categories are exact
    if n_categories is None:
        slack = max(tolerance * width, 4 * _rounding(column) * float(np.abs(values).max()))
    turn = None if period is None else _checked_period(name, period, width, n_categories)
    level, centres = _levels(name, values if turn is None else np.mod(values, turn), slack, turn)  # (n,), (l,)
    targets = centres if turn is None else np.concatenate([centres, centres + turn])  # (l,) or (2 l,)
    first, second = joined(
        np.arange(len(centres)),
        np.searchsorted(targets, centres + width - slack, side="left"),
        np.searchsorted(targets, centres + width + slack, side="right"),
    )  # (m,), (m,)
    return Axis(level, len(centres), first, second % len(centres))


def _axis_values(name: Hashable, column: object, step: object) -> tuple[Floats, float, int | None]:
    """Return numbers along the axis (n,), the step between contiguous ones, and the number of categories, if any."""
    if not isinstance(step, str) and isinstance(step, Iterable):
        levels = list(step)
        return _level_numbers(name, column, levels), 1.0, len(levels)
    categorical: Any = getattr(column, "array", column)  # the array that a Series of pandas wraps
    n_categories = len(categorical.categories) if hasattr(categorical, "categories") else None
    width = _positive(step)
    if width is None or (n_categories is not None and width != int(width)):
        kind = "number" if n_categories is None else "whole number of categories"
        raise ValueError(
            f"Expected step[{name!r}] to be a {kind} in (0, inf), or the column's levels in order as a list. "
            f"Got {short_repr(step)}."
        )
    if n_categories is None:
        return _numbers(name, column), width, None
    return _category_numbers(name, column, categorical), width, n_categories


def _category_numbers(name: Hashable, column: object, categorical: Any) -> Floats:
    """Return the place of each value among the ordered categories (n,)."""
    if not categorical.ordered:
        raise ValueError(
            f"Expected {column_phrase(name)} to have an order, since 'step' names it. Got unordered categories: give "
            f"its levels in order as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    codes = np.asarray(categorical.codes, dtype=np.float64)
    refuse_rows(codes < 0, column, name, "a category for each sample")
    return codes


def _level_numbers(name: Hashable, column: object, levels: list[Hashable]) -> Floats:
    """Return the place of each value among the levels that ``step`` lists (n,)."""
    try:
        table = {level: place for place, level in enumerate(levels)}
        values = label_array(column, column_phrase(name)).tolist()
        places = np.array([table.get(value, -1) for value in values], dtype=np.float64)
    except TypeError as error:
        raise TypeError(f"Expected step[{name!r}] and its column to hold hashable levels ({error}).") from error
    if len(table) < len(levels) or not levels:
        raise ValueError(f"Expected step[{name!r}] to list each level once. Got {short_repr(levels)}.")
    if (places < 0).any():
        row = int(np.argmax(places < 0))
        raise ValueError(
            f"Expected {column_phrase(name)} to hold levels that step[{name!r}] lists. Row {row} does not. "
            f"{nearest_of(values[row], levels)}"
        )
    return places


def _numbers(name: Hashable, column: object) -> Floats:
    """Return the numbers of a column (n,), or refuse what are none."""
    values = label_array(column, column_phrase(name))
    real = values.dtype.kind in "iuf" or (
        values.dtype.kind == "O" and all(isinstance(v, Real) and not isinstance(v, bool) for v in values.tolist())
    )
    if not real:
        raise TypeError(
            f"Expected {column_phrase(name)} to hold numbers or an ordered category, since 'step' names it. "
            f"Got {short_repr(column if hasattr(column, 'dtype') else values.tolist())}: list its levels in order "
            f"as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    numbers = values.astype(np.float64)
    refuse_rows(~np.isfinite(numbers), column, name, "finite numbers")
    return numbers


def _positive(value: object) -> float | None:
    """Return a number in (0, inf) as a float, or None for any other value."""
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool | np.timedelta64):
        return None
    return float(value) if 0 < value < np.inf else None


def _rounding(column: object) -> float:
    """Return the relative rounding error of a column's type: 0.3 in float32 differs from 0.3 in float64."""
    dtype = np.asarray(column).dtype
    if dtype.kind not in "fO":
        return 0.0
    return max(float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps), float(np.finfo(np.float64).eps))


def _checked_period(name: Hashable, period: object, width: float, n_categories: int | None) -> float:
    """Return a period as a float, or refuse one that is not a whole number of steps, at least two."""
    turn = _positive(period)
    if turn is None:
        raise ValueError(f"Expected cyclic[{name!r}] to be a number in (0, inf). Got {short_repr(period)}.")
    if n_categories is not None and turn != n_categories:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be {n_categories}, the number of its levels. Got {short_repr(period)}."
        )
    n_steps = turn / width
    if round(n_steps) < 2 or abs(n_steps - round(n_steps)) > _WHOLE:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be a whole number of steps, and at least two, so that the grid closes. "
            f"Got a period of {period} and a step of {width:g}."
        )
    return turn


def _levels(name: Hashable, values: Floats, slack: float, period: float | None) -> tuple[Index, Floats]:
    """Group values that differ by at most ``slack``.

    Return the level of each row (n,) and the middle of each level (l,), ascending. On a circle the levels begin
    after the widest gap, so that no level is divided.
    """
    distinct, place = np.unique(values, return_inverse=True)  # (m,), (n,)
    if period is not None:
        cut = int(np.argmax(np.diff(distinct, append=distinct[0] + period))) + 1
        distinct = np.concatenate([distinct[cut:], distinct[:cut] + period])
        place = (place - cut) % len(distinct)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(distinct) > slack) + 1])  # (l,)
    stops = np.concatenate([starts[1:], [len(distinct)]])
    low, high = distinct[starts], distinct[stops - 1]
    if (high - low > slack).any():
        wide = int(np.argmax(high - low))
        raise ValueError(
            f"Expected {column_phrase(name)} to hold levels that 'tolerance' tells apart. Got values from "
            f"{low[wide]:g} to {high[wide]:g}, each within {slack:g} of the next: lower 'tolerance', or round the "
            "column."
        )
    return (np.searchsorted(starts, place, side="right") - 1).astype(np.int64), (low + high) / 2
