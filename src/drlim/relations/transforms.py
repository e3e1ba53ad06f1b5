"""The paper's translations of images, as transforms that make copies."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import check_parameters, check_points, integer_in, real_in, short_repr

__all__ = ["shift", "shifts"]

Transform = Callable[[NDArray[Any]], ArrayLike]


def shift(images: ArrayLike, dx: int, dy: int = 0, fill: float = 0.0) -> NDArray[Any]:
    """Translate images by whole pixels; what moves out of the frame is lost.

    Parameters
    ----------
    images : array-like, shape (n_images, height, width) or (n_images, n_channels, height, width)
        Images, channels first.
    dx : int
        Pixels to the right, in (-width, width); negative to the left.
    dy : int, default=0
        Pixels down, in (-height, height); negative up.
    fill : float, default=0.0
        Value of the pixels that nothing moved to; the paper's background is 0. The images' dtype must hold it.

    Returns
    -------
    ndarray
        New images of the same shape and dtype.

    Raises
    ------
    ValueError, TypeError
        When ``images`` is not a finite array of such a shape, nothing would stay in the frame, or ``fill`` does not
        fit the dtype.

    Examples
    --------
    >>> from drlim.relations import shift
    >>> shift([[[1, 2, 3], [4, 5, 6]]], dx=1).tolist()
    [[[0, 1, 2], [0, 4, 5]]]
    >>> shift([[[1, 2, 3], [4, 5, 6]]], dx=-2, dy=1, fill=9).tolist()
    [[[9, 9, 9], [3, 9, 9]]]
    """
    frames = _check_images(images)
    height, width = frames.shape[-2:]
    accepted = {
        "dx": [integer_in(1 - width, width - 1)],
        "dy": [integer_in(1 - height, height - 1)],
        "fill": [real_in(-np.inf, np.inf)],
    }
    check_parameters({"dx": dx, "dy": dy, "fill": fill}, accepted, "shift")
    shifted = np.full(frames.shape, _fill_value(fill, frames.dtype), dtype=frames.dtype)
    dx, dy = int(dx), int(dy)  # NumPy's small integers would overflow
    shifted[..., _overlap(dy, height), _overlap(dx, width)] = frames[..., _overlap(-dy, height), _overlap(-dx, width)]
    return shifted


def shifts(dx: Iterable[int], fill: float = 0.0) -> dict[str, Transform]:
    """Name horizontal translations as transforms for `orbits`.

    Parameters
    ----------
    dx : iterable of int
        Pixels to the right, each once and none 0, since `orbits` keeps the original anyway. The paper's are
        -6, -3, 3 and 6.
    fill : float, default=0.0
        Value of the pixels that nothing moved to.

    Returns
    -------
    dict of str to callable
        `shift` with ``dx`` and ``fill`` set, by names such as "shift -6".

    Raises
    ------
    ValueError, TypeError
        When ``dx`` is not made of different whole numbers other than 0.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim.relations import orbits, shifts
    >>> copies = orbits(np.eye(28)[None], shifts([-6, -3, 3, 6]))
    >>> copies.names
    ('unchanged', 'shift -6', 'shift -3', 'shift +3', 'shift +6')
    >>> copies.X.shape
    (5, 28, 28)
    """
    steps = list(dx) if isinstance(dx, Iterable) else [dx]
    for step in steps:
        check_parameters({"dx": step}, {"dx": [integer_in(-(2**31), 2**31)]}, "shifts")
    if 0 in steps or len(set(steps)) < len(steps):
        raise ValueError(f"Expected 'dx' to hold different shifts, none of them 0. Got {short_repr(steps)}.")
    return {f"shift {int(step):+d}": partial(shift, dx=int(step), fill=fill) for step in steps}


def _check_images(images: ArrayLike) -> NDArray[Any]:
    frames = check_points(images, name="images", ndim=None, dtype="numeric")
    if frames.ndim not in (3, 4):
        raise ValueError(
            f"Expected 'images' of shape (n, height, width) or (n, channels, height, width). Got {frames.shape}: "
            "reshape them."
        )
    if frames.ndim == 4 and frames.shape[3] <= 4 < frames.shape[1]:
        raise ValueError(
            f"Expected 'images' with the channels first. Got {frames.shape}, which looks like (n, H, W, C): "
            "use images.transpose(0, 3, 1, 2)."
        )
    return frames


def _fill_value(fill: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore", invalid="ignore"):  # told below
        value = np.array(fill).astype(dtype)
    if not np.isfinite(value) or (dtype.kind != "f" and value != fill):
        raise ValueError(f"Expected 'fill' to be a value that {dtype}, the dtype of 'images', holds. Got {fill!r}.")
    return value


def _overlap(distance: int, size: int) -> slice:
    """Pixels of a side that are still in the frame after moving by ``distance``, at their new places."""
    return slice(max(distance, 0), size + min(distance, 0))
