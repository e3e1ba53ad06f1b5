"""Training that leaves the finite numbers: how it is noticed, and the error that names it."""

from __future__ import annotations

import math

import torch
from torch import nn

from drlim.forces import GraphEnergy

__all__ = ["DivergenceError", "advice", "check_energy", "check_gradients", "check_result", "is_finite"]

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


def check_energy(energy: GraphEnergy, epoch: int, step: int, rate: float) -> None:
    """Refuse an energy or a force that is not finite."""
    total = energy.similar + energy.dissimilar
    if not (math.isfinite(total) and bool(torch.isfinite(energy.gradient).all())):
        raise _diverged("forces", energy.similar, energy.dissimilar, epoch, step, rate)


def check_gradients(encoder: nn.Module, energy: GraphEnergy, epoch: int, step: int, rate: float) -> None:
    """Refuse gradients of weights whose squares, which optimizers sum, are not finite."""
    gradients = [weight.grad for weight in encoder.parameters() if weight.grad is not None]
    are_finite = [(gradient.abs() < _LARGEST_GRADIENT).all() for gradient in gradients]  # each ()
    if are_finite and not bool(torch.stack(are_finite).all()):
        raise _diverged("gradient", energy.similar, energy.dissimilar, epoch, step, rate)


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
