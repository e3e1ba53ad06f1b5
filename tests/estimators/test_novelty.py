"""How unlike the training samples others are: by hand, in units of what is usual, and one warning of other ranges."""

from __future__ import annotations

import copy
import pickle
import re
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

import drlim
from drlim import DrLIM, NeighborMap, load, save
from drlim._base.sparse_rows import SparseRows
from drlim.estimators import far_samples, reference
from drlim.estimators.reference import reference_of
from drlim.estimators.sketches import coordinates
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
    """0, 1, 3 and 3 again: the nearest other samples of 0, 1 and 3 are 1, 1 and 2 away, of which 1 is the median."""
    found = reference_of(np.array([[0.0], [1.0], [3.0], [3.0]]), np.array([[0.0], [10.0], [20.0], [20.0]]))
    assert (found.low.tolist(), found.high.tolist(), found.size.tolist()) == ([0.0], [3.0], [3.0])
    assert found.input_distance(np.array([[1.0], [6.0], [-3.0]])).tolist() == [0.0, 3.0, 3.0]
    assert found.map_distance(np.array([[10.0], [45.0]])).tolist() == [0.0, 2.5]
    assert found.extent == 1.0  # from the median, 2, to all but one of 20


@both
def test_novelty_in_units_of_what_is_usual(estimator):
    model = fitted(estimator)
    new = model.novelty(RANDOM.normal(size=(300, 5)))
    assert new.shape == (300, 2)
    assert new.dtype == np.float64
    assert 0.8 < np.median(new[:, 0]) < 1.3
    np.testing.assert_allclose(model.novelty(TABLE), 0, atol=1e-6)
    others = TABLE[:5] * 1.5
    literal = cdist(others, TABLE).min(axis=1) / np.median(np.sort(cdist(TABLE, TABLE), axis=1)[:, 1])
    np.testing.assert_allclose(model.novelty(others)[:, 0], literal, rtol=1e-5)
    places = np.unique(model.embedding_, axis=0)
    on_map = cdist(model.transform(others), places).min(axis=1) / np.median(np.sort(cdist(places, places))[:, 1])
    np.testing.assert_allclose(model.novelty(others)[:, 1], on_map, rtol=1e-6)


@both
def test_images_of_another_kind_are_new(estimator):
    model = fitted(estimator, IMAGES)
    new = model.novelty(drlim.datasets.digits().X_test.astype(np.float32))[:, 0]
    with pytest.warns(UserWarning, match=re.escape(FAR)):
        noise = model.novelty(np.random.default_rng(0).random((50, 8, 8)).astype(np.float32))[:, 0]
    assert np.median(new) < 1.3
    assert noise.min() > np.quantile(new, 0.95)


def on_a_line(n):
    return np.arange(float(n))[:, None]


def test_sketches_keep_distances():
    X = np.random.default_rng(0).normal(size=(400, 9000))
    ratio = np.linalg.norm(coordinates(X[::2] - X[1::2]), axis=1) / np.linalg.norm(X[::2] - X[1::2], axis=1)
    assert coordinates(X).shape == (400, 128)
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)
    assert 0.03 < ratio.std() < 0.08
    steps = np.eye(9000)[:3]  # of single values: each goes into one sum
    np.testing.assert_allclose(np.linalg.norm(coordinates(steps), axis=1), 1.0)


@pytest.mark.parametrize("width", [5, 200])
def test_sparse_samples_are_as_new_as_dense_ones(width, monkeypatch):
    X = np.where(RANDOM.random((90, width)) < 0.3, RANDOM.normal(size=(90, width)), 0.0)
    dense = reference_of(X[:60], on_a_line(60))
    thin = reference_of(SparseRows(sparse.csr_array(X[:60])), on_a_line(60))
    for name in ("low", "high", "size", "centre", "rows", "least"):
        np.testing.assert_allclose(getattr(thin, name), getattr(dense, name), rtol=1e-6, atol=1e-6)
    wanted = dense.input_distance(X)
    monkeypatch.setattr(reference, "_BLOCK_ROWS", 7)
    np.testing.assert_allclose(thin.input_distance(SparseRows(sparse.csr_array(X))), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(dense.input_distance(X), wanted, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(dense.map_distance(on_a_line(90)), [0.0] * 60 + [*range(1, 31)])


def test_of_many_samples_some_are_kept():
    X = np.random.default_rng(0).normal(size=(5000, 3))
    found = reference_of(X, X)
    assert found.rows.shape == found.places.shape == (500, 3)
    assert (found.low == X.min(axis=0)).all()  # of all
    new = np.random.default_rng(1).normal(size=(500, 3))
    assert np.median(found.input_distance(new)) == pytest.approx(1.0, rel=0.15)
    assert np.median(found.map_distance(new)) == pytest.approx(1.0, rel=0.15)
    lazy = reference_of(orbits(X, {"negated": np.negative}, lazy=True).X, X)
    assert lazy.rows.shape == (500, 3)
    assert len(pickle.dumps(found)) < 30_000  # 500 samples, places, and little else


def test_large_images_are_read_a_block_at_a_time():
    """500 images of a megapixel have 4 GB in float64, and none of the steps may hold more than a few of them."""
    pixels = np.zeros((500, 1, 500, 500), dtype=np.uint8)
    pixels[:, 0, 0] = np.arange(500)[:, None] % 251
    tracemalloc.start()
    found = reference_of(pixels, on_a_line(500))
    found.input_distance(pixels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * pixels.nbytes


def test_samples_that_are_all_alike_have_a_unit_too():
    found = reference_of(np.ones((5, 2)), np.zeros((5, 2)))
    assert found.input_distance(np.array([[1.0, 4.0]])).tolist() == [3.0]
    assert found.extent == 0.0
    assert reference_of(np.zeros((5, 2)), np.zeros((5, 2))).size.tolist() == [0.0, 0.0]


def test_the_cosine_compares_directions():
    X = np.abs(TABLE)
    model = NeighborMap(metric="cosine", random_state=0, max_epochs=2).fit(X)
    np.testing.assert_allclose(model.novelty(1000 * X)[:, 0], 0, atol=1e-5)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        assert model.novelty(-X)[:, 0].min() > 2


@both
def test_it_survives_files_and_pickles(estimator, tmp_path):
    model = fitted(estimator, IMAGES)
    other = IMAGES[::-1] * 0.7
    wanted = model.novelty(other)
    save(model, tmp_path / "model.safetensors")
    for again in (load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):  # noqa: S301 - just written
        np.testing.assert_array_equal(again.novelty(other), wanted)


@both
def test_a_file_without_samples(estimator, tmp_path):
    model = fitted(estimator)
    save(model, tmp_path / "whole")
    save(model, tmp_path / "model", novelty=False)
    assert (tmp_path / "model").stat().st_size < (tmp_path / "whole").stat().st_size - TABLE.size * 4
    again = load(tmp_path / "model")
    assert np.isfinite(again.transform(1e4 * TABLE)).all()  # nothing is known of which it would warn
    with pytest.raises(ValueError, match=re.escape("so that novelty is not known: fit it again")):
        again.novelty(TABLE)
    again.partial_fit(TABLE[:50], anchor=TABLE[50:])
    with pytest.raises(ValueError, match="so that novelty is not known"):
        again.novelty(TABLE)  # the first samples, of which nothing is known, would seem new
    assert again.fit(TABLE).novelty(TABLE).max() < 1e-5


OUTSIDE = (
    "A map says nothing of samples that far away: bring them to the units of the training samples, unless they are "
    "meant to be new. novelty(X) gives the distance of each."
)


@both
def test_a_warning_once_with_both_ranges(estimator):
    model = fitted(estimator, IMAGES)
    sentence = (
        f"'X' has values from 0 to 255; in the samples that {type(model).__name__} was trained on they are from 0 to 1"
    )
    with pytest.warns(UserWarning, match=re.escape(f"{sentence}. {OUTSIDE}")):
        model.transform(IMAGES * 255)
    model.transform(IMAGES * 255)  # once: warnings are errors here
    model.score(IMAGES * 255)


@both
def test_one_warning_from_many_threads(estimator):
    model = fitted(estimator, IMAGES)
    with warnings.catch_warnings(record=True) as caught, ThreadPoolExecutor(8) as threads:
        warnings.simplefilter("always")
        maps = list(threads.map(lambda _: model.transform(IMAGES[:20] * 255), range(32)))
        new = list(threads.map(lambda _: model.novelty(IMAGES[:20] * 0.7), range(32)))
    assert len(caught) == 1
    assert all((one == maps[0]).all() for one in maps)
    assert all((one == new[0]).all() for one in new)


@both
@pytest.mark.parametrize("call", ["score", "confidence", "kneighbors", "partial_fit", "novelty"])
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


FAR = " At least half of the samples lie farther from all of those than those lie from their centre."
STANDARD = (IMAGES - IMAGES.mean(axis=0)) / (IMAGES.std(axis=0) + 1e-3)


@pytest.mark.parametrize(
    ("trained", "given", "said"),
    [
        (255 * IMAGES, IMAGES, "from 0 to 1; in the samples that DrLIM was trained on they are from 0 to 255." + FAR),
        (IMAGES, 1 - IMAGES, "from 0 to 1; in the samples that DrLIM was trained on they are from 0 to 1." + FAR),
        (16 * IMAGES, STANDARD, "from -2.97"),
        (IMAGES, 2 * IMAGES - 1, "from -1 to 1"),
        (np.pi * TABLE / 4, 180 * TABLE / 4, "from -"),
        (180 * TABLE / 4, np.pi * TABLE / 4, "from -"),
        (TABLE + 20 * np.eye(5)[1], TABLE + 293 * np.eye(5)[1], "Column 1 of 'X' has values from 29"),
        (1e3 * TABLE + 5e3, TABLE, "from -"),
        (TABLE, 1e3 * TABLE + 5e3, "from "),
    ],
    ids=[
        "1 for 255",
        "inverted",
        "standard for raw",
        "-1 to 1",
        "degrees",
        "radians",
        "Kelvin",
        "unscaled",
        "raw",
    ],
)
def test_other_units_are_noticed(trained, given, said):
    model = fitted(ESTIMATORS[0], trained)
    model.transform(trained)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)) as caught:
        model.transform(given)
    assert said in str(caught[0].message)


def test_directions_have_no_size():
    model = NeighborMap(metric="cosine", random_state=0, max_epochs=2).fit(IMAGES)
    model.transform(255 * IMAGES)
    with pytest.warns(UserWarning, match=re.escape(FAR)):
        model.transform(1 - IMAGES)


def test_a_few_samples_must_be_farther():
    """One sample may be wild; five that are four ranges away are none."""
    model = fitted(ESTIMATORS[0])
    model.transform(TABLE[:1] + 50)
    model.transform(TABLE[:5] + 4)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.transform(TABLE[:5] + 50)
    again = fitted(ESTIMATORS[0])
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        again.transform(TABLE[:1] + 1000)
    few = fitted(ESTIMATORS[0], TABLE[:9])  # which show no range
    few.transform(TABLE + 100)


@both
def test_ordinary_samples_give_no_warning(estimator):
    model = fitted(estimator)
    model.transform(RANDOM.normal(size=(1000, 5)))
    model.transform(np.zeros((50, 5)))
    model.transform(TABLE[:9] / 60)  # 45 values: too few to tell
    one_wild = TABLE.copy()
    one_wild[:100, 0] = 1e6  # a third of the samples
    model.transform(one_wild)
    rare = np.where(RANDOM.random((300, 40)) < 0.05, 1.0, 0.0)
    rare[:, 7] = 0.0
    counts = fitted(estimator, np.concatenate([rare, TABLE], axis=1))
    seen = np.concatenate([rare, TABLE], axis=1)
    seen[:, 7] = 1.0  # never seen, and no further away than any other word
    counts.transform(seen)


@pytest.mark.filterwarnings("ignore:'X' holds .* that would hide all others")
@pytest.mark.parametrize(
    "draw", [RANDOM.standard_cauchy, lambda size: RANDOM.lognormal(0, 3, size)], ids=["Cauchy", "log"]
)
def test_heavy_tails_give_no_warning(draw):
    X = draw(size=(1500, 6))
    model = fitted(ESTIMATORS[0], X[:500])
    for size in (5, 10, 100):
        for start in range(500, 1500, size):
            model.transform(X[start : start + size])


def test_groups_of_small_samples_are_ordinary():
    """Where a tenth of the training samples are small, others as small are of that group."""
    X = TABLE.copy()
    X[:30] /= 100
    model = fitted(ESTIMATORS[0], X)
    model.transform(X[:30])
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.transform(X / 10_000)


def test_wild_values_in_training_hide_nothing():
    X = TABLE.copy()
    X[7, 3], X[100, 0] = 1e6, -1e9
    with pytest.warns(UserWarning, match="in row 100, column 0"):
        model = fitted(ESTIMATORS[0], X)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.transform(255 * TABLE)


@both
def test_sparse_samples_of_other_ranges(estimator):
    X = np.where(RANDOM.random((200, 30)) < 0.2, RANDOM.integers(1, 4, (200, 30)), 0).astype(float)
    for factor in (1000, 0.01):
        model = fitted(estimator, sparse.csr_array(X))
        model.transform(sparse.csr_array(X))
        with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
            model.transform(sparse.csr_array(factor * X))
    model = fitted(estimator, X + 1000)
    with pytest.warns(UserWarning, match=re.escape("Column 0 of 'X' has values from 0 to 0")):
        model.transform(sparse.csr_array((50, 30)))  # what is not stored is 0, far below


def test_channels_are_judged_one_by_one():
    colour = np.random.default_rng(0).random((60, 3, 6, 6)) * np.array([1.0, 100.0, 1.0])[:, None, None]
    with pytest.warns(UserWarning, match="Channel 1 of 'X' would hide"):
        model = fitted(ESTIMATORS[0], colour)
    with pytest.warns(UserWarning, match=re.escape("Channel 2 of 'X' has values from ")):
        model.transform(colour * np.array([1.0, 1.0, 255.0])[:, None, None])


def test_shares_outside_are_those_of_a_literal_count():
    low, high = np.full(5, -1.0), np.array([2.0, 1.0, 1.0, 1.0, -0.5])
    literal = [((TABLE[:, k] < low[k]) | (TABLE[:, k] > high[k])).mean() for k in range(5)]
    thin = np.where(RANDOM.random(TABLE.shape) < 0.5, TABLE, 0.0)
    for form in (lambda X: X, lambda X: SparseRows(sparse.csr_array(X))):
        np.testing.assert_allclose(far_samples._share_outside(form(TABLE), low, high), literal)
        wanted = [((thin[:, k] < low[k]) | (thin[:, k] > high[k])).mean() for k in range(5)]
        np.testing.assert_allclose(far_samples._share_outside(form(thin), low, high), wanted)


@both
def test_going_on_widens_the_ranges(estimator):
    model = fitted(estimator)
    with pytest.warns(UserWarning, match=re.escape(OUTSIDE)):
        model.partial_fit(TABLE + 100, anchor=TABLE)
    model._reference.has_warned = False  # so that it would warn again
    for seen in (TABLE, TABLE + 100):
        model.transform(seen)
        assert np.median(model.novelty(seen), axis=0).max() < 2
    held = model._reference
    assert held.n_seen == 600
    assert held.rows.shape == (len(held.places), 5) == (500, 5)


def test_what_is_kept_after_many_calls_is_a_fair_share():
    """Of samples that came in six calls, each has a sixth of the places; without an anchor the last map counts."""
    found = reference_of(np.zeros((200, 1)), np.zeros((200, 1)))
    for call in range(1, 6):
        found = found.joined(np.full((200, 1), float(call)), np.full((200, 1), float(call)), holds=call < 5)
    assert found.n_seen == 1200
    counts = np.bincount(np.round(found.rows[:, 0] + found.centre[0]).astype(int))
    assert counts.sum() == 500
    assert (np.abs(counts - 500 / 6) < 30).all()
    assert (found.places == 5).all()
    assert (found.low[0], found.high[0]) == (0.0, 5.0)


def test_a_map_that_turns_forgets_where_samples_were():
    model = fitted(ESTIMATORS[0])
    model.partial_fit(TABLE[:50])
    assert (model._reference.places == model.embedding_).all()


def test_a_refused_fit_keeps_what_was_known():
    model = fitted(ESTIMATORS[0])
    before = model._reference
    with pytest.raises(ValueError, match="Expected 'graph' to have similar pairs"):
        model.fit(TABLE * 2, graph=drlim.NeighborhoodGraph.from_pairs(300, []))
    assert model._reference is before
