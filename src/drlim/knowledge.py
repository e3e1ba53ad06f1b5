"""What is said when training begins, in whatever form, as one graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drlim._checks import check_same_length, short_repr
from drlim._warnings import warn_user
from drlim.graph import NeighborhoodGraph
from drlim.relations import label_graph
from drlim.relations import pairs as stated_pairs

__all__ = ["as_graph", "check_trainable", "overruled", "with_labels", "with_pairs"]


def as_graph(given: Any, n_samples: int) -> NeighborhoodGraph:
    """Return a graph or a sparse matrix of similar pairs as a graph on n samples, or refuse it."""
    if sparse.issparse(given):
        given = NeighborhoodGraph.from_csr(given)
    elif not isinstance(given, NeighborhoodGraph):
        raise TypeError(
            "The 'graph' parameter must be a NeighborhoodGraph, a sparse matrix or None; "
            f"NeighborhoodGraph.from_pairs takes index pairs. Got {short_repr(given)} instead."
        )
    graph: NeighborhoodGraph = given
    if graph.n_samples != n_samples:
        raise ValueError(f"Expected 'graph' to have as many samples as 'X'. Got {graph.n_samples} and {n_samples}.")
    return graph


def overruled(graph: NeighborhoodGraph, statement: NeighborhoodGraph) -> NeighborhoodGraph:
    """Return a graph with a statement added that prevails where the two contradict each other."""
    return (graph - ~statement) | statement


def with_labels(graph: NeighborhoodGraph, y: Any) -> NeighborhoodGraph:
    """Let labels overrule a graph: samples of one class are similar, of two classes dissimilar; -1 says nothing.

    Targets of a regression say nothing of what is alike: they are left out, with a warning.
    """
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        y = labels = labels[:, 0]
    if labels.ndim == 1:
        check_same_length(len(labels), "y", graph.n_samples, "X")
    if labels.dtype.kind == "f" and _is_continuous(labels):
        warn_user(
            "The values of 'y' are continuous and say nothing of which samples are alike: they are ignored. Cut them "
            "into classes, for example with numpy.digitize, or state what is alike by graph=."
        )
        return graph
    return overruled(graph, label_graph(y))


def _is_continuous(labels: NDArray[Any]) -> bool:
    known = labels[np.isfinite(labels)]
    return bool((known != np.floor(known)).any())


def with_pairs(graph: NeighborhoodGraph, pairs: Any) -> NeighborhoodGraph:
    """Let pairs overrule a graph.

    ``pairs`` is an array of similar pairs, shape (p, 2), or a dict of such arrays by "similar", "dissimilar" and
    "ignored".
    """
    if not isinstance(pairs, Mapping):
        pairs = {"similar": pairs}
    unknown = [name for name in pairs if name not in ("similar", "dissimilar", "ignored")]
    if unknown:
        raise ValueError(
            "Expected 'pairs' to be similar pairs, or a dict of pairs by 'similar', 'dissimilar' and 'ignored'. "
            f"Got the key {short_repr(unknown[0])}."
        )
    # An empty list of dissimilar pairs keeps `pairs` from declaring all the rest dissimilar.
    everything = {"similar": (), "dissimilar": (), **pairs}
    return overruled(graph, stated_pairs(graph.n_samples, **everything))


def check_trainable(graph: NeighborhoodGraph) -> None:
    """Refuse a graph without springs of both kinds."""
    if graph.n_similar == 0:
        raise ValueError("Expected 'graph' to have similar pairs. Got none: there is nothing to learn from.")
    if graph.n_dissimilar == 0:
        raise ValueError(
            "Expected 'graph' to have dissimilar pairs. Got none: without repulsion the map collapses to a "
            "point. Declare fewer pairs similar (a smaller 'n_neighbors'), or give more samples."
        )
