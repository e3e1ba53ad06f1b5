"""The encoder of a model: which built-in one it is, and how it is made again around stored weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.calls import user_call
from drlim._base.checks import check_parameters, short_repr
from drlim._base.messages import one_line
from drlim._base.torch import seeded
from drlim.encoders import ENCODERS, Standardize, make_encoder
from drlim.encoders.scaled import network_and_unit, scaled
from drlim.spaces import OnSpace, Space

if TYPE_CHECKING:
    from drlim.estimators.drlim import DrLIM
    from drlim.persistence.schema import Architecture

__all__ = [
    "LONGEST_LIST",
    "bare_network",
    "built_in_name",
    "check_finite",
    "filled_built_in",
    "filled_own",
    "layout",
    "learned_radii",
    "make_room",
    "own_copy",
    "own_module",
    "placed",
]

LONGEST_LIST = 300
"""Maximum number of characters of torch's list of weights that do not fit."""

_LARGEST_LOG = 80.0
"""Largest logarithm of a radius, and of its reciprocal, that float32 holds the square root of the largest number of."""


def built_in_name(estimator: DrLIM) -> str | None:
    """Return the name under which `load` can build the encoder, None when it is the user's own.

    The trained encoder decides, not the parameter: that may be "auto", or may have been set anew since `fit`.
    """
    if not isinstance(estimator.encoder, str):
        return None
    wanted = layout(bare_network(estimator))
    n_outputs = estimator.space_.n_ambient
    for name in ENCODERS:
        try:
            if layout(_unfilled(name, estimator.input_shape_, n_outputs)) == wanted:
                return name
        except ValueError:  # this encoder does not take samples of this shape
            continue
    return None


def bare_network(estimator: DrLIM) -> nn.Module:
    """Return the network of a fit: without a unit, but for one of the user's own, and without the layer of a space."""
    encoder = estimator.encoder_
    network = network_and_unit(encoder)[0] if isinstance(estimator.encoder, str) else encoder
    return network.network if isinstance(network, OnSpace) else network


def learned_radii(encoder: nn.Module) -> Tensor | None:
    """Return the logarithms of the radii that an encoder has learned, or None."""
    network = network_and_unit(encoder)[0]
    return network.log_radii.detach() if isinstance(network, OnSpace) and hasattr(network, "log_radii") else None


def placed(network: nn.Module, space: Space | None, log_radii: Array | None, unit: float) -> nn.Module:
    """Return the encoder of a network on a space, whose radii are in the unit."""
    if space is None and log_radii is not None:
        raise ValueError("it has radii, and no space")
    if space is not None:
        network = OnSpace(network, space)
        if hasattr(network, "log_radii") != (log_radii is not None):
            raise ValueError("it has radii that its space does not, or lacks them")
        if log_radii is not None:
            if log_radii.shape != tuple(network.log_radii.shape) or log_radii.dtype != np.float32:
                raise ValueError("the radii of its space are not those of a map")
            if not bool((np.abs(log_radii) < _LARGEST_LOG).all()):
                raise ValueError("a radius of its space is not finite")
            network.log_radii = nn.Parameter(torch.from_numpy(log_radii))
    return scaled(network, unit)


def layout(encoder: nn.Module) -> tuple[str, dict[str, tuple[int, ...]]]:
    """Return the layers of an encoder, and the shapes of its weights; those of a standardisation follow from both."""
    own = {f"{name}.{buffer}" for name, module in _standardizing(encoder) for buffer, _ in module.named_buffers()}
    return str(encoder), {name: tuple(value.shape) for name, value in encoder.state_dict().items() if name not in own}


def _standardizing(encoder: nn.Module) -> list[tuple[str, Standardize]]:
    """Return the modules of an encoder that standardise, by name."""
    return [(name, module) for name, module in encoder.named_modules() if isinstance(module, Standardize)]


def make_room(encoder: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Let an unfilled encoder take the bounds that are among the weights."""
    for name, module in _standardizing(encoder):
        if f"{name}.lower" in weights:
            module.bound()


def _unfilled(name: str, input_shape: Sequence[int], n_components: int) -> nn.Module:
    """Build an encoder without memory for its weights: none is drawn, and no size in a file can exhaust the memory."""
    with torch.device("meta"):
        return make_encoder(name, tuple(input_shape), n_components).float()


def check_finite(encoder: nn.Module, embedding: Array) -> None:
    """Refuse values that no training can have left. Buffers of a module of the user's may hold infinities: masks do."""
    for name, weight in encoder.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise ValueError(f"the encoder's weight {name!r} is not finite")
    for name, buffer in encoder.named_buffers():
        if bool(torch.isnan(buffer).any()):
            raise ValueError(f"the encoder's buffer {name!r} has NaN in it")
    for module in encoder.modules():
        _check_scaling(module)
    if not np.isfinite(embedding).all():
        raise ValueError("the map of the training samples is not finite")


def _check_scaling(module: nn.Module) -> None:
    """Refuse a scale or a variance that would be divided by, or whose root would be taken, and an infinite offset."""
    if isinstance(module, Standardize):
        if not bool(torch.isfinite(module.offset).all()):
            raise ValueError("the offset of its samples is not finite")
        tiny = torch.finfo(torch.float32).tiny  # quotients by anything smaller leave the finite numbers
        if not bool(torch.isfinite(module.scale).all() and (module.scale >= tiny).all()):
            raise ValueError("the scale of its samples is not positive and finite")
        _check_bounds(module)
    variance = getattr(module, "running_var", None)
    if isinstance(variance, Tensor) and not bool(torch.isfinite(variance).all() and (variance >= 0).all()):
        raise ValueError("a variance in its encoder is negative or not finite")


def _check_bounds(module: Standardize) -> None:
    """Refuse bounds that no value lies within."""
    if module.lower is not None and module.upper is not None and not bool((module.lower <= module.upper).all()):
        raise ValueError("the bounds of its samples contradict each other")


def filled_built_in(architecture: Architecture, weights: dict[str, Tensor], n_outputs: int) -> nn.Module:
    """Build the network that an architecture names, with the stored weights."""
    name = str(architecture["encoder"])
    encoder = _unfilled(name, architecture["input_shape"], n_outputs)
    if any(value.dtype != torch.float32 for value in weights.values()):
        raise ValueError(f"not all weights of its {name!r} encoder are float32")
    make_room(encoder, weights)
    try:
        encoder.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ValueError(f"its weights are not those of a {name!r} encoder: {one_line(error, LONGEST_LIST)}") from None
    return encoder


def own_copy(given: object, input_shape: tuple[int, ...], n_components: int) -> nn.Module:
    """Return a module to put weights into: a copy of the one given, or a new one from its factory."""
    return own_module(given, (input_shape, n_components), "(input_shape, n_components)")


def own_module(given: object, arguments: tuple[object, ...], described: str) -> nn.Module:
    """Return a copy of a module, or a new one from a factory that takes the arguments, which an error describes."""
    check_parameters({"encoder": given}, {"encoder": [nn.Module, callable]}, "load")
    if isinstance(given, nn.Module):
        with user_call("To copy the module given as 'encoder'"):
            return copy.deepcopy(given).float().cpu()
    assert callable(given)  # noqa: S101 - just checked
    # Its initial weights will be overwritten, and the caller's random numbers stay as they were.
    with seeded(0), user_call(f"The 'encoder' parameter of load, called with {described},"):
        made: object = given(*arguments)
    if not isinstance(made, nn.Module):
        raise TypeError(
            f"The 'encoder' parameter of load must return a torch.nn.Module when called with {described}. "
            f"Got {short_repr(made)} instead."
        )
    return made.float().cpu()


def filled_own(encoder: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """Put the stored weights into a module of the user's own, and return it."""
    try:
        encoder.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"its weights do not fit the 'encoder' given: {one_line(error, LONGEST_LIST)}") from None
    return encoder
