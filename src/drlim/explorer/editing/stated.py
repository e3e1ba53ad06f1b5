"""The graph of a list of statements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drlim._base.arrays import Floats, Index
from drlim.explorer.editing.statement import Statement
from drlim.graph import NeighborhoodGraph, PairSet
from drlim.graph.blocks import Blocks
from drlim.relations import label_graph
from drlim.relations.gather import overruled

__all__ = ["graph_of", "labels_of", "left_out"]

_PLACE = {"alike": 0, "not alike": 1, "ignore": 2}
"""Place of a kind of statement among the kinds of pair of a graph."""


def graph_of(
    statements: Sequence[Statement], n_samples: int, weights: Sequence[float] | None = None
) -> NeighborhoodGraph:
    """Return what statements say of pairs of samples; of all others the graph says nothing.

    A later statement overrules earlier ones about the same pair, and a statement about pairs overrules labels. Samples
    that take no part have no springs, whatever else is stated of them.

    Parameters
    ----------
    statements : sequence of Statement
        In the order in which they were made.
    n_samples : int
    weights : sequence of float, default=None
        Weight of the pairs of each statement, above 0; None is 1 for all.

    Examples
    --------
    >>> from drlim.explorer.editing.statement import read_statement
    >>> said = [{"kind": "alike", "samples": [0, 1, 2]}, {"kind": "not alike", "samples": [0], "others": [2]}]
    >>> graph = graph_of([read_statement(one, 4) for one in said], 4)
    >>> graph.similar.pairs().tolist(), graph.dissimilar.pairs().tolist()
    ([[0, 1], [1, 2]], [[0, 2]])
    """
    graph = _listed(statements, n_samples, [1.0] * len(statements) if weights is None else weights)
    labels = labels_of(statements, n_samples)
    if any(label is not None for label in labels):
        graph = overruled(label_graph(np.array(labels, dtype=object)), graph)
    out = left_out(statements, n_samples)
    if len(out) == 0:
        return graph
    codes = np.zeros(n_samples, dtype=np.int64)
    codes[out] = -1
    ignored = PairSet.from_blocks(Blocks.from_codes(codes, outside=1.0))
    return graph | NeighborhoodGraph.from_sets(n_samples, ignored=ignored, rest="ignored")


def labels_of(statements: Sequence[Statement], n_samples: int) -> list[str | None]:
    """Return the label of each sample, None without one; of several the last counts."""
    labels: list[str | None] = [None] * n_samples
    for statement in statements:
        if statement.kind == "label":
            for row in statement.samples.tolist():
                labels[row] = statement.label
    return labels


def left_out(statements: Sequence[Statement], n_samples: int) -> Index:
    """Return the samples that take no part, ascending."""
    out = np.zeros(n_samples, dtype=bool)
    for statement in statements:
        if statement.kind == "ignore" and statement.states_of_samples:
            out[statement.samples] = True
    return np.flatnonzero(out)


def _listed(statements: Sequence[Statement], n_samples: int, weights: Sequence[float]) -> NeighborhoodGraph:
    """Return the graph of the pairs that statements list, each with the state and the weight of its last statement."""
    listed = [
        (one.pairs(), _PLACE[one.kind], weight) for one, weight in zip(statements, weights, strict=True) if one.n_pairs
    ]
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *(each for each, _, _ in listed)])  # (p, 2)
    sizes = [len(each) for each, _, _ in listed]
    places = np.repeat(np.array([place for _, place, _ in listed], dtype=np.int64), sizes)  # (p,)
    weight: Floats = np.repeat(np.array([weight for _, _, weight in listed], dtype=np.float64), sizes)  # (p,)
    code = pairs[:, 0] * n_samples + pairs[:, 1]  # (p,)
    last = len(code) - 1 - np.unique(code[::-1], return_index=True)[1]  # (u,) `unique` gives the first place of each
    chosen = [last[places[last] == place] for place in range(3)]
    sets = [
        PairSet.from_pairs(n_samples, pairs[rows], "pairs", None if place == 2 else weight[rows])
        for place, rows in enumerate(chosen)
    ]
    return NeighborhoodGraph.from_sets(n_samples, *sets, rest="ignored")
