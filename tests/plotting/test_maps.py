"""Maps as points, views and densities: positions, colours, keys."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D
from numpy.typing import NDArray
from tests.plotting.drawn import CLASSES, IMAGES, MAP, RNG, SOLID, boxes, colour_at, render, scatters

from drlim.plotting import (
    plot_density,
    plot_embedding,
    plot_thumbnails,
    plot_views,
)


def test_every_point_is_drawn_once_at_its_place() -> None:
    ax = plot_embedding(MAP)
    (scatter,) = scatters(ax)
    drawn = np.asarray(scatter.get_offsets())
    np.testing.assert_array_equal(np.sort(drawn, axis=0), np.sort(MAP, axis=0))
    assert ax.get_aspect() == 1.0
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("$z_1$", "$z_2$")
    assert ax.get_legend() is None


def test_three_points_in_two_colours() -> None:
    points = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]])
    ax = plot_embedding(points, ["four", "nine", "four"], key_title="digit")
    four, nine, again = (colour_at(ax, point) for point in points)
    assert four == again != nine
    legend = ax.get_legend()
    assert legend.get_title().get_text() == "digit"
    assert {
        text.get_text(): to_hex(handle.get_color())
        for text, handle in zip(legend.get_texts(), legend.get_lines(), strict=True)
    } == {"four": four, "nine": nine}


def test_points_sorted_by_class_are_drawn_in_mixed_order() -> None:
    order = np.argsort(CLASSES)
    (scatter,) = scatters(plot_embedding(MAP[order], CLASSES[order]))
    first_half = {to_hex(colour) for colour in scatter.get_facecolors()[:100]}
    assert len(first_half) == 2


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([4, 9] * 100, ["4", "9"]),
        ([4.0, 9.0] * 100, ["4", "9"]),
        ([True, False] * 100, ["False", "True"]),
        (np.arange(200) % 10, [str(digit) for digit in range(10)]),
        (np.arange(200) % 12, [str(digit) for digit in range(12)]),
        (np.array(["b", "a"] * 100, dtype=object), ["a", "b"]),
    ],
)
def test_what_counts_as_a_class(labels: Any, names: list[str]) -> None:
    ax = plot_embedding(MAP, labels)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names


@pytest.mark.parametrize(
    "labels", [np.arange(200.0) % 11, np.array([0.0, 0.5] * 100), np.arange(200) % 61, MAP[:90, 0]]
)
def test_what_counts_as_a_quantity(labels: NDArray[Any]) -> None:
    points = MAP[: len(labels)]
    ax = plot_embedding(points, labels, key_title="slant")
    assert ax.get_legend() is None
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "slant"
    assert bar.get_ylim() == pytest.approx((labels.min(), labels.max()))
    low, high = points[labels.argmin()], points[labels.argmax()]
    colours = mpl.colormaps["viridis"]
    assert (colour_at(ax, low), colour_at(ax, high)) == (to_hex(colours(0.0)), to_hex(colours(1.0)))


def test_colour_map_and_point_size_act() -> None:
    ax = plot_embedding(MAP, MAP[:, 0], cmap="magma", point_size=17.0)
    (scatter,) = scatters(ax)
    assert colour_at(ax, MAP[MAP[:, 0].argmax()]) == to_hex(mpl.colormaps["magma"](1.0))
    assert set(scatter.get_sizes()) == {17.0}


def test_points_shrink_as_their_number_grows() -> None:
    (few,), (many,) = scatters(plot_embedding(MAP[:10])), scatters(plot_embedding(np.repeat(MAP, 20, axis=0)))
    assert few.get_sizes()[0] > many.get_sizes()[0]


def test_more_classes_than_colours_differ_by_marker() -> None:
    labels = [f"{i % 25:02d}" for i in range(200)]
    ax = plot_embedding(MAP, labels, group_names="legend")
    handles = ax.get_legend().get_lines()
    assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 25
    assert len(scatters(ax)) == 3
    assert sum(len(scatter.get_offsets()) for scatter in scatters(ax)) == 200


@pytest.mark.parametrize("n_classes", [2, 45])
def test_legend_is_whole_and_covers_no_point(n_classes: int) -> None:
    ax = plot_embedding(
        MAP, [f"class {i % n_classes}" for i in range(200)], key_title="a long title", group_names="legend"
    )
    figure = ax.figure
    render(figure, dpi=figure.dpi)  # extents are given in pixels of the figure's own
    legend, inside = ax.get_legend().get_window_extent(), ax.get_window_extent()
    assert legend.x0 >= inside.x1
    assert figure.bbox.x0 <= legend.x0 < legend.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= legend.y0 < legend.y1 <= figure.bbox.y1


def test_three_columns_are_drawn_in_three_dimensions() -> None:
    points = RNG.normal(size=(30, 3))
    ax = plot_embedding(points, [4, 9] * 15)
    assert isinstance(ax, Axes3D)
    assert ax.get_zlabel() == "$z_3$"
    render(ax.figure)
    again = plot_embedding(points, points[:, 2], ax=Figure().add_subplot(projection="3d"), key_title="height")
    assert [other.get_ylabel() for other in again.figure.axes if other is not again] == ["height"]


def test_images_are_laid_on_the_points() -> None:
    ax = plot_embedding(MAP, CLASSES, images=IMAGES)
    np.testing.assert_array_equal(boxes(ax), boxes(plot_thumbnails(MAP, IMAGES)))
    assert len(ax.get_legend().get_texts()) == 2
    assert min(image.get_zorder() for image in ax.images) > scatters(ax)[0].get_zorder()


def test_frames_on_points_have_the_points_colours() -> None:
    ax = plot_embedding([[0.0, 0.0], [1.0, 0.0]], [0.25, 0.75], images=np.zeros((2, 3, 3)), cmap="magma")
    (frames,) = [artist for artist in ax.collections if isinstance(artist, PolyCollection)]
    np.testing.assert_allclose(frames.get_edgecolors(), mpl.colormaps["magma"]([0.0, 1.0]))


def test_refused_images_leave_given_axes_empty() -> None:
    ax = Figure().add_subplot(projection="3d")
    with pytest.raises(ValueError, match="Expected 'Z' to have 2 columns"):
        plot_embedding(np.zeros((5, 3)), images=np.zeros((5, 2, 2)), ax=ax)
    assert len(ax.collections) == 0


def test_views_show_all_points_from_five_angles_and_keep_distances() -> None:
    panels = plot_views(SOLID, np.arange(50.0), key_title="order")
    assert len({(ax.elev, ax.azim) for ax in panels}) == len(panels) == 5
    assert len({id(ax.figure) for ax in panels}) == 1
    for ax in panels:
        (scatter,) = ax.collections
        drawn = np.column_stack(scatter._offsets3d)
        np.testing.assert_allclose(
            np.linalg.norm(drawn - drawn[0], axis=1), np.linalg.norm(SOLID - SOLID[0], axis=1), rtol=1e-6
        )
        assert np.all(np.diff(np.ptp(drawn, axis=0)) < 0)  # the longest side lies along z_1
    render(panels[0].figure)


def test_views_do_not_depend_on_the_sign_that_the_svd_gives_an_axis() -> None:
    (here,), (there,) = (plot_views(points, views=[(0, 0)])[0].collections for points in (SOLID, SOLID + 3.0))
    np.testing.assert_allclose(np.column_stack(here._offsets3d), np.column_stack(there._offsets3d), atol=1e-9)


def test_views_of_fewer_points_than_dimensions() -> None:
    assert len(plot_views([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]])) == 5


def test_density_counts_samples_and_leaves_empty_cells_white() -> None:
    ax = plot_density([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [0.0, 1.0]], bins=2)
    cells = ax.collections[0].get_array()
    assert np.ma.filled(cells, -1).tolist() == [[2.0, -1.0], [1.0, 1.0]]
    assert cells.mask.sum() == 1
