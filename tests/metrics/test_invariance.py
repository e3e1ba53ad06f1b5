"""The report on invariance: cases solved by hand, equivalences, what the null is for, forms of input, refusals."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from drlim import DrLIM, datasets, orbits, shifts
from drlim.metrics import InvarianceReport, invariance_report, prediction
from drlim.metrics.invariance import _verdict
from drlim.relations import Orbits

Floats = NDArray[np.float64]

RNG = np.random.default_rng(0)
LINE = RNG.normal(size=(60, 3))
FEW = {"n_permutations": 19}


def flat(images: NDArray[Any]) -> NDArray[Any]:
    return images.reshape(len(images), -1)


def moved(by: float) -> dict[str, Any]:
    return {"moved": lambda batch: batch + np.array([0.0, 0.0, by])}


# --- by hand ----------------------------------------------------------------------------------------------------


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
    assert _verdict(ratio, told, p) == verdict


# --- what is told: the predictors ----------------------------------------------------------------------------------


def one_fold(Z: Floats, n_neighbors: int = 5) -> Any:
    is_test = np.arange(len(Z)) % 3 == 0
    return prediction._fold(Z, is_test, n_neighbors)


def test_linear_read_out_of_two_classes_is_discriminant_analysis() -> None:
    Z = RNG.normal(size=(90, 4)) @ RNG.normal(size=(4, 4))
    codes = (Z[:, 0] + RNG.normal(size=90) > 1.0).astype(np.intp)
    fold = one_fold(Z)
    expected = LinearDiscriminantAnalysis(priors=[0.5, 0.5]).fit(Z[fold.train], codes[fold.train]).predict(Z[fold.test])
    (guess,) = prediction._nearest_means(fold, codes[None, fold.train], 2)
    np.testing.assert_array_equal(guess, expected)


def test_read_outs_of_a_number_are_regressions() -> None:
    Z = RNG.normal(size=(90, 3))
    for target, model in ((Z[:, 0], LinearRegression()), (np.abs(Z[:, 0]), KNeighborsRegressor(5))):
        folds = [prediction._fold(Z, np.arange(90) % 3 == place, 5) for place in range(3)]
        missed = 0.0
        for fold in folds:
            model.fit(Z[fold.train], target[fold.train])
            missed += np.sum((model.predict(Z[fold.test]) - target[fold.test]) ** 2)
        expected = 1 - missed / np.sum((target - target.mean()) ** 2)
        assert prediction._r2s(folds, target[None])[0] == pytest.approx(expected, abs=1e-9)


def test_vote_weighs_classes_by_their_size() -> None:
    codes = np.array([[0, 0, 1], [0, 0, 0]])
    assert prediction._vote(codes, np.array([90, 10])).tolist() == [1, 0]  # 2/90 against 1/10
    assert prediction._vote(codes, np.array([50, 50])).tolist() == [0, 0]


def test_a_class_that_is_all_in_one_fold_is_not_guessed_there() -> None:
    # The others lie at either side; where the missing one lies is not known, which is not to say in the middle.
    Z, codes = np.array([[0.0], [-1.0], [-1.0], [1.0], [1.0]]), np.array([2, 0, 0, 1, 1])
    fold = prediction._fold(Z, np.arange(5) == 0, 3)
    assert prediction._nearest_means(fold, codes[None, fold.train], 3)[0, 0] in {0, 1}


def test_balanced_accuracy_counts_classes_and_not_rows() -> None:
    # Everything is called class 0, of which there are 9 in 10: half right, as balanced accuracy has it.
    Z, codes = np.zeros((20, 1)), np.repeat([0, 1], [18, 2])
    folds = [prediction._fold(Z, np.arange(20) % 2 == place, 20) for place in range(2)]
    assert prediction._balanced_accuracies(folds, codes[None])[0] == pytest.approx(0.5)


@pytest.mark.parametrize("columns", [2, 12])
def test_a_curved_nuisance_is_told_by_neighbours_and_a_faint_one_linearly(columns: int) -> None:
    rng = np.random.default_rng(1)
    codes, alone = np.repeat([0, 1], 150), np.arange(300)
    numbers = {"n_neighbors": 15, "n_splits": 5, "n_permutations": 19, "random_state": 0}
    ring = np.zeros((300, columns))
    angle = rng.uniform(0, 2 * np.pi, 300)
    ring[:, :2] = np.where(codes, 3.0, 1.0)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    assert prediction.predict(ring, codes, alone, **numbers).score > 0.95
    faint = rng.normal(size=(300, columns)) * 100
    faint[:, -1] = codes + 0.01 * rng.normal(size=300)
    assert prediction.predict(faint, codes, alone, **numbers).score > 0.95


# --- the null -------------------------------------------------------------------------------------------------------


def test_copies_of_one_sample_are_in_one_fold() -> None:
    # Each copy lies beside its original, far from all else: asked for the nearest, it would always be the other one.
    copies = orbits(np.arange(100.0)[:, None], {"nudge": lambda batch: batch})
    Z = np.concatenate([np.arange(100.0), np.arange(100.0) + 1e-3])[:, None]
    (row,) = invariance_report(Z, None, copies, n_neighbors=1, **FEW).rows
    assert 0.35 < row.score < 0.65


def test_what_groups_tell_is_not_held_against_the_map() -> None:
    # Cups mostly seen by day and hats by night: the place of a thing tells the light, the light itself does nothing.
    rng = np.random.default_rng(2)
    things = np.repeat(np.arange(40), 10)
    night = (rng.random(400) < np.where(things < 20, 0.1, 0.9)).astype(int)
    Z = np.column_stack([things, rng.normal(size=400)])
    (row,) = invariance_report(Z, None, {"night": night}, groups=things).rows
    assert row.score > 0.85
    assert row.p_value > 0.05
    assert abs(row.told) < 0.2
    (free,) = invariance_report(Z, None, {"night": night}).rows  # without groups it is simply told
    assert free.told > 0.6
    assert free.p_value < 0.01


def test_where_groups_are_of_one_kind_they_are_exchanged_whole() -> None:
    values, groups = np.array([0, 0, 1, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 2])
    rng = np.random.default_rng(0)
    for _ in range(20):
        permuted = prediction._permuted(values, groups, rng)
        assert [len(set(permuted[groups == group])) for group in range(3)] == [1, 1, 1]
        assert sorted(permuted[[0, 2, 5]]) == [0, 1, 2]


def test_else_values_are_exchanged_within_groups() -> None:
    values, groups = np.array([0, 1, 5, 6, 7]), np.array([1, 1, 0, 0, 0])
    rng = np.random.default_rng(0)
    seen = {tuple(prediction._permuted(values, groups, rng)) for _ in range(200)}
    assert len(seen) == 2 * 6
    assert all(set(one[:2]) == {0, 1} and set(one[2:]) == {5, 6, 7} for one in seen)


def test_p_values_of_nothing_are_even() -> None:
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        Z, label = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
        p.append(invariance_report(Z, None, {"a": label}, n_permutations=19, random_state=seed).rows[0].p_value)
    assert 0.4 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.1) < 0.25


def test_of_very_many_groups_some_are_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    fold = prediction._fold
    monkeypatch.setattr(prediction, "_fold", lambda *given: sizes.append(len(given[0])) or fold(*given))
    monkeypatch.setattr(prediction, "_MOST_GROUPS", 20)
    (row,) = invariance_report(lambda batch: batch, LINE, moved(5.0), **FEW).rows
    assert sizes == [40] * 5  # both copies of 20 of the 60
    assert row.n_pairs == 60
    assert row.score > 0.9


@pytest.mark.parametrize("rare", [np.arange(60) == 0, np.where(np.arange(60) == 0, 0.5, 0.0)])
def test_a_class_that_is_not_among_them_tells_nothing(rare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction, "_MOST_GROUPS", 5)
    common = np.where(np.arange(60) % 2, "a", "b")
    three = np.where(np.arange(60) == 0, "0", common)  # sorts first, so that the codes of the others move
    rows = invariance_report(LINE, None, {"rare": rare, "three": three}, n_neighbors=3, **FEW).rows
    assert (rows[0].score, rows[0].chance, rows[0].told, rows[0].p_value) == (1.0, 1.0, 0.0, 1.0)
    # Two classes are left, not three: a constant guess has a balanced accuracy of 1/2.
    assert rows[1].chance == pytest.approx(0.5, abs=0.17)


# --- real maps ------------------------------------------------------------------------------------------------------


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


# --- forms of the map and of the nuisances -----------------------------------------------------------------------


def test_a_transformer_a_function_and_points_give_one_report() -> None:
    pca = PCA(2, random_state=0).fit(LINE)
    copies = orbits(LINE, moved(1.0))
    reports = [
        invariance_report(pca, LINE, moved(1.0), **FEW),
        invariance_report(pca.transform, LINE, moved(1.0), **FEW),
        invariance_report(pca, None, copies, **FEW),
        invariance_report(pca, LINE, copies, **FEW),
        invariance_report(pca.transform(copies.X), None, copies, **FEW),
        invariance_report(pca.transform(copies.X), LINE, copies, **FEW),
        invariance_report(pd.DataFrame(pca.transform(copies.X)), None, copies, **FEW),
    ]
    assert all(report == reports[0] for report in reports)
    (unnamed,) = invariance_report(pca, LINE, [moved(1.0)["moved"]], **FEW).rows
    assert unnamed == reports[0].rows[0]._replace(name="1")


def test_rows_of_copies_may_stand_in_any_order() -> None:
    copies = orbits(LINE, shifts_of(2))
    order = np.random.default_rng(0).permutation(len(copies.X))
    mixed = Orbits(copies.X[order], copies.graph[order], copies.source[order], copies.transform[order], copies.names)
    here, there = (invariance_report(lambda batch: batch, None, one, **FEW).rows for one in (copies, mixed))
    assert [row.ratio for row in here] == [row.ratio for row in there]
    assert [row.ratio for row in here] != [None] * 3
    np.testing.assert_allclose([row.score for row in here], [row.score for row in there], atol=0.1)


def test_one_transform_is_mapped_at_a_time() -> None:
    sizes = []
    invariance_report(lambda batch: sizes.append(len(batch)) or batch, LINE, shifts_of(3), **FEW)
    assert sizes == [60] * 4


def shifts_of(count: int) -> dict[str, Any]:
    return {str(step): lambda batch, step=step: batch + step for step in range(1, count + 1)}


def test_tables_of_all_makes_give_one_report() -> None:
    columns = {"light": np.arange(60) % 3, "sensor": np.where(np.arange(60) % 2, "a", "b"), "heat": LINE[:, 0]}
    tables = [columns, pd.DataFrame(columns), pl.DataFrame(columns), {k: v.tolist() for k, v in columns.items()}]
    reports = [invariance_report(lambda batch: batch, LINE, table, **FEW) for table in tables]
    assert all(report == reports[0] for report in reports)
    assert [row.kind for row in reports[0].rows] == ["class", "class", "number"]
    assert reports[0].rows[2].score > 0.9


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (np.arange(60) % 10, "class"),
        (np.arange(60) % 11, "number"),
        ((np.arange(60) % 11).astype(str), "class"),
        (np.arange(60) % 2 == 0, "class"),
        ((np.arange(60) % 2).astype(float), "class"),
        ((np.arange(60) % 2) / 2, "number"),
        (np.arange("2026-01-01", "2026-03-02", dtype="datetime64[D]"), "number"),
        (pd.Series(np.arange(60) % 2).astype("category"), "class"),
    ],
)
def test_kinds_of_column(column: Any, kind: str) -> None:
    assert invariance_report(LINE, None, {"a": column}, **FEW).rows[0].kind == kind


def test_the_unit_of_the_map_does_not_matter() -> None:
    report = invariance_report(LINE, None, {"a": np.arange(60) % 2}, groups=np.arange(60) // 2, **FEW)
    for factor in (2.0**40, 2.0**900, 2.0**-900):
        scaled = invariance_report(LINE * factor, None, {"a": np.arange(60) % 2}, groups=np.arange(60) // 2, **FEW)
        assert scaled.rows == report.rows
        assert scaled.unrelated == report.unrelated * factor


def test_each_number_acts_and_the_same_call_gives_the_same_report() -> None:
    table = {"a": np.random.default_rng(3).integers(0, 2, 60)}

    def row(**changed: int) -> Any:
        return invariance_report(LINE, None, table, **{"n_permutations": 50, **changed})

    assert row() == row()
    others = [{"n_neighbors": 3}, {"n_splits": 10}, {"n_permutations": 99}, {"random_state": 1}]
    assert len({str(row(**other).rows) for other in [{}, *others]}) == 5


# --- the report ----------------------------------------------------------------------------------------------------


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


# --- refusals ------------------------------------------------------------------------------------------------------


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
