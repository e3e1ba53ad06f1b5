"""Continuous targets: by hand, the literal loop, equal targets, unknown ones, refusals, and as relations of a fit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.builders import listed, refuses
from tests.relations.test_labels import states

from drlim import DrLIM, NeighborMap, knn_graph, target_graph

quick = settings(max_examples=60, deadline=None)


def test_a_radius_by_hand():
    graph = target_graph([1.0, 1.5, 5.0, None, 5.5], radius=0.5)
    assert listed(graph) == [[0, 1], [2, 4]]
    assert (graph.n_dissimilar, graph.n_ignored, graph.rest) == (4, 4, "ignored")


def test_neighbours_by_hand():
    # Of the distinct values 1, 2, 9 the nearest to 9 is 2. The equal ones are similar, too.
    graph = target_graph([1, 1, 2, 9], n_neighbors=1)
    assert listed(graph) == [[0, 1], [0, 2], [1, 2], [2, 3]]


def test_copies_do_not_use_up_the_neighbours():
    graph = target_graph(np.repeat([1.0, 2.0, 3.0, 4.0], 20), n_neighbors=1)
    assert graph.describe(verbose=False).components == 1


@quick
@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=2, max_size=9), st.integers(0, 4))
def test_a_radius_is_the_literal_loop(y, radius):
    if all(one is None for one in y):
        return
    assert states(target_graph(y, radius=radius)) == [
        "ignored" if a is None or b is None else "similar" if abs(a - b) <= radius else "dissimilar"
        for a, b in combinations(y, 2)
    ]


def test_distinct_values_have_the_neighbours_of_a_neighbour_graph():
    y = np.random.default_rng(0).normal(size=(60, 2))
    assert listed(target_graph(y, n_neighbors=4)) == listed(knn_graph(y, 4))


@pytest.mark.parametrize(
    "y",
    [
        [1.0, float("nan"), 1.5],
        np.array([1.0, np.nan, 1.5], dtype=np.float32),
        pd.Series([1.0, None, 1.5], dtype="Float64"),
        [[1.0, 0.0], [1.0, None], [1.5, 0.0]],
        pd.DataFrame({"a": [1.0, 1.0, 1.5], "b": [0.0, np.nan, 0.0]}),
    ],
)
def test_samples_of_unknown_target_are_left_out(y):
    assert states(target_graph(y, radius=1)) == ["ignored", "similar", "ignored"]


@pytest.mark.parametrize(
    ("message", "y", "how"),
    [
        (
            "Expected one of 'n_neighbors' and 'radius' of target_graph. Got n_neighbors=None and radius=None.",
            [1, 2],
            {},
        ),
        ("Got n_neighbors=1 and radius=2.", [1, 2], {"n_neighbors": 1, "radius": 2}),
        ("to be less than the number of distinct targets in 'y', 2. Got 2: give", [1, 2, 2], {"n_neighbors": 2}),
        ("The 'n_neighbors' parameter of target_graph must be an int in the range [1", [1, 2], {"n_neighbors": 0}),
        ("The 'radius' parameter of target_graph must be a float in the range [0.0, inf).", [1, 2], {"radius": -1}),
        ("Got ['a', 'b']: give classes and sets of labels to label_graph, and dates as n", ["a", "b"], {"radius": 1}),
        ("Got [1j, 2]: give classes", [1j, 2], {"radius": 1}),
        ("dtype datetime64[D]: give classes", np.array(["2026-01-01"], dtype="M8[D]"), {"radius": 1}),
        ("Got [inf] at row 1: infinite, or beyond 1e+140.", [1, np.inf], {"radius": 1}),
        ("Expected 'y' to hold a known target. Got 2 samples, all of them unknown.", [None, np.nan], {"radius": 1}),
        ("with NaN where it is unknown. Got shape (0,).", [], {"radius": 1}),
        ("with NaN where it is unknown. Got shape (2, 2, 2).", np.zeros((2, 2, 2)), {"radius": 1}),
        ("Expected 'y' to hold no masked values. Got", np.ma.array([1.0, 2.0], mask=[0, 1]), {"radius": 1}),
    ],
)
def test_refusals(message, y, how):
    refuses(message, target_graph, y, error=(TypeError, ValueError), **how)


def test_too_many_pairs_are_refused_before_they_are_made():
    refuses("These relations would list 5.0e+09 pairs", target_graph, np.zeros(100_000), radius=1.0)


def test_the_map_follows_the_target():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 10))
    y = X[:, 0] + 0.05 * rng.normal(size=300)
    graph = target_graph(y[:200], n_neighbors=10)
    model = DrLIM(1, random_state=0, max_epochs=60, encoder="linear").fit(X[:200], pairs=graph)
    assert abs(np.corrcoef(model.transform(X[200:])[:, 0], y[200:])[0, 1]) > 0.9


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_a_fit_says_how_to_state_them(estimator):
    X = np.random.default_rng(0).normal(size=(40, 3))
    with pytest.warns(
        UserWarning, match=r"The values of 'y' are continuous .* pairs=drlim\.target_graph\(y, n_neighbors"
    ):
        estimator(max_epochs=1, random_state=0).fit(X, X[:, 0])
    refuses("continuous columns by pairs=drlim.target_graph(y, n_neighbors=...)", estimator().fit, X, X[:, :2])
    state = target_graph(np.where(np.arange(40) < 30, X[:, 0], np.nan), n_neighbors=3)
    assert estimator(max_epochs=1, random_state=0).fit(X, pairs=state).graph_.n_samples == 40
