"""Certificates of invariance: cases solved by hand, the interval, digests, text and JSON, refusals, repetition."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.pipeline import make_pipeline

from drlim import DrLIM, Table, certificate, datasets, orbits, transforms
from drlim._base.certificates import check_certificate
from drlim.metrics import Certificate, invariance_report
from drlim.metrics.bootstrap import Resampled, _ascending
from drlim.metrics.digests import digest_of_data, digest_of_weights

FEW = {"n_permutations": 19, "n_bootstrap": 100}
X = np.random.default_rng(0).normal(size=(120, 2))


def first(batch):
    return np.asarray(batch)[:, :1]


def both(batch):
    return np.asarray(batch)


def moved(batch):
    return batch + np.array([0.0, 3.0])


def failing_after(change):
    """Return what fails where a row of a certificate of `first` becomes as ``change`` says."""
    before = certificate(first, X, moved, **FEW)
    record = before.to_dict()
    change(record["rows"][0])
    record["verdict"] = record["rows"][0]["verdict"]
    return before.failures(Certificate.from_dict(record))


def test_two_samples_and_their_copies():
    # Originals 10 apart, the only two unrelated ones; their copies 1 and 2 away: median 1.5 of 10.
    copies = orbits([[0.0], [10.0]], {"nudge": lambda batch: batch})
    found = certificate([[0.0], [10.0], [1.0], [12.0]], [[0.0], [10.0]], copies, n_splits=2, **FEW)
    (row,) = found.rows
    assert (row["name"], row["kind"], row["n_pairs"], row["ratio"]) == ("nudge", "transform", 2, pytest.approx(0.15))
    # A draw has one original twice or both; without both, no samples are unrelated and the draw says nothing.
    assert (row["ratio_low"], row["ratio_high"]) == pytest.approx((0.15, 0.15))
    assert (found.unrelated, found.n_samples, found.n_trained_on) == (10.0, 2, None)
    assert [(one["sample"], one["copy"], one["ratio"]) for one in found.worst] == [(1, None, 0.2), (0, None, 0.1)]


def test_ids_alone_give_the_ratio_and_the_pairs_that_lie_farthest():
    Z = [[0.0], [1.0], [20.0], [23.0], [40.0]]
    found = certificate(Z, Z, ["a", "a", "b", "b", "c"], n_splits=2, **FEW)
    (row,) = found.rows
    assert row["ratio"] * found.unrelated == pytest.approx(2.0)
    assert row["told"] is row["p_value"] is row["score"] is None
    assert [(one["sample"], one["copy"]) for one in found.worst] == [(2, 3), (0, 1)]
    assert found.declared == "what differs between samples of one id"
    assert found.kind == "copies"


def test_the_numbers_are_those_of_the_report():
    changes = transforms.ignoring("shift=1,brightness")
    data = datasets.digits49()
    model = DrLIM(encoder="linear", max_epochs=3, random_state=0).fit(data.X_train[:100])
    images = data.X_test[:80]
    found = certificate(model, images, changes, **FEW)
    report = invariance_report(model, images.astype(np.float32), changes.extremes(), n_permutations=19)
    assert [row["name"] for row in found.rows] == [row.name for row in report.rows]
    for certified, reported in zip(found.rows, report.rows, strict=True):
        for name in ("ratio", "score", "chance", "told", "p_value", "n_pairs", "kind"):
            assert certified[name] == getattr(reported, name)
        assert certified["ratio_low"] < certified["ratio"] < certified["ratio_high"]
    assert found.declared == "shift=1,brightness=0.2"
    assert transforms.ignoring(found.declared) == changes


def test_the_worst_samples_are_found_by_a_literal_loop():
    functions = {"up": lambda batch: batch + np.abs(batch), "down": lambda batch: batch - 0.1}
    found = certificate(both, X, functions, n_worst=7, **FEW)
    literal = []
    for row, sample in enumerate(X):
        of_names = {name: float(np.linalg.norm(f(sample[None])[0] - sample)) for name, f in functions.items()}
        name = max(of_names, key=of_names.get)
        literal.append((-of_names[name] / found.unrelated, row, name))
    wanted = [(row, name, pytest.approx(-ratio)) for ratio, row, name in sorted(literal)[:7]]
    assert [(one["sample"], one["name"], one["ratio"]) for one in found.worst] == wanted


def test_verdict_is_by_the_upper_end_of_the_interval():
    # Ten samples whose copies lie between .1 and .9 away: the median is small, and not known well.
    few = np.linspace(0, 10, 12)[:, None]
    found = certificate(both, few, {"nudge": lambda batch: batch + 0.12 * batch}, n_splits=2, **FEW)
    (row,) = found.rows
    assert row["ratio"] <= 0.2 < row["ratio_high"]
    assert found.verdict == "partly"


def test_a_map_of_one_point_has_collapsed():
    found = certificate(lambda batch: np.zeros((len(batch), 2)), X, moved, **FEW)
    assert found.verdict == "collapsed"
    assert found.rows[0]["ratio"] is None
    assert found.worst == ()


def test_metadata_with_groups():
    things = np.repeat(np.arange(30), 4)
    sensor = pd.Series(np.tile(["a", "b"], 60), name="sensor")
    places = np.random.default_rng(1).normal(size=(30, 2))[things]
    found = certificate(places, places, {"sensor": sensor}, groups=pd.Series(things, name="thing"), **FEW)
    assert (found.kind, found.groups, found.declared, found.verdict) == ("columns", "thing", "sensor", "invariant")
    told = certificate(places + (sensor.to_numpy() == "a")[:, None], places, {"sensor": sensor}, **FEW)
    assert told.rows[0]["ratio"] is None
    assert told.rows[0]["told"] > 0.2
    assert told.worst == ()


def test_the_models_own_orbit_is_what_was_declared():
    data = datasets.digits49()
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, orbit=transforms.shift(1)).fit(data.X_train[:60])
    assert certificate(model, data.X_test[:60], **FEW).declared == "shift=1"

    def noise(images, generator):
        return images + generator.normal(scale=0.01, size=images.shape).astype(images.dtype)

    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, orbit=noise).fit(data.X_train[:60])
    found = certificate(model, data.X_test[:60], **FEW)
    assert (found.declared, found.kind) == ("noise", "functions")
    assert found == certificate(model, data.X_test[:60], **FEW)  # drawn from the seed
    assert found.rows != certificate(model, data.X_test[:60], random_state=1, **FEW).rows


def test_training_samples_are_counted_and_warned_of():
    data = datasets.digits()
    model = DrLIM(encoder="linear", max_epochs=2, random_state=0).fit(data.X_train[:80])
    mixed = np.concatenate([data.X_train[:20], data.X_test[:60]])
    with pytest.warns(UserWarning, match="20 of the 80 samples lie exactly where training samples do"):
        found = certificate(model, mixed, lambda batch: batch * 0.9, **FEW)
    assert found.n_trained_on == 20
    assert certificate(model, data.X_test[:60], lambda batch: batch * 0.9, **FEW).n_trained_on == 0


def test_a_pipeline_of_a_table_takes_columns():
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "city": ["x", "y", "z"] * 40})
    pipeline = make_pipeline(Table(), DrLIM(encoder="linear", max_epochs=1, random_state=0)).fit(frame)
    other = frame + frame.select_dtypes("number") * 0.01
    other["city"] = frame["city"]
    ids = np.arange(120) // 2
    found = certificate(pipeline, other, ids, **FEW)
    assert found.model == "Table, DrLIM"
    assert found.weights_sha256 == digest_of_weights(pipeline[-1])
    as_columns = {name: other[name].to_numpy() for name in other}
    assert certificate(pipeline, as_columns, ids, **FEW) == found


# The interval


@given(
    distances=st.lists(st.integers(0, 20), min_size=1, max_size=12),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_a_weighted_median_is_that_of_repeated_values(distances, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(distances), max_size=len(distances))))
    pairs = _ascending(np.array(distances, dtype=float), np.arange(len(distances)), None)
    found = pairs.medians(weights[None])[0]
    repeated = np.repeat(distances, weights)
    assert np.isnan(found) if not len(repeated) else found == np.median(repeated)


def test_intervals_cover_the_true_ratio():
    rng, n, inside = np.random.default_rng(0), 100, 0
    for _ in range(60):
        one, other = rng.integers(0, n, (2, 2000))
        other = np.where(one == other, (other + 1) % n, other)
        positions = rng.normal(size=n)
        unrelated = (np.abs(positions[one] - positions[other]), one, other)
        copies = np.abs(rng.normal(scale=0.3, size=n))
        low, high = Resampled(n, unrelated, 1e-6, 200, rng).interval(copies, np.arange(n))
        inside += low <= 0.3 / np.sqrt(2) <= high
    assert inside >= 0.88 * 60


def test_draws_in_few_parts_are_the_same(monkeypatch):
    rng = np.random.default_rng
    one = np.arange(50)
    pairs = (rng(0).random(50), one, (one + 1) % 50)
    whole = Resampled(50, pairs, 1e-6, 100, rng(1)).interval(rng(2).random(50), one)
    monkeypatch.setattr("drlim.metrics.bootstrap._AT_ONCE", 100)
    assert Resampled(50, pairs, 1e-6, 100, rng(1)).interval(rng(2).random(50), one) == whole


# Digests


@pytest.mark.parametrize(
    "same",
    [
        lambda x: x.astype("<f4"),
        lambda x: x.astype(">f8"),
        lambda x: x.astype(">i2"),
        np.asfortranarray,
        lambda x: x[::-1][::-1],
        lambda x: x.tolist(),
        lambda x: np.where(x == 0, -0.0, x),
    ],
)
def test_the_digest_is_of_the_values(same):
    values = np.arange(12).reshape(3, 4) - 3
    assert digest_of_data(same(values)) == "43d425c3c35eb27d232aaee9f90754cd137acfb0a00be8d4b1bccd61a60480b7"


@pytest.mark.parametrize(
    "other", [lambda x: x.T, lambda x: x.reshape(4, 3), lambda x: x + 1e-9, lambda x: x[:2], lambda x: x[[0, 2, 1]]]
)
def test_other_values_have_another_digest(other):
    values = np.arange(12.0).reshape(3, 4)
    assert digest_of_data(other(values)) != digest_of_data(values)


def test_integers_that_floats_cannot_tell_apart_have_other_digests():
    assert digest_of_data(np.array([[2**60]])) != digest_of_data(np.array([[2**60 + 1]]))


def test_sparse_samples_have_a_digest_of_their_entries():
    dense = np.array([[0.0, 2.0], [3.0, 0.0]])
    wanted = digest_of_data(sparse.csr_array(dense))
    assert digest_of_data(sparse.coo_array(dense)) == wanted
    assert digest_of_data(sparse.csr_array(dense.astype("f4"))) == wanted
    assert digest_of_data(sparse.csr_array(dense.T)) != wanted


def test_tables_have_a_digest_of_names_and_values():
    frame = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": pd.to_datetime(["2020-01-01", "2020-01-02"])})
    wanted = digest_of_data(frame)
    assert digest_of_data({name: frame[name].to_numpy() for name in frame}) == wanted
    assert digest_of_data(frame.astype({"a": object})) == wanted
    assert digest_of_data(frame.assign(c=frame["c"].astype("datetime64[s]"))) == wanted
    assert digest_of_data(frame.rename(columns={"a": "d"})) != wanted
    assert digest_of_data(frame.assign(b=["x", "y"])) != wanted
    assert digest_of_data({"b": ["ab", "c"]}) != digest_of_data({"b": ["a", "bc"]})


def test_a_digest_of_blocks_is_that_of_the_whole(monkeypatch):
    wanted = digest_of_data(X)
    monkeypatch.setattr("drlim.metrics.digests._ROWS_AT_ONCE", 5)
    assert digest_of_data(X) == wanted


def test_the_digest_of_weights_is_of_the_weights():
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X)
    before = digest_of_weights(model)
    assert digest_of_weights(DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X)) == before
    assert digest_of_weights(model.partial_fit(X)) != before
    assert digest_of_weights(first) is None


# Text and JSON


def test_text():
    text = str(certificate(both, X, moved))
    head, measured, *_ = text.split("\n")
    assert head == "not invariant: both, declared to ignore moved"
    assert measured.startswith("measured on 120 samples, sha256 ")
    assert "worst samples: " in text
    assert "by python " in text.split("\n")[-1]
    assert repr(certificate(first, X, moved)) == "Certificate('invariant', declared='moved', n_samples=120)"


def test_the_same_call_gives_the_same_bytes_and_json_gives_it_back():
    found = certificate(first, X, moved, **FEW)
    assert certificate(first, X, moved, **FEW).to_json() == found.to_json()
    assert Certificate.from_json(found.to_json()) == found
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.settings == {**FEW, "n_worst": 10, "n_neighbors": 15, "n_splits": 5, "random_state": 0}
    assert {"drlim", "numpy", "python", "torch"} <= found.versions.keys()


@pytest.mark.parametrize("text", ["", "[1]", '{"verdict": "invariant"}', "nan", "[" * 10_000])
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match=r"Expected 'text' to be|the certificate has other keys"):
        Certificate.from_json(text)


_RECORD = certificate(first, X, moved, **FEW).to_dict()


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        ("whole", "verdict", "fine"),
        ("whole", "verdict", "partly"),
        ("whole", "certificate_format", 2),
        ("whole", "rows", []),
        ("whole", "worst", None),
        ("whole", "kind", "code"),
        ("whole", "declared", 3),
        ("whole", "unrelated", float("inf")),
        ("whole", "unrelated", -1.0),
        ("whole", "n_samples", True),
        ("whole", "n_trained_on", -1),
        ("whole", "data_sha256", "0" * 63),
        ("whole", "weights_sha256", "G" * 64),
        ("whole", "groups", 1),
        ("whole", "model", "x" * 10_001),
        ("whole", "settings", {"n_worst": "many"}),
        ("whole", "versions", {1: "2"}),
        ("whole", "extra", 1),
        ("rows", "ratio", float("nan")),
        ("rows", "ratio_low", "0"),
        ("rows", "ratio_high", -0.1),
        ("rows", "told", float("inf")),
        ("rows", "score", "x"),
        ("rows", "chance", "x"),
        ("rows", "told_by_chance", -1),
        ("rows", "p_value", -1),
        ("rows", "n_pairs", 1.5),
        ("rows", "kind", "x"),
        ("rows", "name", None),
        ("rows", "verdict", "x"),
        ("rows", "extra", 1),
        ("worst", "sample", -1),
        ("worst", "copy", 1.0),
        ("worst", "ratio", -1.0),
        ("worst", "name", 1),
        ("worst", "extra", 1),
    ],
)
def test_records_with_impossible_values_are_refused(where, key, value):
    record = json.loads(json.dumps(_RECORD))
    (record if where == "whole" else record[where][0])[key] = value
    with pytest.raises(ValueError, match=r"certificate"):
        check_certificate(record)
    with pytest.raises(ValueError, match=r"certificate"):
        Certificate.from_dict(record)


# Repetition


def test_a_certificate_holds_on_other_samples_and_fails_for_another_map():
    before = certificate(first, X, moved, **FEW)
    assert before.failures(certificate(first, X + 0.1, moved, **FEW)) == ()
    ratio, told = before.failures(certificate(both, X, moved, **FEW))
    assert ratio.startswith("moved: copies lie 1.78 (")
    assert ratio.endswith("certified 0.00 (0.00-0.00)")
    assert told.startswith("moved: told from the position by 0.")
    assert certificate(both, X, moved, **FEW).failures(before) == ()  # better than certified


@pytest.mark.parametrize(
    ("change", "n_failures"),
    [
        (lambda row: None, 0),
        (lambda row: row.update(ratio=0.15, ratio_low=0.1, ratio_high=0.2), 0),  # more, and still invariant
        (lambda row: row.update(ratio=0.25, ratio_low=0.19, ratio_high=0.3), 0),  # perhaps
        (lambda row: row.update(ratio=0.25, ratio_low=0.21, ratio_high=0.3), 1),
        (lambda row: row.update(told=0.19), 0),
        (lambda row: row.update(told=0.21), 1),
        (lambda row: row.update(told=0.21, told_by_chance=0.3), 0),  # chance tells as much
        (lambda row: row.update(verdict="collapsed", ratio=None, ratio_low=None, ratio_high=None), 1),
    ],
)
def test_what_fails(change, n_failures):
    assert len(failing_after(change)) == n_failures


def test_certificates_of_other_nuisances_are_not_compared():
    before = certificate(first, X, moved, **FEW)
    with pytest.raises(ValueError, match=r"Expected 'later' to be of the same nuisances, moved\. Got first"):
        before.failures(certificate(first, X, {"first": moved}, **FEW))
    without_copies = certificate(first, X, {"moved": X[:, 1]}, **FEW)
    with pytest.raises(ValueError, match=r"Got moved \(no copies\)"):
        before.failures(without_copies)


def test_false_alarms_are_rare_and_changes_are_found():
    rng, alarms, found = np.random.default_rng(0), 0, 0

    def partly(batch):
        return batch * [1.0, 0.13]

    def less(batch):
        return batch * [1.0, 0.24]

    samples = [rng.normal(size=(150, 2)) for _ in range(12)]
    made = [certificate(partly, one, moved, **FEW) for one in samples]
    worse = [certificate(less, one, moved, **FEW) for one in samples]
    pairs = [(one, other) for one in range(12) for other in range(12) if one != other]
    alarms = sum(bool(made[one].failures(made[other])) for one, other in pairs)
    found = sum(bool(made[one].failures(worse[other])) for one, other in pairs)
    assert alarms <= 0.03 * len(pairs)
    assert found >= 0.97 * len(pairs)


# Refusals


@pytest.mark.parametrize(
    ("orbits_", "groups", "message"),
    [
        (None, None, "Expected 'orbits' to say what the map was declared to ignore"),
        ([1] * 120, None, "Expected 'orbits' to give some samples one id, and not all of them the same. Got 1 diff"),
        (np.arange(120), None, "Got 120 different ids of 120 samples"),
        (np.arange(60), None, "'orbits' and 'X' to describe the same samples|Got 60"),
        (moved, np.arange(120), "'groups' belongs to columns of metadata"),
        (np.arange(120) // 2, np.arange(120), "'groups' belongs to columns of metadata"),
        ({}, None, "Expected 'orbits' to hold at least one transform or column"),
        (lambda batch: batch[:1], None, "to keep the shape"),
        (lambda batch: 1 / 0, None, "division by zero"),
    ],
)
def test_refusals(orbits_, groups, message):
    with pytest.raises((ValueError, TypeError), match=message):
        certificate(first, X, orbits_, groups=groups, **FEW)


@pytest.mark.parametrize(
    "settings_",
    [
        {"n_worst": -1},
        {"n_worst": 1001},
        {"n_neighbors": 0},
        {"n_splits": 1},
        {"n_splits": 500},
        {"n_permutations": 18},
        {"n_bootstrap": 99},
        {"random_state": None},
        {"random_state": -1},
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings_):
    (name,) = settings_
    with pytest.raises(ValueError, match=f"The '{name}' parameter of certificate must be"):
        certificate(first, X, moved, **settings_)


def test_no_samples_are_named_where_none_are_wanted():
    found = certificate(first, X, moved, n_worst=0, **FEW)
    assert found.worst == ()
    assert "worst samples" not in str(found)
