"""The definitions of neighbours as literal loops over all pairs."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

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


def literal_ball(X: NDArray[Any], radius: float) -> list[list[int]]:
    flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    return [
        [i, j]
        for i, j in combinations(range(len(flat)), 2)
        if np.sqrt(np.einsum("d,d", flat[i] - flat[j], flat[i] - flat[j])) <= radius
    ]
