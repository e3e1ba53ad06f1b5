"""`NeighborMap` on samples of many kinds: shapes, dtypes, few, degenerate and wild ones."""

from __future__ import annotations

import re

import numpy as np
import pytest

import drlim
import drlim.training.neighbor_layout
import drlim.training.placing
from drlim import NeighborMap


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def fitted(X, **parameters):
    return NeighborMap(**{"random_state": 0, "max_epochs": 2, **parameters}).fit(X)


@pytest.mark.parametrize(
    ("given", "computed"),
    [
        ("float64", "float64"),
        ("float32", "float32"),
        ("uint8", "float32"),
        ("float16", "float32"),
        ("bool", "float32"),
        ("int64", "float64"),
    ],
)
def test_the_map_of_the_training_samples_is_their_transform(cloud, given, computed):
    X = np.abs(cloud * 2).astype(given)
    model = NeighborMap(random_state=0, max_epochs=2)
    embedding = model.fit_transform(X)
    assert embedding.dtype == computed
    np.testing.assert_array_equal(embedding, model.embedding_)
    np.testing.assert_array_equal(model.transform(X), model.embedding_)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-3)])
def test_a_sample_s_place_depends_on_no_other_sample(dtype, tolerance):
    X = drlim.datasets.digits().X_train[:100].astype(dtype)
    model = fitted(X)
    width = model.embedding_.std()
    order = np.random.default_rng(0).permutation(len(X))
    for other in (
        np.concatenate([model.transform(row[None]) for row in X[:9]] + [model.transform(X[9:])]),
        model.transform(X[order])[np.argsort(order)],
        np.concatenate([model.transform(X[:40]), model.transform(X[40:])]),
    ):
        away = np.linalg.norm(other - model.embedding_, axis=1)
        assert (away > tolerance * width).sum() <= (0 if dtype == "float64" else 1)  # rounding may exchange modes


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("n_samples", [2, 3, 5, 20])
def test_few_samples_keep_places_of_their_own(n_samples, n_components):
    X = np.random.default_rng(0).normal(size=(n_samples, 4))
    model = fitted(X, n_components=n_components)
    assert model.embedding_.shape == (n_samples, n_components)
    assert np.isfinite(model.embedding_).all()
    assert len(np.unique(model.embedding_, axis=0)) == n_samples


@pytest.mark.parametrize(
    "X",
    [
        np.ones((50, 3)),
        np.zeros((50, 3)),
        np.random.default_rng(0).normal(size=(50, 1)),
        np.repeat(np.random.default_rng(0).normal(size=(4, 3)), 60, axis=0),  # more copies than neighbours
        np.random.default_rng(0).normal(size=(50, 3)) * 1e-30,
        np.random.default_rng(0).normal(size=(50, 3)) * 1e29,
        np.random.default_rng(0).normal(size=(50, 3)) + 1e6,
    ],
    ids=["ones", "zeros", "one column", "duplicates", "tiny", "huge", "offset"],
)
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_degenerate_samples(X, metric):
    for given in (X, X.astype(np.float32)):
        model = fitted(given, metric=metric, max_epochs=1)
        assert np.isfinite(model.embedding_).all()
        np.testing.assert_array_equal(model.transform(given), model.embedding_)


@pytest.mark.parametrize("wild", [1e6, 9e29])
def test_one_wild_value_does_not_hide_the_groups_of_the_others(wild):
    rng = np.random.default_rng(0)
    group = np.arange(120) % 3
    X = rng.normal(size=(120, 6)) + 8 * np.eye(6)[group]
    X[7, 1] = wild
    with pytest.warns(UserWarning, match="in row 7, column 1, that would hide"):
        model = fitted(X, max_epochs=40)
    blind = np.log(len(model.encoder_.head.centres))  # the cross-entropy of a network that sees no difference
    assert model.history_[-1]["cross_entropy"] < 0.8 * blind
    others = np.delete(np.arange(120), 7)
    _, nearest = model.kneighbors(X[others], 6)
    nearest = np.where(nearest == 7, others[:, None], nearest)
    assert (group[nearest] == group[others, None]).mean() > 0.97
    new = rng.normal(size=(60, 6)) + 8 * np.eye(6)[np.arange(60) % 3]
    assert (group[model.kneighbors(new, 5)[1]] == (np.arange(60) % 3)[:, None]).mean() > 0.95
    assert np.isfinite(model.confidence(X)).all()


@pytest.mark.parametrize("shape", [(8, 8), (5, 5), (3, 8, 8), (1, 12, 10)])
def test_images(shape):
    X = np.random.default_rng(0).random((24, *shape)).astype(np.float32)
    model = fitted(X, max_epochs=1)
    assert model.transform(X[:3]).shape == (3, 2)
    assert model.input_shape_ == shape
    assert model.n_features_in_ == np.prod(shape)
    with pytest.raises(ValueError, match=re.escape(f"samples of shape {shape}, as NeighborMap was fitted on.")):
        model.transform(X[..., :-1])


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_reads_memory_maps_that_cannot_be_written(cloud, tmp_path, metric):
    np.save(tmp_path / "X.npy", cloud)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    np.testing.assert_array_equal(fitted(mapped, metric=metric).embedding_, fitted(cloud, metric=metric).embedding_)


@pytest.mark.slow
def test_seeds_differ_little_in_quality():
    data = drlim.datasets.digits()
    scores = [
        (
            data.y_train[fitted(data.X_train, random_state=seed, max_epochs=10).kneighbors(data.X_test, 1)[1][:, 0]]
            == data.y_test
        ).mean()
        for seed in range(3)
    ]
    assert min(scores) > 0.96
