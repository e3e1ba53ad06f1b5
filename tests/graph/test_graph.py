"""`NeighborhoodGraph`: cases solved by hand, literal sets of pairs, copies and sizes."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import tracemalloc
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.graph.drawing import KINDS, as_sets, graphs, labelled

from drlim import NeighborhoodGraph

quick = settings(max_examples=60, deadline=None)


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


def test_unit_weights_are_no_weights():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)], weights=[1.0])
    assert graph.similar.weights is None
    assert graph == NeighborhoodGraph.from_pairs(3, [(0, 1)])


def test_implied_pairs_to_a_matrix():
    graph = labelled([0, 0, 1, 0, -1])
    assert graph.to_csr().toarray().astype(int).tolist() == [
        [0, 1, 0, 1, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]
    ]  # fmt: skip
    assert [graph.neighbors(i).tolist() for i in range(5)] == [[1, 3], [0, 3], [], [0, 1], []]


def test_a_graph_is_no_sequence():
    graph = NeighborhoodGraph.from_pairs(4, [])
    with pytest.raises(TypeError, match="not iterable"):
        iter(graph)
