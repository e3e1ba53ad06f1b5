"""Approximate search for neighbours by an index of the `[knn]` extra; whatever it proposes is measured exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drlim.neighbors.exact import ranked, squared_distances

__all__ = ["approximately_nearest"]

Index = NDArray[np.int64]
Points = NDArray[np.float64]

_SPARE = 6
"""Candidates beyond the neighbours wanted: the point itself, and those that float32 cannot put in order."""

_EF = 100
"""Candidates that a search keeps. At 60,000 x 784 (MNIST) no fewer than 99.9 % of five neighbours are found, as by 50
or 200."""

_LINKS = 24
"""Of each point in voyager's index. 12, its default, finds 85 % instead of 96 % at 100,000 x 50 without any structure,
for a seventh less time at 10,000 x 784."""

_LISTS_PROBED = 16
"""Of about sqrt(n) lists, where FAISS stands in: it finds all of five neighbours at 20,000 x 50 in 200 clusters, and
56 % of them without any structure."""


def approximately_nearest(X: Points, n_neighbors: int, seed: int) -> tuple[Index, Points]:
    """Most of each point's nearest others, nearest first, and their squared distances; shape (n, n_neighbors) each.

    The same seed gives the same answer, whatever the number of threads.

    Raises
    ------
    ImportError
        When neither voyager nor faiss is there.
    """
    candidates = _candidates(_single(X), min(n_neighbors + _SPARE, len(X)), n_neighbors, seed)  # (n, w) -1 is none
    rows, place = np.nonzero((candidates >= 0) & (candidates != np.arange(len(X))[:, None]))
    columns = candidates[rows, place]
    measured = squared_distances(X, rows, columns)
    chosen = ranked(rows, columns, measured, len(X), n_neighbors)  # (n, k)
    return columns[chosen], measured[chosen]


def _single(X: Points) -> NDArray[np.float32]:
    """Points in the float32 that indices take, without loss by an offset or a scale."""
    centred = X - X.mean(axis=0)
    scaled: NDArray[np.float32] = (centred / (np.abs(centred).max() or 1.0)).astype(np.float32)
    return scaled


def _candidates(X: NDArray[np.float32], wanted: int, n_neighbors: int, seed: int) -> Index:
    """At least ``n_neighbors`` others for each point, shape (n, w)."""
    propose = _proposer(X, seed)
    effort = max(_EF, 2 * wanted)
    while True:
        found: Index = propose(wanted, effort)
        n_others = ((found >= 0) & (found != np.arange(len(X))[:, None])).sum(axis=1)
        if n_others.min() >= n_neighbors:
            return found
        if effort >= len(X):
            raise RuntimeError(
                f"The index finds only {n_others.min()} of {n_neighbors} neighbours of some samples, as it may where "
                "many are identical: use method='exact'."
            )
        effort = min(4 * effort, len(X))


def _proposer(X: NDArray[np.float32], seed: int) -> Any:
    """Build an index, and return a function from (candidates, effort) to indices, -1 where there are too few."""
    try:
        import voyager  # noqa: F401 - optional
    except ImportError:
        pass
    else:
        return _by_voyager(X, seed)
    try:
        import faiss  # noqa: F401 - optional
    except ImportError:
        raise ImportError("method='approximate' needs voyager or faiss: pip install \"drlim[knn]\".") from None
    return _by_faiss(X, seed)


def _by_voyager(X: NDArray[np.float32], seed: int) -> Any:
    import voyager

    index = voyager.Index(
        voyager.Space.Euclidean, num_dimensions=X.shape[1], M=_LINKS, random_seed=seed, max_elements=len(X)
    )
    index.add_items(X, num_threads=1)  # the order in which threads link points would change the index

    def propose(wanted: int, effort: int) -> Index:
        try:
            found, _ = index.query(X, k=wanted, query_ef=effort)
        except RuntimeError:  # it found fewer than wanted for some point
            return np.full((len(X), wanted), -1)
        return np.asarray(found).astype(np.int64)

    return propose


def _by_faiss(X: NDArray[np.float32], seed: int) -> Any:
    """Build lists by k-means: unlike its graphs, these do not depend on threads."""
    import faiss

    n_lists = max(1, round(len(X) ** 0.5))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(X.shape[1]), X.shape[1], n_lists)
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1
    index.train(X)
    index.add(X)

    def propose(wanted: int, effort: int) -> Index:
        index.nprobe = min(n_lists, _LISTS_PROBED * max(1, effort // _EF))
        _, found = index.search(X, wanted)
        return np.asarray(found, dtype=np.int64)

    return propose
