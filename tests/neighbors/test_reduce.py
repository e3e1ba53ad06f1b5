"""Principal components: by hand, by the singular value decomposition, and for wide, few, constant and many rows."""

from __future__ import annotations

import numpy as np
import pytest

from drlim.neighbors import reduce
from drlim.neighbors.reduce import principal_components


def decaying(n: int, p: int, seed: int = 0) -> np.ndarray:
    """Rows whose variances along random axes fall by a factor from one to the next."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(p, p)))[0]
    return rng.normal(size=(n, p)) * 0.9 ** np.arange(p) @ axes.T + rng.normal(size=p)


def test_a_diagonal_by_hand() -> None:
    """Twice (3, 4), and back: the axis is (.6, .8), the variance 25."""
    found = principal_components(np.array([[4.0, 5.0], [-2.0, -3.0]]), 1)
    np.testing.assert_allclose(found.mean, [1.0, 1.0])
    np.testing.assert_allclose(found.axes.ravel(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(found.variances, [25.0], rtol=1e-6)
    np.testing.assert_allclose(found.project(np.array([[4.0, 5.0], [1.0, 1.0]])).ravel(), [5.0, 0.0], atol=1e-6)


@pytest.mark.parametrize("most_columns", [1500, 10], ids=["covariance", "projections"])
def test_axes_are_those_of_the_singular_value_decomposition(most_columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduce, "_MOST_COLUMNS", most_columns)
    monkeypatch.setattr(reduce, "_BLOCK_VALUES", 1000)  # many blocks
    X = decaying(300, 40)
    found = principal_components(X, 5)
    _, values, axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(found.axes * axes[:5].T, axis=0)), 1, rtol=1e-3)
    np.testing.assert_allclose(found.variances, values[:5] ** 2 / 300, rtol=1e-3)
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(5), atol=1e-5)
    assert (found.axes[np.abs(found.axes).argmax(axis=0), np.arange(5)] > 0).all()


def test_new_rows_and_images_are_projected_alike() -> None:
    X = decaying(100, 12).astype(np.float32)
    found = principal_components(X, 3)
    np.testing.assert_allclose(found.project(X), (X - X.mean(axis=0)) @ found.axes, atol=1e-5)
    images = principal_components(X.reshape(100, 3, 4), 3)
    assert images.project(X[:7].reshape(7, 3, 4)).tobytes() == found.project(X[:7]).tobytes()


def test_no_offset_costs_digits() -> None:
    X = decaying(200, 6)
    wanted = principal_components(X, 2).project(X)
    moved = principal_components(X + 1e7, 2)
    np.testing.assert_allclose(moved.project(X + 1e7), wanted, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 5), (2, 3), (4, 1), (3, 2000)])
def test_there_are_no_more_axes_than_rows_or_columns(shape: tuple[int, int]) -> None:
    X = np.random.default_rng(0).normal(size=shape)
    found = principal_components(X, 50)
    assert found.axes.shape == (shape[1], min(shape))
    assert np.isfinite(found.project(X)).all()


def test_constant_rows_have_no_variance() -> None:
    found = principal_components(np.full((20, 4), 7.5), 2)
    assert found.variances.tolist() == [0.0, 0.0]
    assert not found.project(np.full((3, 4), 7.5)).any()


def test_of_many_rows_a_sample_is_enough_and_drawn_from_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    X = decaying(3000, 10)
    whole = principal_components(X, 3)
    monkeypatch.setattr(reduce, "_FITTED", 2000)
    first, again, other = (principal_components(X, 3, seed=seed) for seed in (0, 0, 1))
    assert first.axes.tobytes() == again.axes.tobytes() != other.axes.tobytes()
    np.testing.assert_allclose(np.abs(np.sum(whole.axes * first.axes, axis=0)), 1, atol=0.05)


def test_results_are_read_only_and_rows_of_another_width_are_refused() -> None:
    found = principal_components(np.eye(4), 2)
    with pytest.raises(ValueError, match="read-only"):
        found.axes[0, 0] = 1
    with pytest.raises(ValueError, match=r"Expected 'X' to have 4 values a row. Got shape \(2, 3\)."):
        found.project(np.ones((2, 3)))
