"""Exact search among the rows of a CSR array, which is never dense as a whole.

Sparse products propose, with a bound on their rounding errors; what the bound leaves possible is measured again from
differences, as in `drlim.neighbors.exact`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse

from drlim._base.arrays import Floats, Index, check_count
from drlim.neighbors.exact import ranked, row_blocks

__all__ = ["nearest_stored", "pairs_within_stored", "squared_distances_stored"]

_MEASURED_VALUES = 2**20
"""Maximum number of stored values of a block of differences."""

_SMALLEST = 1e-153
"""Size of a difference below which its square has few digits or none in float64."""

_LARGEST_RADIUS = 1e150
"""Radius from which on all points are within it; its square is finite."""


def nearest_stored(X: sparse.csr_array, n_neighbors: int) -> tuple[Index, Floats]:
    """Find each row's nearest others by (distance, index), and their squared distances; shape (n, k) each."""
    n = X.shape[0]
    indices = np.empty((n, n_neighbors), dtype=np.int64)  # (n, k)
    squares = np.empty((n, n_neighbors))  # (n, k)
    for rows, proposed, kth, bound in _proposed_nearest(X, n_neighbors):
        near, columns = np.nonzero(proposed <= (kth + bound)[:, None])  # (c,), (c,)
        measured = squared_distances_stored(X, rows[near], columns)  # (c,)
        chosen = ranked(near, columns, measured, len(rows), n_neighbors)  # (b, k)
        indices[rows], squares[rows] = columns[chosen], measured[chosen]
    return indices, squares


def _proposed_nearest(X: sparse.csr_array, n_neighbors: int) -> Iterator[tuple[Index, Floats, Floats, Floats]]:
    """Yield what `_proposed` does, with the k-th smallest distance of each row to others (b,) before the errors."""
    from drlim.neighbors import kernel_sparse  # numba takes 0.3 s to import

    n = X.shape[0]
    if not kernel_sparse.AVAILABLE:
        for rows, proposed, bound in _proposed(X):
            proposed[np.arange(len(rows)), rows] = np.inf
            yield rows, proposed, np.partition(proposed, n_neighbors - 1, axis=1)[:, n_neighbors - 1], bound
        return
    squares, bound = _squares_and_bound(X)
    transposed = X.T.tocsr()  # (d, n)
    for rows in row_blocks(n, n):
        proposed, kth = kernel_sparse.distances_by_products(X, transposed, squares, rows, n_neighbors)
        yield rows, proposed, kth, bound[rows]


def pairs_within_stored(X: sparse.csr_array, radius: float) -> Index:
    """Find all pairs of rows at a Euclidean distance of at most ``radius``, each once; shape (p, 2)."""
    radius = min(radius, _LARGEST_RADIUS)
    listed, n_pairs = [], 0
    for rows, proposed, bound in _proposed(X):
        bound = bound + 8.0 * np.finfo(np.float64).eps * radius**2  # (b,)
        near, columns = np.nonzero(proposed <= radius**2 + bound[:, None])  # (c,), (c,)
        ahead = rows[near] < columns
        first, second = rows[near[ahead]], columns[ahead]  # (a,), (a,)
        within = np.sqrt(squared_distances_stored(X, first, second)) <= radius
        listed.append(np.column_stack([first[within], second[within]]))  # (w, 2)
        n_pairs += len(listed[-1])
        check_count(n_pairs, "Give a smaller radius.")
    return np.concatenate(listed)  # (p, 2)


def _proposed(X: sparse.csr_array) -> Iterator[tuple[Index, Floats, Floats]]:
    """Yield rows (b,), their squared distances to all by products (b, n), and the maximum errors of these (b,)."""
    squares, bound = _squares_and_bound(X)
    transposed = X.T.tocsr()  # (d, n)
    for rows in row_blocks(X.shape[0], X.shape[0]):
        products = (X[rows] @ transposed).toarray()  # (b, n)
        yield rows, squares[rows, None] + squares - 2.0 * products, bound[rows]


def _squares_and_bound(X: sparse.csr_array) -> tuple[Floats, Floats]:
    """Return the squared norms of the rows, and the maximum errors of squared distances by products, (n,) each."""
    squares = np.asarray(X.multiply(X).sum(axis=1), dtype=np.float64).ravel()  # (n,)
    n_terms = int(np.diff(X.indptr).max())
    bound = 8.0 * (n_terms + 4) * np.finfo(np.float64).eps * (squares + squares.max()) + _SMALLEST**2  # (n,)
    return squares, bound


def squared_distances_stored(X: sparse.csr_array, first: Index, second: Index) -> Floats:
    """Return |X[first] - X[second]|^2 from differences, shape (p,), in blocks of bounded memory."""
    from drlim.neighbors import kernel_sparse  # numba takes 0.3 s to import

    if kernel_sparse.AVAILABLE:
        return kernel_sparse.distances_of_pairs(X, first, second)
    result = np.empty(len(first))  # (p,)
    step = max(1, _MEASURED_VALUES // max(1, int(np.diff(X.indptr).max())))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        difference = X[first[part]].astype(np.float64) - X[second[part]]  # (b, d)
        result[part] = np.asarray(difference.multiply(difference).sum(axis=1)).ravel()  # (b,)
    return result
