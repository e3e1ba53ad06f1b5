from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from drlim import NeighborhoodGraph, knn_graph
from drlim._base.row_sources import Mapped
from drlim._base.stored_rows import StoredRows
from drlim.neighbors import builders, cells
from drlim.relations import gather as module
from drlim.relations import label_graph, pairs
from drlim.relations.gather import (
    Neighbors,
    as_graph,
    check_targets,
    check_trainable,
    found_neighbors,
    overruled,
    with_labels,
    with_pairs,
)

CHAIN = NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2), (3, 4)])


def states(graph):
    return graph.similar.pairs().tolist(), graph.n_dissimilar, graph.n_ignored


def test_labels_overrule_neighbours_and_say_nothing_of_unlabelled_samples():
    # 0 and 1 are of one class, 2 of another: the link 1-2 is taken back, 3-4 stays, all else is dissimilar.
    graph = with_labels(CHAIN, [7, 7, 9, -1, -1])
    assert states(graph) == ([[0, 1], [3, 4]], 8, 0)
    assert graph.n_contradictions == 0


def test_labels_join_what_is_far_apart():
    assert with_labels(CHAIN, ["a", "b", "c", "c", "a"]).similar.pairs().tolist() == [[0, 4], [2, 3]]


def heard(y):
    labels = check_targets(y, 5)
    return None if labels is None else with_labels(CHAIN, labels)


@pytest.mark.parametrize(
    "y", [np.full(5, -1), [None] * 5, np.full(5, np.nan), pd.Series([pd.NA] * 5), np.full((5, 1), -1)]
)
def test_without_a_label_nothing_changes(y):
    assert heard(y) == CHAIN


@pytest.mark.parametrize(
    "y",
    [
        np.array([[0], [0], [1], [-1], [-1]]),
        [[0], [0], [1], [-1], [-1]],
        np.array([0.0, 0.0, 1.0, np.nan, np.nan]),
        [0.0, 0.0, 1.0, None, None],
        pd.Series([0, 0, 1, None, None], dtype="Int64"),
        pd.Categorical(["a", "a", "b", None, None]),
    ],
)
def test_labels_come_in_many_forms(y):
    assert heard(y) == with_labels(CHAIN, [0, 0, 1, -1, -1])


def test_a_tuple_is_a_label():
    assert heard([(1, 2), (1, 2), (2, 1), None, None]) == with_labels(CHAIN, [0, 0, 1, -1, -1])


@pytest.mark.parametrize(
    "y", [[0.5, 1.0, 2.0, 3.0, 4.0], [None, 0.3, 1.0, 2.0, 3.0], np.array([0.5] * 5, dtype=object)]
)
def test_a_continuous_target_is_left_out_and_said_to_be(y):
    with pytest.warns(UserWarning, match=re.escape("The values of 'y' are continuous")) as caught:
        assert heard(y) is None
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("y", "error", "sentence"),
    [
        ([0, 1, 2], ValueError, "Expected 'y' and 'X' to describe the same samples, one a row. Got 3 in 'y' and 5"),
        ([0.5, 0.1], ValueError, "Got 2 in 'y' and 5 in 'X'."),
        (np.zeros((5, 2)), ValueError, "Expected 'y' to be 1-D, one label a sample. Got an array of shape (5, 2)"),
        ([[0], [1, 2], [0], [0], [0]], TypeError, "hashable"),
        (np.ma.array([0, 0, 1, 1, 1], mask=[0, 0, 0, 0, 1]), ValueError, "Expected 'y' to hold no masked values."),
        ("abcde", ValueError, "'y'"),
    ],
)
def test_bad_labels_are_refused(y, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        heard(y)


def test_pairs_overrule_and_leave_the_rest():
    graph = with_pairs(CHAIN, {"similar": [(0, 4)], "dissimilar": [(0, 1)], "ignored": [(1, 2)]})
    assert states(graph) == ([[0, 4], [3, 4]], 7, 1)
    assert with_pairs(CHAIN, [(0, 4)]) == with_pairs(CHAIN, {"similar": [(0, 4)], "dissimilar": None})
    assert with_pairs(CHAIN, {"similar": None, "dissimilar": [(0, 1)]}).n_similar == 2


def test_a_graph_of_pairs_is_pairs():
    given = {"similar": [(0, 4)], "dissimilar": [(0, 1)]}
    assert with_pairs(CHAIN, pairs(5, **given)) == with_pairs(CHAIN, given)
    with pytest.raises(ValueError, match=re.escape("Got 4 in 'pairs' and 5 in 'X'.")):
        with_pairs(CHAIN, pairs(4, similar=[(0, 1)]))


def test_pairs_do_not_declare_the_rest_dissimilar():
    labels = label_graph([0, 0, 1, -1, -1])
    assert with_pairs(labels, [(3, 4)]).n_dissimilar == labels.n_dissimilar == 2


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"alike": [(0, 1)]}, "a dict of pairs by 'similar', 'dissimilar' and 'ignored'. Got the key 'alike'."),
        ({"similar": [(0, 1)], "dissimilar": [(1, 0)]}, "1 pair is both 'similar' and 'dissimilar'"),
        ([(0, 9)], "Expected 'similar' to hold indices in [0, 5)"),
    ],
)
def test_bad_pairs_are_refused(given, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        with_pairs(CHAIN, given)


def test_names_are_told_where_to_go():
    with pytest.raises(TypeError, match=re.escape("give drlim.pairs(ids=..., similar=...)")):
        with_pairs(CHAIN, [("ann", "bob")])


def test_the_statement_prevails_in_each_state():
    statement = NeighborhoodGraph.from_pairs(5, [(0, 2)], dissimilar=[(0, 1)], ignored=[(3, 4)])
    graph = overruled(CHAIN, statement)
    assert states(graph) == ([[0, 2], [1, 2]], 7, 1)
    assert graph.n_contradictions == 0


def test_only_graphs_and_sparse_matrices_of_the_right_size_are_graphs():
    assert as_graph(CHAIN, 5) is CHAIN
    assert as_graph(CHAIN.to_csr(), 5) == CHAIN
    with pytest.raises(ValueError, match=re.escape("as many samples as 'X'. Got 5 and 6.")):
        as_graph(CHAIN, 6)
    with pytest.raises(ValueError, match=re.escape("Got shape (3, 5). A search cuts its rows only: give it Neigh")):
        as_graph(CHAIN.to_csr()[:3], 3)
    with pytest.raises(TypeError, match=re.escape("must be a NeighborhoodGraph, a sparse matrix or None")):
        as_graph([(0, 1)], 5)


def test_what_cannot_train_is_refused():
    check_trainable(CHAIN)
    with pytest.raises(ValueError, match=re.escape("to have similar pairs. Got none")):
        check_trainable(NeighborhoodGraph.from_pairs(3, []))
    with pytest.raises(ValueError, match=re.escape("to have dissimilar pairs. Got none")):
        check_trainable(NeighborhoodGraph.from_pairs(2, [(0, 1)]))


def test_neighbours_of_very_many_samples_are_found_by_cells(monkeypatch):
    monkeypatch.setattr(cells, "_CELL_ROWS", 20)
    monkeypatch.setattr(builders, "_EXACT_ROWS", 0)
    X = np.random.default_rng(0).normal(size=(600, 12)).astype(np.float32)
    exact = found_neighbors(X, Neighbors(4))
    assert exact == found_neighbors(StoredRows(Mapped(X)), Neighbors(4)) == knn_graph(X, 4, algorithm="exact")
    monkeypatch.setattr(module, "_EXACT_ROWS", 599)
    by_cells = found_neighbors(X, Neighbors(4))
    assert by_cells == found_neighbors(StoredRows(Mapped(X)), Neighbors(4)) == knn_graph(X, 4, algorithm="cells")
    assert by_cells != exact
