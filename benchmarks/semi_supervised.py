"""The benefit of a few labels: 8x8 digits with one label in ten known, judged on test digits.

A map trained on nearest neighbours alone is compared with a map trained on the same neighbours and the known labels.
Compared is the share of test digits that the five nearest training digits on the map classify correctly, by their true
labels.
"""

from __future__ import annotations

import numpy as np

from benchmarks.measuring import Measured, measured
from drlim import DrLIM, datasets
from drlim.metrics import knn_accuracy

__all__ = ["accuracies", "measure"]

SHARE = 0.1
"""Share of the labels that are known."""


def accuracies(seed: int, **parameters: object) -> tuple[float, float]:
    """Return the accuracy without labels, and with them.

    Parameters
    ----------
    seed : int
        Seed of the encoder and of the choice of known labels.
    **parameters
        Parameters of `DrLIM` for both maps.
    """
    data = datasets.digits()
    known = np.random.default_rng(seed).random(len(data.y_train)) < SHARE
    y = np.where(known, data.y_train, -1)
    found = []
    for labels in (None, y):
        model = DrLIM(random_state=seed, **parameters).fit(data.X_train, labels)  # type: ignore[arg-type]
        Z = model.transform(data.X_test)
        found.append(knn_accuracy(model.embedding_, data.y_train, 5, Z, data.y_test))
    return found[0], found[1]


def measure(seeds: int = 5) -> Measured:
    """Return the ratio of the mean accuracies with and without labels over some seeds."""
    both = np.array([accuracies(seed) for seed in range(seeds)])  # (seeds, 2)
    without, with_labels = both.mean(axis=0)
    return measured(
        "8x8 digits, one label in ten: held-out 5-NN on the map, with the labels / without",
        with_labels / without,
        "ratio",
        at_least=1.0,
        parts={"without": float(without), "with": float(with_labels)},
        notes=", ".join(f"seed {seed}: {a:.3f} to {b:.3f}" for seed, (a, b) in enumerate(both)),
    )
