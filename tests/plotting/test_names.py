"""Names of groups on a map: where they stand, and that they neither overlap nor leave the axes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.text import Text
from tests.plotting.drawn import IMAGES, MAP, Floats, overlaps, render, scatters

from drlim.plotting import plot_embedding
from drlim.plotting.names import group_middles, place_boxes

RNG = np.random.default_rng(5)

PLACES = RNG.uniform(-9, 9, (40, 2))

GROUPS = np.arange(2000) % 40

CLOUDS = PLACES[GROUPS] + RNG.normal(size=(2000, 2)) * 0.3


def name_boxes(ax: Axes) -> Floats:
    """Extents (left, right, bottom, top) of the names in pixels, (k, 4)."""
    renderer = FigureCanvasAgg(ax.figure).get_renderer()
    found = [Text.get_window_extent(text, renderer) for text in ax.texts if text.get_visible()]
    return np.array([[box.x0, box.x1, box.y0, box.y1] for box in found])


def lines_of(ax: Axes) -> LineCollection:
    (lines,) = [artist for artist in ax.collections if isinstance(artist, LineCollection)]
    return lines


@pytest.mark.parametrize("word", ["", "group ", "inhabitants of the northern hemisphere "])
@pytest.mark.parametrize("inches", [(7.5, 6.4), (4.0, 9.0)])
def test_names_lie_within_the_axes_and_apart(word: str, inches: tuple[float, float]) -> None:
    ax = plot_embedding(CLOUDS, [f"{word}{group}" for group in GROUPS])
    ax.figure.set_size_inches(*inches)
    render(ax.figure, dpi=ax.figure.dpi)
    extents, inside = name_boxes(ax), ax.get_window_extent()
    has_room = inches[0] > 7 or len(word) < 10
    assert len(extents) == 40 if has_room else 10 < len(extents) < 40
    assert overlaps(extents) == 0
    assert inside.x0 <= extents[:, 0].min()
    assert extents[:, 1].max() <= inside.x1
    assert inside.y0 <= extents[:, 2].min()
    assert extents[:, 3].max() <= inside.y1


def test_names_stand_at_their_groups_in_natural_order_above_all_points() -> None:
    ax = plot_embedding(CLOUDS, GROUPS)
    render(ax.figure, dpi=ax.figure.dpi)
    assert [text.get_text() for text in ax.texts] == [str(group) for group in range(40)]
    anchors = np.array([text.xy for text in ax.texts])
    assert np.linalg.norm(anchors - PLACES, axis=1).max() < 0.3
    assert min(text.get_zorder() for text in ax.texts) > lines_of(ax).get_zorder()
    assert lines_of(ax).get_zorder() > max(scatter.get_zorder() for scatter in scatters(ax))


def test_a_name_that_gives_way_is_joined_to_its_group_by_a_line_of_its_colour() -> None:
    labels = [f"class {i % 45}" for i in range(200)]
    ax = plot_embedding(MAP, labels)
    render(ax.figure, dpi=ax.figure.dpi)
    segments = np.array(lines_of(ax).get_segments())
    assert len(segments) > 10
    anchors = ax.transData.transform([text.xy for text in ax.texts])
    for start, _ in segments:
        assert np.abs(anchors - start).sum(axis=1).min() < 1e-6
    drawn = {tuple(colour) for scatter in scatters(ax) for colour in scatter.get_facecolors()}
    assert {tuple(colour) for colour in lines_of(ax).get_edgecolors()} <= drawn
    lonely = plot_embedding(PLACES, np.arange(40))
    render(lonely.figure)
    assert lines_of(lonely).get_segments() == []


def test_names_of_groups_outside_the_view_are_hidden() -> None:
    ax = plot_embedding([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [2.0, 1.0]], ["a", "b", "c", "d"], group_names="map")
    ax.set(xlim=(-0.5, 3.0), ylim=(-0.5, 0.5))
    render(ax.figure)
    assert [text.get_text() for text in ax.texts if text.get_visible()] == ["b", "c"]
    ax.set(xlim=(-2.0, 3.0), ylim=(-2.0, 2.0))
    render(ax.figure)
    assert all(text.get_visible() for text in ax.texts)


def test_a_name_stands_above_a_group_that_it_would_hide() -> None:
    points = np.concatenate([RNG.normal(size=(50, 2)) * 0.01, RNG.normal([8.0, 0.0], size=(50, 2))])
    ax = plot_embedding(points, ["tight"] * 50 + ["wide"] * 50, group_names="map")
    render(ax.figure, dpi=ax.figure.dpi)
    (_, _, tight, _), (_, _, low, high) = name_boxes(ax)
    drawn = ax.transData.transform(points)[:, 1]
    assert tight >= np.quantile(drawn[:50], 0.9)
    assert abs((low + high) / 2 - np.median(drawn[50:])) < 0.2 * np.ptp(drawn[50:])
    assert lines_of(ax).get_segments() == []


def test_drawing_twice_gives_the_same_picture() -> None:
    ax = plot_embedding(CLOUDS, GROUPS)
    first = render(ax.figure)
    np.testing.assert_array_equal(first, render(ax.figure))
    np.testing.assert_array_equal(first, render(plot_embedding(CLOUDS, GROUPS).figure))


def test_names_stand_above_thumbnails() -> None:
    ax = plot_embedding(MAP, np.arange(200) % 3, images=IMAGES, group_names="map")
    assert min(text.get_zorder() for text in ax.texts) > max(artist.get_zorder() for artist in ax.images)


def test_the_middle_of_a_group_is_one_of_its_samples() -> None:
    points = np.array([[0.0, 0.0], [1.0, 0.0], [9.0, 9.0], [2.0, 0.0], [7.0, 7.0]])
    middles, heights, counts = group_middles(points, np.array([1, 1, 0, 1, -1]), 2)
    assert heights.tolist() == [0.0, 0.0]
    assert middles.tolist() == [[9.0, 9.0], [1.0, 0.0]]
    assert counts.tolist() == [1, 3]


def test_boxes_placed_by_hand() -> None:
    page = np.array([[0.0, 0.0], [100.0, 50.0]])
    anchors = np.array([[50.0, 25.0], [99.0, 1.0], [50.0, 25.0], [50.0, 60.0], [50.0, 25.0]])
    sizes = np.array([[10.0, 4.0], [10.0, 4.0], [10.0, 4.0], [10.0, 4.0], [200.0, 4.0]])
    centres = place_boxes(anchors, sizes, page)
    assert centres[:3].tolist() == [[50.0, 25.0], [95.0, 2.0], [50.0, 29.0]]
    assert np.isnan(centres[3:]).all()


@given(
    anchors=arrays(np.float64, st.tuples(st.integers(1, 40), st.just(2)), elements=st.floats(0, 100, width=16)),
    width=st.floats(2, 60),
)
@settings(max_examples=30, deadline=None)
def test_placed_boxes_never_overlap(anchors: Floats, width: float) -> None:
    page = np.array([[0.0, 0.0], [100.0, 100.0]])
    sizes = np.full((len(anchors), 2), [width, 5.0])
    centres = place_boxes(anchors, sizes, page)
    placed = centres[~np.isnan(centres[:, 0])]
    assert len(placed) > 0
    for a, b in itertools.combinations(placed, 2):
        assert (np.abs(a - b) >= [width, 5.0]).any()
    assert (placed >= np.array([width, 5.0]) / 2).all()
    assert (placed <= 100 - np.array([width, 5.0]) / 2).all()
