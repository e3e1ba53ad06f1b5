"""The last layer of an encoder whose points lie on a space."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from drlim.spaces.space import Space

__all__ = ["OnSpace"]


class OnSpace(nn.Module):
    """The last layer of an encoder: free outputs of a network become points of a space.

    Parameters
    ----------
    network : torch.nn.Module
        Maps (b, ...) to free outputs (b, space.n_ambient).
    space : Space
        Radii that are None are learned: their logarithms are weights of this layer.
    initial : float, default=1.0
        Where a learned radius begins.

    Examples
    --------
    >>> from drlim.spaces import Circle
    >>> encoder = OnSpace(nn.Identity(), Circle(radius=2.0))
    >>> encoder(torch.tensor([[3.0, 0.0], [0.0, -0.1]])).tolist()
    [[2.0, 0.0], [0.0, -2.0]]
    """

    def __init__(self, network: nn.Module, space: Space, initial: float = 1.0) -> None:
        super().__init__()
        self.network = network
        self.space = space
        n_learned = sum(factor.radius is None for factor in space.curved)
        if n_learned:
            self.log_radii = nn.Parameter(torch.full((n_learned,), math.log(initial), dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to ambient coordinates (b, n_ambient)."""
        learned = iter(self.log_radii.exp()) if hasattr(self, "log_radii") else iter(())
        radii = [next(learned) if factor.radius is None else factor.radius for factor in self.space.curved]
        return self.space.place(self.network(x), radii)

    def extra_repr(self) -> str:
        """Return the space, for ``repr``."""
        return repr(self.space)

    def resolved(self, unit: float) -> Space:
        """Return the space with the radii as they are now, times a unit of length."""
        learned = iter(self.log_radii.detach().double().exp().tolist() if hasattr(self, "log_radii") else ())
        radii = [next(learned) if factor.radius is None else factor.radius for factor in self.space.curved]
        return self.space.with_radii([unit * radius for radius in radii])

    def keep_radii(self) -> None:
        """Let training change the radii no more."""
        if hasattr(self, "log_radii"):
            self.log_radii.requires_grad_(False)
