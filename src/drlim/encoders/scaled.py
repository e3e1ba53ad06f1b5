"""A network whose outputs are multiplied by a fixed unit of length: the margin of the map."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["Scaled", "network_and_unit", "scaled"]


class Scaled(nn.Module):
    """Multiply the outputs of a network by a unit of length.

    Networks train where their outputs are of size 1. In units of the margin they are, whatever the margin is.

    Parameters
    ----------
    network : torch.nn.Module
        Maps (b, ...) to positions (b, d) in units of ``unit``.
    unit : float
        A number and no weight: it is not trained, and a change of dtype does not round it.

    Examples
    --------
    >>> import torch
    >>> Scaled(nn.Identity(), 1e-6)(torch.ones(1, 2)).tolist()
    [[9.999999974752427e-07, 9.999999974752427e-07]]
    """

    def __init__(self, network: nn.Module, unit: float) -> None:
        super().__init__()
        self.network = network
        self.unit = unit

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, d)."""
        positions: Tensor = self.network(x) * self.unit
        return positions

    def extra_repr(self) -> str:
        """Return the unit, for ``repr``."""
        return f"unit={self.unit}"


def scaled(network: nn.Module, unit: float) -> nn.Module:
    """Return a network with its outputs multiplied by a unit; in units of 1 the network itself."""
    return network if unit == 1 else Scaled(network, unit)


def network_and_unit(encoder: nn.Module) -> tuple[nn.Module, float]:
    """Return what `scaled` was given.

    Examples
    --------
    >>> network = nn.Identity()
    >>> network_and_unit(scaled(network, 2.0)) == (network, 2.0), network_and_unit(network) == (network, 1.0)
    (True, True)
    """
    return (encoder.network, encoder.unit) if type(encoder) is Scaled else (encoder, 1.0)
