"""What is read from a map: neighbours and numbers, by hand; and hints for misspelt parameters."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from drlim import DrLIM, NeighborMap, knn_graph
from drlim.metrics import position_r2

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
NUMBERS = np.column_stack([X[:, 0], X @ [1.0, 2, 0, 1], np.full(60, 3.0)])


@pytest.fixture(scope="module", params=["DrLIM", "NeighborMap"])
def model(request):
    if request.param == "DrLIM":
        return DrLIM(encoder="linear", max_epochs=20, random_state=0).fit(X)
    return NeighborMap(max_epochs=3, n_places=20, random_state=0).fit(X)


def nearest(points, Z, k):
    distances = np.linalg.norm(Z[:, None].astype(float) - points[None].astype(float), axis=2)
    return np.argsort(distances, axis=1, kind="stable")[:, :k], np.sort(distances, axis=1)[:, :k]


def test_neighbours_by_hand(model):
    distances, indices = model.kneighbors(X[:7], 3)
    wanted, far = nearest(model.embedding_, model.transform(X[:7]), 3)
    assert distances == pytest.approx(far, abs=1e-6)
    assert (np.sort(far) == far).all()
    assert np.linalg.norm(model.embedding_[indices] - model.embedding_[wanted], axis=2) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match=f"of {type(model).__name__}.kneighbors must be an int"):
        model.kneighbors(X, 61)


def test_decoding_by_hand():
    model = DrLIM(encoder="linear", max_epochs=20, random_state=0).fit(X)
    read = model.decode(X[:7], NUMBERS, n_neighbors=4)
    near, _ = nearest(model.embedding_, model.transform(X[:7]), 4)
    assert read.values == pytest.approx(NUMBERS[near].mean(axis=1))
    own, _ = nearest(model.embedding_, model.embedding_, 5)
    assert (own[:, 0] == np.arange(60)).all()
    errors = NUMBERS - NUMBERS[own[:, 1:]].mean(axis=1)
    assert read.error == pytest.approx(np.sqrt((errors[near] ** 2).mean(axis=1)))
    share = 1 - (errors[:, :2] ** 2).sum(axis=0) / ((NUMBERS - NUMBERS.mean(axis=0))[:, :2] ** 2).sum(axis=0)
    assert read.r2[:2] == pytest.approx(share)
    assert np.isnan(read.r2[2])
    single = model.decode(X[:7], NUMBERS[:, 1], n_neighbors=4)
    assert (single.values == read.values[:, 1]).all()
    assert (single.error == read.error[:, 1]).all()
    assert single.r2 == pytest.approx(read.r2[1])


def test_the_error_is_the_usual_one():
    model = DrLIM(encoder="linear", max_epochs=20, random_state=0).fit(X)
    new = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    read = model.decode(new, NUMBERS[:, 1])
    truth = new @ [1.0, 2, 0, 1]
    ratio = np.sqrt(((read.values - truth) ** 2).mean()) / np.sqrt((read.error**2).mean())
    assert 0.7 < ratio < 1.4


def test_copies_are_read_too():
    copies = np.repeat(X[:6], 10, axis=0)
    model = DrLIM(encoder="linear", max_epochs=2, random_state=0).fit(copies)
    read = model.decode(X[:6], np.repeat(np.arange(6.0), 10), n_neighbors=5)
    assert read.values == pytest.approx(np.arange(6.0))
    assert read.r2 == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "n_neighbors", "sentence"),
    [
        (
            NUMBERS[:9],
            4,
            "to describe the same samples, one a row. Got 9 in 'y'",
        ),
        (np.full(60, np.nan), 4, "'y' has NaN"),
        (
            NUMBERS,
            60,
            "parameter of DrLIM.decode must be an int in the range [1, 59]. Got 60 instead.",
        ),
        (NUMBERS[None], 4, "Expected 'y' to be a 2-D array"),
    ],
)
def test_refusals_of_decode(y, n_neighbors, sentence):
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.decode(X, y, n_neighbors)
    with pytest.raises(NotFittedError):
        DrLIM().decode(X, y)
    with pytest.raises(NotFittedError):
        DrLIM().kneighbors(X)


def test_several_numbers_at_once():
    Z = np.random.default_rng(0).normal(size=(80, 2))
    targets = np.column_stack([Z[:, 0], Z[:, 1] ** 2])
    each = [position_r2(Z, column) for column in targets.T]
    assert position_r2(Z, targets) == pytest.approx(each)
    with pytest.raises(ValueError, match="The values of column 1 of 'target' are all the same"):
        position_r2(Z, np.column_stack([Z[:, 0], np.ones(80)]))
    with pytest.raises(ValueError, match="Expected 'target' to be 1-D, one number a sample, or 2-D"):
        position_r2(Z, targets[None])


@pytest.mark.parametrize("metric", ["cosine", "hamming", "jaccard"])
def test_neighbours_by_another_metric(metric):
    samples = (
        X if metric == "cosine" else np.random.default_rng(0).integers(0, 2 if metric == "jaccard" else 9, (60, 4))
    )
    model = DrLIM(encoder="linear", max_epochs=1, metric=metric, random_state=0).fit(samples)
    assert model.graph_ == knn_graph(samples, 5, metric)
    assert model.graph_ != knn_graph(samples, 5)
    with pytest.raises(ValueError, match=r"Got 'cosin' instead\. Did you mean 'cosine'\?"):
        DrLIM(metric="cosin").fit(X)


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_misspelt_parameters(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__} has no parameter 'max_epoch'. Did you mean 'max_epochs'\?"):
        kind(max_epoch=3)
    with pytest.raises(ValueError, match=r"has no parameter 'random_sate'\. Did you mean 'random_state'"):
        kind().set_params(random_sate=3)
    with pytest.raises(TypeError, match=r"has no parameter 'zzz'\. It has n_components, "):
        kind(zzz=3)
    assert kind(max_epochs=3).set_params(max_epochs=4).max_epochs == 4
    assert clone(kind(max_epochs=3)).max_epochs == 3
    assert pickle.loads(pickle.dumps(kind(max_epochs=3))).max_epochs == 3  # noqa: S301 - its own bytes
