"""Graphs of samples that are near each other: the nearest neighbours, all within a radius, or found elsewhere.

This is step 1 of the paper's algorithm where nothing else is known of the samples: near ones are declared similar.
"""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.utils import check_random_state

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import (
    StrOptions,
    check_parameters,
    check_points,
    check_same_length,
    count_rows,
    integer_in,
    real_in,
)
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.approximate import approximately_nearest
from drlim.neighbors.exact import LARGEST, nearest
from drlim.neighbors.given import found_by, index_pairs
from drlim.neighbors.precomputed import check_distances, nearest_given, pairs_within_given, stored_pairs
from drlim.neighbors.radius import pairs_within_radius

__all__ = ["knn_graph", "knn_indices", "neighbors_graph", "radius_graph"]

Samples = ArrayLike | sparse.sparray | sparse.spmatrix
"""Samples, or a matrix of distances, which may be sparse."""

_METRICS = StrOptions({"euclidean", "cosine", "precomputed"})


def knn_graph(
    X: Samples,
    n_neighbors: int = 5,
    metric: str = "euclidean",
    *,
    method: str = "exact",
    random_state: int | np.random.RandomState | None = 0,
) -> NeighborhoodGraph:
    """Declare each sample similar to its nearest neighbours, and all other pairs dissimilar.

    A pair is similar if at least one of its samples is among the nearest of the other. The graph is therefore
    symmetric, and a sample may have more than ``n_neighbors`` neighbours in it.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples; images are compared pixel by pixel. With ``metric="precomputed"``, distances: see `knn_indices`.
    n_neighbors : int, default=5
        Number of nearest neighbours of each sample, itself not counted, in [1, n_samples). 5 is the paper's number.
        More neighbours give a smoother map with less detail.
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        Distance between samples. The paper's is Euclidean.
    method : {"exact", "approximate"}, default="exact"
        "approximate" needs the ``[knn]`` extra, and is faster for many samples; see the notes of `knn_indices`.
    random_state : int, RandomState instance or None, default=0
        Seed of the approximate method. The same int gives the same graph.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array or a parameter is out of range; see `knn_indices`.
    ImportError
        When ``method`` is "approximate" and the extra is not installed.

    See Also
    --------
    knn_indices : Indices and distances of the neighbours, nearest first.
    radius_graph : All samples within a distance.
    neighbors_graph : Neighbours that were found elsewhere.

    Examples
    --------
    >>> graph = knn_graph([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1)
    >>> graph.similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    neighbors, _ = knn_indices(X, n_neighbors, metric, method=method, random_state=random_state)  # (n, k)
    n_samples, k = neighbors.shape
    pairs = np.column_stack([np.repeat(np.arange(n_samples), k), neighbors.ravel()])  # (n * k, 2)
    return NeighborhoodGraph.from_pairs(n_samples, pairs)


def knn_indices(
    X: Samples,
    n_neighbors: int = 5,
    metric: str = "euclidean",
    *,
    method: str = "exact",
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[Index, Floats]:
    """Find each sample's nearest neighbours, itself excluded.

    Neighbours are in the order of (distance, index), so that of two at the same distance the one with the lower
    index is first. Distances are measured in float64 from differences. The result does not depend on the number of
    threads.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples; all dimensions after the first are flattened. With ``metric="precomputed"``, distances of shape
        (n_samples, n_samples): a dense matrix in which row i has the distances of sample i, the diagonal being
        ignored; or a sparse matrix that stores at least the ``n_neighbors`` smallest distances of each row. Stored
        zeros are distances of identical samples. Distances that are not stored count as infinite.
    n_neighbors : int, default=5
        Number of neighbours of each sample, in [1, n_samples).
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        Distance between samples. "cosine" is 1 minus the cosine of the angle between two samples, in [0, 2]; it is
        not defined for a sample of zeros, which is refused.
    method : {"exact", "approximate"}, default="exact"
        "approximate" searches an index of voyager or, if that is not installed, of FAISS. It may miss some
        neighbours; those that it finds have exact distances, and are in the right order.
    random_state : int, RandomState instance or None, default=0
        Seed of the index. The same int gives the same neighbours, whatever the number of threads.

    Returns
    -------
    indices : ndarray of int64, shape (n_samples, n_neighbors)
        Indices of each sample's neighbours, nearest first.
    distances : ndarray of float64, shape (n_samples, n_neighbors)
        Distances of these neighbours, in units of the metric.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array, has values beyond 1e140, a sample without a direction ("cosine"), or
        negative or too few distances ("precomputed"); or a parameter is out of range.
    ImportError
        When ``method`` is "approximate" and neither voyager nor faiss is installed.

    Notes
    -----
    Up to 8 dimensions the exact method searches a k-d tree, in about n log n steps. Beyond, it takes n^2 d
    multiplications, and memory for two float64 copies of ``X`` and a few blocks of 64 MiB. A matrix product first
    excludes all but a few candidates, which are then measured; many identical samples take more time, since all of
    them are measured. Differences below 1e-154 count as 0, since float64 cannot store their squares.

    The approximate method is faster from about 20,000 samples of 9 or more dimensions on. For five neighbours it
    takes 105 processor seconds instead of 148 at 60,000 x 784 (MNIST) and 25 instead of 106 at 100,000 x 50 (200
    clusters of 10 dimensions), and finds all neighbours of 1000 samples. It misses 4 % at 100,000 x 50 of a normal
    distribution, which has no structure. One thread builds its index, so that the result can be repeated.

    Examples
    --------
    >>> indices, distances = knn_indices([[0.0], [2.0], [3.0]], n_neighbors=1)
    >>> indices.ravel().tolist(), distances.ravel().tolist()
    ([1, 2, 1], [2.0, 1.0, 1.0])

    From distances:

    >>> knn_indices([[0.0, 5.0, 1.0], [5.0, 0.0, 2.0], [1.0, 2.0, 0.0]], 1, metric="precomputed")[0].ravel().tolist()
    [2, 2, 0]
    """
    accepted = {
        "metric": [_METRICS],
        "method": [StrOptions({"exact", "approximate"})],
        "random_state": ["random_state"],
    }
    check_parameters({"metric": metric, "method": method, "random_state": random_state}, accepted, "knn_graph")
    if metric == "precomputed":
        if method == "approximate":
            raise ValueError("Expected method='exact' with metric='precomputed': the distances are there already.")
        distances = check_distances(X, "X")
        return nearest_given(distances, _checked_n_neighbors(n_neighbors, distances.shape[0]))
    samples = _checked_samples(X, min_samples=2)
    k = _checked_n_neighbors(n_neighbors, len(samples))
    points = _points(samples, metric)  # (n, d)
    if method == "exact":
        indices, squares = nearest(points, k)  # (n, k), (n, k)
    else:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        indices, squares = approximately_nearest(points, k, seed)  # (n, k), (n, k)
    return indices, np.sqrt(squares) if metric == "euclidean" else squares / 2


def radius_graph(X: Samples, radius: float, metric: str = "euclidean") -> NeighborhoodGraph:
    """Declare samples similar that are at most a given distance apart, and all other pairs dissimilar.

    Unlike in `knn_graph`, an outlier may have no neighbour, and a sample in a dense region has many.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, or distances, as in `knn_indices`. With distances, a pair is similar if at least one of its two
        entries is at most ``radius``.
    radius : float
        Maximum distance of similar samples, in [0, inf) and in units of the metric. Samples at exactly this distance
        are similar; 0 makes only identical samples similar.
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        Distance between samples, as in `knn_indices`; a cosine distance is in [0, 2].

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` or a parameter is not accepted, for the same reasons as by `knn_indices`, or more than 10^9 pairs
        are within ``radius``.

    Notes
    -----
    Distances are measured in float64 from differences and compared without a tolerance: in float64 0.3 - 0.1 is less
    than 0.2. Up to 8 dimensions a k-d tree finds the pairs, in time that grows with n log n and their number. Beyond,
    the distances of all pairs are computed, in blocks of 64 MiB.

    Examples
    --------
    >>> radius_graph([[0.0], [1.0], [3.0], [3.5]], radius=1.0).similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    accepted = {"radius": [real_in(0.0, None, closed="left")], "metric": [_METRICS]}
    check_parameters({"radius": radius, "metric": metric}, accepted, "radius_graph")
    if metric == "precomputed":
        distances = check_distances(X, "X")
        return NeighborhoodGraph.from_pairs(distances.shape[0], pairs_within_given(distances, float(radius)))
    samples = _checked_samples(X, min_samples=1)
    euclidean = float(radius) if metric == "euclidean" else float(np.sqrt(2.0 * radius))
    return NeighborhoodGraph.from_pairs(len(samples), pairs_within_radius(_points(samples, metric), euclidean))


def neighbors_graph(neighbors: object, X: ArrayLike | None = None) -> NeighborhoodGraph:
    """Declare samples similar that another library has found to be neighbours.

    Parameters
    ----------
    neighbors : array-like of int, sparse matrix, transformer or callable
        - an array of shape (n_samples, k): row i has the indices of the neighbours of sample i. The index i itself is
          dropped, -1 stands for no neighbour, and repetitions count once;
        - a square sparse matrix, such as scikit-learn's ``kneighbors_graph`` returns: each entry that it stores off
          the diagonal is a neighbour, zeros among them, which are distances of identical samples. To use only the
          nearest of them, see `knn_graph` with ``metric="precomputed"``;
        - one of scikit-learn's ``KNeighborsTransformer``, ``RadiusNeighborsTransformer`` and ``NearestNeighbors``,
          or any object whose ``fit_transform`` returns such a sparse matrix. A copy of it is fitted on ``X``; without
          ``X`` the object must be fitted, and its training samples are used;
        - a function that takes ``X`` and returns one of these, or a `NeighborhoodGraph`.
    X : array-like, shape (n_samples, ...), default=None
        Samples for a transformer or a function. For a transformer images are flattened.

    Returns
    -------
    NeighborhoodGraph
        A pair is similar if at least one of its samples has the other as a neighbour; all other pairs are dissimilar.

    Raises
    ------
    ValueError, TypeError
        When an index is not a whole number in [-1, n_samples), a matrix is not square or holds values that are
        negative or not finite, ``X`` is missing, or ``neighbors`` and ``X`` differ in the number of samples.

    Examples
    --------
    >>> neighbors_graph([[0, 2], [1, -1], [2, 0]]).similar.pairs().tolist()
    [[0, 2]]
    >>> from sklearn.neighbors import KNeighborsTransformer
    >>> neighbors_graph(KNeighborsTransformer(n_neighbors=1), [[0.0], [1.0], [10.0], [11.0]]).similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    if isinstance(neighbors, type):
        raise TypeError(f"Expected 'neighbors' to be an instance. Got the class {neighbors.__name__}: call it.")
    n_rows = 0 if X is None else count_rows(X, "X")
    finds = hasattr(neighbors, "fit") or callable(neighbors)
    found = found_by(neighbors, X) if finds else neighbors
    if isinstance(found, NeighborhoodGraph):
        graph = found
    else:
        graph = NeighborhoodGraph.from_pairs(*(stored_pairs if sparse.issparse(found) else index_pairs)(found))
    if X is not None:
        check_same_length(graph.n_samples, "neighbors", n_rows, "X")
    return graph


def _checked_samples(X: Samples, min_samples: int) -> Array:
    """Return samples as an array of floats, shape (n, ...), or refuse them, as all sparse matrices."""
    return check_points(cast(ArrayLike, X), name="X", min_samples=min_samples, ndim=None, largest=LARGEST)


def _checked_n_neighbors(n_neighbors: int, n_samples: int) -> int:
    """Return the number of neighbours as Python's int, or refuse it."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1, n_samples - 1)]}, "knn_graph")
    return int(n_neighbors)


def _points(samples: Array, metric: str) -> Floats:
    """Return points whose Euclidean distances order the samples as the metric does, float64 of shape (n, d)."""
    flat: Floats = samples.reshape(len(samples), -1).astype(np.float64)  # (n, d)
    if metric == "euclidean":
        return flat
    size = np.abs(flat).max(axis=1, keepdims=True)  # (n, 1)
    if not size.all():
        row = int(np.argmin(size))
        raise ValueError(
            f"Expected 'X' to hold samples with a direction, since metric is 'cosine'. Row {row} is all zeros: leave "
            "such samples out, or use metric='euclidean'."
        )
    flat = flat / size  # first, so that multiples of a sample become the same numbers, and no square overflows
    flat /= np.sqrt(np.einsum("nd,nd->n", flat, flat))[:, None]  # (n, d) of length 1
    return flat
