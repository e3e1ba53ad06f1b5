"""Optimizers, their learning rate over a run, and the average of the weights that is the result."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn

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
    t counts as t to a power. It needs no horizon and is good at any stop. `torch.optim.swa_utils.AveragedModel` would
    walk through both modules at each step, for a millisecond.

    Attributes
    ----------
    module : torch.nn.Module
    """

    def __init__(self, problem: Problem) -> None:
        self.module: nn.Module = problem.encoder
        self.is_encoder = problem.settings.optimizer != "adam"
        """Whether the weights are the encoder's own."""
        self._n_averaged = 0
        self._power = _PACES[problem.settings.interactions].averaging
        if not self.is_encoder:
            self.module = copy.deepcopy(problem.encoder)
        pairs = zip(_values(self.module), _values(problem.encoder), strict=True)
        self._pairs = [(average, value, _is_averaged(value)) for average, value in pairs]

    @torch.no_grad()
    def update(self) -> None:
        """Take the encoder's present weights into the average."""
        if self.is_encoder:
            return
        # In float32 and by the reciprocal, as torch divides by a count under its usual default dtype: another default
        # changes no map.
        share = float(np.float32(self._power + 1) * (np.float32(1) / np.float32(self._n_averaged + self._power + 1)))
        for average, value, is_averaged in self._pairs:
            if self._n_averaged and is_averaged:
                average.lerp_(value, share)
            else:
                average.copy_(value)
        self._n_averaged += 1

    def state(self) -> dict[str, object]:
        """Return the average, not copied, and its number of steps; nothing where the weights are the encoder's."""
        return {} if self.is_encoder else {"n_averaged": self._n_averaged, "module": self.module.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a state."""
        if not self.is_encoder:
            self._n_averaged = cast(int, state["n_averaged"])
            self.module.load_state_dict(cast("Mapping[str, Tensor]", state["module"]))


def _values(module: nn.Module) -> list[Tensor]:
    """Return the weights and buffers of a module, which are changed in place."""
    return [*module.parameters(), *module.buffers()]


def _is_averaged(value: Tensor) -> bool:
    """Whether a weight or buffer is averaged: no count, as BatchNorm's of its batches, and no mask of infinities."""
    return value.is_floating_point() and bool(value.isfinite().all())


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
