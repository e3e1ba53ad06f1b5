"""The two laws of a problem: the paper's, others, or any functions of the distance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from drlim._base.calls import reason, user_call
from drlim._base.checks import InvalidParameterError, check_parameters, real_in, short_repr
from drlim.springs.law import Law, Springs
from drlim.springs.paper import Attraction, Repulsion

__all__ = ["FreeLaw", "make_springs", "springs_for"]


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
        with user_call(self._described(distance)):
            return self.function(distance)

    def force(self, distance: Tensor) -> Tensor:
        """Return ``-d function/dD``."""
        with torch.inference_mode(mode=False), torch.enable_grad(), user_call(self._described(distance)):
            leaf = (distance.clone() if distance.is_inference() else distance.detach()).requires_grad_()
            (slope,) = torch.autograd.grad(self.function(leaf).sum(), leaf)
        return -slope

    def _described(self, distance: Tensor) -> str:
        return f"{short_repr(self.function)} of 'springs', of distances of shape {tuple(distance.shape)},"


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
    return springs_for(margin, laws)


def springs_for(margin: float, laws: object) -> Springs:
    """Return what `make_springs` returns, for a margin that was checked."""
    if laws is None:
        return Springs(Attraction(), Repulsion.of_checked(float(margin)))
    if isinstance(laws, Springs):
        laws = (laws.similar, laws.dissimilar)
    wanted = "The 'springs' parameter must be None, a Springs or a pair (L_S, L_D) of laws or callables."
    if not isinstance(laws, tuple | list) or len(laws) != 2:
        raise InvalidParameterError(f"{wanted} Got {short_repr(laws)} instead.")
    return Springs(_as_law(laws[0], wanted), _as_law(laws[1], wanted))


def _as_law(law: object, wanted: str) -> Law:
    """Wrap a callable; try it on three distances, so that a wrong one is refused before any training.

    The paper's laws were checked as they were made, and need no trial, which a margin may be too large for.
    """
    if isinstance(law, Attraction | Repulsion):
        return law
    if not isinstance(law, Law):
        if not callable(law):
            raise InvalidParameterError(f"{wanted} Got {short_repr(law)} in it.")
        law = FreeLaw(law)
    distance = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float32, device="cpu")
    try:
        energy, force = law.energy(distance), law.force(distance)
        law.energy(distance[None]), law.force(distance.double()[None])  # (1, 3) as of all pairs of a block
    except Exception as error:
        function = law.function if isinstance(law, FreeLaw) else law
        raise InvalidParameterError(
            f"{wanted} {short_repr(function)} fails on tensors of three distances: {reason(error)}."
        ) from error
    if energy.shape != distance.shape or not torch.isfinite(torch.cat([energy, force])).all():
        raise InvalidParameterError(
            f"{wanted} {short_repr(law)} does not map three distances (0, 0.5, 1) to three finite energies and "
            f"forces: got energies {short_repr(energy.tolist())} and forces {short_repr(force.tolist())}."
        )
    return OwnLaw(law) if _is_own(law) else law


def _is_own(law: Law) -> bool:
    """Return whether a law is of no class of this package; the protocol is none."""
    return all(not base.__module__.startswith("drlim.") or base is Law for base in type(law).__mro__)


@dataclass(frozen=True)
class OwnLaw:
    """A law of the user's own: what it raises at some distances only names ``springs``, and is kept as the cause.

    Parameters
    ----------
    law : Law
    """

    law: Law

    @property
    def reach(self) -> float:
        """The reach of the law."""
        return self.law.reach

    def energy(self, distance: Tensor) -> Tensor:
        """Return the energy of the law."""
        with user_call(self._described("energy", distance)):
            return self.law.energy(distance)

    def force(self, distance: Tensor) -> Tensor:
        """Return the force of the law."""
        with user_call(self._described("force", distance)):
            return self.law.force(distance)

    def _described(self, what: str, distance: Tensor) -> str:
        return f"The {what} of {short_repr(self.law)} of 'springs', of distances of shape {tuple(distance.shape)},"
