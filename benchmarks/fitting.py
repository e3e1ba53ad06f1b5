"""Peak memory of a process that fits the translated digits."""

from __future__ import annotations

from typing import Any

from benchmarks.measuring import Measured, measured, whole_peak
from drlim import DrLIM, datasets, knn_graph
from drlim.paper.shifted import MODEL, translated

__all__ = ["fit_memory", "fit_memory_all", "fit_memory_defaults"]


def fit_memory(n: int = 6000, epochs: tuple[int, int] = (2, 5)) -> Measured:
    """Measure the peak memory of experiment 2: translating the digits, finding neighbours, training.

    Training is in batches, with the parameters of the experiment. It runs twice, the second time for more epochs: the
    peak must not change.
    """
    return _fit_memory("`fit` of `shifted`", n, epochs, MODEL)


def fit_memory_defaults(n: int = 6000, epochs: tuple[int, int] = (1, 2)) -> Measured:
    """Measure the same with the default parameters of the estimator."""
    return _fit_memory("`fit` of `shifted` with default parameters", n, epochs, {"encoder": "convnet"})


def fit_memory_all(n: int = 6000, epochs: tuple[int, int] = (2, 5)) -> Measured:
    """Measure the same with steps on all pairs."""
    return _fit_memory(
        '`fit` of `shifted` with `batch_size="all"`', n, epochs, {"encoder": "convnet", "batch_size": "all"}
    )


def _fit_memory(what: str, n: int, epochs: tuple[int, int], parameters: dict[str, Any]) -> Measured:
    """Measure the peak memory of the whole process, with the interpreter and torch."""
    loaded = whole_peak()
    samples = translated(datasets.digits49().X_train[:n]).X  # (5 n, 28, 28)
    graph = knn_graph(samples, n_neighbors=5)
    prepared = whole_peak()
    peaks = []
    for count in epochs:
        changed = {**parameters, "max_epochs": count, "tol": 0.0, "random_state": 0, "verbose": False}
        DrLIM(**changed).fit(samples, graph=graph)
        peaks.append(whole_peak())
    parts = {"python and libraries, GB": loaded / 1e9, "with images and graph, GB": prepared / 1e9}
    parts |= {f"after {count} epochs, GB": peak / 1e9 for count, peak in zip(epochs, peaks, strict=True)}
    return measured(
        f"{what} ({len(samples):,} images), peak memory of the process",
        max(peaks) / 1e9,
        "GB",
        at_most=2.0,
        parts=parts,
    )
