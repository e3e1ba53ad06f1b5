"""The compiled kernels: as plain Python, without numba, without a cache, and the division among tasks and threads."""

from __future__ import annotations

import importlib.util
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from drlim._base import compiling
from drlim.forces import kernel_mutual, kernel_runs

ONE_COLUMN = (np.zeros(1, dtype=np.int64), (0, 1))
"""Of one height: all feel all."""


def everything(n: int) -> np.ndarray:
    return np.zeros(n, dtype=np.int64)


def run(module: Any, points: list[np.ndarray], chosen: np.ndarray, margin: float) -> tuple[np.ndarray, np.ndarray]:
    result: tuple[np.ndarray, np.ndarray] = module.repulsion_over_runs(
        points, everything(len(points[0])), chosen, *ONE_COLUMN, margin
    )
    return result


def anew(monkeypatch: pytest.MonkeyPatch, numba: Any) -> SimpleNamespace:
    """Load the modules a second time, beside the first, with another numba or none."""
    monkeypatch.setitem(sys.modules, "numba", numba)
    found = {}
    for module in (compiling, kernel_runs, kernel_mutual):
        spec = importlib.util.spec_from_file_location(f"{module.__name__}_anew", str(module.__file__))
        assert spec is not None
        assert spec.loader is not None
        again = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(again)
        monkeypatch.setitem(sys.modules, module.__name__, again)  # the kernels import the first of them
        found.update({name: getattr(again, name) for name in again.__all__})
    return SimpleNamespace(**found)


def test_three_points_on_a_line_by_hand() -> None:
    """At 0, 0.25 and 5 with m = 1: one spring, three quarters pressed."""
    energies, gradient = run(kernel_runs, [np.array([0.0, 0.25, 5.0])], np.arange(3), 1.0)
    assert energies.tolist() == [0.75**2 / 4, 0.75**2 / 4, 0.0]
    assert gradient.tolist() == [[0.75], [-0.75], [0.0]]


def test_coincident_points_exert_no_force_and_none_is_its_own_neighbour() -> None:
    energies, gradient = run(kernel_runs, [np.full(4, 0.1, dtype=np.float32)] * 3, np.array([2, 3]), 2.0)
    assert energies.tolist() == [3 * 1.0] * 2
    assert gradient.tolist() == [[0.0] * 3] * 2


def test_without_numba_the_kernels_are_plain_python_and_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for dtype, tolerance in ((np.float64, 1e-14), (np.float32, 1e-6)):
        for d in (1, 2, 3):
            points = [rng.random(70).astype(dtype) for _ in range(d)]
            wanted = [run(kernel_runs, points, np.arange(5, 60), 0.7)]
            wanted += [kernel_mutual.repulsion_over_all(points, 0.7)] if d < 3 else []
            cases.append((points, wanted, tolerance))
    plain = anew(monkeypatch, None)
    assert not plain.AVAILABLE
    for points, wanted, tolerance in cases:
        got = [run(plain, points, np.arange(5, 60), 0.7)]
        got += [plain.repulsion_over_all(points, 0.7)] if len(points) < 3 else []
        for one, other in zip(sum(got, ()), sum(wanted, ()), strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


def test_numba_told_not_to_compile_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    told = SimpleNamespace(config=SimpleNamespace(DISABLE_JIT=1), njit=None)
    assert not anew(monkeypatch, told).AVAILABLE


def test_where_no_cache_can_be_written_each_process_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def njit(*, cache: bool = False, forceinline: bool = False, **_: Any) -> Any:
        def decorate(function: Any) -> Any:
            if not forceinline:  # a part of a kernel has no code of its own to keep
                asked.append(cache)
            if cache:
                raise RuntimeError("cannot cache function: no locator available")
            return function

        return decorate

    module = anew(monkeypatch, SimpleNamespace(config=SimpleNamespace(DISABLE_JIT=0), njit=njit))
    assert module.AVAILABLE
    assert asked == [True, False] * 2  # the kernels of either file
    assert run(module, [np.array([0.0, 0.5])], np.arange(2), 1.0)[0].tolist() == [0.0625] * 2


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_tasks_and_threads_do_not_show(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    rng = np.random.default_rng(0)
    points = [rng.random(900).astype(np.float32) for _ in range(2)]
    keys = np.sort(rng.integers(0, 30, 900)) * 8 + 3
    args = (points, keys, np.arange(0, 900, 3), np.array([-8, 0, 8]), (2, 8), 0.7)
    whole = kernel_runs.repulsion_over_runs(*args)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    for pairs in (1, 5000, 40_000):
        monkeypatch.setattr(kernel_runs, "PAIRS_PER_TASK", pairs)
        for got, wanted in zip(kernel_runs.repulsion_over_runs(*args), whole, strict=True):
            assert got.tobytes() == wanted.tobytes()


def test_a_window_holds_the_heights_of_its_own_column_alone() -> None:
    """Keys of columns of 4 heights: 3 is the top of one column, 4 the foot of the next."""
    keys, x = np.array([0, 3, 4, 7]), np.zeros(4)
    args = ([x], keys, np.arange(4))
    alone = kernel_runs.repulsion_over_runs(*args, np.array([0]), (2, 4), 1.0)[0]
    assert alone.tolist() == [0.0] * 4
    column = kernel_runs.repulsion_over_runs(*args, np.array([0]), (3, 4), 1.0)[0]
    assert column.tolist() == [0.25] * 4
    adjacent = kernel_runs.repulsion_over_runs(*args, np.array([-4, 0, 4]), (1, 4), 1.0)[0]
    assert adjacent.tolist() == [0.25] * 4


def spread(n: int, d: int, dtype: type) -> list[np.ndarray]:
    rng = np.random.default_rng(n)
    return [rng.random(n).astype(dtype) for _ in range(d)]


def assert_both_alike(points: list[np.ndarray], margin: float, tolerance: float) -> None:
    n = len(points[0])
    mutual, runs = kernel_mutual.repulsion_over_all(points, margin), run(kernel_runs, points, np.arange(n), margin)
    for got, wanted in zip(mutual, runs, strict=True):
        assert got.shape == wanted.shape
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance * max(margin, np.abs(wanted).max()))


def test_each_pair_once_by_hand() -> None:
    energies, gradient = kernel_mutual.repulsion_over_all([np.array([0.0, 0.25, 5.0, 0.25])], 1.0)
    assert energies.tolist() == [2 * 0.75**2 / 4, 0.75**2 / 4 + 0.25, 0.0, 0.75**2 / 4 + 0.25]
    assert gradient.tolist() == [[1.5], [-0.75], [0.0], [-0.75]]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-6), (np.float64, 1e-13)])
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("n", [1, 127, 128, 129, 2200])
def test_each_pair_once_is_each_row_by_itself(n: int, d: int, dtype: type, tolerance: float) -> None:
    """At the ends of blocks and tiles; the points that fill a block up are out of everyone's reach."""
    assert_both_alike(spread(n, d, dtype), 0.7, tolerance)


def test_long_sums_of_equal_terms_in_float32() -> None:
    """Coincident points: all roundings go the same way."""
    for margin in (0.7, 0.83, 1.37):
        energies, gradient = kernel_mutual.repulsion_over_all([np.full(5000, 0.3, dtype=np.float32)] * 2, margin)
        np.testing.assert_allclose(energies, 4999 * margin**2 / 4, rtol=4e-6)  # vectors of 8 lanes; 2e-6 of 16
        assert not gradient.any()


@pytest.mark.parametrize("d", [1, 2])
def test_spans_and_threads_of_the_pairs(monkeypatch: pytest.MonkeyPatch, d: int) -> None:
    """Many strips to a span and many spans give the same sums; threads give the same bytes."""
    points = spread(1500, d, np.float32)
    for span in (2**15, 512):
        monkeypatch.setattr(kernel_mutual, "_SPAN", span)
        monkeypatch.setattr(kernel_mutual, "PAIRS_PER_TASK", 10_000)
        assert len(kernel_mutual._strips((0, 512), (0, 512))) > 3
        results = []
        for threads in (1, 2, 3):
            monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
            results.append([part.tobytes() for part in kernel_mutual.repulsion_over_all(points, 0.7)])
        assert results[0] == results[1] == results[2]
        assert_both_alike(points, 0.7, 1e-6)


@pytest.mark.parametrize("columns", [(0, 1280), (1280, 3000)])
def test_strips_are_whole_blocks_of_about_as_many_pairs(
    monkeypatch: pytest.MonkeyPatch, columns: tuple[int, int]
) -> None:
    monkeypatch.setattr(kernel_mutual, "PAIRS_PER_TASK", 100_000)
    bounds = np.array(kernel_mutual._strips((0, 1280), columns))
    assert bounds[0] == 0
    assert bounds[-1] == 1280
    assert (bounds % kernel_mutual._ROWS == 0).all()
    assert (np.diff(bounds) > 0).all()


def test_runs_longer_than_a_stretch_and_own_place_in_a_later_run() -> None:
    """Three columns of 3000 points each, of which each row feels all."""
    rng = np.random.default_rng(0)
    x, keys = rng.random(9000), np.repeat([4, 12, 20], 3000)
    offsets = np.array([-8, 0, 8])
    chosen = np.array([0, 2999, 3000, 4500, 5999, 6000, 8999])
    energies, gradient = kernel_runs.repulsion_over_runs([x], keys, chosen, offsets, (2, 8), 2.0)
    for row, own in enumerate(chosen):
        near = np.abs(keys - keys[own]) <= 8
        difference = x[own] - np.delete(x[near], own - np.flatnonzero(near)[0])
        assert energies[row] == pytest.approx(((2 - np.abs(difference)) ** 2).sum() / 4, rel=1e-12)
        assert gradient[row, 0] == pytest.approx(-((2 - np.abs(difference)) * np.sign(difference)).sum(), abs=1e-9)
