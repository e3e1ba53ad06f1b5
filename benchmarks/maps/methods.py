"""The methods: each is a function from training samples to their map and a function that maps other samples.

Parameters are the defaults; the seed and the number of threads are passed on. A peer is imported inside its function,
because it is no dependency of this library and because one that is missing must stop no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from drlim._base.arrays import Array

__all__ = ["METHODS", "Fitted", "Method"]


class Fitted(NamedTuple):
    """The result of a method."""

    embedding: Array  # (n, 2)
    """The map of the training samples."""
    transform: Callable[[Array], Array]
    """From samples (m, ...) to their places on that map (m, 2)."""


@dataclass(frozen=True)
class Method:
    """A function ``(X, seed, threads) -> Fitted``, and how the benchmark calls it."""

    fit: Callable[[Array, int, int], Fitted]
    package: str
    """Name of the distribution whose version is recorded."""
    warm_rows: int = 300
    """Number of training samples of the warm-up fit: enough that it takes the same paths as a large fit."""
    images: bool = False
    """Whether it takes images (n, h, w) as they are; others take them as rows (n, h w)."""
    grows: bool = True
    """Whether it takes part in the growth with the number of samples."""
    on_all: bool = True
    """Whether it runs on all data sets, or only where it is named."""


def neighbor_map(X: Array, seed: int, threads: int) -> Fitted:  # noqa: ARG001 - torch and numba read the environment
    """Fit `drlim.NeighborMap`."""
    import drlim

    model = drlim.NeighborMap(random_state=seed).fit(X)
    return Fitted(model.embedding_, model.transform)


def neighbor_map_of_shifts(X: Array, seed: int, threads: int) -> Fitted:  # noqa: ARG001 - see `neighbor_map`
    """Fit `drlim.NeighborMap` to images of which shifts by a pixel are declared not to matter."""
    import drlim

    model = drlim.NeighborMap(orbit=drlim.transforms.shift(1), random_state=seed).fit(X)
    return Fitted(model.embedding_, model.transform)


def drlim_map(X: Array, seed: int, threads: int) -> Fitted:  # noqa: ARG001 - torch and numba read the environment
    """Fit `drlim.DrLIM`."""
    from drlim import DrLIM

    model = DrLIM(random_state=seed, verbose=0).fit(X)
    return Fitted(model.embedding_, model.transform)


def umap(X: Array, seed: int, threads: int) -> Fitted:
    """Fit UMAP.

    With ``random_state`` it uses one thread. NumPy's global state, which it draws from without, is seeded in its place.
    """
    from umap import UMAP

    np.random.seed(seed)  # noqa: NPY002 - see above
    model = UMAP(n_jobs=threads).fit(X)
    return Fitted(model.embedding_, model.transform)


def open_tsne(X: Array, seed: int, threads: int) -> Fitted:
    """Fit openTSNE."""
    from openTSNE import TSNE

    embedding = TSNE(n_jobs=threads, random_state=seed).fit(X)
    return Fitted(np.asarray(embedding), lambda samples: np.asarray(embedding.transform(samples)))


def pacmap(X: Array, seed: int, threads: int) -> Fitted:  # noqa: ARG001 - numba and faiss read the environment
    """Fit PaCMAP; the search structure is kept, which mapping new samples needs."""
    from pacmap import PaCMAP

    model = PaCMAP(random_state=seed, save_tree=True)
    embedding = np.asarray(model.fit_transform(X))
    return Fitted(embedding, model.transform)


def pca(X: Array, seed: int, threads: int) -> Fitted:  # noqa: ARG001 - the linear algebra reads the environment
    """Fit two principal components."""
    from sklearn.decomposition import PCA

    model = PCA(n_components=2, random_state=seed)
    embedding = model.fit_transform(X)
    return Fitted(embedding, model.transform)


METHODS = {
    "NeighborMap": Method(neighbor_map, "drlim", warm_rows=4500, images=True),
    "NeighborMap-shifts": Method(
        neighbor_map_of_shifts, "drlim", warm_rows=4500, images=True, grows=False, on_all=False
    ),
    "DrLIM": Method(drlim_map, "drlim", images=True, grows=False),
    "UMAP": Method(umap, "umap-learn", warm_rows=4500),  # fewer than 4096 are compared without an index
    "openTSNE": Method(open_tsne, "openTSNE", warm_rows=1500),  # fewer than 1000 are compared without an index
    "PaCMAP": Method(pacmap, "pacmap"),
    "PCA": Method(pca, "scikit-learn"),
}
"""By the name used on the command line, in the order of the tables."""
