"""Builders of `NeighborhoodGraph` from distances: nearest neighbours, and all within a radius.

Step 1 of the paper's algorithm, where nothing is known but the samples: those near each other are declared similar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils import check_random_state

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
from drlim.neighbors.exact import LARGEST, nearest, pairs_within_radius
from drlim.neighbors.given import (
    check_distances,
    found_by,
    index_pairs,
    nearest_given,
    pairs_within_given,
    stored_pairs,
)

__all__ = ["knn_graph", "knn_indices", "neighbors_graph", "radius_graph"]

_METRICS = StrOptions({"euclidean", "cosine", "precomputed"})


def knn_graph(
    X: Any,
    n_neighbors: int = 5,
    metric: str = "euclidean",
    *,
    method: str = "exact",
    random_state: int | np.random.RandomState | None = 0,
) -> NeighborhoodGraph:
    """Declare each sample similar to its nearest neighbours, all other pairs dissimilar.

    A pair is similar if either sample is among the other's nearest: the graph is symmetric, and a sample may have
    more than ``n_neighbors`` neighbours.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples; images are compared pixel by pixel. With ``metric="precomputed"``, distances: see `knn_indices`.
    n_neighbors : int, default=5
        Nearest neighbours of each sample, itself not counted, in [1, n_samples). 5 is the paper's number. More
        neighbours give a smoother map with less detail.
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        What near means. The paper's is Euclidean.
    method : {"exact", "approximate"}, default="exact"
        "approximate" needs the ``[knn]`` extra; see `knn_indices` for when it pays.
    random_state : int, RandomState instance or None, default=0
        Of the approximate method; an int makes the graph repeat.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array or ``n_neighbors`` is out of range.
    ImportError
        When ``method`` is "approximate" and the extra is not installed.

    See Also
    --------
    knn_indices : The neighbours themselves, nearest first, and how they are found.
    radius_graph : All samples within a distance.
    neighbors_graph : Neighbours that were found elsewhere.

    Examples
    --------
    >>> graph = knn_graph([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1)
    >>> graph.similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    neighbors, _ = knn_indices(X, n_neighbors, metric, method=method, random_state=random_state)
    n_samples = len(neighbors)
    pairs = np.column_stack([np.repeat(np.arange(n_samples), n_neighbors), neighbors.ravel()])  # (n * k, 2)
    return NeighborhoodGraph.from_pairs(n_samples, pairs)


def knn_indices(
    X: Any,
    n_neighbors: int = 5,
    metric: str = "euclidean",
    *,
    method: str = "exact",
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find each sample's nearest neighbours, itself excluded.

    Distances by matrix product are fast but lose digits, so they only propose: whatever their error bound leaves
    possible is measured again from differences, in float64, and put in order of (distance, index). Equal distances
    therefore always fall to the lower index, and the answer does not depend on blocks or threads.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, all dimensions after the first flattened. With ``metric="precomputed"``, distances of shape
        (n_samples, n_samples): a dense matrix, row i of which holds the distances of sample i (the diagonal is not
        looked at); or a sparse matrix that stores at least the ``n_neighbors`` smallest of each row. Stored zeros
        are distances, of identical samples; what is not stored is far.
    n_neighbors : int, default=5
        In [1, n_samples).
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        "cosine" is 1 minus the cosine of the angle between two samples, in [0, 2]; a sample of zeros only has none
        and is refused.
    method : {"exact", "approximate"}, default="exact"
        "approximate" searches an index, by voyager or, if that is missing, by FAISS, and measures what it proposes
        as the exact method does: some neighbours may be missed, but none is at a wrong distance or place.
    random_state : int, RandomState instance or None, default=0
        Seed of the index. The same int gives the same neighbours, whatever the number of threads.

    Returns
    -------
    indices : ndarray of int64, shape (n_samples, n_neighbors)
        Nearest first.
    distances : ndarray of float64, shape (n_samples, n_neighbors)
        In the metric.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array, has values beyond 1e140, a sample without a direction ("cosine"), or
        negative or too few distances ("precomputed"); or a parameter is out of range.
    ImportError
        When ``method`` is "approximate" and neither voyager nor faiss is installed.

    Notes
    -----
    Up to 8 dimensions the exact method searches a k-d tree, with about n log n steps. Beyond, it costs n^2 d
    multiplications and, besides two float64 copies of ``X``, a few blocks of 64 MiB. Many identical samples cost
    more there, since all of them have to be measured. Differences below 1e-154, whose squares float64 cannot hold,
    count as none.

    The approximate method pays from about 20,000 samples of 9 or more dimensions on (processor seconds for five
    neighbours, and the share of them found, of 1000 samples): 105 against 148 at 60,000 x 784 (MNIST, all found), 25
    against 106 at 100,000 x 50 (200 clusters of 10 dimensions, all found). Without any structure it misses some: 4 %
    at 100,000 x 50 of a normal distribution. Its index is built by one thread, so that it repeats.

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
        _check_n_neighbors(n_neighbors, distances.shape[0])
        return nearest_given(distances, int(n_neighbors))
    samples = check_points(X, name="X", min_samples=2, ndim=None, largest=LARGEST)
    _check_n_neighbors(n_neighbors, len(samples))
    points = _points(samples, metric)
    if method == "exact":
        indices, squares = nearest(points, int(n_neighbors))
    else:
        seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
        indices, squares = approximately_nearest(points, int(n_neighbors), seed)
    return indices, np.sqrt(squares) if metric == "euclidean" else squares / 2


def radius_graph(X: Any, radius: float, metric: str = "euclidean") -> NeighborhoodGraph:
    """Declare samples similar that are at most a distance apart, all other pairs dissimilar.

    Unlike nearest neighbours, a radius leaves outliers alone and says more where samples are dense.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, or distances, as in `knn_indices`. Of distances a pair is similar if either of its two entries is
        within ``radius``.
    radius : float
        In [0, inf), in units of the distance; samples at exactly this distance are similar. 0 joins identical
        samples.
    metric : {"euclidean", "cosine", "precomputed"}, default="euclidean"
        What near means; a cosine distance is in [0, 2].

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` or a parameter cannot be used, or more than 10^9 pairs are within ``radius``.

    Notes
    -----
    Distances are measured in float64 from differences and compared as they are: 0.3 - 0.1 is less than 0.2. Up to 8
    dimensions a k-d tree finds the pairs, in time that grows with n log n and their number; beyond, all pairs are
    looked at, in blocks of 64 MiB.

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
    samples = check_points(X, name="X", ndim=None, largest=LARGEST)
    reach = float(radius) if metric == "euclidean" else float(np.sqrt(2.0 * radius))
    return NeighborhoodGraph.from_pairs(len(samples), pairs_within_radius(_points(samples, metric), reach))


def neighbors_graph(neighbors: Any, X: Any = None) -> NeighborhoodGraph:
    """Declare samples similar that something else has found to be neighbours.

    Parameters
    ----------
    neighbors : array-like of int, sparse matrix, transformer or callable
        - an array of shape (n_samples, k), such as other libraries return: row i holds the indices of the neighbours
          of sample i. Its own index is dropped, -1 stands for none, and repetitions count once;
        - a square sparse matrix, such as scikit-learn's ``kneighbors_graph``: each entry that it stores off the
          diagonal is a neighbour, zeros among them, which are distances of identical samples. For the nearest of
          the stored ones only, see `knn_graph` with ``metric="precomputed"``;
        - one of scikit-learn's ``KNeighborsTransformer``, ``RadiusNeighborsTransformer`` and ``NearestNeighbors``,
          or anything whose ``fit_transform`` returns such a sparse matrix. A copy of it is fitted on ``X``; without
          ``X``, a fitted one is asked about the samples that it was fitted on;
        - a function that takes ``X`` and returns one of these, or a `NeighborhoodGraph`.
    X : array-like, shape (n_samples, ...), default=None
        Samples for a transformer or a function. A transformer is given images as rows of pixels.

    Returns
    -------
    NeighborhoodGraph
        A pair is similar if either sample names the other; all other pairs are dissimilar.

    Raises
    ------
    ValueError, TypeError
        When an index is not a whole number in [-1, n_samples), a matrix is not square or holds values that are
        negative or not finite, ``X`` is missing, or what was found is on another number of samples.

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
    asked = hasattr(neighbors, "fit") or callable(neighbors)
    found = found_by(neighbors, X) if asked else neighbors
    if isinstance(found, NeighborhoodGraph):
        graph = found
    else:
        graph = NeighborhoodGraph.from_pairs(*(stored_pairs if sparse.issparse(found) else index_pairs)(found))
    if X is not None:
        check_same_length(graph.n_samples, "neighbors", n_rows, "X")
    return graph


def _check_n_neighbors(n_neighbors: Any, n_samples: int) -> None:
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1, n_samples - 1)]}, "knn_graph")


def _points(samples: ArrayLike, metric: str) -> NDArray[np.float64]:
    """Return points of which Euclidean distances are wanted, float64 of shape (n, d)."""
    given = np.asarray(samples)
    flat: NDArray[np.float64] = given.reshape(len(given), -1).astype(np.float64)  # (n, d)
    if metric == "euclidean":
        return flat
    size = np.abs(flat).max(axis=1, keepdims=True)
    if not size.all():
        row = int(np.argmin(size))
        raise ValueError(
            f"Expected 'X' to hold samples with a direction, since metric is 'cosine'. Row {row} is all zeros: leave "
            "such samples out, or use metric='euclidean'."
        )
    flat = flat / size  # first, so that multiples of a sample become the same numbers, and no square overflows
    flat /= np.sqrt(np.einsum("nd,nd->n", flat, flat))[:, None]
    return flat
