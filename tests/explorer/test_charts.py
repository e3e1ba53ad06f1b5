"""Where points of curved spaces are drawn, and that energies on a page are those along the space."""

from __future__ import annotations

import numpy as np
import pytest

from drlim import DrLIM, metrics
from drlim.explorer import contents_of
from drlim.explorer.charts import charted, space_on_page
from drlim.spaces import Circle, Line, Sphere


@pytest.fixture(scope="module")
def X() -> np.ndarray:  # noqa: N802
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 80)
    return np.column_stack([np.cos(angles), np.sin(angles), np.cos(2 * angles)])


def fitted(X, space) -> DrLIM:
    return DrLIM(space=space, encoder="linear", max_epochs=5, random_state=0, verbose=False).fit(X)


def test_a_circle_is_a_ring_whose_angles_are_those_of_the_map(X) -> None:
    model = fitted(X, Circle(2.0))
    places = contents_of(model, X).arrays["positions"].astype(float)
    turned = np.arctan2(places[:, 1], places[:, 0]) - model.embedding_[:, 0]
    np.testing.assert_allclose(np.cos(turned), 1, atol=1e-9)
    away = np.linalg.norm(places, axis=1)
    assert (np.abs(away - 2) <= 0.16 + 1e-6).all()
    assert away.std() > 0.05  # fewer points cover each other


def test_a_sphere_is_a_globe(X) -> None:
    model = fitted(X, Sphere(1.5))
    found = contents_of(model, X)
    np.testing.assert_allclose(found.arrays["positions"], model.transform_ambient(X), atol=1e-5)
    assert found.meta["dimensions"] == 3
    assert found.meta["space"]["chart"] == "globe"


@pytest.mark.parametrize("space", [Circle(0.5) * Line(), Circle(0.5) * Circle(2.0), Circle(0.5) * Line(2)], ids=repr)
def test_others_are_unrolled_by_their_lengths(X, space) -> None:
    model = fitted(X, space)
    found = contents_of(model, X)
    lengths = [0.5, *([2.0] if len(space.curved) == 2 else [1.0] * (space.n_components - 1))]
    np.testing.assert_allclose(found.arrays["positions"], model.embedding_ * lengths, rtol=1e-6)
    assert found.meta["space"]["factors"][0] == {"kind": "circle", "size": 1, "radius": pytest.approx(0.5)}
    assert "on a circle of radius 0.5 and" in found.meta["subtitle"]


def test_flat_maps_are_as_they_are(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    assert charted(model, model.embedding_) is model.embedding_
    assert space_on_page(model) is None
    line = DrLIM(1, encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    assert charted(line, line.embedding_).shape == (80, 2)


@pytest.mark.parametrize("space", [Circle(0.4), Sphere(0.4), Circle(0.4) * Line()], ids=repr)
def test_energy_and_tension_are_those_along_the_space(X, space) -> None:
    model = fitted(X, space)
    contents = contents_of(model, X)
    names = [one["name"] for one in contents.meta["columns"]]
    judged = metrics.tension(model.embedding_, model.graph_, space=model.space_)
    force = np.linalg.norm(judged.force, axis=1)
    for name, wanted in (("energy", judged.energy), ("tension", force)):
        found = contents.arrays[f"column{names.index(name)}"]
        np.testing.assert_allclose(found, wanted / wanted.mean(), rtol=1e-3, atol=1e-5)
    straight = metrics.tension(model.embedding_, model.graph_).energy
    assert not np.allclose(judged.energy / judged.energy.mean(), straight / straight.mean(), rtol=0.01)
