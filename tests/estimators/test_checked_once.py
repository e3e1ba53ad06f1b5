"""Each parameter of a fit, and its samples, are checked once: where they enter."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest
import sklearn.utils
import sklearn.utils.validation

from drlim import DrLIM, NeighborMap
from drlim._base import checks


@pytest.fixture
def checked(monkeypatch):
    """Count the checks of each parameter, and of samples under the name of X."""
    counts: Counter[str] = Counter()
    is_accepted, check_array = checks._is_accepted, sklearn.utils.validation.check_array

    def count_parameter(value, accepted):
        counts[sys._getframe(1).f_locals["name"]] += 1
        return is_accepted(value, accepted)

    def count_samples(*args, **kwargs):
        counts["X"] += 1
        return check_array(*args, **kwargs)

    monkeypatch.setattr(checks, "_is_accepted", count_parameter)
    monkeypatch.setattr(sklearn.utils, "check_array", count_samples)
    monkeypatch.setattr(sklearn.utils.validation, "check_array", count_samples)
    return counts


@pytest.mark.parametrize("shape", [(60, 4), (30, 28, 28)])
@pytest.mark.parametrize(
    "estimator", [DrLIM(max_epochs=2, random_state=0), NeighborMap(max_epochs=1, random_state=0)], ids=["DrLIM", "map"]
)
def test_each_parameter_of_a_fit_is_checked_once(checked, estimator, shape):
    X = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    estimator.fit(X, np.where(np.arange(len(X)) < 6, np.arange(len(X)) % 2, -1), pairs={"dissimilar": [(0, 1)]})
    names = {"X", *estimator.get_params()}
    assert {name: checked[name] for name in names} == dict.fromkeys(names, 1)
