"""Samples of any form as rows that are read where they are wanted: arrays, sparse matrices and rows outside memory."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.checks import check_blocks, check_points
from drlim._base.forms import stored, taken
from drlim._base.importing import undisturbed
from drlim._base.refusals import located_errors
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows

__all__ = ["check_rows"]


def check_rows(X: ArrayLike | sparse.sparray | sparse.spmatrix, *, name: str = "X", min_samples: int = 1) -> AnyRows:
    """Return samples, (n, ...), in float32 if they are that, else in float64; or refuse them as `check_points` does.

    Examples
    --------
    >>> check_rows(sparse.csr_array([[0.0, 2.0]]))
    SparseRows(shape=(1, 2), dtype=float64, stored=1)
    """
    source = stored(X, name)
    if source is not None:
        dtype = np.dtype(np.float32 if source.reader.dtype == np.float32 else np.float64)
        rows = StoredRows(source.reader, dtype)
        check_blocks(rows, dtype, name, source.names, largest=np.inf, min_samples=min_samples)
        return rows
    given = taken(X, name).values
    if not sparse.issparse(given):
        return check_points(given, name=name, min_samples=min_samples, ndim=None)
    with undisturbed():
        from sklearn.utils import check_array  # takes a second to import

    with located_errors(given, name):
        checked = check_array(
            given,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            input_name=name,
            ensure_min_samples=min_samples,
        )
    matrix = sparse.csr_array(checked)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # which is the user's
        matrix.sum_duplicates()
    return SparseRows(matrix)
