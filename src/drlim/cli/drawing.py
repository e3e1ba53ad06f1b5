"""What ``drlim plot`` draws: the map of a model or of a file, the images of its samples, and earlier samples."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drlim.cli.files import read_labels, read_samples
from drlim.cli.output import UsageError
from drlim.datasets.folders import Size, folder_classes
from drlim.tables.files import TABLE_SUFFIXES, open_table, readable

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["check_image_size", "input_names", "labels_to_draw", "map_to_draw", "read_background"]


def map_to_draw(
    estimator: DrLIM | NeighborMap | None,
    source: Path,
    data: Path | None,
    array: str | None,
    column: str | None,
    images: bool,
    size: Size | None = None,
) -> tuple[Array, Array | None]:
    """Return a map, and the samples when they are to be drawn as images; without a model, ``source`` is the map."""

    def read(path: Path, columns: list[str] | None = None) -> Array:
        table = path.suffix.lower() in TABLE_SUFFIXES and not path.is_dir()
        leave_out, pixels = column if table else None, size if path == data else None
        return read_samples(path, array=array, columns=columns, leave_out=leave_out, size=pixels).X

    if estimator is None:
        return read(source) if data is None else read_samples(source).X, read(data) if data and images else None
    if data is None:
        return estimator.embedding_, None
    samples = read(data, input_names(estimator))
    check_image_size(estimator, samples, data)
    return estimator.transform(samples), samples if images else None


def read_background(
    estimator: DrLIM | NeighborMap | None, path: Path, array: str | None, column: str | None, size: Size | None = None
) -> Array:
    """Return the positions of earlier samples: those of a map, or those that the model gives to samples."""
    size = size if path.is_dir() else None
    names = _column_names(path)
    leave_out = column if column in names else None
    array = array if array is not None and _has_array(path, array) else None
    if estimator is None:
        return read_samples(path, array=array, leave_out=leave_out).X
    outputs = list(estimator.get_feature_names_out())
    if set(outputs) <= set(names):
        return read_samples(path, columns=outputs).X
    samples = read_samples(path, array=array, columns=input_names(estimator), leave_out=leave_out, size=size).X
    is_map = samples.ndim == 2 and samples.shape[1] == len(outputs) != estimator.n_features_in_
    return samples if is_map else estimator.transform(samples)


def labels_to_draw(labels: str | None, labels_from: str | None, source: Path, data: Path | None) -> Array | None:
    """Return the labels of a picture: of a file or a column, or the subfolders that images are in; None without any."""
    if labels_from is not None:
        if labels is not None or data is None:
            raise UsageError("--labels-from needs DATA, and takes the place of --labels.")
        return np.array(folder_classes(data), dtype=object)
    return None if labels is None else read_labels(labels, data or source)


def check_image_size(estimator: DrLIM | NeighborMap, samples: Array, data: Path) -> None:
    """Refuse images of a folder of another size than those that a model was fitted on; name the option."""
    fitted, given = estimator.input_shape_, samples.shape[1:]
    if data.is_dir() and len(fitted) == len(given) and fitted[:-2] == given[:-2] and fitted != given:
        wanted, found = ("x".join(map(str, shape[-2:])) for shape in (fitted, given))
        raise ValueError(
            f"{data}: the images are of {found} pixels, and the model takes {wanted}. Add --size {wanted}."
        )


def input_names(estimator: DrLIM | NeighborMap) -> list[str] | None:
    """Return the names of the columns that a model was fitted on, None for columns without names."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else list(names)


def _column_names(path: Path) -> list[str]:
    is_table = path.suffix.lower() in TABLE_SUFFIXES and path.is_file()
    return (open_table(path).names or []) if is_table else []


def _has_array(path: Path, array: str) -> bool:
    if path.suffix.lower() != ".npz":
        return False
    with readable(path), zipfile.ZipFile(path) as archive:
        return f"{array}.npy" in archive.namelist()
