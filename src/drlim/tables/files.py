"""Tables of columns, some of them numbers: ``.csv`` and its like as text, ``.parquet`` by pyarrow."""

from __future__ import annotations

import contextlib
import csv
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from drlim._base.arrays import Array, Floats
from drlim._base.disk import refuse_special
from drlim._base.messages import LONGEST_COMPLAINT, did_you_mean, listed, one_line
from drlim.tables.values import is_number

__all__ = [
    "TABLE_SUFFIXES",
    "TEXT_SUFFIXES",
    "CsvTable",
    "ParquetTable",
    "column_place",
    "open_csv",
    "open_table",
    "readable",
    "require_pyarrow",
    "typed",
]

TEXT_SUFFIXES = (".csv", ".tsv")
TABLE_SUFFIXES = (*TEXT_SUFFIXES, ".parquet")
"""Suffixes of the files that `open_table` opens."""


class CsvTable(NamedTuple):
    """A table as text."""

    path: Path
    names: list[str] | None
    n_columns: int
    lines: list[str]  # without the names
    delimiter: str

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return len(self.lines)

    def numbers(self, places: Sequence[int]) -> Floats:
        """Return columns, which must hold numbers, as an array (n, len(places))."""
        if not self.lines:
            raise ValueError(f"{self.path} has names of columns and no rows.")
        usecols = (
            None if list(places) == list(range(self.n_columns)) else list(places)
        )  # None makes NumPy check that all rows have the same number of fields
        with readable(self.path):
            try:
                return np.loadtxt(
                    self.lines, delimiter=self.delimiter, usecols=usecols, quotechar='"', comments=None, ndmin=2
                )
            except ValueError as error:
                raise ValueError(self._located(str(error))) from error

    def columns(self, places: Sequence[int]) -> list[Array]:
        """Return columns as numbers where all are such, else as the texts that the file has."""
        try:
            return list(self.numbers(places).T)
        except ValueError:
            if not self.lines:
                raise
        with readable(self.path):
            texts = list(zip(*csv.reader(self.lines, delimiter=self.delimiter), strict=True))
        return [np.array(texts[place], dtype=object) for place in places]

    def _located(self, complaint: str) -> str:
        """Return NumPy's complaint with the column's name, and with rows counted from 1."""
        found = re.match(r"could not convert string (.*) to float64 at row (\d+), column (\d+)", complaint, re.DOTALL)
        if found is None:
            return complaint.partition(";")[0]  # what follows advises on NumPy's own options
        text, row, column = found[1], int(found[2]) + 1, int(found[3])
        name = f"column {column}" if self.names is None else f"column {self.names[column - 1]!r}"
        return f"{text[:60]} in {name}, row {row} of the data, is no number. Correct it, or leave the column out."

    def values(self, place: int) -> Array:
        """Return one column as integers, numbers or text."""
        with readable(self.path):
            return typed([row[place] for row in csv.reader(self.lines, delimiter=self.delimiter)])


class ParquetTable(NamedTuple):
    """A table of typed columns."""

    path: Path
    names: list[str]
    n_columns: int
    table: Any

    @property
    def n_rows(self) -> int:
        """Number of samples."""
        return int(self.table.num_rows)

    def numbers(self, places: Sequence[int]) -> Array:
        """Return columns, which must hold numbers, as an array (n, len(places))."""
        for place in places:
            if n_missing := self.table.column(place).null_count:
                raise ValueError(f"{self.path}: column {self.names[place]!r} has {n_missing} missing values.")
        columns = [self.values(place) for place in places]
        for place, column in zip(places, columns, strict=True):
            if column.dtype.kind not in "biuf":
                kind = self.table.schema.types[place]
                raise ValueError(f"{self.path}: column {self.names[place]!r} is of type {kind}, which is no number.")
        return np.column_stack(columns)

    def columns(self, places: Sequence[int]) -> list[Array]:
        """Return columns in their own types; missing values are NaN or None."""
        return [self.values(place) for place in places]

    def values(self, place: int) -> Array:
        """Return one column in its own type; missing values are NaN or None."""
        column, kind = self.table.column(place), self.table.schema.types[place]
        if hasattr(kind, "value_type") and hasattr(
            kind, "index_type"
        ):  # a dictionary, whose blanks NumPy would not see
            column = column.cast(kind.value_type)
        values: Array = column.to_numpy()
        return np.array(values.tolist()) if values.dtype == object else values


def open_table(path: Path) -> CsvTable | ParquetTable:
    """Open a table of the kind that its suffix names."""
    if path.suffix.lower() != ".parquet":
        return open_csv(path)
    pyarrow = require_pyarrow()
    with readable(path), path.open("rb") as file:
        table = pyarrow.parquet.read_table(file)
    return ParquetTable(path, _checked_names(path, table.column_names), table.num_columns, table)


def open_csv(path: Path) -> CsvTable:
    """Open a table of text, with or without a row of names, separated by commas, semicolons or tabs."""
    with readable(path):
        text = path.read_text(encoding="utf-8-sig")
    start = next((line for line in text.split("\n") if line.strip()), None)
    if start is None:
        raise ValueError(f"{path} is empty.")
    delimiter = max(",;\t", key=start.count)
    with readable(path):
        rows = _rows(text, delimiter)
        first, second = ([_fields(row, delimiter) for row in rows[:2]] + [[]])[:2]
        odd = _odd_row(rows, delimiter, len(first))
    named = _has_header(path, first, second)
    if odd is not None:
        _refuse_width(path, text, rows[: odd[0] + 1], (len(first), odd[1]), named=named)
    if re.match(r"\s*#+\s", first[0]):
        raise ValueError(
            f"{path}: the first line begins with '#' and a blank, as a comment does, and is as wide as the rows. If it "
            "is a comment, delete it; if it holds the names of the columns, delete the sign."
        )
    if named:
        return CsvTable(path, _checked_names(path, first), len(first), rows[1:], delimiter)
    return CsvTable(path, None, len(first), rows, delimiter)


def _rows(text: str, delimiter: str) -> list[str]:
    """Return the rows of a table as text, without blank ones. A field in quotes may have line ends in it."""
    lines = text.split("\n")
    if '"' in text:
        reader = csv.reader((f"{line}\n" for line in lines), delimiter=delimiter)
        ends = [0, *(reader.line_num for _ in reader)]
        lines = ["\n".join(lines[begin:end]) for begin, end in pairwise(ends)]
    return [line for line in lines if line.strip()]


def _fields(row: str, delimiter: str) -> list[str]:
    return next(csv.reader((f"{line}\n" for line in row.split("\n")), delimiter=delimiter))


def _odd_row(rows: Sequence[str], delimiter: str, width: int) -> tuple[int, int] | None:
    """Return the place of the first row of another width, and its width; None if there is none."""
    for place, row in enumerate(rows):
        found = len(_fields(row, delimiter)) if '"' in row else row.count(delimiter) + 1
        if found != width:
            return place, found
    return None


def _refuse_width(path: Path, text: str, rows: Sequence[str], widths: tuple[int, int], *, named: bool) -> None:
    """Refuse a table for the width of the last of its first rows: columns would be read from the wrong places."""
    wanted, found = widths
    first, last = (_line_number(text, some) for some in (rows[:1], rows))
    kind = "names" if named else "values"
    way_out = "Complete the line, or delete it."
    if rows[0].lstrip().startswith("#"):
        way_out = f"If line {first} is a comment, delete it."
    elif wanted == 1:
        way_out = "Delete what stands above the names or values. Numbers are written with a point, as 1.5."
    elif named and found == wanted + 1:
        way_out = "If the rows begin with names of their own, name that column, too, or write the file without them."
    raise ValueError(f"{path}: line {last} has {found} values, but line {first} has {wanted} {kind}. {way_out}")


def _line_number(text: str, rows: Sequence[str]) -> int:
    """Return the number of the line, counted from 1, at which the last of the first rows of a text begins."""
    begin = end = 0
    for row in rows:
        begin = text.index(row, end)
        end = begin + len(row)
    return text.count("\n", 0, begin) + 1


def _has_header(path: Path, first: list[str], second: list[str]) -> bool:
    """Return whether the first row holds names; refuse a table where it could hold names or numbers."""
    numeric = [is_number(field) for field in first]
    if all(numeric):
        if len(first) > 2 and first == [str(place) for place in range(len(first))]:
            raise ValueError(
                f"{path}: the first row counts 0, 1, 2, ..., as data frames without names write it. "
                "Delete it, or give the columns names."
            )
        return False
    if any(numeric) and numeric == [is_number(field) for field in second]:
        raise ValueError(f"{path} has columns that are no numbers, and no row of names to choose columns by. Add one.")
    return True


def _checked_names(path: Path, names: Sequence[str]) -> list[str]:
    """Return names of columns without spaces around; refuse empty and repeated ones."""
    stripped = [name.strip() for name in names]
    for place, name in enumerate(stripped):
        if not name:
            raise ValueError(
                f"{path}: column {place + 1} has no name. If it is the index of a data frame, write the file with "
                "index=False."
            )
        if name in stripped[:place]:
            raise ValueError(f"{path}: two columns have the name {name!r}.")
    return stripped


def column_place(table: CsvTable | ParquetTable, name: str) -> int:
    """Return the place of a column by name."""
    if table.names is None:
        raise ValueError(f"{table.path} has no row of names, so no column {name!r}. Add one.")
    if name not in table.names:
        hint = did_you_mean(name, table.names, f"It has {listed(table.names)}.")
        raise ValueError(f"{table.path} has no column {name!r}. {hint}")
    return table.names.index(name)


def typed(texts: list[str]) -> Array:
    """Return texts as integers where all are, else as numbers where all are or are blank (NaN), else as they are."""
    for kind in (np.int64, np.float64):
        with contextlib.suppress(ValueError, OverflowError):
            return np.array(texts, dtype=kind)
    blank = np.array([not text.strip() for text in texts], dtype=bool)
    if blank.any() and not blank.all():
        with contextlib.suppress(ValueError):
            numbers = np.full(len(texts), np.nan)
            numbers[~blank] = np.array(texts)[~blank].astype(np.float64)
            return numbers
    return np.array(texts, dtype=str)


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Refuse what is no file, and turn the errors of readers for bad content into a ValueError that names the file."""
    refuse_special(path)
    try:
        yield
    except OSError as error:
        if error.errno is not None:  # the system's error about the path, not a reader's about the content
            raise
        raise ValueError(f"{path} cannot be read: {one_line(error, LONGEST_COMPLAINT)}") from error
    except (
        ValueError,
        LookupError,
        EOFError,
        RuntimeError,
        csv.Error,
        zipfile.BadZipFile,
        zlib.error,
        MemoryError,
    ) as error:
        raise ValueError(f"{path} cannot be read: {one_line(error, LONGEST_COMPLAINT)}") from error


def require_pyarrow() -> Any:
    """Import pyarrow, or refuse with the command that installs it: it is optional."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(".parquet files need pyarrow, which is not installed: pip install pyarrow") from error
    return pa
