"""What `DrLIM` is told besides the samples: labels, pairs, neighbours, copies, new samples, anchors."""

from __future__ import annotations

import re

import numpy as np
import pytest
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsTransformer
from sklearn.pipeline import make_pipeline

import drlim
from drlim import DrLIM, NeighborhoodGraph, knn_graph, orbits
from drlim.relations import label_graph


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def quick(**parameters):
    return DrLIM(**{"encoder": "two_layer", "random_state": 0, "max_epochs": 3, **parameters})


def test_labels_join_the_neighbours(cloud):
    y = np.where(np.arange(60) < 20, np.arange(60) % 2, -1)
    graph = quick().fit(cloud, y).graph_
    labels, neighbours = label_graph(y), knn_graph(cloud, 5)
    assert graph == (neighbours - ~labels) | labels
    assert graph.n_contradictions == 0


def test_labels_part_what_neighbours_join(cloud):
    # Classes drawn at random: only labels can tell them apart.
    y = np.arange(60) % 2
    model = quick(max_epochs=400, encoder="mlp").fit(cloud, y)
    distance = np.linalg.norm(model.embedding_[:, None] - model.embedding_, axis=2)
    same = y[:, None] == y
    assert distance[same].mean() < 0.3 * distance[~same].mean()


def test_pairs_overrule_labels_and_these_neighbours(cloud):
    first, second = knn_graph(cloud, 5).similar.pairs()[0]
    y = np.full(60, -1)
    y[first], y[second] = 0, 1
    assert second not in quick().fit(cloud, y).graph_.neighbors(first)
    assert second in quick().fit(cloud, y, pairs=[(first, second)]).graph_.neighbors(first)
    assert second not in quick().fit(cloud, pairs={"dissimilar": [(first, second)]}).graph_.neighbors(first)


@pytest.mark.parametrize(
    "neighbors",
    [
        KNeighborsTransformer(n_neighbors=5),
        lambda X: knn_graph(X, 5),
        lambda X: knn_graph(X, 5).to_csr(),
        lambda X: KNeighborsTransformer(n_neighbors=5).fit_transform(X).indices.reshape(60, -1),
    ],
)
def test_neighbours_can_be_found_in_other_ways(cloud, neighbors):
    assert quick(neighbors=neighbors).fit(cloud).graph_ == knn_graph(cloud, 5)


def test_an_orbit_makes_the_map_ignore_what_it_does(cloud):
    def turned(batch, generator):  # the sign of the first column does not matter
        return batch * np.where(np.arange(batch.shape[1]) == 0, generator.choice([-1, 1], size=(len(batch), 1)), 1)

    def asymmetry(model):
        Z, mirrored = model.transform(cloud), model.transform(cloud * [-1, 1, 1, 1])
        return np.linalg.norm(Z - mirrored, axis=1).mean() / np.linalg.norm(Z - Z.mean(0), axis=1).mean()

    parameters = {"max_epochs": 150, "encoder": "mlp"}
    assert asymmetry(quick(orbit=turned, **parameters).fit(cloud)) < 0.5 * asymmetry(quick(**parameters).fit(cloud))


@pytest.mark.parametrize("parameters", [{}, {"interactions": "batch", "batch_size": 16}, {"batch_size": "all"}])
def test_copies_that_draw_from_the_generator_repeat(cloud, parameters):
    def noise(batch, generator):
        return batch + generator.normal(scale=0.1, size=batch.shape).astype(batch.dtype)

    once, twice = (quick(orbit=noise, **parameters).fit(cloud) for _ in range(2))
    np.testing.assert_array_equal(once.embedding_, twice.embedding_)
    assert once.embedding_.shape == (60, 2)
    assert once.graph_ == knn_graph(cloud, 5)


def test_an_orbit_of_another_shape_is_refused_before_training(cloud):
    with pytest.raises(ValueError, match=re.escape("Expected transform 'orbit' to keep the shape (2, 4) of a batch.")):
        quick(orbit=lambda batch: batch[:, :1]).fit(cloud)


@pytest.mark.parametrize("orbit", [dict, lambda a, b, c: a, lambda batch: batch.nothing])
def test_an_orbit_that_cannot_be_called_is_named(cloud, orbit):
    with pytest.raises(ValueError, match=r"'orbit'") as refusal:
        quick(orbit=orbit).fit(cloud)
    assert len(str(refusal.value)) <= 600


def test_lazy_copies_train_as_stored_ones_do(cloud):
    transforms = {"negated": np.negative, "doubled": lambda batch: 2 * batch}
    stored, lazy = orbits(cloud, transforms), orbits(cloud, transforms, lazy=True)
    parameters = {"encoder": "linear", "batch_size": 32}
    one = quick(**parameters).fit(stored.X, graph=stored.graph)
    other = quick(**parameters).fit(lazy.X, graph=lazy.graph)
    np.testing.assert_allclose(other.embedding_, one.embedding_, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(other.transform(lazy.X), other.embedding_)


def test_lazy_copies_need_a_graph_and_no_orbit(cloud):
    lazy = orbits(cloud, [np.negative], lazy=True)
    with pytest.raises(TypeError, match=re.escape("fit(copies.X, graph=copies.graph)")):
        quick().fit(lazy.X)
    with pytest.raises(TypeError, match=re.escape("Expected 'X' to be an array where 'orbit' makes copies")):
        quick(orbit=np.negative).fit(lazy.X, graph=lazy.graph)


def test_partial_fit_begins_as_fit(cloud):
    np.testing.assert_array_equal(quick().partial_fit(cloud).embedding_, quick().fit(cloud).embedding_)
    with pytest.raises(ValueError, match=re.escape("Expected no 'anchor' before the first fit")):
        quick().partial_fit(cloud, anchor=cloud)


def test_partial_fit_goes_on_from_the_present_map(cloud):
    model = quick(max_epochs=50, optimizer="adam").fit(cloud[:40])
    before = model.transform(cloud)
    encoder = model.encoder_
    model.set_params(max_epochs=2).partial_fit(cloud[40:])
    moved = np.abs(model.transform(cloud) - before)
    assert 0 < moved.max() < 0.5 * before.std()
    assert model.encoder_ is not encoder
    assert len(model.embedding_) == model.graph_.n_samples == 20
    assert [record["epoch"] for record in model.history_] == list(range(1, 53))
    assert model.n_iter_ == 52
    assert not hasattr(model, "drift_")


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_anchors_hold_the_old_map_and_say_how_far_it_drifted(cloud):
    def updated(**anchor):
        model = quick(max_epochs=100, learning_rate=1e-2).fit(cloud[:40])
        before = model.embedding_
        model.partial_fit(cloud[40:] + 3, **anchor)
        return model, np.linalg.norm(model.transform(cloud[:40]) - before, axis=1)

    _, drift = updated()
    held, held_drift = updated(anchor=cloud[:40])
    _, tight_drift = updated(anchor=cloud[:40], anchor_weight=100.0)
    assert tight_drift.mean() < held_drift.mean() < 0.7 * drift.mean()
    assert held.drift_ == pytest.approx({q: np.quantile(held_drift, q) for q in (0.5, 0.9, 0.99, 1.0)}, rel=1e-4)
    assert len(held.embedding_) == held.graph_.n_samples == 20
    np.testing.assert_array_equal(held.embedding_, held.transform(cloud[40:] + 3))
    assert held.fit(cloud).embedding_.shape == (60, 2)
    assert not hasattr(held, "drift_")


def test_anchors_can_be_named_in_the_relations(cloud):
    model = quick().fit(cloud[:40], np.arange(40) % 2)
    graph = knn_graph(cloud[[*range(40, 60), *range(40)]], 5)
    by_graph = quick().fit(cloud[:40]).partial_fit(cloud[40:], graph=graph, anchor=cloud[:40])
    by_default = quick().fit(cloud[:40]).partial_fit(cloud[40:], anchor=cloud[:40])
    np.testing.assert_array_equal(by_graph.embedding_, by_default.embedding_)
    labelled = model.partial_fit(cloud[40:], np.arange(20) % 2, pairs=[(0, 20)], anchor=cloud[:40])
    assert 2 in labelled.graph_.neighbors(0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"anchor_weight": 0.0}, "The 'anchor_weight' parameter of DrLIM.partial_fit must be a float in the range"),
        ({"anchor_weight": 1e7}, "must be a float in the range (0.0, 1000000.0]. Got 10000000.0 instead."),
        ({"y": [0] * 10, "anchor": np.zeros((3, 4))}, "Got 10 in 'y' and 60 in 'X'."),
        ({"y": np.zeros((30, 2)), "anchor": np.zeros((3, 4))}, "Expected 'y' to be 1-D, one label a sample."),
        ({"anchor": np.zeros((3, 9))}, "anchor has 9 features, but DrLIM is expecting 4 features"),
        ({"graph": NeighborhoodGraph.from_pairs(3, [(0, 1)])}, "as many samples as 'X'. Got 3 and 60."),
        (
            {"graph": NeighborhoodGraph.from_pairs(60, [(0, 1)]), "anchor": np.zeros((3, 4))},
            "as many samples as 'X' and 'anchor' together. Got 60 and 63.",
        ),
    ],
)
def test_a_refused_partial_fit_changes_nothing(cloud, arguments, sentence):
    model = quick().fit(cloud)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        model.partial_fit(cloud, **arguments)
    assert vars(model) == before


def test_partial_fit_keeps_the_dimensions_of_the_map(cloud):
    model = quick().fit(cloud).set_params(n_components=3)
    with pytest.raises(ValueError, match=re.escape("Expected n_components=2, as the present map has. Got 3: call fit")):
        model.partial_fit(cloud)


def test_masked_samples_are_refused(cloud):
    with pytest.raises(ValueError, match=re.escape("Expected 'X' to hold no masked values.")):
        quick().fit(np.ma.array(cloud, mask=cloud > 1))


def test_index_pairs_are_refused_where_they_would_not_be_cut(cloud):
    pairs = np.array([[0, 1], [2, 3]])
    with sklearn.config_context(enable_metadata_routing=True):
        model = quick().set_fit_request(pairs=True).set_score_request(pairs=False)
        search = GridSearchCV(model, {"n_components": [1]}, cv=3, error_score="raise")
        with pytest.raises(TypeError, match=re.escape("Give drlim.pairs(n_samples, similar=..., dissimilar=...).")):
            search.fit(cloud, pairs=pairs)
        search.fit(cloud, pairs=drlim.pairs(60, similar=pairs))
        assert 1 in search.best_estimator_.graph_.neighbors(0)
        assert quick().fit(cloud, pairs=pairs).n_iter_ == 3


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_the_score_of_samples_far_away_is_the_same_in_either_dtype(cloud):
    model = quick(encoder="linear").fit(cloud)
    far = model.score(cloud * np.float32(1e20))
    assert np.isfinite(far)
    assert far == pytest.approx(model.score(cloud.astype(np.float64) * 1e20), rel=1e-4)


def test_a_regression_after_the_map_is_warned_that_its_target_says_nothing(cloud):
    with pytest.warns(UserWarning, match="continuous") as caught:
        make_pipeline(quick(), Ridge()).fit(cloud, cloud[:, 0])
    assert caught[0].filename == __file__


def test_score_hears_labels_and_pairs(cloud):
    model = quick().fit(cloud)
    assert model.score(cloud) != model.score(cloud, np.arange(60) % 3)
    assert model.score(cloud) != model.score(cloud, pairs=[(0, 59)])
    y = np.arange(60) % 3
    assert model.score(cloud, y) == pytest.approx(
        model.score(cloud, graph=(knn_graph(cloud, 5) - ~label_graph(y)) | label_graph(y))
    )


def test_each_keyword_is_routed_and_a_graph_is_cut_with_its_samples(cloud):
    seen = []

    class Watched(DrLIM):
        def fit(self, X, y=None, *, graph=None, pairs=None):
            seen.append(graph)
            return super().fit(X, y, graph=graph, pairs=pairs)

    graph = label_graph(np.arange(60) % 2)
    with sklearn.config_context(enable_metadata_routing=True):
        model = Watched(encoder="linear", max_epochs=2, random_state=0)
        model = model.set_fit_request(graph=True, pairs=False).set_score_request(graph=True, pairs=False)
        search = GridSearchCV(model, {"n_components": [1, 2]}, cv=3, error_score="raise")
        search.fit(cloud, graph=graph)
        pipe = make_pipeline(quick().set_fit_request(graph=True, pairs=False))
        assert pipe.fit(cloud, graph=graph)[-1].graph_ is graph
        quick().set_partial_fit_request(graph=True, pairs=True, anchor=True, anchor_weight=True)
    assert [cut.n_samples for cut in seen] == [40] * 6 + [60]
    assert seen[0] == graph.subgraph(np.arange(20, 60))
