"""Plotting: what is drawn, where and in which colour; what is refused; what is left alone."""

from __future__ import annotations

import io
import itertools
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D
from numpy.typing import NDArray

from drlim.graph import NeighborhoodGraph
from drlim.plotting import (
    plot_density,
    plot_embedding,
    plot_history,
    plot_images,
    plot_relaxation,
    plot_springs,
    plot_thumbnails,
    plot_views,
    plot_weights,
    save_figure,
)
from drlim.springs import make_springs

Floats = NDArray[np.float64]

RNG = np.random.default_rng(0)
MAP = RNG.normal(size=(200, 2))
IMAGES = RNG.random((200, 6, 6))
CLASSES = np.where(MAP[:, 0] > 0, "nine", "four")

RECORD = {"epoch": 1, "energy": 0.5, "energy_similar": 0.1, "energy_dissimilar": 0.4}


def render(figure: Figure, dpi: float = 60) -> NDArray[np.uint8]:
    """Draw a figure and return its pixels (height, width, 4)."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="rgba", dpi=dpi)
    width, height = (figure.get_size_inches() * dpi).astype(int)
    return np.frombuffer(buffer.getvalue(), dtype=np.uint8).reshape(height, width, 4)


def scatters(ax: Axes) -> list[PathCollection]:
    return [artist for artist in ax.collections if isinstance(artist, PathCollection)]


def colour_at(ax: Axes, place: Floats) -> str:
    """The colour of the point drawn at a place."""
    (scatter,) = scatters(ax)
    (index,) = np.nonzero((np.asarray(scatter.get_offsets()) == place).all(axis=1))[0]
    return to_hex(scatter.get_facecolors()[index])


def boxes(ax: Axes) -> Floats:
    """Extents (left, right, bottom, top) of thumbnails, (c, 4)."""
    return np.array([image.get_extent() for image in ax.images])


def overlaps(extents: Floats) -> int:
    """Literal count of the pairs of boxes that share more than an edge."""
    return sum(
        min(a[1], b[1]) > max(a[0], b[0]) and min(a[3], b[3]) > max(a[2], b[2])
        for a, b in itertools.combinations(extents, 2)
    )


# --- plot_embedding -----------------------------------------------------------------------------------------------


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
        (np.array(["b", "a"] * 100, dtype=object), ["a", "b"]),
    ],
)
def test_what_counts_as_a_class(labels: Any, names: list[str]) -> None:
    ax = plot_embedding(MAP, labels)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == names


@pytest.mark.parametrize("labels", [np.arange(200) % 11, np.array([0.0, 0.5] * 100), MAP[:, 0]])
def test_what_counts_as_a_quantity(labels: NDArray[Any]) -> None:
    ax = plot_embedding(MAP, labels, key_title="slant")
    assert ax.get_legend() is None
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "slant"
    assert bar.get_ylim() == pytest.approx((labels.min(), labels.max()))
    low, high = MAP[labels.argmin()], MAP[labels.argmax()]
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
    ax = plot_embedding(MAP, labels)
    handles = ax.get_legend().get_lines()
    assert len({(handle.get_color(), handle.get_marker()) for handle in handles}) == 25
    assert len(scatters(ax)) == 3
    assert sum(len(scatter.get_offsets()) for scatter in scatters(ax)) == 200


@pytest.mark.parametrize("n_classes", [2, 45])
def test_legend_is_whole_and_covers_no_point(n_classes: int) -> None:
    ax = plot_embedding(MAP, [f"class {i % n_classes}" for i in range(200)], key_title="a long title")
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


# --- plot_thumbnails ----------------------------------------------------------------------------------------------


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


# --- plot_springs -------------------------------------------------------------------------------------------------


def lines(ax: Axes) -> dict[str, tuple[Floats, Floats]]:
    """Curves of a key, by name."""
    handles, names = ax.get_legend_handles_labels()
    return {name: (np.asarray(each.get_xdata()), np.asarray(each.get_ydata())) for each, name in zip(handles, names)}  # noqa: B905


@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_springs_are_the_papers(margin: float) -> None:
    energies, forces = plot_springs(margin)
    d, energy_similar = lines(energies)["$L_S$, similar pair"]
    _, energy_dissimilar = lines(energies)["$L_D$, dissimilar pair"]
    _, attraction = lines(forces)["$-dL_S/dD_W$, similar pair"]
    _, repulsion = lines(forces)["$-dL_D/dD_W$, dissimilar pair"]
    inside = np.where(d < margin, margin - d, 0.0)
    assert d.min() == 0.0
    assert d.max() > 1.5 * margin
    assert np.isclose(d, margin).any()
    np.testing.assert_allclose(energy_similar, d**2 / 2, atol=1e-12)
    np.testing.assert_allclose(energy_dissimilar, inside**2 / 2, atol=1e-12)
    np.testing.assert_allclose(attraction, -d, atol=1e-12)
    np.testing.assert_allclose(repulsion, inside, atol=1e-12)
    for ax in (energies, forces):
        assert ax.get_xlabel() == "distance $D_W$"
        assert [text.xy[0] for text in ax.texts if text.get_text() == "$m$"] == [margin]
        assert any(np.all(np.asarray(line.get_xdata()) == margin) for line in ax.lines)


def test_springs_of_ones_own() -> None:
    springs = make_springs(laws=(lambda d: d, lambda d: (-d).exp()))
    energies, forces = plot_springs(3.0, springs=springs)
    d, energy = lines(energies)["$L_D$, dissimilar pair"]
    np.testing.assert_allclose(energy, np.exp(-d))
    np.testing.assert_allclose(lines(forces)["$-dL_D/dD_W$, dissimilar pair"][1], np.exp(-d))
    np.testing.assert_allclose(lines(forces)["$-dL_S/dD_W$, similar pair"][1], -1.0)
    assert d.max() > 4.5
    assert not [text for text in energies.texts if text.get_text() == "$m$"]  # no reach, no mark


def test_springs_on_given_axes() -> None:
    pair = Figure().subplots(1, 2)
    energies, forces = plot_springs(axes=pair)
    assert (energies, forces) == tuple(pair)


# --- plot_history -------------------------------------------------------------------------------------------------


def test_history_is_drawn_as_it_is() -> None:
    history = [{**RECORD, "epoch": 1 + i, "energy": 0.5 - 0.1 * i, "seconds": 2.0} for i in range(3)]
    ax = plot_history(history)
    drawn = lines(ax)
    assert len(drawn) == 3
    np.testing.assert_array_equal(drawn["energy that training lowers"], [[1, 2, 3], [0.5, 0.4, 0.3]])
    np.testing.assert_array_equal(drawn["mean $L_S$, similar pairs"][1], [0.1] * 3)
    np.testing.assert_array_equal(drawn["mean $L_D$, dissimilar pairs"][1], [0.4] * 3)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("epoch", "energy", "linear")
    render(ax.figure)
    ticks = [float(tick) for tick in ax.get_xticks() if 0.5 <= tick <= 3.5]
    assert ticks == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(("least", "scale"), [(0.006, "linear"), (0.004, "log"), (0.0, "linear")])
def test_scale_is_logarithmic_beyond_two_decades(least: float, scale: str) -> None:
    ax = plot_history([RECORD, {**RECORD, "epoch": 2, "energy_similar": least}])
    assert ax.get_yscale() == scale


def test_energies_of_zero_alone_are_drawn() -> None:
    ax = plot_history([{"epoch": 1, "energy": 0.0, "energy_similar": 0.0, "energy_dissimilar": 0.0}])
    assert ax.get_yscale() == "linear"


def test_zeros_do_not_spoil_a_logarithmic_scale() -> None:
    ax = plot_history([RECORD, {**RECORD, "epoch": 2, "energy_similar": 0.001, "energy_dissimilar": 0.0}])
    render(ax.figure)
    assert ax.get_ylim()[0] > 1e-4


def test_a_single_epoch_shows_as_dots() -> None:
    ax = plot_history([RECORD])
    assert {line.get_marker() for line in ax.lines} == {"o"}


# --- manners ------------------------------------------------------------------------------------------------------


def test_given_axes_are_used() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot_embedding(MAP, ax=left) is left
    assert plot_history([RECORD], right) is right
    assert figure.axes == [left, right]


def test_the_same_call_draws_the_same_pixels() -> None:
    pictures = [render(plot_embedding(MAP, CLASSES, images=IMAGES).figure) for _ in range(2)]
    np.testing.assert_array_equal(*pictures)


def test_neither_pyplot_nor_global_settings_are_touched() -> None:
    code = """
import sys
import drlim.plotting as p
assert not {"matplotlib", "torch"} & set(sys.modules), "imported too early"
import io, matplotlib, numpy as np
before = matplotlib.rcParams.copy()
Z = np.random.default_rng(0).normal(size=(20, 2))
p.plot_embedding(Z, Z[:, 0], images=np.zeros((20, 3, 3))).figure.savefig(io.BytesIO(), format="png")
p.plot_history([{"epoch": 1, "energy": 1, "energy_similar": 1, "energy_dissimilar": 1}])
assert "torch" not in sys.modules, "torch for a scatter"
p.plot_springs()
assert "matplotlib.pyplot" not in sys.modules, "pyplot imported"
assert matplotlib.rcParams.copy() == before, "settings changed"
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize(
    "call",
    [
        lambda: plot_embedding(MAP),
        lambda: plot_thumbnails(MAP, IMAGES),
        plot_springs,
        lambda: plot_history([RECORD]),
    ],
)
def test_without_matplotlib_an_import_error_tells_what_to_install(call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] in {"matplotlib", "mpl_toolkits"}]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    sentence = 'Plotting needs matplotlib, which is not installed. Install it with: pip install "drlim[viz]"'
    with pytest.raises(ImportError, match=re.escape(sentence)):
        call()


FLAT = Figure().add_subplot()
DEEP = Figure().add_subplot(projection="3d")

REFUSALS = {
    "four columns": (
        lambda: plot_embedding(np.zeros((5, 4))),
        "Expected 'Z' to have 2 or 3 columns to be drawn. Got 4. Choose columns, as in Z[:, :2].",
    ),
    "one column": (
        lambda: plot_embedding(np.zeros((5, 1))),
        "Expected 'Z' to have 2 or 3 columns to be drawn. Got 1.",
    ),
    "thumbnails in space": (
        lambda: plot_embedding(np.zeros((5, 3)), images=np.zeros((5, 2, 2))),
        "Expected 'Z' to have 2 columns to be drawn. Got 3. Choose columns, as in Z[:, :2].",
    ),
    "thumbnails of three columns": (
        lambda: plot_thumbnails(np.zeros((5, 3)), np.zeros((5, 2, 2))),
        "Expected 'Z' to have 2 columns to be drawn. Got 3.",
    ),
    "NaN": (lambda: plot_embedding(np.full((5, 2), np.nan)), "Input Z contains NaN."),
    "labels": (
        lambda: plot_embedding(MAP, [4, 9]),
        "Expected 'labels' and 'Z' to describe the same samples, one a row. Got 2 in 'labels' and 200 in 'Z'.",
    ),
    "infinite labels": (lambda: plot_embedding(MAP, [np.inf] + [1.0] * 199), "Input labels contains infinity"),
    "images": (
        lambda: plot_thumbnails(MAP, IMAGES[:7]),
        "Expected 'images' and 'Z' to describe the same samples, one a row. Got 7 in 'images' and 200 in 'Z'.",
    ),
    "rows of pixels": (
        lambda: plot_thumbnails(MAP, np.zeros((200, 784))),
        "Expected 'images' to have the shape (n_samples, height, width) or (n_samples, channels, height, width) with "
        "1 or 3 channels. Got an array of shape (200, 784) and dtype float64. Rows of pixels want "
        "X.reshape(-1, height, width).",
    ),
    "channels last": (
        lambda: plot_thumbnails(MAP, np.zeros((200, 8, 8, 3))),
        "Got an array of shape (200, 8, 8, 3) and dtype float64.",
    ),
    "no pixels": (lambda: plot_thumbnails(MAP, np.zeros((200, 0, 8))), "Got an array of shape (200, 0, 8)"),
    "NaN images": (lambda: plot_thumbnails(MAP, np.full((200, 2, 2), np.nan)), "Input images contains NaN."),
    "point size": (
        lambda: plot_embedding(MAP, point_size=0),
        "The 'point_size' parameter of plot_embedding must be a float in the range (0.0, inf) or None. Got 0 instead.",
    ),
    "size": (
        lambda: plot_thumbnails(MAP, IMAGES, size=1.5),
        "The 'size' parameter of plot_thumbnails must be a float in the range (0.0, 1.0]. Got 1.5 instead.",
    ),
    "thumbnails": (
        lambda: plot_thumbnails(MAP, IMAGES, max_thumbnails=0),
        "The 'max_thumbnails' parameter of plot_thumbnails must be an int in the range [1, inf). Got 0 instead.",
    ),
    "colour map": (
        lambda: plot_embedding(MAP, cmap="rainbows"),
        "The 'cmap' parameter of plot_embedding must be a name in matplotlib.colormaps, such as 'viridis' or 'gray'. "
        "Got 'rainbows' instead.",
    ),
    "colour map of images": (
        lambda: plot_thumbnails(MAP, IMAGES, image_cmap=None),
        "The 'image_cmap' parameter of plot_thumbnails must be a name in matplotlib.colormaps, such as 'viridis' or "
        "'gray'. Got None instead.",
    ),
    "no axes": (
        lambda: plot_embedding(MAP, ax="here"),
        "The 'ax' parameter of plot_embedding must be an instance of 'matplotlib.axes._axes.Axes' or None. "
        "Got 'here' instead.",
    ),
    "flat axes": (
        lambda: plot_embedding(np.zeros((5, 3)), ax=FLAT),
        "'ax' is not three-dimensional, and there are 3 columns to draw. Axes for three columns are made with "
        "projection='3d'.",
    ),
    "deep axes": (
        lambda: plot_thumbnails(MAP, IMAGES, ax=DEEP),
        "'ax' is three-dimensional, and there are 2 columns to draw.",
    ),
    "margin": (
        lambda: plot_springs(-1),
        "The 'margin' parameter of plot_springs must be a float in the range (0.0, inf). Got -1 instead.",
    ),
    "margin beside laws": (
        lambda: plot_springs(0, springs=make_springs()),
        "The 'margin' parameter of plot_springs must be a float in the range (0.0, inf). Got 0 instead.",
    ),
    "one panel": (
        lambda: plot_springs(axes=[FLAT]),
        "Expected 'axes' to be two axes, for energies and forces. Got [<Axes: >].",
    ),
    "two words": (
        lambda: plot_springs(axes=["left", "right"]),
        "Expected 'axes' to be two axes, for energies and forces. Got ['left', 'right'].",
    ),
    "no history": (
        lambda: plot_history([]),
        "Expected 'history' to be a list of dicts, one for each of one or more epochs, as DrLIM.history_ is. Got [].",
    ),
    "one record": (lambda: plot_history(RECORD), "Expected 'history' to be a list of dicts"),
    "a number": (lambda: plot_history(5), "Expected 'history' to be a list of dicts"),
    "numbers": (lambda: plot_history([0.5, 0.4]), "Expected 'history' to be a list of dicts"),
    "a key": (
        lambda: plot_history([RECORD, {"epoch": 2, "energy": 0.5, "energy_similar": 0.1}]),
        "Expected each record of 'history' to have the key 'energy_dissimilar'. Got",
    ),
    "NaN energy": (
        lambda: plot_history([{**RECORD, "energy": float("nan")}]),
        "Input history['energy'] contains NaN.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    call, sentence = REFUSALS[case]
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        call()
    assert len(str(caught.value)) <= 600


def test_save_figure_writes_the_format_of_the_suffix_whole_and_repeatably(tmp_path):
    ax = plot_embedding([[0.0, 0.0], [1.0, 2.0]])
    for suffix, magic in ((".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml")):
        path = tmp_path / f"map{suffix}"
        save_figure(ax, path, dpi=50)
        assert path.read_bytes().startswith(magic)
    small = (tmp_path / "map.png").read_bytes()
    save_figure(ax, tmp_path / "map.png", dpi=100)
    assert (tmp_path / "map.png").read_bytes() != small
    save_figure(ax, tmp_path / "map.png", dpi=50)
    assert (tmp_path / "map.png").read_bytes() == small
    with pytest.raises(ValueError, match="'nonsense' is not supported"):
        save_figure(ax, tmp_path / "map.nonsense")
    assert not (tmp_path / "map.nonsense").exists()
    with pytest.raises(ValueError, match=re.escape("The 'dpi' parameter of save_figure must be an int in the range")):
        save_figure(ax, tmp_path / "map.png", dpi=0)


# --- plot_views, plot_weights, plot_images, plot_density, plot_relaxation ------------------------------------------

SOLID = np.random.default_rng(1).normal(size=(50, 3)) * [1.0, 9.0, 3.0]
TRIPLE = NeighborhoodGraph.from_pairs(3, [(0, 1)])


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


def test_weights_lie_side_by_side_on_a_scale_around_zero() -> None:
    weights = np.array([[[1.0, -3.0]], [[0.5, 0.0]], [[2.0, 2.0]]])  # (3, 1, 2)
    (image,) = plot_weights(weights, columns=2).images
    sheet = np.ma.filled(image.get_array(), np.nan)
    nan = np.nan
    np.testing.assert_array_equal(sheet, [[1, -3, nan, 0.5, 0], [nan] * 5, [2, 2, nan, nan, nan]])
    low, high = image.get_clim()
    assert -low == high == pytest.approx(3.0, rel=0.01)


def test_images_share_one_scale() -> None:
    (image,) = plot_images(np.stack([np.zeros((2, 2)), np.full((2, 2), 4.0)])).images
    assert image.get_clim() == (0.0, 4.0)
    assert image.get_array().shape == (2, 5)


def test_density_counts_samples_and_leaves_empty_cells_white() -> None:
    ax = plot_density([[0.0, 0.0], [0.1, 0.0], [1.0, 1.0], [0.0, 1.0]], bins=2)
    cells = ax.collections[0].get_array()
    assert np.ma.filled(cells, -1).tolist() == [[2.0, -1.0], [1.0, 1.0]]
    assert cells.mask.sum() == 1


def test_relaxation_draws_only_springs_that_pull_or_push() -> None:
    near, far = [[0.0, 0.0], [2.0, 0.0], [2.5, 0.0]], [[0.0, 0.0], [0.0, 0.0], [9.0, 0.0]]
    panels = plot_relaxation([("near", near), ("far", far)], TRIPLE, margin=1.0)
    assert [ax.get_title() for ax in panels] == ["near", "far"]
    styles = [(line.get_linestyle(), line.get_xdata().tolist()) for line in panels[0].lines]
    assert styles == [("--", [0.0, 2.0]), ("-", [2.0, 2.5])]
    assert not panels[1].lines  # the similar pair coincides, and the others are farther apart than m
    assert panels[0].get_xlim() == panels[1].get_xlim()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot_views(MAP), "Expected 'Z' to have 3 columns to be drawn. Got 2."),
        (lambda: plot_views(SOLID, views=[(1, 2, 3)]), "Expected 'views' to be pairs (elevation, azimuth) in degrees."),
        (lambda: plot_views(SOLID, point_size=0), "The 'point_size' parameter of plot_views must be"),
        (lambda: plot_weights(np.ones((3, 4))), "Expected 'weights' of shape (n, height, width). Got"),
        (lambda: plot_weights(np.ones((3, 4, 4)), columns=0), "The 'columns' parameter of plot_weights must be"),
        (lambda: plot_images(np.ones((3, 4, 4)), cmap="grey!"), "The 'cmap' parameter of plot_images must be a name"),
        (lambda: plot_density(SOLID), "Expected 'Z' to have 2 columns to be drawn. Got 3."),
        (lambda: plot_density(MAP, bins=0), "The 'bins' parameter of plot_density must be"),
        (
            lambda: plot_relaxation([], TRIPLE),
            "Expected 'frames' to hold at least one pair (title, positions). Got none.",
        ),
        (lambda: plot_relaxation([("a", MAP)], TRIPLE), "200"),
        (lambda: plot_relaxation([("a", MAP[:3])], TRIPLE, margin=0), "The 'margin' parameter of plot_relaxation must"),
    ],
)
def test_what_the_newer_pictures_refuse(call: Callable[[], object], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()
