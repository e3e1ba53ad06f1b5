"""Approximate neighbours by cells: by hand, exact for few rows, and mostly found for many."""

from __future__ import annotations

import numpy as np
import pytest

from drlim.neighbors import cells, kernel_cells
from drlim.neighbors.cells import cell_neighbors
from drlim.neighbors.exact import nearest


@pytest.fixture
def _many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cells, so that a few thousand rows have as many as 60,000 have."""
    monkeypatch.setattr(cells, "_CELL_ROWS", 20)


def groups(n: int, p: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 4 * rng.normal(size=(10, p))[rng.integers(10, size=n)] + rng.normal(size=(n, p))


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    shared = [len(np.intersect1d(one, other)) for one, other in zip(found, wanted, strict=True)]
    return float(np.mean(shared)) / wanted.shape[1]


def test_four_points_on_a_line_by_hand() -> None:
    indices, squares = cell_neighbors(np.array([[0.0], [1.0], [3.0], [7.0]]), 3)
    assert indices.tolist() == [[1, 2, 3], [0, 2, 3], [1, 0, 3], [2, 1, 0]]
    assert squares.tolist() == [[1, 9, 49], [1, 4, 36], [4, 9, 16], [16, 36, 49]]
    assert (indices.dtype, squares.dtype) == (np.int64, np.float64)


@pytest.mark.parametrize("n", [2, 3, 17, 500])
def test_few_rows_have_exactly_their_neighbours(n: int) -> None:
    X = groups(n, 5)
    k = min(10, n - 1)
    indices, squares = cell_neighbors(X, k)
    wanted, exact = nearest(X, k)
    assert indices.tolist() == wanted.tolist()
    np.testing.assert_allclose(squares, exact, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("_many_cells")
@pytest.mark.parametrize("most_centres", [256, 50], ids=["one level", "two levels"])
@pytest.mark.parametrize("k", [5, 30])
def test_of_many_rows_most_neighbours_are_found(most_centres: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "_MOST_CENTRES", most_centres)
    X = groups(4000, 6).astype(np.float32)
    indices, squares = cell_neighbors(X, k)
    wanted, _ = nearest(X.astype(np.float64), k)
    assert recall(indices, wanted) > 0.95
    assert (np.diff(squares, axis=1) >= 0).all()
    measured = ((X[:, None].astype(np.float64) - X[indices]) ** 2).sum(axis=2)
    np.testing.assert_allclose(squares, measured, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures("_many_cells")
def test_no_row_is_its_own_neighbour_and_none_stands_twice() -> None:
    indices, _ = cell_neighbors(groups(3000, 4), 15)
    assert (indices != np.arange(3000)[:, None]).all()
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()


@pytest.mark.usefixtures("_many_cells")
def test_identical_rows_are_each_others_neighbours() -> None:
    X = np.repeat(groups(200, 3), 10, axis=0)
    indices, squares = cell_neighbors(X, 9)
    assert not squares.any()
    assert (indices // 10 == np.arange(2000)[:, None] // 10).all()


@pytest.mark.parametrize("n", [30, 5000])
def test_rows_that_are_all_identical_have_neighbours_at_no_distance(n: int) -> None:
    indices, squares = cell_neighbors(np.full((n, 4), 3.7), 8)
    assert not squares.any()
    assert (indices != np.arange(n)[:, None]).all()
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()


@pytest.mark.usefixtures("_many_cells")
def test_more_cells_are_searched_where_neighbours_are_many() -> None:
    X = groups(2000, 3)
    indices, _ = cell_neighbors(X, 600)  # 13 cells of 20 rows would not do
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()
    assert recall(indices, nearest(X, 600)[0]) > 0.9


@pytest.mark.usefixtures("_many_cells")
def test_the_merge_in_numpy_finds_what_the_compiled_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    X = groups(2000, 6)
    indices, squares = cell_neighbors(X, 12)
    monkeypatch.setattr(kernel_cells, "AVAILABLE", False)
    found, measured = cell_neighbors(X, 12)
    assert recall(found, indices) > 0.9999  # but for equal values
    np.testing.assert_allclose(measured, squares, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("_many_cells")
def test_one_seed_gives_the_same_bytes_and_another_other_cells() -> None:
    X = np.random.default_rng(0).normal(size=(3000, 12))
    first, again, other = (cell_neighbors(X, 10, seed=seed)[0] for seed in (0, 0, 1))
    assert first.tobytes() == again.tobytes() != other.tobytes()


@pytest.mark.parametrize(("offset", "scale"), [(1e6, 1.0), (0.0, 1e60), (0.0, 1e-60)])
def test_neither_offset_nor_scale_costs_neighbours(offset: float, scale: float) -> None:
    X = groups(300, 4)
    indices, squares = cell_neighbors(X * scale + offset, 5)
    wanted, exact = nearest(X, 5)
    assert recall(indices, wanted) > 0.999
    np.testing.assert_allclose(squares, exact * scale**2, rtol=1e-3)


@pytest.mark.parametrize("k", [0, 5])
def test_a_number_of_neighbours_out_of_range_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match=rf"Expected 'n_neighbors' in \[1, 4\] for 5 rows. Got {k}."):
        cell_neighbors(np.eye(5), k)


def test_values_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="Expected 'points' to be finite"):
        cell_neighbors(np.array([[0.0], [np.nan], [1.0]]), 1)
