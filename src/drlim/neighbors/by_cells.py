"""Search by cells whose candidates are measured in float64: fast for many points, and with exact distances."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_limits

from drlim._base.arrays import Array, Floats, Index
from drlim._base.ordinary import tamed
from drlim._base.stored_rows import StoredRows, column_ends
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.exact import ranked, squared_distances
from drlim.neighbors.reduce import principal_components

__all__ = ["nearest_by_cells"]

_MOST_COLUMNS = 100
"""Maximum number of columns in which cells are searched. In more, the first principal components are searched."""

_N_COMPONENTS = 50
"""Number of principal components searched."""

_SPARE = 4
"""Number of candidates measured beyond the neighbours wanted, since float32 can exchange close ones."""

_SPARE_OF_COMPONENTS = 20
"""The same in principal components, where twice the neighbours wanted are measured, too. For five neighbours of 60,000
digits, 30 candidates contain .990 of them, 20 contain .974 and 60 contain .993."""

_BLOCK_CANDIDATES = 2**20
"""Maximum number of candidates that are measured and sorted at once."""

_LIMITING = threading.Lock()
"""Held while the number of BLAS's threads, which belongs to the whole process, is lowered: two searches at once would
restore each other's number."""


def nearest_by_cells(X: Floats | StoredRows, n_neighbors: int, seed: int) -> tuple[Index, Floats]:
    """Find most of each point's nearest others, nearest first.

    Parameters
    ----------
    X : ndarray or StoredRows of float64, shape (n, d)
        Points. Of those outside memory, up to 100 numbers each are held in float32.
    n_neighbors : int
        Number of neighbours k, in [1, n).
    seed : int
        Seed of the cells. The same seed gives the same neighbours, whatever the number of threads.

    Returns
    -------
    indices : ndarray of int64, shape (n, k)
        Others in the order of (distance, index).
    squares : ndarray of float64, shape (n, k)
        Their squared distances, measured in float64.

    Examples
    --------
    >>> indices, squares = nearest_by_cells(np.array([[0.0], [1.0], [3.0], [7.0]]), 2, seed=0)
    >>> indices.tolist()
    [[1, 2], [0, 2], [1, 0], [2, 1]]
    """
    n = len(X)
    candidates = _candidates(X, n_neighbors, seed)  # (n, w)
    indices = np.empty((n, n_neighbors), dtype=np.int64)  # (n, k)
    squares = np.empty((n, n_neighbors))  # (n, k)
    width = candidates.shape[1]
    step = max(1, _BLOCK_CANDIDATES // width)
    for start in range(0, n, step):
        columns = candidates[start : start + step].ravel()  # (b * w,)
        near = np.repeat(np.arange(len(columns) // width), width)  # (b * w,)
        measured = squared_distances(X, start + near, columns)  # (b * w,)
        chosen = ranked(near, columns, measured, len(columns) // width, n_neighbors)  # (b, k)
        indices[start : start + step], squares[start : start + step] = columns[chosen], measured[chosen]
    return indices, squares


def _candidates(X: Floats | StoredRows, n_neighbors: int, seed: int) -> Index:
    """Return the points that cells propose for each point, shape (n, w)."""
    points: Array | StoredRows = _in_unit(tamed(X))  # (n, d)
    wanted = n_neighbors + _SPARE
    with _one_thread():
        if X.shape[1] > _MOST_COLUMNS:
            points = principal_components(points, _N_COMPONENTS, seed=seed).project(points)  # (n, p)
            wanted = 2 * n_neighbors + _SPARE_OF_COMPONENTS
        candidates, _ = cell_neighbors(points, min(wanted, len(X) - 1), seed=seed)  # (n, w)
    return candidates


def _in_unit(points: Floats | StoredRows) -> Floats | StoredRows:
    """Return points moved and scaled to at most 1 in size, by a power of two, so that float32 holds their squares."""
    if isinstance(points, StoredRows):
        first, (low, high) = points[:1], column_ends(points)  # (1, d), (d,) each
        power = -int(np.frexp(float(max((high - first).max(), (first - low).max())))[1])
        return points.changed(lambda block: np.ldexp(block - first, power))
    moved = points - points[0]  # (n, d) small differences far from the origin keep their digits
    largest = float(max(moved.max(), -moved.min()))
    scaled: Floats = np.ldexp(moved, -int(np.frexp(largest)[1]))
    return scaled


@contextmanager
def _one_thread() -> Iterator[None]:
    """Run BLAS on one thread: the order of its sums depends on their number, and so do the principal components."""
    with _LIMITING, threadpool_limits(1, user_api="blas"):
        yield
