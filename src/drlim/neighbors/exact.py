"""Exact search for neighbours of points in float64: the rule is the same whichever way is faster.

Distances by matrix product, and the bookkeeping of a tree, are fast but lose digits, so they only propose: whatever
their error leaves possible is measured again from differences. Equal distances fall to the lower index.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from drlim._base import arrays as _runs
from drlim._base.arrays import check_count

__all__ = ["LARGEST", "nearest", "pairs_within_radius", "ranked", "row_blocks", "squared_distances"]

Index = NDArray[np.int64]
Points = NDArray[np.float64]

LARGEST = 1e140
"""Values beyond it could overflow float64 when squared and summed."""

_BLOCK_BYTES = 64 * 2**20
"""Size of one block of distances. Larger blocks were no faster at 6000 x 784 on two cores."""

_TREE_DIMENSIONS = 8
_TREE_SAMPLES = 500
"""Where a tree is at least as fast as products, on normal data, where it does worst: 1.0 times at 1000 x 8, 2.6 times
at 20,000 x 8, 46 times at 20,000 x 2; at 12 dimensions it is slower up to 10,000."""

_SPARE = 8
"""Neighbours asked of the tree beyond those wanted, to see whether the next ones tie."""

_TREE_SLACK = 1e-10
"""Far above the relative rounding of the tree's own distances, about depth * 1e-16, and too small to cost anything."""

_SMALLEST = 1e-153
"""Differences below it have squares with few digits, or none."""

_SAMPLED = 1000
"""Points whose neighbours are counted before all pairs are."""

_SMALLER_RADIUS = "Give a smaller radius."


def squared_distances(X: Points, first: Index, second: Index) -> Points:
    """Return |X[first] - X[second]|^2 from differences, in blocks of bounded memory."""
    result = np.empty(len(first))
    step = max(1, _BLOCK_BYTES // (8 * max(1, X.shape[1])))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        difference = X[first[part]] - X[second[part]]
        result[part] = np.einsum("pd,pd->p", difference, difference)
    return result


def row_blocks(n_rows: int, n_columns: int) -> Iterator[Index]:
    """Rows of an (n_rows, n_columns) array of float64, as many at a time as one block holds."""
    block = max(1, _BLOCK_BYTES // (8 * max(1, n_columns)))
    for start in range(0, n_rows, block):
        yield np.arange(start, min(start + block, n_rows))


def ranked(near: Index, columns: Index, measured: Points, n_rows: int, n_neighbors: int) -> Index:
    """Places of the first ``n_neighbors`` of each row by (distance, index), shape (n_rows, n_neighbors).

    ``near`` is the row of each candidate, ascending, and each row has enough of them.
    """
    order = np.lexsort((columns, measured, near))
    first = np.searchsorted(near, np.arange(n_rows))  # `near` ascends and stays ascending in `order`
    places: Index = order[first[:, None] + np.arange(n_neighbors)]
    return places


def nearest(X: Points, n_neighbors: int) -> tuple[Index, Points]:
    """Each point's nearest others, nearest first, and their squared distances; shape (n, n_neighbors) each."""
    indices = np.empty((len(X), n_neighbors), dtype=np.int64)
    squares = np.empty((len(X), n_neighbors))
    by_tree = X.shape[1] <= _TREE_DIMENSIONS and len(X) >= _TREE_SAMPLES
    for rows, near, columns in (_proposed_by_tree if by_tree else _proposed_by_products)(X, n_neighbors):
        measured = squared_distances(X, rows[near], columns)
        chosen = ranked(near, columns, measured, len(rows), n_neighbors)  # (b, k)
        indices[rows], squares[rows] = columns[chosen], measured[chosen]
    return indices, squares


Proposals = Iterator[tuple[Index, Index, Index]]
"""Rows (b,), and candidates for them: the place in ``rows`` of each, ascending, and the point; (c,), (c,)."""


def _products(X: Points) -> tuple[Points, Points, Points]:
    """Centred points, their squares (n,), and the most that products can be wrong in each row (n,)."""
    centred = X - X.mean(axis=0)  # far from the origin the product form loses everything
    squares = np.einsum("nd,nd->n", centred, centred)
    # |fl(x.y) - x.y| <= d eps / 2 |x||y|: four such terms, a few roundings more (the 4), and all of it doubled.
    slack = 8.0 * (centred.shape[1] + 4) * np.finfo(np.float64).eps * (squares + squares.max())
    return centred, squares, slack + _SMALLEST**2


def _proposed_by_products(X: Points, n_neighbors: int) -> Proposals:
    centred, squares, slack = _products(X)
    for rows in row_blocks(len(X), len(X)):
        proposed = squares[rows, None] + squares - 2.0 * (centred[rows] @ centred.T)  # (b, n)
        proposed[np.arange(len(rows)), rows] = np.inf
        kth = np.partition(proposed, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        near, columns = np.nonzero(proposed <= (kth + slack[rows])[:, None])
        yield rows, near, columns


def _proposed_by_tree(X: Points, n_neighbors: int) -> Proposals:
    tree = cKDTree(X)
    wanted = min(n_neighbors + 1 + _SPARE, len(X))  # a point finds itself too
    tied = []
    for rows in row_blocks(len(X), 4 * wanted):
        distances, columns = map(np.asarray, tree.query(X[rows], wanted))  # (b, w), (b, w)
        reach = distances[:, n_neighbors] * (1 + _TREE_SLACK)  # (b,)
        complete = (distances[:, -1] > reach) | (wanted == len(X))
        tied.append(np.column_stack([rows, reach])[~complete])
        rows, columns = rows[complete], columns[complete]
        near, place = np.nonzero((distances[complete] <= reach[complete, None]) & (columns != rows[:, None]))
        yield rows, near, columns[near, place].astype(np.int64)
    rows, reach = np.concatenate(tied).T
    yield from _proposed_in_balls(X, n_neighbors, rows.astype(np.int64), reach)


def _proposed_in_balls(X: Points, n_neighbors: int, rows: Index, reach: Points) -> Proposals:
    """Everything within ``reach`` of each of the rows, where a fixed number would cut through a tie."""
    if len(rows) == 0:
        return
    kept = _lowest_of_each_place(X, n_neighbors + 1)
    tree = cKDTree(X[kept])
    counts = np.asarray(tree.query_ball_point(X[rows], reach, return_length=True))
    begins = np.cumsum(counts) // (_BLOCK_BYTES // 64)  # a Python list takes 8 times the bytes of what it lists
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(begins)) + 1):
        found = tree.query_ball_point(X[rows[part]], reach[part])
        near = np.repeat(np.arange(len(part)), counts[part])
        columns = kept[np.concatenate([np.asarray(one, dtype=np.int64) for one in found])]
        other = columns != rows[part][near]
        yield rows[part], near[other], columns[other]


def _lowest_of_each_place(X: Points, n_kept: int) -> Index:
    """Return the indices, ascending, of the first ``n_kept`` points at each place: the rest are nobody's nearest."""
    order = np.lexsort((np.arange(len(X)), *X.T))
    new = np.append(True, (X[order][1:] != X[order][:-1]).any(axis=1))
    starts = np.flatnonzero(new)
    rank = np.arange(len(X)) - np.repeat(starts, np.diff(np.append(starts, len(X))))
    return np.sort(order[rank < n_kept])


def pairs_within_radius(X: Points, radius: float) -> Index:
    """Pairs of points at a distance of at most ``radius``, shape (p, 2)."""
    by_tree = X.shape[1] <= _TREE_DIMENSIONS and len(X) >= _TREE_SAMPLES
    return (_in_reach_by_tree if by_tree else _in_reach_by_products)(X, min(radius, 1e150))  # its square is finite


def _in_reach_by_tree(X: Points, radius: float) -> Index:
    tree = cKDTree(X)
    reach = radius * (1 + _TREE_SLACK)
    _check_reach(X, tree, reach)
    pairs = tree.query_pairs(reach, output_type="ndarray").astype(np.int64, copy=False)  # (p, 2)
    measured = np.sqrt(squared_distances(X, pairs[:, 0], pairs[:, 1]))
    return np.ascontiguousarray(pairs[measured <= radius])


def _check_reach(X: Points, tree: cKDTree, reach: float) -> None:
    """Refuse a reach of too many pairs: by a sample where that decides it, since counting takes as long as listing."""
    sample = X[np.random.default_rng(0).integers(len(X), size=_SAMPLED)]
    about = int(cKDTree(sample).count_neighbors(tree, reach)) * len(X) // (2 * _SAMPLED)
    if about > 2 * _runs.MOST_PAIRS:
        check_count(about, _SMALLER_RADIUS)
    if about > _runs.MOST_PAIRS // 20:
        check_count((int(tree.count_neighbors(tree, reach)) - len(X)) // 2, _SMALLER_RADIUS)


def _in_reach_by_products(X: Points, radius: float) -> Index:
    """Each pair stands with its lower row; four bytes a pair are held until all are counted."""
    centred, squares, slack = _products(X)
    slack = slack + 8.0 * np.finfo(np.float64).eps * radius**2
    counts, columns = np.zeros(len(X), dtype=np.int64), []
    for rows in row_blocks(len(X), len(X)):
        start = rows[0]
        excess = squares[rows, None] + squares[start:] - 2.0 * (centred[rows] @ centred[start:].T) - radius**2
        near, ahead = np.nonzero(excess <= slack[rows, None])
        near, ahead = near[near < ahead], ahead[near < ahead]
        unsure = np.flatnonzero(excess[near, ahead] >= -slack[rows[near]])
        measured = np.sqrt(squared_distances(X, rows[near[unsure]], start + ahead[unsure]))
        kept = np.ones(len(near), dtype=bool)
        kept[unsure] = measured <= radius
        counts[rows] = np.bincount(near[kept], minlength=len(rows))
        check_count(int(counts.sum()), _SMALLER_RADIUS)
        columns.append((start + ahead[kept]).astype(np.int32 if len(X) < 2**31 else np.int64))
    first = np.repeat(np.arange(len(X)), counts)
    return np.column_stack([first, np.concatenate(columns)])
