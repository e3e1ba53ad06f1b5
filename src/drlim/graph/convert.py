"""Graphs in other people's forms, matrices and networkx graphs, as index pairs and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from drlim._base.checks import check_parameters, refuse_masked, short_repr
from drlim.graph.checks import LARGEST_WEIGHT

__all__ = ["csr_edges", "networkx_edges"]

_NO_ATTRIBUTE = object()


def csr_edges(matrix: Any, weighted: bool) -> dict[str, Any]:
    """Return the arguments of `NeighborhoodGraph.from_pairs` for a square matrix; see `NeighborhoodGraph.from_csr`."""
    refuse_masked(matrix, "matrix", "fill them with 0")
    try:
        given: Any = matrix if sparse.issparse(matrix) else np.asarray(matrix)
        is_number = given.ndim == 0
        if not sparse.issparse(given):  # which knows no float16
            given = np.atleast_2d(given.astype(np.float32) if given.dtype == np.float16 else given)
        given = sparse.coo_array(given)
    except (ValueError, TypeError) as error:  # rows of unequal length, objects, strings
        raise ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(matrix)}.") from error
    if is_number or len(given.shape) != 2 or given.shape[0] != given.shape[1] or given.shape[0] == 0:
        got = short_repr(matrix) if is_number else f"shape {given.shape}"
        raise ValueError(f"Expected 'matrix' to be square (n_samples, n_samples). Got {got}.")
    given = _summed(given)
    kept = (given.data != 0) & (given.row != given.col)
    weights = given.data[kept]
    if (weights < 0).any():
        raise ValueError(
            f"Expected 'matrix' to hold no negative entry. Got {weights.min()}: an entry says that a pair is similar. "
            "Take matrix > 0 or abs(matrix), or state dissimilar pairs by from_pairs(..., dissimilar=...) or by ~."
        )
    pairs = np.column_stack([given.row[kept], given.col[kept]])
    return {"n_samples": given.shape[0], "similar": pairs, "weights": weights if weighted else None}


def _summed(given: Any) -> Any:
    """Return a matrix as float64 with each entry once: the sums of small integers would not fit their own type."""
    refusal = ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(given)}.")
    if given.dtype.kind not in "biuf":
        raise refusal
    with np.errstate(over="ignore"):  # infinite sums are refused
        given = given.astype(np.float64)
        given.sum_duplicates()  # 1 and -1 for one pair say nothing of it
    if not np.isfinite(given.data).all():
        raise refusal
    return given


def networkx_edges(graph: Any, nodelist: Sequence[Any] | None, weight: str | None) -> dict[str, Any]:
    """Return the arguments of `NeighborhoodGraph.from_pairs` for a networkx graph; see its `from_networkx`."""
    check_parameters({"weight": weight}, {"weight": [str, None]}, "NeighborhoodGraph.from_networkx")
    if isinstance(graph, type):
        raise TypeError(f"Expected 'graph' to be a networkx graph. Got the class {graph.__name__} itself: call it.")
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise TypeError(f"Expected 'graph' to be a networkx graph. Got {short_repr(graph)}.")
    nodes = list(graph.nodes) if nodelist is None else _listed(nodelist)
    place = _places(graph, nodes)
    # Edges as (node, node, weight); under a name that no attribute has, all weights are the default.
    edges = [
        (place[u], place[v], value)
        for u, v, value in graph.edges(data=_NO_ATTRIBUTE if weight is None else weight, default=1.0)
        if u != v and u in place and v in place
    ]
    pairs = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)
    weights = None if weight is None else _weights([edge[2] for edge in edges], weight)
    return {"n_samples": len(nodes), "similar": pairs, "weights": weights}


def _listed(nodelist: Any) -> list[Any]:
    try:
        if not isinstance(nodelist, str | bytes | set | frozenset):  # a set has no order; graph.nodes has
            return list(nodelist)
    except TypeError:  # not iterable
        pass
    raise TypeError(f"Expected 'nodelist' to be a sequence of nodes, one for each sample. Got {short_repr(nodelist)}.")


def _places(graph: Any, nodes: list[Any]) -> dict[Any, int]:
    try:
        place = {node: number for number, node in enumerate(nodes)}
        strangers = [node for node in nodes if node not in graph.nodes]
    except TypeError as error:  # a list or an array among the nodes
        raise TypeError("Expected 'nodelist' to hold nodes of 'graph'. Got one that cannot be hashed.") from error
    if strangers:
        raise ValueError(
            f"Expected 'nodelist' to hold nodes of 'graph'. Got {short_repr(strangers[0])}, which is none."
        )
    if len(place) < len(nodes):
        raise ValueError(f"Expected 'nodelist' to hold distinct nodes. Got {len(nodes) - len(place)} repeated.")
    if not nodes:
        raise ValueError("Expected 'graph' to have nodes, one for each sample. Got none.")
    return place


def _weights(values: list[Any], name: str) -> Any:
    wrong = [value for value in values if not _is_weight(value)]
    if wrong:
        raise ValueError(
            f"Expected the edges' {name!r} to be finite numbers above 0, up to {LARGEST_WEIGHT:g}. Got "
            f"{short_repr(wrong[0])}: leave out edges that should not count; a distance is no weight."
        )
    return np.array(values, dtype=np.float64)


def _is_weight(value: Any) -> bool:
    try:
        return not isinstance(value, bool | str) and 0.0 < float(value) <= LARGEST_WEIGHT
    except (TypeError, ValueError, OverflowError):
        return False
