"""The trunk of a `NeighborMap`: built for the samples, copied from a module, or made by a function of the user."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from drlim._base.arrays import Array
from drlim._base.calls import reason, user_call
from drlim._base.checks import short_repr
from drlim._base.sparse_rows import AnyRows, SparseRows
from drlim._base.stored_rows import StoredRows
from drlim._base.torch import Rows, seeded
from drlim.encoders.embedding import embed_rows
from drlim.encoders.modern import count_features, make_trunk
from drlim.encoders.networks import refuse_channels_last
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.encoders.standardize import Standardize, UnitLength
from drlim.neighbors.coordinates import directions

__all__ = ["trunk_for"]

Factory = Callable[[tuple[int, ...]], nn.Module]


def trunk_for(
    wanted: str | nn.Module | Factory,
    samples: AnyRows,
    device: torch.device,
    by_direction: bool,
    seed: int,
    previous: PlaceEncoder | None,
) -> tuple[nn.Module, int]:
    """Return a new trunk in float32 on the device, and its number of features; or refuse the parameter.

    Parameters
    ----------
    wanted : str, torch.nn.Module or callable
        The parameter ``encoder`` of `NeighborMap`.
    samples : ndarray of shape (n, ...), or SparseRows
        Checked samples. The standardisation of the built-in trunks is fitted to them.
    device : torch.device
    by_direction : bool
        Whether samples are scaled to length 1 first.
    seed : int
        Draws the weights of the built-in trunks.
    previous : PlaceEncoder or None
        The encoder to go on from: a copy of its trunk is taken.
    """
    if previous is not None:
        return copy.deepcopy(previous.network.trunk).to(device), previous.network.linear.in_features
    shape = samples.shape[1:]
    if isinstance(wanted, str):
        refuse_channels_last(shape)
        trunk: nn.Module = make_trunk(shape, len(samples))
    elif isinstance(wanted, nn.Module):
        with user_call("To copy the module given as 'encoder'"):
            trunk = copy.deepcopy(wanted).float()
    else:
        trunk = _made(wanted, shape)
    if isinstance(wanted, str):
        trunk = _begun(trunk.float(), samples, by_direction, seed)
    trunk = (nn.Sequential(UnitLength(), trunk) if by_direction else trunk).to(device)
    return trunk, _n_features(trunk, samples[:2], device)


def _begun(trunk: nn.Module, samples: AnyRows, by_direction: bool, seed: int) -> nn.Module:
    """Return a built-in trunk with its standardisation fitted and its weights drawn."""
    seen = _scaled(samples) if by_direction else samples  # (n, ...)
    for module in trunk.children():
        if isinstance(module, Standardize):
            module.fit(seen)
    _draw_weights(trunk, seed)
    return trunk


def _scaled(samples: AnyRows) -> AnyRows:
    """Return samples scaled to length 1, (n, ...), those outside memory where they are read."""
    if isinstance(samples, SparseRows):
        return directions(samples)
    return samples.changed(_of_unit_length) if isinstance(samples, StoredRows) else _of_unit_length(samples)


def _of_unit_length(samples: Array) -> Array:
    """Return samples scaled to length 1 as the trunk scales them, (n, ...)."""
    scaled: Array = UnitLength()(torch.from_numpy(np.array(samples))).numpy()
    return scaled


def _draw_weights(module: nn.Module, seed: int) -> None:
    """Draw the initial weights of all layers again.

    Layers draw their weights in torch's default dtype, in which the same generator gives other numbers. Drawn again in
    the layers' own dtype, they do not depend on it.
    """
    with seeded(seed):
        for layer in module.modules():
            draw = getattr(layer, "reset_parameters", None)
            if callable(draw):
                draw()


def _made(factory: Factory, input_shape: tuple[int, ...]) -> nn.Module:
    wanted = "The 'encoder' parameter of NeighborMap must be a module or a callable (input_shape) -> module."
    with user_call(f"{wanted} Called with {input_shape} it"):
        trunk: object = factory(input_shape)
    if not isinstance(trunk, nn.Module):
        raise TypeError(
            "The 'encoder' parameter of NeighborMap must return a torch.nn.Module when called with (input_shape). "
            f"Got {short_repr(trunk)} instead."
        )
    return trunk.float()


def _n_features(trunk: nn.Module, two: Array, device: torch.device) -> int:
    """Try a trunk on two samples, in the dtype of training and in theirs; return its number of features."""
    wanted = "The 'encoder' parameter of NeighborMap must map (2, ...) samples to features of shape (2, n_features)"
    kinds = [torch.float32, torch.float64] if two.dtype == np.float64 else [torch.float32]
    for kind in kinds:
        rows = Rows(two, device, kind)
        try:
            if kind == torch.float32:
                count_features(trunk, rows.take(slice(None)))
            features = embed_rows(trunk, rows)  # (2, ...)
        except Exception as error:  # whatever a user's module raises
            name = str(kind).removeprefix("torch.")
            hint = " Give X as float32, or let the module take float64." if kind == torch.float64 else ""
            raise ValueError(
                f"{wanted}. On {name} samples of shape {two.shape[1:]} it fails: {reason(error)}.{hint}"
            ) from error
        if features.numel() == 0:
            raise ValueError(f"{wanted}, n_features at least 1. It gives {tuple(features.shape)}.")
        if not bool(torch.isfinite(features).all()):
            raise ValueError(f"{wanted}, of finite numbers. It gives {short_repr(features.flatten().tolist())}.")
    return features[0].numel()
