"""Relations that are measured: samples near each other are similar."""

from __future__ import annotations

from drlim.neighbors.builders import knn_graph, knn_indices, radius_graph
from drlim.neighbors.given import neighbors_graph

__all__ = [
    "knn_graph",
    "knn_indices",
    "neighbors_graph",
    "radius_graph",
]
