"""Samples as points whose Euclidean distances order them as the Euclidean or the cosine metric does."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from drlim._base.arrays import Floats, Index
from drlim._base.checks import check_blocks, check_points
from drlim._base.forms import stored, taken
from drlim._base.importing import undisturbed
from drlim._base.refusals import located_errors
from drlim._base.row_sources import RowSource
from drlim._base.stored_rows import StoredRows
from drlim.neighbors.exact import LARGEST

__all__ = ["Points", "Samples", "checked_points", "checked_sparse", "some_of"]

Samples = ArrayLike | sparse.sparray | sparse.spmatrix | StoredRows
"""Samples, or a matrix of distances, which may be sparse; or checked rows outside memory."""

Points = Floats | sparse.csr_array | StoredRows
"""Points, (n, d) of float64."""


def some_of(points: Points, index: Index | slice) -> Points:
    """Return some of the points, those outside memory not read yet."""
    return points.part(index) if isinstance(points, StoredRows) else points[index]


def checked_points(X: Samples, metric: str, min_samples: int) -> Points:
    """Return samples as points, those of "cosine" at distance 1 from the origin, or refuse them.

    Raises
    ------
    ValueError
        When values are not finite or beyond 1e140, samples are too few, or a sample has no direction ("cosine").
    """
    if isinstance(X, StoredRows):
        return _pointing(X.flat().as_type(np.dtype(np.float64)), metric)
    source = stored(X, "X")
    if source is not None:
        return checked_points(_checked_rows(source, min_samples), metric, min_samples)
    given = taken(X, "X").values  # of an AnnData, X, which may be sparse
    if sparse.issparse(given):
        matrix = checked_sparse(given, min_samples)
        return _stored_directions(matrix) if metric == "cosine" else matrix
    samples = check_points(given, name="X", min_samples=min_samples, ndim=None, largest=LARGEST)
    flat: Floats = samples.reshape(len(samples), -1).astype(np.float64)  # (n, d)
    return _directions(flat) if metric == "cosine" else flat


def checked_sparse(X: object, min_samples: int) -> sparse.csr_array:
    """Return a sparse matrix of samples as a CSR array of float64 that stores no zeros, or refuse it."""
    with undisturbed():
        from sklearn.utils import check_array  # takes a second to import

    with located_errors(X, "X"):
        checked = check_array(
            X, accept_sparse="csr", dtype=np.float64, input_name="X", ensure_min_samples=min_samples, copy=True
        )
    stored = sparse.csr_array(checked)
    stored.sum_duplicates()
    stored.eliminate_zeros()
    if stored.nnz and float(np.abs(stored.data).max()) > LARGEST:
        largest, listed = int(np.argmax(np.abs(stored.data))), stored.tocoo()
        raise ValueError(
            f"Expected 'X' to hold values up to {LARGEST:.0e} in size: rescale it. Got {listed.data[largest]:.3g} in "
            f"row {listed.row[largest]}, column {listed.col[largest]}."
        )
    return stored


def _checked_rows(source: RowSource, min_samples: int) -> StoredRows:
    """Return samples outside memory, every block of them checked."""
    rows = StoredRows(source.reader)
    check_blocks(rows, np.dtype(np.float64), "X", source.names, largest=LARGEST, min_samples=min_samples)
    return rows


def _pointing(points: StoredRows, metric: str) -> StoredRows:
    """Return points outside memory, those of "cosine" at distance 1 from the origin."""
    if metric != "cosine":
        return points
    for start, block in points.blocks():
        is_off = (block != 0).any(axis=1)  # (b,)
        if not is_off.all():
            _refuse_directionless(start + int(np.argmin(is_off)))
    return points.changed(_directions)


def _directions(flat: Floats) -> Floats:
    """Return points scaled to length 1, (n, d)."""
    size = np.abs(flat).max(axis=1, keepdims=True)  # (n, 1)
    if not size.all():
        _refuse_directionless(int(np.argmin(size)))
    flat = flat / size  # first, so that multiples of a sample become the same numbers, and no square overflows
    flat /= np.sqrt(np.einsum("nd,nd->n", flat, flat))[:, None]  # (n, d) of length 1
    return flat


def _stored_directions(stored: sparse.csr_array) -> sparse.csr_array:
    """Return the rows of a CSR array scaled to length 1."""
    counts = np.diff(stored.indptr)  # (n,)
    if not counts.all():
        _refuse_directionless(int(np.argmin(counts)))
    data = stored.data / np.repeat(np.maximum.reduceat(np.abs(stored.data), stored.indptr[:-1]), counts)  # (nnz,)
    data /= np.repeat(np.sqrt(np.add.reduceat(data**2, stored.indptr[:-1])), counts)
    return sparse.csr_array((data, stored.indices, stored.indptr), shape=stored.shape)


def _refuse_directionless(row: int) -> None:
    raise ValueError(
        f"Expected 'X' to hold samples with a direction, since metric is 'cosine'. Row {row} is all zeros: leave "
        "such samples out, or use metric='euclidean'."
    )
