"""The law: the energy of one pair, and its force, as functions of the distance D_W.

Hadsell, Chopra and LeCun (2006) write the loss of a pair of samples in general as (their equation 3)::

    L(W, Y, X1, X2) = (1 - Y) L_S(D_W) + Y L_D(D_W)

with Y = 0 for a similar pair and Y = 1 for a dissimilar one. Exactly (their equation 4)::

    L_S(D_W) = 1/2 D_W^2              L_D(D_W) = 1/2 max(0, m - D_W)^2

Read as mechanics (their section 2.2), each pair is a spring. This file holds the law alone; `drlim.forces`
lifts it to many points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from drlim._base.checks import InvalidParameterError, check_parameters, real_in, short_repr

__all__ = ["Attraction", "FreeLaw", "Law", "Repulsion", "Springs", "make_springs"]


@runtime_checkable
class Law(Protocol):
    """Energy and force of one pair, both elementwise functions of its distance.

    The force is ``-dL/dD``: negative pulls the two points together, positive pushes them apart.
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


@dataclass(frozen=True)
class FreeLaw:
    """Any differentiable function of the distance, its force taken by automatic differentiation.

    Parameters
    ----------
    function : callable
        Maps a tensor of distances to energies of the same shape, elementwise, with torch operations.
    reach : float, default=inf
        Distance from which the function is exactly zero. A finite one spares the pairs beyond it; one that is too
        small drops pairs that count.

    Examples
    --------
    A hinge that is not squared pushes with a constant force inside the margin:

    >>> import torch
    >>> law = FreeLaw(lambda distance: (1.0 - distance).clamp_min(0.0), reach=1.0)
    >>> law.force(torch.tensor([0.25, 0.5, 2.0])).tolist()
    [1.0, 1.0, 0.0]
    """

    function: Callable[[Tensor], Tensor]
    reach: float = float("inf")

    def energy(self, distance: Tensor) -> Tensor:
        """Return ``function(D)``."""
        return self.function(distance)

    def force(self, distance: Tensor) -> Tensor:
        """Return ``-d function/dD``."""
        with torch.enable_grad():
            leaf = distance.detach().requires_grad_()
            (slope,) = torch.autograd.grad(self.function(leaf).sum(), leaf)
        return -slope


@dataclass(frozen=True)
class Springs:
    """The two laws of equation 3: L_S for similar pairs, L_D for dissimilar ones.

    Examples
    --------
    >>> springs = make_springs(margin=1.0)
    >>> springs.similar, springs.dissimilar
    (Attraction(), Repulsion(margin=1.0))
    """

    similar: Law
    dissimilar: Law


def make_springs(
    margin: float = 1.0, laws: tuple[Law | Callable[[Tensor], Tensor], ...] | Springs | None = None
) -> Springs:
    """Return the paper's springs, or a pair of your own.

    Parameters
    ----------
    margin : float, default=1.0
        The paper's m, in (0, inf); used by the exact loss only. The paper gives no number: with free outputs it
        sets the unit of length and nothing else.
    laws : None, Springs or pair of (Law or callable), default=None
        None is the exact loss (equation 4). A pair ``(L_S, L_D)`` is the general loss (equation 3); a callable
        takes a tensor of distances and returns energies of the same shape, finite and differentiable.

    Returns
    -------
    Springs

    Raises
    ------
    ValueError, TypeError
        When ``margin`` is out of range, or ``laws`` is not a pair of laws or callables.

    Examples
    --------
    >>> import torch
    >>> attract, repel = lambda d: d.square(), lambda d: torch.exp(-d)
    >>> springs = make_springs(laws=(attract, repel))
    >>> springs.dissimilar.force(torch.zeros(1)).tolist()
    [1.0]
    """
    if laws is None:
        check_parameters({"margin": margin}, {"margin": [real_in(0.0, float("inf"))]}, "make_springs")
        return Springs(Attraction(), Repulsion(margin))
    if isinstance(laws, Springs):
        laws = (laws.similar, laws.dissimilar)
    wanted = "The 'springs' parameter must be None, a Springs or a pair (L_S, L_D) of laws or callables."
    if not isinstance(laws, tuple | list) or len(laws) != 2:
        raise InvalidParameterError(f"{wanted} Got {short_repr(laws)} instead.")
    return Springs(_as_law(laws[0], wanted), _as_law(laws[1], wanted))


def _as_law(law: object, wanted: str) -> Law:
    """Wrap a callable; try it on three distances, so that a wrong one is refused before any training."""
    if not isinstance(law, Law):
        if not callable(law):
            raise InvalidParameterError(f"{wanted} Got {short_repr(law)} in it.")
        law = FreeLaw(law)
    distance = torch.tensor([0.0, 0.5, 1.0])
    try:
        energy, force = law.energy(distance), law.force(distance)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise InvalidParameterError(
            f"{wanted} {short_repr(law)} fails on a tensor of three distances: {reason or type(error).__name__}."
        ) from error
    if energy.shape != distance.shape or not torch.isfinite(torch.cat([energy, force])).all():
        raise InvalidParameterError(
            f"{wanted} {short_repr(law)} does not map three distances (0, 0.5, 1) to three finite energies and "
            f"forces: got energies {short_repr(energy.tolist())} and forces {short_repr(force.tolist())}."
        )
    return law
