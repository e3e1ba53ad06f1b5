"""A product of circles, spheres and lines: its points, their coordinates and their distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from drlim._base.arrays import Array, Floats
from drlim._base.torch import is_queued

__all__ = ["Factor", "Space", "product"]

_N_AMBIENT = {"circle": 2, "sphere": 3, "line": 1}
"""Numbers that place a point, for each dimension of a line."""

_N_COORDINATES = {"circle": 1, "sphere": 2, "line": 1}

_ORDER = ("circle", "sphere", "line")
"""Order of the factors of a product."""


@dataclass(frozen=True)
class Factor:
    """A circle, a sphere, or a line of one or more dimensions.

    Attributes
    ----------
    kind : {"circle", "sphere", "line"}
    size : int
        Dimensions of a line; 1 for the others.
    radius : float or None
        None where it is learned, and for a line.

    Examples
    --------
    >>> from drlim import spaces
    >>> [factor.kind for factor in spaces.Cylinder(1.0).factors]
    ['circle', 'line']
    """

    kind: Literal["circle", "sphere", "line"]
    size: int = 1
    radius: float | None = None

    @property
    def is_curved(self) -> bool:
        """Whether it is a circle or a sphere."""
        return self.kind != "line"

    @property
    def n_ambient(self) -> int:
        """Number of ambient coordinates, which is that of the free outputs, too."""
        return _N_AMBIENT[self.kind] * self.size

    @property
    def n_coordinates(self) -> int:
        """Number of angles or lengths."""
        return _N_COORDINATES[self.kind] * self.size

    @property
    def n_unrolled(self) -> int:
        """Number of coordinates in which forces are summed: a circle is unrolled, a sphere stays as it is."""
        return 1 if self.kind == "circle" else self.n_ambient


@dataclass(frozen=True)
class Space:
    """A product of circles, spheres and lines; made by `Circle`, `Sphere`, `Line`, and by ``*``.

    The order of the factors does not matter: circles come first, then spheres, then lines, which are one.

    Parameters
    ----------
    factors : tuple of Factor

    Examples
    --------
    >>> from drlim.spaces import Circle, Line
    >>> space = Line(2) * Circle(radius=1.0)
    >>> space
    Circle(radius=1.0) * Line(2)
    >>> space.n_components, space.n_ambient
    (3, 4)
    """

    factors: tuple[Factor, ...]

    def __mul__(self, other: Space) -> Space:
        if not isinstance(other, Space):
            return NotImplemented
        return product([*self.factors, *other.factors])

    def __repr__(self) -> str:
        return " * ".join(_described(factor) for factor in self.factors)

    @property
    def n_components(self) -> int:
        """Number of dimensions, and of columns of `coordinates`."""
        return sum(factor.n_coordinates for factor in self.factors)

    @property
    def n_ambient(self) -> int:
        """Number of ambient coordinates, and of the free outputs of a network."""
        return sum(factor.n_ambient for factor in self.factors)

    @property
    def is_flat(self) -> bool:
        """Whether it is a line, a plane, and so on: no factor is curved."""
        return not self.curved

    @property
    def curved(self) -> list[Factor]:
        """The circles and spheres."""
        return [factor for factor in self.factors if factor.is_curved]

    @property
    def volume(self) -> float:
        """Length of a circle, area of a sphere or a torus, infinite with a line; NaN where a radius is not known."""
        volume = math.inf if len(self.curved) < len(self.factors) else 1.0
        for factor in self.curved:
            radius = math.nan if factor.radius is None else factor.radius
            volume *= 2 * math.pi * radius if factor.kind == "circle" else 4 * math.pi * radius**2
        return volume

    def with_radii(self, radii: list[float]) -> Space:
        """Return the space with these radii of its circles and spheres."""
        given = iter(radii)
        return Space(
            tuple(replace(factor, radius=next(given)) if factor.is_curved else factor for factor in self.factors)
        )

    def in_unit(self, unit: float) -> Space:
        """Return the space with its lengths counted in a unit; radii that are to be learned stay so."""
        return Space(
            tuple(
                factor if factor.radius is None else replace(factor, radius=factor.radius / unit)
                for factor in self.factors
            )
        )

    def place(self, free: Tensor, radii: Sequence[float | Tensor]) -> Tensor:
        """Return ambient coordinates, (b, n_ambient), of the free outputs of a network, (b, n_ambient).

        Outputs of a circle or a sphere are scaled to its radius: smooth, and without a seam.
        """
        given, parts = iter(radii), []
        for factor, part in zip(
            self.factors, torch.split(free, [factor.n_ambient for factor in self.factors], 1), strict=True
        ):
            parts.append(_direction(part) * next(given) if factor.is_curved else part)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)  # (b, a)

    def radii_of(self, Z: Tensor) -> list[float | Tensor]:
        """Return the radii of the circles and spheres that points lie on, as the first point has them.

        On a GPU they stay there, as tensors of float64, (): to read them would be to wait for all that is queued.
        """
        parts = torch.split(Z[:1].double(), [factor.n_ambient for factor in self.factors], 1)
        norms = [part.square().sum().sqrt() for part in parts]
        curved = [norm for norm, factor in zip(norms, self.factors, strict=True) if factor.is_curved]
        return [norm if is_queued(Z.device) else float(norm) for norm in curved]

    def project(self, Z: Tensor, like: Tensor) -> Tensor:
        """Return points near the space, (n, n_ambient), moved onto it; radii are those of the points ``like``."""
        return self.place(Z, self.radii_of(like))

    def coordinates(self, Z: Array) -> Array:
        """Return angles and lengths, (n, n_components), of ambient coordinates, (n, n_ambient), in their dtype.

        A circle has an angle in [0, 2 pi), a sphere a longitude in [0, 2 pi) and a latitude in [-pi/2, pi/2], a line
        its lengths.

        Examples
        --------
        >>> from drlim.spaces import Circle
        >>> Circle(radius=2.0).coordinates(np.array([[0.0, -2.0]])) / np.pi
        array([[1.5]])
        """
        if self.is_flat:
            return Z
        columns = []
        for factor, part in zip(self.factors, _split(Z, [factor.n_ambient for factor in self.factors]), strict=True):
            if not factor.is_curved:
                columns.append(part)
                continue
            columns.append(_angle(part[:, 1], part[:, 0])[:, None])  # (n, 1)
            if factor.kind == "sphere":
                columns.append(np.arctan2(part[:, 2], np.hypot(part[:, 0], part[:, 1]))[:, None])  # (n, 1)
        return np.concatenate(columns, axis=1)

    def ambient(self, coordinates: Array) -> Array:
        """Return ambient coordinates, (n, n_ambient), of angles and lengths, (n, n_components); radii must be known."""
        columns = []
        parts = _split(coordinates, [factor.n_coordinates for factor in self.factors])
        for factor, part in zip(self.factors, parts, strict=True):
            if not factor.is_curved:
                columns.append(part)
                continue
            radius = math.nan if factor.radius is None else factor.radius
            flat = radius * (np.cos(part[:, 1:]) if factor.kind == "sphere" else 1.0)  # (n, 1) or ()
            columns += [flat * np.cos(part[:, :1]), flat * np.sin(part[:, :1])]  # (n, 1) each
            columns += [radius * np.sin(part[:, 1:])] * (factor.kind == "sphere")
        return np.concatenate(columns, axis=1)

    def squared_distances(self, first: Array, second: Array) -> Floats:
        """Return squared distances, float64, of points in ambient coordinates, (..., n_ambient) each, by broadcasting.

        Examples
        --------
        A quarter of a circle of radius 2, and 3 along a line:

        >>> from drlim.spaces import Cylinder
        >>> cylinder = Cylinder(radius=2.0)
        >>> a, b = np.array([2.0, 0.0, 0.0]), np.array([0.0, 2.0, 3.0])
        >>> bool(np.isclose(cylinder.squared_distances(a, b), np.pi**2 + 9))
        True
        """
        sizes = [factor.n_ambient for factor in self.factors]
        total: Floats = np.zeros(np.broadcast_shapes(first.shape[:-1], second.shape[:-1]))
        for factor, a, b in zip(self.factors, _split(first, sizes), _split(second, sizes), strict=True):
            a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
            squares = np.square(a - b).sum(axis=-1)
            if factor.is_curved:
                radius = np.linalg.norm(a, axis=-1)
                angle = 2 * np.arctan2(np.sqrt(squares), np.sqrt(np.square(a + b).sum(axis=-1)))
                squares = np.square(radius * angle)
            total = total + squares
        return total

    def frame(self, Z: Tensor) -> Tensor:
        """Return an orthonormal basis of the directions along the space at points, (n, n_components, n_ambient).

        In the order of `coordinates`: round a circle; of a sphere to the east and to the north.
        """
        basis = Z.new_zeros(len(Z), self.n_components, self.n_ambient)
        row = column = 0
        for factor in self.factors:
            part = Z[:, column : column + factor.n_ambient]
            if factor.kind == "line":
                block = torch.eye(factor.size, dtype=Z.dtype, device=Z.device).expand(len(Z), -1, -1)
            else:
                east = torch.stack([-part[:, 1], part[:, 0], *([0 * part[:, 2]] if factor.kind == "sphere" else [])], 1)
                east = _direction(east, second=True)
                block = east[:, None]  # (n, 1, 2 or 3)
                if factor.kind == "sphere":
                    block = torch.stack([east, torch.linalg.cross(_direction(part), east)], dim=1)  # (n, 2, 3)
            basis[:, row : row + factor.n_coordinates, column : column + factor.n_ambient] = block
            row, column = row + factor.n_coordinates, column + factor.n_ambient
        return basis


def product(factors: list[Factor]) -> Space:
    """Return the space of these factors, in order, its lines joined."""
    size = sum(factor.size for factor in factors if not factor.is_curved)
    curved = sorted((factor for factor in factors if factor.is_curved), key=lambda factor: _ORDER.index(factor.kind))
    return Space((*curved, *([Factor("line", size)] if size else [])))


def _described(factor: Factor) -> str:
    if factor.kind == "line":
        return f"Line({factor.size})"
    return f"{factor.kind.capitalize()}(radius={'auto' if factor.radius is None else factor.radius!r})"


def _direction(part: Tensor, *, second: bool = False) -> Tensor:
    """Return vectors (b, a) of length 1; of one that is zero the first axis, or the second."""
    largest = part.detach().abs().amax(1, keepdim=True)  # (b, 1)
    scaled = part / torch.where(largest > 0, largest, torch.ones_like(largest))  # squares of tiny values are not 0
    length = scaled.square().sum(1, keepdim=True).sqrt()  # (b, 1)
    axis = torch.zeros_like(part)
    axis[:, 1 if second else 0] = 1.0
    return torch.where(largest > 0, scaled / torch.where(largest > 0, length, torch.ones_like(length)), axis)


def _split(points: Array, sizes: list[int]) -> list[Array]:
    """Cut the last axis into parts."""
    return np.split(points, np.cumsum(sizes)[:-1], axis=-1)


def _angle(y: Array, x: Array) -> Array:
    """Return angles in [0, 2 pi)."""
    angle = np.arctan2(y, x)
    turn = angle.dtype.type(2 * np.pi)
    angle = np.where(angle < 0, angle + turn, angle)
    return np.where(angle >= turn, angle.dtype.type(0), angle)  # of -1e-20, rounded
