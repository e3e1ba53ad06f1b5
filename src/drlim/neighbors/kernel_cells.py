"""The merge of `drlim.neighbors.cells`, compiled: what is nearer than the worst of a row's best takes its place.

Importing this module imports numba (the extra ``[fast]``), which takes 0.3 s, so `cells` imports it where it is needed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Index
from drlim._base.compiling import AVAILABLE, compiled, inlined

__all__ = ["AVAILABLE", "merge"]

Singles = NDArray[np.float32]


def merge(
    some: Index, first: int, halves: Singles, products: Singles, best: NDArray[np.int32], values: Singles
) -> None:
    """Merge a block of candidates into the best of its rows.

    Parameters
    ----------
    some : ndarray of int64, shape (b,)
        Distinct rows of ``best``.
    first : int
        Place of the first candidate; the others follow.
    halves : ndarray of float32, shape (m,)
        Half the squared norms of the candidates.
    products : ndarray of float32, shape (b, m)
        Inner products of rows and candidates: ``halves - products`` ascends with distance.
    best, values : ndarray of int32 and float32, shape (n, kept)
        Places of the best so far and their ``halves - products``, each row a heap with its greatest value first. They
        are changed in place.
    """
    _merge(some, first, halves, products, best, values)


@inlined
def _replace_greatest(heap: Singles, places: NDArray[np.int32], value: np.float32, place: int) -> None:
    """Put a value in place of the greatest of a heap, and sift it down."""
    size, at = len(heap), 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[at], places[at] = heap[child], places[child]
        at = child
    heap[at], places[at] = value, place


@compiled
def _merge(
    some: Index, first: int, halves: Singles, products: Singles, best: NDArray[np.int32], values: Singles
) -> None:
    for line in range(len(some)):
        row = some[line]
        worst = values[row, 0]
        for column in range(len(halves)):
            value = halves[column] - products[line, column]
            if value < worst:
                _replace_greatest(values[row], best[row], value, first + column)
                worst = values[row, 0]
