"""`Blocks`: weights of all pairs at once, as a function of the classes of the two samples.

A class of 50,000 samples has 10^9 pairs; one weight for all of them takes one code a sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from drlim._base.arrays import Array, Floats, Index, frozen, frozen_state
from drlim._base.checks import short_repr
from drlim.graph.checks import LARGEST_WEIGHT

__all__ = ["LARGEST_TABLE", "Blocks", "simplest"]

LARGEST_TABLE = 2048
"""Maximum number of joint classes: a table of 2048 x 2048 weights takes 32 MiB."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """Weights of all pairs of distinct samples; a weight depends only on the two samples' classes. Immutable.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_samples,)
        Class of each sample; -1 for a sample outside all classes. Read-only.
    within : float
        Weight of a pair inside a class.
    between : float
        Weight of a pair across two classes.
    outside : float
        Weight of a pair with at least one sample outside all classes.
    table : ndarray of float64, shape (n_classes, n_classes), or None
        Symmetric. When given, no code is -1 and the weight of classes a and b is ``table[a, b]``; ``within``,
        ``between`` and ``outside`` are then not used.

    Examples
    --------
    Two samples of one class, one of another class, and one outside:

    >>> import numpy as np
    >>> blocks = Blocks.from_codes(np.array([0, 0, 1, -1]), within=1.0)
    >>> blocks.weight_of(np.array([0, 0, 0]), np.array([1, 2, 3])).tolist()
    [1.0, 0.0, 0.0]
    >>> blocks.n_pairs
    1
    """

    codes: Index
    within: float = 0.0
    between: float = 0.0
    outside: float = 0.0
    table: Floats | None = None

    @classmethod
    def constant(cls, n_samples: int, weight: float) -> Blocks:
        """Give every pair the same weight. Takes no memory, whatever ``n_samples`` is."""
        return cls(np.broadcast_to(np.int64(0), (n_samples,)), weight, weight, weight)

    @classmethod
    def from_codes(cls, codes: Index, *, within: float = 0.0, between: float = 0.0, outside: float = 0.0) -> Blocks:
        """Build from the classes of the samples.

        Parameters
        ----------
        codes : ndarray of int, shape (n_samples,)
            Classes, numbered from 0 on without large gaps; -1 is outside. Copied.
        within, between, outside : float, default=0.0
            Weights in [0, 1e100]; see the attributes.

        Raises
        ------
        ValueError, TypeError
            When ``codes`` is not a 1-D array of integers of -1 or more, or a weight is out of range.
        """
        given = np.asarray(codes)
        if given.ndim != 1 or given.dtype.kind not in "iu":
            raise TypeError(f"Expected 'codes' to be a 1-D array of integers. Got {short_repr(codes)}.")
        if given.size and given.min() < -1:
            raise ValueError(f"Expected 'codes' to be -1 or more. Got {given.min()}.")
        levels = {"within": within, "between": between, "outside": outside}
        for name, level in levels.items():
            if not 0.0 <= level <= LARGEST_WEIGHT:
                raise ValueError(
                    f"Expected '{name}' to be a weight in [0, {LARGEST_WEIGHT:g}]. Got {short_repr(level)}."
                )
        return simplest(frozen(given.astype(np.int64)), float(within), float(between), float(outside))

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.codes)

    @property
    def level(self) -> float | None:
        """The weight of all pairs, None where weights may differ."""
        same = self.table is None and self.within == self.between == self.outside
        return self.within if same else None

    @cached_property
    def sizes(self) -> Index:
        """Number of samples of each class, shape (n_classes,)."""
        n_classes = 0 if self.table is None else len(self.table)
        return frozen(np.bincount(self.codes[self.codes >= 0], minlength=n_classes).astype(np.int64))

    def weight_of(self, first: Index, second: Index) -> Floats:
        """Return the weights of pairs of distinct samples, in the shape that the two indices broadcast to."""
        if self.level is not None:
            return np.full(np.broadcast_shapes(first.shape, second.shape), self.level)
        return self.weight_of_classes(self.codes[first], self.codes[second])

    def weight_of_classes(self, a: Index, b: Index) -> Floats:
        """Return the weights of pairs of distinct samples of given classes, in the shape that the two broadcast to."""
        if self.table is not None:
            return self.table[a, b]
        inside = np.where(a == b, self.within, self.between)
        return np.where((a < 0) | (b < 0), self.outside, inside)

    @cached_property
    def row_sums(self) -> Floats:
        """Sum of the weights of each sample's pairs, shape (n_samples,); read-only."""
        if self.level is not None:
            return cast(Floats, np.broadcast_to(self.level * max(0, self.n_samples - 1), (self.n_samples,)))
        if self.table is not None:
            by_class = self.table @ self.sizes - np.diagonal(self.table)
            return frozen(by_class[self.codes])
        inside, outside = int(self.sizes.sum()), self.n_samples - int(self.sizes.sum())
        by_class = self.within * (self.sizes - 1.0) + self.between * (inside - self.sizes) + self.outside * outside
        of_outsiders = self.outside * (self.n_samples - 1.0)
        return frozen(np.append(by_class, of_outsiders)[self.codes])  # (n_samples,) code -1 takes the last

    @property
    def total_weight(self) -> float:
        """Sum of the weights of all pairs."""
        if self.level is not None:
            return self.level * (self.n_samples * (self.n_samples - 1) // 2)
        return float(self.row_sums.sum()) / 2

    @property
    def support(self) -> Blocks:
        """Blocks of weight 1 where these have a weight above 0."""
        table = None if self.table is None else (self.table > 0).astype(np.float64)
        within, between, outside = (float(level > 0) for level in (self.within, self.between, self.outside))
        return Blocks(self.codes, within, between, outside, table)

    @cached_property
    def degrees(self) -> Index:
        """Number of each sample's pairs of weight above 0, shape (n_samples,)."""
        return frozen(self.support.row_sums.astype(np.int64))

    @cached_property
    def n_pairs(self) -> int:
        """Number of pairs of weight above 0."""
        if self.level is not None:
            return self.n_samples * (self.n_samples - 1) // 2 if self.level else 0
        return int(self.degrees.sum()) // 2

    def cut(self, samples: Index) -> Blocks:
        """Return the blocks of some of the samples, in the order given.

        Parameters
        ----------
        samples : ndarray of int64, shape (b,)
            Distinct indices in [0, n_samples). Trusted.
        """
        if self.level is not None:
            return Blocks.constant(len(samples), self.level)
        codes = self.codes[samples]
        if self.table is None and len(self.sizes) > len(samples):  # else a small batch carries all classes
            present, codes = np.unique(codes, return_inverse=True)
            codes -= present[:1] < 0
        return Blocks(frozen(codes), self.within, self.between, self.outside, self.table)

    def count_within(self, groups: Index) -> int:
        """Return the number of pairs of weight above 0 that lie inside a group.

        Parameters
        ----------
        groups : ndarray of int64, shape (n_samples,)
            Group of each sample, numbered from 0 on.
        """
        support = self.support
        if support.level is not None:
            return int(support.level) * _twos(np.bincount(groups))
        n_codes = int(self.codes.max(initial=0)) + 2
        cells, counts = np.unique(groups * n_codes + self.codes + 1, return_counts=True)
        group, code = cells // n_codes, cells % n_codes - 1
        if support.table is None:
            inside, total = (np.bincount(group[chosen], counts[chosen]) for chosen in (code >= 0, code >= -1))
            alike, within_any, everything = _twos(counts[code >= 0]), _twos(inside), _twos(total)
            found = support.within * alike + support.between * (within_any - alike)
            return int(found + support.outside * (everything - within_any))
        found = 0.0
        starts = np.append(np.flatnonzero(np.append(True, group[1:] != group[:-1])), len(group))
        for start, stop in itertools.pairwise(starts.tolist()):
            own = slice(start, stop)
            part = support.table[np.ix_(code[own], code[own])]
            found += counts[own] @ part @ counts[own] - np.diagonal(part) @ counts[own]
        return int(found) // 2

    def terms(self) -> Iterator[tuple[float, Index | None]]:
        """Yield terms that turn a sum over all pairs, weighted by these blocks, into unweighted sums.

        The weighted sum of any function of pairs is the sum over the terms of ``factor`` times the function's
        unweighted sum over all pairs of ``samples`` (inclusion and exclusion).

        Yields
        ------
        factor : float
            Not 0; may be negative.
        samples : ndarray of int64, ascending, or None
            None means all samples.

        Examples
        --------
        Weight 2 across the two classes: that of all pairs, less that of the one pair inside a class.

        >>> import numpy as np
        >>> list(Blocks.from_codes(np.array([0, 0, 1]), between=2.0).terms())
        [(2.0, None), (-2.0, array([0, 1]))]
        """
        if self.table is not None:
            yield from self._table_terms(self.table)
            return
        if self.outside:
            yield self.outside, None
        if self.level is not None:
            return
        if self.between != self.outside:
            yield self.between - self.outside, np.flatnonzero(self.codes >= 0)
        if self.within != self.between:
            yield from ((self.within - self.between, members) for members in self.members() if len(members) > 1)

    def _table_terms(self, table: Floats) -> Iterator[tuple[float, Index | None]]:
        common = float(np.median(table))
        if common:
            yield common, None
        apart = table - common
        np.fill_diagonal(apart, 0.0)
        own = np.diagonal(table) - common - apart.sum(1)
        members = self.members()
        for a, factor in enumerate(own.tolist()):
            if factor:
                yield factor, members[a]
            for b in np.flatnonzero(apart[a, :a]).tolist():
                yield float(apart[a, b]), np.union1d(members[a], members[b])

    def members(self) -> list[Index]:
        """Return the samples of each class, ascending; samples outside all classes are left out."""
        order = np.argsort(self.codes, kind="stable")
        start = self.n_samples - int(self.sizes.sum())
        return np.split(order[start:], np.cumsum(self.sizes)[:-1]) if len(self.sizes) else []

    def __setstate__(self, state: dict[str, object]) -> None:
        """Restore from pickle or a deep copy, with arrays read-only."""
        self.__dict__.update(frozen_state(state))


def simplest(codes: Index, within: float, between: float, outside: float) -> Blocks:
    """Build blocks of three levels, or of one where all pairs have the same weight."""
    if not (codes < 0).any():
        outside = between
    if within == between == outside or len(codes) == 0:
        return Blocks.constant(len(codes), within)
    if codes.max() == codes.min():
        return Blocks.constant(len(codes), within if codes[0] >= 0 else outside)
    return Blocks(codes, within, between, outside)


def _twos(counts: Array) -> int:
    """Return the number of pairs inside groups of given sizes."""
    return int((counts * (counts - 1)).sum()) // 2
