from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import drlim.neighbors.measured
from drlim._base.ordinary import tamed
from drlim.neighbors.coordinates import measure
from drlim.neighbors.measured import check_metric, nearest_rows, perplexity_of, weighted_neighbors

X = np.random.default_rng(0).normal(size=(60, 5))


def graph_of(samples, metric, n_neighbors=3):
    return weighted_neighbors(samples, measure(samples, metric, seed=0), metric, n_neighbors, seed=0)


def neighbours_of(distance, k):
    """Which pairs are among the k nearest of either, from all distances."""
    distance = distance + np.diag(np.full(len(distance), np.inf))
    near = np.zeros(distance.shape, dtype=bool)
    np.put_along_axis(near, np.argsort(distance, axis=1, kind="stable")[:, :k], values=True, axis=1)
    return near | near.T


@pytest.mark.parametrize(
    ("metric", "literal"),
    [("euclidean", "euclidean"), ("cosine", "cosine"), (lambda a, b: float(np.abs(a - b).sum()), "cityblock")],
)
def test_neighbours_are_those_of_all_distances(metric, literal):
    similar = graph_of(X, metric).to_csr().toarray()
    # a weight may underflow, a pair that is not among the neighbours may not appear
    assert not (similar.astype(bool) & ~neighbours_of(cdist(X, X, literal), 9)).any()
    assert (similar.astype(bool) & neighbours_of(cdist(X, X, literal), 3)).sum() == neighbours_of(
        cdist(X, X, literal), 3
    ).sum()


@pytest.mark.parametrize("metric", ["hamming", "jaccard"])
def test_sets_and_codes(metric):
    bits = np.random.default_rng(0).random((60, 40)) < 0.4
    distance = cdist(bits, bits, metric)
    pairs = graph_of(bits.astype(np.float32), metric).similar.pairs()
    reach = np.sort(distance, axis=1)[:, 9]  # of the 9 nearest others
    first, second = pairs.T
    assert (distance[first, second] <= np.maximum(reach[first], reach[second]) + 1e-12).all()
    counts = np.random.default_rng(0).integers(0, 3, size=(60, 10)).astype(float)
    assert graph_of(counts, metric) == graph_of(counts * (5 if metric == "jaccard" else 1), metric)


def test_distances_given():
    assert graph_of(cdist(X, X), "precomputed") == graph_of(X, lambda a, b: float(cdist(a[None], b[None])[0, 0]))


def test_weights_have_the_perplexity_asked_for():
    weights = graph_of(X, "euclidean", n_neighbors=5).to_csr(weighted=True)
    assert weights.sum() == pytest.approx(len(X))  # each row's weights add up to 1, before they are made symmetric
    assert [perplexity_of(15, k) for k in (1, 3, 9, 45, 100)] == [1, 1, 3, 15, 15]


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_samples_take_all_others(n):
    assert graph_of(X[:n], "euclidean", 15).n_similar == n * (n - 1) / 2


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1.0, 1e9, 1e29])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_points_keep_distances_at_any_scale(scale, dtype):
    samples = (X * scale).astype(dtype)
    measured = measure(samples, "euclidean", seed=0)
    assert measured.points.dtype == np.float32
    distance, wanted = cdist(measured.points, measured.points), cdist(X, X)
    largest = float(measured.points.max())
    assert largest > 0.01
    assert scale == 1 or largest < 100 or scale == 1e9
    np.testing.assert_allclose(distance / distance.max(), wanted / wanted.max(), atol=1e-5)
    np.testing.assert_array_equal(measured.components.project(samples), measured.points)


def test_ordinary_samples_are_measured_in_their_own_unit():
    measured = measure(X, "euclidean", seed=0)
    np.testing.assert_allclose(cdist(measured.points, measured.points), cdist(X, X), atol=1e-5)


@pytest.mark.parametrize("scale", [1.0, 1e25])
def test_cosine_points_lie_on_a_sphere_and_zeros_at_its_centre(scale):
    samples = X * np.random.default_rng(0).uniform(1e-3, 1e3, size=(60, 1)) * scale
    samples[4] = 0
    measured = measure(samples, "cosine", seed=0)
    centre = measured.points[4]
    radius = np.linalg.norm(np.delete(measured.points, 4, axis=0) - centre, axis=1)
    np.testing.assert_allclose(radius, 1, atol=1e-5)


@pytest.mark.parametrize("wild", [1e5, -1e12, 9e29])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_wild_value_moves_no_other_neighbour(wild, dtype):
    samples = X.astype(dtype)
    samples[7, 2] = wild
    others = np.delete(np.arange(60), 7)
    measured = measure(samples, "euclidean", seed=0)
    assert np.isfinite(measured.points).all()
    distance = cdist(measured.points[others], measured.points[others])
    np.testing.assert_allclose(distance, cdist(X[others], X[others]), atol=2e-3)
    farthest = np.linalg.norm(measured.points[7] - measured.points[others], axis=1).min()
    assert farthest > 100 * distance.max()


def test_taming_leaves_ordinary_samples_as_they_are():
    rng = np.random.default_rng(0)
    sparse = np.zeros((500, 30))
    sparse[::50, 3] = 200.0  # a pixel that is rarely on
    for samples in (X, X.astype(np.float32), rng.lognormal(sigma=1.5, size=(200, 3)), sparse, np.ones((4, 2))):
        assert tamed(samples) is samples
    images = rng.random((9, 4, 4)).astype(np.float32)
    images[0, 0, 0] = 1e20
    clipped = tamed(images)
    assert clipped.dtype == np.float32
    assert clipped[0, 0, 0] < 1e4
    np.testing.assert_array_equal(np.delete(clipped.ravel(), 0), np.delete(images.ravel(), 0))


def test_many_rows_are_searched_by_cells(monkeypatch):
    points = np.random.default_rng(0).normal(size=(400, 3)).astype(np.float32)
    exact = nearest_rows(points, 5, 0)[0]
    monkeypatch.setattr(drlim.neighbors.measured, "_FEW_ROWS", 100)
    monkeypatch.setattr(drlim.neighbors.measured, "nearest", None)
    assert (nearest_rows(points, 5, 0)[0] == exact).mean() > 0.95


def test_metrics_are_checked_where_samples_enter():
    with pytest.raises(ValueError, match=re.escape("Expected 'X' to be square with metric='precomputed'")):
        check_metric(np.ones((3, 4)), "precomputed", fits=True)
    check_metric(np.ones((3, 4)), "precomputed", fits=False)
    check_metric(-X, "euclidean", fits=True)
    with pytest.raises(ValueError, match="which are at least 0"):
        check_metric(-np.ones((3, 4)), "precomputed", fits=False)
    with pytest.raises(ValueError, match=re.escape("must give finite distances of at least 0.")):
        check_metric(X, lambda a, b: np.inf, fits=True)
