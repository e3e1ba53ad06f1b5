"""The repulsion on a grid: against the exact sum, for maps of any size and shape."""

from __future__ import annotations

import numpy as np
import pytest

from drlim.forces import far_field
from drlim.forces.far_field import cauchy_on_grid
from drlim.forces.kernel_cauchy import cauchy_over_all


def error(Z: np.ndarray, spacing: float = 0.5) -> float:
    """Root mean square of the error of a force, over that of the forces."""
    exact = cauchy_over_all(Z.astype(np.float64))[1]
    return float(np.sqrt(((cauchy_on_grid(Z, spacing) - exact) ** 2).mean() / (exact**2).mean()))


def crowd(n: int, scale: float, seed: int = 0) -> np.ndarray:
    return (scale * np.random.default_rng(seed).normal(size=(n, 2))).astype(np.float32)


def test_two_points_by_hand() -> None:
    gradient = cauchy_on_grid(np.array([[0.0, 0.0], [3.0, 0.0]]))
    np.testing.assert_allclose(gradient, [[0.06, 0.0], [-0.06, 0.0]], atol=1e-4)


def test_one_point_and_coincident_points_have_no_force() -> None:
    assert np.abs(cauchy_on_grid(np.array([[5.0, -7.0]]))).max() < 1e-6
    assert np.abs(cauchy_on_grid(np.full((1000, 2), 3.3, dtype=np.float32))).max() < 1e-3  # of forces up to 650


def test_the_error_falls_with_the_spacing() -> None:
    Z = crowd(3000, 20)
    errors = [error(Z, spacing) for spacing in (1.0, 0.5, 0.25)]
    assert errors[0] < 0.4
    assert errors[1] < 0.08
    assert errors[2] < 0.01


@pytest.mark.parametrize("scale", [1e-6, 1e-4, 1e-2, 1.0, 4.0])
def test_a_narrow_map_has_a_finer_grid(scale: float) -> None:
    assert error(crowd(2000, scale)) < 0.02


@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_the_place_of_a_map_does_not_matter(shift: float) -> None:
    Z = crowd(1000, 20).astype(np.float64)
    np.testing.assert_allclose(cauchy_on_grid(Z + shift), cauchy_on_grid(Z), atol=1e-4)


def test_forces_add_up_to_zero() -> None:
    gradient = cauchy_on_grid(crowd(2000, 15))
    assert np.abs(gradient.sum(axis=0)).max() < 1e-4 * np.abs(gradient).sum()


def test_a_line_is_as_good_as_a_crowd() -> None:
    line = np.column_stack([np.linspace(0, 3000, 3000), np.zeros(3000)])
    assert error(line) < 0.02
    assert error(line[:, ::-1].copy()) < 0.02


def test_far_points_do_not_coarsen_the_grid() -> None:
    Z = crowd(3000, 15)
    alone = error(Z)
    Z[:4] = [[1e6, 0], [1e5, -3e5], [1e5, -3e5 + 1], [2000, 2000]]
    assert far_field._outliers(Z, 0.5).tolist() == [0, 1, 2, 3]
    assert error(Z) < 1.1 * alone
    near, exact = cauchy_on_grid(Z)[1:3], cauchy_over_all(Z.astype(np.float64))[1][1:3]
    np.testing.assert_allclose(near, exact, rtol=1e-9)  # the two far ones that are near each other


def test_blocks_of_outliers_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    Z = crowd(500, 15)
    Z[:30] += 5000 * np.arange(1, 31)[:, None].astype(np.float32)
    whole = cauchy_on_grid(Z)
    monkeypatch.setattr(far_field, "_BLOCK_PAIRS", 1)
    np.testing.assert_allclose(cauchy_on_grid(Z), whole, rtol=1e-12, atol=1e-12)


def test_a_map_that_runs_away_has_a_coarse_grid_and_bounded_memory() -> None:
    Z = crowd(2000, 1e9)
    box = far_field._box(Z, 0.5)
    assert box.nodes[0] * box.nodes[1] <= far_field._MOST_NODES
    assert box.spacing > 1e5
    assert np.isfinite(cauchy_on_grid(Z)).all()


def test_without_numba_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    Z = crowd(700, 10)
    compiled = cauchy_on_grid(Z)
    monkeypatch.setattr(far_field, "AVAILABLE", False)
    np.testing.assert_allclose(cauchy_on_grid(Z), compiled, rtol=1e-5, atol=1e-6 * np.abs(compiled).max())


def test_the_same_points_give_the_same_bytes_whether_kernels_are_kept_or_made() -> None:
    Z = crowd(500, 10)
    first = cauchy_on_grid(Z).tobytes()
    kept = cauchy_on_grid(Z).tobytes()
    far_field._kernels.cache_clear()
    assert first == kept == cauchy_on_grid(Z).tobytes()


def test_weights_are_exact_for_cubic_polynomials() -> None:
    for t in (0.0, 0.3, 0.99):
        weights = far_field._lagrange(t)
        for power in range(4):
            values = [float(node) ** power for node in (-1, 0, 1, 2)]
            assert np.dot(weights, values) == pytest.approx(t**power, abs=1e-12)
