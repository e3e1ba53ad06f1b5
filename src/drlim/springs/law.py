"""The law of one pair: its energy, and its force, as functions of the distance D_W.

Hadsell, Chopra and LeCun (2006) write the loss of a pair of samples in general as (their equation 3)::

    L(W, Y, X1, X2) = (1 - Y) L_S(D_W) + Y L_D(D_W)

with Y = 0 for a similar pair and Y = 1 for a dissimilar one. Read as mechanics (their section 2.2), each pair is a
spring. `drlim.forces` lifts the law to many points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import Tensor

__all__ = ["Law", "Springs"]


@runtime_checkable
class Law(Protocol):
    """Energy and force of one pair, both elementwise functions of its distance.

    The force is ``-dL/dD``: negative pulls the two points together, positive pushes them apart.

    Examples
    --------
    >>> import torch
    >>> class Cubic:
    ...     reach = float("inf")
    ...     def energy(self, distance):
    ...         return distance**3 / 3
    ...     def force(self, distance):
    ...         return -(distance**2)
    >>> Springs(Cubic(), Cubic()).similar.force(torch.tensor(2.0)).item()
    -4.0
    """

    @property
    def reach(self) -> float:
        """Distance from which the energy is exactly zero; ``inf`` when there is none."""
        ...

    def energy(self, distance: Tensor) -> Tensor:
        """Return L(D), same shape as ``distance``."""
        ...

    def force(self, distance: Tensor) -> Tensor:
        """Return -dL/dD, same shape as ``distance``."""
        ...


@dataclass(frozen=True)
class Springs:
    """The two laws of equation 3: L_S for similar pairs, L_D for dissimilar ones.

    Examples
    --------
    >>> from drlim.springs import make_springs
    >>> springs = make_springs(margin=1.0)
    >>> springs.similar, springs.dissimilar
    (Attraction(), Repulsion(margin=1.0))
    """

    similar: Law
    dissimilar: Law
