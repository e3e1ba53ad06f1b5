"""Coordinates of samples, few enough to search for neighbours in, whose Euclidean distances approximate a metric."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, overload

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array
from drlim._base.ordinary import tamed
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows, column_ends, column_means, column_variances
from drlim.neighbors.copies import find_copies
from drlim.neighbors.reduce import Components, principal_components

__all__ = ["Measured", "Metric", "directions", "flat", "measure"]

Metric = str | Callable[[Array, Array], float]

_FEWEST_COMPONENTS, _MOST_COMPONENTS, _EXPLAINED = 50, 200, 0.8
"""Numbers of principal components in which Euclidean neighbours are found, and the share of the variance that they are
to explain. 50 explain .82 of digits, whose neighbours in 200 are worse (docs/maps.md); where they explain less, as of
many embeddings, neighbours in them are not those of the samples."""

_VARIANCE_ROWS = 5000
"""Maximum number of rows from which the variance is estimated."""

_SMALLEST, _LARGEST = 2.0**-20, 2.0**20
"""Range of sizes whose squares float32 holds, and sums of them. Samples of other sizes are measured in another unit."""


class Measured(NamedTuple):
    """Samples in coordinates whose Euclidean distances approximate the metric.

    Attributes
    ----------
    points : ndarray of float32, shape (n, p)
    components : Components
        Mean and axes that lead from samples to points. Samples have length 1 by the cosine metric. The axes have length
        1 for samples of usual size; axes of samples beyond 1e-6 to 1e6 are scaled, so that the points have about unit
        size.
    """

    points: Array
    components: Components


def measure(samples: AnyRows, metric: Metric, seed: int) -> Measured:
    """Return coordinates of samples: 50 principal components, more where they explain too little (`_EXPLAINED`).

    Parameters
    ----------
    samples : ndarray of shape (n, ...), or SparseRows
    metric : str or callable
        By "cosine", samples are scaled to length 1 first. By other metrics, the components serve to begin a layout and
        to find class-mates, while neighbours are measured by the metric.
    seed : int
    """
    rows = directions(samples) if metric == "cosine" else tamed(flat(samples))  # (n, p)
    unit = _unit(rows)
    found = _components(rows if unit == 1 else _divided(rows, unit), seed)
    components = Components(found.mean * unit, (found.axes / unit).astype(np.float32), found.variances)
    points = components.project(rows)  # (n, q)
    copies = find_copies(rows)
    # Products of float32 may round the same row otherwise in another place of a block.
    return Measured(points if copies is None else points[copies.first][copies.group], components)


def _components(rows: AnyRows, seed: int) -> Components:
    """Return as many principal components as explain enough of the variance."""
    found = principal_components(rows, _FEWEST_COMPONENTS, seed=seed)
    wanted = _EXPLAINED * _variance(rows)
    if found.variances.sum() >= wanted or len(found.variances) < _FEWEST_COMPONENTS:
        return found
    found = principal_components(rows, _MOST_COMPONENTS, seed=seed)
    n = max(_FEWEST_COMPONENTS, int(np.searchsorted(np.cumsum(found.variances), wanted)) + 1)
    return Components(found.mean, found.axes[:, :n], found.variances[:n])


def _variance(rows: AnyRows) -> float:
    """Return the sum of the variances of all columns, of a part of many rows."""
    step = max(1, -(-len(rows) // _VARIANCE_ROWS))
    if isinstance(rows, StoredRows):
        part = rows.part(slice(None, None, step))  # (s, p)
        return float(column_variances(part, column_means(part)).sum())
    if not isinstance(rows, SparseRows):
        return float(rows[::step].var(axis=0, dtype=np.float64).sum())
    some = rows.matrix[::step].astype(np.float64)  # (s, p)
    means = some.sum(axis=0) / some.shape[0]  # (p,)
    return float(some.multiply(some).sum() / some.shape[0] - np.square(means).sum())


@overload
def directions(samples: Array | SparseRows) -> Array | SparseRows: ...


@overload
def directions(samples: AnyRows) -> AnyRows: ...


def directions(samples: AnyRows) -> AnyRows:
    """Return samples scaled to length 1, (n, p); those of zeros stay as they are."""
    if isinstance(samples, SparseRows):
        return _directions_stored(samples)
    if isinstance(samples, StoredRows):
        return samples.flat().changed(_unit_length)
    return _unit_length(samples.reshape(len(samples), -1))  # (n, p)


def _unit_length(rows: Array) -> Array:
    """Return rows scaled to length 1, (n, p)."""
    largest = np.maximum(np.abs(rows).max(axis=1, keepdims=True), np.finfo(rows.dtype).tiny)  # (n, 1)
    rows = rows / largest  # (n, p) so that squares stay finite
    length = np.linalg.norm(rows, axis=1, keepdims=True)  # (n, 1)
    unit: Array = rows / np.where(length > 0, length, 1.0)  # (n, p)
    return unit


def _directions_stored(samples: SparseRows) -> SparseRows:
    matrix = samples.matrix
    row = np.repeat(np.arange(len(samples)), np.diff(matrix.indptr))  # (nnz,)
    largest = np.full(len(samples), np.finfo(matrix.dtype).tiny, dtype=matrix.dtype)  # (n,)
    np.maximum.at(largest, row, np.abs(matrix.data))
    values = matrix.data / largest[row]  # (nnz,) so that squares stay finite
    length = np.sqrt(np.bincount(row, np.square(values, dtype=np.float64), len(samples)))  # (n,)
    values = (values / np.where(length > 0, length, 1.0)[row]).astype(matrix.dtype)  # (nnz,)
    return SparseRows(sparse.csr_array((values, matrix.indices, matrix.indptr), shape=matrix.shape))


def flat(samples: AnyRows) -> AnyRows:
    """Return samples with their values in one row each."""
    if isinstance(samples, StoredRows):
        return samples.flat()
    return samples if isinstance(samples, SparseRows) else samples.reshape(len(samples), -1)  # (n, p)


def _divided(rows: AnyRows, unit: float) -> AnyRows:
    if isinstance(rows, StoredRows):
        return rows.changed(lambda block: block / unit)
    if not isinstance(rows, SparseRows):
        return rows / unit
    matrix = rows.matrix
    return SparseRows(sparse.csr_array((matrix.data / unit, matrix.indices, matrix.indptr), shape=matrix.shape))


def _unit(rows: AnyRows) -> float:
    """Return the unit in which to measure rows: 1, or a power of two for those of very large or small deviations."""
    if isinstance(rows, SparseRows):
        spread = float((rows.matrix.max(axis=0) - rows.matrix.min(axis=0)).max())
    elif isinstance(rows, StoredRows):
        low, high = column_ends(rows)  # (p,) each
        spread = float(max(high - low))
    else:
        spread = float(max(np.ptp(rows, axis=0)))
    if spread == 0 or _SMALLEST <= spread <= _LARGEST:
        return 1.0
    return float(2.0 ** np.ceil(np.log2(max(spread, 1e-30))))
