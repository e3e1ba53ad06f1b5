"""Copies of samples that are made when they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import short_repr
from drlim.relations.labels import as_array

__all__ = ["LazyCopies", "Transform", "named_transforms", "transformed"]

Index = NDArray[np.int64]
Transform = Callable[[NDArray[Any]], ArrayLike]


class LazyCopies:
    """Samples and their copies, each made when it is read and never stored: the ``X`` of lazy `orbits`.

    Indexing works as on an array, along the first axis, and makes just the rows asked for, with one call of each
    transform that they need. ``numpy.asarray`` makes all.

    Parameters
    ----------
    samples : ndarray, shape (n, ...)
        Kept as it is, so that a memory map stays on disk.
    transforms : dict of str to callable
        As of `orbits`.

    Attributes
    ----------
    shape : tuple of int
        (N, ...), N = n (t + 1) for t transforms.
    dtype : dtype
        That of ``samples``.

    Examples
    --------
    >>> import numpy as np
    >>> copies = LazyCopies(np.array([[1, 2], [3, 4]]), {"negated": np.negative})
    >>> copies
    LazyCopies(shape=(4, 2), dtype=int64)
    >>> copies[np.array([3, 0])].tolist(), copies[-1].tolist()
    ([[-3, -4], [1, 2]], [-3, -4])
    """

    def __init__(self, samples: NDArray[Any], transforms: Mapping[str, Transform]) -> None:
        self._samples = samples
        self._transforms = dict(transforms)
        self.shape: tuple[int, ...] = (len(samples) * (len(transforms) + 1), *samples.shape[1:])
        self.dtype: np.dtype[Any] = samples.dtype

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"LazyCopies(shape={self.shape}, dtype={self.dtype})"

    def __getitem__(self, index: Any) -> NDArray[Any]:
        if isinstance(index, tuple) and len(index) == 2 and index[1] is Ellipsis:
            index = index[0]  # as scikit-learn cuts arrays
        rows = _row_numbers(index, len(self))
        return self.take(rows) if rows.ndim else cast(NDArray[Any], self.take(rows[None])[0])

    def take(self, index: Index) -> NDArray[Any]:
        """Make the rows at ``index``, shape (b, ...).

        Parameters
        ----------
        index : ndarray of int64, shape (b,)
            In [0, N), in any order, repetitions allowed.

        Raises
        ------
        ValueError
            When a transform returns what `orbits` would refuse.
        """
        transform, source = np.divmod(index, len(self._samples))  # (b,), (b,)
        made = np.empty((len(index), *self.shape[1:]), dtype=self.dtype)
        untouched = transform == 0
        made[untouched] = self._samples[source[untouched]]
        for place, (name, function) in enumerate(self._transforms.items(), start=1):
            wanted = transform == place
            if wanted.any():
                made[wanted] = transformed(self._samples[source[wanted]], function, name)
        return made

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("Expected 'copy' not to be False: lazy copies are in no memory yet.")
        return self.take(np.arange(len(self))).astype(self.dtype if dtype is None else dtype, copy=False)


def _row_numbers(index: Any, n_rows: int) -> Index:
    """Row numbers in [0, n_rows) of an index along the first axis: () for one row, else (b,)."""
    if isinstance(index, slice):
        return np.arange(*index.indices(n_rows))
    rows = np.asarray(index)
    if rows.dtype.kind == "b" and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.size == 0 and rows.ndim == 1 and not isinstance(index, tuple):
        return np.empty(0, dtype=np.int64)
    if rows.dtype.kind not in "iu" or rows.ndim > 1 or isinstance(index, tuple):  # a[1, 2] is no two rows
        raise IndexError(
            f"Lazy copies take a row number, a slice, a 1-D array of row numbers, or one of {n_rows} booleans. "
            f"Got {short_repr(index)}."
        )
    if rows.min() < -n_rows or rows.max() >= n_rows:
        raise IndexError(f"Expected rows in [{-n_rows}, {n_rows}). Got values from {rows.min()} to {rows.max()}.")
    rows = rows.astype(np.int64)
    return np.where(rows < 0, rows + n_rows, rows)


def named_transforms(transforms: Any) -> dict[str, Transform]:
    """Return transforms by name, or refuse them; those of a list are named by their places, from "1"."""
    if isinstance(transforms, Mapping):
        named = dict(transforms)
    elif isinstance(transforms, Iterable) and not isinstance(transforms, str):
        named = {str(place): transform for place, transform in enumerate(transforms, start=1)}
    else:
        raise TypeError(
            "Expected 'transforms' to be a list of callables, or a dict of name to callable. "
            f"Got {short_repr(transforms)}."
        )
    if not named:
        raise ValueError("Expected 'transforms' to hold at least one callable. Got none.")
    for name, transform in named.items():
        if not isinstance(name, str) or not callable(transform):
            raise TypeError(
                "Expected 'transforms' to hold callables from a batch to a batch, named by strings. "
                f"Got {short_repr(transform)} under {short_repr(name)}."
            )
    return named


def transformed(samples: NDArray[Any], transform: Transform, name: str) -> NDArray[Any]:
    """Return a batch of samples under one transform, once it is sure to fit their shape and dtype.

    Parameters
    ----------
    samples : ndarray, shape (b, ...)
        Left as they are.
    transform : callable
        From a batch to a batch.
    name : str
        Of the transform, in an error.

    Raises
    ------
    ValueError
        When the transform returns another shape, values that are not finite, or a type that the dtype of the
        samples cannot hold.
    """
    changed = as_array(
        transform(samples.copy()), f"what transform {name!r} returns"
    )  # a copy, since a transform may work in place
    if changed.shape != samples.shape:
        raise ValueError(
            f"Expected transform {name!r} to keep the shape {samples.shape} of a batch. Got {changed.shape}."
        )
    both_float = changed.dtype.kind == samples.dtype.kind == "f"
    if not both_float and not np.can_cast(changed.dtype, samples.dtype, "safe"):
        raise ValueError(
            f"Expected transform {name!r} to return values that {samples.dtype}, the dtype of 'X', can hold. "
            f"Got {changed.dtype}: convert X first."
        )
    with np.errstate(over="ignore"):  # told below
        changed = changed.astype(samples.dtype, copy=False)
    if not np.isfinite(changed).all():
        raise ValueError(f"Expected transform {name!r} to return finite values. Got NaN or infinity.")
    return changed
