"""Statements, and the state of every pair that follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.graph.drawing import as_sets, graphs

from drlim import NeighborhoodGraph
from drlim.graph.pairset import PairSet

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(
    ("explicit", "ignored", "counts"),
    [
        (None, None, (1, 5, 0)),
        (None, [(2, 3)], (1, 4, 1)),
        ([(0, 2)], None, (1, 1, 4)),
        ([(0, 2)], [(2, 3)], (1, 1, 4)),
    ],
)
def test_what_is_not_listed_is_dissimilar_unless_those_are_listed(explicit, ignored, counts):
    graph = NeighborhoodGraph.from_pairs(4, [(0, 1)], dissimilar=explicit, ignored=ignored)
    assert (graph.n_similar, graph.n_dissimilar, graph.n_ignored) == counts


@quick
@given(graphs())
def test_every_pair_is_in_one_state(graph):
    n = graph.n_samples
    sets = as_sets(graph)
    assert graph.n_similar == len(sets["similar"])
    assert graph.n_dissimilar == len(sets["dissimilar"])
    assert graph.n_ignored == len(sets["ignored"])
    assert graph.n_similar + graph.n_dissimilar + graph.n_ignored == n * (n - 1) // 2


def test_ignored_pairs_have_weight_1_whatever_else_is_stated():
    ignored = PairSet.from_pairs(3, [(0, 1)], weights=[0.5])
    graph = NeighborhoodGraph.from_sets(3, ignored=ignored)
    assert graph.ignored.total_weight == 1
    both = PairSet.from_pairs(3, [(1, 2)])
    assert NeighborhoodGraph.from_sets(3, both, both, ignored)[[0, 1]].ignored.total_weight == 1


def test_sets_of_other_samples():
    with pytest.raises(ValueError, match=r"^Expected 'ignored' to be of 3 samples\. Got one of 4\.$"):
        NeighborhoodGraph.from_sets(3, ignored=PairSet.empty(4))
    with pytest.raises(TypeError, match=r"^Expected 'similar' to be a PairSet\. Got \[\(0, 1\)\]\.$"):
        NeighborhoodGraph.from_sets(3, [(0, 1)])
    with pytest.raises(ValueError, match=r"^The 'rest' parameter of NeighborhoodGraph must be"):
        NeighborhoodGraph.from_sets(3, rest="similar")
