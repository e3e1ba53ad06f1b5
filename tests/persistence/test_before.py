"""Pipelines of a `Table` or a StandardScaler and a map: one file, the same numbers, and no code in it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import drlim
from drlim._base.sealed import KEY, metadata_text, sealed
from drlim.persistence import read_summary
from drlim.persistence.before import check_steps, described_steps

RANDOM = np.random.default_rng(0)
ROWS = {
    "id": list(range(100, 140)),
    "age": [*RANDOM.integers(20, 80, 39).tolist(), None],
    "income": (RANDOM.normal(size=40) * 1e4).tolist(),
    "city": RANDOM.choice(["Oslo", "Bergen", "Tromsø"], 40).tolist(),
}


def quick() -> drlim.DrLIM:
    return drlim.DrLIM(encoder="linear", max_epochs=2, n_neighbors=3, random_state=0)


@pytest.fixture(scope="module")
def tables():
    return make_pipeline(drlim.Table(drop=["income"]), quick()).fit(ROWS)


@pytest.fixture(scope="module")
def scaled():
    return Pipeline([("scale", StandardScaler()), ("map", quick())]).fit(RANDOM.normal(size=(40, 3)) * [1, 10, 100])


def test_a_pipeline_of_a_table(tables, tmp_path):
    drlim.save(tables, tmp_path / "m.safetensors")
    again = drlim.load(tmp_path / "m.safetensors")
    assert [name for name, _ in again.steps] == ["table", "map"]
    assert (again.transform(ROWS) == tables.transform(ROWS)).all()
    assert again[0].get_params() == {**tables[0].get_params(), "categories": [], "numbers": [], "as_is": []}
    assert again[0].columns_ == tables[0].columns_
    assert again[0].describe() == tables[0].describe()
    assert again[0].feature_names_in_.tolist() == list(ROWS)
    drlim.save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "m.safetensors").read_bytes()


def test_a_pipeline_of_a_scaler(scaled, tmp_path):
    X = RANDOM.normal(size=(9, 3)) * [1, 10, 100]
    drlim.save(scaled, tmp_path / "m.safetensors")
    again = drlim.load(tmp_path / "m.safetensors")
    assert (again.transform(X) == scaled.transform(X)).all()
    assert again[0].n_samples_seen_ == 40
    assert (again[0].partial_fit(X).mean_ == scaled[0].partial_fit(X).mean_).all()


def test_a_neighbor_map_after_two_steps(tmp_path):
    estimator = drlim.NeighborMap(random_state=0, n_places=20, max_epochs=1)
    pipeline = make_pipeline(drlim.Table(), StandardScaler(with_mean=False), estimator).fit(ROWS)
    drlim.save(pipeline, tmp_path / "m.safetensors")
    again = drlim.load(tmp_path / "m.safetensors")
    assert len(again) == 3
    assert (again.transform(ROWS) == pipeline.transform(ROWS)).all()
    assert read_summary(tmp_path / "m.safetensors")["before"] == [again[0].describe(), "StandardScaler"]


def test_a_pipeline_of_a_map_alone_is_the_map(tmp_path):
    estimator = quick().fit(RANDOM.normal(size=(20, 3)))
    drlim.save(Pipeline([("nothing", "passthrough"), ("map", estimator)]), tmp_path / "m.safetensors")
    assert isinstance(drlim.load(tmp_path / "m.safetensors"), drlim.DrLIM)


def test_the_summary_says_what_is_before(tables, tmp_path):
    drlim.save(tables, tmp_path / "m.safetensors")
    summary = read_summary(tmp_path / "m.safetensors")
    assert summary["before"] == [tables[0].describe()]
    assert summary["format_version"] == 5


def test_other_steps_are_refused(tmp_path):
    X = RANDOM.normal(size=(20, 3))
    with pytest.raises(TypeError, match=re.escape("Got PCA() as 'pca': a file holds no code.")):
        drlim.save(make_pipeline(PCA(), quick()).fit(X), tmp_path / "m.safetensors")
    with pytest.raises(TypeError, match="must be a DrLIM, a NeighborMap or a pipeline that ends with one"):
        drlim.save(make_pipeline(quick(), StandardScaler()).fit(X), tmp_path / "m.safetensors")
    assert not list(tmp_path.iterdir())


def changed(path, change) -> None:
    """Write a model file with other metadata, under a checksum that is right."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = json.loads(header["__metadata__"][KEY])
    change(metadata)
    del metadata["sha256"]
    header["__metadata__"][KEY] = metadata_text(metadata)
    text = json.dumps(header).encode()
    path.write_bytes(sealed(len(text).to_bytes(8, "little") + text + content[8 + length :]))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (lambda one: one["before"][0].update(kind="FunctionTransformer"), "'kind' of a step"),
        (lambda one: one["before"][0].update(more=1), "a step in its metadata has other keys"),
        (lambda one: one["before"][0].update(n_features=0), "'n_features' of a step"),
        (lambda one: one["before"][0].update(feature_names=["a"]), "another number of columns"),
        (lambda one: one["before"][0]["parameters"].update(fill=3), "'fill' of the parameters of a Table"),
        (lambda one: one["before"][0]["parameters"].update(fill="x"), "cannot be used: The 'fill' parameter of Table"),
        (lambda one: one["before"][0]["parameters"].update(drop=[[]]), "'drop' of the parameters of a Table"),
        (lambda one: one["before"][0]["learned"]["columns"][1].update(scale=0), "'columns' of a Table"),
        (lambda one: one["before"][0]["learned"]["columns"][1].update(kind="x"), "'columns' of a Table"),
        (lambda one: one["before"][0]["learned"]["columns"][1].update(levels=["a"]), "'columns' of a Table"),
        (lambda one: one["before"][0]["learned"]["columns"][3].update(levels=["a", "a"]), "'columns' of a Table"),
        (lambda one: one["before"][0]["learned"]["columns"][3].update(levels=["a"]), "gives other columns than"),
        (lambda one: one["before"][0]["learned"]["columns"].pop(), "another number of columns"),
        (lambda one: one.update(before=[]), "'before' in its metadata is no list of steps"),
        (lambda one: one.update(before=one["before"] * 21), "'before' in its metadata is no list of steps"),
        (lambda one: one.update(map_format=5), "'map_format' in its metadata"),
        (lambda one: one.pop("map_format"), "'map_format' in its metadata"),
        (lambda one: one.pop("before"), "metadata"),
        (lambda one: one.update(format_version=1), "metadata"),
    ],
)
def test_impossible_steps_are_refused(tables, tmp_path, change, cause):
    path = tmp_path / "m.safetensors"
    drlim.save(tables, path)
    changed(path, change)
    with pytest.raises(drlim.ModelFileError, match=re.escape(cause)):
        drlim.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["learned"].update(scale=[1.0, 0.0, 1.0]),
        lambda one: one["learned"].update(mean=[1.0, "x", 1.0]),
        lambda one: one["learned"].update(mean=[1.0]),
        lambda one: one["learned"].update(n_samples_seen=-1),
        lambda one: one["parameters"].update(with_mean=1),
        lambda one: one["parameters"].pop("copy"),
    ],
)
def test_impossible_scalers_are_refused(scaled, change):
    (record,) = described_steps([("scale", scaled[0])])
    check_steps([record])
    change(record)
    with pytest.raises(ValueError, match="in its metadata"):
        check_steps([record])
