from __future__ import annotations

import numpy as np
import pytest
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim import DrLIM, NeighborMap

X = np.random.default_rng(0).normal(size=(30, 3))


@pytest.mark.parametrize("kind", [DrLIM, NeighborMap])
def test_a_notebook_shows_the_diagram_and_the_map_of_a_fitted_estimator(kind):
    unfitted = kind(max_epochs=2, random_state=0)
    assert "<iframe" not in unfitted._repr_html_()
    shown = unfitted.fit(X)._repr_html_()
    assert shown.index("sk-container") < shown.index("<iframe")
    assert unfitted._repr_mimebundle_()["text/html"].count("<iframe") == 1
    assert unfitted._repr_mimebundle_()["text/plain"] == repr(unfitted)


def test_scikit_learns_option_is_obeyed():
    model = DrLIM(max_epochs=1, random_state=0).fit(X)
    with config_context(display="text"):
        assert not hasattr(model, "_repr_html_")
        assert "text/html" not in model._repr_mimebundle_()


def test_large_maps_and_those_of_many_dimensions_are_not_shown(monkeypatch):
    model = DrLIM(4, max_epochs=1, random_state=0).fit(X)
    assert "<iframe" not in model._repr_html_()
    model = DrLIM(max_epochs=1, random_state=0).fit(X)
    monkeypatch.setattr("drlim.estimators.showing._MOST_SAMPLES", 29)
    assert "<iframe" not in model._repr_html_()


def test_a_pipeline_is_shown_as_scikit_learn_shows_it():
    model = make_pipeline(StandardScaler(), DrLIM(max_epochs=1, random_state=0)).fit(X)
    assert "<iframe" not in model._repr_html_()
