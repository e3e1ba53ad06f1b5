"""Relations that the copies of samples inherit from the samples, as in section 3.3 of the paper."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Index, frozen, joined, pairs_within, products
from drlim._base.checks import StrOptions, as_array, check_parameters, check_same_length, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations.copies import Orbits

__all__ = ["with_copies"]


def with_copies(
    graph: NeighborhoodGraph, source: Orbits | ArrayLike, *, graph_on: str = "originals"
) -> NeighborhoodGraph:
    """Extend a graph of samples to their copies, by the rules (a), (b) and (c) of the paper's section 3.3.

    Each row of the copied samples is similar to (a) its neighbours, (b) the other copies of its sample and (c) all
    copies of each of its neighbours. Pairs that ``graph`` lists as dissimilar or ignored are extended to copies in
    the same way. Weights, and the state of the pairs that are not listed, stay what they are in ``graph``; copies of
    one sample are similar with weight 1.

    Parameters
    ----------
    graph : NeighborhoodGraph
        Neighbours among the n original samples, or among all N rows; see ``graph_on``.
    source : Orbits or array-like of int, shape (N,)
        The sample that each row is a copy of, as an index. Rows may have any order.
    graph_on : {"originals", "rows"}, default="originals"
        The samples that ``graph`` relates:

        - "originals": the n original samples. Any copy of i is similar to any copy of j if i and j are neighbours.
          ``source`` is in [0, n), and each sample has at least one row.
        - "rows": all N rows. If rows p and q are neighbours, then p is similar to all copies of the sample of q, and
          q to all copies of the sample of p. Two copies of one sample that ``graph`` declares dissimilar are a
          contradiction. Pairs that follow from classes are listed one by one, which takes memory.

    Returns
    -------
    NeighborhoodGraph
        Graph of the N rows.

    Raises
    ------
    ValueError, TypeError
        When ``graph`` is no graph; or ``source`` is not a 1-D array of integers, has an index that is out of range,
        no row for a sample ("originals"), or another length than ``graph`` ("rows").

    Notes
    -----
    The paper does not say whether neighbours are searched among the original images or among all translated ones.
    With the default all copies of a sample have the same neighbours, so that the graph does not distinguish the
    transforms.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    Three samples, of which the first two are neighbours, and one copy of each:

    >>> from drlim.relations import pairs, with_copies
    >>> neighbors = pairs(3, similar=[(0, 1)])
    >>> graph = with_copies(neighbors, [0, 1, 2, 0, 1, 2])
    >>> graph.neighbors(0).tolist(), graph.neighbors(5).tolist()
    ([1, 3, 4], [2])

    The paper's experiment, on a few digits:

    >>> from drlim.datasets import digits49
    >>> from drlim.neighbors import knn_graph
    >>> from drlim.relations import orbits, shifts
    >>> X = digits49().X_train[:100]
    >>> copies = orbits(X, shifts([-6, -3, 3, 6]))
    >>> with_copies(knn_graph(X, n_neighbors=5), copies)
    NeighborhoodGraph(n_samples=500, similar=10250, dissimilar=114500, ignored=0)
    """
    if not isinstance(graph, NeighborhoodGraph):
        raise TypeError(f"Expected 'graph' to be a NeighborhoodGraph. Got {short_repr(graph)}.")
    check_parameters({"graph_on": graph_on}, {"graph_on": [StrOptions({"originals", "rows"})]}, "with_copies")
    origin = _check_source(graph, source.source if isinstance(source, Orbits) else source, graph_on)  # (N,)
    lift = _lift_originals if graph_on == "originals" else _lift_rows
    copies = _copies_of_one(origin)  # rule (b)
    stated = (graph.stated_similar, graph.stated_dissimilar, graph.stated_ignored)
    similar, dissimilar, ignored = (lift(pairs, origin) for pairs in stated)  # rules (a) and (c)
    return NeighborhoodGraph.from_sets(len(origin), similar | copies, dissimilar, ignored, rest=graph.rest)


def _lift_originals(given: PairSet, origin: Index) -> PairSet:
    """Relate all copies of two samples as the samples are related; copies of one sample are not related."""
    runs = _Runs.of(origin)
    rows = given.rows()
    once = rows < given.indices  # each pair is stored in both directions
    first, second = rows[once], given.indices[once]  # (p,), (p,)
    listed = products(runs.order, runs.starts, runs.stops, first, second)  # (q, 2)
    n_copies = runs.stops - runs.starts  # (n,)
    weights = None if given.weights is None else np.repeat(given.weights[once], n_copies[first] * n_copies[second])
    if given.blocks is None:
        return PairSet.from_pairs(len(origin), listed, weights=weights)
    implied = PairSet.from_blocks(_blocks_of_copies(given.blocks, origin)) - _copies_of_one(origin)
    implied = implied - PairSet.from_pairs(len(origin), listed)
    if weights is not None:  # a listed weight of 0 takes a pair out of the blocks
        listed, weights = listed[weights > 0], weights[weights > 0]
    return implied | PairSet.from_pairs(len(origin), listed, weights=weights)


def _copies_of_one(origin: Index) -> PairSet:
    """Return all pairs of rows that are copies of one sample."""
    return PairSet.from_pairs(len(origin), pairs_within(origin))


def _blocks_of_copies(blocks: Blocks, origin: Index) -> Blocks:
    """Give each row the class of its sample."""
    if blocks.level is not None:
        return Blocks.constant(len(origin), blocks.level)
    return replace(blocks, codes=frozen(blocks.codes[origin]))  # (N,)


def _lift_rows(given: PairSet, origin: Index) -> PairSet:
    """Relate each of two rows to all copies of the other row's sample as the two rows are related."""
    runs = _Runs.of(origin)
    pairs = given.pairs()  # (p, 2)
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T  # (2 p,), (2 p,)
    row, place = joined(first, runs.starts[origin[second]], runs.stops[origin[second]])  # (q,), (q,)
    listed = np.column_stack([row, runs.order[place]])  # (q, 2)
    n_copies = (runs.stops - runs.starts)[origin[second]]  # (2 p,)
    weights = np.repeat(np.tile(given.pair_weights(), 2), n_copies)
    distinct = listed[:, 0] != listed[:, 1]
    return PairSet.from_pairs(len(origin), listed[distinct], weights=weights[distinct])


class _Runs(NamedTuple):
    """Rows in an order that puts the copies of one sample side by side.

    The copies of sample i are ``order[starts[i] : stops[i]]``.

    Attributes
    ----------
    order : ndarray of int64, shape (N,)
    starts, stops : ndarray of int64, shape (n,)
    """

    order: Index
    starts: Index
    stops: Index

    @classmethod
    def of(cls, origin: Index) -> _Runs:
        """Sort rows by the sample that each is a copy of."""
        stops = np.cumsum(np.bincount(origin))
        return cls(np.argsort(origin, kind="stable"), np.concatenate([[0], stops[:-1]]), stops)


def _check_source(graph: NeighborhoodGraph, source: ArrayLike, graph_on: str) -> Index:
    """Return the sample of each row as an index, shape (N,), or refuse what does not fit the graph."""
    values = as_array(source, "'source'")
    if values.ndim != 1 or values.dtype.kind not in "iu" or len(values) == 0:
        raise TypeError(
            "Expected 'source' to be the index of the original of each row, a 1-D integer array, or Orbits. "
            f"Got {short_repr(source)}."
        )
    n = graph.n_samples
    if graph_on == "rows":
        check_same_length(len(values), "source", n, "graph")
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= n:
        raise ValueError(
            f"Expected 'source' to hold indices in [0, {n}), since 'graph' has {n} samples. "
            f"Got values from {low} to {high}."
        )
    origin = values.astype(np.int64)
    absent = np.bincount(origin, minlength=n) == 0
    if graph_on == "originals" and absent.any():
        raise ValueError(
            f"Expected each of the {n} samples of 'graph' to have a row in 'source'. {int(absent.sum())} have none, "
            f"first {int(np.argmax(absent))}. If 'graph' is on all rows, pass graph_on='rows'; if some samples were "
            "left out, take graph.subgraph of the others."
        )
    return origin
