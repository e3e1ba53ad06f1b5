"""The encoder of a `NeighborMap`: described for a file, and built again from a description and its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat

import torch
from torch import Tensor, nn

from drlim._base.messages import one_line
from drlim.encoders.modern import PlaceLogits, make_trunk
from drlim.encoders.place_encoder import PlaceEncoder, Source
from drlim.encoders.places import Places, PlacesHead
from drlim.encoders.retrieval import Components, Retrieval
from drlim.encoders.standardize import UnitLength, unscaled
from drlim.persistence.encoder import LONGEST_LIST, filled_own, layout, make_room, own_module
from drlim.persistence.places_schema import COMPONENTS, FEATURES, TRUNK, PlacesRecord, SourceRecord, is_unreduced

__all__ = ["check_usable", "described_places", "own_trunk", "places_encoder", "trunk_name"]

_DROPOUTS = (1, 100_000)
"""Numbers of samples of which the built-in trunk drops more and less."""


def _scaled(module: nn.Module, count: int) -> nn.Module:
    """Put scalings to length 1 before a module."""
    for _ in repeat(None, count):
        module = nn.Sequential(UnitLength(), module)
    return module


def trunk_name(wanted: object, trunk: nn.Module, input_shape: tuple[int, ...]) -> str | None:
    """Return the name under which `load` can build a trunk, None when it is the user's own.

    Parameters
    ----------
    wanted : object
        The parameter ``encoder``, which may have been set anew since `fit`: the trained trunk decides, too.
    trunk : torch.nn.Module
        Without scalings.
    input_shape : tuple of int
    """
    if not isinstance(wanted, str):
        return None
    built_in = [layout(_unfilled_trunk(input_shape, n_samples)) for n_samples in _DROPOUTS]
    return "auto" if layout(trunk) in built_in else None


def _unfilled_trunk(input_shape: tuple[int, ...], n_samples: int) -> nn.Sequential:
    """Build a trunk without memory for its weights."""
    with torch.device("meta"):
        return make_trunk(input_shape, n_samples)


def described_places(encoder: PlaceEncoder, name: str | None) -> PlacesRecord:
    """Return what is not in the tensors of an encoder, by the name of its trunk."""
    count, trunk = unscaled(encoder.network.trunk)
    rates = [module.p for module in trunk.modules() if isinstance(module, nn.Dropout)]
    sources = zip(encoder.shares, encoder.retrievals, encoder.reductions, encoder.of_features, strict=True)
    return {
        "dropout": None if name is None else rates[0],
        "unit_length": count,
        "n_steps": encoder.head.n_steps,
        "sources": [_described_source(*source) for source in sources],
    }


def _described_source(share: float, retrieval: nn.Module, reduction: nn.Module, of_features: bool) -> SourceRecord:
    count, reduction = unscaled(reduction)
    kinds = (Components, nn.Identity) if of_features else (Components,)
    if not isinstance(retrieval, Retrieval) or type(reduction) not in kinds:
        raise TypeError("The encoder cannot be saved: it retrieves by features of an unknown kind.")
    by = FEATURES if of_features else COMPONENTS
    return {"share": float(share), "n_neighbors": retrieval.n_neighbors, "by": by, "unit_length": count}


def own_trunk(given: object, input_shape: tuple[int, ...]) -> nn.Module:
    """Return a module to put the trunk's weights into: a copy of the one given, or a new one from its factory."""
    return own_module(given, (input_shape,), "(input_shape)")


def places_encoder(
    record: PlacesRecord, input_shape: tuple[int, ...], weights: Mapping[str, Tensor], own: nn.Module | None
) -> PlaceEncoder:
    """Build an encoder with the stored weights.

    Parameters
    ----------
    record : PlacesRecord
        Checked, as the shapes of the weights were.
    input_shape : tuple of int
        Shape of one sample.
    weights : dict of str to Tensor
        By the names in the encoder's state. Their values are not trusted: see `check_usable`.
    own : torch.nn.Module or None
        The user's own trunk, which gets the stored weights; None builds the trunk by the form of a sample.

    Raises
    ------
    ValueError
        When weights do not fit the trunk, or are of another type.
    """
    of_trunk = {name.removeprefix(TRUNK): value for name, value in weights.items() if name.startswith(TRUNK)}
    others = {name: value for name, value in weights.items() if not name.startswith(TRUNK)}
    _check_dtypes(others)
    n_places, n_features = others["network.linear.weight"].shape
    with torch.device("meta"):
        network = PlaceLogits(nn.Identity(), n_features, n_places)
    head = PlacesHead(Places(others["head.centres"].numpy(), spacing=1.0), record["n_steps"])
    sources = [_source(source, place, others) for place, source in enumerate(record["sources"])]
    encoder = PlaceEncoder(network, head, sources)
    encoder.load_state_dict(others, assign=True)
    if own is None:
        trunk = _filled_trunk(record, input_shape, of_trunk)
    else:
        trunk = filled_own(_scaled(own, record["unit_length"] - unscaled(own)[0]), of_trunk)
    network.trunk = trunk
    return encoder


def _source(record: SourceRecord, place: int, weights: Mapping[str, Tensor]) -> Source:
    """Build a retrieval around the stored tensors."""
    stored, positions = (weights[f"retrievals.{place}.{part}"].numpy() for part in ("stored", "positions"))
    retrieval = Retrieval(stored, positions, record["n_neighbors"])  # of (n, q), (n, d)
    if is_unreduced(place, record, weights):
        return Source(record["share"], retrieval, nn.Identity(), of_features=True)
    begin = f"reductions.{place}." + "1." * record["unit_length"]
    components = Components(weights[f"{begin}mean"].numpy(), weights[f"{begin}axes"].numpy())
    reduction = _scaled(components, record["unit_length"])
    return Source(record["share"], retrieval, reduction, of_features=record["by"] == FEATURES)


def _check_dtypes(weights: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not of the types of an encoder's."""
    for name, value in weights.items():
        if value.dtype != torch.float32:
            raise ValueError(f"{name!r} of its encoder is of type {value.dtype}")


def _filled_trunk(record: PlacesRecord, input_shape: tuple[int, ...], weights: dict[str, Tensor]) -> nn.Module:
    """Build the trunk for samples of a shape, with the stored weights."""
    trunk = _unfilled_trunk(input_shape, _DROPOUTS[0])
    for module in trunk.modules():
        if isinstance(module, nn.Dropout) and record["dropout"] is not None:
            module.p = float(record["dropout"])
    scaled = _scaled(trunk, record["unit_length"])
    make_room(scaled, weights)
    dtypes = {name: value.dtype for name, value in scaled.state_dict().items()}
    try:
        scaled.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ValueError(f"its weights are not those of its trunk: {one_line(error, LONGEST_LIST)}") from None
    if any(value.dtype != dtypes[name] for name, value in weights.items()):
        raise ValueError("not all weights of its trunk are float32")
    return scaled


def check_usable(encoder: PlaceEncoder, *, trunk: bool) -> None:
    """Refuse tensors that no training can have left.

    Parameters
    ----------
    encoder : PlaceEncoder
        Its parameters were found finite.
    trunk : bool
        Whether the trunk is a built-in one, and to be checked, too; the buffers of an own one may hold anything.

    Raises
    ------
    ValueError
    """
    built = [encoder.network.linear, encoder.head, encoder.retrievals, encoder.reductions]
    for part in [*built, encoder.network.trunk] if trunk else built:
        _check_buffers(part)
    if not bool(encoder.head.bandwidth > 0) or not bool(encoder.head.bandwidth.square() > 0):
        raise ValueError("the bandwidth of its head is not positive")
    for retrieval in encoder.retrievals:
        assert isinstance(retrieval, Retrieval)  # noqa: S101 - for mypy
        if not torch.allclose(retrieval.half_squares, retrieval.stored.square().sum(dim=1) / 2, rtol=1e-3):
            raise ValueError("the squares in its retrieval are not those of what it stores")


def _check_buffers(part: nn.Module) -> None:
    for name, buffer in part.named_buffers():
        if not bool(torch.isfinite(buffer).all()):
            raise ValueError(f"the encoder's buffer {name!r} is not finite")
