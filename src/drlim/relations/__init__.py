"""Relations that are stated: pairs, labels, copies, grids and sequences, each as a `NeighborhoodGraph`."""

from __future__ import annotations

from drlim.relations.constraints import label_graph, orbit_graph, pairs
from drlim.relations.copies import Orbits, orbits, with_copies
from drlim.relations.grids import grid_graph
from drlim.relations.lazy import LazyCopies
from drlim.relations.sequences import sequence_graph
from drlim.relations.transforms import shift, shifts

__all__ = [
    "LazyCopies",
    "Orbits",
    "grid_graph",
    "label_graph",
    "orbit_graph",
    "orbits",
    "pairs",
    "sequence_graph",
    "shift",
    "shifts",
    "with_copies",
]
