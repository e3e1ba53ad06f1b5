"""Trunks of wide rows: trained on principal components, and given back as the same function of the rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from drlim import NeighborMap, knn_graph, load, save
from drlim._base.sparse_rows import SparseRows
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.standardize import Standardize
from drlim.estimators.trunk import trunk_for
from drlim.metrics import knn_accuracy
from drlim.neighbors.coordinates import measure
from drlim.training import wide_rows
from drlim.training.watching import CallbackError
from drlim.training.wide_rows import narrowed

RANDOM = np.random.default_rng(0)
TOPIC = RANDOM.integers(0, 4, 400)
WORDS = RANDOM.random((4, 1600)) < 0.1
DENSE = (RANDOM.random((400, 1600)) < 0.01 + 0.1 * WORDS[TOPIC]) * RANDOM.integers(1, 4, (400, 1600)).astype(float)
COUNTS = sparse.csr_array(DENSE)


def model(**parameters):
    return NeighborMap(**{"max_epochs": 3, "random_state": 0, "verbose": False, **parameters})


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_a_widened_network_is_the_same_function(metric):
    rows, by_direction = SparseRows(COUNTS), metric == "cosine"
    measured = measure(rows, metric, seed=0)
    trunk, n_features = trunk_for("auto", rows, torch.device("cpu"), by_direction, 0, None)
    narrow = narrowed(trunk, measured, seed=0)
    network = PlaceLogits(narrow.trunk, n_features, 5)
    network.train()
    points = torch.from_numpy(np.array(narrow.measured.points))
    assert points.shape == (400, 20)
    for _ in range(3):  # moves the statistics of batch normalisation
        network(points)
    before = torch.get_rng_state()
    wide = narrow.widened(network.eval())
    assert torch.equal(torch.get_rng_state(), before)
    with torch.no_grad():
        found = wide(torch.from_numpy(DENSE.astype(np.float32)))
        np.testing.assert_allclose(found, network(points), atol=2e-5)
    assert not found.isnan().any()
    assert narrow.widened(network.train()).training


def test_the_layer_of_components_is_drawn_from_the_seed():
    rows = SparseRows(COUNTS)
    measured = measure(rows, "euclidean", seed=0)
    trunk, _ = trunk_for("auto", rows, torch.device("cpu"), False, 0, None)
    first, again, other = (narrowed(trunk, measured, seed).trunk[2].weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rows_of_one_scale_and_many_columns_are_narrowed():
    def found(X, wanted="auto"):
        trunk, _ = trunk_for(wanted, X, torch.device("cpu"), False, 0, None)
        return narrowed(trunk, measure(X, "euclidean", 0), 0)

    some = DENSE[:40]
    assert found(some) is not None
    assert found(some[:, :1500]) is None
    assert found(some.reshape(-1, 40, 40)) is None  # images
    wild = some.copy()
    wild[0, 0] = 1e7
    assert found(wild) is None
    assert found(np.ones((10, 1600))) is not None  # which have no scale


@pytest.fixture
def counted(monkeypatch):
    """Record whether the trunk of a fit was narrowed."""
    seen = []
    monkeypatch.setattr(
        "drlim.estimators.neighbor_map.narrowed", lambda *args: seen.append(narrowed(*args)) or seen[-1]
    )
    return seen


def test_sparse_and_dense_rows_are_mapped_alike(counted):
    thin, dense = model().fit(COUNTS[:300]), model().fit(DENSE[:300])
    assert [narrow is not None for narrow in counted] == [True, True]
    for fitted in (thin, dense):
        assert knn_accuracy(fitted.embedding_, TOPIC[:300], 5, fitted.transform(COUNTS[300:]), TOPIC[300:]) > 0.9
        np.testing.assert_allclose(fitted.transform(DENSE), fitted.transform(COUNTS), atol=1e-6)
    np.testing.assert_array_equal(thin.transform(COUNTS[:300]), thin.embedding_)
    assert thin.embedding_.tobytes() == model().fit(COUNTS[:300]).embedding_.tobytes()


def test_a_map_of_wide_rows_is_saved_and_goes_on(tmp_path):
    fitted = model().fit(COUNTS[:300])
    save(fitted, tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").transform(COUNTS).tobytes() == fitted.transform(COUNTS).tobytes()
    assert fitted.partial_fit(COUNTS[300:]).embedding_.shape == (100, 2)


@pytest.mark.parametrize("given", ["own", "orbit", "precomputed", "jaccard", "y", "pairs", "graph"])
def test_what_sees_rows_is_trained_on_rows(given, counted):
    X, parameters, stated = COUNTS[:60], {"max_epochs": 1}, {}
    if given == "own":
        parameters["encoder"] = torch.nn.Linear(1600, 8)
    elif given == "orbit":
        parameters["orbit"] = lambda batch: batch
    elif given == "jaccard":
        parameters["metric"] = given
    elif given != "precomputed":
        stated = {given: {"y": TOPIC[:60], "pairs": [(0, 1)], "graph": knn_graph(X, 5)}[given]}
    else:
        X, parameters["metric"] = np.zeros((1600, 1600)), "precomputed"
        X += np.abs(np.arange(1600)[:, None] - np.arange(1600))
    model(**parameters).fit(X, **stated)
    assert counted == []


def test_callbacks_see_a_map_of_rows():
    seen = []

    class Look:
        def on_epoch_end(self, record, state):
            seen.append((state.embedding().shape, type(state.encoder.network.trunk[0]), record["epoch"]))

    model(callbacks=[Look()]).fit(COUNTS[:100])
    assert seen == [((100, 2), Standardize, epoch) for epoch in (1, 2, 3)]


def test_a_resumed_fit_ends_with_the_same_bytes(tmp_path):
    class Fail:
        def on_epoch_end(self, record, state):
            if record["epoch"] == 2:
                raise OSError("no")

    whole = model().fit(COUNTS[:100])
    with pytest.raises(CallbackError):
        model(callbacks=[Fail()], checkpoint=tmp_path).fit(COUNTS[:100])
    resumed = model(checkpoint=tmp_path).fit(COUNTS[:100], resume=True)
    assert resumed.history_[2]["cross_entropy"] == whole.history_[2]["cross_entropy"]
    assert resumed.embedding_.tobytes() == whole.embedding_.tobytes()


def test_no_step_makes_all_rows_dense(monkeypatch):
    monkeypatch.setattr("drlim._base.ordinary._BLOCK_VALUES", 2**14)
    largest, whole = [0], sparse.csr_array.toarray

    def counted_values(self, *args, **kwargs):
        found = whole(self, *args, **kwargs)
        largest[0] = max(largest[0], len(found) if found.shape[1] == 1600 else 0)
        return found

    monkeypatch.setattr(sparse.csr_array, "toarray", counted_values)
    monkeypatch.setattr("drlim.encoders.retrieval._VALUES_AT_ONCE", 400 * 64)
    model().fit(COUNTS)
    assert 0 < largest[0] <= 64


def test_the_bound_on_columns_acts(monkeypatch):
    monkeypatch.setattr(wide_rows, "_WIDE", 1600)
    trunk, _ = trunk_for("auto", DENSE, torch.device("cpu"), False, 0, None)
    assert narrowed(trunk, measure(DENSE, "euclidean", 0), 0) is None
