"""`PairSet`: a symmetric set of pairs of samples with weights: a `Listing` of some, and `Blocks` for all others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats, Index, frozen, frozen_state
from drlim._base.checks import short_repr
from drlim.graph.algebra import Parts, cut_parts, pointwise_parts, times, without
from drlim.graph.blocks import Blocks
from drlim.graph.checks import check_pair_weights, check_pairs
from drlim.graph.joint import Pointwise, combined
from drlim.graph.listing import Listing
from drlim.graph.strips import strips, written_out

__all__ = ["PairSet", "cut_all", "pointwise"]


@dataclass(frozen=True, eq=False)
class PairSet:
    """A symmetric set of pairs of distinct samples, each with a weight above 0. Immutable.

    A listed pair has its listed weight; every other pair has the weight that ``blocks`` give it, 0 without blocks.
    The pairs of weight 0 are not in the set. Arrays are read-only.

    Attributes
    ----------
    n_samples : int
        Number of samples.
    indptr : ndarray of int64, shape (n_samples + 1,)
        Row of sample i: the listed entries ``indptr[i]`` up to ``indptr[i + 1]``, which is excluded.
    indices : ndarray of int64, shape (2p,)
        Partner of each listed entry, ascending in each row. A pair has two entries, one in each sample's row.
    weights : ndarray of float64, shape (2p,), or None
        Weight of each listed entry, never the one that the blocks give; None means that all are 1. A listed
        weight of 0 excludes a pair to which the blocks give another weight.
    blocks : Blocks or None
        Weights of the pairs that are not listed.

    Examples
    --------
    >>> pairs = PairSet.from_pairs(4, [(0, 1), (3, 1)], weights=[0.5, 2.0])
    >>> pairs.pairs().tolist(), pairs.pair_weights().tolist()
    ([[0, 1], [1, 3]], [0.5, 2.0])
    >>> pairs.weight_of(np.array([1, 1]), np.array([3, 2])).tolist()
    [2.0, 0.0]

    All six pairs of four samples without those two:

    >>> (PairSet.from_blocks(Blocks.constant(4, 1.0)) - pairs).n_pairs
    4
    """

    n_samples: int
    indptr: Index
    indices: Index
    weights: Floats | None = None
    blocks: Blocks | None = None

    @classmethod
    def empty(cls, n_samples: int) -> PairSet:
        """Return the set without pairs."""
        return cls.from_blocks(None, n_samples)

    @classmethod
    def from_blocks(cls, blocks: Blocks | None, n_samples: int | None = None) -> PairSet:
        """Return the set of the pairs to which ``blocks`` give a weight above 0, none of them listed."""
        n_samples = blocks.n_samples if n_samples is None and blocks is not None else int(n_samples or 0)
        return cls(n_samples, *Listing.empty(n_samples), blocks)

    @classmethod
    def from_pairs(
        cls, n_samples: int, pairs: ArrayLike, name: str = "similar", weights: ArrayLike | None = None
    ) -> PairSet:
        """Build from index pairs; order and direction do not matter, and a repeated pair has its largest weight.

        Parameters
        ----------
        n_samples : int
            Number of samples.
        pairs : array-like of int, shape (n_pairs, 2)
            Indices in [0, n_samples) of two distinct samples each.
        name : str, default="similar"
            Name of the parameter in error messages.
        weights : array-like of float, shape (n_pairs,), default=None
            Weights in (0, 1e100]; None is 1 for all.

        Raises
        ------
        ValueError, TypeError
            When the shape is wrong, an index is not a whole number in [0, n_samples), a sample is paired with
            itself, or a weight is out of range.
        """
        edges = check_pairs(n_samples, pairs, name)
        checked = None if weights is None else check_pair_weights(weights, len(edges), name)
        return cls(n_samples, *Listing.from_edges(n_samples, edges, checked))

    @classmethod
    def from_parts(cls, parts: Parts) -> PairSet:
        """Return the set of a listing and blocks of the same samples; they are trusted."""
        listing, blocks = parts
        return cls(listing.n_samples, *listing, blocks)

    @cached_property
    def parts(self) -> Parts:
        """The listed pairs, and the blocks."""
        return self._listing, self.blocks

    @cached_property
    def _listing(self) -> Listing:
        return Listing(self.indptr, self.indices, self.weights)

    @cached_property
    def n_pairs(self) -> int:
        """Number of unordered pairs, listed or implied by the blocks."""
        if self.blocks is None:
            return len(self.indices) // 2
        return int(self.degrees.sum()) // 2

    @cached_property
    def total_weight(self) -> float:
        """Sum of the weights of all pairs."""
        listed = self.corrections().all_weights()
        return (0.0 if self.blocks is None else self.blocks.total_weight) + float(listed.sum()) / 2

    @property
    def is_empty(self) -> bool:
        """Whether no pair is listed and there are no blocks."""
        return len(self.indices) == 0 and self.blocks is None

    @cached_property
    def degrees(self) -> Index:
        """Number of partners of each sample, shape (n_samples,)."""
        if self.blocks is None:
            return frozen(np.diff(self.indptr))
        implied, is_pair = self._listed_in_blocks() > 0, self._listing.all_weights() > 0
        change = np.add.reduceat(np.append(is_pair.astype(np.int64) - implied, 0), self.indptr[:-1])  # (n_samples,)
        change[self.indptr[1:] == self.indptr[:-1]] = 0  # reduceat gives an empty row the next one's first entry
        return frozen(self.blocks.degrees + change)

    def count_within(self, groups: Index) -> int:
        """Return the number of pairs that lie inside a group.

        Parameters
        ----------
        groups : ndarray of int64, shape (n_samples,)
            Group of each sample, numbered from 0 on.
        """
        alike = groups[self.rows()] == groups[self.indices]
        listed = int(np.count_nonzero(alike & (self._listing.all_weights() > 0)))
        implied = int(np.count_nonzero(alike & (self._listed_in_blocks() > 0)))
        return (0 if self.blocks is None else self.blocks.count_within(groups)) + (listed - implied) // 2

    def pairs(self) -> Index:
        """Return each pair once, as rows (i, j) with i < j, sorted; shape (n_pairs, 2).

        Raises
        ------
        ValueError
            When there are more than 10^9 pairs: those implied by blocks are written out, too.
        """
        found = [np.empty((0, 2), dtype=np.int64), *(pairs for pairs, _ in written_out(self.parts, self.n_pairs))]
        return np.concatenate(found)

    def pair_weights(self) -> Floats:
        """Return the weights of the pairs in the order of `pairs`, shape (n_pairs,).

        Raises
        ------
        ValueError
            When there are more than 10^9 pairs.
        """
        return np.concatenate([np.empty(0), *(weights for _, weights in written_out(self.parts, self.n_pairs))])

    def weight_of(self, first: ArrayLike, second: ArrayLike) -> Floats:
        """Return the weights of given pairs, 0 for pairs that are not in the set and for a sample with itself.

        Parameters
        ----------
        first, second : array-like of int, shape (p,)
            Sample indices in [0, n_samples); other shapes are broadcast against each other.

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
        entries = self._listing.find(i, j)
        listed = entries >= 0
        weights[listed] = 1.0 if self.weights is None else self.weights[entries[listed]]
        return weights

    def partners(self, sample: int) -> Index:
        """Return the samples paired with ``sample``, a trusted index in [0, n_samples); ascending, read-only."""
        if self.blocks is None:
            return self.indices[self.indptr[sample] : self.indptr[sample + 1]]
        weights = self.weight_of(np.full(self.n_samples, sample), np.arange(self.n_samples))
        return frozen(np.flatnonzero(weights))

    def within(self, samples: Index, position: Index) -> PairSet:
        """Return the pairs that lie inside ``samples``, renumbered by their place there.

        Parameters
        ----------
        samples : ndarray of int64, shape (b,)
            Distinct sample indices. Trusted.
        position : ndarray of int64, shape (n_samples,)
            Scratch memory filled with -1, as it is again after the call. When one array serves many calls, a call
            costs time proportional to the listed partners of the b samples, independent of n_samples.

        Returns
        -------
        PairSet
            Of b samples.
        """
        return cut_all([self], samples, position)[0]

    def corrections(self) -> Listing:
        """Return the listed pairs with their weight in the set minus their weight in the blocks.

        These differences are never 0 and may be negative. A sum over the set's pairs is the sum over all pairs,
        weighted by the blocks, plus the sum over these pairs, weighted by the differences. ``weights`` is an array
        even where all are 1.
        """
        return self._corrections

    @cached_property
    def _corrections(self) -> Listing:
        weights = self._listing.all_weights()
        if self.blocks is not None:
            weights = weights - self._listed_in_blocks()
        return Listing(self.indptr, self.indices, frozen(weights))

    def __or__(self, other: PairSet) -> PairSet:
        return pointwise(np.maximum, self, other)

    def __and__(self, other: PairSet) -> PairSet:
        return pointwise(np.minimum, self, other)

    def __sub__(self, other: PairSet) -> PairSet:
        return pointwise(without, self, other)

    def __mul__(self, factor: float) -> PairSet:
        return self if factor == 1 else pointwise(times(factor), self)

    def same_pairs(self, other: PairSet) -> bool:
        """Return whether two sets give every pair the same weight, however they store it.

        Takes time proportional to n_samples squared when the sets have different blocks and the same degrees.
        """
        if self.n_samples != other.n_samples or not np.array_equal(self.degrees, other.degrees):
            return False
        if self.blocks is None and other.blocks is None:
            return (
                np.array_equal(self.indices, other.indices)
                and np.array_equal(self.indptr, other.indptr)
                and np.array_equal(self._listing.all_weights(), other._listing.all_weights())
            )
        if combined(np.not_equal, self.n_samples, [self.blocks, other.blocks]) is None:
            return pointwise(np.not_equal, self, other).is_empty
        return all(
            np.array_equal(mine, theirs) for mine, theirs in zip(strips(self.parts), strips(other.parts), strict=True)
        )

    def rows(self) -> Index:
        """Return the row of each listed entry, shape (2p,): with ``indices``, the entries as coordinates."""
        return self._listing.rows()

    def _listed_in_blocks(self) -> Floats:
        """Return the weights that the blocks alone would give the listed entries, shape (2p,)."""
        if self.blocks is None:
            return np.zeros(len(self.indices))
        if self.blocks.level is not None:
            return np.full(len(self.indices), self.blocks.level)
        return self.blocks.weight_of(self.rows(), self.indices)

    def __getstate__(self) -> dict[str, object]:
        """Leave out what is computed on demand."""
        names = ("n_samples", "indptr", "indices", "weights", "blocks")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, object]) -> None:
        """Restore from pickle or a deep copy, with arrays read-only."""
        self.__dict__.update(frozen_state(state))


def pointwise(function: Pointwise, *sets: PairSet) -> PairSet:
    """Return the set whose weight of every pair is a function of its weights in other sets.

    Parameters
    ----------
    function : callable
        Called with one array of weights for each set, all of one shape; returns an array of that shape: weights, or
        booleans for 1 and 0. Each value returned depends on the weights at its own place alone.
    *sets : PairSet
        One or more sets of pairs of the same samples.

    Returns
    -------
    PairSet

    Raises
    ------
    ValueError
        When the blocks of the sets divide the samples into too many joint classes; see `drlim.graph.joint.combined`.

    Examples
    --------
    The sum of two sets:

    >>> one, other = PairSet.from_pairs(3, [(0, 1), (1, 2)]), PairSet.from_pairs(3, [(0, 1)])
    >>> pointwise(np.add, one, other).pair_weights().tolist()
    [2.0, 1.0]
    """
    return PairSet.from_parts(pointwise_parts(function, [one.parts for one in sets]))


def cut_all(sets: list[PairSet], samples: Index, position: Index) -> list[PairSet]:
    """Cut several sets to the same samples, as `PairSet.within` cuts one; shared listings are cut once.

    A set that is given several times is cut once, and its cut is returned several times.
    """
    distinct = {id(one): one for one in sets}
    parts = cut_parts([one.parts for one in distinct.values()], samples, position)
    cut = dict(zip(distinct, map(PairSet.from_parts, parts), strict=True))
    return [cut[id(one)] for one in sets]
