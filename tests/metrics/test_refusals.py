"""The messages with which metrics refuse bad input."""

from __future__ import annotations

import math
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import eye_array
from tests.metrics.literal import normal

from drlim.metrics import (
    continuity,
    knn_accuracy,
    neighbor_recall,
    orbit_ratio,
    position_accuracy,
    position_r2,
    slant,
    spread,
    trustworthiness,
)

TEN = normal(10, 2)

MASKED = np.ma.array(np.arange(20.0).reshape(10, 2), mask=[[True, False], *[[False] * 2] * 9])

LABELS = ["a", "b"] * 5

REFUSALS = {
    "lengths": (
        lambda: trustworthiness(TEN, TEN[:9]),
        "Expected 'X' and 'Z' to describe the same samples, one a row. Got 10 in 'X' and 9 in 'Z'.",
    ),
    "lengths of recall": (
        lambda: neighbor_recall(TEN[:9], TEN),
        "Expected 'X' and 'Z' to describe the same samples, one a row. Got 9 in 'X' and 10 in 'Z'.",
    ),
    "half": (
        lambda: trustworthiness(TEN, TEN, n_neighbors=5),
        "The 'n_neighbors' parameter of trustworthiness must be an int in the range [1, 4], less than half of the "
        "10 samples. Got 5 instead.",
    ),
    "half, continuity": (
        lambda: continuity(TEN, TEN, n_neighbors=5),
        "The 'n_neighbors' parameter of continuity must be an int in the range [1, 4], less than half of the 10 "
        "samples. Got 5 instead.",
    ),
    "all": (
        lambda: neighbor_recall(TEN, TEN, n_neighbors=10),
        "The 'n_neighbors' parameter of neighbor_recall must be an int in the range [1, 9], fewer than the 10 "
        "samples. Got 10 instead.",
    ),
    "none": (
        lambda: continuity(TEN, TEN, n_neighbors=0),
        "The 'n_neighbors' parameter of continuity must be an int in the range [1, inf). Got 0 instead.",
    ),
    "float": (
        lambda: neighbor_recall(TEN, TEN, n_neighbors=2.0),
        "The 'n_neighbors' parameter of neighbor_recall must be an int in the range [1, inf). Got 2.0 instead.",
    ),
    "bool": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=True),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, inf). Got True instead.",
    ),
    "two samples": (
        lambda: trustworthiness(TEN[:2], TEN[:2], n_neighbors=1),
        "Found array with 2 sample(s) (shape=(2, 2)) while a minimum of 3 is required.",
    ),
    "masked map": (lambda: trustworthiness(TEN, MASKED), "Expected 'Z' to hold no masked values."),
    "masked samples": (lambda: continuity(MASKED, TEN), "Expected 'X' to hold no masked values."),
    "masked labels": (lambda: knn_accuracy(TEN, MASKED[:, 0]), "Expected 'y' to hold no masked values."),
    "masked orbits": (lambda: orbit_ratio(TEN, MASKED[:, 0]), "Expected 'orbits' to hold no masked values."),
    "masked target": (lambda: position_r2(TEN, MASKED[:, 0]), "Expected 'target' to hold no masked values."),
    "masked images": (lambda: slant(MASKED[None]), "Expected 'images' to hold no masked values."),
    "NaN": (lambda: trustworthiness(TEN, np.full((10, 2), np.nan)), "Input Z contains NaN."),
    "infinity": (lambda: continuity(np.full((10, 2), np.inf), TEN), "Input X contains infinity"),
    "flat map": (
        lambda: trustworthiness(TEN, TEN[:, 0]),
        "Expected 'Z' to be a 2-D array (n_samples, n_features). Got an array of shape (10,) and dtype float64.",
    ),
    "left out": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=10),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, 9], fewer than the 10 samples. "
        "Got 10 instead.",
    ),
    "held out": (
        lambda: knn_accuracy(TEN, LABELS, n_neighbors=11, Z_test=TEN, y_test=LABELS),
        "The 'n_neighbors' parameter of knn_accuracy must be an int in the range [1, 10], at most the 10 samples of "
        "'Z'. Got 11 instead.",
    ),
    "half a test set": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN),
        "'Z_test' and 'y_test' belong together: give both, or neither to leave one out.",
    ),
    "the other half": (
        lambda: knn_accuracy(TEN, LABELS, y_test=LABELS),
        "'Z_test' and 'y_test' belong together: give both, or neither to leave one out.",
    ),
    "columns": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN[:, :1], y_test=LABELS),
        "Expected 'Z' and 'Z_test' to have the same number of columns. Got 2 in 'Z' and 1 in 'Z_test'.",
    ),
    "test lengths": (
        lambda: knn_accuracy(TEN, LABELS, Z_test=TEN[:4], y_test=LABELS),
        "Expected 'y_test' and 'Z_test' to describe the same samples, one a row. Got 10 in 'y_test' and 4 in 'Z_test'.",
    ),
    "kinds": (
        lambda: knn_accuracy(TEN, [4, 9] * 5, Z_test=TEN, y_test=["4", "9"] * 5),
        "Expected 'y' and 'y_test' to be of one kind, numbers or strings: a number matches no string. "
        "Got dtype int64 in 'y' and <U1 in 'y_test'.",
    ),
    "label lengths": (
        lambda: knn_accuracy(TEN, LABELS[:3]),
        "Expected 'y' and 'Z' to describe the same samples, one a row. Got 3 in 'y' and 10 in 'Z'.",
    ),
    "label matrix": (
        lambda: orbit_ratio(TEN, TEN),
        "Expected 'orbits' to be 1-D, one label a sample. Got an array of shape (10, 2) and dtype float64.",
    ),
    "no label": (
        lambda: position_accuracy(TEN, [None, *LABELS[1:]]),
        "Expected 'labels' to hold a label for each sample, all numbers or all strings. Some are missing or of "
        "another kind: leave those samples out or give them a label of their own.",
    ),
    "NaN label": (
        lambda: knn_accuracy(TEN, [math.nan] + [1.0] * 9),
        "Expected 'y' to hold a label for each sample, all numbers or all strings.",
    ),
    "pandas' NA": (
        lambda: knn_accuracy(TEN, pd.array([pd.NA, *LABELS[1:]], dtype="string")),
        "Expected 'y' to hold a label for each sample, all numbers or all strings.",
    ),
    "one sample": (lambda: spread([[0.0, 1.0]]), "Found array with 1 sample(s)"),
    "pairs of copies": (
        lambda: spread([[0.0], [0.0], [1.0], [1.0]]),
        "Each sample of 'Z' coincides with another, so nearest-neighbour distances are all 0. Pass "
        "np.unique(Z, axis=0), if it has two rows or more, to judge the distinct places.",
    ),
    "one image": (
        lambda: slant(np.zeros((28, 28))),
        "Expected 'images' to be a 3-D array (n_samples, height, width). Got an array of shape (28, 28) and dtype "
        "float64. A single image is images[None]; of several channels choose one, images[:, 0].",
    ),
    "negative ink": (
        lambda: slant(np.full((1, 3, 3), -0.5)),
        "Expected 'images' to be ink on a background of 0, without negative values. Got -0.5 at the least. Subtract "
        "the background first.",
    ),
    "NaN ink": (lambda: slant(np.full((1, 3, 3), np.nan)), "Input images contains NaN."),
    "constant": (
        lambda: position_r2(TEN, np.ones(10), n_neighbors=3),
        "The values of 'target' are all the same, so there is no variance to explain.",
    ),
    "target lengths": (
        lambda: position_r2(TEN, np.arange(9.0), n_neighbors=3),
        "Expected 'target' and 'Z' to describe the same samples, one a row. Got 9 in 'target' and 10 in 'Z'.",
    ),
    "target matrix": (
        lambda: position_r2(TEN, TEN[None], n_neighbors=3),
        "Expected 'target' to be 1-D, one number a sample, or 2-D. Got an array of shape (1, 10, 2) and dtype float64.",
    ),
    "target NaN": (
        lambda: position_r2(TEN, np.full(10, np.nan), n_neighbors=3),
        "Input target contains NaN.",
    ),
    "splits": (
        lambda: position_r2(TEN, TEN[:, 0], n_neighbors=3, n_splits=11),
        "The 'n_splits' parameter of position_r2 must be an int in the range [2, 10], at most the 10 samples. "
        "Got 11 instead.",
    ),
    "one split": (
        lambda: position_accuracy(TEN, LABELS, n_neighbors=3, n_splits=1),
        "The 'n_splits' parameter of position_accuracy must be an int in the range [2, inf). Got 1 instead.",
    ),
    "one sample to fold": (
        lambda: position_r2(TEN[:1], [1.0]),
        "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required.",
    ),
    "one sample to vote": (
        lambda: position_accuracy(TEN[:1], ["a"]),
        "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required.",
    ),
    "no seed": (
        lambda: position_r2(TEN, TEN[:, 0], n_neighbors=3, random_state=None),
        "The 'random_state' parameter of position_r2 must be an int in the range [0, 4294967295]. Got None instead.",
    ),
    "neighbours outside a fold": (
        lambda: position_accuracy(TEN, LABELS, n_neighbors=7, n_splits=3),
        "The 'n_neighbors' parameter of position_accuracy must be an int in the range [1, 6], at most the samples "
        "outside the largest fold. Got 7 instead.",
    ),
    "collapsed": (
        lambda: orbit_ratio(np.ones((10, 2)), LABELS),
        "All samples of 'Z' coincide: the map has collapsed and has no variance to compare.",
    ),
    "orbit lengths": (
        lambda: orbit_ratio(TEN, LABELS[:3]),
        "Expected 'orbits' and 'Z' to describe the same samples, one a row. Got 3 in 'orbits' and 10 in 'Z'.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str) -> None:
    call, sentence = REFUSALS[case]
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        call()
    assert len(str(caught.value)) <= 600


def test_sparse_data_is_refused_with_a_way_out() -> None:
    with pytest.raises(TypeError, match=re.escape("Use '.toarray()' to convert to a dense numpy array.")):
        trustworthiness(eye_array(10).tocsr(), TEN)


def test_importing_metrics_imports_neither_torch_nor_matplotlib() -> None:
    code = "import sys; import drlim.metrics; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
