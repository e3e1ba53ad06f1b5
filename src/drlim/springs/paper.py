"""The laws of the paper's exact loss.

Equation 4::

    L_S(D_W) = 1/2 D_W^2              L_D(D_W) = 1/2 max(0, m - D_W)^2
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from drlim._base.checks import check_parameters, real_in

__all__ = ["Attraction", "Repulsion"]


@dataclass(frozen=True)
class Attraction:
    """The similar pair's spring: rest length 0, attract-only.

    ::

        L_S(D) = 1/2 D^2          (equation 4, first term)
        -dL_S/dD = -D             (section 2.2)

    Examples
    --------
    >>> import torch
    >>> law = Attraction()
    >>> law.energy(torch.tensor([0.0, 3.0])).tolist()
    [0.0, 4.5]
    >>> law.force(torch.tensor([0.0, 3.0])).tolist()
    [-0.0, -3.0]
    """

    @property
    def reach(self) -> float:
        """Infinite: a similar pair is pulled from any distance."""
        return float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return 1/2 D^2."""
        return 0.5 * distance.square()

    def force(self, distance: Tensor) -> Tensor:
        """Return -D."""
        return -distance


@dataclass(frozen=True)
class Repulsion:
    """The dissimilar pair's spring: rest length ``margin``, repel-only.

    ::

        L_D(D) = 1/2 max(0, m - D)^2      (equation 4, second term)
        -dL_D/dD = max(0, m - D)          (section 2.2)

    Both are continuous, and zero at D = m and beyond: a pair stretched past the margin is left alone. The force
    is greatest, m, at D = 0, where it has no direction; `drlim.forces` gives coincident points no force.

    Parameters
    ----------
    margin : float, default=1.0
        The radius m, in units of the output space, in (0, inf). Scaling it scales an unconstrained map alike.

    Examples
    --------
    >>> import torch
    >>> law = Repulsion(margin=2.0)
    >>> law.energy(torch.tensor([0.0, 1.0, 2.0, 3.0])).tolist()
    [2.0, 0.5, 0.0, 0.0]
    >>> law.force(torch.tensor([0.0, 1.0, 2.0, 3.0])).tolist()
    [2.0, 1.0, 0.0, 0.0]
    """

    margin: float = 1.0

    def __post_init__(self) -> None:
        check_parameters({"margin": self.margin}, {"margin": [real_in(0.0, float("inf"))]}, "Repulsion")
        object.__setattr__(self, "margin", float(self.margin))  # torch takes no integers beyond 64 bits

    @classmethod
    def of_checked(cls, margin: float) -> Repulsion:
        """Return the law of a margin that was checked where it entered."""
        law = object.__new__(cls)
        object.__setattr__(law, "margin", float(margin))
        return law

    @property
    def reach(self) -> float:
        """The margin: dissimilar pairs farther apart have neither energy nor force."""
        return float(self.margin)

    def energy(self, distance: Tensor) -> Tensor:
        """Return 1/2 max(0, m - D)^2."""
        return 0.5 * (self.margin - distance).clamp_min(0.0).square()

    def force(self, distance: Tensor) -> Tensor:
        """Return max(0, m - D)."""
        return (self.margin - distance).clamp_min(0.0)
