"""Which inputs move a point of a map, and where the map stretches: the derivative of the encoder by its input."""

from __future__ import annotations

from math import prod

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from drlim._base.arrays import Array, Floats
from drlim._base.checks import InvalidParameterError, check_parameters, check_points, integer_in, short_repr
from drlim.metrics.differentiable import Differentiable, differentiable, each_derivative

__all__ = ["area_distortion", "check_scale", "jacobian", "saliency", "volumes"]

_BATCH = 256
"""Number of samples at once at which the derivatives of the paper's convolutional network take the least time."""


def jacobian(model: object, X: ArrayLike, *, batch_size: int = _BATCH) -> Array:
    """Return the derivative of the map by each sample, ``J[i, k, ...] = dz_k / dx_i``.

    It is exact up to rounding: automatic differentiation, one forward pass and one backward pass for each dimension of
    the map.

    Parameters
    ----------
    model : fitted DrLIM or NeighborMap, or torch.nn.Module
        The map. A module maps (b, ...) to (b, n_components), each sample by itself in evaluation mode.
    X : array-like, shape (n_samples, ...)
        Samples at which to differentiate, of the shape trained on.
    batch_size : int, default=256
        Maximum number of samples at once, in [1, inf). Beside the result, memory holds the activations of one batch
        and at most 2^24 derivatives of it.

    Returns
    -------
    ndarray, shape (n_samples, n_components, ...)
        In units of the map for one unit of an input value, in the dtype in which `transform` maps ``X``. It takes
        n_components times the memory of ``X``; `area_distortion` and `saliency` never hold more than a batch of it.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        When the model is not fitted or of another kind, ``X`` is not like its training samples, the encoder's output
        has no gradient, or a derivative is not finite.

    Notes
    -----
    A `DrLIM` is as smooth as its encoder. At the corner of a rectified unit torch takes the slope of one side. Where a
    value lies beyond the bounds to which the encoder brings wild values, the map does not depend on it, and its
    derivative is 0.

    A `NeighborMap` is smooth in pieces. In a piece, a sample keeps the places that are most probable, the training
    samples that it retrieves and the mode of their probabilities. The derivative is that of the piece in which the
    sample lies: probabilities, weights of retrieval and steps towards the mode are differentiated, the choices are
    held. It says nothing of the jumps between pieces; where `NeighborMap.confidence` is low, one is near.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Linear(3, 2, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]]))
    >>> jacobian(network, [[0.1, 0.2, 0.3]]).tolist()
    [[[1.0, 2.0, 3.0], [0.0, 0.0, 5.0]]]
    """
    _check_batch_size(batch_size, "jacobian")
    at = differentiable(model, X, "jacobian")
    found: list[Array] = []

    def keep(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001 - each_derivative's signature
        if not found:
            shape = (len(at.samples), *derivatives.shape[1:])
            found.append(np.empty(shape, dtype=at.samples.dtype))  # (n, d, ...)
        found[0][part] = derivatives.cpu().numpy()

    each_derivative(at, batch_size, keep)
    return found[0]


def area_distortion(model: object, X: ArrayLike, *, batch_size: int = _BATCH) -> Floats:
    """Return by how much the map stretches about each sample: the root of the determinant of ``J J^T``.

    A small ball of inputs about a sample falls on an ellipsoid of the map, whose volume is this number times that of a
    ball of the same radius in n_components dimensions. It is the product of the singular values of J.

    Parameters
    ----------
    model : fitted DrLIM or NeighborMap, or torch.nn.Module
        The map, as in `jacobian`.
    X : array-like, shape (n_samples, ...)
        Samples.
    batch_size : int, default=256
        Maximum number of samples at once, in [1, inf).

    Returns
    -------
    ndarray of float64, shape (n_samples,)
        At least 0, in units of the map per unit of input, to the power of n_components. Compare samples of one map:
        where it is large, small differences of the input take much room. It is 0 where the map is flat in some
        direction, and everywhere if a sample has fewer values than the map has dimensions.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `jacobian` does.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Linear(3, 2, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[2.0, 0.0, 0.0], [0.0, 0.0, 3.0]]))
    >>> area_distortion(network, [[0.1, 0.2, 0.3]]).tolist()
    [6.0]
    """
    _check_batch_size(batch_size, "area_distortion")
    at = differentiable(model, X, "area_distortion")
    areas = np.zeros(len(at.samples))  # (n,)

    def keep(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001 - each_derivative's signature
        areas[part] = volumes(derivatives.flatten(2).double()).cpu().numpy()  # (b, d, p) -> (b,)

    each_derivative(at, batch_size, keep)
    return areas


def volumes(matrices: Tensor) -> Tensor:
    """Return the roots of the determinants of J J^T, (b,), of matrices (b, d, p).

    By the triangle of J^T = Q R, whose diagonal keeps the digits that the determinant of the product would lose.
    """
    if matrices.shape[1] > matrices.shape[2]:
        return matrices.new_zeros(len(matrices))
    triangles = torch.linalg.qr(matrices.mT, mode="r").R  # (b, d, d)
    volumes: Tensor = triangles.diagonal(dim1=1, dim2=2).prod(dim=1).abs()  # (b,)
    return volumes


def saliency(
    model: object,
    X: ArrayLike,
    *,
    direction: ArrayLike | None = None,
    scale: ArrayLike | None = None,
    batch_size: int = _BATCH,
) -> Array:
    """Return how far each input value moves a sample on the map: features of a table, or pixels.

    Parameters
    ----------
    model : fitted DrLIM or NeighborMap, or torch.nn.Module
        The map, as in `jacobian`.
    X : array-like, shape (n_samples, ...)
        Samples.
    direction : array-like, shape (n_components,) or (n_samples, n_components), default=None
        Direction on the map, of any length but 0; one for all samples, or one for each, such as ``target - Z``. The
        result then is signed: how far a sample moves this way. None measures the way in any direction.
    scale : array-like of the shape of one sample, default=None
        Unit in which each input value is changed, in [0, inf), such as ``X_train.std(axis=0)`` for columns of
        different units. None is 1 for all.
    batch_size : int, default=256
        Maximum number of samples at once, in [1, inf).

    Returns
    -------
    ndarray, shape (n_samples, ...)
        In units of the map for one unit of ``scale``. Without a direction, the length of the derivative by each value,
        at least 0. ``numpy.sqrt((saliency ** 2).mean(axis=0))`` ranks the columns of a table over all samples.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As `jacobian` does, or when ``direction`` or ``scale`` has another shape, is not finite, or is 0, or negative.

    Notes
    -----
    It is a slope: it says what a small change does, and not what a large one does.

    Examples
    --------
    >>> import torch
    >>> network = torch.nn.Linear(3, 2, bias=False)
    >>> _ = network.weight.data.copy_(torch.tensor([[3.0, 0.0, -1.0], [4.0, 0.0, 0.0]]))
    >>> saliency(network, [[0.1, 0.2, 0.3]]).tolist()
    [[5.0, 0.0, 1.0]]
    >>> saliency(network, [[0.1, 0.2, 0.3]], direction=[2.0, 0.0]).tolist()
    [[3.0, 0.0, -1.0]]
    """
    _check_batch_size(batch_size, "saliency")
    at = differentiable(model, X, "saliency")
    unit = torch.from_numpy(check_scale(scale, at, "saliency"))  # (...)
    ways = None if direction is None else torch.from_numpy(_check_direction(direction, len(at.samples)))
    slopes = np.empty_like(at.samples)  # (n, ...)

    def keep(part: slice, positions: Tensor, derivatives: Tensor) -> None:  # noqa: ARG001 - each_derivative's signature
        moved = derivatives.flatten(2)  # (b, d, p)
        if ways is None:
            found = torch.linalg.vector_norm(moved, dim=1)  # (b, p)
        else:
            _check_dimensions(ways, derivatives.shape[1])
            way = ways.expand(len(at.samples), -1)[part].to(moved)  # (b, d)
            found = torch.einsum("bd,bdp->bp", way, moved)  # (b, p)
        slopes[part] = (found.reshape(len(moved), *unit.shape) * unit.to(found)).cpu().numpy()  # (b, ...)

    each_derivative(at, batch_size, keep)
    return slopes


def _check_batch_size(batch_size: int, owner: str) -> None:
    check_parameters({"batch_size": batch_size}, {"batch_size": [integer_in(1)]}, owner)


def check_scale(scale: ArrayLike | None, at: Differentiable, owner: str) -> Array:
    """Return the unit of each value of a sample, of its shape and dtype, or refuse it; 1 for None."""
    shape = at.samples.shape[1:]
    if scale is None:
        return np.ones(shape, dtype=at.samples.dtype)
    units: Array = np.asarray(scale)
    if units.shape != shape or units.dtype.kind not in "fiub":
        raise InvalidParameterError(
            f"The 'scale' parameter of {owner} must be an array of numbers of the shape of a sample, {shape}. "
            f"Got {short_repr(scale)} instead."
        )
    units = check_points(units.reshape(1, prod(shape)), name="scale")[0].reshape(shape)  # (...)
    if (units < 0).any():
        raise InvalidParameterError(
            f"The 'scale' parameter of {owner} must hold values in [0, inf). Got {float(units.min())} among them."
        )
    return units.astype(at.samples.dtype)


def _check_direction(direction: ArrayLike, n_samples: int) -> Floats:
    """Return directions of length 1, (1, d) or (n, d), or refuse them."""
    given = np.asarray(direction)
    ways = check_points(given[None] if given.ndim == 1 else given, name="direction").astype(np.float64)  # (1 or n, d)
    if len(ways) not in (1, n_samples):
        raise ValueError(
            f"Expected 'direction' to be one direction, or one for each of {n_samples} samples in 'X'. Got {len(ways)}."
        )
    largest = np.abs(ways).max(axis=1, keepdims=True)  # (1 or n, 1) divided by first, so that squares stay finite
    if not largest.all():
        raise ValueError(f"Expected 'direction' to have a length. Got zeros in row {int(np.argmin(largest))}.")
    ways = ways / largest
    unit: Floats = ways / np.linalg.norm(ways, axis=1, keepdims=True)
    return unit


def _check_dimensions(ways: Tensor, n_components: int) -> None:
    if ways.shape[1] != n_components:
        raise ValueError(
            f"Expected 'direction' to have {n_components} columns, as the map has dimensions. Got {ways.shape[1]}."
        )
