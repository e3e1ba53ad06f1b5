"""Pairs listed one by one: by hand, in all three states, refusals."""

from __future__ import annotations

import pytest
from tests.builders import listed, refuses

from drlim import NeighborhoodGraph
from drlim.relations import pairs


def test_pairs_by_index():
    graph = pairs(4, similar=[(1, 0), (0, 1), (2, 3)])
    assert listed(graph) == [[0, 1], [2, 3]]
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == (2, 4, 0)


def test_pairs_in_all_three_states():
    graph = pairs(4, similar=[(0, 1)], dissimilar=[(3, 0)], ignored=[(1, 2)])
    assert graph == NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=[(0, 3)], ignored=[(1, 2)])
    assert (graph.n_dissimilar, graph.n_ignored) == (1, 4)
    assert pairs(4, similar=[(0, 1)], dissimilar=[]).n_ignored == 5
    assert pairs(4, similar=[(0, 1)], ignored=[(1, 2)]).n_dissimilar == 4


@pytest.mark.parametrize(
    ("message", "error", "arguments"),
    [
        ("Expected 'n_samples', how many samples there are, or 'ids', one for each. Got neither.", ValueError, {}),
        (
            "The 'n_samples' parameter of pairs must be an int in the range [1, inf) or None. Got 0 instead.",
            ValueError,
            {"n_samples": 0},
        ),
        ("Expected 'similar' to hold indices in [0, 4)", ValueError, {"n_samples": 4, "similar": [(0, 4)]}),
    ],
)
def test_pairs_refuses(message, error, arguments):
    refuses(message, pairs, error=error, **{"similar": [], **arguments})
