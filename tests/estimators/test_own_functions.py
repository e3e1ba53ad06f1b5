"""Functions of the user's own that fail, at once or in the midst of a fit: errors name the parameter and the cause."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsTransformer
from torch import nn

from drlim import DrLIM, NeighborMap, embed, load, make_springs, orbits, radius_graph, save, train
from drlim.metrics import invariance_report
from drlim.springs import Springs

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


class Mine(Exception):  # noqa: N818 - any error
    """An error of a user's function."""


def fails(*args, **kwargs):
    raise Mine("of my own")


def later(n_calls, result):
    """Return a function that fails from its ``n_calls``-th call on."""
    calls = 0

    def function(*args):
        nonlocal calls
        calls += 1
        return fails() if calls >= n_calls else result(*args)

    return function


class Net(nn.Module):
    """A linear map that fails where a condition on a batch holds, forwards or backwards."""

    def __init__(self, condition=lambda module, x: False, n_outputs=2):
        super().__init__()
        self.linear = nn.Linear(3, n_outputs)
        self.condition = condition

    def forward(self, x):
        if self.condition(self, x):
            fails()
        return self.linear(x)


class Backwards(torch.autograd.Function):
    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return fails()


class NoWayBack(Net):
    def forward(self, x):
        return Backwards.apply(super().forward(x))


class Fixed(Net):
    """A module that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class Transformer(KNeighborsTransformer):
    def fit_transform(self, X, y=None):
        fails()


class Fragile:
    """A law that fails on anything but short lists of distances."""

    reach = float("inf")

    def energy(self, distance):
        return distance if distance.ndim == 1 and len(distance) == 3 else fails()

    def force(self, distance):
        return -distance


def metric(first, second):
    return float(np.abs(first - second).sum())


def in_training(module, x):
    return module.training and len(x) > 2


def identity(x):
    return x


OF_BOTH = {
    "factory": (lambda: {"encoder": fails}, "The 'encoder' parameter of "),
    "module that cannot be copied": (
        lambda: {"encoder": Fixed()},
        "To copy the module given as 'encoder' fails: ",
    ),
    "forward": (lambda: {"encoder": Net(lambda *_: True)}, "The 'encoder' parameter of "),
    "forward in training": (lambda: {"encoder": Net(in_training)}, "The 'encoder' on float32 samples, ("),
    "backward": (lambda: {"encoder": NoWayBack()}, "The gradient of 'encoder' fails: of my own."),
    "orbit": (lambda: {"orbit": fails}, "The 'orbit' parameter of "),
    "orbit in training": (lambda: {"orbit": later(8, identity)}, "The transform 'orbit' of a batch of shape ("),
    "springs": (lambda: {"springs": (fails, torch.abs)}, "The 'springs' parameter must be "),
    "springs in training": (
        lambda: {"springs": (torch.square, lambda d: torch.exp(-d) if len(d) < 4 else fails())},
        "<function <la...als>.<lambda>> of 'springs', of distances of shape (",
    ),
    "law": (lambda: {"springs": Springs(Fragile(), Fragile())}, "The 'springs' parameter must be "),
}
CASES = [(DrLIM, *case) for case in OF_BOTH.values()]
CASES += [(NeighborMap, *case) for case in OF_BOTH.values()]
CASES += [
    (DrLIM, lambda: {"neighbors": fails}, "The function given as 'neighbors', <function fails>, fails: of my own."),
    (
        DrLIM,
        lambda: {"neighbors": Transformer()},
        "Expected Transformer, given as 'neighbors', to find neighbours in 'X'. It",
    ),
    (
        NeighborMap,
        lambda: {"metric": fails},
        "The 'metric' parameter of NeighborMap must be a name or a function (row, row)",
    ),
    (
        NeighborMap,
        lambda: {"metric": later(30, metric)},
        "The function given as 'metric', of rows 0 and 29, fails: of my own.",
    ),
]


def assert_named(call, beginning):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - compared below
        call()
    text = str(refusal.value)
    assert text.startswith(beginning)
    assert len(text) <= 600
    assert " at 0x" not in text
    error = refusal.value
    while not isinstance(error, Mine) and "lock" not in str(error.__cause__ or ""):
        error = error.__cause__
        assert error is not None
    return text


@pytest.mark.parametrize(("kind", "parameters", "beginning"), CASES)
def test_the_error_names_the_parameter(kind, parameters, beginning):
    model = kind(n_neighbors=3, max_epochs=20, random_state=0, **parameters())
    before = dict(vars(model))
    assert_named(lambda: model.fit(X), beginning)
    assert vars(model) == before


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_an_encoder_that_fails_later_is_named_by_transform(kind):
    broken = []
    model = kind(encoder=Net(lambda *_: bool(broken)), n_neighbors=3, max_epochs=1, random_state=0).fit(X)
    condition = model.encoder_ if kind is DrLIM else model.encoder_.network.trunk
    condition.condition = lambda *_: True
    assert_named(lambda: model.transform(X), "The 'encoder' on float32 samples, (40, 3), fails: of my own.")
    if kind is NeighborMap:
        assert_named(lambda: model.confidence(X), "The 'encoder'")


def test_functions_elsewhere(tmp_path):
    assert_named(lambda: orbits(X, {"mirrored": fails}), "The transform 'mirrored' of a batch of shape (")
    assert_named(lambda: radius_graph(X, 1.0, fails), "The function given as 'metric', of rows 0 and 1, ")
    assert_named(lambda: embed(Net(lambda *_: True), X), "The 'encoder' on float32 samples, (40, 3), fails: of my own.")
    named = {"mirrored": np.negative}
    assert_named(
        lambda: invariance_report(fails, X, named), "The function given as 'estimator', estimator(X), fails: of my own."
    )
    graph, springs = radius_graph(X, 1.0), make_springs()
    assert_named(lambda: train(Net(in_training), X, graph, springs), "The 'encoder' on float32 samples, (")
    model = DrLIM(encoder=Net(), n_neighbors=3, max_epochs=1).fit(X)
    save(model, tmp_path / "model.safetensors")
    assert_named(
        lambda: load(tmp_path / "model.safetensors", encoder=fails),
        "The 'encoder' parameter of load, called with (input_shape, n_components), fails: of my own.",
    )
    assert_named(lambda: load(tmp_path / "model.safetensors", encoder=Fixed()), "To copy the module given as 'encoder'")


def test_refusals_of_an_estimator_pass_a_report_unchanged():
    model = DrLIM(n_neighbors=3, max_epochs=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"^X has 2 features, but DrLIM is expecting 3"):
        invariance_report(model, X[:, :2], {"mirrored": np.negative})
