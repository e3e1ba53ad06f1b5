from __future__ import annotations

import numpy as np
import pytest

from drlim import NeighborhoodGraph, knn_graph, label_graph
from drlim.relations.part import cut_graph, listed_samples

POINTS = np.random.default_rng(0).normal(size=(60, 2))


def test_samples_of_all_three_kinds_of_pairs_are_listed():
    graph = NeighborhoodGraph.from_pairs(9, [(1, 0)], dissimilar=[(4, 5)], ignored=[(8, 0)])
    assert listed_samples(graph).tolist() == [0, 1, 4, 5, 8]
    assert listed_samples(NeighborhoodGraph.from_pairs(9, [])).tolist() == []
    assert listed_samples(None) is None


def test_without_a_choice_a_graph_stays_whole():
    graph = knn_graph(POINTS, 2)
    assert cut_graph(graph, None) is graph
    assert cut_graph(None, np.arange(3)) is None


def test_classes_stay_dense_and_neighbours_thin_out():
    chosen = np.arange(0, 60, 3)
    labels = label_graph(np.arange(60) % 2)
    assert cut_graph(labels, chosen) == labels.subgraph(chosen)  # warnings are errors here: none
    with pytest.warns(UserWarning, match="Of 60 samples a random part is relaxed, 20.*leave 'graph' out"):
        cut_graph(knn_graph(POINTS, 3), chosen)


def test_pairs_that_all_stay_are_not_warned_of():
    assert cut_graph(NeighborhoodGraph.from_pairs(9, [(0, 1)]), np.arange(9)).n_similar == 1
