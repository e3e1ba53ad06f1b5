"""A run of the training: all that changes from epoch to epoch, in one object that can be taken apart and restored."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import cast

from torch import nn

from drlim._base.torch import random_state, set_random_state
from drlim.training.divergence import DivergenceError, check_result, is_finite
from drlim.training.epochs import EpochSums, choose_epoch, memory_for
from drlim.training.judging import Best, has_risen
from drlim.training.optimizer import WeightAverage, learning_rate_at, make_optimizer
from drlim.training.packing import under
from drlim.training.problem import EpochRecord, Problem, Stopped
from drlim.training.state import RunState, restore_optimizer
from drlim.training.validation import HeldOut

__all__ = ["Run"]


class Run:
    """A run: weights, their average, optimizer, memory, best epoch and history.

    Orders of samples are drawn from (seed, epoch). Masks of dropout come from torch's global generators, and fresh
    copies are numbered by the calls that make them, so that the state of both belongs to the run.

    Parameters
    ----------
    problem : Problem
    validation : HeldOut, default=None
        Samples that judge each epoch.

    Attributes
    ----------
    history : list of dict
        One record for each epoch that has ended.
    """

    def __init__(self, problem: Problem, validation: HeldOut | None = None) -> None:
        self.problem = problem
        self.history: list[EpochRecord] = []
        self._optimizer = make_optimizer(problem)
        self._average = WeightAverage(problem)
        self._memory = memory_for(problem)
        self._run_epoch = choose_epoch(problem, self._optimizer, self._average, self._memory)
        self._last_finite = copy.deepcopy(self.module.state_dict())
        self._best = Best(self._last_finite, validation, problem.settings)
        self._is_judged = validation is not None

    @property
    def module(self) -> nn.Module:
        """The module whose weights are the result."""
        return self._average.module

    @property
    def epoch(self) -> int:
        """Number of epochs that have ended."""
        return len(self.history)

    def advance(self) -> EpochRecord:
        """Run an epoch; return its record, which is the last of the history.

        Raises
        ------
        DivergenceError
            When it leaves the finite numbers. The module has the weights of the epoch before.
        """
        began, epoch, shares = time.perf_counter(), self.epoch, self.problem.shares
        shares.reseed(self.problem.seed, epoch, self.problem.rows.device)
        try:
            sums = self._run_epoch(epoch)
            rate = learning_rate_at(self.problem, epoch / self.problem.settings.max_epochs)
            check_result(self.module, epoch, self.problem.n_steps - 1, rate)
        except DivergenceError:
            self.module.load_state_dict(self._last_finite)
            raise
        seconds = shares.compare([self.problem.encoder, self.module], epoch, time.perf_counter() - began)
        self._last_finite = copy.deepcopy(self.module.state_dict())
        record = _record(self.problem, epoch, sums, seconds)
        self._best.see(record, self.module, self._last_finite, shares)
        self.history.append(record)
        return record

    @property
    def why_ended(self) -> Stopped | None:
        """Why to stop after the last epoch; None to go on."""
        if self.epoch == 0:
            return None
        ended = self._best.why_ended
        return "max_epochs" if ended is None and self.epoch >= self.problem.settings.max_epochs else ended

    def has_risen(self) -> bool:
        """Whether the energy has risen by a tenth; the module then gets the weights of the lowest."""
        if not has_risen(self._best.energies, self.problem.settings):
            return False
        self.module.load_state_dict(self._best.state)
        return True

    def interrupt(self) -> None:
        """Leave the module with finite weights in the middle of an epoch."""
        is_searching = self._average.is_encoder  # L-BFGS may be in the middle of a line search
        if is_searching or self.problem.shares.is_shared or not is_finite(self.module):
            self.module.load_state_dict(self._last_finite)
        self.problem.shares.group.leave("Ctrl-C")

    def finish(self) -> None:
        """Put the weights of the result into the encoder, those of the best epoch where samples were held out."""
        if self._is_judged:
            self.module.load_state_dict(self._best.state)
        self.problem.encoder.load_state_dict(self.module.state_dict())
        self.problem.encoder.eval()

    def state(self) -> RunState:
        """Return all of the run, between two epochs.

        Raises
        ------
        TypeError
            When the encoder keeps state that is no tensor.
        """
        rows = self.problem.rows
        parts = {
            "encoder": self.problem.encoder.state_dict(),
            "average": self._average.state(),
            "optimizer": self._optimizer.state_dict()["state"],
            "memory": None if self._memory is None else self._memory.state(),
            "random": random_state(rows.device),
            "best": self._best.state if self._best.epoch < self.epoch else None,  # else it is the average
            "history": self.history,
            "n_draws": rows.n_draws,
        }
        return RunState.of(parts)

    def restore(self, state: RunState) -> None:
        """Go on from a state of a run of the same problem."""
        parts, tensors = state.parts(), state.tensors
        self.problem.encoder.load_state_dict(under("encoder", tensors))
        self._average.restore(cast("Mapping[str, object]", parts["average"]))
        restore_optimizer(self._optimizer, parts["optimizer"])
        if self._memory is not None:
            self._memory.restore(cast("Mapping[str, object]", parts["memory"]))
        set_random_state(tensors["random"], self.problem.rows.device)
        self.problem.rows.n_draws = cast(int, parts["n_draws"])
        self._last_finite = copy.deepcopy(self.module.state_dict())
        self.history = state.history
        self._best.restore(self.history, self._last_finite if parts["best"] is None else under("best", tensors))


def _record(problem: Problem, epoch: int, sums: EpochSums, seconds: float) -> EpochRecord:
    graph, balance = problem.graph, problem.balance
    record = {
        "epoch": epoch + 1,
        "energy": balance.total(sums.similar, sums.dissimilar) + sums.anchor,
        "energy_similar": sums.similar / max(1, graph.similar.total_weight),
        "energy_dissimilar": sums.dissimilar / max(1, graph.dissimilar.total_weight),
        "learning_rate": learning_rate_at(problem, (epoch + 0.5) / problem.settings.max_epochs),
        "pairs": sums.pairs,
        "seconds": seconds,
    }
    if problem.anchor is not None:
        record["energy_anchor"] = sums.anchor
    return record
