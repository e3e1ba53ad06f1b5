"""The rows of a map: checked, in float64, scaled without rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import InvalidParameterError, check_parameters, check_points, integer_in

__all__ = ["Floats", "check_at_most", "check_n_neighbors", "check_rows", "scaled"]

Floats = NDArray[np.float64]


def check_rows(points: ArrayLike, name: str, *, min_samples: int = 1, ndim: int | None = 2) -> Floats:
    """Return points as float64 of shape (n, d), images flattened when ``ndim`` is None, or refuse them."""
    checked = check_points(points, name=name, min_samples=min_samples, ndim=ndim)
    return checked.reshape(len(checked), -1).astype(np.float64)


def check_n_neighbors(n_neighbors: int, largest: int, reason: str, owner: str) -> None:
    """Refuse what is not an integer from 1 to ``largest``."""
    check_parameters({"n_neighbors": n_neighbors}, {"n_neighbors": [integer_in(1)]}, owner)
    check_at_most("n_neighbors", n_neighbors, 1, largest, reason, owner)


def check_at_most(name: str, value: int, least: int, largest: int, reason: str, owner: str) -> None:
    """Refuse an integer above ``largest``, and say where that end comes from."""
    if value > largest:
        raise InvalidParameterError(
            f"The '{name}' parameter of {owner} must be an int in the range [{least}, {largest}], {reason}. "
            f"Got {value} instead."
        )


def scaled(values: Floats, largest: float | None = None) -> Floats:
    """Divide by a power of two: exact, so ties stay ties, and squares neither overflow nor vanish."""
    largest = np.abs(values).max(initial=0.0) if largest is None else largest
    scaled: Floats = np.ldexp(values, -np.frexp(largest)[1])
    return scaled
