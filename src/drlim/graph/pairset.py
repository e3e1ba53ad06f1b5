"""`PairSet`: a symmetric set of pairs of samples, each with a weight; some listed, some implied by classes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import short_repr
from drlim.graph.blocks import Blocks, Pointwise, combined
from drlim.graph.checks import LARGEST_WEIGHT, check_pair_weights, check_pairs

__all__ = ["LARGEST_LISTING", "Corrections", "PairSet", "cut_all", "pointwise"]

Index = NDArray[np.int64]
Weights = NDArray[np.float64]

LARGEST_LISTING = 10**9
"""Pairs that `PairSet.pairs` writes out: 16 GB."""

_CHUNK = 2**22
"""Listed entries, or weights of a dense strip, that an operation holds at once: a few arrays of 32 MiB."""


class Corrections(NamedTuple):
    """What a set's listed pairs add to its blocks, as compressed sparse rows, each pair in both its rows.

    Attributes
    ----------
    indptr : ndarray of int64, shape (n_samples + 1,)
    indices : ndarray of int64, shape (2p,)
    weights : ndarray of float64, shape (2p,)
        Weight in the set minus weight in the blocks; never 0, may be negative.
    """

    indptr: Index
    indices: Index
    weights: Weights


@dataclass(frozen=True, eq=False)
class PairSet:
    """A symmetric set of pairs, each with a weight above 0. Immutable, without loops.

    The weight of a pair is the listed one if the pair is listed, else the one that ``blocks`` gives it, else 0:
    the pair is not in the set. The samples listed with i are ``indices[indptr[i]:indptr[i + 1]]``, ascending; each
    pair stands in both its rows. Arrays are read-only. A listed pair never repeats what the blocks say of it.

    Attributes
    ----------
    n_samples : int
    indptr : ndarray of int64, shape (n_samples + 1,)
    indices : ndarray of int64, shape (2p,)
    weights : ndarray of float64, shape (2p,), or None
        Weights of the listed pairs; None is 1 for all. A listed 0 takes a pair out of what the blocks say.
    blocks : Blocks or None

    Examples
    --------
    >>> pairs = PairSet.from_pairs(4, [(0, 1), (3, 1)], weights=[0.5, 2.0])
    >>> pairs.pairs().tolist(), pairs.pair_weights().tolist()
    ([[0, 1], [1, 3]], [0.5, 2.0])
    >>> pairs.weight_of(np.array([1, 1]), np.array([3, 2])).tolist()
    [2.0, 0.0]
    >>> (PairSet.from_blocks(Blocks.constant(4, 1.0)) - pairs).n_pairs
    4
    """

    n_samples: int
    indptr: Index
    indices: Index
    weights: Weights | None = None
    blocks: Blocks | None = None

    @classmethod
    def empty(cls, n_samples: int) -> PairSet:
        """Return the set without pairs."""
        return cls.from_blocks(None, n_samples)

    @classmethod
    def from_blocks(cls, blocks: Blocks | None, n_samples: int | None = None) -> PairSet:
        """Return the set of the pairs to which ``blocks`` give a weight above 0, none of them listed."""
        n_samples = blocks.n_samples if n_samples is None and blocks is not None else int(n_samples or 0)
        nothing = np.zeros(0, dtype=np.int64)
        return cls(n_samples, _frozen(np.zeros(n_samples + 1, dtype=np.int64)), _frozen(nothing), None, blocks)

    @classmethod
    def from_pairs(
        cls, n_samples: int, pairs: ArrayLike, name: str = "similar", weights: ArrayLike | None = None
    ) -> PairSet:
        """Build from index pairs; order and direction do not matter, and a repeated pair has its largest weight.

        Parameters
        ----------
        n_samples : int
        pairs : array-like of int, shape (n_pairs, 2)
        name : str, default="similar"
            The parameter named in a refusal.
        weights : array-like of float, shape (n_pairs,), default=None
            In (0, 1e100]; None is 1 for all.

        Raises
        ------
        ValueError, TypeError
            When the shape is wrong, an index is not a whole number in [0, n_samples), a sample is paired with
            itself, or a weight is out of range.
        """
        edges = check_pairs(n_samples, pairs, name)
        heavy = None if weights is None else check_pair_weights(weights, len(edges), name)
        first, second = edges[:, 0], edges[:, 1]
        # Sorting one key a pair is ten times as fast as np.unique, and as lexsort, on 10^7 pairs.
        keys = np.minimum(first, second) * n_samples + np.maximum(first, second)  # (n_pairs,)
        if heavy is None:
            keys.sort()
        else:
            order = np.argsort(keys)
            keys, heavy = keys[order], heavy[order]
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])  # each unordered pair once
        if heavy is not None and len(starts):
            heavy = np.maximum.reduceat(heavy, starts)  # (p,)
        return _mirrored(n_samples, keys[starts], heavy)

    @cached_property
    def n_pairs(self) -> int:
        """Number of unordered pairs, those implied by the blocks included."""
        if self.blocks is None:
            return len(self.indices) // 2
        return int(self.degrees.sum()) // 2

    @cached_property
    def total_weight(self) -> float:
        """Sum of the weights of all pairs."""
        listed = self.corrections().weights
        return (0.0 if self.blocks is None else self.blocks.total_weight) + float(listed.sum()) / 2

    @property
    def is_empty(self) -> bool:
        """Whether nothing is listed and there are no blocks."""
        return len(self.indices) == 0 and self.blocks is None

    @cached_property
    def degrees(self) -> Index:
        """Number of partners of each sample, shape (n_samples,)."""
        if self.blocks is None:
            return _frozen(np.diff(self.indptr))
        was, now = self._listed_in_blocks() > 0, self._listed_weights() > 0
        change = np.add.reduceat(np.append(now.astype(np.int64) - was, 0), self.indptr[:-1])
        change[self.indptr[1:] == self.indptr[:-1]] = 0  # reduceat gives an empty row the next one's first entry
        return _frozen(self.blocks.degrees + change)

    def count_within(self, groups: Index) -> int:
        """Return the number of pairs whose two samples are of one group.

        Parameters
        ----------
        groups : ndarray of int64, shape (n_samples,)
            From 0 on.
        """
        alike = groups[self.rows()] == groups[self.indices]
        listed = int(np.count_nonzero(alike & (self._listed_weights() > 0)))
        hidden = int(np.count_nonzero(alike & (self._listed_in_blocks() > 0)))
        return (0 if self.blocks is None else self.blocks.count_within(groups)) + (listed - hidden) // 2

    def pairs(self) -> Index:
        """Return each pair once, as rows (i, j) with i < j, sorted; shape (n_pairs, 2).

        Raises
        ------
        ValueError
            When there are more than 10^9 of them: pairs implied by classes are written out here.
        """
        found = [np.empty((0, 2), dtype=np.int64), *(pairs for pairs, _ in self._written_out())]
        return np.concatenate(found)

    def pair_weights(self) -> Weights:
        """Return the weights of the pairs in the order of `pairs`, shape (n_pairs,)."""
        return np.concatenate([np.empty(0), *(weights for _, weights in self._written_out())])

    def weight_of(self, first: ArrayLike, second: ArrayLike) -> Weights:
        """Return the weights of given pairs, 0 for those not in the set and for a sample with itself.

        Parameters
        ----------
        first, second : array-like of int, shape (p,)
            Sample indices in [0, n_samples).

        Returns
        -------
        ndarray of float64, shape (p,)

        Raises
        ------
        ValueError, TypeError
            When an index is not an integer in [0, n_samples).
        """
        given = np.broadcast_arrays(first, second)
        if given[0].size and not all(array.dtype.kind in "iu" for array in given):
            raise TypeError(f"Expected integer sample indices. Got {' and '.join(map(short_repr, given))}.")
        i, j = (array.astype(np.int64) for array in given)
        if i.size and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= self.n_samples):
            raise ValueError(
                f"Expected sample indices in [0, {self.n_samples}). Got {min(i.min(), j.min())} to "
                f"{max(i.max(), j.max())}."
            )
        weights = np.asarray(np.zeros(i.shape) if self.blocks is None else self.blocks.weight_of(i, j))
        weights[i == j] = 0.0
        place = self._find(i, j)
        listed = place >= 0
        weights[listed] = 1.0 if self.weights is None else self.weights[place[listed]]
        return weights

    def partners(self, sample: int) -> Index:
        """Return the samples paired with ``sample``, ascending and read-only."""
        if self.blocks is None:
            return self.indices[self.indptr[sample] : self.indptr[sample + 1]]
        weights = self.weight_of(np.full(self.n_samples, sample), np.arange(self.n_samples))
        return _frozen(np.flatnonzero(weights))

    def within(self, samples: Index, position: Index) -> PairSet:
        """Return the pairs that lie inside ``samples``, renumbered by their place there.

        Parameters
        ----------
        samples : ndarray of int64, shape (b,)
            Distinct sample indices. Trusted.
        position : ndarray of int64, shape (n_samples,)
            Scratch filled with -1, and given back so: allocating it once keeps the cost at the listed partners of
            the b samples, whatever n is.

        Returns
        -------
        PairSet
            On b samples.
        """
        return cut_all([self], samples, position)[0]

    def corrections(self) -> Corrections:
        """Return what the listed pairs add to the blocks.

        A sum over the set's pairs is the sum over all pairs, weighted by the blocks, plus the sum over these.
        Without blocks they are the listing itself.
        """
        return self._corrections

    @cached_property
    def _corrections(self) -> Corrections:
        weights = self._listed_weights()
        if self.blocks is not None:
            weights = weights - self._listed_in_blocks()
        return Corrections(self.indptr, self.indices, _frozen(weights))

    def __or__(self, other: PairSet) -> PairSet:
        return pointwise(np.maximum, self, other)

    def __and__(self, other: PairSet) -> PairSet:
        return pointwise(np.minimum, self, other)

    def __sub__(self, other: PairSet) -> PairSet:
        return pointwise(_without, self, other)

    def __mul__(self, factor: float) -> PairSet:
        return self if factor == 1 else pointwise(_times(factor), self)

    def same_pairs(self, other: PairSet) -> bool:
        """Whether the two give every pair the same weight, however they store it.

        Fast unless they are equal, of different blocks, and large: then every pair is compared.
        """
        if self.n_samples != other.n_samples or not np.array_equal(self.degrees, other.degrees):
            return False
        if self.blocks is None and other.blocks is None:
            return (
                np.array_equal(self.indices, other.indices)
                and np.array_equal(self.indptr, other.indptr)
                and np.array_equal(self._listed_weights(), other._listed_weights())
            )
        if combined(np.not_equal, self.n_samples, [self.blocks, other.blocks]) is None:
            return pointwise(np.not_equal, self, other).is_empty
        return all(np.array_equal(mine, theirs) for mine, theirs in zip(self._strips(), other._strips(), strict=True))

    def rows(self) -> Index:
        """Return the first sample of each listed entry, shape (2p,): with ``indices``, the entries as coordinates."""
        return np.repeat(np.arange(self.n_samples), np.diff(self.indptr))

    def _listed_weights(self) -> Weights:
        return np.ones(len(self.indices)) if self.weights is None else self.weights

    def _listed_in_blocks(self) -> Weights:
        """Return what the blocks would give the listed entries."""
        if self.blocks is None:
            return np.zeros(len(self.indices))
        if self.blocks.level is not None:
            return np.full(len(self.indices), self.blocks.level)
        return self.blocks.weight_of(self.rows(), self.indices)

    def _find(self, first: Index, second: Index) -> Index:
        """Return where the pairs are listed, -1 for those that are not: bisection in each row, all at once."""
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

    def _strips(self) -> Iterator[Weights]:
        """Yield all weights densely, a few rows at a time, shape (r, n_samples)."""
        step = max(1, _CHUNK // max(1, self.n_samples))
        everyone = np.arange(self.n_samples)
        for start in range(0, self.n_samples, step):
            rows = everyone[start : start + step]
            shape = (len(rows), self.n_samples)
            strip = np.zeros(shape) if self.blocks is None else self.blocks.weight_of(rows[:, None], everyone)
            entries = slice(self.indptr[start], self.indptr[start + len(rows)])
            lengths = np.diff(self.indptr[start : start + len(rows) + 1])
            at = np.repeat(np.arange(len(rows)), lengths), self.indices[entries]
            strip[at] = 1.0 if self.weights is None else self.weights[entries]
            strip[np.arange(len(rows)), rows] = 0.0
            yield strip

    def _written_out(self) -> Iterator[tuple[Index, Weights]]:
        """Yield the pairs once each, sorted, with their weights."""
        if self.n_pairs > LARGEST_LISTING:
            raise ValueError(
                f"The set has {self.n_pairs} pairs, most of them implied by classes; at most {LARGEST_LISTING} are "
                "written out. Ask for single ones by 'weight_of', or take fewer samples."
            )
        if self.blocks is None:
            rows = self.rows()
            once = rows < self.indices
            yield np.column_stack([rows[once], self.indices[once]]), self._listed_weights()[once]
            return
        start = 0
        for strip in self._strips():
            row, column = np.nonzero(np.triu(strip, start + 1))
            yield np.column_stack([row + start, column]), strip[row, column]
            start += len(strip)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is counted on demand."""
        names = ("n_samples", "indptr", "indices", "weights", "blocks")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore from pickle, or copy deeply: numpy's own way back would leave the arrays writable."""
        self.__dict__.update(
            {name: _frozen(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}
        )


def pointwise(function: Pointwise, *sets: PairSet) -> PairSet:
    """Return the set whose weight of every pair is a function of its weights in other sets.

    Parameters
    ----------
    function : callable
        Called with one array of weights for each set, all of one shape; returns weights, or booleans for 1 and 0.
        It must give the pairs that are nowhere listed by what the blocks say, so it sees the same of equal weights.
    *sets : PairSet
        Of the same samples.

    Returns
    -------
    PairSet

    Raises
    ------
    ValueError
        When the blocks of the sets divide the samples into too many joint classes; see `drlim.blocks.combined`.
    """
    n_samples = sets[0].n_samples
    blocks = combined(function, n_samples, [one.blocks for one in sets])
    listings = list({id(one.indices): one for one in sets if len(one.indices)}.values())
    if not listings:
        return PairSet.from_blocks(blocks, n_samples)
    total = np.sum([one.indptr for one in listings], axis=0)
    cuts = np.searchsorted(total, np.arange(_CHUNK, total[-1] + _CHUNK, _CHUNK))
    bounds = np.unique([0, n_samples, *cuts[cuts < n_samples].tolist()])
    parts = [
        _pointwise_rows(function, sets, listings, blocks, start, stop)
        for start, stop in itertools.pairwise(bounds.tolist())
    ]
    lengths, indices, weights = (np.concatenate(found) for found in zip(*parts, strict=True))
    indptr = np.append(0, np.cumsum(lengths))
    only = listings[0]
    if len(listings) == 1 and len(indices) == len(only.indices):  # nothing dropped: share the arrays
        indptr, indices = only.indptr, only.indices
    units = None if (weights == 1).all() else _frozen(weights)
    return PairSet(n_samples, _frozen(indptr), _frozen(indices), units, blocks)


def _pointwise_rows(
    function: Pointwise,
    sets: tuple[PairSet, ...],
    listings: list[PairSet],
    blocks: Blocks | None,
    start: int,
    stop: int,
) -> tuple[Index, Index, Weights]:
    """Return lengths, indices and weights of the rows from ``start`` to ``stop``."""
    n = sets[0].n_samples
    keys_of = {id(one.indices): _keys(one, start, stop) for one in listings}
    keys = next(iter(keys_of.values()))
    if len(listings) > 1:
        keys = np.sort(np.concatenate(list(keys_of.values())), kind="stable")  # merges: its runs are sorted
        keys = keys[np.append(True, keys[1:] != keys[:-1])[: len(keys)]]
    row = keys // n
    column = keys - row * n
    row += start
    values = []
    for one in sets:
        value = np.zeros(len(keys)) if one.blocks is None else one.blocks.weight_of(row, column)
        if len(one.indices):
            entries = slice(one.indptr[start], one.indptr[stop])
            place = slice(None) if len(listings) == 1 else np.searchsorted(keys, keys_of[id(one.indices)])
            value[place] = 1.0 if one.weights is None else one.weights[entries]
        values.append(value)
    weights = np.asarray(function(*values), dtype=np.float64)
    kept = weights != (0.0 if blocks is None else blocks.weight_of(row, column))
    return np.bincount(row[kept] - start, minlength=stop - start), column[kept], weights[kept]


def _keys(one: PairSet, start: int, stop: int) -> Index:
    """Return the listed entries of some rows as ascending numbers, row by row."""
    rows = np.repeat(np.arange(stop - start) * one.n_samples, np.diff(one.indptr[start : stop + 1]))
    return cast(Index, rows + one.indices[one.indptr[start] : one.indptr[stop]])


def cut_all(sets: list[PairSet], samples: Index, position: Index) -> list[PairSet]:
    """Cut several sets to the same samples, as `PairSet.within` cuts one; shared listings are cut once."""
    listings: dict[int, tuple[Index, Index, Index]] = {}
    position[samples] = np.arange(len(samples))
    for one in sets:
        if id(one.indices) not in listings:
            listings[id(one.indices)] = _cut_listing(one, samples, position)
    position[samples] = -1
    cut: dict[int, PairSet] = {}
    for one in sets:
        indptr, indices, entries = listings[id(one.indices)]
        weights = None if one.weights is None else _frozen(one.weights[entries])
        blocks = None if one.blocks is None else one.blocks.cut(samples)
        cut.setdefault(id(one), PairSet(len(samples), indptr, indices, weights, blocks))
    return [cut[id(one)] for one in sets]


def _cut_listing(one: PairSet, samples: Index, position: Index) -> tuple[Index, Index, Index]:
    """Return indptr and indices of the listed pairs inside ``samples``, and the entries they come from."""
    count = len(samples)
    indptr = np.zeros(count + 1, dtype=np.int64)
    nothing = np.zeros(0, dtype=np.int64)
    if len(one.indices) == 0:
        return _frozen(indptr), _frozen(nothing), nothing
    starts = one.indptr[samples]  # (b,)
    lengths = one.indptr[samples + 1] - starts  # (b,)
    first = np.repeat(np.arange(count), lengths)  # (e,)
    entries = np.arange(len(first)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
    second = position[one.indices[entries]]  # (e,) -1 outside the batch
    inside = np.flatnonzero(second >= 0)
    keys = first[inside] * count + second[inside]
    order = np.argsort(keys)
    inside = inside[order]
    np.cumsum(np.bincount(first[inside], minlength=count), out=indptr[1:])
    return _frozen(indptr), _frozen(second[inside]), entries[inside]


def _times(factor: float) -> Callable[[Weights], Weights]:
    """Return the function that multiplies weights, and refuses products that vanish or are too large to be summed."""

    def multiply(weights: Weights) -> Weights:
        with np.errstate(over="ignore", under="ignore"):
            product = weights * factor
        if not np.array_equal(product > 0, weights > 0) or product.max(initial=0.0) > LARGEST_WEIGHT:
            raise ValueError(
                f"Expected weights to stay above 0 and at most {LARGEST_WEIGHT:g}, so that their sum is finite. "
                f"Got a factor of {factor!r}, of weights up to {float(weights.max())!r}."
            )
        return product

    return multiply


def _without(mine: Weights, theirs: Weights) -> Weights:
    return np.where(theirs > 0, 0.0, mine)


def _mirrored(n_samples: int, keys: Index, weights: Weights | None) -> PairSet:
    """Build from ascending keys low * n_samples + high, each pair once."""
    low, high = np.divmod(keys, max(n_samples, 1))
    both = np.concatenate([keys, high * n_samples + low])  # (2p,)
    if weights is None or (weights == 1).all():
        weights = None
        both.sort()
    else:
        order = np.argsort(both)  # all differ
        both, weights = both[order], _frozen(np.concatenate([weights, weights])[order])
    indptr = np.zeros(n_samples + 1, dtype=np.int64)
    degrees = np.bincount(low, minlength=n_samples) + np.bincount(high, minlength=n_samples)
    np.cumsum(degrees, out=indptr[1:])
    return PairSet(n_samples, _frozen(indptr), _frozen(both % max(n_samples, 1)), weights)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
