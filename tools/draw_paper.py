"""Draw the pictures of the paper's experiments that the gallery shows from files, into ``docs/_static/paper``.

``python -m tools.draw_paper`` takes some minutes. The aeroplane is the whole experiment. The two of translated digits
are smaller runs, of 1000 digits and 30 epochs: `make reproduce` makes the whole ones.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import drlim
from drlim.paper import airplane, shifted, shifted_prior

FOLDER = Path(__file__).parent.parent / "docs" / "_static" / "paper"


def _save(ax: object, name: str) -> None:
    """Write a picture of few colours, so that the file is small."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    drlim.plotting.save_figure(ax, path, dpi=90)  # type: ignore[arg-type]
    with Image.open(path) as image:
        small = image.convert("RGB").quantize(128)
    small.save(path, optimize=True)
    print(path.name)


def draw_airplane() -> None:
    """Draw all views of the aeroplane on the map, from five angles."""
    data = drlim.datasets.turntable()
    graph = airplane.relations({name: values[data.train] for name, values in data.metadata.items()})
    model = drlim.DrLIM(**airplane.MODEL, random_state=0).fit(data.images[data.train], graph=graph)
    Z = model.transform(data.images)  # (972, 3)
    panels = drlim.plotting.plot_views(Z, data.metadata["azimuth"], cmap="twilight", key_title="azimuth")
    _save(panels[0], "airplane")


def draw_translated(name: str) -> None:
    """Draw test digits on the map of 1000 translated ones: "shifted" without the prior, "shifted_prior" with it."""
    data = drlim.datasets.digits49()
    X = data.X_train[:1000]
    train, test = shifted.translated(X), shifted.translated(data.X_test[:400])
    if name == "shifted":
        graph = drlim.knn_graph(train.X, n_neighbors=5, algorithm="exact")
        settings = {**shifted.MODEL, "batch_size": 200}
    else:
        graph = drlim.with_copies(drlim.knn_graph(X, n_neighbors=5), train)
        settings = {**shifted_prior.MODEL, "batch_size": 500}
    model = drlim.DrLIM(**{**settings, "max_epochs": 30}, random_state=0).fit(train.X, graph=graph)
    _save(drlim.plotting.plot_embedding(model.transform(test.X), shifted.pixels_shifted(test), key_title="shift"), name)


if __name__ == "__main__":
    draw_airplane()
    draw_translated("shifted")
    draw_translated("shifted_prior")
