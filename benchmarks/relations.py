"""Time and memory of stating and combining relations of a million samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import drlim
from benchmarks.measuring import Measured, measured, peak_memory, seconds
from drlim import NeighborhoodGraph
from drlim import relations as builders

__all__ = ["both", "either", "labelled", "stated", "without"]


def stated(n: int = 10**6, n_edges: int = 10**7) -> list[Measured]:
    """Measure ``pairs`` of index pairs in random order, half of them similar and half dissimilar."""
    edges = _edges(n, n_edges, seed=0)
    half = len(edges) // 2
    return _measure("`pairs`", n, n_edges, lambda: drlim.pairs(n, similar=edges[:half], dissimilar=edges[half:]))


def labelled(n: int = 10**6, n_classes: int = 100) -> list[Measured]:
    """Measure ``label_graph`` of integer labels, a tenth of them unknown."""
    y = np.random.default_rng(0).integers(-n_classes // 10, n_classes, size=n).clip(-1)
    return _measure("`label_graph`", n, None, lambda: builders.label_graph(y).n_dissimilar)


def either(n: int = 10**6, n_edges: int = 10**7) -> list[Measured]:
    """Measure ``a | b`` of two graphs of n_edges pairs each, a fifth of them in common."""
    first, second = _two(n, n_edges)
    return _measure("`a | b`", n, n_edges, lambda: (first | second).n_similar)


def both(n: int = 10**6, n_edges: int = 10**7) -> list[Measured]:
    """Measure ``a & b`` of the same two graphs."""
    first, second = _two(n, n_edges)
    return _measure("`a & b`", n, n_edges, lambda: (first & second).n_similar)


def without(n: int = 10**6, n_edges: int = 10**7) -> list[Measured]:
    """Measure ``a - b`` of the same two graphs."""
    first, second = _two(n, n_edges)
    return _measure("`a - b`", n, n_edges, lambda: (first - second).n_similar)


def _measure(what: str, n: int, n_edges: int | None, call: Callable[[], object]) -> list[Measured]:
    """Measure the time of one call and the growth of the process."""
    clock: list[float] = []
    grown = peak_memory(lambda: clock.append(seconds(call)))
    of = f"{what}, {n:,} samples" + ("" if n_edges is None else f", {n_edges:,} pairs")
    return [
        measured(f"{of}: time", clock[0], "s", at_most=10.0),
        measured(f"{of}: peak memory beyond its inputs", grown / 1e9, "GB", at_most=4.0),
    ]


def _two(n: int, n_edges: int) -> tuple[NeighborhoodGraph, NeighborhoodGraph]:
    """Return two graphs of n_edges similar pairs each, a fifth of which they share."""
    edges = _edges(n, 2 * n_edges - n_edges // 5, seed=1)
    return drlim.pairs(n, similar=edges[:n_edges]), drlim.pairs(n, similar=edges[-n_edges:])


def _edges(n: int, n_edges: int, seed: int) -> NDArray[np.int64]:
    """Return distinct pairs of distinct samples, shape (n_edges, 2), in random order and direction."""
    rng = np.random.default_rng(seed)
    edges = rng.integers(n, size=(n_edges + n_edges // 50 + 10, 2))
    edges = edges[edges[:, 0] != edges[:, 1]]
    _, once = np.unique(edges.min(1) * n + edges.max(1), return_index=True)
    return edges[rng.permutation(once)[:n_edges]]
