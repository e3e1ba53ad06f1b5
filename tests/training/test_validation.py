"""Samples held out of a training: which they are, their energy by the literal loop, and when training stops."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest
import torch
from torch import nn

import drlim
from drlim import DrLIM, NeighborhoodGraph, Settings, knn_graph, label_graph, make_encoder, make_springs, orbits, train
from drlim._base.torch import Rows
from drlim.training.validation import HeldOut, Part, held_out_rows, split_off

X = np.random.default_rng(0).normal(size=(60, 5)).astype(np.float32)
CLASSES = np.arange(60) % 3
CPU = torch.device("cpu")


@pytest.mark.parametrize("rows", [[7, 2, 7], (2, 7), np.array([7, 2], dtype=np.int8), np.isin(np.arange(9), [2, 7])])
def test_rows_are_named_by_number_or_by_truth(rows):
    assert held_out_rows(rows, 9).tolist() == [2, 7]


def test_a_share_is_drawn_by_the_seed():
    drawn = held_out_rows(0.25, 40, seed=3)
    assert len(drawn) == 10 == len(np.unique(drawn))
    assert drawn.tolist() == held_out_rows(0.25, 40, seed=3).tolist() != held_out_rows(0.25, 40, seed=4).tolist()
    assert held_out_rows(None, 40) is None


def test_a_share_takes_all_copies_of_a_sample():
    rows = held_out_rows(0.5, 12, n_copies=3)
    assert len(rows) == 6
    assert set(rows) == {row % 4 + 4 * copy for row in rows for copy in range(3)}


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (
            0.0,
            "The 'validation' parameter of DrLIM must be a float in the range (0.0, 1.0), None, an instance of 'list'",
        ),
        (1.0, "The 'validation' parameter of DrLIM must be"),
        (True, "The 'validation' parameter of DrLIM must be"),
        ("half", "The 'validation' parameter of DrLIM must be"),
        (0.001, "must hold out at least one sample and leave two to train on. Got 0 of 60 samples 0.001."),
        (0.99, "must hold out at least one sample and leave two to train on. Got 59 of 60 samples 0.99."),
        ([], "must hold out at least one sample and leave two to train on. Got 0 of 60 samples."),
        ([60], "or rows of 'X': whole numbers in [0, 60). Got 60."),
        ([-1], "or rows of 'X': whole numbers in [0, 60). Got -1."),
        ([0.5], "whole numbers in [0, 60), or a boolean for each. Got [0.5]."),
        ([[1], [2, 3]], "whole numbers in [0, 60), or a boolean for each. Got [[1], [2, 3]]."),
        (np.ones(59, dtype=bool), "or a boolean for each. Got an array of shape (59,) and dtype bool."),
    ],
)
def test_what_cannot_be_held_out_is_refused(validation, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        DrLIM(validation=validation).fit(X)


def test_the_energy_of_the_samples_held_out_is_the_literal_loop():
    graph = NeighborhoodGraph.from_pairs(8, [(0, 1), (1, 2), (5, 6)], weights=[1.0, 2.0, 1.0]) | label_graph(
        [0, 1, -1, -1, 0, -1, -1, 2]
    )
    held, weight = np.array([1, 4, 6]), 3.0
    network = nn.Linear(5, 2)
    with torch.no_grad():
        Z = network(torch.from_numpy(X[:8])).double().numpy()
    sums = {"similar": [0.0, 0.0], "dissimilar": [0.0, 0.0]}
    for i, j in combinations(range(8), 2):
        share = np.isin([i, j], held).sum() / 2  # a spring counts half for each of its samples
        distance = np.linalg.norm(Z[i] - Z[j])
        for kind, energy in (("similar", distance**2 / 2), ("dissimilar", max(0.0, 1 - distance) ** 2 / 2)):
            pair = float(getattr(graph, kind).weight_of(np.array([i]), np.array([j]))[0])
            sums[kind][0] += share * pair * energy
            sums[kind][1] += share * pair
    wanted = sums["similar"][0] / sums["similar"][1] + weight * sums["dissimilar"][0] / sums["dissimilar"][1]
    judge = HeldOut.of(Rows(X[:8], CPU, torch.float32), graph, make_springs(), held, weight)
    assert judge.energy(network) == pytest.approx(wanted, rel=1e-5)


def test_samples_without_relations_judge_nothing():
    graph = NeighborhoodGraph.from_pairs(60, [(0, 1), (2, 3)])
    with pytest.raises(
        ValueError, match=re.escape("The 2 samples that 'validation' holds out are similar to no other")
    ):
        DrLIM(validation=[8, 9]).fit(X, graph=graph)
    with pytest.raises(ValueError, match=re.escape("Expected 'graph' to have similar pairs. Got none")):
        DrLIM(validation=[0, 1, 2, 3]).fit(X, graph=graph)


def test_a_part_reads_rows_from_its_source():
    part = Part(X, np.array([5, 3, 8]))
    assert part.shape == (3, 5)
    assert len(part) == 3
    np.testing.assert_array_equal(part[np.array([2, 0])], X[[8, 5]])
    np.testing.assert_array_equal(part[1:], X[[3, 8]])


def test_a_memory_map_stays_on_disk(tmp_path):
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    samples, graph, rows = split_off(mapped, knn_graph(X), np.array([0, 5]))
    assert isinstance(samples, Part)
    assert graph.n_samples == len(samples) == len(rows) == 58
    parameters = {"random_state": 0, "max_epochs": 3, "validation": 0.2}
    np.testing.assert_array_equal(DrLIM(**parameters).fit(mapped).embedding_, DrLIM(**parameters).fit(X).embedding_)


KINDS = {
    "L-BFGS": {},
    "Adam": {"optimizer": "adam", "batch_size": 16},
    "in-batch": {"interactions": "batch", "batch_size": 16},
    "orbit": {"orbit": lambda batch, generator: batch + generator.normal(size=batch.shape).astype(np.float32)},
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_map_is_that_of_the_best_epoch(kind):
    parameters = {"random_state": 0, "max_epochs": 30, "validation": 0.3, "tol": 0.0, **KINDS[kind]}
    model = DrLIM(**parameters).fit(X, CLASSES)
    energies = [record["energy_validation"] for record in model.history_]
    best = int(np.argmin(energies))
    assert best < len(energies) - 1  # classes drawn at random cannot be learned
    seed = int(np.random.RandomState(0).randint(np.iinfo(np.int32).max))
    judge = HeldOut.of(Rows(X, CPU, torch.float32), model.graph_, make_springs(), held_out_rows(0.3, 60, seed), 1.0)
    assert judge.energy(model.encoder_) == pytest.approx(energies[best], rel=1e-6)
    assert len(model.embedding_) == model.graph_.n_samples == 60
    np.testing.assert_array_equal(model.embedding_, model.transform(X))


def test_training_stops_when_the_best_epoch_is_half_of_the_run_ago():
    model = DrLIM(random_state=0, max_epochs=100, validation=0.3, tol=0.0).fit(X, CLASSES)
    best = int(np.argmin([record["energy_validation"] for record in model.history_]))
    assert model.stopped_ == "validation"
    assert model.n_iter_ == best + 1 + 50


def test_the_samples_held_out_are_not_trained_on():
    # Their relations and values may be anything: the weights of each epoch are the same.
    held = np.arange(45, 60)
    graph = knn_graph(X, 5)
    other = X.copy()
    other[held] = other[held[::-1]] * 2
    parameters = {"random_state": 0, "max_epochs": 3, "encoder": nn.Linear(5, 2), "weight_decay": 0.0}
    energies = [
        [record["energy"] for record in DrLIM(**parameters, validation=held).fit(samples, graph=graph).history_]
        for samples in (X, other)
    ]
    assert energies[0] == energies[1]
    alone = DrLIM(**parameters).fit(X[:45], graph=graph.subgraph(np.arange(45)))
    assert [record["energy"] for record in alone.history_] == pytest.approx(energies[0], rel=1e-6)


def test_lazy_copies_are_held_out_with_their_originals():
    copies = orbits(X, {"negated": np.negative}, lazy=True)
    model = DrLIM(random_state=0, max_epochs=2, validation=0.25).fit(copies.X, graph=copies.graph)
    assert len(model.embedding_) == 120


def test_anchors_are_never_held_out():
    model = DrLIM(random_state=0, max_epochs=5, validation=0.4).fit(X[:40])
    model.partial_fit(X[40:], anchor=X[:40])
    assert len(model.embedding_) == model.graph_.n_samples == 20
    assert "energy_validation" in model.history_[-1]
    assert max(model.drift_.values()) < 1


def test_an_interrupted_training_keeps_the_best_epoch(monkeypatch):
    def interrupt(energies, settings):
        if len(energies) == 25:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(drlim.training.judging, "has_converged", interrupt)
    parameters = {"random_state": 0, "max_epochs": 500, "validation": 0.3}
    with pytest.warns(UserWarning, match="interrupted"):
        model = DrLIM(**parameters).fit(X, CLASSES)
    monkeypatch.undo()
    whole = DrLIM(**parameters, tol=0.0).fit(X, CLASSES)
    best = int(np.argmin([record["energy_validation"] for record in whole.history_]))
    assert best < 24
    np.testing.assert_array_equal(model.embedding_, whole.embedding_)


def test_train_holds_out_as_the_estimator_does():
    torch.manual_seed(0)
    encoder = make_encoder("mlp", (5,))
    graph = label_graph(CLASSES)
    result = train(encoder, X, graph, make_springs(), Settings(max_epochs=30, tol=0.0), validation=0.3)
    energies = [record["energy_validation"] for record in result.history]
    judge = HeldOut.of(Rows(X, CPU, torch.float32), graph, make_springs(), held_out_rows(0.3, 60), 1.0)
    assert judge.energy(encoder) == pytest.approx(min(energies), rel=1e-6)


def test_weight_decay_is_that_of_adamw():
    """One step without forces: every matrix shrinks by rate times decay, and biases stay."""
    encoder = nn.Linear(5, 2)
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    springs = make_springs(laws=(lambda d: 1e-30 * d.square(), lambda d: 1e-30 * torch.exp(-d)))
    settings = Settings(max_epochs=1, batch_size=None, learning_rate=0.1, weight_decay=0.5)
    train(encoder, X, knn_graph(X), springs, settings)
    rate = 0.1 * 0.05  # the rate rises over the first steps
    torch.testing.assert_close(encoder.weight, before["weight"] * (1 - 0.5 * rate))
    torch.testing.assert_close(encoder.bias, before["bias"])


def test_weight_decay_needs_adam():
    from drlim.training.auto import resolve_settings

    def resolved(**parameters):
        settings = resolve_settings(DrLIM(**parameters).get_params(deep=False), 60, make_encoder("mlp", (5,)))
        return settings.optimizer, settings.weight_decay

    assert resolved(weight_decay=0.5) == ("adam", 0.5)
    assert resolved() == ("lbfgs", 0.0)
    assert resolved(validation=0.2) == resolved(weight_decay=0.0) == ("lbfgs", 0.0)
    assert resolved(validation=0.2, optimizer="adam") == resolved(validation=0.2, batch_size=20) == ("adam", 3.0)
    assert resolved(validation=0.2, optimizer="adam", weight_decay=0.0) == ("adam", 0.0)
    message = "optimizer='lbfgs' takes nothing off the weights: set optimizer='adam'. Got weight_decay=0.5."
    with pytest.raises(ValueError, match=re.escape(message)):
        DrLIM(weight_decay=0.5, optimizer="lbfgs").fit(X)
    with pytest.raises(ValueError, match=re.escape(message)):
        Settings(optimizer="lbfgs", batch_size=None, weight_decay=0.5).check()
    with pytest.raises(
        ValueError, match=re.escape("The 'weight_decay' parameter of DrLIM must be a float in the range [0")
    ):
        DrLIM(weight_decay=-1).fit(X)
