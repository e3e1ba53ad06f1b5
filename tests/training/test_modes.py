"""Places that relations form on a space, and a network that learns them first."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from drlim import NeighborhoodGraph, knn_graph
from drlim._base.torch import Rows, seeded
from drlim.encoders import make_encoder
from drlim.relations import label_graph
from drlim.spaces import Circle, Cylinder, Line, OnSpace, Space, Sphere, Torus
from drlim.springs import make_springs
from drlim.training import Settings, modes
from drlim.training.modes import places_of
from drlim.training.warm_start import warm_start


def agreement(first: np.ndarray, second: np.ndarray) -> float:
    """Return the mean cosine of the differences of two angles, turned and mirrored to agree best."""
    return float(max(abs(np.exp(1j * (first - second)).mean()), abs(np.exp(1j * (first + second)).mean())))


def angles_of(positions: np.ndarray) -> np.ndarray:
    return np.arctan2(positions[:, 1], positions[:, 0])


def grid_on_a_cylinder(n_round: int, n_high: int) -> tuple[NeighborhoodGraph, np.ndarray, np.ndarray]:
    """Return a grid that closes one way, with the angle and the height of each sample."""
    angle, height = np.divmod(np.arange(n_round * n_high), n_high)
    index = np.arange(n_round * n_high).reshape(n_round, n_high)
    rounds = np.stack([index, np.roll(index, -1, axis=0)], axis=-1).reshape(-1, 2)
    ups = np.stack([index[:, :-1], index[:, 1:]], axis=-1).reshape(-1, 2)
    graph = NeighborhoodGraph.from_pairs(index.size, np.concatenate([rounds, ups]))
    return graph, 2 * math.pi * angle / n_round, height


@pytest.mark.parametrize("shape", [(18, 9), (20, 20), (12, 30), (30, 4)])
def test_a_grid_on_a_cylinder_is_laid_round_it_once(shape: tuple[int, int]) -> None:
    graph, angle, height = grid_on_a_cylinder(*shape)
    places = places_of(graph, Cylinder())
    assert places is not None
    assert agreement(angles_of(places.positions), angle) > 0.99
    assert abs(np.corrcoef(places.positions[:, 2], height)[0, 1]) > 0.97
    # Radius and length are in proportion: a step of the grid is 1 in both, here in units of one mean step.
    radius = np.hypot(*places.positions[:, :2].T).mean()
    assert radius * 2 * math.pi / np.ptp(places.positions[:, 2]) == pytest.approx(shape[0] / shape[1], rel=0.3)


def test_a_ring_with_noise_and_a_tail_of_strangers_is_found() -> None:
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * math.pi, 400)
    X = np.column_stack([np.cos(angle), np.sin(angle), *0.3 * rng.normal(size=(4, 400))])
    X = np.concatenate([X, 50 + rng.normal(size=(30, 6))])
    places = places_of(knn_graph(X, 8), Circle())
    assert places is not None
    assert places.samples.max() < 400
    assert agreement(angles_of(places.positions), angle[places.samples]) > 0.97


def test_more_samples_than_groups_are_laid_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modes, "_MOST_GROUPS", 60)
    graph, angle, _ = grid_on_a_cylinder(40, 10)
    places = places_of(graph, Cylinder())
    assert places is not None
    assert agreement(angles_of(places.positions), angle) > 0.95


def test_a_torus_and_a_sphere_are_found() -> None:
    side = np.arange(144).reshape(12, 12)
    pairs = [np.stack([side, np.roll(side, -1, axis=axis)], axis=-1).reshape(-1, 2) for axis in (0, 1)]
    places = places_of(NeighborhoodGraph.from_pairs(144, np.concatenate(pairs)), Torus())
    assert places is not None
    wanted = [2 * math.pi * turn.ravel() / 12 for turn in np.meshgrid(np.arange(12), np.arange(12), indexing="ij")]
    found = [angles_of(places.positions[:, part]) for part in (slice(0, 2), slice(2, 4))]
    table = np.array([[agreement(a, b) for b in wanted] for a in found])
    assert table.max(axis=1).min() > 0.95
    assert table.min() < 0.2
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    globe = places_of(knn_graph(points, 8), Sphere())
    assert globe is not None
    turned = np.linalg.svd(globe.positions.T @ points)
    assert float(turned.S.sum() / 500 / np.linalg.norm(globe.positions[0])) > 0.97


@pytest.mark.parametrize(
    ("graph", "space"),
    [
        (label_graph(np.repeat([0, 1, 2], 20)), Circle()),
        (NeighborhoodGraph.from_pairs(60, [(i, i + 1) for i in range(0, 60, 2)]), Circle()),
        (knn_graph(np.random.default_rng(0).normal(size=(300, 10)), 8), Circle()),
        (NeighborhoodGraph.from_pairs(5, [(i, (i + 1) % 5) for i in range(5)]), Circle()),
        (NeighborhoodGraph.from_pairs(60, [(i, (i + 1) % 60) for i in range(60)]), Sphere() * Line()),
    ],
    ids=["labels", "scattered pairs", "no ring", "few samples", "another product"],
)
def test_what_forms_no_ring_has_no_places(graph: NeighborhoodGraph, space: Space) -> None:
    assert places_of(graph, space) is None


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("radius", ["auto", 2.0])
def test_a_network_learns_the_places_first(optimizer: str, radius: float | str) -> None:
    graph, angle, height = grid_on_a_cylinder(16, 5)
    samples = np.column_stack([np.cos(angle), np.sin(angle), height / 5]).astype(np.float32)
    with seeded(0):
        encoder = OnSpace(make_encoder("two_layer", (3,), 3), Cylinder(radius))
    settings = Settings(optimizer=optimizer, batch_size=None if optimizer == "lbfgs" else 40, learning_rate=0.01)  # type: ignore[arg-type]
    rows = Rows(samples, torch.device("cpu"), torch.float32)
    assert warm_start(encoder, rows, graph, make_springs(margin=1.0), settings, 0)
    with torch.no_grad():
        Z = encoder(torch.from_numpy(samples)).numpy()
    assert agreement(angles_of(Z), angle) > 0.97
    assert np.hypot(*Z[:, :2].T) == pytest.approx(np.full(80, encoder.resolved(1.0).factors[0].radius), rel=1e-5)
    if radius == "auto":
        assert encoder.resolved(1.0) != Cylinder(1.0)


def test_other_encoders_and_relations_without_a_ring_are_left_alone() -> None:
    samples = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    rows, springs = Rows(samples, torch.device("cpu"), torch.float32), make_springs(margin=1.0)
    flat = make_encoder("linear", (3,), 2)
    round_one = OnSpace(make_encoder("linear", (3,), 2), Circle())
    for encoder in (flat, round_one):
        before = [weight.clone() for weight in encoder.parameters()]
        assert not warm_start(encoder, rows, label_graph(np.repeat([0, 1], 30)), springs, Settings(), 0)
        assert all(bool((a == b).all()) for a, b in zip(before, encoder.parameters(), strict=True))
