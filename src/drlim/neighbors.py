"""Builders of `NeighborhoodGraph`: prior knowledge in, similar pairs out (step 1 of the paper's algorithm)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._checks import check_parameters, check_points, integer_in
from drlim.graph import NeighborhoodGraph

__all__ = ["knn_graph", "knn_indices"]

_BLOCK_BYTES = 64 * 2**20
"""Size of one block of distances. Larger blocks were no faster at 6000 x 784 on two cores."""

_LARGEST = 1e140
"""Values beyond it could overflow float64 when squared and summed."""


def knn_graph(X: ArrayLike, n_neighbors: int = 5) -> NeighborhoodGraph:
    """Declare each sample similar to its nearest neighbours (Euclidean), all other pairs dissimilar.

    A pair is similar if either sample is among the other's nearest: the graph is symmetric, and a sample may have
    more than ``n_neighbors`` neighbours.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples; images are compared pixel by pixel.
    n_neighbors : int, default=5
        Nearest neighbours of each sample, itself not counted, in [1, n_samples). 5 is the paper's number. More
        neighbours give a smoother map with less detail.

    Returns
    -------
    NeighborhoodGraph

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array or ``n_neighbors`` is out of range.

    See Also
    --------
    knn_indices : The neighbours themselves, nearest first, and how they are found.

    Examples
    --------
    >>> graph = knn_graph([[0.0], [1.0], [10.0], [11.0]], n_neighbors=1)
    >>> graph.similar.pairs().tolist()
    [[0, 1], [2, 3]]
    """
    neighbors, _ = knn_indices(X, n_neighbors)
    n_samples = len(neighbors)
    pairs = np.column_stack([np.repeat(np.arange(n_samples), n_neighbors), neighbors.ravel()])  # (n * k, 2)
    return NeighborhoodGraph.from_pairs(n_samples, pairs)


def knn_indices(X: ArrayLike, n_neighbors: int = 5) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find each sample's exact nearest neighbours, itself excluded.

    Distances by matrix product are fast but lose digits, so they only propose: whatever their error bound leaves
    possible is measured again from differences, in float64, and put in order of (distance, index). Equal distances
    therefore always fall to the lower index, and the answer does not depend on blocks or threads.

    Parameters
    ----------
    X : array-like, shape (n_samples, n_features) or (n_samples, ...)
        Samples, all dimensions after the first flattened.
    n_neighbors : int, default=5
        In [1, n_samples).

    Returns
    -------
    indices : ndarray of int64, shape (n_samples, n_neighbors)
        Nearest first.
    distances : ndarray of float64, shape (n_samples, n_neighbors)
        Euclidean.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array, has values beyond 1e140, or ``n_neighbors`` is out of range.

    Notes
    -----
    Costs n^2 d multiplications and, besides two float64 copies of ``X``, a few blocks of 64 MiB. Many identical
    samples cost more, since all of them have to be measured. Differences below 1e-154, whose squares float64 cannot
    hold, count as none.

    Examples
    --------
    >>> indices, distances = knn_indices([[0.0], [2.0], [3.0]], n_neighbors=1)
    >>> indices.ravel().tolist(), distances.ravel().tolist()
    ([1, 2, 1], [2.0, 1.0, 1.0])
    """
    samples = check_points(X, name="X", min_samples=2, ndim=None)
    n_samples = len(samples)
    if float(max(samples.max(), -samples.min())) > _LARGEST:
        raise ValueError(f"Expected 'X' to hold values up to {_LARGEST:.0e} in size: rescale it. Got larger ones.")
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1, n_samples - 1)]}, "knn_graph")
    flat = samples.reshape(n_samples, -1).astype(np.float64)  # (n, d)
    centred = flat - flat.mean(axis=0)  # far from the origin the product form loses everything
    squares = np.einsum("nd,nd->n", centred, centred)  # (n,)
    # |fl(x.y) - x.y| <= d eps / 2 |x||y|: four such terms, a few roundings more (the 4), and all of it doubled.
    slack = 8.0 * (centred.shape[1] + 4) * np.finfo(np.float64).eps * (squares + squares.max())  # (n,)
    indices = np.empty((n_samples, n_neighbors), dtype=np.int64)
    distances = np.empty((n_samples, n_neighbors))
    block = max(1, _BLOCK_BYTES // (8 * n_samples))
    for start in range(0, n_samples, block):
        rows = np.arange(start, min(start + block, n_samples))
        proposed = squares[rows, None] + squares - 2.0 * (centred[rows] @ centred.T)  # (b, n)
        proposed[np.arange(len(rows)), rows] = np.inf
        kth = np.partition(proposed, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        near, columns = np.nonzero(proposed <= (kth + slack[rows])[:, None])  # (c,), (c,)
        exact = _squared_distances(flat, rows[near], columns)
        order = np.lexsort((columns, exact, near))
        first = np.searchsorted(near, np.arange(len(rows)))  # `near` ascends and stays ascending in `order`
        chosen = order[first[:, None] + np.arange(n_neighbors)]  # (b, k)
        indices[rows], distances[rows] = columns[chosen], np.sqrt(exact[chosen])
    return indices, distances


def _squared_distances(
    X: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return |X[first] - X[second]|^2 from differences, in blocks of bounded memory."""
    result = np.empty(len(first))
    step = max(1, _BLOCK_BYTES // (8 * max(1, X.shape[1])))
    for start in range(0, len(first), step):
        part: Any = slice(start, start + step)
        difference = X[first[part]] - X[second[part]]
        result[part] = np.einsum("pd,pd->p", difference, difference)
    return result
