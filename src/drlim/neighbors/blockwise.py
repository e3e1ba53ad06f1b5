"""Exact search by any metric: the distances of a block of samples to all, one block after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Floats, Index, check_count
from drlim.neighbors.exact import ranked, row_blocks

__all__ = ["Measure", "Nearest", "nearest_by_blocks", "pairs_by_blocks"]

Measure = Callable[[Index], Floats]
"""A function of rows (b,) that returns their distances to all samples, a new array of shape (b, n)."""


class Nearest(NamedTuple):
    """Neighbours of n samples.

    Attributes
    ----------
    indices : ndarray of int64, shape (n, k)
        Others in the order of (distance, index).
    distances : ndarray of float64, shape (n, k)
    is_tied : ndarray of bool, shape (n,)
        Whether most others, more than 2 k, or all, are as far as the last one listed, so that it was listed by chance.
    lowest_twin : ndarray of int64, shape (n,)
        Lowest sample at distance 0, which may be the sample itself.
    """

    indices: Index
    distances: Floats
    is_tied: NDArray[np.bool_]
    lowest_twin: Index


def nearest_by_blocks(distances_of: Measure, n_samples: int, n_neighbors: int) -> Nearest:
    """Return each sample's nearest others."""
    indices = np.empty((n_samples, n_neighbors), dtype=np.int64)  # (n, k)
    distances = np.empty((n_samples, n_neighbors))  # (n, k)
    is_tied = np.empty(n_samples, dtype=bool)  # (n,)
    lowest_twin = np.empty(n_samples, dtype=np.int64)  # (n,)
    for rows in row_blocks(n_samples, n_samples):
        block = distances_of(rows)  # (b, n)
        own = np.arange(len(rows))
        block[own, rows] = 0.0
        lowest_twin[rows] = np.argmax(block == 0, axis=1)
        block[own, rows] = np.inf
        kth = np.partition(block, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        is_tied[rows] = _tied(block, kth, n_neighbors)
        near, columns = np.nonzero(block <= kth[:, None])  # (c,), (c,)
        chosen = ranked(near, columns, block[near, columns], len(rows), n_neighbors)  # (b, k)
        indices[rows], distances[rows] = columns[chosen], block[near, columns][chosen]
    return Nearest(indices, distances, is_tied, lowest_twin)


def _tied(block: Floats, kth: Floats, n_neighbors: int) -> NDArray[np.bool_]:
    """Return whether most samples are at the distance of the k-th, and do not all fit; (b,)."""
    n_others = block.shape[1] - 1
    as_far = np.count_nonzero(block == kth[:, None], axis=1)  # (b,)
    up_to = np.count_nonzero(block <= kth[:, None], axis=1)  # (b,)
    most = (as_far > 2 * n_neighbors) & (as_far > n_others / 2)
    tied: NDArray[np.bool_] = (up_to > n_neighbors) & (most | (as_far == n_others))
    return tied


def pairs_by_blocks(distances_of: Measure, n_samples: int, radius: float) -> Index:
    """Return the pairs of which either distance is at most ``radius``, shape (p, 2), in one direction or in both."""
    listed, n_pairs = [], 0
    for rows in row_blocks(n_samples, n_samples):
        near, columns = np.nonzero(distances_of(rows) <= radius)  # (c,), (c,)
        n_pairs += len(near)
        check_count(n_pairs // 2, "Give a smaller radius.")
        listed.append(np.column_stack([rows[near], columns])[rows[near] != columns])
    return np.concatenate(listed)  # (p, 2)
