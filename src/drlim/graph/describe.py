"""A graph in a few numbers and, in words, what in it will not train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from drlim._base.checks import check_points, check_same_length
from drlim.graph.blocks import Blocks
from drlim.graph.pairset import PairSet

__all__ = ["Description", "count_components", "count_duplicates", "described"]

Index = NDArray[np.int64]

_MANY = 0.5
"""Components for each sample, from which a graph says little of how its samples hang together."""


@dataclass(frozen=True)
class Description:
    """What `NeighborhoodGraph.describe` found; its ``str`` is a table.

    Attributes
    ----------
    samples : int
    similar, dissimilar, ignored : int
        Pairs in each state; together, all pairs.
    contradictions : int
        Pairs stated similar and dissimilar, which are ignored.
    degrees : tuple of float
        Least, median and largest number of samples similar to one.
    isolated : int
        Samples similar to none.
    components : int
        Parts of the graph that no chain of similar pairs joins, isolated samples among them.
    duplicates : int or None
        Pairs of identical samples that are dissimilar; None when no samples were given.
    warnings : tuple of str
        What will not train, or hardly be meant.
    """

    samples: int
    similar: int
    dissimilar: int
    ignored: int
    contradictions: int
    degrees: tuple[float, float, float]
    isolated: int
    components: int
    duplicates: int | None
    warnings: tuple[str, ...]

    def __str__(self) -> str:
        least, median, largest = self.degrees
        rows = [
            ("samples", f"{self.samples:,}"),
            ("similar pairs", f"{self.similar:,}"),
            ("dissimilar pairs", f"{self.dissimilar:,}"),
            ("ignored pairs", f"{self.ignored:,}"),
            ("contradictions", f"{self.contradictions:,}"),
            ("similar to one sample", f"{least:,.0f} to {largest:,.0f}, median {median:,g}"),
            ("isolated samples", f"{self.isolated:,}"),
            ("components", f"{self.components:,}"),
        ]
        if self.duplicates is not None:
            rows.append(("dissimilar duplicates", f"{self.duplicates:,}"))
        width = max(len(name) for name, _ in rows)
        return "\n".join(
            [*(f"{name:<{width}}  {value}" for name, value in rows), *(f"Warning: {text}" for text in self.warnings)]
        )


def described(
    similar: PairSet, dissimilar: PairSet, *, n_ignored: int, n_contradictions: int, X: ArrayLike | None = None
) -> Description:
    """Count what `Description` holds; see `NeighborhoodGraph.describe`."""
    degrees = similar.degrees
    found: dict[str, Any] = {
        "samples": similar.n_samples,
        "similar": similar.n_pairs,
        "dissimilar": dissimilar.n_pairs,
        "ignored": n_ignored,
        "contradictions": n_contradictions,
        "degrees": (float(degrees.min()), float(np.median(degrees)), float(degrees.max())),
        "isolated": int(np.count_nonzero(degrees == 0)),
        "components": count_components(similar),
        "duplicates": None if X is None else _count_duplicates(X, dissimilar),
    }
    return Description(**found, warnings=tuple(_warnings(found)))


def _warnings(found: dict[str, Any]) -> list[str]:
    samples, isolated, components = found["samples"], found["isolated"], found["components"]
    joined = components - isolated
    texts = {
        "no pair is dissimilar: nothing pushes, and the map collapses to a point.": found["dissimilar"] == 0,
        "no pair is similar: nothing pulls, and the map only spreads.": found["similar"] == 0,
        f"{isolated:,} of {samples:,} samples are similar to no other: only pushes place them.": 0 < isolated < samples,
        f"the similar pairs fall into {joined:,} groups that no similar pair joins: how these lie to each other is "
        "left to chance. More neighbours would join them.": joined > 1 and components > _MANY * samples,
        f"{_pairs(found['contradictions'])} stated similar and dissimilar, and so ignored: let one statement "
        "overrule the other, as in (a - ~b) | b.": found["contradictions"] > 0,
        f"{_pairs(found['duplicates'] or 0, 'of identical samples ')} dissimilar: no map can part them, and each adds "
        "half the square of the margin to the sum of energies. Declare them similar, or drop "
        "the copies.": (found["duplicates"] or 0) > 0,
    }
    return [text for text, holds in texts.items() if holds]


def _pairs(count: int, kind: str = "") -> str:
    return f"1 pair {kind}is" if count == 1 else f"{count:,} pairs {kind}are"


def _count_duplicates(X: ArrayLike, dissimilar: PairSet) -> int:
    samples = check_points(X, name="X", ndim=None)
    check_same_length(len(samples), "X", dissimilar.n_samples, "graph")
    return count_duplicates(samples, dissimilar)


def count_duplicates(samples: NDArray[Any], dissimilar: PairSet) -> int:
    """Return how many pairs of identical samples a set holds; samples have shape (n, ...)."""
    keys = np.fromiter((hash(row.tobytes()) for row in samples), dtype=np.int64, count=len(samples))
    _, groups, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    return dissimilar.count_within(groups) if (sizes > 1).any() else 0


def count_components(pairs: PairSet) -> int:
    """Return into how many parts the samples fall when pairs join them, without listing what classes imply.

    Parameters
    ----------
    pairs : PairSet

    Returns
    -------
    int
        1 to n_samples; a sample without a partner is a part of its own.
    """
    n = pairs.n_samples
    listed = pairs.corrections()
    rows = pairs.rows()
    blocks = None if pairs.blocks is None else pairs.blocks.support
    hidden = np.zeros(len(rows)) if blocks is None else blocks.weight_of(rows, listed.indices)
    joined = pairs.weight_of(rows, listed.indices) > 0
    edges = [(rows[joined], listed.indices[joined])]
    if blocks is not None:
        apart = (hidden > 0) & ~joined  # pairs taken out of what the classes say
        edges += _edges_of_classes(blocks, rows[apart], listed.indices[apart])
    first, second = (np.concatenate(ends) for ends in zip(*edges, strict=True))
    matrix = sparse.coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    count, _ = csgraph.connected_components(matrix.tocsr(), directed=False)
    return int(count)


def _edges_of_classes(blocks: Blocks, first: Index, second: Index) -> list[tuple[Index, Index]]:
    """Return edges that join what the classes join, fewer than there are samples; some pairs are excepted.

    Samples of a class without any exception have the same partners: one stands for all of them.
    """
    n = blocks.n_samples
    own = np.ones(n, dtype=bool)
    own[first] = False
    _, stands, place = np.unique(blocks.codes[own], return_index=True, return_inverse=True)
    alike = np.flatnonzero(own)
    linked = blocks.degrees[alike] > 0
    twins = alike[linked], alike[stands][place][linked]
    units = np.concatenate([alike[stands], np.flatnonzero(~own)])
    starts = np.searchsorted(first, np.arange(n + 1))
    return [twins, _search(blocks, units, starts, second)]


def _search(blocks: Blocks, units: Index, starts: Index, excepted: Index) -> tuple[Index, Index]:
    """Search the units from one to the next: each is met once, and beyond that only its exceptions are looked at."""
    remaining: dict[int, set[int]] = {}
    for unit, code in zip(units.tolist(), blocks.codes[units].tolist(), strict=True):
        remaining.setdefault(code, set()).add(unit)
    edges: list[tuple[int, int]] = []
    for start in sorted(units.tolist(), key=blocks.codes.__getitem__):  # those outside first: they may join all
        code = int(blocks.codes[start])
        if start not in remaining.get(code, ()):
            continue
        queue = [start]
        remaining[code].remove(start)
        if not remaining[code]:
            del remaining[code]
        while queue:
            unit = queue.pop()
            spared = set(excepted[starts[unit] : starts[unit + 1]].tolist())
            for other in _linked_codes(blocks, int(blocks.codes[unit]), remaining):
                met = remaining[other] - spared
                edges += [(unit, one) for one in met]
                queue += met
                remaining[other] -= met
                if not remaining[other]:
                    del remaining[other]
    found = np.array(edges, dtype=np.int64).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _linked_codes(blocks: Blocks, code: int, present: dict[int, set[int]]) -> list[int]:
    """Return which of the classes present have a weight with this class."""
    if blocks.table is None and not blocks.between and not blocks.outside:
        return [code] if code >= 0 and blocks.within and code in present else []
    others = np.fromiter(present, dtype=np.int64, count=len(present))
    if blocks.level is not None:
        return [int(other) for other in others if blocks.level]
    if blocks.table is not None:
        linked = blocks.table[code, others] > 0
    else:
        inside = np.where(others == code, blocks.within, blocks.between)
        linked = np.where((others < 0) | (code < 0), blocks.outside, inside) > 0
    return [int(other) for other in others[linked]]
