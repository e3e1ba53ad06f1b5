"""Arguments and options that several commands have."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drlim._base.messages import did_you_mean
from drlim.cli.output import UsageError, nearest

if TYPE_CHECKING:
    from drlim.transforms import Change

__all__ = [
    "MODEL_SUFFIX",
    "ONNX_SUFFIX",
    "ArrayName",
    "Data",
    "IdsColumn",
    "ImageColor",
    "ImageSize",
    "Json",
    "LabelsColumn",
    "LabelsFrom",
    "changes_named",
    "check_inputs",
    "check_labels_from",
    "check_one_source",
    "image_size",
    "names_of",
]

MODEL_SUFFIX = ".safetensors"
ONNX_SUFFIX = ".onnx"

_FOLDERS = "folders"
"""What `LabelsFrom` accepts."""

_LARGEST_SIDE = 10_000
"""Maximum number of pixels of a side that images are brought to."""

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA", help="Samples: .npy, .npz, .csv, .parquet or a folder of images, those of its subfolders too."
    ),
]
ArrayName = Annotated[str | None, typer.Option(help="Name of the array, where DATA is an .npz that has several.")]
LabelsColumn = Annotated[str | None, typer.Option(help="Column of DATA that is no feature and is left out.")]
LabelsFrom = Annotated[
    str | None,
    typer.Option(
        metavar=_FOLDERS, help="Labels of images: the subfolder of DATA that each is in; one in no subfolder has none."
    ),
]
IdsColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of DATA that becomes the first one of the map. [default: one that fit left out as an id]"
    ),
]
ImageSize = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS",
        help="Size that all images of a folder are brought to, such as 28 or 24x32 (height x width). "
        "[default: theirs if it is one, else the median, the longer side at most 64; of a model, its own]",
    ),
]


def names_of(given: list[str] | None) -> list[str]:
    """Return the names in options that may be repeated and may hold several names, separated by commas.

    Examples
    --------
    >>> names_of(["age, income", "city"])
    ['age', 'income', 'city']
    """
    return [name.strip() for text in given or () for name in text.split(",") if name.strip()]


ImageColor = Annotated[
    str,
    typer.Option(metavar="auto|grey|rgb", help="What the images of a folder are brought to; auto: grey if all are."),
]


def check_inputs(*paths: Path | None) -> None:
    """Refuse paths of which there is nothing, at once: what reads them takes seconds to import."""
    for path in paths:
        if path is not None and not path.exists():
            folder = path.parent if path.parent.is_dir() else Path()
            like = did_you_mean(path.name, (one.name for one in folder.iterdir()))
            raise FileNotFoundError(errno.ENOENT, f"No such file or directory. {like}".rstrip(" ."), str(path))


def check_one_source(graph: Path | None, relations: Path | None) -> None:
    """Refuse two sources of relations."""
    if graph is not None and relations is not None:
        raise UsageError("--graph and --relations both say which samples are alike: give one of them.")


def check_labels_from(given: str | None) -> None:
    """Refuse a place of labels other than folders."""
    if given not in (None, _FOLDERS):
        raise UsageError(f"--labels-from must be {_FOLDERS}. Got {given}.{nearest(given, [_FOLDERS])}")


def changes_named(text: str | None) -> Change | None:
    """Return the changes of images that a text such as "shift=2,flip" names, or refuse it; None for None."""
    if text is None:
        return None
    from drlim.transforms import ignoring  # imports NumPy, before which a missing file is to be named

    return ignoring(text)


def image_size(text: str | None) -> tuple[int, int] | None:
    """Return the height and width that a text such as "28" or "24x32" gives, or refuse it; None for None."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,9})(?:x(\d{1,9}))?", text.lower(), re.ASCII)
    sides = () if found is None else (int(found[1]), int(found[2] or found[1]))
    if not sides or not all(1 <= side <= _LARGEST_SIDE for side in sides):
        raise UsageError(
            f"--size must be a number of pixels, such as 28, or height x width, such as 24x32, from 1 to "
            f"{_LARGEST_SIDE} a side. Got {text}."
        )
    return sides
