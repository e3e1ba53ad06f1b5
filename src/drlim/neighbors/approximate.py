"""Approximate search for neighbours by an index of the `[knn]` extra, whose candidates are measured exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Floats, Index
from drlim._base.stored_rows import StoredRows, column_ends, column_means
from drlim.neighbors.exact import ranked, squared_distances

__all__ = ["approximately_nearest"]

Singles = NDArray[np.float32]
"""Numbers in single precision, which indices take."""

Proposer = Callable[[int, int], Index]
"""A function of (number of candidates w, effort) that returns candidates for all n points, (n, w), or -1 for none."""

_SPARE = 6
"""Number of candidates beyond the neighbours wanted: the point itself, and points that float32 does not order."""

_EF = 100
"""Number of candidates that a search of voyager keeps. It finds at least 99.9 % of five neighbours at 60,000 x 784
(MNIST), as do 50 and 200."""

_LINKS = 24
"""Number of links of each point in voyager's index. At 100,000 x 50 without any structure it finds 96 % of the
neighbours; 12, the default, finds 85 %, and takes a seventh less time at 10,000 x 784."""

_LISTS_PROBED = 16
"""Number of FAISS's lists that are searched, of about sqrt(n). It finds all of five neighbours at 20,000 x 50 in 200
clusters, and 56 % of them without any structure."""


def approximately_nearest(X: Floats | StoredRows, n_neighbors: int, seed: int) -> tuple[Index, Floats]:
    """Find most of each point's nearest others, nearest first.

    Parameters
    ----------
    X : ndarray or StoredRows of float64, shape (n, d)
        Points. Those outside memory are read into the index in one pass.
    n_neighbors : int
        Number of neighbours k, in [1, n).
    seed : int
        Seed of the index. The same seed gives the same neighbours, whatever the number of threads.

    Returns
    -------
    indices : ndarray of int64, shape (n, k)
        Others in the order of (distance, index).
    squares : ndarray of float64, shape (n, k)
        Their squared distances, measured in float64.

    Raises
    ------
    ImportError
        When neither voyager nor faiss is installed.
    RuntimeError
        When the index finds too few neighbours of some point.
    """
    candidates = _candidates(_single(X), min(n_neighbors + _SPARE, len(X)), n_neighbors, seed)  # (n, w) -1 is none
    rows, place = np.nonzero((candidates >= 0) & (candidates != np.arange(len(X))[:, None]))  # (c,), (c,)
    columns = candidates[rows, place]  # (c,)
    measured = squared_distances(X, rows, columns)  # (c,)
    chosen = ranked(rows, columns, measured, len(X), n_neighbors)  # (n, k)
    return columns[chosen], measured[chosen]


def _single(X: Floats | StoredRows) -> Singles | StoredRows:
    """Return points in float32, centred and scaled first, so that an offset or a large scale costs no digits."""
    if isinstance(X, StoredRows):
        mean, (low, high) = column_means(X), column_ends(X)  # (d,) each
        largest = max(np.abs(low - mean).max(), np.abs(high - mean).max()) or 1.0
        return X.changed(lambda block: ((block - mean) / largest).astype(np.float32), dtype=np.dtype(np.float32))
    centred = X - X.mean(axis=0)  # (n, d)
    scaled: Singles = (centred / (np.abs(centred).max() or 1.0)).astype(np.float32)
    return scaled


def _candidates(X: Singles | StoredRows, wanted: int, n_neighbors: int, seed: int) -> Index:
    """Return at least ``n_neighbors`` others for each point, with more effort where too few are found, shape (n, w)."""
    propose = _proposer(X, seed)
    effort = max(_EF, 2 * wanted)
    while True:
        found = propose(wanted, effort)  # (n, w)
        n_others = ((found >= 0) & (found != np.arange(len(X))[:, None])).sum(axis=1)  # (n,)
        if n_others.min() >= n_neighbors:
            return found
        if effort >= len(X):
            raise RuntimeError(
                f"The index finds only {n_others.min()} of {n_neighbors} neighbours of some samples, as it may where "
                "many are identical: use algorithm='exact'."
            )
        effort = min(4 * effort, len(X))


def _proposer(X: Singles | StoredRows, seed: int) -> Proposer:
    """Build an index by the library that is installed."""
    try:
        import voyager  # noqa: F401 - optional
    except ImportError:
        pass
    else:
        return _by_voyager(X, seed)
    try:
        import faiss  # noqa: F401 - optional
    except ImportError:
        raise ImportError("algorithm='index' needs voyager or faiss: pip install \"drlim[knn]\".") from None
    return _by_faiss(X, seed)


def _by_voyager(X: Singles | StoredRows, seed: int) -> Proposer:
    """Build a graph by voyager, in one thread: the order in which threads link points would change it."""
    import voyager

    index = voyager.Index(
        voyager.Space.Euclidean, num_dimensions=X.shape[1], M=_LINKS, random_seed=seed, max_elements=len(X)
    )
    for block in _blocks(X):
        index.add_items(block, num_threads=1)

    def propose(wanted: int, effort: int) -> Index:
        try:
            found = np.concatenate([index.query(block, k=wanted, query_ef=effort)[0] for block in _blocks(X)])  # (n, w)
        except RuntimeError:  # it found too few for some point
            return np.full((len(X), wanted), -1)
        return np.asarray(found).astype(np.int64)

    return propose


def _blocks(X: Singles | StoredRows) -> Iterator[Singles]:
    """Yield points, (b, d), those outside memory a block at a time."""
    yield from [X] if isinstance(X, np.ndarray) else (block for _, block in X.blocks())


def _by_faiss(points: Singles | StoredRows, seed: int) -> Proposer:
    """Build lists by k-means of FAISS, which, unlike its graphs, do not depend on threads."""
    import faiss

    X: Singles = np.asarray(points)  # (n, d) in memory, where the index holds all points, too

    n_lists = max(1, round(len(X) ** 0.5))
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(X.shape[1]), X.shape[1], n_lists)
    index.cp.seed = seed
    index.cp.min_points_per_centroid = 1
    index.train(X)
    index.add(X)

    def propose(wanted: int, effort: int) -> Index:
        index.nprobe = min(n_lists, _LISTS_PROBED * max(1, effort // _EF))
        _, found = index.search(X, wanted)  # (n, w)
        return np.asarray(found, dtype=np.int64)

    return propose
