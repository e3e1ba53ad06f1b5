"""One law over all pairs of points, exactly, without forming the pairs that feel nothing and in bounded memory.

A law of finite reach is felt by few pairs of a large map. Points are therefore sorted along a grid of columns, each
as wide as the reach: what a point can feel is one run of points in its own column and in each adjacent one. Where
most pairs are felt, or the reach is infinite, all pairs are formed, block by block.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from drlim.springs import Law, Repulsion

__all__ = ["norm", "over_all_pairs", "pull", "total"]

_AT_ONCE = 2**18
"""Pairs of a pass so small that all are formed at once, in the order given."""

_BLOCK_PAIRS = 2**17
"""Pairs of a dense block: half a MiB an array in float32, so that a block's arrays stay in cache. Of 2**15 to 2**18,
2**16 and 2**17 cost least CPU time on 3000 points, 2**18 half as much again; the larger lets threads share a block."""

_BLOCK_PAIRS_GPU = 2**24
"""There a block has to outlast the launch of its kernels; 64 MiB an array. Not measured."""

_COMPILED_FROM = 2**18
"""Pairs from which a pass is worth compiled kernels: 0.3 ms in place of 2 to 3 on torch, on two threads."""

_HEIGHTS = 2**29
_COLUMNS = 2**32
"""Heights of a column and columns of a grid, at most: a key, with the empty columns round the grid, is an int64."""

_SAMPLE = 256
"""Rows by whose candidates the crowding of a grid is judged."""

_FEWEST_ROWS = 32
"""Rows below which sorting all points costs more than forming the pairs."""

_CROWDED = 0.2
"""Share of all pairs that are candidates from which the blocks of `_dense` cost less than the lists of `_near`: at
n = 3000 the two meet at 0.19 for all rows and at 0.27 for 500 of them, on a CPU."""

_MUTUAL = 0.35
"""The same for the two compiled kernels, over all rows: they meet at 0.1 to 0.25 for n = 6000, and at 0.35 (float32)
and 0.4 (float64) for n = 15,000."""

_CANDIDATES = 2**17
"""Candidates that `_near` holds at once, if one row has no more: 15 ns each on a CPU; an eighth or eight times as many
cost half as much again."""

_ROWS_AT_ONCE = 2**16
"""Rows whose runs are searched at once."""


class _Grid(NamedTuple):
    """Points sorted by the column of a grid they lie in, and in it by height.

    A column is as wide as the reach or a little more in each of up to two axes, and has the longest axis for height;
    other axes are not divided. Heights are whole multiples of a 64th of the reach or more. A point's key is
    ``column * heights + height``, so that adjacent columns differ by fixed amounts.
    """

    order: Tensor  # (n,) the points, by ascending key
    keys: Tensor  # (n,) in that order
    offsets: Tensor  # (1,), (3,) or (9,): what the keys of a column and of its adjacent ones differ by
    width: int  # difference of heights beyond which nothing is felt
    heights: int  # of a column


def over_all_pairs(Z: Tensor, law: Law, rows: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return energies and gradient of one law over all pairs of points, exactly, in bounded memory.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points, of a floating dtype, on any device; no gradient is recorded.
    law : Law
        Of every pair. Pairs farther apart than a finite ``law.reach`` are not formed where that spares time.
    rows : Tensor of int64, shape (r,), default=None
        Points whose springs are wanted; all when None.

    Returns
    -------
    energies : Tensor of float64, shape (r,)
        Half the sum of the energies of each row's n - 1 springs: over all rows, they add up to each pair once.
    gradient : Tensor of float64, shape (r, d)
        dE/dz for the rows.

    Notes
    -----
    A point that is not finite is in reach of none and of all: every number then is NaN, at once.

    From a million pairs on, `drlim.springs.Repulsion` on a CPU and in one to three dimensions is left to compiled
    kernels where numba is installed. They differ from the rest by rounding. Which way is taken depends on sizes and
    positions alone, so the same points have the same forces, byte for byte, with any number of threads.

    Examples
    --------
    >>> import torch
    >>> from drlim.springs import Repulsion
    >>> energies, gradient = over_all_pairs(torch.tensor([[0.0], [0.25], [5.0]]), Repulsion(1.0))
    >>> energies.tolist(), gradient.ravel().tolist()
    ([0.140625, 0.140625, 0.0], [0.75, -0.75, 0.0])
    """
    points = Z.detach()
    chosen = None if rows is None else rows.to(points.device)
    count = len(points) if chosen is None else len(chosen)
    if count == 0:
        return points.new_empty(0, dtype=torch.float64), points.new_empty((0, Z.shape[1]), dtype=torch.float64)
    low, high = _box(points)
    if not all(map(math.isfinite, [*low, *high])):
        nan = points.new_full((count, 1 + Z.shape[1]), math.nan, dtype=torch.float64)
        return nan[:, 0], nan[:, 1:]
    if len(points) * count <= _AT_ONCE:
        return _dense(points, chosen, law)
    if not _squares_fit(points.dtype, max(map(abs, [*low, *high])), law.reach):
        points = points.double()
    grid = _worthwhile_grid(points, low, high, law.reach, chosen)
    crowding = 1.0 if grid is None else _crowding(grid, chosen)
    if _is_compiled(points, law, count):
        if chosen is None and crowding > _MUTUAL and Z.shape[1] <= 2 and max(map(abs, [*low, *high])) < 1e150:
            return _by_mutual_kernel(points, law.reach)
        return _by_kernel(points, law.reach, grid or _no_grid(points), chosen)
    if grid is None or crowding > _CROWDED:
        return _dense(points, chosen, law)
    return _near(points, law, grid, chosen)


def _box(points: Tensor) -> tuple[list[float], list[float]]:
    """Return the least and the greatest of each coordinate.

    One coordinate after the other: over all at once, torch wakes its threads for any size, and on a CPU they go on
    spinning for 5 ms beside the compiled kernels.
    """
    if points.numel() == 0:
        return [], []
    low, high = torch.stack([torch.stack(torch.aminmax(column)) for column in points.T], dim=1).tolist()
    return low, high


def _squares_fit(dtype: torch.dtype, largest: float, reach: float) -> bool:
    """Whether the square of no distance that counts leaves the range of float32."""
    return dtype == torch.float64 or (largest < 2.0**60 and (2.0**-50 < reach < 2.0**60 or reach == math.inf))


def _is_compiled(points: Tensor, law: Law, count: int) -> bool:
    """Whether the compiled kernels know the law, and the pass is large enough for them."""
    fits = type(law) is Repulsion and law.margin < 1e150 and points.device.type == "cpu" and 1 <= points.shape[1] <= 3
    if not fits or points.dtype not in (torch.float32, torch.float64) or len(points) * count < _COMPILED_FROM:
        return False
    from drlim.forces import compiling as compiled  # imports numba: 0.3 s

    return compiled.AVAILABLE


def _by_kernel(points: Tensor, margin: float, grid: _Grid, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    from drlim.forces import compiling as compiled

    places, to = _places(grid, chosen)
    axes = [points[:, axis].index_select(0, grid.order).numpy() for axis in range(points.shape[1])]  # d x (n,)
    energies, gradient = compiled.repulsion_over_runs(
        axes, grid.keys.numpy(), places.numpy(), grid.offsets.numpy(), (grid.width, grid.heights), margin
    )
    return _unsorted(torch.from_numpy(energies), to), _unsorted(torch.from_numpy(gradient), to)


def _by_mutual_kernel(points: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    from drlim.forces import compiling as compiled

    energies, gradient = compiled.repulsion_over_all(list(points.T.contiguous().numpy()), margin)
    return torch.from_numpy(energies), torch.from_numpy(gradient)


def _unsorted(values: Tensor, to: Tensor) -> Tensor:
    return torch.empty_like(values).index_copy_(0, to, values)


def _places(grid: _Grid, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return the rows' places in the grid's order, ascending, and which row stands there; both of shape (r,)."""
    everything = torch.arange(len(grid.order), device=grid.order.device)
    if chosen is None:
        return everything, grid.order
    place = torch.empty_like(everything).index_copy_(0, grid.order, everything).index_select(0, chosen)
    to = _argsort(place)
    return place.index_select(0, to), to


def _no_grid(points: Tensor) -> _Grid:
    """Return the grid of one column of one height, where all feel all."""
    zeros = torch.zeros(len(points), dtype=torch.int64, device=points.device)
    return _Grid(torch.arange(len(points), device=points.device), zeros, zeros[:1], 0, 1)


def _worthwhile_grid(
    points: Tensor, low: list[float], high: list[float], reach: float, chosen: Tensor | None
) -> _Grid | None:
    """Return a grid, or None where sorting costs more than it can spare."""
    count = len(points) if chosen is None else len(chosen)
    if not 0 < reach < math.inf or count < _FEWEST_ROWS:
        return None
    if all(b / 4 - a / 4 < reach / 4 for a, b in zip(low, high, strict=True)):
        return None
    return _grid(points, low, high, reach)


def _grid(points: Tensor, low: list[float], high: list[float], reach: float) -> _Grid:
    """Sort the points into columns and heights.

    All lengths are quartered, so that none overflows. Cells are so much wider than the reach, and the window than
    the cells it must hold, that no rounding leaves a pair out.
    """
    extent = [b / 4 - a / 4 for a, b in zip(low, high, strict=True)]
    longest = sorted(range(len(extent)), key=lambda axis: -extent[axis])
    divided = [axis for axis in longest[1:3] if 4 * extent[axis] > reach]
    key, offsets = torch.zeros(len(points), dtype=torch.int64, device=points.device), [0]
    for axis in divided:
        side = max(reach / 4 * (1 + 1e-5), extent[axis] / _COLUMNS ** (1 / len(divided)))
        cells = int(extent[axis] / side) + 3  # an empty one at both ends
        key = key * cells + _level(points[:, axis], low[axis], side) + 1
        offsets = [offset * cells + step for offset in offsets for step in (-1, 0, 1)]
    step = max(reach / 4 / 64, extent[longest[0]] / _HEIGHTS)
    heights = int(extent[longest[0]] / step) + 2
    key = key * heights + _level(points[:, longest[0]], low[longest[0]], step)
    order = _argsort(key)
    shifts = torch.tensor(offsets, device=points.device) * heights
    return _Grid(order, key.index_select(0, order), shifts, math.ceil(reach / 4 / step) + 1, heights)


def _level(values: Tensor, low: float, step: float) -> Tensor:
    """Return in which interval of length ``step`` a quarter of each value lies."""
    return (values.to(torch.float64, copy=True).div_(4).sub_(low / 4).div_(step)).to(torch.int64)


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


def _runs(grid: _Grid, places: Tensor) -> tuple[Tensor, Tensor]:
    """Return begin and length of the runs of places that each row may feel, of shape (r, k)."""
    keys = grid.keys.index_select(0, places)  # (r,)
    level = keys % grid.heights
    first = keys - level.clamp(max=grid.width)
    last = keys + (grid.heights - 1 - level).clamp_(max=grid.width)
    begins = [_search(grid.keys, first + offset) for offset in grid.offsets]  # k x (r,)
    ends = [_search(grid.keys, last + offset, right=True) for offset in grid.offsets]
    begin = torch.stack(begins, dim=1)  # (r, k)
    return begin, torch.stack(ends, dim=1) - begin


def _crowding(grid: _Grid, chosen: Tensor | None) -> float:
    """Return the share of the points that a point of the map may feel, from a sample of rows."""
    places, _ = _places(grid, chosen)
    sample = torch.linspace(0, len(places) - 1, min(_SAMPLE, len(places)), dtype=torch.float64, device=places.device)
    _, lengths = _runs(grid, places.index_select(0, sample.long()))
    return float(lengths.sum(1).double().mean()) / len(grid.order)


def _near(points: Tensor, law: Law, grid: _Grid, chosen: Tensor | None) -> tuple[Tensor, Tensor]:
    """Sum over lists of candidates, a block of rows at a time."""
    places, to = _places(grid, chosen)
    axes = list(points.index_select(0, grid.order).T.contiguous())  # d x (n,)
    energies = points.new_empty(len(places), dtype=torch.float64)
    gradient = points.new_empty((len(places), len(axes)), dtype=torch.float64)
    for start in range(0, len(places), _ROWS_AT_ONCE):
        some = places[start : start + _ROWS_AT_ONCE]
        begin, length = _runs(grid, some)
        ends = np.cumsum(length.sum(1).cpu().numpy())  # (rows,)
        first = 0
        while first < len(some):
            done = ends[first - 1] if first else 0
            last = max(first + 1, int(np.searchsorted(ends, done + _CANDIDATES, "right")))
            rows, into = slice(first, last), slice(start + first, start + last)
            energies[into], gradient[into] = _listed_block(axes, some[rows], begin[rows], length[rows], law)
            first = last
    alone = _alone(law, points)
    return _unsorted((energies - alone) / 2, to), _unsorted(gradient, to)


def _listed_block(axes: list[Tensor], own: Tensor, begin: Tensor, length: Tensor, law: Law) -> tuple[Tensor, Tensor]:
    """Energies of a few rows' springs, the one of each to itself among them, and the gradient."""
    each = length.sum(1)  # (b,)
    runs, before = length.ravel(), length.ravel().cumsum(0) - length.ravel()  # (b k,)
    count = int(runs.sum())
    j = torch.repeat_interleave(begin.ravel() - before, runs, output_size=count)  # (e,)
    j += torch.arange(count, device=j.device)
    displacement = [
        torch.repeat_interleave(x.index_select(0, own), each, output_size=count) - x.index_select(0, j) for x in axes
    ]  # d x (e,)
    distance = norm(displacement)
    kept = (distance < law.reach).nonzero().squeeze(1)  # a third to a half of them
    ends = _search(kept, each.cumsum(0))
    lengths = ends.diff(prepend=ends.new_zeros(1))
    distance = distance.index_select(0, kept)
    energy = law.energy(distance).to(torch.float64)
    slope = pull(law, distance)
    sums = [energy, *((slope * component.index_select(0, kept)).to(torch.float64) for component in displacement)]
    reduced = [torch.segment_reduce(values, "sum", lengths=lengths, axis=0) for values in sums]
    return reduced[0], torch.stack(reduced[1:], dim=1)


def _alone(law: Law, points: Tensor) -> Tensor:
    """Return the energy of a point's spring to itself, which passes that do not leave it out must take off."""
    return law.energy(torch.zeros(1, dtype=points.dtype, device=points.device)).to(torch.float64)[0]


def _dense(points: Tensor, chosen: Tensor | None, law: Law) -> tuple[Tensor, Tensor]:
    """Sum over all pairs, a block of rows at a time; where all rows are wanted and many, over each pair once."""
    rows = points if chosen is None else points.index_select(0, chosen)
    others = points.T.contiguous()  # (d, n)
    energies = points.new_zeros(len(rows), dtype=torch.float64)
    gradient = points.new_zeros(rows.shape, dtype=torch.float64)
    mutual = chosen is None and len(points) ** 2 > _AT_ONCE
    block_pairs = _BLOCK_PAIRS if points.device.type == "cpu" else _BLOCK_PAIRS_GPU
    if len(points) * len(rows) <= _AT_ONCE:
        block_pairs = _AT_ONCE
    start = 0
    while start < len(rows):
        first = start if mutual else 0
        stop = min(len(rows), start + max(1, block_pairs // (len(points) - first)))
        block = [rows[start:stop, axis, None] - others[axis, first:] for axis in range(len(others))]  # d x (b, c)
        distance = norm(block)  # (b, c)
        slope = pull(law, distance)  # (b, c)
        held = law.energy(distance).to(torch.float64)
        energies[start:stop] += _row_sums(held)
        if mutual:
            energies[stop:] += held[:, stop - start :].sum(0)
        for axis, component in enumerate(block):
            held = held.copy_(component.mul_(slope))
            gradient[start:stop, axis] += _row_sums(held)
            if mutual:
                gradient[stop:, axis] -= held[:, stop - start :].sum(0)
        start = stop
    return (energies - _alone(law, points)) / 2, gradient


def _row_sums(values: Tensor) -> Tensor:
    """Sum each row; a lone long one in order, since torch would share it out among however many threads there are."""
    if len(values) == 1 and values.device.type == "cpu":
        return torch.from_numpy(values.numpy().sum(1))
    return values.sum(1)


def total(energies: Tensor) -> float:
    """Return the sum, the same bytes with any number of threads."""
    return float(_row_sums(energies[None]))


def norm(displacement: list[Tensor]) -> Tensor:
    """Return the Euclidean norm from one tensor a coordinate."""
    squares = torch.zeros_like(displacement[0])
    for component in displacement:
        squares = squares.addcmul_(component, component)
    return squares.sqrt_()


def pull(law: Law, distance: Tensor) -> Tensor:
    """Return L'(D) / D, the factor of the displacement in the gradient; 0 at D = 0."""
    return torch.where(distance > 0, -law.force(distance) / distance, 0.0)
