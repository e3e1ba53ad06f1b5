"""Predictions from the position: by hand, by literal loops, and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold, LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from tests.metrics.literal import LATTICE, LINE, Floats, by_distance, literal_vote, normal

from drlim.metrics import (
    knn_accuracy,
    orbit_ratio,
    position_accuracy,
    position_r2,
    trustworthiness,
)


def test_accuracy_leaving_one_out() -> None:
    # Nearest others of 0, 1, 2.5, 4.5 are 1, 0, 1, 2: b's first vote is an a.
    assert knn_accuracy(LINE, ["a", "a", "b", "b"], n_neighbors=1) == 3 / 4


def test_accuracy_on_held_out_samples_may_ask_all_samples() -> None:
    points, labels = [[0.0], [1.0], [5.0]], [4, 4, 9]
    assert knn_accuracy(points, labels, 1, Z_test=[[0.4], [4.0], [6.0]], y_test=[4, 9, 9]) == 1.0
    assert knn_accuracy(points, labels, 3, Z_test=[[0.4], [4.0], [6.0]], y_test=[4, 9, 9]) == 1 / 3


def test_a_sample_votes_for_its_copy_on_the_test_side_only() -> None:
    points, labels = [[0.0], [1.0]], [4, 9]
    assert knn_accuracy(points, labels, 1) == 0.0
    assert knn_accuracy(points, labels, 1, Z_test=points, y_test=labels) == 1.0


def test_a_class_never_seen_counts_as_missed() -> None:
    assert knn_accuracy([[0.0], [1.0]], [4, 9], 1, Z_test=[[0.0], [1.0]], y_test=[4, 7]) == 0.5


def test_a_tied_vote_goes_to_the_class_that_sorts_first() -> None:
    points, labels = [[0.0], [1.0]], ["nine", "four"]
    assert knn_accuracy(points, labels, 2, Z_test=[[0.0]], y_test=["four"]) == 1.0


@given(LATTICE, st.data())
@settings(max_examples=40, deadline=None)
def test_accuracy_equals_literal_loop(points: Floats, draw: st.DataObject) -> None:
    n = len(points)
    labels = draw.draw(st.lists(st.sampled_from(["a", "b", "c"]), min_size=n, max_size=n))
    k = draw.draw(st.integers(1, n - 1))
    hits = [literal_vote([labels[j] for j in by_distance(points, i)[:k]]) == labels[i] for i in range(n)]
    assert knn_accuracy(points, labels, k) == pytest.approx(np.mean(hits))


def test_accuracy_equals_scikit_learn_where_nothing_ties() -> None:
    points, labels = normal(60, 2), np.arange(60) % 2
    model = KNeighborsClassifier(5)
    predicted = cross_val_predict(model, points, labels, cv=LeaveOneOut())
    assert knn_accuracy(points, labels) == pytest.approx(np.mean(predicted == labels))
    expected = model.fit(points[:40], labels[:40]).score(points[40:], labels[40:])
    assert knn_accuracy(points[:40], labels[:40], Z_test=points[40:], y_test=labels[40:]) == expected


def test_data_frames_and_series_are_taken() -> None:
    frame = pd.DataFrame(normal(20, 2), columns=["x", "y"])
    series = pd.Series(["a", "b"] * 10)
    assert knn_accuracy(frame, series) == knn_accuracy(frame.to_numpy(), series.to_list())
    assert trustworthiness(frame, frame, n_neighbors=3) == 1.0


def test_position_r2_of_two_places() -> None:
    # Twenty copies of each of two places: eight in a fold leave a copy outside it for every sample.
    points = np.repeat([[0.0], [1.0]], 20, axis=0)
    values = np.repeat([3.0, 5.0], 20)
    assert position_r2(points, values, n_neighbors=1) == 1.0
    assert position_accuracy(points, values, n_neighbors=1) == 1.0


def test_r2_is_measured_from_the_mean_of_all_targets() -> None:
    # With a fold for each sample and all three others asked, each is predicted by the mean of the others, whose
    # errors are 4/3 of the deviations: 1 - 16/9.
    assert position_r2(LINE, [1.0, 2.0, 3.0, 4.0], n_neighbors=3, n_splits=4) == pytest.approx(-7 / 9)


@pytest.mark.parametrize(("n_neighbors", "n_splits", "random_state"), [(15, 5, 0), (4, 3, 7)])
def test_position_equals_scikit_learn(n_neighbors: int, n_splits: int, random_state: int) -> None:
    points, noise = normal(200, 2), normal(200, 1, seed=1)[:, 0]
    target = points[:, 0] ** 2 + 0.2 * noise
    labels = np.where(points[:, 1] > 0.3 * noise, "up", "down")
    folds = KFold(n_splits, shuffle=True, random_state=random_state)
    predicted = cross_val_predict(KNeighborsRegressor(n_neighbors), points, target, cv=folds)
    r2 = 1 - np.sum((target - predicted) ** 2) / np.sum((target - target.mean()) ** 2)
    given_numbers = {"n_neighbors": n_neighbors, "n_splits": n_splits, "random_state": random_state}
    assert position_r2(points, target, **given_numbers) == pytest.approx(r2)
    voted = cross_val_predict(KNeighborsClassifier(n_neighbors), points, labels, cv=folds)
    assert position_accuracy(points, labels, **given_numbers) == pytest.approx(np.mean(voted == labels))


def test_position_that_tells_nothing() -> None:
    points, noise = normal(2000, 2), normal(2000, 1, seed=1)[:, 0]
    assert position_r2(points, noise) == pytest.approx(-1 / 15, abs=0.05)
    assert position_accuracy(points, np.arange(2000) % 5) == pytest.approx(0.2, abs=0.03)


def test_each_number_of_the_cross_validation_acts() -> None:
    points, noise = normal(100, 2), normal(100, 1, seed=1)[:, 0]
    target = points[:, 0] + noise
    value = position_r2(points, target)
    assert position_r2(points, target) == value
    others: list[dict[str, int]] = [{"n_neighbors": 3}, {"n_splits": 5}, {"random_state": 1}]
    assert all(position_r2(points, target, **other) != value for other in others)
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the global stream is what must not move
    position_r2(points, target)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_orbit_ratio_by_hand() -> None:
    # Groups {0, 2} and {4, 10}, mean 4: within 1 + 1 + 9 + 9, total 16 + 4 + 0 + 36.
    assert orbit_ratio([[0.0], [4.0], [2.0], [10.0]], [0, 1, 0, 1]) == pytest.approx(20 / 56)


def test_orbit_ratio_at_its_ends() -> None:
    points = [[0.0, 1.0], [0.0, 1.0], [3.0, 3.0], [3.0, 3.0]]
    assert orbit_ratio(points, ["a", "a", "b", "b"]) == 0.0
    assert orbit_ratio(points, ["a", "b", "a", "b"]) == 1.0
    assert orbit_ratio(points, [0, 1, 2, 3]) == 0.0


def test_orbit_ratio_of_groups_at_random() -> None:
    ratios = [orbit_ratio(normal(60, 2, seed), np.arange(60) % 20) for seed in range(200)]
    assert np.mean(ratios) == pytest.approx((60 - 20) / (60 - 1), abs=0.01)


@given(LATTICE.filter(lambda points: bool(np.ptp(points, axis=0).any())), st.data())
@settings(max_examples=40, deadline=None)
def test_orbit_ratio_equals_literal_loop(points: Floats, draw: st.DataObject) -> None:
    n = len(points)
    orbits = draw.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    within = 0.0
    for i in range(n):
        mean = np.mean([points[j] for j in range(n) if orbits[j] == orbits[i]], axis=0)
        within += float(np.sum((points[i] - mean) ** 2))
    ratio = orbit_ratio(points, orbits)
    assert ratio == pytest.approx(within / float(np.sum((points - points.mean(axis=0)) ** 2)))
    assert 0 <= ratio <= 1 + 1e-12
