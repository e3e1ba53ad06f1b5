"""What is around the epochs of any training: what looks on and may end it, and what keeps its state on the disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import nn

from drlim.training.checkpoints import Keeper
from drlim.training.problem import EpochRecord, Stopped
from drlim.training.state import Savable

__all__ = ["CallbackError", "Trained", "Watch", "run_epochs"]


class CallbackError(RuntimeError):
    """A callback has failed and so ended the fit; its error is the cause. The estimator keeps the map as it stood.

    Examples
    --------
    >>> from drlim import DrLIM, callbacks, datasets
    >>> class Failing:
    ...     def on_epoch_end(self, record, model_state):
    ...         raise OSError("disk full")
    >>> model = DrLIM(encoder="linear", max_epochs=2, callbacks=[Failing()], random_state=0)
    >>> try:
    ...     _ = model.fit(datasets.digits().X_train[:50])
    ... except callbacks.CallbackError as error:
    ...     print(type(error.__cause__).__name__)
    OSError
    """


class Watch(Protocol):
    """Looks on while a run goes on."""

    def begin(self, history: Sequence[EpochRecord], module: nn.Module) -> None:
        """Take note of the epochs that a run has behind it as it begins, and of the module that it trains."""
        ...

    def see(self, record: EpochRecord, module: nn.Module) -> bool:
        """Look at an epoch that has ended, and at the weights after it; return whether the run is to end."""
        ...


class Trained(Savable, Protocol):
    """A run as the loop over its epochs needs it."""

    @property
    def history(self) -> list[EpochRecord]:
        """One record for each epoch that has ended."""
        ...

    @property
    def module(self) -> nn.Module:
        """The module whose weights are the result."""
        ...

    @property
    def why_ended(self) -> Stopped | None:
        """Why to stop after the last epoch; None to go on."""
        ...

    def advance(self) -> EpochRecord:
        """Run an epoch; return its record."""
        ...


def run_epochs(
    run: Trained, on_epoch: Callable[[EpochRecord], object] | None, watch: Watch | None, keeper: Keeper | None
) -> Stopped:
    """Run epochs until there is a reason to stop; return it.

    Parameters
    ----------
    run : Trained
    on_epoch : callable or None
        Takes each epoch's record.
    watch : Watch or None
        Looks on, and may end the run.
    keeper : Keeper or None
        Restores the run at first, and writes its state.
    """
    stopped = None if keeper is None else keeper.begin(run)
    if watch is not None:
        watch.begin(run.history, run.module)
    while stopped is None:
        record = run.advance()
        if on_epoch is not None:
            on_epoch(record)
        # Before the state is kept: a run that goes on from there has asked them all.
        is_asked = watch is not None and watch.see(record, run.module)
        stopped = run.why_ended or ("callback" if is_asked else None)
        if keeper is not None:
            keeper.keep(run, stopped)
    return stopped
