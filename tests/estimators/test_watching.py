from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from drlim import DrLIM, NeighborMap, knn_graph
from drlim.callbacks import CallbackError, ModelState
from drlim.estimators.watching import Watching

X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
QUICK = {"encoder": "linear", "max_epochs": 5, "tol": 0.0, "batch_size": 10, "random_state": 0}
MAPS = {"max_epochs": 4, "random_state": 0}


class Telling:
    """Remembers what it is told."""

    def __init__(self, stop_at=None):
        self.told = []
        self.stop_at = stop_at

    def on_fit_begin(self, model_state):
        self.told.append(("begin", model_state.epoch, model_state.stopped))

    def on_epoch_end(self, record, model_state):
        self.told.append(("epoch", record["epoch"], model_state.epoch, model_state.max_epochs))
        self.last = model_state.embedding()
        return record["epoch"] == self.stop_at

    def on_fit_end(self, model_state):
        self.told.append(("end", model_state.epoch, model_state.stopped))
        self.end = model_state


@pytest.mark.parametrize(("kind", "given", "n"), [(DrLIM, QUICK, 5), (NeighborMap, MAPS, 4)])
def test_callbacks_are_told_of_each_epoch_and_change_no_byte(kind, given, n):
    telling = Telling()
    model = kind(**given, callbacks=[telling]).fit(X)
    epochs = [("epoch", epoch, epoch, n) for epoch in range(1, n + 1)]
    assert telling.told == [("begin", 0, None), *epochs, ("end", n, "max_epochs")]
    assert model.embedding_.tobytes() == kind(**given).fit(X).embedding_.tobytes()
    assert telling.end.history == model.history_
    assert telling.end.embedding().tobytes() == model.embedding_.tobytes()


def test_the_map_that_a_callback_sees_is_the_one_that_would_be_kept():
    telling = Telling(stop_at=3)
    model = DrLIM(**QUICK, margin=1e-3, callbacks=[telling]).fit(X)
    assert (model.stopped_, model.n_iter_) == ("callback", 3)
    assert telling.last.tobytes() == model.embedding_.tobytes()
    energies = [record["energy"] for record in model.history_]
    assert energies == [record["energy"] for record in telling.end.history]
    assert max(energies) < 1e-5  # in the unit of the map


def test_true_ends_a_fit_of_neighbors():
    model = NeighborMap(**MAPS, callbacks=[Telling(stop_at=2)]).fit(X)
    assert (model.stopped_, model.n_iter_) == ("callback", 2)
    assert np.isfinite(model.embedding_).all()


def test_all_callbacks_are_asked_though_one_says_stop():
    first, second = Telling(stop_at=2), Telling()
    DrLIM(**QUICK, callbacks=[first, second]).fit(X)
    assert second.told[-2:] == [("epoch", 2, 2, 5), ("end", 2, "callback")]


class Drawing:
    """Draws from torch's generator, changes the encoder it gets and puts it into training mode."""

    def on_epoch_end(self, record, model_state):
        torch.rand(3)
        for weight in model_state.encoder.parameters():
            weight.data.zero_()
        model_state.encoder.train()
        model_state.history.clear()
        record["energy"] = 0.0


def with_dropout(shape, n_components):
    return nn.Sequential(nn.Linear(shape[0], 8), nn.Dropout(0.5), nn.Linear(8, n_components))


def test_what_a_callback_draws_and_changes_does_not_reach_the_training():
    given = {**QUICK, "encoder": with_dropout}
    torch.manual_seed(0)
    plain = DrLIM(**given).fit(X)
    watched = DrLIM(**given, callbacks=[Drawing()]).fit(X)
    assert watched.embedding_.tobytes() == plain.embedding_.tobytes()
    assert [record["energy"] for record in watched.history_] == [record["energy"] for record in plain.history_]


class Bare:
    """Has methods without arguments where that is allowed."""

    def __init__(self):
        self.told = []

    def on_fit_begin(self):
        self.told.append("begin")

    def on_fit_end(self):
        self.told.append("end")


def test_beginning_and_end_may_take_no_argument():
    bare = Bare()
    DrLIM(**QUICK, callbacks=[bare]).fit(X)
    assert bare.told == ["begin", "end"]


class Failing(Telling):
    def __init__(self, method, epoch=2):
        super().__init__()
        self.method = method
        self.epoch = epoch

    def on_fit_begin(self, model_state):
        super().on_fit_begin(model_state)
        if self.method == "on_fit_begin":
            raise KeyError("no such thing")

    def on_epoch_end(self, record, model_state):
        if self.method == "on_epoch_end" and record["epoch"] == self.epoch:
            raise RuntimeError("no connection")

    def on_fit_end(self, model_state):
        super().on_fit_end(model_state)
        if self.method == "on_fit_end":
            raise RuntimeError("no connection")


@pytest.mark.parametrize(("kind", "given"), [(DrLIM, QUICK), (NeighborMap, MAPS)])
def test_a_failing_callback_ends_the_fit_with_its_map_and_is_named(kind, given):
    failing, other = Failing("on_epoch_end"), Telling()
    model = kind(**given, callbacks=[failing, other])
    message = (
        "The on_epoch_end of the callback Failing fails: no connection. The fit ends, and the map is kept as it stood."
    )
    with pytest.raises(CallbackError, match=f"^{re.escape(message)}$") as caught:
        model.fit(X)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert (model.stopped_, model.n_iter_) == ("callback", 2)
    assert model.embedding_.tobytes() == model.transform(X).tobytes()
    assert np.isfinite(model.embedding_).all()
    assert other.told[-1] == ("end", 2, "callback")  # it is told, so that it can close what it has opened


@pytest.mark.parametrize(("kind", "given"), [(DrLIM, QUICK), (NeighborMap, MAPS)])
def test_a_callback_that_fails_at_the_end_leaves_the_whole_map(kind, given):
    model = kind(**given, callbacks=[Failing("on_fit_end")])
    with pytest.raises(CallbackError, match="The on_fit_end of the callback Failing fails: no connection"):
        model.fit(X)
    assert model.stopped_ == "max_epochs"
    assert model.embedding_.tobytes() == kind(**given).fit(X).embedding_.tobytes()


def test_a_callback_that_fails_at_the_beginning_refuses_the_fit():
    first = Telling()
    model = DrLIM(**QUICK, callbacks=[first, Failing("on_fit_begin")])
    with pytest.raises(ValueError, match="The on_fit_begin of the callback Failing fails: 'no such thing'"):
        model.fit(X)
    assert not hasattr(model, "embedding_")
    assert first.told == [("begin", 0, None), ("end", 0, None)]


class Diverging(nn.Linear):
    def forward(self, x):
        return super().forward(x) * (float("nan") if self.training and self.calls() > 9 else 1.0)

    def calls(self):
        self.count = getattr(self, "count", 0) + 1
        return self.count


def test_callbacks_are_told_of_a_divergence():
    telling = Telling()
    model = DrLIM(**{**QUICK, "encoder": lambda shape, d: Diverging(shape[0], d)}, callbacks=[telling])
    with pytest.raises(ArithmeticError):
        model.fit(X)
    assert model.stopped_ == "diverged"
    assert telling.told[-1] == ("end", model.n_iter_, "diverged")


def test_epochs_go_on_counting_in_partial_fit():
    model = DrLIM(**QUICK).fit(X)
    telling = Telling()
    model.set_params(callbacks=[telling]).partial_fit(X[:20], anchor=X[20:])
    assert telling.told[0] == ("begin", 5, None)
    assert telling.told[1] == ("epoch", 6, 6, 10)
    assert telling.end.n_before == 5
    assert telling.last.shape == (20, 2)


def test_validation_is_in_the_records():
    seen = []

    class Reading:
        def on_epoch_end(self, record, model_state):
            seen.append(record["energy_validation"])

    model = DrLIM(**QUICK, validation=0.25, callbacks=[Reading()]).fit(X)
    assert seen == [record["energy_validation"] for record in model.history_]


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
@pytest.mark.parametrize(
    ("given", "what"),
    [
        (
            [object()],
            r"with any of the methods on_fit_begin, on_epoch_end\(record, model_state\) and on_fit_end",
        ),
        ([Telling(), lambda record: None], r"Got <function .*> at place 1\."),
        ([Telling], "Got a class: give an instance at place 0"),
        (Telling(), "must be None, an instance of 'list' or an instance of 'tuple'"),
    ],
)
def test_what_is_no_callback_is_refused_before_work(kind, given, what):
    with pytest.raises(ValueError, match=what):
        kind(callbacks=given).fit(X)


def test_callbacks_are_copied_by_clone():
    model = DrLIM(**QUICK, callbacks=[Telling()])
    copy = clone(model).fit(X)
    assert len(copy.callbacks[0].told) == 7
    assert model.callbacks[0].told == []


def test_given_relations_are_seen_too():
    telling = Telling()
    DrLIM(**QUICK, callbacks=(telling,)).fit(X, graph=knn_graph(X, 3))
    assert isinstance(telling.end, ModelState)
    assert telling.end.parameters["margin"] == 1.0


class Another:
    """A process beside rank 0, which says the same number each time."""

    rank = 1

    def __init__(self, first):
        self.first = first

    def lists(self, values):
        return [[self.first], list(values)]


@pytest.mark.parametrize(("first", "ends"), [(0.0, False), (1.0, True)])
def test_of_several_processes_rank_0_asks_its_callbacks(monkeypatch, first, ends):
    monkeypatch.setattr("drlim.estimators.watching.present_group", lambda: Another(first))
    telling = Telling()
    watching = Watching({"callbacks": [telling]}, [], 5, lambda record: None, lambda module: module, lambda encoder: X)
    watching.begin([], nn.Identity())
    assert watching.see({"epoch": 1, "energy": 1.0}, nn.Identity()) == ends
    assert telling.told == []


def test_all_processes_end_alike_where_a_callback_of_rank_0_fails(monkeypatch):
    monkeypatch.setattr("drlim.estimators.watching.present_group", lambda: Another(2.0))
    watching = Watching({"callbacks": []}, [], 5, lambda record: None, lambda module: module, lambda encoder: X)
    watching.begin([], nn.Identity())
    with pytest.raises(CallbackError, match="A callback of rank 0 has failed"):
        watching.see({"epoch": 1, "energy": 1.0}, nn.Identity())
