"""What looks on while an estimator is fitted: its history, the progress bar, and callbacks of the user's own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import torch
from sklearn.base import BaseEstimator
from torch import nn

from drlim._base.arrays import Array
from drlim._base.calls import reason, user_call
from drlim._base.checks import InvalidParameterError, short_repr
from drlim._base.joining import present_group
from drlim._base.stored_rows import are_shared
from drlim.estimators.samples import Samples, map_samples
from drlim.training.problem import EpochRecord
from drlim.training.units import record_in_unit
from drlim.training.watching import CallbackError

__all__ = ["ModelState", "Watching", "check_callbacks", "watching"]

_GO_ON, _STOP, _FAILED = 0.0, 1.0, 2.0
"""What the callbacks of rank 0 say to the other processes."""

_METHODS = ("on_fit_begin", "on_epoch_end", "on_fit_end")


class ModelState:
    """A model while it is fitted, as callbacks see it.

    Attributes
    ----------
    epoch : int
        Number of epochs that have ended, those of earlier calls of ``partial_fit`` included.
    n_before : int
        Number of epochs of those earlier calls.
    max_epochs : int
        Number of epochs planned in all.
    history : list of dict
        Their records; see ``history_`` of the estimator. A copy.
    parameters : dict of str to object
        Parameters of the estimator.
    stopped : str or None
        Why training ended, as in ``stopped_``; None before the end.

    Examples
    --------
    >>> from drlim import DrLIM, datasets
    >>> class Widths:
    ...     def on_epoch_end(self, record, model_state):
    ...         print(model_state.epoch, model_state.embedding().shape)
    >>> model = DrLIM(encoder="linear", max_epochs=2, callbacks=[Widths()], random_state=0)
    >>> _ = model.fit(datasets.digits().X_train[:50])
    1 (50, 2)
    2 (50, 2)
    """

    def __init__(
        self,
        history: Sequence[EpochRecord],
        n_before: int,
        max_epochs: int,
        parameters: Mapping[str, object],
        make_encoder: Callable[[], nn.Module],
        make_map: Callable[[nn.Module], Array],
        stopped: str | None = None,
    ) -> None:
        self.history = [dict(record) for record in history]
        self.epoch = len(self.history)
        self.n_before = n_before
        self.max_epochs = max_epochs
        self.parameters = dict(parameters)
        self.stopped = stopped
        self._make_encoder = make_encoder
        self._make_map = make_map
        self._encoder: nn.Module | None = None

    @property
    def encoder(self) -> nn.Module:
        """A copy of the encoder, with the weights that the map would have if training ended now, in evaluation mode.

        It is made when it is first asked for, and must be while the callback runs.
        """
        if self._encoder is None:
            self._encoder = self._make_encoder().eval()
        return self._encoder

    def embedding(self) -> Array:
        """Return the map of the training samples as it is now, shape (n_samples, n_components).

        It costs a pass of the encoder through all samples, about a third of an epoch.
        """
        return self._make_map(self.encoder)


def check_callbacks(callbacks: object, owner: str) -> None:
    """Refuse what has none of the methods of a callback."""
    for place, callback in enumerate(callbacks if isinstance(callbacks, list | tuple) else ()):
        if isinstance(callback, type) or not any(callable(getattr(callback, name, None)) for name in _METHODS):
            kind = "a class: give an instance" if isinstance(callback, type) else short_repr(callback)
            raise InvalidParameterError(
                f"The 'callbacks' parameter of {owner} must hold objects with any of the methods on_fit_begin, "
                f"on_epoch_end(record, model_state) and on_fit_end. Got {kind} at place {place}."
            )


class Watching:
    """Keeps the history of a fit, moves its progress bar and calls its callbacks, of several processes in rank 0.

    Parameters
    ----------
    parameters : dict of str to object
        Of the estimator; its callbacks are under "callbacks".
    history : list of dict
        Records of earlier calls. It grows by those of this one.
    planned : int
        Number of epochs planned in this call.
    advance : callable
        Moves the progress bar by a record.
    as_encoder : callable
        Returns the encoder, in the unit of the map, that a module in training amounts to: a copy.
    map_samples : callable
        Returns the map of the training samples by such an encoder.
    unit : float, default=1.0
        Unit of length of the records.
    """

    def __init__(
        self,
        parameters: Mapping[str, object],
        history: list[EpochRecord],
        planned: int,
        advance: Callable[[EpochRecord], None],
        as_encoder: Callable[[nn.Module], nn.Module],
        map_samples: Callable[[nn.Module], Array],
        unit: float = 1.0,
    ) -> None:
        self._group = present_group()
        given = parameters.get("callbacks") if self._group.rank == 0 else None
        self._callbacks: tuple[object, ...] = tuple(given) if isinstance(given, list | tuple) else ()
        self._parameters = parameters
        self._history = history
        self._n_before = len(history)
        self._planned = len(history) + planned
        self._advance = advance
        self._as_encoder = as_encoder
        self._map_samples = map_samples
        self._unit = unit
        self._begun: list[object] = []

    def begin(self, history: Sequence[EpochRecord], module: nn.Module) -> None:
        """Take up the records of a run that goes on from a checkpoint, and tell the callbacks that it begins.

        Raises
        ------
        FailedCallError
            When a callback fails. Those that have begun are told of the end.
        """
        for record in history:
            self._take(record)
        state = self._state(lambda: self._as_encoder(module))
        try:
            for callback in self._callbacks:
                with user_call(f"The on_fit_begin of the callback {_name_of(callback)}"):
                    _called(callback, "on_fit_begin", state)
                self._begun.append(callback)
        except BaseException:
            for callback in self._begun:
                with suppress(Exception):
                    _called(callback, "on_fit_end", state)
            self._begun = []
            raise

    def see(self, record: EpochRecord, module: nn.Module) -> bool:
        """Take up the record of an epoch; return whether a callback asks for the end.

        Raises
        ------
        CallbackError
            When a callback fails.
        """
        self._take(record)
        failure: CallbackError | None = None
        answer = _GO_ON
        try:
            answer = _STOP if self._is_asked_to_end(module) else _GO_ON
        except CallbackError as error:
            answer, failure = _FAILED, error
        first = self._group.lists([answer])[0][0]  # of several processes, what rank 0 says, so that all do the same
        if first == _FAILED:
            raise failure or CallbackError(
                "A callback of rank 0 has failed. The fit ends, and the map is kept as it stood."
            )
        return first == _STOP

    def _is_asked_to_end(self, module: nn.Module) -> bool:
        if not self._begun:
            return False
        state = self._state(lambda: self._as_encoder(module))
        asked = [_guarded(callback, "on_epoch_end", dict(self._history[-1]), state) for callback in self._begun]
        return any(answer is not None and bool(answer) for answer in asked)

    def end(self, encoder: nn.Module, stopped: str, failure: Exception | None = None) -> Exception | None:
        """Tell the callbacks of the end.

        Parameters
        ----------
        encoder : torch.nn.Module
            The trained one, in the unit of the map.
        stopped : str
            Why training ended.
        failure : Exception, default=None
            The error that it ended by.

        Returns
        -------
        Exception or None
            The failure, or the first of a callback, for the caller to raise once the map is kept.
        """
        state = self._state(lambda: copy.deepcopy(encoder), stopped)
        for callback in self._begun:
            try:
                _guarded(callback, "on_fit_end", state)
            except CallbackError as error:
                failure = failure or error
        return failure

    def _take(self, record: EpochRecord) -> None:
        record = record_in_unit(record, self._unit)
        self._history.append({**record, "epoch": self._n_before + record["epoch"]})
        self._advance(record)

    def _state(self, make_encoder: Callable[[], nn.Module], stopped: str | None = None) -> ModelState:
        counts = self._n_before, self._planned
        return ModelState(self._history, *counts, self._parameters, make_encoder, self._map_samples, stopped)


def watching(
    estimator: BaseEstimator,
    planned: int,
    advance: Callable[[EpochRecord], None],
    unit: float,
    as_encoder: Callable[[nn.Module], nn.Module],
    samples: Samples,
) -> Watching:
    """Return what looks on while an estimator is fitted to samples; see `Watching`."""
    parameters = estimator.get_params(deep=False)
    return Watching(
        parameters,
        estimator.history_,
        planned,
        advance,
        as_encoder,
        lambda encoder: _mapped(encoder, samples),
        unit,
    )


def _mapped(encoder: nn.Module, samples: Samples) -> Array:
    """Map the training samples in a callback, which rank 0 alone calls."""
    if are_shared(samples):
        raise ValueError(
            "The map of all training samples is not at hand in a callback where each process has a Shard of them: map "
            "samples of your own by the 'encoder' of the state, drlim.embed(model_state.encoder, X)."
        )
    return map_samples(encoder, samples)


def _guarded(callback: object, method: str, *given: object) -> object:
    """Call a method of a callback; whatever it raises becomes an error that names it."""
    try:
        return _called(callback, method, *given)
    except Exception as error:  # whatever a user's function raises
        raise CallbackError(
            f"The {method} of the callback {_name_of(callback)} fails: {reason(error)}. The fit ends, and the map is "
            "kept as it stood."
        ) from error


def _called(callback: object, method: str, *given: object) -> object:
    """Call a method of a callback, if it has it, without a change of torch's generators: masks depend on them."""
    function = getattr(callback, method, None)
    if not callable(function):
        return None
    given = given if _takes(function, len(given)) else ()
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.enable_grad():
        return function(*given)


def _takes(function: Callable[..., object], count: int) -> bool:
    """Whether a function takes a number of arguments; on_fit_begin and on_fit_end need not take the state."""
    if count > 1:
        return True
    try:
        inspect.signature(function).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # some functions written in C have no signature
        return True
    return True


def _name_of(callback: object) -> str:
    return type(callback).__name__
