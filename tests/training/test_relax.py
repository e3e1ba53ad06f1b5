"""Free points under equation 3: steps by hand, forces that balance, and graphs of every shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from drlim.springs import Springs, make_springs
from drlim.springs.heavy_tailed import CauchyRepulsion, LogAttraction
from drlim.training import DivergenceError, free_forces
from drlim.training import relax as module
from drlim.training.free_forces import normalisation
from drlim.training.relax import Schedule, relax


def pairs(n: int, *listed: tuple[int, int], weight: float = 1.0) -> sparse.csr_array:
    dense = np.zeros((n, n))
    for i, j in listed:
        dense[i, j] = dense[j, i] = weight
    return sparse.csr_array(dense)


def groups(sizes: list[int]) -> sparse.csr_array:
    """Complete graphs without relations between them."""
    return sparse.csr_array(sparse.block_diag([np.ones((size, size)) - np.eye(size) for size in sizes]))


def ring(n: int, reach: int = 3) -> sparse.csr_array:
    shifts = [sparse.csr_array((np.ones(n), (np.arange(n), (np.arange(n) + k) % n)), shape=(n, n)) for k in (1, 2, 3)]
    directed = sum(shifts[1:reach], start=shifts[0])
    return sparse.csr_array(directed + directed.T)


def literal_step(Z: np.ndarray, weights: np.ndarray, exaggeration: float, normalisation: float) -> np.ndarray:
    """Return the first step from Z, by a double loop over equation 3."""
    slope = np.zeros(Z.shape)
    for i in range(len(Z)):
        for j in range(len(Z)):
            displacement = Z[i] - Z[j]
            w = 1 / (1 + displacement @ displacement)
            similar = exaggeration * weights[i, j] / (weights.sum() / 2) * 2 * w
            slope[i] += (similar - 2 / normalisation * 2 * w * w) * displacement
    return -len(Z) / exaggeration * slope


def random_problem(d: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(d)
    weights = np.triu(rng.random((12, 12)) * (rng.random((12, 12)) < 0.4), 1)
    return rng.normal(size=(12, d)), weights + weights.T


def within(Z: np.ndarray, n: int) -> float:
    """Greatest distance of the first n points from their middle."""
    return float(np.linalg.norm(Z[:n] - Z[:n].mean(axis=0), axis=1).max())


def between(Z: np.ndarray, n: int) -> float:
    """Distance of the middles of the first n points and of the others."""
    return float(np.linalg.norm(Z[:n].mean(axis=0) - Z[n:].mean(axis=0)))


def separation(Z: np.ndarray, n: int) -> float:
    return between(Z, n) / within(Z, n)


def test_normalisation_by_hand() -> None:
    """n = 16: c = 2, from 16^2 to 16 x 2; half way the geometric mean of 16 and 2."""
    assert normalisation(16, 0, 120) == 256
    assert normalisation(16, 60, 120) == pytest.approx(16 * 32**0.5)
    assert [normalisation(16, step, 120) for step in (120, 121, 300)] == pytest.approx([32.0] * 3)
    assert normalisation(16, 0, 0) == pytest.approx(32.0)


def test_two_points_come_to_rest_where_their_two_forces_are_equal() -> None:
    """e 2 D w = (2 / S) 2 D w^2, so w = e S / 2; n = 2 has c = sqrt(2) / 2, and S ends at n c = sqrt(2)."""
    Z = relax(pairs(2, (0, 1)), 1, start=np.array([[0.0], [2.0]]))
    assert np.abs(Z).max() < 1e-3  # e S / 2 = 1.06 is above 1, the greatest w: the attraction wins at any distance
    Z = relax(pairs(2, (0, 1)), 1, schedule=Schedule(phases=((500, 0.5),), annealed=0))
    w = 1 / (1 + (Z[0, 0] - Z[1, 0]) ** 2)
    assert w == pytest.approx(0.5 * 2**0.5 / 2, rel=1e-2)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_first_step_is_that_of_a_double_loop(d: int) -> None:
    start, weights = random_problem(d)
    schedule = Schedule(phases=((1, 3.0),), width=None)
    found = relax(sparse.csr_array(weights), d, start=start, schedule=schedule)
    begun = relax(sparse.csr_array(weights), d, start=start, schedule=replace(schedule, phases=()))
    step = literal_step(begun.astype(np.float64), weights, 3.0, 144.0)
    np.testing.assert_allclose(found - begun, step, rtol=1e-3, atol=1e-4)


def test_declared_pairs_repel_and_ignored_ones_do_not_as_a_double_loop_says() -> None:
    start, weights = random_problem(2)
    declared, ignored = pairs(12, (0, 5), (3, 4), weight=2.0), pairs(12, (1, 7), (8, 9), weight=0.1)
    schedule = Schedule(phases=((1, 3.0),), width=None)
    found = relax(
        sparse.csr_array(weights), start=start, dissimilar=declared, ignored=ignored, schedule=schedule
    ).astype(np.float64)
    Z = relax(sparse.csr_array(weights), start=start, schedule=replace(schedule, phases=())).astype(np.float64)
    step = literal_step(Z, weights, 3.0, 144.0)
    mean = 2 / np.count_nonzero(weights)
    for matrix, factor in ((declared, 3.0 * 2.0 * mean), (ignored, -2 / 144.0)):
        for i, j in zip(*matrix.nonzero(), strict=True):
            w = 1 / (1 + (Z[i] - Z[j]) @ (Z[i] - Z[j]))
            step[i] += 12 / 3.0 * factor * 2 * w * w * (Z[i] - Z[j])
    np.testing.assert_allclose(found - Z, step, rtol=1e-3, atol=1e-4)


def test_other_laws_go_through_the_general_sums() -> None:
    """The same laws as plain callables, with the force by differentiation, take the same steps."""
    _, weights = random_problem(2)
    free = make_springs(laws=(lambda d: d.square().log1p(), lambda d: 1 / (1 + d.square())))
    more = {"dissimilar": pairs(12, (0, 5)), "ignored": pairs(12, (1, 7))}
    schedule = Schedule(phases=((10, 4.0), (10, 1.0)))
    fast = relax(sparse.csr_array(weights), schedule=schedule, **more)
    general = relax(sparse.csr_array(weights), schedule=schedule, springs=free, **more)
    np.testing.assert_allclose(general, fast, rtol=1e-2, atol=1e-3 * np.abs(fast).max())


def test_the_laws_of_the_paper_are_accepted() -> None:
    schedule = Schedule(phases=((100, 1.0),), annealed=0, width=0.1)
    Z = relax(groups([4, 4]), springs=make_springs(margin=1.0), schedule=schedule)
    assert np.isfinite(Z).all()
    assert between(Z, 4) > 2 * within(Z, 4)


def test_groups_part_and_keep_together() -> None:
    Z = relax(groups([20, 20]))
    assert between(Z, 20) > 2 * within(Z, 20)
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-3)


def test_declared_dissimilar_pairs_part_what_relations_hold_together() -> None:
    mixed = groups([30])
    order = np.arange(30)
    apart = sparse.csr_array((order[:, None] < 10) != (order < 10), dtype=np.float64)
    free, parted = relax(mixed), relax(mixed, dissimilar=5 * apart)
    assert separation(parted, 10) > 2 * separation(free, 10)


def test_ignored_pairs_come_closer() -> None:
    """Two pairs of points without relations between them: they part, unless what parts them is taken off."""
    two = pairs(6, (0, 1), (2, 3), (4, 5))
    spared = sparse.csr_array(np.kron(np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]]), np.ones((2, 2))))
    Z = relax(two, ignored=spared)
    assert np.linalg.norm(Z[0] - Z[2]) < 0.9 * np.linalg.norm(Z[0] - Z[4])


def test_a_ring_stays_a_ring() -> None:
    """Neighbours along it are near; the start gives the order."""
    angle = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    Z = relax(ring(200), start=np.column_stack([np.cos(angle), np.sin(angle)]))
    steps = np.linalg.norm(Z - np.roll(Z, 1, axis=0), axis=1)
    assert steps.max() < 5 * np.median(steps)
    assert np.linalg.norm(Z, axis=1).min() > 10 * np.median(steps)


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_points_in_any_dimension(n: int, d: int) -> None:
    for graph in (groups([n]), sparse.csr_array((n, n))):
        Z = relax(graph, d)
        assert Z.shape == (n, d)
        assert np.isfinite(Z).all()


def test_lone_points_stay_in_sight() -> None:
    graph = sparse.csr_array(sparse.block_diag([groups([40]), np.zeros((5, 5))]))
    Z = relax(graph)
    lone = np.linalg.norm(Z[40:] - Z[:40].mean(axis=0), axis=1)
    assert np.isfinite(Z).all()
    assert lone.min() > within(Z, 40)
    assert lone.max() < 1000


@pytest.mark.parametrize("width", [1e-4, None])
def test_identical_starts_part(width: float | None) -> None:
    Z = relax(groups([30, 30]), start=np.ones((60, 2)), schedule=Schedule(width=width))
    assert len(np.unique(Z, axis=0)) == 60
    assert between(Z, 30) > within(Z, 30)


def test_the_width_of_the_start_is_scaled_unless_none() -> None:
    start = np.random.default_rng(0).normal(size=(50, 3)) * 40
    for width, wanted in ((1e-4, 1e-4), (2.0, 2.0), (None, 40.0)):
        Z = relax(groups([50]), start=start, schedule=Schedule(phases=(), width=width))
        assert float(Z[:, 0].std()) == pytest.approx(wanted, rel=0.3)


def test_the_grid_and_the_exact_sum_lead_to_like_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = groups([15] * 20)
    exact = relax(graph)
    monkeypatch.setattr(free_forces, "_GRID_FROM", 100)
    by_grid = relax(graph)
    assert by_grid.tobytes() != exact.tobytes()
    for Z in (exact, by_grid):
        nearest = np.argsort(np.linalg.norm(Z[:, None] - Z, axis=2), axis=1)[:, 1:11]
        assert (nearest // 15 == np.arange(300)[:, None] // 15).mean() > 0.99


def test_sorting_the_points_changes_rounding_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _, weights = random_problem(2)
    more = {"dissimilar": pairs(12, (0, 5)), "ignored": pairs(12, (1, 7))}
    schedule = Schedule(phases=((5, 4.0), (5, 1.5)))
    wanted = relax(sparse.csr_array(weights), schedule=schedule, **more)
    monkeypatch.setattr(module, "_SORTED_FROM", 2)
    order = module._along_curve(wanted)
    assert not np.array_equal(order, np.arange(12))
    found = relax(sparse.csr_array(weights), schedule=schedule, **more)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_the_curve_visits_quarters_of_the_plane_one_after_the_other() -> None:
    Z = np.indices((16, 16), dtype=np.float32).reshape(2, -1).T  # (256, 2)
    quarter = (Z // 8).astype(int) @ [1, 2]
    along = quarter[module._along_curve(Z)]
    assert np.count_nonzero(np.diff(along)) == 3


def test_one_seed_gives_the_same_bytes_with_any_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = groups([30] * 10)
    results = []
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        results.append(relax(graph, seed=3).tobytes())
    assert results[0] == results[1]
    assert relax(graph, seed=4).tobytes() != results[0]


def test_the_scale_of_the_weights_does_not_matter_and_the_matrix_is_left_alone() -> None:
    _, weights = random_problem(2)
    graph = sparse.csr_array(weights)
    before = graph.data.copy()
    np.testing.assert_array_equal(relax(graph), relax(1024.0 * graph))
    np.testing.assert_array_equal(graph.data, before)


def test_laws_that_leave_the_finite_numbers_are_noticed() -> None:
    springs = Springs(LogAttraction(), make_springs(laws=(LogAttraction(), lambda d: (40 * d).exp())).dissimilar)
    with pytest.raises(DivergenceError, match=r"Relaxation diverged: the forces of step \d+ are not finite."):
        relax(groups([10]), springs=springs, schedule=Schedule(width=1.0))
    assert CauchyRepulsion() == Springs(LogAttraction(), CauchyRepulsion()).dissimilar


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attraction": sparse.csr_array((2, 3))}, "Expected 'attraction' to be a sparse matrix"),
        ({"attraction": sparse.csr_array((1, 1))}, "n at least 2. Got shape"),
        ({"attraction": sparse.csr_array(np.triu(np.ones((3, 3)), 1))}, "Expected 'attraction' to be symmetric"),
        ({"attraction": -groups([3])}, "Expected 'attraction' to hold finite weights"),
        ({"attraction": pairs(3, (0, 1), weight=np.inf)}, "Expected 'attraction' to hold finite weights"),
        ({"dissimilar": groups([4])}, "Expected 'dissimilar' to be a sparse matrix"),
        ({"ignored": groups([4])}, "Expected 'ignored' to be a sparse matrix"),
        ({"start": np.ones((3, 1))}, "Expected 'start' to be finite, with 3 rows of at least 2 values"),
        ({"start": np.full((3, 2), np.nan)}, "Expected 'start' to be finite"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        relax(**{"attraction": groups([3]), **arguments})
