"""Checkpoints: whether fits that are killed at random times end in the same bytes, and what writing costs."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import Measured, alternate, measured, ratio, torch_threads
from drlim import DrLIM, NeighborMap, datasets, save
from drlim.callbacks import EarlyStopping
from drlim.estimators.keeping import Keeping
from drlim.paper.digits import MODEL
from drlim.training.checkpoints import CheckpointFolder, Keeper

__all__ = ["kills", "share"]

_EPOCHS = 10
"""Number of epochs of each fit."""

_LONGEST_DELAY = 0.1
"""Maximum number of seconds between a checkpoint and the kill: one to ten epochs on an idle machine."""


def _noisy(images: Any, generator: np.random.Generator) -> Any:
    return (images + generator.normal(scale=0.1, size=images.shape)).astype(images.dtype)


_ADAM = {
    "encoder": "convnet",
    "max_epochs": _EPOCHS,
    "tol": 0.0,
    "batch_size": 100,
    "random_state": 0,
    "verbose": False,
}
_FITS: dict[str, Callable[..., Any]] = {
    "Adam, all samples felt": lambda **given: DrLIM(**_ADAM, **given),
    "Adam, in batches, samples held out": lambda **given: DrLIM(
        **_ADAM, interactions="batch", validation=0.2, callbacks=[EarlyStopping(patience=8)], **given
    ),
    "Adam, fresh copies": lambda **given: DrLIM(**_ADAM, orbit=_noisy, **given),
    "L-BFGS": lambda **given: DrLIM(**{**_ADAM, "encoder": "mlp", "batch_size": "all"}, optimizer="lbfgs", **given),
    "NeighborMap": lambda **given: NeighborMap(max_epochs=_EPOCHS, random_state=0, verbose=False, **given),
}


@torch_threads(1)  # a process is forked before torch has made threads
def kills(n: int = 20, n_samples: int = 200) -> Measured:
    """Kill fits by SIGKILL at random times of their training, let each go on in a new process, and compare the models.

    Parameters
    ----------
    n : int, default=20
        Number of kills, shared out among five kinds of fit.
    n_samples : int, default=200
    """
    X = datasets.digits49().X_train[:n_samples]
    draw = np.random.default_rng(2026)
    same, at, n_left = 0, [], 0
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        wholes = {kind: _whole(kind, X, root / f"{place}.safetensors") for place, kind in enumerate(_FITS)}
        for trial in range(n):
            kind = list(_FITS)[trial % len(_FITS)]
            whole, _ = wholes[kind]
            folder, path = root / f"kept-{trial}", root / f"again-{trial}.safetensors"
            while not _killed(lambda kind=kind, folder=folder, path=path: _fit(kind, X, path, folder), folder, draw):
                path.unlink(missing_ok=True)  # it had ended before it was to be killed
                shutil.rmtree(folder)
            n_left += len(list(folder.glob(".drlim-*.tmp")))
            found = CheckpointFolder(folder).newest()
            at.append(f"{kind}: {'before the first' if found is None else len(found.state.history)}")
            _done(_forked(lambda kind=kind, folder=folder, path=path: _fit(kind, X, path, folder)))
            same += path.read_bytes() == whole
    return measured(
        f"fits that go on after a kill (-9) at a random time and end in the bytes of a whole fit, of {n}",
        same,
        "fits",
        at_least=n,
        parts={f"seconds of a whole fit, {kind}": seconds for kind, (_, seconds) in wholes.items()},
        notes=f"epochs in the checkpoint: {'; '.join(at)}. Killed while a file was being written: {n_left}.",
    )


def _whole(kind: str, X: Any, path: Path) -> tuple[bytes, float]:
    """Return the file of a model whose fit was not cut short and kept no checkpoints, and its seconds."""
    began = time.perf_counter()
    _done(_forked(lambda: _fit(kind, X, path, None)))
    return path.read_bytes(), time.perf_counter() - began


def _fit(kind: str, X: Any, path: Path, folder: Path | None) -> None:
    given = {} if folder is None else {"checkpoint": folder}
    save(_FITS[kind](**given).fit(X, resume=folder is not None), path)


def _forked(work: Callable[[], None]) -> int:
    """Start a process that does the work; return its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def _killed(work: Callable[[], None], folder: Path, draw: np.random.Generator) -> bool:
    """Start a process and kill it at a random time after a random one of its checkpoints; return whether it worked."""
    wanted, delay = int(draw.integers(1, _EPOCHS + 1)), float(draw.uniform(0, _LONGEST_DELAY))
    child = _forked(work)
    while not any(_number(path) >= wanted for path in folder.glob("checkpoint-*")):
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _number(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _done(child: int) -> None:
    """Wait for a process, which must not fail."""
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise RuntimeError(f"A fit failed with status {status}.")


def share(epochs: int = 100, rounds: int = 5, short: int = 5) -> Measured:
    """Measure the share of the time of experiment `digits` that a checkpoint after each epoch takes.

    The time is that of all that checkpoints add, in one whole fit: comparing what the fit depends on, taking the state
    and writing it. Shorter fits with and without, in turn, show that nothing was forgotten.

    Parameters
    ----------
    epochs : int, default=100
        Epochs of the whole fit, those of the experiment.
    rounds : int, default=5
        Number of pairs of shorter fits.
    short : int, default=5
        Their epochs.
    """
    X = datasets.digits49().X_train
    with tempfile.TemporaryDirectory() as name:

        def fit(count: int, folder: str | None) -> float:
            given = {**MODEL, "max_epochs": count, "random_state": 0, "verbose": False}
            began = time.perf_counter()
            DrLIM(**given, checkpoint=None if folder is None else Path(name) / folder).fit(X)
            return time.perf_counter() - began

        with _clocked() as spent:
            whole = fit(epochs, "whole")
        size = max(path.stat().st_size for path in (Path(name) / "whole").iterdir())
        sides = {"with": lambda: fit(short, "short"), "without": lambda: fit(short, None)}
        times = alternate(sides, rounds)
    found, spread = ratio(times["with"], times["without"])
    return measured(
        f"a checkpoint after each of {epochs} epochs of `digits`, share of the time of the fit",
        sum(spent) / whole,
        "ratio",
        at_most=0.03,
        parts={
            "seconds of the fit": whole,
            "milliseconds of a checkpoint": 1e3 * sum(spent) / epochs,
            "kilobytes of a checkpoint": size / 1e3,
            f"time with / without, {short} epochs": found,
            "its first quartile": spread[0],
            "its third quartile": spread[1],
        },
    )


@contextmanager
def _clocked() -> Iterator[list[float]]:
    """Add up the seconds of all that checkpoints do, while the block runs."""
    spent: list[float] = []
    clocked = [(Keeping, "add_training"), (Keeper, "begin"), (Keeper, "keep")]
    kept = [getattr(owner, name) for owner, name in clocked]

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*given)
            finally:
                spent.append(time.perf_counter() - began)

        return call

    for (owner, name), function in zip(clocked, kept, strict=True):
        setattr(owner, name, timed(function))
    try:
        yield spent
    finally:
        for (owner, name), function in zip(clocked, kept, strict=True):
            setattr(owner, name, function)
