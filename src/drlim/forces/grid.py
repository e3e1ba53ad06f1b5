"""Points sorted along a grid whose cells are as wide as the reach of a law, and sums over the pairs within reach.

A law of finite reach acts on few pairs of a large map. Points are sorted along a grid of columns, each as wide as the
reach. The points within reach of a point then lie in one run in its own column and one in each adjacent column.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from drlim.forces.measuring import measured, n_columns
from drlim.forces.pairwise import gradient_factor, self_energy
from drlim.spaces.unrolled import Measure
from drlim.springs import Law

__all__ = ["Grid", "crowding", "places_of", "sum_candidates", "trivial_grid", "unsorted", "worthwhile_grid"]

_HEIGHTS = 2**29
"""Maximum number of heights in a column."""

_COLUMNS = 2**32
"""Maximum number of columns in a grid: a key, with the empty columns round the grid, then fits an int64."""

_SAMPLE = 256
"""Number of rows by whose candidates the crowding of a grid is estimated."""

_FEWEST_ROWS = 32
"""Number of rows below which sorting all points costs more than forming the pairs."""

_CANDIDATES = 2**17
"""Maximum number of candidates in a block, unless one row has more: 15 ns each on a CPU. An eighth or eight times as
many cost half as much again."""

_ROWS_AT_ONCE = 2**16
"""Maximum number of rows whose runs are searched at once."""

_COMPILED_FROM = 2**12
"""Number of points from which they are ordered by a compiled sort, where numba is installed."""


class Grid(NamedTuple):
    """Points sorted by the column of a grid they lie in, and in it by height.

    A column is as wide as the reach or a little more in each of up to two axes, and has the longest axis for height;
    other axes are not divided. Heights are whole multiples of a 64th of the reach or more. A point's key is
    ``column * heights + height``, so that adjacent columns differ by fixed amounts.
    """

    order: Tensor  # (n,) the points, by ascending key
    keys: Tensor  # (n,) in that order
    offsets: Tensor  # (1,), (3,) or (9,): differences of the keys of a column and its adjacent ones
    width: int  # difference of heights beyond which no pair is within reach
    heights: int  # of a column


def worthwhile_grid(
    points: Tensor, low: list[float], high: list[float], reach: float, chosen: Tensor | None
) -> Grid | None:
    """Return a grid, or None where sorting costs more than it can spare."""
    count = len(points) if chosen is None else len(chosen)
    if not 0 < reach < math.inf or count < _FEWEST_ROWS:
        return None
    if all(b / 4 - a / 4 < reach / 4 for a, b in zip(low, high, strict=True)):
        return None
    return _grid(points, low, high, reach)


def trivial_grid(points: Tensor) -> Grid:
    """Return the grid of one column and one height, in which all pairs are candidates."""
    zeros = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    return Grid(torch.arange(len(points), device=points.device), zeros, zeros[:1], 0, 1)


def _grid(points: Tensor, low: list[float], high: list[float], reach: float) -> Grid:
    """Sort the points into columns and heights.

    All lengths are quartered, so that none overflows. Cells are so much wider than the reach, and the window than
    the cells it must hold, that no rounding leaves a pair out.
    """
    extent = [b / 4 - a / 4 for a, b in zip(low, high, strict=True)]
    longest = sorted(range(len(extent)), key=lambda axis: -extent[axis])
    divided = [axis for axis in longest[1:3] if 4 * extent[axis] > reach]
    key, offsets, columns = torch.zeros(len(points), dtype=torch.int64, device=points.device), [0], 1
    for axis in divided:
        side = max(reach / 4 * (1 + 1e-5), extent[axis] / _COLUMNS ** (1 / len(divided)))
        cells = int(extent[axis] / side) + 3  # an empty one at both ends
        key = key * cells + _level(points[:, axis], low[axis], side) + 1
        offsets = [offset * cells + step for offset in offsets for step in (-1, 0, 1)]
        columns *= cells
    step = max(reach / 4 / 64, extent[longest[0]] / _HEIGHTS)
    heights = int(extent[longest[0]] / step) + 2
    key = key * heights + _level(points[:, longest[0]], low[longest[0]], step)
    order = _order(key, columns * heights)  # (n,)
    shifts = torch.tensor(offsets, device=points.device) * heights
    keys = key.index_select(0, order)  # (n,)
    return Grid(order, keys, shifts, math.ceil(reach / 4 / step) + 1, heights)


def _level(values: Tensor, low: float, step: float) -> Tensor:
    """Return in which interval of length ``step`` a quarter of each value lies."""
    return (values.to(torch.float64, copy=True).div_(4).sub_(low / 4).div_(step)).to(torch.int64)


def _order(keys: Tensor, n_keys: int) -> Tensor:
    """Return the points by ascending key, (n,)."""
    if keys.device.type == "cpu" and len(keys) >= _COMPILED_FROM:
        from drlim._base import compiling  # imports numba: 0.3 s

        if compiling.AVAILABLE:
            from drlim.forces.kernel_order import radix_order

            return torch.from_numpy(radix_order(keys.numpy(), n_keys))
    return _argsort(keys)


def _argsort(keys: Tensor) -> Tensor:
    """Sort; on a CPU by numpy, which takes 39 ms for 10^6 keys with AVX-512, where torch takes 195."""
    if keys.device.type == "cpu":
        return torch.from_numpy(np.argsort(keys.numpy()))
    return torch.argsort(keys, stable=True)


def _search(keys: Tensor, values: Tensor, *, right: bool = False) -> Tensor:
    """Search sorted keys; on a CPU by numpy, which takes 26 ms for 10^6 ascending values, where torch takes 95."""
    if keys.device.type == "cpu":
        return torch.from_numpy(np.searchsorted(keys.numpy(), values.numpy(), "right" if right else "left"))
    return torch.searchsorted(keys, values, right=right)


def places_of(grid: Grid, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the rows' places in the grid's order, ascending, and which row stands there; both of shape (r,)."""
    everything = torch.arange(len(grid.order), device=grid.order.device)
    if chosen is None:
        return everything, grid.order
    place = torch.empty_like(everything).index_copy_(0, grid.order, everything).index_select(0, chosen)  # (r,)
    to = _argsort(place)
    return place.index_select(0, to), to  # (r,), (r,)


def unsorted(values: Tensor, to: Tensor) -> Tensor:
    """Return values of sorted rows in the order of the rows that were asked for."""
    return torch.empty_like(values).index_copy_(0, to, values)


def _runs(grid: Grid, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return begin and length of the runs of candidates of each row, both of shape (r, k)."""
    keys = grid.keys.index_select(0, places)  # (r,)
    level = keys % grid.heights
    first = keys - level.clamp(max=grid.width)
    last = keys + (grid.heights - 1 - level).clamp_(max=grid.width)
    begins = [_search(grid.keys, first + offset) for offset in grid.offsets]  # k x (r,)
    ends = [_search(grid.keys, last + offset, right=True) for offset in grid.offsets]
    begin = torch.stack(begins, dim=1)  # (r, k)
    return begin, torch.stack(ends, dim=1) - begin


def crowding(grid: Grid, chosen: Tensor | None) -> float:
    """Return the share of all points that are candidates of a point, estimated from a sample of rows."""
    places, _ = places_of(grid, chosen)
    sample = torch.linspace(0, len(places) - 1, min(_SAMPLE, len(places)), dtype=torch.float64, device=places.device)
    _, lengths = _runs(grid, places.index_select(0, sample.long()))  # (s, k)
    return float(lengths.sum(1).double().mean()) / len(grid.order)


def sum_candidates(
    points: Tensor, law: Law, grid: Grid, chosen: Tensor | None, measure: Measure | None = None
) -> tuple[Tensor, Tensor]:
    """Return energies (r,) and gradient (r, g) of the chosen points, summed over lists of candidates."""
    places, to = places_of(grid, chosen)
    axes = list(points.index_select(0, grid.order).T.contiguous())  # d x (n,)
    energies = points.new_empty(len(places), dtype=torch.float64)
    gradient = points.new_empty((len(places), n_columns(len(axes), measure)), dtype=torch.float64)
    for start in range(0, len(places), _ROWS_AT_ONCE):
        some = places[start : start + _ROWS_AT_ONCE]
        begin, length = _runs(grid, some)
        ends = np.cumsum(length.sum(1).cpu().numpy())  # (rows,)
        first = 0
        while first < len(some):
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _CANDIDATES, "right")))
            rows, into = slice(first, last), slice(start + first, start + last)
            energies[into], gradient[into] = _candidate_block(axes, some[rows], begin[rows], length[rows], law, measure)
            first = last
    alone = self_energy(law, points)
    return unsorted((energies - alone) / 2, to), unsorted(gradient, to)


def _candidate_block(
    axes: list[Tensor], own: Tensor, begin: Tensor, length: Tensor, law: Law, measure: Measure | None
) -> tuple[Tensor, Tensor]:
    """Return energies of a few rows' springs, including that of each point to itself, and the gradient."""
    each = length.sum(1)  # (b,)
    runs, before = length.ravel(), length.ravel().cumsum(0) - length.ravel()  # (b k,)
    count = int(runs.sum())
    j = torch.repeat_interleave(begin.ravel() - before, runs, output_size=count)  # (e,)
    j += torch.arange(count, device=j.device)
    displacement = [
        torch.repeat_interleave(x.index_select(0, own), each, output_size=count) - x.index_select(0, j) for x in axes
    ]  # d x (e,)
    distance, columns = measured(displacement, measure)
    kept = (distance < law.reach).nonzero().squeeze(1)  # a third to a half of them
    ends = _search(kept, each.cumsum(0))
    lengths = ends.diff(prepend=ends.new_zeros(1))
    distance = distance.index_select(0, kept)  # (f,)
    energy = law.energy(distance).to(torch.float64)
    slope = gradient_factor(law, distance)
    components = [component.index_select(0, kept) for component in columns]  # g x (f,)
    sums = [energy, *((slope * component).to(torch.float64) for component in components)]
    reduced = [torch.segment_reduce(values, "sum", lengths=lengths, axis=0) for values in sums]
    return reduced[0], torch.stack(reduced[1:], dim=1)  # (b,), (b, g)
