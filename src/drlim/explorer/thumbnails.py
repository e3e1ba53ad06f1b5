"""Pictures of samples on one sheet: a PNG, written here, or WebP by Pillow for colours where it is installed."""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim._base.checks import short_repr

__all__ = ["Sheet", "checked_images", "sheet_of"]

_MOST_PIXELS = 2**24
"""Maximum number of pixels of a sheet, 4096 x 4096, which all browsers can draw."""

_LARGEST_SIDE, _SMALLEST_SIDE = 64, 8
"""Sides of one picture, in pixels."""

_GREYS = 16
"""Number of greys: half the bytes of 256 for a digit, and no difference to see at this size."""

_QUALITY = 80
"""Quality of WebP."""


class Sheet(NamedTuple):
    """Pictures side by side, in rows.

    Attributes
    ----------
    content : ndarray of uint8
        The file.
    type : str
        Its kind: image/png or image/webp.
    width, height : int
        Of one picture, in pixels.
    columns : int
        Number of pictures in a row.
    """

    content: Array
    type: str
    width: int
    height: int
    columns: int


def checked_images(images: object, name: str) -> Array | None:
    """Return images as (n, h, w) or (n, h, w, 3), or None for what is none: other dimensions or numbers of channels."""
    pictures = np.asarray(images)
    if pictures.ndim == 4 and pictures.shape[1] in (1, 3):
        pictures = np.moveaxis(pictures, 1, -1)
    if pictures.ndim == 4 and pictures.shape[-1] == 1:
        pictures = pictures[..., 0]
    if pictures.ndim not in (3, 4) or 0 in pictures.shape or (pictures.ndim == 4 and pictures.shape[-1] != 3):
        return None
    if pictures.dtype.kind not in "biuf":
        raise TypeError(f"Expected {name!r} to hold numbers. Got {short_repr(images)}.")
    return pictures


def sheet_of(pictures: Array) -> Sheet | None:
    """Return the sheet of images (n, h, w) or (n, h, w, 3), made smaller where they are large or many.

    All have one scale of brightness, from the least value to the largest. None where they are so many that one would
    have fewer than 8 pixels a side.
    """
    n, height, width = pictures.shape[:3]
    step = max(1, math.ceil(max(height, width) / _LARGEST_SIDE))
    while n * (height // step) * (width // step) > _MOST_PIXELS:
        step += 1
    height, width = height // step, width // step
    if min(height, width) < 1 or (step > 1 and max(height, width) < _SMALLEST_SIDE):
        return None
    columns = min(n, math.ceil(math.sqrt(n * height / width)))
    rows = math.ceil(n / columns)
    low, high = float(pictures.min()), float(pictures.max())
    sheet = np.zeros((rows * height, columns * width, *pictures.shape[3:]), dtype=np.uint8)
    for place, picture in enumerate(pictures):
        top, left = place // columns * height, place % columns * width
        sheet[top : top + height, left : left + width] = _bytes(picture, step, height, width, low, high)
    content, kind = (_png(sheet), "image/png") if pictures.ndim == 3 else _coloured(sheet)
    return Sheet(np.frombuffer(content, dtype=np.uint8), kind, width, height, columns)


def _bytes(picture: Array, step: int, height: int, width: int, low: float, high: float) -> Array:
    """Return one image from 0 to 255, each pixel the mean of step x step."""
    cut = picture[: height * step, : width * step].astype(np.float64)
    means = cut.reshape(height, step, width, step, *picture.shape[2:]).mean(axis=(1, 3))  # (h, w, ...)
    pixels: Array = np.rint(255 * (means - low) / ((high - low) or 1.0)).astype(np.uint8)
    return pixels


def _coloured(sheet: Array) -> tuple[bytes, str]:
    """Return a sheet of colours as WebP, or as a PNG of four times the size where Pillow is missing."""
    try:
        from PIL import Image
    except ImportError:
        return _png(sheet), "image/png"
    file = io.BytesIO()
    Image.fromarray(sheet).save(file, "WEBP", quality=_QUALITY, method=4)
    return file.getvalue(), "image/webp"


def _png(sheet: Array) -> bytes:
    """Return the file of greys (h, w), which become 16, or of colours (h, w, 3).

    Reference: "Portable Network Graphics (PNG) Specification", W3C 2003, 11.2.
    """
    height, width = sheet.shape[:2]
    if sheet.ndim == 2:
        greys = np.rint(sheet.astype(np.float64) * ((_GREYS - 1) / 255)).astype(np.uint8)
        greys = np.pad(greys, ((0, 0), (0, width % 2)))  # two pixels a byte
        lines, bits, colours = greys[:, ::2] << 4 | greys[:, 1::2], 4, 0
    else:
        lines, bits, colours = sheet.reshape(height, -1), 8, 2
    unfiltered = np.pad(lines, ((0, 0), (1, 0)))  # each line begins with its filter: 0, none
    head = struct.pack(">IIBBBBB", width, height, bits, colours, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(unfiltered.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
