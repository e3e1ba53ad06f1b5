"""Whether the numbers of a table are in one unit, and their scales where they are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from drlim.tables.columns import Column
from drlim.tables.values import Values

__all__ = ["Spread", "in_one_unit", "scaled", "spread"]

_MANY = 50
"""Number of columns of numbers alone from which they are taken to be in one unit."""

_ALIKE = 10.0
"""Ratio of the largest to the smallest standard deviation up to which columns are taken to be in one unit."""


class Spread(NamedTuple):
    """Mean and standard deviation of the numbers of a column."""

    center: float
    scale: float


def spread(column: Column, values: Values) -> Spread:
    """Return mean and standard deviation of the numbers of a column, blanks left out."""
    numbers = np.asarray(values.numbers)
    known = numbers[~np.isnan(numbers)]
    with np.errstate(over="ignore", invalid="ignore"):
        center, scale = float(known.mean()), float(known.std())
    if not (np.isfinite(center) and np.isfinite(scale)):
        raise ValueError(f"Column {column.name!r} holds values too large to be squared: rescale it, or drop it.")
    return Spread(center, scale if scale > 0 else 1.0)


def scaled(column: Column, spreads: Mapping[str, Spread]) -> Column:
    """Return a column that is standardised; one that holds no numbers as it is."""
    if column.name not in spreads:
        return column
    center, scale = spreads[column.name]
    return replace(column, center=center, scale=scale)


def in_one_unit(columns: Sequence[Column], spreads: Mapping[str, Spread]) -> bool:
    """Return whether columns are taken to be in one unit: numbers alone, and many or of similar spreads."""
    used = [column for column in columns if column.kind != "left out"]
    if any(column.kind != "number" for column in used):
        return False
    scales = [one.scale for one in spreads.values()]
    return len(used) >= _MANY or max(scales) <= _ALIKE * min(scales)
