"""Derivatives of maps: finite differences, cases solved by hand, the columns that matter, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from tests.metrics.differences import IMAGES, TABLE, differences, linear
from torch import nn

from drlim import DrLIM, NeighborMap, make_encoder
from drlim.encoders import derivatives as derivatives_module
from drlim.metrics import area_distortion, jacobian, saliency

QUICK: dict[str, Any] = {"max_epochs": 2, "random_state": 0, "verbose": False}


def own() -> nn.Module:
    """A module of a user's own, with what behaves otherwise in training."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 9), nn.BatchNorm1d(9), nn.Dropout(0.5), nn.SiLU(), nn.Linear(9, 3))


@pytest.fixture(scope="module", params=["mlp", "two_layer", "linear", "convnet", "own"])
def fitted(request: pytest.FixtureRequest) -> tuple[DrLIM, Any]:
    X = IMAGES if request.param == "convnet" else TABLE
    encoder = own() if request.param == "own" else request.param
    return DrLIM(3, encoder=encoder, n_neighbors=2, optimizer="adam", **QUICK).fit(X), X[:3] + 0.01


def test_it_is_the_finite_difference(fitted: tuple[DrLIM, Any]) -> None:
    model, X = fitted
    J, expected = jacobian(model, X), differences(model.transform, X)
    assert J.shape == (3, 3, *X.shape[1:])
    assert J.dtype == np.float64
    assert np.linalg.norm(J - expected) <= 1e-7 * np.linalg.norm(expected)


@pytest.mark.parametrize(
    "parameters", [{}, {"metric": "cosine"}, {"encoder": nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh())}]
)
def test_of_a_neighbor_map_it_is_that_of_the_piece_the_sample_is_in(parameters: dict[str, Any]) -> None:
    X = np.random.default_rng(1).normal(size=(120, 8, 8))
    model = NeighborMap(n_neighbors=4, **parameters, **QUICK).fit(X[:110])
    J, expected = jacobian(model, X[110:]), differences(model.transform, X[110:])
    for one, other in zip(J, expected, strict=True):
        assert np.linalg.norm(one - other) <= 1e-7 * np.linalg.norm(other)


def test_of_a_neighbor_map_it_says_nothing_of_the_jumps_between_pieces() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(40, 3)), rng.normal(size=(40, 3)) + 30.0])
    model = NeighborMap(n_neighbors=4, random_state=0, verbose=False, max_epochs=20).fit(X)
    way = np.linspace(X[0], X[60], 20_001)
    Z = model.transform(way)
    steps = np.linalg.norm(np.diff(Z, axis=0), axis=1)
    place = int(steps.argmax())
    around = way[place - 1 : place + 3]
    predicted = np.linalg.norm(jacobian(model, around) @ (way[1] - way[0]), axis=1).max()
    assert steps[place] > 100 * predicted  # the groups lie apart: between them the map jumps
    assert np.isfinite(jacobian(model, way[::100])).all()


def test_float32_is_mapped_and_differentiated_in_float32(fitted: tuple[DrLIM, Any]) -> None:
    model, X = fitted
    J = jacobian(model, X.astype(np.float32))
    assert J.dtype == np.float32
    np.testing.assert_allclose(J, jacobian(model, X), rtol=1e-3, atol=1e-4)
    assert jacobian(model, (X > 0).astype(np.uint8)).dtype == np.float32
    assert jacobian(model, (X > 0).astype(np.int64)).dtype == np.float64


def test_it_does_not_depend_on_the_size_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = make_encoder("mlp", (5,))
    whole = jacobian(encoder, TABLE)
    np.testing.assert_allclose(jacobian(encoder, TABLE, batch_size=7), whole, rtol=1e-12)
    seen: list[int] = []
    encoder.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    monkeypatch.setattr(derivatives_module, "_LARGEST_BATCH", 40)  # four samples of ten derivatives
    np.testing.assert_allclose(jacobian(encoder, TABLE.astype(np.float32)), whole, rtol=1e-3, atol=1e-5)
    assert max(seen) == 4


def test_the_model_stays_as_it_was_and_may_be_asked_where_gradients_are_off() -> None:
    encoder = own().train()
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    with torch.inference_mode():
        found = jacobian(encoder, TABLE.astype(np.float32))
    with torch.no_grad():
        np.testing.assert_array_equal(jacobian(encoder, TABLE.astype(np.float32)), found)
    assert all(module.training for module in encoder.modules())
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert all(parameter.grad is None for parameter in encoder.parameters())


def test_what_the_caller_has_set_in_torch_changes_nothing() -> None:
    X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    model = NeighborMap(n_neighbors=4, **QUICK).fit(X)
    expected = jacobian(model, X)
    torch.set_default_dtype(torch.float64)
    try:
        np.testing.assert_array_equal(jacobian(model, X), expected)
    finally:
        torch.set_default_dtype(torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        np.testing.assert_array_equal(jacobian(model, X), expected)


def test_memory_does_not_grow_with_the_number_of_samples_but_by_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Area and saliency never hold the derivatives of more than a batch."""
    encoder, sizes = make_encoder("two_layer", (5,)), []
    kept = derivatives_module._differentiated

    def watched(*given: Any) -> Any:
        found = kept(*given)
        sizes.append(found[1].numel())
        return found

    monkeypatch.setattr(derivatives_module, "_differentiated", watched)
    area_distortion(encoder, TABLE, batch_size=10)
    saliency(encoder, TABLE, batch_size=10)
    assert max(sizes) == 10 * 2 * 5


def test_beside_copies_of_a_training_sample_it_is_finite() -> None:
    X = np.repeat(np.random.default_rng(0).uniform(size=(30, 6)), 8, axis=0).astype(np.float32)
    model = NeighborMap(n_neighbors=4, **QUICK).fit(X)
    assert np.isfinite(jacobian(model, X)).all()


def test_area_is_the_root_of_the_determinant() -> None:
    J = jacobian(own(), TABLE)
    expected = np.sqrt(np.linalg.det(J @ J.swapaxes(1, 2)))
    np.testing.assert_allclose(area_distortion(own(), TABLE), expected, rtol=1e-9)


def test_area_of_a_flat_map_and_of_too_few_values_is_zero() -> None:
    assert area_distortion(linear([1.0, 2.0], [2.0, 4.0]), [[0.0, 0.0]])[0] == pytest.approx(0.0, abs=1e-6)
    assert area_distortion(linear([1.0], [2.0]), [[0.0], [1.0]]).tolist() == [0.0, 0.0]


def test_small_slopes_keep_their_area() -> None:
    """The determinant of J J^T, 1e-80, would not be a float32."""
    small = linear([1e-20, 0.0], [0.0, 1e-20])
    assert area_distortion(small, np.zeros((1, 2), dtype=np.float32))[0] == pytest.approx(1e-40, rel=1e-5)


def test_saliency_by_hand() -> None:
    network = linear([3.0, 0.0, -1.0], [4.0, 0.0, 0.0])
    X = np.zeros((2, 3))
    assert saliency(network, X).tolist() == [[5.0, 0.0, 1.0]] * 2
    assert saliency(network, X, direction=[7.0, 0.0]).tolist() == [[3.0, 0.0, -1.0]] * 2
    ways = saliency(network, X, direction=[[0.0, 2.0], [-3.0, -4.0]])
    np.testing.assert_allclose(ways, [[4.0, 0.0, 0.0], [-5.0, 0.0, 0.6]], rtol=1e-6)
    assert saliency(network, X, scale=[2.0, 1.0, 0.0]).tolist() == [[10.0, 0.0, 0.0]] * 2


def test_saliency_of_images_has_their_shape() -> None:
    encoder = make_encoder("convnet", (24, 24))
    found = saliency(encoder, IMAGES[:3], scale=np.full((24, 24), 2.0), batch_size=2)
    np.testing.assert_allclose(found, 2 * np.linalg.norm(jacobian(encoder, IMAGES[:3]), axis=1), rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_saliency_finds_the_six_columns_of_200_that_tell_the_classes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, y = rng.choice(200, 6, replace=False), rng.integers(0, 5, 400)
    X = rng.normal(size=(400, 200))
    X[:, columns] += 1.5 * rng.normal(size=(5, 6))[y]
    X = (X / X.std(axis=0)).astype(np.float32)
    model = DrLIM(max_epochs=10, random_state=seed, verbose=False).fit(X, y)
    found = np.sqrt((saliency(model, X) ** 2).mean(axis=0))
    assert roc_auc_score(np.isin(np.arange(200), columns), found) >= 0.95


class Detached(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.detach()[:, :2]


class Root(nn.Module):
    """Its slope at 0 is infinite."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :2].sqrt()


class Failing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise KeyError("no such layer")


class OneColumn(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(dim=1)


NAMED = pd.DataFrame(TABLE, columns=list("abcde"))
TWO = linear([1.0, 0.0, 0.0], [0.0, 1.0, 0.0])

REFUSALS: dict[str, tuple[Any, type[Exception], str]] = {
    "not fitted": (lambda: jacobian(DrLIM(), TABLE), NotFittedError, "This DrLIM instance is not fitted yet"),
    "class": (lambda: jacobian(DrLIM, TABLE), TypeError, "Got the class DrLIM itself."),
    "no network": (
        lambda: jacobian(PCA(2).fit(TABLE), TABLE),
        TypeError,
        "The 'model' parameter of jacobian must be a torch module, or a fitted DrLIM or NeighborMap: a map without a "
        "network has no derivative. Got PCA(n_components=2) instead.",
    ),
    "shape": (
        lambda: saliency(DrLIM(**QUICK).fit(TABLE), TABLE[:, :4]),
        ValueError,
        "Expected 'X' to hold samples of shape (5,), as the model was fitted on. Got (4,).",
    ),
    "names": (
        lambda: jacobian(DrLIM(**QUICK).fit(NAMED), NAMED[list("edcba")]),
        ValueError,
        "Expected 'X' to have the columns of the training data, in their order",
    ),
    "NaN": (lambda: jacobian(TWO, [[0.0, np.nan, 1.0]]), ValueError, "row 0, column 1"),
    "batch": (lambda: jacobian(TWO, TABLE, batch_size=0), ValueError, "The 'batch_size' parameter of jacobian must"),
    "no gradient": (lambda: jacobian(Detached(), TABLE), ValueError, "has no gradient by its samples"),
    "infinite": (
        lambda: jacobian(Root(), [[1.0, 1.0], [1.0, 2.0], [0.0, 1.0]]),
        ValueError,
        "The map has no finite derivative at sample 2 of 'X'",
    ),
    "failing": (lambda: jacobian(Failing(), TABLE), ValueError, "The 'encoder' on float64 samples, (1, 5), fails"),
    "one column": (lambda: jacobian(OneColumn(), TABLE), ValueError, "positions, (1, n_components). Got shape (1,)"),
    "direction of zeros": (
        lambda: saliency(TWO, TABLE[:2, :3], direction=[[1.0, 0.0], [0.0, 0.0]]),
        ValueError,
        "Expected 'direction' to have a length. Got zeros in row 1.",
    ),
    "directions": (
        lambda: saliency(TWO, TABLE[:3, :3], direction=np.ones((2, 2))),
        ValueError,
        "one for each of 3 samples in 'X'. Got 2.",
    ),
    "dimensions": (
        lambda: saliency(TWO, TABLE[:3, :3], direction=[1.0, 0.0, 0.0]),
        ValueError,
        "Expected 'direction' to have 2 columns, as the map has dimensions. Got 3.",
    ),
    "scale": (
        lambda: saliency(TWO, TABLE[:3, :3], scale=[1.0, 2.0]),
        ValueError,
        "The 'scale' parameter of saliency must be an array of numbers of the shape of a sample, (3,). "
        "Got [1.0, 2.0] instead.",
    ),
    "negative scale": (
        lambda: saliency(TWO, TABLE[:3, :3], scale=[1.0, -2.0, 1.0]),
        ValueError,
        "must hold values in [0, inf). Got -2.0 among them.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    call, error, message = REFUSALS[name]
    with pytest.raises(error, match=re.escape(message)) as refusal:
        call()
    assert len(str(refusal.value)) <= 600
