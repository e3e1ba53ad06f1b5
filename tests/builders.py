"""What tests of builders share."""

from __future__ import annotations

import re

import numpy as np
import pytest

from drlim import NeighborhoodGraph
from drlim.relations import grid_graph

GRID_TABLE = {"azimuth": [0, 20, 40], "elevation": [30, 30, 35], "light": ["a", "b", "c"]}
"""Metadata of three samples."""


def listed(graph: NeighborhoodGraph) -> list[list[int]]:
    return graph.similar.pairs().tolist()


def relabelled(graph: NeighborhoodGraph, order: np.ndarray) -> NeighborhoodGraph:
    """The same relations after row k has become what row ``order[k]`` was."""
    return graph.subgraph(np.asarray(order))


def refuses(message, build, *args, error=ValueError, **kwargs):
    with pytest.raises(error, match=re.escape(message)) as refusal:
        build(*args, **kwargs)
    assert len(str(refusal.value)) <= 600


def refuses_grid(message, changes=(), error=ValueError, **arguments):
    """`refuses` for `grid_graph` of `GRID_TABLE` with some columns changed."""
    refuses(message, grid_graph, {**GRID_TABLE, **dict(changes)}, error=error, **{"step": {"azimuth": 20}, **arguments})
