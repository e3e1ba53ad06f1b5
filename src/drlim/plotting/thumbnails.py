"""Pictures of a map with the images of its samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, check_points, check_same_length, integer_in, real_in, short_repr
from drlim.plotting.colours import colour_samples
from drlim.plotting.figures import axes_for, check_cmap, check_map, page_of, require_matplotlib, tidy
from drlim.plotting.keys import draw_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_thumbnails", "spaced_samples", "spaced_thumbnails"]

_THUMBNAIL_PITCH = 1.08
"""Minimum distance between the centres of two thumbnails, in thumbnails: it leaves room for their frames."""


def plot_thumbnails(
    Z: ArrayLike,
    images: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    size: float = 0.04,
    max_thumbnails: int = 250,
    image_cmap: str = "gray_r",
    cmap: str = "viridis",
    key_title: str | None = None,
) -> Axes:
    """Draw the images of samples at their positions on a 2-D map, as many as fit without overlap.

    The first image is the one nearest to the centre; each further one is the farthest from those chosen before. Thus
    the images cover the whole map, and the choice is the same each time. To draw them over a scatter plot, pass its
    axes, or call ``plot_embedding(Z, labels, images=images)``.

    Parameters
    ----------
    Z : array-like, shape (n_samples, 2)
        The map.
    images : array-like, shape (n_samples, height, width) or (n_samples, channels, height, width)
        Images of the samples, with one or three channels. All of them are drawn with one scale of brightness.
    labels : array-like, shape (n_samples,), default=None
        The name of a group or a number for each sample, which sets the colour of its frame as
        :func:`plot_embedding` does for points.
    ax : matplotlib.axes.Axes, default=None
        Axes to draw on, without a key. None makes a figure with a key.
    size : float, default=0.04
        Longer side of a thumbnail, as a share of the longer side of the map, in (0, 1].
    max_thumbnails : int, default=250
        Maximum number of images, at least 1. Fewer images cover less of the map.
    image_cmap : str, default="gray_r"
        matplotlib's colour map for grey images. The default draws bright ink dark; use "gray" for photographs.
    cmap : str, default="viridis"
        Colour map of the frames if labels are a quantity.
    key_title : str, default=None
        Title of the legend or of the colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        Axes of equal aspect.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have 2 columns, ``images`` have the wrong shape, lengths differ or a number is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    Two of the three samples are too close together to draw both.

    >>> import numpy as np
    >>> ax = plot_thumbnails([[0.0, 0.0], [0.01, 0.0], [1.0, 0.0]], np.eye(3 * 64).reshape(3, 64, -1))
    >>> len(ax.images)
    2
    """
    require_matplotlib()
    points = check_map(Z, (2,))
    check_parameters(
        {"size": size, "max_thumbnails": max_thumbnails},
        {"size": [real_in(0.0, 1.0, closed="right")], "max_thumbnails": [integer_in(1)]},
        "plot_thumbnails",
    )
    pictures = _check_images(images, len(points))
    check_cmap("image_cmap", image_cmap, "plot_thumbnails")
    colouring = colour_samples(labels, len(points), cmap, "plot_thumbnails", page=page_of(ax))
    sides = _sides(points, pictures, size)  # (2,)
    chosen = spaced_samples(points, sides, max_thumbnails)
    wants_key = ax is None
    ax = axes_for(ax, 2, "plot_thumbnails")
    if wants_key:
        draw_key(ax, colouring, key_title)
    _draw_thumbnails(ax, points[chosen], sides, _shades(pictures[chosen]), colouring.rgba[chosen], image_cmap)
    # The axes show the extent of all samples, drawn or not, with room for thumbnails at the edge.
    ax.update_datalim(np.concatenate([points - sides / 2, points + sides / 2]))
    ax.autoscale_view()
    tidy(ax)
    return ax


def _sides(points: Array, pictures: Array, size: float) -> Array:
    """Return width and height (2,) of pictures (..., h, w) on a map, the longer a share of the map's longer side."""
    shape = np.array(pictures.shape[-1:-3:-1])  # width, height
    sides: Array = size * (np.ptp(points, axis=0).max() or 1.0) * shape / shape.max()  # (2,)
    return sides


def spaced_samples(points: Array, sides: Array, most: int) -> NDArray[np.intp]:
    """Return samples whose thumbnails do not overlap, each the farthest from those before, at most ``most``."""
    from_middle = np.abs((points - (points.min(axis=0) + points.max(axis=0)) / 2) / sides).max(axis=1)  # (n,)
    chosen = [int(from_middle.argmin())]
    apart = np.full(len(points), np.inf)
    while len(chosen) < most:
        steps = np.abs(points - points[chosen[-1]]) / sides  # (n, 2), in thumbnails
        apart = np.minimum(apart, steps.max(axis=1))
        farthest = int(apart.argmax())
        if apart[farthest] < _THUMBNAIL_PITCH:
            break
        chosen.append(farthest)
    return np.array(chosen)


def spaced_thumbnails(ax: Axes, points: Array, shades: Array, size: float, most: int, cmap: str) -> None:
    """Draw pictures (n, h, w) in [0, 1] at as many points (n, 2) as fit, in grey frames; sides as `plot_thumbnails`."""
    sides = _sides(points, shades, size)  # (2,)
    chosen = spaced_samples(points, sides, most)
    _draw_thumbnails(
        ax, points[chosen], sides, shades[chosen], np.tile([0.45, 0.46, 0.51, 1.0], (len(chosen), 1)), cmap
    )
    ax.update_datalim(np.concatenate([points - sides / 2, points + sides / 2]))
    ax.autoscale_view()


def _draw_thumbnails(ax: Axes, places: Array, sides: Array, pictures: Array, frames: Array, cmap: str) -> None:
    """Draw pictures (c, h, w) or (c, h, w, 3) in [0, 1], centred at places (c, 2); sides in units of the map."""
    from matplotlib.collections import PolyCollection
    from matplotlib.image import AxesImage

    low, high = places - sides / 2, places + sides / 2  # (c, 2)
    for (left, bottom), (right, top), picture in zip(low, high, pictures, strict=True):
        extent = (left, right, bottom, top)
        # Not ax.imshow, which would set aspect and limits again for each picture.
        image = AxesImage(ax, cmap=cmap, origin="upper", extent=extent, interpolation="antialiased", zorder=3)
        image.set_data(picture)
        image.set_clim(0.0, 1.0)
        image.set_clip_path(ax.patch)
        ax.add_image(image)
    x, y = np.stack([low, high], axis=-1).transpose(1, 0, 2)  # (c, 2) each: from, to
    corners = list(np.stack([x[:, [0, 1, 1, 0]], y[:, [0, 0, 1, 1]]], axis=-1))  # c times (4, 2)
    ax.add_collection(
        PolyCollection(corners, facecolors="none", edgecolors=frames, linewidths=1.0, zorder=4), autolim=False
    )


def _shades(pictures: Array) -> Array:
    """Return pictures (c, h, w) or (c, 3, h, w) scaled to [0, 1] together, with channels last."""
    values = check_points(pictures, name="images", ndim=None)
    low, high = values.min(), values.max()
    shades = (values - low) / ((high - low) or 1.0)
    return shades if shades.ndim == 3 else np.moveaxis(shades, 1, -1)


def _check_images(images: ArrayLike, n_samples: int) -> Array:
    """Return images as (n, h, w) or (n, 3, h, w), or refuse their shape. Values are checked when they are drawn."""
    pictures = np.asarray(images)
    if pictures.ndim == 4 and pictures.shape[1] == 1:
        pictures = pictures[:, 0]
    if pictures.ndim not in (3, 4) or 0 in pictures.shape or (pictures.ndim == 4 and pictures.shape[1] != 3):
        raise ValueError(
            "Expected 'images' to have the shape (n_samples, height, width) or (n_samples, channels, height, width) "
            f"with 1 or 3 channels. Got {short_repr(pictures)}. Rows of pixels want X.reshape(-1, height, width)."
        )
    check_same_length(len(pictures), "images", n_samples, "Z")
    return pictures
