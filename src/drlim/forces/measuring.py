"""Distances from differences of unrolled coordinates, and the columns of which a gradient is made."""

from __future__ import annotations

import torch
from torch import Tensor

from drlim.forces.pairwise import norm
from drlim.spaces.unrolled import Measure

__all__ = ["measured", "n_columns"]


def n_columns(n_coordinates: int, measure: Measure | None) -> int:
    """Return the number of columns of a gradient: one more for each radius that is learned."""
    return n_coordinates + (0 if measure is None else len(measure.stretched))


def measured(displacement: list[Tensor], measure: Measure | None) -> tuple[Tensor, list[Tensor]]:
    """Return the distance of pairs, and what L'(D) / D is multiplied by in each column of the gradient.

    Parameters
    ----------
    displacement : list of Tensor
        Differences of each of the w unrolled coordinates; they may be overwritten.
    measure : Measure or None
        None is a flat space without circles, where the columns are the differences.

    Returns
    -------
    distance : Tensor
        That of the shortest path.
    columns : list of Tensor
        For each coordinate the way along the shortest path, antisymmetric; then, for each radius that is learned, the
        squared part of the distance, symmetric. Exactly opposite points have no shortest path: by decision they exert
        no force on each other along the circle or the sphere, as coincident points exert none.

    Examples
    --------
    On a circle of circumference 4, points at 3 and at 0 are 1 apart, across the seam:

    >>> distance, (way,) = measured([torch.tensor([3.0])], Measure((4.0,), (), ()))
    >>> distance.tolist(), way.tolist()
    ([1.0], [-1.0])
    """
    if measure is None:
        return norm(displacement), displacement
    columns, squares = list(displacement), []
    for axis, (period, is_arc) in enumerate(zip(measure.periods, measure.are_arcs, strict=True)):
        squares.append(displacement[axis].square())
        if is_arc:
            columns[axis], squares[axis] = _round_a_circle(displacement[axis], period)
    for first, radius in measure.spheres:
        part = slice(first, first + 3)
        way, square = _on_a_sphere(displacement[part], radius)
        columns[part], squares[part] = way, [square, torch.zeros_like(square), torch.zeros_like(square)]
    stretch = [_sum(squares[first : first + count]) for first, count in measure.stretched]
    return _sum(squares).sqrt_(), columns + stretch


def _round_a_circle(difference: Tensor, period: float | Tensor) -> tuple[Tensor, Tensor]:
    """Return the shorter way round a circle, 0 where both are as long, and its square."""
    way = difference - period * (difference / period).round()
    square = way.square()
    is_opposite = way.abs() >= period / 2 * (1 - 4 * torch.finfo(way.dtype).eps)
    return torch.where(is_opposite, 0.0, way), square


def _on_a_sphere(difference: list[Tensor], radius: float | Tensor) -> tuple[list[Tensor], Tensor]:
    """Return the way along a sphere, beside a part in the direction of the radius, and its squared length.

    With the angle a = 2 asin(|difference| / 2 R), the way from z_j to z_i is R a along a great circle; its direction at
    z_i is that of (z_i - z_j) / (R sin a), but for a part along z_i.
    """
    share = (_sum([part.square() for part in difference]) / (4 * radius * radius)).clamp_(max=1.0)  # sin(a / 2)^2
    rest = 1 - share
    angle = 2 * torch.atan2(share.sqrt(), rest.sqrt())
    sine = 2 * (share * rest).sqrt()
    has_way = (rest > 4 * torch.finfo(share.dtype).eps) & (sine > 0)
    factor = torch.where(has_way, angle / torch.where(has_way, sine, 1.0), torch.where(rest > 0.5, 1.0, 0.0))
    return [factor * part for part in difference], (radius * angle).square_()


def _sum(parts: list[Tensor]) -> Tensor:
    total = torch.zeros_like(parts[0])
    for part in parts:
        total += part
    return total
