"""Legends and colour bars: their entries, order, limits and places."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from tests.plotting.drawn import MAP, render, scatters

from drlim.plotting import plot_embedding, plot_thumbnails
from drlim.plotting.keys import folded
from drlim.plotting.palette import background_grey, unlabelled_grey


def entries(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_entries_are_in_natural_order_and_grey_ones_last() -> None:
    labels = np.array(["a10", "a9", "", "b"] * 50)
    ax = plot_embedding(MAP, labels, background=MAP[:30] + 1.0, key_title="kind")
    assert entries(ax) == ["a9", "a10", "b", "unlabelled (50)", "background (30)"]
    colours = [to_hex(line.get_color()) for line in ax.get_legend().get_lines()]
    assert colours[3:] == [unlabelled_grey("white"), background_grey("white")]
    assert len(set(colours)) == 5


def test_twelve_groups_have_a_legend_and_thirteen_have_names_on_the_map() -> None:
    twelve, thirteen = (plot_embedding(MAP, np.arange(200) % n) for n in (12, 13))
    assert (len(entries(twelve)), len(twelve.texts)) == (12, 0)
    assert (thirteen.get_legend(), len(thirteen.texts)) == (None, 13)


@pytest.mark.parametrize(
    ("names", "n_entries", "n_texts"), [("legend", 20, 0), ("map", 0, 20), (None, 0, 0), ("auto", 0, 20)]
)
def test_where_names_stand(names: Any, n_entries: int, n_texts: int) -> None:
    ax = plot_embedding(MAP, np.arange(200) % 20, group_names=names)
    assert len(ax.texts) == n_texts
    assert (0 if ax.get_legend() is None else len(entries(ax))) == n_entries


def test_in_three_dimensions_names_stand_in_the_legend() -> None:
    ax = plot_embedding(np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 20 - 1)
    assert entries(ax) == [*map(str, range(19)), "unlabelled (3)"]


def test_too_many_groups_are_counted_and_not_named() -> None:
    ax = plot_embedding(MAP, [f"s{i % 61}" for i in range(200)])
    assert entries(ax) == ["61 groups, colours repeat"]
    assert len(ax.texts) == 0
    assert len({tuple(colour) for each in scatters(ax) for colour in each.get_facecolors()}) == 61


def test_names_that_matplotlib_would_read_otherwise_are_shown_as_they_are() -> None:
    names = ["_hidden", "$x_1", "a$b$c", r"\frac"]
    for where in ("legend", "map"):
        ax = plot_embedding(MAP, names * 50, group_names=where)  # type: ignore[arg-type]
        shown = entries(ax) if where == "legend" else [text.get_text() for text in ax.texts]
        assert sorted(shown) == sorted(names)
        render(ax.figure)


def test_colour_bar_ends_at_quantiles_with_arrows() -> None:
    numbers = np.arange(200.0) ** 2
    numbers[7] = 1e9
    ax = plot_embedding(MAP, numbers)
    (bar,) = ax.child_axes
    ordered = np.sort(numbers)
    assert bar.get_ylim() == pytest.approx((ordered[1], ordered[198]))
    assert ax.child_axes[0]._colorbar.extend == "both"


@pytest.mark.parametrize(
    ("numbers", "extend", "limits"),
    [
        (np.linspace(0.0, 1.0, 90), "neither", (0.0, 1.0)),
        (np.append(np.linspace(0.0, 1.0, 198), [9.0, 9.5]), "both", None),
        (np.append(np.zeros(150), np.linspace(0.0, 1.0, 50)), "max", None),
        (np.append(np.zeros(199), 0.5), "neither", (0.0, 0.5)),
    ],
)
def test_arrows_only_where_numbers_lie_beyond(numbers: Any, extend: str, limits: Any) -> None:
    ax = plot_embedding(MAP[: len(numbers)], numbers)
    (bar,) = ax.child_axes
    assert bar._colorbar.extend == extend
    assert limits is None or bar.get_ylim() == pytest.approx(limits)


def test_missing_numbers_are_grey_beneath_and_counted() -> None:
    numbers = np.where(np.arange(200) % 4 == 0, np.nan, MAP[:, 0])
    ax = plot_embedding(MAP, numbers, background=MAP, key_title="slant")
    assert entries(ax) == ["no value (50)", "background (200)"]
    _, grey, coloured = scatters(ax)
    assert (len(grey.get_offsets()), len(coloured.get_offsets())) == (50, 150)
    render(ax.figure, dpi=ax.figure.dpi)
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "slant"
    legend = ax.get_legend().get_window_extent()
    assert legend.y1 <= bar.get_window_extent().y0
    assert legend.x0 >= ax.get_window_extent().x1


@pytest.mark.parametrize("n_groups", [3, 12, 60])
@pytest.mark.parametrize("stretch", [[1.0, 1.0], [3.0, 1.0], [1.0, 3.0]])
def test_legends_with_long_names_are_whole(n_groups: int, stretch: list[float]) -> None:
    labels = [f"group {i % n_groups} of the inhabitants of the northern hemisphere" for i in range(200)]
    ax = plot_embedding(MAP * stretch, labels, group_names="legend")
    figure = ax.figure
    render(figure, dpi=figure.dpi)
    legend, inside, page = ax.get_legend().get_window_extent(), ax.get_tightbbox(), figure.bbox
    assert legend.x0 >= ax.get_window_extent().x1
    assert page.x0 <= inside.x0 < inside.x1 <= page.x1
    assert page.y0 <= legend.y0 < legend.y1 <= page.y1


def test_thumbnails_have_the_same_key() -> None:
    ax = plot_thumbnails(MAP, np.zeros((200, 4, 4)), ["u", None, "v", "u"] * 50)
    assert entries(ax) == ["u", "v", "unlabelled (50)"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("short", "short"),
        ("one two three", "one two\nthree"),
        ("one two three four five six", "one two …\nfive six"),
        ("unbreakable", "unbreaka\nble"),
        (" ", " "),
    ],
)
def test_long_names_are_folded(name: str, shown: str) -> None:
    assert folded(name, 8, 2) == shown
