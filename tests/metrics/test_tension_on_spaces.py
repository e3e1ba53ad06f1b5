"""Tension along curved spaces: solved by hand, by a literal double loop, and by finite differences."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from drlim import NeighborhoodGraph
from drlim.forces import balanced
from drlim.metrics import exact_energy, pair_tension, tension
from drlim.metrics.energy import spring_tension
from drlim.spaces import Circle, Cylinder, Line, Space, Sphere, Torus

SPACES = [Circle(0.7), Sphere(0.6), Torus(0.5, 0.8), Cylinder(0.6), Sphere(0.8) * Line()]


def points_on(space: Space, n: int = 14, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    columns = []
    for factor in space.factors:
        if factor.is_curved:
            columns.append(rng.uniform(0, 2 * np.pi, n))
        if factor.kind == "sphere":
            columns.append(rng.uniform(-1.2, 1.2, n))
        if factor.kind == "line":
            columns += list(rng.normal(size=(factor.size, n)))
    return np.column_stack(columns)


def graph_of(n: int) -> NeighborhoodGraph:
    return NeighborhoodGraph.from_pairs(n, [(i, i + 1) for i in range(n - 1)])  # all others are dissimilar


def distance(space: Space, a: np.ndarray, b: np.ndarray) -> float:
    return float(np.sqrt(space.squared_distances(space.ambient(a[None]), space.ambient(b[None]))[0]))


def literal(space: Space, Z: np.ndarray, graph: NeighborhoodGraph, margin: float, weight: float) -> np.ndarray:
    """Energy of each sample's springs, half of each pair's: equation 4, pair after pair."""
    balance = balanced(graph, weight)
    energies = np.zeros(len(Z))
    for i, j in combinations(range(len(Z)), 2):
        apart = distance(space, Z[i], Z[j])
        alike, unlike = graph.similar.weight_of([i], [j])[0], graph.dissimilar.weight_of([i], [j])[0]
        energy = balance.similar * alike * apart**2 / 2
        energy += balance.dissimilar * unlike * max(0.0, margin - apart) ** 2 / 2
        energies[[i, j]] += energy / 2
    return energies


def test_two_samples_beside_the_seam_of_a_circle() -> None:
    """Angles of .1 and 2 pi - .1 on a circle of radius 2 are .4 apart: E = .08, and each is pulled across the seam."""
    Z, graph = [[0.1], [2 * np.pi - 0.1]], NeighborhoodGraph.from_pairs(2, [(0, 1)])
    found = tension(Z, graph, space=Circle(2.0))
    assert found.similar.distance == pytest.approx([0.4])
    assert found.energy == pytest.approx([0.04, 0.04])
    assert found.force == pytest.approx(np.array([[-0.4], [0.4]]))
    assert exact_energy(Z, graph, space=Circle(2.0)) == pytest.approx(0.08)
    assert pair_tension(Z, graph, space=Circle(2.0)).energy == pytest.approx([0.08])


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_energies_are_those_of_the_double_loop(space: Space) -> None:
    Z = points_on(space)
    graph = graph_of(len(Z))
    wanted = literal(space, Z, graph, 1.3, 2.0)
    found = tension(Z, graph, margin=1.3, dissimilar_weight=2.0, space=space)
    np.testing.assert_allclose(found.energy, wanted, rtol=1e-9)
    total = exact_energy(Z, graph, margin=1.3, dissimilar_weight=2.0, space=space)
    assert total == pytest.approx(wanted.sum(), rel=1e-9)
    energy, force = spring_tension(Z, graph, margin=1.3, dissimilar_weight=2.0, springs=None, space=space)
    assert np.array_equal(energy, found.energy)
    assert np.array_equal(force, found.force)


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_forces_are_minus_the_slopes_of_the_energy_along_the_space(space: Space) -> None:
    Z = points_on(space, seed=1)
    graph = graph_of(len(Z))
    force = tension(Z, graph, margin=1.3, space=space).force
    step = 1e-6
    for i in (0, 3, 9):
        column = 0
        for factor in space.factors:
            for within in range(factor.n_coordinates):
                moved = [Z.copy(), Z.copy()]
                for sign, one in zip((1, -1), moved, strict=True):
                    one[i, column] += sign * step
                length = step if factor.radius is None else step * factor.radius
                if factor.kind == "sphere" and within == 0:
                    length *= np.cos(Z[i, column + 1])  # a turn to the east is shorter away from the equator
                up, down = (exact_energy(one, graph, margin=1.3, space=space) for one in moved)
                assert force[i, column] == pytest.approx(-(up - down) / (2 * length), rel=1e-4, abs=1e-6)
                column += 1


@pytest.mark.parametrize("space", SPACES, ids=repr)
def test_the_worst_pairs_are_those_of_the_double_loop(space: Space) -> None:
    Z = points_on(space, seed=2)
    graph = graph_of(len(Z))
    found = tension(Z, graph, margin=1.3, n_pairs=5, space=space).dissimilar
    wanted = sorted(
        (
            (max(0.0, 1.3 - distance(space, Z[i], Z[j])) ** 2 / 2, (i, j))
            for i, j in combinations(range(len(Z)), 2)
            if graph.dissimilar.weight_of([i], [j])[0]
        ),
        reverse=True,
    )[:5]
    np.testing.assert_allclose(found.energy, [energy for energy, _ in wanted], rtol=1e-9)
    assert found.energy[-1] > 0
    assert [tuple(pair) for pair in found.pairs.tolist()] == [pair for _, pair in wanted]


def test_a_flat_space_is_none() -> None:
    Z = np.random.default_rng(0).normal(size=(8, 2))
    graph = graph_of(8 + 2).subgraph(np.arange(8))
    assert np.array_equal(tension(Z, graph, space=Line(2)).force, tension(Z, graph).force)


def test_other_columns_than_those_of_the_space_are_refused() -> None:
    graph = NeighborhoodGraph.from_pairs(2, [(0, 1)])
    with pytest.raises(ValueError, match="Expected 'Z' to have 1 columns"):
        tension([[0.0, 1.0], [1.0, 1.0]], graph, space=Circle(1.0))
    with pytest.raises(ValueError, match="radii are known"):
        pair_tension([[0.0], [1.0]], graph, space=Circle())
