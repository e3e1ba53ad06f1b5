"""Functions that training or a score calls: a loaded model has the same again, or refuses what needs them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.neighbors import KNeighborsTransformer
from tests.persistence.models import QUICK, QUICK_MAP, TABLE, attract, forge, repel

from drlim import DrLIM, NeighborMap, knn_graph, load, save
from drlim.persistence import ModelFileError


def two_nearest(X: Any) -> Any:
    return knn_graph(X, 2)


def noise(batch: Any, generator: np.random.Generator) -> Any:
    return batch + generator.normal(size=batch.shape).astype(batch.dtype)


def distance(first: Any, second: Any) -> float:
    return float(np.abs(first - second).sum())


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "neighbours": (DrLIM(**QUICK, neighbors=two_nearest), {"neighbors": two_nearest}),
    "a transformer": (DrLIM(**QUICK, neighbors=KNeighborsTransformer(n_neighbors=3)), {}),
    "an orbit": (DrLIM(**QUICK, orbit=noise), {"orbit": noise}),
    "both": (DrLIM(**QUICK, neighbors=two_nearest, orbit=noise), {"neighbors": two_nearest, "orbit": noise}),
    "an orbit of a map": (NeighborMap(**QUICK_MAP, orbit=noise), {"orbit": noise}),
    "a metric": (NeighborMap(**QUICK_MAP, metric=distance), {"metric": distance}),
}
CASES["a transformer"][1]["neighbors"] = CASES["a transformer"][0].neighbors


@pytest.mark.parametrize("name", CASES)
def test_given_again_all_is_as_before(path, name):
    estimator, functions = CASES[name]
    model = clone(estimator).fit(TABLE)
    save(model, path)
    loaded = load(path, **functions)
    assert {parameter: getattr(loaded, parameter) for parameter in functions} == functions
    assert loaded.score(TABLE) == model.score(TABLE)
    assert loaded.transform(TABLE).tobytes() == model.transform(TABLE).tobytes()
    np.testing.assert_array_equal(loaded.partial_fit(TABLE).embedding_, model.partial_fit(TABLE).embedding_)


@pytest.mark.parametrize("name", CASES)
def test_without_them_a_score_is_that_of_before_or_an_error(path, name):
    estimator, functions = CASES[name]
    model = clone(estimator).fit(TABLE)
    save(model, path)
    loaded = load(path)
    graph = knn_graph(TABLE, 3)
    assert loaded.transform(TABLE).tobytes() == model.transform(TABLE).tobytes()
    assert loaded.score(TABLE, graph=graph) == model.score(TABLE, graph=graph)  # a graph needs no search
    if {"neighbors", "metric"} & functions.keys():
        (finder,) = {"neighbors", "metric"} & functions.keys()
        refused(loaded.score, finder, functions[finder])
    else:
        assert loaded.score(TABLE) == model.score(TABLE)
    for call in (loaded.fit, loaded.partial_fit):
        first = "orbit" if "orbit" in functions and isinstance(loaded, NeighborMap) else next(iter(functions))
        refused(call, first, functions[first])
    if "orbit" not in functions:
        loaded.partial_fit(TABLE, graph=graph)
    else:
        refused(lambda X: loaded.partial_fit(X, graph=graph), "orbit", functions["orbit"])


def refused(call: Any, parameter: str, function: Any) -> None:
    kind = "a function" if callable(function) else "an object"
    name = getattr(function, "__name__", type(function).__name__)
    message = (
        f"was {kind}, '{name}', and no code is in a model file. Give the same again: model.set_params({parameter}=...)."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        call(TABLE)


@pytest.mark.parametrize("name", CASES)
def test_their_names_are_saved_again(path, tmp_path, name):
    estimator, _ = CASES[name]
    save(clone(estimator).fit(TABLE), path)
    again = tmp_path / "again"
    save(load(path), again)
    assert again.read_bytes() == path.read_bytes()
    assert type(clone(load(path))) is type(estimator)


@pytest.mark.parametrize("parameter", ["neighbors", "orbit", "metric"])
def test_one_that_there_was_not_is_refused(path, parameter):
    save(DrLIM(**QUICK).fit(TABLE), path)
    message = f"The '{parameter}' parameter of load must be None for this file, which was saved without: {path}"
    with pytest.raises(ValueError, match=re.escape(message)):
        load(path, **{parameter: noise})


def test_one_that_is_none_is_refused(path):
    save(DrLIM(**QUICK, orbit=noise).fit(TABLE), path)
    with pytest.raises(
        ModelFileError, match=re.escape("The 'orbit' parameter of DrLIM must be None or a callable. Got 3")
    ):
        load(path, orbit=3)


@pytest.mark.parametrize("value", [{"function": 3}, {"os.system": "ls"}, {}, {"function": "f", "object": "g"}])
def test_a_name_that_is_none_is_refused(path, value):
    save(DrLIM(**QUICK, orbit=noise).fit(TABLE), path)
    forge(path, lambda metadata, _: metadata["parameters"].update(orbit=value))
    with pytest.raises(ModelFileError, match="cannot be used"):
        load(path)


def test_a_file_of_the_first_format_has_no_names(path):
    save(DrLIM(**QUICK).fit(TABLE), path, novelty=False)
    forge(path, lambda metadata, _: metadata["parameters"].update(orbit={"function": "noise"}))
    with pytest.raises(ModelFileError, match=re.escape("The 'orbit' parameter of DrLIM must be None or a callable.")):
        load(path)


@pytest.mark.parametrize("estimator", [DrLIM(**QUICK), NeighborMap(**QUICK_MAP)])
def test_springs_of_ones_own_are_asked_for(path, estimator):
    model = clone(estimator).set_params(springs=(attract, repel)).fit(TABLE)
    save(model, path)
    with pytest.raises(ModelFileError, match="was saved with springs of your own"):
        load(path)
    assert load(path, springs=(attract, repel)).score(TABLE) == model.score(TABLE)


@pytest.mark.parametrize("estimator", [DrLIM(**QUICK), NeighborMap(**QUICK_MAP)])
def test_a_score_after_loading_is_that_of_before_whatever_drew_the_seed(path, estimator):
    for random_state in (None, 3, np.random.RandomState(0)):
        model = clone(estimator).set_params(random_state=random_state).fit(TABLE)
        save(model, path)
        assert load(path).score(TABLE) == model.score(TABLE)
