"""The encoder of a fit: built by name, copied from a module, or made by a user's function, and tried on two samples."""

from __future__ import annotations

import copy
from collections.abc import Callable

from torch import nn

from drlim._base.calls import user_call
from drlim._base.checks import short_repr
from drlim.encoders import Standardize
from drlim.encoders.networks import build_encoder
from drlim.encoders.scaled import network_and_unit, scaled
from drlim.estimators.on_space import warn_of_crowding
from drlim.estimators.samples import Samples
from drlim.spaces import OnSpace, Space
from drlim.springs import Springs
from drlim.training.preflight import try_encoder, warn_of_scale
from drlim.training.units import in_margins, unit_of

__all__ = ["encoder_for", "in_unit_of"]

Factory = Callable[[tuple[int, ...], int], nn.Module]


def encoder_for(
    wanted: str | nn.Module | Factory,
    samples: Samples,
    space: Space,
    previous: nn.Module | None,
    springs: Springs,
) -> nn.Module:
    """Return a new encoder in float32, or refuse the parameter.

    Parameters
    ----------
    wanted : str, torch.nn.Module or callable
        The parameter ``encoder`` of an estimator.
    samples : Samples, shape (n, ...)
        Checked samples. The standardisation of an encoder by name is fitted to them.
    space : Space
        Of the map. An encoder has an output for each of its ambient coordinates, which `OnSpace` brings onto it.
    previous : torch.nn.Module or None
        Encoder of an earlier fit, which must not be trained again under a new fit.
    springs : Springs
        Their unit, the margin, multiplies the outputs of encoders by name. Those of a user's own module are positions
        as they are, for they may be bounded; a warning says where they are out of proportion.
    """
    warn_of_crowding(space, springs)
    n_outputs = space.n_ambient
    if isinstance(wanted, str):
        encoder: nn.Module = build_encoder(wanted, samples.shape[1:], n_outputs).float()
        for module in encoder.children():
            if isinstance(module, Standardize):
                module.fit(samples)
        encoder = scaled(_on_space(encoder, space.in_unit(unit_of(springs))), unit_of(springs))
    elif isinstance(wanted, nn.Module):
        with user_call("To copy the module given as 'encoder'"):
            encoder = copy.deepcopy(wanted).float()
    else:
        encoder = _made(wanted, samples.shape[1:], n_outputs, _network(previous))
    try_encoder(encoder, samples, n_outputs)
    if not isinstance(wanted, str):
        encoder = _on_space(encoder, space, unit_of(springs))
    if not isinstance(wanted, str):
        warn_of_scale(in_margins(encoder, springs)[0], samples, springs)
    return encoder


def in_unit_of(encoder: nn.Module, module: nn.Module) -> nn.Module:
    """Return a copy of a module in training, whose outputs count in margins, in the unit of the encoder's outputs."""
    return scaled(copy.deepcopy(network_and_unit(module)[0]), network_and_unit(encoder)[1])


def _on_space(network: nn.Module, space: Space, initial: float = 1.0) -> nn.Module:
    """Return a network whose points lie on a space; on a flat one the network itself."""
    return network if space.is_flat else OnSpace(network, space, initial)


def _network(encoder: nn.Module | None) -> nn.Module | None:
    """Return the module that a factory made, of the encoder that was built of it."""
    inner = None if encoder is None else network_and_unit(encoder)[0]
    return inner.network if isinstance(inner, OnSpace) else encoder


def _made(factory: Factory, input_shape: tuple[int, ...], n_components: int, previous: nn.Module | None) -> nn.Module:
    wanted = "The 'encoder' parameter of DrLIM must be a name, a module or (input_shape, n_components) -> module."
    with user_call(f"{wanted} Called with {input_shape} and {n_components} it"):
        encoder: object = factory(input_shape, n_components)
    if not isinstance(encoder, nn.Module):
        raise TypeError(
            "The 'encoder' parameter of DrLIM must return a torch.nn.Module when called with (input_shape, "
            f"n_components). Got {short_repr(encoder)} instead."
        )
    if encoder is previous:
        raise ValueError("The 'encoder' parameter of DrLIM must return a new module at each call, not the old one.")
    with user_call("To turn the module that 'encoder' makes into float32"):
        return encoder.float()
