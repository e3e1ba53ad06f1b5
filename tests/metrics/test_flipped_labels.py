"""The experiment on wrong statements: what is flipped, and what counts as found."""

from __future__ import annotations

import numpy as np
import pytest

from drlim import NeighborhoodGraph, datasets, knn_graph

flipped_labels = pytest.importorskip("benchmarks.flipped_labels", reason="benchmarks are not part of the package")


def test_as_many_labels_are_flipped_either_way() -> None:
    graph = knn_graph(datasets.digits().X_train, n_neighbors=5)
    flipped = flipped_labels.flip_labels(graph, share=0.01, seed=3)
    half = round(graph.n_similar / 200)
    assert len(flipped.stretched) == len(flipped.pressed) == half
    assert flipped.graph.n_similar == graph.n_similar
    assert not graph.similar.weight_of(*flipped.stretched.T).any()
    assert flipped.graph.similar.weight_of(*flipped.stretched.T).all()
    assert graph.similar.weight_of(*flipped.pressed.T).all()
    assert flipped.graph.dissimilar.weight_of(*flipped.pressed.T).all()
    again, other = (flipped_labels.flip_labels(graph, seed=seed).graph for seed in (3, 4))
    assert again == flipped.graph != other


def test_found_are_those_in_the_top_of_their_kind() -> None:
    # A chain, and a similar pair from end to end: of 41 similar pairs the most stretched.
    Z = np.arange(41.0)[:, None]
    chain = [(i, i + 1) for i in range(40)]
    graph = NeighborhoodGraph.from_pairs(41, [*chain[1:], (0, 40)])
    flipped = flipped_labels.Flipped(graph, np.array([[0, 40]]), np.array([[0, 1]]))
    assert flipped_labels.found(Z / 4, flipped) == (1.0, 1.0)
    flipped = flipped_labels.Flipped(graph, np.array([[3, 4]]), np.array([[0, 39]]))
    assert flipped_labels.found(Z / 4, flipped) == (0.0, 0.0)


def test_a_small_run_has_a_line_for_each_half_and_finds_far_more_than_chance() -> None:
    # Two epochs find .74 of those declared similar and .57 of those declared dissimilar; chance is .05.
    lines = flipped_labels.measure(1, small=True, max_epochs=2)
    assert [line["parts"] for line in lines] == [{"seed 0": line["value"]} for line in lines]
    assert [line["wanted"] for line in lines] == [0.8, 0.8]
    assert min(line["value"] for line in lines) > 0.35


def test_a_map_without_information_finds_what_chance_finds() -> None:
    X = datasets.digits().X_train
    flipped = flipped_labels.flip_labels(knn_graph(X, n_neighbors=5), share=0.1)
    found = flipped_labels.found(np.random.default_rng(0).normal(size=(len(X), 2)), flipped)
    assert max(found) < 0.15
