"""Experiment 2 (the paper's section 3.2, figure 5): translated digits without a prior on translations.

The samples are the 6000 images and their copies shifted horizontally by -6, -3, 3 and 6 pixels, with zeros filled in.
Each of these 30,000 samples is similar to its 5 nearest neighbours in pixels, whatever their shift. Expected: five
clusters by shift, each organised as in experiment 1. Measured: see `judge`. About seven minutes on two cores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

import drlim
from drlim import DrLIM, datasets, knn_graph, metrics, plotting
from drlim._base.arrays import Array, Index
from drlim.paper.frame import Outcome, framed, refuse_interrupted
from drlim.paper.report import Parameters, Row, described
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
    "run",
    "translated",
    "within_clusters",
]

SHIFTS = (-6, -3, 3, 6)
"""Shifts of the copies, in pixels to the right."""

MODEL: Parameters = {
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
"""Parameters of the estimator; docs/experiments.md explains their choice."""

FIGURES = {
    "map.png": "Translated test digits on the learned map, coloured by shift: five clusters.",
    "thumbnails.png": "The same map with the images themselves; frames show the shift.",
    "history.png": "Energy by epoch.",
}


def run(
    folder: Path,
    /,
    *,
    random_state: int = 0,
    verbose: bool | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    **changes: object,
) -> Outcome:
    """Train on translated digits, map those of the test set, and write pictures and model into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES` and ``model.safetensors``.
    random_state : int, default=0
        Seed of weights and batches.
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.
    n_train, n_test : int, default=None
        Number of digits used, before translation; None takes all. Fewer make a quick trial.
    **changes
        Parameters of the estimator that replace those of `MODEL`.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    data = datasets.digits49()
    train, test = translated(data.X_train[:n_train]), translated(data.X_test[:n_test])
    parameters: Parameters = {**MODEL, **changes}
    graph = knn_graph(train.X, n_neighbors=5, algorithm="exact")
    model = DrLIM(**parameters, random_state=random_state, verbose=verbose).fit(train.X, graph=graph)
    refuse_interrupted(model)
    Z = model.transform(test.X)  # (5 n, 2)
    rows = judge(Z, test)
    drlim.save(model, folder / "model.safetensors")
    draw(model, test, Z, folder)
    details = {**described(model, parameters, random_state, len(Z)), "figures": FIGURES}
    return rows, details


reproduce = framed("shifted", run)


def translated(images: ArrayLike) -> Orbits:
    """Return images (n, h, w) and their translations by `SHIFTS`: 5 n samples, the originals first."""
    return orbits(images, shifts(SHIFTS))


def pixels_shifted(copies: Orbits) -> Index:
    """Return the pixels by which each sample is shifted to the right, shape (5 n,)."""
    return np.array([0, *SHIFTS])[copies.transform]


def judge(Z: Array, copies: Orbits) -> list[Row]:
    """Return the numbers of a map of translated test digits, with their bounds."""
    within = within_clusters(Z, copies)
    return [
        Row("shift from position, 15-NN (chance .2)", metrics.position_accuracy(Z, copies.transform), at_least=0.98),
        Row("trustworthiness within a shift, mean of five", float(np.mean(within)), at_least=0.84),
        Row("the least of the five", min(within)),
        Row("share of samples in the densest 1 % of the area", densest_share(Z)),
        Row("spread: CV of nearest-neighbour distance (Poisson .52)", metrics.spread(Z)),
    ]


def within_clusters(Z: Array, copies: Orbits) -> list[float]:
    """Return the trustworthiness, with 10 neighbours, of the samples of each shift by themselves."""
    images = np.asarray(copies.X)
    shifted = [copies.transform == place for place in range(len(copies.names))]
    return [metrics.trustworthiness(images[samples], Z[samples], n_neighbors=10) for samples in shifted]


def densest_share(Z: Array, cells: int = 100) -> float:
    """Return the share of samples in the fullest 1 % of ``cells`` x ``cells`` cells of the map's bounding box.

    It is about a tenth for a few thousand evenly spread samples, and nearly 1 for a degenerate map.
    """
    counts = np.sort(np.histogram2d(Z[:, 0], Z[:, 1], bins=cells)[0], axis=None)
    return float(counts[-(cells**2 // 100) :].sum() / len(Z))


def draw(model: DrLIM, copies: Orbits, Z: Array, folder: Path) -> None:
    """Write the pictures of `FIGURES` into ``folder``."""
    shift = pixels_shifted(copies)
    ax = plotting.plot_embedding(Z, shift, key_title="shift")
    ax.set_title("Translated test digits on the learned map")
    plotting.save_figure(ax, folder / "map.png")
    ax = plotting.plot_thumbnails(Z, np.asarray(copies.X), shift, key_title="shift")
    plotting.save_figure(ax, folder / "thumbnails.png")
    plotting.save_figure(plotting.plot_history(model.history_), folder / "history.png")
