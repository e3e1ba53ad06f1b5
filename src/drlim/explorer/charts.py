"""Where a page puts the points of a map: flat maps as they are, those on curved spaces on a chart of the space.

A circle is a ring, on which the distance from the middle is chance and means nothing; a sphere is a globe, which turns;
all others are unrolled: arcs of circles and lengths along straight axes, of which those that close begin again at their
dotted edges. tools/explorer/src/space.js measures distances and draws springs on these charts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drlim._base.arrays import Array

if TYPE_CHECKING:
    from drlim.estimators import DrLIM, NeighborMap
    from drlim.spaces import Space

__all__ = ["charted", "curved_space", "space_on_page"]

_THICKNESS = 0.16
"""Width of a ring as a share of its radius: points of a circle are scattered on it, so that fewer cover each other."""

_SEED = 2006

_NAMES = {
    "ring": "the distance from the middle of the ring is chance",
    "globe": "drag turns the globe",
    "unrolled": "dotted edges on opposite sides are one line",
}
"""What a reader is to know of a chart."""


def curved_space(estimator: DrLIM | NeighborMap) -> Space | None:
    """Return the curved space that a map lies on; None of a flat map."""
    space: Space | None = getattr(estimator, "space_", None)
    return None if space is None or space.is_flat else space


def charted(estimator: DrLIM | NeighborMap, Z: Array) -> Array:
    """Return places on the chart, (n, 2) or (n, 3), of a map (n, d) as ``transform`` returns it.

    Examples
    --------
    >>> from drlim import DrLIM
    >>> X = np.random.default_rng(0).normal(size=(30, 3))
    >>> model = DrLIM(space="circle", max_epochs=1, random_state=0).fit(X)
    >>> ring = charted(model, model.embedding_)
    >>> ring.shape, bool(np.allclose(np.cos(np.arctan2(ring[:, 1], ring[:, 0]) - model.embedding_[:, 0]), 1))
    ((30, 2), True)
    """
    space = curved_space(estimator)
    if space is None:
        return _at_least_two(Z)
    chart = _chart_of(space)
    if chart == "unrolled":
        return _at_least_two(Z * _lengths(space))  # (n, d)
    places = space.ambient(Z.astype(np.float64))  # (n, 2) or (n, 3)
    if chart == "ring":
        places *= 1 + _THICKNESS * (np.random.default_rng(_SEED).random((len(Z), 1)) - 0.5)
    return places


def space_on_page(estimator: DrLIM | NeighborMap) -> dict[str, object] | None:
    """Return what the header of a page says of a curved space; None of a flat map.

    Returns
    -------
    dict or None
        ``chart``, "ring", "globe" or "unrolled"; ``factors``, a list of {"kind", "size", "radius"} in the order of the
        coordinates; ``said``, what it is, for people.
    """
    space = curved_space(estimator)
    if space is None:
        return None
    chart = _chart_of(space)
    factors = [{"kind": factor.kind, "size": factor.size, "radius": factor.radius} for factor in space.factors]
    names = [
        f"a {factor.kind} of radius {factor.radius:.3g}" if factor.is_curved else _line(factor.size)
        for factor in space.factors
    ]
    return {"chart": chart, "factors": factors, "said": f"on {' and '.join(names)}; {_NAMES[chart]}"}


def _line(size: int) -> str:
    return "a line" if size == 1 else f"{size} lines"


def _chart_of(space: Space) -> str:
    only = space.factors[0].kind if len(space.factors) == 1 else "line"
    return {"circle": "ring", "sphere": "globe"}.get(only, "unrolled")


def _lengths(space: Space) -> Array:
    """Return by how much an angle or a length is multiplied to be a length on the chart, (d,)."""
    return np.concatenate([np.full(f.n_coordinates, f.radius if f.is_curved else 1.0) for f in space.factors])


def _at_least_two(Z: Array) -> Array:
    return np.column_stack([Z, np.zeros(len(Z))]) if Z.shape[1] == 1 else Z  # (n, 2) or (n, d)
