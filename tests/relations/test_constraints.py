"""Pairs, groups and labels: by hand, literal double loops of each rule, relabelling, refusals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses, relabelled

import drlim.relations
from drlim import NeighborhoodGraph
from drlim.relations import (
    label_graph,
    orbit_graph,
    pairs,
    sequence_graph,
)

quick = settings(max_examples=60, deadline=None)


# pairs


def test_pairs_by_index():
    graph = pairs(4, similar=[(1, 0), (0, 1), (2, 3)])
    assert listed(graph) == [[0, 1], [2, 3]]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (2, 4, 0)


def test_pairs_in_all_three_states():
    graph = pairs(4, similar=[(0, 1)], dissimilar=[(3, 0)], ignored=[(1, 2)])
    assert graph == NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=[(0, 3)], ignored=[(1, 2)])
    assert (graph.n_dissimilar, graph.n_ignored) == (1, 4)
    assert pairs(4, similar=[(0, 1)], dissimilar=[]).n_ignored == 5
    assert pairs(4, similar=[(0, 1)], ignored=[(1, 2)]).n_dissimilar == 4


NAMES = ["ann", "bob", "cat", "dan"]
NAMED_PAIRS = [("cat", "ann"), ("dan", "bob")]


@pytest.mark.parametrize(
    ("ids", "similar"),
    [
        (NAMES, NAMED_PAIRS),
        (tuple(NAMES), (["cat", "ann"], {"dan", "bob"})),
        (np.array(NAMES), np.array(NAMED_PAIRS)),
        (pd.Series(NAMES, index=[7, 7, 8, 9]), pd.DataFrame(NAMED_PAIRS)),
        (pl.Series(NAMES), pl.DataFrame(NAMED_PAIRS, orient="row")),
        (pd.Index(NAMES), zip(["cat", "dan"], ["ann", "bob"], strict=True)),
        ([10, 30, 20, 40], np.array([[20, 10], [40, 30]])),
        (np.array([10, 30, 20, 40]), [(20.0, 10), (np.int8(40), 30)]),
        (np.array([10, 30, 20, 40], dtype=np.int16), np.array([[20, 10], [40, 30]], dtype=np.uint8)),
        (pd.Series([10, 30, 20, 40]), pd.DataFrame([[20, 10], [40, 30]])),
        ([("s", 1), ("s", 2), frozenset({3}), 4.5], [(frozenset({3}), ("s", 1)), (4.5, ("s", 2))]),
        ([1, "1", 2, "2"], [(2, 1), ("2", "1")]),
    ],
    ids=[
        "list",
        "tuple",
        "array",
        "pandas",
        "polars",
        "zip",
        "integers",
        "mixed numbers",
        "arrays",
        "frames",
        "hashable",
        "types kept",
    ],
)
def test_pairs_by_id(ids, similar):
    assert pairs(ids=ids, similar=similar) == pairs(4, similar=[(0, 2), (1, 3)])


def test_ids_serve_all_three_states():
    graph = pairs(4, ids=NAMES, similar=[("ann", "bob")], dissimilar=[("ann", "cat")], ignored=[("dan", "cat")])
    assert graph == pairs(4, similar=[(0, 1)], dissimilar=[(0, 2)], ignored=[(2, 3)])
    empty = pairs(ids=NAMES, similar=[], dissimilar=np.empty((0, 2)))
    assert (empty.n_similar, empty.n_dissimilar, empty.n_ignored) == (0, 0, 6)


def test_ids_of_an_array_longer_than_a_chunk(monkeypatch):
    monkeypatch.setattr(drlim.relations, "_CHUNK", 3)
    chain = np.column_stack([np.arange(10), np.arange(1, 11)]) * 5
    assert pairs(ids=range(0, 55, 5), similar=chain) == pairs(11, similar=chain // 5)


@quick
@given(st.data())
def test_ids_only_rename(data):
    n = data.draw(st.integers(2, 8))
    everything = list(combinations(range(n), 2))
    states = data.draw(st.lists(st.sampled_from([0, 1, 2, 3]), min_size=len(everything), max_size=len(everything)))
    similar, dissimilar, ignored = ([p for p, s in zip(everything, states, strict=True) if s == k] for k in range(3))
    order = data.draw(st.permutations(range(n)))
    plain = pairs(n, similar=similar, dissimilar=dissimilar, ignored=ignored)
    named = pairs(ids=list(order), similar=similar, dissimilar=dissimilar, ignored=ignored)
    assert named == relabelled(plain, order)


@pytest.mark.parametrize(
    ("message", "error", "arguments"),
    [
        ("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.", ValueError, {}),
        (
            "The 'n_samples' parameter of pairs must be an int in the range [1, inf) or None. Got 0 instead.",
            ValueError,
            {"n_samples": 0},
        ),
        (
            "Expected 'ids' to name 3 samples, as 'n_samples' says. Got 4 ids.",
            ValueError,
            {"n_samples": 3, "ids": NAMES},
        ),
        (
            "Expected 'ids' to name each sample once. Got 'b' at rows 1 and 3; 2 rows repeat an id.",
            ValueError,
            {"ids": ["a", "b", "c", "b", "b"]},
        ),
        ("Expected 'ids' to name each sample. Got None at row 1.", ValueError, {"ids": ["a", None]}),
        ("Expected 'ids' to name each sample. Got nan at row 0.", ValueError, {"ids": [np.nan, "a"]}),
        ("Expected 'ids' to name each sample. Got <NA> at row 1.", ValueError, {"ids": ["a", pd.NA]}),
        ("Expected 'ids' to name at least one sample. Got none.", ValueError, {"ids": []}),
        ("Expected 'ids' to be one hashable id for each sample. Got 'abc'.", TypeError, {"ids": "abc"}),
        ("Expected 'ids' to be one hashable id for each sample. Got 5.", TypeError, {"ids": 5}),
        ("Expected 'ids' to be one hashable id for each sample. Got {1}.", TypeError, {"ids": {1}}),
        (
            "Expected 'ids' to be one hashable id for each sample. Got an array of shape (2, 2) and dtype int64.",
            TypeError,
            {"ids": np.eye(2, dtype=np.int64)},
        ),
        ("Expected 'ids' to be one hashable id for each sample (", TypeError, {"ids": [["a"], ["b"]]}),
        (
            "Expected 'similar' to pair sample ids. Got 'eve' at row 1, which is not one of 'ids' (such as 'ann').",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob"), ("cat", "eve")]},
        ),
        (
            "Expected 'dissimilar' to pair sample ids. Got '2' at row 0, which is not one of 'ids' (such as 1).",
            ValueError,
            {"ids": [1, 2], "dissimilar": np.array([["2", "1"]])},
        ),
        *(
            (f"Expected 'similar' to pair sample ids. Got {unknown} at row 1, which", ValueError, arguments)
            for unknown in (1, 5, 99)
            for arguments in [{"ids": np.array([6, 3, 7]), "similar": np.array([[3, 7], [7, unknown]])}]
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2, 3).",
            ValueError,
            {"ids": np.arange(4), "similar": np.ones((2, 3), dtype=np.int64)},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (1, 3).",
            ValueError,
            {"ids": NAMES, "similar": np.array([["ann", "bob", "cat"]])},
        ),
        (
            "Expected 'similar' to be pairs of sample ids, shape (n_pairs, 2). Got (2,).",
            ValueError,
            {"ids": NAMES, "similar": np.array(["ann", "bob"])},
        ),
        (
            "Expected 'ignored' to be pairs of sample ids. Got ('ann', 'bob', 'cat') at row 1.",
            ValueError,
            {"ids": NAMES, "ignored": [("ann", "bob"), ("ann", "bob", "cat")]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 'ab' at row 0.",
            ValueError,
            {"ids": ["a", "b"], "similar": ["ab"]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids. Got 1 at row 0.",
            ValueError,
            {"ids": [1, 2], "similar": [1, 2]},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": 7},
        ),
        (
            "Expected 'similar' to be pairs of sample ids of shape (n_pairs, 2) (",
            TypeError,
            {"ids": NAMES, "similar": [(["ann"], "bob")]},
        ),
        (
            "Expected 'similar' to pair distinct samples. Got [2, 2] at row 0",
            ValueError,
            {"ids": NAMES, "similar": [("cat", "cat")]},
        ),
        (
            "1 pair is both 'similar' and 'dissimilar', first [0, 1]: give each pair one state.",
            ValueError,
            {"ids": NAMES, "similar": [("ann", "bob")], "dissimilar": [("bob", "ann")]},
        ),
        ("Expected 'similar' to hold indices in [0, 4)", ValueError, {"n_samples": 4, "similar": [(0, 4)]}),
    ],
)
def test_pairs_refuses(message, error, arguments):
    refuses(message, pairs, error=error, **{"similar": [], **arguments})


# orbit_graph


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


# label_graph


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
            "Expected 'y' to be 1-D, with a value for each of at least one sample. Got shape (2, 2).",
            ValueError,
            np.eye(2),
        ),
        ("Expected 'y' to be 1-D, with a value for each of at least one sample. Got shape (0,).", ValueError, []),
        ("Expected 'y' to be 1-D, with a value for each of at least one sample. Got None.", ValueError, None),
        ("Expected 'y' to hold numbers, strings or other hashable values", TypeError, [{1}, {2}]),
        ("Expected 'y' to hold class labels. Got complex numbers", ValueError, np.array([1j, 2j])),
        ("Expected 'y' to hold class labels. Got complex numbers", ValueError, [1j, 2]),
        ("Expected 'y' to hold no masked values. Got", ValueError, np.ma.array([0, 1, 0], mask=[0, 1, 0])),
    ],
)
def test_label_graph_refuses(message, error, y):
    refuses(message, label_graph, y, error=error)
