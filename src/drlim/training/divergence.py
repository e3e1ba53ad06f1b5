"""Training that leaves the finite numbers: how it is noticed, and the error that names it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from drlim._base.torch import is_queued, read
from drlim.forces.energies import Energies

__all__ = ["DivergenceError", "FiniteChecks", "advice", "check_result", "is_finite"]

_LARGEST_WEIGHT = 1e18
"""Weights beyond it would map a sample out of the range of float32."""

_LARGEST_GRADIENT = 1e18
"""Gradients beyond it have squares that are infinite in float32: Adam takes steps of 0, and seems to have converged."""


class DivergenceError(ArithmeticError):
    """Training left the finite numbers.

    An encoder holds its last finite state. Of free points, which are relaxed before there is an encoder, nothing is
    kept.

    Examples
    --------
    >>> from drlim import DivergenceError, DrLIM, datasets
    >>> try:
    ...     model = DrLIM(learning_rate=1e30, optimizer="adam", random_state=0).fit(datasets.digits().X_train[:50])
    ... except DivergenceError as error:
    ...     print("learning rate" in str(error))
    True
    """


def is_finite(module: nn.Module) -> bool:
    """Whether all weights are finite, and small enough that float32 holds what they map a sample to."""
    return all(bool((weight.abs() < _LARGEST_WEIGHT).all()) for weight in module.parameters())


def check_result(module: nn.Module, epoch: int, step: int, rate: float) -> None:
    """Refuse weights that the last step of an epoch moved out of the finite numbers."""
    if not is_finite(module):
        raise _diverged("result", math.nan, math.nan, epoch, step, rate)


class FiniteChecks:
    """What must be finite in the steps of an epoch: energies, forces and gradients.

    On a CPU the first that is not ends the epoch at once. On a GPU to ask would be to wait for it in each step: there
    all are asked when the epoch ends, and the first that was not finite is named.

    Parameters
    ----------
    device : torch.device
    epoch : int
    rate : float
        Learning rate of the epoch.

    Attributes
    ----------
    epoch : int
    """

    def __init__(self, device: torch.device, epoch: int, rate: float) -> None:
        self.epoch, self._rate = epoch, rate
        self._is_late = is_queued(device)
        self._places: list[tuple[str, int]] = []
        self._found: list[Tensor] = []  # each (3,): whether it is finite, and the two energies

    def energy(self, energy: Energies, step: int) -> None:
        """Refuse an energy or a force that is not finite."""
        self._check("forces", _are_finite(energy), energy, step)

    def gradients(self, encoder: nn.Module, energy: Energies, step: int) -> None:
        """Refuse gradients of weights whose squares, which optimizers sum, are not finite."""
        gradients = [weight.grad for weight in encoder.parameters() if weight.grad is not None]
        are_finite = [(gradient.abs() < _LARGEST_GRADIENT).all() for gradient in gradients]  # each ()
        if are_finite:
            self._check("gradient", torch.stack(are_finite).all(), energy, step)  # ()

    def end(self) -> None:
        """Refuse the first that was not finite of what was not asked yet."""
        rows = read(torch.cat(self._found)) if self._found else []  # (3 c,)
        for place, (what, step) in enumerate(self._places):
            is_finite, similar, dissimilar = rows[3 * place : 3 * place + 3]
            if not is_finite:
                raise _diverged(what, similar, dissimilar, self.epoch, step, self._rate)

    def _check(self, what: str, is_finite: Tensor, energy: Energies, step: int) -> None:
        if self._is_late:
            self._places.append((what, step))
            self._found.append(torch.stack([is_finite.double(), energy.similar, energy.dissimilar]))  # (3,)
        elif not bool(is_finite):
            raise _diverged(what, float(energy.similar), float(energy.dissimilar), self.epoch, step, self._rate)


def _are_finite(energy: Energies) -> Tensor:
    """Return whether the energies and all forces are finite, ()."""
    return torch.isfinite(energy.similar + energy.dissimilar) & torch.isfinite(energy.gradient).all()


def _diverged(what: str, similar: float, dissimilar: float, epoch: int, step: int, rate: float) -> DivergenceError:
    return DivergenceError(
        f"Training diverged: the {what} of epoch {epoch + 1}, step {step + 1}, is not finite (energy of similar "
        f"pairs {similar:.6g}, of dissimilar pairs {dissimilar:.6g}, learning rate {rate:.3g}). The "
        f"encoder keeps the weights of the last finite epoch. {advice(what, epoch, step, similar, dissimilar)}"
    )


def advice(what: str, epoch: int, step: int, similar: float, dissimilar: float) -> str:
    """Return what is to be tried, by the likely cause: before the first step the learning rate is none.

    Examples
    --------
    >>> advice("forces", 3, 0, 1.0, 2.0)
    'Try a tenth of the learning rate.'
    >>> advice("forces", 0, 0, math.inf, 2.0)
    "No step was taken, so the learning rate is not the cause. The energy of similar pairs is not finite: check
    'springs', if they are your own, at large distances, and 'X' for wild values."
    """
    if what == "result" or (epoch, step) != (0, 0):
        return "Try a tenth of the learning rate."
    first = "No step was taken, so the learning rate is not the cause."
    for kind, energy in (("similar", similar), ("dissimilar", dissimilar)):
        if not math.isfinite(energy):
            return (
                f"{first} The energy of {kind} pairs is not finite: check 'springs', if they are your own, at large "
                "distances, and 'X' for wild values."
            )
    if what == "gradient":
        return (
            f"{first} The energies are finite, and the gradient of the encoder is not: check 'encoder' and scale 'X'."
        )
    return f"{first} The energies are finite, and a force is not: check the slope of 'springs', if they are your own."
