"""The encoder of a model, built around the weights of its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drlim.persistence.schema import Metadata
from drlim.persistence.space_record import n_ambient, space_in

if TYPE_CHECKING:
    from torch import Tensor, nn

    from drlim._base.arrays import Array

__all__ = ["blank_module", "encoder_in"]


def blank_module(metadata: Metadata, given: object) -> nn.Module:
    """Return a module of the user's own to put the stored weights into."""
    from drlim.persistence.encoder import own_copy
    from drlim.persistence.place_encoder import own_trunk

    shape = tuple(metadata["architecture"]["input_shape"])
    if "places" in metadata:
        return own_trunk(given, shape)
    return own_copy(given, shape, _n_outputs(metadata))


def _n_outputs(metadata: Metadata) -> int:
    """Return the number of outputs of the network: ambient coordinates on a curved space."""
    return n_ambient(metadata["space"]) if "space" in metadata else metadata["architecture"]["n_components"]


def encoder_in(
    metadata: Metadata, weights: dict[str, Tensor], own: nn.Module | None, log_radii: Array | None
) -> nn.Module:
    """Build the encoder with the stored weights."""
    from drlim.persistence.encoder import filled_built_in, filled_own, placed
    from drlim.persistence.place_encoder import check_usable, places_encoder

    if "places" in metadata:
        encoder = places_encoder(metadata["places"], tuple(metadata["architecture"]["input_shape"]), weights, own)
        check_usable(encoder, trunk=own is None)
        return encoder
    records = metadata.get("space")
    space = None if records is None else space_in([(one["kind"], one["size"], one["radius"]) for one in records])
    if own is not None:
        return placed(filled_own(own, weights), space, log_radii, 1.0)
    network = filled_built_in(metadata["architecture"], weights, _n_outputs(metadata))
    return placed(network, space, log_radii, float(metadata.get("unit", 1.0)))
