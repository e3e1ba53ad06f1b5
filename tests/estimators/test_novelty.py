"""How unlike the training samples others are: by hand, in units of what is usual, and one warning of other ranges."""

from __future__ import annotations

import copy
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

import drlim
from drlim import DrLIM, NeighborMap, load, save
from drlim._base.sparse_rows import SparseRows
from drlim.estimators import ranges, reference
from drlim.estimators.reference import Reference, reference_of
from drlim.relations import orbits

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(300, 5))
IMAGES = drlim.datasets.digits().X_train[:300].astype(np.float32)

ESTIMATORS = [
    DrLIM(random_state=0, verbose=False, max_epochs=3),
    NeighborMap(random_state=0, verbose=False, max_epochs=2),
]
both = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["DrLIM", "NeighborMap"])


def fitted(estimator, X=TABLE, **parameters):
    return copy.deepcopy(estimator).set_params(**parameters).fit(X)


def test_a_reference_by_hand():
    """0, 1, 3 and 3 again: the nearest other samples are 1, 1, 2 and 2 away, of which 1.5 is the median."""
    found = reference_of(np.array([[0.0], [1.0], [3.0], [3.0]]))
    assert (found.low.tolist(), found.high.tolist(), found.size, found.unit) == ([0.0], [3.0], 3.0, 1.5)
    assert found.distance(np.array([[1.0], [6.0], [-3.0]])).tolist() == [0.0, 2.0, 2.0]


@both
def test_novelty_in_units_of_what_is_usual(estimator):
    model = fitted(estimator)
    new = model.novelty(RANDOM.normal(size=(300, 5)))
    assert new.shape == (300, 2)
    assert new.dtype == np.float64
    assert 0.8 < np.median(new[:, 0]) < 1.3
    own = model.novelty(TABLE)
    np.testing.assert_allclose(own, 0, atol=1e-6)
    far = model.novelty(TABLE[:5] * 20)
    assert far[:, 0].min() > 5
    literal = cdist(TABLE[:5] * 1.5, TABLE).min(axis=1) / np.median(np.sort(cdist(TABLE, TABLE), axis=1)[:, 1])
    np.testing.assert_allclose(model.novelty(TABLE[:5] * 1.5)[:, 0], literal, rtol=1e-5)
    Z, places = model.transform(TABLE[:5] * 1.5), np.unique(model.embedding_, axis=0)
    on_map = cdist(Z, model.embedding_).min(axis=1) / np.median(np.sort(cdist(places, places), axis=1)[:, 1])
    np.testing.assert_allclose(model.novelty(TABLE[:5] * 1.5)[:, 1], on_map, rtol=1e-6)


@both
def test_images_of_another_kind_are_new(estimator):
    model = fitted(estimator, IMAGES)
    new = model.novelty(drlim.datasets.digits().X_test.astype(np.float32))[:, 0]
    noise = model.novelty(np.random.default_rng(0).random((50, 8, 8)).astype(np.float32))[:, 0]
    assert np.median(new) < 1.3
    assert noise.min() > np.quantile(new, 0.95)


def test_projections_keep_distances():
    X = np.random.default_rng(0).normal(size=(80, 9000))
    found = reference_of(X)
    assert found.rows.shape == (80, 128)
    others = X[:20] + np.random.default_rng(1).normal(size=(20, 9000))
    wanted = cdist(others, X).min(axis=1) / np.median(np.sort(cdist(X, X), axis=1)[:, 1])
    np.testing.assert_allclose(found.distance(others), wanted, rtol=0.35)
    assert np.mean(found.distance(others)) == pytest.approx(wanted.mean(), rel=0.2)


@pytest.mark.parametrize("width", [5, 200])
def test_sparse_samples_are_as_new_as_dense_ones(width, monkeypatch):
    X = np.where(RANDOM.random((90, width)) < 0.3, RANDOM.normal(size=(90, width)), 0.0)
    dense, thin = reference_of(X[:60]), reference_of(SparseRows(sparse.csr_array(X[:60])))
    for name, array in dense.arrays().items():
        np.testing.assert_allclose(thin.arrays()[name], array, rtol=1e-6, atol=1e-6)
    wanted = dense.distance(X)
    monkeypatch.setattr(reference, "_BLOCK_ROWS", 7)
    monkeypatch.setattr(reference, "_COLUMNS_AT_ONCE", 4096)
    np.testing.assert_allclose(thin.distance(SparseRows(sparse.csr_array(X))), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(dense.distance(X), wanted, rtol=1e-9, atol=1e-9)


def test_of_many_samples_some_are_kept():
    X = np.random.default_rng(0).normal(size=(5000, 3))
    found = reference_of(X)
    assert found.rows.shape == (500, 3)
    assert sum(array.size for array in found.arrays().values()) == 1500 + 3 * 3 + 3
    assert np.median(found.distance(np.random.default_rng(1).normal(size=(500, 3)))) == pytest.approx(1.0, rel=0.15)
    lazy = reference_of(orbits(X, {"negated": np.negative}, lazy=True).X)
    assert lazy.rows.shape == (500, 3)


def test_samples_that_are_all_alike_have_a_unit_too():
    assert reference_of(np.ones((5, 2))).unit == 1.0
    assert reference_of(np.zeros((5, 2))).size == 0.0


def test_the_cosine_compares_directions():
    X = np.abs(TABLE)
    model = NeighborMap(metric="cosine", random_state=0, max_epochs=2).fit(X)
    np.testing.assert_allclose(model.novelty(1000 * X)[:, 0], 0, atol=1e-5)
    assert model.novelty(-X)[:, 0].min() > 2


@both
def test_it_survives_files_and_pickles(estimator, tmp_path):
    model = fitted(estimator, IMAGES)
    other = IMAGES[::-1] * 0.7
    wanted = model.novelty(other)
    save(model, tmp_path / "model.safetensors")
    for again in (load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):  # noqa: S301 - just written
        np.testing.assert_array_equal(again.novelty(other), wanted)


def test_a_model_of_an_earlier_version_keeps_no_samples():
    model = fitted(ESTIMATORS[0])
    del model._reference
    assert np.isfinite(model.transform(1e4 * TABLE)).all()  # and no ranges, of which it would warn
    with pytest.raises(
        ValueError, match=re.escape("This one comes from a file of an earlier version of drlim: fit it")
    ):
        model.novelty(TABLE)


OUTSIDE = (
    "Far from these a map means nothing: scale the samples as those were. novelty(X) tells how far each sample is."
)


@both
def test_a_warning_once_with_both_ranges(estimator):
    model = fitted(estimator, IMAGES)
    model.novelty(IMAGES * 255)  # which is the answer, and no occasion for a warning
    sentence = (
        f"'X' has values from 0 to 255; in the samples that {type(model).__name__} was trained on they are from 0 to 1"
    )
    with pytest.warns(UserWarning, match=re.escape(f"{sentence}. {OUTSIDE}")):
        model.transform(IMAGES * 255)
    model.transform(IMAGES * 255)  # once: warnings are errors here
    model.score(IMAGES * 255)


@both
@pytest.mark.parametrize("call", ["score", "confidence", "kneighbors", "partial_fit"])
def test_every_method_that_maps_warns(estimator, call):
    model = fitted(estimator)
    if not hasattr(model, call):
        pytest.skip("DrLIM has no such method")
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        getattr(model, call)(TABLE + 100)


@both
def test_a_column_is_named(estimator):
    table = pd.DataFrame(TABLE, columns=["age", "income", "c", "d", "e"])
    model = fitted(estimator, table)
    with pytest.warns(UserWarning, match=r"Column 'income' of 'X' has values from .* to .*; in the samples that"):
        model.transform(table.assign(income=1000 + table["income"]))
    model = fitted(estimator)
    with pytest.warns(UserWarning, match=r"Column 1 of 'X' has values from .* to .*; in the samples that"):
        model.transform(table.assign(income=1000 + table["income"]).to_numpy())


@both
def test_values_that_are_far_too_small_are_noticed(estimator):
    model = fitted(estimator, IMAGES * 255)
    with pytest.warns(UserWarning, match=re.escape("'X' has values from 0 to 1; in the samples that")):
        model.transform(IMAGES)


@both
def test_ordinary_samples_give_no_warning(estimator):
    model = fitted(estimator)
    model.transform(RANDOM.normal(size=(1000, 5)))
    model.transform(np.zeros((50, 5)))
    model.transform(TABLE[:1] / 60)
    one_wild = TABLE.copy()
    one_wild[:100, 0] = 1e6  # a third of the samples
    model.transform(one_wild)
    rare = np.where(RANDOM.random((300, 40)) < 0.05, 1.0, 0.0)
    rare[:, 7] = 0.0
    counts = fitted(estimator, np.concatenate([rare, TABLE], axis=1))
    seen = np.concatenate([rare, TABLE], axis=1)
    seen[:, 7] = 1.0  # never seen, and no further away than any other word
    counts.transform(seen)


@both
def test_sparse_samples_of_other_ranges(estimator):
    X = np.where(RANDOM.random((200, 30)) < 0.2, RANDOM.integers(1, 4, (200, 30)), 0).astype(float)
    model = fitted(estimator, sparse.csr_array(X))
    model.transform(sparse.csr_array(X))
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.transform(sparse.csr_array(1000 * X))
    model = fitted(estimator, X + 1000)
    with pytest.warns(UserWarning, match=re.escape("Column 0 of 'X' has values from 0 to 0")):
        model.transform(sparse.csr_array((50, 30)))  # what is not stored is 0, far below


def test_blocks_do_not_show_in_ranges(monkeypatch):
    far = (np.full(5, -2.0), np.full(5, 2.0))
    whole = ranges._n_outside(TABLE, far)
    monkeypatch.setattr(ranges, "_BLOCK_VALUES", 20)
    assert ranges._n_outside(TABLE, far) == whole == (np.abs(TABLE) > 2).any(axis=1).sum()
    assert ranges._n_outside(SparseRows(sparse.csr_array(TABLE)), far) == whole


@both
def test_going_on_widens_the_ranges(estimator):
    model = fitted(estimator)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.partial_fit(TABLE + 100, anchor=TABLE)
    model.transform(TABLE)
    model.transform(TABLE + 100)
    assert model.novelty(TABLE + 100)[:, 0].max() < 0.01
    assert model.novelty(TABLE)[:, 0].max() < 0.01


def test_a_reference_of_arrays_is_the_same():
    found = reference_of(TABLE)
    again = Reference.from_arrays(found.arrays(), 5)
    np.testing.assert_array_equal(again.distance(TABLE * 2), found.distance(TABLE * 2))
