"""Exact nearest neighbours: by hand, against the literal definition, and where products of matrices lose digits."""

from __future__ import annotations

import re
import sys
import tracemalloc
from itertools import combinations
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import sparse

from drlim import NeighborhoodGraph, knn_graph, radius_graph
from drlim._base import arrays as _runs
from drlim.neighbors import approximate as _approximate
from drlim.neighbors import exact as _nearest
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
    assert graph.rest == "dissimilar"


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
        (np.ma.array(np.eye(4), mask=np.eye(4)), ValueError, "Expected 'X' to hold no masked values. Got an array of"),
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


# trees


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


# cosine


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


# radius_graph


def literal_ball(X: NDArray[Any], radius: float) -> list[list[int]]:
    flat = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    return [
        [i, j]
        for i, j in combinations(range(len(flat)), 2)
        if np.sqrt(np.einsum("d,d", flat[i] - flat[j], flat[i] - flat[j])) <= radius
    ]


def test_the_ball_is_closed():
    graph = radius_graph([[0.0], [1.0], [3.0], [3.5]], radius=1.0)
    assert graph.similar.pairs().tolist() == [[0, 1], [2, 3]]
    assert (graph.n_dissimilar, graph.rest) == (4, "dissimilar")
    assert radius_graph([[0.0, 0.0], [3.0, 4.0]], 5).n_similar == 1
    assert radius_graph([[0.0, 0.0], [3.0, 4.0]], np.nextafter(5.0, 0.0)).n_similar == 0


def test_radius_zero_joins_identical_samples():
    assert radius_graph([[0.1], [0.2], [0.1]], 0).similar.pairs().tolist() == [[0, 2]]


@quick
@given(TIED, st.sampled_from([0.0, 1.0, np.sqrt(2), 2.0, 2.5, 1e300]), st.booleans())
def test_radius_is_the_literal_loop(X, radius, by_tree):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_nearest, "_TREE_SAMPLES", 0 if by_tree else 10**9)
        assert radius_graph(X, radius).similar.pairs().tolist() == literal_ball(X, radius)


@pytest.mark.parametrize("by_tree", [False, True])
@pytest.mark.parametrize(("scale", "offset"), [(1.0, 0.0), (1.0, 1e8), (1e-160, 0.0)])
def test_radius_at_the_last_digit(monkeypatch, by_tree, scale, offset):
    """Every distance of the data is a radius once, and once the number just below it."""
    monkeypatch.setattr(_nearest, "_TREE_SAMPLES", 0 if by_tree else 10**9)
    X = scale * np.random.default_rng(0).random((8, 3)) + offset * (np.arange(8) % 2)[:, None]
    for i, j in combinations(range(8), 2):
        length = float(np.sqrt(np.einsum("d,d", X[i] - X[j], X[i] - X[j])))
        for radius in (length, float(np.nextafter(length, 0.0))):
            assert radius_graph(X, radius).similar.pairs().tolist() == literal_ball(X, radius)


@pytest.mark.parametrize("block_bytes", [1, 8 * 50 * 7, 8 * 50 * 50])
def test_blocks_do_not_show_in_a_radius(monkeypatch, block_bytes):
    X = np.random.default_rng(0).normal(size=(50, 9))
    graph = radius_graph(X, 3.5)
    assert 100 < graph.n_similar < 1100
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", block_bytes)
    assert radius_graph(X, 3.5) == graph


def test_images_within_a_radius():
    X = np.random.default_rng(0).normal(size=(30, 4, 5))
    assert radius_graph(X, 6.0) == radius_graph(X.reshape(30, -1), 6.0)
    assert 0 < radius_graph(X, 6.0).n_similar < 435


@pytest.mark.parametrize("d", [2, 12])
def test_a_radius_of_too_many_pairs_is_refused_before_they_are_listed(monkeypatch, d):
    monkeypatch.setattr(_runs, "MOST_PAIRS", 1000)
    X = np.random.default_rng(0).random((1000, d))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"list 5\.0e\+05 pairs, which do not fit.*Give a smaller radius\."):
            radius_graph(X, 10.0)
        assert tracemalloc.get_traced_memory()[1] < (2**20 if d == 2 else 2**26)
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(_nearest, "_BLOCK_BYTES", 2**16)
    with pytest.raises(ValueError, match="Give a smaller radius"):
        radius_graph(X, 10.0)


def test_few_more_pairs_than_fit_are_counted(monkeypatch):
    """On a line of 1000 with 5 to each side: 4985 pairs, too close to the limit for a sample."""
    X = np.arange(1000.0)[:, None]
    monkeypatch.setattr(_runs, "MOST_PAIRS", 4985)
    assert radius_graph(X, 5).n_similar == 4985
    monkeypatch.setattr(_runs, "MOST_PAIRS", 4984)
    with pytest.raises(ValueError, match=r"^These relations would list 5\.0e\+03 pairs"):
        radius_graph(X, 5)


@pytest.mark.parametrize("radius", [-1, np.nan, np.inf, "1", None, True, [1.0]])
def test_bad_radius(radius):
    with pytest.raises(ValueError, match=re.escape("The 'radius' parameter of radius_graph must be a float in the")):
        radius_graph(np.eye(4), radius)


# approximate


def clustered(n: int, seed: int = 0) -> NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    centres = generator.normal(size=(20, 8)) * 4
    return (centres[generator.integers(0, 20, n)] + generator.normal(size=(n, 8))) @ generator.normal(size=(8, 30))


def test_the_approximate_method_finds_most_and_measures_exactly():
    X = clustered(2000) + 1e6
    indices, distances = knn_indices(X, 5, method="approximate")
    exact, _ = knn_indices(X, 5)
    assert np.mean([len(set(a) & set(b)) for a, b in zip(indices.tolist(), exact.tolist(), strict=True)]) > 4.9
    measured = np.sqrt(np.sum((X[indices] - X[:, None]) ** 2, axis=2))
    np.testing.assert_allclose(distances, measured, rtol=1e-12)
    assert (np.diff(distances) >= 0).all()
    assert (indices != np.arange(2000)[:, None]).all()


def test_the_approximate_method_repeats_by_its_seed():
    X = np.random.default_rng(0).normal(size=(1500, 40))
    first, again = (knn_graph(X, 4, method="approximate", random_state=3) for _ in range(2))
    assert first == again
    assert knn_graph(X, 4, method="approximate") == knn_graph(X, 4, method="approximate", random_state=0)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_few_samples_are_all_found(metric):
    X = np.random.default_rng(0).normal(size=(7, 3))
    for k in (1, 6):
        exact, approximate = knn_indices(X, k, metric), knn_indices(X, k, metric, method="approximate")
        np.testing.assert_array_equal(exact[0], approximate[0])
        np.testing.assert_array_equal(exact[1], approximate[1])


def test_identical_samples_are_found():
    X = np.zeros((300, 4))
    X[200:] = np.random.default_rng(0).normal(size=(100, 4))
    assert not knn_indices(X, 3, method="approximate")[1][:200].any()


class NoIndex:
    """An index that finds each sample itself and nobody else."""

    def __call__(self, wanted, effort):
        return np.repeat(np.arange(50)[:, None], wanted, axis=1)


def test_an_index_that_finds_too_little_is_no_graph(monkeypatch):
    monkeypatch.setattr(_approximate, "_proposer", lambda X, seed: NoIndex())
    with pytest.raises(RuntimeError, match=re.escape("The index finds only 0 of 2 neighbours of some samples")):
        knn_graph(np.eye(50), 2, method="approximate")


def test_the_extra_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "voyager", None)
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        ImportError, match=re.escape("method='approximate' needs voyager or faiss: pip install \"drlim[")
    ):
        knn_graph(np.eye(50), 2, method="approximate")


class Hesitant:
    """Stands in for voyager.Index: it gives up unless it may search among 300 candidates."""

    def __init__(self, space, num_dimensions, M, random_seed, max_elements):
        pass

    def add_items(self, X, num_threads):
        assert num_threads == 1
        self.X = X

    def query(self, X, k, query_ef):
        if query_ef < 300:
            raise RuntimeError("Fewer than expected results were retrieved")
        squares = ((X[:, None] - self.X) ** 2).sum(axis=2)
        return np.argsort(squares, axis=1)[:, :k].astype(np.uint64), squares


def test_an_index_is_asked_again_with_more_candidates(monkeypatch):
    index = SimpleNamespace(Index=Hesitant, Space=SimpleNamespace(Euclidean=None))
    monkeypatch.setitem(sys.modules, "voyager", index)
    X = clustered(400)
    np.testing.assert_array_equal(knn_indices(X, 4, method="approximate")[0], knn_indices(X, 4)[0])
    with pytest.raises(RuntimeError, match=re.escape("The index finds only 0 of 4 neighbours")):
        knn_indices(X[:200], 4, method="approximate")


class FlatLists:
    """Stands in for faiss.IndexIVFFlat, with one list and an exact search that leaves a gap for some."""

    def __init__(self, quantizer, d, n_lists):
        self.cp = SimpleNamespace(seed=None)

    def train(self, X):
        assert self.cp.seed is not None

    def add(self, X):
        self.X = X

    def search(self, X, wanted):
        squares = ((X[:, None] - self.X) ** 2).sum(axis=2)
        found = np.argsort(squares, axis=1)[:, :wanted]
        found[::2, -1] = -1
        return squares, found


def test_faiss_stands_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "voyager", None)
    monkeypatch.setitem(sys.modules, "faiss", SimpleNamespace(IndexIVFFlat=FlatLists, IndexFlatL2=lambda d: None))
    X = clustered(60)
    np.testing.assert_array_equal(knn_indices(X, 4, method="approximate")[0], knn_indices(X, 4)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"metric": "l1"},
            "The 'metric' parameter of knn_graph must be a str among {'cosine', 'euclidean', 'precomputed'",
        ),
        ({"method": "fast"}, "The 'method' parameter of knn_graph must be a str among {'approximate', 'exact'}."),
        ({"random_state": "a"}, "The 'random_state' parameter of knn_graph must be"),
        ({"metric": "precomputed", "method": "approximate"}, "Expected method='exact' with metric='precomputed'"),
    ],
)
def test_bad_ways(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        knn_graph(np.eye(4), 1, **arguments)
