"""What a model remembers of its training samples, to tell when others are unlike them: ranges, and some samples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from drlim._base.arrays import Array, Floats, Index
from drlim._base.sparse_rows import SparseRows, rows_of
from drlim.neighbors.measured import directions
from drlim.relations import LazyCopies

if TYPE_CHECKING:
    from drlim.estimators.samples import Samples

__all__ = ["KEPT", "MOST_NUMBERS", "MOST_ROWS", "Reference", "ranges_of", "reference_of"]

KEPT = ("low", "high", "centre", "rows", "numbers")
"""Names of the arrays that a file has of a `Reference`."""

MOST_ROWS = 500
"""Maximum number of training samples that a model keeps."""

MOST_NUMBERS = 128
"""Number of values up to which a sample is kept as it is; of longer ones as many random projections are kept, from
which distances are estimated with a standard error of 6 %."""

_BLOCK_ROWS, _BLOCK_VALUES = 1024, 2**22
"""Maximum number of samples, and of their values, that are compared at once."""

_COLUMNS_AT_ONCE = 4096
"""Number of columns whose projections are drawn at once."""


@dataclass(eq=False)
class Reference:
    """Ranges of the training samples, and some of them.

    Attributes
    ----------
    low, high : ndarray of float64, shape (p,), or (1,) for images
        Smallest and largest value of each column, or of all pixels.
    size : float
        90th percentile of the sizes of the values that are not 0.
    centre : ndarray of float64, shape (p,)
        Mean of the samples that are kept.
    rows : ndarray of float32, shape (m, q)
        Samples less the mean, m up to 500: their values, or 128 random projections of more than 128.
    unit : float
        Median distance of a training sample to the nearest of these that is not identical to it.
    by_direction : bool
        Whether samples are scaled to length 1 first.
    has_warned : bool
        Whether a warning of other ranges was given.
    """

    low: Floats
    high: Floats
    size: float
    centre: Floats
    rows: NDArray[np.float32]
    unit: float
    by_direction: bool = False
    has_warned: bool = False

    def arrays(self) -> dict[str, Array]:
        """Return all of this as arrays by name, from which `from_arrays` builds it again."""
        numbers = np.array([self.size, self.unit, float(self.by_direction)])
        return dict(zip(KEPT, (self.low, self.high, self.centre, self.rows, numbers), strict=True))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array], n_values: int) -> Reference:
        """Build from arrays by name, or refuse those that no reference of samples of ``n_values`` has."""
        found = {name: arrays[name] for name in KEPT}
        _check_shapes(found, n_values)
        size, unit, by_direction = found["numbers"].tolist()
        is_finite = all(bool(np.isfinite(array).all()) for array in found.values())
        is_range = bool((found["low"] <= found["high"]).all())
        if not (is_finite and is_range and size >= 0 and unit > 0 and by_direction in (0.0, 1.0)):
            raise ValueError("what it keeps of the training samples has impossible values")
        return cls(found["low"], found["high"], size, found["centre"], found["rows"], unit, bool(by_direction))

    def distance(self, samples: Samples) -> Floats:
        """Return the distance of each sample to the nearest one kept, in ``unit``; (n,)."""
        step = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // len(self.centre)))
        starts = range(0, len(samples), step)
        parts = [self._nearest(_taken(samples, np.arange(s, min(s + step, len(samples))))) for s in starts]
        return np.concatenate([np.empty(0), *parts]) / self.unit  # (n,)

    def _nearest(self, samples: Array | SparseRows) -> Floats:
        some = directions(samples) if self.by_direction else samples
        nearest: Floats = cdist(_coordinates(some, self.centre), self.rows).min(axis=1)  # (b,)
        return nearest

    def joined(self, earlier: Reference | None) -> Reference:
        """Return this with ranges that hold those of an earlier one."""
        if earlier is None:
            return self
        low, high = np.minimum(self.low, earlier.low), np.maximum(self.high, earlier.high)
        return replace(self, low=low, high=high, size=max(self.size, earlier.size))


def _check_shapes(found: Mapping[str, Array], n_values: int) -> None:
    """Refuse arrays of shapes or types that no reference of samples of ``n_values`` has."""
    n_rows = len(found["rows"]) if found["rows"].ndim == 2 else 0
    n_ranges = 1 if found["low"].shape == (1,) else n_values
    shapes = [(n_ranges,), (n_ranges,), (n_values,), (n_rows, min(n_values, MOST_NUMBERS)), (3,)]
    if n_rows == 0 or [array.shape for array in found.values()] != shapes:
        raise ValueError("what it keeps of the training samples is not of one shape")
    if [array.dtype for array in found.values()] != ["float64", "float64", "float64", "float32", "float64"]:
        raise ValueError("what it keeps of the training samples is of another type")


def reference_of(samples: Samples, by_direction: bool = False) -> Reference:
    """Return what is to be remembered of training samples.

    Examples
    --------
    >>> found = reference_of(np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 7.0]]))
    >>> found.low.tolist(), found.high.tolist(), found.unit
    ([0.0, 1.0], [0.0, 7.0], 2.0)
    >>> found.distance(np.array([[0.0, 3.0], [0.0, 11.0]])).tolist()
    [0.0, 2.0]
    """
    order = np.random.RandomState(0).permutation(len(samples))  # its stream is the same in all versions of NumPy
    kept = _taken(samples, np.sort(order[:MOST_ROWS]))  # (m, ...)
    low, high = ranges_of(kept if isinstance(samples, LazyCopies) else samples)
    values = np.abs(kept.matrix.data if isinstance(kept, SparseRows) else kept)
    values = values[values > 0]
    size = float(np.quantile(values, 0.9, method="lower")) if values.size else 0.0
    if by_direction:
        kept = directions(kept)
    centre = _mean(kept)  # (p,)
    rows = _coordinates(kept, centre).astype(np.float32)  # (m, q)
    found = Reference(low, high, size, centre, rows, 1.0, by_direction)
    found.unit = _usual(found, _taken(samples, np.sort(order[MOST_ROWS : 2 * MOST_ROWS])))
    return found


def ranges_of(samples: Array | SparseRows) -> tuple[Floats, Floats]:
    """Return the smallest and largest value of each column, (p,), or of all pixels of images, (1,)."""
    if isinstance(samples, SparseRows):
        ends = (samples.matrix.min(axis=0), samples.matrix.max(axis=0))
        low, high = (np.asarray(end.toarray(), dtype=np.float64).reshape(-1) for end in ends)  # (p,) each
        return low, high
    axis = 0 if samples.ndim == 2 else None
    low, high = (np.atleast_1d(end).astype(np.float64) for end in (samples.min(axis=axis), samples.max(axis=axis)))
    return low, high


def _usual(reference: Reference, others: Array | SparseRows) -> float:
    """Return the median distance of training samples to the nearest one kept that is another sample; 1 if none is."""
    if len(others):
        nearest = reference.distance(others)  # (m,)
    else:
        between = cdist(reference.rows, reference.rows)  # (m, m)
        nearest = np.where(between > 0, between, np.inf).min(axis=1)  # (m,)
    nearest = nearest[(nearest > 0) & np.isfinite(nearest)]
    return float(np.median(nearest)) if len(nearest) else 1.0


def _taken(samples: Samples, index: Index) -> Array | SparseRows:
    """Return some samples; sparse ones stay sparse."""
    return samples[index] if isinstance(samples, LazyCopies) else rows_of(samples, index)


def _mean(samples: Array | SparseRows) -> Floats:
    if isinstance(samples, SparseRows):
        return np.asarray(samples.matrix.astype(np.float64).mean(axis=0)).reshape(-1)  # (p,)
    mean: Floats = samples.reshape(len(samples), -1).mean(axis=0, dtype=np.float64)  # (p,)
    return mean


def _coordinates(samples: Array | SparseRows, centre: Floats) -> Floats:
    """Return the values of samples less the mean, or random projections of them; (b, q)."""
    flat = samples if isinstance(samples, SparseRows) else samples.reshape(len(samples), -1)  # (b, p)
    width = len(centre)
    if width <= MOST_NUMBERS:
        moved: Floats = np.asarray(flat[:], dtype=np.float64) - centre  # (b, p)
        return moved
    found = np.zeros((len(flat), MOST_NUMBERS))  # (b, q)
    columns = flat.matrix.tocsc() if isinstance(flat, SparseRows) else flat
    for start in range(0, width, _COLUMNS_AT_ONCE):
        part = slice(start, min(start + _COLUMNS_AT_ONCE, width))
        draw = np.random.RandomState(start).normal(size=(part.stop - start, MOST_NUMBERS))  # (c, q)
        found += columns[:, part] @ draw - centre[part] @ draw
    return found / math.sqrt(MOST_NUMBERS)
