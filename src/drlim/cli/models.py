"""A saved model on the command line: what it reads of DATA, the map that it gives, and the ids of the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from drlim._base.messages import listed
from drlim.cli.files import read_samples
from drlim.cli.writing import Ids
from drlim.datasets.folders import image_names
from drlim.datasets.pillow import Size
from drlim.tables.by_name import columns_of
from drlim.tables.files import TABLE_SUFFIXES, CsvTable, ParquetTable, column_place, open_table

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from drlim._base.arrays import Array, Floats
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.tables.table import Table

__all__ = ["SavedModel", "ids_in", "ids_of", "is_table", "open_model"]

_FILE = "file"
"""Name of the column of the ids of images."""


class SavedModel(NamedTuple):
    """A model that was loaded.

    Attributes
    ----------
    path : Path
    whole : DrLIM, NeighborMap or Pipeline
        What was saved.
    map : DrLIM or NeighborMap
        The map in it.
    table : Table or None
        What is before the map and takes a table as it comes.
    """

    path: Path
    whole: DrLIM | NeighborMap | Pipeline
    map: DrLIM | NeighborMap
    table: Table | None

    @property
    def outputs(self) -> list[str]:
        """Names of the axes of the map."""
        return list(self.map.get_feature_names_out())

    @property
    def _columns(self) -> list[str] | None:
        """Names of the columns that it was fitted on, None for columns without names."""
        first = self.map if self.whole is self.map else self.whole[0]
        names = getattr(first, "feature_names_in_", None)
        return None if names is None else list(names)

    def transform(self, samples: Array | Mapping[str, Array]) -> Array:
        """Return the map of samples that `read` returned."""
        whole: Any = self.whole  # of which a table takes columns, and a map an array
        Z: Array = whole.transform(samples)
        return Z

    def transform_with_novelty(self, samples: Array | Mapping[str, Array]) -> tuple[Array, Floats]:
        """Return the map of samples that `read` returned, and how far they lie from the training samples, (n, 2).

        What comes before the map is done once, so that it warns once.
        """
        import numpy as np  # with torch, which takes seconds, and other commands need neither

        whole: Any = self.whole
        if whole is self.map:
            return self.transform(samples), self.map.novelty(np.asanyarray(samples))  # a memory map stays one
        ready = whole[:-1].transform(samples)  # (n, q)
        return self.map.transform(ready), self.map.novelty(ready)

    def read(
        self,
        data: Path,
        *,
        array: str | None = None,
        leave_out: str | Collection[str] | None = None,
        size: Size | None = None,
    ) -> Array | Mapping[str, Array]:
        """Return what the model takes of DATA: an array, or columns by name where a table is before the map."""
        used = _used_by(self.table)
        if used and is_table(data):
            return columns_of(data, wanted=used)
        if used and data.is_dir():
            raise ValueError(
                f"{data} is a folder of images, and {self.path} was fitted on a table with the columns {listed(used)}. "
                "Give a .csv, .tsv or .parquet with these."
            )
        shape = self.map.input_shape_
        color: str = "grey" if len(shape) == 2 else "rgb"
        pixels = shape[-2:] if size is None and data.is_dir() and len(shape) > 1 else size
        samples = read_samples(
            data, array=array, columns=self._columns, leave_out=leave_out, size=pixels, color=color
        ).X
        self._check_image_size(samples, data)
        return samples

    def _check_image_size(self, samples: Array, data: Path) -> None:
        """Refuse images of a folder of another size than those that the model was fitted on; name the option."""
        fitted, given = self.map.input_shape_, samples.shape[1:]
        if data.is_dir() and len(fitted) == len(given) and fitted[:-2] == given[:-2] and fitted != given:
            wanted, found = ("x".join(map(str, shape[-2:])) for shape in (fitted, given))
            raise ValueError(
                f"{data}: the images are of {found} pixels, and the model takes {wanted}. Add --size {wanted}."
            )


def open_model(path: Path) -> SavedModel:
    """Load a model."""
    from drlim import load
    from drlim.tables.table import Table

    whole = load(path)
    last = whole if hasattr(whole, "embedding_") else whole[-1]
    first = None if whole is last else whole[0]
    return SavedModel(path, whole, last, first if isinstance(first, Table) else None)


def ids_of(data: Path, table: Table | None, chosen: str | None = None) -> Ids | None:
    """Return what tells the rows of DATA apart: a column that was chosen, or left out as an id; names of images."""
    if is_table(data):
        return ids_in(open_table(data), table, chosen) if chosen is not None or _left_out_as_ids(table) else None
    if chosen is not None:
        raise ValueError(f"{data}: only a .csv or .parquet has a column of ids. Got {chosen}.")
    return Ids(_FILE, image_names(data)) if data.is_dir() else None


def ids_in(opened: CsvTable | ParquetTable, table: Table | None, chosen: str | None) -> Ids | None:
    """Return the ids in a table that is open: of a column that was chosen, or of the first left out as an id."""
    left_out = (name for name in _left_out_as_ids(table) if name in (opened.names or []))
    name = next(left_out, None) if chosen is None else chosen
    return None if name is None else Ids(name, opened.values(column_place(opened, name)).tolist())


def _used_by(table: Table | None) -> list[str]:
    """Return the names of the columns that a table uses; [] without one."""
    return [] if table is None else [column.name for column in table.columns_ if column.kind != "left out"]


def _left_out_as_ids(table: Table | None) -> list[str]:
    return [] if table is None else [column.name for column in table.columns_ if column.is_id]


def is_table(data: Path) -> bool:
    """Return whether DATA is a table of columns."""
    return data.suffix.lower() in TABLE_SUFFIXES and not data.is_dir()
