"""Steps of scikit-learn as torch modules give what scikit-learn gives, in float64."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, VarianceThreshold, f_classif
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from drlim.deploy.steps import _places, steps_module

RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(40, 4)) * [1, 10, 1e-3, 1] + [0, 1e4, 0, 1]
TABLE[:, 3] = RANDOM.integers(0, 3, 40)
NEW = TABLE[::-1] * 1.5
NEW[:, 3] = TABLE[:, 3]
HOLES = np.where(RANDOM.random((40, 4)) < 0.2, np.nan, TABLE)


def exported(*steps, X=TABLE, new=NEW, y=None):
    """Return what scikit-learn makes of new rows, and what the module does."""
    pipeline = make_pipeline(*steps, "passthrough").fit(X, y)
    wanted = pipeline[:-1].transform(new)
    wanted = wanted.toarray() if hasattr(wanted, "toarray") else np.asarray(wanted)
    return wanted, steps_module(pipeline)(torch.from_numpy(np.array(new, dtype=np.float64))).numpy()


def test_a_scaling_solved_by_hand():
    # Mean (1, 2), deviations (1, 0), for which scikit-learn takes 1: ((5, 3) - (1, 2)) / (1, 1)
    wanted, found = exported(StandardScaler(), X=[[0, 2], [2, 2]], new=np.array([[5, 3]]))
    assert found.tolist() == [[4.0, 1.0]]
    assert wanted.tolist() == found.tolist()


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        StandardScaler(with_mean=False),
        StandardScaler(with_std=False),
        MinMaxScaler(),
        MinMaxScaler(feature_range=(-2, 3), clip=True),
        MaxAbsScaler(),
        RobustScaler(),
        RobustScaler(with_centering=False, with_scaling=False),
        Normalizer(),
        Normalizer("l1"),
        Normalizer("max"),
        PCA(2),
        PCA(whiten=True),
        TruncatedSVD(2, random_state=0),
        VarianceThreshold(0.5),
        "passthrough",
        make_pipeline(StandardScaler(), PCA(3), MinMaxScaler()),
    ],
    ids=repr,
)
def test_a_step_is_that_of_scikit_learn(step):
    wanted, found = exported(step)
    np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-10)


def test_chosen_columns():
    wanted, found = exported(SelectKBest(f_classif, k=2), y=TABLE[:, 3] > 1)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_missing_values(strategy):
    wanted, found = exported(SimpleImputer(strategy=strategy, fill_value=0), X=HOLES, new=HOLES)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"drop": "first"}, {"handle_unknown": "ignore"}, {"drop": [1]}], ids=repr)
def test_categories(options):
    codes = TABLE[:, 3:]
    new = np.array([[0], [2], [7 if options.get("handle_unknown") else 1]])
    wanted, found = exported(OneHotEncoder(**options), X=codes, new=new)
    assert np.array_equal(found, wanted)


def numbers_and_codes(numbers, codes, **options):
    inner = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("n", inner, numbers), ("c", OneHotEncoder(), codes)], **options)


@pytest.mark.parametrize(
    ("numbers", "codes"),
    [
        ([0, 2], [3]),
        ([2, 0], [-1]),
        (slice(0, 2), slice(3, None)),
        ([True, False, True, False], [False, False, False, True]),
        (lambda X: [1], [3]),
        ([], [3]),
    ],
)
@pytest.mark.parametrize("remainder", ["drop", "passthrough"])
def test_columns_are_taken_apart(numbers, codes, remainder):
    wanted, found = exported(numbers_and_codes(numbers, codes, remainder=remainder, sparse_threshold=0))
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("numbers", "codes"), [(["c", "a"], ["d"]), (slice("a", "c"), ["d"]), (["b"], slice("d", None))]
)
def test_columns_are_taken_apart_by_name(numbers, codes):
    frames = [pd.DataFrame(rows, columns=list("abcd")) for rows in (TABLE, NEW)]
    wanted, found = exported(numbers_and_codes(numbers, codes), X=frames[0], new=frames[1])
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("column", "place"), [("c", 2), (1, 1), (-1, 3)])
def test_a_single_column(column, place):
    assert _places(column, list("abcd"), 4).tolist() == [place]


@pytest.mark.parametrize(
    ("step", "X", "what"),
    [
        (SimpleImputer(missing_values=-1), TABLE, "a SimpleImputer with another missing value than NaN"),
        (SimpleImputer(add_indicator=True), HOLES, "indicators of missing values, words, or columns without any value"),
        (OneHotEncoder(), [["a"], ["b"]], "a OneHotEncoder with categories that are no numbers"),
        (OneHotEncoder(max_categories=2), TABLE[:, 3:], "infrequent categories in one column"),
        (
            ColumnTransformer([("s", StandardScaler(), [0])], transformer_weights={"s": 2.0}),
            TABLE,
            "a ColumnTransformer with weights of its parts",
        ),
        (FunctionTransformer(np.log1p), TABLE, "a FunctionTransformer with a function"),
    ],
)
def test_an_option_that_cannot_be_exported_is_refused(step, X, what):
    pipeline = Pipeline([("step", step.fit(X)), ("map", "passthrough")])
    with pytest.raises(TypeError, match=re.escape(what)) as info:
        steps_module(pipeline)
    assert str(info.value).endswith("apply it before, and export the rest of the pipeline, such as pipeline[-1].")


def test_a_step_that_cannot_be_exported_is_refused():
    with pytest.raises(TypeError) as info:
        steps_module(make_pipeline(QuantileTransformer(n_quantiles=5).fit(TABLE), "passthrough"))
    assert str(info.value) == (
        "Expected steps before the map that can be exported: Table, StandardScaler, MinMaxScaler, MaxAbsScaler, "
        "RobustScaler, Normalizer, PCA, TruncatedSVD, SimpleImputer, OneHotEncoder, ColumnTransformer, "
        "FunctionTransformer, Pipeline and selections of columns. Got QuantileTransformer: apply it before, and export "
        "the rest of the pipeline, such as pipeline[-1]."
    )
