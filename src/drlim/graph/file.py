"""Sets of pairs as named arrays, and a graph's file: arrays and JSON in one safetensors file, sealed by a checksum.

Knows neither torch nor graphs, so that model files hold their graph in the same arrays.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from drlim._base.checks import short_repr
from drlim._base.disk import atomic_write
from drlim._base.sealed import KEY, metadata_text, read_sealed, sealed, unusable
from drlim.graph.blocks import LARGEST_TABLE, Blocks
from drlim.graph.checks import LARGEST_WEIGHT
from drlim.graph.pairset import PairSet, pointwise

__all__ = ["ARRAYS", "KINDS", "Stated", "arrays_of", "read_graph_file", "stated_in", "write_graph_file"]

GRAPH_FORMAT = 1

KINDS = ("similar", "dissimilar", "ignored")

_METADATA = {"graph_format", "n_samples", "sha256"}
_PARTS = {"indptr": "int64", "indices": "int64", "weights": "float64"}
_BLOCKS = {"codes": "int64", "levels": "float64", "table": "float64"}

ARRAYS = frozenset({"rest", *(f"{kind}.{part}" for kind in KINDS for part in (*_PARTS, *_BLOCKS))})
"""Names that the arrays of a graph may have."""


class Stated(NamedTuple):
    """What a graph states.

    Attributes
    ----------
    sets : dict of str to PairSet
        By kind; one that is missing is empty.
    rest : str
        "dissimilar" or "ignored".
    """

    sets: dict[str, PairSet]
    rest: Literal["dissimilar", "ignored"]


def write_graph_file(path: str | os.PathLike[str], n_samples: int, stated: Stated) -> None:
    """Write what a graph states to a file, whole or not at all; see `NeighborhoodGraph.save`."""
    _check_path(path)
    from safetensors import numpy as safetensors_numpy

    metadata = {"graph_format": GRAPH_FORMAT, "n_samples": n_samples}
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays_of(*stated).items()}
    atomic_write(path, sealed(safetensors_numpy.save(arrays, {KEY: metadata_text(metadata)})))


def read_graph_file(path: str | os.PathLike[str]) -> tuple[int, Stated]:
    """Return the number of samples of a graph's file and what it states; see `NeighborhoodGraph.load`."""
    _check_path(path)
    from safetensors import SafetensorError
    from safetensors import numpy as safetensors_numpy

    file = read_sealed(path, "graph")
    n_samples = _check_metadata(path, file.metadata)
    try:
        return n_samples, stated_in(safetensors_numpy.load(file.content), n_samples)
    except (SafetensorError, LookupError, ValueError, TypeError, OverflowError) as error:
        raise unusable(path, f"cannot be used: {error}") from error


def _check_path(path: object) -> None:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"Expected 'path' to be a file's name, a str or a pathlib.Path. Got {short_repr(path)}.")


def _check_metadata(path: str | os.PathLike[str], metadata: Any) -> int:
    """Return the number of samples, or refuse the metadata."""
    if not isinstance(metadata, dict) or "graph_format" not in metadata:
        raise unusable(path, "is no graph's file; a model is read by drlim.load(path).")
    version = metadata["graph_format"]
    if type(version) is int and version > GRAPH_FORMAT:
        raise unusable(
            path, f"is of graph format {version}; this drlim reads formats up to {GRAPH_FORMAT}. Install a newer drlim."
        )
    n_samples = metadata.get("n_samples")
    known = type(version) is int and version == GRAPH_FORMAT  # True is equal to 1
    if not known or metadata.keys() != _METADATA or type(n_samples) is not int or n_samples < 1:
        raise unusable(path, "is damaged: its metadata are not as drlim writes them.")
    return n_samples


def arrays_of(sets: Mapping[str, PairSet], rest: str) -> dict[str, NDArray[Any]]:
    """Return what a graph states as 1-D arrays by name.

    The similar pairs are always among them. Where the dissimilar pairs are, the rest is ignored, else dissimilar,
    unless "rest" says that it is dissimilar all the same.
    """
    arrays: dict[str, NDArray[Any]] = {}
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


def _arrays_of_blocks(blocks: Blocks) -> dict[str, NDArray[Any]]:
    if blocks.level is not None:
        return {"levels": np.array([blocks.level])}
    if blocks.table is not None:
        return {"codes": blocks.codes, "table": blocks.table.ravel()}
    present, codes = np.unique(blocks.codes, return_inverse=True)  # without the gaps that a cut leaves
    codes = codes.astype(np.int64) - int(present[0] < 0)
    return {"codes": codes, "levels": np.array([blocks.within, blocks.between, blocks.outside])}


def stated_in(arrays: Mapping[str, NDArray[Any]], n_samples: int) -> Stated:
    """Build the sets from arrays of which nothing is known, in time proportional to what they list.

    Parameters
    ----------
    arrays : mapping of str to ndarray
    n_samples : int
        At least 1.

    Raises
    ------
    ValueError
        When they are not as `arrays_of` makes them: an unknown name, a part missing or of another type, an index
        out of range, pairs not symmetric or not in order, a weight that is negative or beyond 1e100.
    """
    unknown = arrays.keys() - ARRAYS
    if unknown:
        raise ValueError(f"its graph has an unknown part {min(unknown)[:60]!r}")
    given = {kind: any(name.startswith(f"{kind}.") for name in arrays) for kind in KINDS}
    sets = {kind: _set_in(arrays, kind, n_samples) for kind in KINDS if given[kind] or kind == "similar"}
    rest: Literal["dissimilar", "ignored"] = "ignored" if given["dissimilar"] else "dissimilar"
    if "rest" in arrays:
        if arrays["rest"].shape != (1,) or arrays["rest"].dtype != np.uint8 or arrays["rest"][0] != 1:
            raise ValueError("the rest of its graph is of no known kind")
        rest = "dissimilar"
    return Stated(sets, rest)


def _set_in(arrays: Mapping[str, NDArray[Any]], kind: str, n_samples: int) -> PairSet:
    found = {part: arrays.get(f"{kind}.{part}") for part in (*_PARTS, *_BLOCKS)}
    wrong = any(
        array is not None and (array.ndim != 1 or array.dtype != wanted)
        for array, wanted in zip(found.values(), (*_PARTS.values(), *_BLOCKS.values()), strict=True)
    )
    indptr, indices, weights = (found[part] for part in _PARTS)
    if wrong or indptr is None or indices is None:
        raise ValueError(f"the {kind} pairs of its graph are not whole")
    _check_listing(kind, indptr, indices, n_samples)  # first: as large as the file, whatever n_samples it claims
    blocks = _blocks_in(kind, found, n_samples)
    if weights is not None:
        _check_weights(kind, indptr, indices, weights, blocks)
    # Copied: they belong to the caller, and a set's arrays do not change.
    copies = [None if array is None else _frozen(array.copy()) for array in (indptr, indices, weights)]
    pairs = PairSet(n_samples, copies[0], copies[1], copies[2], blocks)  # type: ignore[arg-type]
    # A set lists no pair that only repeats what its classes say.
    return pairs if pairs.corrections().all_weights().all() else pointwise(np.positive, pairs)


def _check_listing(kind: str, indptr: NDArray[np.int64], indices: NDArray[np.int64], n_samples: int) -> None:
    """Refuse pairs that are not symmetric, in order and without loops."""
    ends = (indptr[0], indptr[-1]) if indptr.shape == (n_samples + 1,) else None
    if ends != (0, len(indices)) or (np.diff(indptr) < 0).any() or ((indices < 0) | (indices >= n_samples)).any():
        raise ValueError(f"the {kind} pairs of its graph do not fit {n_samples} samples")
    matrix = sparse.csr_array((np.ones(len(indices), dtype=bool), indices, indptr), shape=(n_samples, n_samples))
    mirrored = matrix.T.tocsr()  # its rows come out in order
    same = np.array_equal(mirrored.indptr, indptr) and np.array_equal(mirrored.indices, indices)
    if not (same and matrix.has_canonical_format) or matrix.diagonal().any():
        raise ValueError(f"the {kind} pairs of its graph are not symmetric, or not in order")


def _check_weights(
    kind: str,
    indptr: NDArray[np.int64],
    indices: NDArray[np.int64],
    weights: NDArray[np.float64],
    blocks: Blocks | None,
) -> None:
    """Refuse weights that are no weights, or not the same in both directions."""
    if weights.shape != indices.shape or not ((weights >= 0) & (weights <= LARGEST_WEIGHT)).all():
        raise ValueError(f"the weights of the {kind} pairs of its graph are not one finite number a pair, up to 1e100")
    if blocks is None and not weights.all():
        raise ValueError(f"a weight of the {kind} pairs of its graph is 0")
    n_samples = len(indptr) - 1
    matrix = sparse.csr_array((weights, indices, indptr), shape=(n_samples, n_samples))
    if not np.array_equal(matrix.T.tocsr().data, matrix.data):
        raise ValueError(f"the weights of the {kind} pairs of its graph are not symmetric")


def _blocks_in(kind: str, found: Mapping[str, NDArray[Any] | None], n_samples: int) -> Blocks | None:
    codes, levels, table = (found[part] for part in _BLOCKS)
    if codes is None and levels is None and table is None:
        return None
    weights = levels if table is None else table
    # One level is a constant, three are within, between and outside; a table stands without levels.
    fits = (len(levels) == (1 if codes is None else 3)) if levels is not None else codes is not None
    if weights is None or not fits or (levels is not None and table is not None):
        raise ValueError(f"the classes of the {kind} pairs of its graph are not whole")
    if not ((weights >= 0) & (weights <= LARGEST_WEIGHT)).all():
        raise ValueError(f"a weight between classes of the {kind} pairs of its graph is not in [0, 1e100]")
    if codes is None:
        return Blocks.constant(n_samples, float(weights[0]))
    # Classes beyond the number of samples would make later counts as large as the file asks.
    if codes.shape != (n_samples,) or ((codes < -1) | (codes >= max(n_samples, LARGEST_TABLE))).any():
        raise ValueError(f"the classes of the {kind} pairs of its graph do not fit {n_samples} samples")
    if table is None:
        return Blocks.from_codes(codes, within=float(weights[0]), between=float(weights[1]), outside=float(weights[2]))
    side = round(len(weights) ** 0.5)
    square = weights.reshape(side, side) if side * side == len(weights) and side <= LARGEST_TABLE else None
    if square is None or not np.array_equal(square, square.T) or ((codes < 0) | (codes >= side)).any():
        raise ValueError(f"the table of classes of the {kind} pairs of its graph does not fit")
    return Blocks(_frozen(codes.copy()), table=_frozen(square.copy()))


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
