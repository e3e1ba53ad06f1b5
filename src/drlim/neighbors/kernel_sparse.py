"""Distances between the rows of a CSR array, compiled: the entries of a row meet those of the others column by column.

Importing this module imports numba (the extra ``[fast]``), which takes 0.3 s, so `sparse_points` imports it where it is
needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from drlim._base.arrays import Floats, Index
from drlim._base.compiling import AVAILABLE, compiled, in_ranges

__all__ = ["AVAILABLE", "distances_by_products", "distances_of_pairs"]

Places = Any
"""Places in a CSR array, int32 or int64, which numba compiles a kernel for."""

_TASKS = 16
"""Maximum number of ranges of rows, or of pairs, that are measured side by side."""

_PAIRS_PER_TASK = 1000
"""Number of pairs from which a task is worth a thread."""


def distances_by_products(
    X: sparse.csr_array, columns: sparse.csr_array, squares: Floats, rows: Index, n_neighbors: int
) -> tuple[Floats, Floats]:
    """Return squared distances by products, and the k-th smallest of each row.

    Parameters
    ----------
    X : csr_array of float64, shape (n, d)
    columns : csr_array of float64, shape (d, n)
        The same transposed.
    squares : ndarray of float64, shape (n,)
        Squared norms of the rows.
    rows : ndarray of int64, shape (b,)
        Consecutive.
    n_neighbors : int
        k, in [1, n).

    Returns
    -------
    distances : ndarray of float64, shape (b, n)
        |x|^2 + |y|^2 - 2 x.y, infinite from a row to itself.
    kth : ndarray of float64, shape (b,)

    Examples
    --------
    >>> X = sparse.csr_array([[0.0, 1.0], [0.0, 3.0], [2.0, 0.0]])
    >>> found, kth = distances_by_products(X, X.T.tocsr(), np.array([1.0, 9.0, 4.0]), np.array([0, 1]), 1)
    >>> found.tolist(), kth.tolist()
    ([[inf, 4.0, 5.0], [4.0, inf, 13.0]], [4.0, 4.0])
    """
    distances, kth = np.empty((len(rows), X.shape[0])), np.empty(len(rows))  # (b, n), (b,)

    def work(first: int, end: int) -> None:
        _measure(
            *(X.indptr, X.indices, X.data, columns.indptr, columns.indices, columns.data, squares),
            *(int(rows[0]) + first, np.empty(n_neighbors), distances[first:end], kth[first:end]),
        )

    in_ranges(work, len(rows), min(_TASKS, len(rows)))
    return distances, kth


def distances_of_pairs(X: sparse.csr_array, first: Index, second: Index) -> Floats:
    """Return |X[first] - X[second]|^2 from differences, shape (p,).

    Examples
    --------
    >>> X = sparse.csr_array([[0.0, 1.0], [0.0, 3.0], [2.0, 0.0]])
    >>> distances_of_pairs(X, np.array([0, 1]), np.array([1, 2])).tolist()
    [4.0, 13.0]
    """
    result, data = np.empty(len(first)), X.data.astype(np.float64, copy=False)  # (p,), (nnz,)
    tasks = max(1, min(_TASKS, len(first) // _PAIRS_PER_TASK))

    def work(start: int, end: int) -> None:
        _differ(X.indptr, X.indices, data, first[start:end], second[start:end], result[start:end])

    in_ranges(work, len(first), tasks)
    return result


@compiled
def _differ(starts: Places, indices: Places, data: Floats, first: Index, second: Index, result: Floats) -> None:
    for pair in range(len(first)):
        a, end_a = starts[first[pair]], starts[first[pair] + 1]
        b, end_b = starts[second[pair]], starts[second[pair] + 1]
        total = 0.0
        while a < end_a or b < end_b:
            if b == end_b or (a < end_a and indices[a] < indices[b]):
                difference = data[a]
                a += 1
            elif a == end_a or indices[b] < indices[a]:
                difference = data[b]
                b += 1
            else:
                difference = data[a] - data[b]
                a += 1
                b += 1
            total += difference * difference
        result[pair] = total


@compiled
def _measure(
    starts: Places,
    indices: Places,
    data: Floats,
    column_starts: Places,
    column_indices: Places,
    column_data: Floats,
    squares: Floats,
    first: int,
    best: Floats,
    distances: Floats,
    kth: Floats,
) -> None:
    for line in range(len(distances)):
        row, out = first + line, distances[line]
        out[:] = 0.0
        for place in range(starts[row], starts[row + 1]):
            value = data[place]
            column = indices[place]
            for entry in range(column_starts[column], column_starts[column + 1]):
                out[column_indices[entry]] += value * column_data[entry]
        best[:] = np.inf
        for other in range(len(out)):
            out[other] = squares[row] + squares[other] - 2.0 * out[other]
            if other == row:
                out[other] = np.inf
            if out[other] < best[0]:  # in descending order, the greatest first
                at = 1
                while at < len(best) and best[at] > out[other]:
                    best[at - 1] = best[at]
                    at += 1
                best[at - 1] = out[other]
        kth[line] = best[0]
