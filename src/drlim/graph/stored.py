"""What a graph states as named 1-D arrays, and back from arrays that are not trusted.

A graph's own file and a model's file store the same arrays: nothing here depends on the format of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array, Floats, Index, frozen
from drlim.graph.blocks import LARGEST_TABLE, Blocks
from drlim.graph.checks import LARGEST_WEIGHT
from drlim.graph.listing import Listing
from drlim.graph.pairset import PairSet, pointwise
from drlim.graph.statements import KINDS, Rest, Stated

__all__ = ["ARRAYS", "arrays_of", "stated_in"]

_LISTING = {"indptr": np.int64, "indices": np.int64, "weights": np.float64}
_BLOCKS = {"codes": np.int64, "levels": np.float64, "table": np.float64}
_PARTS = {**_LISTING, **_BLOCKS}

ARRAYS = frozenset({"rest", *(f"{kind}.{part}" for kind in KINDS for part in _PARTS)})
"""Names that the arrays of a graph may have."""

Given = Mapping[str, Array]
"""Arrays by name; those of one set by the name of the part."""


def arrays_of(sets: Mapping[str, PairSet], rest: str) -> dict[str, Array]:
    """Return what a graph states as 1-D arrays by name.

    The arrays of the similar pairs are always included. The rest follows from the other names: it is ignored where
    there are arrays of the dissimilar pairs and no array "rest", and dissimilar otherwise.

    Parameters
    ----------
    sets : mapping of str to PairSet
        Stated pairs by kind.
    rest : {"dissimilar", "ignored"}
    """
    arrays: dict[str, Array] = {}
    for kind, pairs in sets.items():
        if pairs.is_empty and kind != "similar" and (kind, rest) != ("dissimilar", "ignored"):
            continue
        arrays[f"{kind}.indptr"], arrays[f"{kind}.indices"] = pairs.indptr, pairs.indices
        if pairs.weights is not None:
            arrays[f"{kind}.weights"] = pairs.weights
        if pairs.blocks is not None:
            arrays.update({f"{kind}.{part}": value for part, value in _arrays_of_blocks(pairs.blocks).items()})
    if rest == "dissimilar" and "dissimilar.indptr" in arrays:
        arrays["rest"] = np.ones(1, dtype=np.uint8)
    return arrays


def _arrays_of_blocks(blocks: Blocks) -> dict[str, Array]:
    if blocks.level is not None:
        return {"levels": np.array([blocks.level])}
    if blocks.table is not None:
        return {"codes": blocks.codes, "table": blocks.table.ravel()}
    present, codes = np.unique(blocks.codes, return_inverse=True)  # without the gaps that a cut leaves
    codes = codes.astype(np.int64) - int(present[0] < 0)
    return {"codes": codes, "levels": np.array([blocks.within, blocks.between, blocks.outside])}


def stated_in(arrays: Given, n_samples: int) -> Stated:
    """Return the statements in arrays as `arrays_of` makes them, or refuse others.

    Takes time proportional to the size of the arrays, and no memory proportional to an ``n_samples`` they do not fit.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Not trusted.
    n_samples : int
        1 or more.

    Raises
    ------
    ValueError
        When the arrays are not as `arrays_of` makes them: an unknown name, a part that is missing or of another
        type, an index out of range, pairs that are not symmetric or not in order, a weight that is negative or
        above 1e100.
    """
    unknown = arrays.keys() - ARRAYS
    if unknown:
        raise ValueError(f"its graph has an unknown part {min(unknown)[:60]!r}")
    given = {name.partition(".")[0] for name in arrays}
    sets = {kind: _set_in(arrays, kind, n_samples) for kind in KINDS if kind in given or kind == "similar"}
    return Stated(sets, _rest_in(arrays, has_dissimilar="dissimilar" in given))


def _rest_in(arrays: Given, *, has_dissimilar: bool) -> Rest:
    if "rest" not in arrays:
        return "ignored" if has_dissimilar else "dissimilar"
    flag = arrays["rest"]
    if flag.shape != (1,) or flag.dtype != np.uint8 or flag[0] != 1:
        raise ValueError("the rest of its graph is of no known kind")
    return "dissimilar"


def _set_in(arrays: Given, kind: str, n_samples: int) -> PairSet:
    found = _parts_of(arrays, kind)
    listing = Listing(found["indptr"], found["indices"], found.get("weights"))
    _check_pairs(kind, listing, n_samples)  # first: the cost depends on the arrays, whatever n_samples is
    blocks = _blocks_in(kind, found, n_samples)
    if listing.weights is not None:
        _check_weights(kind, listing, listing.weights, blocks)
    copies = (None if array is None else frozen(array.copy()) for array in listing)  # the caller may change the arrays
    pairs = PairSet.from_parts((Listing(*cast(tuple[Index, Index, Floats | None], tuple(copies))), blocks))
    # A set does not list a pair with the weight that its blocks give it.
    return pairs if pairs.corrections().all_weights().all() else pointwise(np.positive, pairs)


def _parts_of(arrays: Given, kind: str) -> dict[str, Array]:
    """Return the arrays of one set by part, or refuse a part of another type, or a set without a listing."""
    found = {part: arrays[f"{kind}.{part}"] for part in _PARTS if f"{kind}.{part}" in arrays}
    typed = all(array.ndim == 1 and array.dtype == _PARTS[part] for part, array in found.items())
    if not typed or not {"indptr", "indices"} <= found.keys():
        raise ValueError(f"the {kind} pairs of its graph are not whole")
    return found


def _check_pairs(kind: str, listing: Listing, n_samples: int) -> None:
    """Refuse pairs that are not symmetric, not in order, or of one sample."""
    indptr, indices, _ = listing
    ends = (indptr[0], indptr[-1]) if indptr.shape == (n_samples + 1,) else None
    if ends != (0, len(indices)) or (np.diff(indptr) < 0).any() or ((indices < 0) | (indices >= n_samples)).any():
        raise ValueError(f"the {kind} pairs of its graph do not fit {n_samples} samples")
    matrix = sparse.csr_array((np.ones(len(indices), dtype=bool), indices, indptr), shape=(n_samples, n_samples))
    mirrored = matrix.T.tocsr()  # its rows are in order
    same = np.array_equal(mirrored.indptr, indptr) and np.array_equal(mirrored.indices, indices)
    if not (same and matrix.has_canonical_format) or matrix.diagonal().any():
        raise ValueError(f"the {kind} pairs of its graph are not symmetric, or not in order")


def _check_weights(kind: str, listing: Listing, weights: Floats, blocks: Blocks | None) -> None:
    """Refuse weights that are out of range, or not the same in both directions."""
    if weights.shape != listing.indices.shape or not _in_range(weights):
        raise ValueError(f"the weights of the {kind} pairs of its graph are not one finite number a pair, up to 1e100")
    if blocks is None and not weights.all():
        raise ValueError(f"a weight of the {kind} pairs of its graph is 0")
    shape = (listing.n_samples, listing.n_samples)
    matrix = sparse.csr_array((weights, listing.indices, listing.indptr), shape=shape)
    if not np.array_equal(matrix.T.tocsr().data, matrix.data):
        raise ValueError(f"the weights of the {kind} pairs of its graph are not symmetric")


def _in_range(weights: Floats) -> bool:
    return bool(((weights >= 0) & (weights <= LARGEST_WEIGHT)).all())


def _blocks_in(kind: str, found: Given, n_samples: int) -> Blocks | None:
    """Return the blocks among the parts of a set: constant, of three levels, or of a table."""
    given = {part: array for part, array in found.items() if part in _BLOCKS}
    if not given:
        return None
    weights = _weights_of_blocks(kind, given)
    if "codes" not in given:
        return Blocks.constant(n_samples, float(weights[0]))
    codes = given["codes"]
    # Larger codes would make later counts of classes as large as the file demands.
    if codes.shape != (n_samples,) or ((codes < -1) | (codes >= max(n_samples, LARGEST_TABLE))).any():
        raise ValueError(f"the classes of the {kind} pairs of its graph do not fit {n_samples} samples")
    if "levels" in given:
        within, between, outside = weights.tolist()
        return Blocks.from_codes(codes, within=within, between=between, outside=outside)
    return Blocks(frozen(codes.copy()), table=_table_in(kind, weights, codes))


def _weights_of_blocks(kind: str, given: Given) -> Floats:
    """Return the levels or the table, or refuse parts that do not make up blocks."""
    n_levels = {("levels",): 1, ("codes", "levels"): 3, ("codes", "table"): None}
    parts = tuple(sorted(given))
    whole = parts in n_levels and n_levels[parts] in (None, len(given.get("levels", ())))
    if not whole:
        raise ValueError(f"the classes of the {kind} pairs of its graph are not whole")
    weights = given["levels"] if "levels" in given else given["table"]
    if not _in_range(weights):
        raise ValueError(f"a weight between classes of the {kind} pairs of its graph is not in [0, 1e100]")
    return weights


def _table_in(kind: str, weights: Floats, codes: Index) -> Floats:
    """Return weights as a symmetric table with a row for each code, shape (n_classes, n_classes)."""
    side = round(len(weights) ** 0.5)
    if side * side == len(weights) and side <= LARGEST_TABLE and ((codes >= 0) & (codes < side)).all():
        table = weights.reshape(side, side)
        if np.array_equal(table, table.T):
            return frozen(table.copy())
    raise ValueError(f"the table of classes of the {kind} pairs of its graph does not fit")
