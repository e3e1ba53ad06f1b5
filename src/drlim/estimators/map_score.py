"""How well a map obeys relations under the laws of `NeighborMap`, as one number that does not depend on its scale."""

from __future__ import annotations

import math

import torch

from drlim._base.arrays import Array
from drlim.forces import balanced, graph_energy
from drlim.graph import NeighborhoodGraph
from drlim.springs import CauchyRepulsion, LogAttraction, Springs

__all__ = ["map_score", "usual_laws"]


def map_score(embedding: Array, graph: NeighborhoodGraph, laws: Springs | None) -> float:
    """Return minus the general loss; higher is better.

    ::

        score = - mean over similar pairs of L_S  -  log(mean over all pairs of L_D)  -  mean over declared pairs of L_D

    The logarithm is the repulsion at its best weight, since ``log S = min over w of w S - log w - 1``: with a fixed
    weight, one point would be better than any map of many samples. Ignored pairs are left out, and "declared" are the
    pairs declared dissimilar, beyond all that are dissimilar by default. Laws of the user's own, which may be 0
    anywhere, take the weight 1, each kind of pair averaged.

    Parameters
    ----------
    embedding : ndarray, shape (n, d)
    graph : NeighborhoodGraph
        Of the n samples.
    laws : Springs or None
        None takes those of `NeighborMap`.

    Examples
    --------
    One point scores 0, and two groups, whose relations are within them, more:

    >>> import numpy as np
    >>> graph = NeighborhoodGraph.from_pairs(4, [(0, 1), (2, 3)])
    >>> Z = np.array([[0.0], [0.5], [9.0], [9.5]])
    >>> [round(abs(map_score(places, graph, None)), 2) for places in (0 * Z, Z)]
    [0.0, 1.07]
    """
    Z = torch.from_numpy(embedding).double()  # (n, d)
    if laws is not None:
        return -graph_energy(Z, graph, laws, balanced(graph)).total
    laws = usual_laws()
    n = graph.n_samples
    everyone = NeighborhoodGraph.from_sets(n, ignored=graph.stated_ignored)
    declared = NeighborhoodGraph.from_sets(n, dissimilar=graph.stated_dissimilar, rest="ignored")
    attraction = graph_energy(Z, graph, laws).similar / graph.similar.total_weight
    score = -attraction - _mean_repulsion(Z, declared, laws)
    return score - math.log(_mean_repulsion(Z, everyone, laws) or 1.0)


def _mean_repulsion(Z: torch.Tensor, graph: NeighborhoodGraph, laws: Springs) -> float:
    """Return the mean of L_D over the dissimilar pairs of a graph, 0 without any."""
    if graph.n_dissimilar == 0:
        return 0.0
    return graph_energy(Z, graph, laws).dissimilar / graph.dissimilar.total_weight


def usual_laws() -> Springs:
    """Return the laws of a `NeighborMap` that is given no others."""
    return Springs(LogAttraction(), CauchyRepulsion())
