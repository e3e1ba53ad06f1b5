"""Spaces that a map lies on: lines, circles, spheres, and their products such as cylinder and torus.

Directions, phases and hours of the day close: on a plane their map is a ring around nothing, or a broken one. On a
circle it takes one coordinate. Points are kept in *ambient* coordinates (a circle in 2 numbers, a sphere in 3, a line
in 1 for each dimension), which have no seam; *coordinates* are angles and lengths, for people. Distances are those of
the shortest path, and in a product squares of distances add.
"""

from __future__ import annotations

from drlim.spaces.last_layer import OnSpace
from drlim.spaces.named import NAMES, Circle, Cylinder, Euclidean, Line, Sphere, Torus, space_of
from drlim.spaces.space import Factor, Space

__all__ = [
    "NAMES",
    "Circle",
    "Cylinder",
    "Euclidean",
    "Factor",
    "Line",
    "OnSpace",
    "Space",
    "Sphere",
    "Torus",
    "space_of",
]
