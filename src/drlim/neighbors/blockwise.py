"""Exact search by any metric: the distances of a block of samples to all, one block after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drlim._base.arrays import Floats, Index, check_count
from drlim.neighbors.exact import ranked, row_blocks

__all__ = ["Measure", "nearest_by_blocks", "pairs_by_blocks"]

Measure = Callable[[Index], Floats]
"""A function of rows (b,) that returns their distances to all samples, a new array of shape (b, n)."""


def nearest_by_blocks(distances_of: Measure, n_samples: int, n_neighbors: int) -> tuple[Index, Floats]:
    """Return each sample's nearest others by (distance, index), and their distances; shape (n, n_neighbors) each."""
    indices = np.empty((n_samples, n_neighbors), dtype=np.int64)  # (n, k)
    distances = np.empty((n_samples, n_neighbors))  # (n, k)
    for rows in row_blocks(n_samples, n_samples):
        block = distances_of(rows)  # (b, n)
        block[np.arange(len(rows)), rows] = np.inf
        kth = np.partition(block, n_neighbors - 1, axis=1)[:, n_neighbors - 1]  # (b,)
        near, columns = np.nonzero(block <= kth[:, None])  # (c,), (c,)
        chosen = ranked(near, columns, block[near, columns], len(rows), n_neighbors)  # (b, k)
        indices[rows], distances[rows] = columns[chosen], block[near, columns][chosen]
    return indices, distances


def pairs_by_blocks(distances_of: Measure, n_samples: int, radius: float) -> Index:
    """Return the pairs of which either distance is at most ``radius``, shape (p, 2), in one direction or in both."""
    listed, n_pairs = [], 0
    for rows in row_blocks(n_samples, n_samples):
        near, columns = np.nonzero(distances_of(rows) <= radius)  # (c,), (c,)
        n_pairs += len(near)
        check_count(n_pairs // 2, "Give a smaller radius.")
        listed.append(np.column_stack([rows[near], columns])[rows[near] != columns])
    return np.concatenate(listed)  # (p, 2)
