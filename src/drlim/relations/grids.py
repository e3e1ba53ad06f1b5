"""Samples on a grid of conditions, such as views of an object, as a `NeighborhoodGraph`."""

from __future__ import annotations

import difflib
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import joined, pairs_within, products
from drlim._base.checks import check_parameters, check_same_length, real_in, short_repr
from drlim.graph import NeighborhoodGraph
from drlim.relations.labels import is_missing, label_array, label_codes

__all__ = ["grid_graph"]

Index = NDArray[np.int64]

_WHOLE = 1e-6
"""A period is a whole number of steps if it is within this part of one: 0.3 / 0.1 is 2.9999999999999996."""


def grid_graph(
    metadata: Any,
    *,
    step: Mapping[Any, Any],
    cyclic: Mapping[Any, float] | None = None,
    ignore: Iterable[Hashable] = (),
    tolerance: float = 1e-6,
    same: bool = True,
) -> NeighborhoodGraph:
    """Declare samples similar that are next to each other on a grid of conditions, as views of an object are.

    Two samples are similar if they are contiguous in exactly one column of ``step`` and equal in all other columns
    that are not ignored. All other pairs are dissimilar.

    Parameters
    ----------
    metadata : DataFrame or dict of str to array-like of shape (n_samples,)
        What is known of each sample, a column for each condition.
    step : dict of str to float or list
        The columns that are axes of the grid, and what contiguous means in each:

        - a number in (0, inf): values that differ by it. In an ordered category (pandas) it counts categories, and
          1 joins those side by side;
        - a list of all levels in order: levels side by side, as for grades in words or unevenly spaced numbers.
    cyclic : dict of str to float, default=None
        Period of each axis that closes on itself, such as ``{"azimuth": 360}``: at least two steps, and a whole
        number of them. Values that differ by periods are equal. Of categories or listed levels, their number. None
        is no period.
    ignore : iterable of str, default=()
        Columns that do not matter. They may hold anything.
    tolerance : float, default=1e-6
        Part of a step, in [0, 0.5), within which two numbers are equal, or differ by a step. Rounding of the
        column's own type is always allowed for; measured angles want more, such as 0.1. Levels are compared by the
        middles of their ranges, and values that blur into each other are refused.
    same : bool, default=True
        Whether samples that differ in ignored columns only are similar: what is ignored does not matter. With
        False they are dissimilar, as is every pair that is not contiguous.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When a column named is not there, is missing values, is no axis (an unordered category, text, dates), or has
        values that ``tolerance`` does not tell apart; or when a step, a period or ``tolerance`` is out of range.

    Notes
    -----
    Columns named neither in ``step`` nor in ``ignore``, unordered categories among them, must be equal. Rows are
    grouped by cells of the grid and neighbouring cells joined, so that the cost grows with rows and similar pairs
    only. Numbers on an axis are compared in float64.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.4.

    Examples
    --------
    The paper's airplane: 18 azimuths all round, 9 elevations, 6 lightings that do not matter.

    >>> import numpy as np
    >>> from drlim.relations import grid_graph
    >>> poses = np.meshgrid(np.arange(30, 75, 5), np.arange(0, 360, 20), np.arange(6), indexing="ij")
    >>> metadata = dict(zip(["elevation", "azimuth", "lighting"], (axis.ravel() for axis in poses)))
    >>> graph = grid_graph(
    ...     metadata, step={"azimuth": 20, "elevation": 5}, cyclic={"azimuth": 360}, ignore=["lighting"]
    ... )
    >>> graph
    NeighborhoodGraph(n_samples=972, similar=13446, dissimilar=458460, ignored=0)

    Levels in words:

    >>> sizes = {"size": ["S", "L", "M", "S"], "colour": ["red", "red", "red", "blue"]}
    >>> grid_graph(sizes, step={"size": ["S", "M", "L"]}).similar.pairs().tolist()
    [[0, 2], [1, 2]]
    """
    accepted = {"tolerance": [real_in(0, 0.5, closed="left")], "same": ["boolean"]}
    check_parameters({"tolerance": tolerance, "same": same}, accepted, "grid_graph")
    cyclic = {} if cyclic is None else cyclic
    ignored = [ignore] if isinstance(ignore, str) or not isinstance(ignore, Iterable) else list(ignore)
    columns = _grid_columns(metadata, step, cyclic, ignored)
    axes = [_axis(name, columns[name], step[name], cyclic.get(name), tolerance) for name in step]
    fixed = [_value_codes(column, name) for name, column in columns.items() if name not in step]
    listed = []
    for place, axis in enumerate(axes):
        others = _cells([*fixed, *(other.level for other in axes[:place] + axes[place + 1 :])], len(axis.level))
        listed.append(_contiguous_pairs(others, axis))
    if same:
        listed.append(pairs_within(_cells([*fixed, *(axis.level for axis in axes)], len(axes[0].level))))
    return NeighborhoodGraph.from_pairs(len(axes[0].level), np.concatenate(listed))


# Columns of the metadata


def _grid_columns(metadata: Any, step: Any, cyclic: Any, ignore: Any) -> dict[Any, Any]:
    """Columns that matter, by name, of one length."""
    columns = _columns(metadata)
    for parameter, given in (("step", step), ("cyclic", cyclic)):
        if not isinstance(given, Mapping):
            raise TypeError(f"Expected '{parameter}' to be a dict of column name to value. Got {short_repr(given)}.")
    if not step:
        raise ValueError("Expected 'step' to name at least one column. Got none: for equal rows use orbit_graph.")
    for parameter, names in (("step", step), ("cyclic", cyclic), ("ignore", ignore)):
        for name in names:
            if not isinstance(name, Hashable) or name not in columns:
                raise ValueError(f"'{parameter}' names a column that is not in 'metadata'. {_hint(name, columns)}")
            if parameter == "cyclic" and name not in step:
                raise ValueError(f"Expected 'cyclic' to name columns that 'step' names. Got {name!r}.")
            if parameter == "ignore" and name in step:
                raise ValueError(f"Expected 'ignore' to name no column that 'step' names. Got {name!r}.")
    kept = {name: column for name, column in columns.items() if name not in ignore}
    lengths = [(str(name), len(label_array(column, _column(name)))) for name, column in kept.items()]
    for name, length in lengths[1:]:
        check_same_length(lengths[0][1], lengths[0][0], length, name)
    return kept


def _columns(metadata: Any) -> dict[Any, Any]:
    if isinstance(metadata, Mapping):
        return dict(metadata)
    if hasattr(metadata, "columns"):
        return {name: metadata[name] for name in metadata.columns}
    raise TypeError(f"Expected 'metadata' to be a DataFrame or a dict of arrays. Got {short_repr(metadata)}.")


def _column(name: Any) -> str:
    return f"column {short_repr(name)} of 'metadata'"


def _hint(name: Any, known: Iterable[Any]) -> str:
    """Say what was given and the nearest name, or else all."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(str(name), names, n=1)
    ending = f"did you mean {near[0]!r}?" if near else f"accepted are {', '.join(map(repr, names[:8]))[:200]}."
    return f"Got {short_repr(name)}: {ending}"


def _refuse_rows(bad: NDArray[np.bool_], column: Any, name: Any, wanted: str) -> None:
    """Refuse a column by the first of its bad rows."""
    if bad.any():
        row = int(np.argmax(bad))
        value = label_array(column, "column")[row : row + 1].tolist()[0]
        raise ValueError(
            f"Expected {_column(name)} to hold {wanted}. Got {short_repr(value)} at row {row}: "
            "leave out such rows, or ignore the column."
        )


def _value_codes(column: Any, name: Hashable) -> Index:
    """Codes of a column of the metadata, which may not miss a value."""
    codes, values = label_codes(column, _column(name))
    _refuse_rows(np.array([is_missing(value) for value in values])[codes], column, name, "a value for each sample")
    return codes


# Axes


@dataclass(frozen=True)
class _Axis:
    """A column as levels: the level of each row (n,), and which levels are contiguous, sorted by the first."""

    level: Index
    n_levels: int
    first: Index
    second: Index


def _axis(name: Any, column: Any, step: Any, period: Any, tolerance: float) -> _Axis:
    """Levels of a column that is an axis of the grid."""
    values, width, n_categories = _axis_values(name, column, step)
    slack = 0.0  # categories do not blur
    if n_categories is None:
        slack = max(tolerance * width, 4 * _rounding(column) * float(np.abs(values).max()))
    if period is not None:
        _check_period(name, period, width, n_categories)
        values = np.mod(values, period)
    level, centres = _levels(name, values, slack, period)
    targets = centres if period is None else np.concatenate([centres, centres + period])
    first, second = joined(
        np.arange(len(centres)),
        np.searchsorted(targets, centres + width - slack, side="left"),
        np.searchsorted(targets, centres + width + slack, side="right"),
    )
    return _Axis(level, len(centres), first, second % len(centres))


def _axis_values(name: Any, column: Any, step: Any) -> tuple[NDArray[np.float64], float, int | None]:
    """Return numbers along the axis (n,), the step between contiguous ones, and the number of categories, if any."""
    if not isinstance(step, str) and isinstance(step, Iterable):
        levels = list(step)
        return _level_numbers(name, column, levels), 1.0, len(levels)
    categorical = getattr(column, "array", column)  # what a Series holds
    n_categories = len(categorical.categories) if hasattr(categorical, "categories") else None
    if not _is_positive(step) or (n_categories is not None and step != int(step)):
        kind = "number" if n_categories is None else "whole number of categories"
        raise ValueError(
            f"Expected step[{name!r}] to be a {kind} in (0, inf), or the column's levels in order as a list. "
            f"Got {short_repr(step)}."
        )
    if n_categories is None:
        return _numbers(name, column), float(step), None
    if not categorical.ordered:
        raise ValueError(
            f"Expected {_column(name)} to have an order, since 'step' names it. Got unordered categories: give its "
            f"levels in order as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    codes = np.asarray(categorical.codes, dtype=np.float64)
    _refuse_rows(codes < 0, column, name, "a category for each sample")
    return codes, float(step), n_categories


def _level_numbers(name: Any, column: Any, levels: list[Any]) -> NDArray[np.float64]:
    """Place of each value among the levels listed in ``step``."""
    try:
        table = {level: place for place, level in enumerate(levels)}
        values = label_array(column, _column(name)).tolist()
        places = np.array([table.get(value, -1) for value in values], dtype=np.float64)
    except TypeError as error:
        raise TypeError(f"Expected step[{name!r}] and its column to hold hashable levels ({error}).") from error
    if len(table) < len(levels) or not levels:
        raise ValueError(f"Expected step[{name!r}] to list each level once. Got {short_repr(levels)}.")
    if (places < 0).any():
        row = int(np.argmax(places < 0))
        raise ValueError(
            f"Expected {_column(name)} to hold levels that step[{name!r}] lists. Row {row} does not. "
            f"{_hint(values[row], levels)}"
        )
    return places


def _numbers(name: Any, column: Any) -> NDArray[np.float64]:
    values = label_array(column, _column(name))
    real = values.dtype.kind in "iuf" or (
        values.dtype.kind == "O" and all(isinstance(v, Real) and not isinstance(v, bool) for v in values.tolist())
    )
    if not real:
        raise TypeError(
            f"Expected {_column(name)} to hold numbers or an ordered category, since 'step' names it. "
            f"Got {short_repr(column if hasattr(column, 'dtype') else values.tolist())}: list its levels in order "
            f"as step[{name!r}], or leave it out of 'step', so that it must be equal."
        )
    numbers = values.astype(np.float64)
    _refuse_rows(~np.isfinite(numbers), column, name, "finite numbers")
    return numbers


def _is_positive(value: Any) -> bool:
    number = isinstance(value, int | float | np.integer | np.floating)
    return number and not isinstance(value, bool | np.timedelta64) and bool(0 < value < np.inf)


def _rounding(column: Any) -> float:
    """Relative rounding of a column's own type: 0.3 of float32 is not 0.3 of float64."""
    dtype = np.asarray(column).dtype
    if dtype.kind not in "fO":
        return 0.0
    return max(float(np.finfo(dtype if dtype.kind == "f" else np.float64).eps), float(np.finfo(np.float64).eps))


def _check_period(name: Any, period: Any, width: float, n_categories: int | None) -> None:
    if not _is_positive(period):
        raise ValueError(f"Expected cyclic[{name!r}] to be a number in (0, inf). Got {short_repr(period)}.")
    if n_categories is not None and period != n_categories:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be {n_categories}, the number of its levels. Got {short_repr(period)}."
        )
    n_steps = float(period) / width
    if round(n_steps) < 2 or abs(n_steps - round(n_steps)) > _WHOLE:
        raise ValueError(
            f"Expected cyclic[{name!r}] to be a whole number of steps, and at least two, so that the grid closes. "
            f"Got a period of {period} and a step of {width:g}."
        )


def _levels(
    name: Any, values: NDArray[np.float64], slack: float, period: float | None
) -> tuple[Index, NDArray[np.float64]]:
    """Group values that ``slack`` makes equal; the level of each row (n,) and the middles of levels, ascending."""
    distinct, place = np.unique(values, return_inverse=True)  # (m,), (n,)
    if period is not None:  # cut the circle where nothing is, so that no level lies across the cut
        cut = int(np.argmax(np.diff(distinct, append=distinct[0] + period))) + 1
        distinct = np.concatenate([distinct[cut:], distinct[:cut] + period])
        place = (place - cut) % len(distinct)
    starts = np.concatenate([[0], np.flatnonzero(np.diff(distinct) > slack) + 1])
    stops = np.concatenate([starts[1:], [len(distinct)]])
    low, high = distinct[starts], distinct[stops - 1]
    if (high - low > slack).any():
        wide = int(np.argmax(high - low))
        raise ValueError(
            f"Expected {_column(name)} to hold levels that 'tolerance' tells apart. Got values from {low[wide]:g} to "
            f"{high[wide]:g}, each within {slack:g} of the next: lower 'tolerance', or round the column."
        )
    return (np.searchsorted(starts, place, side="right") - 1).astype(np.int64), (low + high) / 2


# Cells


def _cells(codes: list[Index], n_samples: int) -> Index:
    """Return a number for each distinct combination of codes, shape (n,)."""
    cell = np.zeros(n_samples, dtype=np.int64)
    for code in codes:  # numbered anew each time, so that the product stays below n^2
        cell = np.unique(cell * (int(code.max()) + 1) + code, return_inverse=True)[1].astype(np.int64)
    return cell


def _contiguous_pairs(others: Index, axis: _Axis) -> Index:
    """Pairs of rows contiguous along the axis and equal in all ``others``, shape (p, 2)."""
    keys = others * axis.n_levels + axis.level  # (n,)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    stops = np.concatenate([starts[1:], [len(keys)]])
    cells = keys[order][starts]  # (c,)
    other, level = np.divmod(cells, axis.n_levels)
    low, high = (np.searchsorted(axis.first, level, side=side) for side in ("left", "right"))
    here, which = joined(np.arange(len(cells)), low, high)
    wanted = other[here] * axis.n_levels + axis.second[which]
    there = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    occupied = cells[there] == wanted
    return products(order, starts, stops, here[occupied], there[occupied])
