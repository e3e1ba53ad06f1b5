"""Refusals of index pairs, weights, samples and indices of a graph."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
from sklearn.model_selection import KFold, train_test_split
from sklearn.utils import _safe_indexing

from drlim import NeighborhoodGraph

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


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, "3", None, True])
def test_bad_n_samples(n_samples):
    message = f"The 'n_samples' parameter of NeighborhoodGraph must be an int in the range [1, inf). Got {n_samples!r} "
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(n_samples, [])


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
        ([0, 3], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got 3 at place 1."),
        ([-1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got -1 at place 0."),
        ([0, 1, 1], ValueError, "Expected 'samples' to hold distinct indices in [0, 3). Got 1 more than once."),
        (np.array([2**64 - 1], dtype=np.uint64), ValueError, "Expected 'samples' to hold distinct indices in [0, 3). "),
        (0, TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got 0."),
        ([[0], [1, 2]], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got [[0], [1, 2]]."),
        (np.ma.array([0, 1], mask=[0, 1]), ValueError, "Expected 'samples' to hold no masked values."),
        ([[0]], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of shape (1, 1)"),
        ([True, False, True], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of"),
        ([0.5], TypeError, "Expected 'samples' to be a 1-D array of integer indices. Got an array of shape (1,) and"),
    ],
)
def test_subgraph_of_samples_that_are_not_there(samples, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1)]).subgraph(samples)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1.0], ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got an array of"),
        (2.0, ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got 2.0."),
        ([[1, 2], [3]], ValueError, "Expected one weight for each of the 2 pairs in 'similar', shape (2,). Got [[1,"),
        ([1.0, 0.0], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got 0.0 at row 1: leave"),
        ([-1.0, 1.0], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got -1.0 at row 0: "),
        ([1.0, np.nan], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got nan at row 1: "),
        ([np.inf, 1], ValueError, "Expected the weights of 'similar' to be finite and above 0. Got inf at row 0: "),
        ([1, 1e101], ValueError, "Expected the weights of 'similar' to be at most 1e+100, so that their sum stays"),
        (np.ma.array([1.0, 2.0], mask=[0, 1]), ValueError, "Expected 'weights' to hold no masked values."),
        ([True, True], TypeError, "Expected the weights of 'similar' to be numbers. Got an array of shape (2,) and"),
        (["1", "2"], TypeError, "Expected the weights of 'similar' to be numbers. Got an array of shape (2,) and"),
    ],
)
def test_bad_weights(weights, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)], weights=weights)


def test_the_largest_weights_still_add_up():
    pairs = list(combinations(range(40), 2))
    graph = NeighborhoodGraph.from_pairs(40, pairs, weights=np.full(len(pairs), 1e100))
    assert graph.similar.total_weight == pytest.approx(780e100)


@pytest.mark.parametrize(
    ("index", "samples"),
    [
        (slice(1, None), [1, 2, 3]),
        (slice(None, None, -1), [3, 2, 1, 0]),
        ([2, 0], [2, 0]),
        (np.array([False, True, True, False]), [1, 2]),
        ([True, False, False, True], [0, 3]),
        ((np.array([3, 1]), ...), [3, 1]),
    ],
)
def test_an_index_cuts_a_graph(index, samples):
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (1, 2), (2, 3)])
    assert graph[index] == graph.subgraph(samples)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ([0, 0], "Got 0 more than once."),
        ([0, 99], "Got 99 at place 1."),
        ([-1, 0], "Got -1 at place 0."),
        (np.ma.array([True, True, False, True], mask=[0, 1, 0, 0]), "'index' to hold no masked values."),
        ((0, 1), "Got (0, 1): whether a pair is similar, and with which weight, says graph.similar.weight_of(i, j)."),
        (2, "Got 2."),
    ],
)
def test_a_bad_index_is_shown(index, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        NeighborhoodGraph.from_pairs(4, [])[index]


@pytest.mark.parametrize("index", [2, "a", None, (0, 1), [[0, 1]], [[0], [1, 2]], [True, False], 1.5, ...])
def test_bad_indices(index):
    with pytest.raises(TypeError, match=r"^Expected 'samples' to be a 1-D array of integer indices"):
        NeighborhoodGraph.from_pairs(4, [])[index]


def test_scikit_learn_cuts_a_graph_like_data():
    X, graph = np.arange(12.0).reshape(6, 2), NeighborhoodGraph.from_pairs(6, [(0, 3), (1, 4), (2, 5), (3, 5)])
    assert graph.shape == (6, 6)
    assert len(graph) == 6
    for train, test in KFold(3).split(X):
        assert _safe_indexing(graph, train) == graph.subgraph(train)
        assert _safe_indexing(graph, test) == graph.subgraph(test)
    X_train, _, kept, _ = train_test_split(X, graph, random_state=0)
    assert kept == graph.subgraph((X_train[:, 0] / 2).astype(int))
