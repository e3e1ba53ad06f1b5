"""Training on from the present map by statements, in a thread of its own, while the server answers."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from drlim._base.arrays import Array, Floats, Index
from drlim._base.messages import one_line
from drlim.estimators.correcting import Corrected, CorrectionCancelledError, corrected, stated_weights
from drlim.estimators.drlim import DrLIM
from drlim.estimators.neighbor_map import NeighborMap
from drlim.explorer.charts import charted
from drlim.explorer.editing.stated import graph_of, left_out
from drlim.explorer.editing.statement import Statement

__all__ = ["Retraining", "drift_of", "free_path", "statement_weights"]

Phase = Literal["none", "running", "done", "failed", "cancelled"]

_LONGEST_ERROR = 600
"""Maximum number of characters of an error on the page."""

_SHARES = (0.5, 0.9, 0.99, 1.0)
"""Quantiles of the distances that samples moved."""

Save = Callable[[DrLIM | NeighborMap], Path]


class Retraining:
    """The present map, and the training that makes the next one.

    Parameters
    ----------
    model : DrLIM or NeighborMap
        Fitted.
    samples : ndarray, shape (n, ...)
        As ``model.transform`` takes them.
    save : callable
        Writes a map that was trained on, and returns the path of its file.
    """

    def __init__(self, model: DrLIM | NeighborMap, samples: Array, save: Save) -> None:
        self.model, self.samples = model, samples
        self._save = save
        own = model.graph_.n_samples == len(samples)
        self._relations = model.graph_ if own else None  # that statements which are undone leave no trace
        self._first = model
        self._lock = threading.Lock()
        self._phase: Phase = "none"
        self._began = 0.0
        self._working: DrLIM | NeighborMap | None = None
        self._n_before, self._n_planned = 0, 0
        self._result: dict[str, object] = {}
        self._cancelled, self._is_saving = threading.Event(), False
        self.thread: threading.Thread | None = None

    def start(self, statements: Sequence[Statement]) -> None:
        """Begin to train; `report` tells how far it is.

        Raises
        ------
        ValueError
            When there is no statement, or a training runs.
        """
        if not any(statement.kind != "ignore" for statement in statements):
            raise ValueError("There is nothing to learn from: state that samples are alike or not, or give labels.")
        with self._lock:
            if self._phase == "running":
                raise ValueError("A training runs. Wait until it is done.")
            self._phase, self._began, self._working, self._result = "running", time.monotonic(), None, {}
            self._cancelled, self._is_saving = threading.Event(), False
        self.thread = threading.Thread(target=self._run, args=(list(statements),), daemon=True)
        self.thread.start()

    def cancel(self) -> None:
        """End the training that runs after the present epoch; the map and the files stay as they were.

        Raises
        ------
        ValueError
            When no training runs, or it has ended and its map is being saved.
        """
        with self._lock:
            if self._phase != "running":
                raise ValueError("No training runs.")
            if self._is_saving:
                raise ValueError("The training has ended, and its map is being saved.")
            self._cancelled.set()

    def report(self) -> dict[str, object]:
        """Return how far the training is, as JSON has it.

        Returns
        -------
        dict
            ``phase``; ``seconds`` since it began; ``epochs``, the energy of each epoch; ``of``, how many there are to
            be; ``moved`` (True) once an earlier training has made another map than the page came with; while it runs
            ``cancelling``, whether it was cancelled and goes to the end of an epoch. Once done: ``model``, the name of
            the file; ``drift`` as `drift_of` returns it; ``warnings``. Once failed: ``error``.
        """
        with self._lock:
            found: dict[str, object] = {"phase": self._phase, **self._result}
            working = self._working
        if self.model is not self._first:
            found["moved"] = True
        if found["phase"] == "running":
            found["seconds"] = round(time.monotonic() - self._began, 1)
            found["cancelling"] = self._cancelled.is_set()
        if working is not None:
            records = list(working.__dict__.get("history_", []))[self._n_before :]
            found["epochs"] = [record.get("energy", record.get("cross_entropy")) for record in records]
            found["of"] = self._n_planned
        return found

    def positions(self) -> Array:
        """Return the places of all samples on the chart of the present map, (n, 2) or (n, 3)."""
        model = self.model
        same = len(model.embedding_) == len(self.samples)
        return charted(model, model.embedding_ if same else model.transform(self.samples))

    def _run(self, statements: list[Statement]) -> None:
        result: dict[str, object]
        phase: Phase
        try:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", UserWarning)
                found = self._corrected(statements)
            self._begin_to_save()
            path = self._save(found.model)
            drift = drift_of(found.moved, found.held, self.positions())
            result = {"model": path.name, "drift": drift, "warnings": [one_line(str(one.message)) for one in said]}
            self.model, phase = found.model, "done"
        except CorrectionCancelledError:
            result, phase = {}, "cancelled"
        except Exception as error:  # a person reads it on the page; the server goes on
            result, phase = {"error": one_line(error, _LONGEST_ERROR)}, "failed"
        with self._lock:
            self._phase, self._result = phase, {**result, "seconds": round(time.monotonic() - self._began, 1)}

    def _corrected(self, statements: list[Statement]) -> Corrected:
        n = len(self.samples)
        weights = statement_weights(statements, *stated_weights(self.model, self._relations))
        return corrected(
            self.model,
            self.samples,
            graph_of(statements, n, weights),
            relations=self._relations,
            without=left_out(statements, n),
            watch=self._watch,
            cancelled=self._cancelled.is_set,
        )

    def _begin_to_save(self) -> None:
        """From here on the training can be cancelled no more."""
        with self._lock:
            if self._cancelled.is_set():
                raise CorrectionCancelledError("The correction was cancelled.")
            self._is_saving = True

    def _watch(self, working: DrLIM | NeighborMap) -> None:
        with self._lock:
            self._n_before, self._working = len(working.history_), working
            self._n_planned = int(working.max_epochs)  # the model's own number comes back after the training


def statement_weights(statements: Sequence[Statement], similar: float, dissimilar: float) -> list[float]:
    """Return the weight of the pairs of each statement.

    A sample of a statement has pairs with all others of it. Their weights together are ``similar``, or ``dissimilar``,
    so that a statement is felt alike, whether it is about two samples or about hundreds.

    Examples
    --------
    >>> from drlim.explorer.editing.statement import read_statement
    >>> said = [{"kind": "alike", "samples": [0, 1]}, {"kind": "not alike", "samples": [0, 1, 2, 3, 4]}]
    >>> statement_weights([read_statement(one, 6) for one in said], 2.0, 8.0)
    [2.0, 2.0]
    """
    return [(dissimilar if one.kind == "not alike" else similar) / _partners(one) for one in statements]


def _partners(statement: Statement) -> int:
    """Return with how many others a sample of a statement is paired."""
    k, others = len(statement.samples), len(statement.others)
    return max(1, k - 1 if others == 0 else max(k, others))


def drift_of(moved: Floats, held: Index, before: Array) -> dict[str, object]:
    """Return how far samples have moved, in shares of the size of the map.

    Parameters
    ----------
    moved : ndarray, shape (n,)
        Distances.
    held : ndarray of int64, shape (m,)
        Samples that were held.
    before : ndarray, shape (n, d)
        The map before. Its size is twice the distance from its median within which nine of ten samples lie.

    Returns
    -------
    dict
        ``held`` and ``others``, each with ``n`` and ``quantiles``: half, 90, 99 and 100 % of them moved no further.

    Examples
    --------
    >>> before = np.array([[0.0], [1.0], [2.0], [3.0], [4.0]])
    >>> drift_of(np.array([0.0, 0.0, 0.4, 0.0, 0.4]), np.array([0, 1, 3]), before)["others"]["quantiles"]
    [0.1, 0.1, 0.1, 0.1]
    """
    away = np.linalg.norm(before - np.median(before, axis=0), axis=1)  # (n,)
    size = 2.0 * float(np.quantile(away, 0.9, method="higher")) or 1.0
    is_held = np.zeros(len(moved), dtype=bool)
    is_held[held] = True
    return {"held": _quantiles(moved[is_held] / size), "others": _quantiles(moved[~is_held] / size)}


def _quantiles(shares: Floats) -> dict[str, object]:
    found = [] if len(shares) == 0 else np.quantile(shares, _SHARES).round(5).tolist()
    return {"n": len(shares), "quantiles": found}


def free_path(model: Path) -> Path:
    """Return a path beside a model's file that there is not yet: ``map.retrained-1.safetensors`` and so on.

    Examples
    --------
    >>> free_path(Path("nowhere/map.safetensors")).name
    'map.retrained-1.safetensors'
    """
    number = 1
    while (path := model.with_name(f"{model.stem}.retrained-{number}{model.suffix}")).exists():
        number += 1
    return path
