"""Labels and groups: by hand, literal double loops of each rule, relabelling, labels of many types, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses, relabelled

from drlim import NeighborhoodGraph
from drlim.relations import label_graph, orbit_graph, sequence_graph

quick = settings(max_examples=60, deadline=None)


def test_orbit_graph_by_hand():
    graph = orbit_graph([5, 7, 5, 5, 9])
    assert listed(graph) == [[0, 2], [0, 3], [2, 3]]
    assert graph.n_dissimilar == 7


@pytest.mark.parametrize(
    "groups",
    [
        np.array([-1, 4, -1, 4]),
        [-1, 4, -1, 4],
        np.array([-1.0, 4.0, np.nan, 4.0]),
        [None, "b", None, "b"],
        [float("nan"), "b", None, "b"],
        pd.Series([None, 4, pd.NA, 4], dtype="Int64"),
        pd.Categorical([None, "b", None, "b"]),
        pd.Series(pd.to_datetime([None, "2006-06-17", None, "2006-06-17"])),
        pl.Series([None, "b", None, "b"]),
        [-1, ("b", 2), None, ("b", 2)],
    ],
)
def test_samples_in_no_group(groups):
    assert listed(orbit_graph(groups)) == [[1, 3]]


def test_group_labels_keep_their_types():
    assert listed(orbit_graph(["1", 1, "-1", "-1", True])) == [[1, 4], [2, 3]]
    assert listed(orbit_graph([("film", 1), ("film", 2), ("film", 1)])) == [[0, 2]]


@quick
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=12), st.randoms())
def test_orbit_graph_is_the_literal_loop_and_commutes_with_relabelling(groups, random):
    graph = orbit_graph(groups)
    assert listed(graph) == [[i, j] for i, j in combinations(range(len(groups)), 2) if groups[i] == groups[j] != -1]
    order = random.sample(range(len(groups)), len(groups))
    assert orbit_graph([groups[k] for k in order]) == relabelled(graph, order)


def test_orbit_graph_refuses():
    wanted = "Expected 'groups' to be 1-D, with a value for each of at least one sample. Got "
    refuses(f"{wanted}shape (2, 2).", orbit_graph, np.eye(2))
    refuses(f"{wanted}shape (0,).", orbit_graph, [])
    refuses(f"{wanted}3.", orbit_graph, 3)
    unhashable = "Expected 'groups' to hold numbers, strings or other hashable values"
    refuses(unhashable, orbit_graph, [{1}, {2}], error=TypeError)
    refuses(unhashable, orbit_graph, [[1, 2], [3, 4]], error=TypeError)


def test_too_many_pairs_are_refused_before_they_are_made():
    message = "These relations would list 5.0e+09 pairs, which do not fit into memory; at most 1e+09"
    refuses(message, orbit_graph, np.zeros(100_000, dtype=np.int64))
    refuses(message, sequence_graph, np.arange(100_000), 100_000)


def states(graph: NeighborhoodGraph) -> list[str]:
    """The state of each pair, in order."""
    first, second = np.triu_indices(graph.n_samples, 1)
    similar, dissimilar = graph.similar.weight_of(first, second), graph.dissimilar.weight_of(first, second)
    return ["similar" if s else "dissimilar" if d else "ignored" for s, d in zip(similar, dissimilar, strict=True)]


def test_labels_by_hand():
    graph = label_graph([5, 7, -1, 5])
    assert listed(graph) == [[0, 3]]
    assert graph.dissimilar.pairs().tolist() == [[0, 1], [1, 3]]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored, graph.rest) == (1, 2, 3, "ignored")
    assert graph.similar.weight_of([0], [3]).tolist() == [1.0]


@quick
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=10), st.randoms())
def test_label_graph_is_the_literal_loop_and_commutes_with_relabelling(y, random):
    graph = label_graph(y)
    assert states(graph) == [
        "ignored" if -1 in (a, b) else "similar" if a == b else "dissimilar" for a, b in combinations(y, 2)
    ]
    order = random.sample(range(len(y)), len(y))
    assert label_graph([y[k] for k in order]) == relabelled(graph, order)


@pytest.mark.parametrize(
    "y",
    [
        np.array([2, -1, 9, 2], dtype=np.int8),
        np.array([2.0, np.nan, 9.0, 2.0]),
        np.array([2, -1, 9, 2], dtype=np.float32),
        ["a", None, "b", "a"],
        np.array(["a", None, "b", "a"], dtype=object),
        [True, None, False, True],
        [("a", 1), float("nan"), ("a", 2), ("a", 1)],
        [1, np.nan, "1", 1],
        pd.Categorical(["a", None, "b", "a"], categories=["c", "b", "a"]),
        pd.Series(["a", None, "b", "a"], dtype="category"),
        pd.Series([2, pd.NA, 9, 2], dtype="Int64"),
        pd.Series([True, None, False, True], dtype="boolean"),
        pd.Series(pd.to_datetime(["2006-06-17", None, "2006-06-18", "2006-06-17"])),
        pl.Series(["a", None, "b", "a"]),
    ],
)
def test_labels_of_many_types(y):
    assert states(label_graph(y)) == ["ignored", "dissimilar", "similar", "ignored", "ignored", "dissimilar"]


def test_labels_without_missing_ones():
    assert states(label_graph(np.array([True, False, True]))) == ["dissimilar", "similar", "dissimilar"]
    assert states(label_graph(np.array(["-1", "a", "-1"]))) == ["dissimilar", "similar", "dissimilar"]
    assert states(label_graph([1e300, 3.0, 1e300])) == ["dissimilar", "similar", "dissimilar"]


def test_one_class_or_none_says_what_it_can():
    assert states(label_graph([3, 3, 3])) == ["similar"] * 3
    assert states(label_graph([-1, None, float("nan")])) == ["ignored"] * 3
    assert states(label_graph([3, -1, -1])) == ["ignored"] * 3


def test_labels_overrule_neighbors():
    knn = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
    labels = label_graph([0, 1, 0, -1])
    both = (knn - ~labels) | labels
    assert listed(both) == [[0, 2], [2, 3]]
    assert (both.n_dissimilar, both.n_contradictions) == (4, 0)


def test_a_large_class_costs_one_number_a_sample():
    y = np.repeat([0, 1, -1], [50_000, 30_000, 20_000])
    graph = label_graph(y)
    assert graph.n_similar == 50_000 * 49_999 // 2 + 30_000 * 29_999 // 2
    assert graph.n_dissimilar == 50_000 * 30_000
    assert len(graph.stated_similar.indices) == len(graph.stated_dissimilar.indices) == 0
    assert graph.neighbors(50_000).tolist() == list(range(50_001, 80_000))


@pytest.mark.parametrize(
    ("message", "error", "y"),
    [
        ("Expected 'y' to hold class labels. Got continuous values, such as 0.5: cut them into", ValueError, [1, 0.5]),
        ("Got continuous values, such as inf: cut them", ValueError, np.array([1.0, np.inf])),
        ("numpy.digitize, or join near ones by radius_graph(y.reshape(-1, 1), ", ValueError, np.float32([0.25])),
        (
            "Expected 'y' to be 1-D, with a value for each of at least one sample. Got shape (2, 2, 2).",
            ValueError,
            np.zeros((2, 2, 2)),
        ),
        ("Expected 'y' to be 1-D, with a value for each of at least one sample. Got shape (0,).", ValueError, []),
        ("Expected 'y' to be 1-D, with a value for each of at least one sample. Got None.", ValueError, None),
        ("Expected 'y' to hold numbers, strings or other hashable values", TypeError, [{1: 2}, {2: 1}]),
        ("Expected 'y' to hold class labels. Got complex numbers", ValueError, np.array([1j, 2j])),
        ("Expected 'y' to hold class labels. Got complex numbers", ValueError, [1j, 2]),
        ("Expected 'y' to hold no masked values. Got", ValueError, np.ma.array([0, 1, 0], mask=[0, 1, 0])),
    ],
)
def test_label_graph_refuses(message, error, y):
    refuses(message, label_graph, y, error=error)
