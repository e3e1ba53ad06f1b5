"""Other methods on the images of experiments 1, 2, 4 and 5: PCA, Isomap, LLE, t-SNE and UMAP.

All methods are judged on the same test samples. Methods that can map new samples are fitted on training samples, as
many as they can process in the time. t-SNE cannot map new samples and is fitted on the test samples themselves. The
numbers of DrLIM are those of the models in the folders of the other experiments. Half a minute on two cores.
"""

from __future__ import annotations

import contextlib
import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import drlim
from drlim import datasets, metrics
from drlim._base.arrays import Array
from drlim.paper import airplane
from drlim.paper.frame import Outcome, framed
from drlim.paper.report import Details, Row
from drlim.paper.shifted import translated, within_clusters
from drlim.paper.topology import loop_ratio

__all__ = ["METHODS", "Method", "Task", "reproduce", "run", "tasks"]

Judge = Callable[[Array], dict[str, float]]
"""Takes a map (n, d) of test images and returns numbers by name."""

Line = dict[str, str | float]
"""One line of the table, by column."""

_N_NEIGHBORS = 15
"""Number of neighbours of Isomap, LLE and UMAP (its default). With 10 the aeroplane's graph is disconnected."""


@dataclass(frozen=True)
class Task:
    """Images to map, and how a map of the test images is judged.

    Attributes
    ----------
    name : str
        Name of the images in the table.
    X_train, X_test : ndarray, shape (n, ...)
        Images to fit on and images to judge by.
    n_components : int
        Number of dimensions of the map.
    judge : callable
        Takes a map of ``X_test`` and returns numbers by name.
    models : dict of str to str
        Experiments whose models map these images, with the names of the models in the table.
    n_fit : int
        Maximum number of training samples for methods that cannot process all; they are spread evenly.
    """

    name: str
    X_train: Array
    X_test: Array
    n_components: int
    judge: Judge
    models: Mapping[str, str] = field(default_factory=dict)
    n_fit: int = 3000


class Method(NamedTuple):
    """A method of another library.

    Attributes
    ----------
    module : str
        Module that defines its class.
    name : str
        Name of its class.
    settings : mapping of str to object
        Parameters beside ``n_components`` and ``random_state``.
    takes_all : bool
        Whether it is fitted on all training samples. The others take `Task.n_fit` of them.
    seeded : bool
        Whether it has a ``random_state``.
    """

    module: str
    name: str
    settings: Mapping[str, object] = MappingProxyType({})
    takes_all: bool = False
    seeded: bool = True

    def make(self, n_components: int, seed: int) -> Any:  # these libraries have no types
        """Return an estimator that is not fitted."""
        seeds = {"random_state": seed} if self.seeded else {}
        return getattr(import_module(self.module), self.name)(n_components=n_components, **self.settings, **seeds)


_NEIGHBORS = MappingProxyType({"n_neighbors": _N_NEIGHBORS})

METHODS = {
    "PCA": Method("sklearn.decomposition", "PCA", takes_all=True),
    "Isomap": Method("sklearn.manifold", "Isomap", _NEIGHBORS, seeded=False),
    "LLE": Method("sklearn.manifold", "LocallyLinearEmbedding", _NEIGHBORS),
    "t-SNE": Method("sklearn.manifold", "TSNE"),
    "UMAP": Method("umap", "UMAP"),
}
"""The methods by their names in the table."""


def run(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,  # noqa: ARG001 - all experiments take it
    chosen: Sequence[Task] | None = None,
) -> Outcome:
    """Fit every method on every set of images, and return the table of their numbers.

    Parameters
    ----------
    folder : Path
        Models of DrLIM are read from the folders beside it.
    random_state : int, default=0
        Seed of the methods.
    verbose : bool, default=None
        Not used, as the methods report no progress.
    chosen : sequence of Task, default=None
        Sets of images; None takes those of `tasks`.

    Returns
    -------
    rows : list of Row
    details : dict
        ``table``, with ``columns`` and ``rows``, and ``notes``.
    """
    notes = [] if find_spec("umap") else ["UMAP is not installed, and left out."]
    names = [name for name in METHODS if name != "UMAP" or not notes]
    lines: list[Line] = []
    for task in tasks() if chosen is None else chosen:
        lines += _by_models(task, folder.parent, notes)
        lines += [_by_method(task, name, random_state, notes) for name in names]
    return list(_rows(lines)), {"table": _table(lines), "notes": notes}


reproduce = framed("comparison", run)


def tasks() -> list[Task]:
    """Return the images of the paper's experiments, with the functions that judge their maps."""
    digits, (posed, _) = datasets.digits49(), airplane.views()
    train, test = translated(digits.X_train[:800]), translated(digits.X_test[::5])
    X_train, X_test = np.asarray(train.X), np.asarray(test.X)  # (5 n, 28, 28) each
    slant = metrics.slant(digits.X_test)

    def judge_digits(Z: Array) -> dict[str, float]:
        trust = metrics.trustworthiness(digits.X_test, Z, n_neighbors=10)
        return {"trustworthiness": trust, "R2 of slant": float(metrics.position_r2(Z, slant))}

    def judge_translated(Z: Array) -> dict[str, float]:
        return {
            "trustworthiness": float(np.mean(within_clusters(Z, test))),
            "shift from position": metrics.position_accuracy(Z, test.transform),
            "variance within an orbit / total": metrics.orbit_ratio(Z, test.source),
        }

    models = {"shifted": "DrLIM without prior", "shifted-prior": "DrLIM with prior"}
    return [
        Task("digits", digits.X_train, digits.X_test, 2, judge_digits, {"digits": "DrLIM"}),
        Task("translated digits", X_train, X_test, 2, judge_translated, models),
        _airplane_task(posed),
    ]


def _airplane_task(posed: datasets.PosedImages) -> Task:
    metadata = {name: values[posed.test] for name, values in posed.metadata.items()}
    even, odd = np.arange(0, len(posed.test), 2), np.arange(1, len(posed.test), 2)

    def judge(Z: Array) -> dict[str, float]:
        # t-SNE does not map training views, so that all read-outs are fitted on one half of the test views.
        numbers = {"least R2 of the pose": min(airplane.read_outs(Z, metadata, even, odd).values())}
        numbers["variance over lighting / total"] = metrics.orbit_ratio(Z, airplane.poses(metadata))
        with contextlib.suppress(ImportError):
            numbers["longest H1 bar / next"] = loop_ratio(Z)
        return numbers

    X = posed.images
    return Task("aeroplane", X[posed.train], X[posed.test], 3, judge, {"airplane": "DrLIM"})


def _by_models(task: Task, folder: Path, notes: list[str]) -> Iterator[Line]:
    """Judge the models of DrLIM that map these images, and note those that are missing."""
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


def _by_method(task: Task, name: str, seed: int, notes: list[str]) -> Line:
    """Fit one method, map the test images, judge the map, and note the warnings of the method."""
    began = time.perf_counter()
    method = METHODS[name].make(task.n_components, seed)
    X_train, X_test = (X.reshape(len(X), -1) for X in (task.X_train, task.X_test))  # (n, pixels)
    if not METHODS[name].takes_all:
        X_train = X_train[
            np.linspace(0, len(X_train) - 1, min(task.n_fit, len(X_train))).astype(int)
        ]  # (n_fit, pixels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        maps_new = hasattr(method, "transform")
        Z = method.fit(X_train).transform(X_test) if maps_new else method.fit_transform(X_test)
    notes += [f"{name} on {task.name} warned: {str(each.message)[:200]}" for each in caught]
    return {
        "images": task.name,
        "method": name,
        "fitted on": f"{len(X_train)} training" if maps_new else f"the {len(X_test)} test images themselves",
        "maps new images": "yes" if maps_new else "no",
        **task.judge(np.asarray(Z, dtype=np.float64)),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _table(lines: list[Line]) -> Details:
    """Return the lines as columns and rows, with None where a line does not have a column."""
    columns = list(dict.fromkeys(key for line in lines for key in line))
    return {"columns": columns, "rows": [[line.get(column) for column in columns] for line in lines]}


def _rows(lines: list[Line]) -> Iterator[Row]:
    """Yield a row for each number of the table."""
    for line in lines:
        for name, value in line.items():
            if isinstance(value, float) and name != "seconds":
                yield Row(f"{line['images']}, {line['method']}: {name}", value)
