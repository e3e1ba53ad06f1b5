"""Weights of neighbours by perplexity: they fall with distance at such a rate that the number wanted counts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim.graph import NeighborhoodGraph, PairSet

__all__ = ["graph_of_weights", "perplexity_weights", "symmetric_weights", "weighted_graph"]

_BLOCK_VALUES = 2**18
"""Number of weights of a block, 2 MiB in float64: rows times neighbours."""

_ROUNDS = 100
"""Maximum number of rounds of the search. Bisection alone reaches the tolerance in 50."""

_TOLERANCE = 1e-6
"""Difference from the logarithm of the perplexity at which a row is done."""

_LARGEST = 745.0
"""Exponent beyond which a weight is 0 in float64."""


def perplexity_weights(squares: Array, perplexity: float) -> Floats:
    """Return weights of each row's neighbours whose entropy is the logarithm of the perplexity.

    ::

        w_ij = exp(-b_i d_ij^2) / sum_k exp(-b_i d_ik^2),    -sum_j w_ij log w_ij = log(perplexity)

    Parameters
    ----------
    squares : ndarray of shape (n, k)
        Squared distances d_ij^2 to each row's k neighbours, finite and at least 0, in any unit and order.
    perplexity : float
        Number of neighbours that count, in [1, inf). A third of k is a good choice. With k or more, all weights of a
        row are equal.

    Returns
    -------
    ndarray of float64, shape (n, k)
        At least 0; each row sums to 1. Neighbours at equal distance have equal weights. Where more neighbours than
        ``perplexity`` share the least distance, these alone have weights.

    Raises
    ------
    ValueError
        When a squared distance is negative or not finite, there are no neighbours, or the perplexity is out of range.

    Examples
    --------
    Of two near neighbours and one far one, two count:

    >>> import numpy as np
    >>> perplexity_weights(np.array([[1.0, 1.0, 100.0]]), 2.0).round(3).tolist()
    [[0.5, 0.5, 0.0]]
    """
    if squares.ndim != 2 or squares.shape[1] == 0:
        raise ValueError(f"Expected 'squares' of shape (n, k), k at least 1. Got {squares.shape}.")
    if not 1.0 <= perplexity < np.inf:
        raise ValueError(f"Expected 'perplexity' in [1, inf). Got {perplexity}.")
    if not (np.isfinite(squares).all() and (squares >= 0).all()):
        raise ValueError("Expected 'squares' to be finite and at least 0.")
    weights = np.empty(squares.shape)
    step = max(1, _BLOCK_VALUES // squares.shape[1])
    for start in range(0, len(squares), step):
        weights[start : start + step] = _weighted(squares[start : start + step].astype(np.float64), np.log(perplexity))
    return weights


def _weighted(squares: Floats, entropy: float) -> Floats:
    """Return the weights of a block of rows, (b, k), by Newton's method on log b_i, and bisection where that fails."""
    excess = squares - squares.min(axis=1, keepdims=True)  # (b, k)
    unit = excess.mean(axis=1, keepdims=True)  # (b, 1)
    excess = excess / np.where(unit > 0, unit, 1.0)
    weights = np.full(squares.shape, 1 / squares.shape[1])
    if entropy >= np.log(squares.shape[1]):
        return weights
    going = np.flatnonzero(unit[:, 0] > 0)  # a row of equal distances has equal weights
    rate = np.zeros(len(squares))  # (b,) log b_i
    low, high = np.full(len(squares), -50.0), np.full(len(squares), 50.0)
    for _ in range(_ROUNDS):
        if len(going) == 0:
            break
        found, surplus, slope = _entropy(excess[going], rate[going], entropy)
        weights[going] = found
        low[going] = np.where(surplus > 0, rate[going], low[going])
        high[going] = np.where(surplus > 0, high[going], rate[going])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            aim = rate[going] + surplus / slope
        inside = (aim > low[going]) & (aim < high[going])
        rate[going] = np.where(inside, aim, (low[going] + high[going]) / 2)
        going = going[(np.abs(surplus) > _TOLERANCE) & (high[going] - low[going] > _TOLERANCE)]
    return weights


def _entropy(excess: Floats, rate: Floats, wanted: float) -> tuple[Floats, Floats, Floats]:
    """Return weights (r, k), their entropy less the one wanted (r,), and minus its derivative by log b (r,)."""
    exponent = np.minimum(np.exp(rate)[:, None] * excess, _LARGEST)  # (r, k)
    weights = np.exp(-exponent)  # (r, k)
    total = weights.sum(axis=1)  # (r,) at least 1: the nearest has exponent 0
    weights /= total[:, None]
    mean = np.einsum("rk,rk->r", weights, exponent)  # (r,)
    variance = np.einsum("rk,rk,rk->r", weights, exponent, exponent) - mean * mean
    return weights, np.log(total) + mean - wanted, variance


def symmetric_weights(indices: Index, weights: Array) -> sparse.csr_array:
    """Return the matrix ``p_ij = (w_ij + w_ji) / 2`` of each row's weights for its neighbours.

    Parameters
    ----------
    indices : ndarray of int64, shape (n, k)
        Neighbours of each row, distinct in a row.
    weights : ndarray of shape (n, k)
        At least 0; see `perplexity_weights`.

    Returns
    -------
    csr_array of float64, shape (n, n)
        Symmetric, with sorted indices, a zero diagonal and no stored zeros.

    Examples
    --------
    >>> import numpy as np
    >>> symmetric_weights(np.array([[1], [2], [1]]), np.ones((3, 1))).toarray().tolist()
    [[0.0, 0.5, 0.0], [0.5, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    n, k = indices.shape
    whole: NDArray[np.integer] = np.arange(0, n * k + 1, k, dtype=np.int32 if n * k < 2**31 else np.int64)
    columns = indices.ravel().astype(whole.dtype)  # (n k,)
    directed = sparse.csr_array((0.5 * weights.ravel().astype(np.float64), columns, whole), shape=(n, n))
    directed.data[columns == np.repeat(np.arange(n), k)] = 0.0  # (n k,)
    both = sparse.csr_array(directed + directed.T)
    both.eliminate_zeros()
    both.sort_indices()
    return both


def weighted_graph(indices: Index, weights: Array) -> NeighborhoodGraph:
    """Return the weights of `symmetric_weights` as the similar pairs of a graph; all other pairs are dissimilar.

    Parameters
    ----------
    indices : ndarray of int64, shape (n, k)
        Neighbours of each row, distinct in a row.
    weights : ndarray of shape (n, k)
        At least 0; a pair of weight 0 in both directions is left out.

    Returns
    -------
    NeighborhoodGraph

    Examples
    --------
    >>> import numpy as np
    >>> graph = weighted_graph(np.array([[1], [2], [1]]), np.ones((3, 1)))
    >>> graph.similar.pairs().tolist(), graph.similar.pair_weights().tolist()
    ([[0, 1], [1, 2]], [0.5, 1.0])
    """
    return graph_of_weights(symmetric_weights(indices, weights))


def graph_of_weights(symmetric: sparse.csr_array) -> NeighborhoodGraph:
    """Return the entries of a symmetric matrix, (n, n), as the similar pairs of a graph."""
    upper = sparse.triu(symmetric, 1, format="coo")
    pairs = np.column_stack([upper.row, upper.col]).astype(np.int64)  # (p, 2)
    return NeighborhoodGraph.from_sets(
        symmetric.shape[0], PairSet.from_pairs(symmetric.shape[0], pairs, weights=upper.data)
    )
