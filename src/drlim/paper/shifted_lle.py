"""Experiment 3 (the paper's section 3.2, figure 5): locally linear embedding of the translated digits.

scikit-learn's LLE is fitted on the first 1000 training digits under the five shifts, 5000 samples of the 30,000, and
its transform maps all test digits. The paper found a degenerate map without global coherence. The numbers are those of
experiment 2, and the share of samples in the densest hundredth of the area. Half a minute on two cores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drlim import datasets, metrics, plotting
from drlim.paper.frame import Outcome, framed
from drlim.paper.report import Details, Row
from drlim.paper.shifted import densest_share, pixels_shifted, translated, within_clusters

__all__ = ["FIGURES", "N_TRAIN", "reproduce", "run"]

N_TRAIN = 1000
"""Number of digits that LLE is fitted on, each under five shifts."""

FIGURES = {
    "map.png": "Test digits on the map of LLE, coloured by shift.",
    "density.png": "How many lie in each of 100 x 100 cells of that map.",
}


def run(
    folder: Path,
    *,
    random_state: int = 0,
    verbose: bool | None = None,  # noqa: ARG001 - all experiments take it
    n_train: int = N_TRAIN,
    n_test: int | None = None,
) -> Outcome:
    """Fit LLE, map the test digits, and write pictures into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES`.
    random_state : int, default=0
        Seed of the start of the eigensolver.
    verbose : bool, default=None
        Not used, as LLE reports no progress.
    n_train : int, default=1000
        Number of training digits used, before translation.
    n_test : int, default=None
        Test digits to take likewise; None takes all.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    from sklearn.manifold import LocallyLinearEmbedding

    data = datasets.digits49()
    train, test = translated(data.X_train[:n_train]), translated(data.X_test[:n_test])
    method = LocallyLinearEmbedding(n_neighbors=5, n_components=2, random_state=random_state)
    method.fit(np.reshape(train.X, (len(train.X), -1)))  # (5 n_train, 784)
    Z = method.transform(np.reshape(test.X, (len(test.X), -1)))  # (5 n, 2)
    rows = [
        Row("shift from position, 15-NN (chance .2)", metrics.position_accuracy(Z, test.transform)),
        Row("trustworthiness within a shift, mean of five", float(np.mean(within_clusters(Z, test)))),
        Row("share of samples in the densest 1 % of the area", densest_share(Z)),
    ]
    plotting.save_figure(plotting.plot_embedding(Z, pixels_shifted(test), key_title="shift"), folder / "map.png")
    plotting.save_figure(plotting.plot_density(Z), folder / "density.png")
    details: Details = {
        "method": "sklearn.manifold.LocallyLinearEmbedding, 5 neighbours, standard",
        "subsample": f"fitted on {n_train} digits x 5 shifts, judged on {len(test.X) // 5} test digits x 5 shifts",
        "n_train": len(train.X),
        "n_test": len(test.X),
        "figures": FIGURES,
    }
    return rows, details


reproduce = framed("shifted-lle", run)
