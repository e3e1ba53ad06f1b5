"""The certificate that a page has, and whether it says that it is about the samples shown."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from drlim import DrLIM, Table, certificate, load, save
from drlim.explorer import contents_of


@pytest.fixture(scope="module")
def X() -> np.ndarray:  # noqa: N802
    return np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def brighter(batch):
    return batch + 0.1


@pytest.fixture(scope="module")
def certified(X, tmp_path_factory):
    """A model as it is read from its file, with a certificate that was measured on X."""
    model = DrLIM(encoder="linear", max_epochs=2, random_state=0, verbose=False).fit(X)
    made = certificate(model, 0.9 * X, {"brighter": brighter}, n_permutations=19, n_bootstrap=100, n_splits=3)
    path = tmp_path_factory.mktemp("certified") / "map.safetensors"
    save(model, path, certificate=made)
    return load(path), made


def test_the_page_has_the_certificate_of_the_file(certified, X) -> None:
    model, made = certified
    found = contents_of(model, 0.9 * X).meta["certificate"]
    assert found == {"record": made.to_dict(), "covers": "these", "of_this_encoder": True}
    assert contents_of(model, X).meta["certificate"]["covers"] == "others"
    assert contents_of(model).meta["certificate"]["covers"] == "unknown"


def test_a_model_without_one_has_none(X) -> None:
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    assert contents_of(model, X).meta["certificate"] is None


def test_an_encoder_that_was_trained_further_is_another_one(certified, X) -> None:
    model, _ = certified
    import copy

    later = copy.deepcopy(model).partial_fit(X)
    assert contents_of(later, X).meta["certificate"]["of_this_encoder"] is False


def test_a_pipeline_is_certified_on_its_table(tmp_path) -> None:
    rng = np.random.default_rng(0)
    table = {"age": rng.normal(40, 9, 50), "city": np.array(["Oslo", "Bergen"])[rng.integers(0, 2, 50)]}
    model = make_pipeline(Table(), DrLIM(encoder="linear", max_epochs=2, random_state=0, verbose=False)).fit(table)
    ids = np.repeat(np.arange(25), 2)
    path = tmp_path / "map.safetensors"
    held_out = {**table, "age": table["age"] + 0.5}
    save(model, path, certificate=certificate(model, held_out, ids, n_bootstrap=100))
    assert contents_of(load(path), held_out).meta["certificate"]["covers"] == "these"
