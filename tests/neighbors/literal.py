"""The definitions of neighbours as literal loops over all pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from drlim import NeighborhoodGraph
from drlim.graph import PairSet
from drlim.neighbors import knn_indices

TIED = arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=st.integers(-2, 2))
"""Few places for many points: most distances tie, and many points coincide."""


def literal(X: NDArray[Any], k: int) -> tuple[list[list[int]], list[list[float]]]:
    """Sort, for each sample, the others by (distance, index), from differences in float64."""
    flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    indices, distances = [], []
    for i, x in enumerate(flat):
        ranked = sorted((float(np.sum((x - y) ** 2)), j) for j, y in enumerate(flat) if j != i)[:k]
        indices.append([j for _, j in ranked])
        distances.append([float(np.sqrt(square)) for square, _ in ranked])
    return indices, distances


def assert_literal(X: NDArray[Any], k: int) -> None:
    indices, distances = knn_indices(X, k)
    expected, expected_distances = literal(X, k)
    assert indices.dtype == np.int64
    assert distances.dtype == np.float64
    assert indices.tolist() == expected
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-14, atol=0)


def literal_graph(distances: NDArray[Any], k: int) -> NeighborhoodGraph:
    """Build the graph of `knn_graph` from all distances, of which 0 means copies, by loops.

    Each distinct sample has its k nearest distinct others by (distance, index), without those at the last distance if
    most are as far. The r-th copy takes the r-th copy of each neighbour. Copies are similar, in a ring if many.
    """
    n = len(distances)
    groups = sorted({tuple(np.flatnonzero(row == 0)) for row in distances + np.diag(-np.diag(distances))})
    similar, ignored = set(), set()
    for group in groups:
        others = sorted((distances[group[0], other[0]], other[0], other) for other in groups if other != group)
        listed = others[:k]
        if listed and (len(others) > k or len(groups) < n):
            last = listed[-1][0]
            as_far = sum(one[0] == last for one in others)
            if as_far > max(2 * len(listed), len(others) / 2) or as_far == len(others):
                listed = [one for one in listed if one[0] < last]
        for place, row in enumerate(group):
            similar |= {frozenset([row, other[place % len(other)]]) for _, _, other in listed}
        ring = {frozenset([row, group[(place + step) % len(group)]]) for place, row in enumerate(group)
                for step in range(1, min(k, len(group) // 2) + 1)}  # fmt: skip
        similar |= ring
        ignored |= {frozenset(pair) for pair in combinations(group, 2)} - ring if len(groups) > 1 else set()
    return NeighborhoodGraph.from_sets(
        n,
        *(
            PairSet.from_pairs(n, np.reshape(sorted(map(sorted, some)), (-1, 2)).astype(int))
            for some in (similar, set(), ignored)
        ),
    )


def literal_ball(X: NDArray[Any], radius: float) -> list[list[int]]:
    flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    return [
        [i, j]
        for i, j in combinations(range(len(flat)), 2)
        if np.sqrt(np.einsum("d,d", flat[i] - flat[j], flat[i] - flat[j])) <= radius
    ]
