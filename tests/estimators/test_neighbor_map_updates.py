"""`NeighborMap` goes on from a map, with and without anchors, and relaxes a part of many samples."""

from __future__ import annotations

import copy
import re

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

import drlim.training.neighbor_layout
from drlim import NeighborMap, knn_graph, label_graph

N = 90
GROUP = np.arange(N) % 3


@pytest.fixture(scope="module")
def groups():
    """Ninety samples in three groups, shape (90, 6)."""
    return np.random.default_rng(0).normal(size=(N, 6)) + 6 * np.eye(6)[GROUP]


@pytest.fixture
def cloud():
    return np.random.default_rng(1).normal(size=(N, 4))


def quick(**parameters):
    return NeighborMap(**{"random_state": 0, "max_epochs": 3, "n_neighbors": 5, **parameters})


def separation(model, first, second):
    """Distances of pairs on the map, in units of its width."""
    Z = model.embedding_
    return np.linalg.norm(Z[first] - Z[second], axis=-1) / np.linalg.norm(Z - Z.mean(0), axis=1).mean()


def of_one_group(X, group, model):
    """Share of five neighbours on the map that are of a sample's own group."""
    return (GROUP[model.kneighbors(X, 6)[1]] == group[:, None]).mean()


def test_partial_fit_begins_as_fit(cloud):
    np.testing.assert_array_equal(quick().partial_fit(cloud).embedding_, quick().fit(cloud).embedding_)
    with pytest.raises(ValueError, match=re.escape("Expected no 'anchor' before the first fit")):
        quick().partial_fit(cloud, anchor=cloud)


def test_partial_fit_goes_on_from_the_present_map(groups):
    model = quick(max_epochs=20).fit(groups[:60])
    encoder, before = model.encoder_, model.transform(groups)
    model.set_params(max_epochs=2).partial_fit(groups[60:])
    moved = np.linalg.norm(model.transform(groups) - before, axis=1)
    assert 0 < np.median(moved) < 0.5 * before.std()
    assert model.encoder_ is not encoder
    assert len(model.embedding_) == model.graph_.n_samples == 30
    assert [record["epoch"] for record in model.history_] == list(range(1, 23))
    assert model.n_iter_ == 22
    assert not hasattr(model, "drift_")


def test_anchors_keep_the_old_map_while_a_new_group_finds_its_place(groups):
    old, new = groups[GROUP < 2], groups[GROUP == 2]
    fresh = np.random.default_rng(5).normal(size=(20, 6)) + 6 * np.eye(6)[np.arange(20) % 3]
    base = quick(max_epochs=20).fit(old)
    width = np.linalg.norm(base.embedding_ - base.embedding_.mean(0), axis=1).mean()

    def updated(**anchor):
        model = copy.deepcopy(base).partial_fit(new, **anchor)
        return model, np.linalg.norm(model.transform(old) - base.embedding_, axis=1)

    _, free = updated()
    model, anchored = updated(anchor=old)
    _, tight = updated(anchor=old, anchor_weight=100.0)
    assert np.median(tight) < np.median(anchored) < 0.3 * np.median(free)
    assert np.median(anchored) < 0.3 * width
    assert model.drift_ == pytest.approx({q: np.quantile(anchored, q) for q in (0.5, 0.9, 0.99, 1.0)}, rel=1e-4)
    assert len(model.embedding_) == model.graph_.n_samples == 30
    np.testing.assert_array_equal(model.embedding_, model.transform(new))
    where = np.concatenate([model.transform(old), model.embedding_])
    group = np.concatenate([GROUP[GROUP < 2], GROUP[GROUP == 2]])
    assert KNeighborsClassifier(5).fit(where, group).score(model.transform(fresh), np.arange(20) % 3) > 0.9
    assert not hasattr(model.fit(groups), "drift_")


def test_new_samples_of_old_kinds_land_among_them(groups):
    model = quick(max_epochs=20).fit(groups[:60])
    before = model.embedding_
    model.partial_fit(groups[60:], anchor=groups[:60])
    assert KNeighborsClassifier(3).fit(before, GROUP[:60]).score(model.embedding_, GROUP[60:]) > 0.95


def test_anchors_can_be_named_in_the_relations(cloud):
    base = quick().fit(cloud[:60])
    given = knn_graph(cloud[[*range(60, 90), *range(60)]], 5)
    model = copy.deepcopy(base).partial_fit(cloud[60:], graph=given, anchor=cloud[:60])
    assert model.graph_ == given.subgraph(np.arange(30))
    paired = copy.deepcopy(base).partial_fit(cloud[60:], np.arange(30) % 2, pairs=[(0, 1)], anchor=cloud[:60])
    assert 1 in paired.graph_.neighbors(0)


class TestManySamples:
    """More samples than are all relaxed; the limits are lowered."""

    @pytest.fixture(autouse=True)
    def _limits(self, monkeypatch):
        monkeypatch.setattr(drlim.training.neighbor_layout, "LARGEST_LAYOUT", 80)
        monkeypatch.setattr(drlim.training.neighbor_layout, "_RELAXED_PART", 45)

    def test_a_part_is_relaxed_and_the_rest_placed(self, groups):
        model = quick(max_epochs=20).fit(groups)
        assert model.graph_.n_samples == 45
        assert model.embedding_.shape == (N, 2)
        assert of_one_group(groups, GROUP, model) > 0.95
        np.testing.assert_array_equal(model.transform(groups), model.embedding_)

    def test_labels_are_cut_with_their_samples(self, groups):
        shuffled = np.random.default_rng(0).permutation(GROUP)
        graph = quick(max_epochs=1).fit(groups, shuffled).graph_
        chosen = drlim.training.neighbor_layout.chosen_rows(N, seed_of(0))
        assert (label_graph(shuffled[chosen]) - graph).n_similar == 0

    def test_a_graph_is_cut_with_its_samples(self, groups):
        graph = label_graph(GROUP)
        chosen = drlim.training.neighbor_layout.chosen_rows(N, seed_of(0))
        model = quick(max_epochs=1).fit(groups, graph=graph)
        assert model.graph_ == graph.subgraph(chosen)
        assert len(model.embedding_) == N

    def test_samples_of_listed_pairs_are_relaxed(self, groups):
        pairs = [(k, k + 1) for k in range(0, 40, 4)]
        model = quick(max_epochs=1).fit(groups, pairs=pairs)
        chosen = drlim.training.neighbor_layout.chosen_rows(N, seed_of(0), np.unique(pairs))
        place = np.full(N, -1)
        place[chosen] = np.arange(len(chosen))
        assert all(place[j] in model.graph_.neighbors(place[i]) for i, j in pairs)

    def test_a_graph_that_falls_apart_is_warned_of(self, groups):
        with pytest.warns(UserWarning, match="Of 90 samples a random part is relaxed, 45") as caught:
            quick(max_epochs=1).fit(groups, graph=knn_graph(groups, 2))
        assert caught[0].filename == __file__

    def test_anchors_are_cut_too(self, groups):
        model = quick(max_epochs=10).fit(groups)
        before = model.embedding_
        model.partial_fit(groups[:50] + 0.1, anchor=groups[:40])
        assert len(model.embedding_) == 50
        assert model.graph_.n_samples < 45
        assert model.drift_[0.5] < 0.3 * before.std()


def seed_of(random_state):
    return int(np.random.RandomState(random_state).randint(np.iinfo(np.int32).max))
