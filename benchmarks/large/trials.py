"""What is measured, each in a process of its own: maps of rows on disk, neighbours of them, maps of sparse counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.large.data import counts, groups_of, rows_file
from benchmarks.large.watching import watched
from benchmarks.maps.methods import METHODS
from drlim._base.arrays import Array

__all__ = ["TRIALS", "Sizes"]

Numbers = dict[str, float | int | str]
"""The result of a trial, by name."""

_JUDGED = 2000
"""Number of rows beyond those fitted by which a map is judged."""

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
    """

    rows: int = 1_000_000
    counts: tuple[int, int] = (50_000, 30_000)


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
    (embedding, transform), fitting = watched(lambda: chosen.fit(rows, 0, 2))
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
    graph, took = watched(lambda: knn_graph(rows, 5))
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

    X, topics = counts(*sizes.counts)
    parameters = {"random_state": 0, "verbose": False}
    model = drlim.NeighborMap(**parameters) if kind == "NeighborMap" else drlim.DrLIM(max_epochs=1, **parameters)
    _, fitting = watched(lambda: model.fit(X))
    _, mapping = watched(lambda: model.transform(X[:5000]))
    Z: Array = model.embedding_
    judged = np.arange(0, len(Z), max(1, len(Z) // _JUDGED))
    others = np.setdiff1d(np.arange(len(Z)), judged)
    return {
        "texts": X.shape[0],
        "words": X.shape[1],
        "stored": X.nnz,
        "input_gb": (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e9,
        "fit_s": fitting.wall,
        "transform_s": mapping.wall,
        "total_s": fitting.wall + mapping.wall,
        "total_cpu_s": fitting.processor + mapping.processor,
        "peak_gb": max(fitting.peak, mapping.peak) / 1e9,
        "knn5": float(knn_accuracy(Z[others], topics[others], 5, Z[judged], topics[judged])),
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
