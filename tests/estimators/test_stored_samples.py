"""Samples outside memory: the same maps as from an array, read a batch at a time."""

from __future__ import annotations

import re
import tracemalloc
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from tests.stored import STORES, Computed, Images, Spy

from drlim import DrLIM, NeighborMap, knn_graph
from drlim._base import row_sources
from drlim._base.stored_rows import StoredRows
from drlim.training import neighbor_layout

RANDOM = np.random.default_rng(0)
TABLE = (RANDOM.normal(size=(160, 6)) + 5 * RANDOM.integers(0, 3, (160, 1))).astype(np.float32)
IMAGES = RANDOM.integers(0, 200, (90, 9, 9)).astype(np.uint8)
LABELS = np.arange(160) % 4

ESTIMATORS = {
    "DrLIM": DrLIM(random_state=0, verbose=False, max_epochs=3, optimizer="adam", batch_size=30),
    "DrLIM, L-BFGS": DrLIM(random_state=0, verbose=False, max_epochs=2),
    "DrLIM, held out": DrLIM(random_state=0, verbose=False, max_epochs=2, validation=0.2, interactions="batch"),
    "DrLIM, cosine": DrLIM(random_state=0, verbose=False, max_epochs=2, metric="cosine"),
    "NeighborMap": NeighborMap(random_state=0, verbose=False, max_epochs=2),
    "NeighborMap, cosine": NeighborMap(random_state=0, verbose=False, max_epochs=2, metric="cosine"),
}
MAPS = ["DrLIM", "NeighborMap"]
FITTED: dict[str, object] = {}


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Take every source for too large to be read into memory, and read few rows at a time."""
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)
    monkeypatch.setattr(row_sources, "_MOST_ROWS", 32)
    monkeypatch.setattr(StoredRows.blocks, "__defaults__", (120,))


def of_array(name, X):
    """Return an estimator that was fitted to an array, once for all tests."""
    key = f"{name} {X.shape} {X.dtype}"
    if key not in FITTED:
        FITTED[key] = clone(ESTIMATORS[name]).fit(X)
    return FITTED[key]


@pytest.mark.parametrize("name", ESTIMATORS)
@pytest.mark.parametrize("store", STORES)
def test_a_store_gives_the_bytes_of_its_array(name, store, tmp_path):
    expected = of_array(name, TABLE)
    given = STORES[store](TABLE, tmp_path)
    model = clone(ESTIMATORS[name]).fit(given)
    assert model.embedding_.tobytes() == expected.embedding_.tobytes()
    assert model.graph_ == expected.graph_
    if store == "Arrow":
        assert model.feature_names_in_.tolist() == [f"column {place}" for place in range(6)]
        return
    assert model.transform(given).tobytes() == model.transform(TABLE).tobytes()
    assert model.novelty(given).tobytes() == expected.novelty(TABLE).tobytes()


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float64, np.int64, ">f4"])
def test_images_of_any_type_are_converted_as_they_are_read(name, dtype, tmp_path):
    X = IMAGES.astype(dtype)
    expected = of_array(name, X)
    for store in ("memory map", "h5py"):
        model = clone(ESTIMATORS[name]).fit(STORES[store](X, tmp_path))
        assert model.embedding_.dtype == expected.embedding_.dtype
        assert model.embedding_.tobytes() == expected.embedding_.tobytes()


@pytest.mark.parametrize("name", MAPS)
def test_everything_that_takes_samples_takes_a_store(name, tmp_path):
    given, expected = STORES["h5py"](TABLE, tmp_path), of_array(name, TABLE)
    model = clone(ESTIMATORS[name]).fit(given, LABELS, pairs=[(0, 5)])
    beside = clone(ESTIMATORS[name]).fit(TABLE, LABELS, pairs=[(0, 5)])
    assert model.embedding_.tobytes() == beside.embedding_.tobytes()
    assert model.score(given) == pytest.approx(model.score(TABLE), rel=1e-12)
    assert (expected.kneighbors(given)[1] == expected.kneighbors(TABLE)[1]).all()
    assert expected.decode(given, LABELS).values.tobytes() == expected.decode(TABLE, LABELS).values.tobytes()
    if name == "NeighborMap":
        assert expected.confidence(given).tobytes() == expected.confidence(TABLE).tobytes()
    model.partial_fit(given, anchor=STORES["memory map"](TABLE[:40], tmp_path))
    beside.partial_fit(TABLE, anchor=TABLE[:40])
    assert model.embedding_.tobytes() == beside.embedding_.tobytes()
    assert model.drift_ == beside.drift_


@pytest.mark.parametrize("name", MAPS)
def test_orbits_and_own_functions_get_arrays(name, tmp_path):
    seen = []

    def noise(batch, generator):
        seen.append(type(batch))
        return batch + generator.normal(size=batch.shape).astype(batch.dtype)

    estimator = clone(ESTIMATORS[name]).set_params(orbit=noise)
    given = STORES["h5py"](TABLE, tmp_path)
    assert clone(estimator).fit(given).embedding_.tobytes() == clone(estimator).fit(TABLE).embedding_.tobytes()
    assert set(seen) == {np.ndarray}


def test_own_neighbours_get_an_array():
    seen = []
    DrLIM(max_epochs=1, random_state=0, neighbors=lambda X: seen.append(X) or knn_graph(X, 4)).fit(Spy(TABLE))
    assert isinstance(seen[0], np.ndarray)
    assert (seen[0] == TABLE).all()


@pytest.mark.parametrize("metric", ["hamming", lambda a, b: float(np.abs(a - b).sum())], ids=["hamming", "function"])
def test_metrics_that_compare_all_pairs_read_all_rows(metric):
    estimator = NeighborMap(metric=metric, max_epochs=1, random_state=0, verbose=False)
    X = np.round(TABLE[:60])
    assert clone(estimator).fit(Spy(X)).embedding_.tobytes() == clone(estimator).fit(X).embedding_.tobytes()


def test_distances_in_a_store():
    distances = np.linalg.norm(TABLE[:50, None] - TABLE[None, :50], axis=2)
    estimator = NeighborMap(metric="precomputed", max_epochs=1, random_state=0, verbose=False)
    expected = clone(estimator).fit(distances)
    model = clone(estimator).fit(Spy(distances))
    assert model.embedding_.tobytes() == expected.embedding_.tobytes()
    distances[40, 3] = -1
    with pytest.raises(ValueError, match=re.escape("at least 0. Got -1.")):
        model.transform(Spy(distances))


@pytest.mark.parametrize("name", MAPS)
def test_few_rows_are_read_at_a_time_and_batches_ahead(name):
    spy = Spy(TABLE)
    clone(ESTIMATORS[name]).fit(spy)
    assert spy.most == 32
    # A read for each row of each batch would make 160 an epoch, of which there are 2 or 3, beside the reads before it.
    assert spy.n_reads < 320


BAD = {
    "NaN": (np.nan, "'X' has NaN in row 151, column 2"),
    "infinity": (np.inf, "'X' has infinity in row 151, column 2"),
    "too large": (1e31, "Got 1e+31 in row 151, column 2."),
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("kind", BAD)
def test_values_that_cannot_be_used_are_named_by_their_row(name, kind):
    value, message = BAD[kind]
    X = TABLE.copy()
    X[151, 2] = value
    for given in (X, Spy(X)):
        with pytest.raises(ValueError, match=re.escape(message)):
            clone(ESTIMATORS[name]).fit(given)
    with pytest.raises(ValueError, match=re.escape(message)):
        of_array(name, TABLE).transform(Spy(X))


def test_several_wrong_values_are_counted_only_where_all_are_known():
    X = TABLE.copy()
    X[[20, 151], 2] = np.nan
    with pytest.raises(ValueError, match=re.escape("'X' has NaN 2 times, first in row 20")):
        clone(ESTIMATORS["DrLIM"]).fit(X)
    X[21, 2] = np.nan
    with pytest.raises(ValueError, match=re.escape("'X' has NaN, first in row 20")):
        clone(ESTIMATORS["DrLIM"]).fit(Spy(X))


class Without:
    """An object that lacks what is needed."""

    def __init__(self, **attributes):
        self.__dict__.update(attributes)


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        (lambda folder: Spy(TABLE[:, 0]), ValueError, "Expected 'X' to have rows of one value or more"),
        (lambda folder: Spy(TABLE[:1]), ValueError, "Found array with 1 sample(s)"),
        (lambda folder: Spy(TABLE[:, :0]), ValueError, "Found array with 0 feature(s)"),
        (lambda folder: Spy(TABLE * 1j), ValueError, "Complex data not supported"),
        (lambda folder: Spy(TABLE.astype(str).astype(object)[:, :] + "a"), ValueError, "could not convert"),
        (lambda folder: Without(shape=(3, 2)), TypeError, "'X'"),
        (lambda folder: STORES["memory map"](TABLE[:, 0], folder), ValueError, "Expected 2D array"),
        (
            lambda folder: Images([TABLE[0], TABLE[1, :3], TABLE[2]]),
            ValueError,
            "of different shapes, (6,) and",
        ),
        (lambda folder: Images(["a", "b"]), ValueError, "'X'"),
    ],
    ids=["1-D", "one row", "no column", "complex", "text", "no rows", "1-D map", "ragged", "texts"],
)
@pytest.mark.parametrize("name", MAPS)
def test_bad_sources_are_refused(name, bad, kind, message, tmp_path):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as caught:
        clone(ESTIMATORS[name]).fit(bad(tmp_path))
    assert isinstance(caught.value, kind)


def test_other_columns_and_names_are_refused(tmp_path):
    model = of_array("DrLIM", TABLE)
    with pytest.raises(ValueError, match=re.escape("X has 5 features, but DrLIM is expecting 6 features as input")):
        model.transform(Spy(TABLE[:, :5]))
    named = clone(ESTIMATORS["DrLIM"]).fit(STORES["Arrow"](TABLE, tmp_path))
    with pytest.raises(ValueError, match="Expected 'X' to have the columns of the training data"):
        named.transform(STORES["Arrow"](TABLE, tmp_path).select([f"column {place}" for place in (1, 0, 2, 3, 4, 5)]))


def test_of_many_samples_a_part_is_relaxed_and_the_rest_is_mapped(monkeypatch, tmp_path):
    monkeypatch.setattr(neighbor_layout, "LARGEST_LAYOUT", 150)
    monkeypatch.setattr(neighbor_layout, "_RELAXED_PART", 100)
    expected = clone(ESTIMATORS["NeighborMap"]).fit(TABLE)
    for store in ("memory map", "zarr", "any slices"):
        model = clone(ESTIMATORS["NeighborMap"]).fit(STORES[store](TABLE, tmp_path))
        assert model.graph_.n_samples == 100
        assert model.embedding_.tobytes() == expected.embedding_.tobytes()


def test_memory_does_not_grow_with_the_rows(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(row_sources, "_WHOLE_BYTES", -1)
    monkeypatch.setattr(neighbor_layout, "LARGEST_LAYOUT", 500)
    monkeypatch.setattr(neighbor_layout, "_RELAXED_PART", 400)
    source = Computed(30_000, 512)  # 61 MB
    NeighborMap(random_state=0, verbose=False, max_epochs=1).fit(Computed(1000, 512))  # imports and compiles
    tracemalloc.start()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = NeighborMap(random_state=0, verbose=False, max_epochs=1).fit(source)
        fitted = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        model.transform(source)
        mapped = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert source.most <= 2048
    assert fitted < 40e6
    assert mapped < 40e6


def test_a_fit_that_was_cut_short_goes_on_from_a_store(tmp_path):
    estimator = clone(ESTIMATORS["DrLIM"]).set_params(max_epochs=4, checkpoint=tmp_path / "kept")
    whole = clone(estimator).fit(TABLE)

    class Stop:
        def on_epoch_end(self, record, model_state):
            if record["epoch"] == 2:
                raise KeyboardInterrupt

    for path in (tmp_path / "kept").iterdir():
        path.unlink()
    with pytest.warns(UserWarning, match="interrupted after"):
        clone(estimator).set_params(callbacks=[Stop()]).fit(STORES["h5py"](TABLE, tmp_path))
    model = clone(estimator).fit(STORES["zarr"](TABLE, tmp_path), resume=True)
    assert model.embedding_.tobytes() == whole.embedding_.tobytes()
