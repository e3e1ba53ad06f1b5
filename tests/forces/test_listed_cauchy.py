"""Sums over listed pairs: by hand, against a loop over the pairs, compiled and not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse

from drlim.forces import listed_cauchy
from drlim.forces.listed_cauchy import listed_gradient
from drlim.springs import Attraction, Law
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction

LAWS = [LogAttraction(), CauchyRepulsion()]


@pytest.fixture(params=[True, False], ids=["compiled", "products"])
def _either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_cauchy, "AVAILABLE", request.param and listed_cauchy.AVAILABLE)


def graph(n: int, density: float, seed: int, dtype: type = np.float64) -> sparse.csr_array:
    upper = np.triu(np.random.default_rng(seed).random((n, n)), 1)
    upper[upper < 1 - density] = 0
    return sparse.csr_array((upper + upper.T).astype(dtype))


def literal(Z: np.ndarray, pairs: sparse.csr_array, law: Law) -> np.ndarray:
    gradient = np.zeros(Z.shape)
    for i, j, weight in zip(*sparse.find(pairs), strict=True):
        displacement = Z[i] - Z[j]
        distance = torch.tensor([np.linalg.norm(displacement)])
        gradient[i] -= weight * law.force(distance).item() / distance.item() * displacement
    return gradient


@pytest.mark.usefixtures("_either_way")
def test_two_pairs_by_hand() -> None:
    """At 0, 1 and 3: the pair of weight 3 at D = 1, that of weight 2 at D = 2."""
    pairs = sparse.csr_array(np.array([[0.0, 3.0, 0.0], [3.0, 0.0, 2.0], [0.0, 2.0, 0.0]]))
    Z = np.array([[0.0], [1.0], [3.0]])
    np.testing.assert_allclose(listed_gradient(Z, pairs, LogAttraction()).ravel(), [-3.0, 3.0 - 1.6, 1.6])
    np.testing.assert_allclose(listed_gradient(Z, pairs, CauchyRepulsion()).ravel(), [1.5, -1.5 + 0.32, -0.32])


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_sums_are_those_of_a_loop(law: Law, d: int, dtype: type, tolerance: float) -> None:
    pairs = graph(40, 0.2, seed=d, dtype=dtype)
    Z = np.random.default_rng(d).normal(size=(40, d)).astype(dtype)
    found = listed_gradient(Z, pairs, law)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, literal(Z.astype(np.float64), pairs, law), rtol=tolerance, atol=tolerance)


def test_many_entries_go_in_several_tasks_and_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, Z = graph(60, 0.3, seed=0), np.random.default_rng(0).normal(size=(60, 2))
    wanted = literal(Z, pairs, LogAttraction())
    monkeypatch.setattr(listed_cauchy, "_ENTRIES_PER_TASK", 50)
    monkeypatch.setattr(listed_cauchy, "_BLOCK_ENTRIES", 100)
    results = []
    for threads in (1, 4):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(listed_gradient(Z, pairs, LogAttraction()))
    assert results[0].tobytes() == results[1].tobytes()
    np.testing.assert_allclose(results[0], wanted, rtol=1e-12, atol=1e-13)
    monkeypatch.setattr(listed_cauchy, "AVAILABLE", False)
    np.testing.assert_allclose(listed_gradient(Z, pairs, LogAttraction()), wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("law", LAWS)
def test_rows_without_pairs_and_graphs_without_any_have_no_force(law: Law) -> None:
    pairs = sparse.csr_array((4, 4))
    assert not listed_gradient(np.ones((4, 2)), pairs, law).any()
    one = sparse.csr_array(([1.0, 1.0], ([1, 3], [3, 1])), shape=(4, 4))
    gradient = listed_gradient(np.arange(8.0).reshape(4, 2), one, law)
    assert gradient.any(axis=1).tolist() == [False, True, False, True]
    np.testing.assert_allclose(gradient[1], -gradient[3])


def test_another_law_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Expected a LogAttraction or a CauchyRepulsion. Got Attraction\(\)."):
        listed_gradient(np.ones((2, 2)), sparse.csr_array((2, 2)), Attraction())
