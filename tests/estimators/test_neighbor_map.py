"""`NeighborMap` as a transformer: scikit-learn's contract."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import _param_validation as sklearn_kinds
from sklearn.utils import estimator_checks
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

import drlim
import drlim.training.placing
from drlim import NeighborMap, knn_graph, label_graph
from drlim._base.checks import InvalidParameterError
from drlim._base.constraints import StrOptions, _HasMethods, _Interval
from drlim.estimators import parameters

VARIANTS = [
    NeighborMap(max_epochs=1),
    NeighborMap(3, metric="cosine", max_epochs=1),
    NeighborMap(1, metric="precomputed", n_neighbors=3, max_epochs=1),
]


@parametrize_with_checks(VARIANTS)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
        "check_dataframe_column_names_consistency",
        "check_n_features_in_after_fitting",
        "check_estimators_partial_fit_n_features",
        "check_transformer_preserve_dtypes",
        "check_do_not_raise_errors_in_init_or_set_params",
        "check_transformers_unfitted",
    ],
)
# These checks pass arrays to an estimator fitted on a data frame, and the reverse, on purpose.
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.filterwarnings("ignore:X has feature names, but NeighborMap was fitted without")
def test_checks_scikit_learn_leaves_to_the_caller(check):
    getattr(estimator_checks, check)("NeighborMap", VARIANTS[0])


def test_scikit_learn_check_of_parameters(monkeypatch):
    # The check makes bad values from scikit-learn's own kinds of constraint.
    kinds = {
        _Interval: lambda accepted: sklearn_kinds.Interval(
            accepted.of, accepted.low, accepted.high, closed=accepted.closed
        ),
        StrOptions: lambda accepted: sklearn_kinds.StrOptions(set(accepted.options)),
        _HasMethods: lambda accepted: sklearn_kinds.HasMethods(list(accepted.methods)),
    }

    def translated(accepted):
        return kinds.get(type(accepted), sklearn_kinds.make_constraint)(accepted)

    monkeypatch.setattr(NeighborMap, "_parameter_constraints", parameters._OF_A_NEIGHBOR_MAP, raising=False)
    monkeypatch.setattr(estimator_checks, "InvalidParameterError", InvalidParameterError)
    monkeypatch.setattr(estimator_checks, "make_constraint", translated)
    estimator_checks.check_param_validation("NeighborMap", VARIANTS[0])


def fitted(X, **parameters):
    return NeighborMap(**{"random_state": 0, "max_epochs": 2, **parameters}).fit(X)


@pytest.fixture
def cloud():
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("parameter", "other"),
    [
        ("n_components", 3),
        ("n_neighbors", 2),
        ("metric", "cosine"),
        ("encoder", nn.Sequential(nn.Linear(4, 6), nn.Tanh())),
        ("orbit", np.negative),
        ("springs", (lambda d: d**2, lambda d: torch.exp(-d))),
        ("n_places", 5),
        ("max_epochs", 7),
        ("random_state", 1),
    ],
)
def test_every_parameter_acts(cloud, parameter, other):
    embedding = fitted(cloud).embedding_
    changed = fitted(cloud, **{parameter: other}).embedding_
    assert embedding.shape != changed.shape or np.abs(embedding - changed).max() > 1e-4


def test_device_is_used(cloud):
    with pytest.raises(ValueError, match="The 'device' parameter of NeighborMap must be 'auto' or a device"):
        fitted(cloud, device="meta")
    assert next(fitted(cloud, device="cpu").encoder_.parameters()).device.type == "cpu"


def test_the_bar_begins_before_the_points_are_relaxed(cloud, capsys, monkeypatch):
    def fails(*_, **__):
        raise ArithmeticError

    monkeypatch.setattr("drlim.estimators.neighbor_map.lay_out", fails)
    with pytest.raises(ArithmeticError):
        NeighborMap(n_neighbors=3, max_epochs=7, random_state=0, verbose=True).fit(cloud[:20])
    shown = capsys.readouterr().err
    assert "epoch 0/7" in shown
    assert "20 samples, " in shown


def test_verbose_shows_a_bar_and_silence_is_the_default(cloud, capsys):
    fitted(cloud)
    assert capsys.readouterr() == ("", "")
    fitted(cloud, verbose=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 2/2" in err
    assert "cross-entropy" in err


def test_data_frames_give_and_take_names(cloud):
    frame = pd.DataFrame(cloud, columns=list("abcd"))
    model = NeighborMap(random_state=0, max_epochs=1).set_output(transform="pandas").fit(frame)
    assert model.transform(frame).columns.tolist() == ["neighbormap0", "neighbormap1"]
    assert model.feature_names_in_.tolist() == list("abcd")


def test_pickle_clone_pipeline_and_grid_search(cloud):
    model = fitted(cloud)
    copy = pickle.loads(pickle.dumps(model))  # noqa: S301
    np.testing.assert_array_equal(copy.transform(cloud), model.embedding_)
    assert clone(model).get_params() == model.get_params()
    graph = knn_graph(cloud, 3)
    pipe = make_pipeline(StandardScaler(), NeighborMap(random_state=0, max_epochs=1))
    assert pipe.fit(cloud, neighbormap__graph=graph)[-1].graph_ is graph
    grid = {"n_components": [1, 2], "n_neighbors": [2, 5]}
    search = GridSearchCV(NeighborMap(random_state=0, max_epochs=2), grid, cv=2, error_score="raise").fit(cloud)
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert len(set(scores)) == 4


def test_distances_can_be_searched_over(cloud):
    distance = np.linalg.norm(cloud[:, None] - cloud, axis=2)
    model = NeighborMap(metric="precomputed", random_state=0, max_epochs=1)
    search = GridSearchCV(model, {"n_components": [1, 2]}, cv=3, error_score="raise").fit(distance)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.input_shape_ == (60,)


def test_each_keyword_is_routed_and_a_graph_is_cut_with_its_samples(cloud):
    seen = []

    class Watched(NeighborMap):
        def fit(self, X, y=None, *, graph=None, pairs=None):
            seen.append(graph)
            return super().fit(X, y, graph=graph, pairs=pairs)

    graph = label_graph(np.arange(60) % 2)
    with sklearn.config_context(enable_metadata_routing=True):
        model = Watched(max_epochs=1, random_state=0)
        model = model.set_fit_request(graph=True, pairs=False).set_score_request(graph=True, pairs=False)
        search = GridSearchCV(model, {"n_components": [1, 2]}, cv=2, error_score="raise")
        search.fit(cloud, graph=graph)
        NeighborMap().set_partial_fit_request(graph=True, pairs=True, anchor=True, anchor_weight=True)
        asking = NeighborMap(max_epochs=1).set_fit_request(pairs=True).set_score_request(pairs=False)
        search = GridSearchCV(asking, {"n_components": [1]}, cv=2, error_score="raise")
        with pytest.raises(TypeError, match=re.escape("Give drlim.pairs(n_samples, similar=..., dissimilar=...).")):
            search.fit(cloud, pairs=np.array([[0, 1], [2, 3]]))
        search.fit(cloud, pairs=drlim.pairs(60, similar=[(0, 1)]))
        assert 1 in search.best_estimator_.graph_.neighbors(0)
    assert [cut.n_samples for cut in seen] == [30] * 4 + [60]
    assert seen[0] == graph.subgraph(np.arange(30, 60))
