"""Points of a space in the coordinates that forces are summed in, and the way back of a gradient."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from drlim.spaces.space import Space

__all__ = ["Measure", "Unrolled", "gradient", "unrolled"]

_PIECE = 2**13
"""Number of points at once: torch divides 2^15 values and more among its threads."""


class Unrolled(NamedTuple):
    """Points in the coordinates that forces are summed in: arc lengths of circles, ambient ones of spheres, lengths.

    Attributes
    ----------
    points : Tensor, shape (n, w)
    measure : Measure
        How differences of these are measured.
    """

    points: Tensor
    measure: Measure


class Measure(NamedTuple):
    """What the distance of two points is, given the differences of their unrolled coordinates.

    Attributes
    ----------
    periods : tuple of float or Tensor
        Circumference for each coordinate that is an arc of a circle, else 0.0; w of them. A tensor, (), on a GPU.
    spheres : tuple of (int, float or Tensor)
        First coordinate and radius of each sphere.
    stretched : tuple of (int, int)
        First coordinate and number of coordinates of each factor whose radius is learned.
    """

    periods: tuple[float | Tensor, ...]
    spheres: tuple[tuple[int, float | Tensor], ...]
    stretched: tuple[tuple[int, int], ...]

    @property
    def is_flat(self) -> bool:
        """Whether there is no sphere."""
        return not self.spheres

    @property
    def are_arcs(self) -> list[bool]:
        """Whether each coordinate is an arc of a circle; no period is read of a device for it."""
        return [isinstance(period, Tensor) or period > 0 for period in self.periods]

    def opened(self) -> Measure:
        """Return the measure of circles that were cut open to lines."""
        return self._replace(periods=(0.0,) * len(self.periods))


def unrolled(space: Space, Z: Tensor) -> Unrolled:
    """Return points, (n, n_ambient), in the coordinates that forces are summed in, and their measure."""
    radii = space.radii_of(Z)
    measure = _measure(space, radii)
    points = Z.new_empty(len(Z), len(measure.periods))  # (n, w)
    for rows in _pieces(len(Z)):
        first, place, given = 0, 0, iter(radii)
        for factor in space.factors:
            part = Z[rows, first : first + factor.n_ambient]
            radius = next(given) if factor.is_curved else 0.0
            arc = factor.kind == "circle"
            points[rows, place : place + factor.n_unrolled] = (
                radius * torch.atan2(part[:, 1:], part[:, :1]) if arc else part
            )
            first, place = first + factor.n_ambient, place + factor.n_unrolled
    return Unrolled(points, measure)


def _measure(space: Space, radii: Sequence[float | Tensor]) -> Measure:
    """Return the measure of a space with these radii."""
    given = iter(radii)
    periods: list[float | Tensor] = []
    spheres, stretched = [], []
    for factor in space.factors:
        radius, first = next(given) if factor.is_curved else 0.0, len(periods)
        if factor.is_curved and factor.radius is None:
            stretched.append((first, factor.n_unrolled))
        if factor.kind == "sphere":
            spheres.append((first, radius))
        periods += [2 * math.pi * radius if factor.kind == "circle" else 0.0] * factor.n_unrolled
    return Measure(tuple(periods), tuple(spheres), tuple(stretched))


def _pieces(n: int) -> Iterator[slice]:
    """Yield all of n rows in pieces for which torch wakes no threads: on a CPU they would spin beside the kernels."""
    for start in range(0, n, _PIECE):
        yield slice(start, min(start + _PIECE, n))


def gradient(space: Space, Z: Tensor, slopes: Tensor) -> Tensor:
    """Return dE/dz in ambient coordinates, float64 (r, n_ambient), along the space.

    Parameters
    ----------
    Z : Tensor, shape (r, n_ambient)
    slopes : Tensor of float64, shape (r, w + k)
        Derivatives by the unrolled coordinates; and for each of the k factors whose radius is learned, the sum of
        L'(D) / D times its squared part of the distance.

    Notes
    -----
    Where the radius is learned, half of the derivative of a pair's energy by the radius stands at each of its
    points, in the direction of the radius: `OnSpace` takes it from there.
    """
    found = slopes.new_empty(len(Z), Z.shape[1])  # (r, a)
    for rows in _pieces(len(Z)):
        for column, values in enumerate(_along(space, Z[rows], slopes[rows])):
            found[rows, column] = values
    return found


def _along(space: Space, Z: Tensor, slopes: Tensor) -> list[Tensor]:
    """Return the gradient of a few points, (r,) for each ambient coordinate."""
    sizes = [factor.n_unrolled for factor in space.factors]
    stretch = iter(slopes[:, sum(sizes) :].unbind(1))
    parts: list[Tensor] = []
    Z_parts = torch.split(Z, [factor.n_ambient for factor in space.factors], 1)
    for factor, z, slope in zip(space.factors, Z_parts, torch.split(slopes[:, : sum(sizes)], sizes, 1), strict=True):
        if not factor.is_curved:
            parts += slope.unbind(1)
            continue
        # Column by column: sums over rows of three take five times as long.
        axes, slopes_of = z.double().unbind(1), slope.unbind(1)
        radius = _product(axes, axes).sqrt_()  # (r,)
        outward = [axis / radius for axis in axes]
        if factor.kind == "circle":
            along = [-outward[1] * slopes_of[0], outward[0] * slopes_of[0]]
        else:
            inner = _product(outward, slopes_of)
            along = [one - axis * inner for one, axis in zip(slopes_of, outward, strict=True)]
        if factor.radius is None:
            pull = next(stretch) / (2 * radius)
            along = [one + axis * pull for one, axis in zip(along, outward, strict=True)]
        parts += along
    return parts


def _product(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Return the inner products of vectors, given one tensor for each coordinate."""
    total = first[0] * second[0]
    for a, b in zip(first[1:], second[1:], strict=True):
        total.addcmul_(a, b)
    return total
