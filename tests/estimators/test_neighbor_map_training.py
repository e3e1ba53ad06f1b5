"""Training of `NeighborMap`: nothing global changes, bytes repeat, interruptions, divergence, modules of the user."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import nn

import drlim
import drlim.training.neighbor_layout
import drlim.training.placing
from drlim import DivergenceError, NeighborhoodGraph, NeighborMap


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def fitted(X, **parameters):
    return NeighborMap(**{"random_state": 0, "max_epochs": 2, **parameters}).fit(X)


def global_state():
    return (
        torch.get_rng_state().tolist(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002 - the global state is what is watched
        random.getstate(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        list(warnings.filters),
    )


def test_nothing_global_is_touched(cloud):
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    before = global_state()
    model = fitted(cloud, encoder=lambda shape: nn.Sequential(nn.Linear(*shape, 5), nn.Dropout(0.5)))
    model.partial_fit(cloud, anchor=cloud[:5])
    model.score(cloud)
    model.confidence(cloud)
    assert global_state() == before


@pytest.mark.parametrize("shape", [(4,), (8, 8)])
def test_the_default_dtype_does_not_matter(shape):
    X = np.random.default_rng(0).normal(size=(60, *shape)).astype(np.float32)
    usual = fitted(X).embedding_
    torch.set_default_dtype(torch.float64)
    try:
        model = fitted(X)
    finally:
        torch.set_default_dtype(torch.float32)
    tensors = [*model.encoder_.parameters(), *model.encoder_.buffers()]
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}
    np.testing.assert_array_equal(model.embedding_, usual)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_trains_where_gradients_are_switched_off(cloud, mode):
    with mode():
        inside = fitted(cloud)
        confidence = inside.confidence(cloud)
    np.testing.assert_array_equal(inside.embedding_, fitted(cloud).embedding_)
    np.testing.assert_array_equal(inside.confidence(cloud), confidence)


def test_the_same_seed_gives_the_same_bytes(cloud):
    np.testing.assert_array_equal(fitted(cloud).embedding_, fitted(cloud).embedding_)
    assert not np.array_equal(fitted(cloud).embedding_, fitted(cloud, random_state=1).embedding_)


_BYTES = """
import hashlib
import torch
from drlim import NeighborMap, datasets
X = datasets.digits().X_train[:150]
for parameters in ({}, {"metric": "cosine", "n_components": 1}, {"orbit": lambda x, g: x + g.normal(size=x.shape)}):
    model = NeighborMap(random_state=0, max_epochs=1, **parameters).fit(X)
    print(torch.get_num_threads(), hashlib.sha256(model.embedding_.tobytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_two_processes_of_two_threads():
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    outputs = [
        subprocess.run(
            [sys.executable, "-c", _BYTES], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].splitlines())) == 3
    assert all(line.startswith("2 ") for line in outputs[0].splitlines())


class _Counter:
    """Stands in for the loss of a step, and acts at one of them."""

    def __init__(self, loss, at, action):
        self.loss, self.at, self.action, self.calls = loss, at, action, 0

    def __call__(self, *arguments):
        self.calls += 1
        loss = self.loss(*arguments)
        return self.action(loss) if self.calls == self.at else loss


def interrupt(loss):
    raise KeyboardInterrupt


def test_an_interrupt_leaves_a_usable_map_and_a_warning(cloud, monkeypatch):
    step = drlim.training.placing._loss_of
    monkeypatch.setattr(drlim.training.placing, "_loss_of", _Counter(step, 4, interrupt))  # one step an epoch
    model = NeighborMap(random_state=0, max_epochs=10)
    with pytest.warns(UserWarning, match="interrupted after 3 of 10 epochs; the map is usable as it stood") as caught:
        model.fit(cloud)
    assert caught[0].filename == __file__
    assert model.stopped_ == "interrupted"
    assert model.n_iter_ == len(model.history_) == 3
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)
    monkeypatch.setattr(drlim.training.placing, "_loss_of", _Counter(step, 2, interrupt))
    with pytest.warns(UserWarning, match="interrupted after 1 of 10 epochs"):
        model.partial_fit(cloud)
    assert model.n_iter_ == len(model.history_) == 4


def test_an_interrupt_of_the_layout_leaves_the_earlier_map(cloud, monkeypatch):
    model = fitted(cloud)
    before = dict(vars(model))
    monkeypatch.setattr(drlim.training.neighbor_layout, "relax", interrupt_call)
    with pytest.raises(KeyboardInterrupt):
        model.fit(cloud[:, :2])
    assert vars(model) == before


def interrupt_call(*arguments, **keywords):
    raise KeyboardInterrupt


def test_divergence_raises_and_keeps_the_last_finite_map(cloud, monkeypatch):
    step = drlim.training.placing._loss_of
    monkeypatch.setattr(
        drlim.training.placing, "_loss_of", _Counter(step, 3, lambda loss: lambda *given: loss(*given) * torch.nan)
    )
    model = NeighborMap(random_state=0, max_epochs=10)
    with pytest.raises(DivergenceError, match="Training diverged: the loss of epoch 3"):
        model.fit(cloud)
    assert model.stopped_ == "diverged"
    assert model.n_iter_ == len(model.history_) == 2
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)
    assert np.isfinite(model.embedding_).all()


def broken(distance):
    return distance**2 * torch.where((distance > 0) & (distance < 0.1), torch.nan, 1.0)


def test_a_layout_that_diverges_leaves_the_estimator_as_it_was(cloud):
    model = NeighborMap(random_state=0, max_epochs=1, springs=(broken, lambda d: torch.exp(-d)))
    with pytest.raises(DivergenceError, match="Relaxation diverged"):
        model.fit(cloud)
    assert vars(model) == vars(clone(model))


@pytest.mark.filterwarnings("ignore:.*A map says nothing of samples that far away")
def test_no_map_holds_a_value_that_is_not_finite(cloud):
    class Exponential(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 3)

        def forward(self, x):
            return torch.exp(self.linear(x))

    model = fitted(cloud, encoder=Exponential())
    with pytest.raises(ValueError, match="maps some of the samples in 'X' to values that are not finite"):
        model.transform(np.sign(model.encoder_.network.trunk.linear.weight.detach().numpy()[:1]) * 1e9)


def test_a_module_is_trained_as_a_copy(cloud):
    trunk = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, 3)).double()
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    model = fitted(cloud, encoder=trunk)
    for name, value in trunk.state_dict().items():
        assert torch.equal(value, before[name])
        assert value.dtype == before[name].dtype
    assert not torch.equal(model.encoder_.network.trunk[0].weight, before["0.weight"].float())
    np.testing.assert_array_equal(model.embedding_, fitted(cloud, encoder=trunk).embedding_)
    np.testing.assert_array_equal(model.transform(cloud), model.embedding_)


def test_a_factory_is_given_the_shape(cloud):
    calls = []

    def factory(input_shape):
        calls.append(input_shape)
        return nn.Linear(*input_shape, 7)

    model = fitted(cloud, encoder=factory)
    assert calls == [(4,)]
    assert model.encoder_.network.linear.in_features == 7
    np.testing.assert_array_equal(fitted(cloud, encoder=factory).embedding_, model.embedding_)


def test_weights_need_not_be_in_the_trunk(cloud):
    assert fitted(cloud, encoder=nn.Flatten()).embedding_.shape == (60, 2)


def test_a_refused_fit_leaves_the_earlier_map(cloud):
    model = fitted(cloud)
    before = dict(vars(model))
    with pytest.raises(ValueError, match="as many samples as 'X'"):
        model.fit(cloud[:, :2], graph=NeighborhoodGraph.from_pairs(5, [(0, 1)]))
    assert vars(model) == before


def test_images_after_a_table_have_no_column_names(cloud):
    model = fitted(pd.DataFrame(cloud, columns=list("abcd")), max_epochs=1)
    model.fit(np.random.default_rng(0).random((12, 8, 8)))
    assert not hasattr(model, "feature_names_in_")
