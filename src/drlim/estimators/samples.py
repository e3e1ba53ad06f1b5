"""The one entry for samples, and the way of checked samples through an encoder."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data
from torch import nn

from drlim._base.arrays import Array, Floats
from drlim._base.checks import brief_errors, check_points, refuse_masked, short_repr
from drlim._base.state import usual_state
from drlim._base.torch import Rows, device_of
from drlim.encoders.embedding import embed_rows
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.relations import LazyCopies

__all__ = ["Samples", "check_array_samples", "check_samples", "confidence_of", "map_samples"]

Samples = Array | LazyCopies
"""Checked samples, shape (n, ...): an array of float32 or float64, or copies that are made when they are read."""

_LARGEST = 1e30
"""Values beyond it would overflow float32, in which encoders are trained, once squared deviations are summed."""

_EXACT_IN_FLOAT32 = tuple(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint16", "float16"))
"""Types every value of which float32 holds exactly."""


def check_samples(estimator: BaseEstimator, X: ArrayLike | LazyCopies, *, reset: bool) -> Samples:
    """Return samples in float32 or float64, or refuse them.

    Parameters
    ----------
    estimator : BaseEstimator
        With ``reset`` it gets ``input_shape_``, ``n_features_in_`` and ``feature_names_in_`` of these samples.
        Otherwise they are compared with its own.
    X : array-like, shape (n_samples, ...), or LazyCopies
        Integers of 16 bits and less, and booleans, become float32; others become float64.
    reset : bool

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not finite and real, too large in value, too short or of another shape than before.
    """
    small = getattr(X, "dtype", None) in _EXACT_IN_FLOAT32
    refuse_masked(X, "X", "fill the gaps, X.filled(...), or drop those samples")
    # Lazy copies were checked when they were declared, and are checked again as they are made.
    samples = X if isinstance(X, LazyCopies) else _as_floats(estimator, X, small=small, reset=reset)
    if reset:
        estimator.input_shape_ = samples.shape[1:]
        estimator.n_features_in_ = math.prod(samples.shape[1:])
    elif samples.shape[1:] != estimator.input_shape_:
        kind = type(estimator).__name__
        raise ValueError(
            f"Expected 'X' to hold samples of shape {estimator.input_shape_}, as {kind} was fitted on. "
            f"Got {short_repr(samples)}.{_question(samples.shape, estimator.input_shape_)}"
        )
    if isinstance(samples, np.ndarray) and samples.size and float(max(samples.max(), -samples.min())) > _LARGEST:
        raise ValueError(f"Expected 'X' to hold values up to {_LARGEST:.0e} in size: rescale it. Got larger ones.")
    return samples


def _question(shape: tuple[int, ...], input_shape: tuple[int, ...]) -> str:
    """Return what to ask where samples have the shape of pairs of rows."""
    are_pairs = len(input_shape) == 1 and shape[1:] == (2, *input_shape)
    return f" Are these pairs? Map their samples as rows, X.reshape(-1, {input_shape[0]})." if are_pairs else ""


def check_array_samples(estimator: BaseEstimator, X: ArrayLike | LazyCopies, *, reset: bool) -> Array:
    """Do what `check_samples` does, and refuse lazy copies, whose neighbours are not looked for."""
    if isinstance(X, LazyCopies):
        kind = type(estimator).__name__
        raise TypeError(
            f"Expected 'X' to be an array. Got lazy copies: give {kind} the samples, and what does not matter as its "
            "parameter 'orbit'."
        )
    samples = check_samples(estimator, X, reset=reset)
    return np.asarray(samples)


def _as_floats(estimator: BaseEstimator, X: ArrayLike, *, small: bool, reset: bool) -> Array:
    """Return an array-like as float32 where that is exact, else in its own float dtype or float64."""
    minimum = 2 if reset else 1
    names = getattr(X, "column_names", None)  # a table that was read from a file
    table = X if names is None else np.asarray(X)
    if getattr(table, "ndim", 2) > 2:
        dtype = np.float32 if small else (np.float64, np.float32)
        samples: Array = check_points(table, name="X", min_samples=minimum, ndim=None, dtype=dtype)
        if reset and hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_  # of an earlier table
        return samples
    dtypes = np.float32 if small else [np.float64, np.float32]
    with brief_errors():
        samples = validate_data(estimator, table, dtype=dtypes, reset=reset, ensure_min_samples=minimum)  # (n, p)
    if reset and names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    return samples


def map_samples(encoder: nn.Module, samples: Samples) -> Array:
    """Map checked samples, in their dtype, shape (n, n_components); refuse those that leave the finite numbers."""
    dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
    with usual_state():
        embedding: Array = embed_rows(encoder, Rows(samples, device_of(encoder), dtype)).cpu().numpy()
    if not np.isfinite(embedding).all():
        raise ValueError(
            "The encoder maps some of the samples in 'X' to values that are not finite: they lie too far from "
            "those it was trained on. Rescale or drop them."
        )
    return embedding


def confidence_of(encoder: PlaceEncoder, samples: Samples, batch_size: int = 512) -> Floats:
    """Return the confidence of checked samples, float64 (n,)."""
    rows = Rows(samples, device_of(encoder), torch.float32)
    with usual_state(), torch.no_grad():
        starts = range(0, len(rows), batch_size)
        parts = [encoder.confidence(rows.take(slice(start, start + batch_size))) for start in starts]  # each (b,)
    confidence: Floats = torch.cat(parts).cpu().numpy().astype(np.float64)  # (n,)
    return confidence
