"""Neighbours of samples in the form that `NeighborMap` needs: by any metric, weighted by perplexity, as one graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim._base.calls import user_call
from drlim._base.checks import short_repr
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows, column_ends
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.neighbors.by_metric import by_function, distinct_by_metric, hamming, jaccard
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.coordinates import Measured, Metric, directions, flat
from drlim.neighbors.copies import Copies, Found
from drlim.neighbors.distinct import distinct_rows
from drlim.neighbors.exact import nearest
from drlim.neighbors.perplexity import graph_of_weights, perplexity_weights, symmetric_weights
from drlim.neighbors.precomputed import distinct_given

__all__ = [
    "METRICS",
    "check_metric",
    "mate_weights",
    "nearest_rows",
    "perplexity_of",
    "usual_neighbors",
    "weighted_neighbors",
]

METRICS = ("cosine", "euclidean", "hamming", "jaccard", "precomputed")
"""Metrics by name."""

_FEW_ROWS = 4000
"""Maximum number of rows whose neighbours are found exactly: .1 s in 50 columns."""

_MANY_ROWS = 20_000
"""Maximum number of rows of which a map takes 30 neighbours by default."""


def check_metric(samples: AnyRows, metric: Metric, *, fits: bool) -> None:
    """Refuse samples of which a metric cannot be taken.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
        Finite samples.
    metric : str or callable
        One of `METRICS`, or a function, which is tried on the first two samples.
    fits : bool
        Whether these are the training samples, between all of which distances are wanted.

    Raises
    ------
    ValueError
        When distances are below 0, not between all pairs of training samples, or cannot be computed.
    """
    if isinstance(samples, SparseRows):
        _refuse_sparse(metric)
    elif callable(metric) and fits:
        rows = samples[:2].reshape(2, -1)  # (2, p)
        _check_distance(_called(metric, rows))
    elif metric == "precomputed":
        _check_given(samples, fits)


def _check_given(samples: Array | StoredRows, fits: bool) -> None:
    """Refuse distances that are not between all pairs of training samples, or below 0."""
    if samples.ndim != 2 or (fits and samples.shape[0] != samples.shape[1]):
        raise ValueError(
            "Expected 'X' to be square with metric='precomputed': the distances between all training samples, shape "
            f"(n_samples, n_samples). Got {short_repr(samples)}."
        )
    least = float(column_ends(samples)[0].min() if isinstance(samples, StoredRows) else samples.min(initial=0.0))
    if least < 0:
        raise ValueError(
            "Negative values in data passed to NeighborMap: with metric='precomputed', 'X' holds distances, which are "
            f"at least 0. Got {least:.3g}."
        )


def _refuse_sparse(metric: Metric) -> None:
    """Refuse sparse samples where a metric needs all values of all samples."""
    if metric == "precomputed":
        raise TypeError(
            "Expected 'X' to be a dense matrix with metric='precomputed'. Got a sparse one: what it does not store is "
            "no distance of 0. Give the samples as 'X', and graph=drlim.knn_graph(distances, metric='precomputed')."
        )
    if metric not in ("euclidean", "cosine", "jaccard"):
        name = "a function as 'metric'" if callable(metric) else f"metric={metric!r}"
        raise TypeError(
            f"Expected 'X' to be an array with {name}, which compares all values of all samples. Got sparse samples: "
            "give X.toarray(), or metric='euclidean', 'cosine' or 'jaccard'."
        )


def _called(metric: Callable[[Array, Array], float], rows: Array) -> object:
    """Return the distance of two rows, or refuse the metric."""
    wanted = "The 'metric' parameter of NeighborMap must be a name or a function (row, row) -> float."
    with user_call(f"{wanted} On two samples it"):
        return metric(rows[0], rows[1])


def _check_distance(distance: object) -> None:
    """Refuse a distance that is not finite and at least 0."""
    try:
        numbers = np.asarray(distance, dtype=np.float64)
        is_right = bool(numbers.size == 1 and np.isfinite(numbers).all() and (numbers >= 0).all())
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise ValueError(
            "The 'metric' parameter of NeighborMap must give finite distances of at least 0. Of the samples in 'X' "
            f"it gives {short_repr(distance)}."
        )


def usual_neighbors(n_samples: int) -> int:
    """Return the effective number of neighbours that a map takes by default: 30 up to 20,000 samples, then 15.

    30 are as good or better on all data that were tried, and take twice the time (docs/maps.md).

    Examples
    --------
    >>> [usual_neighbors(n) for n in (300, 20_000, 60_000)]
    [30, 30, 15]
    """
    return 30 if n_samples <= _MANY_ROWS else 15


def perplexity_of(n_neighbors: int, k: int) -> float:
    """Return the perplexity of k neighbours.

    A third of those asked for, which is ``n_neighbors`` unless samples are few.
    """
    return float(max(1.0, min(n_neighbors, k / 3)))


def nearest_rows(points: Array, k: int, seed: int) -> tuple[Index, Floats]:
    """Return the k nearest other rows of each, (n, k), and their squared distances.

    Exactly for few rows, else by cells.
    """
    if len(points) <= _FEW_ROWS:
        return nearest(points.astype(np.float64), k)
    return cell_neighbors(points, k, seed=seed)


def weighted_neighbors(
    samples: AnyRows, measured: Measured, metric: Metric, n_neighbors: int, seed: int
) -> NeighborhoodGraph:
    """Return a graph of each sample's neighbours, weighted by perplexity ``n_neighbors``; thrice as many are kept.

    Neighbours are found among distinct samples, and none is invented: see `drlim.knn_graph`. The pairs that join the
    copies of a sample weigh, for each copy, as much together as its neighbours do.
    """
    k = min(3 * n_neighbors, len(samples) - 1)
    if metric in ("euclidean", "cosine"):
        rows = directions(samples) if metric == "cosine" else flat(samples)  # (n, p)
        found = _distinct_nearest(measured.points, k, seed, rows)
    else:
        found = _by_metric(samples, metric, k)
        found = found._replace(lengths=np.square(found.lengths))
    graph = graph_of_weights(_weights(found, n_neighbors))
    if found.copies is None:
        return graph
    joined = _joined(found.copies, n_neighbors)
    ignored = found.copies.without_spring(n_neighbors)
    return NeighborhoodGraph.from_sets(len(samples), graph.stated_similar | joined, ignored=ignored)


def mate_weights(points: Array, n_neighbors: int, seed: int) -> sparse.csr_array:
    """Return weights of pairs of points that are known to belong together, by perplexity, as a symmetric array (n, n).

    Each is joined to its nearest among the distinct others, and copies to one another.
    """
    found = _distinct_nearest(points, min(3 * n_neighbors, len(points) - 1), seed)
    weights = _weights(found, n_neighbors)
    if found.copies is None:
        return weights
    pairs, share = _pairs_of_copies(found.copies, n_neighbors)
    joined = sparse.coo_array((share, (pairs[:, 0], pairs[:, 1])), shape=weights.shape).tocsr()
    return sparse.csr_array(weights + joined + joined.T)


def _distinct_nearest(points: Array, k: int, seed: int, rows: AnyRows | None = None) -> Found:
    """Return the k nearest others of points among the distinct ones, (n, k), and their squared distances.

    With ``rows``, the samples as they are, those that are no nearer than most are no neighbours.
    """
    return distinct_rows(points, k, lambda some, fewer: nearest_rows(points[some], fewer, seed), rows)


def _weights(found: Found, n_neighbors: int) -> sparse.csr_array:
    """Return weights of neighbours by perplexity, made symmetric, (n, n)."""
    is_none = found.indices < 0  # (n, k)
    if not is_none.any():
        k = found.indices.shape[1]
        return symmetric_weights(found.indices, perplexity_weights(found.lengths, perplexity_of(n_neighbors, k)))
    order = np.argsort(is_none, axis=1, kind="stable")  # (n, k) those that are none last
    counts = np.count_nonzero(~is_none, axis=1)  # (n,)
    weights = np.zeros(is_none.shape)  # (n, k)
    for count in np.unique(counts[counts > 0]).tolist():
        rows = np.flatnonzero(counts == count)[:, None]  # (r, 1)
        place = order[rows[:, 0], :count]  # (r, count)
        weights[rows, place] = perplexity_weights(found.lengths[rows, place], perplexity_of(n_neighbors, count))
    own = np.arange(len(is_none))[:, None]  # (n, 1)
    return symmetric_weights(np.where(is_none, own, found.indices), weights)


def _joined(copies: Copies, n_neighbors: int) -> PairSet:
    pairs, share = _pairs_of_copies(copies, n_neighbors)
    return PairSet.from_pairs(len(copies.group), pairs, weights=share)


def _pairs_of_copies(copies: Copies, n_neighbors: int) -> tuple[Index, Floats]:
    """Return pairs of copies, (p, 2), and their weights, which add up to 1 for each copy."""
    pairs = copies.pairs(n_neighbors)  # (p, 2)
    degree = np.bincount(pairs.ravel(), minlength=len(copies.group))  # (n,)
    return pairs, 1 / degree[pairs[:, 0]]


def _by_metric(samples: AnyRows, metric: Metric, k: int) -> Found:
    """Return neighbours by any metric that is not Euclidean, from all pairs in blocks."""
    if isinstance(samples, SparseRows):
        n, distances_of = jaccard(samples.matrix.astype(bool), 2)
        return distinct_by_metric(distances_of, n, k, metric)
    rows = np.asarray(samples).reshape(len(samples), -1)  # (n, p) in memory: all pairs are compared
    if metric == "precomputed":
        return distinct_given(rows, k)
    if callable(metric):
        n, distances_of = by_function(rows, 2, metric)
    else:
        n, distances_of = jaccard(rows != 0, 2) if metric == "jaccard" else hamming(rows, 2)
    return distinct_by_metric(distances_of, n, k, metric)
