"""Maps of classes that a network learns by heart: 600 samples of 200 columns, of which 6 tell four classes.

``python -m benchmarks overfitting`` fits maps on the labels and classifies 1000 other samples by their five nearest
training samples on the map, and in the raw columns; about seven minutes on two cores shared with other work.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.measuring import Measured, measured
from drlim import DrLIM, NeighborMap
from drlim._base.arrays import Array, Index
from drlim.metrics import knn_accuracy

__all__ = ["Found", "Samples", "accuracies", "made", "measure"]

_APART = 1.3
"""Standard deviation of the classes' centres in each of the 6 columns, in those of the samples of a class. A logistic
regression then classifies .84."""


class Samples(NamedTuple):
    """Samples to train on and to judge by, (n, 200), and their classes, (n,)."""

    X: Array
    y: Index
    X_test: Array
    y_test: Index


class Found(NamedTuple):
    """Accuracies of training and of test samples, the energy of the test samples' springs, and seconds of a fit."""

    train: float
    test: float
    energy: float | None = None
    seconds: float | None = None


def made(seed: int, n_train: int = 600, n_test: int = 1000) -> Samples:
    """Return normal samples of 200 columns; in the first 6, each of four classes has a centre of its own."""
    rng = np.random.default_rng(seed)
    n = n_train + n_test
    X, y = rng.normal(size=(n, 200)), rng.integers(0, 4, n)
    X[:, :6] += _APART * rng.normal(size=(4, 6))[y]
    return Samples(X[:n_train], y[:n_train], X[n_train:], y[n_train:])


def _maps(seed: int, **parameters: Any) -> dict[str, DrLIM | NeighborMap]:
    """Return the estimators that are compared, by name."""
    kept = {"random_state": seed, "verbose": False, **parameters}
    return {
        "DrLIM()": DrLIM(**kept),
        "DrLIM(validation=.2)": DrLIM(**kept, validation=0.2),
        "DrLIM(optimizer='adam')": DrLIM(**kept, optimizer="adam"),
        "DrLIM(optimizer='adam', weight_decay=3)": DrLIM(**kept, optimizer="adam", weight_decay=3.0),
        "DrLIM(optimizer='adam', validation=.2)": DrLIM(**kept, optimizer="adam", validation=0.2),
        "DrLIM(encoder='linear')": DrLIM(**kept, encoder="linear"),
        "DrLIM(encoder='linear', validation=.2)": DrLIM(**kept, encoder="linear", validation=0.2),
        "NeighborMap()": NeighborMap(**kept),
    }


def accuracies(seed: int, n_train: int = 600, n_test: int = 1000, **parameters: Any) -> dict[str, Found]:
    """Return what was found for each way to classify, by name; parameters are of all estimators."""
    data = made(seed, n_train, n_test)
    linear = LogisticRegression(max_iter=5000).fit(data.X, data.y)
    found = {
        "raw columns": Found(*_of_neighbors(data, data.X, data.X_test)),
        "logistic regression": Found(linear.score(data.X, data.y), linear.score(data.X_test, data.y_test)),
    }
    for name, model in _maps(seed, **parameters).items():
        found[name] = _judged(model, data)
        if name == "DrLIM(validation=.2)":
            energies = [record["energy_validation"] for record in model.history_]
            again = DrLIM(random_state=seed, verbose=False, max_epochs=int(np.argmin(energies)) + 1, tol=0.0)
            found["the same number of epochs, all samples"] = _judged(again, data)
    return found


def _judged(model: DrLIM | NeighborMap, data: Samples) -> Found:
    began = time.perf_counter()
    model.fit(data.X, data.y)
    took = time.perf_counter() - began
    energy = -model.score(data.X_test, data.y_test) if isinstance(model, DrLIM) else None
    return Found(*_of_neighbors(data, model.embedding_, model.transform(data.X_test)), energy, took)


def _of_neighbors(data: Samples, Z: Array, Z_test: Array) -> tuple[float, float]:
    """Return the accuracy of five neighbours, of training samples among the others and of test samples."""
    return knn_accuracy(Z, data.y), knn_accuracy(Z, data.y, 5, Z_test, data.y_test)


def measure(seeds: int = 6, n_train: int = 600, n_test: int = 1000, **parameters: Any) -> list[Measured]:
    """Return a line for each way to classify: the mean test accuracy over some seeds."""
    found = [accuracies(seed, n_train, n_test, **parameters) for seed in range(seeds)]
    lines = []
    for name in found[0]:
        test = [one[name].test for one in found]
        raw = float(np.mean([one["raw columns"].test for one in found]))
        parts = {part: [getattr(one[name], part) for one in found] for part in ("train", "energy", "seconds")}
        lines.append(
            measured(
                f"four classes in 6 of 200 columns, test 5-NN: {name}",
                float(np.mean(test)),
                "share",
                at_least=raw if name == "DrLIM(validation=.2)" else None,
                spread=(min(test), max(test)),
                parts={part: float(np.mean(values)) for part, values in parts.items() if None not in values},
                notes=", ".join(f"seed {seed}: {one:.3f}" for seed, one in enumerate(test)),
            )
        )
    return lines
