"""Graphs of samples that are near each other: the nearest neighbours, or all within a radius.

This is step 1 of the paper's algorithm where nothing else is known of the samples: near ones are declared similar.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state

from drlim._base.arrays import Floats, Index
from drlim._base.checks import StrOptions, check_parameters, integer_in, real_in
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import StoredRows
from drlim.graph import NeighborhoodGraph
from drlim.neighbors.approximate import approximately_nearest
from drlim.neighbors.blockwise import Measure, nearest_by_blocks, pairs_by_blocks
from drlim.neighbors.by_cells import nearest_by_cells
from drlim.neighbors.by_metric import Metric, by_function, distinct_by_metric, hamming, jaccard, without_farthest
from drlim.neighbors.distinct import distinct_rows, found_graph
from drlim.neighbors.exact import nearest, suits_tree
from drlim.neighbors.outside import nearest_outside
from drlim.neighbors.points import Points, Samples, checked_points, some_of
from drlim.neighbors.precomputed import check_distances, distinct_given, nearest_given, pairs_within_given
from drlim.neighbors.radius import pairs_within_radius
from drlim.neighbors.sparse_points import nearest_stored, pairs_within_stored

__all__ = ["knn_graph", "knn_indices", "nearest_graph", "radius_graph"]

_METRICS = StrOptions({"cosine", "euclidean", "hamming", "jaccard", "precomputed"})

_EXACT_ROWS = 20_000
"""Maximum number of samples whose neighbours "auto" finds exactly in any number of columns."""


def knn_graph(
    X: Samples,
    n_neighbors: int = 5,
    metric: Metric = "euclidean",
    *,
    algorithm: str = "auto",
    random_state: int | np.random.RandomState | None = 0,
) -> NeighborhoodGraph:
    """Declare each sample similar to its nearest neighbours, and all other pairs dissimilar.

    A pair is similar if at least one of its samples is among the nearest of the other. The graph is therefore
    symmetric, and a sample may have more than ``n_neighbors`` neighbours in it. It may have fewer, too, where which of
    the others is nearest would be chance: see the notes.

    Neighbours are looked for among distinct samples. Copies of one sample are similar to one another, and each takes
    other copies of the neighbours.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, also outside memory; images are compared pixel by pixel. With ``metric="precomputed"``, distances.
    n_neighbors : int, default=5
        Number of nearest neighbours of each sample, itself not counted, in [1, n_samples). 5 is the paper's number.
        More neighbours give a smoother map with less detail.
    metric : {"euclidean", "cosine", "jaccard", "hamming", "precomputed"} or callable, default="euclidean"
        Distance between samples; see `knn_indices`. The paper's is Euclidean.
    algorithm : {"auto", "exact", "cells", "index"}, default="auto"
        "auto" is exact for up to 20,000 samples, and in up to 8 dimensions for any number. Beyond, it is "cells",
        which finds about 99 % of the neighbours; see the notes of `knn_indices`. "index" needs the ``[knn]`` extra.
    random_state : int, RandomState instance or None, default=0
        Seed of "cells" and "index". The same int gives the same graph.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array or a parameter is out of range; see `knn_indices`.
    ImportError
        When ``algorithm`` is "index" and the extra is not installed.

    See Also
    --------
    knn_indices : Indices and distances of the neighbours, nearest first, copies among them.
    radius_graph : All samples within a distance.
    neighbors_graph : Neighbours that were found elsewhere.

    Notes
    -----
    No neighbour is invented. By "jaccard" and "hamming", samples at distance 1 have nothing in common and are not
    similar. By any metric, a sample is not similar to others at one distance if more than half of all distinct samples,
    and more than twice ``n_neighbors``, are at that distance and not all fit into the list, nor if all others are at
    that distance: `NeighborhoodGraph.describe` counts the samples that are similar to no other. Euclidean distances to
    64 others decide that.

    Of more than ``2 * n_neighbors + 1`` copies, each is similar to twice ``n_neighbors`` others, in a ring; the other
    pairs of them are ignored. With given or other distances, samples at distance 0 are copies.

    Examples
    --------
    >>> graph = knn_graph([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1)
    >>> graph.similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    _check_ways(X, metric, algorithm, random_state)
    if metric == "precomputed":
        distances = check_distances(X, "X")
        k = _checked_n_neighbors(n_neighbors, distances.shape[0])
        return found_graph(distinct_given(distances, k), k)
    if metric in ("euclidean", "cosine"):
        points = checked_points(X, str(metric), min_samples=2)  # (n, d)
        k = _checked_n_neighbors(n_neighbors, points.shape[0])
        return nearest_graph(points, k, algorithm, random_state)
    n_samples, distances_of = _measure(X, metric, min_samples=2)
    k = _checked_n_neighbors(n_neighbors, n_samples)
    return found_graph(distinct_by_metric(distances_of, n_samples, k, metric), k)


def nearest_graph(
    points: Points, n_neighbors: int, algorithm: str = "exact", random_state: int | np.random.RandomState | None = 0
) -> NeighborhoodGraph:
    """Return the graph of `knn_graph` for points that were checked."""
    rows = points if isinstance(points, np.ndarray | StoredRows) else SparseRows(points)
    found = distinct_rows(
        rows, n_neighbors, lambda some, k: _nearest_points(some_of(points, some), k, algorithm, random_state), rows
    )
    return found_graph(found, n_neighbors)


def knn_indices(
    X: Samples,
    n_neighbors: int = 5,
    metric: Metric = "euclidean",
    *,
    algorithm: str = "auto",
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[Index, Floats]:
    """Find each sample's nearest neighbours, itself excluded.

    Neighbours are in the order of (distance, index), so that of two at the same distance the one with the lower
    index is first. Distances are measured in float64 from differences. The result does not depend on the number of
    threads.

    Parameters
    ----------
    X : array-like or sparse matrix, shape (n_samples, n_features) or (n_samples, ...)
        Samples; all dimensions after the first are flattened. Sparse samples are accepted by "euclidean", "cosine" and
        "jaccard", and are never dense as a whole. With ``metric="precomputed"``, distances of shape
        (n_samples, n_samples): a dense matrix in which row i has the distances of sample i, the diagonal being
        ignored; or a sparse matrix that stores at least the ``n_neighbors`` smallest distances of each row. Stored
        zeros are distances of identical samples. Distances that are not stored count as infinite.
    n_neighbors : int, default=5
        Number of neighbours of each sample, in [1, n_samples).
    metric : {"euclidean", "cosine", "jaccard", "hamming", "precomputed"} or callable, default="euclidean"
        Distance between samples.

        - "cosine" is 1 minus the cosine of the angle between two samples, in [0, 2]; it is not defined for a sample of
          zeros, which is refused;
        - "jaccard" compares sets, samples of 0 and 1 or of booleans: the share of their union that is not in both, in
          [0, 1]. Two empty sets are at distance 0;
        - "hamming" compares categories, numbers, strings or other objects: the share of columns that differ, in [0, 1];
        - a function takes two rows of shape (n_features,) and returns a finite distance of at least 0. It is called on
          all ordered pairs of samples.
    algorithm : {"auto", "exact", "cells", "index"}, default="auto"
        By the Euclidean and the cosine metric, "auto" is "cells" for more than 20,000 dense samples of more than 8
        dimensions, and "exact" otherwise, as it is by all other metrics and for sparse samples. "cells" and "index" may
        miss some neighbours; those that they find have exact distances, and are in the right order. "index" searches an
        index of voyager or, if that is not installed, of FAISS.
    random_state : int, RandomState instance or None, default=0
        Seed of "cells" and "index". The same int gives the same neighbours, whatever the number of threads.

    Returns
    -------
    indices : ndarray of int64, shape (n_samples, n_neighbors)
        Indices of each sample's neighbours, nearest first. By "jaccard" and "hamming", -1 stands for no neighbour where
        fewer than ``n_neighbors`` samples are at a distance below 1: the others have nothing in common with the sample.
    distances : ndarray of float64, shape (n_samples, n_neighbors)
        Distances of these neighbours, in units of the metric; infinite where there is no neighbour.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array, has values beyond 1e140, a sample without a direction ("cosine"), values
        other than 0 and 1 ("jaccard"), missing values, or negative or too few distances ("precomputed", functions); or
        a parameter is out of range.
    ImportError
        When ``algorithm`` is "index" and neither voyager nor faiss is installed.

    Notes
    -----
    Up to 8 dimensions "exact" searches a k-d tree, in about n log n steps. Beyond, it takes n^2 d
    multiplications, and memory for two float64 copies of ``X`` and a few blocks of 64 MiB. A matrix product first
    excludes all but a few candidates, which are then measured; many identical samples take more time, since all of
    them are measured. Differences below 1e-154 count as 0, since float64 cannot store their squares.

    "cells" divides the samples among cells of about 300 by k-means, and looks for the neighbours of each in the 10 or
    more cells nearest to it. In more than 100 dimensions it does so in 50 principal components, and measures more
    candidates. Until it returns, BLAS takes one thread in the whole process. Recall is the share of neighbours found
    of 1000 samples. Times are processor seconds of one thread with the ``[fast]`` extra; without it the search by cells
    takes about twice as long.

    ==================================== ============ ====== ======= =======
    samples                              n_neighbors  recall cells   exact
    ==================================== ============ ====== ======= =======
    60,000 x 784 (MNIST)                 5            .990   11 s    148 s
    60,000 x 784 (MNIST)                 15           .983   13 s
    60,000 x 50 (components of MNIST)    5            .991   2.2 s
    60,000 x 50 (components of MNIST)    15           .988   3.0 s
    100,000 x 50 (200 clusters)          5            .999   3.6 s   106 s
    20,000 x 784 (MNIST)                 5            .997   3.3 s   26 s
    20,000 x 50 (normal, no structure)   5            .574   0.6 s   7.7 s
    ==================================== ============ ====== ======= =======

    Data without any structure in many dimensions need "exact" or "index". "index" finds all five neighbours of 1000
    samples of MNIST in 105 s, and of the clusters in 25 s, and misses 4 % at 100,000 x 50 of a normal distribution. One
    thread builds its index, so that the result can be repeated.

    By "jaccard", "hamming" and a function, and for sparse samples, all pairs are measured, in blocks of 64 MiB.
    Distances of sparse samples are sums over stored values, and differ from those of dense ones by rounding.

    Examples
    --------
    >>> indices, distances = knn_indices([[0.0], [2.0], [3.0]], n_neighbors=1)
    >>> indices.ravel().tolist(), distances.ravel().tolist()
    ([1, 2, 1], [2.0, 1.0, 1.0])

    From distances:

    >>> knn_indices([[0.0, 5.0, 1.0], [5.0, 0.0, 2.0], [1.0, 2.0, 0.0]], 1, metric="precomputed")[0].ravel().tolist()
    [2, 2, 0]
    """
    _check_ways(X, metric, algorithm, random_state)
    if metric == "precomputed":
        distances = check_distances(X, "X")
        return nearest_given(distances, _checked_n_neighbors(n_neighbors, distances.shape[0]))
    if metric in ("euclidean", "cosine"):
        points = checked_points(X, str(metric), min_samples=2)  # (n, d)
        k = _checked_n_neighbors(n_neighbors, points.shape[0])
        indices, squares = _nearest_points(points, k, algorithm, random_state)  # (n, k), (n, k)
        return indices, np.sqrt(squares) if metric == "euclidean" else squares / 2
    n_samples, distances_of = _measure(X, metric, min_samples=2)
    found = nearest_by_blocks(distances_of, n_samples, _checked_n_neighbors(n_neighbors, n_samples))
    return without_farthest(found.indices, found.distances, metric)


def radius_graph(X: Samples, radius: float, metric: Metric = "euclidean") -> NeighborhoodGraph:
    """Declare samples similar that are at most a given distance apart, and all other pairs dissimilar.

    Unlike in `knn_graph`, an outlier may have no neighbour, and a sample in a dense region has many.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, also sparse ones, or distances, as in `knn_indices`. With distances, a pair is similar if at least one
        of its two entries is at most ``radius``.
    radius : float
        Maximum distance of similar samples, in [0, inf) and in units of the metric. Samples at exactly this distance
        are similar; 0 makes only identical samples similar.
    metric : {"euclidean", "cosine", "jaccard", "hamming", "precomputed"} or callable, default="euclidean"
        Distance between samples, as in `knn_indices`. A pair is similar if a function gives at most ``radius`` for its
        samples in either order.

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
    accepted = {"radius": [real_in(0.0, None, closed="left")], "metric": [_METRICS, callable]}
    check_parameters({"radius": radius, "metric": metric}, accepted, "radius_graph")
    if metric == "precomputed":
        distances = check_distances(X, "X")
        return NeighborhoodGraph.from_pairs(distances.shape[0], pairs_within_given(distances, float(radius)))
    if metric in ("euclidean", "cosine"):
        points = checked_points(X, str(metric), min_samples=1)  # (n, d)
        euclidean = float(radius) if metric == "euclidean" else float(np.sqrt(2.0 * radius))
        if isinstance(points, np.ndarray | StoredRows):
            return NeighborhoodGraph.from_pairs(len(points), pairs_within_radius(np.asarray(points), euclidean))
        return NeighborhoodGraph.from_pairs(points.shape[0], pairs_within_stored(points, euclidean))
    n_samples, distances_of = _measure(X, metric, min_samples=1)
    return NeighborhoodGraph.from_pairs(n_samples, pairs_by_blocks(distances_of, n_samples, float(radius)))


def _checked_n_neighbors(n_neighbors: int, n_samples: int) -> int:
    """Return the number of neighbours as Python's int, or refuse it."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1, n_samples - 1)]}, "knn_graph")
    return int(n_neighbors)


def _check_ways(X: Samples, metric: Metric, algorithm: str, random_state: int | np.random.RandomState | None) -> None:
    """Refuse a metric, an algorithm or a seed that is not known, and an algorithm that does not serve the metric."""
    accepted = {
        "metric": [_METRICS, callable],
        "algorithm": [StrOptions({"auto", "exact", "cells", "index"})],
        "random_state": ["random_state"],
    }
    check_parameters({"metric": metric, "algorithm": algorithm, "random_state": random_state}, accepted, "knn_graph")
    _check_algorithm(algorithm, metric, X)


def _check_algorithm(algorithm: str, metric: Metric, X: object) -> None:
    """Refuse an approximate algorithm where there is none."""
    if algorithm in ("auto", "exact"):
        return
    if metric == "precomputed":
        raise ValueError("Expected algorithm='exact' with metric='precomputed': the distances are there already.")
    if metric not in ("euclidean", "cosine"):
        raise ValueError(
            f"Expected algorithm='exact' with this metric. Got {algorithm!r}, for 'euclidean' and 'cosine' only."
        )
    if sparse.issparse(X):
        raise ValueError(
            f"Expected algorithm='exact' with sparse 'X'. Got {algorithm!r}, which searches dense samples."
        )


def _nearest_points(
    points: Points, k: int, algorithm: str, random_state: int | np.random.RandomState | None
) -> tuple[Index, Floats]:
    """Return each point's nearest others, (n, k), and their squared distances, by the algorithm asked for."""
    if not isinstance(points, np.ndarray | StoredRows):
        return nearest_stored(points, k)
    if algorithm == "auto":
        algorithm = "exact" if len(points) <= _EXACT_ROWS or suits_tree(points) else "cells"
    if algorithm == "exact":
        return nearest_outside(points, k) if isinstance(points, StoredRows) else nearest(points, k)
    seed = int(check_random_state(random_state).randint(np.iinfo(np.int32).max))
    return (approximately_nearest if algorithm == "index" else nearest_by_cells)(points, k, seed)


def _measure(X: Samples, metric: Metric, min_samples: int) -> tuple[int, Measure]:
    """Return the number of samples, and a function that measures blocks of their distances."""
    if callable(metric):
        return by_function(X, min_samples, metric)
    return (jaccard if metric == "jaccard" else hamming)(X, min_samples)
