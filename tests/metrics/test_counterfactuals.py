"""Counterfactuals: the least change, by hand and by its conditions; bounds, held values, jumps, refusals."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from tests.metrics.differences import TABLE, linear
from torch import nn

from drlim import DrLIM, NeighborMap, datasets, make_encoder
from drlim.metrics import counterfactual, jacobian
from drlim.metrics.least_change import least_change

SUM = linear([1.0, 1.0, 0.0])


def smooth() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 2)).double()


def test_a_linear_map_by_hand() -> None:
    found = counterfactual(SUM, [1.0, 0.0, 9.0], [5.0])
    assert found.reached
    np.testing.assert_allclose(found.x, [3.0, 2.0, 9.0], atol=0.03)  # 1 % of the way may be left
    assert found.size == pytest.approx(8**0.5, rel=0.011)
    assert found.distance <= 0.01 * 4
    np.testing.assert_array_equal(found.change, found.x - [1.0, 0.0, 9.0])


def test_units_decide_what_is_small_and_zero_holds() -> None:
    found = counterfactual(SUM, [0.0, 0.0, 0.0], [10.0], scale=[3.0, 1.0, 1.0], tol=1e-6)
    np.testing.assert_allclose(found.x, [9.0, 1.0, 0.0], rtol=1e-4)
    assert found.size == pytest.approx(10**0.5, rel=1e-4)
    held = counterfactual(SUM, [0.0, 0.0, 0.0], [10.0], scale=[0.0, 1.0, 1.0], tol=1e-6)
    np.testing.assert_allclose(held.x, [0.0, 10.0, 0.0], rtol=1e-4)


def test_bounds_are_kept_and_the_rest_makes_up_for_them() -> None:
    found = counterfactual(SUM, [0.0, 0.0, 0.0], [10.0], bounds=(-1.0, [2.0, 20.0, 1.0]), tol=1e-6)
    np.testing.assert_allclose(found.x, [2.0, 8.0, 0.0], rtol=1e-4)
    beyond = counterfactual(SUM, [0.0, 0.0, 0.0], [10.0], bounds=(0.0, 2.0))
    assert not beyond.reached
    np.testing.assert_allclose(beyond.x, [2.0, 2.0, 0.0], atol=0.05)  # as near as the bounds allow
    assert beyond.distance == pytest.approx(6.0, abs=0.1)


def test_on_a_smooth_map_it_is_the_minimum_that_another_method_finds() -> None:
    network, x = smooth(), TABLE[0]
    goal = network(torch.from_numpy(TABLE[:8])).detach().numpy().mean(axis=0)
    found = counterfactual(network, x, goal, tol=1e-5)
    assert found.reached

    def away(change: Any) -> Any:
        return network(torch.from_numpy(x + change)).detach().numpy() - goal

    other = minimize(
        lambda change: change @ change,
        found.change + 0.05,
        jac=lambda change: 2 * change,
        constraints={"type": "eq", "fun": away},
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-12},
    )
    assert found.size == pytest.approx(float(np.linalg.norm(other.x)), rel=1e-3)
    # The change of a smallest change lies in the span of the rows of the derivative.
    rows = jacobian(network, found.x[None])[0]
    rest = found.change - rows.T @ np.linalg.lstsq(rows.T, found.change, rcond=None)[0]
    assert np.linalg.norm(rest) <= 0.02 * found.size


def test_the_path_goes_straight_on_the_map() -> None:
    network, x = smooth(), TABLE[0]
    goal = network(torch.from_numpy(TABLE[3])).detach().numpy()
    found = counterfactual(network, x, goal, n_steps=10)
    assert found.path.shape == (11, 5)
    np.testing.assert_allclose(found.path[0], x)
    np.testing.assert_allclose(found.path[-1], found.x)
    np.testing.assert_allclose(found.positions, network(torch.from_numpy(found.path)).detach().numpy())
    expected = found.positions[0] + np.linspace(0, 1, 11)[:, None] * (goal - found.positions[0])
    assert np.linalg.norm(found.positions - expected, axis=1).max() <= 0.011 * np.linalg.norm(goal - expected[0])


def test_at_the_target_nothing_changes() -> None:
    found = counterfactual(SUM, [1.0, 0.0, 9.0], [1.0])
    assert found.reached
    assert found.size == 0.0


@pytest.fixture(scope="module")
def digits() -> Any:
    return datasets.digits().X_train[:400].astype(np.float64)


@pytest.mark.parametrize("encoder", ["mlp", "two_layer"])
def test_images_stay_images_and_change_less_than_into_another_one(digits: Any, encoder: str) -> None:
    model = DrLIM(encoder=encoder, max_epochs=20, random_state=0, verbose=False).fit(digits)
    for other in (100, 200, 300):
        found = counterfactual(model, digits[0], model.embedding_[other], bounds=(0, 1))
        assert found.reached
        assert found.x.shape == (8, 8)
        assert found.x.min() >= -1e-12
        assert found.x.max() <= 1 + 1e-12
        assert found.size < np.linalg.norm(digits[other] - digits[0])
        np.testing.assert_allclose(model.transform(found.x[None])[0], found.position, atol=1e-9)


def test_between_the_groups_of_a_neighbor_map_samples_show_the_way(digits: Any) -> None:
    model = NeighborMap(max_epochs=8, random_state=0, verbose=False).fit(digits)
    far = int(np.linalg.norm(model.embedding_ - model.embedding_[0], axis=1).argmax())
    goal = model.transform(digits)[far]
    assert not counterfactual(model, digits[0], goal).reached
    found = counterfactual(model, digits[0], goal, samples=digits, bounds=(0, 1))
    assert found.reached
    assert found.size < 1.01 * np.linalg.norm(digits[far] - digits[0])
    assert found.x.min() >= -1e-12


@pytest.mark.parametrize("seed", range(5))
def test_least_change_fulfils_the_conditions_of_a_minimum(seed: int) -> None:
    rng = np.random.default_rng(seed)
    A, low, high = rng.normal(size=(2, 9)), -rng.uniform(0, 0.5, size=9), rng.uniform(0, 0.5, size=9)
    b = A @ np.clip(rng.normal(size=9), low, high)  # within reach
    u = least_change(A, b, low, high)
    np.testing.assert_allclose(A @ u, b, atol=1e-8)
    free = (u > low) & (u < high)
    dual = np.linalg.lstsq(A[:, free].T, u[free], rcond=None)[0]
    np.testing.assert_allclose(u, np.clip(A.T @ dual, low, high), atol=1e-6)


def test_least_change_without_bounds_is_the_pseudoinverse() -> None:
    rng = np.random.default_rng(0)
    A, b, none = rng.normal(size=(3, 7)), rng.normal(size=3), np.full(7, np.inf)
    np.testing.assert_allclose(least_change(A, b, -none, none), np.linalg.pinv(A) @ b, rtol=1e-8)
    flat = least_change(np.zeros((3, 7)), b, -none, none)
    assert np.isfinite(flat).all()


REFUSALS: dict[str, tuple[Any, str]] = {
    "number": (lambda: counterfactual(SUM, 3.0, [1.0]), "Expected 'x' to be one sample. Got 3.0."),
    "target": (
        lambda: counterfactual(SUM, [0.0, 0.0, 0.0], [1.0, 2.0]),
        "Expected 'target' to be one place on the map, of 1 coordinates. Got [1.0, 2.0].",
    ),
    "bounds": (
        lambda: counterfactual(SUM, [0.0, 0.0, 0.0], [1.0], bounds=3.0),
        "Expected 'bounds' to be (low, high), two numbers or two arrays of the shape of a sample. Got 3.0.",
    ),
    "outside": (
        lambda: counterfactual(SUM, [0.0, 5.0, 0.0], [1.0], bounds=(0, 1)),
        "Expected 'x' to lie within 'bounds'. Got 5 at value 1 of it, between 0 and 1.",
    ),
    "samples": (
        lambda: counterfactual(SUM, [0.0, 0.0, 0.0], [1.0], samples=TABLE),
        "Expected 'samples' to be of the shape of 'x', (3,). Got (5,).",
    ),
    "steps": (lambda: counterfactual(SUM, [0.0, 0.0, 0.0], [1.0], n_steps=0), "The 'n_steps' parameter of"),
    "tol": (lambda: counterfactual(SUM, [0.0, 0.0, 0.0], [1.0], tol=1.0), "The 'tol' parameter of counterfactual"),
    "shape": (
        lambda: counterfactual(DrLIM(max_epochs=1, verbose=False).fit(TABLE), [0.0, 0.0], [1.0, 1.0]),
        "Expected 'x' to hold samples of shape (5,), as the model was fitted on. Got (2,).",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


def test_the_encoder_stays_in_its_dtype_and_mode() -> None:
    encoder = make_encoder("linear", (5,)).train()
    counterfactual(encoder, TABLE[0], [0.1, 0.1])
    assert encoder.training
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
