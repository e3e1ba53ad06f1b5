"""Changes of a batch of images, each image by strengths of its own: shift, rotate, flip, color, brightness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from drlim._base.arrays import Array, Floats

__all__ = ["CHANGES", "drawn"]


def _shifted(images: Array, strengths: Floats) -> Array:
    """Shift each image by whole pixels, its first two strengths (n, 3), down and to the right."""
    height, width = images.shape[-2:]
    steps = strengths.astype(np.int64)
    rows = np.clip(np.arange(height) - steps[:, :1], 0, height - 1)  # (n, h)
    columns = np.clip(np.arange(width) - steps[:, 1:2], 0, width - 1)  # (n, w)
    return _picked(images, rows[:, :, None], columns[:, None, :])


def _rotated(images: Array, strengths: Floats) -> Array:
    """Rotate each image by degrees, its first strength, against the clock."""
    height, width = images.shape[-2:]
    angles = np.deg2rad(strengths[:, 0])[:, None, None]  # (n, 1, 1)
    down = np.arange(height)[:, None] - (height - 1) / 2  # (h, 1)
    right = np.arange(width)[None, :] - (width - 1) / 2  # (1, w)
    rows = np.clip(np.cos(angles) * down + np.sin(angles) * right + (height - 1) / 2, 0, height - 1)  # (n, h, w)
    columns = np.clip(np.cos(angles) * right - np.sin(angles) * down + (width - 1) / 2, 0, width - 1)
    top, left = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    below, beside = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    dtype = images.dtype if images.dtype.kind == "f" else np.float64
    v, h = ((rows - top).astype(dtype), (columns - left).astype(dtype))
    if images.ndim == 4:
        v, h = v[:, None], h[:, None]  # (n, 1, h, w)
    upper = _picked(images, top, left) * (1 - h) + _picked(images, top, beside) * h
    lower = _picked(images, below, left) * (1 - h) + _picked(images, below, beside) * h
    turned: Array = upper * (1 - v) + lower * v
    return turned


def _picked(images: Array, rows: Array, columns: Array) -> Array:
    """Return the pixels of each image at rows and columns, (n, h, w) each or what becomes that."""
    image = np.arange(len(images))[:, None, None]
    if images.ndim == 3:
        return images[image, rows, columns]
    return np.moveaxis(images[image, :, rows, columns], -1, 1)  # (n, c, h, w)


def _flipped(images: Array, strengths: Floats) -> Array:
    """Mirror the images whose first strength is above 0."""
    mirrored = (strengths[:, 0] > 0).reshape(-1, *[1] * (images.ndim - 1))
    return np.where(mirrored, images[..., ::-1], images)


def _colored(images: Array, strengths: Floats) -> Array:
    """Multiply each channel by 1 and its own strength."""
    n_channels = images.shape[1] if images.ndim == 4 else 1
    if strengths.shape[1] < n_channels:  # equal in all channels
        strengths = np.repeat(strengths[:, :1], n_channels, axis=1)  # (n, c)
    return _times(images, 1 + strengths[:, :n_channels])


def _brightened(images: Array, strengths: Floats) -> Array:
    """Multiply each image by 1 and its first strength."""
    return _times(images, 1 + strengths[:, :1])


def _times(images: Array, factors: Floats) -> Array:
    """Multiply the channels of images by factors, shape (n, number of channels or 1), in the dtype of floats."""
    dtype = images.dtype if images.dtype.kind == "f" else np.float64
    shaped = factors.astype(dtype)[:, :, None, None]  # (n, c, 1, 1)
    product: Array = images * (shaped if images.ndim == 4 else shaped[:, 0])
    return product


CHANGES: dict[str, Callable[[Array, Floats], Array]] = {
    "shift": _shifted,
    "rotate": _rotated,
    "flip": _flipped,
    "color": _colored,
    "brightness": _brightened,
}
"""What changes images, given strengths for each, shape (n, 3 or more)."""


def drawn(name: str, images: Array, strength: float, generator: np.random.Generator) -> Floats:
    """Return strengths drawn for each image, up to ``strength`` to both sides, shape (n, 3 or more)."""
    shape = (len(images), max(3, images.shape[1] if images.ndim == 4 else 1))
    if name == "shift":
        return generator.integers(-int(strength), int(strength), shape, endpoint=True).astype(np.float64)
    return generator.uniform(-strength, strength, shape)
