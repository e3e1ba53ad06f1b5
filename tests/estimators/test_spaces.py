"""`DrLIM` on circles, spheres and their products: coordinates, neighbours, updates, and what is refused."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.utils import estimator_checks
from tests.estimators.spikes import agreement, ring_spikes
from torch import nn

import drlim
from drlim import DrLIM, NeighborMap, knn_graph
from drlim._base.checks import InvalidParameterError
from drlim.forces.objective import balanced
from drlim.spaces import Circle, Cylinder, Line, Sphere, Torus
from drlim.training import warm_start

SPACES = {
    "circle": "circle",
    "sphere": "sphere",
    "torus": "torus",
    "cylinder": Cylinder(0.8),
    "own product": Circle() * Sphere(1.0) * Line(2),
}


def ring_data(n=120, seed=0):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 2 * np.pi, n)
    X = np.column_stack([np.cos(angle), np.sin(angle), 0.3 * np.cos(2 * angle)]) + 0.05 * rng.normal(size=(n, 3))
    return X, angle


@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_general",
        "check_transformer_get_feature_names_out",
        "check_transformer_preserve_dtypes",
        "check_set_output_transform",
        "check_estimators_unfitted",
    ],
)
def test_scikit_learn_checks(check):
    getattr(estimator_checks, check)("DrLIM", DrLIM(space="cylinder", max_epochs=3, random_state=0))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_the_map_is_of_angles_and_lengths(space):
    X, _ = ring_data()
    model = DrLIM(space=space, max_epochs=15, random_state=0).fit(X)
    Z, ambient = model.transform(X), model.transform_ambient(X)
    assert Z.tobytes() == model.embedding_.tobytes()
    assert Z.shape == (120, model.space_.n_components)
    assert list(model.get_feature_names_out())[-1] == f"drlim{Z.shape[1] - 1}"
    assert model.space_.ambient(Z) == pytest.approx(ambient, abs=1e-6)
    n_circles = sum(factor.kind == "circle" for factor in model.space_.factors)
    assert Z[:, :n_circles].min(initial=0) >= 0
    assert Z[:, :n_circles].max(initial=0) < 2 * np.pi
    assert model.space_.radii_of(torch.from_numpy(ambient)) == pytest.approx([f.radius for f in model.space_.curved])
    assert model.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_neighbours_and_score_go_by_the_distance_of_the_space(space):
    X, _ = ring_data(60)
    model = DrLIM(space=space, max_epochs=10, random_state=0).fit(X)
    ambient = model.transform_ambient(X)
    squares = model.space_.squared_distances(ambient[:, None], ambient[None])
    distances, rows = model.kneighbors(X, 4)
    assert distances == pytest.approx(np.sqrt(np.sort(squares, axis=1)[:, :4]), abs=1e-6)
    assert rows[:, 0].tolist() == list(range(60))
    graph = knn_graph(X, 5)
    balance = balanced(graph)
    similar = sum(0.5 * squares[i, j] for i, j in graph.similar.pairs())
    dissimilar = sum(0.5 * max(0.0, 1 - np.sqrt(squares[i, j])) ** 2 for i, j in graph.dissimilar.pairs())
    assert model.score(X) == pytest.approx(-balance.total(similar, dissimilar), rel=1e-6)


def test_the_angle_winds_once_round_whatever_the_seed():
    X, angle = ring_data(200)
    for seed in range(4):
        model = DrLIM(space="circle", encoder="two_layer", max_epochs=40, random_state=seed).fit(X)
        assert agreement(model.transform(X)[:, 0], angle) > 0.95


def test_without_a_warm_start_the_ring_folds(monkeypatch):
    """The reason why there is one: where this passes no more, it can go."""
    X, angle = ring_data(200)
    monkeypatch.setattr(drlim.estimators.plan, "warm_start", lambda *_: False)
    found = [
        agreement(DrLIM(space="circle", max_epochs=40, random_state=seed).fit(X).transform(X)[:, 0], angle)
        for seed in range(4)
    ]
    assert min(found) < 0.9


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_the_phase_of_a_ring_is_read_from_spike_counts_of_unseen_trials(seed):
    counts, phase, trial = ring_spikes(seed)
    X, is_seen = np.sqrt(counts), trial < 20
    graph = knn_graph(X[is_seen], 20)
    model = DrLIM(space="circle", dissimilar_weight=0.3, max_epochs=80, random_state=seed).fit(X[is_seen], graph=graph)
    assert agreement(model.transform(X[~is_seen])[:, 0], phase[~is_seen]) >= 0.98


def test_a_learned_radius_grows_with_the_weight_of_the_repulsion():
    X, _ = ring_data()
    radii = [
        DrLIM(space="circle", dissimilar_weight=weight, max_epochs=25, random_state=0).fit(X).space_.factors[0].radius
        for weight in (0.1, 1.0, 10.0)
    ]
    assert radii[0] < radii[1] < radii[2]
    assert DrLIM(space=Circle(0.9), max_epochs=5, random_state=0).fit(X).space_ == Circle(0.9)


def test_the_margin_is_the_unit_of_length():
    X, _ = ring_data()
    maps = [DrLIM(space="cylinder", margin=margin, max_epochs=30, random_state=0).fit(X) for margin in (1.0, 100.0)]
    assert maps[1].space_.factors[0].radius == pytest.approx(100 * maps[0].space_.factors[0].radius, rel=1e-3)
    assert maps[1].embedding_[:, 1] == pytest.approx(100 * maps[0].embedding_[:, 1], rel=1e-2, abs=1e-1)


@pytest.mark.parametrize(
    "settings",
    [{}, {"optimizer": "adam", "batch_size": 30}, {"optimizer": "adam", "batch_size": 30, "interactions": "batch"}],
)
def test_the_same_seed_gives_the_same_bytes(settings):
    X, _ = ring_data()
    maps = [DrLIM(space="torus", max_epochs=4, random_state=1, **settings).fit(X) for _ in range(2)]
    assert maps[0].embedding_.tobytes() == maps[1].embedding_.tobytes()
    assert maps[0].space_ == maps[1].space_


def test_an_orbit_and_samples_held_out_go_with_a_space():
    X, angle = ring_data(200)

    def noise(x, generator):
        return x + 0.05 * generator.normal(size=x.shape)

    model = DrLIM(space="circle", orbit=noise, validation=0.2, max_epochs=30, random_state=0).fit(X)
    assert agreement(model.transform(X)[:, 0], angle) > 0.9
    assert all(np.isfinite(record["energy_validation"]) for record in model.history_)


def test_anchors_stay_and_the_radius_is_kept():
    X, _ = ring_data(160)
    model = DrLIM(space="cylinder", max_epochs=40, random_state=0).fit(X[:100])
    space, before = model.space_, model.transform_ambient(X[:100])
    model.partial_fit(X[100:], anchor=X[:100], anchor_weight=10.0)
    assert model.space_ == space
    moved = np.sqrt(space.squared_distances(model.transform_ambient(X[:100]), before))
    assert model.drift_[1.0] == pytest.approx(moved.max(), rel=1e-3)
    assert model.drift_[0.5] < 0.1
    assert len(model.embedding_) == 60


def test_novelty_measures_the_map_along_the_space():
    X, _ = ring_data(150)
    model = DrLIM(space="circle", max_epochs=20, random_state=0).fit(X)
    novelty = model.novelty(np.concatenate([X[:5], [[9.0, 9.0, 9.0]]]))
    assert novelty[:5] == pytest.approx(np.zeros((5, 2)), abs=1e-3)
    assert novelty[5, 0] > 10
    again = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own
    assert again.novelty(X[:5]).tobytes() == model.novelty(X[:5]).tobytes()


def test_numbers_are_decoded_by_neighbours_across_the_seam():
    X, angle = ring_data(300)
    model = DrLIM(space="circle", max_epochs=40, random_state=0).fit(X)
    found = model.decode(X, np.column_stack([np.cos(angle), np.sin(angle)]))
    assert np.min(found.r2) > 0.95


def test_an_own_network_gives_the_free_outputs():
    X, _ = ring_data()
    for encoder in (nn.Linear(3, 3), lambda shape, n_outputs: nn.Linear(shape[0], n_outputs)):
        model = DrLIM(space="cylinder", encoder=encoder, max_epochs=5, random_state=0).fit(X)
        assert model.embedding_.shape == (120, 2)
    with pytest.raises(ValueError, match=r"must map \(2, ...\) samples to shape \(2, 3\)"):
        DrLIM(space="cylinder", encoder=nn.Linear(3, 2)).fit(X)


def test_parameters_that_contradict_the_space_are_refused():
    X, _ = ring_data(20)
    with pytest.raises(InvalidParameterError, match=r"'n_components'.*1 of Circle\(radius='auto'\).*Got 5\."):
        DrLIM(5, space="circle").fit(X)
    with pytest.raises(InvalidParameterError, match="'space' parameter of DrLIM"):
        DrLIM(space="klein bottle").fit(X)
    with pytest.raises(TypeError, match="space"):
        NeighborMap(space="circle")
    model = DrLIM(space="circle", max_epochs=3, random_state=0).fit(X)
    with pytest.raises(ValueError, match="Expected the space of the present map"):
        model.set_params(space="sphere").partial_fit(X)
    assert clone(DrLIM(space=Torus(1.0))).space == Torus(1.0)
    assert DrLIM(1, space="circle", max_epochs=3).fit(X).embedding_.shape == (20, 1)
    assert DrLIM(space=Line(3), max_epochs=3).fit(X).embedding_.shape == (20, 3)


def test_a_circle_smaller_than_the_margin_gets_a_warning():
    X, _ = ring_data(30)
    with pytest.warns(UserWarning, match=r"The margin of 1 reaches farther than half round a radius of 0\.1.*auto"):
        DrLIM(space=Circle(0.1), max_epochs=2).fit(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DrLIM(space=Circle(0.5), max_epochs=2).fit(X)


def test_the_places_are_learned_in_the_first_fit_only(monkeypatch):
    X, _ = ring_data(100)
    calls = []
    monkeypatch.setattr(drlim.estimators.plan, "warm_start", lambda *_: calls.append(1))
    model = DrLIM(space="circle", max_epochs=2, random_state=0).fit(X)
    model.partial_fit(X)
    assert len(calls) == 1
    assert warm_start.__name__ == "drlim.training.warm_start"
