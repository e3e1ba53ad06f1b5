"""Pictures of maps on curved spaces."""

from __future__ import annotations

import numpy as np
import pytest

from drlim.plotting import plot_on_space
from drlim.spaces import Circle, Cylinder, Line, Space, Sphere, Torus

Z = np.random.default_rng(0).uniform(0, 6.28, (40, 2))


def drawn(space: Space, points: np.ndarray) -> np.ndarray:
    ax = plot_on_space(points, space)
    ax.figure.canvas.draw()
    return np.asarray(ax.collections[0].get_offsets())


def test_a_circle_is_a_ring_of_the_right_angles() -> None:
    found = drawn(Circle(3.0), Z[:, :1])
    radius = np.hypot(*found.T)
    assert radius.min() >= 0.92
    assert radius.max() <= 1.08
    assert np.sort(np.arctan2(found[:, 1], found[:, 0]) % (2 * np.pi)) == pytest.approx(np.sort(Z[:, 0]))


def test_a_ring_has_no_frame_and_the_names_of_quarters_of_a_turn() -> None:
    ax = plot_on_space(Z[:, :1], Circle(3.0))
    assert not any(spine.get_visible() for spine in ax.spines.values())
    assert [text.get_text() for text in ax.texts] == ["0", "$\\pi/2$", "$\\pi$", "$3\\pi/2$"]


def test_a_cylinder_and_a_torus_are_unrolled_to_lengths() -> None:
    for space, scale in ((Cylinder(0.5), (0.5, 1.0)), (Torus(0.5, 2.0), (0.5, 2.0))):
        assert np.sort(drawn(space, Z), axis=0) == pytest.approx(np.sort(Z * scale, axis=0))
        ax = plot_on_space(Z, space)
        assert ax.get_xlim()[1] > 2 * np.pi * scale[0]
        assert [text.get_text() for text in ax.get_xticklabels()][::4] == ["0", "$2\\pi$"]


def test_a_sphere_is_drawn_in_three_dimensions_and_a_flat_map_as_ever() -> None:
    assert plot_on_space(Z / 4, Sphere(2.0)).name == "3d"
    assert np.sort(drawn(Line(2), Z), axis=0) == pytest.approx(np.sort(Z, axis=0))


def test_other_products_and_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="There is no chart of"):
        plot_on_space(np.zeros((3, 3)), Circle(1.0) * Line(2))
    with pytest.raises(ValueError, match="Expected 'Z' to have 2 columns"):
        plot_on_space(np.zeros((3, 3)), Cylinder(1.0))
