"""Optimizers, their learning rate over a run, and the average of the weights that is the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from drlim.training.problem import Problem

__all__ = ["WeightAverage", "learning_rate_at", "make_optimizer", "set_learning_rate"]

_WARM_UP = 0.1
"""Share of a run with in-batch forces over which Adam's learning rate rises. Full first steps drive the units of a wide
dense layer to their ends, from where they do not come back."""

_WARM_UP_STEPS = 50
"""Maximum number of steps of the rise where a batch takes the forces of all samples: such forces have little noise, and
the crowded start is better left soon."""


class _Pace(NamedTuple):
    """Adam's betas, and the power of the weight average.

    The average gives step t a weight that grows as the power ``averaging`` of t, so that it covers about the last 1 /
    (averaging + 1) of the run whenever it ends. At a constant rate Adam wanders about the rest position; the mean of
    its weights is nearer to it. docs/training.md has what led to the numbers.
    """

    betas: tuple[float, float]
    averaging: float


_PACES = {
    # torch's .999 keeps the large forces of a crowded start in its mean for a thousand steps, and steps small as long.
    "all": _Pace(betas=(0.9, 0.95), averaging=4.0),
    # Few similar pairs are in one batch: their noise needs long means.
    "batch": _Pace(betas=(0.9, 0.999), averaging=1.0),
}
"""Paces by `Settings.interactions`."""


def make_optimizer(problem: Problem) -> torch.optim.Optimizer:
    """Return the optimizer of the encoder's weights that require a gradient."""
    parameters = [parameter for parameter in problem.encoder.parameters() if parameter.requires_grad]
    if problem.settings.optimizer == "lbfgs":
        return torch.optim.LBFGS(
            parameters,
            lr=problem.settings.learning_rate,
            max_iter=1,
            max_eval=25,  # else 5/4 of max_iter: a line search of one trial, which stalls at its first refusal
            history_size=20,
            line_search_fn="strong_wolfe",
        )
    rate, betas = problem.settings.learning_rate, _PACES[problem.settings.interactions].betas
    if problem.settings.weight_decay == 0:
        return torch.optim.Adam(parameters, lr=rate, betas=betas)
    is_matrix = [parameter.ndim > 1 for parameter in parameters]
    groups = [
        {"params": [parameter for parameter, matrix in zip(parameters, is_matrix, strict=True) if matrix == decays]}
        for decays in (True, False)
    ]
    groups[0]["weight_decay"] = problem.settings.weight_decay  # type: ignore[assignment]  # a group holds all kinds
    return torch.optim.AdamW(groups, lr=rate, betas=betas, weight_decay=0.0)


class WeightAverage:
    """The module whose weights are the result: a running average of the encoder's, or the encoder itself for L-BFGS.

    The average is that of Shamir and Zhang, "Stochastic gradient descent for non-smooth optimization", ICML 2013: step
    t counts as t to a power. It needs no horizon and is good at any stop.

    Attributes
    ----------
    module : torch.nn.Module
    """

    def __init__(self, problem: Problem) -> None:
        self._encoder = problem.encoder
        self._average: AveragedModel | None = None
        self.module: nn.Module = problem.encoder
        if problem.settings.optimizer == "adam":
            move = _moving(_PACES[problem.settings.interactions].averaging)
            self._average = AveragedModel(problem.encoder, avg_fn=move, use_buffers=True)
            self.module = self._average.module

    @property
    def is_encoder(self) -> bool:
        """Whether the weights are the encoder's own."""
        return self._average is None

    def update(self) -> None:
        """Take the encoder's present weights into the average."""
        if self._average is not None:
            self._average.update_parameters(self._encoder)

    def state(self) -> dict[str, Tensor]:
        """Return the average and the number of steps in it, not copied; nothing where the weights are the encoder's."""
        return {} if self._average is None else self._average.state_dict()

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a state."""
        if self._average is not None:
            self._average.load_state_dict(state)


def _moving(power: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Return the step of an average towards the present weights."""

    def move(average: Tensor, weight: Tensor, n_averaged: Tensor | int) -> Tensor:
        if not average.is_floating_point():  # a count, such as BatchNorm's of its batches
            return weight
        # In float32 and by the reciprocal, as torch divides by a count under its usual default dtype: another default
        # changes no map.
        share = np.float32(power + 1) * (np.float32(1) / np.float32(int(n_averaged) + power + 1))
        moved = torch.lerp(average, weight, float(share))
        return torch.where(weight.isfinite(), moved, weight)  # a mask may hold infinities

    return move


def learning_rate_at(problem: Problem, progress: float) -> float:
    """Return the learning rate at ``progress`` in [0, 1] of the run."""
    settings, warm_up = problem.settings, _WARM_UP
    if settings.interactions == "all":
        warm_up = min(0.5, _WARM_UP_STEPS / (problem.n_steps * settings.max_epochs))
    if settings.optimizer == "lbfgs" or progress >= warm_up:
        return settings.learning_rate
    return settings.learning_rate * (0.05 + 0.95 * progress / warm_up)


def set_learning_rate(problem: Problem, optimizer: torch.optim.Optimizer, epoch: int, step: int = 0) -> None:
    """Set the rate of a step."""
    rate = learning_rate_at(problem, (epoch + step / problem.n_steps) / problem.settings.max_epochs)
    for group in optimizer.param_groups:
        group["lr"] = min(rate, 1e37)  # torch divides it by 1 - beta, and the quotient must fit float32
