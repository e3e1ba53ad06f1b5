"""`NeighborhoodGraph`: cases solved by hand, literal sets of pairs, refusals."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
import tracemalloc
from itertools import combinations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing

from drlim import ModelFileError, NeighborhoodGraph
from drlim._base.sealed import KEY, metadata_text, sealed
from drlim.graph.blocks import Blocks
from drlim.graph.components import count_components
from drlim.graph.file import arrays_of
from drlim.graph.pairset import PairSet

quick = settings(max_examples=60, deadline=None)

KINDS = ("similar", "dissimilar", "ignored")


def as_sets(graph: NeighborhoodGraph) -> dict[str, set[tuple[int, int]]]:
    """State of every pair, literally: which pairs are in each."""
    everything = set(combinations(range(graph.n_samples), 2))
    listed = {kind: {tuple(pair) for pair in getattr(graph, kind).pairs().tolist()} for kind in KINDS}
    rest = everything - listed["similar"] - listed["dissimilar"] - listed["ignored"]
    assert not (rest and graph.rest == "dissimilar")
    listed["ignored"] |= rest
    return listed


@st.composite
def graphs(draw: st.DrawFn, max_samples: int = 9) -> NeighborhoodGraph:
    """Any graph: each pair is listed in one of the states or in none, in either direction."""
    n = draw(st.integers(1, max_samples))
    pairs = list(combinations(range(n), 2))
    states = draw(st.lists(st.sampled_from([*KINDS, None]), min_size=len(pairs), max_size=len(pairs)))
    turned = draw(st.lists(st.booleans(), min_size=len(pairs), max_size=len(pairs)))
    listed: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
    for (i, j), state, turn in zip(pairs, states, turned, strict=True):
        if state is not None:
            listed[state].append((j, i) if turn else (i, j))
    given_kinds = {kind: listed[kind] or None for kind in ("dissimilar", "ignored")}
    return NeighborhoodGraph.from_pairs(n, listed["similar"], **given_kinds)


def test_three_samples_by_hand():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 2)])
    assert graph.similar.indptr.tolist() == [0, 1, 1, 2]
    assert graph.similar.indices.tolist() == [2, 0]
    assert [graph.neighbors(i).tolist() for i in range(3)] == [[2], [], [0]]
    assert graph.similar.degrees.tolist() == [1, 0, 1]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (1, 2, 0)
    assert repr(graph) == "NeighborhoodGraph(n_samples=3, similar=1, dissimilar=2, ignored=0)"


def test_lattice_by_hand():
    """A 5 x 5 grid whose horizontal and vertical neighbours are similar."""
    place = np.arange(25).reshape(5, 5)
    across = np.column_stack([place[:, 1:].ravel(), place[:, :-1].ravel()])
    down = np.column_stack([place[:-1].ravel(), place[1:].ravel()])
    graph = NeighborhoodGraph.from_pairs(25, np.concatenate([across, down]))
    assert graph.neighbors(0).tolist() == [1, 5]
    assert graph.neighbors(12).tolist() == [7, 11, 13, 17]
    assert graph.neighbors(24).tolist() == [19, 23]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (40, 260, 0)


def test_order_direction_and_repetition_do_not_matter():
    plain = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 3), (2, 3)])
    muddled = NeighborhoodGraph.from_pairs(4, [(3, 2), (1, 0), (3, 1), (0, 1), (2, 3), (1, 0)])
    assert muddled == plain
    assert muddled.similar.pairs().tolist() == [[0, 1], [1, 3], [2, 3]]
    assert muddled.neighbors(3).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("explicit", "ignored", "counts"),
    [
        (None, None, (1, 5, 0)),
        (None, [(2, 3)], (1, 4, 1)),
        ([(0, 2)], None, (1, 1, 4)),
        ([(0, 2)], [(2, 3)], (1, 1, 4)),
    ],
)
def test_what_is_not_listed_is_dissimilar_unless_those_are_listed(explicit, ignored, counts):
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=explicit, ignored=ignored)
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == counts


@quick
@given(graphs())
def test_every_pair_is_in_one_state(graph):
    n = graph.n_samples
    sets = as_sets(graph)
    assert graph.n_similar == len(sets["similar"])
    assert graph.n_dissimilar == len(sets["dissimilar"])
    assert graph.n_ignored == len(sets["ignored"])
    assert graph.n_similar + graph.n_dissimilar + graph.n_ignored == n * (n - 1) // 2


@quick
@given(graphs())
def test_rows_are_symmetric_sorted_and_without_loops(graph):
    for pairs in (graph.similar, graph.stated_dissimilar, graph.ignored):
        assert pairs.indptr.dtype == pairs.indices.dtype == np.int64
        rows = [pairs.indices[a:b].tolist() for a, b in zip(pairs.indptr[:-1], pairs.indptr[1:], strict=True)]
        assert all(row == sorted(set(row)) for row in rows)
        assert all(i in rows[j] and i != j for i, row in enumerate(rows) for j in row)
        assert pairs.n_pairs == len(pairs.pairs())
        assert pairs.degrees.tolist() == [len(row) for row in rows]


@quick
@given(graphs(), st.data())
def test_subgraph_is_the_literal_one(graph, data):
    samples = data.draw(st.lists(st.integers(0, graph.n_samples - 1), unique=True))
    position = np.full(graph.n_samples, -1, dtype=np.int64)
    expected = {
        kind: {
            (a, b) for a, b in combinations(range(len(samples)), 2) if tuple(sorted((samples[a], samples[b]))) in pairs
        }
        for kind, pairs in as_sets(graph).items()
    }
    part = graph.subgraph(np.array(samples, dtype=np.int64), position)
    assert part.n_samples == len(samples)
    assert as_sets(part) == expected
    assert (position == -1).all()
    assert graph.subgraph(np.array(samples, dtype=np.int64)) == part
    assert part.rest == graph.rest


def test_subgraph_renumbers_in_the_order_given():
    graph = NeighborhoodGraph.from_pairs(6, [(0, 5), (5, 2), (1, 3)], dissimilar=[(0, 2), (3, 4)], ignored=[(2, 3)])
    part = graph.subgraph(np.array([5, 3, 2, 0]))
    assert part.similar.pairs().tolist() == [[0, 2], [0, 3]]
    assert part.dissimilar.pairs().tolist() == [[2, 3]]
    assert part.ignored.pairs().tolist() == [[1, 2]]


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


@quick
@given(graphs())
def test_to_a_matrix_and_back(graph):
    matrix = graph.to_csr()
    assert matrix.dtype == bool
    assert matrix.shape == (graph.n_samples, graph.n_samples)
    assert (matrix != matrix.T).nnz == 0
    assert matrix.diagonal().sum() == 0
    assert NeighborhoodGraph.from_csr(matrix) == NeighborhoodGraph.from_sets(graph.n_samples, graph.similar)


def test_a_matrix_given_away_is_ones_own():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    matrix = graph.to_csr()
    matrix.indices[:] = 2
    matrix.data[:] = False
    assert graph == NeighborhoodGraph.from_pairs(3, [(0, 1)])


def test_the_pairs_given_are_copied():
    pairs = np.array([[0, 1]])
    graph = NeighborhoodGraph.from_pairs(3, pairs)
    pairs[:] = 2
    assert graph.similar.pairs().tolist() == [[0, 1]]


def _repickled(graph: NeighborhoodGraph) -> NeighborhoodGraph:
    copied: NeighborhoodGraph = pickle.loads(pickle.dumps(graph))  # noqa: S301 - this test's own
    return copied


@pytest.mark.parametrize("remake", [lambda graph: graph, copy.deepcopy, _repickled])
def test_nothing_can_be_changed(remake):
    graph = remake(NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)], dissimilar=[(0, 3)], ignored=[(2, 3)]))
    assert graph == NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)], dissimilar=[(0, 3)], ignored=[(2, 3)])
    for pairs in (graph.similar, graph.dissimilar, graph.ignored):
        for array in (pairs.indptr, pairs.indices):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        graph.neighbors(1)[0] = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.n_samples = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.similar.indices = np.zeros(2, dtype=np.int64)


def test_equal_graphs_hash_alike_and_others_differ():
    pairs = {"similar": [(0, 1)], "dissimilar": [(0, 2)], "ignored": [(1, 3)]}
    graph = NeighborhoodGraph.from_pairs(4, **pairs)
    assert graph == NeighborhoodGraph.from_pairs(4, **pairs)
    assert hash(graph) == hash(NeighborhoodGraph.from_pairs(4, **pairs))
    assert graph != NeighborhoodGraph.from_pairs(5, **pairs)
    for kind in KINDS:
        assert graph != NeighborhoodGraph.from_pairs(4, **{**pairs, kind: [(2, 3)]})
    for kind in KINDS[1:]:
        assert graph != NeighborhoodGraph.from_pairs(4, **{**pairs, kind: None})
    assert graph != "graph"
    assert (graph == graph.to_csr()) is False
    assert graph != sparse.coo_matrix((4, 4))


@pytest.mark.parametrize("nothing", [[], (), np.empty((0, 2)), np.empty((0, 2), dtype=int), [[]]])
def test_a_graph_may_have_no_similar_pair(nothing):
    graph = NeighborhoodGraph.from_pairs(3, nothing)
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (0, 3, 0)
    assert graph.neighbors(0).tolist() == []
    assert graph.similar.pairs().shape == (0, 2)
    assert NeighborhoodGraph.from_csr(np.zeros((3, 3))) == graph


def test_one_sample_has_no_pairs():
    graph = NeighborhoodGraph.from_pairs(np.int64(1), [])
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (0, 0, 0)
    assert graph.to_csr().shape == (1, 1)
    assert graph.neighbors(0).tolist() == []


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.uint64, np.float32, np.float64])
def test_indices_of_any_whole_type(dtype):
    graph = NeighborhoodGraph.from_pairs(101, np.array([[100, 0], [99, 100]], dtype=dtype))
    assert graph.similar.pairs().tolist() == [[0, 100], [99, 100]]


def test_many_samples_cost_what_their_pairs_cost():
    n = 3_000_000  # products of indices pass 2^32
    graph = NeighborhoodGraph.from_pairs(n, np.array([[n - 1, n - 2], [0, n - 1]], dtype=np.int32))
    assert graph.similar.pairs().tolist() == [[0, n - 1], [n - 2, n - 1]]
    assert graph.n_dissimilar == n * (n - 1) // 2 - 2


OF_SHAPE = "Expected 'similar' to be index pairs of shape (n_pairs, 2). Got"
INSIDE = "Expected 'similar' to hold indices in [0, 4), one for each of 4 samples. Got"
WHOLE = "Expected 'similar' to hold whole, finite indices. Got"
INTEGERS = "Expected 'similar' to hold integer sample indices. Got"


@pytest.mark.parametrize(
    ("pairs", "error", "message"),
    [
        (None, ValueError, f"{OF_SHAPE} None."),
        (3, ValueError, f"{OF_SHAPE} 3."),
        ([0, 1], ValueError, f"{OF_SHAPE} an array of shape (2,) and dtype int64."),
        ([(0, 1, 2)], ValueError, f"{OF_SHAPE} an array of shape (1, 3) and dtype int64."),
        (np.zeros((2, 2, 2), dtype=int), ValueError, f"{OF_SHAPE} an array of shape (2, 2, 2) and dtype int64."),
        ([(0, 1), (2,)], ValueError, f"{OF_SHAPE} [(0, 1), (2,)]."),
        ([(0, 1), (1, 4)], ValueError, f"{INSIDE} [1, 4] at row 1."),
        ([(0, 1), (-1, 2)], ValueError, f"{INSIDE} [-1, 2] at row 1."),
        ([(0.0, 2.0**70)], ValueError, f"{INSIDE} [0.0, {2.0**70}] at row 0."),
        ([(0, 1), (0.5, 2)], ValueError, f"{WHOLE} [0.5, 2.0] at row 1."),
        ([(0, np.nan)], ValueError, f"{WHOLE} [0.0, nan] at row 0."),
        ([(0, 1), (2, np.inf)], ValueError, f"{WHOLE} [2.0, inf] at row 1."),
        (
            [(0, 1), (2, 2)],
            ValueError,
            "Expected 'similar' to pair distinct samples. Got [2, 2] at row 1: drop such rows.",
        ),
        (np.array([(0, 1)], dtype=object), TypeError, f"{INTEGERS} an array of shape (1, 2) and dtype object."),
        ([("0", "1")], TypeError, f"{INTEGERS} an array of shape (1, 2) and dtype <U1."),
        ([(0, 1j)], TypeError, f"{INTEGERS} an array of shape (1, 2) and dtype complex128."),
        ([(False, True)], TypeError, f"{INTEGERS} an array of shape (1, 2) and dtype bool."),
    ],
)
def test_bad_pairs(pairs, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        NeighborhoodGraph.from_pairs(4, pairs)


@pytest.mark.parametrize("kind", ["dissimilar", "ignored"])
def test_bad_pairs_are_named_by_their_parameter(kind):
    with pytest.raises(ValueError, match=f"^Expected '{kind}' to pair distinct samples"):
        NeighborhoodGraph.from_pairs(4, [(0, 1)], **{kind: [(3, 3)]})


@pytest.mark.parametrize(("first", "second"), list(combinations(KINDS, 2)))
def test_a_pair_in_two_states(first, second):
    lists = {"similar": [], first: [(3, 1), (0, 2), (0, 3)], second: [(1, 3), (2, 0), (1, 2)]}
    message = f"2 pairs are both '{first}' and '{second}', first [0, 2]: give each pair one state."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        NeighborhoodGraph.from_pairs(4, **lists)


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, "3", None, True])
def test_bad_n_samples(n_samples):
    message = f"The 'n_samples' parameter of NeighborhoodGraph must be an int in the range [1, inf). Got {n_samples!r} "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(n_samples, [])


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


@pytest.mark.parametrize("sample", [-1, 3, 0.0, None, True])
def test_neighbors_of_a_sample_that_is_not_there(sample):
    message = (
        f"The 'sample' parameter of NeighborhoodGraph.neighbors must be an int in the range [0, 2]. Got {sample!r} "
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)]).neighbors(sample)


@pytest.mark.parametrize(
    ("samples", "error", "message"),
    [
        ([0, 3], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got 3 at place 1."),
        ([-1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got -1 at place 0."),
        ([0, 1, 1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got 1 more than once."),
        (np.array([2**64 - 1], dtype=np.uint64), ValueError, "Expected 'samples' to hold distinct indices in [0, 3). "),
        (0, TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got 0."),
        ([[0], [1, 2]], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got [[0], [1, 2]]."),
        (np.ma.array([0, 1], mask=[0, 1]), ValueError, "Expected 'samples' to hold no masked values."),
        ([[0]], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of shape (1, 1)"),
        ([True, False, True], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of"),
        ([0.5], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of shape (1,) and"),
    ],
)
def test_subgraph_of_samples_that_are_not_there(samples, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)]).subgraph(samples)


def test_a_batch_costs_its_own_neighbors_whatever_n_is():
    n = 500_000
    graph = NeighborhoodGraph.from_pairs(n, np.column_stack([np.arange(n - 1), np.arange(1, n)]))
    position, batch = np.full(n, -1, dtype=np.int64), np.array([7, n - 1, 8, n - 2])
    tracemalloc.start()
    try:
        part = graph.subgraph(batch, position)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert part.similar.pairs().tolist() == [[0, 2], [1, 3]]
    assert peak < 100_000  # one number a sample would be 4 MB


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


def labelled(codes: list[int]) -> NeighborhoodGraph:
    """Classes alike within and apart between, implied."""
    array = np.array(codes)
    sets = (PairSet.from_blocks(Blocks.from_codes(array, **levels)) for levels in ({"within": 1.0}, {"between": 1.0}))
    return NeighborhoodGraph.from_sets(len(codes), *sets, rest="ignored")


def test_weights_by_hand():
    graph = NeighborhoodGraph.from_pairs(
        4, [(0, 1), (2, 1), (1, 0)], dissimilar=[(0, 3)], weights=[0.5, 2, 1.5], dissimilar_weights=[4]
    )
    assert graph.similar.pairs().tolist() == [[0, 1], [1, 2]]
    assert graph.similar.pair_weights().tolist() == [1.5, 2.0]
    assert (graph.similar.total_weight, graph.dissimilar.total_weight) == (3.5, 4.0)
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (2, 1, 3)
    part = graph.subgraph([2, 1])
    assert part.similar.pair_weights().tolist() == [2.0]
    assert graph != NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)], dissimilar=[(0, 3)])


def test_ignored_pairs_have_weight_1_whatever_else_is_stated():
    ignored = PairSet.from_pairs(3, [(0, 1)], weights=[0.5])
    graph = NeighborhoodGraph.from_sets(3, ignored=ignored)
    assert graph.ignored.total_weight == 1
    both = PairSet.from_pairs(3, [(1, 2)])
    assert NeighborhoodGraph.from_sets(3, both, both, ignored)[[0, 1]].ignored.total_weight == 1


def test_unit_weights_are_no_weights():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)], weights=[1.0])
    assert graph.similar.weights is None
    assert graph == NeighborhoodGraph.from_pairs(3, [(0, 1)])


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0], ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got an array of"),
        (2.0, ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got 2.0."),
        ([[1, 2], [3]], ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got [[1,"),
        ([1.0, 0.0], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got 0.0 at row 1: leave"),
        ([-1.0, 1.0], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got -1.0 at row 0: "),
        ([1.0, np.nan], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got nan at row 1: "),
        ([np.inf, 1], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got inf at row 0: "),
        ([1, 1e101], ValueError, "Expected the weights of 'similar' to be at most 1e+100, so that their sum stays"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), ValueError, "Expected 'weights' to hold no masked values."),
        ([True, True], TypeError, "Expected the weights of 'similar' to be numbers. Got an array of shape (2,) and"),
        (["1", "2"], TypeError, "Expected the weights of 'similar' to be numbers. Got an array of shape (2,) and"),
    ],
)
def test_bad_weights(weights, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=weights)


def test_the_largest_weights_still_add_up():
    pairs = list(combinations(range(40), 2))
    graph = NeighborhoodGraph.from_pairs(40, pairs, weights=np.full(len(pairs), 1e100))
    assert graph.similar.total_weight == pytest.approx(780e100)


def test_weights_of_pairs_that_are_not_given():
    with pytest.raises(ValueError, match=r"^Expected 'dissimilar_weights' together with 'dissimilar'"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)], dissimilar_weights=[1.0])


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


def test_implied_pairs_to_a_matrix():
    graph = labelled([0, 0, 1, 0, -1])
    assert graph.to_csr().toarray().astype(int).tolist() == [
        [0, 1, 0, 1, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]
    ]  # fmt: skip
    assert [graph.neighbors(i).tolist() for i in range(5)] == [[1, 3], [0, 3], [], [0, 1], []]


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


@pytest.mark.parametrize(
    ("index", "samples"),
    [
        (slice(1, None), [1, 2, 3]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        ([2, 0], [2, 0]),
        (np.array([False, True, True, False]), [1, 2]),
        ([True, False, False, True], [0, 3]),
        ((np.array([3, 1]), ...), [3, 1]),
    ],
)
def test_an_index_cuts_a_graph(index, samples):
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2), (2, 3)])
    assert graph[index] == graph.subgraph(samples)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 0], "Got 0 more than once."),
        ([0, 99], "Got 99 at place 1."),
        ([-1, 0], "Got -1 at place 0."),
        (np.ma.array([True, True, False, True], mask=[0, 1, 0, 0]), "'index' to hold no masked values."),
        ((0, 1), "Got (0, 1): whether a pair is similar, and with which weight, says graph.similar.weight_of(i, j)."),
        (2, "Got 2."),
    ],
)
def test_a_bad_index_is_shown(index, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        NeighborhoodGraph.from_pairs(4, [])[index]


@pytest.mark.parametrize("index", [2, "a", None, (0, 1), [[0, 1]], [[0], [1, 2]], [True, False], 1.5, ...])
def test_bad_indices(index):
    with pytest.raises(TypeError, match=r"^Expected 'samples' to be a 1-D array of integer indices"):
        NeighborhoodGraph.from_pairs(4, [])[index]


def test_scikit_learn_cuts_a_graph_like_data():
    X, graph = np.arange(12.0).reshape(6, 2), NeighborhoodGraph.from_pairs(6, [(0, 3), (1, 4), (2, 5), (3, 5)])
    assert graph.shape == (6, 6)
    assert len(graph) == 6
    for train, test in KFold(3).split(X):
        assert _safe_indexing(graph, train) == graph.subgraph(train)
        assert _safe_indexing(graph, test) == graph.subgraph(test)
    X_train, _, kept, _ = train_test_split(X, graph, random_state=0)
    assert kept == graph.subgraph((X_train[:, 0] / 2).astype(int))


def test_a_graph_is_no_sequence():
    graph = NeighborhoodGraph.from_pairs(4, [])
    with pytest.raises(TypeError, match="not iterable"):
        iter(graph)


def test_sets_of_other_samples():
    with pytest.raises(ValueError, match=r"^Expected 'ignored' to be of 3 samples\. Got one of 4\.$"):
        NeighborhoodGraph.from_sets(3, ignored=PairSet.empty(4))
    with pytest.raises(TypeError, match=r"^Expected 'similar' to be a PairSet\. Got \[\(0, 1\)\]\.$"):
        NeighborhoodGraph.from_sets(3, [(0, 1)])
    with pytest.raises(ValueError, match=r"^The 'rest' parameter of NeighborhoodGraph must be"):
        NeighborhoodGraph.from_sets(3, rest="similar")


# describe


def test_a_description_by_hand(capsys):
    graph = NeighborhoodGraph.from_pairs(6, [(0, 1), (1, 2), (3, 4)]) | NeighborhoodGraph.from_pairs(
        6, [], dissimilar=[(0, 1)]
    )
    X = np.array([[0, 0], [0, 0], [1, 1], [1, 1], [2, 2], [0, 0]])
    found = graph.describe(X)
    assert (found.samples, found.similar, found.dissimilar, found.ignored) == (6, 2, 12, 1)
    assert (found.contradictions, found.degrees, found.isolated, found.components) == (1, (0.0, 1.0, 1.0), 2, 4)
    assert found.duplicates == 3  # (0, 5), (1, 5), (2, 3); (0, 1) is ignored
    assert capsys.readouterr().out == f"{found}\n"
    assert str(found).splitlines()[:3] == [
        "samples                6",
        "similar pairs          2",
        "dissimilar pairs       12",
    ]
    assert [text.split(":")[0] for text in found.warnings] == [
        "2 of 6 samples are similar to no other",
        "the similar pairs fall into 2 groups that no similar pair joins",
        "1 pair is stated similar and dissimilar, and so ignored",
        "3 pairs of identical samples are dissimilar",
    ]
    assert all(f"Warning: {text}" in str(found) for text in found.warnings)


def test_a_description_may_be_silent(capsys):
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])
    found = graph.describe(verbose=False)
    assert capsys.readouterr().out == ""
    assert found.warnings == ()
    assert found.duplicates is None
    assert "duplicates" not in str(found)
    with pytest.raises(ValueError, match=r"^The 'verbose' parameter of NeighborhoodGraph.describe must be"):
        graph.describe(verbose=None)


@pytest.mark.parametrize(
    ("graph", "warning"),
    [
        (NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], dissimilar=[]), "no pair is dissimilar"),
        (NeighborhoodGraph.from_pairs(3, []), "no pair is similar"),
    ],
)
def test_a_graph_that_will_not_train(graph, warning):
    assert any(text.startswith(warning) for text in graph.describe(verbose=False).warnings)


def test_describing_other_samples():
    graph = NeighborhoodGraph.from_pairs(3, [])
    with pytest.raises(ValueError, match=r"^Expected 'X' and 'graph' to describe the same samples"):
        graph.describe(np.zeros((4, 2)))
    with pytest.raises(ValueError, match="NaN"):
        graph.describe([[0.0], [1.0], [np.nan]])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_components_are_those_of_a_search_over_all_pairs(data):
    n = data.draw(st.integers(1, 9))
    pair = st.sampled_from(list(combinations(range(n), 2)) or [(0, 0)])
    found = PairSet.empty(n)
    for _ in range(data.draw(st.integers(0, 2))):
        codes = data.draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n))
        within, between, outside = (data.draw(st.sampled_from([0.0, 1.0])) for _ in range(3))
        blocks = Blocks.from_codes(np.array(codes), within=within, between=between, outside=outside)
        found = found | PairSet.from_blocks(blocks)
    for act in (PairSet.__or__, PairSet.__sub__):
        listed = [one for one in data.draw(st.lists(pair, max_size=14)) if n > 1]
        found = act(found, PairSet.from_pairs(n, listed))
    literal = nx.Graph()
    literal.add_nodes_from(range(n))
    literal.add_edges_from(found.pairs().tolist())
    assert count_components(found) == nx.number_connected_components(literal)


def test_components_of_many_classes_cost_little():
    n = 200_000
    codes = np.arange(n) % 1000
    blocks = Blocks.from_codes(codes, within=1.0)
    assert count_components(PairSet.from_blocks(blocks)) == 1000
    bridges = PairSet.from_pairs(n, np.column_stack([np.arange(10), np.arange(1, 11)]))
    assert count_components(PairSet.from_blocks(blocks) | bridges) == 990
    assert count_components(PairSet.from_blocks(Blocks.constant(n, 1.0)) - PairSet.from_blocks(blocks)) == 1
    many = Blocks.from_codes(np.arange(n) % 50_000, within=1.0)  # a minute, were it squared
    assert count_components(PairSet.from_blocks(many)) == 50_000


# save and load


@st.composite
def any_graphs(draw: st.DrawFn) -> NeighborhoodGraph:
    graph = draw(graphs())
    if draw(st.booleans()):
        graph = graph * draw(st.sampled_from([0.5, 3.0]))
    for _ in range(draw(st.integers(0, 2))):
        codes = draw(st.lists(st.integers(-1, 2), min_size=graph.n_samples, max_size=graph.n_samples))
        graph = draw(st.sampled_from([graph | labelled(codes), graph - labelled(codes)]))
    return graph.with_rest(draw(st.sampled_from(["dissimilar", "ignored"])))


@quick
@given(graph=any_graphs())
def test_what_is_saved_is_loaded(graph, tmp_path_factory):
    path = tmp_path_factory.mktemp("graphs") / "graph"
    graph.save(path)
    loaded = NeighborhoodGraph.load(path)
    assert loaded == graph
    assert (loaded.n_similar, loaded.n_dissimilar, loaded.rest) == (graph.n_similar, graph.n_dissimilar, graph.rest)
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first
    with pytest.raises(ValueError, match="read-only"):
        loaded.similar.indptr[0] = 1


def _forged(path, change, n_samples=4):
    """Write a file with the checksum right and the arrays changed."""
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2)], weights=[2.0, 3.0]) | labelled([0, 0, 1, -1])
    sets = {kind: getattr(graph, f"stated_{kind}") for kind in KINDS}
    arrays = {name: array.copy() for name, array in arrays_of(sets, graph.rest).items()}
    change(arrays)
    metadata = {"graph_format": 1, "n_samples": n_samples}
    path.write_bytes(sealed(safetensors.numpy.save(arrays, {KEY: metadata_text(metadata)})))
    return path


def _set(name, place, value):
    def change(arrays):
        arrays[name][place] = value

    return change


def _tiny_and_unequal(arrays):
    arrays["similar.weights"][:2] = [1e-20, 9e-17]  # which 1 + weight would not tell apart


def _replace(name, make):
    return lambda arrays: arrays.__setitem__(name, make(arrays.get(name)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("similar.indices", 0, 4), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indices", 0, -1), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indices", 0, 3), "the similar pairs of its graph are not symmetric, or not in order"),
        (_set("similar.indices", 0, 0), "the similar pairs of its graph are not symmetric, or not in order"),
        (_set("similar.indptr", 1, 9), "the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.indptr", 0, 1), "the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.indptr", lambda array: array[:-1]), "the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.indices", lambda a: a.astype(np.int32)), "the similar pairs of its graph are not whole"),
        (_replace("similar.indices", lambda a: a.reshape(2, -1)), "the similar pairs of its graph are not whole"),
        (lambda arrays: arrays.pop("similar.indptr"), "the similar pairs of its graph are not whole"),
        (lambda arrays: arrays.pop("dissimilar.indices"), "the dissimilar pairs of its graph are not whole"),
        (_set("similar.weights", 0, 7.0), "the weights of the similar pairs of its graph are not symmetric"),
        (_tiny_and_unequal, "the weights of the similar pairs of its graph are not symmetric"),
        (_set("similar.weights", 0, 1e101), "the weights of the similar pairs of its graph are not one finite number"),
        (_set("similar.weights", 0, np.nan), "the weights of the similar pairs of its graph are not one finite"),
        (_set("similar.weights", 0, -1.0), "the weights of the similar pairs of its graph are not one finite"),
        (_replace("similar.weights", lambda a: a[1:]), "the weights of the similar pairs of its graph are not one"),
        (_replace("ignored.weights", lambda _: np.ones(1)), "the ignored pairs of its graph are not whole"),
        (_set("similar.codes", 0, -2), "the classes of the similar pairs of its graph do not fit 4 samples"),
        (_set("similar.codes", 0, 2**60), "the classes of the similar pairs of its graph do not fit 4 samples"),
        (_replace("similar.codes", lambda a: a[1:]), "the classes of the similar pairs of its graph do not fit"),
        (_replace("similar.levels", lambda a: a[1:]), "the classes of the similar pairs of its graph are not whole"),
        (_set("similar.levels", 0, 1e101), "a weight between classes of the similar pairs of its graph is not in"),
        (_set("similar.levels", 0, np.inf), "a weight between classes of the similar pairs of its graph is not"),
        (lambda arrays: arrays.pop("similar.levels"), "the classes of the similar pairs of its graph are not whole"),
        (_replace("similar.table", lambda _: np.ones(9)), "the classes of the similar pairs of its graph are not"),
        (_replace("rest", lambda _: np.zeros(1, dtype=np.uint8)), "the rest of its graph is of no known kind"),
        (_replace("friends", lambda _: np.ones(3)), "its graph has an unknown part 'friends'"),
    ],
)
def test_forged_files_are_refused(tmp_path, change, message):
    assert NeighborhoodGraph.load(_forged(tmp_path / "good", lambda arrays: None)).n_contradictions == 1
    with pytest.raises(ModelFileError, match=re.escape(f"cannot be used: {message}")):
        NeighborhoodGraph.load(_forged(tmp_path / "bad", change))


@pytest.mark.parametrize(
    ("table", "fits"),
    [([0, 1, 1, 0.0], True), ([0, 1, 2, 0.0], False), ([0, 1, 1.0], False), ([3.0], False)],
)
def test_forged_tables_are_refused(tmp_path, table, fits):
    def change(arrays):
        del arrays["similar.levels"]
        arrays["similar.codes"] = np.array([0, 0, 1, 1])
        arrays["similar.table"] = np.array(table)

    path = _forged(tmp_path / "graph", change)
    if fits:
        assert NeighborhoodGraph.load(path).stated_similar.weight_of(0, 3) == 1
    else:
        with pytest.raises(ModelFileError, match="the table of classes of the similar pairs of its graph does not fit"):
            NeighborhoodGraph.load(path)


@pytest.mark.parametrize("n_samples", [0, -1, 10**12, 10**30, 4.0, "4", None, True])
def test_a_claimed_size_costs_nothing(tmp_path, n_samples):
    path = _forged(tmp_path / "graph", lambda arrays: None, n_samples)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "graph"
    NeighborhoodGraph.from_pairs(4, [(0, 1)]).save(path)
    whole = path.read_bytes()
    for content in (b"", whole[:7], whole[: len(whole) // 2], whole[:-1], whole + b"0", b"PK" + whole, whole[8:]):
        path.write_bytes(content)
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ModelFileError):
            NeighborhoodGraph.load(path)


def _with_metadata(path, metadata):
    arrays = {"similar.indptr": np.zeros(2, dtype=np.int64), "similar.indices": np.zeros(0, dtype=np.int64)}
    path.write_bytes(sealed(safetensors.numpy.save(arrays, {KEY: metadata_text(metadata)})))
    return path


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"graph_format": 2, "n_samples": 1}, "is of graph format 2; this drlim reads formats up to 1. Install a"),
        ({"format_version": 1}, "is no graph's file; a model is read by drlim.load(path)."),
        ({"graph_format": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": True, "n_samples": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": "1", "n_samples": 1}, "is damaged: its metadata are not as drlim writes them."),
        ({"graph_format": 1, "n_samples": 1, "more": 1}, "is damaged: its metadata are not as drlim writes them."),
    ],
)
def test_metadata_of_other_files(tmp_path, metadata, message):
    with pytest.raises(ModelFileError, match=re.escape(message)):
        NeighborhoodGraph.load(_with_metadata(tmp_path / "file", metadata))


@pytest.mark.parametrize("path", [None, 3, ["graph"]])
def test_what_is_no_path_is_refused(path):
    graph = NeighborhoodGraph.from_pairs(2, [(0, 1)])
    for call in (graph.save, NeighborhoodGraph.load):
        with pytest.raises(TypeError, match=r"^Expected 'path' to be a file's name, a str or a pathlib\.Path\. Got "):
            call(path)


def test_other_files_are_no_graphs(tmp_path):
    with pytest.raises(ModelFileError, match="is no graph file of drlim but a folder or a device"):
        NeighborhoodGraph.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        NeighborhoodGraph.load(tmp_path / "none")
    (tmp_path / "text").write_text(json.dumps({"similar": [[0, 1]]}))
    with pytest.raises(ModelFileError, match="is no graph file of drlim"):
        NeighborhoodGraph.load(tmp_path / "text")


def test_a_graph_is_no_model(tmp_path):
    from drlim import load

    NeighborhoodGraph.from_pairs(4, [(0, 1)]).save(tmp_path / "graph")
    with pytest.raises(
        ModelFileError, match=re.escape("is a graph's file and no model's. Read it by NeighborhoodGraph")
    ):
        load(tmp_path / "graph")


def test_a_part_of_many_classes_is_saved_without_them(tmp_path):
    graph = labelled(list(range(1000)) * 2).subgraph([999, 1999, 5])
    graph.save(tmp_path / "graph")
    assert NeighborhoodGraph.load(tmp_path / "graph") == graph
