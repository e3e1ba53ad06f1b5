"""Images of a folder as one array of samples."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from drlim._base.arrays import Array
from drlim._base.messages import one_line
from drlim.cli.tables import LONGEST_COMPLAINT

__all__ = ["read_images"]

_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the files that are read."""


def read_images(folder: Path) -> Array:
    """Return the images of a folder, all of one size, in the order of their names, (n, H, W) or (n, 3, H, W)."""
    paths = sorted(
        path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith(".")
    )
    if not paths:
        raise ValueError(f"{folder} has no images in it ({', '.join(_IMAGE_SUFFIXES)}).")
    first = _pixels(paths[0])
    images = np.empty((len(paths), *first.shape), dtype=first.dtype)
    for place, path in enumerate(paths):
        image = _pixels(path)
        if image.shape != first.shape or image.dtype != first.dtype:
            raise ValueError(
                f"{folder}: all images must be of one size and kind. {paths[0].name} is of shape {first.shape} and "
                f"dtype {first.dtype}, {path.name} of shape {image.shape} and dtype {image.dtype}."
            )
        images[place] = image
    return images


def _pixels(path: Path) -> Array:
    """Return an image as (H, W), or (3, H, W) for RGB."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Reading images needs Pillow, which is not installed: pip install pillow") from error
    try:
        with Image.open(path) as image:
            mode = image.mode
            pixels = np.asarray(image.convert("L") if mode == "1" else image)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is no image that can be read: {one_line(error, LONGEST_COMPLAINT)}") from error
    if mode == "RGB":
        return pixels.transpose(2, 0, 1)  # (3, H, W)
    if pixels.ndim != 2 or mode in ("P", "PA"):  # numbers of a palette are no brightness
        raise ValueError(f"{path} is an image of mode {mode}. Convert it to grey or RGB.")
    return pixels
