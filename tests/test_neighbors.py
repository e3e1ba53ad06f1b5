"""Exact nearest neighbours: by hand, against the literal definition, and where products of matrices lose digits."""

from __future__ import annotations

import re
import tracemalloc
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import sparse

from drlim import NeighborhoodGraph, knn_graph, neighbors
from drlim.neighbors import knn_indices

quick = settings(max_examples=60, deadline=None)

TIED = arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=st.integers(-2, 2))
"""Few places for many points: most distances tie, and many points coincide."""


def literal(X: NDArray[Any], k: int) -> tuple[list[list[int]], list[list[float]]]:
    """Sort, for each sample, the others by (distance, index), from differences in float64."""
    flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    indices, distances = [], []
    for i, x in enumerate(flat):
        ranked = sorted((float(np.sum((x - y) ** 2)), j) for j, y in enumerate(flat) if j != i)[:k]
        indices.append([j for _, j in ranked])
        distances.append([float(np.sqrt(square)) for square, _ in ranked])
    return indices, distances


def assert_literal(X: NDArray[Any], k: int) -> None:
    indices, distances = knn_indices(X, k)
    expected, lengths = literal(X, k)
    assert indices.dtype == np.int64
    assert distances.dtype == np.float64
    assert indices.tolist() == expected
    np.testing.assert_allclose(distances, lengths, rtol=1e-14, atol=0)


def test_points_on_a_line_by_hand():
    indices, distances = knn_indices([[0.0], [1.0], [3.0], [7.0]], n_neighbors=2)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]
    assert distances.tolist() == [[1.0, 3.0], [1.0, 2.0], [2.0, 3.0], [4.0, 6.0]]


def test_a_pair_is_similar_if_either_is_among_the_others_nearest():
    """3's nearest is 2, whose nearest is 1, whose nearest is 0: a chain, though no sample names 3."""
    graph = knn_graph([[0.0], [1.0], [3.0], [7.0]], n_neighbors=1)
    assert graph == NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2), (2, 3)])
    assert graph.n_dissimilar == 3


def test_two_samples_are_each_others_neighbor():
    assert knn_indices([[3.0], [1.0]], 1)[0].tolist() == [[1], [0]]
    message = "The 'n_neighbors' parameter of knn_graph must be an int in the range [1, 2). Got 5 instead."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        knn_graph([[3.0], [1.0]])


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
def test_near_ties_are_told_apart(X, data):
    assert_literal(X[:, None], data.draw(st.integers(1, len(X) - 1)))


def test_steps_of_a_tenth_tie_only_up_to_rounding():
    assert_literal(0.1 * np.arange(60)[:, None], 6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8, np.int64, bool])
def test_any_real_type_is_measured_in_float64(dtype):
    X = (
        np.random.default_rng(0).random((40, 6)) * 200 > 60
        if dtype is bool
        else np.random.default_rng(0).random((40, 6)) * 200
    ).astype(dtype)
    assert_literal(X, 5)


@pytest.mark.parametrize("shape", [(30, 4, 5), (30, 2, 4, 5)])
def test_images_are_compared_pixel_by_pixel(shape):
    X = np.random.default_rng(0).normal(size=shape)
    assert_literal(X, 3)
    assert knn_graph(X, 3) == knn_graph(X.reshape(30, -1), 3)


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


@quick
@given(TIED, st.data())
def test_the_graph_is_the_union_of_the_directed_neighbors(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    expected = literal(X, k)[0]
    pairs = [(i, j) for i, j in combinations(range(len(X)), 2) if j in expected[i] or i in expected[j]]
    graph = knn_graph(X, k)
    assert graph == NeighborhoodGraph.from_pairs(len(X), pairs)
    assert graph.similar.degrees.min() >= k
    assert graph.dissimilar is None


@pytest.mark.parametrize("block_bytes", [1, 8 * 50, 8 * 50 * 7, 8 * 50 * 49, 8 * 50 * 50])
def test_blocks_do_not_show(monkeypatch, block_bytes):
    X = np.random.default_rng(0).normal(size=(50, 9))
    X[40:] = X[:10]
    indices, distances = knn_indices(X, 6)
    monkeypatch.setattr(neighbors, "_BLOCK_BYTES", block_bytes)
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
    monkeypatch.setattr(neighbors, "_BLOCK_BYTES", 2**20)
    X = np.random.default_rng(0).random((3000, 2))
    assert highest_memory(X) < 8 * 2**20  # all distances at once would be 72 MB
    X = np.ones((500, 200))
    assert highest_memory(X) < 20 * 2**20  # a block's differences at once, all of which have to be measured, 200 MB


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_few_pairs_are_measured_twice(monkeypatch, offset):
    """The products propose little more than the neighbours, wherever the data lie: that is what they are for."""
    measured, measure = [], neighbors._squared_distances

    def counted(X: Any, first: Any, second: Any) -> Any:
        measured.append(len(first))
        return measure(X, first, second)

    monkeypatch.setattr(neighbors, "_squared_distances", counted)
    knn_indices(offset + np.random.default_rng(0).normal(size=(300, 3)), 5)
    assert 300 * 5 <= sum(measured) < 300 * 5.1


def test_samples_are_left_as_they_were():
    X = np.random.default_rng(0).normal(size=(20, 3)) + 5
    before = X.copy()
    X.flags.writeable = False
    knn_graph(X)
    assert np.array_equal(X, before)


def test_five_neighbors_unless_told():
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert knn_indices(X)[0].shape == (20, 5)
    assert knn_graph(X) == knn_graph(X, n_neighbors=5)
    assert knn_graph(pd.DataFrame(X)) == knn_graph(X)


@pytest.mark.parametrize("n_neighbors", [0, 4, -1, 2.0, "2", None, True])
def test_bad_n_neighbors(n_neighbors):
    message = (
        f"The 'n_neighbors' parameter of knn_graph must be an int in the range [1, 3]. Got {n_neighbors!r} instead."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as refusal:
        knn_graph(np.eye(4), n_neighbors)
    assert isinstance(refusal.value, TypeError)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.full((4, 2), np.nan), ValueError, "Input X contains NaN."),
        (np.full((4, 2), -np.inf), ValueError, "Input X contains infinity or a value too large for dtype('float64')."),
        (np.zeros(4), ValueError, "Expected 2D array, got 1D array instead: Reshape your data"),
        (np.zeros((1, 4)), ValueError, "Found array with 1 sample(s) (shape=(1, 4)) while a minimum of 2 is required."),
        (
            np.zeros((4, 0)),
            ValueError,
            "Found array with 0 feature(s) (shape=(4, 0)) while a minimum of 1 is required.",
        ),
        (np.zeros((4, 2)) + 1j, ValueError, "Complex data not supported"),
        ([["a"], ["b"]], ValueError, "could not convert string to float: 'a'"),
        (sparse.csr_array(np.eye(4)), TypeError, "Sparse data was passed for X, but dense data is required. Use '.to"),
        (
            [[1e141], [0.0]],
            ValueError,
            "Expected 'X' to hold values up to 1e+140 in size: rescale it. Got larger ones.",
        ),
        (
            [[-1e300], [0.0]],
            ValueError,
            "Expected 'X' to hold values up to 1e+140 in size: rescale it. Got larger ones.",
        ),
    ],
)
def test_bad_samples(X, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        knn_graph(X, 1)


def test_the_largest_values_that_pass():
    assert_literal(np.array([[1e140, 0.0], [-1e140, 0.0], [0.0, 9e139], [1e139, 0.0]]), 3)
