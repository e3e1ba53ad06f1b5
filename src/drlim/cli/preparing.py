"""DATA as `drlim fit` takes them: samples, and what made them of a table as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from drlim.cli.files import read_samples
from drlim.cli.models import ids_in, ids_of, is_table
from drlim.cli.output import UsageError
from drlim.cli.writing import Ids
from drlim.tables.by_name import NamedSamples, columns_in
from drlim.tables.files import open_table

if TYPE_CHECKING:
    from drlim._base.arrays import Array
    from drlim.datasets.pillow import Size
    from drlim.tables.table import Table

__all__ = ["Prepared", "TableOptions", "prepared"]


class TableOptions(NamedTuple):
    """Options of a table; None leaves each to `Table`."""

    drop: list[str]
    categories: list[str]
    numbers: list[str]
    as_is: list[str]
    standardize: bool | None
    fill: str | None

    @property
    def chosen(self) -> dict[str, Any]:
        """Parameters of `Table` that were given."""
        return {name: value for name, value in self._asdict().items() if value not in (None, [])}

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        return [f"--{name.replace('_', '-')}" for name in self.chosen]


class Prepared(NamedTuple):
    """Samples to fit a map to.

    Attributes
    ----------
    X : ndarray or NamedSamples
    samples : ndarray
        The same without names.
    table : Table or None
        What made the samples of a table as it came; None where that was nothing.
    said : str or None
        What was done with the columns of a table, or with the sizes of images.
    ids : Ids or None
        What tells the rows apart.
    """

    X: Array | NamedSamples
    samples: Array
    table: Table | None = None
    said: str | None = None
    ids: Ids | None = None


def prepared(
    data: Path,
    options: TableOptions,
    *,
    ids: str | None,
    array: str | None,
    left_out: Sequence[str],
    size: Size | None,
    color: str = "auto",
) -> Prepared:
    """Read DATA, and make numbers of a table."""
    if not is_table(data) or array is not None or size is not None:
        if options.given:
            raise UsageError(f"{options.given[0]} is for a table, .csv, .tsv or .parquet. Got {data}.")
        found = read_samples(data, array=array, leave_out=left_out, size=size, color=color)
        return Prepared(found.X, found.X, said=found.said, ids=ids_of(data, None, ids))
    opened = open_table(data)
    columns = columns_in(opened, leave_out=[*left_out, *([] if ids is None or ids in left_out else [ids])])
    table = fitted_table(data, columns, options)
    made = np.ascontiguousarray(table.transform(columns))
    rows = ids_in(opened, table, ids)
    if not table.changes_nothing_:
        return Prepared(made, made, table, table.describe(), rows)
    X = made if opened.names is None else NamedSamples(made, list(columns))
    return Prepared(X, made, None, table.describe(), rows)


def fitted_table(data: Path, columns: Mapping[str, Array], options: TableOptions) -> Table:
    """Return what is to be done with the columns of DATA, or name the file in the error."""
    from drlim.tables.table import Table

    try:
        return Table(**options.chosen).fit(columns)
    except (ValueError, TypeError) as error:
        raise type(error)(f"{data}: {error}") from error
