"""The algebra of sets of pairs: functions of the weights of every pair, and cuts to some of the samples.

A set is given here by its two parts, the listed pairs and the blocks; `PairSet` puts them together.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from drlim._base.arrays import Floats, Index, frozen
from drlim.graph.blocks import Blocks
from drlim.graph.checks import LARGEST_WEIGHT
from drlim.graph.joint import Pointwise, combined
from drlim.graph.listing import Listing, first_of_runs

__all__ = ["Parts", "cut_parts", "pointwise_parts", "times", "without"]

Parts = tuple[Listing, Blocks | None]
"""The listed pairs of a set, and the weights that classes give to all other pairs; None means 0."""

_CHUNK = 2**22
"""Maximum number of listed entries that are worked on at once, in a few arrays of 32 MiB; one row may have more."""


def pointwise_parts(function: Pointwise, operands: Sequence[Parts]) -> Parts:
    """Return the parts of the set whose weight of every pair is a function of its weights in other sets.

    See `drlim.graph.pairset.pointwise`.
    """
    n_samples = operands[0][0].n_samples
    blocks = combined(function, n_samples, [classes for _, classes in operands])
    listings = list({id(listing.indices): listing for listing, _ in operands if len(listing.indices)}.values())
    if not listings:
        return Listing.empty(n_samples), blocks
    found = [
        _pointwise_rows(function, operands, listings, blocks, start, stop)
        for start, stop in itertools.pairwise(_chunks(listings))
    ]
    degrees, indices, weights = (np.concatenate(part) for part in zip(*found, strict=True))
    indptr = np.append(0, np.cumsum(degrees))
    only = listings[0]
    if len(listings) == 1 and len(indices) == len(only.indices):  # no entry dropped: share the arrays
        indptr, indices = only.indptr, only.indices
    units = None if (weights == 1).all() else frozen(weights)
    return Listing(frozen(indptr), frozen(indices), units), blocks


def _chunks(listings: list[Listing]) -> list[int]:
    """Return the rows at which to cut, from 0 to n_samples, so that few entries lie between two cuts."""
    total = np.sum([listing.indptr for listing in listings], axis=0)
    n_samples = len(total) - 1
    cuts = np.searchsorted(total, np.arange(_CHUNK, total[-1] + _CHUNK, _CHUNK))
    bounds: list[int] = np.unique([0, n_samples, *cuts[cuts < n_samples].tolist()]).tolist()
    return bounds


def _pointwise_rows(
    function: Pointwise,
    operands: Sequence[Parts],
    listings: list[Listing],
    blocks: Blocks | None,
    start: int,
    stop: int,
) -> tuple[Index, Index, Floats]:
    """Return degrees, partners and weights of the rows from ``start`` up to ``stop``."""
    keys_of = {id(listing.indices): listing.keys(start, stop) for listing in listings}
    keys = _union(list(keys_of.values()))  # (e,)
    n_samples = listings[0].n_samples
    row = keys // n_samples
    partner = keys - row * n_samples
    row += start
    values = []
    for listing, classes in operands:
        value = np.zeros(len(keys)) if classes is None else classes.weight_of(row, partner)
        if len(listing.indices):
            entries = slice(listing.indptr[start], listing.indptr[stop])
            place = slice(None) if len(listings) == 1 else np.searchsorted(keys, keys_of[id(listing.indices)])
            value[place] = 1.0 if listing.weights is None else listing.weights[entries]
        values.append(value)
    weights = np.asarray(function(*values), dtype=np.float64)
    kept = weights != (0.0 if blocks is None else blocks.weight_of(row, partner))
    return np.bincount(row[kept] - start, minlength=stop - start), partner[kept], weights[kept]


def _union(ascending: list[Index]) -> Index:
    """Return all numbers of several ascending arrays, ascending, each once."""
    if len(ascending) == 1:
        return ascending[0]
    keys = np.sort(np.concatenate(ascending), kind="stable")  # merges the runs
    return keys[first_of_runs(keys)]


def cut_parts(operands: Sequence[Parts], samples: Index, position: Index) -> list[Parts]:
    """Cut several sets to the same samples; listings that share their arrays are cut once.

    See `drlim.graph.pairset.PairSet.within`.
    """
    position[samples] = np.arange(len(samples))
    listings: dict[int, tuple[Listing, Index]] = {}
    for listing, _ in operands:
        if id(listing.indices) not in listings:
            listings[id(listing.indices)] = listing.cut(samples, position)
    position[samples] = -1
    return [_cut_part(listing, blocks, samples, *listings[id(listing.indices)]) for listing, blocks in operands]


def _cut_part(listing: Listing, blocks: Blocks | None, samples: Index, part: Listing, entries: Index) -> Parts:
    weights = None if listing.weights is None else frozen(listing.weights[entries])
    return part._replace(weights=weights), None if blocks is None else blocks.cut(samples)


def times(factor: float) -> Callable[[Floats], Floats]:
    """Return the function that multiplies weights; it refuses a product that is 0 or above `LARGEST_WEIGHT`."""

    def multiply(weights: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            product = weights * factor
        if not np.array_equal(product > 0, weights > 0) or product.max(initial=0.0) > LARGEST_WEIGHT:
            raise ValueError(
                f"Expected weights to stay above 0 and at most {LARGEST_WEIGHT:g}, so that their sum is finite. "
                f"Got a factor of {factor!r}, of weights up to {float(weights.max())!r}."
            )
        return product

    return multiply


def without(weights: Floats, others: Floats) -> Floats:
    """Return the weights, 0 where the others are above 0."""
    return np.where(others > 0, 0.0, weights)
