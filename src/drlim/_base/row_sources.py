"""What rows are read from: memory maps, arrays of h5py and zarr, Arrow tables, and whatever has a shape and slices.

Nothing here imports the packages whose objects are read. `row_source` says whether an object is read row by row;
`read_whole` reads one into memory for what needs all rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import NamedTuple, Protocol, TypeGuard

import numpy as np

from drlim._base.arrays import Array, Index
from drlim._base.messages import one_line, short_repr
from drlim._base.stored_rows import Reader
from drlim._base.strange import derives

__all__ = ["FailedReadError", "Mapped", "RowSource", "Sliced", "is_row_source", "read_whole", "row_source", "sliced"]

_MOST_ROWS, _MOST_VALUES = 4096, 2**20
"""Maximum number of rows, and of their values, that are asked of a source at once."""

_GAP = 64
"""Number of rows that are not wanted up to which a source is read through. 256 rows of 60,000 picked one by one take 14
ms of h5py in chunks of 256 rows and 360 of zarr, and all 60,000 read through take 90 and 150."""

_WHOLE_BYTES = 2**28
"""Maximum size, 256 MiB, up to which a source that is slow to pick rows from is read into memory, a batch at a time.
Rows are read in random order, for which it takes up to a hundred times as long as memory."""


class Sliceable(Protocol):
    """What is read by slices of rows."""

    shape: tuple[int, ...]

    def __getitem__(self, rows: slice, /) -> object: ...


class ArrowSchema(Protocol):
    """Types of the columns of an Arrow table."""

    types: Sequence[object]


class ArrowTable(Protocol):
    """What is read of an Arrow table."""

    num_rows: int
    num_columns: int
    nbytes: int
    schema: ArrowSchema
    column_names: Sequence[str]
    columns: Sequence[Iterable[object]]

    def slice(self, offset: int, length: int) -> ArrowTable:
        """Return a run of rows."""
        ...

    def take(self, indices: Index) -> ArrowTable:
        """Return rows by number."""
        ...


class RowSource(NamedTuple):
    """An object that is read row by row.

    Attributes
    ----------
    reader : Reader
    names : list of str or None
        Names of the columns, of a table.
    is_small : bool
        Whether it is better read into memory, by `read_whole`.
    """

    reader: Reader
    names: list[str] | None = None
    is_small: bool = False


class FailedReadError(ValueError):
    """Rows could not be read."""


class Mapped:
    """Rows of an array, such as a memory map: the system reads what is touched."""

    is_quick = True

    def __init__(self, array: Array) -> None:
        self.array = array
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype[np.generic] = array.dtype

    def read(self, rows: Index | slice) -> Array:
        """Return rows, of a slice without reading them."""
        return np.asarray(self.array[rows])


class _Table:
    """Rows of an Arrow table."""

    is_quick = True

    def __init__(self, table: ArrowTable) -> None:
        self._table = table
        self.shape: tuple[int, ...] = (table.num_rows, table.num_columns)
        self.dtype = np.result_type(*filter(None, map(_type_of_column, table.schema.types)))

    def read(self, rows: Index | slice) -> Array:
        """Return rows, a column after the other."""
        if isinstance(rows, slice) and rows.step == 1:
            some = self._table.slice(rows.start, max(0, rows.stop - rows.start))
        else:
            some = self._table.take(np.arange(self.shape[0])[rows] if isinstance(rows, slice) else rows)
        columns = [np.asarray(column) for column in some.columns]  # (b,) each
        dtype = np.result_type(self.dtype, *columns)  # an integer column with a gap is given in floats
        return np.stack(columns, axis=1).astype(dtype, copy=False) if columns else np.empty(self.shape, dtype)  # (b, p)


class Sliced:
    """Rows of an object that is read by slices, or else item by item.

    Where many rows are wanted that lie near each other, those between are read, too.
    """

    is_quick = False

    def __init__(
        self,
        source: object,
        name: str,
        shape: tuple[int, ...],
        read: Callable[[int, int], object],
    ) -> None:
        self._source, self._name, self._read = source, name, read
        self.shape = shape
        first = self._run(0, min(1, self.shape[0]))  # (1, ...)
        self.dtype: np.dtype[np.generic] = _dtype_of(source) or first.dtype

    def read(self, rows: Index | slice) -> Array:
        """Return rows, read in runs, ascending and each once."""
        if isinstance(rows, slice) and rows.step == 1:
            return self._run(rows.start, max(rows.start, rows.stop))
        chosen = np.arange(self.shape[0])[rows] if isinstance(rows, slice) else rows
        wanted, place = np.unique(chosen, return_inverse=True)  # (u,), (b,)
        found = np.empty((len(wanted), *self.shape[1:]), self.dtype)  # (u, ...)
        ends = (np.diff(wanted) > _GAP) | (np.diff(wanted // self._most) > 0)  # (u - 1,)
        for some in np.split(np.arange(len(wanted)), np.flatnonzero(ends) + 1):
            if len(some):
                low, high = int(wanted[some[0]]), int(wanted[some[-1]]) + 1
                found[some] = self._checked(low, high)[wanted[some] - low]
        return found[place]

    @property
    def _most(self) -> int:
        """Maximum number of rows that are asked for at once."""
        return max(1, min(_MOST_ROWS, _MOST_VALUES // max(1, prod(self.shape[1:]))))

    def _run(self, start: int, stop: int) -> Array:
        """Return the rows from one up to another, which is excluded."""
        parts = [self._checked(low, min(low + self._most, stop)) for low in range(start, stop, self._most)]
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, *self.shape[1:]), getattr(self, "dtype", np.float64))

    def _checked(self, start: int, stop: int) -> Array:
        """Return some rows, or say that the source gives others than it did."""
        try:
            rows = np.asarray(self._read(start, stop))
        except (MemoryError, KeyboardInterrupt, FailedReadError):
            raise
        except Exception as error:  # whatever reading a file or a user's class raises
            raise FailedReadError(
                f"Reading rows {start} to {stop - 1} of {self._name!r}, {short_repr(self._source)}, fails: "
                f"{one_line(error)}"
            ) from error
        if rows.shape != (stop - start, *self.shape[1:]):
            raise ValueError(
                f"Expected {self._name!r} to give rows of one shape, {self.shape[1:]} each. Rows {start} to {stop - 1} "
                f"have the shape {rows.shape}."
            )
        dtype = getattr(self, "dtype", rows.dtype)
        if rows.dtype != dtype and not np.can_cast(rows.dtype, dtype, "same_kind"):
            raise TypeError(
                f"Expected {self._name!r} to give rows of one type, {dtype}. Rows {start} to {stop - 1} are of type "
                f"{rows.dtype}."
            )
        return rows


def row_source(given: object, name: str) -> RowSource | None:
    """Return how an object is read row by row; None for one that is in memory or no such thing.

    Parameters
    ----------
    given : object
    name : str
        The parameter's name in an error.

    Raises
    ------
    ValueError, TypeError
        When the first row cannot be read, or values are no numbers.
    """
    if isinstance(given, np.memmap):
        return RowSource(Mapped(given)) if given.ndim > 1 and given.dtype.kind in "biuf" else None
    if _is_arrow(given):
        return RowSource(_Table(given), list(map(str, given.column_names)), is_small=given.nbytes <= _WHOLE_BYTES)
    if not is_row_source(given):
        return None
    reader = Sliced(given, name, tuple(map(int, given.shape)), lambda start, stop: given[start:stop])
    return sliced(reader)


def sliced(reader: Sliced, names: list[str] | None = None) -> RowSource:
    """Return a source that is slow to pick rows from, with whether it is better read into memory."""
    is_small = prod(reader.shape) * reader.dtype.itemsize <= _WHOLE_BYTES
    return RowSource(reader, names, is_small or reader.dtype.kind not in "biuf")  # others are refused, as in an array


def read_whole(reader: Reader) -> Array:
    """Return all rows in memory, read a batch at a time."""
    return reader.read(slice(0, reader.shape[0], 1))


def is_row_source(given: object) -> TypeGuard[Sliceable]:
    """Return whether an object has a shape of two or more axes and is read by slices of rows, and is no array.

    Arrays that NumPy reads without a copy, tensors, sparse matrices and data frames have other ways in.
    """
    shape = getattr(given, "shape", None)
    is_known = isinstance(given, np.ndarray) or any(hasattr(given, name) for name in _OTHERS)
    has_rows = isinstance(shape, Sequence) and len(shape) > 1 and hasattr(given, "__getitem__")
    return has_rows and not is_known and not derives(given, "torch") and not derives(given, "anndata")


_OTHERS = ("__array_interface__", "__cuda_array_interface__", "columns", "column_names", "tocoo", "toarray")
"""Attributes of arrays in memory, data frames and sparse matrices."""


def _is_arrow(given: object) -> TypeGuard[ArrowTable]:
    """Return whether an object is an Arrow table of numbers."""
    types = getattr(getattr(given, "schema", None), "types", ())
    return derives(given, "pyarrow", "Table") and len(types) > 0 and all(map(_type_of_column, types))


def _type_of_column(kind: object) -> np.dtype[np.generic] | None:
    """Return NumPy's type of an Arrow column of numbers, None of any other."""
    text = str(kind)
    named = {"float": "float32", "double": "float64", "halffloat": "float16", "bool": "bool"}
    text = named.get(text, text)
    known = text in named.values() or text.removeprefix("u") in ("int8", "int16", "int32", "int64")
    return np.dtype(text) if known else None


def _dtype_of(source: object) -> np.dtype[np.generic] | None:
    """Return the dtype that a source says it has, if NumPy knows it."""
    try:
        said = getattr(source, "dtype", None)
        return None if said is None else np.dtype(said)
    except TypeError:
        return None
