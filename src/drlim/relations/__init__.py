"""Relations that are stated: pairs, labels, copies, grids and sequences, each as a `NeighborhoodGraph`.

Step 1 of the paper's algorithm takes any prior knowledge, not only nearest neighbours. Each function here turns one
kind of it into a graph. The memory needed grows with the number of pairs listed, not with the square of the number of
samples.
"""

from __future__ import annotations

from drlim.relations.constraints import pairs
from drlim.relations.copies import LazyCopies, Orbits, orbits
from drlim.relations.file import read
from drlim.relations.grids import grid_graph
from drlim.relations.inherit import with_copies
from drlim.relations.labels import label_graph, orbit_graph
from drlim.relations.sequences import sequence_graph
from drlim.relations.targets import target_graph
from drlim.relations.transforms import shift, shifts

__all__ = [
    "LazyCopies",
    "Orbits",
    "grid_graph",
    "label_graph",
    "orbit_graph",
    "orbits",
    "pairs",
    "read",
    "sequence_graph",
    "shift",
    "shifts",
    "target_graph",
    "with_copies",
]
