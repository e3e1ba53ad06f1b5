"""Heavy-tailed laws: springs that slacken with distance, so that groups can part and leave gaps between them.

The paper's laws spread samples evenly: a similar pair attracts the more strongly the longer it is, and a dissimilar
pair beyond the margin has no force. Where relations are measured and some are wrong, the law must let a long similar
pair go. docs/laws.md has the laws of t-SNE, UMAP, PaCMAP and InfoNCE in the form of equation 3,
``(1 - Y) L_S(D) + Y L_D(D)``, beside these::

    L_S(D) = log(1 + D^2)        L_D(D) = 1 / (1 + D^2)
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

__all__ = ["CauchyRepulsion", "LogAttraction"]


@dataclass(frozen=True)
class LogAttraction:
    """The similar pair's spring of t-SNE: it attracts, most strongly at D = 1, and ever less beyond.

    ::

        L_S(D) = log(1 + D^2)
        -dL_S/dD = -2 D / (1 + D^2)

    A pair far apart costs little more when it parts further, so a wrong relation does not hold two groups together.

    Examples
    --------
    >>> import torch
    >>> law = LogAttraction()
    >>> law.energy(torch.tensor([0.0, 1.0])).tolist()
    [0.0, 0.6931471824645996]
    >>> law.force(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [-0.0, -1.0, -0.6000000238418579]
    """

    @property
    def reach(self) -> float:
        """Infinite: a similar pair attracts from any distance."""
        return float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return log(1 + D^2)."""
        return distance.square().log1p()

    def force(self, distance: Tensor) -> Tensor:
        """Return -2 D / (1 + D^2)."""
        return -2.0 * (distance / (1.0 + distance.square()))


@dataclass(frozen=True)
class CauchyRepulsion:
    """The dissimilar pair's spring of t-SNE: it repels, most strongly at D = 0.58, and has no margin.

    ::

        L_D(D) = 1 / (1 + D^2)
        -dL_D/dD = 2 D / (1 + D^2)^2

    The force is 0 at D = 0 and falls as 2 / D^3 far off: all pairs repel, near ones count. The greatest force,
    9 / (8 sqrt(3)) = 0.65, is at D = 1 / sqrt(3).

    Examples
    --------
    >>> import torch
    >>> law = CauchyRepulsion()
    >>> law.energy(torch.tensor([0.0, 1.0, 3.0])).tolist()
    [1.0, 0.5, 0.10000000149011612]
    >>> law.force(torch.tensor([0.0, 1.0])).tolist()
    [0.0, 0.5]
    """

    @property
    def reach(self) -> float:
        """Infinite: a dissimilar pair repels from any distance."""
        return float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return 1 / (1 + D^2)."""
        return (1.0 + distance.square()).reciprocal()

    def force(self, distance: Tensor) -> Tensor:
        """Return 2 D / (1 + D^2)^2."""
        return 2.0 * (distance / (1.0 + distance.square()).square())
