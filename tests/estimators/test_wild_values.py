"""A wild value, or a wide column, among the training samples: accuracy as without it, and a warning that names it."""

from __future__ import annotations

import copy
import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from drlim import DrLIM, NeighborMap, load, save
from drlim._base.torch import Rows
from drlim.encoders import Standardize
from drlim.training.memory import _principal

RANDOM = np.random.default_rng(0)
CENTRES = RANDOM.normal(size=(10, 20))
LABELS = RANDOM.integers(0, 10, 400)
X = 1.2 * CENTRES[LABELS] + 0.5 * RANDOM.normal(size=(400, 20))
NORMAL = np.random.default_rng(0).normal(size=(200, 6))

ESTIMATORS = [
    DrLIM(random_state=0, verbose=False, max_epochs=60),
    NeighborMap(random_state=0, verbose=False, max_epochs=10),
]
both = pytest.mark.parametrize("estimator", ESTIMATORS, ids=["DrLIM", "NeighborMap"])

DECIDE = "would hide the others from the encoder: up to"


def accuracy(estimator, samples: np.ndarray) -> float:
    """5-NN accuracy of the rows from 250 on, by the map of the first 250, which are trained on with their labels."""
    model = copy.deepcopy(estimator).fit(samples[:250], LABELS[:250])
    judge = KNeighborsClassifier(5).fit(model.embedding_, LABELS[:250])
    return float(judge.score(model.transform(samples[250:]), LABELS[250:]))


@both
def test_one_wild_value_costs_no_accuracy_and_is_named(estimator):
    wild = X.copy()
    wild[0, 3] = 1e6
    with pytest.warns(UserWarning, match=re.escape("'X' holds a value in row 0, column 3, that would hide")) as warned:
        found = accuracy(estimator, wild)
    assert len(warned) == 1
    assert "1e+06, where values within 1.56 of -0.262 are usual." in str(warned[0].message)
    assert found >= 0.97


@both
def test_one_wide_column_costs_no_accuracy_and_is_named(estimator):
    wide = X.copy()
    wide[:, 3] = 1e6 * np.random.default_rng(1).normal(size=400)
    with pytest.warns(UserWarning, match=re.escape(f"Column 3 of 'X' {DECIDE}")) as warned:
        found = accuracy(estimator, wide)
    assert len(warned) == 1
    assert found >= 0.95


@both
def test_a_wild_row_leaves_the_others_apart(estimator):
    wild = NORMAL.copy()
    wild[7] *= 1e6
    with pytest.warns(UserWarning, match=re.escape("holds 6 values, the farthest in row 7, column 5, that would")):
        model = copy.deepcopy(estimator).fit(wild)
    others = np.delete(model.embedding_, 7, axis=0)
    assert np.isfinite(model.embedding_).all()
    assert (others.std(axis=0) > 0.2).all()
    assert len(np.unique(others.round(5), axis=0)) > 190
    assert np.array_equal(model.transform(wild), model.embedding_)


def quick(estimator):
    return copy.deepcopy(estimator).set_params(max_epochs=2)


@both
def test_columns_are_called_by_their_names(estimator):
    table = pd.DataFrame(NORMAL, columns=["age", "income", "c", "d", "e", "f"])
    table.loc[:, "income"] *= 1e5
    with pytest.warns(UserWarning, match=re.escape(f"Column 'income' of 'X' {DECIDE}")):
        quick(estimator).fit(table)
    table["income"] /= 1e5
    table.loc[9, "age"] = -1e7
    with pytest.warns(UserWarning, match=re.escape("in row 9, column 'age', that would hide")):
        quick(estimator).fit(table)


@both
def test_a_wild_pixel_is_named(estimator):
    images = np.random.default_rng(0).random((40, 9, 9))
    images[3, 4, 5] = 1e6
    with pytest.warns(UserWarning, match=re.escape("in row 3, value (4, 5) of the image, that would hide")):
        quick(estimator).fit(images)


def test_many_wide_columns_are_not_all_named():
    table = NORMAL[:, [0, 1, 2, 3, 4, 5] * 3] * np.where(np.arange(18) < 8, 1e4, 1.0)
    with pytest.warns(UserWarning, match=re.escape("Columns 0, 1, 2, 3, 4 and 3 more of 'X' would hide")):
        quick(ESTIMATORS[0]).fit(table)


@both
def test_the_bounds_are_saved(estimator, tmp_path):
    wild = NORMAL.copy()
    wild[7, 2] = 1e6
    with pytest.warns(UserWarning, match="row 7, column 2"):
        model = quick(estimator).fit(wild)
    path = tmp_path / "model.safetensors"
    save(model, path)
    again = load(path)
    assert again.transform(wild).tobytes() == model.transform(wild).tobytes()
    save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    (bounded,) = (module for module in again.encoder_.modules() if isinstance(module, Standardize))
    assert bounded.is_bounded


@both
def test_an_encoder_of_the_users_own_gets_the_values_as_they_are(estimator):
    wild = NORMAL.copy()
    wild[7, 2] = 1e6
    model = quick(estimator).set_params(encoder=torch.nn.Linear(6, 2))
    if isinstance(model, DrLIM):
        with pytest.warns(UserWarning, match="^Before any training the encoder places the samples .* margins apart"):
            model.fit(wild)
    else:
        model.fit(wild)  # without a warning


def test_a_wild_value_is_no_component_of_estimated_positions():
    wild = np.random.default_rng(0).normal(size=(1500, 4)).astype(np.float32)
    plain = _principal(Rows(wild.copy(), torch.device("cpu"), torch.float32), 4)
    wild[0, 1] = 1e6
    rows = Rows(wild, torch.device("cpu"), torch.float32)
    assert _principal(rows, 4).shape == (1500, 2)
    assert _principal(rows, 4, Standardize((4,)).fit(wild)).shape == plain.shape == (1500, 5)


def test_training_by_batches_passes_the_bounds_on():
    """More than 1000 samples are trained by Adam, with positions estimated between batches."""
    wild = np.random.default_rng(0).normal(size=(1100, 3))
    wild[0, 1] = 1e7
    with pytest.warns(UserWarning, match="row 0, column 1"):
        model = DrLIM(max_epochs=4, random_state=0, verbose=False).fit(wild)
    plain = DrLIM(max_epochs=4, random_state=0, verbose=False).fit(np.where(wild > 1e6, 0.0, wild))
    assert model.history_[-1]["energy"] < 1.2 * plain.history_[-1]["energy"]
