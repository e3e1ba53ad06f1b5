"""Identical samples: neighbours are looked for among distinct ones, and copies are joined to one another.

Copies that stood in each other's lists of neighbours would use these up: a sample that occurs more often than it has
neighbours would be joined to nothing else.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from drlim._base.arrays import Floats, Index, pairs_within, ragged_ranges
from drlim._base.identical import row_keys
from drlim._base.sparse_rows import AnyRows
from drlim.graph import PairSet
from drlim.graph.blocks import Blocks

__all__ = ["Copies", "Found", "find_copies"]

_LISTED = 200
"""Number of pairs of copies without a spring, for each row, that are listed: 3.2 kB. Those of the largest groups beyond
it are implied by classes, which take no memory. Each class takes time in every sum over pairs: at 150 groups of 50, an
epoch took 1 s with lists and 9 s with classes."""


class Copies(NamedTuple):
    """The copies of m distinct samples among n rows.

    Attributes
    ----------
    first : ndarray of int64, shape (m,)
        Lowest row of each distinct sample, ascending.
    group : ndarray of int64, shape (n,)
        Distinct sample that each row is a copy of.
    """

    first: Index
    group: Index

    @classmethod
    def from_codes(cls, codes: Index) -> Copies | None:
        """Return the copies of rows that have equal codes, (n,); None without any."""
        _, first, group = np.unique(codes, return_index=True, return_inverse=True)
        if len(first) == len(codes):
            return None
        order = np.argsort(first)
        number = np.empty_like(order)
        number[order] = np.arange(len(order))
        return cls(first[order], number[group])

    @classmethod
    def from_links(cls, links: Index) -> Copies | None:
        """Return the copies of rows each of which is linked to another one, or to itself, (n,); None without any."""
        rows = np.arange(len(links))
        if (links == rows).all():
            return None
        edges = sparse.coo_array((np.ones(len(links), dtype=np.int8), (rows, links)), shape=(len(links), len(links)))
        return cls.from_codes(
            np.asarray(csgraph.connected_components(edges.tocsr(), directed=False)[1], dtype=np.int64)
        )

    @property
    def counts(self) -> Index:
        """Number of rows of each distinct sample, (m,)."""
        return np.bincount(self.group).astype(np.int64)

    def spread(self, indices: Index) -> Index:
        """Return neighbours of all rows, from those of distinct samples.

        Parameters
        ----------
        indices : ndarray of int64, shape (m, k)
            Distinct samples, or -1 for none.

        Returns
        -------
        ndarray of int64, shape (n, k)
            Rows, or -1. The copies of a sample take different copies of each neighbour, as far as there are any.

        Examples
        --------
        >>> Copies.from_codes(np.array([5, 7, 5, 7, 5])).spread(np.array([[1], [0]])).ravel().tolist()
        [1, 0, 3, 2, 1]
        """
        order, rank = self._ranked()
        starts = np.cumsum(self.counts) - self.counts  # (m,)
        wanted = indices[self.group]  # (n, k)
        place = starts[wanted] + rank[:, None] % self.counts[wanted]  # (n, k)
        return np.where(wanted < 0, -1, order[place])

    def pairs(self, n_each: int) -> Index:
        """Return pairs that join the copies of each sample, shape (p, 2).

        All pairs of up to ``2 * n_each + 1`` copies; of more, each is joined to the ``n_each`` next ones in a ring.

        Examples
        --------
        >>> Copies.from_codes(np.array([5, 7, 5, 7, 5])).pairs(1).tolist()
        [[0, 2], [1, 3], [2, 4], [4, 0]]
        """
        order, rank = self._ranked()
        count = self.counts[self.group]  # (n,)
        starts = (np.cumsum(self.counts) - self.counts)[self.group]  # (n,)
        listed = [np.empty((0, 2), dtype=np.int64)]
        for step in range(1, min(n_each, int(count.max()) // 2) + 1):
            # In a ring of two times ``step``, the second half repeats the pairs of the first.
            rows = np.flatnonzero((2 * step < count) | ((2 * step == count) & (rank < step)))
            others = order[starts[rows] + (rank[rows] + step) % count[rows]]
            listed.append(np.column_stack([rows, others]))  # (q, 2)
        return np.concatenate(listed)  # (p, 2)

    def without_spring(self, n_each: int) -> PairSet | None:
        """Return the pairs of copies that `pairs` leaves out, which no map can part; None without any.

        Where all rows are copies of one sample, these are the only pairs that are not similar, and None, too.
        """
        n, counts = len(self.group), self.counts
        n_pairs = np.where(counts > 2 * n_each + 1, counts * (counts - 1) // 2, 0)  # (m,)
        if not n_pairs.any() or len(counts) == 1:
            return None
        order = np.argsort(n_pairs, kind="stable")
        is_implied = np.zeros(len(counts), dtype=bool)
        is_implied[order] = np.cumsum(n_pairs[order]) > _LISTED * n
        listed = PairSet.from_pairs(n, pairs_within(_numbered(~is_implied & (n_pairs > 0))[self.group]))
        implied = Blocks.from_codes(_numbered(is_implied)[self.group], within=1.0)
        everything = listed | PairSet.from_blocks(implied) if is_implied.any() else listed
        return everything - PairSet.from_pairs(n, self.pairs(n_each))

    def _ranked(self) -> tuple[Index, Index]:
        """Return the rows, sample by sample, (n,), and the number of each row among its copies, (n,)."""
        order = np.argsort(self.group, kind="stable")
        rank = np.empty_like(order)
        rank[order] = ragged_ranges(np.zeros_like(self.counts), self.counts)
        return order, rank


def _numbered(is_chosen: NDArray[np.bool_]) -> Index:
    """Return the number of each that is chosen, from 0 on, and -1 for the others; (m,)."""
    return np.where(is_chosen, np.cumsum(is_chosen) - 1, -1)


def find_copies(samples: AnyRows) -> Copies | None:
    """Return the copies among samples, shape (n, ...), or None where all are distinct.

    Examples
    --------
    >>> find_copies(np.array([[1.0], [2.0], [1.0]]))
    Copies(first=array([0, 1]), group=array([0, 1, 0]))
    >>> find_copies(np.array([[1.0], [2.0], [3.0]])) is None
    True
    """
    return Copies.from_codes(row_keys(samples))


class Found(NamedTuple):
    """Neighbours of n rows, among distinct samples.

    Attributes
    ----------
    indices : ndarray of int64, shape (n, k)
        Nearest first; -1 for none.
    lengths : ndarray of float64, shape (n, k)
        Distances, or their squares; infinite for none.
    copies : Copies or None
        None where all rows are distinct.
    """

    indices: Index
    lengths: Floats
    copies: Copies | None

    def pairs(self) -> Index:
        """Return each row with each of its neighbours, shape (p, 2)."""
        rows, place = np.nonzero(self.indices >= 0)  # (p,), (p,)
        return np.column_stack([rows, self.indices[rows, place]])
