"""Sparse samples whose rows are made dense where they are read, a batch at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Index
from drlim._base.stored_rows import StoredRows, joined_rows

__all__ = ["AnyRows", "SparseRows", "held", "rows_of", "stacked"]


class MadeWhole(Protocol):
    """Samples that NumPy makes an array of."""

    def __array__(self) -> Array: ...


class SparseRows:
    """The rows of a CSR array. An index along the first axis makes the rows that it selects dense.

    Parameters
    ----------
    matrix : csr_array, shape (n, p)
        Each entry stored once, indices ascending in a row. It is not copied.

    Attributes
    ----------
    shape : tuple of int
        (n, p).
    dtype : dtype

    Examples
    --------
    >>> rows = SparseRows(sparse.csr_array([[0.0, 2.0], [3.0, 0.0], [0.0, 0.0]]))
    >>> rows
    SparseRows(shape=(3, 2), dtype=float64, stored=2)
    >>> rows[1:].tolist(), rows[np.array([0])].tolist()
    ([[3.0, 0.0], [0.0, 0.0]], [[0.0, 2.0]])
    >>> rows.part(np.array([2, 1]))
    SparseRows(shape=(2, 2), dtype=float64, stored=1)
    """

    ndim = 2

    def __init__(self, matrix: sparse.csr_array) -> None:
        self.matrix = matrix
        self.shape: tuple[int, int] = (int(matrix.shape[0]), int(matrix.shape[1]))
        self.dtype: np.dtype[np.floating] = matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"SparseRows(shape={self.shape}, dtype={self.dtype}, stored={self.matrix.nnz})"

    def __getitem__(self, index: Index | slice) -> Array:
        rows: Array = self.matrix[index].toarray()  # (b, p)
        return rows

    def part(self, index: Index | slice) -> SparseRows:
        """Return some of the rows, sparse as they are."""
        return SparseRows(self.matrix[index])


AnyRows = Array | SparseRows | StoredRows
"""Samples that are no copies: an array, sparse rows, or rows outside memory."""

Stackable = AnyRows | MadeWhole


def rows_of(samples: AnyRows, index: Index | slice) -> AnyRows:
    """Return some of the samples in their own form: sparse ones sparse, and those outside memory not read yet."""
    return samples.part(index) if isinstance(samples, SparseRows | StoredRows) else samples[index]


def held(samples: AnyRows) -> AnyRows:
    """Return samples that are read again and again: those outside memory in it, if they take up to 256 MiB."""
    return samples.held() if isinstance(samples, StoredRows) else samples


def stacked(first: Stackable, second: Stackable) -> AnyRows:
    """Return samples followed by others; sparse where one of the two is, else outside memory where one is."""
    both = first, second
    if any(isinstance(one, SparseRows) for one in both):
        parts = [one.matrix if isinstance(one, SparseRows) else sparse.csr_array(np.asarray(one)) for one in both]
        return SparseRows(sparse.csr_array(sparse.vstack(parts, format="csr")))
    if any(isinstance(one, StoredRows) for one in both):
        return joined_rows(*(one if isinstance(one, StoredRows) else np.asarray(one) for one in both))
    return np.concatenate([np.asarray(one) for one in both])  # (n + m, ...)
