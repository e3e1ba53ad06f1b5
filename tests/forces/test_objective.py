"""The lift: energy and gradient of many springs against hand-solved cases, literal loops and finite differences."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from torch import Tensor

from drlim import NeighborhoodGraph
from drlim.forces import Balance, all_pairs, balanced, dense, graph_energy, pair_list, summation
from drlim.springs import Attraction, FreeLaw, Repulsion, Springs, make_springs

quick = settings(max_examples=40, deadline=None)

Floats = NDArray[np.float64]
States = dict[tuple[int, int], str]

KINDS = ["uniform", "clustered", "collapsed", "identical", "collinear", "duplicated"]
RELATIONS = ["rest", "explicit", "ignored", "explicit and ignored"]
MARGIN = 0.8
N = 14


def cloud(kind: str, d: int, seed: int = 0) -> Floats:
    """Fourteen points, shape (14, d)."""
    rng = np.random.default_rng(seed)
    if kind == "uniform":
        return rng.random((N, d))
    if kind == "clustered":
        return np.repeat(rng.normal(size=(2, d)) * 3, N // 2, axis=0) + 0.05 * rng.normal(size=(N, d))
    if kind == "collapsed":
        return 1.0 + 1e-3 * MARGIN * rng.random((N, d))
    if kind == "identical":
        return np.tile(rng.normal(size=d), (N, 1))
    if kind == "collinear":
        return rng.random((N, 1)) * rng.normal(size=d)
    return rng.random((N // 2, d)).repeat(2, axis=0)


def known(relation: str, n: int = N, seed: int = 0) -> tuple[NeighborhoodGraph, States]:
    """Return a random graph, and the state of each of its pairs by other means."""
    rng = np.random.default_rng(seed)
    drawn = {pair: str(rng.choice(["similar", "dissimilar", "ignored"])) for pair in combinations(range(n), 2)}
    if "ignored" not in relation:
        drawn = {pair: state if state == "similar" else "dissimilar" for pair, state in drawn.items()}
    lists = {kind: [pair for pair, state in drawn.items() if state == kind] for kind in ("similar", "dissimilar")}
    lists["ignored"] = [pair for pair, state in drawn.items() if state == "ignored"]
    if relation == "explicit":  # what is listed nowhere is ignored
        drawn.update(dict.fromkeys(lists["dissimilar"][::3], "ignored"))
        lists["dissimilar"] = [pair for pair, state in drawn.items() if state == "dissimilar"]
    graph = NeighborhoodGraph.from_pairs(
        n,
        lists["similar"],
        dissimilar=lists["dissimilar"] if "explicit" in relation else None,
        ignored=lists["ignored"] if "ignored" in relation else None,
    )
    return graph, drawn


def literal(
    Z: Floats, states: States, margin: float, balance: Balance, rows: Iterable[int]
) -> tuple[float, float, Floats]:
    """The paper's formula, spring by spring; each row keeps half of each of its springs' energy."""
    points = [[float(value) for value in z] for z in Z]
    gradient = np.zeros(Z.shape)
    similar = dissimilar = 0.0
    for i in rows:
        for j in range(len(points)):
            state = states.get((min(i, j), max(i, j)), "ignored")
            D = math.sqrt(sum((a - b) ** 2 for a, b in zip(points[i], points[j], strict=True)))
            if state == "similar":
                similar += 0.5 * (0.5 * D**2)
                slope, weight = D, balance.similar
            elif state == "dissimilar":
                dissimilar += 0.5 * (0.5 * max(0.0, margin - D) ** 2)
                slope, weight = -max(0.0, margin - D), balance.dissimilar
            else:
                continue
            if D > 0:
                gradient[i] += [weight * slope * (a - b) / D for a, b in zip(points[i], points[j], strict=True)]
    return similar, dissimilar, gradient[list(rows)]


def tensor(Z: Any, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor(np.asarray(Z), dtype=dtype)


def assert_close(got: float | Tensor, wanted: float | Floats, tolerance: float) -> None:
    """Relative to the largest force or to the energy, and no finer than to the energy of one dissimilar pair."""
    scale = max(MARGIN**2 / 2, float(np.abs(wanted).max(initial=0)))
    assert float(np.abs(np.asarray(got, dtype=np.float64) - wanted).max(initial=0)) <= tolerance * scale


def test_two_similar_points_by_hand():
    energy, gradient = pair_list(tensor([[0, 0], [3, 4]]), np.array([[1, 0]]), Attraction())
    assert energy == 12.5
    assert gradient.tolist() == [[-3.0, -4.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("distance", "energy", "push"), [(0.0, 2.0, 0.0), (0.5, 1.125, 1.5), (2.0, 0.0, 0.0), (7.0, 0.0, 0.0)]
)
def test_two_dissimilar_points_by_hand(distance, energy, push):
    """m = 2: 1/2 (2 - D)^2, pushing apart by 2 - D; coincident points have no direction and are not pushed."""
    Z = tensor([[0.0, 0.0], [0.0, distance]])
    for got, gradient in (pair_list(Z, np.array([[0, 1]]), Repulsion(2.0)), all_pairs(Z, Repulsion(2.0))):
        assert got == energy
        assert gradient.tolist() == [[0.0, push], [0.0, -push]]


def test_three_points_by_hand():
    """At 0, 1 and 1.5 with m = 1: the first two are similar (1/2), the last two half a margin apart (1/8)."""
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    got = graph_energy(tensor([[0.0], [1.0], [1.5]]), graph, make_springs(1.0))
    assert (got.similar, got.dissimilar) == (0.5, 0.125)
    assert got.gradient.tolist() == [[-1.0], [1.5], [-0.5]]
    weighed = graph_energy(tensor([[0.0], [1.0], [1.5]]), graph, make_springs(1.0), Balance(2.0, 10.0))
    assert (weighed.similar, weighed.dissimilar) == (0.5, 0.125)
    assert weighed.gradient.tolist() == [[-2.0], [7.0], [-5.0]]


def test_lattice_by_hand():
    """A 5 x 5 grid, neighbours similar, m = 1.5: of the others only the 32 diagonals are inside the margin."""
    place = np.arange(25).reshape(5, 5)
    edges = [*zip(place[:, 1:].flat, place[:, :-1].flat), *zip(place[1:].flat, place[:-1].flat)]  # noqa: B905
    graph = NeighborhoodGraph.from_pairs(25, edges)
    Z = tensor(np.stack(np.divmod(np.arange(25), 5), axis=1))
    got = graph_energy(Z, graph, make_springs(1.5))
    inside = 1.5 - math.sqrt(2)
    assert got.similar == 40 * 0.5
    assert got.dissimilar == pytest.approx(32 * 0.5 * inside**2, rel=1e-12)
    gradient = got.gradient.reshape(5, 5, 2)
    assert gradient[1:4, 1:4].abs().max() < 1e-15
    corner = -1 + inside / math.sqrt(2)  # pulled in by one neighbour along each axis, pushed out by the diagonal
    edge = -1 + 2 * inside / math.sqrt(2)
    torch.testing.assert_close(gradient[0, 0], tensor([corner, corner]))
    torch.testing.assert_close(gradient[4, 4], tensor([-corner, -corner]))
    torch.testing.assert_close(gradient[0, 2], tensor([edge, 0.0]))


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("d", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_energy_and_gradient_are_the_papers(kind, d, relation):
    balance = Balance(0.7, 1.9)
    graph, states = known(relation)
    for rows in (None, np.array([11, 0, 5, 6])):
        for dtype, tolerance in ((torch.float64, 1e-12), (torch.float32, 1e-5)):
            Z = tensor(cloud(kind, d), dtype)
            got = graph_energy(Z, graph, make_springs(MARGIN), balance, rows)
            wanted = literal(Z.double().numpy(), states, MARGIN, balance, range(N) if rows is None else rows.tolist())
            assert got.gradient.dtype == dtype
            assert_close(got.similar, wanted[0], tolerance)
            assert_close(got.dissimilar, wanted[1], tolerance)
            assert_close(got.gradient, wanted[2], tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_all_pairs_is_the_list_of_all_pairs(kind):
    Z = tensor(cloud(kind, 2))
    everything = np.array(list(combinations(range(N), 2)))
    graph = NeighborhoodGraph.from_pairs(N, [])
    for law in (Repulsion(MARGIN), FreeLaw(lambda d: torch.exp(-d))):
        energy, gradient = all_pairs(Z, law)
        listed, pulled = pair_list(Z, everything, law)
        whole = graph_energy(Z, graph, Springs(Attraction(), law))
        assert energy == whole.dissimilar
        assert torch.equal(gradient, whole.gradient)
        assert whole.similar == 0
        assert listed == pytest.approx(energy, rel=1e-12)
        torch.testing.assert_close(pulled, gradient, rtol=1e-12, atol=1e-12)
        part, pull = all_pairs(Z, law, torch.tensor([3, 1]))
        torch.testing.assert_close(pull, gradient[[3, 1]], rtol=1e-14, atol=1e-14)
        rest, _ = all_pairs(Z, law, torch.tensor([0, 2, *range(4, N)]))
        assert part + rest == pytest.approx(energy, rel=1e-12)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(
    "springs",
    [make_springs(MARGIN), make_springs(laws=(lambda d: torch.log1p(d**2), lambda d: torch.exp(-(d**2))))],
    ids=["exact", "general"],
)
def test_gradient_is_the_finite_difference_of_the_energy(relation, springs):
    graph, _ = known(relation)
    balance, Z, h = Balance(0.3, 2.5), cloud("uniform", 2), 1e-6

    def objective(points: Floats) -> float:
        got = graph_energy(tensor(points), graph, springs, balance)
        return balance.similar * got.similar + balance.dissimilar * got.dissimilar

    slopes = np.zeros_like(Z)
    for place in np.ndindex(*Z.shape):
        step = np.zeros_like(Z)
        step[place] = h
        slopes[place] = (objective(Z + step) - objective(Z - step)) / (2 * h)
    np.testing.assert_allclose(graph_energy(tensor(Z), graph, springs, balance).gradient, slopes, rtol=1e-6, atol=1e-7)


def test_gradient_is_that_of_automatic_differentiation():
    graph, states = known("ignored")
    Z = tensor(cloud("uniform", 3)).requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for (i, j), state in states.items():
        D = (Z[i] - Z[j]).norm()
        if state != "ignored":
            total = total + (0.5 * D**2 if state == "similar" else 0.5 * (MARGIN - D).clamp_min(0) ** 2)
    total.backward()
    got = graph_energy(Z, graph, make_springs(MARGIN))
    assert got.similar + got.dissimilar == pytest.approx(total.item(), rel=1e-12)
    torch.testing.assert_close(got.gradient, Z.grad, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_forces_sum_to_zero(kind, relation):
    graph, _ = known(relation)
    gradient = graph_energy(tensor(cloud(kind, 3)), graph, make_springs(MARGIN), Balance(0.7, 1.9)).gradient
    assert gradient.sum(0).abs().max() <= 1e-14 * max(1.0, float(gradient.abs().sum()))


eighths = st.integers(-16, 16).map(lambda k: k / 8)
"""Distances are then zero or at least 1/8: the direction of a far smaller one is lost when points are moved."""


@quick
@given(
    arrays(np.float64, (8, 2), elements=eighths),
    st.floats(0, 7),
    st.booleans(),
    arrays(np.float64, 2, elements=eighths),
)
def test_rotation_reflection_and_translation(Z, angle, mirrored, shift):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [1, -1 if mirrored else 1]
    )
    graph, _ = known("ignored", n=8)
    springs, balance = make_springs(MARGIN), Balance(0.7, 1.9)
    before = graph_energy(tensor(Z), graph, springs, balance)
    after = graph_energy(tensor(Z @ turn.T + shift), graph, springs, balance)
    assert after.similar == pytest.approx(before.similar, rel=1e-11, abs=1e-11)
    assert after.dissimilar == pytest.approx(before.dissimilar, rel=1e-11, abs=1e-11)
    np.testing.assert_allclose(after.gradient, before.gradient.numpy() @ turn.T, rtol=0, atol=1e-11)


@quick
@given(st.permutations(range(N)), st.sampled_from(RELATIONS))
def test_relabelling(order, relation):
    graph, states = known(relation)
    moved: dict[str, list[tuple[int, int]]] = {"similar": [], "dissimilar": [], "ignored": []}
    for (i, j), state in states.items():
        moved[state].append((order.index(i), order.index(j)))
    if "explicit" not in relation:
        moved.pop("dissimilar")
    relabelled = NeighborhoodGraph.from_pairs(N, **moved)
    Z, springs = tensor(cloud("uniform", 2)), make_springs(MARGIN)
    before, after = graph_energy(Z, graph, springs), graph_energy(Z[list(order)], relabelled, springs)
    assert after.similar == pytest.approx(before.similar, rel=1e-12)
    assert after.dissimilar == pytest.approx(before.dissimilar, rel=1e-12)
    torch.testing.assert_close(after.gradient, before.gradient[list(order)], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("block", [1, N, 3 * N + 1, N * N - 1, N * N])
def test_blocks_do_not_show(monkeypatch, block, relation):
    graph, _ = known(relation)
    Z, rows = tensor(cloud("uniform", 2)), np.array([4, 9, 2, 13, 0])
    whole = [graph_energy(Z, graph, make_springs(MARGIN), rows=some) for some in (None, rows)]
    monkeypatch.setattr(summation, "_AT_ONCE", 0)
    monkeypatch.setattr(dense, "_BLOCK_PAIRS", block)
    for some, before in zip((None, rows), whole, strict=True):
        after = graph_energy(Z, graph, make_springs(MARGIN), rows=some)
        assert after.similar == before.similar
        assert after.dissimilar == pytest.approx(before.dissimilar, rel=1e-13)
        torch.testing.assert_close(after.gradient, before.gradient, rtol=1e-13, atol=1e-13)


@quick
@given(st.permutations(range(N)), st.integers(1, N - 1), st.sampled_from(RELATIONS))
def test_rows_add_up_to_the_whole(order, cut, relation):
    graph, _ = known(relation)
    Z, springs, balance = tensor(cloud("duplicated", 2)), make_springs(MARGIN), Balance(0.7, 1.9)
    whole = graph_energy(Z, graph, springs, balance)
    parts = [np.array(order[:cut]), np.array(order[cut:])]
    met = [graph_energy(Z, graph, springs, balance, rows) for rows in parts]
    assert sum(part.similar for part in met) == pytest.approx(whole.similar, rel=1e-12)
    assert sum(part.dissimilar for part in met) == pytest.approx(whole.dissimilar, rel=1e-12)
    for rows, part in zip(parts, met, strict=True):
        torch.testing.assert_close(part.gradient, whole.gradient[rows], rtol=1e-13, atol=1e-13)


def test_a_dense_map_in_float32():
    """Where torch.cdist, as it is by default, has distances of neighbours wrong by all they are."""
    Z = torch.from_numpy(np.random.default_rng(0).random((4096, 2)) + 3).float()
    margin, rows = 0.02, torch.arange(64)
    displacement = Z[rows].double()[:, None] - Z.double()  # (r, n, 2)
    distance = displacement.norm(dim=2)

    def gradient(D: Tensor) -> Tensor:
        pull = torch.where(D > 0, -(margin - D).clamp_min(0) / D, 0.0)
        return (pull[:, :, None] * displacement).sum(1)

    wanted = gradient(distance)
    trap = torch.cdist(Z[rows], Z).double()
    assert ((trap - distance).abs() / distance)[distance > 0].max() > 0.1
    assert (gradient(trap) - wanted).abs().max() > 0.05 * wanted.abs().max()
    energy, got = all_pairs(Z, Repulsion(margin), rows)
    assert (got - wanted).abs().max() < 1e-6 * wanted.abs().max()
    both = (0.5 * (margin - distance).clamp_min(0).square()).sum() - 64 * 0.5 * margin**2
    assert energy == pytest.approx(both.item() / 2, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("relation", RELATIONS)
def test_coincident_points_exert_no_force_on_each_other(relation, dtype):
    graph, states = known(relation)
    got = graph_energy(torch.full((N, 2), 0.1, dtype=dtype), graph, make_springs(MARGIN))
    assert got.gradient.tolist() == [[0.0, 0.0]] * N
    assert got.similar == 0
    assert got.dissimilar == pytest.approx(0.5 * MARGIN**2 * list(states.values()).count("dissimilar"), rel=1e-6)


def test_a_hair_apart_the_force_is_the_margin_along_the_hair():
    for dtype, hair in ((torch.float64, 1e-150), (torch.float32, 1e-18)):
        _, gradient = all_pairs(tensor([[0.0, 0.0], [hair, 0.0]], dtype), Repulsion(2.0))
        torch.testing.assert_close(gradient, tensor([[2.0, 0.0], [-2.0, 0.0]], dtype))
    _, gradient = all_pairs(tensor([[0.0], [5e-324]]), Repulsion(2.0))  # its square is zero: as good as coincident
    assert gradient.tolist() == [[0.0], [0.0]]


def test_beyond_the_margin_there_is_nothing():
    Z = tensor(np.arange(9)[:, None] * 1.25)
    energy, gradient = all_pairs(Z, Repulsion(1.25))
    assert energy == 0
    assert not gradient.any()


def test_sums_lose_no_digits_in_float32():
    """What cancels, cancels: the points' springs to themselves, and the pushes on the middle of a lattice."""
    apart = torch.arange(3000, dtype=torch.float32)[:, None]
    energy, _ = all_pairs(apart, Repulsion(0.8))
    assert abs(energy) < 1e-9
    place = np.stack(np.divmod(np.arange(41 * 41), 41), axis=1) - 20
    _, gradient = all_pairs(tensor(place, torch.float32), Repulsion(50.3), torch.tensor([41 * 41 // 2]))
    assert gradient.abs().max() < 1e-9
    star = np.array([(41 * 41 // 2, other) for other in range(41 * 41) if other != 41 * 41 // 2])
    energy, gradient = pair_list(tensor(place, torch.float32), star, Repulsion(50.3))
    assert gradient[41 * 41 // 2].abs().max() < 1e-9
    lengths = torch.from_numpy(np.hypot(*place.T)).float()
    whole = math.fsum(Repulsion(50.3).energy(lengths[lengths > 0]).tolist())
    assert energy == pytest.approx(whole, rel=1e-8)


@pytest.mark.parametrize("pairs", [[], np.empty((0, 2), dtype=np.int64)])
def test_no_springs_no_force(pairs):
    energy, gradient = pair_list(tensor(cloud("uniform", 2)), pairs, Attraction())
    assert energy == 0
    assert gradient.tolist() == [[0.0, 0.0]] * N
    got = graph_energy(tensor([[1.0, 2.0]]), NeighborhoodGraph.from_pairs(1, pairs), make_springs())
    assert (got.similar, got.dissimilar, got.gradient.tolist()) == (0.0, 0.0, [[0.0, 0.0]])


def test_points_are_left_as_they_were_and_no_gradient_is_recorded():
    Z = tensor(cloud("uniform", 2)).requires_grad_()
    before = Z.detach().clone()
    graph, _ = known("rest")
    results = [
        graph_energy(Z, graph, make_springs()).gradient,
        pair_list(Z, graph.similar.pairs(), Attraction())[1],
        all_pairs(Z, Repulsion())[1],
        all_pairs(Z, Repulsion(), torch.tensor([1, 2]))[1],
    ]
    assert not any(gradient.requires_grad for gradient in results)
    assert Z.grad is None
    assert torch.equal(Z, before)


def test_twice_the_same_bytes():
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(2500, 2))).float()
    chain = np.column_stack([np.arange(2499), np.arange(1, 2500)])
    graph = NeighborhoodGraph.from_pairs(2500, chain)
    first, second = (graph_energy(Z, graph, make_springs()) for _ in range(2))
    assert first[:2] == second[:2]
    assert torch.equal(first.gradient, second.gradient)


def highest_memory() -> float:
    """MiB, of this process since it began or since the mark was last put back."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_pairs():
    """20000 points, 5000 rows: one array of those pairs alone would take 400 MB in float32."""
    n = 20000
    graph = NeighborhoodGraph.from_pairs(n, np.column_stack([np.arange(n - 1), np.arange(1, n)]))
    Z = torch.from_numpy(np.random.default_rng(0).normal(size=(n, 2))).float()
    graph_energy(Z, graph, make_springs(), rows=np.arange(100))
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the highest mark of earlier tests cannot be put back")
    before = highest_memory()
    graph_energy(Z, graph, make_springs(), rows=np.arange(5000))
    assert highest_memory() - before < 60


def test_balance_is_a_sum_of_two_means():
    graph, states = known("ignored")
    counts = [list(states.values()).count(kind) for kind in ("similar", "dissimilar")]
    assert balanced(graph, 3.0) == Balance(pytest.approx(1 / counts[0]), pytest.approx(3 / counts[1]))
    assert balanced(graph) == balanced(graph, 1.0)
    assert balanced(NeighborhoodGraph.from_pairs(3, [])) == Balance(0.0, pytest.approx(1 / 3))
    assert balanced(NeighborhoodGraph.from_pairs(2, [(0, 1)])) == Balance(1.0, 0.0)


def objective(Z: Floats, graph: NeighborhoodGraph, weight: float) -> tuple[float, Floats]:
    balance = balanced(graph, weight)
    got = graph_energy(tensor(Z), graph, make_springs(MARGIN), balance)
    return balance.similar * got.similar + balance.dissimilar * got.dissimilar, got.gradient.numpy()


def test_one_weight_gives_the_plain_sum():
    """Up to the number of similar pairs, which scales both terms."""
    graph, _ = known("rest")
    Z = cloud("uniform", 2)
    plain = graph_energy(tensor(Z), graph, make_springs(MARGIN))
    value, gradient = objective(Z, graph, graph.n_dissimilar / graph.n_similar)
    assert value * graph.n_similar == pytest.approx(plain.similar + plain.dissimilar, rel=1e-12)
    np.testing.assert_allclose(gradient * graph.n_similar, plain.gradient, rtol=1e-12)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("copies", [2, 3])
def test_copies_that_inherit_relations_leave_the_objective_as_it_is(copies, relation):
    """And each copy bears its share of the force, so the gradient of shared weights is the same too."""
    graph, states = known(relation)
    lists: dict[str, list[tuple[int, int]]] = {"similar": [], "dissimilar": [], "ignored": []}
    for (i, j), state in states.items():
        lists[state] += [(i + a * N, j + b * N) for a in range(copies) for b in range(copies)]
    own = [(i + a * N, i + b * N) for i in range(N) for a, b in combinations(range(copies), 2)]
    lists["ignored"] += own
    copied = NeighborhoodGraph.from_pairs(N * copies, lists["similar"], ignored=lists["ignored"])
    Z = cloud("uniform", 2)
    value, gradient = objective(Z, graph, 1.7)
    repeated, shared = objective(np.tile(Z, (copies, 1)), copied, 1.7)
    assert repeated == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(shared.reshape(copies, N, 2).sum(axis=0), gradient, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("weight", [0, -1.0, math.inf, math.nan, "1", None, True])
def test_bad_dissimilar_weight(weight):
    message = (
        "The 'dissimilar_weight' parameter of balanced must be a float in the range (0.0, inf). "
        f"Got {weight!r} instead."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        balanced(NeighborhoodGraph.from_pairs(3, [(0, 1)]), weight)


@pytest.mark.parametrize("shape", [(2, 2), (4, 2), (3,), (3, 2, 1)])
def test_points_that_are_not_the_graphs(shape):
    message = (
        "Expected 'Z' to have one row for each of the graph's 3 samples. "
        f"Got an array of shape {shape} and dtype torch.float32."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        graph_energy(torch.zeros(shape), NeighborhoodGraph.from_pairs(3, [(0, 1)]), make_springs())


def test_pairs_that_are_not_the_points():
    message = "Expected 'pairs' to hold indices in [0, 2), one for each of 2 samples. Got [0, 2] at row 0."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pair_list(torch.zeros(2, 2), np.array([[0, 2]]), Attraction())


def counted(law: Any) -> tuple[Any, list[int]]:
    """Return a law that notes how many distances it is asked for."""
    counts: list[int] = []

    class Counting:
        reach = law.reach

        def energy(self, distance: Tensor) -> Tensor:
            counts.append(distance.numel())
            return law.energy(distance)

        def force(self, distance: Tensor) -> Tensor:
            return law.force(distance)

    return Counting(), counts


def test_pairs_beyond_the_reach_are_not_formed_and_cost_nothing_in_truth() -> None:
    Z = torch.from_numpy(np.random.default_rng(0).uniform(0, 30, size=(3000, 2)))
    near, counts = counted(Repulsion(1.0))
    energy, gradient = all_pairs(Z, near)
    assert sum(counts) < 0.01 * 3000**2
    far, all_counts = counted(FreeLaw(Repulsion(1.0).energy))
    wanted_energy, wanted_gradient = all_pairs(Z, far)
    assert sum(all_counts) >= 3000**2 / 2
    assert energy == pytest.approx(wanted_energy, rel=1e-12)
    torch.testing.assert_close(gradient, wanted_gradient, rtol=0, atol=1e-12)


def test_a_point_that_is_not_finite_shows_in_the_energy() -> None:
    Z = torch.rand(600, 2)
    Z[17, 1] = torch.nan
    energy, gradient = all_pairs(Z, Repulsion(0.01))
    assert np.isnan(energy)
    assert torch.isnan(gradient).any()


def test_no_rows_have_no_energy_and_no_gradient():
    graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    found = graph_energy(torch.rand(3, 2), graph, make_springs(), rows=np.empty(0, dtype=np.int64))
    assert (found.similar, found.dissimilar, found.gradient.shape) == (0.0, 0.0, (0, 2))
