"""Pictures of a map: as points, in two or three dimensions, and as a density."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import StrOptions, check_parameters, check_points, integer_in, real_in, short_repr
from drlim.plotting.colours import colour_samples
from drlim.plotting.figures import (
    Style,
    axes_for,
    check_cmap,
    check_map,
    new_figure,
    page_of,
    quiet,
    require_matplotlib,
    settle,
    tidy,
)
from drlim.plotting.keys import draw_key, extra_width, key_entries
from drlim.plotting.points import draw_earlier, draw_points
from drlim.plotting.thumbnails import plot_thumbnails

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_density", "plot_embedding", "plot_views"]

GroupNames = Literal["auto", "legend", "map"] | None

_MOST_IN_LEGEND = 12
"""Maximum number of groups that are named in a legend unless the caller chooses."""

_MOST_NUMBERS_IN_VIEWS = 10
"""Maximum number of distinct whole numbers that are names of groups in `plot_views`."""

_VIEWS = ((90, -90), (25, -60), (25, 12), (25, 84), (0, 0))
"""Elevation and azimuth of the viewer, in degrees: from above, from three sides, and along the first axis."""


def plot_embedding(
    Z: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    images: ArrayLike | None = None,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
    background: ArrayLike | None = None,
    group_names: GroupNames = "auto",
) -> Axes:
    """Draw a map as points, coloured by group or by a number.

    Strings, truth values and up to 60 distinct integers are names of groups. So are whole numbers of floating point: up
    to 10 of them, or up to 60 where labels are missing, because pandas stores integers with gaps as floats. Other
    numbers get a colour bar, which ends at the 1 % and 99 % quantiles; arrows mark ends with numbers beyond. To get a
    colour bar for integers, pass them as floats. More than 60 dates are numbers, in years such as 2020.5.

    Groups are in natural order: "2" before "10", "a2" before "a10". Each has a colour of its own; beyond 60 groups,
    colours repeat and no group is named. Samples without a label are grey, smaller and beneath the others, and the
    legend gives their number. A label is missing if it is None, NaN, NA, masked or blank, or if it is -1 and the others
    are strings or integers from 0 on; -1 beside 1 alone is a group. Labelled points are drawn in a shuffled, fixed
    order, so that no group covers another.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2) or (n_samples, 3)
        The map. Three columns are drawn in three dimensions.
    labels : array-like, shape (n_samples,), default=None
        The name of a group or a number for each sample.
    images : array-like, shape (n_samples, [channels,] height, width), default=None
        Images of the samples, drawn on a 2-D map by :func:`plot_thumbnails` with its default sizes.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on; for a 3-D map they are made with ``projection="3d"``. None makes a figure, which is wider for
        a wide legend.
    point_size : float, default=None
        Area of a point in square points (1/72 inch), in (0, inf). None makes points smaller, and beyond 7,000 samples
        more transparent, as their number grows. Beyond 20,000 samples, points in a PDF or SVG are pixels.
    cmap : str, default="viridis"
        matplotlib's colour map for numbers; "twilight" suits an angle.
    key_title : str, default=None
        Title of the legend or of the colour bar.
    background : array-like, shape (n_earlier, same number of columns as Z), default=None
        Positions of earlier samples on the same map, drawn in light grey beneath the others.
    group_names : {"auto", "legend", "map"} or None, default="auto"
        Where the names of the groups stand: in a legend beside the axes; on the map; or nowhere. "auto" takes the map
        for more than 12 groups in two dimensions, and the legend otherwise. On the map, a name stands at the sample
        nearest to the median of its group, or above a group that it would hide, or as close to there as there is room,
        with a thin line. A name without room is left out.

    Returns
    -------
    matplotlib.axes.Axes
        Axes of equal aspect, so that distances on the page are proportional to distances on the map.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` is not finite with 2 or 3 columns, lengths or numbers of columns differ, labels are both numbers and
        strings, a parameter is out of range, or names are wanted on a map with 3 columns.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_embedding([[0.0, 0.0], [1.0, 2.0], [2.0, 0.0]], ["nine", "", "four"])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['four', 'nine', 'unlabelled (1)']
    """
    require_matplotlib()
    points = check_map(Z, (2, 3) if images is None else (2,))
    parameters = {"point_size": point_size, "group_names": group_names}
    accepted = {"point_size": [real_in(0.0), None], "group_names": [StrOptions({"auto", "legend", "map"}), None]}
    check_parameters(parameters, accepted, "plot_embedding")
    earlier = None if background is None else _check_background(background, points.shape[1])
    page = page_of(ax)
    colouring = colour_samples(labels, len(points), cmap, "plot_embedding", page=page)
    place = _place_of_names(group_names, len(colouring.groups), points.shape[1])
    n_earlier = 0 if earlier is None else len(earlier)
    entries = key_entries(colouring, page, with_groups=place == "legend", n_background=n_earlier)
    wider = 0.0 if ax is not None else extra_width(entries, key_title)
    ax = axes_for(ax, points.shape[1], "plot_embedding", figsize=(7.5 + wider, 6.4))
    if earlier is not None:
        draw_earlier(ax, earlier, len(points), point_size)
    draw_points(ax, points, colouring, point_size)
    tidy(ax)
    draw_key(ax, colouring, key_title, entries)
    if images is not None:
        plot_thumbnails(points, images, labels, ax=ax, cmap=cmap)
    if place == "map" and colouring.groups:
        from drlim.plotting.names import draw_names  # imports matplotlib

        draw_names(ax, points, colouring)
    if wider > 0:
        settle(ax)
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

    The map is rotated first so that its principal axes are z_1, z_2 and z_3. Distances do not change.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 3)
        The map.
    labels : array-like, shape (n_samples,), default=None
        The name of a group or a number for each sample, as in :func:`plot_embedding`, except that more than ten
        distinct whole numbers get a colour bar.
    views : sequence of (float, float), default five
        Elevation and azimuth of the viewer, in degrees.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map for a quantity; "twilight" suits an angle.
    key_title : str, default=None
        Title of the legend or of the colour bar.

    Returns
    -------
    list of matplotlib.axes.Axes
        One for each view, in one figure. The key is beside the last one.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have 3 columns, ``views`` are not pairs of numbers, or lengths differ.
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
    colouring = colour_samples(labels, len(points), cmap, "plot_views", most_numbers=_MOST_NUMBERS_IN_VIEWS)
    turned = _along_principal_axes(points)  # (n, 3)
    size = float(np.clip(4_000 / len(points), 3, 24)) if point_size is None else point_size
    panels = []
    figure = new_figure((3.1 * len(angles), 3.3))
    for place, (elevation, azimuth) in enumerate(angles, start=1):
        ax = figure.add_subplot(1, len(angles), place, projection="3d")
        style: Style = {"s": size, "c": colouring.rgba}
        ax.scatter(*turned.T, linewidths=0, **style)
        ax.view_init(elev=elevation, azim=azimuth)
        tidy(ax)
        # Labels of an axis seen end on would overlap.
        ax.set(xticks=[], yticks=[], zticks=[], xlabel="", ylabel="", zlabel="")
        ax.set_box_aspect(None, zoom=1.1)
        ax.set_aspect("equal")
        panels.append(ax)
    draw_key(panels[-1], colouring, key_title)
    return panels


def plot_density(Z: ArrayLike, *, bins: int = 100, ax: Axes | None = None, cmap: str = "viridis") -> Axes:
    """Draw how many samples lie in each cell of a grid over a 2-D map, on a logarithmic scale.

    A degenerate map is easy to recognise: most of its samples are in a few cells.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    bins : int, default=100
        Number of cells along each side of the map's bounding box, at least 1.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on. None makes a figure.
    cmap : str, default="viridis"
        matplotlib's colour map; empty cells stay white.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have 2 columns or a parameter is out of range.
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


def _check_background(background: ArrayLike, columns: int) -> Array:
    """Return the positions of earlier samples (n_earlier, d), or refuse them."""
    earlier = check_points(background, name="background")
    if earlier.shape[1] != columns:
        raise ValueError(
            f"Expected 'background' to have {columns} columns, as 'Z' has. Got {earlier.shape[1]}. "
            "Map the earlier samples with the same model."
        )
    return earlier


def _place_of_names(wanted: GroupNames, n_groups: int, columns: int) -> GroupNames:
    """Return where the names of groups stand."""
    if wanted == "map" and columns == 3:
        raise ValueError("Expected a map of 2 columns for group_names='map'. Got 3. Take group_names='legend'.")
    if wanted != "auto":
        return wanted
    return "map" if n_groups > _MOST_IN_LEGEND and columns == 2 else "legend"


def _along_principal_axes(points: Array) -> Array:
    """Rotate points (n, 3) so that their principal axes are the axes. The signs do not depend on those of the SVD."""
    centred = points - points.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2]  # (d, 3), d below 3 for fewer points
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    turned: Array = np.zeros_like(centred)
    turned[:, : len(axes)] = centred @ axes.T  # (n, 3)
    return turned
