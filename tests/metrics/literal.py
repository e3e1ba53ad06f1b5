"""Small maps, and the definitions of the metrics as literal loops."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LINE = np.array([[0.0], [1.0], [2.5], [4.5]])

EXCHANGED = np.array([[0.0], [1.0], [4.5], [2.5]])

LATTICE = arrays(np.float64, st.tuples(st.integers(5, 14), st.just(2)), elements=st.integers(-2, 2))
"""Few places for many points: most distances tie and many points coincide."""


def normal(n: int, d: int, seed: int = 0) -> Floats:
    """Points of which no two distances tie."""
    return np.random.default_rng(seed).normal(size=(n, d))


def by_distance(points: Floats, i: int) -> list[int]:
    """Literal definition: the others, nearest first, ties by index."""
    others = [j for j in range(len(points)) if j != i]
    return sorted(others, key=lambda j: (float(np.sum((points[i] - points[j]) ** 2)), j))


def literal_trustworthiness(data: Floats, points: Floats, k: int) -> float:
    n, total = len(data), 0
    for i in range(n):
        ranking, near = by_distance(data, i), by_distance(points, i)[:k]
        for j in near:
            if j not in ranking[:k]:
                total += ranking.index(j) + 1 - k
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


def literal_vote(labels: list[Any]) -> Any:
    counts = Counter(labels)
    return min(label for label in counts if counts[label] == max(counts.values()))
