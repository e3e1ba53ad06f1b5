"""Metrics: cases solved by hand, literal loops of the definitions, properties, refusals."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.sparse import eye_array
from sklearn.manifold import trustworthiness as reference_trustworthiness
from sklearn.model_selection import KFold, LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from drlim import NeighborhoodGraph, metrics
from drlim.metrics import (
    continuity,
    knn_accuracy,
    nearest,
    neighbor_recall,
    orbit_ratio,
    position_accuracy,
    position_r2,
    slant,
    spread,
    trustworthiness,
)

Floats = NDArray[np.float64]

LINE = np.array([[0.0], [1.0], [2.5], [4.5]])
EXCHANGED = np.array([[0.0], [1.0], [4.5], [2.5]])

LATTICE = arrays(np.float64, st.tuples(st.integers(5, 14), st.just(2)), elements=st.integers(-2, 2))
"""Few places for many points: most distances tie and many points coincide."""


def normal(n: int, d: int, seed: int = 0) -> Floats:
    """Points of which no two distances tie."""
    return np.random.default_rng(seed).normal(size=(n, d))


def by_distance(points: Floats, i: int) -> list[int]:
    """Literal definition: the others, nearest first, ties by index."""
    others = [j for j in range(len(points)) if j != i]
    return sorted(others, key=lambda j: (float(np.sum((points[i] - points[j]) ** 2)), j))


def literal_trustworthiness(data: Floats, points: Floats, k: int) -> float:
    n, total = len(data), 0
    for i in range(n):
        ranking, near = by_distance(data, i), by_distance(points, i)[:k]
        for j in near:
            if j not in ranking[:k]:
                total += ranking.index(j) + 1 - k
    return 1 - 2 / (n * k * (2 * n - 3 * k - 1)) * total


def literal_vote(labels: list[Any]) -> Any:
    counts = Counter(labels)
    return min(label for label in counts if counts[label] == max(counts.values()))


# --- trustworthiness, continuity, recall ----------------------------------------------------------------------


def test_trustworthiness_of_two_exchanged_samples() -> None:
    # Places on the map 0, 1, 4.5, 2.5: 2's nearest is 3 (2.0); in the data (2.5 to 1: 1.5, to 3: 2.0) it ranks 2nd.
    # 3's nearest is 1 (1.5); in the data (4.5 to 2: 2.0, to 1: 3.5) it ranks 2nd. Two ranks lost of 4 * (8 - 4) / 2.
    assert trustworthiness(LINE, EXCHANGED, n_neighbors=1) == 1 - 2 / 8


def test_continuity_is_trustworthiness_with_the_roles_exchanged() -> None:
    data, points = normal(12, 3), normal(12, 2, seed=1)
    assert continuity(data, points, n_neighbors=3) == trustworthiness(points, data, n_neighbors=3)
    assert continuity(data, points, n_neighbors=3) != trustworthiness(data, points, n_neighbors=3)


def test_three_samples_allow_one_neighbour() -> None:
    # 0, 1, 3 mapped to 0, 3, 1: nearest on the map 0-2, 1-2, 2-0; in the data all three rank 2nd: all is lost.
    data, points = [[0.0], [1.0], [3.0]], [[0.0], [3.0], [1.0]]
    assert trustworthiness(data, points, n_neighbors=1) == 1 - 2 / (3 * (6 - 4)) * 3 == 0.0


def test_recall_of_two_exchanged_samples() -> None:
    # Nearest in the data 1, 0, 1, 2; on the map 1, 0, 3, 1: two of four agree.
    assert neighbor_recall(LINE, EXCHANGED, n_neighbors=1) == 0.5
    assert neighbor_recall(LINE, EXCHANGED, n_neighbors=3) == 1.0


def test_ties_go_to_the_lower_index() -> None:
    # 0 is equally far from 1 and from 2 in the data, and nearer to 2 on the map.
    data, points = [[0.0], [1.0], [-1.0], [5.0]], [[0.0], [2.0], [1.0], [5.0]]
    # Nearest in the data: 1, 0, 0, 1; on the map: 2, 2 (before 3), 0 (before 1), 1.
    assert neighbor_recall(data, points, n_neighbors=1) == 2 / 4


@pytest.mark.parametrize("k", [1, 5, 29])
@pytest.mark.parametrize("shape", [(60, 7), (60, 5, 4), (60, 2, 3, 3)])
def test_equals_scikit_learn_where_nothing_ties(shape: tuple[int, ...], k: int) -> None:
    data = np.random.default_rng(0).normal(size=shape)
    points = normal(60, 2, seed=1)
    expected = reference_trustworthiness(data.reshape(60, -1), points, n_neighbors=k)
    assert trustworthiness(data, points, n_neighbors=k) == pytest.approx(expected, abs=1e-12)


@given(LATTICE, st.data())
@settings(max_examples=60, deadline=None)
def test_equals_literal_loops_with_many_ties(points: Floats, draw: st.DataObject) -> None:
    n = len(points)
    data = draw.draw(arrays(np.float64, (n, 3), elements=st.integers(-1, 1)))
    k = draw.draw(st.integers(1, (n - 1) // 2))
    assert trustworthiness(data, points, k) == pytest.approx(literal_trustworthiness(data, points, k), abs=1e-12)
    assert continuity(data, points, k) == pytest.approx(literal_trustworthiness(points, data, k), abs=1e-12)
    shared = [len({*by_distance(data, i)[:k]} & {*by_distance(points, i)[:k]}) for i in range(n)]
    assert neighbor_recall(data, points, k) == pytest.approx(sum(shared) / (n * k))


@given(LATTICE, st.integers(0, 2**16), st.sampled_from([trustworthiness, continuity, neighbor_recall]))
@settings(max_examples=60, deadline=None)
def test_range_and_identity(points: Floats, seed: int, metric: Callable[[Floats, Floats, int], float]) -> None:
    shuffled = np.random.default_rng(seed).permutation(points)
    for k in range(1, (len(points) + 1) // 2):
        assert metric(points, points, k) == 1.0
        assert 0.0 <= metric(points, shuffled, k) <= 1.0


@pytest.mark.parametrize("metric", [trustworthiness, continuity, neighbor_recall])
def test_identity_is_perfect_where_rounding_breaks_ties(metric: Callable[..., float]) -> None:
    # Thirds have no exact squares: distances that tie on paper differ in the last bit.
    data = np.random.default_rng(0).integers(0, 3, size=(80, 50)) / 3
    assert metric(data, data, n_neighbors=7) == 1.0


@pytest.mark.parametrize("metric", [trustworthiness, continuity, neighbor_recall])
@given(seed=st.integers(0, 2**16), scale=st.floats(1e-3, 1e3))
@settings(max_examples=15, deadline=None)
def test_free_of_rotation_scale_and_order(
    metric: Callable[[Floats, Floats, int], float], seed: int, scale: float
) -> None:
    data, points = normal(30, 5, seed), normal(30, 2, seed + 1)
    value = metric(data, points, 4)
    rotation, _ = np.linalg.qr(normal(2, 2, seed + 2))
    order = np.random.default_rng(seed).permutation(30)
    assert metric(data, scale * points @ rotation + 1, 4) == value
    assert metric(data[order], points[order], 4) == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_no_scale_is_too_small_or_too_large(scale: float) -> None:
    data, points, labels = normal(30, 5), normal(30, 2, seed=1), np.arange(30) % 3
    assert trustworthiness(scale * data, scale * points, 4) == trustworthiness(data, points, 4)
    assert knn_accuracy(scale * points, labels) == knn_accuracy(points, labels)
    assert spread(scale * points) == pytest.approx(spread(points))
    assert orbit_ratio(scale * points, labels) == pytest.approx(orbit_ratio(points, labels))
    images = 5 * np.random.default_rng(0).random((3, 6, 6))
    assert slant(np.ldexp(images, 1020 if scale > 1 else -1020)) == pytest.approx(slant(images))
    assert position_r2(points, scale * data[:, 0]) == pytest.approx(position_r2(points, data[:, 0]))


def test_held_out_samples_and_the_map_share_one_scale() -> None:
    assert knn_accuracy([[-3e200], [1e200]], [4, 9], 1, Z_test=[[1.0]], y_test=[9]) == 1.0


def test_blocks_do_not_change_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    data, points, labels = normal(50, 5), normal(50, 2, seed=1), np.arange(50) % 3
    whole = [trustworthiness(data, points), neighbor_recall(data, points), knn_accuracy(points, labels)]
    monkeypatch.setattr(nearest, "BLOCK_ENTRIES", 50 * 7)  # seven rows at a time, one in the last block
    assert [
        trustworthiness(data, points),
        neighbor_recall(data, points),
        knn_accuracy(points, labels),
    ] == whole


def test_memory_does_not_grow_with_n_squared(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 1500
    data, points = normal(n, 3), normal(n, 2, seed=1)
    monkeypatch.setattr(nearest, "BLOCK_ENTRIES", 1 << 16)
    tracemalloc.start()
    try:
        trustworthiness(data, points)
        continuity(data, points)
        neighbor_recall(data, points)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * n * 8 / 3


# --- k-NN accuracy ----------------------------------------------------------------------------------------------


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


# --- spread -----------------------------------------------------------------------------------------------------


def test_spread_of_a_lattice_is_zero() -> None:
    assert spread([(x, y) for x in range(5) for y in range(5)]) == 0.0


def test_spread_of_three_points() -> None:
    # 0, 1 and 5: distances 1, 1, 4, of mean 2 and variance 2.
    assert spread([[0.0], [1.0], [5.0]]) == pytest.approx(math.sqrt(2) / 2)


def test_a_copy_counts_with_distance_zero() -> None:
    # 0, 0, 2 and 4: distances 0, 0, 2, 2, of mean 1 and variance 1.
    points = np.array([[0.0], [0.0], [2.0], [4.0]])
    assert spread(points) == 1.0
    assert spread(np.unique(points, axis=0)) == 0.0


@pytest.mark.parametrize(("d", "expected"), [(1, 1.0), (2, math.sqrt(4 / math.pi - 1)), (3, 0.363)])
def test_spread_of_a_poisson_field(d: int, expected: float) -> None:
    closed_form = math.sqrt(math.gamma(1 + 2 / d) / math.gamma(1 + 1 / d) ** 2 - 1)
    assert closed_form == pytest.approx(expected, abs=5e-4)
    assert spread(np.random.default_rng(0).random((20_000, d))) == pytest.approx(closed_form, rel=0.03)


@given(seed=st.integers(0, 2**16))
@settings(max_examples=15, deadline=None)
def test_spread_is_free_of_rotation_scale_place_and_order(seed: int) -> None:
    points = normal(30, 2, seed)
    rotation, _ = np.linalg.qr(normal(2, 2, seed + 1))
    moved = 7 * np.random.default_rng(seed).permutation(points) @ rotation + 3
    assert spread(moved) == pytest.approx(spread(points))


# --- slant ------------------------------------------------------------------------------------------------------


def bar(height: int, width: int, columns: list[int]) -> NDArray[np.uint8]:
    """One bright pixel a row, from the top row down."""
    image = np.zeros((height, width), dtype=np.uint8)
    image[np.arange(len(columns)), columns] = 255
    return image


def test_slant_of_bars() -> None:
    upright = bar(5, 9, [4, 4, 4, 4, 4])
    right = bar(5, 9, [8, 7, 6, 5, 4])  # "/": one to the right for one up
    left = bar(5, 9, [0, 2, 4, 6, 8])  # "\": two to the left for one up
    steep = bar(5, 9, [6, 6, 5, 5, 4])  # dx = 1 1 0 0 -1 less .2 at dy = 2 1 0 -1 -2: 5 over 10
    np.testing.assert_allclose(slant(np.stack([upright, right, left, steep])), [0, 1, -2, 0.5], atol=1e-15)


def test_shearing_adds_the_shear_whatever_the_shape() -> None:
    # A thick bar of odd brightness, sheared by two pixels a row to the right going up.
    image = np.zeros((7, 30))
    image[:, 15:19] = np.random.default_rng(0).random((7, 4))
    sheared = np.stack([np.roll(row, 2 * (3 - i)) for i, row in enumerate(image)])
    before, after = slant(np.stack([image, sheared]))
    assert after - before == pytest.approx(2.0)


def test_slant_is_free_of_brightness_and_place() -> None:
    image = np.zeros((12, 12))
    image[2:7, 3:8] = np.random.default_rng(0).random((5, 5))
    moved = 100 * np.roll(image, (4, 2), axis=(0, 1))
    before, after = slant(np.stack([image, moved]))
    assert after == pytest.approx(before)


def test_slant_of_a_mirrored_image_changes_sign() -> None:
    images = np.random.default_rng(0).random((4, 6, 5))
    np.testing.assert_allclose(slant(images[:, :, ::-1]), -slant(images))
    np.testing.assert_allclose(slant(images[:, ::-1]), -slant(images))


def test_images_without_slant_get_zero() -> None:
    blank = np.zeros((5, 7))
    one_row, one_pixel = blank.copy(), blank.copy()
    one_row[3, [0, 1, 6]] = 0.1, 0.7, 0.3
    one_pixel[4, 1] = 0.3
    assert slant(np.stack([blank, one_row, one_pixel])).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("row", range(28))
def test_one_row_has_no_slant_in_spite_of_rounding(row: int) -> None:
    image = np.zeros((1, 28, 28))
    image[0, row] = np.random.default_rng(row).random(28)
    assert slant(image).tolist() == [0.0]


# --- position ---------------------------------------------------------------------------------------------------


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


# --- orbits -----------------------------------------------------------------------------------------------------


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


# --- what is refused --------------------------------------------------------------------------------------------

TEN = normal(10, 2)
MASKED = np.ma.array(np.arange(20.0).reshape(10, 2), mask=[[True, False], *[[False] * 2] * 9])
LABELS = ["a", "b"] * 5

REFUSALS = {
    "lengths": (
        lambda: trustworthiness(TEN, TEN[:9]),
        "Expected 'X' and 'Z' to describe the same samples, one a row. Got 10 in 'X' and 9 in 'Z'.",
    ),
    "lengths of recall": (
        lambda: neighbor_recall(TEN[:9], TEN),
        "Expected 'X' and 'Z' to describe the same samples, one a row. Got 9 in 'X' and 10 in 'Z'.",
    ),
    "half": (
        lambda: trustworthiness(TEN, TEN, n_neighbors=5),
        "The 'n_neighbors' parameter of trustworthiness must be an int in the range [1, 4], less than half of the "
        "10 samples. Got 5 instead.",
    ),
    "half, continuity": (
        lambda: continuity(TEN, TEN, n_neighbors=5),
        "The 'n_neighbors' parameter of continuity must be an int in the range [1, 4], less than half of the 10 "
        "samples. Got 5 instead.",
    ),
    "all": (
        lambda: neighbor_recall(TEN, TEN, n_neighbors=10),
        "The 'n_neighbors' parameter of neighbor_recall must be an int in the range [1, 9], fewer than the 10 "
        "samples. Got 10 instead.",
    ),
    "none": (
        lambda: continuity(TEN, TEN, n_neighbors=0),
        "The 'n_neighbors' parameter of continuity must be an int in the range [1, inf). Got 0 instead.",
    ),
    "float": (
        lambda: neighbor_recall(TEN, TEN, n_neighbors=2.0),
        "The 'n_neighbors' parameter of neighbor_recall must be an int in the range [1, inf). Got 2.0 instead.",
    ),
    "bool": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=True),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, inf). Got True instead.",
    ),
    "two samples": (
        lambda: trustworthiness(TEN[:2], TEN[:2], n_neighbors=1),
        "Found array with 2 sample(s) (shape=(2, 2)) while a minimum of 3 is required.",
    ),
    "masked map": (lambda: trustworthiness(TEN, MASKED), "Expected 'Z' to hold no masked values."),
    "masked samples": (lambda: continuity(MASKED, TEN), "Expected 'X' to hold no masked values."),
    "masked labels": (lambda: knn_accuracy(TEN, MASKED[:, 0]), "Expected 'y' to hold no masked values."),
    "masked orbits": (lambda: orbit_ratio(TEN, MASKED[:, 0]), "Expected 'orbits' to hold no masked values."),
    "masked target": (lambda: position_r2(TEN, MASKED[:, 0]), "Expected 'target' to hold no masked values."),
    "masked images": (lambda: slant(MASKED[None]), "Expected 'images' to hold no masked values."),
    "NaN": (lambda: trustworthiness(TEN, np.full((10, 2), np.nan)), "Input Z contains NaN."),
    "infinity": (lambda: continuity(np.full((10, 2), np.inf), TEN), "Input X contains infinity"),
    "flat map": (
        lambda: trustworthiness(TEN, TEN[:, 0]),
        "Expected 'Z' to be a 2-D array (n_samples, n_features). Got an array of shape (10,) and dtype float64.",
    ),
    "left out": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=10),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, 9], fewer than the 10 samples. "
        "Got 10 instead.",
    ),
    "held out": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=11, Z_test=TEN, y_test=LABELS),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, 10], at most the 10 samples of "
        "'Z'. Got 11 instead.",
    ),
    "half a test set": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN),
        "'Z_test' and 'y_test' belong together: give both, or neither to leave one out.",
    ),
    "the other half": (
        lambda: knn_accuracy(TEN, LABELS, y_test=LABELS),
        "'Z_test' and 'y_test' belong together: give both, or neither to leave one out.",
    ),
    "columns": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN[:, :1], y_test=LABELS),
        "Expected 'Z' and 'Z_test' to have the same number of columns. Got 2 in 'Z' and 1 in 'Z_test'.",
    ),
    "test lengths": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN[:4], y_test=LABELS),
        "Expected 'y_test' and 'Z_test' to describe the same samples, one a row. Got 10 in 'y_test' and 4 in 'Z_test'.",
    ),
    "kinds": (
        lambda: knn_accuracy(TEN, [4, 9] * 5, Z_test=TEN, y_test=["4", "9"] * 5),
        "Expected 'y' and 'y_test' to be of one kind, numbers or strings: a number matches no string. "
        "Got dtype int64 in 'y' and <U1 in 'y_test'.",
    ),
    "label lengths": (
        lambda: knn_accuracy(TEN, LABELS[:3]),
        "Expected 'y' and 'Z' to describe the same samples, one a row. Got 3 in 'y' and 10 in 'Z'.",
    ),
    "label matrix": (
        lambda: orbit_ratio(TEN, TEN),
        "Expected 'orbits' to be 1-D, one label a sample. Got an array of shape (10, 2) and dtype float64.",
    ),
    "no label": (
        lambda: position_accuracy(TEN, [None, *LABELS[1:]]),
        "Expected 'labels' to hold a label for each sample, all numbers or all strings. Some are missing or of "
        "another kind: leave those samples out or give them a label of their own.",
    ),
    "NaN label": (
        lambda: knn_accuracy(TEN, [math.nan] + [1.0] * 9),
        "Expected 'y' to hold a label for each sample, all numbers or all strings.",
    ),
    "pandas' NA": (
        lambda: knn_accuracy(TEN, pd.array([pd.NA, *LABELS[1:]], dtype="string")),
        "Expected 'y' to hold a label for each sample, all numbers or all strings.",
    ),
    "one sample": (lambda: spread([[0.0, 1.0]]), "Found array with 1 sample(s)"),
    "pairs of copies": (
        lambda: spread([[0.0], [0.0], [1.0], [1.0]]),
        "Each sample of 'Z' coincides with another, so nearest-neighbour distances are all 0. Pass "
        "np.unique(Z, axis=0), if it has two rows or more, to judge the distinct places.",
    ),
    "one image": (
        lambda: slant(np.zeros((28, 28))),
        "Expected 'images' to be a 3-D array (n_samples, height, width). Got an array of shape (28, 28) and dtype "
        "float64. A single image is images[None]; of several channels choose one, images[:, 0].",
    ),
    "negative ink": (
        lambda: slant(np.full((1, 3, 3), -0.5)),
        "Expected 'images' to be ink on a background of 0, without negative values. Got -0.5 at the least. Subtract "
        "the background first.",
    ),
    "NaN ink": (lambda: slant(np.full((1, 3, 3), np.nan)), "Input images contains NaN."),
    "constant": (
        lambda: position_r2(TEN, np.ones(10), n_neighbors=3),
        "The values of 'target' are all the same, so there is no variance to explain.",
    ),
    "target lengths": (
        lambda: position_r2(TEN, np.arange(9.0), n_neighbors=3),
        "Expected 'target' and 'Z' to describe the same samples, one a row. Got 9 in 'target' and 10 in 'Z'.",
    ),
    "target matrix": (
        lambda: position_r2(TEN, TEN, n_neighbors=3),
        "Expected 'target' to be 1-D, one number a sample. Got an array of shape (10, 2) and dtype float64.",
    ),
    "target NaN": (
        lambda: position_r2(TEN, np.full(10, np.nan), n_neighbors=3),
        "Input target contains NaN.",
    ),
    "splits": (
        lambda: position_r2(TEN, TEN[:, 0], n_neighbors=3, n_splits=11),
        "The 'n_splits' parameter of position_r2 must be an int in the range [2, 10], at most the 10 samples. "
        "Got 11 instead.",
    ),
    "one split": (
        lambda: position_accuracy(TEN, LABELS, n_neighbors=3, n_splits=1),
        "The 'n_splits' parameter of position_accuracy must be an int in the range [2, inf). Got 1 instead.",
    ),
    "one sample to fold": (
        lambda: position_r2(TEN[:1], [1.0]),
        "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required.",
    ),
    "one sample to vote": (
        lambda: position_accuracy(TEN[:1], ["a"]),
        "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required.",
    ),
    "no seed": (
        lambda: position_r2(TEN, TEN[:, 0], n_neighbors=3, random_state=None),
        "The 'random_state' parameter of position_r2 must be an int in the range [0, 4294967295]. Got None instead.",
    ),
    "neighbours outside a fold": (
        lambda: position_accuracy(TEN, LABELS, n_neighbors=7, n_splits=3),
        "The 'n_neighbors' parameter of position_accuracy must be an int in the range [1, 6], at most the samples "
        "outside the largest fold. Got 7 instead.",
    ),
    "collapsed": (
        lambda: orbit_ratio(np.ones((10, 2)), LABELS),
        "All samples of 'Z' coincide: the map has collapsed and has no variance to compare.",
    ),
    "orbit lengths": (
        lambda: orbit_ratio(TEN, LABELS[:3]),
        "Expected 'orbits' and 'Z' to describe the same samples, one a row. Got 3 in 'orbits' and 10 in 'Z'.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    call, sentence = REFUSALS[case]
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        call()
    assert len(str(caught.value)) <= 600


def test_sparse_data_is_refused_with_a_way_out() -> None:
    with pytest.raises(TypeError, match=re.escape("Use '.toarray()' to convert to a dense numpy array.")):
        trustworthiness(eye_array(10).tocsr(), TEN)


def test_importing_metrics_imports_neither_torch_nor_matplotlib() -> None:
    code = "import sys; import drlim.metrics; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_exact_energy_is_the_sum_of_two_means():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    Z = [[0.0], [3.0], [3.5]]
    # L_S = 9/2. L_D at 3.5 and 0.5: 0 and (m - 1/2)^2 / 2.
    assert metrics.exact_energy(Z, graph) == pytest.approx(9 / 2 + 1 / 16)
    assert metrics.exact_energy(Z, graph, margin=2.0) == pytest.approx(9 / 2 + 9 / 16)
    assert metrics.exact_energy(Z, graph, dissimilar_weight=4.0) == pytest.approx(9 / 2 + 1 / 4)
    with pytest.raises(ValueError, match=re.escape("Got 3 in 'Z' and 4 in 'graph'.")):
        metrics.exact_energy(Z, NeighborhoodGraph.from_pairs(4, [(0, 1)]))
    with pytest.raises(ValueError, match=re.escape("The 'margin' parameter of exact_energy must be a float")):
        metrics.exact_energy(Z, graph, margin=0)
    with pytest.raises(ValueError, match=re.escape("The 'dissimilar_weight' parameter of exact_energy must be")):
        metrics.exact_energy(Z, graph, dissimilar_weight=np.inf)
