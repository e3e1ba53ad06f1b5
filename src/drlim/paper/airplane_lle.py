"""Experiment 6 (the paper's section 3.4, figure 9): locally linear embedding of the aeroplane.

scikit-learn's LLE is fitted on the 660 training views, and its transform maps the test views. The paper found a map
organised by lighting, which does not show the shape of the set of poses. The numbers are those of experiment 5. A few
seconds.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drlim import metrics
from drlim.paper.airplane import draw, judge, views
from drlim.paper.frame import Outcome, framed
from drlim.paper.report import Details, Row

__all__ = ["FIGURES", "reproduce", "run"]

FIGURES = {
    "azimuth.png": "All views on the map of LLE from five angles, coloured by azimuth.",
    "elevation.png": "The same, coloured by elevation.",
    "lighting.png": "The same, coloured by lighting.",
}


def run(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,  # noqa: ARG001 - all experiments take it
    n_neighbors: int = 15,
) -> Outcome:
    """Fit LLE on the training views, map the test views, and write pictures into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES` and ``rotatable.html``.
    random_state : int, default=0
        Seed of the start of the eigensolver.
    verbose : bool, default=None
        Not used, as LLE reports no progress.
    n_neighbors : int, default=15
        Number of neighbours of LLE. With 10 or fewer the graph of the training views is disconnected, and LLE maps each
        component to a point.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    from sklearn.manifold import LocallyLinearEmbedding

    data, source = views()
    X = data.images.reshape(len(data.images), -1)  # (972, pixels)
    method = LocallyLinearEmbedding(n_neighbors=n_neighbors, n_components=3, random_state=random_state)
    Z = np.empty((len(X), 3))
    Z[data.train] = method.fit_transform(X[data.train])
    Z[data.test] = method.transform(X[data.test])
    judged, notes = judge(Z, data)
    light = metrics.position_accuracy(Z[data.test], data.metadata["lighting"][data.test])
    rows = [Row(row.number, row.measured) for row in judged]
    rows.append(Row("lighting from position, 15-NN (chance .17)", light))
    draw(Z, data.metadata, folder)
    details: Details = {
        "data": source,
        "method": f"sklearn.manifold.LocallyLinearEmbedding, {n_neighbors} neighbours, standard",
        "n_train": len(data.train),
        "n_test": len(data.test),
        "notes": notes,
        "figures": FIGURES,
    }
    return rows, details


reproduce = framed("airplane-lle", run)
