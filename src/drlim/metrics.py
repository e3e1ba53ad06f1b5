"""Numbers that judge a map: arrays in, floats out, whichever method made the map.

Neighbours are exact, by differences in float64; samples at equal distance come in the order of their index. Work
goes in blocks of rows, so memory grows with n and not with n squared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from sklearn.model_selection import KFold

from drlim._checks import (
    InvalidParameterError,
    check_labels,
    check_parameters,
    check_points,
    check_same_length,
    integer_in,
    real_in,
    short_repr,
)

__all__ = [
    "continuity",
    "exact_energy",
    "knn_accuracy",
    "neighbor_recall",
    "orbit_ratio",
    "position_accuracy",
    "position_r2",
    "slant",
    "spread",
    "trustworthiness",
]

if TYPE_CHECKING:
    from drlim.graph import NeighborhoodGraph

Floats = NDArray[np.float64]
Integers = NDArray[np.intp]

_BLOCK_ENTRIES = 1 << 21
"""Distances held at once, 16 MiB of them: blocks four times as large were no faster."""


def trustworthiness(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10) -> float:
    r"""Return how far neighbours on the map can be trusted to be neighbours in the data.

    .. math:: T(k) = 1 - \frac{2}{n k (2n - 3k - 1)} \sum_{i=1}^{n} \sum_{j \in U_k(i)} (r(i, j) - k)

    :math:`U_k(i)` holds the samples that are among the k nearest of i in ``Z`` but not in ``X``; r(i, j) is the
    rank of j among all others by distance from i in ``X``, 1 for the nearest [1]_.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        The data; images are compared pixel by pixel.
    Z : array-like, shape (n_samples, n_components)
        The map of the same samples, in the same order.
    n_neighbors : int, default=10
        k, at least 1 and less than n_samples / 2, beyond which the formula leaves [0, 1]. A small k judges the
        detail, a large one the layout. 10 is what this project's tables report.

    Returns
    -------
    float
        In [0, 1]; 1 when each neighbour on the map is one in the data. A random map gives about .5.

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, the lengths differ or ``n_neighbors`` is out of range.

    See Also
    --------
    continuity : The opposite error, neighbours in the data that the map tears apart.

    Notes
    -----
    scikit-learn's function of this name gives the same number wherever no distances tie; at ties its order is
    left to rounding, and it holds n x n matrices. Time goes to n^2 distances and their sorting: about a second
    for 2000 images of 784 pixels, under a minute for 10,000.

    References
    ----------
    .. [1] J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental
       study", ICANN 2001.

    Examples
    --------
    The map exchanges the two samples at the end of a line. Each then has a neighbour, 1.5 or 2 away, that ranks
    second in the data: two ranks too many of the eight that four samples can lose.

    >>> line = [[0.0], [1.0], [2.5], [4.5]]
    >>> trustworthiness(line, [[0.0], [1.0], [4.5], [2.5]], n_neighbors=1)
    0.75
    """
    data, points = _check_data_and_map(X, Z, n_neighbors, "trustworthiness")
    return _trust(data, points, n_neighbors)


def continuity(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10) -> float:
    """Return how far neighbours in the data stay neighbours on the map.

    :func:`trustworthiness` with the roles of data and map exchanged: it falls when the map tears apart what
    belongs together.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        The data; images are compared pixel by pixel.
    Z : array-like, shape (n_samples, n_components)
        The map of the same samples, in the same order.
    n_neighbors : int, default=10
        At least 1 and less than n_samples / 2, as for :func:`trustworthiness`.

    Returns
    -------
    float
        In [0, 1]; 1 when each neighbour in the data is one on the map. A random map gives about .5.

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, the lengths differ or ``n_neighbors`` is out of range.

    References
    ----------
    .. [1] J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental
       study", ICANN 2001.

    Examples
    --------
    A line rolled up until its ends meet puts strangers together, and tears fewer neighbours apart.

    >>> line = [[0.0], [1.0], [2.1], [3.3]]
    >>> rolled = [[0.0, 0.0], [0.0, 1.0], [1.1, 1.0], [0.9, 0.0]]
    >>> continuity(line, rolled, n_neighbors=1), trustworthiness(line, rolled, n_neighbors=1)
    (0.625, 0.375)
    """
    data, points = _check_data_and_map(X, Z, n_neighbors, "continuity")
    return _trust(points, data, n_neighbors)


def neighbor_recall(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10) -> float:
    """Return the mean share of a sample's nearest in the data that are also among its nearest on the map.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        The data; images are compared pixel by pixel.
    Z : array-like, shape (n_samples, n_components)
        The map of the same samples, in the same order.
    n_neighbors : int, default=10
        How many are compared, in [1, n_samples).

    Returns
    -------
    float
        In [0, 1]. A random map gives n_neighbors / (n_samples - 1).

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, the lengths differ or ``n_neighbors`` is out of range.

    Examples
    --------
    >>> neighbor_recall([[0.0], [1.0], [2.5], [4.5]], [[0.0], [1.0], [4.5], [2.5]], n_neighbors=1)
    0.5
    """
    data, points = _check_pair(X, Z)
    n = len(points)
    _check_n_neighbors(n_neighbors, n - 1, f"fewer than the {n} samples", "neighbor_recall")
    in_data = _nearest_others(data, n_neighbors)  # (n, k)
    on_map = _nearest_others(points, n_neighbors)  # (n, k)
    n_shared = sum(np.intersect1d(a, b).size for a, b in zip(in_data, on_map, strict=True))
    return float(n_shared / in_data.size)


def knn_accuracy(
    Z: ArrayLike,
    y: ArrayLike,
    n_neighbors: int = 5,
    Z_test: ArrayLike | None = None,
    y_test: ArrayLike | None = None,
) -> float:
    """Return how often the nearest neighbours on the map vote for the right class.

    With ``Z_test`` and ``y_test``, each test sample is classified by its nearest in ``Z``; without, each sample
    of ``Z`` by its nearest others (leave one out). Both are exact and draw no random numbers. A tied vote goes
    to the class that sorts first.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map whose samples vote.
    y : array-like, shape (n_samples,)
        Their classes, numbers or strings.
    n_neighbors : int, default=5
        How many vote, in [1, n_samples], or [1, n_samples) when one is left out. 5 is scikit-learn's default.
    Z_test : array-like, shape (n_test, n_components), default=None
        Samples to classify.
    y_test : array-like, shape (n_test,), default=None
        Their classes. One that ``y`` does not have counts as missed.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, lengths or columns differ, ``n_neighbors`` is out of range or only one of
        ``Z_test`` and ``y_test`` is given.

    Examples
    --------
    >>> knn_accuracy([[0.0], [1.0], [10.0], [11.0]], ["a", "a", "b", "b"], n_neighbors=1)
    1.0
    >>> knn_accuracy([[0.0], [10.0]], ["a", "b"], n_neighbors=1, Z_test=[[1.0], [2.0]], y_test=["a", "b"])
    0.5
    """
    points = _check_rows(Z, "Z")
    n = len(points)
    labels = check_labels(y, "y", n, "Z")
    if (Z_test is None) != (y_test is None):
        raise ValueError("'Z_test' and 'y_test' belong together: give both, or neither to leave one out.")
    if Z_test is None or y_test is None:
        _check_n_neighbors(n_neighbors, n - 1, f"fewer than the {n} samples", "knn_accuracy")
        return float(np.mean(_vote(labels[_nearest_others(points, n_neighbors)]) == labels))
    queries, truth = _check_test(Z_test, y_test, points, labels)
    _check_n_neighbors(n_neighbors, n, f"at most the {n} samples of 'Z'", "knn_accuracy")
    return float(np.mean(_vote(labels[_nearest(queries, points, n_neighbors)]) == truth))


def spread(Z: ArrayLike) -> float:
    r"""Return how unevenly samples are spread: the coefficient of variation of nearest-neighbour distances.

    The standard deviation (dividing by n) of each sample's distance to its nearest other, over the mean: free of
    the map's scale. A lattice gives 0, clusters and outliers more than a random field.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map of two or more samples.

    Returns
    -------
    float
        In [0, inf). Samples strewn independently and uniformly (a Poisson field) give 1 in one dimension, .523
        in two and .363 in three.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` is unfit, or each of its samples coincides with another.

    Notes
    -----
    Within distance r of a point of a Poisson field in d dimensions, the number of others has a mean proportional
    to :math:`r^d`; so the nearest-neighbour distance follows a Weibull law of shape d, and

    .. math:: \mathrm{CV}(d) = \sqrt{\Gamma(1 + 2/d) / \Gamma(1 + 1/d)^2 - 1},

    which is 1 for d = 1 and :math:`\sqrt{4/\pi - 1}` for d = 2. The rim of a small sample raises it a little.

    Coincident samples have a nearest-neighbour distance of 0 and count like any other, so copies raise the
    number. To judge the distinct places only, pass ``np.unique(Z, axis=0)``.

    Examples
    --------
    Nearest-neighbour distances 1, 1 and 4: mean 2, standard deviation the root of 2.

    >>> round(spread([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), 4)
    0.7071
    """
    points = _scaled(_check_rows(Z, "Z", min_samples=2))
    distances, _ = cKDTree(points).query(points, k=2)  # (n, 2), the first to the point itself or a copy of it
    nearest = np.asarray(distances)[:, 1]  # (n,)
    if not nearest.any():
        raise ValueError(
            "Each sample of 'Z' coincides with another, so nearest-neighbour distances are all 0. "
            "Pass np.unique(Z, axis=0), if it has two rows or more, to judge the distinct places."
        )
    return float(nearest.std() / nearest.mean())


def slant(images: ArrayLike) -> Floats:
    r"""Return the slant of each image from its second central moments.

    .. math:: s = \mu_{11} / \mu_{02}, \qquad
        \mu_{pq} = \sum_{x, y} I(x, y) (x - \bar x)^p (y - \bar y)^q

    with x counted to the right and y *upwards*: s is the shear, the horizontal shift per unit of height. Positive
    leans to the right, as "/" and italics do, negative to the left; an upright bar has 0. Brightness and position
    do not matter.

    Parameters
    ----------
    images : array-like, shape (n_samples, height, width)
        Ink bright (large) on a background of 0; no negative values.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Dimensionless, any real number. An image without ink, or with all of it in one row, has no slant: 0.

    Raises
    ------
    ValueError, TypeError
        When ``images`` is not 3-D, finite, real and non-negative.

    Examples
    --------
    >>> upright = [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    >>> leaning = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    >>> slant([upright, leaning]).tolist()
    [0.0, 1.0]
    """
    ink = _check_ink(images)
    height, width = ink.shape[1:]
    x = np.arange(width, dtype=np.float64)
    y = np.arange(height, dtype=np.float64)[::-1]  # rows are stored from the top, y counts upwards
    by_row, by_column = ink.sum(axis=2), ink.sum(axis=1)  # (n, height), (n, width)
    mass = by_row.sum(axis=1)  # (n,)
    mass = np.where(mass > 0, mass, 1.0)
    dx = x - (by_column @ x / mass)[:, None]  # (n, width)
    dy = y - (by_row @ y / mass)[:, None]  # (n, height)
    mu11 = np.einsum("nhw,nh,nw->n", ink, dy, dx, optimize=True)
    mu02 = np.einsum("nh,nh->n", by_row, dy**2)
    # Rows are counted because rounding may leave a single row of ink a mu02 just above 0.
    has_height = np.count_nonzero(by_row, axis=1) > 1
    return np.where(has_height, mu11, 0.0) / np.where(has_height, mu02, 1.0)


def position_r2(
    Z: ArrayLike, target: ArrayLike, n_neighbors: int = 15, n_splits: int = 10, random_state: int = 0
) -> float:
    r"""Return how much of a number's variance the position on the map explains.

    Each sample's target is predicted by the mean over its ``n_neighbors`` nearest outside its own fold, and the
    predictions of all folds are pooled:

    .. math:: R^2 = 1 - \sum_i (t_i - \hat t_i)^2 / \sum_i (t_i - \bar t)^2

    with the mean of *all* targets, so that small or unlike folds do no harm.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    target : array-like, shape (n_samples,)
        One number a sample, such as the :func:`slant`. For an angle judge its cosine and its sine.
    n_neighbors : int, default=15
        How many are averaged, from 1 to the samples outside the largest fold. More smooth over noise, fewer
        follow finer structure. 15 is what this project's tables report.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle that draws the folds, in [0, 2^32).

    Returns
    -------
    float
        In (-inf, 1]: 1 when position tells all; about -1 / n_neighbors, the cost of averaging so few, when it
        tells nothing.

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ, the target is constant or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.arange(100.0)
    >>> round(position_r2(line[:, None], line, n_neighbors=2), 2)
    1.0
    """
    points = _check_rows(Z, "Z", min_samples=2)
    values = _check_target(target, len(points))
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_r2")
    predicted = _held_out(points, values, n_neighbors, folds, lambda nearby: nearby.mean(axis=1))
    return float(1 - np.sum((values - predicted) ** 2) / np.sum((values - values.mean()) ** 2))


def position_accuracy(
    Z: ArrayLike, labels: ArrayLike, n_neighbors: int = 15, n_splits: int = 10, random_state: int = 0
) -> float:
    """Return how often the position on the map tells a sample's label.

    Each sample is classified by a vote of its ``n_neighbors`` nearest outside its own fold; a tied vote goes to
    the label that sorts first. Folds are shuffled, not stratified, as for :func:`position_r2`. A map that is to
    be *invariant* to the label, as to a translation, is judged by how near this comes to chance.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    labels : array-like, shape (n_samples,)
        Numbers or strings.
    n_neighbors : int, default=15
        How many vote, from 1 to the samples outside the largest fold.
    n_splits : int, default=10
        Number of folds, in [2, n_samples].
    random_state : int, default=0
        Seed of the shuffle that draws the folds, in [0, 2^32).

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ or a number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> position_accuracy(np.arange(100.0)[:, None], np.repeat(["left", "right"], 50), n_neighbors=1)
    0.99
    """
    points = _check_rows(Z, "Z", min_samples=2)
    truth = check_labels(labels, "labels", len(points), "Z")
    folds = _folds(len(points), n_neighbors, n_splits, random_state, "position_accuracy")
    return float(np.mean(_held_out(points, truth, n_neighbors, folds, _vote) == truth))


def orbit_ratio(Z: ArrayLike, orbits: ArrayLike) -> float:
    r"""Return the variance within groups over the total variance of a map.

    .. math:: \sum_i \|z_i - \bar z_{o(i)}\|^2 / \sum_i \|z_i - \bar z\|^2

    where :math:`\bar z_{o(i)}` is the mean of the group, or orbit, of sample i: the translated copies of one
    digit, one pose under all lights.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        The map.
    orbits : array-like, shape (n_samples,)
        The group of each sample, numbers or strings. A group of one adds nothing above the line.

    Returns
    -------
    float
        In [0, 1]: 0 when each group is one point (the map is invariant), 1 when all groups have the same mean
        (they explain nothing). g groups drawn at random give (n_samples - g) / (n_samples - 1) on average.

    Raises
    ------
    ValueError, TypeError
        When an array is unfit, the lengths differ or all samples of ``Z`` coincide.

    Examples
    --------
    Deviations of 1 within groups whose means lie 2 from the centre: 4 over 4 + 16.

    >>> orbit_ratio([[-3.0], [-1.0], [1.0], [3.0]], ["a", "a", "b", "b"])
    0.2
    """
    points = _scaled(_check_rows(Z, "Z"))
    groups = np.unique(check_labels(orbits, "orbits", len(points), "Z"), return_inverse=True)[1]
    if not np.ptp(points, axis=0).any():
        raise ValueError("All samples of 'Z' coincide: the map has collapsed and has no variance to compare.")
    centred = points - points.mean(axis=0)  # (n, d)
    sums = np.zeros((groups.max() + 1, centred.shape[1]))  # (g, d)
    np.add.at(sums, groups, centred)
    means = sums / np.bincount(groups)[:, None]  # (g, d)
    return float(np.sum((centred - means[groups]) ** 2) / np.sum(centred**2))


def exact_energy(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float = 1.0,
    dissimilar_weight: float = 1.0,
    springs: Any = None,
) -> float:
    r"""Return the paper's loss of a map over all pairs, each kind of pair averaged.

    .. math:: E = \frac{1}{|S|} \sum_{(i,j) \in S} L_S(D_{ij}) + w \frac{1}{|D|} \sum_{(i,j) \in D} L_D(D_{ij})

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, of whatever method.
    graph : NeighborhoodGraph
        What is known of the samples.
    margin : float, default=1.0
        The paper's m, in the map's unit of length, in (0, inf).
    dissimilar_weight : float, default=1.0
        w, in (0, inf).
    springs : None, Springs or pair of callables, default=None
        As for `drlim.springs.make_springs`.

    Returns
    -------
    float
        Computed in float64. The sums are exact, over n (n - 1) / 2 pairs; a kind that does not occur adds nothing.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not one finite row for each of the graph's samples, or a parameter is out of range.

    Examples
    --------
    Only the first two samples are similar, at distance 3; the last two are half a margin apart.

    >>> from drlim import NeighborhoodGraph
    >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    >>> exact_energy([[0.0], [3.0], [3.5]], graph, margin=1.0)
    4.5625
    """
    import torch  # takes over a second, and no other metric needs it

    from drlim.forces import balanced, graph_energy
    from drlim.springs import make_springs

    values = {"margin": margin, "dissimilar_weight": dissimilar_weight}
    check_parameters(values, {name: [real_in(0.0)] for name in values}, "exact_energy")
    points = check_points(Z).astype(np.float64)
    check_same_length(len(points), "Z", graph.n_samples, "graph")
    balance = balanced(graph, dissimilar_weight)
    energy = graph_energy(torch.from_numpy(points), graph, make_springs(margin, springs))
    return balance.similar * energy.similar + balance.dissimilar * energy.dissimilar


def _trust(reference: Floats, points: Floats, n_neighbors: int) -> float:
    """Sum how far the nearest of ``points`` rank beyond ``n_neighbors`` in ``reference``, and normalise."""
    n = len(points)
    nearest = _nearest_others(points, n_neighbors)  # (n, k)
    excess = 0
    for rows, distances in _distance_blocks(reference, reference, skip_self=True):
        order = np.argsort(distances, axis=1, kind="stable")  # (b, n), ties by index
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(1, n + 1)[None], axis=1)
        beyond = np.take_along_axis(ranks, nearest[rows], axis=1) - n_neighbors  # (b, k)
        excess += int(beyond.clip(min=0).sum())
    return 1 - 2 * excess / (n * n_neighbors * (2 * n - 3 * n_neighbors - 1))


def _distance_blocks(queries: Floats, points: Floats, *, skip_self: bool = False) -> Iterator[tuple[slice, Floats]]:
    """Yield squared distances (b, n) of blocks of queries to all points, up to one common factor."""
    largest = max(np.abs(queries).max(), np.abs(points).max())
    queries, points = _scaled(queries, largest), _scaled(points, largest)
    step = max(1, _BLOCK_ENTRIES // len(points))
    for start in range(0, len(queries), step):
        rows = slice(start, min(start + step, len(queries)))
        distances = cdist(queries[rows], points, "sqeuclidean")  # (b, n)
        if skip_self:
            distances[np.arange(len(distances)), np.arange(rows.start, rows.stop)] = np.inf
        yield rows, distances


def _nearest(queries: Floats, points: Floats, n_neighbors: int, *, skip_self: bool = False) -> Integers:
    """Return the indices (m, k) of the nearest points of each query, nearest first, ties by index."""
    blocks = _distance_blocks(queries, points, skip_self=skip_self)
    return np.concatenate([_smallest(distances, n_neighbors) for _, distances in blocks])


def _nearest_others(points: Floats, n_neighbors: int) -> Integers:
    """Return the indices (n, k) of the nearest other points of each point.

    By the same distances as the ranks of `_trust`, to the last bit: else rounding could cost an identity its 1.
    """
    return _nearest(points, points, n_neighbors, skip_self=True)


def _smallest(distances: Floats, k: int) -> Integers:
    """Return the columns (b, k) of the k least entries of each row, least first, ties by column.

    Selects, then sorts what it selected: a third of the time of sorting whole rows.
    """
    last = np.partition(distances, k - 1, axis=1)[:, k - 1 : k]  # (b, 1)
    rows, columns = np.nonzero(distances <= last)  # k a row, or more with ties at the end
    order = np.lexsort((columns, distances[rows, columns], rows))
    first = np.searchsorted(rows, np.arange(len(distances)))  # (b,)
    nearest: Integers = columns[order[first[:, None] + np.arange(k)]]
    return nearest


def _vote(labels: NDArray[Any]) -> NDArray[Any]:
    """Return the most frequent label of each row of (m, k); of equals, the one that sorts first."""
    classes, codes = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(labels), len(classes)), dtype=np.intp)  # (m, c)
    np.add.at(counts, (np.arange(len(labels))[:, None], codes.reshape(labels.shape)), 1)
    winners: NDArray[Any] = classes[counts.argmax(axis=1)]
    return winners


def _held_out(
    points: Floats,
    values: NDArray[Any],
    n_neighbors: int,
    folds: KFold,
    predict: Callable[[NDArray[Any]], NDArray[Any]],
) -> NDArray[Any]:
    """Predict each sample's value from those (m, k) of its nearest outside its own fold."""
    predicted = np.empty_like(values)
    for train, test in folds.split(points):
        nearest = _nearest(points[test], points[train], n_neighbors)  # (m, k)
        predicted[test] = predict(values[train[nearest]])
    return predicted


def _folds(n_samples: int, n_neighbors: int, n_splits: int, random_state: int, owner: str) -> KFold:
    """Check the numbers of a cross-validation and return its folds."""
    check_parameters(
        {"n_splits": n_splits, "random_state": random_state},
        # A seed is wanted, not a generator or None: the same call must give the same number.
        {"n_splits": [integer_in(2)], "random_state": [integer_in(0, 2**32 - 1)]},
        owner,
    )
    _check_at_most("n_splits", n_splits, 2, n_samples, f"at most the {n_samples} samples", owner)
    outside = n_samples - -(-n_samples // n_splits)
    _check_n_neighbors(n_neighbors, outside, "at most the samples outside the largest fold", owner)
    return KFold(n_splits, shuffle=True, random_state=random_state)


def _scaled(values: Floats, largest: float | None = None) -> Floats:
    """Divide by a power of two: exact, so ties stay ties, and squares neither overflow nor vanish."""
    largest = np.abs(values).max(initial=0.0) if largest is None else largest
    scaled: Floats = np.ldexp(values, -np.frexp(largest)[1])
    return scaled


def _check_rows(points: ArrayLike, name: str, *, min_samples: int = 1, ndim: int | None = 2) -> Floats:
    """Return points as float64 of shape (n, d), images flattened when ``ndim`` is None, or refuse them."""
    checked = check_points(points, name=name, min_samples=min_samples, ndim=ndim)
    return checked.reshape(len(checked), -1).astype(np.float64)


def _check_pair(X: ArrayLike, Z: ArrayLike) -> tuple[Floats, Floats]:
    """Return data and map as rows of the same samples; of fewer than three there is nothing to compare."""
    data = _check_rows(X, "X", ndim=None)
    points = _check_rows(Z, "Z", min_samples=3)
    check_same_length(len(data), "X", len(points), "Z")
    return data, points


def _check_data_and_map(X: ArrayLike, Z: ArrayLike, n_neighbors: int, owner: str) -> tuple[Floats, Floats]:
    """Return data and map, with ``n_neighbors`` where the normalisation of Venna and Kaski holds."""
    data, points = _check_pair(X, Z)
    n = len(points)
    _check_n_neighbors(n_neighbors, (n - 1) // 2, f"less than half of the {n} samples", owner)
    return data, points


def _check_n_neighbors(n_neighbors: int, largest: int, reason: str, owner: str) -> None:
    """Refuse what is not an integer from 1 to ``largest``."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1)]}, owner)
    _check_at_most("n_neighbors", n_neighbors, 1, largest, reason, owner)


def _check_at_most(name: str, value: int, least: int, largest: int, reason: str, owner: str) -> None:
    """Refuse an integer above ``largest``, and say where that end comes from."""
    if value > largest:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be an int in the range [{least}, {largest}], {reason}. "
            f"Got {value} instead."
        )


def _check_test(
    Z_test: ArrayLike, y_test: ArrayLike, points: Floats, labels: NDArray[Any]
) -> tuple[Floats, NDArray[Any]]:
    """Return held-out samples and their labels, in the columns and the kind of label of the others."""
    queries = _check_rows(Z_test, "Z_test")
    if queries.shape[1] != points.shape[1]:
        raise ValueError(
            "Expected 'Z' and 'Z_test' to have the same number of columns. "
            f"Got {points.shape[1]} in 'Z' and {queries.shape[1]} in 'Z_test'."
        )
    truth = check_labels(y_test, "y_test", len(queries), "Z_test")
    if isinstance(labels[0], str) != isinstance(truth[0], str):
        raise ValueError(
            "Expected 'y' and 'y_test' to be of one kind, numbers or strings: a number matches no string. "
            f"Got dtype {labels.dtype} in 'y' and {truth.dtype} in 'y_test'."
        )
    return queries, truth


def _check_target(target: ArrayLike, n_samples: int) -> Floats:
    """Return one finite number a sample, not all the same."""
    if np.ndim(target) != 1:
        raise ValueError(f"Expected 'target' to be 1-D, one number a sample. Got {short_repr(target)}.")
    values = _scaled(_check_rows(np.asarray(target)[:, None], "target")[:, 0])
    check_same_length(len(values), "target", n_samples, "Z")
    if not np.ptp(values):
        raise ValueError("The values of 'target' are all the same, so there is no variance to explain.")
    return values


def _check_ink(images: ArrayLike) -> Floats:
    """Return images as float64 of shape (n, height, width), none negative."""
    if np.ndim(images) != 3:
        raise ValueError(
            f"Expected 'images' to be a 3-D array (n_samples, height, width). Got {short_repr(images)}. "
            "A single image is images[None]; of several channels choose one, images[:, 0]."
        )
    ink = check_points(images, name="images", ndim=None).astype(np.float64)
    if ink.min(initial=0.0) < 0:
        raise ValueError(
            "Expected 'images' to be ink on a background of 0, without negative values. "
            f"Got {ink.min():.6g} at the least. Subtract the background first."
        )
    return _scaled(ink)
