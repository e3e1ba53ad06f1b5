"""What a model keeps of its training samples, to tell how unlike them others are: ranges, and at most 500 samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from drlim._base.arrays import Array, Floats, Index
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows
from drlim.estimators.sketches import coordinates
from drlim.neighbors.coordinates import directions
from drlim.relations import LazyCopies
from drlim.spaces import Space

if TYPE_CHECKING:
    from drlim.estimators.samples import Samples

__all__ = ["MOST_ROWS", "Cloud", "Reference", "evenly", "extremes", "reference_of", "row_sizes", "taken"]

MOST_ROWS = 500
"""Maximum number of training samples that a model keeps."""

_BLOCK_ROWS, _BLOCK_VALUES = 1024, 2**22
"""Maximum number of samples, and of their values, that are compared at once."""

_FEWEST_ROWS = 10
"""Minimum number of kept samples in which the usual sizes of many columns are looked for."""

_USUAL = 0.9
"""Share of the values other than 0 that are no larger than the usual size."""

_MOST = 0.95
"""Share of the kept samples that lie within the extent."""


class Cloud:
    """Points, and the distances that are usual among them.

    Parameters
    ----------
    points : ndarray, shape (m, q)
    space : Space, default=None
        The curved space that they lie on, in ambient coordinates, by which distances are measured.

    Attributes
    ----------
    unit : float
        Median distance of a point to the nearest other one that is not identical to it; 1 where all are identical.
    extent : float
        Distance from the median of the points within which 95 % of them lie.
    """

    def __init__(self, points: Array, space: Space | None = None) -> None:
        self._space = space
        self.points: Floats = np.ascontiguousarray(points, dtype=np.float64)
        self.unit = self._usual_distance()
        away = np.linalg.norm(self.points - np.median(self.points, axis=0), axis=1)  # (m,)
        self.extent = float(np.quantile(away, _MOST, method="lower"))

    def distance(self, points: Floats) -> Floats:
        """Return the distance of each of other points (b, q) to the nearest of these, (b,)."""
        # Not by a matrix product: for a few rows, waking its threads takes longer than this.
        away: Floats = self._between(points, self.points).min(axis=1)  # (b,)
        return away

    def _usual_distance(self) -> float:
        distinct = np.unique(self.points, axis=0)  # (u, q)
        if len(distinct) < 2:
            return 1.0
        between = self._between(distinct, distinct)  # (u, u)
        np.fill_diagonal(between, np.inf)
        return float(np.median(between.min(axis=1)))

    def _between(self, first: Floats, second: Floats) -> Floats:
        """Return the distances (b, m) of points to others."""
        if self._space is None:
            return cdist(first, second)
        return np.sqrt(self._space.squared_distances(first[:, None], second[None]))  # (b, m)


@dataclass(eq=False)
class Reference:
    """Ranges of the training samples, some of them, and places on the map.

    Attributes
    ----------
    low, high : ndarray of float64, shape (g,)
        Smallest and largest value of each column of a table, of each channel of images, or of all pixels.
    size : ndarray of float64, shape (g,)
        90th percentile of the sizes of the values that are not 0; 0 where all are.
    least : float
        5th percentile of the sizes of samples, as `row_sizes` gives them: smaller ones are rare.
    centre : ndarray of float64, shape (q,)
        Median of the first kept samples' coordinates.
    rows : ndarray of float32, shape (m, q)
        Coordinates of kept samples less the centre, m up to 500: see `drlim.estimators.sketches.coordinates`.
    places : ndarray of float64, shape (k, d)
        Positions of training samples on the map, k up to 500; in ambient coordinates on a curved space.
    n_seen : int
        Number of samples of which the kept ones were drawn.
    by_direction : bool
        Whether samples are scaled to length 1 first.
    has_warned : bool
        Whether a warning of far samples was given.
    space : Space or None
        The curved space of the map; None where it is flat.
    """

    low: Floats
    high: Floats
    size: Floats
    centre: Floats
    rows: NDArray[np.float32]
    places: Floats
    least: float
    n_seen: int
    by_direction: bool = False
    has_warned: bool = field(default=False, compare=False)
    space: Space | None = None

    def __post_init__(self) -> None:
        self._input, self._map = Cloud(self.rows), Cloud(self.places, self.space)

    def __getstate__(self) -> dict[str, object]:
        """Leave out what follows from the rest, which is twice as large."""
        return {name: value for name, value in self.__dict__.items() if not isinstance(value, Cloud)}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.__post_init__()

    @property
    def extent(self) -> float:
        """Extent of the training samples in the input, in units of the usual distance."""
        return self._input.extent / self._input.unit

    def input_distance(self, samples: Samples) -> Floats:
        """Return the distance of each sample to the nearest kept one, in the usual distance; (n,)."""
        parts = [self._input.distance(part) for part in self._coordinates(samples)]
        return np.concatenate([np.empty(0), *parts]) / self._input.unit  # (n,)

    def map_distance(self, positions: Array) -> Floats:
        """Return the distance of each position on the map to the nearest kept one, in the usual distance; (n,)."""
        points = np.asarray(positions, dtype=np.float64)
        starts = range(0, len(points), _BLOCK_ROWS)
        parts = [self._map.distance(points[start : start + _BLOCK_ROWS]) for start in starts]
        return np.concatenate([np.empty(0), *parts]) / self._map.unit  # (n,)

    def _coordinates(self, samples: Samples) -> Iterator[Floats]:
        """Yield coordinates less the centre, (b, q), a block of samples at a time."""
        for block in _blocks(samples, np.arange(len(samples))):
            yield coordinates(directions(block) if self.by_direction else block) - self.centre  # (b, q)

    def joined(self, samples: Samples, positions: Array, *, holds: bool) -> Reference:
        """Return this with more samples, of which as many are kept as is their share of all.

        ``positions`` are theirs on the map; with ``holds``, those of earlier samples are still where they were.
        """
        new = reference_of(samples, positions, by_direction=self.by_direction, space=self.space)
        moved = new.rows + (new.centre - self.centre)  # (m, q)
        n_seen = self.n_seen + new.n_seen
        share = new.n_seen / n_seen
        return Reference(
            np.minimum(self.low, new.low),
            np.maximum(self.high, new.high),
            np.where(self.size * new.size > 0, np.minimum(self.size, new.size), self.size + new.size),
            self.centre,
            _mixed(self.rows, moved.astype(np.float32), share),
            _mixed(self.places, new.places, share) if holds else new.places,
            min(self.least, new.least),
            n_seen,
            self.by_direction,
            self.has_warned,
            self.space,
        )


def reference_of(
    samples: Samples, positions: Array, *, by_direction: bool = False, space: Space | None = None
) -> Reference:
    """Return what is to be kept of training samples and their positions on the map, (n, d).

    Examples
    --------
    >>> found = reference_of(np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 7.0]]), np.array([[1.0], [2.0], [4.0]]))
    >>> found.low.tolist(), found.high.tolist(), found.size.tolist()
    ([0.0, 1.0], [0.0, 7.0], [0.0, 7.0])
    >>> found.input_distance(np.array([[0.0, 3.0], [0.0, 11.0]])).tolist()
    [0.0, 2.0]
    >>> found.map_distance(np.array([[2.0], [6.0]])).tolist()
    [0.0, 2.0]
    """
    drawn = _drawn(len(samples), MOST_ROWS)  # (m,)
    points, ends = [], []
    for block in _blocks(samples, drawn):
        points.append(coordinates(directions(block) if by_direction else block))  # (b, q)
        ends.append(extremes(block))  # (g,) each
    # All copies are made at no other time than this.
    low, high = np.min(ends, axis=(0, 1)), np.max(ends, axis=(0, 1))  # (g,) each
    if not isinstance(samples, LazyCopies):
        low, high = extremes(samples)
    centre: Floats = np.median(np.concatenate(points), axis=0)  # (q,)
    rows = (np.concatenate(points) - centre).astype(np.float32)  # (m, q)
    places = np.asarray(positions[_drawn(len(positions), MOST_ROWS)], dtype=np.float64)  # (k, d)
    n_looked_at = max(_FEWEST_ROWS, _BLOCK_VALUES // max(1, int(np.prod(samples.shape[1:]))))
    some = taken(samples, drawn[evenly(len(drawn), n_looked_at)])  # (s, ...)
    size = _usual_sizes(some)  # (g,)
    least = float(np.quantile(row_sizes(some, size), 1 - _MOST, method="lower"))
    return Reference(low, high, size, centre, rows, places, least, len(samples), by_direction, space=space)


def _drawn(n: int, most: int) -> Index:
    """Return the numbers of up to ``most`` rows of n, ascending, drawn alike in every call."""
    return np.sort(np.random.RandomState(0).permutation(n)[:most])  # whose stream is the same in all versions of NumPy


def _mixed(old: Array, new: Array, share: float) -> Array:
    """Return up to 500 of two arrays of points, of which ``share`` are new ones."""
    most = min(MOST_ROWS, len(old) + len(new))
    n_new = min(len(new), max(round(share * most), most - len(old)))
    n_old = min(len(old), most - n_new)
    return np.concatenate([old[_drawn(len(old), n_old)], new[_drawn(len(new), n_new)]])  # (m, q)


def _blocks(samples: Samples, index: Index) -> Iterator[Array | SparseRows]:
    """Yield some samples, (b, ...), a block at a time; sparse ones stay sparse."""
    step = max(1, min(_BLOCK_ROWS, _BLOCK_VALUES // max(1, int(np.prod(samples.shape[1:])))))
    for start in range(0, len(index), step):
        yield taken(samples, index[start : start + step])


def taken(samples: Samples, index: Index) -> Array | SparseRows:
    """Return some samples; sparse ones stay sparse."""
    return samples.part(index) if isinstance(samples, SparseRows) else samples[index]


def evenly(n: int, most: int) -> Index:
    """Return the numbers of up to ``most`` rows of n, evenly spaced."""
    return np.arange(0, n, max(1, -(-n // most)))


def extremes(samples: AnyRows) -> tuple[Floats, Floats]:
    """Return the smallest and the largest value of each column, of each channel, or of all pixels; (g,) each."""
    if isinstance(samples, SparseRows):
        ends = [
            np.asarray(end.toarray()).reshape(-1) for end in (samples.matrix.min(axis=0), samples.matrix.max(axis=0))
        ]
    elif isinstance(samples, StoredRows):
        return _extremes_of_blocks(samples)
    else:
        axis = tuple(place for place in range(samples.ndim) if place != 1) if samples.ndim in (2, 4) else None
        ends = [np.atleast_1d(samples.min(axis=axis)), np.atleast_1d(samples.max(axis=axis))]
    return ends[0].astype(np.float64), ends[1].astype(np.float64)


def _extremes_of_blocks(samples: StoredRows) -> tuple[Floats, Floats]:
    """Do what `extremes` does for rows outside memory; each process reads those that it has at hand."""
    n_groups = samples.shape[1] if samples.ndim in (2, 4) else 1
    low, high = np.full(n_groups, np.inf), np.full(n_groups, -np.inf)  # (g,)
    for _, block in samples.at_hand()[1].blocks():
        ends = extremes(block)  # (g,) each
        low, high = np.minimum(low, ends[0]), np.maximum(high, ends[1])
    return samples.of_all(low).min(axis=0), samples.of_all(high).max(axis=0)


def row_sizes(some: Array | SparseRows, size: Floats) -> Floats:
    """Return the size of each sample, (s,): the median over columns of its values' sizes in usual ones, of those not 0.

    Of the pixels of an image, or of a channel, the largest counts; ``size`` is of each column or channel, (g,).
    """
    if isinstance(some, SparseRows):
        shares = np.abs(some.matrix.data) / np.where(size > 0, size, np.inf)[some.matrix.indices]  # (nnz,)
        parts = np.split(shares, some.matrix.indptr[1:-1])
    else:
        largest = np.abs(some.reshape(len(some), len(size), -1)).max(axis=2)  # (s, g)
        parts = list(largest / np.where(size > 0, size, np.inf))
    return np.array([np.median(part[part > 0]) if (part > 0).any() else 0.0 for part in parts])


def _usual_sizes(some: Array | SparseRows) -> Floats:
    """Return the 90th percentile of the sizes of the values other than 0, by column, by channel, or of all pixels."""
    if isinstance(some, SparseRows):
        n_groups = some.shape[1]
        group: Index = some.matrix.indices.astype(np.int64)  # (nnz,)
        values = np.abs(some.matrix.data)  # (nnz,)
    else:
        n_groups = some.shape[1] if some.ndim in (2, 4) else 1
        sizes = np.abs(some.reshape(len(some), n_groups, -1))  # (s, g, m)
        group = np.broadcast_to(np.arange(n_groups)[:, None], sizes.shape).reshape(-1)  # (s g m,)
        values = sizes.reshape(-1)  # (s g m,)
    group, values = group[values > 0], values[values > 0]
    order = np.lexsort((values, group))
    count = np.bincount(group, minlength=n_groups)  # (g,)
    above = np.floor((1 - _USUAL) * np.maximum(count - 1, 0)).astype(np.int64)  # (g,)
    place = np.cumsum(count) - 1 - above  # (g,)
    usual = np.zeros(n_groups)
    usual[count > 0] = values[order][place[count > 0]]
    return usual
