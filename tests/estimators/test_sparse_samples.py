"""Sparse samples: accepted in every form, mapped like dense ones, and never dense as a whole."""

from __future__ import annotations

import copy
import re

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.sparse import csgraph
from sklearn.compose import ColumnTransformer
from sklearn.neighbors import KNeighborsClassifier, KNeighborsTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

import drlim
from drlim import DrLIM, NeighborMap, load, save
from drlim._base import ordinary
from drlim._base.sparse_rows import SparseRows, rows_of, stacked
from drlim.encoders import Standardize, standardize
from drlim.neighbors.coordinates import directions, measure
from drlim.neighbors.reduce import principal_components

RANDOM = np.random.default_rng(0)
TOPICS = RANDOM.random((4, 60)) < 0.2
LABELS = RANDOM.integers(0, 4, 120)
DENSE = np.where(RANDOM.random((120, 60)) < 0.5, TOPICS[LABELS] * RANDOM.integers(1, 4, (120, 60)), 0).astype(float)
COUNTS = sparse.csr_array(DENSE)

ESTIMATORS = [
    DrLIM(random_state=0, verbose=False, max_epochs=15),
    NeighborMap(random_state=0, verbose=False, max_epochs=3),
]
both = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["DrLIM", "NeighborMap"])


def fresh(estimator, **parameters):
    return copy.deepcopy(estimator).set_params(**parameters)


@both
def test_sparse_samples_are_mapped_like_dense_ones(estimator):
    dense, thin = fresh(estimator).fit(DENSE), fresh(estimator).fit(COUNTS)
    assert thin.graph_ == dense.graph_ or isinstance(estimator, NeighborMap)  # which rounds components otherwise
    assert thin.graph_.n_similar == pytest.approx(dense.graph_.n_similar, rel=0.01)
    np.testing.assert_array_equal(thin.transform(COUNTS), thin.embedding_)
    np.testing.assert_allclose(thin.transform(DENSE), thin.embedding_, atol=1e-9)
    np.testing.assert_allclose(thin.score(COUNTS), thin.score(DENSE), rtol=1e-4)
    judge = KNeighborsClassifier(5).fit(thin.embedding_, LABELS)
    assert judge.score(thin.embedding_, LABELS) > 0.9


FORMS = [
    *(
        getattr(sparse, f"{form}_{kind}")
        for form in ("csr", "csc", "coo", "lil", "dok", "bsr")
        for kind in ("array", "matrix")
    )
]


@both
@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_every_form_of_sparse_samples_is_taken(estimator, form):
    model = fresh(estimator, max_epochs=1).fit(form(COUNTS))
    assert model.n_features_in_ == 60
    assert model.transform(form(COUNTS)).tobytes() == model.embedding_.tobytes()


@both
@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_types_and_repeated_entries(estimator):
    model = fresh(estimator, max_epochs=1).fit(COUNTS)
    small = COUNTS.astype(np.uint8)
    assert model.transform(small).dtype == np.float32
    assert model.transform(COUNTS.astype(np.int64)).dtype == np.float64
    entries = COUNTS.astype(np.uint8).tocoo()
    twice = sparse.coo_array(
        (np.tile(entries.data, 200), (np.tile(entries.row, 200), np.tile(entries.col, 200))), shape=entries.shape
    )  # whose sums do not fit into its type
    np.testing.assert_allclose(model.transform(twice), model.transform(DENSE * 200), rtol=1e-4)
    unsorted = sparse.csr_array((np.array([1.0, 2.0, 3.0]), np.array([5, 1, 5]), np.array([0, 3])), shape=(1, 60))
    before = unsorted.indices.copy()
    assert np.isfinite(model.transform(unsorted)).all()
    assert (unsorted.indices == before).all()


@both
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (COUNTS * np.nan, "Input X contains NaN."),
        (COUNTS * np.inf, "Input X contains infinity"),
        (COUNTS * 1j, "Complex data not supported"),
        (COUNTS * 1e31, "Expected 'X' to hold values up to 1e+30 in size"),
        (COUNTS[:1], "Found array with 1 sample(s)"),
        (sparse.csr_array((5, 0)), "Found array with 0 feature(s)"),
    ],
)
def test_bad_sparse_samples(estimator, bad, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        fresh(estimator).fit(bad)


@both
def test_other_columns_are_refused(estimator):
    model = fresh(estimator, max_epochs=1).fit(COUNTS)
    with pytest.raises(ValueError, match=r"X has 59 features, but .* is expecting 60 features as input"):
        model.transform(COUNTS[:, :59])


@both
def test_sparse_samples_go_on_and_are_saved(estimator, tmp_path):
    model = fresh(estimator, max_epochs=2).fit(COUNTS[:80], LABELS[:80])
    model.partial_fit(COUNTS[80:], anchor=DENSE[:80])
    assert model.embedding_.shape == (40, 2)
    assert set(model.drift_) == {0.5, 0.9, 0.99, 1.0}
    save(model, tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").transform(COUNTS).tobytes() == model.transform(COUNTS).tobytes()


@both
def test_an_orbit_changes_dense_batches(estimator):
    shapes = set()

    def dropped(batch, generator):
        shapes.add(batch.shape[1:])
        return batch * (generator.random(batch.shape) < 0.9)

    model = fresh(estimator, orbit=dropped, max_epochs=2).fit(COUNTS)
    assert shapes == {(60,)}
    assert np.isfinite(model.embedding_).all()


def test_other_neighbours_get_the_sparse_samples():
    given = []
    transformer = DrLIM(random_state=0, max_epochs=2, neighbors=KNeighborsTransformer(n_neighbors=4)).fit(COUNTS)
    function = DrLIM(random_state=0, max_epochs=2, neighbors=lambda X: given.append(X) or drlim.knn_graph(X, 4)).fit(
        COUNTS
    )
    assert sparse.issparse(given[0])
    assert function.graph_.n_similar == pytest.approx(transformer.graph_.n_similar, rel=0.05)


@pytest.mark.parametrize("metric", ["cosine", "jaccard"])
def test_maps_of_sparse_samples_by_other_metrics(metric):
    dense, thin = (NeighborMap(metric=metric, random_state=0, max_epochs=2).fit(form) for form in (DENSE, COUNTS))
    assert thin.graph_.n_similar == pytest.approx(dense.graph_.n_similar, rel=0.02)  # counts tie
    np.testing.assert_array_equal(thin.transform(COUNTS), thin.embedding_)
    assert thin.confidence(COUNTS).shape == (120,)
    assert thin.kneighbors(COUNTS)[1].shape == (120, 5)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("hamming", "Expected 'X' to be an array with metric='hamming', which compares all values of all samples. Got"),
        (lambda a, b: 1.0, "Expected 'X' to be an array with a function as 'metric', which compares all values of all"),
        ("precomputed", "Expected 'X' to be a dense matrix with metric='precomputed'. Got a sparse one: what it does"),
    ],
)
def test_metrics_that_need_all_values(metric, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        NeighborMap(metric=metric).fit(COUNTS[:60])


@both
def test_sixty_cities_and_an_age_just_work(estimator):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"city": rng.integers(0, 60, 500).astype(str), "age": rng.integers(18, 80, 500)})
    columns = ColumnTransformer([("city", OneHotEncoder(), ["city"]), ("age", StandardScaler(), ["age"])])
    assert sparse.issparse(columns.fit_transform(table))
    pipe = make_pipeline(columns, fresh(estimator, max_epochs=20)).fit(table)
    Z = pipe.transform(table)
    same = (table[["city", "age"]].to_numpy()[:, None] == table[["city", "age"]].to_numpy()).all(axis=2)
    first, second = np.nonzero(np.triu(same, 1))
    assert len(first) > 0
    np.testing.assert_allclose(Z[first], Z[second], atol=1e-9)
    judge = KNeighborsClassifier(5).fit(Z[:400], table["age"][:400] > 48)
    assert judge.score(Z[400:], table["age"][400:] > 48) > 0.8


@both
def test_a_wild_count_is_named(estimator):
    wild = COUNTS.copy()
    wild.data[7] = 1e7
    row, column = (int(one[7]) for one in wild.nonzero())
    with pytest.warns(UserWarning, match=f"in row {row}, column {column}, that would hide all others"):
        fresh(estimator, max_epochs=2).fit(wild)


@pytest.fixture
def largest(monkeypatch):
    """Record the largest arrays that sparse rows become."""
    sizes = {"rows": 0, "values": 0}
    make_dense = SparseRows.__getitem__

    def counted(self, index):
        rows = make_dense(self, index)
        sizes["rows"] = max(sizes["rows"], len(rows))
        return rows

    monkeypatch.setattr(SparseRows, "__getitem__", counted)
    for form in (sparse.csr_array, sparse.csc_array):
        whole = form.toarray

        def counted_values(self, *args, whole=whole, **kwargs):
            found = whole(self, *args, **kwargs)
            sizes["values"] = max(sizes["values"], found.size)
            return found

        monkeypatch.setattr(form, "toarray", counted_values)
    return sizes


@pytest.mark.slow
@both
def test_no_more_than_a_batch_is_dense_at_once(estimator, largest):
    n_values = 2**25 + 10 * 60_000  # more than any step makes dense at once
    X = sparse.random_array((n_values // 60_000, 60_000), density=0.001, rng=0, format="csr")
    X.data[:] = 1.0
    width = 2 if isinstance(estimator, DrLIM) else 8
    model = fresh(estimator, max_epochs=1, encoder=nn.Sequential(nn.Linear(60_000, width))).fit(X)
    model.transform(X)
    assert 0 < largest["rows"] < len(model.embedding_)
    assert largest["values"] <= 2**25


def test_sparse_samples_are_standardised_in_blocks(largest, monkeypatch):
    monkeypatch.setattr(standardize, "_BLOCK_VALUES", 6000)
    monkeypatch.setattr(ordinary, "_BLOCK_VALUES", 6000)
    wild = COUNTS.copy()
    wild.data[7] = 1e7
    for X in (COUNTS, wild):
        Standardize((60,)).fit(SparseRows(X))
    assert 0 < largest["values"] <= 6000


def test_rows_by_hand():
    rows = SparseRows(sparse.csr_array([[0.0, 2.0], [3.0, 0.0]]))
    assert (rows.shape, rows.ndim, len(rows), rows.dtype) == ((2, 2), 2, 2, np.float64)
    assert rows_of(rows, np.array([1]))[:].tolist() == [[3.0, 0.0]]
    assert rows_of(np.eye(2), np.array([1])).tolist() == [[0.0, 1.0]]
    assert stacked(rows, np.eye(2))[:].tolist() == [[0.0, 2.0], [3.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    assert stacked(np.eye(2), rows)[2:].tolist() == [[0.0, 2.0], [3.0, 0.0]]
    assert stacked(np.eye(2), np.eye(2)).shape == (4, 2)


@pytest.mark.parametrize("width", [60, 2000])
def test_components_of_sparse_rows_are_those_of_dense_ones(width):
    X = np.random.default_rng(0).normal(size=(300, 5)) @ np.random.default_rng(1).normal(size=(5, width))
    X[np.random.default_rng(2).random(X.shape) < 0.3] = 0.0
    dense, thin = principal_components(X, 4), principal_components(SparseRows(sparse.csr_array(X)), 4)
    np.testing.assert_allclose(thin.variances, dense.variances, rtol=1e-4)
    np.testing.assert_allclose(thin.mean, dense.mean, rtol=1e-10)
    np.testing.assert_allclose(thin.project(SparseRows(sparse.csr_array(X))), dense.project(X), atol=0.05 * X.std())


@pytest.mark.parametrize("scale", [1e-25, 1.0, 1e25])
def test_measured_sparse_rows_are_those_of_dense_ones(scale):
    thin = SparseRows(COUNTS * scale)
    np.testing.assert_allclose(directions(thin)[:], directions(DENSE * scale), rtol=1e-12)
    for metric in ("euclidean", "cosine"):
        found, wanted = (measure(one, metric, seed=0).points for one in (thin, DENSE * scale))
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    scaled, plain = (Standardize((60,)).double().fit(one) for one in (thin, DENSE * scale))
    np.testing.assert_allclose(scaled.offset, plain.offset, rtol=1e-10)
    np.testing.assert_allclose(scaled.scale, plain.scale, rtol=1e-10)


def test_many_copies_among_sparse_rows_are_joined():
    X = sparse.csr_array(np.repeat(DENSE[:40], 30, axis=0))
    parts = csgraph.connected_components(drlim.knn_graph(X, 5).to_csr())[0]
    assert parts == csgraph.connected_components(drlim.knn_graph(DENSE[:40], 5).to_csr())[0]
