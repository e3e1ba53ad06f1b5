"""Graphs from index pairs, matrices and networkx graphs, and their refusals."""

from __future__ import annotations

import re
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from tests.graph.drawing import KINDS

from drlim import NeighborhoodGraph


@pytest.mark.parametrize(
    "matrix",
    [
        [[0, 1, 0], [0, 0, 0], [0, 2, 0]],
        np.array([[7.5, 9, 0], [1, 0, 0], [0, 1e-300, 0]]),
        np.array([[0, 1, 0], [1, 0, 1], [0, 0, 1]], dtype=bool),
        pd.DataFrame([[0, 1, 0], [1, 0, 1], [0, 1, 0]]),
        sparse.csr_array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]),
        sparse.csc_matrix([[0, 0.5, 0], [0, 0, 0.5], [0, 0, 0]]),
        sparse.coo_array(([3, 3, 1], ([1, 1, 1], [0, 0, 2])), shape=(3, 3)),
        sparse.csr_array(([1, 1, 0], ([0, 1, 0], [1, 2, 2])), shape=(3, 3)),
    ],
)
def test_from_a_matrix_in_any_form(matrix):
    """Weights, direction, the diagonal and stored zeros do not matter."""
    graph = NeighborhoodGraph.from_csr(matrix)
    assert graph == NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])


def test_entries_that_cancel_are_no_pair():
    both = sparse.coo_array(([1.0, -1.0, 2.0], ([0, 0, 1], [1, 1, 2])), shape=(3, 3))
    assert NeighborhoodGraph.from_csr(both).similar.pairs().tolist() == [[1, 2]]
    assert both.nnz == 3


@pytest.mark.parametrize(
    ("dtype", "entries", "weight"),
    [(np.uint8, [128, 128], 256), (np.int8, [100, 100], 200), (np.uint8, [200, 100], 300), (bool, [True, True], 2)],
)
def test_entries_are_added_up_beyond_their_own_type(dtype, entries, weight):
    matrix = sparse.coo_array((np.array(entries, dtype=dtype), ([0, 0], [1, 1])), shape=(2, 2))
    assert NeighborhoodGraph.from_csr(matrix).n_similar == 1
    assert NeighborhoodGraph.from_csr(matrix, weighted=True).similar.pair_weights().tolist() == [weight]
    assert matrix.nnz == 2


def test_entries_that_add_up_to_infinity_are_refused():
    matrix = sparse.coo_array(([1e308, 1e308], ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(ValueError, match=r"^Expected 'matrix' to hold finite real numbers\."):
        NeighborhoodGraph.from_csr(matrix)


FINITE = "Expected 'matrix' to hold finite real numbers. Got"
SQUARE = "Expected 'matrix' to be square (n_samples, n_samples). Got shape"


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3)), f"{SQUARE} (2, 3)."),
        (sparse.csr_array((3, 2)), f"{SQUARE} (3, 2)."),
        ([0, 1], f"{SQUARE} (1, 2)."),
        (np.zeros((2, 2, 2)), f"{SQUARE} (2, 2, 2)."),
        ([[0, np.nan], [0, 0]], f"{FINITE} an array of shape (2, 2) and dtype float64."),
        (sparse.csr_array([[0, np.inf], [0, 0]]), f"{FINITE} an array of shape (2, 2) and dtype float64."),
        (np.eye(2) * 1j, f"{FINITE} an array of shape (2, 2) and dtype complex128."),
        (np.array([[0, None], [None, 0]]), f"{FINITE} an array of shape (2, 2) and dtype object."),
        ([["a", "b"], ["c", "d"]], f"{FINITE} [['a', 'b'], ['c', 'd']]."),
        ([[0, 1], [1]], f"{FINITE} [[0, 1], [1]]."),
        (None, f"{FINITE} None."),
    ],
)
def test_bad_matrices(matrix, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NeighborhoodGraph.from_csr(matrix)


def test_a_weighted_matrix_and_back():
    matrix = sparse.csr_array([[7, 0.5, 0], [2, 0, 0], [0, 3, 0]])
    graph = NeighborhoodGraph.from_csr(matrix, weighted=True)
    assert graph.similar.pair_weights().tolist() == [2.0, 3.0]  # the larger of two entries
    assert graph.to_csr(weighted=True).toarray().tolist() == [[0, 2, 0], [2, 0, 3], [0, 3, 0]]
    assert NeighborhoodGraph.from_csr(graph.to_csr(weighted=True), weighted=True) == graph
    assert graph.to_csr().dtype == bool
    for weighted in (True, False):
        with pytest.raises(ValueError, match=r"^Expected 'matrix' to hold no negative entry. Got -1.0.* abs\(matrix\)"):
            NeighborhoodGraph.from_csr([[0, -1.0], [0, 0]], weighted=weighted)
    assert NeighborhoodGraph.from_csr([[-1.0, 2.0], [0, -3.0]]).n_similar == 1  # the diagonal is dropped
    with pytest.raises(ValueError, match=r"^The 'weighted' parameter of NeighborhoodGraph.from_csr must be"):
        NeighborhoodGraph.from_csr(matrix, weighted="yes")


@pytest.mark.parametrize("kind", [nx.Graph, nx.DiGraph, nx.MultiGraph, nx.MultiDiGraph])
def test_from_networkx_of_any_kind(kind):
    given = kind()
    given.add_nodes_from("cab")
    given.add_edge("c", "b", strength=2.0)
    given.add_edge("b", "a")
    given.add_edge("a", "a")
    graph = NeighborhoodGraph.from_networkx(given)
    assert graph == NeighborhoodGraph.from_pairs(3, [(0, 2), (1, 2)])  # c, a, b: as added
    weighted = NeighborhoodGraph.from_networkx(given, nodelist=["a", "b", "c"], weight="strength")
    assert weighted == NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=[1.0, 2.0])
    assert NeighborhoodGraph.from_networkx(given, nodelist=["c", "b"]) == NeighborhoodGraph.from_pairs(2, [(0, 1)])


@pytest.mark.parametrize("weight", [0, -1.0, np.nan, np.inf, 1e101, "3", None, True, 10**400, 1j])
def test_from_networkx_with_bad_weights(weight):
    given = nx.Graph()
    given.add_edge(0, 1, strength=weight)
    with pytest.raises(
        ValueError, match=r"^Expected the edges' 'strength' to be finite numbers above 0, up to 1e\+100. Got"
    ):
        NeighborhoodGraph.from_networkx(given, weight="strength")


@pytest.mark.parametrize(
    ("given", "nodelist", "error", "message"),
    [
        ([(0, 1)], None, TypeError, "Expected 'graph' to be a networkx graph. Got [(0, 1)]."),
        (nx.Graph(), None, ValueError, "Expected 'graph' to have nodes, one for each sample. Got none."),
        (nx.path_graph(3), [0, 7], ValueError, "Expected 'nodelist' to hold nodes of 'graph'. Got 7, which is"),
        (nx.path_graph(3), [0, 1, 1], ValueError, "Expected 'nodelist' to hold distinct nodes. Got 1 repeated."),
        (nx.path_graph(3), 3, TypeError, "Expected 'nodelist' to be a sequence of nodes, one for each sample. Got 3."),
        (
            nx.path_graph(3),
            {0, 1},
            TypeError,
            "Expected 'nodelist' to be a sequence of nodes, one for each sample. Got",
        ),
        (nx.Graph, None, TypeError, "Expected 'graph' to be a networkx graph. Got the class Graph itself: call it."),
        (nx.path_graph(3), [[0]], TypeError, "Expected 'nodelist' to hold nodes of 'graph'. Got one that"),
    ],
)
def test_bad_networkx_graphs(given, nodelist, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_networkx(given, nodelist=nodelist)


@pytest.mark.parametrize(("first", "second"), list(combinations(KINDS, 2)))
def test_a_pair_in_two_states(first, second):
    lists = {"similar": [], first: [(3, 1), (0, 2), (0, 3)], second: [(1, 3), (2, 0), (1, 2)]}
    message = f"2 pairs are both '{first}' and '{second}', first [0, 2]: give each pair one state."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NeighborhoodGraph.from_pairs(4, **lists)


def test_weights_of_pairs_that_are_not_given():
    with pytest.raises(ValueError, match=r"^Expected 'dissimilar_weights' together with 'dissimilar'"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)], dissimilar_weights=[1.0])
