"""Sums over listed pairs of the heavy-tailed laws, fast enough for many rounds over the same list.

Each pair stands in both its rows, so each row has its own sum in the order of the list, and the number of threads does
not change the bytes. numba compiles the sums; without it, they are products of sparse matrices.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array
from drlim._base.compiling import AVAILABLE, compiled, in_threads
from drlim.springs import Law
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction

__all__ = ["listed_gradient"]

Scalar = Any
"""A number of the dtype of the points, which numba compiles a kernel for."""

_ENTRIES_PER_TASK = 2**17
"""Number of entries from which a task is worth a thread: 0.5 ms of work."""

_MOST_TASKS = 64
"""Maximum number of tasks, each of which is a range of rows."""

_BLOCK_ENTRIES = 2**20
"""Number of entries whose displacements exist at once where there is no numba."""


def listed_gradient(Z: Array, pairs: sparse.csr_array, law: Law) -> Array:
    """Return the gradient of ``sum m_ij L(D_ij)`` over the unordered pairs of a symmetric matrix m.

    Parameters
    ----------
    Z : ndarray of float32 or float64, shape (n, d)
        Points.
    pairs : csr_array of float, shape (n, n)
        Weights m, symmetric, of the dtype of ``Z``. The diagonal does not count.
    law : LogAttraction or CauchyRepulsion

    Returns
    -------
    ndarray of the dtype of ``Z``, shape (n, d)
        With ``w_ij = 1 / (1 + D_ij^2)``: for `LogAttraction` ``sum_j 2 m_ij w_ij (z_i - z_j)``, and for
        `CauchyRepulsion` ``-sum_j 2 m_ij w_ij^2 (z_i - z_j)``.

    Raises
    ------
    TypeError
        When the law is another.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy import sparse
    >>> pairs = sparse.csr_array(np.array([[0.0, 3.0], [3.0, 0.0]]))
    >>> listed_gradient(np.array([[0.0], [1.0]]), pairs, LogAttraction()).tolist()
    [[-3.0], [3.0]]
    """
    if not isinstance(law, LogAttraction | CauchyRepulsion):
        raise TypeError(f"Expected a LogAttraction or a CauchyRepulsion. Got {law!r}.")
    squared = isinstance(law, CauchyRepulsion)
    if AVAILABLE:
        return _by_kernel(np.ascontiguousarray(Z), pairs, squared)
    return _by_products(Z, pairs, squared)


def _by_kernel(Z: Array, pairs: sparse.csr_array, squared: bool) -> Array:
    gradient = np.empty_like(Z)  # (n, d)
    tasks = max(1, min(_MOST_TASKS, len(Z), pairs.nnz // _ENTRIES_PER_TASK))
    shares = np.linspace(0, pairs.nnz, tasks + 1)[1:-1]
    bounds = [0, *np.searchsorted(pairs.indptr, shares).tolist(), len(Z)]
    kernel = _rows_in_plane if Z.shape[1] == 2 else _rows
    numbers = (Z.dtype.type(1), Z.dtype.type(-2 if squared else 2))

    def work(task: int) -> None:
        rows = (bounds[task], bounds[task + 1])
        kernel(Z, pairs.indptr, pairs.indices, pairs.data, numbers, squared, rows, gradient)

    in_threads(work, tasks)
    return gradient


@compiled
def _rows_in_plane(
    Z: Array,
    indptr: Array,
    indices: Array,
    weights: Array,
    numbers: tuple[Scalar, Scalar],
    squared: bool,
    rows: tuple[int, int],
    gradient: Array,
) -> None:
    """Fill a range of rows of ``gradient`` for points in the plane, without loops over axes."""
    one, factor = numbers
    for row in range(rows[0], rows[1]):
        x, y = Z[row, 0], Z[row, 1]
        force_x, force_y = one - one, one - one
        for entry in range(indptr[row], indptr[row + 1]):
            dx, dy = x - Z[indices[entry], 0], y - Z[indices[entry], 1]
            w = one / (one + dx * dx + dy * dy)
            share = weights[entry] * (w * w if squared else w)
            force_x += share * dx
            force_y += share * dy
        gradient[row, 0], gradient[row, 1] = factor * force_x, factor * force_y


@compiled
def _rows(
    Z: Array,
    indptr: Array,
    indices: Array,
    weights: Array,
    numbers: tuple[Scalar, Scalar],
    squared: bool,
    rows: tuple[int, int],
    gradient: Array,
) -> None:
    """Fill a range of rows of ``gradient`` in any number of dimensions."""
    one, factor = numbers
    d = Z.shape[1]
    for row in range(rows[0], rows[1]):
        for axis in range(d):
            gradient[row, axis] = one - one
        for entry in range(indptr[row], indptr[row + 1]):
            other = indices[entry]
            square = one
            for axis in range(d):
                square += (Z[row, axis] - Z[other, axis]) * (Z[row, axis] - Z[other, axis])
            w = one / square
            share = factor * weights[entry] * (w * w if squared else w)
            for axis in range(d):
                gradient[row, axis] += share * (Z[row, axis] - Z[other, axis])


def _by_products(Z: Array, pairs: sparse.csr_array, squared: bool) -> Array:
    """Sum the displacements of a block of rows by a sparse matrix that has the entries of each row in one row."""
    gradient = np.empty_like(Z)  # (n, d)
    ends = np.searchsorted(pairs.indptr, np.arange(_BLOCK_ENTRIES, pairs.nnz, _BLOCK_ENTRIES))
    bounds = np.unique(np.concatenate([[0], ends, [len(Z)]]))
    for first, last in itertools.pairwise(bounds):
        begin, end = pairs.indptr[first], pairs.indptr[last]
        lengths = np.diff(pairs.indptr[first : last + 1])  # (b,)
        others = pairs.indices[begin:end]  # (e,)
        displacement = np.repeat(Z[first:last], lengths, axis=0) - Z[others]  # (e, d)
        w = 1 / (1 + np.einsum("ed,ed->e", displacement, displacement))  # (e,)
        share = pairs.data[begin:end] * (-2 * w * w if squared else 2 * w)  # (e,)
        sums = sparse.csr_array(
            (share, np.arange(end - begin), np.append(0, np.cumsum(lengths))), shape=(last - first, end - begin)
        )
        gradient[first:last] = sums @ displacement  # (b, e) @ (e, d)
    return gradient
