"""A set of pairs written out: its dense matrix of weights in strips of rows, and each pair once with its weight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drlim._base.arrays import Floats, Index
from drlim.graph.algebra import Parts

__all__ = ["LARGEST_LISTING", "strips", "written_out"]

LARGEST_LISTING = 10**9
"""Maximum number of pairs that `written_out` lists: 16 GB."""

_CHUNK = 2**22
"""Maximum number of weights of a strip, 32 MiB; a strip of one row may have more."""


def strips(parts: Parts) -> Iterator[Floats]:
    """Yield the dense matrix of weights, r rows at a time, shape (r, n_samples)."""
    listing, blocks = parts
    n_samples = listing.n_samples
    step = max(1, _CHUNK // max(1, n_samples))
    everyone = np.arange(n_samples)
    for start in range(0, n_samples, step):
        rows = everyone[start : start + step]  # (r,)
        strip = np.zeros((len(rows), n_samples)) if blocks is None else blocks.weight_of(rows[:, None], everyone)
        entries = slice(listing.indptr[start], listing.indptr[start + len(rows)])
        degrees = np.diff(listing.indptr[start : start + len(rows) + 1])  # (r,)
        at = np.repeat(np.arange(len(rows)), degrees), listing.indices[entries]
        strip[at] = 1.0 if listing.weights is None else listing.weights[entries]
        strip[np.arange(len(rows)), rows] = 0.0
        yield strip


def written_out(parts: Parts, n_pairs: int) -> Iterator[tuple[Index, Floats]]:
    """Yield each pair once, sorted, with its weight: arrays of shape (p, 2) and (p,).

    Parameters
    ----------
    parts : Parts
    n_pairs : int
        Number of pairs; more than `LARGEST_LISTING` are refused.
    """
    if n_pairs > LARGEST_LISTING:
        raise ValueError(
            f"The set has {n_pairs} pairs, most of them implied by classes; at most {LARGEST_LISTING} are "
            "written out. Ask for single ones by 'weight_of', or take fewer samples."
        )
    listing, blocks = parts
    if blocks is None:
        rows = listing.rows()
        once = rows < listing.indices
        yield np.column_stack([rows[once], listing.indices[once]]), listing.all_weights()[once]
        return
    start = 0
    for strip in strips(parts):
        row, column = np.nonzero(np.triu(strip, start + 1))
        yield np.column_stack([row + start, column]), strip[row, column]
        start += len(strip)
