"""Digests that tell whether data or weights are the same, on any machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from scipy import sparse

from drlim._base.arrays import Array
from drlim._base.forms import taken

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["digest_of_data", "digest_of_weights"]

_ROWS_AT_ONCE = 2**20
"""Number of values that are read at once: a memory map is never in memory as a whole."""

_EXACT = 2.0**53
"""Integers up to this size are exact in float64."""

_MISSING = ("NoneType", "NAType", "NaTType")
"""Names of the types of missing values."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


class _Frame(Protocol):
    """A table, as pandas and polars have it."""

    columns: Iterable[object]

    def __getitem__(self, name: object) -> object: ...


class _Encoder(Protocol):
    def state_dict(self) -> Mapping[str, Tensor]: ...


def digest_of_data(X: object) -> str:
    """Return the SHA-256 of samples: of their values and shape, and in a table of the names and kinds of columns.

    It does not depend on the order of bytes, the layout in memory or the dtype in which equal numbers are stored: 1,
    1.0 and True are equal, and so are -0.0 and 0.0, and all NaN.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(6).reshape(2, 3)
    >>> digest_of_data(X) == digest_of_data(np.asfortranarray(X.astype(">f4")))
    True
    >>> digest_of_data(X) == digest_of_data(X.T)
    False
    """
    found = hashlib.sha256()
    if isinstance(X, Mapping):
        _add_columns(found, X)
    elif hasattr(X, "columns"):
        frame = cast("_Frame", X)
        _add_columns(found, {str(name): frame[name] for name in frame.columns})
    elif sparse.issparse(X):
        _add_sparse(found, X)
    else:
        values = taken(X).values
        _add_sparse(found, values) if sparse.issparse(values) else _add_array(found, np.asanyarray(values))
    return found.hexdigest()


def digest_of_weights(model: object) -> str | None:
    """Return the SHA-256 of the names, shapes, dtypes and values of an encoder's tensors; None without an encoder.

    Of a pipeline it is that of the encoder at its end.
    """
    last = model[-1] if hasattr(model, "steps") else model  # type: ignore[index]  # a pipeline
    encoder = getattr(last, "encoder_", None)
    if not hasattr(encoder, "state_dict"):
        return None
    found = hashlib.sha256()
    for name, tensor in sorted(cast("_Encoder", encoder).state_dict().items()):
        array = tensor.detach().cpu().numpy()
        found.update(f"{name} {array.dtype.name} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    return found.hexdigest()


def _add_columns(found: _Hash, columns: Mapping[str, object]) -> None:
    found.update(f"table {len(columns)} ".encode())
    for name, column in columns.items():
        _add_text(found, str(name))
        _add_array(found, np.asarray(column))


def _add_sparse(found: _Hash, matrix: object) -> None:
    """Add the entries that are not zero, in the order of rows and columns."""
    whole = sparse.csr_array(cast("sparse.csr_array", matrix), copy=True)
    whole.sum_duplicates()
    whole.eliminate_zeros()
    found.update(f"sparse {whole.shape} ".encode())
    for part in (whole.indptr, whole.indices, whole.data):
        _add_array(found, part)


def _add_array(found: _Hash, array: Array) -> None:
    if array.dtype.kind == "O":
        array = _of_objects(array)
    kind = array.dtype.kind
    if kind in "mM":
        found.update(f"{'duration' if kind == 'm' else 'time'} {array.shape} ".encode())
        found.update(array.astype(f"{kind}8[us]").astype("<i8").tobytes())
    elif kind in "US":
        found.update(f"text {array.shape} ".encode())
        for text in array.ravel().tolist():  # (n,)
            _add_text(found, text.decode() if isinstance(text, bytes) else text)
    else:
        found.update(f"numbers {array.shape} ".encode())
        for block in _blocks(array):
            _add_numbers(found, block)


def _blocks(array: Array) -> Iterator[Array]:
    """Yield some rows at a time, in order."""
    n_rows = max(1, _ROWS_AT_ONCE // max(1, int(np.prod(array.shape[1:], dtype=np.int64))))
    for start in range(0, len(array) if array.ndim else 0, n_rows):
        yield array[start : start + n_rows]


def _add_numbers(found: _Hash, block: Array) -> None:
    numbers = np.ascontiguousarray(block, dtype="<f8") + 0.0  # -0.0 becomes 0.0
    numbers[np.isnan(numbers)] = np.nan
    found.update(numbers.astype("<f8").tobytes())
    if block.dtype.kind in "iu" and (np.abs(numbers) > _EXACT).any():
        found.update(np.ascontiguousarray(block, dtype=block.dtype.newbyteorder("<")).tobytes())


def _of_objects(array: Array) -> Array:
    """Return Python's objects as numbers if all are or are missing, else as text, in which a missing value is ""."""
    values = array.ravel().tolist()  # (n,)
    missing = [type(value).__name__ in _MISSING or value != value for value in values]
    if not any(isinstance(value, str | bytes) for value in values):
        try:
            return np.array([np.nan if gone else float(value) for value, gone in zip(values, missing, strict=True)])
        except (TypeError, ValueError):
            pass
    return np.array(["" if gone else str(value) for value, gone in zip(values, missing, strict=True)], dtype=str)


def _add_text(found: _Hash, text: str) -> None:
    encoded = text.encode("utf-8", "surrogatepass")
    found.update(f"{len(encoded)} ".encode() + encoded)
