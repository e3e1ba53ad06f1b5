"""Maps on curved spaces in a real Chromium: springs along the shortest path, edges, and new samples."""

from __future__ import annotations

import io

import numpy as np
import pytest

from drlim import DrLIM, NeighborhoodGraph, explore
from drlim.spaces import Circle, Line, Sphere

pytestmark = pytest.mark.browser

EXPLORER = "window.drlim.explorer"


def placed(space, coordinates, pairs=((0, 1),)):
    """A model whose map has these coordinates, and its samples."""
    coordinates = np.asarray(coordinates, dtype=np.float32)
    X = np.random.default_rng(0).normal(size=(len(coordinates), 3))
    graph = NeighborhoodGraph.from_pairs(len(X), list(pairs))
    model = DrLIM(space=space, encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X, graph=graph)
    model.embedding_ = coordinates
    return model, X


def paths(tab, i, j):
    """Pieces of the line between two samples on the chart, each (k, 3)."""
    return [
        np.array(one)
        for one in tab.evaluate(f"{EXPLORER}.space.paths({EXPLORER}.onChart({i}), {EXPLORER}.onChart({j}))")
    ]


def squared(tab, i, j):
    return tab.evaluate(f"{EXPLORER}.space.squared({EXPLORER}.onChart({i}), {EXPLORER}.onChart({j}))")


def agrees(tab, model) -> None:
    """Distances in the page are those of the space."""
    Z = model.embedding_.astype(float)
    ambient = model.space_.ambient(Z)
    for i, j in ((0, 1), (2, 3), (1, 4)):
        wanted = model.space_.squared_distances(ambient[i], ambient[j])
        assert squared(tab, i, j) == pytest.approx(float(wanted), rel=1e-4)


def test_springs_on_a_cylinder_end_at_one_edge_and_begin_at_the_other(open_page, kept) -> None:
    """Angles .2 and 6.1 are .38 apart across the seam of a circle of radius 2, whose circumference is 12.57."""
    coordinates = [[0.2, 0.0], [6.1, 1.0], [3.0, -1.0], [1.0, 2.0], [5.0, 0.5], [2.0, 0.2]]
    model, _ = placed(Circle(2.0) * Line(), coordinates, [(0, 1), (2, 3), (0, 4)])
    tab = open_page(explore(model).html)
    agrees(tab, model)
    left, right = paths(tab, 0, 1)
    way = 2 * np.pi - 5.9
    share = 0.2 / way  # of the way to the seam
    np.testing.assert_allclose(left, [[0.4, 0, 0], [0, share, 0]], atol=1e-5)
    np.testing.assert_allclose(right, [[4 * np.pi, share, 0], [12.2, 1, 0]], atol=1e-5)
    (straight,) = paths(tab, 2, 3)
    np.testing.assert_allclose(straight, [[6, -1, 0], [2, 2, 0]], atol=1e-5)
    edges = tab.evaluate(f"{EXPLORER}.space.edges([0, -1, 0], [12, 2, 0])")
    assert np.allclose(sorted({round(place[0], 6) for line in edges for place in line}), [0, 4 * np.pi])
    tab.evaluate(f"{EXPLORER}.select([0], 0)")
    tab.wait_for_timeout(150)
    kept(tab, "light")
    assert "dotted edges on opposite sides are one line" in tab.locator("header").inner_text()


def test_springs_on_a_torus_cross_both_edges(open_page) -> None:
    model, _ = placed(Circle(1.0) * Circle(1.0), [[0.1, 0.2], [6.2, 6.1], [3, 3], [1, 5], [2, 2]])
    tab = open_page(explore(model).html)
    agrees(tab, model)
    pieces = paths(tab, 0, 1)
    assert len(pieces) == 3  # over one edge, then over the other
    length = sum(np.linalg.norm(np.diff(piece, axis=0), axis=1).sum() for piece in pieces)
    assert length**2 == pytest.approx(squared(tab, 0, 1), rel=1e-5)
    assert all((piece >= -1e-9).all() and (piece <= 2 * np.pi + 1e-9).all() for piece in pieces)


def test_springs_on_a_globe_follow_great_circles(open_page, kept) -> None:
    rng = np.random.default_rng(1)
    coordinates = np.column_stack([rng.uniform(0, 2 * np.pi, 40), rng.uniform(-1.3, 1.3, 40)])
    model, _ = placed(Sphere(1.5), coordinates, [(0, 1), (0, 5), (0, 9)])
    tab = open_page(explore(model).html, theme="dark")
    agrees(tab, model)
    (path,) = paths(tab, 0, 1)
    ambient = model.space_.ambient(model.embedding_.astype(float))
    np.testing.assert_allclose(path[[0, -1]], ambient[[0, 1]], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1.5, atol=1e-5)
    normal = np.cross(ambient[0], ambient[1])
    assert np.abs(path @ normal).max() < 1e-4 * np.linalg.norm(normal)
    tab.evaluate(f"{EXPLORER}.select([0], 0)")
    tab.wait_for_timeout(150)
    kept(tab, "dark")


def test_springs_on_a_ring_are_arcs(open_page, kept) -> None:
    model, _ = placed(Circle(1.0), [[0.2], [6.0], [3.0], [1.0], [5.0]], [(0, 1), (0, 3)])
    tab = open_page(explore(model).html)
    agrees(tab, model)
    (path,) = paths(tab, 0, 1)
    angles = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    assert angles[0] - angles[-1] == pytest.approx(0.2 + 2 * np.pi - 6.0, abs=1e-5)  # over the seam
    tab.evaluate(f"{EXPLORER}.select([0], 0)")
    tab.wait_for_timeout(150)
    kept(tab, "light")


@pytest.mark.parametrize("space", [Circle(), Sphere(2.0), Sphere(0.7) * Line()], ids=repr)
def test_new_samples_land_where_transform_puts_them(open_page, space) -> None:
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    model = DrLIM(space=space, max_epochs=3, margin=0.5, random_state=0, verbose=False).fit(X[:50])
    tab = open_page(explore(model, X[:50]).html)
    file = io.BytesIO()
    np.save(file, X[50:])
    given = {"name": "new.npy", "mimeType": "application/octet-stream", "buffer": file.getvalue()}
    tab.locator("#newcomers").set_input_files([given])
    tab.wait_for_selector(".newcomer")
    found = np.array(tab.evaluate(f"{EXPLORER}.newSamples.map((one) => one.found)"))
    np.testing.assert_allclose(found, model.transform(X[50:]), atol=1e-4)
    ambient, new = model.transform_ambient(X[:50]), model.transform_ambient(X[50:])
    squares = model.space_.squared_distances(new[:, None], ambient[None])
    nearest = tab.evaluate(f"{EXPLORER}.newSamples.map((one) => one.nearest[0])")
    assert nearest == squares.argmin(axis=1).tolist()
