"""Thumbnails on a map: which are drawn, where, and how."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from tests.plotting.drawn import CLASSES, IMAGES, MAP, Floats, boxes, overlaps, render

from drlim.plotting import (
    plot_embedding,
    plot_thumbnails,
)


def test_two_of_three_fit() -> None:
    points = [[0.0, 0.0], [10.0, 0.0], [9.9, 0.0]]
    ax = plot_thumbnails(points, np.zeros((3, 4, 4)), size=0.1)
    # Next to the middle, 5, is 9.9 (off by 4.9, not 5); farthest from it is 0; 10 is too near.
    np.testing.assert_allclose(boxes(ax), [[9.4, 10.4, -0.5, 0.5], [-0.5, 0.5, -0.5, 0.5]])


def test_thumbnails_are_their_samples_images_at_their_places() -> None:
    images = np.arange(200.0)[:, None, None] * np.ones((200, 3, 3))
    ax = plot_thumbnails(MAP, images)
    middles = boxes(ax).reshape(-1, 2, 2).mean(axis=2)  # (c, 2)
    indices = [int(np.flatnonzero(np.isclose(MAP, middle).all(axis=1))[0]) for middle in middles]
    values = np.array([np.asarray(image.get_array())[0, 0] for image in ax.images])
    low, high = min(indices), max(indices)
    np.testing.assert_allclose(values, (np.array(indices) - low) / (high - low))


def test_images_stand_upright_and_ink_is_dark() -> None:
    image = np.zeros((1, 8, 8))
    image[0, :3, :3] = 1.0  # ink at the top left
    figure = Figure(figsize=(2, 2))
    ax = plot_thumbnails([[0.0, 0.0]], image, size=1.0, ax=figure.add_axes((0, 0, 1, 1)))
    ax.set_axis_off()
    ax.set(xlim=(-0.5, 0.5), ylim=(-0.5, 0.5))
    pixels = render(figure)[:, :, 0]
    assert pixels[20, 20] < 30
    assert min(pixels[20, -20], pixels[-20, 20], pixels[-20, -20]) > 225
    photograph = plot_thumbnails([[0.0, 0.0]], image, image_cmap="gray")
    assert photograph.images[0].get_cmap().name == "gray"


@given(
    points=arrays(np.float64, st.tuples(st.integers(1, 60), st.just(2)), elements=st.floats(-5, 5, width=16)),
    size=st.sampled_from([0.03, 0.1, 0.4, 1.0]),
    shape=st.sampled_from([(4, 4), (3, 9), (9, 3)]),
)
@settings(max_examples=25, deadline=None)
def test_no_two_overlap_and_no_more_would_fit(points: Floats, size: float, shape: tuple[int, int]) -> None:
    ax = plot_thumbnails(points, np.zeros((len(points), *shape)), size=size)
    extents = boxes(ax)
    width, height = extents[0, 1] - extents[0, 0], extents[0, 3] - extents[0, 2]
    assert height / width == pytest.approx(shape[0] / shape[1])
    assert max(width, height) == pytest.approx(size * (np.ptp(points, axis=0).max() or 1.0))
    assert overlaps(extents) == 0
    middles = extents.reshape(-1, 2, 2).mean(axis=2)  # (c, 2)
    for point in points:
        assert (np.abs(middles - point) / [width, height]).max(axis=1).min() < 1.081


def test_no_two_overlap_on_the_page_whatever_its_size() -> None:
    crowd = np.random.default_rng(0).random((3000, 2))
    ax = plot_thumbnails(crowd, np.zeros((3000, 6, 6)), size=0.07)
    for inches in ((7.5, 6.4), (3.0, 8.0)):
        ax.figure.set_size_inches(*inches)
        render(ax.figure, dpi=ax.figure.dpi)
        on_page = [image.get_window_extent() for image in ax.images]
        extents = np.array([[box.x0, box.x1, box.y0, box.y1] for box in on_page])
        np.testing.assert_allclose(np.ptp(extents[:, :2], axis=1), np.ptp(extents[:, 2:], axis=1), rtol=1e-6)
        assert overlaps(extents) == 0


def test_thumbnails_at_the_rim_are_whole() -> None:
    ax = plot_thumbnails(MAP, IMAGES, size=0.2)
    render(ax.figure)
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    extents = boxes(ax)
    assert left <= extents[:, 0].min()
    assert right >= extents[:, 1].max()
    assert bottom <= extents[:, 2].min()
    assert top >= extents[:, 3].max()


def test_a_cap_keeps_the_first_chosen_and_spreads_them() -> None:
    all_boxes = boxes(plot_thumbnails(MAP, IMAGES))
    capped = boxes(plot_thumbnails(MAP, IMAGES, max_thumbnails=5))
    np.testing.assert_array_equal(capped, all_boxes[:5])
    assert len(all_boxes) > 50
    middles = capped.reshape(-1, 2, 2).mean(axis=2)
    assert np.ptp(middles, axis=0).min() > 0.5 * np.ptp(MAP, axis=0).min()


def test_frames_have_the_colour_of_their_class() -> None:
    ax = plot_thumbnails(MAP, IMAGES, CLASSES, key_title="digit")
    (frames,) = [artist for artist in ax.collections if isinstance(artist, PolyCollection)]
    of_class = {
        text.get_text(): to_rgba(handle.get_color())
        for text, handle in zip(ax.get_legend().get_texts(), ax.get_legend().get_lines(), strict=True)
    }
    middles = boxes(ax).reshape(-1, 2, 2).mean(axis=2)
    expected = [of_class["nine" if x > 0 else "four"] for x, _ in middles]
    np.testing.assert_allclose(frames.get_edgecolors(), expected)
    assert ax.get_legend().get_title().get_text() == "digit"


def test_frames_of_a_quantity_follow_the_colour_map() -> None:
    points = [[0.0, 0.0], [1.0, 0.0]]
    ax = plot_thumbnails(points, np.zeros((2, 3, 3)), [0.25, 0.75], cmap="magma")
    (frames,) = [artist for artist in ax.collections if isinstance(artist, PolyCollection)]
    np.testing.assert_allclose(frames.get_edgecolors(), mpl.colormaps["magma"]([0.0, 1.0]))


def test_one_scale_of_brightness_serves_all() -> None:
    ax = plot_thumbnails(MAP, np.linspace(3, 5, 200)[:, None, None] * np.ones((200, 3, 3)))
    assert {image.get_clim() for image in ax.images} == {(0.0, 1.0)}
    shades = np.array([np.asarray(image.get_array()) for image in ax.images])
    assert (shades.min(), shades.max()) == (0.0, 1.0)


def test_thumbnails_outside_the_axes_are_cut_off() -> None:
    figure = Figure(figsize=(4, 2))
    ax = plot_thumbnails([[0.0, 0.0]], np.eye(8)[None], size=1.0, ax=figure.add_axes((0, 0, 0.5, 1)))
    ax.set_axis_off()
    ax.set(xlim=(-2.0, 0.0), ylim=(-1.0, 1.0))  # the right half of the image lies beyond the axes
    pixels = render(figure)[:, :, 0]
    assert pixels[:, :118].min() < 50
    assert pixels[:, 122:].min() == 255
    assert ax.images[0].get_clip_box() is not None  # by which PDF and SVG are cut


def test_given_axes_get_no_second_key() -> None:
    ax = plot_embedding(MAP, CLASSES)
    legend = ax.get_legend()
    assert plot_thumbnails(MAP, IMAGES, CLASSES, ax=ax) is ax
    assert ax.get_legend() is legend


def test_channels_come_first() -> None:
    one, three = IMAGES[:, None], np.stack([IMAGES, 0 * IMAGES, 0 * IMAGES], axis=1)
    grey, again, red = (plot_thumbnails(MAP, images).images[0] for images in (IMAGES, one, three))
    np.testing.assert_array_equal(grey.get_array(), again.get_array())
    picture = np.asarray(red.get_array())
    assert picture.shape == (6, 6, 3)
    assert picture[..., 0].max() > 0.5
    assert picture[..., 1:].max() == 0.0
