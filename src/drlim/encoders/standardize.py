"""What an encoder does to its input first: standardise it, or scale each sample to length 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array, Floats
from drlim._base.ordinary import Ordinary, ordinary
from drlim._base.sparse_rows import SparseRows
from drlim._base.stored_rows import StoredRows
from drlim._base.torch import RowSource

__all__ = ["REACH", "Findings", "Standardize", "UnitLength", "unscaled"]

_LOOKED_AT = 1000
"""Maximum number of samples in which ordinary values are looked for."""

_PIXELS_LOOKED_AT = 2**20
"""The same of pixels."""

_BLOCK_VALUES = 2**22
"""Maximum number of values of sparse samples that are dense at once, 32 MiB in float64, and of samples outside memory
that are read at once."""

_HIDDEN = 10.0
"""Largest scale, in ordinary sizes of a typical column, that serves all columns: beyond it most of the input would be
smaller than a tenth. On 250 x 20 labelled samples 7 cost nothing, and 14 cost 5 % of the accuracy (docs/robustness.md).
A column wider than this number of typical ones gets a scale of its own."""

REACH = 10.0
"""Number of ordinary sizes from the median to which values are brought, where there are wild ones."""


class Findings(NamedTuple):
    """What in the training samples made one scale for all columns impossible.

    Attributes
    ----------
    n_cells : int
        Number of values that are brought nearer to their column's median.
    row, place : int
        The farthest of them, in ordinary sizes: its row, and its place among the values of a sample.
    value, centre, size : float
        That value, and the median and ordinary size of its column.
    wide : tuple of int
        Columns, or channels, that get a scale of their own.
    width : float
        Ordinary size of the widest of them, in those of a typical column; 0 without any.
    """

    n_cells: int
    row: int
    place: int
    value: float
    centre: float
    size: float
    wide: tuple[int, ...]
    width: float


class Standardize(nn.Module):
    """Subtract an offset and divide by one scale, so that networks see values of about unit size.

    Table columns are centred one by one. Images are centred by one number for all pixels, which keeps the relations
    between pixels: a shifted image stays a shifted image. The scale is one number, so that distances keep their
    proportions.

    One scale cannot serve where a value is wild (`drlim._base.ordinary`), or would hide most of the input: where it is
    more than 10 times the ordinary size of a typical column. There, values farther than 10 ordinary sizes from the
    median of their column are brought to that distance, and columns 10 times as wide as a typical one get a scale that
    makes them as wide as that. The pixels of an image, or of a channel, count as one column. ``lower`` and ``upper``
    are the bounds, None where one scale serves; ``findings`` says what was found at `fit`.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample.

    Examples
    --------
    >>> import numpy as np
    >>> layer = Standardize((2,))
    >>> _ = layer.fit(np.array([[0.0, 4.0], [2.0, 6.0]]))
    >>> layer(torch.tensor([[1.0, 5.0]])).tolist()
    [[0.0, 0.0]]
    """

    offset: Tensor
    scale: Tensor
    lower: Tensor | None
    upper: Tensor | None

    def __init__(self, input_shape: Sequence[int]) -> None:
        super().__init__()
        self._shape = (input_shape[0],) if len(input_shape) == 1 else (1,)
        self._bounds_shape = (input_shape[0], 1, 1) if len(input_shape) == 3 else self._shape
        self.findings: Findings | None = None
        self._register(torch.zeros(self._shape, dtype=torch.float32), torch.ones((), dtype=torch.float32))

    def _register(
        self, offset: Tensor, scale: Tensor, lower: Tensor | None = None, upper: Tensor | None = None
    ) -> None:
        for name, value in (("offset", offset), ("scale", scale), ("lower", lower), ("upper", upper)):
            self.register_buffer(name, value)

    def fit(self, X: RowSource, chunk_size: int = 4096) -> Standardize:
        """Compute offset and scale of samples, shape (n, ...), in float64 and a chunk at a time."""
        self._register(self.offset.new_zeros(self._shape), self.scale.new_ones(()))
        self.findings = None
        mean, squares, low, high = _sums_stored(X) if isinstance(X, SparseRows) else _sums(X, chunk_size)
        deviation = float(np.sqrt(squares / prod(X.shape)))
        usual = _ordinary(X)
        if usual is not None and _is_hidden(usual, low, high, deviation):
            self._fit_robust(X, usual, chunk_size)
            return self
        self.offset.copy_(torch.as_tensor(np.atleast_1d(mean)))
        # A constant input has no scale of its own, only the rounding of its mean; and anything below the smallest
        # normal float32 would divide by 0.
        rounding = len(X) * np.finfo(np.float64).eps * float(np.abs(mean).max())
        self.scale.fill_(deviation if deviation > max(rounding, float(np.finfo(np.float32).tiny)) else 1.0)
        return self

    @property
    def is_bounded(self) -> bool:
        """Whether one scale does not serve all columns."""
        return self.lower is not None

    def bound(self) -> None:
        """Make room for bounds, and for a scale of each column, before weights of such a module are loaded."""
        self._register(*(self.offset.new_zeros(self._bounds_shape) for _ in range(4)))

    def _fit_robust(self, X: RowSource, usual: Ordinary, chunk_size: int) -> None:
        """Compute bounds, offsets and scales of columns or channels of which one scale would hide the most."""
        low, high = usual.bounds(REACH)  # (g,) each
        is_wide = usual.size > _HIDDEN * usual.typical  # (g,)
        width = np.where(is_wide, usual.size / usual.typical, 1.0)  # (g,)
        total, n_values = np.zeros(len(width)), prod(X.shape) // len(width)
        for _, part in _chunks(X, chunk_size):
            total += np.clip(_grouped(part), low[:, None], high[:, None]).sum(axis=(0, 2))  # (g,)
        mean = _of_all(X, total).sum(axis=0) / n_values  # (g,)
        squares = np.zeros(())
        for _, part in _chunks(X, chunk_size):
            moved = np.clip(_grouped(part), low[:, None], high[:, None]) - mean[:, None]  # (c, g, m)
            squares += np.square(moved / width[:, None]).sum()
        deviation = float(np.sqrt(_of_all(X, squares).sum() / prod(X.shape)))
        deviation = max(deviation, float(np.finfo(np.float32).tiny))
        self.bound()
        for name, values in (("offset", mean), ("scale", deviation * width), ("lower", low), ("upper", high)):
            getattr(self, name).copy_(torch.as_tensor(values).reshape(self._bounds_shape))  # (p,), (1,) or (C, 1, 1)
        self.findings = _findings(X, usual, is_wide, chunk_size)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, ...)."""
        if self.lower is not None:
            x = torch.clamp(x, self.lower, self.upper)
        return (x - self.offset) / self.scale


def _sums(X: RowSource, chunk_size: int) -> tuple[Array, float, Array, Array]:
    """Return the mean of each column, or of all pixels; the sum of the squared deviations; the ends of each group."""
    columns = len(X.shape) == 2
    total = np.zeros(X.shape[1] if columns else ())  # (p,) or ()
    n_groups = X.shape[1] if len(X.shape) in (2, 4) else 1
    low, high = np.full(n_groups, np.inf), np.full(n_groups, -np.inf)  # (g,) of each column, or of each channel
    for _, part in _chunks(X, chunk_size):
        total = total + (part.sum(axis=0) if columns else part.sum())  # (p,) or ()
        groups = _grouped(part)  # (c, g, m)
        low, high = np.minimum(low, groups.min(axis=(0, 2))), np.maximum(high, groups.max(axis=(0, 2)))  # (g,)
    low, high = _of_all(X, low).min(axis=0), _of_all(X, high).max(axis=0)  # (g,)
    mean = np.asarray(_of_all(X, total).sum(axis=0) / (len(X) if columns else prod(X.shape)))
    squares = np.zeros(())
    for _, part in _chunks(X, chunk_size):
        squares += np.square(part - mean).sum()
    return mean, float(_of_all(X, squares).sum()), low, high


def _sums_stored(X: SparseRows) -> tuple[Array, float, Array, Array]:
    """Return the same of sparse rows, from their stored values alone."""
    column, values = X.matrix.indices, X.matrix.data.astype(np.float64)  # (nnz,) each
    mean = np.bincount(column, values, X.shape[1]) / len(X)  # (p,)
    n_zeros = len(X) - np.bincount(column, minlength=X.shape[1])  # (p,)
    squares = float(np.square(values - mean[column]).sum() + (n_zeros * np.square(mean)).sum())
    low, high = (end.toarray().astype(np.float64) for end in (X.matrix.min(axis=0), X.matrix.max(axis=0)))  # (p,)
    return mean, squares, low, high


def _chunks(X: RowSource, chunk_size: int) -> Iterator[tuple[int, Floats]]:
    """Yield samples in float64, (c, ...), each chunk with its first row; those at hand where processes share them."""
    if isinstance(X, SparseRows | StoredRows):  # whose rows may be very long
        chunk_size = max(1, min(chunk_size, _BLOCK_VALUES // prod(X.shape[1:])))
    first, own = X.at_hand() if isinstance(X, StoredRows) else (0, X)
    for start in range(0, len(own), chunk_size):
        yield first + start, np.asarray(own[start : start + chunk_size], dtype=np.float64)


def _of_all(X: RowSource, values: Floats) -> Floats:
    """Return what each process has computed of its samples, (size, ...): of one process where none shares them."""
    return X.of_all(values) if isinstance(X, StoredRows) else values[None]


def _grouped(part: Array) -> Array:
    """Return samples as (c, g, m): m values in each of g columns, channels, or one image."""
    n_groups = part.shape[1] if part.ndim in (2, 4) else 1
    return part.reshape(len(part), n_groups, -1)  # (c, g, m)


def _ordinary(X: RowSource) -> Ordinary | None:
    """Return the ordinary values of columns, of channels, or of all pixels of images."""
    if isinstance(X, SparseRows):
        return ordinary(X)
    step = max(1, -(-len(X) // _LOOKED_AT), -(-prod(X.shape) // _PIXELS_LOOKED_AT) if len(X.shape) > 2 else 1)
    some = _grouped(np.asarray(X[slice(None, None, step)]))  # (s, g, m)
    pooled = some.swapaxes(1, 2).reshape(-1, some.shape[1])  # (s m, g)
    return ordinary(pooled, len(pooled))


def _is_hidden(usual: Ordinary, low: Floats, high: Floats, deviation: float) -> bool:
    """Return whether a value is wild, or one scale would hide a typical column."""
    lowest, highest = usual.bounds()  # (g,) each
    return bool((low < lowest).any() or (high > highest).any() or deviation > _HIDDEN * usual.typical)


def _findings(X: RowSource, usual: Ordinary, is_wide: Array, chunk_size: int) -> Findings:
    """Return how many values are out of bounds and which is the farthest, and the wide columns."""
    n_cells, farthest, row, place, value = 0, -1.0, 0, 0, 0.0
    for start, part in _chunks(X, chunk_size):
        groups = _grouped(part)  # (c, g, m)
        away = np.abs(groups - usual.centre[:, None]) / usual.size[:, None]  # (c, g, m)
        n_cells += int(np.count_nonzero(away > REACH))
        at = int(away.argmax())
        if away.flat[at] > farthest:
            farthest, value = float(away.flat[at]), float(groups.flat[at])
            row, place = start + at // prod(groups.shape[1:]), at % prod(groups.shape[1:])
    found = _of_all(X, np.array([farthest, row, place, value, n_cells]))  # (size, 5)
    n_cells = int(found[:, 4].sum())
    _, row, place, value, _ = found[found[:, 0].argmax()].tolist()
    row, place = int(row), int(place)
    group = place // (prod(X.shape[1:]) // len(usual.size))
    wide = tuple(np.flatnonzero(is_wide).tolist())
    width = float(usual.size.max() / usual.typical) if wide else 0.0
    return Findings(n_cells, row, place, value, float(usual.centre[group]), float(usual.size[group]), wide, width)


class UnitLength(nn.Module):
    """Scale each sample to length 1, as one vector of all its values, so that only its direction matters."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, ...). A sample of zeros stays one."""
        flat = x.flatten(1)  # (b, p)
        largest = flat.abs().amax(dim=1, keepdim=True)  # (b, 1) divided by first, so that squares stay finite
        flat = flat / torch.where(largest > 0, largest, torch.ones_like(largest))
        return nn.functional.normalize(flat, dim=1).reshape(x.shape)  # (b, ...)


def unscaled(module: nn.Module) -> tuple[int, nn.Module]:
    """Return how many scalings to length 1 stand before a module, and the module without them."""
    count = 0
    while type(module) is nn.Sequential and len(module) == 2 and type(module[0]) is UnitLength:
        count, module = count + 1, module[1]
    return count, module
