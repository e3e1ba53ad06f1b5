"""Neighbours found elsewhere: tables of indices, scikit-learn's transformers; by hand and by loops."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.neighbors import KNeighborsTransformer, NearestNeighbors, RadiusNeighborsTransformer
from tests.builders import listed, refuses
from tests.neighbors.literal import TIED

from drlim import NeighborhoodGraph, knn_graph, neighbors_graph, radius_graph
from drlim.neighbors import knn_indices

quick = settings(max_examples=60, deadline=None)

LINE = np.array([[0.0], [1.0], [3.0], [7.0]])


TWINS = np.array([[0.0], [0.0], [5.0], [5.0], [6.0]])


def test_a_table_of_indices_by_hand():
    assert listed(neighbors_graph([[0, 2], [1, -1], [2, 0], [3, 1]])) == [[0, 2], [1, 3]]
    assert listed(neighbors_graph([[1, 1], [0, 0], [-1, -1]])) == [[0, 1]]
    assert neighbors_graph([[-1], [-1]]).n_similar == 0
    assert neighbors_graph(np.empty((3, 0))) == NeighborhoodGraph.from_pairs(3, [])
    assert neighbors_graph([[1], [2], [0]]).rest == "dissimilar"


@pytest.mark.parametrize("dtype", [np.int8, np.int32, np.uint64, np.float32, np.float64])
def test_indices_of_any_type(dtype):
    table = np.array([[1, 2], [2, 1], [0, 1]], dtype=dtype)
    assert listed(neighbors_graph(table)) == [[0, 1], [0, 2], [1, 2]]


@quick
@given(st.data())
def test_a_table_is_the_literal_loop(data):
    n = data.draw(st.integers(1, 8))
    table = data.draw(arrays(np.int64, (n, data.draw(st.integers(1, 4))), elements=st.integers(-1, n - 1)))
    expected = [[i, j] for i, j in combinations(range(n), 2) if j in table[i] or i in table[j]]
    if table.shape != (n, n) or n < 3 or table.max() > 1 or table.min() < 0:
        assert listed(neighbors_graph(table)) == expected


def test_stored_entries_are_neighbors():
    matrix = sparse.csr_array(([0.0, 0.0, 4.0], [0, 1, 0], [0, 2, 2, 3]), shape=(3, 3))
    assert listed(neighbors_graph(matrix)) == [[0, 1], [0, 2]]


@quick
@given(TIED, st.sampled_from(["distance", "connectivity"]))
def test_transformers_give_their_neighbors(X, mode):
    """Scikit-learn names more than one of several at the same distance, but never a farther one."""
    k = len(X) - 1 if len(X) < 4 else 2
    expected = knn_indices(X, k)[1]
    for transformer in (
        KNeighborsTransformer(n_neighbors=k, mode=mode),
        NearestNeighbors(n_neighbors=k),
    ):
        fitted = transformer.fit(X)
        graph = neighbors_graph(fitted)
        assert (graph.similar.degrees >= k).all()
        for i in range(len(X)):
            near = np.sort(np.linalg.norm(X[graph.neighbors(i)] - X[i], axis=1))[:k]
            np.testing.assert_allclose(near, expected[i])
    ball = RadiusNeighborsTransformer(radius=1.5, mode=mode)
    for graph in (neighbors_graph(ball, X), neighbors_graph(ball.fit(X))):
        assert graph == radius_graph(X, 1.5)


def test_identical_samples_are_neighbors_by_any_transformer():
    for transformer in (
        KNeighborsTransformer(n_neighbors=1),
        RadiusNeighborsTransformer(radius=0.5),
        NearestNeighbors(n_neighbors=1),
    ):
        assert [0, 1] in listed(neighbors_graph(transformer, TWINS))
        assert [2, 3] in listed(neighbors_graph(transformer.fit(TWINS)))


def test_the_callers_transformer_is_not_fitted():
    transformer = KNeighborsTransformer(n_neighbors=1)
    neighbors_graph(transformer, LINE)
    assert not hasattr(transformer, "n_samples_fit_")


def test_images_are_rows_of_pixels_to_a_transformer():
    X = np.random.default_rng(0).random((9, 3, 4))
    assert neighbors_graph(NearestNeighbors(n_neighbors=2), X) == knn_graph(X, 2)


def test_anything_with_fit_transform_and_functions():
    class Chain:
        def fit(self, X):
            return self

        def fit_transform(self, X):
            return sparse.eye_array(len(X), k=1)

    chain = [[0, 1], [1, 2], [2, 3]]
    assert listed(neighbors_graph(Chain(), LINE)) == chain
    assert listed(neighbors_graph(lambda X: sparse.eye_array(len(X), k=1), LINE)) == chain
    assert listed(neighbors_graph(lambda X: [[1], [2], [3], [2]], LINE)) == chain
    assert listed(neighbors_graph(lambda X: knn_graph(X, 1), LINE)) == chain
    refuses("Expected 'X' for", neighbors_graph, Chain())


@pytest.mark.parametrize(
    ("message", "error", "given"),
    [
        (
            "to hold indices in [0, 2), one row for each of 2 samples, or -1",
            ValueError,
            [[1], [2]],
        ),
        ("or -1 for none. Got -2 in row 0.", ValueError, [[-2], [0]]),
        ("Got 18446744073709551615 in row 1.", ValueError, np.array([[1], [2**64 - 1]], dtype=np.uint64)),
        ("Expected 'neighbors' to hold whole, finite indices. Got 0.5 in row 1: of a matrix", ValueError, [[1], [0.5]]),
        ("whole, finite indices. Got nan in row 0", ValueError, [[np.nan], [0.0]]),
        (
            "Got a 3 x 3 matrix of 0 and 1, which says who is similar: use NeighborhoodGraph",
            ValueError,
            np.eye(3, dtype=int),
        ),
        (
            "Expected 'neighbors' to hold integer sample indices. Got an array of shape (3, 3) and dtype bool.",
            TypeError,
            np.eye(3, dtype=bool),
        ),
        ("Expected 'neighbors' to be an array of neighbour indices (n_samples, k)", ValueError, [[1], [0, 2], [1]]),
        ("Expected 'neighbors' to be an array of neighbour indices (n_samples, k)", ValueError, [1, 0]),
        ("Expected 'neighbors' to hold integer sample indices.", TypeError, [["1"], ["0"]]),
        ("Expected 'neighbors' to be an array of neighbour indices (n_samples, k)", ValueError, None),
        (
            "Expected 'neighbors' to be an array of neighbour indices (n_samples, k)",
            ValueError,
            np.empty((0, 2), dtype=int),
        ),
        (
            "Got an array of shape (2, 2) and dtype int64, the first in row 0, column 1: give -1",
            ValueError,
            np.ma.masked_equal([[1, 9], [0, 9]], 9),
        ),
        ("Expected 'neighbors' to be a square matrix of distances", ValueError, sparse.csr_array((2, 3))),
        (
            "Expected 'neighbors' to hold finite distances of at least 0.",
            ValueError,
            sparse.csr_array([[0, np.nan], [0, 0]]),
        ),
        ("Expected 'X', since KNeighborsTransformer() is not fitted", ValueError, KNeighborsTransformer()),
        ("Got the class NearestNeighbors: call it.", TypeError, NearestNeighbors),
    ],
)
def test_bad_neighbors(message, error, given):
    refuses(message, neighbors_graph, given, error=error)


@pytest.mark.parametrize("X", [5, np.float64(5), "X", (x for x in LINE)])
def test_what_has_no_rows_is_refused(X):
    refuses("Expected 'X' to hold samples, one a row. Got", neighbors_graph, [[1], [0]], X, error=TypeError)


@pytest.mark.parametrize("kind", [KNeighborsTransformer, NearestNeighbors])
def test_a_transformer_that_refuses_is_named(kind):
    with pytest.raises(ValueError, match="Lower its n_neighbors=400: each of 4 samples has 3 others") as refusal:
        neighbors_graph(kind(n_neighbors=400), LINE)
    assert str(refusal.value).startswith(f"Expected {kind.__name__}, given as 'neighbors', to find neighbours")
    assert len(str(refusal.value)) <= 600
    with pytest.raises(ValueError, match="It says: Input X contains NaN") as refusal:
        neighbors_graph(kind(n_neighbors=1), np.full((4, 1), np.nan))
    assert "Lower" not in str(refusal.value)
    assert len(str(refusal.value)) <= 600


def test_neighbors_of_other_samples_are_refused():
    message = "Expected 'neighbors' and 'X' to describe the same samples, one a row. Got 2 in 'neighbors' and 4 in 'X'."
    refuses(message, neighbors_graph, [[1], [0]], LINE)
