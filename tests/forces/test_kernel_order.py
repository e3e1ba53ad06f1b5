"""The compiled order of points by their keys, and when it is taken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from drlim._base import compiling
from drlim.forces import grid, kernel_order
from drlim.forces.kernel_order import radix_order
from drlim.forces.objective import all_pairs
from drlim.springs import Repulsion


def test_points_of_one_key_stay_in_their_order_by_hand() -> None:
    assert radix_order(np.array([3, 0, 3, 1, 0]), 4).tolist() == [1, 4, 3, 0, 2]
    assert radix_order(np.zeros(0, dtype=np.int64), 4).tolist() == []


@given(st.sampled_from([1, 7, 2**12, 2**12 + 1, 2**24, 2**61 + 2**32]), st.data())
def test_it_is_the_stable_order_of_a_sort(n_keys: int, data: st.DataObject) -> None:
    keys = np.array(data.draw(st.lists(st.integers(0, n_keys - 1), max_size=40)), dtype=np.int64)
    assert radix_order(keys, n_keys).tolist() == np.argsort(keys, kind="stable").tolist()


def compiled_orders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the number of points of each compiled sort."""
    calls: list[int] = []

    def noted(keys: np.ndarray, n_keys: int) -> np.ndarray:
        calls.append(len(keys))
        return radix_order(keys, n_keys)

    monkeypatch.setattr(kernel_order, "radix_order", noted)
    return calls


@pytest.mark.skipif(not compiling.AVAILABLE, reason="needs numba")
@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("spread", [2.0, 50.0, 1e5])
def test_forces_are_those_by_the_sort_of_numpy(monkeypatch: pytest.MonkeyPatch, d: int, spread: float) -> None:
    Z = torch.from_numpy(np.random.default_rng(d).random((6000, d)) * spread)
    law, rows, calls = Repulsion(1.0), torch.arange(0, 6000, 40), compiled_orders(monkeypatch)
    energy, gradient = all_pairs(Z, law, rows)
    assert calls == [6000]
    monkeypatch.setattr(grid, "_COMPILED_FROM", 10_000)
    sorted_energy, sorted_gradient = all_pairs(Z, law, rows)
    assert calls == [6000]
    assert energy == pytest.approx(sorted_energy, rel=1e-12)
    torch.testing.assert_close(gradient, sorted_gradient, rtol=1e-12, atol=1e-12)


def test_few_are_sorted_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = compiled_orders(monkeypatch)
    all_pairs(torch.from_numpy(np.random.default_rng(0).random((3000, 2)) * 5.0), Repulsion(1.0), torch.arange(200))
    assert calls == []


def test_without_numba_they_are_sorted_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = compiled_orders(monkeypatch)
    monkeypatch.setattr(compiling, "AVAILABLE", False)
    all_pairs(torch.rand(6000, 2) * 20, Repulsion(1.0), torch.arange(200))
    assert calls == []
