"""Nearest points by the distance of a space."""

from __future__ import annotations

import math

import numpy as np
from scipy.spatial import cKDTree

from drlim._base.arrays import Array, Floats, Index
from drlim.spaces.space import Space

__all__ = ["nearest_on"]

_BLOCK = 2**21
"""Maximum number of distances in memory at once."""


def nearest_on(space: Space, points: Array, queries: Array, k: int) -> tuple[Floats, Index]:
    """Return the distances (m, k) and indices (m, k) of the nearest points of each query, nearest first.

    Parameters
    ----------
    space : Space
        Its radii are known.
    points : ndarray, shape (n, space.n_components)
        In coordinates: angles, and lengths.
    queries : ndarray, shape (m, space.n_components)
    k : int
        In [1, n].

    Examples
    --------
    On a circle of radius 2, an angle of 6 is nearer to 0 than to 5:

    >>> from drlim.spaces import Circle
    >>> distances, rows = nearest_on(Circle(radius=2.0), np.array([[0.0], [5.0]]), np.array([[6.0]]), 1)
    >>> distances.round(3).tolist(), rows.tolist()
    ([[0.566]], [[0]])
    """
    if all(factor.kind != "sphere" for factor in space.factors):
        return _by_tree(*_on_a_torus(space, points, queries), k)
    first, second = space.ambient(points.astype(np.float64)), space.ambient(queries.astype(np.float64))
    if len(space.factors) == 1:
        chords, found = _by_tree(first, second, None, k)
        radius = space.factors[0].radius or math.nan
        return 2 * radius * np.arcsin(np.minimum(chords / (2 * radius), 1.0)), found
    return _in_blocks(space, first, second, k)


def _on_a_torus(space: Space, points: Array, queries: Array) -> tuple[Floats, Floats, Floats | None]:
    """Return arc lengths and lengths, and the circumference of each that closes, 0 of the others."""
    scale = np.concatenate([np.full(f.n_coordinates, 1.0 if f.radius is None else f.radius) for f in space.factors])
    closes = np.concatenate([np.full(f.n_coordinates, f.is_curved) for f in space.factors])
    periods = np.where(closes, 2 * np.pi * scale, 0.0)  # (d,)
    if not closes.any():
        return points, queries, None

    def within(values: Array) -> Floats:
        arcs: Floats = values * scale  # (n, d), in float64
        arcs[:, closes] %= periods[closes]
        arcs[:, closes] = np.where(arcs[:, closes] < periods[closes], arcs[:, closes], 0.0)
        return arcs

    return within(points), within(queries), periods


def _by_tree(points: Floats, queries: Floats, periods: Floats | None, k: int) -> tuple[Floats, Index]:
    distances, found = cKDTree(points, boxsize=periods).query(queries, k=np.arange(1, k + 1))
    return np.asarray(distances, dtype=np.float64), np.asarray(found, dtype=np.int64)


def _in_blocks(space: Space, points: Floats, queries: Floats, k: int) -> tuple[Floats, Index]:
    distances, found = [], []
    step = max(1, _BLOCK // len(points))
    for start in range(0, len(queries), step):
        squares = space.squared_distances(queries[start : start + step, None], points[None])  # (b, n)
        nearest = np.argsort(squares, axis=1, kind="stable")[:, :k]  # (b, k)
        distances.append(np.sqrt(np.take_along_axis(squares, nearest, axis=1)))
        found.append(nearest)
    return np.concatenate(distances), np.concatenate(found)
