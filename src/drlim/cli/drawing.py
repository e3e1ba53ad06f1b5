"""What ``drlim plot`` draws: the map of a model or of a file, the images of its samples, and earlier samples."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from drlim.cli.files import read_samples
from drlim.cli.tables import TABLE_SUFFIXES, open_table, readable

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.estimators import DrLIM, NeighborMap

__all__ = ["input_names", "map_to_draw", "read_background"]


def map_to_draw(
    estimator: DrLIM | NeighborMap | None,
    source: Path,
    data: Path | None,
    array: str | None,
    column: str | None,
    images: bool,
) -> tuple[Array, Array | None]:
    """Return a map, and the samples when they are to be drawn as images; without a model, ``source`` is the map."""

    def read(path: Path, columns: list[str] | None = None) -> Array:
        table = path.suffix.lower() in TABLE_SUFFIXES
        return read_samples(path, array=array, columns=columns, leave_out=column if table else None).X

    if estimator is None:
        return read(source) if data is None else read_samples(source).X, read(data) if data and images else None
    if data is None:
        return estimator.embedding_, None
    samples = read(data, input_names(estimator))
    return estimator.transform(samples), samples if images else None


def read_background(estimator: DrLIM | NeighborMap | None, path: Path, array: str | None, column: str | None) -> Array:
    """Return the positions of earlier samples: those of a map, or those that the model gives to samples."""
    names = _column_names(path)
    leave_out = column if column in names else None
    array = array if array is not None and _has_array(path, array) else None
    if estimator is None:
        return read_samples(path, array=array, leave_out=leave_out).X
    outputs = list(estimator.get_feature_names_out())
    if set(outputs) <= set(names):
        return read_samples(path, columns=outputs).X
    samples = read_samples(path, array=array, columns=input_names(estimator), leave_out=leave_out).X
    is_map = samples.ndim == 2 and samples.shape[1] == len(outputs) != estimator.n_features_in_
    return samples if is_map else estimator.transform(samples)


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
