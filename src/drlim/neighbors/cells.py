"""Approximate neighbours by cells: k-means divides the rows, and each row looks in the cells whose centres are nearest.

Distances come from matrix products in float32, which only propose; those of the neighbours kept are measured again from
differences. Memory beyond rows and result is bounded. Up to 4000 rows there is one cell, and the search is
exhaustive.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Floats, Index, ragged_ranges
from drlim._base.stored_rows import StoredRows, column_ends, column_means

__all__ = ["cell_neighbors"]

Singles = NDArray[np.float32]
Merge = Callable[[Index, int, Singles, Singles, NDArray[np.int32], Singles], None]

_CELL_ROWS = 300
"""Number of rows of a cell on average. Smaller cells need more probes, larger ones more distances."""

_PROBED = 13
"""Number of cells nearest to a row that it looks in, at least. 13 find .987 of 45 neighbours of 60,000 digits."""

_FEW, _PROBED_FOR_FEW = 20, 10
"""Number of neighbours up to which fewer cells do, and their number. 8 find .979 of 15 neighbours, 13 find .992."""

_CONSIDERED = 256
"""Number of cells nearest to a row's own among which its nearest are chosen."""

_SAMPLE_PER_CELL = 60
"""Number of rows a cell that k-means is fitted on."""

_ROUNDS = 8
"""Number of rounds of k-means. More find no more neighbours."""

_MOST_CENTRES = 256
"""Maximum number of centres that k-means fits at once. More cells than that are fitted in two levels: a row is then
compared with two times the square root of the number of cells."""

_GROUPS_PROBED = 3
"""Number of nearest groups of cells in which the cell of a row is looked for."""

_SPARE = 4
"""Number of candidates kept beyond the neighbours wanted, since float32 products can exchange close ones."""

_BLOCK_VALUES = 2**20
"""Number of distances of a block, 4 MiB: rows of one cell times candidates. Larger ones leave the cache."""


class _Cells(NamedTuple):
    """Rows sorted by cell."""

    order: Index  # (n,) the rows, cell by cell
    starts: Index  # (c + 1,) where the rows of each cell begin in `order`
    centres: Singles  # (c, p)


def cell_neighbors(points: Array | StoredRows, n_neighbors: int, *, seed: int = 0) -> tuple[Index, Floats]:
    """Return most of the nearest other rows of each row, nearest first, and their squared distances.

    Parameters
    ----------
    points : ndarray of shape (n, p), float32 or float64, or StoredRows
        Finite rows; Euclidean distances count. In more than about 100 columns, take principal components first.
    n_neighbors : int
        Number of neighbours of each row, in [1, n - 1].
    seed : int, default=0
        Draws the rows that k-means begins with and is fitted on. The same seed gives the same bytes.

    Returns
    -------
    indices : ndarray of int64, shape (n, n_neighbors)
        The row itself is excluded, identical rows are not.
    squares : ndarray of float64, shape (n, n_neighbors)
        Squared distances in squared units of the data, ascending along each row, with the relative precision of
        float32.

    Raises
    ------
    ValueError
        When ``n_neighbors`` is not in [1, n - 1] or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> indices, squares = cell_neighbors(np.array([[0.0], [1.0], [3.0], [7.0]]), 2)
    >>> indices.tolist()
    [[1, 2], [0, 2], [1, 0], [2, 1]]
    >>> squares.tolist()
    [[1.0, 9.0], [1.0, 4.0], [4.0, 9.0], [16.0, 36.0]]
    """
    n = len(points)
    if not 1 <= n_neighbors < n:
        raise ValueError(f"Expected 'n_neighbors' in [1, {n - 1}] for {n} rows. Got {n_neighbors}.")
    rows, scale = _single(points)
    cells = _divided(rows, np.random.default_rng([seed, n]))
    lying = rows[cells.order]  # (n, p) cell by cell, so that a cell is one range of memory
    del rows
    best = _searched(lying, cells, min(n_neighbors + 1 + _SPARE, n))  # a row is its own nearest
    indices = np.empty((n, n_neighbors), dtype=np.int64)
    squares = np.empty((n, n_neighbors))
    step = max(1, _BLOCK_VALUES // best.shape[1] // max(1, lying.shape[1]))
    for start in range(0, n, step):
        own = np.arange(start, min(start + step, n))
        place, measured = _measured(lying, own, best[own], n_neighbors)
        indices[cells.order[own]], squares[cells.order[own]] = cells.order[place], measured
    return indices, squares * scale**2


def _single(points: Array | StoredRows) -> tuple[Singles, float]:
    """Return centred rows in float32, at most 1 in size, and the unit they are in: a power of two, so exact."""
    if isinstance(points, StoredRows):
        return _single_rows(points)
    if not np.isfinite(points).all():
        raise ValueError("Expected 'points' to be finite. Got NaN or infinite values.")
    if points.dtype == np.float32:
        centred = points - points.mean(axis=0, dtype=np.float64).astype(np.float32)
    else:
        centred = points - points.mean(axis=0)
    largest = float(np.abs(centred).max(initial=0.0))
    scale = 2.0 ** np.ceil(np.log2(largest)) if largest > 0 else 1.0
    return np.divide(centred, scale, dtype=centred.dtype).astype(np.float32, copy=False), float(scale)


def _single_rows(points: StoredRows) -> tuple[Singles, float]:
    """Do what `_single` does for rows of float64 outside memory."""
    mean, (low, high) = column_means(points), column_ends(points)  # (p,) each
    largest = float(max(np.abs(low - mean).max(initial=0.0), np.abs(high - mean).max(initial=0.0)))
    scale = 2.0 ** np.ceil(np.log2(largest)) if largest > 0 else 1.0
    rows = np.empty(points.shape, dtype=np.float32)  # (n, p)
    for start, block in points.blocks():
        rows[start : start + len(block)] = (block - mean) / scale
    return rows, float(scale)


def _searched(lying: Singles, cells: _Cells, kept: int) -> NDArray[np.int32]:
    """Return places of the nearest rows of each row in the cells nearest to it, shape (n, kept), itself among them.

    Round r looks in the r-th nearest cell of each row, all rows that have the same one at once. Few rows of a later
    cell are nearer than the last of the best so far, and only those are merged.
    """
    n = len(lying)
    halves = 0.5 * np.einsum("np,np->n", lying, lying)  # (n,)
    best = np.full((n, kept), -1, dtype=np.int32)
    values = np.full((n, kept), np.inf, dtype=np.float32)  # half the squared distance, less what all of a row share
    merge = _fastest_merge()
    for probed in _probes(lying, cells, kept).T:  # (n,)
        grouped = np.argsort(probed, kind="stable")
        ends = np.cumsum(np.bincount(probed, minlength=len(cells.centres)))
        for cell, (first, last) in enumerate(zip(cells.starts[:-1], cells.starts[1:], strict=True)):
            seekers = grouped[ends[cell - 1] if cell else 0 : ends[cell]]
            step = max(1, _BLOCK_VALUES // (last - first))
            for start in range(0, len(seekers), step):
                some = seekers[start : start + step]
                products = lying[some] @ lying[first:last].T  # (b, m)
                merge(some, int(first), halves[first:last], products, best, values)
    return best


def _fastest_merge() -> Merge:
    """Return the compiled merge where numba is installed, else the one by partition, half as fast."""
    from drlim.neighbors import kernel_cells  # imports numba: 0.3 s

    return kernel_cells.merge if kernel_cells.AVAILABLE else merge_by_partition


def merge_by_partition(
    some: Index, first: int, halves: Singles, products: Singles, best: NDArray[np.int32], values: Singles
) -> None:
    """Do what `drlim.neighbors.kernel_cells.merge` does, in NumPy."""
    proposed = halves - products  # (b, m)
    found = np.flatnonzero(proposed < values[some, :1])
    row, column = np.divmod(found, proposed.shape[1])  # (h,) ascending rows
    counts = np.bincount(row, minlength=len(some))
    changed = np.flatnonzero(counts)
    if len(changed) == 0:
        return
    into = some[changed]
    kept, width = best.shape[1], int(counts.max())
    slot = ragged_ranges(np.zeros_like(counts), counts)  # (h,) number of a hit in its row
    line = (np.cumsum(counts > 0) - 1)[row]  # (h,) number of its row among those changed
    rivals = np.full((len(changed), kept + width), np.inf, dtype=np.float32)
    places = np.full(rivals.shape, -1, dtype=np.int32)
    rivals[:, :kept], places[:, :kept] = values[into], best[into]
    rivals[line, kept + slot] = proposed.ravel()[found]
    places[line, kept + slot] = first + column
    chosen = np.argpartition(rivals, kept - 1, axis=1)[:, kept - 1 :: -1]  # (r, kept) the greatest of them first
    best[into] = np.take_along_axis(places, chosen, axis=1)
    values[into] = np.take_along_axis(rivals, chosen, axis=1)


def _measured(lying: Singles, own: Index, best: NDArray[np.int32], n_neighbors: int) -> tuple[Index, Singles]:
    """Return places and squared distances of the nearest of a few rows' best, (b, k) each, nearest first."""
    difference = lying[best] - lying[own, None]  # (b, kept, p)
    squares = np.einsum("bkp,bkp->bk", difference, difference)  # (b, kept)
    squares[best == own[:, None]] = np.inf
    order = np.lexsort((best, squares))[:, :n_neighbors]  # (b, k) equal distances in the order of places
    return np.take_along_axis(best, order, axis=1).astype(np.int64), np.take_along_axis(squares, order, axis=1)


def _probes(lying: Singles, cells: _Cells, kept: int) -> Index:
    """Return the nearest cells of each row, nearest first, shape (n, c); enough that they hold what is kept."""
    sizes = np.sort(np.diff(cells.starts))
    enough = int(np.searchsorted(np.cumsum(sizes), kept)) + 1
    count = min(len(cells.centres), max(_PROBED if kept > _FEW + 1 + _SPARE else _PROBED_FOR_FEW, enough))
    considered = min(len(cells.centres), max(_CONSIDERED, count))
    halves = 0.5 * np.einsum("cp,cp->c", cells.centres, cells.centres)  # (c,)
    probes = np.empty((len(lying), count), dtype=np.int64)
    for cell, (first, last) in enumerate(zip(cells.starts[:-1], cells.starts[1:], strict=True)):
        away = halves - cells.centres @ cells.centres[cell]  # (c,)
        round_about = np.sort(np.argpartition(away, considered - 1)[:considered])
        distance = halves[round_about] - lying[first:last] @ cells.centres[round_about].T  # (m, considered)
        near = np.argpartition(distance, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(distance, near, axis=1), axis=1, kind="stable")
        probes[first:last] = round_about[np.take_along_axis(near, order, axis=1)]
    return probes


def _divided(rows: Singles, rng: np.random.Generator) -> _Cells:
    """Divide rows into cells of about `_CELL_ROWS` by k-means; empty cells are left out."""
    n_cells = max(1, round(len(rows) / _CELL_ROWS))
    if n_cells <= _PROBED:
        return _Cells(np.arange(len(rows)), np.array([0, len(rows)]), rows[:1] * 0)
    sample = rows[rng.permutation(len(rows))[: _SAMPLE_PER_CELL * n_cells]]  # (s, p)
    if n_cells <= _MOST_CENTRES:
        centres = _means(sample, n_cells)
        codes = _nearest_centre(rows, centres)
    else:
        centres, codes = _in_two_levels(rows, sample, n_cells)
    counts = np.bincount(codes, minlength=len(centres))
    order = np.argsort(codes, kind="stable")
    starts = np.append(0, np.cumsum(counts[counts > 0]))
    return _Cells(order, starts, centres[counts > 0])


def _in_two_levels(rows: Singles, sample: Singles, n_cells: int) -> tuple[Singles, Index]:
    """Divide the sample into groups and each group into cells; return centres of cells, and the cell of each row."""
    groups = _means(sample, round(n_cells**0.5))  # (g, p)
    group = _nearest_centre(sample, groups)
    parts = []
    for code in range(len(groups)):
        members = sample[group == code]
        parts.append(_means(members, max(1, round(n_cells * len(members) / len(sample)))))
    centres = np.concatenate(parts)  # (c, p)
    ends = np.cumsum([len(part) for part in parts])
    codes = np.empty(len(rows), dtype=np.int64)
    home = _nearest_centre(rows, groups)
    between = np.einsum("gp,gp->g", groups, groups) - 2 * (groups @ groups.T)  # (g, g)
    np.fill_diagonal(between, -np.inf)
    near = np.argsort(between, axis=1, kind="stable")[:, :_GROUPS_PROBED]  # (g, 3)
    for code in range(len(groups)):
        members = np.flatnonzero(home == code)
        tried = ragged_ranges(
            ends[near[code]] - [len(parts[one]) for one in near[code]],
            np.array([len(parts[one]) for one in near[code]]),
        )
        codes[members] = tried[_nearest_centre(rows[members], centres[tried])]
    return centres, codes


def _means(sample: Singles, n_centres: int) -> Singles:
    """Return centres by Lloyd's k-means, begun at the first rows of the sample, which is in random order."""
    centres = sample[:n_centres].copy()  # (c, p)
    for _ in range(_ROUNDS):
        codes = _nearest_centre(sample, centres)
        order = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(centres))
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))  # (c',)
        sums = np.add.reduceat(sample[order], starts, axis=0)  # (c', p)
        centres[counts > 0] = sums / counts[counts > 0, None]
    return centres


def _nearest_centre(rows: Singles, centres: Singles) -> Index:
    """Return the nearest centre of each row, shape (n,), the lowest of equally near ones."""
    halves = 0.5 * np.einsum("cp,cp->c", centres, centres)  # (c,)
    codes = np.empty(len(rows), dtype=np.int64)
    step = max(1, _BLOCK_VALUES // len(centres))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        codes[part] = np.argmax(rows[part] @ centres.T - halves, axis=1)  # (b, c) -> (b,)
    return codes
