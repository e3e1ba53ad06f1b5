"""The springs that a layout of free points needs, as lists: of pairs that classes imply, the nearest in each class."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Index
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.neighbors.measured import mate_weights, nearest_rows

__all__ = ["ListedSprings", "listed_springs"]


class ListedSprings(NamedTuple):
    """Pairs with springs of their own, as symmetric CSR arrays of shape (n, n).

    Attributes
    ----------
    attraction : csr_array
        Weights of the similar pairs.
    dissimilar : csr_array or None
        Weights of pairs declared dissimilar; None without any.
    ignored : csr_array or None
        Pairs without any spring; None without any.
    """

    attraction: sparse.csr_array
    dissimilar: sparse.csr_array | None
    ignored: sparse.csr_array | None


def listed_springs(graph: NeighborhoodGraph, points: Array, n_neighbors: int, seed: int) -> ListedSprings:
    """List the springs of a graph, in memory that grows with the samples and not with the pairs of a class.

    Listed pairs are taken as they are. Of the similar pairs that classes imply, each sample keeps those to its nearest
    class-mates, weighted by perplexity. Of the dissimilar pairs that classes imply, each sample keeps those to its
    nearest neighbours, since these are the ones that a layout would put side by side. Pairs that are dissimilar by
    default are not listed.

    Parameters
    ----------
    graph : NeighborhoodGraph
        Relations of n samples.
    points : ndarray, shape (n, p)
        Coordinates in which class-mates and neighbours are near.
    n_neighbors : int
        Perplexity of the weights; thrice as many are kept.
    seed : int
        Seed of the search for neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import label_graph
    >>> lists = listed_springs(label_graph([0, 0, 1, 1]), np.array([[0.0], [1.0], [2.0], [3.0]]), 1, seed=0)
    >>> [row.tolist() for row in np.triu(lists.attraction.toarray() > 0).nonzero()]
    [[0, 2], [1, 3]]
    >>> [row.tolist() for row in np.triu(lists.dissimilar.toarray() > 0).nonzero()]
    [[0, 0, 1, 1], [2, 3, 2, 3]]
    """
    attraction = _entries(graph.similar)
    if graph.similar.blocks is not None:
        mates = _class_mates(graph.similar, graph.similar.blocks, points, n_neighbors, seed)
        attraction = sparse.csr_array(attraction.maximum(mates))
    dissimilar = _entries(graph.stated_dissimilar)
    if graph.stated_dissimilar.blocks is not None:
        near = _near_strangers(graph.stated_dissimilar, points, n_neighbors, seed)
        dissimilar = sparse.csr_array(dissimilar.maximum(near))
    ignored = _entries(graph.ignored)
    return ListedSprings(attraction, dissimilar if dissimilar.nnz else None, ignored if ignored.nnz else None)


def _entries(pairs: PairSet) -> sparse.csr_array:
    """Return the listed pairs with their weights, in both directions."""
    weights = np.ones(len(pairs.indices)) if pairs.weights is None else np.array(pairs.weights)
    shape = (pairs.n_samples, pairs.n_samples)
    listed = sparse.csr_array((weights, pairs.indices.copy(), pairs.indptr.copy()), shape=shape)
    listed.eliminate_zeros()
    return listed


def _class_mates(pairs: PairSet, blocks: Blocks, points: Array, n_neighbors: int, seed: int) -> sparse.csr_array:
    """Return weights of each sample's nearest class-mates, times the weight of the pair."""
    n = pairs.n_samples
    first, second, weights = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)], [np.empty(0)]
    order = np.argsort(blocks.codes, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(blocks.codes[order])) + 1):
        if len(members) < 2 or blocks.codes[members[0]] < 0:
            continue
        found = mate_weights(points[members], n_neighbors, seed).tocoo()
        first.append(members[found.row])
        second.append(members[found.col])
        weights.append(found.data)
    i, j = np.concatenate(first), np.concatenate(second)  # (e,)
    share = np.concatenate(weights) * pairs.weight_of(i, j)  # (e,) 0 for pairs that are listed as exceptions
    mates = sparse.csr_array((share, (i, j)), shape=(n, n))
    mates.eliminate_zeros()
    return mates


def _near_strangers(pairs: PairSet, points: Array, n_neighbors: int, seed: int) -> sparse.csr_array:
    """Return the dissimilar pairs among each sample's nearest neighbours, with their weights."""
    n = pairs.n_samples
    k = min(3 * n_neighbors, n - 1)
    nearest, _ = nearest_rows(points, k, seed)  # (n, k)
    i: Index = np.repeat(np.arange(n), k)  # (n k,)
    j = nearest.ravel()  # (n k,)
    strangers = sparse.csr_array((pairs.weight_of(i, j), (i, j)), shape=(n, n))
    both = sparse.csr_array(strangers.maximum(strangers.T))
    both.eliminate_zeros()
    return both
