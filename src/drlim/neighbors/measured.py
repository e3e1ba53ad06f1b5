"""Neighbours of samples in the form that `NeighborMap` needs: by any metric, weighted by perplexity, as one graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import short_repr
from drlim._base.messages import one_line
from drlim._base.ordinary import tamed
from drlim._base.sparse_rows import SparseRows
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.neighbors.by_metric import by_function, distinct_by_metric, hamming, jaccard
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.copies import Copies, Found, find_copies
from drlim.neighbors.distinct import distinct_rows
from drlim.neighbors.exact import nearest
from drlim.neighbors.perplexity import graph_of_weights, perplexity_weights, symmetric_weights
from drlim.neighbors.precomputed import distinct_given
from drlim.neighbors.reduce import Components, principal_components

__all__ = [
    "METRICS",
    "Measured",
    "Metric",
    "check_metric",
    "directions",
    "mate_weights",
    "measure",
    "nearest_rows",
    "perplexity_of",
    "weighted_neighbors",
]

Metric = str | Callable[[Array, Array], float]

METRICS = ("cosine", "euclidean", "hamming", "jaccard", "precomputed")
"""Metrics by name."""

_FEW_ROWS = 4000
"""Maximum number of rows whose neighbours are found exactly: .1 s in 50 columns."""

_N_COMPONENTS = 50
"""Number of principal components in which Euclidean neighbours are found."""

_SMALLEST, _LARGEST = 2.0**-20, 2.0**20
"""Range of sizes whose squares float32 holds, and sums of them. Samples of other sizes are measured in another unit."""


class Measured(NamedTuple):
    """Samples in coordinates whose Euclidean distances approximate the metric.

    Attributes
    ----------
    points : ndarray of float32, shape (n, p)
    components : Components
        Mean and axes that lead from samples to points. Samples have length 1 by the cosine metric. The axes have length
        1 for samples of usual size; axes of samples beyond 1e-6 to 1e6 are scaled, so that the points have about unit
        size.
    """

    points: Array
    components: Components


def check_metric(samples: Array | SparseRows, metric: Metric, *, fits: bool) -> None:
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


def _check_given(samples: Array, fits: bool) -> None:
    """Refuse distances that are not between all pairs of training samples, or below 0."""
    if samples.ndim != 2 or (fits and samples.shape[0] != samples.shape[1]):
        raise ValueError(
            "Expected 'X' to be square with metric='precomputed': the distances between all training samples, shape "
            f"(n_samples, n_samples). Got {short_repr(samples)}."
        )
    if samples.size and samples.min() < 0:
        raise ValueError(
            "Negative values in data passed to NeighborMap: with metric='precomputed', 'X' holds distances, which are "
            f"at least 0. Got {float(samples.min()):.3g}."
        )


def _refuse_sparse(metric: Metric) -> None:
    """Refuse sparse samples where a metric needs all values of all samples."""
    if metric == "precomputed":
        raise TypeError(
            "Expected 'X' to be a dense matrix with metric='precomputed'. Got a sparse one, whose missing distances "
            "are not 0: give the samples as 'X', and graph=drlim.knn_graph(distances, metric='precomputed')."
        )
    if metric not in ("euclidean", "cosine", "jaccard"):
        name = "a function as 'metric'" if callable(metric) else f"metric={metric!r}"
        raise TypeError(
            f"Expected 'X' to be an array with {name}, which compares all values of all samples. Got sparse samples: "
            "give X.toarray(), or metric='euclidean', 'cosine' or 'jaccard'."
        )


def _called(metric: Callable[[Array, Array], float], rows: Array) -> object:
    """Return the distance of two rows, or refuse the metric."""
    try:
        return metric(rows[0], rows[1])
    except Exception as error:  # whatever a user's function raises
        raise ValueError(
            "The 'metric' parameter of NeighborMap must be a name or a function (row, row) -> float. On two samples "
            f"it fails: {one_line(error)}"
        ) from error


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


def measure(samples: Array | SparseRows, metric: Metric, seed: int) -> Measured:
    """Return coordinates of samples: up to 50 principal components.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
    metric : str or callable
        By "cosine", samples are scaled to length 1 first. By other metrics, the components serve to begin a layout and
        to find class-mates, while neighbours are measured by the metric.
    seed : int
    """
    rows = directions(samples) if metric == "cosine" else tamed(_flat(samples))  # (n, p)
    unit = _unit(rows)
    found = principal_components(rows if unit == 1 else _divided(rows, unit), _N_COMPONENTS, seed=seed)
    components = Components(found.mean * unit, (found.axes / unit).astype(np.float32), found.variances)
    points = components.project(rows)  # (n, q)
    copies = find_copies(rows)
    # Products of float32 may round the same row otherwise in another place of a block.
    return Measured(points if copies is None else points[copies.first][copies.group], components)


def directions(samples: Array | SparseRows) -> Array | SparseRows:
    """Return samples scaled to length 1, (n, p); those of zeros stay as they are."""
    if isinstance(samples, SparseRows):
        return _directions_stored(samples)
    rows = samples.reshape(len(samples), -1)  # (n, p)
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(rows.dtype).tiny)  # (n, 1)
    rows = rows / largest  # (n, p) so that squares stay finite
    length = np.linalg.norm(rows, axis=1, keepdims=True)  # (n, 1)
    unit: Array = rows / np.where(length > 0, length, 1.0)  # (n, p)
    return unit


def _directions_stored(samples: SparseRows) -> SparseRows:
    matrix = samples.matrix
    row = np.repeat(np.arange(len(samples)), np.diff(matrix.indptr))  # (nnz,)
    largest = np.full(len(samples), np.finfo(matrix.dtype).tiny, dtype=matrix.dtype)  # (n,)
    np.maximum.at(largest, row, np.abs(matrix.data))
    values = matrix.data / largest[row]  # (nnz,) so that squares stay finite
    length = np.sqrt(np.bincount(row, np.square(values, dtype=np.float64), len(samples)))  # (n,)
    values = (values / np.where(length > 0, length, 1.0)[row]).astype(matrix.dtype)  # (nnz,)
    return SparseRows(sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape))


def _flat(samples: Array | SparseRows) -> Array | SparseRows:
    return samples if isinstance(samples, SparseRows) else samples.reshape(len(samples), -1)  # (n, p)


def _divided(rows: Array | SparseRows, unit: float) -> Array | SparseRows:
    if not isinstance(rows, SparseRows):
        return rows / unit
    matrix = rows.matrix
    return SparseRows(sparse.csr_array((matrix.data / unit, matrix.indices, matrix.indptr), shape=matrix.shape))


def _unit(rows: Array | SparseRows) -> float:
    """Return the unit in which to measure rows: 1, or a power of two for those of very large or small deviations."""
    if isinstance(rows, SparseRows):
        spread = float((rows.matrix.max(axis=0) - rows.matrix.min(axis=0)).max())
    else:
        spread = float(max(np.ptp(rows, axis=0)))
    if spread == 0 or _SMALLEST <= spread <= _LARGEST:
        return 1.0
    return float(2.0 ** np.ceil(np.log2(max(spread, 1e-30))))


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
    samples: Array | SparseRows, measured: Measured, metric: Metric, n_neighbors: int, seed: int
) -> NeighborhoodGraph:
    """Return a graph of each sample's neighbours, weighted by perplexity ``n_neighbors``; thrice as many are kept.

    Neighbours are found among distinct samples, and none is invented: see `drlim.knn_graph`. The pairs that join the
    copies of a sample weigh, for each copy, as much together as its neighbours do.
    """
    k = min(3 * n_neighbors, len(samples) - 1)
    if metric in ("euclidean", "cosine"):
        rows = directions(samples) if metric == "cosine" else _flat(samples)  # (n, p)
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


def _distinct_nearest(points: Array, k: int, seed: int, rows: Array | SparseRows | None = None) -> Found:
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


def _by_metric(samples: Array | SparseRows, metric: Metric, k: int) -> Found:
    """Return neighbours by any metric that is not Euclidean, from all pairs in blocks."""
    if isinstance(samples, SparseRows):
        n, distances_of = jaccard(samples.matrix.astype(bool), 2)
        return distinct_by_metric(distances_of, n, k, metric)
    rows = samples.reshape(len(samples), -1)  # (n, p)
    if metric == "precomputed":
        return distinct_given(rows, k)
    if callable(metric):
        n, distances_of = by_function(rows, 2, metric)
    else:
        n, distances_of = jaccard(rows != 0, 2) if metric == "jaccard" else hamming(rows, 2)
    return distinct_by_metric(distances_of, n, k, metric)
