"""Experiment 6 (the paper's section 3.4, figure 9): locally linear embedding of the aeroplane.

scikit-learn's LLE of the 660 training views; the test views are mapped by its transform. The paper found a map
organised by lighting, in which the pose does not show its real shape. The numbers are those of experiment 5. Seconds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from drlim import metrics
from drlim.paper.airplane import draw, judge, views
from drlim.paper.report import Report, Row

__all__ = ["FIGURES", "reproduce"]

FIGURES = {
    "azimuth.png": "All views on the map of LLE from five angles, coloured by azimuth.",
    "elevation.png": "The same, coloured by elevation.",
    "lighting.png": "The same, coloured by lighting.",
}


def reproduce(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,  # noqa: ARG001 - all experiments take it
    n_neighbors: int = 15,
) -> Report:
    """Fit LLE on the training views, map the others, and leave pictures and report in ``folder``.

    Parameters
    ----------
    folder : Path
        Gets the pictures of `FIGURES`, ``rotatable.html`` and ``report.json``.
    random_state : int, default=0
        Where the eigensolver starts.
    verbose : bool, default=None
        Not used: there is nothing to count.
    n_neighbors : int, default=15
        Neighbours of LLE. With 10 or fewer the graph of the training views falls into pieces, and LLE puts each
        piece on a point.

    Returns
    -------
    Report
    """
    from sklearn.manifold import LocallyLinearEmbedding

    began = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    data, source = views()
    X = data.images.reshape(len(data.images), -1)
    method = LocallyLinearEmbedding(n_neighbors=n_neighbors, n_components=3, random_state=random_state)
    Z = np.empty((len(X), 3))
    Z[data.train] = method.fit_transform(X[data.train])
    Z[data.test] = method.transform(X[data.test])
    judged, notes = judge(Z, data)
    light = metrics.position_accuracy(Z[data.test], data.metadata["lighting"][data.test])
    rows = [Row(row.number, row.measured) for row in judged]
    rows.append(Row("lighting from position, 15-NN (chance .17)", light))
    draw(Z, data.metadata, folder)
    details: dict[str, Any] = {
        "data": source,
        "method": f"sklearn.manifold.LocallyLinearEmbedding, {n_neighbors} neighbours, standard",
        "n_train": len(data.train),
        "n_test": len(data.test),
        "notes": notes,
        "figures": FIGURES,
    }
    report = Report("airplane-lle", rows, time.perf_counter() - began, folder, details)
    report.write()
    return report
