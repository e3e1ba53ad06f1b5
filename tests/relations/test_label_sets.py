"""Several labels a sample: by hand, the literal loop, all forms, refusals, and as relations of a fit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.builders import listed, refuses, relabelled
from tests.relations.test_labels import states

from drlim import DrLIM, NeighborMap, knn_graph, label_graph

quick = settings(max_examples=60, deadline=None)
UNKNOWN = np.nan


def test_by_hand():
    graph = label_graph([{"cat", "night"}, {"dog", "night"}, {"cat"}, None, set()])
    assert listed(graph) == [[0, 1], [0, 2]]
    assert graph.dissimilar.pairs().tolist() == [[0, 4], [1, 2], [1, 4], [2, 4]]
    assert (graph.n_ignored, graph.rest) == (4, "ignored")


MATRIX = [[1, 1, 0], [0, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    "y",
    [
        [{0, 1}, {1}, {2}],
        [frozenset({0, 1}), {1}, {2}],
        ({0, 1}, {1}, {2}),
        pd.Series([{0, 1}, {1}, {2}]),
        np.array([{0, 1}, {1}, {2}], dtype=object),
        np.array(MATRIX),
        np.array(MATRIX, dtype=bool),
        np.array(MATRIX, dtype=float),
        MATRIX,
        pd.DataFrame(MATRIX),
        sparse.csr_matrix(MATRIX),
        sparse.coo_array(MATRIX),
    ],
)
def test_all_forms(y):
    assert states(label_graph(y)) == ["similar", "dissimilar", "dissimilar"]


def test_what_may_or_may_not_be_shared_is_ignored():
    # 0 has a, and perhaps b; 1 has b; 2 has neither, and perhaps c; of 3 nothing is known.
    y = np.array([[1, UNKNOWN, 0], [0, 1, 0], [0, 0, -1], [UNKNOWN] * 3])
    assert states(label_graph(y)) == ["ignored", "dissimilar", "ignored", "dissimilar", "ignored", "ignored"]
    assert states(label_graph(pd.DataFrame({"a": [1, 1, 0], "b": [pd.NA, 0, 1]}, dtype="Int64"))) == [
        "similar",
        "ignored",
        "dissimilar",
    ]


@quick
@given(st.lists(st.one_of(st.none(), st.sets(st.integers(0, 3))), min_size=1, max_size=9), st.randoms())
def test_is_the_literal_loop_and_commutes_with_relabelling(y, random):
    if all(one is None for one in y):
        return  # no set: all labels are missing, as in a list of classes
    graph = label_graph(y)
    assert states(graph) == [
        "ignored" if a is None or b is None else "similar" if a & b else "dissimilar" for a, b in combinations(y, 2)
    ]
    order = random.sample(range(len(y)), len(y))
    assert label_graph([y[k] for k in order]) == relabelled(graph, order)


@quick
@given(st.data())
def test_a_matrix_is_the_literal_loop(data):
    n, c = data.draw(st.integers(1, 6)), data.draw(st.integers(2, 4))
    y = np.array(
        data.draw(st.lists(st.lists(st.sampled_from([0, 1, np.nan]), min_size=c, max_size=c), min_size=n, max_size=n))
    )
    wanted = []
    for a, b in combinations(y, 2):
        is_known = not (np.isnan(a).all() or np.isnan(b).all())
        both = [(x, z) for x, z in zip(a, b, strict=True)]
        share = any(x == z == 1 for x, z in both)
        perhaps = any(x != 0 and z != 0 for x, z in both)
        wanted.append("similar" if share else "ignored" if perhaps or not is_known else "dissimilar")
    assert states(label_graph(y)) == wanted


def test_labels_of_samples_with_one_each_are_classes():
    y = np.random.default_rng(0).integers(0, 4, 30)
    assert label_graph([{label} for label in y.tolist()]) == label_graph(y)


def test_many_samples_of_few_labels_are_refused_before_they_are_listed():
    y = sparse.csr_array(np.ones((100_000, 2)))
    refuses("These relations would list 1.0e+10 pairs, which do not fit into memory; at most 1e+09", label_graph, y)


@pytest.mark.parametrize(
    ("message", "error", "y"),
    [
        (
            "a set of labels for each sample, or None where they are unknown. Got 3 at row 1: write {label}",
            TypeError,
            [{1}, 3],
        ),
        (
            "or a row of 0 and 1. Got rows of other values: write [set(labels) for labels in y].",
            TypeError,
            [[1, 2], [3]],
        ),
        ("Got rows of other values: write [set(labels) for", TypeError, [["a", "b"], ["c", "d"]]),
        (
            "hold 0 and 1, a column for each label, and NaN where it is unknown. Got 2: give",
            ValueError,
            np.array([[1, 2]]),
        ),
        (
            "Got 0.5: give several labels of a sample as a set, and continuous values to t",
            ValueError,
            np.full((2, 2), 0.5),
        ),
        ("Expected the sets in 'y' to hold labels. Got None at row 1, which stands for an", ValueError, [{1}, {None}]),
        (
            "Expected the sets in 'y' to hold labels. Got -1 at row 0, which stands for an unknown label: write None",
            ValueError,
            [{-1}],
        ),
        ("to have a column for each of two labels or more. Got shape (3, 1).", ValueError, np.zeros((3, 1))),
        ("to have a column for each of two labels or more. Got shape (0, 2).", ValueError, np.zeros((0, 2))),
        ("Expected 'y' to hold no masked values. Got", ValueError, np.ma.array(np.eye(2), mask=np.eye(2))),
    ],
)
def test_refusals(message, error, y):
    refuses(message, label_graph, y, error=error)


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_a_fit_takes_them_as_pairs_beside_the_neighbours(estimator):
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = [{0}, {0, 1}, {2}, *[None] * 37]
    model = estimator(max_epochs=1, random_state=0).fit(X, pairs=label_graph(y))
    first = set(model.graph_.neighbors(0).tolist())
    assert 1 in first
    assert 2 not in first
    assert len(first) > 1


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
@pytest.mark.parametrize("y", [[{0}, {1}] * 20, np.zeros((40, 2), dtype=int), pd.DataFrame(np.zeros((40, 2)))])
def test_a_fit_says_how_to_state_them(estimator, y):
    refuses("pairs=drlim.label_graph(y)", estimator().fit, np.zeros((40, 3)), y, error=(TypeError, ValueError))


def test_they_overrule_neighbours_as_labels_do():
    knn = knn_graph([[0.0], [1.0], [5.0], [6.0]], 1)
    labels = label_graph([{3}, {7}, {3, 4}, None])
    assert listed((knn - ~labels) | labels) == [[0, 2], [2, 3]]
