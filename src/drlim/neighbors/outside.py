"""Exact search among points outside memory, which are read in blocks, all of them for each block of rows.

It finds what `drlim.neighbors.exact.nearest` does, in the same order: what matrix products cannot exclude is measured
again from differences.
"""

from __future__ import annotations

import numpy as np

from drlim._base.arrays import Floats, Index
from drlim._base.stored_rows import StoredRows, column_means
from drlim.neighbors.exact import bound_of, nearest, ranked, squared_distances, suits_tree

__all__ = ["nearest_outside"]

_ROWS, _COLUMNS = 1024, 4096
"""Number of rows whose neighbours are looked for at once, and of points that they are compared with: 32 MiB."""


def nearest_outside(X: StoredRows, n_neighbors: int) -> tuple[Index, Floats]:
    """Find each point's nearest others by (distance, index), and their squared distances; shape (n, k) each.

    Parameters
    ----------
    X : StoredRows of float64, shape (n, d)
        Points. In up to 8 dimensions they are read into memory, where a tree finds the neighbours. Otherwise they are
        read n / 1024 times.
    n_neighbors : int
        Number of neighbours k, in [1, n).
    """
    if suits_tree(X):
        return nearest(np.asarray(X), n_neighbors)
    n = len(X)
    indices, squares = np.empty((n, n_neighbors), dtype=np.int64), np.empty((n, n_neighbors))  # (n, k) each
    mean = column_means(X)  # (d,)
    sizes = np.concatenate([_sizes(block - mean) for _, block in X.blocks()])  # (n,)
    bound = bound_of(sizes, X.shape[1])  # (n,)
    for start in range(0, n, _ROWS):
        rows = np.arange(start, min(start + _ROWS, n))
        near, columns = _proposed(X, mean, sizes, bound[rows], rows, n_neighbors)  # (c,), (c,)
        measured = squared_distances(X, rows[near], columns)  # (c,)
        chosen = ranked(near, columns, measured, len(rows), n_neighbors)  # (b, k)
        indices[rows], squares[rows] = columns[chosen], measured[chosen]
    return indices, squares


def _sizes(centred: Floats) -> Floats:
    """Return the squared norm of each row, (b,)."""
    sizes: Floats = np.einsum("nd,nd->n", centred, centred)  # (b,)
    return sizes


def _proposed(
    X: StoredRows, mean: Floats, sizes: Floats, bound: Floats, rows: Index, n_neighbors: int
) -> tuple[Index, Index]:
    """Return the points that products, with their errors, cannot exclude: places in ``rows``, ascending, and points."""
    points = X[rows] - mean  # (b, d)
    best = np.full((len(rows), n_neighbors), np.inf)  # (b, k) the least of what is proposed
    near, columns, values = [], [], []
    step = max(1, min(_COLUMNS, 2**22 // X.shape[1]))
    for start in range(0, len(X), step):
        others = X[start : start + step] - mean  # (m, d)
        proposed = sizes[rows, None] + sizes[start : start + step] - 2.0 * (points @ others.T)  # (b, m)
        own = (rows >= start) & (rows < start + len(others))  # (b,)
        proposed[own, rows[own] - start] = np.inf
        least = np.concatenate([best, proposed], axis=1)  # (b, k + m)
        best = np.partition(least, n_neighbors - 1, axis=1)[:, :n_neighbors]  # (b, k)
        place, column = np.nonzero(proposed <= (best.max(axis=1) + bound)[:, None])  # (c,), (c,)
        near.append(place)
        columns.append(start + column)
        values.append(proposed[place, column])
    place = np.concatenate(near)  # (c,)
    kept = np.concatenate(values) <= (best.max(axis=1) + bound)[place]  # (c,)
    place, column = place[kept], np.concatenate(columns)[kept]
    order = np.argsort(place, kind="stable")
    return place[order], column[order]
