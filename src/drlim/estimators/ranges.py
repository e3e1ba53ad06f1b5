"""A warning, once for a model, of samples whose values lie far outside the ranges of the training samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from drlim._base.arrays import Array, Floats, Index
from drlim._base.messages import short_repr
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import SparseRows
from drlim.estimators.reference import Reference, ranges_of
from drlim.relations import LazyCopies

if TYPE_CHECKING:
    from drlim.estimators.samples import Samples

__all__ = ["warn_of_other_ranges"]

_SMALL = 50.0
"""Factor by which all values must be smaller than usual ones for a warning."""

_FEWEST_VALUES = 100
"""Minimum number of values by which samples are judged to be smaller."""

_BLOCK_VALUES = 2**22
"""Maximum number of values that are compared at once."""


def warn_of_other_ranges(estimator: BaseEstimator, samples: Samples) -> None:
    """Warn where at least half of the samples have a value far outside the training samples' range of its column.

    Far is farther than the range is wide, or that of a typical column if that is wider. Samples are also judged to be
    of another range where all their values are 50 times as small as usual ones. Only directions have no range.
    """
    reference: Reference | None = getattr(estimator, "_reference", None)
    if reference is None or not _has_ranges(reference) or isinstance(samples, LazyCopies) or len(samples) == 0:
        return
    low, high = ranges_of(samples)  # (g,) each
    far = _far_bounds(reference)
    is_small = _is_small(reference, samples, low, high)
    excess = np.maximum(far[0] - low, high - far[1])  # (g,)
    if not is_small and (excess.max() <= 0 or 2 * _n_outside(samples, far) < len(samples)):
        return
    reference.has_warned = True
    column = None if len(low) == 1 or is_small else int(np.argmax(excess / (far[1] - far[0])))
    kind = type(estimator).__name__
    warn_user(
        f"{_subject(estimator, column)} has values {_range(low, high, column)}; in the samples that {kind} was trained "
        f"on they are {_range(reference.low, reference.high, column)}. Far from these a map means nothing: scale the "
        "samples as those were. novelty(X) tells how far each sample is."
    )


def _has_ranges(reference: Reference) -> bool:
    """Return whether ranges are to be compared."""
    return not reference.has_warned and not reference.by_direction and reference.size > 0


def _is_small(reference: Reference, samples: Array | SparseRows, low: Floats, high: Floats) -> bool:
    """Return whether all values are 50 times as small as usual ones, and there are any other than 0."""
    biggest = float(max(high.max(), -low.min()))
    return 0 < biggest < reference.size / _SMALL and bool(np.prod(samples.shape) >= _FEWEST_VALUES)


def _far_bounds(reference: Reference) -> tuple[Floats, Floats]:
    """Return values below and above which a value lies far outside, (g,) each."""
    width = reference.high - reference.low  # (g,)
    typical = float(np.median(width[width > 0])) if (width > 0).any() else reference.size
    margin = np.maximum(width, typical)  # (g,)
    return reference.low - margin, reference.high + margin


def _n_outside(samples: Array | SparseRows, far: tuple[Floats, Floats]) -> int:
    """Return how many samples have a value outside the bounds of its column."""
    if isinstance(samples, SparseRows):
        return _n_outside_stored(samples, far)
    low, high = far
    flat = samples.reshape(len(samples), -1)  # (n, p)
    step, count = max(1, _BLOCK_VALUES // flat.shape[1]), 0
    for start in range(0, len(flat), step):
        part = flat[start : start + step]  # (b, p)
        count += int(((part < low) | (part > high)).any(axis=1).sum())
    return count


def _n_outside_stored(samples: SparseRows, far: tuple[Floats, Floats]) -> int:
    """Do the same for sparse samples, in which 0 may be a value outside, too."""
    low, high = far
    matrix = samples.matrix
    row: Index = np.repeat(np.arange(len(samples)), np.diff(matrix.indptr))  # (nnz,)
    is_out = (matrix.data < low[matrix.indices]) | (matrix.data > high[matrix.indices])  # (nnz,)
    zero_is_out: NDArray[np.bool_] = (low > 0) | (high < 0)  # (p,)
    stored_there = np.bincount(row[zero_is_out[matrix.indices]], minlength=len(samples))  # (n,)
    outside = (np.bincount(row[is_out], minlength=len(samples)) > 0) | (stored_there < np.count_nonzero(zero_is_out))
    return int(outside.sum())


def _range(low: Floats, high: Floats, column: int | None) -> str:
    """Describe the range of one column, or of all."""
    least, most = (low.min(), high.max()) if column is None else (low[column], high[column])
    return f"from {least:.6g} to {most:.6g}"


def _subject(estimator: BaseEstimator, column: int | None) -> str:
    if column is None:
        return "'X'"
    names = getattr(estimator, "feature_names_in_", None)
    return f"Column {column if names is None else short_repr(str(names[column]))} of 'X'"
