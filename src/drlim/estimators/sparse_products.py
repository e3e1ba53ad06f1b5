"""Maps of wide sparse rows whose first products are sparse: no row becomes dense.

A trunk of p columns begins with a linear layer, and retrieval with principal components. Both multiply a row by a fixed
matrix, of which a sparse row needs the lines of its stored columns alone.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array, Index
from drlim._base.sparse_rows import SparseRows
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.place_encoder import PlaceEncoder, Source
from drlim.encoders.retrieval import Components, Retrieval
from drlim.encoders.standardize import Standardize, unscaled
from drlim.neighbors.coordinates import directions

__all__ = ["Products", "by_sparse_products"]

_WIDE = 1500
"""Number of columns beyond which products are sparse."""

_FEWEST_ROWS = 32
"""Minimum number of rows for which the matrix is put together: that takes as long as to map some 10 dense rows."""


class Products:
    """Rows of a sparse matrix times a matrix, plus a row: read a batch at a time, as samples are.

    Parameters
    ----------
    rows : SparseRows, shape (n, p)
    matrix : ndarray, shape (p, q)
    shift : ndarray, shape (q,)

    Examples
    --------
    >>> from scipy import sparse
    >>> rows = SparseRows(sparse.csr_array([[0.0, 2.0], [3.0, 0.0]]))
    >>> Products(rows, np.array([[1.0, 0.0], [0.0, 10.0]]), np.array([0.5, 0.0]))[:].tolist()
    [[0.5, 20.0], [3.5, 0.0]]
    """

    def __init__(self, rows: SparseRows, matrix: Array, shift: Array) -> None:
        self._rows, self._matrix, self._shift = rows, matrix, shift
        self.shape = (len(rows), matrix.shape[1])
        self.dtype = matrix.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Index | slice) -> Array:
        return np.asarray(self._rows.part(index).matrix @ self._matrix + self._shift)  # (b, q)


class _Columns(nn.Module):
    """Some columns of a batch."""

    def __init__(self, first: int, end: int) -> None:
        super().__init__()
        self.first, self.end = first, end

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, q) to (b, end - first)."""
        return x[:, self.first : self.end]


def by_sparse_products(encoder: nn.Module, samples: object) -> tuple[nn.Module, Products] | None:
    """Return an encoder of products and the products, which give the map of wide sparse rows; None for any others.

    Parameters
    ----------
    encoder : torch.nn.Module
        On the CPU, a `PlaceEncoder` with a built-in trunk for tables of one scale.
    samples : Samples
        Float32 or float64, the dtype of the products.
    """
    if not isinstance(samples, SparseRows) or samples.shape[1] <= _WIDE or len(samples) < _FEWEST_ROWS:
        return None
    if not isinstance(encoder, PlaceEncoder) or encoder.network.linear.weight.device.type != "cpu":
        return None
    n_scalings, trunk = unscaled(encoder.network.trunk)
    first = _first_layer(trunk)
    if first is None:
        return None
    matrices, shifts, sources, width = [first[0]], [first[1]], [], len(first[1])
    parts = zip(encoder.shares, encoder.retrievals, encoder.reductions, encoder.of_features, strict=True)
    for share, retrieval, reduction, of_features in parts:
        if not of_features:
            components = cast(Components, unscaled(reduction)[1])
            matrices.append(components.axes.double())
            shifts.append(-components.axes.double() @ components.mean.double())
            reduction = _Columns(width, width + len(shifts[-1]))
            width = reduction.end
        sources.append(Source(share, cast(Retrieval, retrieval), reduction, of_features))
    with torch.device("meta"):  # no weights are drawn
        network = PlaceLogits(nn.Identity(), encoder.network.linear.in_features, encoder.network.linear.out_features)
    network.linear = encoder.network.linear
    network.trunk = nn.Sequential(_Columns(0, len(first[1])), *list(trunk.children())[3:])
    view = PlaceEncoder(network, encoder.head, sources).train(encoder.training)
    rows = cast(SparseRows, directions(samples)) if n_scalings else samples
    whole = torch.cat(matrices).T.numpy().astype(samples.dtype)  # (p, q)
    return view, Products(rows, np.ascontiguousarray(whole), torch.cat(shifts).numpy().astype(samples.dtype))


def _first_layer(trunk: nn.Module) -> tuple[Tensor, Tensor] | None:
    """Return W / s (h, p) and b - W o / s (h,), float64, of a trunk whose first layer sees (x - o) / s; else None."""
    layers = list(trunk.children())[:3] if type(trunk) is nn.Sequential else []
    if [type(layer) for layer in layers] != [Standardize, nn.Flatten, nn.Linear]:
        return None
    standardize, layer = cast(Standardize, layers[0]), cast(nn.Linear, layers[2])
    if standardize.is_bounded or layer.bias is None:
        return None
    weight = layer.weight.detach().double() / standardize.scale.double()  # (h, p)
    return weight, layer.bias.detach().double() - weight @ standardize.offset.double()
