"""What `NeighborMap` learns from besides the samples: pairs, labels, graphs, metrics, springs, an orbit, anchors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

import drlim
import drlim.training.neighbor_layout
from drlim import NeighborhoodGraph, NeighborMap, grid_graph, knn_graph, label_graph, orbit_graph, sequence_graph
from drlim.relations.gather import overruled

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


def test_must_link_brings_far_samples_together(groups):
    plain = quick(max_epochs=20).fit(groups)
    linked = quick(max_epochs=20).fit(groups, pairs=[(0, 1)])
    assert 1 in linked.graph_.neighbors(0)
    assert separation(linked, 0, 1) < 0.6 * separation(plain, 0, 1)


def test_cannot_link_parts_near_samples(groups):
    plain = quick(max_epochs=20).fit(groups)
    members = np.flatnonzero(GROUP == 0)
    apart = [(i, j) for i in members[:15] for j in members[15:]]
    parted = quick(max_epochs=20).fit(groups, pairs={"dissimilar": apart})
    first, second = np.array(apart).T
    assert separation(parted, first, second).mean() > 1.5 * separation(plain, first, second).mean()


def test_ignored_pairs_have_no_spring(groups, monkeypatch):
    seen = []
    monkeypatch.setattr(drlim.training.neighbor_layout, "relax", watched(seen))
    quick(max_epochs=1).fit(groups, pairs={"ignored": [(0, 3), (1, 2)]})
    assert seen[0]["ignored"].toarray()[[0, 3, 1, 2], [3, 0, 2, 1]].all()
    assert seen[0]["ignored"].nnz == 4
    assert seen[0]["dissimilar"] is None


def watched(seen):
    relax = drlim.training.neighbor_layout.relax

    def watch(attraction, n_components, **keywords):
        seen.append({"attraction": attraction, **keywords})
        return relax(attraction, n_components, **keywords)

    return watch


@pytest.fixture
def faint():
    """Samples whose class shows in a column of small variance, and their labels."""
    X = np.random.default_rng(1).normal(size=(2 * N, 4)) * [2, 2, 2, 0.6]
    return X, (X[:, 3] > 0).astype(int)


def of_one_class(model, X, y, training):
    """Share of held-out samples whose class five neighbours on the map tell."""
    return KNeighborsClassifier(5).fit(model.embedding_, training).score(model.transform(X), y)


def test_labels_part_what_distances_hardly_tell_apart(faint):
    X, y = faint
    plain, labelled = (quick(max_epochs=30).fit(X[:N], known) for known in (None, y[:N]))
    assert of_one_class(labelled, X[N:], y[N:], y[:N]) > 0.05 + of_one_class(plain, X[N:], y[N:], y[:N])


@pytest.mark.parametrize("unknown", [-1, None, np.nan])
def test_unknown_labels_state_nothing(cloud, unknown):
    y = [k % 2 if k < 30 else unknown for k in range(N)]
    graph = quick(max_epochs=1).fit(cloud, y).graph_
    near = quick(max_epochs=1).fit(cloud).graph_
    assert graph == overruled(near, label_graph([k % 2 if k < 30 else -1 for k in range(N)]))
    assert quick(max_epochs=1).fit(cloud, [unknown] * N).graph_ == near


def test_names_are_labels(cloud):
    y = np.where(np.arange(N) % 2, "odd", "even")
    model = quick(max_epochs=1).fit(cloud, y)
    np.testing.assert_array_equal(model.embedding_, quick(max_epochs=1).fit(cloud, np.arange(N) % 2).embedding_)
    assert len(model.partial_fit(cloud[:30], y[:30], anchor=cloud[30:]).embedding_) == 30


def test_continuous_targets_are_left_out_with_a_warning(cloud):
    with pytest.warns(UserWarning, match="continuous") as caught:
        model = quick(max_epochs=1).fit(cloud, cloud[:, 0])
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(model.embedding_, quick(max_epochs=1).fit(cloud).embedding_)


def test_weights_of_a_graph_count(cloud, monkeypatch):
    seen = []
    monkeypatch.setattr(drlim.training.neighbor_layout, "relax", watched(seen))
    pairs = knn_graph(cloud, 5).similar.pairs()
    matrix = csr(pairs, np.linspace(0.5, 2, len(pairs)))
    quick(max_epochs=1).fit(cloud, graph=NeighborhoodGraph.from_csr(matrix, weighted=True))
    np.testing.assert_allclose(seen[0]["attraction"].toarray(), matrix)


def csr(pairs, weight):
    matrix = np.zeros((N, N))
    matrix[tuple(pairs.T)] = matrix[tuple(pairs.T[::-1])] = weight
    return matrix


def test_graphs_of_grids_sequences_and_orbits(cloud):
    where = np.column_stack([np.arange(N) % 9, np.arange(N) // 9, np.arange(N) % (N // 2) / 5, np.arange(N) // 5])
    X = where + 0.3 * cloud
    table = {"azimuth": np.arange(N) % 9, "elevation": np.arange(N) // 9}
    for graph in (
        grid_graph(table, step={"azimuth": 1, "elevation": 1}),
        sequence_graph(np.tile(np.arange(N // 2), 2), window=2, groups=np.repeat([0, 1], N // 2)),
        orbit_graph(np.arange(N) // 5),
    ):
        model = quick(max_epochs=20, n_places=80).fit(X, graph=graph)
        pairs = graph.similar.pairs()
        Z = model.embedding_
        everyone = np.linalg.norm(Z[:, None] - Z, axis=2).mean()
        assert np.linalg.norm(Z[pairs[:, 0]] - Z[pairs[:, 1]], axis=1).mean() < 0.7 * everyone


def test_labels_as_a_graph_are_the_only_relations(cloud):
    graph = label_graph(np.arange(N) % 2)
    assert quick(max_epochs=1).fit(cloud, graph=graph).graph_ is graph  # warnings are errors here: none


def test_labels_as_a_graph_gather_their_classes(faint):
    X, y = faint
    plain, labelled = (
        quick(max_epochs=30).fit(X[:N], graph=graph) for graph in (knn_graph(X[:N], 5), label_graph(y[:N]))
    )
    assert of_one_class(labelled, X[N:], y[N:], y[:N]) > 0.05 + of_one_class(plain, X[N:], y[N:], y[:N])


def test_relations_that_ignore_the_rest_are_warned_of(cloud):
    graph = label_graph(np.where(np.arange(N) < 50, np.arange(N) % 2, -1))
    with pytest.warns(UserWarning, match="The relations ignore all pairs that they do not list") as caught:
        quick(max_epochs=1).fit(cloud, graph=graph)
    assert caught[0].filename == __file__


def test_an_orbit_makes_the_map_ignore_what_it_does(cloud):
    def turned(batch, generator):  # the sign of the first column does not matter
        return batch * np.where(np.arange(batch.shape[1]) == 0, generator.choice([-1, 1], size=(len(batch), 1)), 1)

    def asymmetry(model):
        Z, mirrored = model.transform(cloud), model.transform(cloud * [-1, 1, 1, 1])
        return np.linalg.norm(Z - mirrored, axis=1).mean() / np.linalg.norm(Z - Z.mean(0), axis=1).mean()

    graph = knn_graph(cloud[:, 1:], 5)
    plain, ignoring = (quick(max_epochs=60, orbit=orbit).fit(cloud, graph=graph) for orbit in (None, turned))
    assert asymmetry(ignoring) < 0.85 * asymmetry(plain)
    np.testing.assert_array_equal(
        ignoring.embedding_, quick(max_epochs=60, orbit=turned).fit(cloud, graph=graph).embedding_
    )


def test_an_orbit_may_draw_for_itself(cloud):
    one = quick(orbit=lambda batch: batch + 1).fit(cloud)
    other = quick(orbit=lambda batch, generator: batch + 1).fit(cloud)
    np.testing.assert_array_equal(one.embedding_, other.embedding_)


def test_springs_of_ones_own(groups):
    springs = (lambda d: torch.log1p(d**2), lambda d: 1 / (1 + d**2))
    model = quick(max_epochs=10, springs=springs).fit(groups)
    assert of_one_group(groups, GROUP, model) > 0.95
    assert np.isfinite(model.score(groups))


@pytest.mark.parametrize(
    "metric", ["euclidean", "cosine", "hamming", "jaccard", lambda a, b: float(np.abs(a - b).sum())]
)
def test_neighbours_by_any_metric(metric):
    rng = np.random.default_rng(0)
    X = (rng.random((N, 30)) < 0.05 + 0.6 * (np.arange(30) % 3 == GROUP[:, None])).astype(float)
    model = quick(max_epochs=10, metric=metric).fit(X)
    assert of_one_group(X, GROUP, model) > 0.9


def test_distances_given_stand_for_the_samples(groups):
    distance = np.linalg.norm(groups[:, None] - groups, axis=2)
    model = quick(max_epochs=10, metric="precomputed").fit(distance)
    assert of_one_group(distance, GROUP, model) > 0.95
    near = quick(max_epochs=1).fit(groups).graph_
    both = (model.graph_ & near).n_similar
    assert both > 0.99 * near.n_similar
    new = groups[:9] + 0.5
    to_training = np.linalg.norm(new[:, None] - groups, axis=2)  # (9, 90)
    assert of_one_group(to_training, GROUP[:9], model) > 0.95
    assert len(model.partial_fit(to_training, anchor=distance).embedding_) == 9


def test_cosine_sees_directions_alone(groups):
    length = np.random.default_rng(0).uniform(0.01, 100, size=(N, 1))
    model = quick(metric="cosine").fit(groups)
    np.testing.assert_allclose(model.transform(groups * length), model.embedding_, rtol=1e-6, atol=1e-6)


def test_more_neighbours_than_there_are_take_all(cloud):
    few = cloud[:10]
    all_of_them = quick(n_neighbors=3).fit(few).embedding_  # 3 x 3 = 9, all others
    np.testing.assert_array_equal(quick(n_neighbors=9).fit(few).embedding_, all_of_them)
    with pytest.warns(UserWarning, match=r"n_neighbors = 10 is not less than the 10 samples: all pairs become similar"):
        model = quick(n_neighbors=10).fit(few)
    np.testing.assert_array_equal(model.embedding_, all_of_them)


def test_kneighbors_are_the_nearest_on_the_map(groups):
    model = quick().fit(groups)
    distance, index = model.kneighbors(groups[:7], 4)
    Z = model.transform(groups[:7])
    every = np.linalg.norm(Z[:, None] - model.embedding_, axis=2)
    assert distance.dtype == np.float64
    assert index.dtype == np.int64
    np.testing.assert_allclose(distance, np.sort(every, axis=1)[:, :4], atol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(every, index, axis=1), distance, atol=1e-12)
    np.testing.assert_allclose(distance[:, 0], 0, atol=1e-12)  # a batch of another size may round otherwise
    assert model.kneighbors(groups, 1)[1].shape == (N, 1)
    assert model.kneighbors(groups, N)[1].shape == (N, N)


def test_confidence_is_low_between_groups(groups):
    model = quick(max_epochs=20).fit(groups)
    between = (groups[GROUP == 0] + groups[GROUP == 1]) / 2
    inside, outside = model.confidence(groups), model.confidence(between)
    assert inside.dtype == np.float64
    assert ((inside > 0) & (inside <= 1)).all()
    assert np.median(outside) < 0.8 * np.median(inside)


def test_a_better_map_scores_higher(groups):
    X, held_out = groups[:60], groups[60:]
    trained = quick(max_epochs=20).fit(X)
    shuffled = [  # one shuffle of few samples may by chance give a map that is not bad
        quick(max_epochs=20).fit(X, graph=knn_graph(np.random.default_rng(seed).permutation(X), 5)) for seed in range(3)
    ]
    assert trained.score(held_out) > 0.5 + np.mean([model.score(held_out) for model in shuffled])
    assert trained.score(held_out) > 0  # what one point scores


def test_score_takes_labels_and_pairs(groups):
    model = quick().fit(groups)
    plain = model.score(groups)
    assert model.score(groups, GROUP) != plain
    assert model.score(groups, pairs=[(0, 1)]) < plain
    assert model.score(groups, pairs={"dissimilar": [(0, 3)]}) < plain
    assert model.score(groups, graph=knn_graph(groups, 5)) != plain


@pytest.mark.slow
def test_few_labels_help_where_samples_are_blurred():
    data = drlim.datasets.digits()
    rng = np.random.default_rng(0)
    X, held_out = (
        (part + part.std() * rng.normal(size=part.shape)).astype(np.float32) for part in (data.X_train, data.X_test)
    )
    scores = {"none": [], "a tenth": [], "all": []}
    for seed in range(3):
        known = np.where(np.random.default_rng(seed).random(len(X)) < 0.1, data.y_train, -1)
        for name, y in zip(scores, (None, known, data.y_train), strict=True):
            model = NeighborMap(random_state=seed, max_epochs=8).fit(X, y)
            judge = KNeighborsClassifier(5).fit(model.embedding_, data.y_train)
            scores[name].append(judge.score(model.transform(held_out), data.y_test))
    none, some, everything = (np.mean(scores[name]) for name in scores)
    assert none < some < everything - 0.02


@pytest.mark.slow
def test_shifts_declared_are_ignored():
    X = drlim.datasets.digits().X_train[:600].reshape(-1, 8, 8)

    def shifted(batch, generator):
        return drlim.relations.shift(batch, dx=int(generator.integers(-1, 2)))

    def ratio(orbit):
        model = NeighborMap(random_state=0, max_epochs=15, orbit=orbit).fit(X)
        copies = drlim.orbits(X, drlim.relations.shifts([-1, 1]))
        return drlim.metrics.orbit_ratio(model.transform(copies.X), copies.source)

    assert ratio(shifted) < 0.7 * ratio(None)
