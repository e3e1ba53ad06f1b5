"""The one entry for samples, and the way of checked samples through an encoder."""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import validation
from torch import nn

from drlim._base.arrays import Array, Floats
from drlim._base.checks import check_blocks, refuse_large, refuse_masked, short_repr
from drlim._base.forms import stored, taken
from drlim._base.refusals import column_names, located_errors
from drlim._base.row_sources import RowSource
from drlim._base.shards import Shard, joined_shards, refused_shard
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.state import usual_state
from drlim._base.stored_rows import StoredRows
from drlim._base.torch import Rows, device_of, pick_device
from drlim.encoders.embedding import BATCH_SIZE, embed_rows
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.estimators.far_samples import warn_of_far_samples
from drlim.estimators.sparse_products import by_sparse_products
from drlim.relations import LazyCopies
from drlim.training.distributed import UNSHARED, Shares

__all__ = ["Samples", "check_array_samples", "check_samples", "confidence_of", "first_samples", "map_samples"]

Samples = AnyRows | LazyCopies | StoredRows
"""Checked samples, shape (n, ...): an array of float32 or float64, copies that are made when they are read, sparse rows
that are made dense when they are read, or rows outside memory."""

_LARGEST = 1e30
"""Values beyond it would overflow float32, in which encoders are trained, once squared deviations are summed."""

_EXACT_IN_FLOAT32 = tuple(np.dtype(name) for name in ("bool", "int8", "uint8", "int16", "uint16", "float16"))
"""Types every value of which float32 holds exactly."""


def check_samples(
    estimator: BaseEstimator, X: ArrayLike | LazyCopies | Shard, *, reset: bool, name: str = "X"
) -> Samples:
    """Return samples in float32 or float64, or refuse them.

    Parameters
    ----------
    estimator : BaseEstimator
        With ``reset`` it gets ``input_shape_``, ``n_features_in_`` and ``feature_names_in_`` of these samples.
        Otherwise they are compared with its own.
    X : array-like of shape (n_samples, ...), sparse matrix or array, LazyCopies or, with ``reset``, Shard
        In any form that `drlim._base.forms.taken` takes. Integers of 16 bits and less, and booleans, become float32;
        others become float64. Sparse samples stay sparse. Those outside memory stay there: they are read once here, a
        block at a time.
    reset : bool
    name : str, default="X"
        The parameter's name in an error.

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not finite and real, too large in value, too short or of another shape than before.

    Warns
    -----
    UserWarning
        Without ``reset``, once for an estimator, when samples lie far outside the training samples.
    """
    samples = (
        _of_all_shards(estimator, X, name) if isinstance(X, Shard) and reset else _given(estimator, X, name, reset)
    )
    if reset:
        estimator.input_shape_ = samples.shape[1:]
        estimator.n_features_in_ = math.prod(samples.shape[1:])
    elif samples.shape[1:] != estimator.input_shape_:
        kind = type(estimator).__name__
        raise ValueError(
            f"Expected {name!r} to hold samples of shape {estimator.input_shape_}, as {kind} was fitted on. "
            f"Got {short_repr(samples)}.{_question(samples.shape, estimator.input_shape_)}"
        )
    if not reset:
        warn_of_far_samples(estimator, samples, name)
    return samples


def _of_all_shards(estimator: BaseEstimator, shard: Shard, name: str) -> AnyRows:
    """Return the samples of all processes, of which each checks its own."""

    def check(rows: ArrayLike | LazyCopies) -> AnyRows:
        if isinstance(rows, LazyCopies):
            raise TypeError("Expected the rows of a Shard to be samples in an array. Got lazy copies.")
        refuse_masked(rows, name, "fill the gaps, rows.filled(...), or drop those samples")
        return _finite_samples(estimator, rows, name, reset=True, fewest=0)

    columns = lambda: getattr(estimator, "feature_names_in_", None)  # noqa: E731 - read once the rows are checked
    return joined_shards(shard, check, pick_device(estimator.device), columns)


def _given(estimator: BaseEstimator, X: ArrayLike | LazyCopies | Shard, name: str, reset: bool) -> Samples:
    """Return samples that this process has all of. Lazy copies were checked when declared, and are again when made."""
    if isinstance(X, LazyCopies):
        return X
    if isinstance(X, Shard):
        raise refused_shard(name, type(estimator).__name__)
    refuse_masked(X, name, f"fill the gaps, {name}.filled(...), or drop those samples")
    return _finite_samples(estimator, X, name, reset=reset, fewest=2 if reset else 1)


def _finite_samples(estimator: BaseEstimator, X: ArrayLike, name: str, *, reset: bool, fewest: int) -> AnyRows:
    """Return samples of any form in a float dtype, or refuse fewer than that, or values that cannot be used."""
    source = stored(X, name)
    if source is not None:
        return _as_stored_rows(estimator, source, name, reset=reset, fewest=fewest)
    given, names = taken(X, name)
    if sparse.issparse(given):
        rows = _as_sparse_rows(estimator, given, name, reset=reset, fewest=fewest)
        refuse_large(rows.matrix.data, _LARGEST, name, None)
        return rows
    samples = _as_floats(estimator, given, names, name, reset=reset, fewest=fewest)
    refuse_large(samples, _LARGEST, name, names or column_names(given))
    return samples


def _question(shape: tuple[int, ...], input_shape: tuple[int, ...]) -> str:
    """Return what to ask where samples have the shape of pairs of rows."""
    are_pairs = len(input_shape) == 1 and shape[1:] == (2, *input_shape)
    return f" Are these pairs? Map their samples as rows, X.reshape(-1, {input_shape[0]})." if are_pairs else ""


def check_array_samples(
    estimator: BaseEstimator, X: ArrayLike | LazyCopies | Shard, *, reset: bool, name: str = "X"
) -> AnyRows:
    """Do what `check_samples` does, and refuse lazy copies and shards, whose neighbours are not looked for."""
    if isinstance(X, LazyCopies):
        kind = type(estimator).__name__
        raise TypeError(
            f"Expected {name!r} to be an array. Got lazy copies: give {kind} the samples, and what does not matter as "
            "its parameter 'orbit'."
        )
    if isinstance(X, Shard):
        raise refused_shard(name, type(estimator).__name__)
    samples = check_samples(estimator, X, reset=reset, name=name)
    return samples if isinstance(samples, SparseRows | StoredRows) else np.asarray(samples)


def _as_sparse_rows(estimator: BaseEstimator, given: Any, name: str, *, reset: bool, fewest: int) -> SparseRows:
    """Return a sparse matrix of any form in CSR form, as float32 where that is exact, else in its float dtype."""
    if given.dtype.kind in "biu":
        small = given.dtype in _EXACT_IN_FLOAT32
        given = given.astype(np.float32 if small else np.float64)  # first: repeated entries are added up in their type
    with located_errors(given, name):
        checked = validation.validate_data(
            estimator,
            given,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            reset=reset,
            ensure_min_samples=fewest,
        )
    matrix = sparse.csr_array(checked)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # which is the user's
        matrix.sum_duplicates()
    return SparseRows(matrix)


def _as_floats(
    estimator: BaseEstimator,
    given: ArrayLike,
    names: list[str] | None,
    name: str,
    *,
    reset: bool,
    fewest: int,
    first_row: int | None = None,
) -> Array:
    """Return samples as float32 where that is exact, else in their own float dtype or float64."""
    small = getattr(given, "dtype", None) in _EXACT_IN_FLOAT32
    wanted = {"dtype": np.float32 if small else [np.float64, np.float32], "ensure_min_samples": fewest}
    is_table = getattr(given, "ndim", 2) <= 2
    with located_errors(given, name, names, first_row):
        if is_table and names is None:
            table: Array = validation.validate_data(estimator, given, reset=reset, **wanted)  # (n, p)
            return table
        samples: Array = validation.check_array(given, allow_nd=True, input_name=name, **wanted)  # (n, ...)
    if samples.size == 0 and len(samples):
        raise ValueError(f"Found array with 0 value(s) a sample (shape={samples.shape}) in {name!r}.")
    _check_names(estimator, names, name, reset=reset)
    return samples


def _as_stored_rows(estimator: BaseEstimator, source: RowSource, name: str, *, reset: bool, fewest: int) -> StoredRows:
    """Return rows outside memory in the dtype that `_as_floats` gives an array, every block of them checked."""
    dtype = _float_type(source.reader.dtype)
    as_given = StoredRows(source.reader)
    is_short = len(as_given) < fewest or math.prod(as_given.shape[1:]) == 0
    some = as_given[: len(as_given) if is_short else 2]  # by which scikit-learn checks columns and their names
    _as_floats(estimator, some, source.names, name, reset=reset, fewest=fewest, first_row=0)
    check_blocks(as_given, dtype, name, source.names, largest=_LARGEST, min_samples=fewest)
    return StoredRows(source.reader, dtype)


def _float_type(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    """Return the dtype in which samples of another are computed with."""
    if dtype in (np.float32, np.float64):
        return dtype
    return np.dtype(np.float32 if dtype in _EXACT_IN_FLOAT32 else np.float64)


def _check_names(estimator: BaseEstimator, names: list[str] | None, name: str, *, reset: bool) -> None:
    """Keep the names of columns, or refuse other ones than those of the training data; images have none."""
    if reset and names is not None:
        estimator.feature_names_in_ = np.array(names, dtype=object)
    elif reset:
        estimator.__dict__.pop("feature_names_in_", None)  # of an earlier table
    if reset or names is None:
        return
    fitted = list(getattr(estimator, "feature_names_in_", names))
    for place, (wanted, found) in enumerate(zip_longest(fitted, names)):
        if wanted != found:
            raise ValueError(
                f"Expected {name!r} to have the columns of the training data, in their order. Got {short_repr(found)} "
                f"as column {place}, where they had {short_repr(wanted)}: choose by model.feature_names_in_."
            )


def first_samples(samples: Samples, n_samples: int) -> Samples:
    """Return the first few of the samples in their own form, and all of them as they are."""
    if n_samples == len(samples):
        return samples
    return samples.part(slice(n_samples)) if isinstance(samples, SparseRows | StoredRows) else samples[:n_samples]


def map_samples(encoder: nn.Module, samples: Samples, shares: Shares = UNSHARED) -> Array:
    """Map checked samples, in their dtype, shape (n, n_components); refuse those that leave the finite numbers.

    With ``shares``, the processes of a fit each map a part, and all get the whole.
    """
    dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
    with usual_state():
        encoder, rows = _read_by(encoder, samples, dtype)
        embedding: Array = shares.embedded(encoder, rows, _batch_size(encoder)).cpu().numpy()
    if not np.isfinite(embedding).all():
        raise ValueError(
            "The encoder maps some of the samples in 'X' to values that are not finite: they lie too far from "
            "those it was trained on. Rescale or drop them."
        )
    return embedding


def _read_by(encoder: nn.Module, samples: Samples, dtype: torch.dtype) -> tuple[nn.Module, Rows]:
    """Return the encoder and what it reads: of wide sparse rows, the products that its first layers would make."""
    found = by_sparse_products(encoder, samples)
    if found is not None:
        return found[0], Rows(found[1], device_of(encoder), dtype)
    return encoder, Rows(samples, device_of(encoder), dtype)


def _batch_size(encoder: nn.Module) -> int:
    return encoder.batch_size if isinstance(encoder, PlaceEncoder) else BATCH_SIZE


def confidence_of(encoder: PlaceEncoder, samples: Samples) -> Floats:
    """Return the confidence of checked samples, float64 (n,)."""
    with usual_state():
        places, rows = _read_by(encoder, samples, torch.float32)
        found = embed_rows(places, rows, encoder.batch_size, lambda module, x: cast(PlaceEncoder, module).confidence(x))
    confidence: Floats = found.cpu().numpy().astype(np.float64)
    return confidence
