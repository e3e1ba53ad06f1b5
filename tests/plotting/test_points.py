"""Points of a map: what lies beneath what, sizes, transparency, and small files."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from tests.plotting.drawn import MAP, Floats, colour_at, render, scatters

from drlim.plotting import plot_embedding
from drlim.plotting.palette import background_grey, unlabelled_grey
from drlim.plotting.points import point_area


def test_background_and_unlabelled_samples_lie_beneath() -> None:
    labels = np.where(np.arange(200) % 5 == 0, -1, np.arange(200) % 3)
    ax = plot_embedding(MAP, labels, background=MAP[:70] + 5.0)
    earlier, grey, coloured = scatters(ax)
    assert earlier.get_zorder() < grey.get_zorder() < coloured.get_zorder()
    np.testing.assert_array_equal(earlier.get_offsets(), MAP[:70] + 5.0)
    assert (len(grey.get_offsets()), len(coloured.get_offsets())) == (40, 160)
    assert {to_hex(colour) for colour in earlier.get_facecolors()} == {background_grey("white")}
    assert {to_hex(colour) for colour in grey.get_facecolors()} == {unlabelled_grey("white")}
    assert grey.get_sizes()[0] < coloured.get_sizes()[0]
    assert ax.get_xlim()[1] > MAP[:70, 0].max() + 5.0  # the axes have room for the earlier samples


def test_equal_labels_have_equal_colours_and_no_group_has_a_grey_beside_unlabelled() -> None:
    labels = [*(f"k{i % 20}" for i in range(199)), None]
    ax = plot_embedding(MAP, labels, group_names="legend")
    of_place = {
        tuple(place): to_hex(colour)
        for scatter in scatters(ax)
        for place, colour in zip(np.asarray(scatter.get_offsets()), scatter.get_facecolors(), strict=True)
    }
    legend = ax.get_legend()
    named = {
        text.get_text(): to_hex(line.get_color())
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }
    assert len(set(named.values())) == 21
    assert all(
        of_place[tuple(point)] == named[label or "unlabelled (1)"] for point, label in zip(MAP, labels, strict=True)
    )
    assert not {"#94a4a2", "#717581"} & set(named.values())


def test_in_three_dimensions_the_background_lies_beneath_too() -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    ax = plot_embedding(points, [None, "a"] * 15, background=points - [0.0, 9.0, 0.0])  # nearer to the viewer
    render(ax.figure)
    earlier, grey, coloured = ax.collections
    assert earlier.get_zorder() < grey.get_zorder() < coloured.get_zorder()
    assert len(plot_embedding(points).collections) == 1


def test_earlier_samples_are_no_larger_than_new_ones() -> None:
    for few, many in ((100, 5000), (5000, 100)):
        earlier, new = scatters(plot_embedding(crowd(few), background=crowd(many)))
        assert earlier.get_sizes()[0] <= new.get_sizes()[0]


def test_groups_of_many_samples_are_mixed_and_have_one_marker() -> None:
    ax = plot_embedding(crowd(7_020), np.arange(7_020) % 60, group_names="legend")
    (scatter,) = scatters(ax)
    assert len({tuple(colour) for colour in scatter.get_facecolors()[:1000]}) == 60
    assert {line.get_marker() for line in ax.get_legend().get_lines()} == {"o"}


def test_greys_suit_a_dark_page() -> None:
    ax = Figure().add_subplot(facecolor="black")
    plot_embedding(MAP, [None, "a"] * 100, ax=ax, background=MAP)
    earlier, grey, _ = scatters(ax)
    assert to_hex(earlier.get_facecolors()[0]) == background_grey("black")
    assert to_hex(grey.get_facecolors()[0]) == unlabelled_grey("black")


def test_no_artist_for_what_is_not_there() -> None:
    assert len(scatters(plot_embedding(MAP, [0, 1] * 100))) == 1
    assert len(scatters(plot_embedding(MAP, [None] * 200))) == 1
    assert len(scatters(plot_embedding(MAP, [None, 1] * 100))) == 2


@pytest.mark.parametrize(("few", "many"), [(100, 1000), (1000, 10_000), (10_000, 100_000), (100_000, 1_000_000)])
def test_points_shrink_up_to_a_million(few: int, many: int) -> None:
    assert 36 >= point_area(few) > point_area(many) >= 0.25


def crowd(n_samples: int) -> Floats:
    return np.random.default_rng(0).normal(size=(n_samples, 2))


def test_many_points_are_transparent_pixels() -> None:
    (few,), (many,) = (scatters(plot_embedding(crowd(n))) for n in (7_000, 20_001))
    assert (few.get_alpha(), few.get_rasterized()) == (None, False)
    assert 0.3 < many.get_alpha() < 1.0
    assert many.get_rasterized()


def test_pdf_of_many_points_is_small() -> None:
    file = io.BytesIO()
    plot_embedding(crowd(60_000), np.arange(60_000) % 20).figure.savefig(file, format="pdf")
    assert len(file.getvalue()) < 600_000


def test_point_size_acts_on_all() -> None:
    ax = plot_embedding(MAP, [None, "a"] * 100, background=MAP, point_size=50.0)
    assert [scatter.get_sizes()[0] for scatter in scatters(ax)] == [50.0, 30.0, 50.0]


def test_one_colour_without_labels_over_a_background() -> None:
    ax = plot_embedding(MAP[:9], background=MAP)
    assert len({to_hex(colour) for colour in scatters(ax)[1].get_facecolors()}) == 1
    assert colour_at(plot_embedding(MAP), MAP[0]) == to_hex(scatters(ax)[1].get_facecolors()[0])
