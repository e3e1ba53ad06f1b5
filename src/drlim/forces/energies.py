"""Energies of springs, their weights in the objective, and the gradient: as numbers, and as they are on a device."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from drlim._base.torch import read

__all__ = ["Balance", "Energies", "GraphEnergy"]

Number = TypeVar("Number", float, Tensor)


class Balance(NamedTuple):
    """Weights of the two sums of the objective: of every similar pair, and of every dissimilar one.

    Examples
    --------
    >>> Balance(similar=0.5, dissimilar=2.0).total(4.0, 1.0)
    4.0
    """

    similar: float
    dissimilar: float

    def total(self, similar: Number, dissimilar: Number) -> Number:
        """Return the objective, given the two sums of energies."""
        return self.similar * similar + self.dissimilar * dissimilar


class Energies(NamedTuple):
    """What `GraphEnergy` holds, with sums that are still on the device of the points: tensors of float64, ()."""

    similar: Tensor
    dissimilar: Tensor
    gradient: Tensor
    balance: Balance = Balance(1.0, 1.0)

    def read(self) -> GraphEnergy:
        """Return the sums as numbers. On a GPU this waits for all that is queued."""
        similar, dissimilar = read(torch.stack([self.similar, self.dissimilar]))  # (2,)
        return GraphEnergy(similar, dissimilar, self.gradient, self.balance)


class GraphEnergy(NamedTuple):
    """Energy of all springs of a graph, and its gradient.

    Attributes
    ----------
    similar : float
        Sum of L_S over the similar pairs, before balancing.
    dissimilar : float
        Sum of L_D over the dissimilar pairs, before balancing.
    gradient : Tensor, shape (r, d)
        Derivative of `total` with respect to the points asked for; the force is its negative.
    balance : Balance
        Weights of the two sums.

    Examples
    --------
    >>> import torch
    >>> GraphEnergy(similar=4.0, dissimilar=1.0, gradient=torch.zeros(2, 2), balance=Balance(0.5, 2.0)).total
    4.0
    """

    similar: float
    dissimilar: float
    gradient: Tensor
    balance: Balance = Balance(1.0, 1.0)

    @property
    def total(self) -> float:
        """The objective: the balanced sum of both energies."""
        return self.balance.total(self.similar, self.dissimilar)
