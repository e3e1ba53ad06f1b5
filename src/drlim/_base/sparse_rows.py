"""Sparse samples whose rows are made dense where they are read, a batch at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Index

__all__ = ["SparseRows", "rows_of", "stacked"]


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


Stackable = Array | SparseRows | MadeWhole


def rows_of(samples: Array | SparseRows, index: Index | slice) -> Array | SparseRows:
    """Return some of the samples in their own form, sparse ones sparse."""
    return samples.part(index) if isinstance(samples, SparseRows) else samples[index]


def stacked(first: Stackable, second: Stackable) -> Array | SparseRows:
    """Return samples followed by others; sparse where one of the two is."""
    if not isinstance(first, SparseRows) and not isinstance(second, SparseRows):
        return np.concatenate([np.asarray(first), np.asarray(second)])  # (n + m, ...)
    parts = [
        one.matrix if isinstance(one, SparseRows) else sparse.csr_array(np.asarray(one)) for one in (first, second)
    ]
    return SparseRows(sparse.csr_array(sparse.vstack(parts, format="csr")))
