"""The encoder as steps that the page carries out: tools/explorer/src/encoder.js does what these say, in float64.

A step is an entry of JSON with the key ``kind``; what it calls an array is the name of one. Values of a sample stand in
one row, images with the channels first. "Groups" are parts of equal length of that row: the columns of a table, the
channels of an image, or all of it.

=============  ====================================================================================================
``each``       clamp to ``low``, ``high`` (or None), subtract ``offset``, times ``factor``, plus ``addend``, by groups
``affine``     ``weight`` (q, p) times the row, plus ``bias`` (or None)
``convolve``   ``weight`` (m, c, k, k), ``bias``, ``stride``, ``padding``, on ``channels``, ``height``, ``width``
``pool``       means of squares of ``size``, with ``stride``
``unit``       scale to length 1
``apply``      ``name``: tanh, relu or silu, of each value
``surface``    for each of ``factors``, {"size", "radius"}: scale so many values to the radius, if there is one
``places``     the head of a `NeighborMap`: see `drlim.encoders.place_encoder.PlaceEncoder`
=============  ====================================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim.encoders.networks import Subsample
from drlim.encoders.place_encoder import PlaceEncoder
from drlim.encoders.retrieval import Components, Retrieval
from drlim.encoders.scaled import Scaled
from drlim.encoders.standardize import Standardize, UnitLength
from drlim.spaces import OnSpace

__all__ = ["NoStepError", "Step", "Steps", "steps_of"]

Step = dict[str, object]
"""A step, as JSON."""


class NoStepError(ValueError):
    """There is a layer, or a step before the map, that the page does not have."""


class Steps:
    """Steps, the arrays that they name, and the shape of what they give.

    Parameters
    ----------
    shape : tuple of int
        Shape of a sample.

    Attributes
    ----------
    steps : list of dict
    arrays : dict of str to ndarray
        Shared by all that are made by `branch`.
    shape : tuple of int
        Shape after the steps.
    """

    def __init__(self, shape: Sequence[int], arrays: dict[str, Array] | None = None) -> None:
        self.steps: list[Step] = []
        self.arrays: dict[str, Array] = {} if arrays is None else arrays
        self.shape = tuple(shape)

    def branch(self, shape: Sequence[int] | None = None) -> Steps:
        """Return steps that begin with samples of a shape, and keep their arrays here."""
        return Steps(self.shape if shape is None else shape, self.arrays)

    def kept(self, values: Tensor | Array | None, kind: type[np.generic] = np.float32) -> str | None:
        """Keep an array; return its name."""
        if values is None:
            return None
        array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
        name = f"weights{len(self.arrays)}"
        self.arrays[name] = np.ascontiguousarray(array, dtype=kind)
        return name

    def add(self, kind: str, **entries: object) -> None:
        """Add a step."""
        self.steps.append({"kind": kind, **entries})

    def each(
        self,
        *,
        offset: Tensor | Array | None = None,
        factor: Tensor | Array | None = None,
        addend: Tensor | Array | None = None,
        low: Tensor | Array | None = None,
        high: Tensor | Array | None = None,
    ) -> None:
        """Add a step that moves and scales each value, in float64."""
        given = {"offset": offset, "factor": factor, "addend": addend, "low": low, "high": high}
        flat = {name: None if values is None else np.asarray(values).reshape(-1) for name, values in given.items()}
        self.add("each", **{name: self.kept(values, np.float64) for name, values in flat.items()})


def steps_of(encoder: nn.Module, shape: Sequence[int], before: Steps | None = None) -> Steps:
    """Return the steps of an encoder in evaluation mode.

    Parameters
    ----------
    encoder : torch.nn.Module
        Of the built-in layers.
    shape : sequence of int
        Shape of a sample.
    before : Steps, default=None
        Steps before the encoder, which go on.

    Raises
    ------
    NoStepError
        When there is no such step for a layer; the message names it.

    Examples
    --------
    >>> from drlim import make_encoder
    >>> [step["kind"] for step in steps_of(make_encoder("two_layer", (4,)), (4,)).steps]
    ['each', 'affine', 'apply', 'affine']
    """
    steps = Steps(shape) if before is None else before
    _add(encoder, steps)
    return steps


def _add(layer: nn.Module, steps: Steps) -> None:
    add = _ADDERS.get(type(layer))
    if add is None:
        raise NoStepError(f"the encoder has a layer that the page does not have, {type(layer).__name__}")
    with torch.no_grad():
        add(layer, steps)


def _add_all(layer: nn.Module, steps: Steps) -> None:
    for part in layer.children():
        _add(part, steps)


def _add_standardize(layer: nn.Module, steps: Steps) -> None:
    module = cast(Standardize, layer)
    factor = 1.0 / module.scale.double().cpu().numpy()
    steps.each(offset=module.offset.cpu(), factor=factor, low=_cpu(module.lower), high=_cpu(module.upper))


def _cpu(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.cpu()


def _add_scaled(layer: nn.Module, steps: Steps) -> None:
    module = cast(Scaled, layer)
    _add(module.network, steps)
    steps.each(factor=np.array([module.unit]))


def _add_on_space(layer: nn.Module, steps: Steps) -> None:
    module = cast(OnSpace, layer)
    _add(module.network, steps)
    factors = module.resolved(1.0).factors
    steps.add("surface", factors=[{"size": factor.n_ambient, "radius": factor.radius} for factor in factors])
    steps.shape = (module.space.n_ambient,)


def _add_unit(layer: nn.Module, steps: Steps) -> None:  # noqa: ARG001 - all of `_ADDERS` take both
    steps.add("unit")


def _add_nothing(layer: nn.Module, steps: Steps) -> None:
    """Take a layer that changes the shape alone; rows are flat here."""


def _add_linear(layer: nn.Module, steps: Steps) -> None:
    module = cast(nn.Linear, layer)
    steps.add("affine", weight=steps.kept(module.weight), bias=steps.kept(module.bias))
    steps.shape = (module.out_features,)


def _add_components(layer: nn.Module, steps: Steps) -> None:
    module = cast(Components, layer)
    steps.each(offset=module.mean.cpu())
    steps.add("affine", weight=steps.kept(module.axes), bias=None)
    steps.shape = (len(module.axes),)


def _add_convolution(layer: nn.Module, steps: Steps) -> None:
    module = cast(nn.Conv2d, layer)
    size, stride, padding = (_first(values) for values in (module.kernel_size, module.stride, module.padding))
    squares = ((size,) * 2, (stride,) * 2, (padding,) * 2, (1, 1), 1, "zeros")
    given = (module.kernel_size, module.stride, module.padding, module.dilation, module.groups, module.padding_mode)
    if given != squares:
        raise NoStepError("the encoder has an unusual convolution, of rectangles, groups or holes")
    _, height, width = _as_image(steps.shape)
    steps.add(
        "convolve",
        weight=steps.kept(module.weight),
        bias=steps.kept(module.bias),
        stride=stride,
        padding=padding,
        height=height,
        width=width,
    )
    steps.shape = (module.out_channels, *((side + 2 * padding - size) // stride + 1 for side in (height, width)))


def _first(values: object) -> int:
    """Return the first of two sides; -1 for padding by a word."""
    return int(values[0]) if isinstance(values, tuple) else -1


def _add_subsample(layer: nn.Module, steps: Steps) -> None:
    module = cast(Subsample, layer)
    size, stride = int(cast(int, module.pool.kernel_size)), int(cast(int, module.pool.stride))
    channels, height, width = _as_image(steps.shape)
    steps.add("pool", size=size, stride=stride, channels=channels, height=height, width=width)
    steps.each(factor=module.coefficient.detach().cpu(), addend=module.bias.detach().cpu())
    steps.shape = (channels, *((side - size) // stride + 1 for side in (height, width)))


def _as_image(shape: Sequence[int]) -> tuple[int, int, int]:
    channels, height, width = (1, *shape)[-3:]
    return channels, height, width


def _add_normalization(layer: nn.Module, steps: Steps) -> None:
    module = cast(nn.BatchNorm1d, layer)
    if module.running_mean is None or module.running_var is None or not module.affine:
        raise NoStepError("the encoder has a batch normalisation without statistics or weights")
    deviation = np.sqrt(module.running_var.double().cpu().numpy() + module.eps)
    factor = module.weight.detach().double().cpu().numpy() / deviation
    steps.each(offset=module.running_mean.cpu(), factor=factor, addend=module.bias.detach().cpu())


def _applied(name: str) -> Callable[[nn.Module, Steps], None]:
    def add(layer: nn.Module, steps: Steps) -> None:  # noqa: ARG001 - all of `_ADDERS` take both
        steps.add("apply", name=name)

    return add


def _add_places(layer: nn.Module, steps: Steps) -> None:
    module = cast(PlaceEncoder, layer)
    shape, features, logits = steps.shape, steps.branch(), None
    _add(module.network.trunk, features)
    logits = features.branch((math.prod(features.shape),))
    _add(module.network.linear, logits)
    sources = [
        _source(steps, features, source, shape)
        for source in zip(module.shares, module.retrievals, module.reductions, module.of_features, strict=True)
    ]
    steps.add(
        "places",
        features=features.steps,
        logits=logits.steps,
        centres=steps.kept(module.head.centres),
        bandwidth=float(module.head.bandwidth),
        n_steps=module.head.n_steps,
        sources=sources,
    )
    steps.shape = (module.head.centres.shape[1],)


def _source(
    steps: Steps, features: Steps, source: tuple[float, nn.Module, nn.Module, bool], shape: Sequence[int]
) -> Step:
    share, found, reduction, of_features = source
    retrieval = cast(Retrieval, found)
    reduced = steps.branch((math.prod(features.shape),) if of_features else shape)
    _add(reduction, reduced)
    return {
        "share": float(share),
        "of_features": bool(of_features),
        "reduced": reduced.steps,
        "stored": steps.kept(retrieval.stored),
        "positions": steps.kept(retrieval.positions),
        "n_neighbors": retrieval.n_neighbors,
    }


_ADDERS: dict[type[nn.Module], Callable[[nn.Module, Steps], None]] = {
    nn.Sequential: _add_all,
    Standardize: _add_standardize,
    Scaled: _add_scaled,
    OnSpace: _add_on_space,
    PlaceEncoder: _add_places,
    UnitLength: _add_unit,
    nn.Identity: _add_nothing,
    nn.Flatten: _add_nothing,
    nn.Unflatten: _add_nothing,
    nn.Dropout: _add_nothing,
    nn.Linear: _add_linear,
    Components: _add_components,
    nn.Conv2d: _add_convolution,
    Subsample: _add_subsample,
    nn.BatchNorm1d: _add_normalization,
    nn.BatchNorm2d: _add_normalization,
    nn.Tanh: _applied("tanh"),
    nn.ReLU: _applied("relu"),
    nn.SiLU: _applied("silu"),
}
"""What adds the step of each kind of layer."""
