"""Rows that are not in memory: they are read where they are wanted, some at a time, in one float dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import NamedTuple, Protocol, TypeGuard, cast

import numpy as np

from drlim._base.arrays import Array, Floats, Index

__all__ = [
    "BLOCK_VALUES",
    "Reader",
    "StoredRows",
    "are_shared",
    "column_ends",
    "column_means",
    "column_variances",
    "joined_rows",
]

BLOCK_VALUES = 2**20
"""Number of values of a block of rows, 4 MiB in float32."""

_MOST_HELD = 2**26
"""Maximum number of values that are held in memory where the same rows are read again and again, 256 MiB in float32."""

Change = Callable[[Array], Array]
"""What is done to a block of rows once it is read: (b, ...) to (b, ...)."""


class Reader(Protocol):
    """What rows are read from.

    Attributes
    ----------
    shape : tuple of int
        (n, ...).
    dtype : dtype
        Of what is read.
    is_quick : bool
        Whether rows picked anywhere cost as little as rows of a run.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    is_quick: bool

    def read(self, rows: Index | slice) -> Array:
        """Return rows by their numbers in [0, n), in any order, or those of a slice with a positive step."""
        ...


class SharedReader(Reader, Protocol):
    """Rows of which each process of a fit has its own: see `drlim._base.shards`."""

    own: Reader
    bounds: Index
    rank: int
    spare: Array

    def gathered(self, values: Array, counts: Sequence[int]) -> Array:
        """Return the values of all processes, those of rank 0 first, (sum of counts, ...)."""
        ...


class _View(NamedTuple):
    """Which rows of a reader, and what is made of them."""

    rows: Index | None  # None is all
    changes: tuple[Change, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


class StoredRows:
    """Samples that are read from a file, an array on disk or a Dataset where they are wanted.

    An index along the first axis, a slice or row numbers, reads the rows that it selects.

    Parameters
    ----------
    reader : Reader
    dtype : dtype, default=None
        Float dtype in which rows are given; None is that of the reader.

    Attributes
    ----------
    shape : tuple of int
        (n, ...).
    dtype : dtype

    Examples
    --------
    >>> from drlim._base.row_sources import Mapped
    >>> rows = StoredRows(Mapped(np.arange(6, dtype=np.uint8).reshape(3, 2)), np.dtype(np.float32))
    >>> rows
    StoredRows(shape=(3, 2), dtype=float32)
    >>> rows[1:].tolist(), rows.part(np.array([2, 0]))[:1].tolist()
    ([[2.0, 3.0], [4.0, 5.0]], [[4.0, 5.0]])
    """

    def __init__(self, reader: Reader, dtype: np.dtype[np.generic] | None = None, view: _View | None = None) -> None:
        self._reader = reader
        self._read_as: np.dtype[np.generic] = reader.dtype if dtype is None else dtype
        self._view = view or _View(None, (), reader.shape, self._read_as)
        self.shape, self.dtype = self._view.shape, self._view.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def is_quick(self) -> bool:
        """Whether rows picked anywhere cost as little as rows of a run."""
        return self._reader.is_quick

    @property
    def bounds(self) -> Index | None:
        """First row of each process, and the number of rows, (size + 1,), where each has its own; None where not."""
        shared, rows = self._shared, self._view.rows
        if shared is None:
            return None
        return shared.bounds if rows is None else np.searchsorted(rows, shared.bounds)

    @property
    def spare(self) -> Array:
        """A row that each process has, (1, ...), for one that has none of its own."""
        return cast(SharedReader, self._reader).spare

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"StoredRows(shape={self.shape}, dtype={self.dtype})"

    def __array__(self, dtype: np.dtype[np.generic] | None = None, copy: bool | None = None) -> Array:
        """Read all rows, a block at a time."""
        if copy is False:
            raise ValueError("Expected 'copy' not to be False: stored rows are in no memory yet.")
        whole = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for start, block in self.blocks():
            whole[start : start + len(block)] = block
        return whole

    def __getitem__(self, index: Index | slice) -> Array:
        block = self._reader.read(self._numbers(index)).astype(self._read_as, copy=False)
        for change in self._view.changes:
            block = change(block)
        return block

    def part(self, index: Index | slice) -> StoredRows:
        """Return some of the rows, not read yet."""
        if isinstance(index, slice) and index.indices(len(self)) == (0, len(self), 1):
            return self
        chosen = self._numbers(index)
        rows = np.arange(len(self))[chosen] if isinstance(chosen, slice) else chosen
        return self._seen(self._view._replace(rows=rows, shape=(len(rows), *self.shape[1:])))

    def flat(self) -> StoredRows:
        """Return the rows with their values in one row each, (n, p)."""
        if self.ndim == 2:
            return self
        width = prod(self.shape[1:])
        return self.changed(lambda block: block.reshape(len(block), width), shape=(len(self), width))  # (b, p)

    def as_type(self, dtype: np.dtype[np.generic]) -> StoredRows:
        """Return the rows in another dtype."""
        return self if dtype == self.dtype else self.changed(lambda block: block.astype(dtype), dtype=dtype)

    def changed(
        self, change: Change, *, shape: tuple[int, ...] | None = None, dtype: np.dtype[np.generic] | None = None
    ) -> StoredRows:
        """Return the rows with each block changed as it is read, row by row; None keeps the shape, or the dtype."""
        changes = (*self._view.changes, change)
        return self._seen(_View(self._view.rows, changes, shape or self.shape, dtype or self.dtype))

    def blocks(self, n_values: int = BLOCK_VALUES) -> Iterator[tuple[int, Array]]:
        """Yield all rows in order, each block with its first row; a block has about ``n_values`` values."""
        step = max(1, n_values // max(1, prod(self.shape[1:])))
        for start in range(0, len(self), step):
            yield start, self[start : start + step]

    def at_hand(self) -> tuple[int, StoredRows]:
        """Return the rows that this process reads by itself, after the number of the first: all where none shares them.

        Of rows that processes share, any other index must be asked for by all of them, at the same time.
        """
        shared, bounds, rows = self._shared, self.bounds, self._view.rows
        if shared is None or bounds is None:
            return 0, self
        first, stop = int(bounds[shared.rank]), int(bounds[shared.rank + 1])
        own = None if rows is None else rows[first:stop] - shared.bounds[shared.rank]  # (s,)
        view = self._view._replace(rows=own, shape=(stop - first, *self.shape[1:]))
        return first, StoredRows(shared.own, self._read_as, view)

    def of_all(self, values: Array) -> Array:
        """Return what each process has computed of the rows at hand, (size, ...), the same bytes in all of them."""
        shared = self._shared
        return values[None] if shared is None else shared.gathered(values[None], [1] * (len(shared.bounds) - 1))

    def following(self, values: Array) -> Array:
        """Return values of all rows, (n, ...), where each process has those of the rows at hand, (s, ...)."""
        shared, bounds = self._shared, self.bounds
        return values if shared is None or bounds is None else shared.gathered(values, np.diff(bounds).tolist())

    def held(self) -> Array | StoredRows:
        """Return the rows in memory, up to 256 MiB of float32, or these where they take more."""
        return np.asarray(self) if prod(self.shape) <= _MOST_HELD else self

    @property
    def _shared(self) -> SharedReader | None:
        return cast(SharedReader, self._reader) if hasattr(self._reader, "bounds") else None

    def _seen(self, view: _View) -> StoredRows:
        return StoredRows(self._reader, self._read_as, view)

    def _numbers(self, index: Index | slice) -> Index | slice:
        """Return the rows of the reader that an index selects."""
        if self._view.rows is not None:
            return self._view.rows[index]
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return slice(start, stop, step) if step > 0 else np.arange(start, stop, step)
        return index


def are_shared(samples: object) -> TypeGuard[StoredRows]:
    """Return whether each process of a fit has some of the samples, and none has all."""
    return isinstance(samples, StoredRows) and samples.bounds is not None


def column_ends(rows: StoredRows) -> tuple[Array, Array]:
    """Return the smallest and the largest of each value of a row, (p,) each, of rows (n, p) read once."""
    low, high = (np.full(rows.shape[1:], end, rows.dtype) for end in (np.inf, -np.inf))  # (p,) each
    for _, block in rows.at_hand()[1].blocks():
        low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
    return rows.of_all(low).min(axis=0), rows.of_all(high).max(axis=0)


def column_means(rows: StoredRows) -> Floats:
    """Return the mean of each value of a row in float64, (p,), added up row by row as NumPy does for an array."""
    total = np.zeros(rows.shape[1:])  # (p,)
    for _, block in rows.at_hand()[1].blocks():
        total = np.add.reduce(np.concatenate([total[None], block]), axis=0)
    mean: Floats = rows.of_all(total).sum(axis=0) / len(rows)  # (p,)
    return mean


def column_variances(rows: StoredRows, mean: Floats) -> Floats:
    """Return the variance of each value of a row in float64, (p,), about a mean."""
    squares = np.zeros(rows.shape[1:])  # (p,)
    for _, block in rows.at_hand()[1].blocks():
        squares += np.square(block - mean).sum(axis=0)
    variance: Floats = rows.of_all(squares).sum(axis=0) / len(rows)  # (p,)
    return variance


class _Joined:
    """Rows of one source followed by those of another."""

    def __init__(self, parts: tuple[Array | StoredRows, Array | StoredRows]) -> None:
        self._parts = parts
        self.shape = (len(parts[0]) + len(parts[1]), *parts[0].shape[1:])
        self.dtype: np.dtype[np.generic] = np.result_type(parts[0].dtype, parts[1].dtype)
        self.is_quick = all(part.is_quick for part in parts if isinstance(part, StoredRows))

    def read(self, rows: Index | slice) -> Array:
        """Return rows by their numbers, or those of a slice."""
        chosen = np.arange(self.shape[0])[rows] if isinstance(rows, slice) else rows
        n = len(self._parts[0])
        block = np.empty((len(chosen), *self.shape[1:]), self.dtype)  # (b, ...)
        for part, mine, start in zip(self._parts, (chosen < n, chosen >= n), (0, n), strict=True):
            block[mine] = part[chosen[mine] - start]
        return block


def joined_rows(first: Array | StoredRows, second: Array | StoredRows) -> StoredRows:
    """Return rows followed by others, of which those outside memory stay there."""
    return StoredRows(_Joined((first, second)))
