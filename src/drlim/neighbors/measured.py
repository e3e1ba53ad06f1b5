"""Neighbours of samples in the form that `NeighborMap` needs: by any metric, weighted by perplexity, as one graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.neighbors import NearestNeighbors

from drlim._base.arrays import Array, Floats, Index
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.exact import nearest
from drlim.neighbors.perplexity import perplexity_weights, weighted_graph
from drlim.neighbors.reduce import Components, principal_components

__all__ = ["METRICS", "Measured", "Metric", "measure", "nearest_rows", "perplexity_of", "weighted_neighbors"]

Metric = str | Callable[[Array, Array], float]

METRICS = ("cosine", "euclidean", "hamming", "jaccard", "precomputed")
"""Metrics by name."""

_FEW_ROWS = 4000
"""Maximum number of rows whose neighbours are found exactly: .1 s in 50 columns."""

_N_COMPONENTS = 50
"""Number of principal components in which Euclidean neighbours are found."""


class Measured(NamedTuple):
    """Samples in coordinates whose Euclidean distances approximate the metric.

    Attributes
    ----------
    points : ndarray, shape (n, p)
    components : Components
        Principal axes of the samples; of samples of length 1 by the cosine metric.
    """

    points: Array
    components: Components


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
    if metric == "cosine":
        length = np.linalg.norm(rows, axis=1, keepdims=True)  # (n, 1)
        rows = rows / np.where(length > 0, length, 1.0)  # (n, p)
    components = principal_components(rows, _N_COMPONENTS, seed=seed)
    return Measured(components.project(rows), components)


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
    search = NearestNeighbors(n_neighbors=k, metric=metric, algorithm="brute").fit(rows)
    distances, indices = search.kneighbors()  # (n, k) each; a sample is not its own neighbour
    return indices.astype(np.int64), np.square(distances, dtype=np.float64)
