"""Exact nearest neighbours: by hand, against the literal definition, and where products of matrices lose digits."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from tests.neighbors.literal import TIED, assert_literal, literal, literal_ball

from drlim import knn_graph, radius_graph
from drlim.neighbors import exact as _nearest
from drlim.neighbors import knn_indices

quick = settings(max_examples=60, deadline=None)


def test_points_on_a_line_by_hand():
    indices, distances = knn_indices([[0.0], [1.0], [3.0], [7.0]], n_neighbors=2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances.tolist() == [[1.0, 3.0], [1.0, 2.0], [2.0, 3.0], [4.0, 6.0]]


def test_lattice_by_hand():
    """On a 5 x 5 grid each of the 4 nearest of an inner point is one step away; ties go to the lower index."""
    X = np.stack(np.divmod(np.arange(25), 5), axis=1)
    indices, distances = knn_indices(X, n_neighbors=4)
    assert indices[12].tolist() == [7, 11, 13, 17]
    assert distances[12].tolist() == [1.0] * 4
    assert indices[0].tolist() == [1, 5, 6, 2]
    assert distances[0].tolist() == [1.0, 1.0, np.sqrt(2), 2.0]
    assert indices[2].tolist() == [1, 3, 7, 6]
    assert_literal(X, 4)


@quick
@given(TIED, st.data())
def test_exact_ties_and_duplicates_fall_to_the_lower_index(X, data):
    assert_literal(X, data.draw(st.integers(1, len(X) - 1)))


@quick
@given(arrays(np.float64, st.integers(2, 12), elements=st.floats(-1e6, 1e6)), st.data())
def test_near_ties_are_distinguished(X, data):
    assert_literal(X[:, None], data.draw(st.integers(1, len(X) - 1)))


def test_steps_of_a_tenth_tie_only_up_to_rounding():
    assert_literal(0.1 * np.arange(60)[:, None], 6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(3))
def test_data_far_from_the_origin(dtype, seed):
    """|x|^2 + |y|^2 - 2 x.y of coordinates near 1e8 keeps no digit of distances near 1."""
    step = 1.0 if dtype is np.float64 else 64.0
    X = (1e8 + step * np.random.default_rng(seed).integers(-3, 4, size=(60, 4))).astype(dtype)
    assert_literal(X, 7)


@pytest.mark.parametrize("offset", [1e8, 1e12])
def test_groups_far_from_each_other(offset):
    """No centre serves both groups: only measuring again can order the inside of each."""
    X = np.random.default_rng(0).integers(-3, 4, size=(60, 2)).astype(float)
    X[::2] += offset
    X[1::2] -= offset
    assert_literal(X, 5)


def test_the_trap_is_there_to_fall_into():
    """The product form, in float64 and after centring, gets the neighbours of the groups above wrong."""
    X = np.random.default_rng(0).integers(-3, 4, size=(60, 2)).astype(float)
    X[::2] += 1e8
    X[1::2] -= 1e8
    centred = X - X.mean(axis=0)
    squares = np.sum(centred**2, axis=1)
    proposed = squares[:, None] + squares - 2 * centred @ centred.T
    np.fill_diagonal(proposed, np.inf)
    assert np.argsort(proposed, axis=1, kind="stable")[:, :5].tolist() != literal(X, 5)[0]


def test_all_others_in_order():
    X = np.random.default_rng(0).normal(size=(12, 3))
    assert_literal(X, 11)
    assert knn_graph(X, 11).n_dissimilar == 0


def test_identical_samples_name_each_other_and_never_themselves():
    indices, distances = knn_indices(np.full((5, 3), 0.1), n_neighbors=2)
    assert indices.tolist() == [[1, 2], [0, 2], [0, 1], [0, 1], [0, 1]]
    assert not distances.any()


@pytest.mark.parametrize("block_bytes", [1, 8 * 50, 8 * 50 * 7, 8 * 50 * 49, 8 * 50 * 50])
def test_blocks_do_not_show(monkeypatch, block_bytes):
    X = np.random.default_rng(0).normal(size=(50, 9))
    X[40:] = X[:10]
    indices, distances = knn_indices(X, 6)
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", block_bytes)
    again, measured = knn_indices(X, 6)
    assert again.tobytes() == indices.tobytes()
    assert measured.tobytes() == distances.tobytes()


def test_twice_the_same_bytes():
    X = np.random.default_rng(0).random((700, 40))
    first, second = knn_indices(X, 10), knn_indices(X.copy(order="F"), 10)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


def highest_memory(X: NDArray[Any]) -> int:
    tracemalloc.start()
    try:
        knn_indices(X, 5)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_a_few_blocks(monkeypatch):
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", 2**20)
    X = np.random.default_rng(0).random((3000, 2))
    assert highest_memory(X) < 8 * 2**20  # all distances at once would be 72 MB
    X = np.ones((500, 200))
    assert highest_memory(X) < 20 * 2**20  # a block's differences at once, all of which have to be measured, 200 MB


@pytest.fixture
def counted(monkeypatch):
    """How many pairs are measured, call by call."""
    measured, measure = [], _nearest.squared_distances

    def counting(X: Any, first: Any, second: Any) -> Any:
        measured.append(len(first))
        return measure(X, first, second)

    monkeypatch.setattr(_nearest, "squared_distances", counting)
    return measured


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_few_pairs_are_measured_twice(counted, offset):
    """The products propose little more than the neighbours, wherever the data lie: that is what they are for."""
    knn_indices(offset + np.random.default_rng(0).normal(size=(300, 3)), 5)
    assert 300 * 5 <= sum(counted) < 300 * 5.1


@pytest.mark.parametrize("by_tree", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_trees_and_products_are_the_literal_definition(monkeypatch, by_tree, seed):
    """Ties, piles of identical samples, offsets and scales; more neighbours than a tree is asked for at once."""
    monkeypatch.setattr(_nearest, "_TREE_DIMENSIONS", 9 if by_tree else 0)
    monkeypatch.setattr(_nearest, "_TREE_SAMPLES", 0)
    monkeypatch.setattr(_nearest, "_SPARE", 1)
    generator = np.random.default_rng(seed)
    n, d = int(generator.integers(2, 50)), int(generator.integers(1, 5))
    X = generator.integers(-1, 2, size=(n, d)) * 2.0 ** [0, -3, -532, 462][seed % 4]
    if seed % 3 == 1:
        X = X + 2.0**20 * generator.integers(0, 2, size=(n, 1))
    k = int(generator.integers(1, n))
    assert_literal(X, k)
    radius = float(np.median(knn_indices(X, k)[1]))
    assert radius_graph(X, radius).similar.pairs().tolist() == literal_ball(X, radius)


def test_a_tree_and_products_agree_to_the_byte():
    X = np.random.default_rng(0).normal(size=(700, 3)).round(1)
    by_tree = knn_indices(X, 6)
    by_products = knn_indices(np.hstack([X, np.zeros((700, 6))]), 6)
    assert by_tree[0].tobytes() == by_products[0].tobytes()
    np.testing.assert_array_equal(by_tree[1], by_products[1])


def test_piles_cost_a_tree_little(counted):
    """20,000 samples at 27 places: all of each pile tie, and only the first of each are looked at."""
    X = np.random.default_rng(0).integers(0, 3, size=(20_000, 3))
    indices, distances = knn_indices(X, 5)
    assert not distances.any()
    assert sum(counted) <= 20_000 * 6
    for i in (0, 7, 19_999):
        same = np.flatnonzero((X[i] == X).all(axis=1))
        assert indices[i].tolist() == same[same != i][:5].tolist()
