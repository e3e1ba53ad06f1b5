"""Names of groups on a map, each near the middle of its group, without overlap.

This file imports matplotlib where it begins, unlike the others of this folder: import it inside functions. The places
of the names depend on the size of the axes on the page, so they are found anew each time that the axes are drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.transforms import IdentityTransform

from drlim._base.arrays import Array, Floats
from drlim.plotting.colours import Colouring
from drlim.plotting.keys import folded

__all__ = ["draw_names", "group_middles", "place_boxes"]

_WIDTH = 18
"""Maximum number of characters in a line of a name."""

_SIZES = ((20, 10.0), (40, 9.0), (60, 8.0))
"""Maximum number of names and the size of their letters in points."""

_GAP = 2.0
"""Minimum gap between two names, and between a name and the edge of the axes, in points."""

_HALO = 3.0
"""Width in points of the stroke around letters in the colour of the page."""

_FLAT = 0.8
"""Height of half a group, in heights of its name, below which the name stands above the group and not on it."""

_ABOVE = 3.0
"""Gap between a flat group and its name in points."""

_FAR = 0.75
"""Distance between a name and its wished place, in widths or heights of the name, beyond which a line joins them."""

_ANGLES = 16
"""Number of directions in which a free place for a name is looked for."""

_Z = 5.0
"""Drawing order of names: above points, thumbnails and their frames."""


def draw_names(ax: Axes, points: Array, colouring: Colouring) -> None:
    """Write the name of each group on a 2-D map, with a thin line to its group where it had to give way."""
    middles, heights, counts = group_middles(points, colouring.codes, len(colouring.groups))
    size = next((size for most, size in _SIZES if len(middles) <= most), _SIZES[-1][1])
    texts = []
    for group, (x, y) in zip(colouring.groups, middles.tolist(), strict=True):
        text = ax.annotate(
            folded(group.name, _WIDTH, 2),
            (x, y),
            xytext=(0.0, 0.0),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            fontweight="bold",
            linespacing=1.0,
            zorder=_Z,
            parse_math=False,
            path_effects=[withStroke(linewidth=_HALO, foreground=ax.get_facecolor())],
        )
        text.set_in_layout(False)
        texts.append(text)
    lines = LineCollection([], linewidths=0.8, zorder=_Z - 0.1)
    ax.add_collection(lines, autolim=False)
    lines.set_transform(IdentityTransform())
    lines.set_in_layout(False)
    colours = [group.colour for group in colouring.groups]
    # Names of large groups are placed first, and so nearest to their groups.
    ax.add_artist(_Placer(ax, texts, lines, colours, heights, np.argsort(-counts, kind="stable")))


def group_middles(points: Array, codes: Array, n_groups: int) -> tuple[Floats, Floats, Array]:
    """Return of each group the sample nearest to its median (g, d), the rise from there to its upper end, and its size.

    The upper end is the 90 % quantile of the second coordinate.
    """
    counts = np.bincount(codes[codes >= 0], minlength=n_groups)
    order = np.argsort(codes, kind="stable")[len(codes) - counts.sum() :]
    middles, heights = np.empty((n_groups, points.shape[1])), np.empty(n_groups)
    for group, members in enumerate(np.split(order, np.cumsum(counts)[:-1])):
        own = points[members]  # (m, d)
        from_median = ((own - np.median(own, axis=0)) ** 2).sum(axis=1)
        middles[group] = own[from_median.argmin()]
        heights[group] = np.quantile(own[:, 1], 0.9) - middles[group, 1]
    return middles, np.maximum(0.0, heights), counts


def place_boxes(anchors: Floats, sizes: Floats, page: Floats) -> Floats:
    """Return the centre of a box near each anchor such that boxes lie within the page and do not overlap.

    Each box takes the first free one of these places: its anchor, then rings around it that grow by half a line.

    Parameters
    ----------
    anchors, sizes : ndarray, shape (k, 2)
        Where the boxes belong, and their widths and heights.
    page : ndarray, shape (2, 2)
        The lower left and the upper right corner of the page.

    Returns
    -------
    ndarray, shape (k, 2)
        NaN for a box that found no place, or whose anchor is not on the page.
    """
    centres = np.full(anchors.shape, np.nan)
    for place, (anchor, size) in enumerate(zip(anchors, sizes, strict=True)):
        low, high = page[0] + size / 2, page[1] - size / 2
        if not ((page[0] <= anchor) & (anchor <= page[1])).all() or (low > high).any():
            continue
        candidates = np.clip(anchor + _rings(size, float(np.linalg.norm(page[1] - page[0]))), low, high)  # (c, 2)
        others = ~np.isnan(centres[:place, 0])
        apart = np.abs(candidates[:, None] - centres[:place][others])  # (c, o, 2)
        free = (apart >= (size + sizes[:place][others]) / 2).any(axis=2).all(axis=1)  # (c,)
        if free.any():
            centres[place] = candidates[free.argmax()]
    return centres


def _rings(size: Floats, reach: float) -> Floats:
    """Return offsets (c, 2): none, then ellipses around a box of this size, up to ``reach`` away."""
    angles = np.pi / 2 + 2 * np.pi * np.arange(_ANGLES) / _ANGLES
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (a, 2)
    steps = np.arange(1, int(2 * reach / size[1]) + 2) / 2 * size[1]  # (r,)
    wider = np.array([1.0 + min(1.0, size[0] / size[1] / 4), 1.0])  # letters stand beside one another
    offsets: Floats = (steps[:, None, None] * circle * wider).reshape(-1, 2)  # (r a, 2)
    return np.concatenate([np.zeros((1, 2)), offsets])


class _Placer(Artist):
    """Moves names and lines to their places just before they are drawn; it draws nothing itself."""

    def __init__(
        self,
        ax: Axes,
        texts: Sequence[Annotation],
        lines: LineCollection,
        colours: Sequence[str],
        heights: Floats,
        order: Array,
    ) -> None:
        super().__init__()
        self._ax = ax
        self._texts = [texts[place] for place in order]
        self._lines = lines
        self._colours = [colours[place] for place in order]
        self._heights = heights[order]
        self.set_zorder(_Z - 0.2)
        self.set_in_layout(False)

    def draw(self, renderer: RendererBase) -> None:
        """Find the places in pixels of the renderer."""
        point = float(np.asarray(renderer.points_to_pixels(1.0)))
        page = np.asarray(self._ax.get_window_extent(renderer).padded(-_GAP * point).get_points())  # (2, 2)
        anchors = self._ax.transData.transform([text.xy for text in self._texts])  # (k, 2)
        for text in self._texts:
            text.set_visible(True)  # hidden text has no extent
        extents = [Text.get_window_extent(text, renderer) for text in self._texts]
        sizes = np.array([(box.width, box.height) for box in extents]) + _GAP * point  # (k, 2)
        wishes = self._wishes(anchors, sizes, page, _ABOVE * point)
        centres = place_boxes(wishes, sizes, page)
        away = (np.abs(centres - wishes) > _FAR * sizes).any(axis=1)  # (k,)
        self._lines.set_segments(list(np.stack([anchors, centres], axis=1)[away]))  # each (2, 2)
        self._lines.set_color([self._colours[place] for place in np.flatnonzero(away)])
        for text, offset in zip(self._texts, (centres - anchors) / point, strict=True):
            found = bool(np.isfinite(offset).all())
            text.set_visible(found)
            text.set_position((float(offset[0]), float(offset[1])) if found else (0.0, 0.0))

    def _wishes(self, anchors: Floats, sizes: Floats, page: Floats, gap: float) -> Floats:
        """Return the wished centre of each name (k, 2): on its group, or above a flat one; NaN outside the page."""
        ends = self._ax.transData.transform(
            [(text.xy[0], text.xy[1] + rise) for text, rise in zip(self._texts, self._heights, strict=True)]
        )
        rises = np.abs(ends[:, 1] - anchors[:, 1])  # (k,)
        lifts = np.where(rises < _FLAT * sizes[:, 1], rises + gap + sizes[:, 1] / 2, 0.0)  # (k,)
        wishes: Floats = np.clip(anchors + np.stack([0.0 * lifts, lifts], axis=1), page[0], page[1])  # (k, 2)
        wishes[((anchors < page[0]) | (anchors > page[1])).any(axis=1)] = np.nan
        return wishes
