"""Draw the pictures of docs/spaces.md: python tools/draw_spaces.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from drlim import DrLIM, knn_graph
from drlim.paper import airplane, airplane_cylinder
from drlim.plotting import plot_on_space, save_figure

DOCS = Path(__file__).parent.parent / "docs"
"""Where the pictures stand."""


def main() -> None:
    """Draw them all."""
    draw_ring()
    draw_aeroplane()
    draw_torus()
    draw_sphere()


def draw_ring() -> None:
    """Map spike counts of 40 cells that are tuned to a phase, coloured by the phase."""
    rng = np.random.default_rng(0)
    phase, preferred = rng.uniform(0, 2 * np.pi, 600), rng.uniform(0, 2 * np.pi, 40)
    counts = np.sqrt(rng.poisson(10 * np.exp(2 * (np.cos(phase[:, None] - preferred) - 1))).astype(float))
    graph = knn_graph(counts, 20)
    model = DrLIM(space="circle", dissimilar_weight=0.3, max_epochs=80, random_state=0).fit(counts, graph=graph)
    ax = plot_on_space(model.embedding_, model.space_, phase, cmap="twilight", key_title="hidden phase")
    save_figure(ax, DOCS / "spaces_circle.png", dpi=60)


def draw_aeroplane() -> None:
    """Map the views of the aeroplane, coloured by azimuth."""
    data, _ = airplane.views()
    graph = airplane.relations({name: values[data.train] for name, values in data.metadata.items()})
    model = DrLIM(**airplane_cylinder.MODEL, random_state=0).fit(data.images[data.train], graph=graph)
    azimuth = data.metadata["azimuth"].astype(float)
    ax = plot_on_space(
        model.transform(data.images), model.space_, azimuth, cmap="twilight", key_title="azimuth", point_size=14
    )
    ax.figure.set_size_inches(8.6, 3.6)
    save_figure(ax, DOCS / "spaces_cylinder.png", dpi=80)


def draw_torus() -> None:
    """Map samples of a torus in four dimensions, with noise, coloured by one of its angles."""
    rng = np.random.default_rng(0)
    turns = rng.uniform(0, 2 * np.pi, (600, 2))
    X = np.column_stack([np.cos(turns), np.sin(turns)]) + 0.05 * rng.normal(size=(600, 4))
    model = DrLIM(space="torus", n_neighbors=10, max_epochs=80, random_state=0).fit(X)
    ax = plot_on_space(model.embedding_, model.space_, turns[:, 0], cmap="twilight", key_title="one of its angles")
    save_figure(ax, DOCS / "spaces_torus.png", dpi=60)


def draw_sphere() -> None:
    """Map samples of a sphere, with noise, coloured by their height."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    noisy = X + 0.05 * rng.normal(size=X.shape)
    model = DrLIM(space="sphere", n_neighbors=10, max_epochs=80, random_state=0).fit(noisy)
    save_figure(
        plot_on_space(model.embedding_, model.space_, X[:, 2], key_title="height"), DOCS / "spaces_sphere.png", dpi=60
    )


if __name__ == "__main__":
    main()
