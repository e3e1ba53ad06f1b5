"""Pictures of what metrics found: what is drawn, where, and what is refused."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from drlim import NeighborhoodGraph
from drlim.metrics import InvarianceReport, InvarianceRow, Tension, tension
from drlim.plotting import plot_invariance, plot_tension
from drlim.plotting.figures import DISSIMILAR

ROWS = (
    InvarianceRow("shift", "transform", 9, 0.6, 0.3, 1.4, 0.9, 0.5, 0.8, 0.005, "not invariant"),
    InvarianceRow("light", "class", 0, None, None, None, 0.2, 0.25, -0.07, 0.9, "invariant"),
)
REPORT = InvarianceReport(ROWS, "not invariant", 20, 1.5, 200)

Z = np.random.default_rng(0).normal(size=(40, 2))
GRAPH = NeighborhoodGraph.from_pairs(40, [(i, i + 1) for i in range(0, 40, 2)])


def bars(ax: Axes) -> list[Any]:
    return [container for container in ax.containers if isinstance(container, BarContainer)]


def widths(ax: Axes) -> list[list[float]]:
    return [[bar.get_width() for bar in container] for container in bars(ax)]


def assert_nothing_is_clipped(ax: Axes) -> None:
    """All that is drawn lies inside the figure, and no two texts overlap."""
    figure: Any = ax.figure
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = figure.get_tightbbox(canvas.get_renderer())  # inches
    assert min(drawn.x0, drawn.y0) >= 0
    width, height = figure.get_size_inches()
    assert drawn.x1 <= width
    assert drawn.y1 <= height
    texts = [*ax.texts, *ax.get_legend().get_texts(), *ax.get_yticklabels()]
    boxes = [text.get_window_extent() for text in texts]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_bars_are_as_long_as_the_numbers() -> None:
    ax = plot_invariance(REPORT)
    ratios, told = widths(ax)
    assert ratios == [0.6]  # the other is not known
    assert told == [0.8, 0.0]  # below chance is nothing
    (whiskers,) = bars(ax)[0].errorbar[2]
    np.testing.assert_allclose(whiskers.get_segments()[0][:, 0], [0.3, 1.4])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["shift", "light"]
    assert [text.get_text() for text in ax.texts] == ["not invariant", "invariant"]
    assert sorted(line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":") == [0.2, 0.5]
    assert ax.get_xlim()[0] == 0.0
    assert ax.get_xlim()[1] > 1.4
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row on top


def test_a_collapsed_map_has_no_ratios() -> None:
    row = ROWS[1]._replace(verdict="collapsed")
    assert widths(plot_invariance(replace(REPORT, rows=(row,), verdict="collapsed"))) == [[], [0.0]]


def test_texts_of_many_rows_and_long_names_stay_apart() -> None:
    assert_nothing_is_clipped(plot_invariance(REPORT))
    rows = tuple(ROWS[0]._replace(name=f"a rather long name of a column {place}") for place in range(15))
    assert_nothing_is_clipped(plot_invariance(replace(REPORT, rows=rows)))


def test_axes_of_ones_own_are_drawn_on() -> None:
    for draw in (lambda ax: plot_invariance(REPORT, ax), lambda ax: plot_tension(Z, tension(Z, GRAPH), ax=ax)):
        ax = Figure(layout="constrained").add_subplot()
        assert draw(ax) is ax


@pytest.fixture(scope="module")
def found() -> Tension:
    return tension(Z, GRAPH)


def test_pairs_are_joined_and_ringed(found: Tension) -> None:
    ax = plot_tension(Z, found, n_pairs=3)
    (lines,) = [artist for artist in ax.collections if isinstance(artist, LineCollection)]
    np.testing.assert_array_equal(np.array(lines.get_segments()), Z[found.similar.pairs[:3]])
    _, rings = [artist for artist in ax.collections if isinstance(artist, PathCollection)]
    np.testing.assert_allclose(rings.get_offsets(), Z[found.dissimilar.pairs[:3]].mean(axis=1))
    assert to_hex(rings.get_edgecolor()[0]) == DISSIMILAR["color"]
    assert len(rings.get_facecolor()) == 0
    assert ax.get_aspect() == 1.0


def test_samples_are_coloured_by_energy_the_highest_on_top(found: Tension) -> None:
    scatter = plot_tension(Z, found, point_size=9.0).collections[0]
    order = np.argsort(found.energy, kind="stable")
    np.testing.assert_array_equal(scatter.get_offsets(), Z[order])
    np.testing.assert_allclose(scatter.get_array(), found.energy[order] / found.energy.mean())
    assert scatter.get_clim() == (0.0, pytest.approx(np.quantile(found.energy / found.energy.mean(), 0.99)))
    assert scatter.get_sizes().tolist() == [9.0]
    assert plot_tension(Z, found, cmap="plasma").collections[0].get_cmap().name == "plasma"


def test_nothing_to_draw_is_no_error(found: Tension) -> None:
    assert plot_tension(Z, found, n_pairs=0).get_legend() is None
    rest = tension(100 * Z, NeighborhoodGraph.from_pairs(40, []))
    assert plot_tension(Z, rest).get_legend() is None


def test_texts_stay_apart(found: Tension) -> None:
    assert_nothing_is_clipped(plot_tension(Z, found))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda found: plot_invariance(found), "Expected 'report' to be what metrics.invariance_report returns."),
        (lambda found: plot_invariance(REPORT, ax=3), "The 'ax' parameter of plot_invariance"),
        (lambda found: plot_tension(Z, REPORT), "Expected 'tension' to be what metrics.tension returns."),
        (lambda found: plot_tension(Z[:9], found), "Got 9 in 'Z' and 40 in 'tension'."),
        (lambda found: plot_tension(np.zeros((40, 3)), found), "Expected 'Z' to have 2 columns to be drawn. Got 3."),
        (lambda found: plot_tension(Z, found, n_pairs=-1), "The 'n_pairs' parameter of plot_tension"),
        (lambda found: plot_tension(Z, found, point_size=0), "The 'point_size' parameter of plot_tension"),
        (lambda found: plot_tension(Z, found, cmap="none"), "The 'cmap' parameter of plot_tension"),
        (lambda found: plot_tension(Z, found, ax=3), "The 'ax' parameter of plot_tension"),
    ],
)
def test_refusals(call: Any, message: str, found: Tension) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as refusal:
        call(found)
    assert len(str(refusal.value)) <= 600
