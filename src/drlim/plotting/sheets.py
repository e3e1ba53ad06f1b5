"""Pictures of many images on one sheet: data, or the weights of a first layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.checks import check_parameters, check_points, integer_in, short_repr
from drlim.plotting.figures import check_cmap, new_figure, require_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_images", "plot_weights"]


def plot_weights(weights: ArrayLike, *, columns: int = 10, cmap: str = "gray") -> Axes:
    """Draw the weights of each unit of a first layer as an image, as the paper's figure 7 does.

    Parameters
    ----------
    weights : array-like, shape (n_units, height, width)
        Weights from the pixels to each unit.
    columns : int, default=10
        Number of images in a row of the sheet, at least 1.
    cmap : str, default="gray"
        matplotlib's colour map. Its middle is weight 0. All units have one scale, which ends at the 99.9 % quantile of
        the absolute weights.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``weights`` are not finite images or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_weights(np.ones((3, 4, 4)), columns=2)
    >>> ax.images[0].get_array().shape
    (9, 9)
    """
    require_matplotlib()
    values = _check_stack(weights, "weights", columns, cmap, "plot_weights")
    scale = float(np.quantile(np.abs(values), 0.999)) or 1.0
    return _draw_sheet(values, columns, cmap, (-scale, scale), "weight")


def plot_images(images: ArrayLike, *, columns: int = 10, cmap: str = "gray") -> Axes:
    """Draw images on one sheet, row after row.

    Parameters
    ----------
    images : array-like, shape (n_images, height, width)
        Grey images, drawn with one scale of brightness.
    columns : int, default=10
        Number of images in a row of the sheet, at least 1.
    cmap : str, default="gray"
        matplotlib's colour map.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError, TypeError
        When ``images`` are not finite images or a parameter is out of range.
    ImportError
        When matplotlib is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> ax = plot_images(np.ones((5, 4, 4)), columns=2)
    >>> ax.images[0].get_array().shape
    (14, 9)
    """
    require_matplotlib()
    values = _check_stack(images, "images", columns, cmap, "plot_images")
    return _draw_sheet(values, columns, cmap, (float(values.min()), float(values.max())), None)


def _check_stack(images: ArrayLike, name: str, columns: int, cmap: str, owner: str) -> Array:
    """Return images (c, h, w) for a sheet, or refuse them."""
    values: Array = check_points(images, name=name, ndim=None)
    if values.ndim != 3:
        raise ValueError(f"Expected '{name}' of shape (n, height, width). Got {short_repr(images)}.")
    check_parameters({"columns": columns}, {"columns": [integer_in(1)]}, owner)
    check_cmap("cmap", cmap, owner)
    return values


def _draw_sheet(images: Array, columns: int, cmap: str, limits: tuple[float, float], key: str | None) -> Axes:
    sheet = _sheet(images, min(columns, len(images)))
    height, width = sheet.shape
    ax = new_figure((9.0, max(1.0, (8.0 if key else 9.0) * height / width))).add_subplot()
    image = ax.imshow(sheet, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="antialiased")
    ax.set_axis_off()
    if key:
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.8, label=key)
        bar.outline.set_visible(False)
    return ax


def _sheet(images: Array, columns: int) -> Array:
    """Return a sheet of images (c, h, w), one pixel apart. The pixels between them are NaN, which is not drawn."""
    n_images, height, width = images.shape
    rows = -(-n_images // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for place, image in enumerate(images):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet
