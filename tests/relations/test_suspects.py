"""Labels that probably mean something else: one class beside -1, quantities in whole numbers, marks of pairs."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from drlim import DrLIM, NeighborMap
from drlim.relations.gather import check_targets

ONE_CLASS = (
    "beside -1, which means unknown: no two samples are declared dissimilar by it. If -1 is a class, give it another"
)
QUANTITY = (
    "as a quantity has, and each is taken for a class. For a quantity, state which values are alike: pairs=drlim.target"
)
RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize(
    "y",
    [
        np.array([-1, 1, -1, 1]),
        [-1, 1, 1, -1],
        np.array([-1.0, 1.0, 1.0, -1.0]),
        np.array([-1.0, 1.0, np.nan, -1.0]),
        pd.Series([-1, 1, pd.NA, 1], dtype="Int64"),
        np.array([[-1], [1], [1], [-1]]),
        [-1, "a", "a", -1],
    ],
)
def test_one_class_beside_minus_1(y):
    with pytest.warns(UserWarning, match=re.escape(ONE_CLASS)) as caught:
        check_targets(y, 4)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, -1, -1],
        [None, 1, 1, None],
        np.array([1.0, np.nan, 1.0, np.nan]),
        [1, 1, 1, 1],
        [-1, -1, -1, -1],
        ["-1", "1", "1", "-1"],
        np.array([True, False, True, False]),
    ],
)
def test_no_warning_where_nothing_is_lost(y):
    check_targets(y, 4)


QUANTITIES = {
    "diabetes": load_diabetes().target,
    "thousandths": RANDOM.integers(0, 1000, 400),
    "ranks": np.arange(60),
    "ages": np.round(RANDOM.normal(50, 15, 60)).astype(int),
    "partly unknown": np.where(np.arange(60) < 40, RANDOM.integers(0, 90, 60), -1),
}


@pytest.mark.parametrize("name", QUANTITIES)
def test_whole_numbers_of_a_quantity(name):
    y = QUANTITIES[name]
    with pytest.warns(UserWarning, match=re.escape(QUANTITY)):
        check_targets(y, len(y))


CLASSES = {
    "ten digits": RANDOM.integers(0, 10, 100),
    "forty persons, ten pictures each": np.repeat(np.arange(40), 10),
    "few samples": np.arange(19),
    "text": np.arange(60).astype(str),
    "true and false": RANDOM.random(60) > 0.5,
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_no_quantity(name):
    y = CLASSES[name]
    check_targets(y, len(y))


def test_a_score_does_not_warn():
    check_targets([-1, 1, 1, -1], 4, trains=False)


X = RANDOM.normal(size=(40, 3))


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_fits_warn_and_scores_do_not(estimator):
    signs = np.where(X[:, 0] > 0, 1, -1)
    with pytest.warns(UserWarning, match=re.escape(ONE_CLASS)):
        model = estimator(max_epochs=1, random_state=0).fit(X, signs)
    model.score(X, signs)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.partial_fit(X[:20], np.arange(20) % 2, anchor=X[20:])  # the anchors' -1 are this package's own


MESSAGE = (
    "Are these pairs of samples? 'X' has shape {} and 'y' 40 marks, but samples are rows, and -1 in 'y' means unknown."
)


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
@pytest.mark.parametrize("shape", [(40, 2, 3), (2, 40, 3)])
def test_pairs_and_their_marks_are_asked_about(estimator, shape):
    marks = np.where(np.arange(40) % 3 == 0, 1, -1)
    with pytest.raises(ValueError, match=re.escape(MESSAGE.format(shape))):
        estimator(max_epochs=1).fit(RANDOM.normal(size=shape), marks)


def test_images_of_two_rows_have_classes_of_other_names():
    pictures = RANDOM.normal(size=(40, 2, 8))
    for y in (None, np.arange(40) % 2, np.where(np.arange(40) % 2, "a", "b")):
        DrLIM(max_epochs=1, random_state=0).fit(pictures, y)


@pytest.mark.parametrize("estimator", [DrLIM, NeighborMap])
def test_pairs_to_be_mapped_are_asked_about(estimator):
    model = estimator(max_epochs=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match=re.escape("Are these pairs? Map their samples as rows, X.reshape(-1, 3).")):
        model.transform(RANDOM.normal(size=(5, 2, 3)))
