"""What users give for a graph, index pairs, matrices and networkx graphs, as checked statements or edges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import NamedTuple, Protocol, SupportsFloat, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import check_parameters, refuse_masked, short_repr
from drlim.graph.checks import LARGEST_WEIGHT
from drlim.graph.pairset import PairSet
from drlim.graph.statements import KINDS, Stated, refuse_two_states

__all__ = ["Edges", "csr_edges", "networkx_edges", "stated_pairs"]

_NO_ATTRIBUTE = object()


class Edges(NamedTuple):
    """Similar pairs of a given number of samples, for `NeighborhoodGraph.from_pairs`.

    Attributes
    ----------
    n_samples : int
    pairs : ndarray of int, shape (n_pairs, 2)
    weights : ndarray, shape (n_pairs,), or None
        None means 1 for all.
    """

    n_samples: int
    pairs: Index
    weights: Array | None


class NetworkX(Protocol):
    """The part of a networkx graph that is used here."""

    @property
    def nodes(self) -> Collection[Hashable]:
        """All nodes, in the order in which they were added."""

    @property
    def edges(self) -> Callable[..., Iterable[tuple[Hashable, Hashable, object]]]:
        """All edges; when called, with an attribute of each."""


def stated_pairs(
    n_samples: int,
    similar: ArrayLike,
    dissimilar: ArrayLike | None,
    ignored: ArrayLike | None,
    weights: ArrayLike | None,
    dissimilar_weights: ArrayLike | None,
) -> Stated:
    """Return index pairs as statements; see `NeighborhoodGraph.from_pairs`."""
    if dissimilar is None and dissimilar_weights is not None:
        raise ValueError("Expected 'dissimilar_weights' together with 'dissimilar', the pairs. Got them alone.")
    given = zip(KINDS, (similar, dissimilar, ignored), (weights, dissimilar_weights, None), strict=True)
    sets = {
        kind: PairSet.from_pairs(n_samples, cast(ArrayLike, pairs), kind, own_weights)
        for kind, pairs, own_weights in given
        if pairs is not None or kind == "similar"
    }
    refuse_two_states(sets)
    return Stated(sets, "dissimilar" if dissimilar is None else "ignored")


def csr_edges(matrix: object, weighted: bool) -> Edges:
    """Return the non-zero entries of a square matrix as edges; see `NeighborhoodGraph.from_csr`."""
    refuse_masked(matrix, "matrix", "fill them with 0")
    given = _summed(_square(matrix))
    kept = (given.data != 0) & (given.row != given.col)
    weights = given.data[kept]  # (n_pairs,)
    if (weights < 0).any():
        raise ValueError(
            f"Expected 'matrix' to hold no negative entry. Got {weights.min()}: an entry says that a pair is similar. "
            "Take matrix > 0 or abs(matrix), or state dissimilar pairs by from_pairs(..., dissimilar=...) or by ~."
        )
    pairs = np.column_stack([given.row[kept], given.col[kept]])  # (n_pairs, 2)
    return Edges(given.shape[0], pairs, weights if weighted else None)


def _square(matrix: object) -> sparse.coo_array:
    """Return a sparse or dense matrix as coordinates, or refuse one that is not square."""
    try:
        given = _coordinates(matrix)
    except (ValueError, TypeError) as error:  # rows of unequal length, objects, strings
        raise ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(matrix)}.") from error
    is_number = not sparse.issparse(matrix) and np.ndim(cast(ArrayLike, matrix)) == 0
    if is_number or len(given.shape) != 2 or given.shape[0] != given.shape[1] or given.shape[0] == 0:
        got = short_repr(matrix) if is_number else f"shape {given.shape}"
        raise ValueError(f"Expected 'matrix' to be square (n_samples, n_samples). Got {got}.")
    return given


def _coordinates(matrix: object) -> sparse.coo_array:
    if sparse.issparse(matrix):
        return sparse.coo_array(cast(sparse.coo_array, matrix))  # of any sparse form; scipy's stubs want one
    dense = np.asarray(matrix)
    if dense.dtype == np.float16:  # which scipy does not take
        dense = dense.astype(np.float32)
    return sparse.coo_array(np.atleast_2d(dense))


def _summed(given: sparse.coo_array) -> sparse.coo_array:
    """Return a matrix as float64 with each entry once: the sums of small integers would not fit their own type."""
    refusal = ValueError(f"Expected 'matrix' to hold finite real numbers. Got {short_repr(given)}.")
    if given.dtype.kind not in "biuf":
        raise refusal
    with np.errstate(over="ignore"):  # infinite sums are refused
        summed = given.astype(np.float64)
        summed.sum_duplicates()  # the entries 1 and -1 of one pair cancel
    if not np.isfinite(summed.data).all():
        raise refusal
    return summed


def networkx_edges(graph: object, nodelist: Iterable[Hashable] | None, weight: str | None) -> Edges:
    """Return the edges of a networkx graph; see `NeighborhoodGraph.from_networkx`."""
    check_parameters({"weight": weight}, {"weight": [str, None]}, "NeighborhoodGraph.from_networkx")
    given = _networkx(graph)
    nodes = list(given.nodes) if nodelist is None else _listed(nodelist)
    place = _places(given, nodes)
    # Edges as (node, node, weight); no edge has the attribute _NO_ATTRIBUTE, so that all weights are the default.
    edges = [
        (place[u], place[v], value)
        for u, v, value in given.edges(data=_NO_ATTRIBUTE if weight is None else weight, default=1.0)
        if u != v and u in place and v in place
    ]
    pairs = np.array([edge[:2] for edge in edges], dtype=np.int64).reshape(-1, 2)  # (n_pairs, 2)
    return Edges(len(nodes), pairs, None if weight is None else _weights([edge[2] for edge in edges], weight))


def _networkx(graph: object) -> NetworkX:
    if isinstance(graph, type):
        raise TypeError(f"Expected 'graph' to be a networkx graph. Got the class {graph.__name__} itself: call it.")
    if not all(hasattr(graph, name) for name in ("nodes", "edges", "is_directed")):
        raise TypeError(f"Expected 'graph' to be a networkx graph. Got {short_repr(graph)}.")
    return cast(NetworkX, graph)


def _listed(nodelist: Iterable[Hashable]) -> list[Hashable]:
    try:
        if not isinstance(nodelist, str | bytes | set | frozenset):  # a set has no order; graph.nodes has
            return list(nodelist)
    except TypeError:  # not iterable
        pass
    raise TypeError(f"Expected 'nodelist' to be a sequence of nodes, one for each sample. Got {short_repr(nodelist)}.")


def _places(graph: NetworkX, nodes: list[Hashable]) -> dict[Hashable, int]:
    """Return the sample of each node, or refuse nodes that are repeated or not in the graph."""
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


def _weights(values: list[object], name: str) -> Floats:
    wrong = [value for value in values if not _is_weight(value)]
    if wrong:
        raise ValueError(
            f"Expected the edges' {name!r} to be finite numbers above 0, up to {LARGEST_WEIGHT:g}. Got "
            f"{short_repr(wrong[0])}: leave out edges that should not count; a distance is no weight."
        )
    return np.array(values, dtype=np.float64)


def _is_weight(value: object) -> bool:
    try:
        return not isinstance(value, bool | str) and 0.0 < float(cast(SupportsFloat, value)) <= LARGEST_WEIGHT
    except (TypeError, ValueError, OverflowError):
        return False
