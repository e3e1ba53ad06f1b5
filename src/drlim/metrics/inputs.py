"""What metrics take in: points in float64, counts within their bounds, values scaled without rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats
from drlim._base.checks import InvalidParameterError, check_parameters, check_points, integer_in

if TYPE_CHECKING:
    from drlim.spaces import Space

__all__ = ["as_points", "check_at_most", "check_n_neighbors", "on_space", "scaled"]


def as_points(points: ArrayLike, name: str, *, min_samples: int = 1, ndim: int | None = 2) -> Floats:
    """Return points as float64 of shape (n, d), or refuse them. ``ndim=None`` takes images and flattens them."""
    checked = check_points(points, name=name, min_samples=min_samples, ndim=ndim)  # (n, ...)
    return checked.reshape(len(checked), -1).astype(np.float64)  # (n, d)


def on_space(points: Floats, space: Space) -> Floats:
    """Return the ambient coordinates (n, a) of a map (n, d) of angles and lengths, or refuse what is none."""
    from drlim.spaces import Space  # imports torch

    check_parameters({"space": space}, {"space": [Space]}, "drlim.metrics")
    if points.shape[1] != space.n_components:
        raise ValueError(f"Expected 'Z' to have {space.n_components} columns, as {space} has. Got {points.shape[1]}.")
    if any(factor.radius is None for factor in space.curved):
        raise ValueError(f"Expected a space whose radii are known, such as model.space_. Got {space}.")
    return space.ambient(points)


def check_n_neighbors(n_neighbors: int, largest: int, reason: str, owner: str) -> None:
    """Refuse a number of neighbours that is not an integer from 1 to ``largest``."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1)]}, owner)
    check_at_most("n_neighbors", n_neighbors, 1, largest, reason, owner)


def check_at_most(name: str, value: int, least: int, largest: int, reason: str, owner: str) -> None:
    """Refuse an integer above ``largest``; ``reason`` explains that bound in the message."""
    if value > largest:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be an int in the range [{least}, {largest}], {reason}. "
            f"Got {value} instead."
        )


def scaled(values: Floats, largest: float | None = None) -> Floats:
    """Divide by a power of two, which is exact: equal distances stay equal, squares neither overflow nor underflow."""
    largest = np.abs(values).max(initial=0.0) if largest is None else largest
    scaled: Floats = np.ldexp(values, -np.frexp(largest)[1])
    return scaled
