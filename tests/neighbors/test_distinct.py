"""Neighbours among distinct samples: copies do not use them up, and none is invented."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.spatial.distance import cdist
from tests.builders import listed
from tests.neighbors.literal import TIED, literal_graph

from drlim import DrLIM, NeighborhoodGraph, NeighborMap, knn_graph, label_graph
from drlim._base.sparse_rows import SparseRows
from drlim.neighbors import copies as copies_module
from drlim.neighbors import distinct
from drlim.neighbors.coordinates import measure
from drlim.neighbors.copies import Copies, find_copies
from drlim.neighbors.measured import weighted_neighbors
from drlim.relations.listed import listed_springs

quick = settings(max_examples=60, deadline=None)

POINTS = np.random.default_rng(0).normal(size=(150, 4))


def squared(x, y):
    return float(((x - y) ** 2).sum())


def all_stored(distances):
    n = len(distances)
    return sparse.csr_array((distances.ravel(), np.tile(np.arange(n), n), np.arange(0, n * n + 1, n)), shape=(n, n))


def test_copies_by_hand():
    """Rows 0 and 2 are copies, and so are 1, 3 and 4. The two samples are each other's neighbour: 0-1, 2-3, 4-0."""
    graph = knn_graph([[0.0], [1.0], [0.0], [1.0], [1.0], [5.0]], 1)
    assert listed(graph) == [[0, 1], [0, 2], [0, 4], [1, 3], [1, 4], [1, 5], [2, 3], [3, 4]]
    assert graph.n_ignored == 0


def test_a_ring_of_copies_by_hand():
    """With one neighbour, three copies are all similar; of five each to the next, and five pairs have no spring."""
    graph = knn_graph([[0.0]] * 5 + [[1.0], [3.0]], 1)
    assert listed(graph) == [[0, 1], [0, 4], [0, 5], [1, 2], [1, 5], [2, 3], [2, 5], [3, 4], [3, 5], [4, 5], [5, 6]]
    assert graph.stated_ignored.pairs().tolist() == [[0, 2], [0, 3], [1, 3], [1, 4], [2, 4]]


@quick
@given(TIED, st.data())
def test_the_graph_is_the_literal_one(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    wanted = literal_graph(cdist(X, X, "sqeuclidean"), k)
    assert knn_graph(X, k) == wanted
    assert knn_graph(sparse.csr_array(X), k) == wanted
    assert knn_graph(X, k, squared) == wanted
    assert knn_graph(cdist(X, X), k, "precomputed") == wanted


@quick
@given(TIED, st.data())
def test_stored_distances_of_copies_are_like_dense_ones_where_nothing_is_tied(X, data):
    X = X + np.array([0.0, 0.013, 0.00017])[: X.shape[1]] * X**3
    k = data.draw(st.integers(1, len(X) - 1))
    D = cdist(X, X)
    D += 1e-9 * D * np.arange(len(D))  # copies keep distance 0; others differ
    graph, dense = (knn_graph(form, k, "precomputed") for form in (all_stored(D), D))
    assert graph.similar.degrees.tolist() == dense.similar.degrees.tolist() or len(np.unique(X, axis=0)) < 4


@pytest.mark.parametrize("n_copies", [2, 7, 40])
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_copies_do_not_let_the_graph_fall_apart(n_copies, metric):
    found = knn_graph(np.repeat(POINTS, n_copies, axis=0), 5, metric)
    assert (
        found.describe(verbose=False).components == knn_graph(POINTS, 5, metric).describe(verbose=False).components == 1
    )
    assert found.similar.degrees.min() >= 5
    first = np.arange(n_copies)
    states = found.subgraph(first)
    assert states.n_dissimilar == 0  # no two copies are


def test_no_copy_is_a_neighbour_twice():
    X = np.repeat(POINTS, 3, axis=0)
    found = distinct.distinct_rows(X, 5, lambda rows, k: distinct_nearest(X[rows], k))
    assert (X[found.indices] != X[:, None]).any(axis=2).all()
    assert (np.diff(np.sort(found.indices // 3, axis=1), axis=1) > 0).all()
    assert np.bincount(found.indices.ravel() % 3).tolist() == [750, 750, 750]


def distinct_nearest(rows, k):
    distance = cdist(rows, rows) + np.diag(np.full(len(rows), np.inf))
    indices = np.argsort(distance, axis=1, kind="stable")[:, :k]
    return indices, np.take_along_axis(distance, indices, axis=1)


@pytest.mark.parametrize("n", [12, 60, 300])
@pytest.mark.parametrize("form", [np.eye, sparse.eye_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("metric", ["euclidean", "cosine", "jaccard"])
def test_samples_that_are_all_equally_far_have_no_neighbours(n, form, metric):
    graph = knn_graph(form(n), 5, metric)
    assert graph.n_similar == 0
    assert "no pair is similar" in graph.describe(verbose=False).warnings[0]


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_strangers_are_told_in_float32_too(scale):
    """Squares of 1e50 are infinite in float32, and of 1e-50 zero."""
    X = (np.eye(300) * scale).astype(np.float32)
    indices, _ = distinct.without_strangers(X, np.roll(np.arange(300), 1)[:, None], np.full((300, 1), 2.0**0.5 * scale))
    assert (indices == -1).all()


def test_a_stranger_among_others_has_none_and_is_described():
    """The last row is as far from all others as can be, the others have neighbours."""
    X = np.zeros((101, 21))
    X[:100, :20] = np.abs(np.random.default_rng(0).normal(size=(100, 20)))
    X[100, 20] = 1.0
    graph = knn_graph(X, 5, "cosine")
    assert graph.neighbors(100).tolist() == []
    assert graph.similar.degrees[:100].min() >= 5
    (warning,) = graph.describe(verbose=False).warnings
    assert warning.startswith("1 of 101 samples are similar to no other")
    assert "most others are equally far from them" in warning


def test_documents_without_a_common_word_are_no_neighbours():
    """Two of 30 documents share a word with the first; all others are equally far from it."""
    words = np.zeros((30, 40))
    words[np.arange(30), np.arange(30)] = 1.0
    words[[0, 1], 35] = words[[0, 2], 36] = 1.0
    graph = knn_graph(words, 5, "cosine")
    assert graph.neighbors(0).tolist() == [1, 2]
    assert graph.neighbors(9).tolist() == []


def test_a_grid_keeps_its_neighbours_though_they_tie():
    grid = np.stack(np.meshgrid(np.arange(20.0), np.arange(20.0)), axis=-1).reshape(-1, 2)
    for k in (1, 3, 4, 5, 8):
        assert knn_graph(grid, k).similar.degrees.min() >= k


def test_groups_of_copies_that_are_all_equally_far_stay_apart():
    graph = knn_graph(np.repeat(np.eye(3), 20, axis=0), 5)
    assert graph.describe(verbose=False).components == 3
    assert knn_graph([[0.0], [0.0], [0.0]], 2).n_similar == 3
    constant = knn_graph(np.ones((20, 2)), 2)
    assert (constant.n_similar, constant.n_ignored) == (40, 0)  # all others are dissimilar: something has to repel


def test_few_samples_take_all_others_as_before():
    assert knn_graph(np.eye(4), 3).n_similar == 6


def test_the_pairs_of_the_most_copies_are_not_listed(monkeypatch):
    X = np.repeat(POINTS[:3], [100, 100, 60], axis=0)
    listed = knn_graph(X, 2)
    for limit, n_implied in ((20, 2), (1, 3)):
        monkeypatch.setattr(copies_module, "_LISTED", limit)
        implied = knn_graph(X, 2)
        assert implied == listed
        assert len(implied.stated_ignored.blocks.sizes) == n_implied
    assert listed.stated_ignored.blocks is None
    assert listed.n_ignored == 2 * (100 * 99 // 2 - 200) + 60 * 59 // 2 - 120


def test_the_numbers_of_copies():
    found = find_copies(np.array([[2.0], [-0.0], [2.0], [0.0], [3.0]]))
    assert (found.first.tolist(), found.group.tolist(), found.counts.tolist()) == (
        [0, 1, 4],
        [0, 1, 0, 1, 2],
        [2, 2, 1],
    )
    stored = sparse.csr_array((np.array([1.0, 0.0, 1.0]), ([0, 0, 1], [0, 1, 0])), shape=(2, 2))
    assert find_copies(SparseRows(stored)).group.tolist() == [0, 0]  # a stored 0 is no difference
    assert Copies.from_links(np.array([0, 0, 1, 3])).group.tolist() == [0, 0, 0, 1]
    assert Copies.from_links(np.arange(4)) is None


def weighted(X, metric="euclidean", n_neighbors=5):
    return weighted_neighbors(X, measure(X, metric, seed=0), metric, n_neighbors, seed=0)


@pytest.mark.parametrize("metric", ["euclidean", "cosine", squared, "precomputed"])
def test_weighted_neighbours_are_among_distinct_samples(metric):
    X = np.repeat(POINTS[:30], 9, axis=0)
    graph = weighted(cdist(X, X) if metric == "precomputed" else X, metric, 3)
    assert graph.describe(verbose=False).components == 1
    weights = graph.to_csr(weighted=True).toarray()
    own = np.arange(len(X)) // 9
    within = (weights * (own[:, None] == own)).sum(axis=1)
    np.testing.assert_allclose(within, 1.0)  # the copies of a sample weigh as much as its neighbours
    assert weights.sum() == pytest.approx(2 * len(X))


@pytest.mark.parametrize("metric", ["jaccard", "hamming"])
def test_the_map_invents_no_neighbours_either(metric):
    bits = np.zeros((60, 80))
    bits[:50, :40] = np.random.default_rng(0).random((50, 40)) < 0.4
    bits[50:, 40:50] = np.eye(10)  # ten samples that share nothing with any other
    if metric == "hamming":
        bits[50:] = np.arange(10)[:, None] + 2
    graph = weighted(bits, metric)
    assert graph.similar.degrees[50:].tolist() == [0] * 10
    assert graph.similar.degrees[:50].min() > 0
    if metric == "jaccard":
        assert graph == weighted(7 * bits, metric)


def test_the_map_has_no_neighbours_where_all_are_equally_far():
    """Principal components of 80 equally distant samples are not equally distant."""
    X = np.concatenate([np.eye(80, 90), np.zeros((30, 90))])
    X[80:, 80:] = 5 + np.random.default_rng(0).normal(size=(30, 10))
    assert weighted(X).similar.degrees[:80].max() == 0
    assert weighted(X).similar.degrees[80:].min() > 0
    zeros = np.concatenate([POINTS, np.zeros((3, 4))])
    assert weighted(zeros, "cosine").subgraph(np.arange(150)).n_similar == weighted(POINTS, "cosine").n_similar


def test_class_mates_are_found_among_distinct_samples():
    X = np.repeat(POINTS[:20], 30, axis=0).astype(np.float32)
    lists = listed_springs(label_graph([0] * 300 + [1] * 300), X, 3, seed=0)
    n_parts = sparse.csgraph.connected_components(lists.attraction)[0]
    assert n_parts == 2
    eyes = listed_springs(label_graph([0] * 30 + [1] * 30), np.eye(60, dtype=np.float32), 3, seed=0)
    assert sparse.csgraph.connected_components(eyes.attraction)[0] == 2  # labels say more than distances


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_estimators_find_neighbours_among_distinct_samples(estimator):
    X = np.repeat(POINTS, 9, axis=0)
    model = estimator(max_epochs=1, random_state=0, verbose=False).fit(X)
    assert model.graph_.describe(verbose=False).components == 1
    plain = NeighborhoodGraph.from_sets(len(X), model.graph_.stated_similar)
    assert model.graph_.describe(X, verbose=False).duplicates == 0
    assert plain.n_similar == model.graph_.n_similar


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_a_fit_without_any_neighbour_is_refused(estimator):
    message = "Expected 'X' to hold samples with neighbours. Each is equally far from all others: give 'graph', "
    with pytest.raises(ValueError, match=message):
        estimator(random_state=0).fit(np.eye(100))
