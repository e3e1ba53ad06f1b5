"""Samples on a grid of conditions, such as views of an object, as a `NeighborhoodGraph`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from drlim._base.arrays import Index, joined, pairs_within, products
from drlim._base.checks import check_parameters, real_in
from drlim.graph import NeighborhoodGraph
from drlim.relations.axes import Axis, axis_of
from drlim.relations.metadata import matching_columns, value_codes

__all__ = ["grid_graph"]


def grid_graph(
    metadata: object,
    *,
    step: Mapping[Any, float | Iterable[Hashable]],
    cyclic: Mapping[Any, float | None] | None = None,
    ignore: Iterable[Hashable] = (),
    tolerance: float = 1e-6,
    same: bool = True,
) -> NeighborhoodGraph:
    """Declare samples similar that are next to each other on a grid of conditions, such as views of an object.

    Two samples are similar if they are contiguous in exactly one column of ``step`` and equal in all other columns
    that are not ignored; see ``same`` for samples equal in all of them. All other pairs are dissimilar.

    Parameters
    ----------
    metadata : DataFrame or dict of str to array-like of shape (n_samples,)
        Conditions under which each sample was recorded, one column for each condition.
    step : dict of str to float or list
        The columns that are axes of the grid, and which of their values are contiguous:

        - a number in (0, inf): values that differ by this number. In an ordered category (pandas) it is a number of
          categories: 1 makes each category contiguous to the next;
        - a list of all levels in order: each level is contiguous to the next. Use it for words, such as sizes, and
          for numbers at unequal distances.
    cyclic : dict of str to float, default=None
        Period of each axis that closes on itself, in the unit of the column, such as ``{"azimuth": 360}``. It must be
        a whole number of steps, at least two. Values that differ by a period are equal. For categories and listed
        levels it must be their number. None means that no axis closes.
    ignore : iterable of str, default=()
        Columns without influence on the graph. They may hold any values, or none.
    tolerance : float, default=1e-6
        Maximum difference between equal numbers, as a part of a step, in [0, 0.5). The same difference is accepted
        between a distance and a step. Rounding errors of the column's type are accepted in addition. Measured angles
        need more, such as 0.1. Numbers this close to each other form one level, which is represented by the middle
        of its range; a level wider than this is refused.
    same : bool, default=True
        Whether samples that are equal in all columns but the ignored ones are similar. False makes them dissimilar.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When a column is absent, has missing values, cannot be an axis (an unordered category, text, dates), or has
        values that ``tolerance`` does not separate; or when a step, a period or ``tolerance`` is out of range.

    Notes
    -----
    Similar samples must be equal in columns that are neither in ``step`` nor in ``ignore``; these columns may be
    unordered categories. Time and memory grow with the number of rows and of similar pairs, since rows are grouped
    by cells of the grid and only contiguous cells are joined. Numbers on an axis are compared in float64.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.4.

    Examples
    --------
    The paper's airplane: 18 azimuths on a full circle, 9 elevations, and 6 lightings, which are ignored.

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
    periods = {} if cyclic is None else cyclic
    ignored = [ignore] if isinstance(ignore, str) or not isinstance(ignore, Iterable) else list(ignore)
    columns = matching_columns(metadata, step, periods, ignored)
    axes = [axis_of(name, columns[name], step[name], periods.get(name), tolerance) for name in step]
    fixed = [value_codes(column, name) for name, column in columns.items() if name not in step]
    return NeighborhoodGraph.from_pairs(len(axes[0].level), _similar_pairs(axes, fixed, same))


def _similar_pairs(axes: list[Axis], fixed: list[Index], same: bool) -> Index:
    """Return the pairs of rows that are contiguous along one axis and equal in all else, shape (p, 2).

    ``fixed`` are the codes of the columns that are no axes, shape (n,) each. With ``same``, rows that are equal in all
    columns are pairs, too.
    """
    levels = [axis.level for axis in axes]
    listed = [
        _contiguous_pairs(_cells([*fixed, *levels[:place], *levels[place + 1 :]], len(axis.level)), axis)
        for place, axis in enumerate(axes)
    ]
    if same:
        listed.append(pairs_within(_cells([*fixed, *levels], len(levels[0]))))
    return np.concatenate(listed)


def _cells(codes: list[Index], n_samples: int) -> Index:
    """Return a number for each distinct combination of codes, shape (n,)."""
    cell = np.zeros(n_samples, dtype=np.int64)
    for code in codes:  # renumbered each time, so that the product stays below n^2
        cell = np.unique(cell * (int(code.max()) + 1) + code, return_inverse=True)[1].astype(np.int64)
    return cell


def _contiguous_pairs(others: Index, axis: Axis) -> Index:
    """Return the pairs of rows that are contiguous along an axis and equal in ``others`` (n,), shape (p, 2).

    ``others`` are cells of all columns but the axis.
    """
    keys = others * axis.n_levels + axis.level  # (n,)
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))  # (c,) rows of one cell are a run of ``order``
    stops = np.concatenate([starts[1:], [len(keys)]])
    cells = keys[order][starts]  # (c,)
    other, level = np.divmod(cells, axis.n_levels)
    low, high = (np.searchsorted(axis.first, level, side=side) for side in ("left", "right"))
    here, which = joined(np.arange(len(cells)), low, high)  # (q,), (q,)
    wanted = other[here] * axis.n_levels + axis.second[which]
    there = np.minimum(np.searchsorted(cells, wanted), len(cells) - 1)
    occupied = cells[there] == wanted  # many cells of the grid have no row
    return products(order, starts, stops, here[occupied], there[occupied])
