"""What is known of pairs of samples: which are similar, which dissimilar, which do not count."""

from __future__ import annotations

from drlim.graph.describe import Description
from drlim.graph.graph import NeighborhoodGraph
from drlim.graph.pairset import PairSet

__all__ = [
    "Description",
    "NeighborhoodGraph",
    "PairSet",
]
