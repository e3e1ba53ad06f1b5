"""Graphs extended to copies: by hand, the paper's rule as a literal loop, relabelling, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses, relabelled

from drlim import NeighborhoodGraph
from drlim.datasets import digits
from drlim.graph import PairSet
from drlim.graph.blocks import Blocks
from drlim.neighbors import knn_graph, knn_indices
from drlim.relations import label_graph, orbit_graph, orbits, pairs, shifts, with_copies

quick = settings(max_examples=60, deadline=None)


def test_with_copies_by_hand():
    """Samples 0 and 1 are neighbours, 2 is alone; rows 0-2 are the originals, 3-5 their copies in another order."""
    graph = with_copies(pairs(3, similar=[(0, 1)]), [0, 1, 2, 2, 1, 0])
    assert listed(graph) == [[0, 1], [0, 4], [0, 5], [1, 4], [1, 5], [2, 3], [4, 5]]
    assert graph.n_dissimilar == 8


def test_with_copies_of_a_graph_on_rows_by_hand():
    """Rows 0 and 3 are neighbours: 0 is like all copies of 1, and 3 like all copies of 0."""
    graph = with_copies(pairs(6, similar=[(0, 3)]), [0, 1, 0, 1, 2, 2], graph_on="rows")
    assert listed(graph) == [[0, 1], [0, 2], [0, 3], [1, 3], [2, 3], [4, 5]]


def test_with_copies_carries_all_states():
    graph = pairs(3, similar=[(0, 1)], dissimilar=[(1, 2)], ignored=[(0, 2)])
    lifted = with_copies(graph, [0, 1, 2, 0, 1])
    assert listed(lifted) == [[0, 1], [0, 3], [0, 4], [1, 3], [1, 4], [3, 4]]
    assert lifted.dissimilar.pairs().tolist() == [[1, 2], [2, 4]]
    assert lifted.ignored.pairs().tolist() == [[0, 2], [2, 3]]
    rows = with_copies(pairs(4, similar=[], dissimilar=[(0, 1)]), [0, 1, 0, 1], graph_on="rows")
    assert rows.dissimilar.pairs().tolist() == [[0, 1], [0, 3], [1, 2]]
    assert listed(rows) == [[0, 2], [1, 3]]


LEVELS = st.sampled_from([0.0, 0.0, 1.0, 0.5, 3.0])


@st.composite
def pair_sets(draw, n):
    """Listed pairs, over classes or not, with weights, or pairs taken out of classes."""
    everything = list(combinations(range(n), 2))
    listed = [pair for pair in everything if draw(st.booleans())]
    weights = draw(st.lists(st.sampled_from([1.0, 0.5, 3.0]), min_size=len(listed), max_size=len(listed)))
    found = PairSet.from_pairs(n, listed, weights=weights)
    if draw(st.booleans()):
        codes = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)))
        implied = PairSet.from_blocks(
            Blocks.from_codes(codes, within=draw(LEVELS), between=draw(LEVELS), outside=draw(LEVELS)), n
        )
        found = draw(st.sampled_from([implied | found, implied - found]))
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_all_statements_and_weights_are_carried_over(data):
    n = data.draw(st.integers(1, 4))
    sets = [data.draw(pair_sets(n)) for _ in range(3)]
    rest = data.draw(st.sampled_from(["dissimilar", "ignored"]))
    source = np.array(data.draw(st.permutations([*range(n), *data.draw(st.lists(st.integers(0, n - 1), max_size=4))])))
    first, second = np.triu_indices(len(source), 1)
    graph = with_copies(NeighborhoodGraph.from_sets(n, *sets, rest=rest), source)
    assert graph.rest == rest
    same = source[first] == source[second]
    expected = [given.weight_of(source[first], source[second]) for given in sets]
    assert graph.stated_similar.weight_of(first, second).tolist() == np.where(same, 1.0, expected[0]).tolist()
    assert graph.stated_dissimilar.weight_of(first, second).tolist() == expected[1].tolist()
    assert graph.stated_ignored.weight_of(first, second).tolist() == expected[2].tolist()


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_all_statements_on_rows_are_carried_over(data):
    n = data.draw(st.integers(1, 6))
    source = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=n, max_size=n)))
    given_set = data.draw(pair_sets(n))
    graph = with_copies(NeighborhoodGraph.from_sets(n, None, given_set), source, graph_on="rows")
    expected = np.zeros((n, n))
    for p in range(n):
        for q in range(n):
            if p != q and given_set.weight_of([p], [q])[0]:
                for copy in np.flatnonzero(source == source[q]):
                    weight = max(expected[p, copy], given_set.weight_of([p], [q])[0])
                    expected[p, copy] = expected[copy, p] = weight if p != copy else 0.0
    first, second = np.triu_indices(n, 1)
    assert graph.stated_dissimilar.weight_of(first, second).tolist() == expected[first, second].tolist()
    assert graph.similar.n_pairs + graph.n_contradictions == orbit_graph(source).n_similar


def test_a_copy_stated_dissimilar_to_its_like_is_a_contradiction():
    graph = with_copies(pairs(3, similar=[], dissimilar=[(0, 1)]), [0, 0, 1], graph_on="rows")
    assert (graph.n_similar, graph.n_dissimilar, graph.n_contradictions) == (0, 0, 1)


def test_copies_of_labelled_samples_list_no_classes():
    n = 20_000
    graph = with_copies(label_graph(np.arange(n) % 2), np.tile(np.arange(n), 3))
    assert graph.n_similar == 2 * (3 * n // 2) * (3 * n // 2 - 1) // 2
    assert graph.n_dissimilar == (3 * n // 2) ** 2
    assert len(graph.stated_similar.indices) <= 2 * 3 * n


def papers_rule(nearest, source):
    """Pairs (a), (b) and (c) of the paper, literally; ``nearest[row]`` are the neighbours of a row, as rows."""
    found = set()
    for row in range(len(source)):
        partners = set()
        translations = {other for other in range(len(source)) if source[other] == source[row] and other != row}
        partners |= translations  # (b)
        for neighbor in nearest[row]:
            partners.add(neighbor)  # (a)
            partners |= {other for other in range(len(source)) if source[other] == source[neighbor]}  # (c)
        found |= {(min(row, other), max(row, other)) for other in partners}
    return sorted(map(list, found))


@pytest.mark.parametrize("n_neighbors", [1, 5])
def test_the_papers_pairs_on_digits(n_neighbors):
    X = digits().X_train[:40]
    copies = orbits(X, shifts([-2, -1, 1, 2]))
    nearest, _ = knn_indices(X, n_neighbors)
    graph = with_copies(knn_graph(X, n_neighbors), copies)
    assert listed(graph) == papers_rule([nearest[i].tolist() for i in copies.source], copies.source.tolist())
    assert graph == with_copies(knn_graph(X, n_neighbors), copies.source)
    on_rows = knn_graph(copies.X, n_neighbors)
    nearest = [on_rows.neighbors(row).tolist() for row in range(len(copies.X))]
    assert listed(with_copies(on_rows, copies, graph_on="rows")) == papers_rule(nearest, copies.source.tolist())


@quick
@given(st.data())
def test_with_copies_is_a_literal_loop_and_commutes_with_relabelling(data):
    n = data.draw(st.integers(1, 5))
    source = data.draw(st.permutations([*range(n), *data.draw(st.lists(st.integers(0, n - 1), max_size=7))]))
    similar = [p for p in combinations(range(n), 2) if data.draw(st.booleans())]
    graph = with_copies(pairs(n, similar=similar), source)
    expected = [
        [p, q]
        for p, q in combinations(range(len(source)), 2)
        if source[p] == source[q] or tuple(sorted((source[p], source[q]))) in similar
    ]
    assert listed(graph) == expected
    order = data.draw(st.permutations(range(len(source))))
    moved = with_copies(pairs(n, similar=similar), [source[k] for k in order])
    assert moved == relabelled(graph, order)
    names = data.draw(st.permutations(range(n)))
    renamed = with_copies(relabelled(pairs(n, similar=similar), names), [names.index(i) for i in source])
    assert renamed == graph


def test_the_papers_size_needs_no_loop():
    """30,000 rows: 6000 samples in a ring of 3 neighbours to each side, 5 copies of each."""
    n = 6000
    ring = np.concatenate([np.column_stack([np.arange(n), (np.arange(n) + k) % n]) for k in (1, 2, 3)])
    graph = with_copies(pairs(n, similar=ring), np.tile(np.arange(n), 5))
    assert graph.n_similar == n * 10 + 3 * n * 25
    assert set(graph.similar.degrees.tolist()) == {4 + 6 * 5}


THREE = pairs(3, similar=[(0, 1)])


@pytest.mark.parametrize(
    ("message", "error", "graph", "source", "arguments"),
    [
        ("Expected 'graph' to be a NeighborhoodGraph. Got 3.", TypeError, 3, [0, 1, 2], {}),
        (
            "The 'graph_on' parameter of with_copies must be a str among {'originals', 'rows'}. Got 'both' instead.",
            ValueError,
            THREE,
            [0, 1, 2],
            {"graph_on": "both"},
        ),
        ("Expected 'source' to be the index of the original of each row", TypeError, THREE, [0.0, 1.0, 2.0], {}),
        ("a 1-D integer array, or Orbits. Got 'abc'.", TypeError, THREE, "abc", {}),
        ("Expected 'source' to be the index of the original", TypeError, THREE, [[0, 1, 2]], {}),
        ("Expected 'source' to be an array. Got rows of unequal length.", ValueError, THREE, [[0], [1, 2]], {}),
        ("Expected 'source' to be the index of the original", TypeError, THREE, np.empty(0, dtype=np.int64), {}),
        (
            "Expected 'source' to hold indices in [0, 3), since 'graph' has 3 samples. Got values from 0 to 3.",
            ValueError,
            THREE,
            [0, 1, 2, 3],
            {},
        ),
        ("since 'graph' has 3 samples. Got values from -1 to 2.", ValueError, THREE, [-1, 0, 1, 2], {}),
        (
            "Expected each of the 3 samples of 'graph' to have a row in 'source'. 1 have none, first 1. If 'graph' is "
            "on all rows, pass graph_on='rows'; if some samples were left out, take graph.subgraph of the others.",
            ValueError,
            THREE,
            [0, 2, 0],
            {},
        ),
        (
            "Expected 'source' and 'graph' to describe the same samples, one a row. Got 4 in 'source' and 3 in",
            ValueError,
            THREE,
            [0, 1, 2, 0],
            {"graph_on": "rows"},
        ),
    ],
)
def test_with_copies_refuses(message, error, graph, source, arguments):
    refuses(message, with_copies, graph, source, error=error, **arguments)
