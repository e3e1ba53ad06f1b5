"""Springs that tie each point to a place of its own on a curved space."""

from __future__ import annotations

from torch import Tensor, stack

from drlim.forces.measuring import measured
from drlim.spaces import Space
from drlim.spaces.unrolled import gradient, unrolled

__all__ = ["tethers"]


def tethers(Z: Tensor, places: Tensor, space: Space) -> tuple[Tensor, Tensor]:
    """Return the squared distance of each point to its place, (n,), and the derivative of half of it, (n, a).

    Parameters
    ----------
    Z, places : Tensor, shape (n, a)
        In ambient coordinates of a space.
    space : Space

    Examples
    --------
    >>> import math, torch
    >>> from drlim.spaces import Circle
    >>> squares, way = tethers(torch.tensor([[0.0, 2.0]]), torch.tensor([[2.0, 0.0]]), Circle(radius=2.0))
    >>> math.isclose(float(squares), math.pi**2, rel_tol=1e-6), (way / math.pi).round(decimals=4).tolist()
    (True, [[-1.0, 0.0]])
    """
    points, measure = unrolled(space, Z)
    differences = points - unrolled(space, places).points  # (n, w)
    distance, columns = measured(list(differences.unbind(1)), measure)
    return distance.square(), gradient(space, Z, stack(columns, dim=1).double())  # (n,), (n, a)
