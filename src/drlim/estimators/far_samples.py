"""A warning, once for a model, of samples that lie far outside the training samples."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from drlim._base.arrays import Array, Floats
from drlim._base.messages import short_repr
from drlim._base.notices import warn_user
from drlim._base.sparse_rows import SparseRows
from drlim.estimators.reference import Reference, evenly, extremes, row_sizes, taken
from drlim.relations import LazyCopies

if TYPE_CHECKING:
    from drlim.estimators.samples import Samples

__all__ = ["warn_of_far_samples"]

_LOOKED_AT, _VALUES_LOOKED_AT = 50, 2**22
"""Maximum number of samples, and of their values, that are compared with the training samples."""

_FEW = 10
"""Number of samples below which they must be farther, since one may be wild. Fewer training samples show no range."""

_EXTENT = 1.05
"""Number of extents of the training samples that a far sample lies from the nearest of them."""

_NOVELTY = 2.0
"""Minimum novelty of a far sample: where training samples are few, they lie an extent from each other."""

_SMALL = 30.0
"""Factor by which values must be smaller than usual ones."""

_WILD_SHARE = 0.01
"""Share of the values other than 0 that may be larger."""

_USUAL_SHARE = 0.9
"""Share of the samples that must be smaller than 95 % of the training samples, which may have small ones among them."""

_FEWEST_VALUES = 50
"""Minimum number of values other than 0 by which samples are judged to be smaller."""

_ONE_AT_A_TIME = threading.Lock()


def warn_of_far_samples(estimator: BaseEstimator, samples: Samples, name: str = "X") -> None:
    """Warn where at least half of the samples are far from the training samples, by any of three rules.

    1. A column has values farther outside its range than that is wide (or than that of a typical column, if wider).
    2. The nearest training sample is farther than 1.05 times the distance from their centre to all but 5 % of them,
       and twice as far as usual.
    3. In at least half of the columns, the values are a thirtieth of the usual size, or less; and samples as small as
       these are rare among the training samples.

    docs/robustness.md has the measurements behind these numbers.
    """
    reference: Reference | None = getattr(estimator, "_reference", None)
    if reference is None or reference.has_warned or reference.n_seen < _FEW:
        return
    if isinstance(samples, LazyCopies) or len(samples) == 0:
        return
    n_values = max(1, int(np.prod(samples.shape[1:])))
    found = _found(
        reference, taken(samples, evenly(len(samples), max(1, min(_LOOKED_AT, _VALUES_LOOKED_AT // n_values))))
    )
    if found is None:
        return
    with _ONE_AT_A_TIME:
        if reference.has_warned:
            return
        reference.has_warned = True
    low, high = extremes(samples)  # (g,) each
    column = found.column if len(low) > 1 else None
    warn_user(
        f"{_subject(estimator, name, column)} has values {_range(low, high, column)}; in the samples that "
        f"{type(estimator).__name__} was trained on they are {_range(reference.low, reference.high, column)}."
        f"{found.where} A map says nothing of samples that far away: bring them to the units of the training samples, "
        "unless they are meant to be new. novelty(X) gives the distance of each."
    )


class _Found(NamedTuple):
    """The column, or channel, that is out of range, None where all are meant; a sentence where ranges do not tell."""

    column: int | None
    where: str = ""


def _found(reference: Reference, some: Array | SparseRows) -> _Found | None:
    """Return by which rule samples are far from the training samples; None if by none."""
    column = None if reference.by_direction else _far_column(reference, some)
    if column is not None:
        return _Found(column)
    if _is_far(reference, some):
        where = " At least half of the samples lie farther from all of those than those lie from their centre."
        return _Found(None, where)
    return None if reference.by_direction or not _is_small(reference, some) else _Found(None)


def _far_column(reference: Reference, some: Array | SparseRows) -> int | None:
    """Return the column, or the channel, in which at least half of the samples are far out of range; None if none."""
    low, high = reference.low, reference.high
    width = high - low  # (g,)
    if not (width > 0).any():
        return None
    margin = np.maximum(width, float(np.median(width[width > 0])))  # (g,)
    margin *= _allowance(len(some))
    share = _share_outside(some, low - margin, high + margin)  # (g,)
    column = int(share.argmax())
    return column if share[column] >= 0.5 else None


def _share_outside(some: Array | SparseRows, low: Floats, high: Floats) -> Floats:
    """Return the share of the samples with a value out of bounds, by column, by channel, or of all pixels; (g,)."""
    if isinstance(some, SparseRows):
        matrix = some.matrix
        is_out = (matrix.data < low[matrix.indices]) | (matrix.data > high[matrix.indices])  # (nnz,)
        stored = np.bincount(matrix.indices, minlength=len(low))  # (p,)
        zero_is_out = (low > 0) | (high < 0)  # (p,)
        n_out = np.bincount(matrix.indices[is_out], minlength=len(low)) + zero_is_out * (len(some) - stored)  # (p,)
    else:
        groups = some.reshape(len(some), len(low), -1)  # (s, g, m)
        n_out = ((groups.min(axis=2) < low) | (groups.max(axis=2) > high)).sum(axis=0)  # (g,)
    share: Floats = n_out / len(some)
    return share


def _is_far(reference: Reference, some: Array | SparseRows) -> bool:
    """Return whether at least half of the samples are farther from the training samples than these extend."""
    if reference.extent == 0:
        return False
    away = float(np.median(reference.input_distance(some)))
    return away > max(_NOVELTY, _EXTENT * _allowance(len(some)) * reference.extent)


def _allowance(n_samples: int) -> float:
    """Return how many times as far samples must be: 1 from 10 samples on, 4 times for 5 samples, 100 for one."""
    return max(1.0, (_FEW / n_samples) ** 2)


def _is_small(reference: Reference, some: Array | SparseRows) -> bool:
    """Return whether in at least half of the columns the values are a thirtieth of the usual size, but for 1 %."""
    size = reference.size  # (g,)
    if int(np.prod(some.shape)) // len(size) < _FEW:
        return False
    if isinstance(some, SparseRows):
        column, stored = some.matrix.indices, np.abs(some.matrix.data)  # (nnz,) each
        n_off = np.bincount(column[stored > 0], minlength=len(size))  # (g,)
        n_big = np.bincount(column[stored > size[column] / _SMALL], minlength=len(size))  # (g,)
    else:
        values = np.abs(some.reshape(len(some), len(size), -1))  # (s, g, m)
        n_off = np.count_nonzero(values, axis=(0, 2))  # (g,)
        n_big = np.count_nonzero(values > size[:, None] / _SMALL, axis=(0, 2))  # (g,)
    shows = (n_off > 0) & (size > 0)  # (g,)
    is_small = n_big[shows] <= _WILD_SHARE * n_off[shows]  # (g,)
    if n_off.sum() < _FEWEST_VALUES or not 2 * np.count_nonzero(is_small) >= len(is_small) > 0:
        return False
    return float(np.quantile(row_sizes(some, size), _USUAL_SHARE)) < reference.least


def _range(low: Floats, high: Floats, column: int | None) -> str:
    """Describe the range of one column, or of all."""
    least, most = (low.min(), high.max()) if column is None else (low[column], high[column])
    return f"from {least:.6g} to {most:.6g}"


def _subject(estimator: BaseEstimator, name: str, column: int | None) -> str:
    if column is None:
        return repr(name)
    names = getattr(estimator, "feature_names_in_", None)
    kind = "Column" if len(estimator.input_shape_) == 1 else "Channel"
    return f"{kind} {column if names is None else short_repr(str(names[column]))} of {name!r}"
