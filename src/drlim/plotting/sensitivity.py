"""Pictures of what moves the points of a map: numbers as colours, velocities as arrows, slopes by pixel as images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_parameters, check_points, check_same_length, integer_in, real_in
from drlim.plotting.colours import colour_samples
from drlim.plotting.figures import GREY, Style, axes_for, check_map, page_of, require_matplotlib, tidy
from drlim.plotting.keys import draw_key
from drlim.plotting.palette import background_grey
from drlim.plotting.points import draw_points
from drlim.plotting.thumbnails import spaced_samples, spaced_thumbnails

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import ColorType

__all__ = ["plot_sensitivity"]

_SPACING = 0.06
"""Least distance between two arrows, as a share of the longer side of the map, and the length of a long arrow."""

_LONG = 0.9
"""Quantile of the lengths that is drawn as long as the arrows are apart."""

_BRIGHT = 0.99
"""Quantile of the absolute slopes at which the colours of images end."""

_IMAGE_CMAP = "RdBu_r"


def plot_sensitivity(
    Z: ArrayLike,
    values: ArrayLike | None = None,
    *,
    arrows: ArrayLike | None = None,
    images: ArrayLike | None = None,
    log: bool = False,
    ax: Axes | None = None,
    point_size: float | None = None,
    cmap: str = "viridis",
    key_title: str | None = None,
    size: float = 0.06,
    max_marks: int = 150,
) -> Axes:
    """Draw over a map how its points depend on their samples.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    values : array-like, shape (n_samples,), default=None
        A number for each sample, drawn as a colour, such as `drlim.metrics.area_distortion` or the spread that
        `drlim.metrics.uncertainty` finds. Colours end at the 1 % and 99 % quantiles. None draws light grey points.
    arrows : array-like, shape (n_samples, 2), default=None
        How each point moves: a velocity that `drlim.metrics.local_invariance` finds, or the derivative by one feature,
        ``jacobian(model, X)[:, :, 5]``. All arrows have one scale, which a key gives; 9 in 10 are no longer than the
        space that each has.
    images : array-like, shape (n_samples, height, width), default=None
        Slopes by pixel, signed, as `drlim.metrics.saliency` gives them with a direction: red where a brighter pixel
        moves the point that way, blue where it moves it back. All have one scale, whose ends are the 99 % quantile.
    log : bool, default=False
        Whether colours are by the decimal logarithm of ``values``, which then must be positive: for stretches that
        range over several powers of ten.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on. None makes a figure.
    point_size : float, default=None
        Area of a point in square points, in (0, inf). None shrinks points as their number grows.
    cmap : str, default="viridis"
        matplotlib's colour map of ``values``.
    key_title : str, default=None
        Title of the colour bar.
    size : float, default=0.06
        Longer side of an image, as a share of the longer side of the map, in (0, 1].
    max_marks : int, default=150
        Maximum number of arrows and of images, at least 1. They are spread over the map.

    Returns
    -------
    matplotlib.axes.Axes
        Of equal aspect.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have 2 columns, lengths or shapes do not fit, there is nothing to draw, or ``values`` are
        not positive with ``log``.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> ax = plot_sensitivity([[0.0, 0.0], [1.0, 2.0]], [0.5, 20.0], arrows=[[0.0, 1.0], [2.0, 0.0]], log=True)
    >>> len(ax.collections)
    2
    """
    require_matplotlib()
    points = check_map(Z, (2,))
    parameters = {"log": log, "point_size": point_size, "size": size, "max_marks": max_marks}
    accepted = {
        "log": ["boolean"],
        "point_size": [real_in(0.0), None],
        "size": [real_in(0.0, 1.0, closed="right")],
        "max_marks": [integer_in(1)],
    }
    check_parameters(parameters, accepted, "plot_sensitivity")
    numbers, moves, slopes = _check_drawn(values, arrows, images, len(points), log=log)
    page = page_of(ax)
    colouring = colour_samples(numbers, len(points), cmap, "plot_sensitivity", page=page, most_numbers=0)
    if numbers is None:
        colouring = replace(colouring, rgba=_grey(page, len(points)))
    ax = axes_for(ax, 2, "plot_sensitivity")
    draw_points(ax, points, colouring, point_size)
    tidy(ax)
    draw_key(ax, colouring, f"log10 {key_title or ''}".strip() if log else key_title)
    if slopes is not None:
        spaced_thumbnails(ax, points, slopes, size, max_marks, _IMAGE_CMAP)
    if moves is not None:
        _draw_arrows(ax, points, moves, max_marks)
    return ax


def _grey(page: ColorType, n_samples: int) -> Floats:
    """Return one light grey for all points, (n, 4), beneath arrows and images."""
    from matplotlib.colors import to_rgba

    return np.tile(to_rgba(background_grey(page)), (n_samples, 1))


def _check_drawn(
    values: ArrayLike | None, arrows: ArrayLike | None, images: ArrayLike | None, n_samples: int, *, log: bool
) -> tuple[Floats | None, Floats | None, Floats | None]:
    """Return numbers, arrows and shades of images, None where they are not given; refuse what does not fit."""
    if values is None and arrows is None and images is None:
        raise ValueError("Expected 'values', 'arrows' or 'images' to draw over the map. Got none of them.")
    return (
        None if values is None else _check_values(values, n_samples, log=log),
        None if arrows is None else _check_arrows(arrows, n_samples),
        None if images is None else _check_slopes(images, n_samples),
    )


def _check_values(values: ArrayLike, n_samples: int, *, log: bool) -> Floats:
    """Return numbers (n,), or their logarithms, or refuse them."""
    column = np.asarray(values)
    if column.ndim != 1:
        raise ValueError(f"Expected 'values' to be 1-D, one number a sample. Got shape {column.shape}.")
    check_same_length(len(column), "values", n_samples, "Z")
    numbers = check_points(column[:, None], name="values")[:, 0].astype(np.float64)
    if not log:
        return numbers
    if (numbers <= 0).any():
        place = int(np.argmin(numbers))
        raise ValueError(
            f"Expected 'values' to be positive for log=True. Got {numbers[place]:.3g} of sample {place}: take "
            "log=False."
        )
    return np.asarray(np.log10(numbers), dtype=np.float64)


def _check_arrows(arrows: ArrayLike, n_samples: int) -> Floats:
    moves = check_points(arrows, name="arrows").astype(np.float64)
    check_same_length(len(moves), "arrows", n_samples, "Z")
    if moves.shape[1] != 2:
        raise ValueError(f"Expected 'arrows' to have 2 columns, as the map has. Got {moves.shape[1]}.")
    return moves


def _check_slopes(images: ArrayLike, n_samples: int) -> Floats:
    """Return images of slopes (n, h, w) in [0, 1], of which .5 is a slope of 0, or refuse them."""
    pictures = np.asarray(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]
    if pictures.ndim != 3:
        raise ValueError(
            f"Expected 'images' to be slopes by pixel, (n_samples, height, width). Got shape {pictures.shape}."
        )
    check_same_length(len(pictures), "images", n_samples, "Z")
    slopes = check_points(pictures, name="images", ndim=None).astype(np.float64)
    end = float(np.quantile(np.abs(slopes), _BRIGHT)) or float(np.abs(slopes).max()) or 1.0
    shades: Floats = np.clip(0.5 + slopes / (2 * end), 0.0, 1.0)
    return shades


def _draw_arrows(ax: Axes, points: Array, moves: Floats, most: int) -> None:
    """Draw arrows of one scale at samples that are spread over the map, and a key of their length."""
    extent = float(np.ptp(points, axis=0).max()) or 1.0
    chosen = spaced_samples(points, np.full(2, _SPACING * extent), most)
    lengths = np.linalg.norm(moves[chosen], axis=1)
    long = float(np.quantile(lengths, _LONG)) or float(lengths.max()) or 1.0
    style: Style = {"angles": "xy", "scale_units": "xy", "scale": long / (_SPACING * extent), "zorder": 5}
    drawn = ax.quiver(*points[chosen].T, *moves[chosen].T, width=0.003, headwidth=4, color="black", **style)
    unit = float(f"{long:.1g}")
    ax.quiverkey(drawn, 0.9, 1.03, unit, f"{unit:g}", labelpos="W", coordinates="axes", color=GREY, labelcolor=GREY)
    ends = points[chosen] + moves[chosen] / style["scale"]
    ax.update_datalim(np.concatenate([points, ends]))
    ax.autoscale_view()
