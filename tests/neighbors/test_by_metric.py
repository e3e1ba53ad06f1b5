"""Jaccard, Hamming and functions: by hand, against literal loops, sparse as dense, nothing in common, refusals."""

from __future__ import annotations

import re
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

from drlim import NeighborhoodGraph, knn_graph, neighbors_graph, radius_graph
from drlim.neighbors import by_metric, exact, knn_indices

quick = settings(max_examples=60, deadline=None)

SETS = arrays(bool, st.tuples(st.integers(2, 12), st.integers(1, 5)))
CATEGORIES = arrays(np.int64, st.tuples(st.integers(2, 12), st.integers(1, 4)), elements=st.integers(-1, 1))


def jaccard(x: NDArray[Any], y: NDArray[Any]) -> float:
    both, either = set(np.flatnonzero(x)) & set(np.flatnonzero(y)), set(np.flatnonzero(x)) | set(np.flatnonzero(y))
    return (len(either) - len(both)) / len(either) if either else 0.0


def hamming(x: NDArray[Any], y: NDArray[Any]) -> float:
    return sum(one != other for one, other in zip(x, y, strict=True)) / len(x)


LITERAL = {"jaccard": jaccard, "hamming": hamming}


def literal(X: NDArray[Any], k: int, metric: str) -> tuple[list[list[int]], list[list[float]]]:
    """Sort, for each sample, the others by (distance, index); those at distance 1 are no neighbours."""
    indices, distances = [], []
    for i, x in enumerate(X):
        near = sorted((LITERAL[metric](x, y), j) for j, y in enumerate(X) if j != i)[:k]
        near = [(distance, j) if distance < 1 else (np.inf, -1) for distance, j in near]
        indices.append([j for _, j in near])
        distances.append([distance for distance, _ in near])
    return indices, distances


def test_baskets_by_hand() -> None:
    """Bread and milk; bread, milk and eggs; eggs alone; nothing; tea."""
    X = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    indices, distances = knn_indices(X, 2, "jaccard")
    assert indices.tolist() == [[1, -1], [0, 2], [1, -1], [-1, -1], [-1, -1]]
    assert distances.tolist() == [[1 / 3, np.inf], [1 / 3, 2 / 3], [2 / 3, np.inf], [np.inf] * 2, [np.inf] * 2]
    graph = knn_graph(X, 2, "jaccard")
    assert graph == NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2)]) == neighbors_graph(indices)
    assert radius_graph(X, 0.5, "jaccard").similar.pairs().tolist() == [[0, 1]]
    assert radius_graph(X, 1, "jaccard").n_similar == 10


def test_two_empty_sets_are_at_distance_0() -> None:
    assert knn_indices([[0, 0], [0, 0], [1, 0]], 1, "jaccard")[0].tolist() == [[1], [0], [-1]]
    assert radius_graph([[0, 0], [0, 0], [1, 0]], 0, "jaccard").similar.pairs().tolist() == [[0, 1]]


def test_people_by_hand() -> None:
    X = [["red", "car"], ["red", "bus"], ["blue", "bus"], ["green", "bike"]]
    indices, distances = knn_indices(X, 2, "hamming")
    assert indices.tolist() == [[1, -1], [0, 2], [1, -1], [-1, -1]]
    assert distances.tolist() == [[0.5, np.inf], [0.5, 0.5], [0.5, np.inf], [np.inf, np.inf]]
    assert knn_graph(X, 2, "hamming").similar.pairs().tolist() == [[0, 1], [1, 2]]
    assert radius_graph(X, 0.5, "hamming").similar.pairs().tolist() == [[0, 1], [1, 2]]
    assert radius_graph(X, 0.4, "hamming").n_similar == 0


@quick
@given(SETS, st.data())
def test_jaccard_is_the_literal_loop_dense_and_sparse(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    expected = literal(X, k, "jaccard")
    for given_as in (X, X.astype(float), X.astype(np.uint8), sparse.csr_array(X), sparse.csc_matrix(X.astype(int))):
        indices, distances = knn_indices(given_as, k, "jaccard")
        assert (indices.tolist(), distances.tolist()) == expected
        assert (indices.dtype, distances.dtype) == (np.int64, np.float64)


@quick
@given(CATEGORIES, st.data())
def test_hamming_is_the_literal_loop_of_any_kind(X, data):
    k = data.draw(st.integers(1, len(X) - 1))
    expected = literal(X, k, "hamming")
    for given_as in (X, X / 3, X.astype(str), X.astype(object), X.astype(str).tolist(), pd.DataFrame(X.astype(str))):
        indices, distances = knn_indices(given_as, k, "hamming")
        assert (indices.tolist(), distances.tolist()) == expected


@quick
@given(SETS, st.sampled_from([0.0, 1 / 3, 0.5, 2 / 3, 1.0]), st.sampled_from(["jaccard", "hamming"]))
def test_radius_is_the_literal_loop(X, radius, metric):
    expected = [[i, j] for i, j in combinations(range(len(X)), 2) if LITERAL[metric](X[i], X[j]) <= radius]
    assert radius_graph(X, radius, metric).similar.pairs().tolist() == expected


@pytest.mark.parametrize("metric", ["jaccard", "hamming"])
def test_blocks_do_not_change_the_result(monkeypatch, metric):
    X = np.random.default_rng(0).random((40, 12)) < 0.3
    whole = knn_indices(X, 5, metric), radius_graph(X, 0.4, metric)
    monkeypatch.setattr(exact, "_BLOCK_BYTES", 8 * 40 * 7)
    monkeypatch.setattr(by_metric, "_TILE_VALUES", 90)
    again = knn_indices(X, 5, metric), radius_graph(X, 0.4, metric)
    assert [part.tobytes() for part in again[0]] == [part.tobytes() for part in whole[0]]
    assert again[1] == whole[1]


def test_images_are_flattened():
    X = np.random.default_rng(0).random((20, 3, 4)) < 0.4
    for metric in ("jaccard", "hamming", lambda x, y: float(np.abs(x ^ y).sum())):
        assert knn_graph(X, 3, metric) == knn_graph(X.reshape(20, -1), 3, metric)


def test_many_categories_of_one_column():
    X = np.random.default_rng(0).permutation(np.repeat(np.arange(300), 2))[:, None]
    indices, distances = knn_indices(X, 2, "hamming")
    assert (X[indices[:, 0]] == X).all()
    assert (indices[:, 1] == -1).all()
    assert not distances[:, 0].any()


def test_a_function_is_asked_for_each_ordered_pair():
    """Uphill costs twice what downhill costs, so that 2 is nearer to 3 than to 0, whichever calls it near."""
    X, calls = [[0.0], [2.0], [3.0]], []

    def climb(x, y):
        calls.append((x.tolist(), y.tolist()))
        return float(max(2 * (y[0] - x[0]), x[0] - y[0]))

    indices, distances = knn_indices(X, 2, climb)
    assert indices.tolist() == [[1, 2], [0, 2], [1, 0]]
    assert distances.tolist() == [[4, 6], [2, 2], [1, 3]]
    assert sorted(calls) == sorted((X[i], X[j]) for i in range(3) for j in range(3) if i != j)
    assert radius_graph(X, 1, climb).similar.pairs().tolist() == [[1, 2]]
    assert radius_graph(X, 2, climb).similar.pairs().tolist() == [[0, 1], [1, 2]]


def test_a_function_is_as_good_as_the_metric_by_name():
    X = np.random.default_rng(0).normal(size=(30, 4))
    found = knn_indices(X, 4, lambda x, y: np.sqrt(np.einsum("d,d", x - y, x - y)))
    for one, other in zip(found, knn_indices(X, 4), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-14)


def test_a_function_may_give_distances_beyond_1():
    assert knn_indices([[0.0], [7.0]], 1, lambda x, y: abs(x[0] - y[0]))[1].tolist() == [[7.0], [7.0]]


@pytest.mark.parametrize("returned", [np.nan, np.inf, -1.0, "near", None, np.ones(2)])
def test_a_function_that_gives_no_distance(returned):
    for build in (knn_graph, radius_graph):
        with pytest.raises(
            ValueError, match=r"^Expected the function 'metric' to return finite .* for rows 0 and 1\.$"
        ):
            build(np.eye(3), 1, lambda x, y: returned)


@pytest.mark.parametrize("build", [knn_graph, radius_graph])
def test_an_error_of_a_function_names_it_and_stays_the_cause(build):
    def fails(x, y):
        raise ZeroDivisionError("mine")

    message = "The function given as 'metric', of rows 0 and 1, fails: mine."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$") as refusal:
        build(np.eye(3), 1, fails)
    assert isinstance(refusal.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("make", [np.array, sparse.csr_array])
@pytest.mark.parametrize("build", [knn_graph, radius_graph])
def test_jaccard_of_other_values_is_refused(make, build):
    message = "Expected 'X' to hold only 0 and 1, since metric is 'jaccard'. Got 2.5 in row 1: give X != 0, or use"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        build(make([[1.0, 0.0], [0.0, 2.5], [1.0, 1.0]]), 1, "jaccard")


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA], ids=["None", "NaN", "NA"])
def test_missing_categories_are_refused(missing):
    for X in ([["a", "b"], ["c", missing]], pd.DataFrame([["a", "b"], ["c", missing]])):
        with pytest.raises(ValueError, match=re.escape("Expected 'X' to hold no missing values. Got ")):
            knn_graph(X, 1, "hamming")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        knn_graph([[1.0], [np.nan]], 1, "hamming")


@pytest.mark.parametrize(
    ("X", "metric", "error", "message"),
    [
        (sparse.csr_array(np.eye(4)), "hamming", TypeError, "Sparse data was passed for X, but dense data is required"),
        (sparse.csr_array(np.eye(4)), max, TypeError, "Sparse data was passed for X, but dense data is required"),
        (["a", "b"], "hamming", TypeError, "Expected 'X' to be an array, a data frame, a tensor, an AnnData"),
        (
            [["a"]],
            "hamming",
            ValueError,
            "Found array with 1 sample(s) (shape=(1, 1)) while a minimum of 2 is required.",
        ),
        ([[], []], "hamming", ValueError, "Found array with 0 feature(s) (shape=(2, 0)) while a minimum of 1"),
        (np.array([["a"], ["b"]])[:, :0], "hamming", ValueError, "Found array with 0 feature(s) (shape=(2, 0))"),
        (
            np.array([[{}], [1]], dtype=object),
            "hamming",
            TypeError,
            "Expected 'X' to hold categories that can be hashed. Got {} in row 0.",
        ),
        (
            [[1, 0]],
            "jaccard",
            ValueError,
            "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required.",
        ),
        ([["a"], ["b"]], "jaccard", ValueError, "dtype='numeric' is not compatible with arrays of bytes/strings."),
    ],
)
def test_bad_samples(X, metric, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}"):
        knn_graph(X, 1, metric)
