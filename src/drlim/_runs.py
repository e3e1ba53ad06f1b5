"""Pairs from runs of sorted rows: how the builders list pairs without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_PAIRS", "check_count", "joined", "pairs_within", "products"]

Index = NDArray[np.int64]

MOST_PAIRS = 10**9
"""Listing more takes over 100 GB, so a slip such as one group of everything is refused before it does."""


def check_count(n_pairs: int, way_out: str) -> None:
    """Refuse to list more pairs than fit into memory."""
    if n_pairs > MOST_PAIRS:
        raise ValueError(
            f"These relations would list {n_pairs:.1e} pairs, which do not fit into memory; at most "
            f"{MOST_PAIRS:.0e} are accepted. {way_out}"
        )


def joined(first: Index, starts: Index, stops: Index) -> tuple[Index, Index]:
    """Pair ``first[k]`` with every whole number from ``starts[k]`` up to ``stops[k]``."""
    counts = np.maximum(stops - starts, 0)
    total = int(counts.sum())
    check_count(total, "Give smaller groups or cells, or a shorter window.")
    offset = np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(first, counts), np.repeat(starts, counts) + offset


def pairs_within(codes: Index) -> Index:
    """All pairs of equal codes, those below 0 left out; shape (p, 2)."""
    order = np.argsort(codes, kind="stable")
    stops = np.searchsorted(codes[order], codes[order], side="right")
    place = np.arange(len(codes))
    first, second = joined(place, place + 1, np.where(codes[order] < 0, 0, stops))
    return np.column_stack([order[first], order[second]])


def products(order: Index, starts: Index, stops: Index, here: Index, there: Index) -> Index:
    """Every member of run ``here[k]`` with every member of run ``there[k]``; runs are slices of ``order``."""
    which, mine = joined(np.arange(len(here)), starts[here], stops[here])
    mine, theirs = joined(mine, starts[there[which]], stops[there[which]])
    return np.column_stack([order[mine], order[theirs]])
