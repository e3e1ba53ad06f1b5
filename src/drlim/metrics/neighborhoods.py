"""How well a map preserves the neighbours of the data, and how evenly its samples are spread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from drlim._base.arrays import Floats
from drlim._base.checks import check_same_length
from drlim.metrics.inputs import as_points, check_n_neighbors, on_space, scaled
from drlim.metrics.nearest import distance_blocks, nearest_others

if TYPE_CHECKING:
    from drlim.spaces import Space

__all__ = ["continuity", "neighbor_recall", "spread", "trustworthiness"]


def trustworthiness(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10, *, space: Space | None = None) -> float:
    r"""Return how reliably neighbours on the map are neighbours in the data.

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
        k, at least 1 and less than n_samples / 2; for larger k the formula leaves [0, 1]. A small k judges the details
        of the map, a large one its layout. The tables of this project use 10.

    space : Space, default=None
        ``model.space_`` of a map on a curved space, ``Z`` as its ``transform`` returns it. Distances on the map then
        are those of the space; None is flat.

    Returns
    -------
    float
        In [0, 1]: 1 when all neighbours on the map are neighbours in the data. A random map gives about .5.

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, lengths differ or ``n_neighbors`` is out of range.

    See Also
    --------
    continuity : The opposite error: neighbours in the data that are no neighbours on the map.

    Notes
    -----
    scikit-learn's function of this name gives the same number if no two distances are equal; rounding decides the order
    of equal ones there, and it stores n x n matrices. This function computes n^2 distances and sorts them: about a
    second for 2000 images of 784 pixels, under a minute for 10,000.

    References
    ----------
    .. [1] J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental
       study", ICANN 2001.

    Examples
    --------
    The map exchanges the last two samples of a line. The nearest sample of each of them on the map is only its second
    nearest in the data: two ranks are lost, of at most eight for four samples, and 1 - 2/8 remain.

    >>> line = [[0.0], [1.0], [2.5], [4.5]]
    >>> trustworthiness(line, [[0.0], [1.0], [4.5], [2.5]], n_neighbors=1)
    0.75
    """
    data, points = _check_data_and_map(X, Z, n_neighbors, "trustworthiness", space)
    return _trust(data, points, n_neighbors, of_points=space)


def continuity(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10, *, space: Space | None = None) -> float:
    """Return how reliably neighbours in the data are neighbours on the map.

    This is :func:`trustworthiness` with the roles of data and map exchanged. It falls when samples that are close in
    the data are far apart on the map.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        The data; images are compared pixel by pixel.
    Z : array-like, shape (n_samples, n_components)
        The map of the same samples, in the same order.
    n_neighbors : int, default=10
        Number of neighbours, at least 1 and less than n_samples / 2, as for :func:`trustworthiness`.

    space : Space, default=None
        ``model.space_`` of a map on a curved space, ``Z`` as its ``transform`` returns it. Distances on the map then
        are those of the space; None is flat.

    Returns
    -------
    float
        In [0, 1]: 1 when all neighbours in the data are neighbours on the map. A random map gives about .5.

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, lengths differ or ``n_neighbors`` is out of range.

    References
    ----------
    .. [1] J. Venna and S. Kaski, "Neighborhood preservation in nonlinear projection methods: an experimental
       study", ICANN 2001.

    Examples
    --------
    A line is bent until its ends meet. This separates some neighbours of the line (continuity), and makes neighbours of
    samples that are far apart on the line (trustworthiness), which is the larger error here.

    >>> line = [[0.0], [1.0], [2.1], [3.3]]
    >>> rolled = [[0.0, 0.0], [0.0, 1.0], [1.1, 1.0], [0.9, 0.0]]
    >>> continuity(line, rolled, n_neighbors=1), trustworthiness(line, rolled, n_neighbors=1)
    (0.625, 0.375)
    """
    data, points = _check_data_and_map(X, Z, n_neighbors, "continuity", space)
    return _trust(points, data, n_neighbors, of_reference=space)


def neighbor_recall(X: ArrayLike, Z: ArrayLike, n_neighbors: int = 10, *, space: Space | None = None) -> float:
    """Return the share of the nearest samples in the data that are also among the nearest on the map.

    The share is averaged over all samples.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        The data; images are compared pixel by pixel.
    Z : array-like, shape (n_samples, n_components)
        The map of the same samples, in the same order.
    n_neighbors : int, default=10
        Number of nearest samples that are compared, in [1, n_samples).

    space : Space, default=None
        ``model.space_`` of a map on a curved space, ``Z`` as its ``transform`` returns it. Distances on the map then
        are those of the space; None is flat.

    Returns
    -------
    float
        In [0, 1]. A random map gives n_neighbors / (n_samples - 1).

    Raises
    ------
    ValueError, TypeError
        When an array is not finite and real, lengths differ or ``n_neighbors`` is out of range.

    Examples
    --------
    The map exchanges the last two samples of a line. The nearest sample stays the same for the other two:

    >>> neighbor_recall([[0.0], [1.0], [2.5], [4.5]], [[0.0], [1.0], [4.5], [2.5]], n_neighbors=1)
    0.5
    """
    data, points = _check_pair(X, Z, space)
    n = len(points)
    check_n_neighbors(n_neighbors, n - 1, f"fewer than the {n} samples", "neighbor_recall")
    in_data = nearest_others(data, n_neighbors)  # (n, k)
    on_map = nearest_others(points, n_neighbors, space)  # (n, k)
    n_shared = sum(np.intersect1d(a, b).size for a, b in zip(in_data, on_map, strict=True))
    return float(n_shared / in_data.size)


def spread(Z: ArrayLike) -> float:
    r"""Return how unevenly samples are spread: the coefficient of variation of nearest-neighbour distances.

    This is the standard deviation (dividing by n) of the distance of each sample to its nearest other sample, divided
    by the mean. It does not depend on the scale of the map. A lattice gives 0; clusters and outliers give more than
    independent uniform samples.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map of two or more samples.

    Returns
    -------
    float
        In [0, inf). Independent, uniform samples (a Poisson field) give 1 in one dimension, .523 in two and .363 in
        three.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` is not a finite, real array of two or more samples, or each of its samples coincides with another.

    Notes
    -----
    Within distance r of a point of a Poisson field in d dimensions, the number of others has a mean proportional
    to :math:`r^d`; so the nearest-neighbour distance follows a Weibull law of shape d, and

    .. math:: \mathrm{CV}(d) = \sqrt{\Gamma(1 + 2/d) / \Gamma(1 + 1/d)^2 - 1},

    which is 1 for d = 1 and :math:`\sqrt{4/\pi - 1}` for d = 2. The boundary of a small sample raises it a little.

    Coincident samples have a nearest-neighbour distance of 0 and count like any other, so copies raise the
    number. To judge the distinct positions only, pass ``np.unique(Z, axis=0)``.

    Examples
    --------
    The nearest-neighbour distances are 1, 1 and 4. Their mean is 2 and their standard deviation the root of 2.

    >>> round(spread([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), 4)
    0.7071
    """
    points = scaled(as_points(Z, "Z", min_samples=2))
    distances, _ = cKDTree(points).query(points, k=2)  # (n, 2), the first to the point itself or a copy of it
    nearest = np.asarray(distances)[:, 1]  # (n,)
    if not nearest.any():
        raise ValueError(
            "Each sample of 'Z' coincides with another, so nearest-neighbour distances are all 0. "
            "Pass np.unique(Z, axis=0), if it has two rows or more, to judge the distinct places."
        )
    return float(nearest.std() / nearest.mean())


def _trust(
    reference: Floats,
    points: Floats,
    n_neighbors: int,
    *,
    of_reference: Space | None = None,
    of_points: Space | None = None,
) -> float:
    """Sum how far the nearest of ``points`` rank beyond ``n_neighbors`` in ``reference``, and normalise."""
    n = len(points)
    nearest = nearest_others(points, n_neighbors, of_points)  # (n, k)
    excess = 0
    for block, distances in distance_blocks(reference, reference, skip_self=True, space=of_reference):
        order = np.argsort(distances, axis=1, kind="stable")  # (b, n), ties by index
        ranks = np.empty_like(order)  # (b, n)
        np.put_along_axis(ranks, order, np.arange(1, n + 1)[None], axis=1)
        beyond = np.take_along_axis(ranks, nearest[block], axis=1) - n_neighbors  # (b, k)
        excess += int(beyond.clip(min=0).sum())
    return 1 - 2 * excess / (n * n_neighbors * (2 * n - 3 * n_neighbors - 1))


def _check_pair(X: ArrayLike, Z: ArrayLike, space: Space | None) -> tuple[Floats, Floats]:
    """Return data (n, f) and map (n, d) of the same three or more samples, or refuse them."""
    data = as_points(X, "X", ndim=None)
    points = as_points(Z, "Z", min_samples=3)
    check_same_length(len(data), "X", len(points), "Z")
    return data, points if space is None else on_space(points, space)


def _check_data_and_map(
    X: ArrayLike, Z: ArrayLike, n_neighbors: int, owner: str, space: Space | None
) -> tuple[Floats, Floats]:
    """Return data and map, or refuse ``n_neighbors`` too large for the normalisation of Venna and Kaski."""
    data, points = _check_pair(X, Z, space)
    n = len(points)
    check_n_neighbors(n_neighbors, (n - 1) // 2, f"less than half of the {n} samples", owner)
    return data, points
