"""Quantities measured on images, to compare with their positions on a map."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats
from drlim._base.checks import check_points, short_repr
from drlim.metrics.inputs import scaled

__all__ = ["slant"]


def slant(images: ArrayLike) -> Floats:
    r"""Return the slant of each image from its second central moments.

    .. math:: s = \mu_{11} / \mu_{02}, \qquad
        \mu_{pq} = \sum_{x, y} I(x, y) (x - \bar x)^p (y - \bar y)^q

    with x counted to the right and y *upwards*. s is the shear, the horizontal shift per unit of height. It is positive
    for images that lean to the right, as "/" and italics do, negative for those that lean to the left, and 0 for an
    upright bar. It does not depend on brightness and position.

    Parameters
    ----------
    images : array-like, shape (n_samples, height, width)
        Non-negative brightness of the ink, on a background of 0.

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        Slant in pixels to the right per pixel upwards, any real number. It is 0 for an image without ink, and for one
        with all its ink in one row of pixels.

    Raises
    ------
    ValueError, TypeError
        When ``images`` are not 3-D, finite, real and non-negative.

    Examples
    --------
    >>> upright = [[0, 1, 0], [0, 1, 0], [0, 1, 0]]
    >>> leaning = [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    >>> slant([upright, leaning]).tolist()
    [0.0, 1.0]
    """
    ink = _check_ink(images)
    height, width = ink.shape[1:]
    x = np.arange(width, dtype=np.float64)  # (width,)
    y = np.arange(height, dtype=np.float64)[::-1]  # (height,) rows are stored from the top, y counts upwards
    by_row, by_column = ink.sum(axis=2), ink.sum(axis=1)  # (n, height), (n, width)
    mass = by_row.sum(axis=1)  # (n,)
    mass = np.where(mass > 0, mass, 1.0)
    dx = x - (by_column @ x / mass)[:, None]  # (n, width)
    dy = y - (by_row @ y / mass)[:, None]  # (n, height)
    mu11 = np.einsum("nhw,nh,nw->n", ink, dy, dx, optimize=True)  # (n,)
    mu02 = np.einsum("nh,nh->n", by_row, dy**2)  # (n,)
    # Rows with ink are counted, because rounding may give a single row a mu02 just above 0.
    has_height = np.count_nonzero(by_row, axis=1) > 1  # (n,)
    return np.where(has_height, mu11, 0.0) / np.where(has_height, mu02, 1.0)


def _check_ink(images: ArrayLike) -> Floats:
    """Return images as float64 of shape (n, height, width), scaled, or refuse them."""
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
