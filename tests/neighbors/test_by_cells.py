"""Neighbours by cells, measured in float64: by hand, recall, order, wild values, threads, and the choice of "auto"."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from drlim import knn_graph
from drlim.neighbors import builders, by_cells, cells, exact, knn_indices


@pytest.fixture
def _many_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small cells, so that a few thousand rows have as many as 60,000 have."""
    monkeypatch.setattr(cells, "_CELL_ROWS", 20)


def groups(n: int, d: int, seed: int = 0) -> NDArray[np.float64]:
    """Ten groups of six dimensions, in d columns."""
    rng = np.random.default_rng(seed)
    inner = 4 * rng.normal(size=(10, 6))[rng.integers(10, size=n)] + rng.normal(size=(n, 6))
    return np.asarray(inner @ rng.normal(size=(6, d)) + 0.01 * rng.normal(size=(n, d)))


def recall(found: NDArray[np.int64], wanted: NDArray[np.int64]) -> float:
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(wanted, found, strict=True)]))


def test_four_points_on_a_line_by_hand() -> None:
    indices, distances = knn_indices([[0.0], [1.0], [3.0], [7.0]], 3, algorithm="cells")
    assert indices.tolist() == [[1, 2, 3], [0, 2, 3], [1, 0, 3], [2, 1, 0]]
    assert distances.tolist() == [[1, 3, 7], [1, 2, 6], [2, 3, 4], [4, 6, 7]]


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("d", [5, 150])
def test_few_samples_have_exactly_their_neighbours(metric: str, d: int) -> None:
    X = groups(200, d)
    wanted, found = (knn_indices(X, 6, metric, algorithm=algorithm) for algorithm in ("exact", "cells"))
    assert found[0].tobytes() == wanted[0].tobytes()
    assert found[1].tobytes() == wanted[1].tobytes()


@pytest.mark.usefixtures("_many_cells")
@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize("d", [20, 150])
def test_of_many_samples_most_neighbours_are_found_and_measured_in_float64(metric: str, d: int) -> None:
    X = groups(3000, d) + (1e6 if metric == "euclidean" else 0.0)
    indices, distances = knn_indices(X, 5, metric, algorithm="cells")
    wanted, exactly = knn_indices(X, 5, metric, algorithm="exact")
    assert recall(indices, wanted) > 0.95
    found = (indices == wanted).all(axis=1)
    assert found.mean() > 0.8
    assert distances[found].tobytes() == exactly[found].tobytes()
    assert (indices != np.arange(3000)[:, None]).all()
    assert (np.diff(np.sort(indices, axis=1), axis=1) > 0).all()


@pytest.mark.usefixtures("_many_cells")
def test_neighbours_are_in_the_order_of_distance_and_index() -> None:
    X = np.repeat(groups(300, 4), 4, axis=0)
    indices, distances = knn_indices(X, 6, algorithm="cells")
    ascends = np.diff(distances, axis=1) > 0
    assert (ascends | ((np.diff(distances, axis=1) == 0) & (np.diff(indices, axis=1) > 0))).all()
    assert not distances[:, :3].any()
    assert (indices[:, :3] // 4 == np.arange(1200)[:, None] // 4).all()


def test_samples_that_are_all_identical() -> None:
    indices, distances = knn_indices(np.full((500, 120), 3.7), 4, algorithm="cells")
    assert not distances.any()
    assert (indices != np.arange(500)[:, None]).all()


@pytest.mark.usefixtures("_many_cells")
@pytest.mark.parametrize("d", [20, 150])
@pytest.mark.parametrize("scale", [1e-150, 1e-60, 1e60, 1e138])
def test_no_scale_costs_neighbours(d: int, scale: float) -> None:
    X = groups(1500, d) * scale
    assert recall(knn_indices(X, 5, algorithm="cells")[0], knn_indices(X, 5, algorithm="exact")[0]) > 0.95


@pytest.mark.usefixtures("_many_cells")
@pytest.mark.parametrize("d", [20, 150])
def test_a_wild_value_does_not_cost_the_neighbours_of_others(d: int) -> None:
    X = groups(1500, d)
    X[7, 3] = 1e12
    assert recall(knn_indices(X, 5, algorithm="cells")[0], knn_indices(X, 5, algorithm="exact")[0]) > 0.95


@pytest.mark.usefixtures("_many_cells")
@pytest.mark.parametrize("d", [20, 150])
@pytest.mark.parametrize("size", [1e5, 1e100])
def test_a_column_of_large_values_decides_as_it_does_in_the_distances(d: int, size: float) -> None:
    X = groups(1500, d)
    X[:, 3] *= size
    indices, distances = knn_indices(X, 5, algorithm="cells")
    wanted, exactly = knn_indices(X, 5, algorithm="exact")
    assert np.median(distances / exactly) < 1 + 1e-9
    assert recall(indices, wanted) > 0.9


@pytest.mark.usefixtures("_many_cells")
def test_a_wild_value_in_a_column_of_zeros() -> None:
    X = groups(1500, 20)
    X[:, 3] = 0.0
    X[7, 3] = 1e12
    assert recall(knn_indices(X, 5, algorithm="cells")[0], knn_indices(X, 5, algorithm="exact")[0]) > 0.95


@pytest.mark.usefixtures("_many_cells")
def test_the_seed_is_that_of_the_cells() -> None:
    X = np.random.default_rng(0).normal(size=(2000, 30))
    first, again, other = (knn_indices(X, 5, algorithm="cells", random_state=seed)[0].tobytes() for seed in (0, 0, 1))
    assert first == again
    assert first != other


_HASHED = """
import hashlib, numpy as np
from drlim.neighbors import knn_indices
rng = np.random.default_rng(0)
for d in (20, 300):
    X = 3 * rng.normal(size=(20, d))[rng.integers(20, size=5000)] + rng.normal(size=(5000, d))  # no product of BLAS
    print(hashlib.sha256(b"".join(part.tobytes() for part in knn_indices(X, 5, algorithm="cells"))).hexdigest())
"""


def test_the_number_of_threads_does_not_change_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = []
    for threads in ("1", "3"):
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            monkeypatch.setenv(name, threads)
        printed.append(subprocess.run([sys.executable, "-c", _HASHED], capture_output=True, check=True).stdout)
    assert printed[0] == printed[1]
    assert len(printed[0].split()) == 2


def test_searches_side_by_side_restore_the_number_of_threads() -> None:
    before = [library["num_threads"] for library in threadpool_info()]
    X = groups(800, 120)
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda _: knn_indices(X, 3, algorithm="cells")[0].tobytes(), range(6)))
    assert len(set(found)) == 1
    assert [library["num_threads"] for library in threadpool_info()] == before


def test_blocks_of_candidates_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    X = groups(500, 6)
    whole = knn_indices(X, 5, algorithm="cells")
    monkeypatch.setattr(by_cells, "_BLOCK_CANDIDATES", 100)
    again = knn_indices(X, 5, algorithm="cells")
    assert [part.tobytes() for part in again] == [part.tobytes() for part in whole]


@pytest.mark.parametrize(
    ("n", "d", "taken"),
    [(50, 9, "exact"), (51, 9, "cells"), (51, 8, "exact")],
    ids=["few samples", "many samples", "few dimensions"],
)
def test_auto_is_exact_where_that_is_cheap(n: int, d: int, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builders, "_EXACT_ROWS", 50)
    monkeypatch.setattr(exact, "_TREE_SAMPLES", 10)
    used: list[str] = []
    for name, search in (("exact", builders.nearest), ("cells", builders.nearest_by_cells)):
        counted = lambda *args, name=name, search=search: (used.append(name), search(*args))[1]  # noqa: E731
        monkeypatch.setattr(builders, {"exact": "nearest", "cells": "nearest_by_cells"}[name], counted)
    X = groups(n, d)
    assert knn_graph(X, 3) == knn_graph(X, 3, algorithm="exact")
    assert used == [taken, "exact"]


def test_up_to_20000_samples_are_found_exactly() -> None:
    assert builders._EXACT_ROWS == 20_000
