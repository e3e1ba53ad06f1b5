"""Experiment 5 in two coordinates: the aeroplane on a circle and a line, where the paper takes three dimensions.

The paper's network, views and relations (`drlim.paper.airplane`); the map lies on a cylinder whose radius is learned.
Azimuth closes and elevation does not, so the angle is to be the azimuth, and the length the elevation. Measured: see
`judge`. Half a minute on two cores.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import drlim
from drlim import DrLIM, datasets, metrics, plotting
from drlim._base.arrays import Array, Index
from drlim.paper.airplane import MODEL as IN_THREE
from drlim.paper.airplane import poses, read_outs, relations, views
from drlim.paper.frame import Outcome, framed, refuse_interrupted
from drlim.paper.report import Parameters, Row, described

__all__ = ["FIGURES", "MODEL", "judge", "reproduce", "run"]

MODEL: Parameters = {**{name: value for name, value in IN_THREE.items() if name != "n_components"}, "space": "cylinder"}
"""Parameters of the estimator: those of the experiment in three dimensions, and the space."""

FIGURES = {
    "azimuth.png": "All views on the unrolled cylinder, coloured by azimuth.",
    "elevation.png": "The same, coloured by elevation.",
    "lighting.png": "The same, coloured by lighting: it does not show.",
    "history.png": "Energy by epoch.",
}


def run(
    folder: Path,
    /,
    *,
    random_state: int = 0,
    verbose: bool | None = None,
    n_train: int | None = None,
    **changes: object,
) -> Outcome:
    """Train on views of an aeroplane, map all views to a cylinder, and write pictures and model into ``folder``.

    Parameters
    ----------
    folder : Path
        Folder for the pictures of `FIGURES` and ``model.safetensors``.
    random_state : int, default=0
        Seed of weights and of the choice of views.
    verbose : bool, default=None
        Whether to show a progress bar; None shows it on a terminal.
    n_train : int, default=None
        Number of views to train on, drawn at random; None takes all 660.
    **changes
        Parameters of the estimator that replace those of `MODEL`.

    Returns
    -------
    rows : list of Row
    details : dict
    """
    data, source = views()
    train = np.random.default_rng(random_state).permutation(data.train)[:n_train]
    parameters: Parameters = {**MODEL, **changes}
    graph = relations({name: values[train] for name, values in data.metadata.items()})
    model = DrLIM(**parameters, random_state=random_state, verbose=verbose).fit(data.images[train], graph=graph)
    refuse_interrupted(model)
    Z = model.transform(data.images)  # (972, 2)
    rows = judge(Z, model, data, train)
    drlim.save(model, folder / "model.safetensors")
    for name, cmap in (("azimuth", "twilight"), ("elevation", "viridis"), ("lighting", "viridis")):
        colours = data.metadata[name].astype(np.float64)
        ax = plotting.plot_on_space(Z, model.space_, colours, cmap=cmap, key_title=name)
        plotting.save_figure(ax, folder / f"{name}.png", dpi=110)
    plotting.save_figure(plotting.plot_history(model.history_), folder / "history.png")
    details = {
        "data": source,
        "space": repr(model.space_),
        **described(model, parameters, random_state, len(data.test)),
        "figures": FIGURES,
    }
    return rows, details


reproduce = framed("airplane-cylinder", run)


def judge(Z: Array, model: DrLIM, data: datasets.PosedImages, train: Index | None = None) -> list[Row]:
    """Return the numbers of a map of all 972 views, (972, 2), measured on test views.

    Azimuth is read from cosine and sine of the angle alone and elevation from the length alone, both linearly, by
    read-outs that are fitted on the views in ``train``; None takes all training views.
    """
    train, test = data.train if train is None else train, data.test
    azimuth = np.deg2rad(data.metadata["azimuth"])
    from_angle = read_outs(np.column_stack([np.cos(Z[:, 0]), np.sin(Z[:, 0])]), data.metadata, train, test)
    from_length = read_outs(Z[:, 1:], data.metadata, train, test)
    within = metrics.orbit_ratio(model.space_.ambient(Z[test]), poses(data.metadata)[test])
    return [
        Row("R2 of cos azimuth, from the angle alone", from_angle["cos azimuth"], at_least=0.99),
        Row("R2 of sin azimuth, from the angle alone", from_angle["sin azimuth"], at_least=0.99),
        Row("R2 of elevation, from the length alone", from_length["elevation"], at_least=0.99),
        Row(
            "circular correlation of angle and azimuth",
            metrics.circular_correlation(Z[test, 0], azimuth[test]),
            at_least=0.99,
        ),
        Row("variance within a pose over lighting / total", within, at_most=0.002),
    ]
