"""One method on one data set, in this process: warm-up, then for each seed fit, map the test samples, score."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np

from benchmarks.maps.data import Split
from benchmarks.maps.methods import Method
from benchmarks.measuring import peak_memory
from drlim._base.arrays import Array
from drlim._base.disk import atomic_write
from drlim.metrics import knn_accuracy, trustworthiness

__all__ = ["Score", "map_file", "trial"]

_Given = ParamSpec("_Given")

_Returned = TypeVar("_Returned")

Score = dict[str, float | str]
"""Numbers of one seed, by name, and the fingerprint of the split."""

_WARM_TEST = 100
"""Number of test samples mapped in the warm-up."""


class _Clocked(NamedTuple):
    """Seconds that a call took."""

    wall: float
    processor: float
    """Of all threads together."""


def trial(method: Method, split: Split, seeds: Sequence[int], threads: int, file: Path | None) -> Iterator[Score]:
    """Measure one method on one data set, and yield the numbers of each seed as they come.

    Parameters
    ----------
    method : Method
    split : Split
    seeds : sequence of int
    threads : int
        Handed to methods that take it; the environment variables are the caller's.
    file : Path or None
        Where the map of the first seed's test samples is left for the picture, with their colours.
    """
    train, test = (X if method.images else X.reshape(len(X), -1) for X in (split.X_train, split.X_test))  # (n, ...)
    _, first = _clock(_fit_and_map, method, train[: method.warm_rows], test[:_WARM_TEST], threads)
    for place, seed in enumerate(seeds):
        (embedding, transform), fitting, peak = _watch(method.fit, train, seed, threads)
        Z_test, mapping = _clock(transform, test)  # (n_test, 2)
        _check(Z_test, embedding, split)
        if file is not None and place == 0:
            _leave(file, Z_test, split)
        yield {
            "seed": seed,
            "knn5": knn_accuracy(embedding, split.y_train, 5, Z_test, split.y_test),
            "trust10": trustworthiness(split.X_test, Z_test, n_neighbors=10),
            "fit_s": fitting.wall,
            "fit_cpu_s": fitting.processor,
            "transform_s": mapping.wall,
            "transform_cpu_s": mapping.processor,
            "first_s": first.wall,
            "peak_gb": peak / 1e9,
            "n_train": len(train),
            "n_test": len(test),
            "columns": train[0].size,
            "split": split.fingerprint,
        }


def map_file(folder: Path, data: str, method: str) -> Path:
    """Return the file that holds the map of a data set's test samples by a method."""
    return folder / "maps" / f"{data}-{method}.npz"


def _fit_and_map(method: Method, train: Array, test: Array, threads: int) -> Array:
    """Fit a few samples and map a few others: imports, compiles, starts threads."""
    return method.fit(train, 0, threads).transform(test)


def _clock(
    function: Callable[_Given, _Returned], *args: _Given.args, **kwargs: _Given.kwargs
) -> tuple[_Returned, _Clocked]:
    """Return what a call returned, and its seconds."""
    wall, processor = time.perf_counter(), time.process_time()
    returned = function(*args, **kwargs)
    return returned, _Clocked(time.perf_counter() - wall, time.process_time() - processor)


def _watch(
    function: Callable[_Given, _Returned], *args: _Given.args, **kwargs: _Given.kwargs
) -> tuple[_Returned, _Clocked, int]:
    """Return what a call returned, its seconds, and by how many bytes the process grew at most meanwhile."""
    found: list[tuple[_Returned, _Clocked]] = []
    peak = peak_memory(lambda: found.append(_clock(function, *args, **kwargs)))
    return *found[0], peak


def _check(Z_test: Array, embedding: Array, split: Split) -> None:
    """Refuse maps that have not one finite place in the plane for each sample."""
    for name, Z, n in (("training", embedding, len(split.X_train)), ("test", Z_test, len(split.X_test))):
        if np.shape(Z) != (n, 2) or not np.isfinite(Z).all():
            raise ArithmeticError(f"The map of the {name} samples has the shape {np.shape(Z)} or is not finite.")


def _leave(file: Path, Z_test: Array, split: Split) -> None:
    """Write a map and its colours, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    np.savez_compressed(content, Z=Z_test.astype(np.float32), colours=split.colours, cmap=np.array(split.cmap))
    atomic_write(file, content.getvalue())
