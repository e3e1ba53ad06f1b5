"""Connected components and identical samples, counted without listing the pairs that classes imply."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from drlim._base.arrays import Index
from drlim._base.identical import row_keys
from drlim._base.sparse_rows import AnyRows
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet

__all__ = ["count_components", "count_duplicates"]


def count_duplicates(samples: AnyRows, dissimilar: PairSet) -> int:
    """Return the number of a set's pairs whose two samples are identical.

    Parameters
    ----------
    samples : ndarray of shape (n_samples, ...), or SparseRows
        Samples are identical when their values are.
    dissimilar : PairSet
        The set, of n_samples samples.
    """
    _, groups, sizes = np.unique(row_keys(samples), return_inverse=True, return_counts=True)  # (n,)
    return dissimilar.count_within(groups) if (sizes > 1).any() else 0


def count_components(pairs: PairSet) -> int:
    """Return the number of connected components of the graph whose edges are a set's pairs.

    Parameters
    ----------
    pairs : PairSet

    Returns
    -------
    int
        In [1, n_samples]; a sample without a partner is a component of its own.
    """
    n = pairs.n_samples
    row, partner = pairs.rows(), pairs.indices
    is_pair = pairs.weight_of(row, partner) > 0
    edges = [(row[is_pair], partner[is_pair])]
    if pairs.blocks is not None:
        blocks = pairs.blocks.support
        excepted = (blocks.weight_of(row, partner) > 0) & ~is_pair
        edges += _edges_of_classes(blocks, row[excepted], partner[excepted])
    first, second = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    matrix = sparse.coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    count, _ = csgraph.connected_components(matrix.tocsr(), directed=False)
    return int(count)


def _edges_of_classes(blocks: Blocks, first: Index, second: Index) -> list[tuple[Index, Index]]:
    """Return fewer than n_samples edges with the components of the pairs that blocks imply, less the excepted pairs.

    Samples of one class that are in no excepted pair have the same partners: one of them represents all.

    Parameters
    ----------
    blocks : Blocks
        Of weights 0 and 1.
    first, second : ndarray of int64, shape (e,)
        The excepted pairs, in both directions, ``first`` ascending.
    """
    n = blocks.n_samples
    regular = np.ones(n, dtype=bool)
    regular[first] = False
    _, examples, place = np.unique(blocks.codes[regular], return_index=True, return_inverse=True)
    alike = np.flatnonzero(regular)
    linked = blocks.degrees[alike] > 0
    to_examples = alike[linked], alike[examples][place][linked]
    units = np.concatenate([alike[examples], np.flatnonzero(~regular)])
    starts = np.searchsorted(first, np.arange(n + 1))
    return [to_examples, _spanning_edges(blocks, units, starts, second)]


def _spanning_edges(blocks: Blocks, units: Index, starts: Index, excepted: Index) -> tuple[Index, Index]:
    """Search the units depth-first and return the edges taken: each unit is reached once.

    The pairs of unit u with ``excepted[starts[u]:starts[u + 1]]`` are no edges.
    """
    remaining = _Remaining(blocks, units)
    edges: list[tuple[int, int]] = []
    for start in sorted(units.tolist(), key=blocks.codes.__getitem__):  # those outside first: they may join all
        queue = [start] if remaining.discard(start) else []
        while queue:
            unit = queue.pop()
            spared = set(excepted[starts[unit] : starts[unit + 1]].tolist())
            reached = list(remaining.take_linked(unit, spared))
            edges += [(unit, other) for other in reached]
            queue += reached
    found = np.array(edges, dtype=np.int64).reshape(-1, 2)  # (e, 2)
    return found[:, 0], found[:, 1]


class _Remaining:
    """The units that a search has not reached, by class."""

    def __init__(self, blocks: Blocks, units: Index) -> None:
        self.blocks = blocks
        self.units: dict[int, set[int]] = {}
        for unit, code in zip(units.tolist(), blocks.codes[units].tolist(), strict=True):
            self.units.setdefault(code, set()).add(unit)

    def discard(self, unit: int) -> bool:
        """Remove a unit; return whether it was there."""
        code = int(self.blocks.codes[unit])
        if unit not in self.units.get(code, ()):
            return False
        self._remove(code, {unit})
        return True

    def take_linked(self, unit: int, spared: set[int]) -> Iterator[int]:
        """Remove and yield the units that have a pair with one, except those spared."""
        for code in self._linked_codes(int(self.blocks.codes[unit])):
            found = self.units[code] - spared
            self._remove(code, found)
            yield from found

    def _remove(self, code: int, units: set[int]) -> None:
        self.units[code] -= units
        if not self.units[code]:
            del self.units[code]

    def _linked_codes(self, code: int) -> list[int]:
        """Return the classes with units left that have a weight with a class."""
        blocks = self.blocks
        if not self.units:
            return []
        if blocks.table is None and not blocks.between and not blocks.outside:
            return [code] if code >= 0 and blocks.within and code in self.units else []
        others = np.fromiter(self.units, dtype=np.int64, count=len(self.units))
        linked: list[int] = others[blocks.weight_of_classes(np.array(code), others) > 0].tolist()
        return linked
