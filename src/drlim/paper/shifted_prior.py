"""Experiment 4 (the paper's section 3.3, figure 6): translated digits with a prior on translations.

Each of the 30,000 samples of experiment 2 is similar to (a) its 5 nearest neighbours, (b) its 4 translations and (c)
the 4 translations of each of its neighbours. Expected: no trace of the shift, all copies of a digit in one small
region, and the map of experiment 1. Measured: see `judge`. About three minutes on two cores.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import drlim
from drlim import DrLIM, datasets, knn_graph, metrics
from drlim._base.arrays import Array
from drlim.paper.frame import Outcome, framed, refuse_interrupted
from drlim.paper.report import Parameters, Row, described
from drlim.paper.shifted import draw, translated
from drlim.relations import Orbits, orbits, shifts, with_copies

__all__ = ["FIGURES", "MODEL", "UNSEEN", "judge", "quality_of_digits", "reproduce", "run"]

UNSEEN = (-5, -4, -2, -1, 1, 2, 4, 5)
"""Shifts, in pixels to the right, that no training sample has."""

MODEL: Parameters = {
    "n_components": 2,
    "encoder": "convnet",
    "margin": 1.0,
    "dissimilar_weight": 2.0,
    "learning_rate": 4e-3,
    "batch_size": 1000,
    "interactions": "batch",
    "max_epochs": 70,
    "tol": 0.0,
}
"""Parameters of the estimator; docs/experiments.md explains their choice."""

FIGURES = {
    "map.png": "Translated test digits on the learned map, coloured by shift: all shifts mingle.",
    "thumbnails.png": "The same map with the images themselves; frames show the shift.",
    "history.png": "Energy by epoch.",
}

_DIGITS_WANTED = 0.845
"""Bound on the trustworthiness of `digits`, used when its report is missing."""


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
    """Train on translated digits with the prior, and write pictures and model into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES` and ``model.safetensors``. If a folder ``digits`` lies beside it, the
        trustworthiness in the report of that folder sets the bound.
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
    X_train, X_test = data.X_train[:n_train], data.X_test[:n_test]
    train, test = translated(X_train), translated(X_test)
    parameters: Parameters = {**MODEL, **changes}
    graph = with_copies(knn_graph(X_train, n_neighbors=5), train)
    model = DrLIM(**parameters, random_state=random_state, verbose=verbose).fit(train.X, graph=graph)
    refuse_interrupted(model)
    Z = model.transform(test.X)  # (5 n, 2)
    unseen = orbits(X_test, shifts(UNSEEN))
    rows = [
        *judge(Z, test, quality_of_digits(folder.parent / "digits")),
        Row("variance within an orbit / total, shifts never seen", _ratio(model, unseen), at_most=0.03),
        Row("4 or 9 from position, 5-NN", metrics.knn_accuracy(Z[: len(X_test)], data.y_test[:n_test])),
    ]
    drlim.save(model, folder / "model.safetensors")
    draw(model, test, Z, folder)
    details = {**described(model, parameters, random_state, len(Z)), "figures": FIGURES}
    return rows, details


reproduce = framed("shifted-prior", run)


def judge(Z: Array, copies: Orbits, quality: float = _DIGITS_WANTED) -> list[Row]:
    """Return the numbers of a map of translated test digits, with their bounds.

    ``quality`` is the trustworthiness of `digits`; that of the unshifted digits may be lower by .01.
    """
    plain = copies.transform == 0
    X, Z_plain = np.asarray(copies.X)[plain], Z[plain]  # (n, h, w), (n, 2)
    trust = metrics.trustworthiness(X, Z_plain, n_neighbors=10)
    return [
        Row("shift from position, 15-NN (chance .2)", metrics.position_accuracy(Z, copies.transform), at_most=0.22),
        Row("variance within an orbit of translations / total", metrics.orbit_ratio(Z, copies.source), at_most=0.008),
        Row("trustworthiness of the unshifted digits", trust, at_least=round(quality - 0.01, 4)),
        Row("R2 of slant from position, unshifted", float(metrics.position_r2(Z_plain, metrics.slant(X)))),
        Row("spread of the unshifted: CV (Poisson .52)", metrics.spread(Z_plain)),
    ]


def quality_of_digits(folder: Path) -> float:
    """Return the trustworthiness in the report of experiment 1 in ``folder``, or its bound without a report."""
    try:
        rows = json.loads((folder / "report.json").read_text())["rows"]
    except FileNotFoundError:
        return _DIGITS_WANTED
    return next(float(row["measured"]) for row in rows if row["number"].startswith("trustworthiness"))


def _ratio(model: DrLIM, copies: Orbits) -> float:
    """Return the orbit ratio of the changed copies."""
    changed = copies.transform > 0
    return metrics.orbit_ratio(model.transform(copies.X[changed]), copies.source[changed])
