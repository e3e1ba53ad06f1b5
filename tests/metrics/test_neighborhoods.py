"""Trustworthiness, continuity, recall and spread: by hand, by literal loops, and their invariances."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.manifold import trustworthiness as reference_trustworthiness
from tests.metrics.literal import EXCHANGED, LATTICE, LINE, Floats, by_distance, literal_trustworthiness, normal

from drlim.metrics import (
    continuity,
    neighbor_recall,
    spread,
    trustworthiness,
)


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
