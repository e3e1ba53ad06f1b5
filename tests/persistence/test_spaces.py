"""Files of maps on curved spaces: the same map again, what is said of it, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from drlim import DrLIM, ModelFileError, load, save
from drlim.persistence import read_summary
from drlim.persistence.schema import FORMAT_VERSION, read_model_file
from drlim.persistence.space_record import check_space, without_space
from drlim.spaces import Circle, Line, Sphere

X = np.random.default_rng(0).normal(size=(40, 3))

CIRCLE = {"kind": "circle", "size": 1, "radius": None, "now": 1.5}
LINE = {"kind": "line", "size": 2, "radius": None, "now": None}


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"space": "circle"}, r"circle of radius [\d.]+ \(learned\)"),
        (
            {"space": "torus", "margin": 0.3},
            r"circle of radius [\d.]+ \(learned\) x circle of radius [\d.]+ \(learned\)",
        ),
        ({"space": Circle(0.7) * Line(2), "margin": 0.3}, "circle of radius 0.7 x line of 2 dimensions"),
        ({"space": Sphere(2.0), "encoder": nn.Linear(3, 3), "margin": 0.1}, "sphere of radius 2"),
    ],
    ids=["circle", "torus", "product", "own encoder"],
)
def test_a_map_on_a_space_comes_back_to_the_byte(tmp_path, parameters, said):
    model = DrLIM(max_epochs=5, random_state=0, **parameters).fit(X)
    path = tmp_path / "map.safetensors"
    save(model, path)
    own = {"encoder": parameters["encoder"]} if "encoder" in parameters else {}
    again = load(path, **own)
    assert again.transform(X).tobytes() == model.embedding_.tobytes()
    assert again.novelty(X).tobytes() == model.novelty(X).tobytes()
    assert again.space_ == model.space_
    assert again.space == model.space
    assert again.score(X) == model.score(X)
    summary = read_summary(path)
    assert summary["format_version"] == FORMAT_VERSION
    assert re.fullmatch(said, summary["space"])
    save(again, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()
    assert again.partial_fit(X).space_ == model.space_


def test_a_pipeline_with_a_map_on_a_space_comes_back(tmp_path):
    whole = make_pipeline(StandardScaler(), DrLIM(space="cylinder", max_epochs=3, random_state=0)).fit(X)
    save(whole, tmp_path / "map.safetensors")
    assert load(tmp_path / "map.safetensors").transform(X).tobytes() == whole.transform(X).tobytes()
    assert "space" in read_model_file(tmp_path / "map.safetensors").metadata


def test_flat_maps_keep_their_older_formats(tmp_path):
    model = DrLIM(max_epochs=3, random_state=0).fit(X)
    save(model, tmp_path / "map.safetensors", novelty=False)
    assert read_summary(tmp_path / "map.safetensors")["format_version"] == 1
    assert "space" not in read_summary(tmp_path / "map.safetensors")
    assert load(tmp_path / "map.safetensors").space_ == Line(2)


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        [LINE],
        [LINE, CIRCLE],
        [{**CIRCLE, "radius": 0.0}],
        [{**CIRCLE, "radius": True}],
        [{**CIRCLE, "now": float("inf")}],
        [{**CIRCLE, "size": 2}],
        [{**CIRCLE, "kind": "knot"}],
        [{**CIRCLE, "colour": "red"}],
        [CIRCLE, {**LINE, "radius": 1.0}],
        [CIRCLE, {**LINE, "size": -1}],
        [CIRCLE, LINE, LINE],
        [CIRCLE] * 65,
    ],
    ids=str,
)
def test_impossible_spaces_are_refused(given):
    with pytest.raises(ValueError, match="'space' in its metadata"):
        check_space(given, None)


def test_a_space_of_other_dimensions_than_the_map_is_refused():
    check_space([CIRCLE, LINE], 3)
    with pytest.raises(ValueError, match="has 3 dimensions, and the map 2"):
        check_space([CIRCLE, LINE], 2)


@pytest.mark.parametrize("version", [None, 0, 7, "1", True])
def test_a_flat_format_that_there_is_not_is_refused(version):
    with pytest.raises(ValueError, match="'flat_format' in its metadata"):
        without_space({"format_version": 7, "flat_format": version, "space": [CIRCLE]})


def test_the_own_network_of_a_file_needs_the_ambient_outputs(tmp_path):
    model = DrLIM(space="circle", encoder=nn.Linear(3, 2), max_epochs=3, random_state=0).fit(X)
    save(model, tmp_path / "map.safetensors")
    with pytest.raises(ModelFileError, match="do not fit the 'encoder' given"):
        load(tmp_path / "map.safetensors", encoder=nn.Linear(3, 1))
