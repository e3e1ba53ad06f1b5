from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from drlim import NeighborhoodGraph, knn_graph, label_graph
from drlim.neighbors.perplexity import perplexity_weights, symmetric_weights
from drlim.relations.gather import overruled
from drlim.relations.listed import listed_springs

POINTS = np.random.default_rng(0).normal(size=(40, 3))
CODES = np.arange(40) % 4


def springs(graph, points=POINTS, n_neighbors=2):
    return listed_springs(graph, points, n_neighbors, seed=0)


def assert_symmetric(matrix):
    assert abs(matrix - matrix.T).max() == 0
    assert not matrix.diagonal().any()
    assert (matrix.data > 0).all()


def test_listed_pairs_are_taken_with_their_weights():
    matrix = np.zeros((40, 40))
    matrix[0, 1] = matrix[1, 0] = 0.25
    matrix[5, 9] = matrix[9, 5] = 3.0
    lists = springs(NeighborhoodGraph.from_csr(matrix, weighted=True))
    np.testing.assert_array_equal(lists.attraction.toarray(), matrix)
    assert lists.dissimilar is None
    assert lists.ignored is None


def test_declared_and_ignored_pairs_are_listed_and_the_rest_is_not():
    graph = NeighborhoodGraph.from_pairs(40, [(0, 1)], dissimilar=[(2, 3)], ignored=[(4, 5), (6, 7)])
    lists = springs(graph)
    assert np.argwhere(lists.dissimilar.toarray()).tolist() == [[2, 3], [3, 2]]
    assert np.argwhere(lists.ignored.toarray()).tolist() == [[4, 5], [5, 4], [6, 7], [7, 6]]


def test_a_sample_attracts_its_nearest_class_mates():
    lists = springs(label_graph(CODES))
    assert_symmetric(lists.attraction)
    for code in range(4):
        members = np.flatnonzero(code == CODES)
        distance = np.linalg.norm(POINTS[members, None] - POINTS[members], axis=2)
        nearest = np.argsort(distance, axis=1)[:, 1:7]  # thrice n_neighbors
        weights = perplexity_weights(np.square(np.take_along_axis(distance, nearest, axis=1)), 2.0)
        wanted = symmetric_weights(nearest, weights).toarray()
        np.testing.assert_allclose(lists.attraction.toarray()[np.ix_(members, members)], wanted, rtol=1e-6)
    assert lists.attraction.tocoo().nnz == sum(
        lists.attraction.toarray()[np.ix_(code == CODES, code == CODES)].astype(bool).sum() for code in range(4)
    )


def test_a_sample_repels_neighbours_of_other_classes():
    lists = springs(label_graph(CODES))
    assert_symmetric(lists.dissimilar)
    distance = np.linalg.norm(POINTS[:, None] - POINTS, axis=2)
    near = np.zeros((40, 40), dtype=bool)
    np.put_along_axis(near, np.argsort(distance, axis=1)[:, 1:7], values=True, axis=1)
    wanted = (near | near.T) & (CODES[:, None] != CODES)
    np.testing.assert_array_equal(lists.dissimilar.toarray(), wanted.astype(float))


def test_unlabelled_samples_keep_their_neighbours_alone():
    labels = np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    near = knn_graph(POINTS, 3)
    lists = springs(overruled(near, label_graph(labels)))
    attraction, similar = lists.attraction.toarray(), near.to_csr().toarray()
    np.testing.assert_array_equal(attraction[10:] > 0, similar[10:] > 0)
    assert not attraction[0, 1::2][:5].any()
    assert not lists.dissimilar.toarray()[10:].any()


def test_pairs_that_overrule_labels_are_kept_off():
    graph = overruled(label_graph(CODES), NeighborhoodGraph.from_pairs(40, [(0, 1)], dissimilar=[(0, 4)]))
    lists = springs(graph)
    assert lists.attraction[0, 1] == 1
    assert lists.attraction[0, 4] == 0
    assert lists.dissimilar[0, 4] == 1
    assert lists.dissimilar[0, 1] == 0


@pytest.mark.parametrize("codes", [[0, 0, 1], [0, 1, 2, 2], [0, 0]])
def test_classes_of_one_and_two(codes):
    lists = springs(label_graph(codes), POINTS[: len(codes)], n_neighbors=15)
    same = np.equal.outer(codes, codes) & ~np.eye(len(codes), dtype=bool)
    np.testing.assert_array_equal(lists.attraction.toarray() > 0, same)


def test_memory_grows_with_the_samples_and_not_with_their_pairs():
    n = 8000
    points = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    graph = label_graph(np.arange(n) % 2)  # 32 million pairs of each kind
    tracemalloc.start()
    try:
        lists = listed_springs(graph, points, 2, seed=0)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert lists.attraction.nnz <= 2 * 6 * n
    assert peak < 60e6
