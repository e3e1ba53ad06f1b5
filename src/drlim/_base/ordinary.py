"""Ordinary values of each column, and wild ones, which lie so far from them that they would hide them.

This is the one rule by which the package tells wild values. The size of a column's ordinary values is the 90th
percentile of the distances of its values from their median, of those that are not 0, in up to 1000 rows. It is robust
(a tenth of the values may be anything), serves columns that are mostly 0, and lets columns of very different sizes keep
them. A value is wild beyond 1000 such sizes from the median.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Floats
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows, column_ends

__all__ = ["WILD", "Ordinary", "ordinary", "tamed"]

Samples = TypeVar("Samples", Array, SparseRows, StoredRows, Array | StoredRows, AnyRows)

WILD = 1000.0
"""Number of ordinary sizes from the median beyond which a value is wild: it takes all the precision of the others."""

_ROWS = 1000
"""Maximum number of rows that are looked at."""

_SHARE = 0.9
"""Share of the values off the median that are ordinary."""

_FEWEST, _RAREST = 2, 0.01
"""Minimum number of values off the median, and of their share, by which a column shows a size of its own."""

_BLOCK_VALUES = 2**22
"""Maximum number of values looked at at once, 32 MiB in float64."""


class Ordinary(NamedTuple):
    """Ordinary values of each of p columns.

    Attributes
    ----------
    centre : ndarray of float64, shape (p,)
        Median.
    size : ndarray of float64, shape (p,)
        Ordinary distance from the median, above 0. A column that shows none has the median of the others.
    typical : float
        Median of the sizes that columns show.
    """

    centre: Floats
    size: Floats
    typical: float

    def bounds(self, reach: float = WILD) -> tuple[Floats, Floats]:
        """Return the values that lie ``reach`` sizes below and above the median, (p,) each."""
        return self.centre - reach * self.size, self.centre + reach * self.size


def ordinary(samples: AnyRows, n_rows: int = _ROWS) -> Ordinary | None:
    """Return the ordinary values of each column; None where the rows looked at are all the same.

    Parameters
    ----------
    samples : ndarray of shape (n, p), or SparseRows
        Finite values.
    n_rows : int, default=1000
        Maximum number of rows that are looked at, evenly spaced.

    Examples
    --------
    >>> found = ordinary(np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 5.0], [4.0, 0.0], [1e9, 5.0]]))
    >>> found.centre.tolist(), found.size.tolist(), found.typical
    ([3.0, 0.0], [2.0, 5.0], 3.5)
    """
    step = max(1, -(-len(samples) // n_rows))
    some = samples.part(slice(None, None, step)).matrix.tocsc() if isinstance(samples, SparseRows) else samples[::step]
    width = max(1, _BLOCK_VALUES // max(1, some.shape[0]))
    blocks = [_of_block(_dense(some, slice(start, start + width))) for start in range(0, some.shape[1], width)]
    centre, size, shown = (np.concatenate(parts) for parts in zip(*blocks, strict=True))  # (p,) each
    if not (size > 0).any():
        return None
    typical = float(np.median(size[shown] if shown.any() else size[size > 0]))
    return Ordinary(centre, np.where(shown, size, typical), typical)


def _dense(some: Array | sparse.csc_array, columns: slice) -> Floats:
    """Return some columns in float64, (s, c)."""
    block = some[:, columns]
    return np.asarray(block if isinstance(block, np.ndarray) else block.toarray(), dtype=np.float64)


def _of_block(block: Floats) -> tuple[Floats, Floats, Array]:
    """Return the median of each column, its size, and whether it shows one; (c,) each."""
    centre = np.median(block, axis=0)  # (c,)
    size = np.sort(np.abs(block - centre), axis=0)  # (s, c)
    n_off = np.count_nonzero(size, axis=0)  # (c,)
    place = len(size) - n_off + np.floor(_SHARE * np.maximum(n_off - 1, 0)).astype(np.int64)  # (c,)
    place = np.minimum(place, len(size) - 1)
    shown = n_off >= max(_FEWEST, _RAREST * len(size))
    return centre, np.take_along_axis(size, place[None], axis=0)[0], shown


def tamed(samples: Samples) -> Samples:
    """Return samples with wild values brought to 1000 ordinary sizes from the median; others as they are.

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
        Each value of a sample is a column.

    Returns
    -------
    ndarray or SparseRows
        In the dtype and the form given; the same object where there are no wild values.

    Examples
    --------
    >>> tamed(np.array([[1.0], [2.0], [3.0], [4.0], [1e9]])).tolist()
    [[1.0], [2.0], [3.0], [4.0], [2003.0]]
    """
    if isinstance(samples, SparseRows):
        return _tamed_stored(samples)
    if isinstance(samples, StoredRows):
        return _tamed_rows(samples)
    flat = samples.reshape(len(samples), -1)  # (n, p)
    found = ordinary(flat)
    if found is None:
        return samples
    low, high = found.bounds()  # (p,) each
    if (flat.max(axis=0) <= high).all() and (flat.min(axis=0) >= low).all():
        return samples
    clipped: Array = np.clip(flat, low, high).astype(samples.dtype).reshape(samples.shape)  # (n, ...)
    return clipped


def _tamed_rows(samples: StoredRows) -> StoredRows:
    """Bring values into the bounds of their columns where they are read."""
    flat = samples.flat()  # (n, p)
    found = ordinary(flat)
    if found is None:
        return samples
    (low, high), (lowest, highest) = found.bounds(), column_ends(flat)  # (p,) each
    if (highest <= high).all() and (lowest >= low).all():
        return samples

    def clipped(block: Array) -> Array:
        inside: Array = np.clip(block.reshape(len(block), -1), low, high).astype(block.dtype)  # (b, p)
        return inside.reshape(block.shape)  # (b, ...)

    return samples.changed(clipped)


def _tamed_stored(samples: SparseRows) -> SparseRows:
    """Bring stored values into the bounds of their columns; a value that is not stored stays 0."""
    found = ordinary(samples)
    if found is None:
        return samples
    low, high = found.bounds()  # (p,) each
    matrix = samples.matrix
    values = np.clip(matrix.data, low[matrix.indices], high[matrix.indices]).astype(matrix.dtype)  # (nnz,)
    if np.array_equal(values, matrix.data):
        return samples
    return SparseRows(sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape))
