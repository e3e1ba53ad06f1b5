"""Pictures of two reports of `drlim.metrics`: invariance and tension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, check_same_length, integer_in, real_in, short_repr
from drlim.plotting.figures import (
    DISSIMILAR,
    GREY,
    SIMILAR,
    Style,
    axes_for,
    check_cmap,
    check_map,
    new_figure,
    note,
    quiet,
    require_matplotlib,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from drlim.metrics import InvarianceReport, Tension

__all__ = ["plot_invariance", "plot_tension"]

_BRIGHTEST = 0.99
"""Quantile of the energies at which the colours end: a few wrong pairs would otherwise darken all other samples."""

_BAR = 0.36
"""Height of a bar, in rows; each row has two."""

_RATIO: Style = {"color": "#3f90da", "label": "distance of copies / of unrelated samples"}
_PREDICTED: Style = {"color": "#ffa90e", "label": "told by the position, chance taken out"}


def plot_invariance(report: InvarianceReport, ax: Axes | None = None) -> Axes:
    """Draw what `drlim.metrics.invariance_report` found, two bars for each nuisance.

    The upper bar is the distance of copies divided by that of unrelated samples; its whisker covers the middle 80 % of
    the copies. The lower bar is how well the nuisance is predicted from the position, on a scale where chance is 0. For
    an invariant map both are 0. They are 1 if copies are as far apart as unrelated samples, and if the prediction is
    certain. Dotted lines separate the verdicts, which are written on the right.

    Parameters
    ----------
    report : InvarianceReport
        Result of `drlim.metrics.invariance_report`.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on. None makes a figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    TypeError
        When ``report`` is of another type.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.metrics import invariance_report
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> ax = plot_invariance(invariance_report(lambda batch: batch, X, {"moved": lambda batch: batch + 1.0}))
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['moved']
    """
    require_matplotlib()
    from drlim.metrics.invariance import FAINT, STRONG, InvarianceReport

    if not isinstance(report, InvarianceReport):
        raise TypeError(f"Expected 'report' to be what metrics.invariance_report returns. Got {short_repr(report)}.")
    rows = report.rows
    if ax is None:
        ax = new_figure((7.0, 1.5 + 0.55 * len(rows))).add_subplot()
    ax = axes_for(ax, 2, "plot_invariance")
    places = np.arange(len(rows), dtype=np.float64)
    _draw_bars(ax, report, places)
    for end in (FAINT, STRONG):
        ax.axvline(end, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
    for place, row in zip(places, rows, strict=True):
        note(ax, row.verdict, (1.0, place), ax.get_yaxis_transform(), (6, -3), "left")
    ax.set_yticks(places, [row.name for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(0.0, max(1.05, ax.get_xlim()[1]))
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
    quiet(ax)
    return ax


def plot_tension(
    Z: ArrayLike,
    tension: Tension,
    *,
    n_pairs: int = 30,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
) -> Axes:
    """Draw a map coloured by the energy of each sample, and the worst pairs on top.

    A dashed line joins the samples of a similar pair. A ring marks a dissimilar pair, whose samples are close.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    tension : Tension
        Result of `drlim.metrics.tension` for this map.
    n_pairs : int, default=30
        Maximum number of pairs of each kind to draw, at least 0.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on. None makes a figure.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map of the energies, in units of their mean. The highest 1 % of them share one colour.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have 2 columns and one row for each sample of ``tension``, or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> from drlim.metrics import tension
    >>> Z = [[0.0, 0.0], [0.1, 0.0], [2.0, 0.0]]
    >>> ax = plot_tension(Z, tension(Z, NeighborhoodGraph.from_pairs(3, [(0, 2)])))
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['most stretched similar pairs', 'most violated dissimilar pairs']
    """
    require_matplotlib()
    from drlim.metrics.energy import Tension

    if not isinstance(tension, Tension):
        raise TypeError(f"Expected 'tension' to be what metrics.tension returns. Got {short_repr(tension)}.")
    points = check_map(Z, (2,))
    check_same_length(len(points), "Z", len(tension.energy), "tension")
    accepted = {"n_pairs": [integer_in(0)], "point_size": [real_in(0.0), None]}
    check_parameters({"n_pairs": n_pairs, "point_size": point_size}, accepted, "plot_tension")
    check_cmap("cmap", cmap, "plot_tension")
    ax = axes_for(ax, 2, "plot_tension")
    _draw_energies(ax, points, tension.energy, point_size, cmap)
    _draw_pairs(ax, points, tension, n_pairs)
    tidy(ax)
    return ax


def _draw_energies(ax: Axes, points: Array, energy: Array, point_size: float | None, cmap: str) -> None:
    """Draw the samples, those of high energy on top, with a colour bar."""
    share = energy / (energy.mean() or 1.0)
    order = np.argsort(share, kind="stable")
    size = float(np.clip(20_000 / len(points), 3, 36)) if point_size is None else point_size
    end = float(np.quantile(share, _BRIGHTEST)) or 1.0
    style: Style = {"s": size, "c": share[order], "cmap": cmap, "vmin": 0.0, "vmax": end}
    drawn = ax.scatter(*points[order].T, linewidths=0, zorder=2, **style)
    beside = ax.inset_axes((1.03, 0.0, 0.03, 1.0))
    bar = ax.figure.colorbar(drawn, cax=beside, label="energy of a sample / mean", extend="max", extendfrac=0.02)
    bar.outline.set_visible(False)


def _draw_pairs(ax: Axes, points: Array, tension: Tension, n_pairs: int) -> None:
    """Join the worst similar pairs, ring the worst dissimilar ones, and draw a legend above the axes."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    stretched, pressed = tension.similar.pairs[:n_pairs], tension.dissimilar.pairs[:n_pairs]
    handles: list[Artist] = []
    if len(stretched):
        lines = LineCollection(list(points[stretched]), linewidths=1.0, zorder=3, **SIMILAR)
        ax.add_collection(lines, autolim=False)
        handles.append(Line2D([], [], linewidth=1.0, label="most stretched similar pairs", **SIMILAR))
    if len(pressed):
        ring: Style = {"s": 60, "marker": "o", "facecolors": "none", "edgecolors": DISSIMILAR["color"]}
        middles = points[pressed].mean(axis=1)  # (k, 2)
        handles.append(ax.scatter(*middles.T, zorder=4, label="most violated dissimilar pairs", **ring))
    if handles:
        ax.legend(handles=handles, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)


def _draw_bars(ax: Axes, report: InvarianceReport, places: Array) -> None:
    """Draw the ratios above and the predictions below; unknown ratios are left out."""
    known = [(place, row) for place, row in zip(places, report.rows, strict=True) if row.ratio is not None]
    low, middle, high = np.array([[row.ratio_low, row.ratio, row.ratio_high] for _, row in known]).reshape(-1, 3).T
    at = [place - _BAR / 2 for place, _ in known]
    whiskers = np.stack([middle - low, high - middle])  # (2, r)
    ax.barh(at, middle, _BAR, xerr=whiskers, ecolor="black", error_kw={"linewidth": 0.8, "capsize": 2}, **_RATIO)
    ax.barh(places + _BAR / 2, [max(0.0, row.told) for row in report.rows], _BAR, **_PREDICTED)
