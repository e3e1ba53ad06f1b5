"""Statements about many samples, cut to a part of them that is small enough to relax."""

from __future__ import annotations

import numpy as np

from drlim._base.arrays import Index
from drlim._base.notices import warn_user
from drlim.graph import NeighborhoodGraph

__all__ = ["cut_graph", "cut_labels", "listed_samples"]

_FEW_PARTNERS = 3.0
"""Mean number of similar pairs of a sample below which a part of a graph no longer holds together."""


def listed_samples(graph: NeighborhoodGraph | None) -> Index | None:
    """Return the samples that occur in listed pairs, ascending; None without a graph.

    Examples
    --------
    >>> listed_samples(NeighborhoodGraph.from_pairs(9, [(7, 2), (3, 7)], dissimilar=[(0, 3)])).tolist()
    [0, 2, 3, 7]
    """
    if graph is None:
        return None
    stated = (graph.stated_similar, graph.stated_dissimilar, graph.stated_ignored)
    return np.unique(np.concatenate([np.asarray(pairs.indices, dtype=np.int64) for pairs in stated]))


def cut_labels(labels: list[object] | None, chosen: Index) -> list[object] | None:
    """Return the labels of the chosen samples; None without labels.

    Examples
    --------
    >>> cut_labels(["cat", "dog", -1], np.array([0, 2]))
    ['cat', -1]
    """
    return None if labels is None else [labels[row] for row in chosen]


def cut_graph(graph: NeighborhoodGraph | None, chosen: Index | None) -> NeighborhoodGraph | None:
    """Return what a graph states of the chosen samples, and warn where that is too little for a map.

    Examples
    --------
    >>> from drlim import label_graph
    >>> cut_graph(label_graph([0, 0, 1, 0, 1, 0]), np.array([0, 1, 3, 5])).n_similar
    6
    """
    if graph is None or chosen is None:
        return graph
    part = graph.subgraph(chosen)
    before, after = float(graph.similar.degrees.mean()), float(part.similar.degrees.mean())
    if after < min(before, _FEW_PARTNERS):
        warn_user(
            f"Of {graph.n_samples} samples a random part is relaxed, {part.n_samples}. There a sample has "
            f"{after:.2g} of its {before:.2g} similar pairs on average, too few for a good map: leave 'graph' out, "
            "and state pairs or labels beside the neighbours; or give fewer samples."
        )
    return part
