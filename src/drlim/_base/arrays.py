"""Arrays as this package uses them: their types, read-only copies, and ragged ranges without a loop."""

from __future__ import annotations

from collections.abc import Mapping
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
    "frozen_state",
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
"""Maximum number of pairs that a builder lists. Listing them takes more than 100 GB."""


def frozen(array: _Frozen) -> _Frozen:
    """Make an array read-only, in place, and return it."""
    array.flags.writeable = False
    return array


def frozen_state(state: Mapping[str, object]) -> dict[str, object]:
    """Return a pickled object's attributes with arrays read-only: pickle and deepcopy restore them writable."""
    return {name: frozen(value) if isinstance(value, np.ndarray) else value for name, value in state.items()}


def ragged_ranges(starts: Index, lengths: Index) -> Index:
    """Return the ranges ``starts[k], ..., starts[k] + lengths[k] - 1`` one after the other, shape (sum of lengths,)."""
    before = np.cumsum(lengths) - lengths  # (m,) number of entries in the ranges before each
    ranges: Index = np.arange(int(lengths.sum())) + np.repeat(starts - before, lengths)
    return ranges


def check_count(n_pairs: int, way_out: str) -> None:
    """Refuse to list more than `MOST_PAIRS` pairs; ``way_out`` is the advice that ends the message."""
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
    """Return all pairs of places in ``codes`` that hold equal codes, shape (p, 2); codes below 0 are left out."""
    order = np.argsort(codes, kind="stable")  # (n,)
    stops = np.searchsorted(codes[order], codes[order], side="right")  # (n,)
    place = np.arange(len(codes))
    first, second = joined(place, place + 1, np.where(codes[order] < 0, 0, stops))  # (p,), (p,)
    return np.column_stack([order[first], order[second]])


def products(order: Index, starts: Index, stops: Index, here: Index, there: Index) -> Index:
    """Pair every member of run ``here[k]`` with every member of run ``there[k]``, for all k; shape (p, 2).

    Run r holds the members ``order[starts[r]:stops[r]]``.
    """
    which, mine = joined(np.arange(len(here)), starts[here], stops[here])
    mine, theirs = joined(mine, starts[there[which]], stops[there[which]])  # (p,), (p,)
    return np.column_stack([order[mine], order[theirs]])
