"""Metrics of maps on curved spaces: along the space, or refused; and how two angles agree."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from drlim import DrLIM, export, metrics
from drlim.spaces import Circle, Cylinder, Sphere


def sample(n: int = 80) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, n)
    return np.column_stack([np.cos(angle), np.sin(angle), 0.3 * rng.normal(size=n)]), angle


@pytest.mark.parametrize("space", ["cylinder", "sphere", "torus"])
def test_derivatives_are_lengths_along_the_coordinates(space: str) -> None:
    X, _ = sample()
    model = DrLIM(space=space, max_epochs=8, random_state=0).fit(X)
    found = metrics.jacobian(model, X[:5])
    assert found.shape == (5, 2, 3)
    frame = model.space_.frame(torch.from_numpy(model.transform_ambient(X[:5]))).numpy()
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        moved = (model.transform_ambient(X[:5] + step) - model.transform_ambient(X[:5] - step)) / 2e-6
        assert found[:, :, axis] == pytest.approx(np.einsum("nda,na->nd", frame, moved), rel=1e-5, abs=1e-7)
    areas = metrics.area_distortion(model, X[:5])
    assert areas == pytest.approx(np.sqrt(np.linalg.det(found @ found.transpose(0, 2, 1))), rel=1e-6)
    along = metrics.saliency(model, X[:5], direction=[1.0, 0.0])
    assert along == pytest.approx(found[:, 0])


def test_neighbours_on_a_map_are_those_of_its_space() -> None:
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 60))
    X, Z = np.column_stack([np.cos(angle), np.sin(angle)]), angle[:, None]
    circle = Circle(1.0)
    for metric in (metrics.trustworthiness, metrics.continuity, metrics.neighbor_recall):
        assert metric(X, Z, 5, space=circle) == 1.0
        assert metric(X, Z, 5) < 1.0
    with pytest.raises(ValueError, match="Expected 'Z' to have 2 columns"):
        metrics.trustworthiness(X, Z, 5, space=Sphere(1.0))
    with pytest.raises(ValueError, match="radii are known"):
        metrics.trustworthiness(X, Z, 5, space=Circle())


def test_what_measures_straight_lines_refuses_a_space(tmp_path) -> None:  # type: ignore[no-untyped-def]
    X, _ = sample()
    model = DrLIM(space=Cylinder(0.7), max_epochs=2, random_state=0).fit(X)
    with pytest.raises(ValueError, match="counterfactual takes flat maps only"):
        metrics.counterfactual(model, X[0], [0.0, 0.0])
    with pytest.raises(ValueError, match="uncertainty takes flat maps only"):
        metrics.uncertainty([model, model], X)
    with pytest.raises(ValueError, match=r"A map on Circle\(radius=0\.7\) \* Line\(1\) is not exported"):
        export(model, tmp_path / "map.onnx")


def test_circular_correlation_equals_its_sum_over_pairs() -> None:
    rng = np.random.default_rng(0)
    a = rng.uniform(0, 2 * np.pi, 30)
    b = 1.5 * a + rng.normal(size=30)
    pairs = [(math.sin(a[i] - a[j]), math.sin(b[i] - b[j])) for i in range(30) for j in range(i)]
    first, second = np.array(pairs).T
    wanted = abs((first * second).sum()) / math.sqrt((first**2).sum() * (second**2).sum())
    assert metrics.circular_correlation(a, b) == pytest.approx(wanted)
    assert metrics.circular_correlation(a, 3.0 - a) == pytest.approx(1.0)
    with pytest.raises(ValueError, match="Expected angles that differ"):
        metrics.circular_correlation(a, np.ones(30))
