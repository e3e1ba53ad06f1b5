"""The prediction of a nuisance from the position: its predictors, and chance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from tests.metrics.maps import FEW, LINE, RNG, Floats, moved

from drlim import orbits
from drlim.metrics import invariance_report, prediction


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
