"""Experiment 2 (the paper's section 3.2, figure 5): translated digits, and no word that translation does not matter.

The 6000 images and their copies shifted horizontally by -6, -3, 3 and 6 pixels, zeros filled in: 30,000 samples, each
similar to its 5 nearest neighbours in pixels, whatever their shift. Expected: five clusters by shift, each organised
as in experiment 1. Measured: see `judge`. About seven minutes on two cores.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

import drlim
from drlim import DrLIM, datasets, knn_graph, metrics, plotting
from drlim.paper.report import Report, Row, described
from drlim.relations import Orbits, orbits, shifts

__all__ = [
    "FIGURES",
    "MODEL",
    "SHIFTS",
    "densest_share",
    "draw",
    "judge",
    "pixels_shifted",
    "reproduce",
    "translated",
    "within_clusters",
]

SHIFTS = (-6, -3, 3, 6)
"""Pixels to the right, beside the unshifted images."""

MODEL: dict[str, Any] = {
    "n_components": 2,
    "encoder": "convnet",
    "margin": 1.0,
    "dissimilar_weight": 4.0,
    "learning_rate": 3e-3,
    "batch_size": 600,
    "interactions": "batch",
    "max_epochs": 200,
    "tol": 0.0,
}
"""Parameters of the estimator; docs/experiments.md has what led to them."""

FIGURES = {
    "map.png": "Translated test digits on the learned map, coloured by shift: five clusters.",
    "thumbnails.png": "The same map with the images themselves; frames show the shift.",
    "history.png": "Energy by epoch.",
}


def reproduce(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    **changes: Any,
) -> Report:
    """Train on translated digits, map those of the test set, and leave pictures, report and model in ``folder``.

    Parameters
    ----------
    folder : Path
        Gets the pictures of `FIGURES`, ``report.json`` and ``model.safetensors``.
    random_state : int, default=0
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.
    n_train, n_test : int, default=None
        Digits to take before they are translated, the first ones; None takes all. Fewer make a quick trial.
    **changes
        Parameters of the estimator in place of those in `MODEL`.

    Returns
    -------
    Report
    """
    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    data = datasets.digits49()
    train, test = translated(data.X_train[:n_train]), translated(data.X_test[:n_test])
    parameters = {**MODEL, **changes}
    graph = knn_graph(train.X, n_neighbors=5)
    model = DrLIM(**parameters, random_state=random_state, verbose=verbose).fit(train.X, graph=graph)
    Z = model.transform(test.X)  # (5 n, 2)
    rows = judge(Z, test)
    drlim.save(model, folder / "model.safetensors")
    draw(model, test, Z, folder)
    details = {**described(model, parameters, random_state, len(Z)), "figures": FIGURES}
    report = Report("shifted", rows, time.perf_counter() - began, folder, details)
    report.write()
    return report


def translated(images: ArrayLike) -> Orbits:
    """Return images (n, h, w) and their translations by `SHIFTS`: 5 n samples, the originals first."""
    return orbits(images, shifts(SHIFTS))


def pixels_shifted(copies: Orbits) -> NDArray[np.int64]:
    """Return the pixels by which each sample is shifted to the right, shape (5 n,)."""
    return np.array([0, *SHIFTS])[copies.transform]


def judge(Z: NDArray[np.floating[Any]], copies: Orbits) -> list[Row]:
    """Return the numbers of a map of translated test digits, bounds beside them."""
    within = within_clusters(Z, copies)
    return [
        Row("shift from position, 15-NN (chance .2)", metrics.position_accuracy(Z, copies.transform), at_least=0.98),
        Row("trustworthiness within a shift, mean of five", float(np.mean(within)), at_least=0.84),
        Row("the least of the five", min(within)),
        Row("share of samples in the densest 1 % of the area", densest_share(Z)),
        Row("spread: CV of nearest-neighbour distance (Poisson .52)", metrics.spread(Z)),
    ]


def within_clusters(Z: NDArray[np.floating[Any]], copies: Orbits) -> list[float]:
    """Return trustworthiness with 10 neighbours among the samples of each shift alone."""
    shifted = [copies.transform == place for place in range(len(copies.names))]
    return [metrics.trustworthiness(copies.X[rows], Z[rows], n_neighbors=10) for rows in shifted]


def densest_share(Z: NDArray[np.floating[Any]], cells: int = 100) -> float:
    """Return the share of samples in the fullest 1 % of ``cells`` x ``cells`` cells of the map's bounding box.

    A few thousand samples strewn evenly have a tenth of them there or so; a degenerate map nearly all.
    """
    counts = np.sort(np.histogram2d(Z[:, 0], Z[:, 1], bins=cells)[0], axis=None)
    return float(counts[-(cells**2 // 100) :].sum() / len(Z))


def draw(model: DrLIM, copies: Orbits, Z: NDArray[np.floating[Any]], folder: Path) -> None:
    """Leave the pictures of `FIGURES` in ``folder``."""
    shift = pixels_shifted(copies)
    ax = plotting.plot_embedding(Z, shift, key_title="shift")
    ax.set_title("Translated test digits on the learned map")
    plotting.save_figure(ax, folder / "map.png")
    ax = plotting.plot_thumbnails(Z, copies.X, shift, key_title="shift")
    plotting.save_figure(ax, folder / "thumbnails.png")
    plotting.save_figure(plotting.plot_history(model.history_), folder / "history.png")
