"""Refusals of index pairs, their weights, and indices of samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._checks import refuse_masked, short_repr

__all__ = ["check_pair_weights", "check_pairs", "check_samples"]

Index = NDArray[np.int64]


def check_pairs(n_samples: int, pairs: ArrayLike, name: str) -> Index:
    """Return ``pairs`` as int64 of shape (p, 2), or refuse it by ``name``."""
    refuse_masked(pairs, name, "leave out the pairs that hold them")
    try:
        given = np.asarray(pairs)
    except (ValueError, TypeError):  # rows of unequal length, or what only looks like a sequence
        given = np.empty((), dtype=object)
    if given.ndim == 0:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(pairs)}.")
    if given.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(given)}.")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"Expected '{name}' to hold integer sample indices. Got {short_repr(given)}.")
    if given.dtype.kind == "f" and not (np.isfinite(given) & (given == np.floor(given))).all():
        row = int(np.argmax(~(np.isfinite(given) & (given == np.floor(given))).all(axis=1)))
        raise ValueError(f"Expected '{name}' to hold whole, finite indices. Got {given[row].tolist()} at row {row}.")
    outside = ((given < 0) | (given >= n_samples)).any(axis=1)
    if outside.any():
        row = int(np.argmax(outside))
        raise ValueError(
            f"Expected '{name}' to hold indices in [0, {n_samples}), one for each of {n_samples} samples. "
            f"Got {given[row].tolist()} at row {row}."
        )
    loops = given[:, 0] == given[:, 1]
    if loops.any():
        row = int(np.argmax(loops))
        raise ValueError(
            f"Expected '{name}' to pair distinct samples. Got {given[row].tolist()} at row {row}: drop such rows."
        )
    return given.astype(np.int64)


def check_pair_weights(weights: ArrayLike, n_pairs: int, name: str) -> NDArray[np.float64]:
    """Return one weight a pair as float64, or refuse them; ``name`` is that of the pairs."""
    try:
        given = np.asarray(weights)
    except ValueError:  # of unequal length
        given = np.empty((), dtype=object)
    if given.shape != (n_pairs,):
        raise ValueError(
            f"Expected one weight for each of the {n_pairs} pairs in '{name}', shape ({n_pairs},). "
            f"Got {short_repr(weights if given.ndim == 0 else given)}."
        )
    if given.dtype.kind not in "iuf" and given.size:
        raise TypeError(f"Expected the weights of '{name}' to be numbers. Got {short_repr(given)}.")
    given = given.astype(np.float64)
    wrong = ~((given > 0) & (given < np.inf))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Expected the weights of '{name}' to be finite and above 0. Got {float(given[row])!r} at row {row}: "
            "leave out pairs of which nothing is to be said."
        )
    return given


def check_samples(n_samples: int, samples: ArrayLike) -> Index:
    """Return distinct sample indices as int64 of shape (b,), or refuse them."""
    given = np.asarray(samples)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise TypeError(f"Expected 'samples' to be a 1-D array of integer indices. Got {short_repr(given)}.")
    if given.size and (given.min() < 0 or given.max() >= n_samples or len(np.unique(given)) < len(given)):
        raise ValueError(f"Expected 'samples' to hold distinct indices in [0, {n_samples}). Got {short_repr(samples)}.")
    return given.astype(np.int64)
