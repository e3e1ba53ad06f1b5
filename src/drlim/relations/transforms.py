"""Transforms from a batch of samples to a batch of changed samples: the paper's translations, and the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array
from drlim._base.calls import user_call
from drlim._base.checks import as_array, check_parameters, check_points, integer_in, real_in, short_repr

__all__ = ["Transform", "holding", "named_transforms", "shift", "shifts", "transformed"]

Transform = Callable[[Array], ArrayLike]
"""A function from a batch, shape (b, ...), to as many changed samples of the same shape."""


def shift(images: ArrayLike, dx: int, dy: int = 0, fill: float = 0.0) -> Array:
    """Translate images by whole pixels; pixels that leave the frame are lost.

    Parameters
    ----------
    images : array-like, shape (n_images, height, width) or (n_images, n_channels, height, width)
        Images, channels first.
    dx : int
        Pixels to the right, in (-width, width); negative to the left.
    dy : int, default=0
        Pixels down, in (-height, height); negative up.
    fill : float, default=0.0
        Value of the pixels that become free; 0 is the paper's background. The images' dtype must hold it.

    Returns
    -------
    ndarray
        New images of the same shape and dtype.

    Raises
    ------
    ValueError, TypeError
        When ``images`` is not a finite array of such a shape, no pixel would stay in the frame, or ``fill`` does not
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
    shifted = np.full(frames.shape, _fill_value(fill, frames), dtype=frames.dtype)
    dx, dy = int(dx), int(dy)  # NumPy's small integers would overflow
    shifted[..., _overlap(dy, height), _overlap(dx, width)] = frames[..., _overlap(-dy, height), _overlap(-dx, width)]
    return shifted


def shifts(dx: Iterable[int], fill: float = 0.0) -> dict[str, Transform]:
    """Make horizontal translations for `orbits`, each with a name.

    Parameters
    ----------
    dx : iterable of int
        Pixels to the right, negative to the left: different numbers, none of them 0, since `orbits` keeps the
        original images. The paper's are -6, -3, 3 and 6.
    fill : float, default=0.0
        Value of the pixels that become free.

    Returns
    -------
    dict of str to callable
        `shift` with ``dx`` and ``fill`` set, by names such as "shift -6".

    Raises
    ------
    ValueError, TypeError
        When a number of ``dx`` is not whole, is 0 or is repeated.

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


def named_transforms(transforms: object) -> dict[str, Transform]:
    """Return transforms by name, or refuse them; those of a list have their places as names, from "1"."""
    if isinstance(transforms, Mapping):
        named = dict(transforms)
    elif isinstance(transforms, Iterable) and not isinstance(transforms, str):
        named = {str(place): transform for place, transform in enumerate(transforms, start=1)}
    else:
        raise TypeError(
            "Expected 'transforms' to be a list of callables, or a dict of name to callable. "
            f"Got {short_repr(transforms)}."
        )
    if not named:
        raise ValueError("Expected 'transforms' to hold at least one callable. Got none.")
    for name, transform in named.items():
        if not isinstance(name, str) or not callable(transform):
            raise TypeError(
                "Expected 'transforms' to hold callables from a batch to a batch, named by strings. "
                f"Got {short_repr(transform)} under {short_repr(name)}."
            )
    return named


def transformed(samples: Array, transform: Transform, name: str) -> Array:
    """Return what a transform makes of a batch, or refuse it when its shape, dtype or values do not fit the samples.

    Parameters
    ----------
    samples : ndarray, shape (b, ...)
        A batch. It is not changed.
    transform : callable
        A function from a batch to a batch.
    name : str
        Name of the transform in an error.

    Returns
    -------
    ndarray, shape (b, ...)
        The changed samples, in the dtype of ``samples``.

    Raises
    ------
    ValueError
        When the transform fails, or returns another shape, values that are not finite, or a type that the dtype of the
        samples cannot hold.
    """
    changed = _returned(samples, transform, name)
    both_float = changed.dtype.kind == samples.dtype.kind == "f"
    if not both_float and not np.can_cast(changed.dtype, samples.dtype, "safe"):
        raise ValueError(
            f"Expected transform {name!r} to return values that {samples.dtype}, the dtype of 'X', can hold. "
            f"Got {changed.dtype}: convert X first."
        )
    with np.errstate(over="ignore"):  # an overflow is refused below, as infinity
        changed = changed.astype(samples.dtype, copy=False)
    if not np.isfinite(changed).all():
        raise ValueError(f"Expected transform {name!r} to return finite values. Got NaN or infinity.")
    return changed


def holding(samples: Array, named: Mapping[str, Transform]) -> Array:
    """Return samples in a dtype that holds what transforms make of them: whole numbers become floats where one does.

    A rotation, for one, computes values between those of images of bytes. Each transform is tried on two samples.

    Parameters
    ----------
    samples : ndarray, shape (n, ...)
    named : dict of str to callable
        Transforms by name.

    Returns
    -------
    ndarray, shape (n, ...)
        The samples as they are, or as float32; as float64 where they have more than 16 bits.
    """
    if samples.dtype.kind not in "biu":
        return samples
    made = (_returned(samples[:2], transform, name).dtype.kind for name, transform in named.items())
    return samples.astype(np.result_type(samples.dtype, np.float32)) if "f" in made else samples


def _returned(samples: Array, transform: Transform, name: str) -> Array:
    """Return what a transform makes of a batch, in its own dtype, or refuse another shape."""
    with user_call(f"The transform {name!r} of a batch of shape {samples.shape}"):
        returned = transform(samples.copy())  # it may work in place
    changed = as_array(returned, f"what transform {name!r} returns")
    if changed.shape != samples.shape:
        raise ValueError(
            f"Expected transform {name!r} to keep the shape {samples.shape} of a batch. Got {changed.shape}."
        )
    return changed


def _check_images(images: ArrayLike) -> Array:
    """Return images as an array, channels first, or refuse them."""
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


def _fill_value(fill: float, frames: Array) -> Array:
    """Return ``fill`` in the dtype of the images, shape (), or refuse it."""
    dtype = frames.dtype
    with np.errstate(over="ignore", invalid="ignore"):  # values that do not fit are refused below
        value = np.array(fill).astype(dtype)
    if not np.isfinite(value) or (dtype.kind != "f" and value != fill):
        raise ValueError(f"Expected 'fill' to be a value that {dtype}, the dtype of 'images', holds. Got {fill!r}.")
    return value


def _overlap(distance: int, size: int) -> slice:
    """Return the pixels of a side that are still in the frame after moving by ``distance``, at their new places."""
    return slice(max(distance, 0), size + min(distance, 0))
