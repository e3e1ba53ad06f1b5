"""Images of a folder as one array of samples, brought to one size and kind; subfolders as their classes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from drlim._base.arrays import Array
from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.messages import did_you_mean, listed
from drlim.datasets.pillow import DEEP, Header, Kind, Size, pixels, read_header

__all__ = ["ImageFolder", "class_of", "folder_classes", "image_folder", "image_names"]

_COLORS = ("auto", "grey", "rgb")
"""What images may be brought to."""

_LONGEST_SIDE = 64
"""Maximum number of pixels of a side that images of several sizes are brought to where no size is given."""

_IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".gif", ".jfif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pcx", ".pgm", ".png", ".ppm", ".tga", ".tif",
    ".tiff", ".webp",
)  # fmt: skip
"""Suffixes of the files that are read."""


@dataclass(frozen=True, eq=False, repr=False)
class ImageFolder:
    """Images of a folder.

    Attributes
    ----------
    X : ndarray, shape (n, height, width) or (n, 3, height, width)
        Grey or RGB images as bytes, or grey ones of 16 or 32 bits where all files are such.
    y : ndarray of object, shape (n,)
        The subfolder that each is in; None for one that is in none.
    names : list of str
        Their paths below the folder.
    said : str or None
        What was done to their sizes; None where that was nothing.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from drlim import datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("cat", "dog"):
    ...         (Path(folder) / name).mkdir()
    ...         Image.new("L", (8, 6)).save(Path(folder) / name / "1.png")
    ...     images = datasets.image_folder(folder)
    >>> images, images.y.tolist(), images.names
    (ImageFolder(X (2, 6, 8), 2 classes), ['cat', 'dog'], ['cat/1.png', 'dog/1.png'])
    """

    X: Array
    y: Array
    names: list[str]
    said: str | None

    def __repr__(self) -> str:
        return f"ImageFolder(X {self.X.shape}, {len(set(self.y.tolist()) - {None})} classes)"


def folder_classes(folder: Path) -> list[str | None]:
    """Return the subfolder of each image that `image_folder` reads, None for one that is in none; refuse other data."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder, so that there are no subfolders to take labels from.")
    classes = list(map(class_of, image_names(folder)))
    if not any(classes):
        raise ValueError(f"{folder} has no subfolders with images in them to take labels from.")
    return classes


def image_names(folder: Path) -> list[str]:
    """Return the path below a folder of each image that `image_folder` reads."""
    return _names_below(folder, _image_paths(folder))


def class_of(name: str) -> str | None:
    """Return the subfolder that an image is in, by its path below the folder; None for one that is in none."""
    return name.split("/")[0] if "/" in name else None


def _names_below(folder: Path, paths: list[Path]) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in paths]


def image_folder(folder: str | os.PathLike[str], *, size: Size | int | None = None, color: str = "auto") -> ImageFolder:
    """Read the images of a folder, those of its subfolders too, as one array; the subfolders are their classes.

    Parameters
    ----------
    folder : str or path-like
        Images whose names end in .avif, .bmp, .gif, .jfif, .jp2, .jpeg, .jpg, .pbm, .pcx, .pgm, .png, .ppm, .tga, .tif,
        .tiff or .webp. Hidden files and folders are left out.
    size : int or (int, int), default=None
        Height and width that every image is brought to, whatever its proportions. None keeps images that are all of one
        size; those of several sizes are brought to their median height and width, the longer side at most 64.
    color : {"auto", "grey", "rgb"}, default="auto"
        "auto" is grey where all images are, and RGB otherwise. What is transparent is laid on white.

    Returns
    -------
    ImageFolder
        Images, classes and names, in the order of their paths.

    Raises
    ------
    ValueError
        When it is no folder, has no images in it, or one of them cannot be read; the message names it.
    ImportError
        When Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from drlim import datasets
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name, size in (("cat", (8, 6)), ("dog", (8, 8))):
    ...         (Path(folder) / name).mkdir()
    ...         Image.new("L", size).save(Path(folder) / name / "0.png")
    ...     found = datasets.image_folder(folder)
    >>> found.X.shape, found.y.tolist(), found.names
    ((2, 7, 8), ['cat', 'dog'], ['cat/0.png', 'dog/0.png'])
    >>> found.said
    '2 images of 2 sizes, from 6x8 to 8x8 pixels, brought to 7x8'
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder. Give the folder that the images are in.")
    if color not in _COLORS:
        hint = did_you_mean(str(color), _COLORS, f"Choose from {', '.join(_COLORS)}.")
        raise InvalidParameterError(f"Expected 'color' to be auto, grey or rgb. Got {short_repr(color)}. {hint}")
    paths = _image_paths(folder)
    names = _names_below(folder, paths)
    classes = np.array(list(map(class_of, names)), dtype=object)
    headers = [read_header(path) for path in paths]
    wanted = _checked_size(size) or _common_size(headers)
    kind = _common_kind(headers, color)
    first = pixels(paths[0], wanted, kind)
    images = np.empty((len(paths), *first.shape), dtype=first.dtype)
    for place, path in enumerate(paths):
        images[place] = pixels(path, wanted, kind)
    return ImageFolder(images, classes, names, _said(headers, wanted))


def _checked_size(size: Size | int | None) -> Size | None:
    """Return a height and a width, or refuse them."""
    if size is None:
        return None
    sides = (size, size) if isinstance(size, int) else size
    is_pair = isinstance(sides, tuple | list) and len(sides) == 2
    if not is_pair or not all(type(side) is int and side > 0 for side in sides):
        raise InvalidParameterError(
            f"Expected 'size' to be a number of pixels, such as 28, or (height, width). Got {short_repr(size)}."
        )
    return sides[0], sides[1]


def _common_size(headers: list[Header]) -> Size:
    """Return the size of images that are all of one, or the median of several, small enough for many of them."""
    sizes = np.array([header.size for header in headers])  # (n, 2)
    if (sizes == sizes[0]).all():
        return headers[0].size
    median = np.median(sizes, axis=0)
    shrink = min(1.0, _LONGEST_SIDE / float(median.max()))
    height, width = (max(1, round(float(side) * shrink)) for side in median)
    return height, width


def _common_kind(headers: list[Header], color: str) -> Kind:
    """Return what the pixels of all images are brought to; grey keeps more bits than 8 where all images agree."""
    if color == "rgb" or (color == "auto" and not all(header.is_grey for header in headers)):
        return "rgb"
    modes = {header.mode for header in headers}
    return "own" if len(modes) == 1 and modes <= set(DEEP) else "grey"


def _said(headers: list[Header], size: Size) -> str | None:
    """Return the sentence about sizes; None where none was changed."""
    given = sorted({header.size for header in headers}, key=lambda one: one[0] * one[1])
    if given == [size]:
        return None
    least, most = (f"{one[0]}x{one[1]}" for one in (given[0], given[-1]))
    span = f"{least} pixels" if len(given) == 1 else f"{len(given)} sizes, from {least} to {most} pixels"
    return f"{len(headers)} images of {span}, brought to {size[0]}x{size[1]}"


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
