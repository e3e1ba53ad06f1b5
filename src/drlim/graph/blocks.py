"""`Blocks`: weights of all pairs at once, as a function of the classes of the two samples.

A class of 50,000 samples has 10^9 pairs; what is said of all of them alike costs one code a sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from drlim._base.checks import short_repr
from drlim.graph.checks import LARGEST_WEIGHT

__all__ = ["LARGEST_TABLE", "Blocks", "Pointwise", "combined"]

Index = NDArray[np.int64]
Weights = NDArray[np.float64]
Pointwise = Callable[..., Any]
"""A function of arrays of weights, one array for each set, that gives the array of the weights that come of them."""

LARGEST_TABLE = 2048
"""Joint classes: a table of 2048 x 2048 weights takes 32 MiB."""


@dataclass(frozen=True, eq=False)
class Blocks:
    """A weight for every pair of distinct samples that depends on their classes alone. Immutable.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_samples,)
        Class of each sample; -1 for a sample outside all classes. Read-only.
    within : float
        Weight of two samples of one class.
    between : float
        Weight of two samples of two classes.
    outside : float
        Weight of two samples of which at least one is outside.
    table : ndarray of float64, shape (n_classes, n_classes), or None
        Symmetric. When given, no code is -1 and the weight of classes a and b is ``table[a, b]``; the three
        numbers above then mean nothing.

    Examples
    --------
    Two samples of one class, one of another, and one of which nothing is known:

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
    table: Weights | None = None

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
            Classes, from 0 on without large gaps; -1 is outside. Copied.
        within, between, outside : float, default=0.0
            Weights, in [0, 1e100]; see the attributes.

        Raises
        ------
        ValueError, TypeError
            When ``codes`` is not 1-D, not of integers, or has one below -1, or a weight is out of range.
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
        return _plainest(_frozen(given.astype(np.int64)), float(within), float(between), float(outside))

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return len(self.codes)

    @property
    def level(self) -> float | None:
        """The weight that all pairs have, None where they differ."""
        same = self.table is None and self.within == self.between == self.outside
        return self.within if same else None

    @cached_property
    def sizes(self) -> Index:
        """Number of samples of each class, shape (n_classes,)."""
        n_classes = 0 if self.table is None else len(self.table)
        return _frozen(np.bincount(self.codes[self.codes >= 0], minlength=n_classes).astype(np.int64))

    def weight_of(self, first: Index, second: Index) -> Weights:
        """Return the weights of pairs of distinct samples, in the shape that the two indices broadcast to."""
        if self.level is not None:
            return np.full(np.broadcast_shapes(first.shape, second.shape), self.level)
        a, b = self.codes[first], self.codes[second]
        if self.table is not None:
            return self.table[a, b]
        inside = np.where(a == b, self.within, self.between)
        return np.where((a < 0) | (b < 0), self.outside, inside)

    @cached_property
    def row_sums(self) -> Weights:
        """Sum of the weights of each sample's pairs, shape (n_samples,); read-only."""
        if self.level is not None:
            return cast(Weights, np.broadcast_to(self.level * max(0, self.n_samples - 1), (self.n_samples,)))
        if self.table is not None:
            by_class = self.table @ self.sizes - np.diagonal(self.table)
            return _frozen(by_class[self.codes])
        inside, outside = int(self.sizes.sum()), self.n_samples - int(self.sizes.sum())
        by_class = self.within * (self.sizes - 1.0) + self.between * (inside - self.sizes) + self.outside * outside
        of_outsiders = self.outside * (self.n_samples - 1.0)
        return _frozen(np.append(by_class, of_outsiders)[self.codes])  # -1 is the last

    @property
    def total_weight(self) -> float:
        """Sum of the weights of all pairs."""
        if self.level is not None:
            return self.level * (self.n_samples * (self.n_samples - 1) // 2)
        return float(self.row_sums.sum()) / 2

    @property
    def support(self) -> Blocks:
        """The same with every weight above 0 made 1."""
        table = None if self.table is None else (self.table > 0).astype(np.float64)
        within, between, outside = (float(level > 0) for level in (self.within, self.between, self.outside))
        return Blocks(self.codes, within, between, outside, table)

    @cached_property
    def degrees(self) -> Index:
        """Number of pairs of weight above 0 that each sample has, shape (n_samples,)."""
        return _frozen(self.support.row_sums.astype(np.int64))

    @cached_property
    def n_pairs(self) -> int:
        """Number of pairs of weight above 0."""
        if self.level is not None:
            return self.n_samples * (self.n_samples - 1) // 2 if self.level else 0
        return int(self.degrees.sum()) // 2

    def cut(self, samples: Index) -> Blocks:
        """Return the blocks of some of the samples, in the order given; ``samples`` is trusted."""
        if self.level is not None:
            return Blocks.constant(len(samples), self.level)
        codes = self.codes[samples]
        if self.table is None and len(self.sizes) > len(samples):  # a batch of a hundred thousand classes
            present, codes = np.unique(codes, return_inverse=True)
            codes -= present[:1] < 0
        return Blocks(_frozen(codes), self.within, self.between, self.outside, self.table)

    def count_within(self, groups: Index) -> int:
        """Return the number of pairs of weight above 0 whose two samples are of one group.

        Parameters
        ----------
        groups : ndarray of int64, shape (n_samples,)
            From 0 on.
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
        """Yield the weights as a sum of constants on subsets of samples.

        By inclusion and exclusion: a sum over all pairs, weighted by these blocks, is the sum over the terms of
        the factor times the plain sum over all pairs of the term's samples.

        Yields
        ------
        factor : float
            Not 0; may be negative.
        samples : ndarray of int64, ascending, or None
            None means all samples.

        Examples
        --------
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

    def _table_terms(self, table: Weights) -> Iterator[tuple[float, Index | None]]:
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
        """Return the samples of each class, ascending; those outside are in none."""
        order = np.argsort(self.codes, kind="stable")
        start = self.n_samples - int(self.sizes.sum())
        return np.split(order[start:], np.cumsum(self.sizes)[:-1]) if len(self.sizes) else []

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from pickle, or copy deeply: numpy's own way back would leave the arrays writable."""
        self.__dict__.update(
            {name: _frozen(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}
        )


def combined(function: Pointwise, n_samples: int, operands: Sequence[Blocks | None]) -> Blocks | None:
    """Apply a function to the weights of every pair at once.

    Parameters
    ----------
    function : callable
        Called with one array of weights for each operand, all of one shape; returns an array of that shape.
    n_samples : int
    operands : sequence of Blocks or None
        None is weight 0 everywhere.

    Returns
    -------
    Blocks or None
        None when every pair has weight 0.

    Raises
    ------
    ValueError
        When partitions meet that together divide the samples into more than `LARGEST_TABLE` classes.
    """
    if n_samples < 2:
        return None
    constants = [0.0 if blocks is None else blocks.level for blocks in operands]
    varying = [
        blocks for blocks, level in zip(operands, constants, strict=True) if blocks is not None and level is None
    ]
    if not varying:
        level = float(function(*(np.array([constant]) for constant in constants))[0])
        return Blocks.constant(n_samples, level) if level else None
    if all(blocks.table is None and _same_codes(blocks, varying[0]) for blocks in varying):
        values = [
            np.full(3, level)
            if blocks is None or level is not None
            else [blocks.within, blocks.between, blocks.outside]
            for blocks, level in zip(operands, constants, strict=True)
        ]
        within, between, outside = (float(value) for value in function(*map(np.asarray, values)))
        found = _plainest(varying[0].codes, within, between, outside)
    else:
        found = _joined(function, operands, varying)
    return None if found.level == 0 else found


def _same_codes(one: Blocks, other: Blocks) -> bool:
    return one.codes is other.codes or np.array_equal(one.codes, other.codes)


def _joined(function: Pointwise, operands: Sequence[Blocks | None], varying: list[Blocks]) -> Blocks:
    """Combine blocks of several partitions on their joint classes."""
    codes = np.zeros(varying[0].n_samples, dtype=np.int64)
    for blocks in varying:
        _, codes = np.unique(codes * (blocks.codes.max() + 2) + blocks.codes + 1, return_inverse=True)
    n_classes = int(codes.max()) + 1
    if n_classes > LARGEST_TABLE:
        raise ValueError(
            f"These graphs divide the samples into {n_classes} joint classes; at most {LARGEST_TABLE} can be held "
            "without listing their pairs. Use fewer classes, or list the pairs of one graph: "
            "NeighborhoodGraph.from_pairs(n_samples, pairs)."
        )
    _, someone = np.unique(codes, return_index=True)  # a sample of each joint class stands for it
    square = (someone[:, None], someone[None, :])
    tables = [np.zeros((n_classes,) * 2) if blocks is None else blocks.weight_of(*square) for blocks in operands]
    table = np.asarray(function(*tables), dtype=np.float64)
    kept, merged = np.unique(table, axis=0, return_inverse=True)  # classes of which the same is said
    first = np.array([np.flatnonzero(merged == place)[0] for place in range(len(kept))])
    return _plainest_table(merged.ravel()[codes], kept[:, first])


def _plainest(codes: Index, within: float, between: float, outside: float) -> Blocks:
    """Build blocks of three levels, or a constant where no pair shows a difference."""
    if not (codes < 0).any():
        outside = between
    if within == between == outside or len(codes) == 0:
        return Blocks.constant(len(codes), within)
    if codes.max() == codes.min():
        return Blocks.constant(len(codes), within if codes[0] >= 0 else outside)
    return Blocks(codes, within, between, outside)


def _plainest_table(codes: Index, table: Weights) -> Blocks:
    """Build blocks from a table of which no two rows are equal, by three levels where these say it."""
    level = (table == table[:, :1]).all(axis=1)  # at most one: two level rows would be equal
    inside = np.flatnonzero(~level)
    own = np.diagonal(table)[inside]
    across = table[np.ix_(inside, inside)][~np.eye(len(inside), dtype=bool)]
    if (own == own[:1]).all() and (across == across[:1]).all():
        outside = float(table[level][0, 0]) if level.any() else 0.0
        number = np.full(len(table), -1)
        number[inside] = np.arange(len(inside))
        within = float(own[0]) if len(own) else outside
        between = float(across[0]) if len(across) else within
        return _plainest(_frozen(number[codes]), within, between, outside)
    return Blocks(_frozen(codes), table=_frozen(table))


def _twos(counts: NDArray[Any]) -> int:
    """Return in how many ways two can be taken from one of the heaps."""
    return int((counts * (counts - 1)).sum()) // 2


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
