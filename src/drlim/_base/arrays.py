"""Arrays as this package uses them: their types, read-only copies, and ragged ranges without a loop."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MOST_PAIRS",
    "Array",
    "Floats",
    "Index",
    "check_count",
    "frozen",
    "joined",
    "pairs_within",
    "products",
    "ragged_ranges",
]

Array = NDArray[Any]
"""An array of any dtype."""

Index = NDArray[np.int64]
"""Whole numbers: sample indices, counts, codes of classes."""

Floats = NDArray[np.float64]
"""Numbers in double precision."""

_Frozen = TypeVar("_Frozen", bound=Array)

MOST_PAIRS = 10**9
"""Maximum number of pairs that are listed. More take over 100 GB: one group of all samples is refused before that."""


def frozen(array: _Frozen) -> _Frozen:
    """Make an array read-only, in place, and return it."""
    array.flags.writeable = False
    return array


def ragged_ranges(starts: Index, lengths: Index) -> Index:
    """Return the ranges ``starts[k], ..., starts[k] + lengths[k] - 1`` one after the other, shape (sum of lengths,)."""
    offset = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    ranges: Index = np.repeat(starts, lengths) + offset
    return ranges


def check_count(n_pairs: int, way_out: str) -> None:
    """Refuse to list more pairs than fit into memory."""
    if n_pairs > MOST_PAIRS:
        raise ValueError(
            f"These relations would list {n_pairs:.1e} pairs, which do not fit into memory; at most "
            f"{MOST_PAIRS:.0e} are accepted. {way_out}"
        )


def joined(first: Index, starts: Index, stops: Index) -> tuple[Index, Index]:
    """Pair ``first[k]`` with every whole number from ``starts[k]`` up to ``stops[k]``, which is excluded."""
    counts = np.maximum(stops - starts, 0)  # (m,)
    check_count(int(counts.sum()), "Give smaller groups or cells, or a shorter window.")
    return np.repeat(first, counts), ragged_ranges(starts, counts)  # (p,), (p,)


def pairs_within(codes: Index) -> Index:
    """Return all pairs of rows with equal codes, shape (p, 2). Rows with a code below 0 are left out."""
    order = np.argsort(codes, kind="stable")
    stops = np.searchsorted(codes[order], codes[order], side="right")
    place = np.arange(len(codes))
    first, second = joined(place, place + 1, np.where(codes[order] < 0, 0, stops))
    return np.column_stack([order[first], order[second]])


def products(order: Index, starts: Index, stops: Index, here: Index, there: Index) -> Index:
    """Pair every member of run ``here[k]`` with every member of run ``there[k]``; runs are slices of ``order``."""
    which, mine = joined(np.arange(len(here)), starts[here], stops[here])
    mine, theirs = joined(mine, starts[there[which]], stops[there[which]])
    return np.column_stack([order[mine], order[theirs]])
