"""Neighbours among distinct samples, of which none is invented.

Where most other samples are at one distance, which of them would be listed is chance, and none of them is. A sample
that shares nothing with any other has therefore no neighbours, and so have samples that are all equally far apart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Array, Floats, Index
from drlim._base.sparse_rows import AnyRows, SparseRows, rows_of
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.neighbors.blockwise import Measure, nearest_by_blocks
from drlim.neighbors.copies import Copies, Found, find_copies
from drlim.neighbors.sparse_points import squared_distances_stored

__all__ = ["distinct_by_blocks", "distinct_rows", "found_graph", "without_strangers"]

Search = Callable[[Index | slice, int], tuple[Index, Floats]]
"""A search among some rows, (m,): takes them and k, returns the neighbours of each as places in them, (m, k)."""

_OTHERS, _FIRST = 64, 8
"""Number of other samples whose distances tell whether most are equally far, and of those that are looked at first."""

_EQUAL = 1e-6
"""Relative difference up to which squared distances count as equal: that of float32."""

_ROUGHLY_EQUAL = 1e-4
"""The same for squares that are summed in float32, which takes a third of the time."""

_BLOCK_VALUES = 2**20
"""Maximum number of differences at once."""


def distinct_rows(samples: AnyRows, n_neighbors: int, search: Search, judged: AnyRows | None = None) -> Found:
    """Return neighbours of samples among the distinct ones of them.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
        Rows of which equal ones are copies.
    n_neighbors : int
        Number of neighbours wanted; there are no more than other distinct samples.
    search : callable
        Finds the neighbours.
    judged : ndarray of shape (n, ...), or SparseRows, default=None
        Rows whose Euclidean distances tell whether a neighbour is one; None keeps all that are found.

    Examples
    --------
    >>> from drlim.neighbors.exact import nearest
    >>> rows = np.array([[0.0], [0.0], [0.0], [1.0], [3.0]])
    >>> distinct_rows(rows, 1, lambda some, k: nearest(rows[some], k)).indices.ravel().tolist()
    [3, 3, 3, 0, 3]
    """
    copies = find_copies(samples)
    some: Index | slice = slice(None) if copies is None else copies.first
    m = len(samples) if copies is None else len(copies.first)
    if m == 1:
        return _nobody(len(samples), copies)
    indices, lengths = search(some, min(n_neighbors, m - 1))  # (m, k) each
    if judged is not None and (m - 1 > n_neighbors or copies is not None):
        indices, lengths = without_strangers(rows_of(judged, some), indices, lengths)
    return _spread(indices, lengths, copies)


def distinct_by_blocks(distances_of: Measure, n_samples: int, n_neighbors: int) -> Found:
    """Return neighbours of samples among the distinct ones of them, by distances that are measured in blocks.

    Samples at distance 0 are copies.
    """
    found = nearest_by_blocks(distances_of, n_samples, n_neighbors)
    copies = Copies.from_links(found.lowest_twin)
    if copies is not None:
        first = copies.first
        if len(first) == 1:
            return _nobody(n_samples, copies)
        k = min(n_neighbors, len(first) - 1)
        found = nearest_by_blocks(lambda rows: distances_of(first[rows])[:, first], len(first), k)
    last = found.distances[:, -1:]  # (m, 1)
    all_equal = (copies is not None) & (found.indices.shape[1] == len(last) - 1) & (found.distances[:, :1] == last)
    strange = (found.is_tied[:, None] | all_equal) & (found.distances == last)  # (m, k)
    return _spread(*_dropped(found.indices, found.distances, strange), copies)


def found_graph(found: Found, n_neighbors: int) -> NeighborhoodGraph:
    """Return neighbours as a graph, in which copies are similar to one another.

    Of more than ``2 * n_neighbors + 1`` copies each is similar to ``2 * n_neighbors`` of the others, and the pairs that
    remain are ignored: they would dilute the attraction of neighbours, and no map can part them.
    """
    n = len(found.indices)
    if found.copies is None:
        return NeighborhoodGraph.from_pairs(n, found.pairs())
    pairs = np.concatenate([found.pairs(), found.copies.pairs(n_neighbors)])  # (p, 2)
    similar = PairSet.from_pairs(n, pairs)
    return NeighborhoodGraph.from_sets(n, similar, ignored=found.copies.without_spring(n_neighbors))


def without_strangers(samples: AnyRows, indices: Index, lengths: Floats) -> tuple[Index, Floats]:
    """Return neighbours, (n, k), and their lengths without those that are no nearer than most other samples.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
        Distinct rows, n at least 2.
    indices : ndarray of int64, shape (n, k)
        Neighbours, nearest first.
    lengths : ndarray of float64, shape (n, k)

    Examples
    --------
    Of four samples that are all equally far apart, none is a neighbour:

    >>> indices, _ = without_strangers(np.eye(4), np.array([[1], [0], [0], [0]]), np.full((4, 1), 2.0))
    >>> indices.ravel().tolist()
    [-1, -1, -1, -1]
    """
    n, k = indices.shape
    rows = np.arange(n)
    rows = rows[_may_be_strangers(samples, indices[:, -1])]  # (r,)
    if len(rows) == 0:
        return indices, lengths
    last = _squares(samples, rows, indices[rows, -1])  # (r,)
    share = _equal(_to_others(samples, rows, slice(0, _OTHERS)), last).mean(axis=1)  # (r,)
    listed = _squares(samples, np.repeat(rows, k), indices[rows].ravel()).reshape(-1, k)  # (r, k)
    is_at_last = _equal(listed, last) | (listed > last[:, None])  # (r, k)
    most = (share > 0.5) & (share * (n - 1) > 2 * k)  # (r,)
    strange = np.zeros((n, k), dtype=bool)
    strange[rows] = (most | ((share == 1) & is_at_last.all(axis=1)))[:, None] & is_at_last  # (r, k)
    return _dropped(indices, lengths, strange)


def _may_be_strangers(samples: AnyRows, furthest: Index) -> NDArray[np.bool_]:
    """Return for which samples one of the first others is roughly as far as the furthest neighbour, (n,)."""
    rows = np.arange(len(samples))
    dtype = np.float32 if samples.dtype == np.float32 else np.float64
    last = _squares(samples, rows, furthest, dtype)  # (n,)
    others = _to_others(samples, rows, slice(0, _FIRST), dtype)  # (n, m)
    with np.errstate(invalid="ignore"):  # squares that float32 does not hold
        is_equal = _equal(others, last, _ROUGHLY_EQUAL).any(axis=1)  # (n,)
    return is_equal | ~np.isfinite(last) | ~np.isfinite(others).all(axis=1)


def _to_others(samples: AnyRows, rows: Index, which: slice, dtype: type = np.float64) -> Floats:
    """Return squared distances of rows to some other samples, (r, m): to all, if there are few."""
    n = len(samples)
    order = np.random.RandomState(0).permutation(n)  # its stream is the same in all versions of NumPy
    place = np.empty_like(order)
    place[order] = np.arange(n)
    steps = np.arange(1, n)[which]  # (m,) each is another sample
    others = order[(place[rows, None] + steps) % n]  # (r, m)
    squares = _squares(samples, np.repeat(rows, len(steps)), others.ravel(), dtype)  # (r m,)
    return squares.reshape(others.shape)  # (r, m)


def _squares(samples: AnyRows, first: Index, second: Index, dtype: type = np.float64) -> Floats:
    """Return squared distances of pairs of samples, (p,), summed in a dtype and in blocks; of sparse ones in float64.

    In float32, squares beyond its range are infinite or 0.
    """
    if isinstance(samples, SparseRows):
        return squared_distances_stored(samples.matrix, first, second)
    result = np.empty(len(first))  # (p,)
    step = max(1, _BLOCK_VALUES // max(1, int(np.prod(samples.shape[1:]))))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        with np.errstate(over="ignore"):
            steps: Array = samples[first[part]].astype(dtype) - samples[second[part]]
            away: Floats = steps.reshape(len(first[part]), -1)  # (b, p)
            result[part] = np.einsum("ij,ij->i", away, away)  # (b,)
    return result


def _equal(squares: Floats, last: Floats, within: float = _EQUAL) -> NDArray[np.bool_]:
    """Return which squared distances, (r, m), equal the last of their row, (r,)."""
    equal: NDArray[np.bool_] = np.abs(squares - last[:, None]) <= within * last[:, None]  # (r, m)
    return equal


def _dropped(indices: Index, lengths: Floats, strange: NDArray[np.bool_]) -> tuple[Index, Floats]:
    return np.where(strange, -1, indices), np.where(strange, np.inf, lengths)


def _spread(indices: Index, lengths: Floats, copies: Copies | None) -> Found:
    if copies is None:
        return Found(indices, lengths, None)
    return Found(copies.spread(indices), lengths[copies.group], copies)


def _nobody(n_samples: int, copies: Copies | None) -> Found:
    """Return no neighbours, where all samples are copies of one."""
    return Found(np.full((n_samples, 1), -1), np.full((n_samples, 1), np.inf), copies)
