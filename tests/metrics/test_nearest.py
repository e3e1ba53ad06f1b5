"""Nearest neighbours of all metrics: scales, blocks and memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from tests.metrics.literal import normal

from drlim.metrics import (
    continuity,
    knn_accuracy,
    nearest,
    neighbor_recall,
    orbit_ratio,
    position_r2,
    slant,
    spread,
    trustworthiness,
)


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
