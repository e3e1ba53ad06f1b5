"""`NeighborhoodGraph`: cases solved by hand, literal sets of pairs, refusals."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import tracemalloc
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from drlim import NeighborhoodGraph

quick = settings(max_examples=60, deadline=None)

KINDS = ("similar", "dissimilar", "ignored")


def as_sets(graph: NeighborhoodGraph) -> dict[str, set[tuple[int, int]]]:
    """State of every pair, literally: which pairs are in each."""
    everything = set(combinations(range(graph.n_samples), 2))
    listed = {
        kind: set() if pairs is None else {tuple(pair) for pair in pairs.pairs().tolist()}
        for kind, pairs in zip(KINDS, (graph.similar, graph.dissimilar, graph.ignored), strict=True)
    }
    rest = everything - listed["similar"] - listed["dissimilar"] - listed["ignored"]
    listed["dissimilar" if graph.dissimilar is None else "ignored"] |= rest
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
    for pairs in (graph.similar, graph.dissimilar, graph.ignored):
        if pairs is None:
            continue
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
    assert (part.dissimilar is None) == (graph.dissimilar is None)
    assert (part.ignored is None) == (graph.ignored is None)


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
        np.array([[7.5, -1, 0], [1, 0, 0], [0, 1e-300, 0]]),
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
    assert NeighborhoodGraph.from_csr(matrix) == NeighborhoodGraph(graph.n_samples, graph.similar)


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
        ([0, 3], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got [0, 3]."),
        ([-1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got [-1]."),
        ([1, 1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got [1, 1]."),
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
