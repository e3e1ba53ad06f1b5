"""Samples and their changed copies: what copies of one thing, and of its neighbours, have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import joined, pairs_within, products
from drlim._base.checks import StrOptions, check_parameters, check_points, check_same_length, short_repr
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations.labels import as_array
from drlim.relations.lazy import LazyCopies, Transform, named_transforms, transformed

__all__ = ["LazyCopies", "Orbits", "orbits", "transformed", "with_copies"]

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Orbits:
    """Samples and their copies, as `orbits` makes them: N = n (t + 1) rows of n samples under t transforms.

    Attributes
    ----------
    X : ndarray or LazyCopies, shape (N, ...)
        All copies, the originals first: row ``t * n + i`` is sample i under transform t.
    graph : NeighborhoodGraph
        On the N rows; copies of one sample are similar.
    source : ndarray of int64, shape (N,)
        The sample that each row is a copy of, in [0, n).
    transform : ndarray of int64, shape (N,)
        The transform that made each row; 0 is none.
    names : tuple of str
        Names of the transforms, ``names[0]`` being "unchanged".
    """

    X: Any
    graph: NeighborhoodGraph
    source: Index
    transform: Index
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Orbits(X {self.X.shape}, {len(self.X) // len(self.names)} samples, {len(self.names)} copies of each)"


def orbits(X: ArrayLike, transforms: Sequence[Transform] | Mapping[str, Transform], *, lazy: bool = False) -> Orbits:
    """Copy all samples under each of the transforms, and declare the copies of one sample similar.

    Parameters
    ----------
    X : array-like, shape (n_samples, ...)
        Samples of two or more dimensions.
    transforms : sequence of callable, or dict of str to callable
        Each takes a batch of samples and returns as many changed ones, of the same shape. It has to treat each
        sample on its own, so that any split into batches gives the same copies. A dict names them; those of a
        sequence are named by their places, from "1".
    lazy : bool, default=False
        Whether to make copies only when they are read, batch by batch, and store none: `Orbits.X` then is
        `LazyCopies`, which `drlim.DrLIM` trains on as on an array, in the memory of the samples alone. Each pass
        through the rows costs all transforms once. A transform that draws random numbers gives a new copy at each
        reading; stored copies stay what they were.

    Returns
    -------
    Orbits
        In ``X``, row ``t * n_samples + i`` is sample i under transform t, 0 being the sample itself. The dtype is
        that of the input. Nearest neighbours are those of the samples given, joined by `with_copies`.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite numeric array, there is no transform or one is not callable, or a transform
        returns another shape, values that are not finite, or a type that the dtype of ``X`` cannot hold.

    See Also
    --------
    with_copies : Joins the neighbours of the samples to the graph, as the paper does.
    shifts : The paper's translations.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    >>> from drlim.relations import orbits
    >>> copies = orbits([[1, 2], [3, 4]], {"negated": lambda batch: -batch, "swapped": lambda batch: batch[:, ::-1]})
    >>> copies
    Orbits(X (6, 2), 2 samples, 3 copies of each)
    >>> copies.X.tolist()
    [[1, 2], [3, 4], [-1, -2], [-3, -4], [2, 1], [4, 3]]
    >>> copies.graph.neighbors(0).tolist(), copies.source.tolist()
    ([2, 4], [0, 1, 0, 1, 0, 1])

    Copies that are never stored:

    >>> lazy = orbits([[1, 2], [3, 4]], {"negated": lambda batch: -batch}, lazy=True)
    >>> lazy.X, lazy.X[2].tolist()
    (LazyCopies(shape=(4, 2), dtype=int64), [-1, -2])
    """
    check_parameters({"lazy": lazy}, {"lazy": ["boolean"]}, "orbits")
    samples = check_points(X, name="X", ndim=None, dtype="numeric")
    named = named_transforms(transforms)
    source = np.tile(np.arange(len(samples), dtype=np.int64), len(named) + 1)  # (N,)
    return Orbits(
        _lazy_copies(samples, named) if lazy else _stored_copies(samples, named),
        NeighborhoodGraph.from_sets(len(source), _orbit_pairs(source)),
        source,
        np.repeat(np.arange(len(named) + 1, dtype=np.int64), len(samples)),
        ("unchanged", *named),
    )


def _stored_copies(samples: NDArray[Any], named: dict[str, Transform]) -> NDArray[Any]:
    copies = np.empty((len(named) + 1, *samples.shape), dtype=samples.dtype)  # (t + 1, n, ...)
    copies[0] = samples
    for place, (name, transform) in enumerate(named.items(), start=1):
        copies[place] = transformed(samples, transform, name)
    return copies.reshape(-1, *samples.shape[1:])


def _lazy_copies(samples: NDArray[Any], named: dict[str, Transform]) -> LazyCopies:
    for name, transform in named.items():
        transformed(samples[:2], transform, name)  # so that one that does not fit is refused now, not in training
    return LazyCopies(samples, named)


def with_copies(
    graph: NeighborhoodGraph, source: Orbits | ArrayLike, *, graph_on: str = "originals"
) -> NeighborhoodGraph:
    """Join neighbours and copies: the pairs (a), (b) and (c) of the paper's section 3.3.

    Each row of the copied samples is similar to (a) its neighbours, (b) the other copies of its sample and (c) all
    copies of each of its neighbours. Pairs that ``graph`` states to be dissimilar or ignored are carried over to
    copies in the same way, weights and the rule for the rest with them; copies of one sample are similar with
    weight 1.

    Parameters
    ----------
    graph : NeighborhoodGraph
        Neighbours, on the n original samples or on all N rows; see ``graph_on``.
    source : Orbits or array-like of int, shape (N,)
        The sample that each row is a copy of. Rows may stand in any order.
    graph_on : {"originals", "rows"}, default="originals"
        What ``graph`` relates, and so what a neighbour of a translated row is:

        - "originals": neighbours are found among the n untransformed samples, and a row has the neighbours of the
          sample that it is a copy of, whatever transform made it. Any copy of i is similar to any copy of j if i
          and j are neighbours. ``source`` is in [0, n), and each sample has a row.
        - "rows": neighbours were found among all N rows. A row is similar to all copies of what each of its own
          neighbours is a copy of. Where it states two copies of one sample dissimilar, that is a contradiction;
          pairs that classes imply are written out.

    Returns
    -------
    NeighborhoodGraph
        On N samples.

    Raises
    ------
    ValueError, TypeError
        When ``source`` is not a 1-D array of indices that fits ``graph``.

    Notes
    -----
    The paper does not say among which samples a translated image looks for its neighbours. The default finds the
    same relations for all copies, so that nothing in the graph tells the transforms apart.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
    section 3.3.

    Examples
    --------
    Three digits, the first two neighbours, and a translated copy of each:

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
    copies = _orbit_pairs(origin)  # (b)
    stated = (graph.stated_similar, graph.stated_dissimilar, graph.stated_ignored)
    similar, dissimilar, ignored = (lift(pairs, origin) for pairs in stated)
    return NeighborhoodGraph.from_sets(len(origin), similar | copies, dissimilar, ignored, rest=graph.rest)


def _lift_originals(given: PairSet, origin: Index) -> PairSet:
    """Say of all copies what is said of two samples; of copies of one sample nothing is said."""
    runs = _Runs.of(origin)
    rows = given.rows()
    once = rows < given.indices
    first, second = rows[once], given.indices[once]
    listed = products(runs.order, runs.starts, runs.stops, first, second)
    n_copies = runs.stops - runs.starts
    weights = None if given.weights is None else np.repeat(given.weights[once], n_copies[first] * n_copies[second])
    if given.blocks is None:
        return PairSet.from_pairs(len(origin), listed, weights=weights)
    implied = PairSet.from_blocks(_blocks_of_copies(given.blocks, origin)) - _orbit_pairs(origin)
    kept = slice(None) if weights is None else weights > 0  # a listed 0 takes a pair out of what the blocks say
    heavy = None if weights is None else weights[kept]
    return (implied - PairSet.from_pairs(len(origin), listed)) | PairSet.from_pairs(
        len(origin), listed[kept], weights=heavy
    )


def _orbit_pairs(origin: Index) -> PairSet:
    return PairSet.from_pairs(len(origin), pairs_within(origin))


def _blocks_of_copies(blocks: Blocks, origin: Index) -> Blocks:
    if blocks.level is not None:
        return Blocks.constant(len(origin), blocks.level)
    codes = blocks.codes[origin]
    codes.flags.writeable = False
    return replace(blocks, codes=codes)


def _lift_rows(given: PairSet, origin: Index) -> PairSet:
    """Say of a row and all copies of another row's sample what is said of the two rows, for each of the two."""
    runs = _Runs.of(origin)
    pairs = given.pairs()
    first, second = np.concatenate([pairs, pairs[:, ::-1]]).T
    row, place = joined(first, runs.starts[origin[second]], runs.stops[origin[second]])
    listed = np.column_stack([row, runs.order[place]])
    n_copies = (runs.stops - runs.starts)[origin[second]]
    weights = np.repeat(np.tile(given.pair_weights(), 2), n_copies)
    distinct = listed[:, 0] != listed[:, 1]
    return PairSet.from_pairs(len(origin), listed[distinct], weights=weights[distinct])


class _Runs(NamedTuple):
    """Rows (N,) with the copies of one sample side by side, and where those of each sample begin and end."""

    order: Index
    starts: Index
    stops: Index

    @classmethod
    def of(cls, origin: Index) -> _Runs:
        stops = np.cumsum(np.bincount(origin))
        return cls(np.argsort(origin, kind="stable"), np.concatenate([[0], stops[:-1]]), stops)


# Originals


def _check_source(graph: NeighborhoodGraph, source: ArrayLike, graph_on: str) -> Index:
    """Return the original of each row as an index, shape (N,), once it fits the graph."""
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
