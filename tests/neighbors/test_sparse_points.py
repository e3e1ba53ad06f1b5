"""Sparse samples by the Euclidean and the cosine metric: by hand, and as if they were dense."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from tests.neighbors.literal import TIED, literal, literal_ball

from drlim import knn_graph, radius_graph
from drlim.neighbors import exact, kernel_sparse, knn_indices
from drlim.neighbors.sparse_points import nearest_stored, squared_distances_stored

quick = settings(max_examples=60, deadline=None)


def documents(n: int, d: int, seed: int = 0) -> sparse.csr_array:
    """About four words of d in each row, and at least one."""
    stored = sparse.random_array((n, d), density=4 / d, rng=np.random.default_rng(seed), format="lil")
    stored[np.arange(n), np.arange(n) % d] = 0.5
    return sparse.csr_array(stored)


def test_words_by_hand() -> None:
    X = sparse.csr_array([[3.0, 0.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 1.0]])
    indices, distances = knn_indices(X, 2)
    assert indices.tolist() == [[2, 1], [0, 2], [0, 1]]
    np.testing.assert_allclose(distances**2, [[10, 16], [16, 26], [10, 26]], rtol=1e-15)
    assert knn_indices(X, 1, "cosine")[0].tolist() == [[1], [0], [0]]
    np.testing.assert_allclose(knn_indices(X, 1, "cosine")[1].ravel(), [0.4, 0.4, 1.0], rtol=1e-14)


@quick
@given(TIED, st.data())
def test_neighbours_are_the_literal_loop(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    expected, expected_distances = literal(X, k)
    for given_as in (sparse.csr_array(X), sparse.coo_matrix(X), sparse.csc_array(X.astype(int))):
        indices, distances = knn_indices(given_as, k)
        assert indices.tolist() == expected
        np.testing.assert_allclose(distances, expected_distances, rtol=1e-14, atol=0)


@quick
@given(TIED, st.sampled_from([0.0, 1.0, np.sqrt(2), 2.0, 2.5, 1e300]))
def test_radius_is_the_literal_loop(X, radius):
    assert radius_graph(sparse.csr_array(X), radius).similar.pairs().tolist() == literal_ball(X, radius)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_sparse_is_dense(monkeypatch, metric):
    X = documents(300, 50)
    if metric == "euclidean":
        X.data = np.ceil(8 * X.data) / 8  # sums of their squares are exact, in whatever order
    wanted, exactly = knn_indices(X.toarray(), 5, metric)
    radius = float(np.median(exactly)) * (1 + 1e-9)
    for block in (exact._BLOCK_BYTES, 8 * 300 * 7):
        monkeypatch.setattr(exact, "_BLOCK_BYTES", block)
        indices, distances = knn_indices(X, 5, metric)
        np.testing.assert_array_equal(indices, wanted)
        np.testing.assert_allclose(distances, exactly, rtol=1e-12)
        assert radius_graph(X, radius, metric) == radius_graph(X.toarray(), radius, metric)


def test_an_offset_costs_no_digits():
    X = np.random.default_rng(0).normal(size=(40, 3)) + 1e8
    np.testing.assert_array_equal(knn_indices(sparse.csr_array(X), 4)[0], knn_indices(X, 4)[0])


def test_stored_zeros_and_repeated_entries_are_what_they_sum_to():
    data, place = np.array([1.0, 2.0, 0.0, 3.0]), ([0, 0, 1, 2], [0, 0, 1, 0])
    X = sparse.coo_array((data, place), shape=(3, 2))
    assert knn_indices(X, 1)[0].tolist() == [[2], [0], [0]]
    assert knn_indices(X, 1)[1].ravel().tolist() == [0.0, 3.0, 0.0]


def test_the_samples_are_left_as_they_were():
    X = sparse.csr_array((np.array([1.0, 0.0, 2.0]), np.array([0, 1, 0]), np.array([0, 2, 3])), shape=(2, 2))
    knn_graph(X, 1)
    assert X.data.tolist() == [1.0, 0.0, 2.0]


def test_rows_of_zeros():
    X = sparse.csr_array(np.zeros((3, 4)))
    assert knn_indices(X, 1)[1].ravel().tolist() == [0.0] * 3
    message = "Expected 'X' to hold samples with a direction, since metric is 'cosine'. Row 1 is all zeros: leave"
    for build in (knn_graph, radius_graph):
        with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
            build(sparse.csr_array([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]]), 1, "cosine")


@pytest.mark.parametrize("metric", ["euclidean", "cosine", "jaccard"])
def test_the_samples_are_never_dense_as_a_whole(metric):
    X = documents(400, 200_000)  # 640 MB
    X.data[:] = 1.0
    tracemalloc.start()
    knn_graph(X, 3, metric)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("algorithm", ["cells", "index"])
def test_sparse_samples_are_searched_exactly(algorithm):
    assert knn_graph(documents(20, 8), 3) == knn_graph(documents(20, 8), 3, algorithm="exact")
    with pytest.raises(ValueError, match=f"^Expected algorithm='exact' with sparse 'X'. Got '{algorithm}', which"):
        knn_graph(documents(20, 8), 3, algorithm=algorithm)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("n_neighbors", [1, 3, 29])
def test_compiled_products_find_the_same(monkeypatch, compiled, n_neighbors):
    X = documents(30, 12, seed=1)
    X.data = np.ceil(4 * X.data) / 4  # so that many distances tie
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(kernel_sparse, "AVAILABLE", compiled)
    monkeypatch.setattr(exact, "_BLOCK_BYTES", 8 * 30 * 7)  # blocks of 7 rows, the last of 2
    asked = []
    measure = kernel_sparse.distances_by_products
    monkeypatch.setattr(kernel_sparse, "distances_by_products", lambda *args: asked.append(args) or measure(*args))
    found, squares = nearest_stored(X, n_neighbors)
    assert len(asked) == 5 * compiled
    between = ((X.toarray()[:, None] - X.toarray()) ** 2).sum(axis=2)
    np.fill_diagonal(between, np.inf)
    wanted = np.argsort(between, axis=1, kind="stable")[:, :n_neighbors]
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_array_equal(squares, np.take_along_axis(between, wanted, axis=1))


def test_the_kth_distance_by_hand():
    X = sparse.csr_array([[0.0, 1.0], [0.0, 3.0], [2.0, 0.0], [0.0, 1.0]])
    squares = np.array([1.0, 9.0, 4.0, 1.0])
    for k, wanted in ((1, [0.0, 4.0, 5.0]), (2, [4.0, 4.0, 5.0]), (3, [5.0, 13.0, 13.0])):
        distances, kth = kernel_sparse.distances_by_products(X, X.T.tocsr(), squares, np.arange(3), k)
        assert kth.tolist() == wanted
    assert distances.tolist() == [[np.inf, 4, 5, 0], [4, np.inf, 13, 4], [5, 13, np.inf, 5]]


@pytest.mark.parametrize("compiled", [True, False])
def test_differences_of_pairs(monkeypatch, compiled):
    if compiled:
        pytest.importorskip("numba")
    monkeypatch.setattr(kernel_sparse, "AVAILABLE", compiled)
    monkeypatch.setattr(kernel_sparse, "_PAIRS_PER_TASK", 10)
    X = documents(40, 30, seed=2).astype(np.float32)
    X.data[X.indptr[3] : X.indptr[4]] = 0.0
    X.eliminate_zeros()
    first, second = (each.ravel() for each in np.meshgrid(np.arange(40), np.arange(40)))
    wanted = ((X.toarray().astype(np.float64)[first] - X.toarray()[second]) ** 2).sum(axis=1)
    found = squared_distances_stored(X, first, second)
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=0)
    assert (found[first == second] == 0).all()
