"""An exported file beside the map it was made of, on rows that the export has not seen, by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import nn

from drlim._base.arrays import Array
from drlim._base.messages import one_line
from drlim.deploy.onnx_file import BATCHES, Verified
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.encoders.retrieval import Components
from drlim.encoders.standardize import Standardize

__all__ = ["LARGEST_DIFFERENCE", "jumps", "rows_like", "rows_of_encoder", "verify"]

LARGEST_DIFFERENCE = 1e-5
"""Largest difference of a position, as a share of the size of the map."""

_RANDOM_ROWS = 150
_EXTREME_ROWS = 100

_MOST_TIED = 0.01
"""Maximum share of rows on a tie. More are no ties: the map gives other positions at each call."""

_NOISE = 2e-6
"""Change of a sample, in deviations of its columns, within which float32 does not tell two samples apart."""

_N_NOISES = 16
"""Number of such changes tried."""

_Place = Callable[[Array], Array]
"""Maps rows in their dtype to positions (n, d), and where there is one, the confidence as a last column."""


def rows_like(X: Array, seed: int = 0) -> Array:
    """Return rows that have the extremes of each column of samples, some of the samples, and random rows.

    Parameters
    ----------
    X : ndarray of float32, shape (n, ...)
        Samples.
    seed : int, default=0
        Draws the rows.

    Returns
    -------
    ndarray of float32, shape (m, ...)
        Random rows take each value from a sample of its own, so that every value is one of its column.
    """
    random = np.random.default_rng(seed)
    flat = X.reshape(len(X), -1)  # (n, p)
    missing = np.isnan(flat)
    low, high = np.where(missing, np.inf, flat).argmin(axis=0), np.where(missing, -np.inf, flat).argmax(axis=0)
    ends = np.unique([low, high])
    ends = random.permutation(ends)[:_EXTREME_ROWS]
    some = random.permutation(len(X))[:_RANDOM_ROWS]
    mixed = flat[random.integers(0, len(X), (_RANDOM_ROWS, flat.shape[1])), np.arange(flat.shape[1])]  # (m, p)
    return np.concatenate([X[ends], X[some], mixed.reshape(-1, *X.shape[1:])])


def rows_of_encoder(encoder: nn.Module, shape: tuple[int, ...], *, positive: bool = False, seed: int = 0) -> Array:
    """Return rows like those that an encoder was trained on, from what it keeps of them.

    Its standardisation gives their mean and deviation: rows of values 3 deviations away, all of one sign and of random
    signs, and normal rows. The principal components of a `NeighborMap` give rows at the ends of each.

    Parameters
    ----------
    encoder : torch.nn.Module
    shape : tuple of int
        Of one sample.
    positive : bool, default=False
        Whether samples are distances.
    seed : int, default=0
        Draws the rows.

    Returns
    -------
    ndarray of float32, shape (m, ...)
    """
    random = np.random.default_rng(seed)
    kept = next((module for module in encoder.modules() if isinstance(module, Standardize)), None)
    offset, scale = (0.0, 1.0) if kept is None else (kept.offset.cpu().numpy(), float(kept.scale))
    signs = random.choice([-3.0, 3.0], (_EXTREME_ROWS, *shape))
    signs[:2] = np.array([-3.0, 3.0]).reshape(2, *[1] * len(shape))
    values = np.concatenate([signs, random.normal(size=(_RANDOM_ROWS, *shape)), np.zeros((1, *shape))])
    rows = [offset + scale * values, *_rebuilt(encoder, shape)]
    found = np.concatenate(rows).astype(np.float32)
    return np.abs(found) if positive else found


def _rebuilt(encoder: nn.Module, shape: tuple[int, ...]) -> list[Array]:
    """Return the training samples at both ends of each principal component, where an encoder stores these."""
    if not isinstance(encoder, PlaceEncoder):
        return []
    found = []
    kinds = zip(encoder.retrievals, encoder.reductions, encoder.of_features, strict=True)
    for retrieval, reduction, of_features in kinds:
        for part in reduction.modules():
            if isinstance(part, Components) and not of_features:
                stored = retrieval.get_buffer("stored").cpu().numpy()  # (n, q)
                ends = np.unique([stored.argmin(axis=0), stored.argmax(axis=0)])[:_EXTREME_ROWS]
                rows = part.mean.cpu().numpy() + stored[ends] @ part.axes.cpu().numpy()  # (m, p)
                found.append(rows.reshape(-1, *shape))
    return found


def verify(content: bytes, rows: Array, samples: Array, place: _Place, size: float) -> Verified:
    """Compare the outputs of an ONNX model with a map.

    Parameters
    ----------
    content : bytes
        The file.
    rows : ndarray of float32, shape (m, ...)
        Rows that the file maps; those that the map sends beyond the finite numbers are left out.
    samples : ndarray, shape (m, ...)
        What the encoder gets of them: the rows themselves, or what the steps before the map make of them.
    place : callable
        The encoder, in the dtype of its samples.
    size : float
        Largest coordinate of the map.

    Raises
    ------
    ValueError
        When onnxruntime cannot run the file, when a row off all ties is further apart than `LARGEST_DIFFERENCE`, or
        when a hundredth of the rows are on a tie.
    """
    wanted = place(samples)
    finite = np.isfinite(wanted).all(axis=1)
    rows, samples, wanted = rows[finite], samples[finite], wanted[finite]
    deviation = samples.std(axis=0, dtype=np.float64)  # (...)
    n_rows, largest, n_tied = 0, 0.0, 0
    run = _runner(content)
    for batch, chosen in _batches(len(rows)):
        apart = _apart(run(rows[chosen], batch), wanted[chosen], size)  # (m,)
        odd = np.flatnonzero(~(apart <= LARGEST_DIFFERENCE))
        tied = odd[jumps(place, samples[chosen][odd], deviation, LARGEST_DIFFERENCE * size)]
        if len(tied) < len(odd) or len(tied) > _MOST_TIED * len(rows):
            raise ValueError(
                f"The exported file differs from transform by {np.max(apart[odd]):.1e} of the size of the map, on "
                f"batches of {batch} (at most {LARGEST_DIFFERENCE:.0e}); no file is written. Does the encoder keep a "
                "number of samples, or draw random numbers?"
            )
        n_rows, n_tied = n_rows + len(apart), n_tied + len(tied)
        largest = max(largest, float(np.delete(apart, odd).max(initial=0.0)))
    return Verified(n_rows, largest, n_tied)


def _batches(n: int) -> list[tuple[int, slice]]:
    """Return batch sizes, each with the rows that are mapped in batches of it: all rows in the largest."""
    return [(batch, slice(0, n if batch == BATCHES[-1] else min(n, 8 * batch))) for batch in BATCHES]


def _runner(content: bytes) -> Callable[[Array, int], Array]:
    """Return a function that maps rows in batches of a size, and gives the outputs side by side, (m, d + c)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(rows: Array, batch: int) -> Array:
        try:
            parts = [session.run(None, {"X": rows[start : start + batch]}) for start in range(0, len(rows), batch)]
            outputs = [np.concatenate(output) for output in zip(*parts, strict=True)]
            return np.concatenate([output.reshape(len(rows), -1) for output in outputs], axis=1)
        except Exception as error:  # onnxruntime's errors have no class in common
            raise ValueError(
                f"The exported file cannot be run by onnxruntime on batches of {batch}: {one_line(error)}. No file is "
                "written."
            ) from error

    return run


def _apart(found: Array, wanted: Array, size: float) -> NDArray[np.float64]:
    """Return the difference of each row as a share of the size of the map, or of the row where that is larger."""
    if found.shape != wanted.shape:
        raise ValueError(f"The exported file gives outputs of shape {found.shape} in place of {wanted.shape}.")
    scale = np.maximum(size, np.abs(wanted).max(axis=1))  # (m,)
    apart: NDArray[np.float64] = np.abs(found.astype(np.float64) - wanted).max(axis=1) / scale
    return apart


def jumps(place: _Place, samples: Array, deviation: Array, at_least: float) -> NDArray[np.bool_]:
    """Return which samples lie where a map jumps: changed in their last digits, they go elsewhere.

    Parameters
    ----------
    place : callable
        The map, on samples of float64.
    samples : ndarray, shape (m, ...)
    deviation : ndarray, shape (...)
        Deviation of each value, which tells how large its last digits are.
    at_least : float
        Distance that is a jump.

    Returns
    -------
    ndarray of bool, shape (m,)
    """
    found = np.zeros(len(samples), dtype=bool)
    if not len(samples):
        return found
    random = np.random.default_rng(0)
    here = place(samples.astype(np.float64))  # (m, d)
    for _ in range(_N_NOISES):
        there = place(samples + _NOISE * deviation * random.normal(size=samples.shape))
        found |= ~(np.abs(there - here).max(axis=1) < at_least)
    return found
