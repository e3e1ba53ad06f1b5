"""Every way over all pairs against a literal double loop, on maps of every shape; the choice among them; their cost."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import drlim._base
from drlim._base import compiling
from drlim.forces import dense, grid, summation
from drlim.forces.pairwise import total
from drlim.forces.summation import over_all_pairs
from drlim.springs import Attraction, FreeLaw, Repulsion

quick = settings(max_examples=60, deadline=None)

WAYS = ["dense", "near", "kernel", "mutual", "queued"]
KERNELS = ["kernel", "mutual"]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}
N = 40


@contextmanager
def only(way: str) -> Iterator[None]:
    """Send passes of any size one way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summation, "_AT_ONCE", 0)
        patch.setattr(grid, "_FEWEST_ROWS", 1)
        patch.setattr(dense, "_BLOCK_PAIRS", 3 * N)
        patch.setattr(grid, "_CANDIDATES", 3 * N)
        patch.setattr(grid, "_ROWS_AT_ONCE", N // 3)
        patch.setattr(summation, "_CROWDED", {"dense": -1.0, "near": 2.0}.get(way, 0.2))
        patch.setattr(summation, "_MUTUAL", -1.0 if way == "mutual" else 2.0)
        patch.setattr(summation, "is_queued", lambda device: way == "queued")  # as on a GPU
        patch.setattr(summation, "_is_compiled", lambda points, law, count: way in KERNELS and points.shape[1] <= 3)
        yield


def cloud(kind: str, n: int, d: int) -> np.ndarray:
    """Points for a margin of 0.8, shape (n, d)."""
    rng = np.random.default_rng(n + d)
    if kind == "uniform":
        return rng.random((n, d)) * 4
    if kind == "clustered":
        return rng.integers(0, 3, (n, 1)) * 7.0 + 0.3 * rng.normal(size=(n, d))
    if kind == "collapsed":
        return 1.0 + 1e-3 * rng.random((n, d))
    if kind == "identical":
        return np.tile(rng.normal(size=d), (n, 1))
    if kind == "collinear":
        return rng.random((n, 1)) * 5 * rng.normal(size=d)
    if kind == "duplicated":
        return rng.integers(0, 3, (n, d)) * 0.5
    if kind == "far":
        return 1e4 + rng.random((n, d)) * 4
    spread = rng.random((n, d)) * 2  # "outlier"
    spread[n // 2] = 1e12
    return spread


KINDS = ["uniform", "clustered", "collapsed", "identical", "collinear", "duplicated", "far", "outlier"]


def literal(Z: Tensor, margin: float, rows: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The paper's formula, spring by spring."""
    points = Z.double().tolist()
    energies, gradient = np.zeros(len(rows)), np.zeros((len(rows), Z.shape[1]))
    for row, i in enumerate(rows):
        for j in range(len(points)):
            difference = [a - b for a, b in zip(points[i], points[j], strict=True)]
            D = math.hypot(*difference)
            if i != j and margin > D:
                energies[row] += 0.5 * 0.5 * (margin - D) ** 2
            if margin > D > 0:
                gradient[row] -= [(margin - D) * component / D for component in difference]
    return energies, gradient


def assert_literal(Z: Tensor, margin: float, rows: list[int] | None) -> None:
    energies, gradient = over_all_pairs(Z, Repulsion(margin), None if rows is None else torch.tensor(rows))
    assert energies.dtype == gradient.dtype == torch.float64
    wanted = literal(Z, margin, list(range(len(Z))) if rows is None else rows)
    for got, want, unit in ((energies, wanted[0], margin**2 / 4), (gradient, wanted[1], margin)):
        assert got.shape == want.shape
        scale = max(unit, np.abs(want).max(initial=0))
        assert np.abs(got.numpy() - want).max(initial=0) <= TOLERANCE[Z.dtype] * scale


@pytest.mark.parametrize("way", WAYS)
def test_three_points_by_hand(way: str) -> None:
    with only(way):
        energies, gradient = over_all_pairs(torch.tensor([[5.0, 0.0], [0.25, 0.0], [0.0, 0.0]]), Repulsion(1.0))
    # Roots of float32 differ in the last digit between processors.
    assert energies.tolist() == pytest.approx([0.0, 0.75**2 / 4, 0.75**2 / 4], rel=1e-6)
    np.testing.assert_allclose(gradient, [[0.0, 0.0], [-0.75, 0.0], [0.75, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", WAYS)
def test_every_way_is_the_literal_loop(way: str, kind: str, d: int, dtype: torch.dtype) -> None:
    Z = torch.from_numpy(cloud(kind, N, d)).to(dtype)
    with only(way):
        assert_literal(Z, 0.8, None)
        assert_literal(Z, 0.8, [7, 0, 39, 7, 20])


@quick
@given(
    way=st.sampled_from(WAYS),
    n=st.integers(1, N),
    d=st.integers(1, 5),
    dtype=st.sampled_from([torch.float64, torch.float32]),
    extent=st.sampled_from([1e-3, 1.0, 30.0, 1e9]),
    margin=st.floats(0.01, 3.0),
    data=st.data(),
)
def test_any_shape(way: str, n: int, d: int, dtype: torch.dtype, extent: float, margin: float, data: Any) -> None:
    seed = data.draw(st.integers(0, 1000))
    Z = torch.from_numpy(np.random.default_rng(seed).random((n, d)) * extent).to(dtype)
    rows = data.draw(st.none() | st.lists(st.integers(0, n - 1), max_size=N))
    with only(way):
        assert_literal(Z, margin, None if rows is None else [*rows, 0])


@pytest.mark.parametrize("way", WAYS)
def test_thousands_of_points_in_float32(way: str) -> None:
    """Long enough for many blocks and chunks, at the sizes that are in use."""
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(3000, 2))).float()
    rows = torch.arange(0, 3000, 50)
    displacement = Z.double()[rows, None] - Z.double()  # (r, n, 2)
    D = displacement.norm(dim=2)
    push = (0.6 - D).clamp_min(0)
    wanted = -(torch.where(D > 0, push / D, 0.0)[:, :, None] * displacement).sum(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summation, "_CROWDED", {"dense": -1.0, "near": 2.0}.get(way, 0.2))
        patch.setattr(summation, "is_queued", lambda device: way == "queued")  # as on a GPU
        patch.setattr(summation, "_is_compiled", lambda *_: way in KERNELS and compiling.AVAILABLE)
        patch.setattr(summation, "_MUTUAL", -1.0 if way == "mutual" else 2.0)
        energies, gradient = over_all_pairs(Z, Repulsion(0.6))
        some, part = over_all_pairs(Z, Repulsion(0.6), torch.arange(3000).repeat_interleave(2)[:3000])
    torch.testing.assert_close(energies[rows], (push.square().sum(1) - 0.36) / 4, rtol=1e-6, atol=0)
    assert (gradient[rows] - wanted).abs().max() < 1e-6 * wanted.abs().max()
    torch.testing.assert_close(some[::2], energies[:1500], rtol=1e-6, atol=0)
    torch.testing.assert_close(part[1::2], gradient[:1500], rtol=0, atol=1e-4)


@pytest.mark.parametrize("way", ["dense", "near"])
def test_other_laws(way: str) -> None:
    """A force that does not fade at the reach, and one without reach."""
    Z = torch.from_numpy(cloud("uniform", N, 2))
    i, j = np.triu_indices(N, 1)
    D = (Z[i] - Z[j]).norm(dim=1)
    with only(way):
        energies, gradient = over_all_pairs(Z, FreeLaw(lambda d: (1.0 - d).clamp_min(0.0), reach=1.0))
        assert total(energies) == pytest.approx(float((1 - D).clamp_min(0).sum()), rel=1e-12)
        assert gradient.sum(0).abs().max() < 1e-12
        energies, gradient = over_all_pairs(Z, Attraction())
        assert total(energies) == pytest.approx(float((D**2).sum() / 2), rel=1e-12)
        torch.testing.assert_close(gradient, N * (Z - Z.mean(0)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("n", "r"), [(1, None), (1, 1), (5, 0), (2, None)])
def test_few_points_or_none(n: int, r: int | None) -> None:
    rows = None if r is None else torch.arange(r)
    energies, gradient = over_all_pairs(torch.arange(n)[:, None] * 2.0, Repulsion(1.0), rows)
    assert energies.tolist() == [0.0] * (n if r is None else r)
    assert gradient.tolist() == [[0.0]] * (n if r is None else r)


@pytest.mark.parametrize("n", [3, 300_000])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_point_that_is_not_finite_makes_all_nan_at_once(value: float, n: int) -> None:
    Z = torch.rand(n, 2, generator=torch.Generator().manual_seed(0))
    Z[1, 1] = value
    for rows in (None, torch.tensor([0, 2])):
        energies, gradient = over_all_pairs(Z, Repulsion(10.0), rows)
        assert energies.isnan().all()
        assert gradient.isnan().all()
        assert math.isnan(total(energies))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_point_that_is_not_finite_makes_all_nan_on_a_gpu_too(value: float) -> None:
    Z = torch.rand(30, 2, generator=torch.Generator().manual_seed(0))
    Z[1, 1] = value
    with only("queued"):
        for rows in (None, torch.tensor([0, 2])):
            energies, gradient = over_all_pairs(Z, Repulsion(10.0), rows)
            assert energies.isnan().all()
            assert gradient.isnan().all()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("unit", "margin", "dtype"),
    [
        (1e30, 0.5, torch.float32),
        (1e30, 3e29, torch.float32),
        (1e37, 1e-30, torch.float32),
        (1.0, 1e25, torch.float32),
        (1e-25, 5e-26, torch.float32),
        (1e100, 1e-100, torch.float64),
        (1e150, 3e149, torch.float64),
        (1e300, 1e-5, torch.float64),
    ],
)
def test_lengths_near_the_ends_of_the_range(way: str, unit: float, margin: float, dtype: torch.dtype) -> None:
    """Squares would leave the range of float32, and cells of a width of the reach cannot be numbered."""
    Z = torch.from_numpy(np.random.default_rng(0).random((N, 2)) * unit).to(dtype)
    Z[3] = Z[5]
    with only(way):
        assert_literal(Z, margin, None)


@pytest.mark.parametrize("way", ["near", "kernel"])
def test_a_map_as_wide_as_float64(way: str) -> None:
    """The extent itself is infinite."""
    Z = torch.tensor([[-1.7e308, 0.0], [1.7e308, 0.0], [0.0, 1.0], [0.0, 1.5]], dtype=torch.float64)
    with only(way):
        energies, gradient = over_all_pairs(Z, Repulsion(1.0))
    assert energies.tolist() == [0.0, 0.0, 0.0625, 0.0625]
    assert gradient.tolist() == [[0.0, 0.0], [0.0, 0.0], [0.0, 0.5], [0.0, -0.5]]


@pytest.mark.parametrize("way", WAYS)
def test_same_bytes_with_any_number_of_threads(way: str) -> None:
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(1200, 2))).float()
    rows, before = torch.randperm(1200, generator=torch.Generator().manual_seed(0))[:300], torch.get_num_threads()
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summation, "_CROWDED", {"dense": -1.0, "near": 2.0}.get(way, 0.2))
        patch.setattr(summation, "is_queued", lambda device: way == "queued")  # as on a GPU
        patch.setattr(summation, "_is_compiled", lambda *_: way in KERNELS and compiling.AVAILABLE)
        patch.setattr(summation, "_MUTUAL", -1.0 if way == "mutual" else 2.0)
        try:
            for threads in (1, 2, 1):
                torch.set_num_threads(threads)
                results.append([*over_all_pairs(Z, Repulsion(0.3)), *over_all_pairs(Z, Repulsion(0.3), rows)])
        finally:
            torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_one_row_and_a_sum_have_the_same_bytes_with_any_number_of_threads() -> None:
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(300_000, 2))).float()
    values, before, results = torch.rand(300_000, dtype=torch.float64), torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            energies, gradient = over_all_pairs(Z, FreeLaw(lambda d: torch.exp(-d)), torch.tensor([5]))
            results.append((total(values), energies.tolist(), gradient.tolist()))
    finally:
        torch.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def counting(law: Any, most: list[int]) -> Any:
    """Return the law, noting of how many distances it is asked the energy, in all and at once at most."""

    class Counting:
        reach = law.reach

        def energy(self, distance: Tensor) -> Tensor:
            most[0] += distance.numel()
            most[1] = max(most[1], distance.numel())
            return law.energy(distance)

        def force(self, distance: Tensor) -> Tensor:
            return law.force(distance)

    return Counting()


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_few_pairs_beyond_the_reach_are_formed(d: int) -> None:
    """In spite of an outlier; the sums are those of all pairs."""
    Z = torch.from_numpy(np.random.default_rng(d).random((2000, d)) * [30, 30, 30, 9, 9][:d])
    Z[7] += 1e5
    counts, all_counts = [0, 0], [0, 0]
    energies, gradient = over_all_pairs(Z, counting(Repulsion(1.0), counts))
    wanted = over_all_pairs(Z, counting(FreeLaw(Repulsion(1.0).energy), all_counts))
    inside = int((torch.cdist(Z, Z, compute_mode="donot_use_mm_for_euclid_dist") < 1).sum())
    assert inside <= counts[0] <= inside + 1  # and the spring of a point to itself
    assert all_counts[0] >= 2000**2 / 2
    torch.testing.assert_close(energies, wanted[0], rtol=0, atol=1e-12)
    torch.testing.assert_close(gradient, wanted[1], rtol=0, atol=1e-12)


def test_each_pair_once_where_all_feel_all() -> None:
    counts = [0, 0]
    over_all_pairs(torch.rand(2000, 2), counting(Repulsion(5.0), counts))
    assert counts[0] < 0.55 * 2000**2
    assert counts[1] <= dense._BLOCK_PAIRS


def test_a_small_pass_is_made_at_once_in_the_order_given() -> None:
    """The bytes of earlier versions, in their own few lines."""
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(500, 2))).float()
    law = Repulsion(0.7)
    for rows in (None, torch.randperm(500)[:250]):
        chosen = Z if rows is None else Z.index_select(0, rows)
        displacement = [chosen[:, axis, None] - Z.T.contiguous()[axis] for axis in range(2)]
        squares = torch.zeros_like(displacement[0])
        for component in displacement:
            squares = squares.addcmul_(component, component)
        D = squares.sqrt_()
        pull = torch.where(D > 0, -law.force(D) / D, 0.0)
        wanted = [(pull * component).sum(1, dtype=torch.float64) for component in displacement]
        _, gradient = over_all_pairs(Z, law, rows)
        assert torch.equal(gradient, torch.stack(wanted, dim=1))


def took(patch: pytest.MonkeyPatch) -> list[str]:
    """Note which way passes go."""
    ways: list[str] = []

    def noted(name: str, way: Any) -> Any:
        return lambda *args, **kwargs: (ways.append(name), way(*args, **kwargs))[1]

    for name in ("sum_dense", "sum_candidates", "_by_kernel", "_by_mutual_kernel"):
        patch.setattr(summation, name, noted(name, getattr(summation, name)))
    return ways


@pytest.mark.parametrize("available", [True, False])
def test_the_choice(monkeypatch: pytest.MonkeyPatch, available: bool) -> None:
    monkeypatch.setattr(compiling, "AVAILABLE", available)
    monkeypatch.setattr(summation, "_by_kernel", lambda points, reach, grid, chosen: (points, points))
    monkeypatch.setattr(summation, "_by_mutual_kernel", lambda points, reach: (points, points))
    ways = took(monkeypatch)
    Z, wide = torch.rand(1100, 2), torch.rand(1100, 5)
    for points, law in (
        (Z, Repulsion(0.05)),  # few in range
        (Z, Repulsion(3.0)),  # all in range
        (Z, Repulsion(0.9)),  # most in range
        (wide, Repulsion(0.05)),
        (Z, FreeLaw(Repulsion(0.05).energy, reach=0.05)),
        (Z, FreeLaw(Repulsion(0.05).energy)),
        (Z[:500], Repulsion(0.05)),  # not worth sorting
    ):
        over_all_pairs(points, law)
    over_all_pairs(torch.rand(1100, 3), Repulsion(3.0))
    over_all_pairs(Z, Repulsion(3.0), torch.arange(1100))
    far = torch.cat([Z.double(), torch.full((1, 2), 1e200, dtype=torch.float64)])  # its square is not finite
    over_all_pairs(far, Repulsion(3.0))
    first = (
        ["_by_kernel", "_by_mutual_kernel", "_by_mutual_kernel"]
        if available
        else ["sum_candidates", "sum_dense", "sum_dense"]
    )
    last = ["_by_kernel"] * 3 if available else ["sum_dense"] * 3
    assert ways == [*first, "sum_candidates", "sum_candidates", "sum_dense", "sum_dense", *last]


def test_a_small_pass_does_not_import_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(drlim._base, "compiling", raising=False)
    monkeypatch.setitem(sys.modules, "drlim._base.compiling", None)
    Z = torch.rand(1100, 2)
    over_all_pairs(Z[:512], Repulsion(0.05))
    over_all_pairs(Z, Attraction())
    with pytest.raises(ImportError):
        over_all_pairs(Z, Repulsion(0.05))


def highest_memory() -> float:
    """MiB, of this process since it began or since the mark was last put back."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", ["near", "kernel"])
def test_memory_does_not_grow_with_the_pairs(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """A tenth of the points in one margin: a list of all candidates would take 500 MB."""
    monkeypatch.setattr(summation, "_is_compiled", lambda *_: way in KERNELS and compiling.AVAILABLE)
    Z = torch.from_numpy(np.random.default_rng(0).random((40_000, 2))).float()
    Z[:4000] *= 0.005
    over_all_pairs(Z[:2000], Repulsion(0.005))
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the highest mark of the memory cannot be put back here")
    before = highest_memory()
    energies, _ = over_all_pairs(Z, Repulsion(0.005))
    assert total(energies) > 0
    assert highest_memory() - before < 60
