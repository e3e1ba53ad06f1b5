"""Images of a folder as one array of samples, brought to one size where that is asked; subfolders as their classes."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drlim._base.arrays import Array
from drlim._base.disk import refuse_special
from drlim._base.messages import LONGEST_COMPLAINT, listed, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Size", "folder_classes", "image_names", "read_images"]

Size = tuple[int, int]
"""Height and width in pixels."""

_IMAGE_SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Suffixes of the files that are read."""


def folder_classes(folder: Path) -> list[str | None]:
    """Return the subfolder of each image that `read_images` reads, None for one that is in none; refuse other data."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder, so that there are no subfolders to take labels from.")
    names = [path.relative_to(folder).parts for path in _image_paths(folder)]
    classes = [name[0] if len(name) > 1 else None for name in names]
    if not any(classes):
        raise ValueError(f"{folder} has no subfolders with images in them to take labels from.")
    return classes


def image_names(folder: Path) -> list[str]:
    """Return the path below a folder of each image that `read_images` reads."""
    return [path.relative_to(folder).as_posix() for path in _image_paths(folder)]


def read_images(folder: Path, size: Size | None = None) -> Array:
    """Return the images of a folder and of its subfolders, all of one size and kind, in the order of their paths.

    Parameters
    ----------
    folder : Path
    size : (int, int) or None, default=None
        Height and width that every image is brought to, whatever its proportions; None keeps its own.

    Returns
    -------
    ndarray, shape (n, H, W) or (n, 3, H, W)
    """
    paths = _image_paths(folder)
    names = [path.relative_to(folder).as_posix() for path in paths]
    first = _pixels(paths[0], size)
    images = np.empty((len(paths), *first.shape), dtype=first.dtype)
    for place, path in enumerate(paths):
        image = _pixels(path, size)
        if image.shape != first.shape or image.dtype != first.dtype:
            raise ValueError(
                f"{folder}: all images must be of one size and kind. {names[0]} is of shape {first.shape} and "
                f"dtype {first.dtype}, {names[place]} of shape {image.shape} and dtype {image.dtype}. "
                f"{_way_out(first, image)}"
            )
        images[place] = image
    return images


def _image_paths(folder: Path) -> list[Path]:
    """Return the images below a folder, in the order of their paths; refuse a folder without any."""
    files = list(_visible_files(folder))
    found = sorted(path for path in files if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not found:
        others = sorted({path.suffix or path.name for path in files})
        rest = f" It holds other files: {listed(others)}." if others else ""
        raise ValueError(f"{folder} has no images in it ({', '.join(_IMAGE_SUFFIXES)}).{rest}")
    return found


def _visible_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, but for those that are hidden or in a hidden folder."""
    seen: set[str] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        known = real in seen  # links may lead in a circle
        seen.add(real)
        folders[:] = [] if known else [name for name in folders if not name.startswith(".")]
        yield from (Path(place, name) for name in files if not known and not name.startswith("."))


def _way_out(first: Array, image: Array) -> str:
    """Return how two images that differ can be made alike."""
    if first.ndim != image.ndim:
        return "Convert all to grey or all to RGB."
    if first.dtype != image.dtype:
        return "Convert all to one number of bits."
    return f"--size {first.shape[-2]}x{first.shape[-1]} brings all to the size of the first."


def _pixels(path: Path, size: Size | None) -> Array:
    """Return an image as (H, W), or (3, H, W) for RGB."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Reading images needs Pillow, which is not installed: pip install pillow") from error
    refuse_special(path)
    try:
        with Image.open(path) as image:
            mode = image.mode
            n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # cameras add previews as MPO
            pixels = _resized(image.convert("L") if mode == "1" else image, size)
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is no image that can be read: {one_line(error, LONGEST_COMPLAINT)}") from error
    if n_frames > 1:
        raise ValueError(f"{path} is a sequence of {n_frames} images. Write each to a file of its own.")
    if mode == "RGB":
        return pixels.transpose(2, 0, 1)  # (3, H, W)
    if pixels.ndim != 2 or mode in ("P", "PA"):  # numbers of a palette are no brightness
        raise ValueError(f"{path} is an image of mode {mode}. Convert it to grey or RGB.")
    return pixels


def _resized(image: Image, size: Size | None) -> Array:
    """Return an image as an array; where it is made smaller, its pixels are weighted means of those that they cover."""
    from PIL.Image import Resampling

    return np.asarray(image if size is None else image.resize(size[::-1], Resampling.BILINEAR))
