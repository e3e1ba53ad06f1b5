"""Exact search for all pairs of points within a radius, in float64; whatever is near the radius is measured again."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from drlim._base import arrays
from drlim._base.arrays import Floats, Index, check_count
from drlim.neighbors.exact import TREE_SLACK, centred_squares, row_blocks, squared_distances, suits_tree

__all__ = ["pairs_within_radius"]

_SAMPLED = 1000
"""Number of points whose neighbours are counted to estimate the number of all pairs."""

_LARGEST_RADIUS = 1e150
"""Radius from which on all points are within it; its square is finite."""

_SMALLER_RADIUS = "Give a smaller radius."


def pairs_within_radius(X: Floats, radius: float) -> Index:
    """Find all pairs of points at a distance of at most ``radius``.

    Parameters
    ----------
    X : ndarray of float64, shape (n, d)
        Points, with coordinates up to `LARGEST` in size.
    radius : float
        In [0, inf).

    Returns
    -------
    ndarray of int64, shape (p, 2)
        Each pair once.

    Raises
    ------
    ValueError
        When there are more pairs than fit into memory.
    """
    return (_within_by_tree if suits_tree(X) else _within_by_products)(X, min(radius, _LARGEST_RADIUS))


def _within_by_tree(X: Floats, radius: float) -> Index:
    tree = cKDTree(X)
    slightly_more = radius * (1 + TREE_SLACK)
    _check_pair_count(X, tree, slightly_more)
    pairs = tree.query_pairs(slightly_more, output_type="ndarray").astype(np.int64, copy=False)  # (q, 2)
    measured = np.sqrt(squared_distances(X, pairs[:, 0], pairs[:, 1]))  # (q,)
    return np.ascontiguousarray(pairs[measured <= radius])  # (p, 2)


def _check_pair_count(X: Floats, tree: cKDTree, radius: float) -> None:
    """Refuse a radius of too many pairs. A sample decides clear cases: to count all takes as long as to list them."""
    sample = X[np.random.default_rng(0).integers(len(X), size=_SAMPLED)]  # (s, d)
    about = int(cKDTree(sample).count_neighbors(tree, radius)) * len(X) // (2 * _SAMPLED)
    if about > 2 * arrays.MOST_PAIRS:
        check_count(about, _SMALLER_RADIUS)
    if about > arrays.MOST_PAIRS // 20:
        check_count((int(tree.count_neighbors(tree, radius)) - len(X)) // 2, _SMALLER_RADIUS)


def _within_by_products(X: Floats, radius: float) -> Index:
    """List each pair at its lower row. Only the columns are stored until all are counted: 4 bytes a pair."""
    centred, squares, bound = centred_squares(X)
    bound = bound + 8.0 * np.finfo(np.float64).eps * radius**2  # (n,)
    counts, columns = np.zeros(len(X), dtype=np.int64), []
    for rows in row_blocks(len(X), len(X)):
        start = rows[0]
        excess = squares[rows, None] + squares[start:] - 2.0 * (centred[rows] @ centred[start:].T) - radius**2  # (b, m)
        near, ahead = np.nonzero(excess <= bound[rows, None])  # (c,), (c,)
        near, ahead = near[near < ahead], ahead[near < ahead]
        unsure = np.flatnonzero(excess[near, ahead] >= -bound[rows[near]])  # (u,)
        measured = np.sqrt(squared_distances(X, rows[near[unsure]], start + ahead[unsure]))  # (u,)
        kept = np.ones(len(near), dtype=bool)
        kept[unsure] = measured <= radius
        counts[rows] = np.bincount(near[kept], minlength=len(rows))
        check_count(int(counts.sum()), _SMALLER_RADIUS)
        columns.append((start + ahead[kept]).astype(np.int32 if len(X) < 2**31 else np.int64))
    first = np.repeat(np.arange(len(X)), counts)  # (p,)
    return np.column_stack([first, np.concatenate(columns)])  # (p, 2)
