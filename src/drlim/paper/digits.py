"""Experiment 1 (the paper's section 3.1, figure 4): fours and nines of MNIST.

Each of 6000 training images is similar to its 5 nearest neighbours, in pixels; all other 18 million pairs are
dissimilar. The paper's convolutional network maps the test images to two dimensions. Expected: an evenly spread map on
which the slant of the digits varies smoothly. Measured: see `judge`. About two minutes on two cores.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import drlim
from drlim import DrLIM, datasets, metrics, plotting
from drlim._base.arrays import Array
from drlim.paper.frame import Outcome, framed, refuse_interrupted
from drlim.paper.report import Parameters, Row, described

__all__ = ["MODEL", "judge", "reproduce", "run"]

MODEL: Parameters = {
    "n_components": 2,
    "encoder": "convnet",
    "n_neighbors": 5,
    "margin": 1.0,
    "dissimilar_weight": 4.0,
    "learning_rate": 3e-3,
    "batch_size": 250,
    "interactions": "batch",
    "max_epochs": 100,
    "tol": 0.0,
}
"""Parameters of the estimator. The paper gives the network and the neighbours; docs/training.md explains the choice of
the others."""


def run(folder: Path, *, random_state: int = 0, verbose: bool | None = None) -> Outcome:
    """Train on the training digits, map the test digits, and write pictures and model into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for ``map.png``, ``springs.png``, ``history.png`` and ``model.safetensors``.
    random_state : int, default=0
        Seed of weights and batches.
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    _draw_springs(folder)  # first, so that a missing matplotlib is found before the training
    data = datasets.digits49()
    model = DrLIM(**MODEL, random_state=random_state, verbose=verbose).fit(data.X_train)
    refuse_interrupted(model)
    Z = model.transform(data.X_test)  # (1991, 2)
    rows = judge(model, data, Z)
    drlim.save(model, folder / "model.safetensors")
    _draw(model, data, Z, folder)
    details = {
        **described(model, MODEL, random_state, len(data.X_test)),
        "map_sha256": hashlib.sha256(Z.tobytes()).hexdigest(),
    }
    return rows, details


reproduce = framed("digits", run)


def judge(model: DrLIM, data: datasets.LabelledImages, Z: Array) -> list[Row]:
    """Return the numbers of a map of the test digits, with their bounds."""
    X, y = data.X_test, data.y_test
    slant = metrics.slant(X)
    return [
        Row("trustworthiness (10 neighbours)", metrics.trustworthiness(X, Z, n_neighbors=10), at_least=0.845),
        Row("R2 of slant from position", float(metrics.position_r2(Z, slant, n_neighbors=15)), at_least=0.85),
        Row("spread: CV of nearest-neighbour distance (Poisson .52)", metrics.spread(Z), at_most=0.66),
        Row("continuity (10 neighbours)", metrics.continuity(X, Z, n_neighbors=10)),
        Row("neighbour recall (10 neighbours)", metrics.neighbor_recall(X, Z, n_neighbors=10)),
        Row("4 or 9 from position, 5-NN", metrics.knn_accuracy(Z, y, n_neighbors=5)),
        Row("exact energy, training set", _energy(model)),
        Row("exact energy, test set", -model.score(X)),
    ]


def _energy(model: DrLIM) -> float:
    return metrics.exact_energy(
        model.embedding_, model.graph_, margin=model.margin, dissimilar_weight=model.dissimilar_weight
    )


def _draw(model: DrLIM, data: datasets.LabelledImages, Z: Array, folder: Path) -> None:
    ax = plotting.plot_thumbnails(Z, data.X_test, data.y_test, key_title="digit")
    ax.set_title("Test digits on the learned map")
    plotting.save_figure(ax, folder / "map.png")
    plotting.save_figure(plotting.plot_history(model.history_), folder / "history.png")


def _draw_springs(folder: Path) -> None:
    energies, _ = plotting.plot_springs(MODEL["margin"])
    plotting.save_figure(energies, folder / "springs.png")
