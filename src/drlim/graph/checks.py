"""Refusals of index pairs, their weights, indices of samples, and indices of a graph in square brackets."""

from __future__ import annotations

from types import EllipsisType
from typing import cast

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Floats, Index
from drlim._base.checks import refuse_masked, short_repr
from drlim._base.forms import plain

__all__ = ["LARGEST_WEIGHT", "check_index", "check_pair_weights", "check_pairs", "check_samples"]

LARGEST_WEIGHT = 1e100
"""Maximum weight of a pair. The sum of such weights over all pairs of any number of samples is finite in float64."""


def check_pairs(n_samples: int, pairs: ArrayLike, name: str) -> Index:
    """Return index pairs as int64, shape (p, 2), or refuse them by the parameter's name."""
    refuse_masked(pairs, name, "leave out the pairs that hold them")
    given = _as_array(plain(pairs, name))
    if given.ndim == 0:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(pairs)}.")
    if given.size == 0:
        return np.empty((0, 2), dtype=np.int64)
    if given.ndim != 2 or given.shape[1] != 2:
        raise ValueError(f"Expected '{name}' to be index pairs of shape (n_pairs, 2). Got {short_repr(given)}.")
    if given.dtype.kind not in "iuf":
        raise TypeError(f"Expected '{name}' to hold integer sample indices. Got {short_repr(given)}.")
    _refuse_indices(n_samples, given, name)
    return given.astype(np.int64)


def _refuse_indices(n_samples: int, given: Array, name: str) -> None:
    """Refuse numbers, shape (p, 2), that are not whole or not in [0, n_samples), and pairs of one sample."""
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


def check_pair_weights(weights: ArrayLike, n_pairs: int, name: str) -> Floats:
    """Return one weight a pair as float64, shape (n_pairs,), or refuse them; ``name`` is the name of the pairs."""
    refuse_masked(
        weights, "dissimilar_weights" if name == "dissimilar" else "weights", "leave out the pairs that hold them"
    )
    try:
        given = np.asarray(plain(weights, name))
    except ValueError:  # of unequal length
        given = np.empty((), dtype=object)
    if given.shape != (n_pairs,):
        raise ValueError(
            f"Expected one weight for each of the {n_pairs} pairs in '{name}', shape ({n_pairs},). "
            f"Got {short_repr(weights if given.ndim == 0 else given)}."
        )
    if given.dtype.kind not in "iuf" and given.size:
        raise TypeError(f"Expected the weights of '{name}' to be numbers. Got {short_repr(given)}.")
    with np.errstate(over="ignore"):  # a long double
        given = given.astype(np.float64)
    wrong = ~((given > 0) & (given < np.inf))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"Expected the weights of '{name}' to be finite and above 0. Got {float(given[row])!r} at row {row}: "
            "leave out pairs of which nothing is to be said."
        )
    if given.max(initial=0.0) > LARGEST_WEIGHT:
        row = int(np.argmax(given))
        raise ValueError(
            f"Expected the weights of '{name}' to be at most {LARGEST_WEIGHT:g}, so that their sum stays finite. "
            f"Got {float(given[row])!r} at row {row}: divide all weights by it, since only their ratios count."
        )
    return given


def check_samples(n_samples: int, samples: ArrayLike) -> Index:
    """Return distinct sample indices as int64, shape (b,), or refuse them."""
    refuse_masked(samples, "samples", "leave them out")
    given = _as_array(samples)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        got = short_repr(samples if given.ndim == 0 else given)
        raise TypeError(f"Expected 'samples' to be a 1-D array of integer indices. Got {got}.")
    expected = f"Expected 'samples' to hold distinct indices in [0, {n_samples})."
    outside = (given < 0) | (given >= n_samples)
    if outside.any():
        place = int(np.argmax(outside))
        raise ValueError(f"{expected} Got {given[place]} at place {place}.")
    distinct, counts = np.unique(given, return_counts=True)
    if len(distinct) < len(given):
        raise ValueError(f"{expected} Got {distinct[np.argmax(counts > 1)]} more than once.")
    return given.astype(np.int64)


def check_index(n_samples: int, index: object) -> ArrayLike:
    """Return the samples that an index in square brackets chooses, for `check_samples`.

    Parameters
    ----------
    n_samples : int
    index : slice, boolean array of shape (n_samples,), or array-like of int
        Alone or, as scikit-learn writes it, followed by ``...``.
    """
    if isinstance(index, tuple):
        if len(index) != 2 or not isinstance(index[1], EllipsisType):
            raise TypeError(
                f"Expected 'samples' to be a 1-D array of integer indices. Got {short_repr(index)}: whether a pair "
                "is similar, and with which weight, says graph.similar.weight_of(i, j)."
            )
        index = index[0]
    if isinstance(index, slice):
        return np.arange(n_samples)[index]
    refuse_masked(index, "index", "fill them in")
    try:
        chosen = np.asarray(index)
    except ValueError:  # rows of unequal length, which check_samples refuses
        return cast(ArrayLike, index)
    is_mask = chosen.dtype == bool and chosen.shape == (n_samples,)
    return np.flatnonzero(chosen) if is_mask else cast(ArrayLike, index)


def _as_array(values: object) -> Array:
    """Return an array, one of no dimension for what numpy makes no array of."""
    try:
        return np.asarray(values)
    except (ValueError, TypeError):  # rows of unequal length, or an object that only resembles a sequence
        return np.empty((), dtype=object)
