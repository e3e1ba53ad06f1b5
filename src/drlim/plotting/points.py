"""Drawing of the samples of a map as points, from a hundred of them to a million."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drlim._base.arrays import Array
from drlim.plotting.colours import Colouring
from drlim.plotting.figures import Style
from drlim.plotting.palette import MARKERS, background_grey

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw_earlier", "draw_points", "point_area"]

_MOST_AS_SHAPES = 20_000
"""Maximum number of samples that a PDF or SVG draws as shapes. More are drawn as pixels, which keeps the file small."""

_MOST_OPAQUE = 7_000
"""Maximum number of samples whose points are opaque."""

_SMALLER = 0.6
"""Area of the point of a sample without a label, as a share of that of others."""

_BACKGROUND_Z, _UNLABELLED_Z, _LABELLED_Z = 1.0, 1.5, 2.0
"""Drawing order."""


def point_area(n_samples: int) -> float:
    """Return the area of a point in square points, from 36 for few samples to 0.25 for a million."""
    if n_samples <= 20_000 / 3:
        return float(np.clip(20_000 / n_samples, 3, 36))
    return float(max(0.25, 3 * np.sqrt(20_000 / 3 / n_samples)))


def draw_points(ax: Axes, points: Array, colouring: Colouring, point_size: float | None) -> None:
    """Draw samples without a label, then the others in a shuffled, fixed order, one marker after the other."""
    size = point_area(len(points)) if point_size is None else point_size
    common = _style(len(points))
    order = np.random.default_rng(0).permutation(len(points))
    known = colouring.known[order]
    grey, coloured = order[~known], order[known]
    if len(grey):
        _draw_in_order(ax)
        style: Style = {"s": size * _SMALLER, "c": colouring.rgba[grey], "zorder": _UNLABELLED_Z, **common}
        ax.scatter(*points[grey].T, **style)
    for code in np.unique(colouring.markers[coloured]):
        chosen = coloured[colouring.markers[coloured] == code]
        style = {"s": size, "c": colouring.rgba[chosen], "marker": MARKERS[code], "zorder": _LABELLED_Z, **common}
        ax.scatter(*points[chosen].T, **style)


def draw_earlier(ax: Axes, earlier: Array, n_samples: int, point_size: float | None) -> None:
    """Draw earlier samples in light grey, no larger than the ``n_samples`` that will lie over them."""
    _draw_in_order(ax)
    size = point_area(max(len(earlier), n_samples)) if point_size is None else point_size
    style: Style = {
        "s": size,
        "c": background_grey(ax.get_facecolor()),
        "zorder": _BACKGROUND_Z,
        **_style(len(earlier)),
        "alpha": None,
    }
    ax.scatter(*earlier.T, **style)


def _draw_in_order(ax: Axes) -> None:
    """Keep what is beneath there in 3-D axes, which draw collections by their depth otherwise."""
    from mpl_toolkits.mplot3d import Axes3D

    if isinstance(ax, Axes3D):
        ax.computed_zorder = False


def _style(n_samples: int) -> Style:
    """Return what points have in common: no outline; transparent where many overlap; pixels where shapes are many."""
    alpha = None if n_samples <= _MOST_OPAQUE else float(np.clip((_MOST_OPAQUE / n_samples) ** 0.2, 0.35, 1.0))
    return {"linewidths": 0, "alpha": alpha, "rasterized": n_samples > _MOST_AS_SHAPES}
