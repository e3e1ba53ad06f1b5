"""The report on invariance: cases solved by hand, real maps, the table, refusals."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from tests.metrics.maps import FEW, LINE, flat, moved

from drlim import DrLIM, datasets, orbits, shifts, transforms
from drlim.metrics import InvarianceReport, invariance_report
from drlim.metrics.invariance import verdict_of


def test_ratio_of_two_samples_and_their_copies() -> None:
    # Originals 10 apart, the only two unrelated; their copies 1 and 2 away: median 1.5 of 10.
    copies = orbits([[0.0], [10.0]], {"nudge": lambda batch: batch})
    report = invariance_report([[0.0], [10.0], [1.0], [12.0]], None, copies, n_splits=2, n_permutations=19)
    (row,) = report.rows
    assert (row.name, row.kind, row.n_pairs) == ("nudge", "transform", 2)
    assert (row.ratio_low, row.ratio, row.ratio_high) == pytest.approx((0.11, 0.15, 0.19))
    assert report.unrelated == 10.0
    assert report.n_samples == 4


def test_ratio_of_metadata_compares_what_differs_in_one_column_alone() -> None:
    # Cup at 0, 1 (light) and 5, 6 (camera b); hat 20 further. Light alone: 1 apart; camera alone: 5 apart.
    Z = [[0.0], [1.0], [5.0], [6.0], [20.0], [21.0], [25.0], [26.0]]
    metadata = {"light": [0, 1] * 4, "camera": ["a", "a", "b", "b"] * 2}
    things = ["cup"] * 4 + ["hat"] * 4
    report = invariance_report(Z, None, metadata, groups=things, n_splits=2, n_permutations=19)
    light, camera = report.rows
    assert light.ratio * report.unrelated == pytest.approx(1.0)
    assert camera.ratio * report.unrelated == pytest.approx(5.0)
    assert 14.0 <= report.unrelated <= 26.0
    assert (light.kind, camera.kind) == ("class", "class")


def test_a_large_group_does_not_hide_the_others() -> None:
    Z = np.concatenate([np.zeros(10_000), [3.0]])[:, None]
    things = np.repeat([0, 1], [10_000, 1])
    report = invariance_report(Z, None, {"a": np.arange(10_001) % 2}, groups=things, n_splits=2, n_permutations=19)
    assert report.unrelated == 3.0


def test_changes_of_images_of_bytes_are_judged_at_full_strength() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 5, 5), dtype=np.uint8)
    means = lambda batch: np.asarray(batch, dtype=np.float64).mean(axis=2)  # noqa: E731
    change = transforms.ignoring("rotate=10,flip")
    one = invariance_report(means, images, change, n_permutations=19)
    several = invariance_report(means, images, list(change.parts), n_permutations=19)
    by_hand = invariance_report(means, images.astype(np.float32), change.extremes(), n_permutations=19)
    assert [row.name for row in one.rows] == ["rotate -10", "rotate +10", "flip", "any"]
    assert one == several == by_hand


def test_a_column_of_numbers_splits_no_group() -> None:
    Z = np.array([[0.0], [1.0], [20.0], [21.0]])
    metadata = {"light": [0, 1, 0, 1], "heat": [0.1, 0.2, 0.3, 0.4]}
    light, heat = invariance_report(Z, None, metadata, groups=[0, 0, 1, 1], n_splits=2, n_permutations=19).rows
    assert light.n_pairs > 0  # although no two samples are equally hot
    assert heat.n_pairs == 0  # both classes of light would have to agree
    assert heat.ratio is heat.ratio_low is heat.ratio_high is None


@pytest.mark.parametrize(
    ("ratio", "told", "p", "verdict"),
    [
        (0.2, 0.2, 0.005, "invariant"),
        (0.21, 0.0, 1.0, "partly"),
        (0.0, 0.21, 0.05, "partly"),
        (0.0, 0.5, 0.005, "partly"),
        (0.51, 0.0, 1.0, "not invariant"),
        (0.0, 0.51, 0.05, "not invariant"),
        (0.0, 0.51, 0.06, "invariant"),  # what chance may tell is nothing
        (None, 0.1, 0.005, "invariant"),
        (None, 0.6, 0.005, "not invariant"),
    ],
)
def test_verdict_is_by_the_worse(ratio: float | None, told: float, p: float, verdict: str) -> None:
    assert verdict_of(ratio, told, p) == verdict


@pytest.fixture(scope="module")
def digits() -> tuple[NDArray[Any], NDArray[Any]]:
    data = datasets.digits()
    return data.X_train.reshape(-1, 8, 8), data.X_test.reshape(-1, 8, 8)


def test_principal_components_follow_shifts(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    train, test = digits
    pca = PCA(2, random_state=0).fit(flat(train))
    report = invariance_report(lambda batch: pca.transform(flat(batch)), test, shifts([-2, 2]), **FEW)
    assert [row.name for row in report.rows] == ["shift -2", "shift +2", "any"]
    assert [row.verdict for row in report.rows] == ["not invariant"] * 3
    assert report.verdict == "not invariant"


def test_a_constant_map_is_collapsed_and_not_invariant(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    for constant in (np.zeros(2), np.full(2, 1e9)):
        report = invariance_report(
            lambda batch, at=constant: np.tile(at, (len(batch), 1)), digits[1], shifts([1]), **FEW
        )
        assert report.verdict == report.rows[0].verdict == "collapsed"
        assert report.rows[0].ratio is None


@pytest.mark.parametrize("noise", [0.0, 1e-7])
def test_most_samples_in_one_place_is_collapsed(noise: float) -> None:
    rng = np.random.default_rng(0)
    Z = noise * rng.normal(size=(100, 2))
    Z[:10] = rng.normal(size=(10, 2))
    assert invariance_report(Z, None, {"a": np.arange(100) % 2}, **FEW).verdict == "collapsed"


def test_an_oracle_is_invariant(digits: tuple[NDArray[Any], NDArray[Any]]) -> None:
    copies = orbits(digits[1], shifts([-2, -1, 1, 2]))
    places = np.random.default_rng(0).normal(size=(len(digits[1]), 2))
    report = invariance_report(places[copies.source], None, copies, **FEW)
    assert {row.verdict for row in report.rows} == {"invariant"}
    assert {(row.ratio, row.p_value) for row in report.rows} == {(0.0, 1.0)}
    assert [row.chance for row in report.rows] == pytest.approx([0.5] * 4 + [0.2])


def test_a_map_trained_on_copies_is_invariant_on_held_out_samples() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(size=(200, 3)), rng.normal(size=(80, 3))
    copies = orbits(train, moved(3.0))
    linear: Any = {"encoder": "linear", "max_epochs": 30, "batch_size": 50, "random_state": 0, "verbose": 0}
    report = invariance_report(DrLIM(**linear).fit(copies.X, graph=copies.graph), test, moved(3.0), **FEW)
    assert report.verdict == "invariant"
    plain = invariance_report(DrLIM(3, **linear).fit(train), test, moved(3.0), **FEW)
    assert plain.verdict == "not invariant"


@pytest.fixture(scope="module")
def report() -> InvarianceReport:
    metadata = {"a": np.arange(60) % 2, "a longer name": LINE[:, 0]}
    return invariance_report(LINE, None, metadata, groups=np.arange(60) // 2, **FEW)


def test_the_table_is_aligned(report: InvarianceReport) -> None:
    head, *rows, last = str(report).splitlines()
    assert head.split()[:2] == ["nuisance", "copies/unrelated"]
    start = head.index("verdict")
    assert [row[start - 1] for row in rows] == [" ", " "]
    assert [row[start:] for row in rows] == [row.verdict for row in report.rows]
    assert last == f"{report.verdict}: 60 samples, 19 permutations"
    assert "-0.00" not in str(report)


def test_plain_data_survives_json(report: InvarianceReport) -> None:
    again = json.loads(json.dumps(report.to_dict()))
    assert again == report.to_dict()
    assert again["verdict"] == report.verdict
    assert [row["name"] for row in again["rows"]] == ["a", "a longer name"]


def test_a_report_does_not_change(report: InvarianceReport) -> None:
    with pytest.raises(AttributeError):
        report.verdict = "invariant"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        report.rows[0].ratio = 0.0  # type: ignore[misc]


def test_the_worst_row_is_the_verdict(report: InvarianceReport) -> None:
    assert [row.verdict for row in report.rows] != [report.verdict] * 2 or report.verdict == "not invariant"
    assert report.verdict == "not invariant"


HALVES = {"a": np.arange(60) % 2}


@pytest.mark.parametrize(
    ("given", "numbers", "message"),
    [
        ((PCA, LINE, moved(1.0)), {}, "Expected 'estimator' to be a fitted object. Got the class PCA itself."),
        ((LINE, None, {}), {}, "Expected 'orbits' to hold at least one transform or column. Got none."),
        ((LINE, None, "light"), {}, "Expected 'orbits' to be what drlim.orbits returns, transforms"),
        ((LINE, None, moved(1.0)), {}, "make copies = drlim.orbits(X, transforms), map copies.X"),
        ((LINE, None, HALVES), {"n_splits": 1}, "The 'n_splits' parameter of invariance_report must be an int"),
        ((LINE, None, HALVES), {"n_splits": 61}, "must be an int in the range [2, 60], at most the 60 groups"),
        ((LINE, None, HALVES), {"n_neighbors": 0}, "The 'n_neighbors' parameter of invariance_report"),
        ((LINE, None, HALVES), {"n_permutations": 18}, "The 'n_permutations' parameter of invariance_report"),
        ((LINE, None, HALVES), {"random_state": None}, "The 'random_state' parameter of invariance_report"),
        ((LINE, None, HALVES), {"groups": [0, 1]}, "Expected 'groups' and 'estimator' to describe the same samples"),
        ((LINE[:9], None, HALVES), {}, "Expected 'orbits['a']' and 'estimator' to describe the same samples"),
        ((LINE, None, {"a": [1] * 60}), {}, "Column 'a' of 'orbits' is constant"),
        ((LINE, None, {"a": [None, *range(59)]}), {}, "Some are missing or of another kind"),
        ((np.sum, LINE, moved(1.0)), {}, "Expected 'estimator(X)' to be a 2-D array"),
        ((lambda batch: batch[:5], LINE, moved(1.0)), {}, "Got 5 in 'estimator(X)' and 60 in 'X'."),
        ((PCA(1).fit(LINE), None, moved(1.0)), {}, "Expected 'X' to hold samples, one a row. Got None."),
        ((PCA(1).fit(LINE), None, HALVES), {}, "Expected 'X' to hold samples, one a row. Got None."),
        ((LINE, 5, orbits(LINE, moved(1.0))), {}, "Expected 'X' to hold samples, one a row. Got 5."),
        ((LINE, None, {1: [0, 1] * 30, "1": [1, 0] * 30}), {}, "distinct names, as str gives them. Got '1' 2 times"),
        ((LINE, None, pd.DataFrame([[0, 1]] * 60, columns=[1, "1"])), {}, "distinct names, as str gives them. Got '1'"),
        (
            (LINE, None, {"a": np.exp(1j * np.arange(60))}),
            {},
            "Got complex numbers in column 'a': of an angle give the",
        ),
        ((LINE, None, {"a": np.ma.array([0, 1] * 30, mask=[1] + [0] * 59)}), {}, "'orbits['a']' to hold no masked"),
        ((lambda batch: batch * np.nan, LINE, moved(1.0)), {}, "NaN"),
        ((LINE, None, orbits(LINE, moved(1.0))), {}, "Got 60 in 'estimator' and 120 in 'orbits.X'"),
        ((lambda batch: batch, LINE[:9], orbits(LINE, moved(1.0))), {}, "Got 9 in 'X' and 60 in 'orbits'"),
        ((lambda batch: batch, LINE, moved(1.0)), {"groups": np.arange(60)}, "'groups' belongs to metadata"),
    ],
)
def test_refusals(given: tuple[Any, ...], numbers: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as refusal:
        invariance_report(*given, **numbers)
    assert len(str(refusal.value)) <= 600
