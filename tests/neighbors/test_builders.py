"""Graphs of near samples: by hand, of any type and metric, refusals."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from tests.neighbors.literal import assert_literal, literal

from drlim import NeighborhoodGraph, knn_graph, radius_graph
from drlim.neighbors import knn_indices

quick = settings(max_examples=60, deadline=None)


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


@pytest.mark.parametrize("shape", [(30, 4, 5), (30, 2, 4, 5)])
def test_images_are_compared_pixel_by_pixel(shape):
    X = np.random.default_rng(0).normal(size=shape)
    assert_literal(X, 3)
    assert knn_graph(X, 3) == knn_graph(X.reshape(30, -1), 3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.uint8, np.int64, bool])
def test_any_real_type_is_measured_in_float64(dtype):
    X = (
        np.random.default_rng(0).random((40, 6)) * 200 > 60
        if dtype is bool
        else np.random.default_rng(0).random((40, 6)) * 200
    ).astype(dtype)
    assert_literal(X, 5)


@quick
@given(arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=st.floats(-9, 9)), st.data())
def test_the_graph_is_the_union_of_the_directed_neighbors(X, data):
    X = np.unique(X + 1e-3 * np.arange(len(X))[:, None] ** 2, axis=0)  # without copies
    k = data.draw(st.integers(1, len(X) - 1))
    expected = literal(X, k)[0]
    pairs = [(i, j) for i, j in combinations(range(len(X)), 2) if j in expected[i] or i in expected[j]]
    graph = knn_graph(X, k)
    assert graph == NeighborhoodGraph.from_pairs(len(X), pairs)
    assert graph.similar.degrees.min() >= k
    assert graph.rest == "dissimilar"


def test_samples_are_left_as_they_were():
    X = np.random.default_rng(0).normal(size=(20, 3)) + 5
    before = X.copy()
    X.flags.writeable = False
    knn_graph(X)
    assert np.array_equal(X, before)


def test_five_neighbors_by_default():
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
        (np.ma.array(np.eye(4), mask=np.eye(4)), ValueError, "Expected 'X' to hold no masked values. Got an array of"),
        (np.zeros((1, 4)), ValueError, "Found array with 1 sample(s) (shape=(1, 4)) while a minimum of 2 is required."),
        (
            np.zeros((4, 0)),
            ValueError,
            "Found array with 0 feature(s) (shape=(4, 0)) while a minimum of 1 is required.",
        ),
        (np.zeros((4, 2)) + 1j, ValueError, "Complex data not supported"),
        ([["a"], ["b"]], ValueError, "could not convert string to float: 'a'"),
        (sparse.csr_array(np.full((4, 2), np.nan)), ValueError, "Input X contains NaN."),
        (
            sparse.csr_array([[1e141], [0.0]]),
            ValueError,
            "Expected 'X' to hold values up to 1e+140 in size: rescale it. Got 1e+141 in row 0, column 0.",
        ),
        (
            [[1e141], [0.0]],
            ValueError,
            "Expected 'X' to hold values up to 1e+140 in size: rescale it. Got 1e+141 in row 0, column 0.",
        ),
        (
            [[-1e300], [0.0]],
            ValueError,
            "Expected 'X' to hold values up to 1e+140 in size: rescale it. Got -1e+300 in row 0, column 0.",
        ),
    ],
)
def test_bad_samples(X, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        knn_graph(X, 1)


def test_the_largest_values_that_pass():
    assert_literal(np.array([[1e140, 0.0], [-1e140, 0.0], [0.0, 9e139], [1e139, 0.0]]), 3)


def test_directions_by_hand():
    """In the plane, at 0, 45, 90 and 180 degrees, of several lengths."""
    X = [[2.0, 0.0], [3.0, 3.0], [0.0, 0.1], [-7.0, 0.0]]
    indices, distances = knn_indices(X, 3, metric="cosine")
    assert indices.tolist() == [[1, 2, 3], [0, 2, 3], [1, 0, 3], [2, 1, 0]]
    np.testing.assert_allclose(distances[0], [1 - np.sqrt(0.5), 1.0, 2.0], rtol=1e-12)
    assert knn_graph(X, 1, "cosine").similar.pairs().tolist() == [[0, 1], [1, 2], [2, 3]]


@quick
@given(
    arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=st.integers(-3, 3)),
    st.lists(st.sampled_from([1.0, 3.0, 1e-200, 1e130]), min_size=12, max_size=12),
)
def test_length_does_not_matter_to_the_cosine(X, lengths):
    X = X[X.any(axis=1)]
    if len(X) > 1:
        plain, scaled = knn_indices(X, 1, "cosine"), knn_indices(X * np.array(lengths)[: len(X), None], 1, "cosine")
        np.testing.assert_allclose(plain[1], scaled[1], rtol=0, atol=1e-13)
        unit = X / np.linalg.norm(X, axis=1, keepdims=True)
        cosine = 1 - unit @ unit.T
        np.fill_diagonal(cosine, np.inf)
        np.testing.assert_allclose(plain[1].ravel(), cosine.min(axis=1), rtol=0, atol=1e-13)


def test_multiples_are_identical_to_the_cosine():
    X = np.array([[1.0, 3.0, 7.0], [0.1, 0.3, 0.7], [3.0, 9.0, 21.0], [1e-300, 3e-300, 7e-300], [7.0, 3.0, 1.0]])
    indices, distances = knn_indices(X[[0, 2, 4]], 1, "cosine")
    assert (indices[0, 0], distances[0, 0]) == (1, 0.0)
    assert radius_graph(X, 1e-15, "cosine").n_similar == 6


def test_a_sample_without_direction_is_refused():
    message = "Expected 'X' to hold samples with a direction, since metric is 'cosine'. Row 1 is all zeros: leave"
    for build in (knn_graph, radius_graph):
        with pytest.raises(ValueError, match=re.escape(message)):
            build([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]], 1, "cosine")


@pytest.mark.parametrize("radius", [-1, np.nan, np.inf, "1", None, True, [1.0]])
def test_bad_radius(radius):
    with pytest.raises(ValueError, match=re.escape("The 'radius' parameter of radius_graph must be a float in the")):
        radius_graph(np.eye(4), radius)


def test_images_within_a_radius():
    X = np.random.default_rng(0).normal(size=(30, 4, 5))
    assert radius_graph(X, 6.0) == radius_graph(X.reshape(30, -1), 6.0)
    assert 0 < radius_graph(X, 6.0).n_similar < 435


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"metric": "l1"},
            "The 'metric' parameter of knn_graph must be a str among {'cosine', 'euclidean', 'hamming', 'jaccard', "
            "'precomputed'} or a callable. Got 'l1' instead.",
        ),
        (
            {"algorithm": "fast"},
            "The 'algorithm' parameter of knn_graph must be a str among {'auto', 'cells', 'exact', 'index'}.",
        ),
        ({"random_state": "a"}, "The 'random_state' parameter of knn_graph must be"),
        ({"metric": "precomputed", "algorithm": "index"}, "Expected algorithm='exact' with metric='precomputed'"),
        (
            {"metric": "jaccard", "algorithm": "cells"},
            "Expected algorithm='exact' with this metric. Got 'cells', for",
        ),
        (
            {"metric": len, "algorithm": "index"},
            "Expected algorithm='exact' with this metric. Got 'index', for",
        ),
    ],
)
def test_bad_ways(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        knn_graph(np.eye(4), 1, **arguments)
