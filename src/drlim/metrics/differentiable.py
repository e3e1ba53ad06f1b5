"""What the sensitivities of a map take in: a fitted model or a module, and samples of the shape it was fitted on."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.checks import check_points, short_repr
from drlim._base.forms import taken
from drlim._base.refusals import column_names
from drlim._base.torch import Rows, device_of
from drlim.encoders.derivatives import Use, each_jacobian
from drlim.training.units import space_under

__all__ = ["Differentiable", "differentiable", "each_derivative", "refuse_space"]


class Differentiable(NamedTuple):
    """An encoder, and the samples at which its derivatives are wanted.

    Attributes
    ----------
    encoder : torch.nn.Module
    samples : ndarray of float32 or float64, shape (n, ...)
        In the dtype in which the model maps them.
    """

    encoder: nn.Module
    samples: Array

    @property
    def rows(self) -> Rows:
        """The samples, a batch at a time, on the device of the encoder."""
        dtype = torch.float64 if self.samples.dtype == np.float64 else torch.float32
        return Rows(self.samples, device_of(self.encoder), dtype)


def each_derivative(at: Differentiable, batch_size: int, use: Use) -> None:
    """Do what `each_jacobian` does; on a curved space with derivatives along its coordinates, as lengths.

    Of a circle it is the length along it, of a sphere those to the east and to the north: (b, n_components, ...).
    """
    space = space_under(at.encoder)
    if space is None:
        each_jacobian(at.encoder, at.rows, batch_size, use)
        return

    def along(part: slice, positions: Tensor, derivatives: Tensor) -> None:
        frame = space.frame(positions)  # (b, d, a)
        use(part, positions, torch.einsum("bda,ba...->bd...", frame, derivatives))

    each_jacobian(at.encoder, at.rows, batch_size, along)


def refuse_space(model: object, owner: str) -> None:
    """Refuse a map on a curved space, which the function does not measure along."""
    space = getattr(model, "space_", None)
    if space is not None and not space.is_flat:
        raise ValueError(
            f"{owner} takes flat maps only: on {space} it would measure straight through the space. Fit the model with "
            "space='euclidean'."
        )


def differentiable(model: object, X: ArrayLike, owner: str, name: str = "X") -> Differentiable:
    """Return a model's encoder and checked samples, or refuse either.

    Parameters
    ----------
    model : torch.nn.Module, or fitted object with a module ``encoder_``
    X : array-like, shape (n_samples, ...)
        In any form that `drlim._base.forms.taken` takes.
    owner : str
        Name of the function, in an error.
    name : str, default="X"
        The parameter's name in an error.

    Raises
    ------
    NotFittedError, ValueError, TypeError
        When the model is of another kind or not fitted, or the samples are not like those that it was fitted on.
    """
    encoder = _encoder_of(model, owner)
    given, names = taken(X, name)
    # As the estimators do: small types are exact in float32.
    is_small = isinstance(getattr(given, "dtype", None), np.dtype) and np.can_cast(given.dtype, np.float32, "safe")
    dtype: Any = np.float32 if is_small else (np.float64, np.float32)
    samples = check_points(given, name=name, ndim=None, dtype=(dtype,) if is_small else dtype)  # (n, ...)
    wanted = getattr(model, "input_shape_", samples.shape[1:])
    if samples.shape[1:] != tuple(wanted):
        raise ValueError(
            f"Expected {name!r} to hold samples of shape {tuple(wanted)}, as the model was fitted on. "
            f"Got {samples.shape[1:]}."
        )
    _check_names(model, names or column_names(given), name)
    return Differentiable(encoder, samples)


def _encoder_of(model: object, owner: str) -> nn.Module:
    """Return the module that maps the samples of a model."""
    if isinstance(model, nn.Module):
        return model
    if isinstance(model, type):
        raise TypeError(f"Expected 'model' to be a fitted object. Got the class {model.__name__} itself.")
    if hasattr(model, "fit") and hasattr(model, "transform"):
        check_is_fitted(model)
    encoder = getattr(model, "encoder_", None)
    if isinstance(encoder, nn.Module):
        return encoder
    raise TypeError(
        f"The 'model' parameter of {owner} must be a torch module, or a fitted DrLIM or NeighborMap: a map without a "
        f"network has no derivative. Got {short_repr(model)} instead."
    )


def _check_names(model: object, found: list[Any] | None, name: str) -> None:
    """Refuse columns of other names, or in another order, than those that the model was fitted on."""
    fitted = getattr(model, "feature_names_in_", None)
    if fitted is not None and found is not None and list(fitted) != list(found):
        raise ValueError(
            f"Expected {name!r} to have the columns of the training data, in their order: choose them by "
            f"{name}[model.feature_names_in_]."
        )
