"""Sums of 1 / (1 + D^2) over all pairs: by hand, against a double loop, and without numba."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim.forces import kernel_cauchy
from drlim.forces.kernel_cauchy import cauchy_over_all
from drlim.forces.summation import over_all_pairs
from drlim.springs.heavy_tailed import CauchyRepulsion


def literal(Z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    energies, gradient = np.zeros(len(Z)), np.zeros(Z.shape)
    for i in range(len(Z)):
        for j in range(len(Z)):
            if i != j:
                displacement = Z[i] - Z[j]
                w = 1 / (1 + displacement @ displacement)
                energies[i] += 0.5 * w
                gradient[i] += -2 * w * w * displacement
    return energies, gradient


def test_three_points_on_a_line_by_hand() -> None:
    """At 0, 1 and 3: D = 1, 2 and 3, so 1/2, 1/5 and 1/10; slopes 2 D w^2 are .5, .16 and .06."""
    energies, gradient = cauchy_over_all(np.array([[0.0], [1.0], [3.0]]))
    np.testing.assert_allclose(energies, [0.3, 0.35, 0.15])
    np.testing.assert_allclose(gradient.ravel(), [0.56, -0.34, -0.22])


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_the_sums_are_those_of_a_double_loop(d: int, dtype: type, tolerance: float) -> None:
    Z = (3 * np.random.default_rng(d).normal(size=(70, d))).astype(dtype)
    for found, wanted in zip(cauchy_over_all(Z), literal(Z.astype(np.float64)), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)


def test_many_columns_are_summed_in_several_ranges() -> None:
    Z = np.random.default_rng(0).normal(size=(2 * kernel_cauchy._COLUMNS + 77, 2)) * 9
    energies, gradient = over_all_pairs(torch.from_numpy(Z), CauchyRepulsion())
    found = cauchy_over_all(Z)
    np.testing.assert_allclose(found[0], energies.numpy(), rtol=1e-12)
    np.testing.assert_allclose(found[1], gradient.numpy(), rtol=1e-9, atol=1e-10)


def test_without_numba_the_general_sums_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    Z = np.random.default_rng(1).normal(size=(50, 2))
    compiled = cauchy_over_all(Z)
    monkeypatch.setattr(kernel_cauchy, "AVAILABLE", False)
    for found, wanted in zip(cauchy_over_all(Z), compiled, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)


def test_coincident_points_exert_no_force() -> None:
    energies, gradient = cauchy_over_all(np.full((5, 3), 0.1, dtype=np.float32))
    assert energies.tolist() == [2.0] * 5
    assert not gradient.any()


def test_forces_add_up_to_zero_and_do_not_depend_on_the_order_or_the_place() -> None:
    rng = np.random.default_rng(2)
    Z, order = rng.normal(size=(200, 2)), rng.permutation(200)
    gradient = cauchy_over_all(Z)[1]
    np.testing.assert_allclose(gradient.sum(axis=0), 0, atol=1e-10)
    np.testing.assert_allclose(cauchy_over_all(Z[order] + 5)[1], gradient[order], rtol=1e-9, atol=1e-11)


def test_the_gradient_is_the_slope_of_the_energy() -> None:
    Z = np.random.default_rng(3).normal(size=(6, 2))
    gradient = cauchy_over_all(Z)[1]
    for i, axis in [(0, 0), (3, 1), (5, 0)]:
        step = np.zeros_like(Z)
        step[i, axis] = 1e-6
        slope = (cauchy_over_all(Z + step)[0].sum() - cauchy_over_all(Z - step)[0].sum()) / 2e-6
        assert gradient[i, axis] == pytest.approx(slope, rel=1e-7)


def test_the_number_of_threads_does_not_change_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    Z = np.random.default_rng(4).normal(size=(2500, 2)).astype(np.float32)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(b"".join(part.tobytes() for part in cauchy_over_all(Z)))
    assert results[0] == results[1]


def test_points_far_apart_have_no_force_and_no_nan() -> None:
    energies, gradient = cauchy_over_all(np.array([[0.0, 0.0], [1e19, 1e30]], dtype=np.float32))
    assert energies.tolist() == [0.0, 0.0]
    assert not gradient.any()
