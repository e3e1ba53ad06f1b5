"""The trunk of a `NeighborMap`: built for the samples, copied from a module, or made by a function of the user."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn

from drlim._base.arrays import Array
from drlim._base.checks import short_repr
from drlim._base.messages import one_line
from drlim._base.torch import Rows
from drlim.encoders.modern import count_features, make_trunk
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.encoders.standardize import Standardize, UnitLength

__all__ = ["trunk_for"]

Factory = Callable[[tuple[int, ...]], nn.Module]


def trunk_for(
    wanted: str | nn.Module | Factory,
    samples: Array,
    device: torch.device,
    by_direction: bool,
    previous: PlaceEncoder | None,
) -> tuple[nn.Module, int]:
    """Return a new trunk in float32 on the device, and its number of features; or refuse the parameter.

    Parameters
    ----------
    wanted : str, torch.nn.Module or callable
        The parameter ``encoder`` of `NeighborMap`.
    samples : ndarray, shape (n, ...)
        Checked samples. The standardisation of the built-in trunks is fitted to them.
    device : torch.device
    by_direction : bool
        Whether samples are scaled to length 1 first.
    previous : PlaceEncoder or None
        The encoder to go on from: a copy of its trunk is taken.
    """
    if previous is not None:
        return copy.deepcopy(previous.network.trunk).to(device), previous.network.linear.in_features
    shape = samples.shape[1:]
    if isinstance(wanted, str):
        trunk: nn.Module = make_trunk(shape, len(samples))
    elif isinstance(wanted, nn.Module):
        trunk = copy.deepcopy(wanted).float()
    else:
        trunk = _made(wanted, shape)
    seen = samples
    if by_direction:
        seen = UnitLength()(torch.from_numpy(samples)).numpy()  # (n, ...)
    for module in trunk.children() if isinstance(wanted, str) else ():
        if isinstance(module, Standardize):
            module.fit(seen)
    trunk = (nn.Sequential(UnitLength(), trunk) if by_direction else trunk).to(device)
    return trunk, _n_features(trunk, Rows(samples[:2], device, torch.float32))


def _made(factory: Factory, input_shape: tuple[int, ...]) -> nn.Module:
    try:
        trunk: object = factory(input_shape)
    except Exception as error:
        raise ValueError(
            "The 'encoder' parameter of NeighborMap must be a module or a callable (input_shape) -> module. Called "
            f"with {input_shape} it fails: {one_line(error)}"
        ) from error
    if not isinstance(trunk, nn.Module):
        raise TypeError(
            "The 'encoder' parameter of NeighborMap must return a torch.nn.Module when called with (input_shape). "
            f"Got {short_repr(trunk)} instead."
        )
    return trunk.float()


def _n_features(trunk: nn.Module, two: Rows) -> int:
    """Try a trunk on two samples."""
    x = two.take(slice(None))  # (2, ...)
    try:
        return count_features(trunk, x)
    except Exception as error:  # whatever a user's module raises
        raise ValueError(
            "The 'encoder' parameter of NeighborMap must map (2, ...) samples to features of shape (2, n_features). On "
            f"samples of shape {tuple(x.shape[1:])} it fails: {one_line(error)}"
        ) from error
