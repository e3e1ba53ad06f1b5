"""The unit of length of a map is the margin: training happens in that unit, so that its size changes nothing else.

A network trains where its outputs are of about size 1, and float32 squares distances between 1e-19 and 1e19 only. With
lengths counted in margins the paper's loss is m^2 times that of margin 1, and its forces m times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn

from drlim._base.checks import InvalidParameterError
from drlim.encoders.scaled import network_and_unit, scaled
from drlim.spaces import OnSpace, Space
from drlim.springs import Attraction, Law, Repulsion, Springs
from drlim.training.problem import EpochRecord

__all__ = ["InUnits", "check_unit", "in_margins", "in_units", "record_in_unit", "space_under", "unit_of"]

_LARGEST = 1e30
"""Largest unit, and reciprocal of the smallest one, in which float32 holds positions from a millionth of a unit to a
million units."""

_ROUNDING = 1e-12
"""Relative error that a unit may have from conversions."""


@dataclass(frozen=True)
class InUnits:
    """A law of distances that are counted in a unit u, divided by u^2: L(u D) / u^2, and its force f(u D) / u.

    Parameters
    ----------
    law : Law
        Of distances in the unit of the map. It is evaluated in float64, for u may be tiny.
    unit : float

    Examples
    --------
    >>> import torch
    >>> InUnits(Attraction(), 1e-20).energy(torch.tensor([2.0])).tolist()
    [2.0]
    """

    law: Law
    unit: float

    @property
    def reach(self) -> float:
        """That of the law, in units."""
        return self.law.reach / self.unit

    def energy(self, distance: Tensor) -> Tensor:
        """Return L(u D) / u^2."""
        return (self.law.energy(distance.double() * self.unit) / self.unit**2).to(distance.dtype)

    def force(self, distance: Tensor) -> Tensor:
        """Return f(u D) / u."""
        return (self.law.force(distance.double() * self.unit) / self.unit).to(distance.dtype)


def unit_of(springs: Springs) -> float:
    """Return the reach of the repulsion, the margin of the paper's; 1 where it has none.

    Examples
    --------
    >>> import torch
    >>> from drlim import make_springs
    >>> unit_of(make_springs(margin=0.5)), unit_of(make_springs(laws=(torch.square, torch.exp)))
    (0.5, 1.0)
    """
    reach = float(springs.dissimilar.reach)
    return reach if 0 < reach < math.inf else 1.0


def check_unit(springs: Springs, owner: str, largest: float = _LARGEST) -> None:
    """Refuse a margin, or a reach of the user's own springs, in units of which float32 cannot hold positions.

    ``largest`` is the largest unit, and its reciprocal the smallest.
    """
    unit = unit_of(springs)
    if not (1 - _ROUNDING) / largest <= unit <= (1 + _ROUNDING) * largest:
        raise InvalidParameterError(
            f"Expected the margin of {owner}, or the reach of its springs, to be in the range [{1 / largest:g}, "
            f"{largest:g}], since positions are of type float32. Got {unit:g}: it sets the unit of length of the map "
            "and nothing else."
        )


def in_units(springs: Springs, unit: float) -> Springs:
    """Return springs for distances that are counted in a unit; the same ones where it is 1."""
    return springs if unit == 1 else Springs(_in_units(springs.similar, unit), _in_units(springs.dissimilar, unit))


def _in_units(law: Law, unit: float) -> Law:
    """Return a law for distances counted in a unit. The paper's laws keep their form, which is summed faster."""
    if type(law) is Attraction:
        return law
    return Repulsion.of_checked(law.margin / unit) if type(law) is Repulsion else InUnits(law, unit)


def in_margins(encoder: nn.Module, springs: Springs) -> tuple[nn.Module, Springs, float]:
    """Return the network to train, its springs, and the unit that the outputs and distances of both are counted in.

    The network shares its weights with the encoder, which is trained with it.
    """
    unit = unit_of(springs)
    network, factor = network_and_unit(encoder)
    return scaled(network, factor / unit), in_units(springs, unit), unit


def space_under(encoder: nn.Module) -> Space | None:
    """Return the curved space that an encoder's points lie on, None for a flat one."""
    network = network_and_unit(encoder)[0]
    return network.space if isinstance(network, OnSpace) else None


def record_in_unit(record: EpochRecord, unit: float) -> EpochRecord:
    """Return a record whose energies were counted in units squared, with energies in the unit of the map squared.

    Examples
    --------
    >>> record_in_unit({"epoch": 3, "energy": 0.5}, unit=2.0)
    {'epoch': 3, 'energy': 2.0}
    """
    if unit == 1:
        return record
    return {name: value * unit**2 if name.startswith("energy") else value for name, value in record.items()}
