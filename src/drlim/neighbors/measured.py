"""Neighbours of samples in the form that `NeighborMap` needs: by any metric, weighted by perplexity, as one graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.neighbors import NearestNeighbors

from drlim._base.arrays import Array, Floats, Index
from drlim._base.calls import user_call
from drlim._base.checks import short_repr
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.exact import nearest
from drlim.neighbors.perplexity import perplexity_weights, weighted_graph
from drlim.neighbors.reduce import Components, principal_components

__all__ = [
    "METRICS",
    "Measured",
    "Metric",
    "check_metric",
    "measure",
    "nearest_rows",
    "perplexity_of",
    "tamed",
    "weighted_neighbors",
]

Metric = str | Callable[[Array, Array], float]

METRICS = ("cosine", "euclidean", "hamming", "jaccard", "precomputed")
"""Metrics by name."""

_FEW_ROWS = 4000
"""Maximum number of rows whose neighbours are found exactly: .1 s in 50 columns."""

_N_COMPONENTS = 50
"""Number of principal components in which Euclidean neighbours are found."""

_TYPICAL_ROWS = 1000
"""Maximum number of rows from which the typical size of a value is estimated."""

_WILD = 1000.0
"""Number of typical sizes beyond which a value is clipped: it would take all the precision of the others."""

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


def check_metric(samples: Array, metric: Metric, *, fits: bool) -> None:
    """Refuse samples of which a metric cannot be taken.

    Parameters
    ----------
    samples : ndarray, shape (n, ...)
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
    if callable(metric) and fits:
        rows = samples[:2].reshape(2, -1)  # (2, p)
        _check_distance(_called(metric, rows), "it gives")
    if not isinstance(metric, str) or metric != "precomputed":
        return
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


def _called(metric: Callable[[Array, Array], float], rows: Array) -> object:
    """Return the distance of two rows, or refuse the metric."""
    wanted = "The 'metric' parameter of NeighborMap must be a name or a function (row, row) -> float."
    with user_call(f"{wanted} On two samples it"):
        return metric(rows[0], rows[1])


def _check_distance(distance: object, found: str) -> None:
    """Refuse a distance, or an array of them, that is not finite and at least 0."""
    try:
        numbers = np.asarray(distance, dtype=np.float64)
        is_right = bool(np.isfinite(numbers).all() and (numbers >= 0).all())
        is_right = is_right and (numbers.ndim == 2 or numbers.size == 1)
    except (TypeError, ValueError):
        is_right = False
    if not is_right:
        raise ValueError(
            "The 'metric' parameter of NeighborMap must give finite distances of at least 0. Of the samples in 'X' "
            f"{found} {short_repr(distance)}."
        )


def tamed(samples: Array) -> Array:
    """Return samples with wild values clipped, at 1000 times the size of typical ones; others as they are.

    The typical size is the 90th percentile of the distances of values from the median of their column, in 1000 rows,
    of those that are not 0.

    Parameters
    ----------
    samples : ndarray, shape (n, ...)

    Returns
    -------
    ndarray, shape (n, ...)
        The same array where there are no wild values.

    Examples
    --------
    >>> tamed(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]])).tolist()
    [[1.0], [2.0], [3.0], [4.0], [2003.0]]
    """
    some = samples[:: max(1, -(-len(samples) // _TYPICAL_ROWS))].astype(np.float64)  # (s, ...)
    centre = np.median(some, axis=0)  # (...)
    size = np.abs(some - centre)  # (s, ...)
    if not size.any():
        return samples
    reach = _WILD * float(np.quantile(size[size > 0], 0.9, method="lower"))
    if reach <= 0 or float(samples.max()) - float(centre.min()) <= reach >= float(centre.max()) - float(samples.min()):
        return samples
    clipped: Array = np.clip(samples, centre - reach, centre + reach).astype(samples.dtype)  # (n, ...)
    return clipped


def measure(samples: Array, metric: Metric, seed: int) -> Measured:
    """Return coordinates of samples: up to 50 principal components.

    Parameters
    ----------
    samples : ndarray, shape (n, ...)
    metric : str or callable
        By "cosine", samples are scaled to length 1 first. By other metrics, the components serve to begin a layout and
        to find class-mates, while neighbours are measured by the metric.
    seed : int
    """
    rows = samples.reshape(len(samples), -1)  # (n, p)
    if metric != "cosine":
        rows = tamed(rows)  # (n, p)
    else:
        largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(rows.dtype).tiny)  # (n, 1)
        rows = rows / largest  # (n, p) so that squares stay finite
        length = np.linalg.norm(rows, axis=1, keepdims=True)  # (n, 1)
        rows = rows / np.where(length > 0, length, 1.0)  # (n, p)
    unit = _unit(rows)
    found = principal_components(rows if unit == 1 else rows / unit, _N_COMPONENTS, seed=seed)
    components = Components(found.mean * unit, (found.axes / unit).astype(np.float32), found.variances)
    return Measured(components.project(rows), components)


def _unit(rows: Array) -> float:
    """Return the unit in which to measure rows: 1, or a power of two for those of very large or small deviations."""
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
    samples: Array, measured: Measured, metric: Metric, n_neighbors: int, seed: int
) -> NeighborhoodGraph:
    """Return a graph of each sample's neighbours, weighted by perplexity ``n_neighbors``; thrice as many are kept."""
    n = len(samples)
    k = min(3 * n_neighbors, n - 1)
    if metric in ("euclidean", "cosine"):
        indices, squares = nearest_rows(measured.points, k, seed)  # (n, k)
    else:
        indices, squares = _by_metric(samples, metric, k)
    return weighted_graph(indices, perplexity_weights(squares, perplexity_of(n_neighbors, k)))


def _by_metric(samples: Array, metric: Metric, k: int) -> tuple[Index, Floats]:
    """Return the k nearest other samples by any metric, and their squared distances, from all pairs in blocks."""
    rows: ArrayLike = samples.reshape(len(samples), -1)  # (n, p)
    if metric in ("hamming", "jaccard"):
        rows = np.asarray(rows) != 0 if metric == "jaccard" else rows
    with user_call("The 'metric' of some of the samples") if callable(metric) else nullcontext():
        search = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(rows)
        distances, indices = search.kneighbors()  # (n, k) each; a sample is not its own neighbour
    if callable(metric):
        _check_distance(distances, "one gives others in")
    return indices.astype(np.int64), np.square(distances, dtype=np.float64)
