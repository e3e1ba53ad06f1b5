"""What images look like: quantities that a map may have found by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.checks import check_points, short_repr
from drlim.metrics._rows import Floats, scaled

__all__ = ["slant"]


def slant(images: ArrayLike) -> Floats:
    r"""Return the slant of each image from its second central moments.

    .. math:: s = \mu_{11} / \mu_{02}, \qquad
        \mu_{pq} = \sum_{x, y} I(x, y) (x - \bar x)^p (y - \bar y)^q

    with x counted to the right and y *upwards*: s is the shear, the horizontal shift per unit of height. Positive
    leans to the right, as "/" and italics do, negative to the left; an upright bar has 0. Brightness and position
    do not matter.

    Parameters
    ----------
    images : array-like, shape (n_samples, height, width)
        Ink bright (large) on a background of 0; no negative values.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Dimensionless, any real number. An image without ink, or with all of it in one row, has no slant: 0.

    Raises
    ------
    ValueError, TypeError
        When ``images`` is not 3-D, finite, real and non-negative.

    Examples
    --------
    >>> upright = [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    >>> leaning = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    >>> slant([upright, leaning]).tolist()
    [0.0, 1.0]
    """
    ink = _check_ink(images)
    height, width = ink.shape[1:]
    x = np.arange(width, dtype=np.float64)
    y = np.arange(height, dtype=np.float64)[::-1]  # rows are stored from the top, y counts upwards
    by_row, by_column = ink.sum(axis=2), ink.sum(axis=1)  # (n, height), (n, width)
    mass = by_row.sum(axis=1)  # (n,)
    mass = np.where(mass > 0, mass, 1.0)
    dx = x - (by_column @ x / mass)[:, None]  # (n, width)
    dy = y - (by_row @ y / mass)[:, None]  # (n, height)
    mu11 = np.einsum("nhw,nh,nw->n", ink, dy, dx, optimize=True)
    mu02 = np.einsum("nh,nh->n", by_row, dy**2)
    # Rows are counted because rounding may leave a single row of ink a mu02 just above 0.
    has_height = np.count_nonzero(by_row, axis=1) > 1
    return np.where(has_height, mu11, 0.0) / np.where(has_height, mu02, 1.0)


def _check_ink(images: ArrayLike) -> Floats:
    """Return images as float64 of shape (n, height, width), none negative."""
    if np.ndim(images) != 3:
        raise ValueError(
            f"Expected 'images' to be a 3-D array (n_samples, height, width). Got {short_repr(images)}. "
            "A single image is images[None]; of several channels choose one, images[:, 0]."
        )
    ink = check_points(images, name="images", ndim=None).astype(np.float64)
    if ink.min(initial=0.0) < 0:
        raise ValueError(
            "Expected 'images' to be ink on a background of 0, without negative values. "
            f"Got {ink.min():.6g} at the least. Subtract the background first."
        )
    return scaled(ink)
