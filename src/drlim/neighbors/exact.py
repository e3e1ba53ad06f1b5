"""Exact search for the nearest neighbours of points, in float64.

A matrix product and a k-d tree find distances fast, but with rounding errors, so that they only propose candidates:
whatever their error bounds leave possible is measured again from differences. Equal distances fall to the lower
index. The result is therefore the same whichever of the two is used, in blocks of any size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

from drlim._base.arrays import Floats, Index
from drlim._base.stored_rows import StoredRows

__all__ = [
    "LARGEST",
    "TREE_SLACK",
    "bound_of",
    "centred_squares",
    "nearest",
    "ranked",
    "row_blocks",
    "squared_distances",
    "suits_tree",
]

LARGEST = 1e140
"""Maximum size of a coordinate. The sum of squares of larger ones could overflow float64."""

TREE_SLACK = 1e-10
"""Maximum relative error assumed of a tree's distances. Theirs is far smaller, about 1e-16 times the tree's depth."""

_BLOCK_BYTES = 64 * 2**20
"""Maximum size of a block of distances, in bytes. Larger blocks were no faster at 6000 x 784 on two cores."""

_MEASURED_BYTES = 2**20
"""Maximum size of a block of differences, in bytes. In the cache, they take half the time of blocks of 64 MiB."""

_READ_BYTES = 16 * 2**20
"""The same of points outside memory: the more are read at once, the fewer are read twice."""

_TREE_DIMENSIONS = 8
"""Maximum number of dimensions in which a tree is used. On normal data, its worst case, a tree is as fast as products
at 1000 x 8, 2.6 times as fast at 20,000 x 8 and 46 times at 20,000 x 2. At 12 dimensions it is slower up to 10,000."""

_TREE_SAMPLES = 500
"""Minimum number of points for which a tree is used."""

_SPARE = 8
"""Number of neighbours asked of the tree beyond those wanted, which shows whether the next ones tie."""

_SMALLEST = 1e-153
"""Size of a difference below which its square has few digits or none in float64."""


def nearest(X: Floats, n_neighbors: int) -> tuple[Index, Floats]:
    """Find each point's nearest others, nearest first.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        Points, with coordinates up to `LARGEST` in size.
    n_neighbors : int
        Number of neighbours k, in [1, n).

    Returns
    -------
    indices : ndarray of int64, shape (n, k)
        Others in the order of (distance, index).
    squares : ndarray of float64, shape (n, k)
        Their squared distances.
    """
    indices = np.empty((len(X), n_neighbors), dtype=np.int64)  # (n, k)
    squares = np.empty((len(X), n_neighbors))  # (n, k)
    for rows, near, columns in (_proposed_by_tree if suits_tree(X) else _proposed_by_products)(X, n_neighbors):
        measured = squared_distances(X, rows[near], columns)  # (c,)
        chosen = ranked(near, columns, measured, len(rows), n_neighbors)  # (b, k)
        indices[rows], squares[rows] = columns[chosen], measured[chosen]
    return indices, squares


def suits_tree(X: Floats | StoredRows) -> bool:
    """Return whether a tree is faster than products for these points."""
    return X.shape[1] <= _TREE_DIMENSIONS and len(X) >= _TREE_SAMPLES


def squared_distances(X: Floats | StoredRows, first: Index, second: Index) -> Floats:
    """Return |X[first] - X[second]|^2 from differences, shape (p,), in blocks of bounded memory."""
    result = np.empty(len(first))  # (p,)
    block = _MEASURED_BYTES if isinstance(X, np.ndarray) else _READ_BYTES
    step = max(1, block // (8 * max(1, X.shape[1])))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        difference = X[first[part]] - X[second[part]]  # (b, d)
        result[part] = np.einsum("pd,pd->p", difference, difference)  # (b,)
    return result


def row_blocks(n_rows: int, n_columns: int) -> Iterator[Index]:
    """Iterate over the rows of an (n_rows, n_columns) array of float64, in blocks (b,) of bounded memory."""
    block = max(1, _BLOCK_BYTES // (8 * max(1, n_columns)))
    for start in range(0, n_rows, block):
        yield np.arange(start, min(start + block, n_rows))


def ranked(near: Index, columns: Index, measured: Floats, n_rows: int, n_neighbors: int) -> Index:
    """Return the places of each row's first candidates by (distance, index), shape (n_rows, n_neighbors).

    Parameters
    ----------
    near : ndarray of int64, shape (c,)
        Row of each candidate, in [0, n_rows), ascending. Each row has at least ``n_neighbors`` candidates.
    columns : ndarray of int64, shape (c,)
        Index of each candidate.
    measured : ndarray of float64, shape (c,)
        Distance of each candidate, or its square.
    n_rows, n_neighbors : int
    """
    order = np.lexsort((columns, measured, near))  # (c,)
    first = np.searchsorted(near, np.arange(n_rows))  # (n_rows,) sorting keeps ``near`` as it is
    places: Index = order[first[:, None] + np.arange(n_neighbors)]  # (n_rows, k)
    return places


def centred_squares(X: Floats) -> tuple[Floats, Floats, Floats]:
    """Prepare squared distances by matrix product, |x|^2 + |y|^2 - 2 x.y.

    Returns
    -------
    centred : ndarray of float64, shape (n, d)
        Points around the origin: far from it the products lose all digits.
    squares : ndarray of float64, shape (n,)
        Their squared norms.
    bound : ndarray of float64, shape (n,)
        Maximum error of the squared distances of each row.
    """
    centred = X - X.mean(axis=0)  # (n, d)
    squares = np.einsum("nd,nd->n", centred, centred)  # (n,)
    return centred, squares, bound_of(squares, centred.shape[1])


def bound_of(squares: Floats, n_dimensions: int) -> Floats:
    """Return the maximum error of the squared distances of each point by products, from squared norms; (n,)."""
    # |fl(x.y) - x.y| <= d eps / 2 |x||y|: four such terms, a few roundings more (the 4), and all of it doubled.
    bound: Floats = 8.0 * (n_dimensions + 4) * np.finfo(np.float64).eps * (squares + squares.max())  # (n,)
    bound += _SMALLEST**2
    return bound


Proposals = Iterator[tuple[Index, Index, Index]]
"""Blocks of rows (b,) and candidates for them: the place in ``rows`` of each, ascending, and the point; (c,), (c,)."""


def _proposed_by_products(X: Floats, n_neighbors: int) -> Proposals:
    """Propose the points that matrix products, with their errors, cannot exclude."""
    centred, squares, bound = centred_squares(X)
    for rows in row_blocks(len(X), len(X)):
        proposed = squares[rows, None] + squares - 2.0 * (centred[rows] @ centred.T)  # (b, n)
        proposed[np.arange(len(rows)), rows] = np.inf
        kth = np.partition(proposed, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        near, columns = np.nonzero(proposed <= (kth + bound[rows])[:, None])  # (c,), (c,)
        yield rows, near, columns


def _proposed_by_tree(X: Floats, n_neighbors: int) -> Proposals:
    """Propose the first few of a tree; where the last of them ties with the k-th, all points as near as that."""
    tree = cKDTree(X)
    wanted = min(n_neighbors + 1 + _SPARE, len(X))  # a point finds itself too
    tied = []
    for rows in row_blocks(len(X), 4 * wanted):
        distances, columns = map(np.asarray, tree.query(X[rows], wanted))  # (b, w), (b, w)
        radii = distances[:, n_neighbors] * (1 + TREE_SLACK)  # (b,)
        complete = (distances[:, -1] > radii) | (wanted == len(X))  # (b,)
        tied.append(np.column_stack([rows, radii])[~complete])  # (t, 2)
        rows, columns = rows[complete], columns[complete]  # (b - t,), (b - t, w)
        near, place = np.nonzero((distances[complete] <= radii[complete, None]) & (columns != rows[:, None]))
        yield rows, near, columns[near, place].astype(np.int64)
    rows, radii = np.concatenate(tied).T  # (t,), (t,)
    yield from _proposed_in_balls(X, n_neighbors, rows.astype(np.int64), radii)


def _proposed_in_balls(X: Floats, n_neighbors: int, rows: Index, radii: Floats) -> Proposals:
    """Propose all points within a radius of each of the rows, (t,) and (t,)."""
    if len(rows) == 0:
        return
    kept = _lowest_of_each_place(X, n_neighbors + 1)  # (m,)
    tree = cKDTree(X[kept])
    counts = np.asarray(tree.query_ball_point(X[rows], radii, return_length=True))  # (t,)
    block = np.cumsum(counts) // (_BLOCK_BYTES // 64)  # (t,) a Python list takes 8 times the bytes of its numbers
    for part in np.split(np.arange(len(rows)), np.flatnonzero(np.diff(block)) + 1):
        found = tree.query_ball_point(X[rows[part]], radii[part])
        near = np.repeat(np.arange(len(part)), counts[part])  # (c,)
        columns = kept[np.concatenate([np.asarray(one, dtype=np.int64) for one in found])]  # (c,)
        other = columns != rows[part][near]
        yield rows[part], near[other], columns[other]


def _lowest_of_each_place(X: Floats, n_kept: int) -> Index:
    """Return the indices, ascending, of the first ``n_kept`` points at each place: no point needs more of them."""
    order = np.lexsort((np.arange(len(X)), *X.T))  # (n,)
    new = np.append(True, (X[order][1:] != X[order][:-1]).any(axis=1))  # (n,)
    starts = np.flatnonzero(new)  # (number of places,)
    rank = np.arange(len(X)) - np.repeat(starts, np.diff(np.append(starts, len(X))))  # (n,)
    return np.sort(order[rank < n_kept])  # (m,)
