"""Trunks of wide rows, trained on the principal components of the rows and given back as trunks of the rows.

A layer that reads 30,000 columns has 15 million weights. It is trained as a layer on up to 200 principal components,
which have been computed to find neighbours in; both are one linear map, which takes the place of the layer afterwards::

    W (x - o) / s + b = V A (x - m) / r + a        W = s/r V A,    b = a + V A (o - m) / r

with the rows' mean m and axes A (q, p), the unit r of the components, the layer V, a that is trained, and the offset o
and the scale s by which the trunk standardises rows. Where the relations are neighbours in these components, no other
column has anything to tell; where labels, pairs or a graph are stated, the layer is trained on all columns.
"""

from __future__ import annotations

import copy
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import nn

from drlim._base.torch import seeded
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.standardize import Standardize, unscaled
from drlim.neighbors.coordinates import Measured
from drlim.neighbors.reduce import Components

__all__ = ["Narrowed", "narrowed"]

_WIDE = 1500
"""Number of columns beyond which a built-in trunk is trained on principal components."""

_FEWEST, _ROWS_EACH = 20, 20
"""Minimum number of components that it is trained on, and number of rows for each one beyond. The more axes there are
for each row, the farther the rows that they were computed from lie along them than others do, for which the trunk then
is wrong."""


class Narrowed(NamedTuple):
    """A trunk of principal components, and the trunk of rows that it stands for.

    Attributes
    ----------
    trunk : torch.nn.Sequential
        Maps components (b, q). All but its first two modules are those of ``wide``.
    wide : torch.nn.Module
        Maps rows (b, p).
    measured : Measured
        The components of the rows that it maps, the first of those given.
    """

    trunk: nn.Sequential
    wide: nn.Module
    measured: Measured

    def widened(self, network: PlaceLogits) -> PlaceLogits:
        """Return a network on rows that gives what ``network``, of the narrow trunk, gives on their components."""
        scale, first, rest = _layers(network.trunk)
        found = copy.deepcopy(self.wide)
        standardize, layer, others = _layers(found)
        assert isinstance(first, nn.Linear) and isinstance(layer, nn.Linear)  # noqa: S101, PT018 - for mypy
        found_in = self.measured.components
        mean, axes = (
            torch.from_numpy(np.array(one)).double() for one in (found_in.mean, found_in.axes)
        )  # (p,), (p, q)
        offset, factor, unit, weight, bias = (
            one.detach().cpu().double()  # not every device has numbers of 64 bits
            for one in (standardize.offset, standardize.scale, scale.scale, first.weight, first.bias)
        )
        with torch.no_grad():
            layer.weight.copy_((weight * (factor / unit)) @ axes.T)  # (h, p)
            layer.bias.copy_(bias + weight @ (axes.T @ (offset - mean)) / unit)  # (h,)
        for other, trained in zip(others, rest, strict=True):
            other.load_state_dict(trained.state_dict())
        with torch.device("meta"):  # no weights are drawn
            wide = PlaceLogits(found, network.linear.in_features, network.linear.out_features)
        wide.linear = copy.deepcopy(network.linear)
        return wide.train(network.training)


def narrowed(trunk: nn.Module, measured: Measured, seed: int) -> Narrowed | None:
    """Return a built-in trunk as one of principal components; None where it is to be trained on all columns.

    That is where there are few columns, or where they need more than one scale.

    Parameters
    ----------
    trunk : torch.nn.Module
        Built-in, its standardisation fitted.
    measured : Measured
        Components of the rows that it is to be trained on.
    seed : int
        Draws the initial weights of the layer of components.
    """
    standardize, layer, rest = _layers(trunk)
    if not isinstance(layer, nn.Linear) or layer.in_features <= _WIDE or standardize.is_bounded:
        return None
    q = min(measured.points.shape[1], max(_FEWEST, len(measured.points) // _ROWS_EACH))
    found = measured.components
    kept = Components(found.mean, found.axes[:, :q], found.variances[:q])
    points = np.ascontiguousarray(measured.points[:, :q])  # (n, q)
    scale = Standardize(points.shape[1:])
    unit = float(np.sqrt(np.square(points, dtype=np.float64).mean()))
    scale.scale.fill_(unit if unit > 0 else 1.0)
    with seeded(seed):
        first = nn.Linear(points.shape[1], layer.out_features, dtype=torch.float32)
    narrow = nn.Sequential(scale, nn.Flatten(), first, *rest).to(layer.weight.device)
    return Narrowed(narrow, trunk, Measured(points, kept))


def _layers(trunk: nn.Module) -> tuple[Standardize, nn.Module, list[nn.Module]]:
    """Return the standardisation of a built-in trunk, its first layer and those after it.

    Samples may be scaled to length 1 before, and are flat at the first layer of a table's trunk.
    """
    first, *others = unscaled(trunk)[1].children()
    layer, *rest = [one for one in others if not isinstance(one, nn.Flatten)]
    return cast(Standardize, first), layer, rest
