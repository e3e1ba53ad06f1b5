"""The compiled order of points by their keys, and when it is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drlim._base import compiling
from drlim.forces import grid, kernel_order
from drlim.forces.kernel_order import counting_order
from drlim.forces.objective import all_pairs
from drlim.springs import Repulsion

KEYS = 7


def test_points_of_one_key_stay_in_their_order_by_hand() -> None:
    assert counting_order(np.array([3, 0, 3, 1, 0]), 4).tolist() == [1, 4, 3, 0, 2]
    assert counting_order(np.zeros(0, dtype=np.int64), 4).tolist() == []


@given(st.lists(st.integers(0, KEYS - 1), max_size=40))
def test_it_is_the_stable_order_of_a_sort(keys: list[int]) -> None:
    array = np.array(keys, dtype=np.int64)
    assert counting_order(array, KEYS).tolist() == np.argsort(array, kind="stable").tolist()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the number of points of each counting sort."""
    calls: list[int] = []

    def noted(keys: np.ndarray, n_keys: int) -> np.ndarray:
        calls.append(len(keys))
        return counting_order(keys, n_keys)

    monkeypatch.setattr(kernel_order, "counting_order", noted)
    return calls


@pytest.mark.skipif(not compiling.AVAILABLE, reason="needs numba")
@pytest.mark.parametrize("d", [1, 2, 3])
def test_forces_of_counted_points_are_those_of_sorted_ones(monkeypatch: pytest.MonkeyPatch, d: int) -> None:
    Z = torch.from_numpy(np.random.default_rng(d).random((6000, d)) * [50.0, 5.0, 2.0][d - 1])
    law, rows, calls = Repulsion(1.0), torch.arange(0, 6000, 40), counted(monkeypatch)
    energy, gradient = all_pairs(Z, law, rows)
    assert calls == [6000]
    monkeypatch.setattr(grid, "_KEYS_PER_POINT", 0)
    sorted_energy, sorted_gradient = all_pairs(Z, law, rows)
    assert calls == [6000]
    assert energy == pytest.approx(sorted_energy, rel=1e-12)
    torch.testing.assert_close(gradient, sorted_gradient, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("n", "spread"),
    [(3000, 5.0), (6000, 1e6)],  # few points; more keys than are counted
)
def test_others_are_sorted(monkeypatch: pytest.MonkeyPatch, n: int, spread: float) -> None:
    calls = counted(monkeypatch)
    all_pairs(torch.from_numpy(np.random.default_rng(0).random((n, 2)) * spread), Repulsion(1.0), torch.arange(200))
    assert calls == []


def test_without_numba_they_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = counted(monkeypatch)
    monkeypatch.setattr(compiling, "AVAILABLE", False)
    all_pairs(torch.rand(6000, 2) * 20, Repulsion(1.0), torch.arange(200))
    assert calls == []
