"""What ``drlim plot`` draws: the map of a model or of a file, the images of its samples, and earlier samples."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from drlim.cli.files import read_labels, read_samples
from drlim.cli.models import is_table
from drlim.cli.output import UsageError
from drlim.datasets.folders import folder_classes
from drlim.datasets.pillow import Size
from drlim.tables.files import TABLE_SUFFIXES, open_table, readable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from drlim._base.arrays import Array
    from drlim.cli.models import SavedModel

__all__ = ["drawn_map", "labels_to_draw", "map_to_draw", "read_background"]

_AXIS = re.compile(r"(drlim|neighbormap)\d+")
"""Names of the axes of a map in a table, which may have a column of ids, too."""


def drawn_map(
    model: SavedModel | None,
    Z: Array,
    labels: Array | None,
    images: Array | None,
    background: Array | None,
    *,
    title: str | None,
    names: Literal["auto", "legend", "map"] | None,
) -> Axes:
    """Draw a map; on the chart of its curved space, where neither images nor earlier samples are wanted."""
    from drlim import plotting

    space = getattr(model and model.map, "space_", None)
    if space is not None and not space.is_flat and images is None and background is None:
        return plotting.plot_on_space(Z, space, labels, key_title=title)
    return plotting.plot_embedding(Z, labels, images=images, key_title=title, background=background, group_names=names)


def map_to_draw(
    model: SavedModel | None,
    source: Path,
    data: Path | None,
    array: str | None,
    column: str | None,
    images: bool,
    size: Size | None = None,
) -> tuple[Array, Array | None]:
    """Return a map, and the samples when they are to be drawn as images; without a model, ``source`` is the map."""

    def read(path: Path) -> Array:
        leave_out, pixels = column if is_table(path) else None, size if path == data else None
        axes = _axes(path)
        return read_samples(path, array=array, columns=axes or None, leave_out=leave_out, size=pixels).X

    if model is None:
        if data is None:
            return read(source), None
        return read_samples(source, columns=_axes(source) or None).X, read(data) if images else None
    if data is None:
        return model.map.embedding_, None
    samples = model.read(data, array=array, leave_out=column if is_table(data) else None, size=size)
    return model.transform(samples), np.asarray(samples) if images else None


def read_background(
    model: SavedModel | None, path: Path, array: str | None, column: str | None, size: Size | None = None
) -> Array:
    """Return the positions of earlier samples: those of a map, or those that the model gives to samples."""
    size = size if path.is_dir() else None
    names = _column_names(path)
    leave_out = column if column in names else None
    array = array if array is not None and _has_array(path, array) else None
    if model is None:
        return read_samples(path, array=array, columns=_axes(path) or None, leave_out=leave_out).X
    if set(model.outputs) <= set(names):
        return read_samples(path, columns=model.outputs).X
    samples = model.read(path, array=array, leave_out=leave_out, size=size)
    return samples if isinstance(samples, np.ndarray) and _is_map(samples, model) else model.transform(samples)


def _is_map(samples: Array, model: SavedModel) -> bool:
    """Return whether an array has as many columns as the map has axes, and samples have another number."""
    return samples.ndim == 2 and samples.shape[1] == len(model.outputs) != model.whole.n_features_in_


def _axes(path: Path) -> list[str]:
    """Return the columns of a table that are axes of a map, as `drlim transform` names them."""
    return [name for name in _column_names(path) if _AXIS.fullmatch(name)]


def labels_to_draw(labels: str | None, labels_from: str | None, source: Path, data: Path | None) -> Array | None:
    """Return the labels of a picture: of a file or a column, or the subfolders that images are in; None without any."""
    if labels_from is not None:
        if labels is not None or data is None:
            raise UsageError("--labels-from needs DATA, and takes the place of --labels.")
        return np.array(folder_classes(data), dtype=object)
    return None if labels is None else read_labels(labels, data or source)


def _column_names(path: Path) -> list[str]:
    is_table = path.suffix.lower() in TABLE_SUFFIXES and path.is_file()
    return (open_table(path).names or []) if is_table else []


def _has_array(path: Path, array: str) -> bool:
    if path.suffix.lower() != ".npz":
        return False
    with readable(path), zipfile.ZipFile(path) as archive:
        return f"{array}.npy" in archive.namelist()
