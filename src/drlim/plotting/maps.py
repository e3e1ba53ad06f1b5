"""A map as points, in two dimensions or three, and as a density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.checks import check_parameters, check_points, integer_in, real_in, short_repr
from drlim.plotting._colours import MARKERS, colour_samples, draw_key
from drlim.plotting.figures import (
    Floats,
    axes_for,
    check_cmap,
    check_map,
    new_figure,
    quiet,
    require_matplotlib,
    tidy,
)
from drlim.plotting.thumbnails import plot_thumbnails

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_density", "plot_embedding", "plot_views"]

_VIEWS = ((90, -90), (25, -60), (25, 12), (25, 84), (0, 0))
"""Elevation and azimuth of the eye, in degrees: from above, three times from aside, and along the first axis."""


def plot_embedding(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    images: ArrayLike | None = None,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
) -> Axes:
    """Draw a map as points, coloured by class or by a number.

    Strings, truth values and up to ten distinct whole numbers are classes, with a legend beside the axes; any
    other numbers are a quantity, with a colour bar. Points are drawn in a shuffled, fixed order, so that no class
    covers another.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2) or (n_samples, 3)
        The map. Three columns are drawn in three dimensions.
    labels : array-like, shape (n_samples,), default=None
        A class or a number for each sample.
    images : array-like, shape (n_samples, [channels,] height, width), default=None
        Thumbnails to lay on a 2-D map with :func:`plot_thumbnails`, at its default sizes.
    ax : matplotlib.axes.Axes, default=None
        Where to draw; for a 3-D map made with ``projection="3d"``. None makes a figure.
    point_size : float, default=None
        Area of a point in square points (1/72 inch), in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for a quantity; "twilight" suits an angle.
    key_title : str, default=None
        What the labels are; stands over the legend or beside the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect: distance on the page is distance on the map.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has neither 2 nor 3 columns or is not finite, lengths differ, or a number is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_embedding([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]], ["four", "nine", "four"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['four', 'nine']
    """
    require_matplotlib()
    points = check_map(Z, (2, 3) if images is None else (2,))
    check_parameters({"point_size": point_size}, {"point_size": [real_in(0.0), None]}, "plot_embedding")
    colouring = colour_samples(labels, len(points), cmap, "plot_embedding")
    ax = axes_for(ax, points.shape[1], "plot_embedding")
    size = float(np.clip(20_000 / len(points), 3, 36)) if point_size is None else point_size
    order = np.random.default_rng(0).permutation(len(points))
    for code in np.unique(colouring.markers):
        chosen = order[colouring.markers[order] == code]
        style: dict[str, Any] = {"s": size, "c": colouring.rgba[chosen], "marker": MARKERS[code]}
        ax.scatter(*points[chosen].T, linewidths=0, zorder=2, **style)
    tidy(ax)
    draw_key(ax, colouring, key_title)
    if images is not None:
        plot_thumbnails(points, images, labels, ax=ax, cmap=cmap)
    return ax


def plot_views(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    views: Sequence[tuple[float, float]] = _VIEWS,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
) -> list[Axes]:
    """Draw a 3-D map from several viewing angles, side by side, as the paper's figures 7 and 8 do.

    The map is turned so that its principal axes lie along z_1, z_2 and z_3; distances stay.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 3)
        The map.
    labels : array-like, shape (n_samples,), default=None
        A class or a number for each sample, as in :func:`plot_embedding`.
    views : sequence of (float, float), default five
        Elevation and azimuth of the eye, in degrees.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for a quantity; "twilight" suits an angle.
    key_title : str, default=None
        What the labels are.

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each view, in one figure; the key stands beside the last.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not 3 columns, ``views`` are not pairs of numbers, or labels do not fit.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> len(plot_views([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]], ["a", "b", "c"]))
    5
    """
    require_matplotlib()
    points = check_map(Z, (3,))
    angles = check_points(views, name="views")
    if angles.shape[1] != 2:
        raise ValueError(f"Expected 'views' to be pairs (elevation, azimuth) in degrees. Got {short_repr(views)}.")
    check_parameters({"point_size": point_size}, {"point_size": [real_in(0.0), None]}, "plot_views")
    colouring = colour_samples(labels, len(points), cmap, "plot_views")
    turned = _along_principal_axes(points)
    size = float(np.clip(4_000 / len(points), 3, 24)) if point_size is None else point_size
    panels = []
    figure = new_figure((3.1 * len(angles), 3.3))
    for place, (elevation, azimuth) in enumerate(angles, start=1):
        ax = figure.add_subplot(1, len(angles), place, projection="3d")
        style: dict[str, Any] = {"s": size, "c": colouring.rgba}
        ax.scatter(*turned.T, linewidths=0, **style)
        ax.view_init(elev=elevation, azim=azimuth)
        tidy(ax)
        ax.set(xticks=[], yticks=[], zticks=[], xlabel="", ylabel="", zlabel="")  # seen end on, labels would pile up
        ax.set_box_aspect(None, zoom=1.1)
        ax.set_aspect("equal")
        panels.append(ax)
    draw_key(panels[-1], colouring, key_title)
    return panels


def plot_density(Z: ArrayLike, *, bins: int = 100, ax: Axes | None = None, cmap: str = "viridis") -> Axes:
    """Draw how many samples lie in each cell of a grid over a 2-D map, on a logarithmic scale.

    A degenerate map, with most of its samples in a few cells, is told at a glance.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    bins : int, default=100
        Cells along each side of the map's bounding box, at least 1.
    ax : matplotlib.axes.Axes, default=None
        Where to draw. None makes a figure.
    cmap : str, default="viridis"
        matplotlib's colour map; empty cells stay white.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not 2 columns or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_density([[0.0, 0.0], [0.0, 0.0], [1.0, 1.0]], bins=2)
    >>> float(ax.collections[0].get_array().max())
    2.0
    """
    require_matplotlib()
    from matplotlib.colors import LogNorm

    points = check_map(Z, (2,))
    check_parameters({"bins": bins}, {"bins": [integer_in(1)]}, "plot_density")
    check_cmap("cmap", cmap, "plot_density")
    ax = axes_for(ax, 2, "plot_density", figsize=(6.4, 5.4))
    counts, x, y = np.histogram2d(points[:, 0], points[:, 1], bins=bins)
    shown = np.ma.masked_equal(counts.T, 0)
    cells = ax.pcolormesh(x, y, shown, cmap=cmap, norm=LogNorm(1, max(2.0, counts.max())), rasterized=True)
    bar = ax.figure.colorbar(cells, ax=ax, shrink=0.6, label="samples in a cell")
    bar.outline.set_visible(False)
    ax.set(xlabel="$z_1$", ylabel="$z_2$")
    quiet(ax)
    return ax


def _along_principal_axes(points: Floats) -> Floats:
    """Turn points so that their principal axes, made the same way whatever the signs of the SVD, are the axes."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]  # (d, 3), d below 3 for fewer points
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    turned: Floats = np.zeros_like(centred)
    turned[:, : len(axes)] = centred @ axes.T  # (n, 3)
    return turned
