"""Answers to requests that other estimators serve."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import has_fit_parameter

from drlim import DrLIM, NeighborhoodGraph, NeighborMap

X = np.random.default_rng(0).normal(size=(20, 3))

KINDS = pytest.mark.parametrize("kind", [DrLIM, NeighborMap])


@KINDS
@pytest.mark.parametrize("method", ["fit", "partial_fit", "fit_transform", "score"])
def test_sample_weight_is_answered(kind, method):
    model = kind(n_neighbors=2, max_epochs=1).fit(X)
    before = dict(vars(model))
    sentence = (
        f"{kind.__name__}.{method} takes no 'sample_weight': pairs of samples have weights, samples have none. Give "
        "graph=NeighborhoodGraph.from_pairs(n_samples, pairs, weights=weights)."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(sentence)}$"):
        getattr(model, method)(X, sample_weight=np.ones(20))
    assert vars(model) == before
    with pytest.raises(TypeError, match="unexpected keyword argument 'weight'"):
        getattr(model, method)(X, weight=np.ones(20))


@KINDS
def test_weights_of_pairs_are_the_way(kind):
    graph = NeighborhoodGraph.from_pairs(20, [(0, 1), (2, 3)], weights=[1.0, 2.0])
    assert kind(max_epochs=1).fit(X, graph=graph).graph_.similar.weight_of(2, 3) > 0


@KINDS
def test_scikit_learn_sees_no_weights_and_no_way_back(kind):
    model = kind(n_neighbors=2, max_epochs=1)
    assert not has_fit_parameter(model, "sample_weight")
    assert "sample_weight" not in model.get_metadata_routing().fit.requests
    assert not hasattr(model, "inverse_transform")
    assert not hasattr(make_pipeline(StandardScaler(), model), "inverse_transform")
    with pytest.raises(TypeError, match=f"^{kind.__name__}.fit_transform takes no 'sample_weight'"):
        make_pipeline(StandardScaler(), model).fit_transform(X, **{f"{kind.__name__.lower()}__sample_weight": None})


@KINDS
def test_inverse_transform_is_answered(kind):
    sentence = (
        f"{kind.__name__} has no inverse_transform: many samples may lie at one place of a map, and none at most "
        "places. Training samples near a place are found by "
        "sklearn.neighbors.NearestNeighbors().fit(model.embedding_).kneighbors(places)."
    )
    with pytest.raises(AttributeError, match=f"^{re.escape(sentence)}$"):
        kind().inverse_transform(X)
