"""Given distances, dense and sparse: by hand, against the samples, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist
from tests.builders import listed, refuses
from tests.neighbors.literal import TIED

import drlim.neighbors.exact
from drlim import knn_graph, radius_graph
from drlim.neighbors import knn_indices

quick = settings(max_examples=60, deadline=None)

LINE = np.array([[0.0], [1.0], [3.0], [7.0]])


def all_stored(distances):
    """A CSR array that stores every entry, zeros among them."""
    n = len(distances)
    return sparse.csr_array((distances.ravel(), np.tile(np.arange(n), n), np.arange(0, n * n + 1, n)), shape=(n, n))


def test_distances_by_hand():
    D = np.array([[0.0, 5.0, 1.0], [5.0, 0.0, 2.0], [1.0, 2.0, 0.0]])
    indices, distances = knn_indices(D, 2, metric="precomputed")
    assert indices.tolist() == [[2, 1], [2, 0], [0, 1]]
    assert distances.tolist() == [[1.0, 5.0], [2.0, 5.0], [1.0, 2.0]]
    assert listed(knn_graph(D, 1, "precomputed")) == [[0, 2], [1, 2]]


def test_rows_of_distances_are_each_samples_own():
    assert knn_indices([[0.0, 1.0, 2.0], [9.0, 0.0, 3.0], [4.0, 5.0, 9.0]], 1, "precomputed")[0].tolist() == [
        [1],
        [2],
        [0],
    ]


@quick
@given(TIED, st.data())
def test_distances_give_what_the_samples_give(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    D = cdist(X, X)
    expected = knn_indices(X, k)[0]
    for form in (D, D.tolist(), all_stored(D), sparse.coo_array(all_stored(D)), sparse.csr_matrix(all_stored(D))):
        indices, distances = knn_indices(form, k, metric="precomputed")
        np.testing.assert_array_equal(indices, expected)
        np.testing.assert_array_equal(distances, np.take_along_axis(D, expected, axis=1))


def test_stored_zeros_are_neighbors_and_what_is_not_stored_is_far():
    D = sparse.csr_array(([0.0, 2.0, 0.0, 2.0, 2.0], [1, 2, 0, 2, 0], [0, 2, 4, 5]), shape=(3, 3))
    indices, distances = knn_indices(D, 1, metric="precomputed")
    assert indices.ravel().tolist() == [1, 0, 0]
    assert distances.ravel().tolist() == [0.0, 0.0, 2.0]


def test_the_diagonal_is_not_looked_at():
    for diagonal in (0.0, 100.0):
        D = cdist(LINE, LINE)
        np.fill_diagonal(D, diagonal)
        for form in (D, all_stored(D)):
            assert listed(knn_graph(form, 1, "precomputed")) == [[0, 1], [1, 2], [2, 3]]
            assert listed(radius_graph(form, 2.0, "precomputed")) == [[0, 1], [1, 2]]


def test_distances_are_left_as_they_were():
    D = cdist(LINE, LINE)
    before = D.copy()
    knn_graph(D, 1, "precomputed")
    assert (before == D).all()
    twice = sparse.csr_array(([1.0, 1.0, 1.0, 1.0], [1, 1, 0, 0], [0, 2, 4]), shape=(2, 2))
    twice.has_canonical_format = False
    assert knn_indices(twice, 1, "precomputed")[1].ravel().tolist() == [2.0, 2.0]
    assert twice.nnz == 4


def test_blocks_of_distances_do_not_show(monkeypatch):
    D = cdist(np.random.default_rng(0).integers(0, 4, size=(30, 2)), np.random.default_rng(1).random((30, 2)))
    knn, ball = knn_graph(D, 4, "precomputed"), radius_graph(D, 2.0, "precomputed")
    monkeypatch.setattr(drlim.neighbors.exact, "_BLOCK_BYTES", 8 * 30 * 7)
    assert knn == knn_graph(D, 4, "precomputed")
    assert ball == radius_graph(D, 2.0, "precomputed")


@pytest.mark.parametrize("build", [knn_indices, knn_graph])
def test_too_few_distances_are_refused(build):
    message = "Expected 'X' to store at least 2 distances to others in each row, n_neighbors. Got 1 in row 1: lower"
    refuses(message, build, sparse.csr_array([[0, 1, 2], [1, 0, 0], [2, 3, 0]]), 2, "precomputed")


@pytest.mark.parametrize(
    ("message", "error", "D"),
    [
        (
            "Expected 'X' to be a square matrix of distances (n_samples, n_samples). Got shape (3, 1).",
            ValueError,
            LINE[:3],
        ),
        ("a square matrix of distances (n_samples, n_samples). Got shape (2, 3)", ValueError, sparse.csr_array((2, 3))),
        ("a square matrix of distances (n_samples, n_samples). Got shape (0, 0)", ValueError, sparse.csr_array((0, 0))),
        ("Expected 'X' to hold finite distances of at least 0.", ValueError, [[0.0, -1.0], [1.0, 0.0]]),
        ("Expected 'X' to hold finite distances of at least 0.", ValueError, sparse.csr_array([[0.0, -1.0], [1.0, 0]])),
        ("Expected 'X' to hold finite distances of at least 0.", ValueError, sparse.csr_array([[0.0, np.nan], [1, 0]])),
        ("Expected 'X' to hold finite distances.", ValueError, sparse.csr_array([[0.0, 1j], [1, 0]])),
        ("Input X contains NaN.", ValueError, [[0.0, np.nan], [1.0, 0.0]]),
        ("Input X contains infinity", ValueError, [[0.0, np.inf], [1.0, 0.0]]),
        ("Expected 'X' to be a 2-D array", ValueError, [0.0, 1.0]),
        ("Expected 'X' to hold no masked values.", ValueError, np.ma.masked_equal([[0.0, 9.0], [1.0, 0.0]], 9.0)),
        ("The 'n_neighbors' parameter of knn_graph must be an int in the range [1, 2).", ValueError, np.zeros((2, 2))),
    ],
)
def test_bad_distances(message, error, D):
    refuses(message, knn_graph, D, 5, "precomputed", error=error)


def test_repeated_distances_are_added_up_beyond_their_own_type():
    entries = (np.array([128, 128, 5], dtype=np.uint8), ([0, 0, 1], [1, 1, 0]))
    _, distances = knn_indices(sparse.coo_array(entries, shape=(2, 2)), 1, metric="precomputed")
    assert distances.ravel().tolist() == [256.0, 5.0]
