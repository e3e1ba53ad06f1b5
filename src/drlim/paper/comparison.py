"""What one would try instead: PCA, Isomap, LLE, t-SNE and UMAP on the images of experiments 1, 2, 4 and 5.

Every method is judged on the same test samples. Those that can map new samples are fitted on training samples, as many
as they can take in the time; t-SNE cannot, and is fitted on the very samples it is judged on. DrLIM's own numbers are
of the models that the experiments left beside, on these samples. Half a minute on two cores.
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import drlim
from drlim import datasets, metrics
from drlim.paper import airplane
from drlim.paper.report import Report, Row
from drlim.paper.shifted import translated, within_clusters
from drlim.paper.topology import loop_ratio

__all__ = ["METHODS", "Task", "reproduce", "tasks"]

Judge = Callable[[NDArray[Any]], dict[str, float]]

_N_NEIGHBORS = 15
"""Of Isomap, LLE and UMAP (its default). With 10 or fewer the graph of the aeroplane falls into pieces."""


@dataclass(frozen=True)
class Task:
    """Images to map, and how a map of the test images is judged.

    Attributes
    ----------
    name : str
    X_train, X_test : ndarray, shape (n, ...)
    n_components : int
    judge : callable
        Takes a map of ``X_test`` and returns numbers by name.
    models : dict of str to str
        Experiments whose models map these images, and what to call them.
    n_fit : int
        Training samples for the methods that cannot take all, spread evenly.
    """

    name: str
    X_train: NDArray[np.float32]
    X_test: NDArray[np.float32]
    n_components: int
    judge: Judge
    models: Mapping[str, str] = field(default_factory=dict)
    n_fit: int = 3000


def _pca(n_components: int, seed: int) -> Any:
    from sklearn.decomposition import PCA

    return PCA(n_components, random_state=seed)


def _isomap(n_components: int, seed: int) -> Any:  # noqa: ARG001
    from sklearn.manifold import Isomap

    return Isomap(n_components=n_components, n_neighbors=_N_NEIGHBORS)


def _lle(n_components: int, seed: int) -> Any:
    from sklearn.manifold import LocallyLinearEmbedding

    return LocallyLinearEmbedding(n_components=n_components, n_neighbors=_N_NEIGHBORS, random_state=seed)


def _tsne(n_components: int, seed: int) -> Any:
    from sklearn.manifold import TSNE

    return TSNE(n_components, random_state=seed)


def _umap(n_components: int, seed: int) -> Any:
    from umap import UMAP

    return UMAP(n_components=n_components, random_state=seed)


METHODS: dict[str, Callable[[int, int], Any]] = {
    "PCA": _pca,
    "Isomap": _isomap,
    "LLE": _lle,
    "t-SNE": _tsne,
    "UMAP": _umap,
}
"""Makers of the methods, from the dimensions of the map and a seed."""

_TAKES_ALL = ("PCA",)
"""Methods that are fitted on all training samples; the others take `Task.n_fit` of them."""


def reproduce(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,  # noqa: ARG001 - all experiments take it
    chosen: list[Task] | None = None,
) -> Report:
    """Fit every method on every set of images, and leave the table in ``folder``.

    Parameters
    ----------
    folder : Path
        Gets ``report.json``. Models of DrLIM are looked for in the folders beside it.
    random_state : int, default=0
    verbose : bool, default=None
        Not used: there is nothing to count.
    chosen : list of Task, default=None
        None takes `tasks`.

    Returns
    -------
    Report
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    notes = [] if find_spec("umap") else ["UMAP is not installed, and left out."]
    found: list[dict[str, Any]] = []
    for task in tasks() if chosen is None else chosen:
        found += _by_models(task, folder.parent, notes)
        for name in METHODS:
            if name != "UMAP" or find_spec("umap"):
                found.append(_by_method(task, name, random_state, notes))
    columns = list(dict.fromkeys(key for line in found for key in line))
    table = {"columns": columns, "rows": [[line.get(column) for column in columns] for line in found]}
    report = Report(
        "comparison", list(_rows(found)), time.perf_counter() - began, folder, {"table": table, "notes": notes}
    )
    report.write()
    return report


def tasks() -> list[Task]:
    """Return the images of the paper's experiments, with the numbers asked of their maps."""
    digits, (posed, _) = datasets.digits49(), airplane.views()
    train, test = translated(digits.X_train[:800]), translated(digits.X_test[::5])
    slant = metrics.slant(digits.X_test)

    def judge_digits(Z: NDArray[Any]) -> dict[str, float]:
        trust = metrics.trustworthiness(digits.X_test, Z, n_neighbors=10)
        return {"trustworthiness": trust, "R2 of slant": metrics.position_r2(Z, slant)}

    def judge_translated(Z: NDArray[Any]) -> dict[str, float]:
        return {
            "trustworthiness": float(np.mean(within_clusters(Z, test))),
            "shift from position": metrics.position_accuracy(Z, test.transform),
            "variance within an orbit / total": metrics.orbit_ratio(Z, test.source),
        }

    models = {"shifted": "DrLIM without prior", "shifted-prior": "DrLIM with prior"}
    return [
        Task("digits", digits.X_train, digits.X_test, 2, judge_digits, {"digits": "DrLIM"}),
        Task("translated digits", train.X, test.X, 2, judge_translated, models),
        _airplane_task(posed),
    ]


def _airplane_task(posed: datasets.PosedImages) -> Task:
    metadata = {name: values[posed.test] for name, values in posed.metadata.items()}
    even, odd = np.arange(0, len(posed.test), 2), np.arange(1, len(posed.test), 2)

    def judge(Z: NDArray[Any]) -> dict[str, float]:
        # t-SNE has no map of training views, so all read-outs are fitted on one half of the test views.
        numbers = {"least R2 of the pose": min(airplane.read_outs(Z, metadata, even, odd).values())}
        numbers["variance over lighting / total"] = metrics.orbit_ratio(Z, airplane.poses(metadata))
        with contextlib.suppress(ImportError):
            numbers["longest H1 bar / next"] = loop_ratio(Z)
        return numbers

    X = posed.images
    return Task("aeroplane", X[posed.train], X[posed.test], 3, judge, {"airplane": "DrLIM"})


def _by_models(task: Task, folder: Path, notes: list[str]) -> Iterator[dict[str, Any]]:
    """Judge the models of DrLIM that map these images."""
    for experiment, name in task.models.items():
        path = folder / experiment / "model.safetensors"
        if not path.is_file():
            notes.append(f"{name} is left out of {task.name}: run {experiment} first.")
            continue
        model = drlim.load(path)
        n_train = json.loads((path.parent / "report.json").read_text())["details"]["n_train"]
        yield {
            "images": task.name,
            "method": name,
            "fitted on": f"{n_train} training",
            "maps new images": "yes",
            **task.judge(model.transform(task.X_test)),
        }


def _by_method(task: Task, name: str, seed: int, notes: list[str]) -> dict[str, Any]:
    """Fit one method, map the test images, and judge the map."""
    began = time.perf_counter()
    method = METHODS[name](task.n_components, seed)
    X_train, X_test = (X.reshape(len(X), -1) for X in (task.X_train, task.X_test))
    if name not in _TAKES_ALL:
        X_train = X_train[np.linspace(0, len(X_train) - 1, min(task.n_fit, len(X_train))).astype(int)]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        maps_new = hasattr(method, "transform")
        Z = method.fit(X_train).transform(X_test) if maps_new else method.fit_transform(X_test)
    notes += [f"{name} on {task.name} warned: {str(each.message)[:200]}" for each in said]
    return {
        "images": task.name,
        "method": name,
        "fitted on": f"{len(X_train)} training" if maps_new else f"the {len(X_test)} test images themselves",
        "maps new images": "yes" if maps_new else "no",
        **task.judge(np.asarray(Z, dtype=np.float64)),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _rows(found: list[dict[str, Any]]) -> Iterator[Row]:
    """Yield each number of the table by itself."""
    for line in found:
        for name, value in line.items():
            if isinstance(value, float) and name != "seconds":
                yield Row(f"{line['images']}, {line['method']}: {name}", value)
