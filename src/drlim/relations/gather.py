"""Everything that is stated at fit time, ``graph``, ``y`` and ``pairs`` of `DrLIM.fit`, as one `NeighborhoodGraph`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array
from drlim._base.checks import check_same_length, refuse_masked, short_repr
from drlim._base.constraints import joined_words
from drlim._base.forms import plain
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows, are_shared
from drlim.graph import NeighborhoodGraph
from drlim.graph.statements import KINDS
from drlim.neighbors import neighbors_graph
from drlim.neighbors.builders import knn_graph, nearest_graph
from drlim.neighbors.points import Points
from drlim.relations.constraints import pairs as stated_pairs
from drlim.relations.copies import LazyCopies
from drlim.relations.label_sets import are_label_sets
from drlim.relations.labels import label_array, label_graph
from drlim.relations.missing import is_missing
from drlim.relations.suspects import refuse_pairs, warn_of_labels
from drlim.relations.unstated import warn_of_rest

__all__ = [
    "Neighbors",
    "as_graph",
    "check_targets",
    "check_trainable",
    "found_neighbors",
    "gather",
    "overruled",
    "pairs_graph",
    "with_labels",
    "with_pairs",
]


_EXACT_ROWS = 200_000
"""Maximum number of samples whose Euclidean neighbours a fit finds exactly: the time grows as the square of it."""


class Neighbors(NamedTuple):
    """How neighbours are found where no graph is given: `DrLIM`'s parameters of these names."""

    n_neighbors: int
    neighbors: object = None
    metric: str = "euclidean"


def gather(
    samples: AnyRows | LazyCopies,
    labels: list[object] | None,
    graph: object,
    pairs: object,
    find_neighbors: Callable[[], NeighborhoodGraph],
    *,
    described: str = "'X'",
    all_repel: bool = False,
    looks: bool = False,
) -> NeighborhoodGraph:
    """Return one graph of all that is stated. Pairs overrule labels, and labels overrule the graph or the neighbours.

    Parameters
    ----------
    samples : ndarray, SparseRows or LazyCopies, shape (n, ...)
        Checked samples.
    labels : list, default=None
        One label for each sample, as `check_targets` returns them.
    graph : NeighborhoodGraph, sparse matrix or None
        Relations of the n samples; None finds neighbours.
    pairs : array-like, dict, NeighborhoodGraph or None
    find_neighbors : callable
        Returns the graph of neighbours; called only where ``graph`` is None.
    described : str, default="'X'"
        What the n samples are, in an error.
    all_repel : bool, default=False
        Whether all pairs repel, so that dissimilar pairs are not needed.
    looks : bool, default=False
        Whether to look for near samples that the rest parts, and to warn of them. Neighbours that were searched for
        need no look.

    Raises
    ------
    ValueError, TypeError
        When something does not fit the samples, or there is nothing to learn from.
    """
    known = find_neighbors() if graph is None else as_graph(graph, len(samples), described)
    if graph is None and labels is None and pairs is None and known.n_similar == 0:
        raise ValueError(
            f"Expected {described} to hold samples with neighbours. Each is equally far from all others: give 'graph', "
            "'pairs' or labels, or measure distances otherwise."
        )
    stated = ["the neighbours" if graph is None else "'graph'"]
    if labels is not None:
        known = with_labels(known, labels)
        stated.append("'y'")
    if pairs is not None:
        known = with_pairs(known, pairs)
        stated.append("'pairs'")
    check_trainable(known, joined_words(stated, "and"), all_repel=all_repel)
    if looks:
        warn_of_rest(samples, known)
    return known


def found_neighbors(samples: AnyRows | LazyCopies, neighbors: Neighbors) -> NeighborhoodGraph:
    """Return the graph of the samples' neighbours, found as `DrLIM`'s parameters say."""
    if isinstance(samples, LazyCopies):
        raise TypeError(
            "Expected 'graph' with lazy copies, in which nearest neighbours are not looked for: "
            "pass the graph of the orbits, fit(copies.X, graph=copies.graph)."
        )
    _refuse_shards(samples)
    if neighbors.neighbors is not None:
        whole = samples.matrix if isinstance(samples, SparseRows) else np.asarray(samples)  # in memory: it is not ours
        return neighbors_graph(neighbors.neighbors, whole)
    if neighbors.n_neighbors >= len(samples):
        raise ValueError(
            f"Expected n_neighbors < n_samples, but n_neighbors = {neighbors.n_neighbors} and "
            f"n_samples = {len(samples)}: give more samples or fewer neighbours."
        )
    if neighbors.metric != "euclidean":
        return knn_graph(
            samples.matrix if isinstance(samples, SparseRows) else samples, neighbors.n_neighbors, neighbors.metric
        )
    if isinstance(samples, SparseRows):
        return nearest_graph(samples.matrix.astype(np.float64), neighbors.n_neighbors)
    if isinstance(samples, StoredRows):
        points: Points = samples.flat().as_type(np.dtype(np.float64))
    else:
        points = samples.reshape(len(samples), -1).astype(np.float64)  # (n, p)
    return nearest_graph(points, neighbors.n_neighbors, "exact" if len(samples) <= _EXACT_ROWS else "auto")


def _refuse_shards(samples: AnyRows) -> None:
    """Refuse to look for neighbours among samples of which each process has some."""
    if are_shared(samples):
        raise ValueError(
            "Expected 'graph' with a Shard, since neighbours are not looked for across processes: state relations of "
            "all samples, graph=drlim.pairs(n_samples, similar=...) or graph=drlim.label_graph(y), or give each "
            "process all rows."
        )


def as_graph(given: object, n_samples: int, described: str = "'X'") -> NeighborhoodGraph:
    """Return a graph or a sparse matrix of similar pairs as a graph on the n samples described, or refuse it."""
    if sparse.issparse(given):
        shape: tuple[int, ...] = tuple(getattr(given, "shape"))  # noqa: B009 - scipy's stubs have no shape
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(
                f"Expected 'graph' to be square (n_samples, n_samples). Got shape {shape}. A search cuts its rows "
                "only: give it NeighborhoodGraph.from_csr(graph), which is cut along with the samples."
            )
        with _named("graph"):
            given = NeighborhoodGraph.from_csr(given)
    elif not isinstance(given, NeighborhoodGraph):
        raise TypeError(
            "The 'graph' parameter must be a NeighborhoodGraph, a sparse matrix or None; "
            f"NeighborhoodGraph.from_pairs takes index pairs. Got {short_repr(given)} instead."
        )
    graph: NeighborhoodGraph = given
    if graph.n_samples != n_samples:
        raise ValueError(
            f"Expected 'graph' to have as many samples as {described}. Got {graph.n_samples} and {n_samples}."
        )
    return graph


def overruled(graph: NeighborhoodGraph, statement: NeighborhoodGraph) -> NeighborhoodGraph:
    """Return a graph with a statement added that prevails where the two contradict each other."""
    return (graph - ~statement) | statement


def check_targets(y: Any, n_samples: int, *, shape: tuple[int, ...] = (), trains: bool = True) -> list[object] | None:
    """Return labels, one for each sample; None without any, and with a warning for the targets of a regression.

    Parameters
    ----------
    y : array-like or None
    n_samples : int
    shape : tuple of int, default=()
        Shape of ``X``. That of pairs, with labels of pairs, is refused by a question.
    trains : bool, default=True
        Whether to warn of labels that probably mean something else. A score of a few samples may have one class only.
    """
    if y is None:
        return None
    if isinstance(y, ModuleType):
        raise TypeError(f"Expected 'y' to hold one label a sample. Got the module {y.__name__}: give an array.")
    if isinstance(y, NeighborhoodGraph) or sparse.issparse(y):
        raise TypeError("A graph was given as 'y', which is for labels. Pass it by name: fit(X, graph=graph).")
    labels = label_array(_one_column(plain(y, "y")), "'y'")  # (n,)
    _refuse_incomparable(labels)
    refuse_pairs(labels, shape)
    check_same_length(len(labels), "y", n_samples, "X")
    if not _is_continuous(labels):
        if trains:
            warn_of_labels(labels)
        return list(labels.tolist())
    warn_user(
        "The values of 'y' are continuous and say nothing of which samples are alike: they are ignored. Cut them "
        "into classes, for example with numpy.digitize, or state what is alike: pairs=drlim.target_graph(y, "
        "n_neighbors=...)."
    )
    return None


def _one_column(y: Any) -> Any:
    """Return targets of shape (n, 1) as (n,), and others as they are; refuse several columns."""
    refuse_masked(y, "y", "label those samples -1, which is unknown, y.filled(-1)")
    if hasattr(y, "__array__") and not hasattr(y, "shape"):
        y = np.asarray(y)
    try:
        shape = np.shape(y)
    except ValueError:  # rows of unequal length
        shape = (0, 0)
    if len(shape) == 2 and shape[1] == 1:
        return np.asarray(y)[:, 0]
    if len(shape) == 2 and hasattr(y, "shape"):
        raise ValueError(
            f"Expected 'y' to be 1-D, one label a sample. Got {short_repr(y)}: several labels a sample are stated by "
            "pairs=drlim.label_graph(y), continuous columns by pairs=drlim.target_graph(y, n_neighbors=...)."
        )
    if are_label_sets(y):
        raise TypeError(
            "Expected 'y' to hold one label a sample, hashable and no set. Got several labels a sample: state them by "
            "pairs=drlim.label_graph(y), with y a list of sets or a matrix of 0 and 1."
        )
    return y


def _refuse_incomparable(labels: Array) -> None:
    """Refuse labels of which it cannot be said whether two are equal."""
    for place, label in enumerate(labels.tolist() if labels.dtype == object else []):
        try:
            if not is_missing(label):
                hash(label), bool(label == label)
        except Exception as error:  # whatever an object of the user's own raises
            raise TypeError(
                "Expected 'y' to hold numbers, strings or other hashable values that can be compared. Got an object of "
                f"type {type(label).__name__} for sample {place}."
            ) from error


def _is_continuous(labels: Array) -> bool:
    """Whether all known labels are numbers, and not all of them whole."""
    known = [label for label in labels.tolist() if not is_missing(label)]
    if not all(isinstance(label, Real) for label in known):
        return False
    try:
        numbers = np.array([label for label in known if not isinstance(label, Integral)], dtype=np.float64)
    except OverflowError:  # of a fraction
        return True
    return bool((numbers != np.floor(numbers)).any())


def with_labels(graph: NeighborhoodGraph, labels: Any) -> NeighborhoodGraph:
    """Let labels overrule a graph: samples of one class are similar, of two classes dissimilar; -1 says nothing."""
    return overruled(graph, label_graph(labels))


def with_pairs(graph: NeighborhoodGraph, pairs: Any) -> NeighborhoodGraph:
    """Let pairs overrule a graph; see `pairs_graph`."""
    return overruled(graph, pairs_graph(pairs, graph.n_samples))


def pairs_graph(pairs: Any, n_samples: int) -> NeighborhoodGraph:
    """Return what pairs state of n samples; of all others they state nothing.

    ``pairs`` is an array of similar pairs, shape (p, 2), a dict of such arrays by "similar", "dissimilar" and
    "ignored", or a graph, which is returned.
    """
    if isinstance(pairs, NeighborhoodGraph):
        check_same_length(pairs.n_samples, "pairs", n_samples, "X")
        return pairs
    if not isinstance(pairs, Mapping):
        pairs = {"similar": pairs}
    unknown = [name for name in pairs if name not in KINDS]
    if unknown:
        raise ValueError(
            "Expected 'pairs' to be similar pairs, or a dict of pairs by 'similar', 'dissimilar' and 'ignored'. "
            f"Got the key {short_repr(unknown[0])}."
        )
    # An empty list of dissimilar pairs keeps `pairs` from declaring all the rest dissimilar.
    given = {name: some for name, some in pairs.items() if some is not None}
    everything = {"similar": (), "dissimilar": (), **given}
    for name, some in everything.items():
        if _are_names(some):
            raise TypeError(
                f"Expected 'pairs' to hold indices of samples. Got names, {short_repr(some)} in {name!r}: "
                "give drlim.pairs(ids=..., similar=...), with the name of each sample in 'ids'."
            )
    with _named("pairs"):
        return stated_pairs(n_samples, **everything)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Name the parameter of a fit in errors that name parts of it."""
    try:
        yield
    except (ValueError, TypeError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(f"In {name!r}: {error}") from None


def _are_names(pairs: object) -> bool:
    try:
        return np.asarray(plain(pairs, "pairs")).dtype.kind in "US"
    except ValueError:  # rows of unequal length, refused with the rest
        return False
    except RuntimeError as error:  # tensors that want a gradient, in a list
        raise TypeError(f"Expected 'pairs' to hold sample numbers, as an array. Got {short_repr(pairs)}.") from error


def check_trainable(graph: NeighborhoodGraph, stated: str = "'graph'", *, all_repel: bool = False) -> None:
    """Refuse a graph without springs of both kinds; ``stated`` names what it was made of."""
    if graph.n_similar == 0:
        raise ValueError(f"Expected {stated} to have similar pairs. Got none: there is nothing to learn from.")
    if graph.n_dissimilar == 0 and not all_repel:
        raise ValueError(
            f"Expected {stated} to have dissimilar pairs. Got none: without repulsion the map collapses to a "
            "point. Declare fewer pairs similar (a smaller 'n_neighbors'), or give more samples."
        )
