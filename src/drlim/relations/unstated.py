"""Near samples that no statement parts: a warning where the rest of a graph declares them dissimilar all the same.

Relations from time, or from a few pairs, list what is similar and leave all the rest dissimilar. A state that is
visited again, or a sample that nobody paired, then is to lie apart from samples that are just like it. No function of
the sample can do that, and the map places new samples badly.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from drlim._base.arrays import Floats, Index
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import AnyRows
from drlim._base.stored_rows import StoredRows
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.relations.copies import LazyCopies

__all__ = ["MOST_ALONE", "MOST_PARTED", "parted_by_rest", "warn_of_rest"]

MOST_ALONE = 1 / 2
"""Share of the samples that may be similar to no other: half of them."""

MOST_PARTED = 2 / 3
"""Share of near samples that the rest may declare dissimilar: two of three. In the paper's experiments .25 are."""

_FEWEST_SAMPLES = 100
"""Number of samples from which there is a warning. A share of fewer has an error of more than a twentieth."""

_LOOKED_AT = 256
"""Maximum number of samples whose neighbours are looked for."""

_MOST_NEIGHBORS = 5
"""Maximum number of neighbours of a sample that are looked at: the paper's number."""

_BLOCK, _VALUES = 4096, 2**22
"""Maximum number of samples, and of their values, that distances are taken to at once. Sparse ones are made dense."""


def warn_of_rest(samples: AnyRows | LazyCopies, graph: NeighborhoodGraph) -> None:
    """Warn where the rest of a graph parts samples that are near each other.

    There is a warning from 100 samples on, where the rest is dissimilar, if

    - more than half of the samples are similar to no other; or
    - of the samples nearest to a sample, more than two of three are declared dissimilar by the rest, and by no
      statement. Looked at are up to 256 samples that are similar to some, and of each its nearest others by Euclidean
      distance: as many as it is similar to, and 5 at most. Groups whose members are all similar to each other, such
      as the copies of one thing, are not judged by this: they state that two groups are two things.

    Lazy copies are not looked at: that would make them all.

    Parameters
    ----------
    samples : ndarray, SparseRows or LazyCopies, shape (n, ...)
    graph : NeighborhoodGraph
        Of the n samples.
    """
    if isinstance(samples, LazyCopies) or graph.rest != "dissimilar" or len(samples) < _FEWEST_SAMPLES:
        return
    alone = float((graph.similar.degrees == 0).mean())
    parted = 0.0 if alone > MOST_ALONE or _are_groups(graph.similar) else parted_by_rest(samples, graph)
    way_out = (
        "The map of new samples then is left to chance. Let near samples be similar, too, graph | drlim.knn_graph(X); "
        "or leave 'graph' out and state pairs beside the neighbours, fit(X, pairs=...)."
    )
    if alone > MOST_ALONE:
        warn_user(
            f"In the relations {alone:.0%} of the samples are similar to no other, and dissimilar to all that is not "
            f"listed: only repulsion places them. {way_out}"
        )
    elif parted > MOST_PARTED:
        warn_user(
            f"The relations declare {parted:.0%} of the samples nearest to a sample in 'X' dissimilar to it, by the "
            f"rest and by no statement: what is alike without being listed is pushed apart. {way_out}"
        )


def _are_groups(similar: PairSet) -> bool:
    """Whether all samples that similar pairs connect are similar to each other."""
    if similar.blocks is not None:
        return False
    shape = (similar.n_samples, similar.n_samples)
    entries = np.ones(len(similar.indices), dtype=np.int8)
    matrix = sparse.csr_array((entries, similar.indices.copy(), similar.indptr.copy()), shape=shape)
    sizes = np.bincount(csgraph.connected_components(matrix, directed=False)[1])  # (number of components,)
    return similar.n_pairs == int((sizes * (sizes - 1)).sum()) // 2


def parted_by_rest(samples: AnyRows, graph: NeighborhoodGraph) -> float:
    """Return the share of samples near a sample that the rest of a graph declares dissimilar, in [0, 1].

    Examples
    --------
    Two trials of one movement, related by time alone, and by nearness as well:

    >>> from drlim import knn_graph, sequence_graph
    >>> X = np.concatenate([np.arange(50.0), np.arange(50.0) + 0.1])[:, None]
    >>> time = sequence_graph(np.tile(np.arange(50.0), 2), 1.0, groups=np.repeat([0, 1], 50))
    >>> parted_by_rest(X, time), parted_by_rest(X, time | knn_graph(X))
    (1.0, 0.0)
    """
    degrees = graph.similar.degrees
    rows = np.flatnonzero(degrees > 0)  # (r,)
    rows = np.random.default_rng(0).permutation(rows)[:_LOOKED_AT]  # (r,)
    if len(rows) == 0:
        return 0.0
    near = _nearest(samples, rows, min(_MOST_NEIGHBORS, len(samples) - 1))  # (r, k)
    counted = np.arange(near.shape[1]) < degrees[rows, None]  # (r, k)
    first, second = np.repeat(rows, near.shape[1]), near.ravel()  # (r k,), (r k,)
    stated = np.zeros(len(first), dtype=bool)
    for pairs in (graph.stated_similar, graph.stated_dissimilar, graph.stated_ignored):
        stated |= pairs.weight_of(first, second) > 0
    parted = ~stated.reshape(near.shape) & counted  # (r, k)
    return float((parted.sum(axis=1) / counted.sum(axis=1)).mean())


def _nearest(samples: AnyRows, rows: Index, k: int) -> Index:
    """Return the k others nearest to some rows, (r, k), by squared distances from products, a block at a time."""
    points = _points(samples, rows)  # (r, p)
    centre = points.mean(axis=0)  # (p,)
    points = points - centre
    block = max(1, min(_BLOCK, _VALUES // len(centre)))
    best = np.full((len(rows), k), np.inf)
    near = np.zeros((len(rows), k), dtype=np.int64)
    first, own = samples.at_hand() if isinstance(samples, StoredRows) else (0, samples)
    for start in range(0, len(own), block):
        others = _points(own, np.arange(start, min(start + block, len(own)))) - centre  # (b, p)
        columns = first + np.arange(start, start + len(others))  # (b,)
        squares = np.einsum("bp,bp->b", others, others) - 2 * points @ others.T  # (r, b) less that of the row itself
        squares[rows[:, None] == columns] = np.inf
        columns = np.broadcast_to(columns, (len(rows), len(columns)))  # (r, b)
        best, near = _first_of(k, (best, squares), (near, columns))  # (r, k) each
    if isinstance(samples, StoredRows):  # of which other processes may have looked at others
        _, near = _first_of(k, list(samples.of_all(best)), list(samples.of_all(near)))  # (r, k)
    return near


def _first_of(k: int, squares: Sequence[Floats], columns: Sequence[Index]) -> tuple[Floats, Index]:
    """Return the k smallest of squared distances, which are (r, c) each, ascending, and their columns; (r, k) each."""
    distances, found = np.concatenate(list(squares), axis=1), np.concatenate(list(columns), axis=1)  # (r, sum of c)
    order = np.argsort(distances, axis=1, kind="stable")[:, :k]  # (r, k)
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(found, order, axis=1)


def _points(samples: AnyRows, rows: Index) -> Floats:
    """Return some samples as float64, (r, p)."""
    return np.asarray(samples[rows], dtype=np.float64).reshape(len(rows), -1)  # (r, p)
