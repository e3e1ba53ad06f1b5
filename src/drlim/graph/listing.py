"""`Listing`: weights of listed pairs of samples, stored as the compressed sparse rows of a symmetric matrix.

Each pair has two entries, one in the row of either sample. A row's partners are ascending, so that a pair is found by
bisection and two listings are merged in order.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Floats, Index, frozen, ragged_ranges

__all__ = ["Listing", "first_of_runs"]


class Listing(NamedTuple):
    """Listed pairs and their weights; arrays are read-only.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_samples + 1,)
        Row of sample i: the entries ``indptr[i]`` up to ``indptr[i + 1]``, which is excluded.
    indices : ndarray of int64, shape (2p,)
        Partner of each entry, ascending in each row, never the sample itself.
    weights : ndarray of float64, shape (2p,), or None
        Weight of each entry; None means that all are 1.
    """

    indptr: Index
    indices: Index
    weights: Floats | None = None

    @classmethod
    def empty(cls, n_samples: int) -> Listing:
        """Return the listing without pairs."""
        indptr = np.zeros(n_samples + 1, dtype=np.int64)
        return cls(frozen(indptr), frozen(np.zeros(0, dtype=np.int64)))

    @classmethod
    def from_edges(cls, n_samples: int, edges: Index, weights: Floats | None = None) -> Listing:
        """List pairs given in any order and direction; a repeated pair has its largest weight.

        Parameters
        ----------
        n_samples : int
        edges : ndarray of int64, shape (m, 2)
            Indices in [0, n_samples) of two distinct samples each. Trusted.
        weights : ndarray of float64, shape (m,), default=None
            Weights above 0; None means 1 for all. Trusted.
        """
        first, second = edges[:, 0], edges[:, 1]
        # One key a pair: sorting keys took a tenth of the time of np.unique or lexsort on 10^7 pairs.
        keys = np.minimum(first, second) * n_samples + np.maximum(first, second)  # (m,)
        if weights is None:
            keys.sort()
        else:
            order = np.argsort(keys)
            keys, weights = keys[order], weights[order]
        starts = np.flatnonzero(first_of_runs(keys))  # (p,) each unordered pair once
        if weights is not None and len(starts):
            weights = np.maximum.reduceat(weights, starts)  # (p,)
        return cls._mirrored(n_samples, keys[starts], weights)

    @classmethod
    def _mirrored(cls, n_samples: int, keys: Index, weights: Floats | None) -> Listing:
        """List both directions of pairs given once, as ascending keys ``low * n_samples + high``."""
        low, high = np.divmod(keys, max(n_samples, 1))
        both = np.concatenate([keys, high * n_samples + low])  # (2p,)
        if weights is None or (weights == 1).all():
            weights = None
            both.sort()
        else:
            order = np.argsort(both)  # all keys differ
            both, weights = both[order], frozen(np.concatenate([weights, weights])[order])
        indptr = np.zeros(n_samples + 1, dtype=np.int64)
        degrees = np.bincount(low, minlength=n_samples) + np.bincount(high, minlength=n_samples)
        np.cumsum(degrees, out=indptr[1:])
        return cls(frozen(indptr), frozen(both % max(n_samples, 1)), weights)

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.indptr) - 1

    def rows(self) -> Index:
        """Return the row of each entry, shape (2p,): with ``indices``, the entries as coordinates."""
        return np.repeat(np.arange(self.n_samples), np.diff(self.indptr))

    def all_weights(self) -> Floats:
        """Return the weight of each entry, shape (2p,), written out where all are 1."""
        return np.ones(len(self.indices)) if self.weights is None else self.weights

    def keys(self, start: int, stop: int) -> Index:
        """Return the entries of rows ``start`` up to ``stop`` as ascending numbers, ``row * n_samples + partner``.

        Rows are counted from ``start`` on.
        """
        rows = np.repeat(np.arange(stop - start) * self.n_samples, np.diff(self.indptr[start : stop + 1]))
        keys: Index = rows + self.indices[self.indptr[start] : self.indptr[stop]]
        return keys

    def find(self, first: Index, second: Index) -> Index:
        """Return the entry of each pair, -1 for a pair that is not listed: a bisection in all rows at once.

        Parameters
        ----------
        first, second : ndarray of int64, of one shape
            Indices in [0, n_samples). Trusted.
        """
        low, high = self.indptr[first], self.indptr[first + 1]
        end = high
        for _ in range(int((high - low).max(initial=0)).bit_length()):
            middle = (low + high) // 2
            less = (low < high) & (self.indices[np.minimum(middle, len(self.indices) - 1)] < second)
            low, high = np.where(less, middle + 1, low), np.where(less, high, np.minimum(high, middle))
        if len(self.indices) == 0:
            return np.full(first.shape, -1)
        found = (low < end) & (self.indices[np.minimum(low, len(self.indices) - 1)] == second)
        return np.where(found, low, -1)

    def cut(self, samples: Index, position: Index) -> tuple[Listing, Index]:
        """Return the pairs inside ``samples``, renumbered by their place there, without weights.

        Parameters
        ----------
        samples : ndarray of int64, shape (b,)
            Distinct indices. Trusted.
        position : ndarray of int64, shape (n_samples,)
            Place of each sample in ``samples``, -1 for the others.

        Returns
        -------
        part : Listing
            On b samples.
        entries : ndarray of int64
            The entry of this listing that each entry of the part comes from.
        """
        count = len(samples)
        if len(self.indices) == 0:
            return Listing.empty(count), np.zeros(0, dtype=np.int64)
        starts = self.indptr[samples]  # (b,)
        degrees = self.indptr[samples + 1] - starts  # (b,)
        entries = ragged_ranges(starts, degrees)  # (e,)
        first = np.repeat(np.arange(count), degrees)  # (e,)
        second = position[self.indices[entries]]  # (e,) -1 outside the samples
        inside = np.flatnonzero(second >= 0)
        inside = inside[np.argsort(first[inside] * count + second[inside])]
        indptr = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(first[inside], minlength=count), out=indptr[1:])
        return Listing(frozen(indptr), frozen(second[inside])), entries[inside]


def first_of_runs(ascending: Index) -> NDArray[np.bool_]:
    """Return which numbers of an ascending array differ from the one before, in the array's shape."""
    return np.append(True, ascending[1:] != ascending[:-1])[: len(ascending)]
