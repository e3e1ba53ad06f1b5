"""Uncertainty: spreads by hand, what alignment takes away, models of all kinds, refusals."""

from __future__ import annotations

import copy
import re
from typing import Any

import numpy as np
import pytest
from tests.metrics.differences import TABLE, linear

from drlim import DrLIM
from drlim.metrics import uncertainty

X = np.random.default_rng(0).normal(size=(30, 2))


def test_without_alignment_by_hand() -> None:
    """Two positions 2 apart lie 1 from their mean."""
    found = uncertainty([lambda X: X, lambda X: X + np.array([0.0, 2.0])], X, align=False)
    np.testing.assert_allclose(found.spread, 1.0)
    np.testing.assert_allclose(found.mean, X + np.array([0.0, 1.0]))
    assert found.positions.shape == (2, 30, 2)


def test_a_map_moved_turned_mirrored_and_scaled_is_the_same_map() -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    maps = [lambda X: X, lambda X: 3 * X @ turn + 7.0, lambda X: X * [1.0, -1.0]]
    found = uncertainty(maps, X)
    np.testing.assert_allclose(found.spread, 0.0, atol=1e-9)
    np.testing.assert_allclose(found.mean, X, atol=1e-9)
    assert uncertainty(maps, X, align=False).spread.min() > 0.1


def test_the_frame_is_that_of_the_first_map() -> None:
    noisy = X + np.random.default_rng(1).normal(size=X.shape) * 0.1
    found = uncertainty([lambda X: 10 * X + 5.0, lambda X: noisy @ np.array([[0.0, 1.0], [-1.0, 0.0]])], X)
    np.testing.assert_allclose(found.mean, 10 * (X + noisy) / 2 + 5.0, atol=0.5)
    assert 0.1 < found.spread.mean() < 1.5


def test_samples_unlike_those_trained_on_are_the_less_certain() -> None:
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(200, 4))
    models = [DrLIM(max_epochs=15, random_state=seed, verbose=False).fit(samples[:150]) for seed in range(4)]
    near, far = samples[150:], 4 * samples[150:]
    spread = uncertainty(models, np.concatenate([near, far])).spread
    assert np.median(spread[50:]) > 2 * np.median(spread[:50])


def test_states_of_one_training() -> None:
    model = DrLIM(max_epochs=3, random_state=0, verbose=False).fit(TABLE)
    states = [copy.deepcopy(model), *(copy.deepcopy(model.partial_fit(TABLE)) for _ in range(2))]
    found = uncertainty(states, TABLE, align=False)
    np.testing.assert_allclose(found.mean, np.mean([state.transform(TABLE) for state in states], axis=0))
    assert (found.spread > 0).all()


def test_modules_and_estimators_may_stand_side_by_side() -> None:
    model = DrLIM(max_epochs=2, random_state=0, verbose=False).fit(TABLE)
    found = uncertainty([model, model.encoder_], TABLE, align=False)
    np.testing.assert_allclose(found.spread, 0.0, atol=1e-12)


REFUSALS: dict[str, tuple[Any, str]] = {
    "one": (lambda: uncertainty([linear([1.0, 0.0])], X), "Expected 'models' to be a list of two maps or more."),
    "not maps": (lambda: uncertainty([3, 4], X), "Got 3 at 0."),
    "class": (lambda: uncertainty([DrLIM, DrLIM], X), "Expected 'models' to hold fitted estimators"),
    "dimensions": (
        lambda: uncertainty([lambda X: X, lambda X: X[:, :1]], X),
        "Expected 'models' to map to as many dimensions each. Got 2 of the first and 1 of model 1.",
    ),
    "one point": (
        lambda: uncertainty([lambda X: X, lambda X: np.ones_like(X)], X),
        "Model 1 of 'models' places all samples at one point: there is nothing to align.",
    ),
    "failing": (lambda: uncertainty([lambda X: X, lambda X: X[9000]], X), "The function models[1](X) fails"),
    "length": (
        lambda: uncertainty([lambda X: X, lambda X: X[:3]], X),
        "Expected 'models[1](X)' and 'X' to describe the same samples",
    ),
    "align": (lambda: uncertainty([lambda X: X] * 2, X, align=1), "The 'align' parameter of uncertainty"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    call, message = REFUSALS[name]
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        call()
