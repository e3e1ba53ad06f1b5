"""Columns of a table by name, and samples with the names of their columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from drlim._base.arrays import Array
from drlim.tables.files import CsvTable, ParquetTable, column_place, open_table

__all__ = ["NamedSamples", "TableColumns", "columns_in", "columns_of"]


class TableColumns(Mapping[str, Array]):
    """Columns of a table by name; each is read when it is asked for."""

    def __init__(self, table: CsvTable | ParquetTable) -> None:
        self.table = table

    def __getitem__(self, name: str) -> Array:
        if name not in (self.table.names or ()):
            raise KeyError(name)
        return self.table.values(column_place(self.table, name))

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.names or ())

    def __len__(self) -> int:
        return len(self.table.names or ())


class NamedSamples:
    """Samples with named columns, as `DrLIM.fit` takes them: an array-like with the attribute ``column_names``.

    A data frame would need pandas, which is not installed everywhere.
    """

    def __init__(self, X: Array, names: list[str]) -> None:
        self.column_names = names
        self.dtype = X.dtype
        self.shape = X.shape
        self._values = X

    def __len__(self) -> int:
        return len(self._values)

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> Array:
        return np.array(self._values, dtype=dtype) if copy else np.asarray(self._values, dtype=dtype)


def columns_of(
    path: Path, *, wanted: Collection[str] | None = None, leave_out: Collection[str] = ()
) -> dict[str, Array]:
    """Return columns of a table by name, in the table's order; see `columns_in`."""
    return columns_in(open_table(path), wanted=wanted, leave_out=leave_out)


def columns_in(
    table: CsvTable | ParquetTable, *, wanted: Collection[str] | None = None, leave_out: Collection[str] = ()
) -> dict[str, Array]:
    """Return columns of a table that is open by name, in its order.

    Parameters
    ----------
    table : CsvTable or ParquetTable
    wanted : collection of str, default=None
        Columns to read, where the table has them; None reads all. Columns without names are ``x0``, ``x1``, ...
    leave_out : collection of str, default=()
        Columns that are not read; they must be there.
    """
    left_out = {column_place(table, name) for name in leave_out}
    names = [f"x{place}" for place in range(table.n_columns)] if table.names is None else table.names
    places = [place for place, name in enumerate(names) if place not in left_out and (wanted is None or name in wanted)]
    if not places:
        raise ValueError(f"{table.path} has no column left.")
    return {names[place]: column for place, column in zip(places, table.columns(places), strict=True)}
