"""Distances that are neither Euclidean nor given: of sets, of categories, and by a function of two samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim._base.calls import user_call
from drlim._base.checks import check_points, refuse_masked, short_repr
from drlim._base.forms import taken
from drlim.neighbors.blockwise import Measure
from drlim.neighbors.copies import Found
from drlim.neighbors.distinct import distinct_by_blocks
from drlim.neighbors.points import Samples, checked_sparse

__all__ = ["Metric", "by_function", "distinct_by_metric", "hamming", "jaccard", "without_farthest"]

Metric = str | Callable[[Array, Array], float]
"""A metric's name, or a function of two rows, shape (d,) each."""

_TILE_VALUES = 2**18
"""Maximum number of comparisons at once: they stay in the cache."""


def distinct_by_metric(distances_of: Measure, n_samples: int, n_neighbors: int, metric: Metric) -> Found:
    """Return neighbours among distinct samples, by a metric of this file."""
    found = distinct_by_blocks(distances_of, n_samples, n_neighbors)
    return Found(*without_farthest(found.indices, found.lengths, metric), found.copies)


def without_farthest(indices: Index, distances: Floats, metric: Metric) -> tuple[Index, Floats]:
    """Return neighbours, (n, k), and their distances without those that have nothing in common with the sample.

    By "jaccard" and "hamming" that is a distance of 1, the greatest: which one of them is listed would be chance.
    """
    if callable(metric):
        return indices, distances
    return np.where(distances >= 1, -1, indices), np.where(distances >= 1, np.inf, distances)


def jaccard(X: Samples, min_samples: int) -> tuple[int, Measure]:
    """Return the number of samples, and their distances: 1 minus the share of what two sets share in their union.

    Two empty sets are at distance 0. Counts below 2^24 are whole numbers in float32, so that all distances are exact.

    Parameters
    ----------
    X : array-like or sparse matrix, shape (n, d) or (n, ...)
        0 and 1, or booleans.
    min_samples : int

    Raises
    ------
    ValueError
        When there are other values than 0 and 1.
    """
    rows = _checked_sets(X, min_samples)  # (n, d)
    sizes = np.asarray(rows.sum(axis=1), dtype=np.float64).ravel()  # (n,)
    transposed = rows.T  # (d, n)

    def distances_of(some: Index) -> Floats:
        shared = rows[some] @ transposed  # (b, n)
        both: Array = shared if isinstance(shared, np.ndarray) else shared.toarray()
        union: Floats = sizes[some, None] + sizes - both  # (b, n)
        return np.divide(union - both, union, out=np.zeros_like(union), where=union > 0)

    return rows.shape[0], distances_of


def _checked_sets(X: Samples, min_samples: int) -> Array | sparse.csr_array:
    """Return sets as rows of 0 and 1 in float32, dense or CSR, or refuse them."""
    given = taken(X, "X").values  # of an AnnData, X, which may be sparse
    if sparse.issparse(given):
        stored = checked_sparse(given, min_samples)
        _refuse_others(stored.data, np.repeat(np.arange(stored.shape[0]), np.diff(stored.indptr)))
        return sparse.csr_array(stored.astype(np.float32))
    samples = check_points(given, name="X", min_samples=min_samples, ndim=None, dtype="numeric")
    flat = samples.reshape(len(samples), -1)  # (n, d)
    other = (flat != 0) & (flat != 1)
    row = int(np.argmax(other.any(axis=1)))
    _refuse_others(flat[row], np.full(flat.shape[1], row))
    return flat.astype(np.float32)


def _refuse_others(values: Array, rows: Index) -> None:
    """Refuse values other than 0 and 1, of which each is in a row."""
    other = np.flatnonzero((values != 0) & (values != 1))
    if len(other):
        raise ValueError(
            f"Expected 'X' to hold only 0 and 1, since metric is 'jaccard'. Got {values[other[0]]!s} in row "
            f"{rows[other[0]]}: give X != 0, or use metric='euclidean'."
        )


def hamming(X: Samples, min_samples: int) -> tuple[int, Measure]:
    """Return the number of samples, and their distances: the share of columns in which two samples differ.

    Parameters
    ----------
    X : array-like, shape (n, d) or (n, ...)
        Categories of each column: numbers, strings, or other objects that can be hashed.
    min_samples : int

    Raises
    ------
    ValueError, TypeError
        When values are missing or cannot be hashed.
    """
    codes = _codes(X, min_samples)  # (d, n)
    n_columns, n_samples = codes.shape

    def distances_of(some: Index) -> Floats:
        result = np.empty((len(some), n_samples))  # (b, n)
        step = max(1, _TILE_VALUES // n_samples)
        for start in range(0, len(some), step):
            part = some[start : start + step]
            differ = np.zeros((len(part), n_samples), dtype=np.int32)  # (t, n)
            for column in codes:
                differ += column[part, None] != column
            result[start : start + step] = differ / n_columns
        return result

    return n_samples, distances_of


def _codes(X: Samples, min_samples: int) -> Array:
    """Return categories as whole numbers, a row for each column of the samples, shape (d, n)."""
    refuse_masked(X, "X", "fill them in, or leave their samples out")
    X = taken(X, "X").values
    table = np.asarray(X)
    if table.dtype.kind in "US" and not isinstance(X, np.ndarray):
        table = np.asarray(X, dtype=object)  # None and NaN among strings would become strings
    if table.dtype.kind in "USO" and not sparse.issparse(X):
        of_this_shape = np.zeros(table.shape, dtype=bool)  # whose shape is checked, while any value is a category
        check_points(of_this_shape, name="X", min_samples=min_samples, ndim=None, dtype="numeric")
    else:
        table = check_points(cast(ArrayLike, X), name="X", min_samples=min_samples, ndim=None, dtype="numeric")
    columns = table.reshape(len(table), -1).T  # (d, n)
    coded = [
        _hashed(column) if table.dtype.kind == "O" else np.unique(column, return_inverse=True)[1] for column in columns
    ]
    codes = np.array(coded)  # (d, n)
    return codes.astype(np.min_scalar_type(int(codes.max())))


def _hashed(column: Iterable[object]) -> Index:
    """Return the codes of any objects, (n,), in the order in which they occur."""
    known: dict[object, int] = {}
    codes = []
    for row, value in enumerate(column):
        if _is_missing(value):
            raise ValueError(
                f"Expected 'X' to hold no missing values. Got {value!r} in row {row}: give a category of its own to "
                "what is missing, or leave such samples out."
            )
        try:
            codes.append(known.setdefault(value, len(known)))
        except TypeError:
            raise TypeError(
                f"Expected 'X' to hold categories that can be hashed. Got {short_repr(value)} in row {row}."
            ) from None
    return np.array(codes, dtype=np.int64)


def _is_missing(value: object) -> bool:
    """Return whether a value is None, NaN or pandas.NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA has no truth
        return True


def by_function(X: Samples, min_samples: int, metric: Callable[[Array, Array], float]) -> tuple[int, Measure]:
    """Return the number of samples, and their distances by a function of two rows, called on all ordered pairs.

    Raises
    ------
    ValueError
        When samples are not finite numbers; later, when a distance is not a finite number of at least 0.
    """
    samples = check_points(cast(ArrayLike, X), name="X", min_samples=min_samples, ndim=None, dtype="numeric")
    rows = samples.reshape(len(samples), -1)  # (n, d)

    def distances_of(some: Index) -> Floats:
        result = np.zeros((len(some), len(rows)))  # (b, n)
        for place, row in enumerate(some):
            for other in range(len(rows)):
                if other != row:
                    with user_call(f"The function given as 'metric', of rows {row} and {other},"):
                        distance: object = metric(rows[row], rows[other])
                    result[place, other] = _checked_distance(distance, int(row), other)
        return result

    return len(rows), distances_of


def _checked_distance(distance: object, row: int, other: int) -> float:
    """Return a distance as a float, or refuse it."""
    try:
        number = float(np.asarray(distance, dtype=np.float64).reshape(()))  # () of any array of one number
    except (TypeError, ValueError):
        number = np.nan
    if not (np.isfinite(number) and number >= 0):
        raise ValueError(
            f"Expected the function 'metric' to return finite distances of at least 0. Got {short_repr(distance)} for "
            f"rows {row} and {other}."
        )
    return number
