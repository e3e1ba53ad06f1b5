"""Draw the pictures of the parameter guide: a row of maps for each parameter, at several of its values.

``python -m tools.draw_parameters`` writes ``docs/parameters/NAME.png`` for each row of `ROWS`; with names of rows, only
those. Data are small and ship with the package. Each map is of seed 0, so that a row differs in the parameter alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

import drlim

FOLDER = Path(__file__).parent.parent / "docs" / "parameters"


class Map(NamedTuple):
    """One map of a row: positions, what colours them, and what its title says besides the value."""

    Z: np.ndarray
    colours: np.ndarray
    note: str = ""


class Row(NamedTuple):
    """One row of pictures: how to draw a map at a value, and the values by their titles."""

    draw: Callable[[object], Map]
    values: dict[str, object]


def _digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    data = drlim.datasets.digits()
    return data.X_train[:n], data.y_train[:n]


def _of(estimator: type, name: str, **fixed: object) -> Callable[[object], Map]:
    """Return how to draw the map of 500 digits at a value of one parameter."""

    def draw(value: object) -> Map:
        X, y = _digits(500)
        model = estimator(
            **({"max_epochs": 30 if estimator is drlim.DrLIM else 6, "random_state": 0} | fixed | {name: value})
        )
        Z = model.fit_transform(X)
        return Map(Z if Z.shape[1] > 1 else np.column_stack([Z[:, 0], y]), y)  # (n, 2)

    return draw


def _new(name: str) -> Callable[[object], Map]:
    """Return how to draw digits that were not fitted, on the map of 500 others."""

    def draw(value: object) -> Map:
        X, y = _digits(1000)
        model = drlim.NeighborMap(**({"max_epochs": 6, "random_state": 0} | {name: value})).fit(X[:500])
        Z = model.transform(X[500:])
        score = drlim.metrics.knn_accuracy(model.embedding_, y[:500], Z_test=Z, y_test=y[500:])
        return Map(Z, y[500:], f"{score:.3f} right")

    return draw


def _until(value: object) -> Map:
    """Draw the map of 500 digits, and say when its training ended."""
    X, y = _digits(500)
    model = drlim.DrLIM(tol=value, max_epochs=100, random_state=0).fit(X)
    return Map(model.embedding_, y, f"{model.n_iter_} epochs")


def _held_out(name: str) -> Callable[[object], Map]:
    """Return how to draw new samples of a table with many columns of noise."""

    def draw(value: object) -> Map:
        rng = np.random.default_rng(0)
        group = np.arange(800) % 4
        X = rng.normal(size=(800, 60))
        X[:, :6] += rng.normal(scale=1.3, size=(4, 6))[group]
        model = drlim.DrLIM(optimizer="adam", max_epochs=60, random_state=0, **{name: value}).fit(X[:400], group[:400])
        Z, fitted = model.transform(X[400:]), model.transform(X[:400])
        score = drlim.metrics.knn_accuracy(fitted, group[:400], Z_test=Z, y_test=group[400:])
        return Map(Z, group[400:], f"{score:.2f} right")

    return draw


def _by_metric(estimator: type) -> Callable[[object], Map]:
    """Return how to draw vectors of groups whose lengths mean nothing, by a metric."""

    def draw(value: object) -> Map:
        rng = np.random.default_rng(0)
        topic = np.arange(400) % 8
        X = rng.normal(size=(8, 40))[topic] + 0.6 * rng.normal(size=(400, 40))
        X *= rng.uniform(0.2, 4, size=(400, 1))
        X = X > 1 if value in ("jaccard", "hamming") else X
        epochs = 30 if estimator is drlim.DrLIM else 6
        return Map(estimator(metric=value, max_epochs=epochs, random_state=0).fit_transform(X), topic)

    return draw


def _ring(value: object) -> Map:
    """Draw a noisy circle in ten dimensions, by some number of neighbours."""
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, size=400))
    X = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((400, 8))]) + 0.1 * rng.normal(size=(400, 10))
    return Map(drlim.DrLIM(n_neighbors=value, max_epochs=60, random_state=0).fit_transform(X), angle)


def _on_space(value: object) -> Map:
    """Draw a noisy circle in ten dimensions on a space; a circle is drawn round."""
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, size=400))
    X = np.column_stack([np.cos(angle), np.sin(angle), np.zeros((400, 8))]) + 0.1 * rng.normal(size=(400, 10))
    Z = drlim.DrLIM(space=value, max_epochs=60, random_state=0).fit_transform(X)
    return Map(np.column_stack([np.cos(Z[:, 0]), np.sin(Z[:, 0])]) if value == "circle" else Z, angle)  # (n, 2)


def _shifted(estimator: type) -> Callable[[object], Map]:
    """Return how to draw shifted digits on a map that was trained on unshifted ones."""

    def draw(value: object) -> Map:
        X, y = _digits(400)
        X = np.pad(X, ((0, 0), (1, 1), (1, 1)))  # (n, 10, 10)
        model = estimator(orbit=value, max_epochs=30 if estimator is drlim.DrLIM else "auto", random_state=0).fit(X)
        return Map(model.transform(drlim.transforms.shift(1)(X, np.random.default_rng(0))), y)

    return draw


_LINEAR = (lambda D: D, lambda D: (1 - D).clamp_min(0).square() / 2)
_HEAVY = (drlim.springs.LogAttraction(), drlim.springs.CauchyRepulsion())
_PAPER = (lambda D: D.square() / 2, lambda D: (1 - D).clamp_min(0).square() / 2)

_DRLIM, _MAP = drlim.DrLIM, drlim.NeighborMap

ROWS = {
    "drlim_n_components": Row(_of(_DRLIM, "n_components"), {"1 (upward: the class)": 1, "2": 2, "3 (from above)": 3}),
    "drlim_encoder": Row(_of(_DRLIM, "encoder"), {name: name for name in ("linear", "two_layer", "mlp")}),
    "drlim_space": Row(_on_space, {"euclidean": "euclidean", "circle": "circle"}),
    "drlim_n_neighbors": Row(_ring, {"2": 2, "5": 5, "20": 20, "100": 100}),
    "drlim_metric": Row(_by_metric(_DRLIM), {name: name for name in ("euclidean", "cosine", "jaccard", "hamming")}),
    "drlim_neighbors": Row(
        _of(_DRLIM, "neighbors"),
        {
            "None": None,
            "within a radius": lambda X: drlim.radius_graph(X.reshape(len(X), -1), radius=1.8),
            "of the brightest pixels": lambda X: drlim.knn_graph(X.reshape(len(X), -1) > 0.5, 5, metric="jaccard"),
        },
    ),
    "drlim_orbit": Row(_shifted(_DRLIM), {"None": None, "shift(1)": drlim.transforms.shift(1)}),
    "drlim_margin": Row(_of(_DRLIM, "margin"), {"0.5": 0.5, "1": 1.0, "3": 3.0}),
    "drlim_dissimilar_weight": Row(_of(_DRLIM, "dissimilar_weight"), {"0.03": 0.03, "0.3": 0.3, "1": 1.0, "10": 10.0}),
    "drlim_springs": Row(
        _of(_DRLIM, "springs", optimizer="adam"), {"None": None, "linear attraction": _LINEAR, "heavy tails": _HEAVY}
    ),
    "drlim_optimizer": Row(_of(_DRLIM, "optimizer"), {"adam": "adam", "lbfgs": "lbfgs"}),
    "drlim_learning_rate": Row(
        _of(_DRLIM, "learning_rate", optimizer="adam"), {"0.0001": 1e-4, "0.002": 2e-3, "0.02": 2e-2, "0.2": 0.2}
    ),
    "drlim_batch_size": Row(
        _of(_DRLIM, "batch_size", optimizer="adam", interactions="batch"), {"20": 20, "100": 100, "all": "all"}
    ),
    "drlim_interactions": Row(_of(_DRLIM, "interactions", optimizer="adam"), {"all": "all", "batch": "batch"}),
    "drlim_max_epochs": Row(_of(_DRLIM, "max_epochs"), {"1": 1, "5": 5, "30": 30, "100": 100}),
    "drlim_tol": Row(_until, {"0.0001": 1e-4, "0.01": 1e-2, "0.1": 0.1}),
    "drlim_weight_decay": Row(_held_out("weight_decay"), {"0": 0.0, "1": 1.0, "3": 3.0, "10": 10.0}),
    "drlim_validation": Row(_held_out("validation"), {"None": None, "0.2": 0.2}),
    "drlim_random_state": Row(_of(_DRLIM, "random_state"), {"0": 0, "1": 1, "2": 2, "3": 3}),
    "map_n_components": Row(_of(_MAP, "n_components"), {"1 (upward: the class)": 1, "2": 2, "3 (from above)": 3}),
    "map_n_neighbors": Row(_of(_MAP, "n_neighbors"), {"3": 3, "10": 10, "30": 30, "100": 100}),
    "map_metric": Row(_by_metric(_MAP), {name: name for name in ("euclidean", "cosine", "jaccard", "hamming")}),
    "map_encoder": Row(_new("encoder"), {"auto": "auto", "your own": lambda shape: _layer(int(np.prod(shape)))}),
    "map_orbit": Row(_shifted(_MAP), {"None": None, "shift(1)": drlim.transforms.shift(1)}),
    "map_springs": Row(_of(_MAP, "springs"), {"None": None, "equation 4": _PAPER}),
    "map_n_places": Row(_new("n_places"), {"5": 5, "20": 20, "125 (auto)": "auto"}),
    "map_max_epochs": Row(_new("max_epochs"), {"1": 1, "5": 5, "20": 20}),
    "map_random_state": Row(_of(_MAP, "random_state"), {"0": 0, "1": 1, "2": 2}),
}
"""Rows by the name of their file: the estimator and the parameter."""


def _layer(n_values: int) -> object:
    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(n_values, 32), nn.ReLU())


def draw(name: str) -> None:
    """Draw one row and write its file: a picture of few colours, so that the file is small."""
    row = ROWS[name]
    figure = Figure(figsize=(2.4 * len(row.values), 2.7), dpi=100, layout="constrained")
    for ax, (title, value) in zip(
        figure.subplots(1, len(row.values), squeeze=False)[0], row.values.items(), strict=True
    ):
        Z, colours, note = row.draw(value)
        ax.scatter(
            Z[:, 0], Z[:, 1], c=colours, cmap="twilight" if colours.dtype.kind == "f" else "tab10", s=5, linewidths=0
        )
        ax.set_title(f"{title}: {note}" if note else title, fontsize=10)
        ax.tick_params(labelsize=7)
        if not title.startswith("1 ("):
            ax.set_aspect("equal", "datalim")
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    figure.savefig(path)
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(64)
    small.save(path, optimize=True)
    print(path.name)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or list(ROWS):
        draw(wanted)
