"""One image file through Pillow: what its header says, and its pixels in the size and kind that are wanted."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from drlim._base.arrays import Array
from drlim._base.disk import refuse_special
from drlim._base.messages import LONGEST_COMPLAINT, one_line

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["DEEP", "Header", "Kind", "Size", "pixels", "read_header"]

Size = tuple[int, int]
"""Height and width in pixels."""

Kind = Literal["grey", "rgb", "own"]
"""What pixels are brought to: bytes of one or three channels, or one channel as the file has it."""

DEEP = ("I;16", "I;16B", "I;16L", "I", "F")
"""Pillow's modes of grey images with more than 8 bits."""

_GREY = ("1", "L", "LA", "La", *DEEP)
"""Pillow's modes of grey images."""


class Header(NamedTuple):
    """Size and mode of an image."""

    size: Size
    mode: str

    @property
    def is_grey(self) -> bool:
        """Whether it has no colours."""
        return self.mode in _GREY


_ORIENTATION, _ON_ITS_SIDE = 0x0112, (5, 6, 7, 8)
"""Entry of an image's EXIF data that says how it is to be turned, and values by which its sides change places."""


def read_header(path: Path) -> Header:
    """Return size and mode of an image without reading its pixels; refuse what is none, and sequences of images."""
    with _opened(path) as image:
        n_frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # cameras add previews as MPO
        sides = (image.width, image.height) if image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE else None
        header = Header(sides or (image.height, image.width), image.mode)
    if n_frames > 1:
        raise ValueError(f"{path} is a sequence of {n_frames} images. Write each to a file of its own.")
    return header


def pixels(path: Path, size: Size, kind: Kind) -> Array:
    """Return the pixels of an image, (H, W) or of kind "rgb" (3, H, W).

    Where it is made smaller, its pixels are weighted means of those that they cover.
    """
    from PIL import ImageOps

    with _opened(path) as opened:
        image = ImageOps.exif_transpose(opened)  # as cameras mean it to be seen
        converted = image if kind == "own" else _in_bytes(image, kind)
        found = _resized(converted, size)
    return found.transpose(2, 0, 1) if kind == "rgb" else found


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image]:
    """Open an image, and turn whatever is wrong with it into an error that names it."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Reading images needs Pillow, which is not installed: pip install pillow") from error
    refuse_special(path)
    try:
        with Image.open(path) as image:
            yield image
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} is no image that can be read: {one_line(error, LONGEST_COMPLAINT)}") from error


def _in_bytes(image: Image, kind: Kind) -> Image:
    """Return an image as bytes; one of more bits is divided by its largest value, what is transparent laid on white."""
    from PIL import Image as Images

    mode = "RGB" if kind == "rgb" else "L"
    if image.mode in DEEP:
        values = np.asarray(image).astype(np.float64)
        largest = 65535.0 if image.mode.startswith("I;16") else max(1.0, float(values.max()))
        return Images.fromarray((values.clip(0) * (255 / largest)).astype(np.uint8)).convert(mode)
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Images.new("RGBA", layered.size, "white")
        return Images.alpha_composite(white, layered).convert(mode)
    return image.convert(mode)


def _resized(image: Image, size: Size) -> Array:
    from PIL.Image import Resampling

    same = (image.height, image.width) == size
    return np.asarray(image if same else image.resize(size[::-1], Resampling.BILINEAR))
