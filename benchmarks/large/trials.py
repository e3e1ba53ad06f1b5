"""What is measured, each in a process of its own: maps of rows on disk, neighbours of them, maps of sparse counts."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from benchmarks.large.data import counts, groups_of, rows_file
from benchmarks.large.steps import steps_of
from benchmarks.large.watching import Watched, watched
from benchmarks.maps.methods import METHODS

__all__ = ["READY", "TRIALS", "Sizes"]

Numbers = dict[str, float | int | str]
"""The result of a trial, by name."""

_Result = TypeVar("_Result")

READY = "ready_at"
"""Name under which a trial says when its measured part begins, in seconds since 1970, on a line of its own."""

_JUDGED = 2000
"""Number of rows beyond those fitted by which a map is judged."""

_WARM_TEXTS, _WARM_WORDS = 4500, 300
"""Numbers of texts and words of a fit before the measured one, which imports and compiles."""

_AGAINST = 100_000
"""Number of fitted rows among which their neighbours on the map are looked for."""


class Sizes(NamedTuple):
    """How much is mapped.

    Attributes
    ----------
    rows : int
        Of 64 columns, on disk.
    counts : (int, int)
        Texts and words, sparse.
    epochs : int or None
        Epochs of the `DrLIM` of sparse counts; None is as many as it takes by default.
    profiled : bool
        Whether to give the seconds of each step in place of all else.
    """

    rows: int = 1_000_000
    counts: tuple[int, int] = (50_000, 30_000)
    epochs: int | None = None
    profiled: bool = False


def _measured(call: Callable[[], _Result]) -> tuple[_Result, Watched]:
    """Say that the measured part begins, and return what `watched` does."""
    sys.stdout.write(json.dumps({READY: time.time()}) + "\n")
    sys.stdout.flush()
    return watched(call)


def map_rows(method: str, sizes: Sizes, folder: Path) -> Numbers:
    """Fit rows of a memory map and map others; compile and import on a few before.

    ``knn5`` is the share of 2000 rows, never fitted, whose group is the most frequent among the 5 fitted rows nearest
    to them on the map.
    """
    from drlim.metrics import knn_accuracy

    n = sizes.rows
    everything = np.load(rows_file(folder, n + _JUDGED), mmap_mode="r")
    rows, others, groups = everything[:n], everything[n:], groups_of(n + _JUDGED)
    chosen = METHODS[method]
    warm = np.array(rows[: min(n, chosen.warm_rows)])
    chosen.fit(warm, 0, 2).transform(np.array(others[:100]))
    if sizes.profiled:
        return {**steps_of(lambda: chosen.fit(rows, 0, 2))}
    (embedding, transform), fitting = _measured(lambda: chosen.fit(rows, 0, 2))
    Z, mapping = watched(lambda: transform(others))
    if (
        embedding.shape != (n, 2)
        or Z.shape != (_JUDGED, 2)
        or not (np.isfinite(embedding).all() and np.isfinite(Z).all())
    ):
        raise ArithmeticError("The map has not one finite place in the plane for each row.")
    some = np.arange(0, n, max(1, n // _AGAINST))
    return {
        "rows": n,
        "fit_s": fitting.wall,
        "fit_cpu_s": fitting.processor,
        "transform_s": mapping.wall,
        "total_s": fitting.wall + mapping.wall,
        "total_cpu_s": fitting.processor + mapping.processor,
        "peak_gb": max(fitting.peak, mapping.peak) / 1e9,
        "knn5": float(knn_accuracy(embedding[some], groups[some], 5, Z, groups[n:])),
    }


def neighbours(sizes: Sizes, folder: Path) -> Numbers:
    """List the 5 nearest neighbours of the rows of a memory map, as a graph."""
    from drlim import knn_graph

    rows = np.load(rows_file(folder, sizes.rows + _JUDGED), mmap_mode="r")[: sizes.rows]
    knn_graph(np.array(rows[: min(sizes.rows, 25_000)]), 5)
    graph, took = _measured(lambda: knn_graph(rows, 5))
    return {
        "rows": sizes.rows,
        "pairs": graph.n_similar,
        "total_s": took.wall,
        "total_cpu_s": took.processor,
        "peak_gb": took.peak / 1e9,
    }


def sparse_map(kind: str, sizes: Sizes, folder: Path) -> Numbers:  # noqa: ARG001 - made in memory
    """Fit sparse counts and map them; the memory is that beyond the counts."""
    import drlim
    from drlim.metrics import knn_accuracy

    n, n_words = sizes.counts
    everything, topics = counts(n + _JUDGED, n_words)
    X, others = everything[:n], everything[n:]
    del everything
    make = drlim.NeighborMap if kind == "NeighborMap" else drlim.DrLIM
    make(random_state=0, verbose=False, max_epochs=1).fit(X[:_WARM_TEXTS, :_WARM_WORDS])
    model = make(random_state=0, verbose=False)
    if kind == "DrLIM" and sizes.epochs is not None:
        model.set_params(max_epochs=sizes.epochs)
    if sizes.profiled:
        return {**steps_of(lambda: model.fit(X))}
    _, fitting = _measured(lambda: model.fit(X))
    Z, mapping = watched(lambda: model.transform(others))
    return {
        "texts": n,
        "words": n_words,
        "stored": X.nnz,
        "input_gb": (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e9,
        "epochs": model.n_iter_,
        "fit_s": fitting.wall,
        "transform_s": mapping.wall,
        "total_s": fitting.wall + mapping.wall,
        "total_cpu_s": fitting.processor + mapping.processor,
        "peak_gb": max(fitting.peak, mapping.peak) / 1e9,
        "knn5": float(knn_accuracy(model.embedding_, topics[:n], 5, Z, topics[n:])),
    }


def _map_by(method: str) -> Callable[[Sizes, Path], Numbers]:
    return lambda sizes, folder: map_rows(method, sizes, folder)


def _sparse_by(kind: str) -> Callable[[Sizes, Path], Numbers]:
    return lambda sizes, folder: sparse_map(kind, sizes, folder)


TRIALS = {
    "NeighborMap": _map_by("NeighborMap"),
    "neighbours": neighbours,
    "sparse-NeighborMap": _sparse_by("NeighborMap"),
    "sparse-DrLIM": _sparse_by("DrLIM"),
    "PaCMAP": _map_by("PaCMAP"),
    "UMAP": _map_by("UMAP"),
    "openTSNE": _map_by("openTSNE"),
}
"""By the name used on the command line, in the order in which they run: those that take longest last."""
