"""Forces on circles, spheres and their products: by hand, against a double loop, and by their symmetries."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forces.literal_space import SPACES, arc, literal, points_on

from drlim._base import compiling
from drlim.forces import all_pairs, graph_energy, pair_list, summation
from drlim.forces.dense import sum_dense
from drlim.forces.kernel_curved import _polynomials
from drlim.forces.objective import balanced
from drlim.forces.summation import over_all_pairs
from drlim.forces.tethers import tethers
from drlim.forces.wrapping import LARGEST_SHARE, wrapped
from drlim.graph import NeighborhoodGraph
from drlim.relations import label_graph
from drlim.spaces import Circle, Cylinder, Line, OnSpace, Space, Sphere, Torus
from drlim.spaces import space as module_of_spaces
from drlim.spaces.unrolled import Measure, unrolled
from drlim.springs import Attraction, FreeLaw, Law, Repulsion, make_springs

LAWS = {
    "repulsion": Repulsion(0.7),
    "far repulsion": Repulsion(2.9),
    "repulsion all round": Repulsion(20.0),
    "attraction": Attraction(),
    "own": FreeLaw(lambda distance: (-distance).exp()),
}
kernels = pytest.mark.skipif(not compiling.AVAILABLE, reason="numba is not installed")


@contextmanager
def only(way: str) -> Iterator[None]:
    """Send passes of any size one way: by all pairs, by lists of candidates, by a kernel, or as on a GPU."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summation, "_AT_ONCE", 0)
        for module in (summation, module_of_spaces):  # as on a GPU
            patch.setattr(module, "is_queued", lambda device: way == "queued")
        patch.setattr(summation, "_CROWDED", {"dense": -1.0, "near": 2.0}.get(way, 0.2))
        patch.setattr(summation, "_COMPILED_FROM", 0 if way == "kernel" else 10**12)
        yield


def on_circle(radius: float, *angles: float) -> torch.Tensor:
    found = torch.tensor(angles, dtype=torch.float64)
    return radius * torch.stack([found.cos(), found.sin()], dim=1)


def test_two_points_on_a_circle_repel_along_the_shorter_arc() -> None:
    energy, gradient = all_pairs(on_circle(2.0, 0.0, math.pi / 2), Repulsion(4.0), space=Circle(2.0))
    assert energy == pytest.approx((4 - math.pi) ** 2 / 2)
    # dE/dz = -(m - D) along the way from the other point: down at angle 0, to the left at the top.
    assert gradient.numpy() == pytest.approx(np.array([[0.0, 4 - math.pi], [4 - math.pi, 0.0]]), abs=1e-12)


def test_two_points_meet_across_the_seam() -> None:
    angles = (math.pi - 0.1, -math.pi + 0.1)
    energy, gradient = all_pairs(on_circle(1.0, *angles), Attraction(), space=Circle(1.0))
    assert energy == pytest.approx(0.2**2 / 2)
    turned = all_pairs(on_circle(1.0, -0.1, 0.1), Attraction(), space=Circle(1.0))[1]
    assert gradient.numpy() == pytest.approx(-turned.numpy())


def test_two_points_on_a_sphere_attract_along_a_great_circle() -> None:
    Z = torch.tensor([[0.0, 0.0, 3.0], [3.0, 0.0, 0.0]], dtype=torch.float64)
    energy, gradient = all_pairs(Z, Attraction(), space=Sphere(3.0))
    length = 3 * math.pi / 2
    assert energy == pytest.approx(length**2 / 2)
    assert gradient.numpy() == pytest.approx(np.array([[-length, 0.0, 0.0], [0.0, 0.0, -length]]))


@pytest.mark.parametrize("law", [Repulsion(9.0), Attraction()], ids=["repulsion", "attraction"])
@pytest.mark.parametrize(
    ("space", "Z"),
    [
        (Circle(2.0), on_circle(2.0, 0.0, math.pi)),
        (Circle(2.0), on_circle(2.0, 1.0, 1.0 + math.pi)),
        (Sphere(2.0), torch.tensor([[0.0, 2.0, 0.0], [0.0, -2.0, 0.0]], dtype=torch.float64)),
    ],
    ids=["circle", "turned circle", "sphere"],
)
def test_opposite_points_have_energy_and_exert_no_force(space: Space, Z: torch.Tensor, law: Law) -> None:
    energy, gradient = all_pairs(Z, law, space=space)
    assert energy == pytest.approx(float(law.energy(torch.tensor([2 * math.pi]))[0]), rel=1e-6)
    assert float(gradient.abs().max()) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_coincident_points_exert_no_force(space: Space) -> None:
    energy, gradient = all_pairs(points_on(space, 1).expand(3, -1), Repulsion(0.5), space=space)
    assert energy == pytest.approx(3 * 0.5**2 / 2, rel=1e-6)
    assert float(gradient.abs().max()) < 1e-7


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_sums_equal_a_double_loop(space: Space, law: Law) -> None:
    Z = points_on(space, 40)
    wanted_energy, wanted = literal(space, Z, law)
    for way in ("at once", "dense", "near", "queued", *(["kernel"] if compiling.AVAILABLE else [])):
        with only(way) if way != "at once" else pytest.MonkeyPatch.context():
            energy, gradient = all_pairs(Z, law, space=space)
        assert energy == pytest.approx(wanted_energy, rel=1e-12, abs=1e-12), way
        assert gradient.numpy() == pytest.approx(wanted, rel=1e-9, abs=1e-12 * max(1, np.abs(wanted).max())), way


@kernels
@pytest.mark.parametrize(
    "space", [Circle(), Sphere(), Cylinder(), Torus(), Line(2) * Circle(), Torus(1.0, 2.0), Sphere(1.0)], ids=repr
)
@pytest.mark.parametrize("margin", [0.05, 0.4, 1.3])
def test_the_kernel_equals_the_sum_over_all_pairs(space: Space, margin: float) -> None:
    found = unrolled(space, points_on(space, 900, spread=0.7))
    law = Repulsion(margin)
    wanted_energies, wanted = sum_dense(found.points, None, law, found.measure)
    rows = torch.from_numpy(np.random.default_rng(1).permutation(900)[:400])
    for chosen in (None, rows):
        energies, gradient = over_all_pairs(found.points, law, chosen, found.measure)
        index = slice(None) if chosen is None else chosen
        scale = float(wanted.abs().max())
        assert float((energies - wanted_energies[index]).abs().max()) <= 1e-12 * float(wanted_energies.max())
        assert float((gradient - wanted[index]).abs().max()) <= 2e-12 * scale


@kernels
@pytest.mark.parametrize("share", [0.001, 0.1, 0.14, 0.15, 0.6, LARGEST_SHARE])
def test_polynomials_of_the_sphere_are_exact_to_rounding(share: float) -> None:
    _, chord, slope = _polynomials(1.0, share, np.float64)
    t = np.linspace(1e-12, math.sin(share / 2) ** 2, 1001)
    assert np.polyval(chord[::-1], t) == pytest.approx(np.arcsin(np.sqrt(t)) / np.sqrt(t), rel=5e-15)
    assert np.polyval(slope[::-1], t) == pytest.approx(1 / np.sqrt(1 - t), rel=5e-15)


def test_points_are_repeated_once_beyond_the_seam_and_at_corners() -> None:
    points = torch.tensor([[-2.0, 0.0], [1.9, -0.9], [2.0, 0.0]])
    found = wrapped(points, Measure((4.0, 2.0), (), ()), 0.3)
    assert found is not None
    expected = [[2.0, 0.0], [-2.1, -0.9], [-2.0, 0.0], [1.9, 1.1], [-2.1, 1.1]]
    assert np.array(sorted(found[3:].tolist())) == pytest.approx(np.array(sorted(expected)))
    assert wrapped(points, Measure((4.0, 2.0), (), ()), 1.1) is None


@pytest.mark.parametrize("law", [Repulsion(1.5), Attraction()], ids=["repulsion", "attraction"])
@pytest.mark.parametrize("space", [Circle(), Sphere(), Cylinder(), Torus(), Torus(0.5, "auto"), Sphere() * Line()])
def test_the_force_is_minus_the_difference_of_the_energy_by_outputs_and_radii(space: Space, law: Law) -> None:
    free = torch.from_numpy(np.random.default_rng(3).normal(size=(12, space.n_ambient))).requires_grad_()
    layer = OnSpace(torch.nn.Identity(), space).double()
    with torch.no_grad():
        layer.log_radii.copy_(torch.linspace(0.1, 0.4, len(layer.log_radii)))
    Z = layer(free)
    Z.backward(all_pairs(Z.detach(), law, space=space)[1])

    def energy() -> float:
        return all_pairs(layer(free).detach(), law, space=space)[0]

    step = 1e-6
    for values in (free, layer.log_radii):
        assert values.grad is not None
        for place in range(min(values.numel(), 20)):
            flat = values.data.view(-1)
            flat[place] += step
            above = energy()
            flat[place] -= 2 * step
            below = energy()
            flat[place] += step
            assert float(values.grad.view(-1)[place]) == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), name=st.sampled_from(sorted(SPACES)), margin=st.floats(0.1, 3.0))
def test_turning_mirroring_and_relabelling_change_no_energy(seed: int, name: str, margin: float) -> None:
    space, rng = SPACES[name], np.random.default_rng(seed)
    Z = points_on(space, 25, seed)
    blocks = []
    for factor in space.factors:
        turned = np.linalg.qr(rng.normal(size=(factor.n_ambient, factor.n_ambient)))[0]
        blocks.append(torch.from_numpy(turned))
    isometry = torch.block_diag(*blocks)
    order = torch.from_numpy(rng.permutation(len(Z)))
    energy, gradient = all_pairs(Z, Repulsion(margin), space=space)
    other, moved = all_pairs((Z @ isometry.T)[order], Repulsion(margin), space=space)
    assert other == pytest.approx(energy, rel=1e-9)
    assert moved.numpy() == pytest.approx((gradient @ isometry.T)[order].numpy(), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_forces_turn_nothing_as_a_whole(space: Space) -> None:
    Z = points_on(space, 30)
    gradient = all_pairs(Z, Repulsion(1.0), space=space)[1]
    first = 0
    for factor in space.factors:
        part = slice(first, first + factor.n_ambient)
        first = part.stop
        torque = Z[:, part].T @ gradient[:, part]
        whole = torque - torque.T if factor.is_curved else gradient[:, part].sum(0)
        assert float(whole.abs().max()) < 1e-10


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_a_graph_is_the_sum_over_its_pairs_and_rows_are_parts_of_it(space: Space) -> None:
    Z = points_on(space, 20)
    labels = np.repeat([0, 1], 10)
    graph = label_graph(labels) | NeighborhoodGraph.from_pairs(20, [(0, 12), (3, 15)])
    springs = make_springs(margin=1.1)
    balance = balanced(graph, 2.0)
    found = graph_energy(Z, graph, springs, balance, space=space)
    energies = [0.0, 0.0]
    for kind, (law, pairs) in enumerate(((springs.similar, graph.similar), (springs.dissimilar, graph.dissimilar))):
        for i, j in pairs.pairs():
            length = torch.tensor([arc(space, Z[i].numpy(), Z[j].numpy())[0]], dtype=torch.float64)
            energies[kind] += float(law.energy(length))
    assert (found.similar, found.dissimilar) == pytest.approx(tuple(energies), rel=1e-10)
    rows = np.array([7, 2, 12])
    part = graph_energy(Z, graph, springs, balance, rows, space)
    assert part.gradient.numpy() == pytest.approx(found.gradient[rows].numpy(), rel=1e-9, abs=1e-14)


def test_listed_pairs_pull_along_the_space() -> None:
    space, Z = SPACES["cylinder"], points_on(SPACES["cylinder"], 2)
    wanted_energy, wanted = literal(space, Z, Attraction())
    energy, gradient = pair_list(Z, np.array([[0, 1]]), Attraction(), space)
    assert energy == pytest.approx(wanted_energy)
    assert gradient.numpy() == pytest.approx(wanted)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_tethers_are_squares_of_distances(space: Space) -> None:
    Z, places = points_on(space, 5), points_on(space, 5, seed=9)
    squares, way = tethers(Z, places, space)
    for row in range(5):
        length, wanted = arc(space, Z[row].numpy(), places[row].numpy())
        assert float(squares[row]) == pytest.approx(length**2)
        assert way[row].numpy() == pytest.approx(wanted, abs=1e-12)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_points_that_are_not_finite_give_nan(space: Space) -> None:
    Z = points_on(space, 6)
    Z[3, 0] = math.nan
    energy, gradient = all_pairs(Z, Repulsion(1.0), space=space)
    assert math.isnan(energy)
    assert bool(gradient.isnan().any())


def test_float32_agrees_with_float64() -> None:
    for space in SPACES.values():
        Z = points_on(space, 60)
        energy, gradient = all_pairs(Z, Repulsion(1.0), space=space)
        rough, slope = all_pairs(Z.float(), Repulsion(1.0), space=space)
        assert slope.dtype == torch.float32
        assert rough == pytest.approx(energy, rel=1e-5)
        assert slope.double().numpy() == pytest.approx(gradient.numpy(), abs=1e-4)
