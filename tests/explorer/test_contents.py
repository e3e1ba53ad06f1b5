from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from drlim import DrLIM, NeighborhoodGraph, Table, datasets, metrics
from drlim.explorer import contents_of


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture(scope="module")
def model(points):
    return DrLIM(max_epochs=3, random_state=0).fit(points)


def column(contents, name):
    place = [one["name"] for one in contents.meta["columns"]].index(name)
    return contents.meta["columns"][place], contents.arrays.get(f"column{place}")


def test_the_map_of_the_training_samples(model, points):
    contents = contents_of(model, points)
    np.testing.assert_array_equal(contents.arrays["positions"], model.embedding_.astype(np.float32))
    assert contents.meta["n_samples"] == 40
    assert contents.meta["dimensions"] == 2
    assert [one["name"] for one in contents.meta["columns"]] == [
        *("x0", "x1", "x2", "energy", "tension", "novelty", "area distortion")
    ]
    np.testing.assert_array_equal(column(contents, "x1")[1], points[:, 1].astype(np.float32))


def test_without_samples_the_map_and_its_springs_are_shown(model):
    contents = contents_of(model)
    assert [one["name"] for one in contents.meta["columns"]] == ["energy", "tension"]
    assert contents.meta["colour"] == -1


def test_springs_go_both_ways(model):
    arrays = contents_of(model).arrays
    starts, others = arrays["similar_starts"], arrays["similar_others"]
    for i in range(40):
        assert others[starts[i] : starts[i + 1]].tolist() == model.graph_.neighbors(i).tolist()
    assert "dissimilar_starts" not in arrays


def test_stated_dissimilar_pairs_are_springs_too(points):
    graph = NeighborhoodGraph.from_pairs(40, [(0, 1)], dissimilar=[(0, 5), (2, 0)])
    arrays = contents_of(DrLIM(max_epochs=2, random_state=0).fit(points, graph=graph)).arrays
    starts, others = arrays["dissimilar_starts"], arrays["dissimilar_others"]
    assert others[starts[0] : starts[1]].tolist() == [2, 5]


def test_springs_that_are_too_many_are_left_out_and_said(model, monkeypatch):
    monkeypatch.setattr("drlim.explorer.judged._MOST_LISTED", 10)
    contents = contents_of(model)
    assert "similar_starts" not in contents.arrays
    assert "similar pairs: they are too many to be drawn" in contents.meta["springs_left_out"]


def test_energy_and_tension_are_those_of_the_metrics(model, points):
    contents = contents_of(model, points)
    judged = metrics.tension(model.embedding_.astype(float), model.graph_)
    np.testing.assert_allclose(column(contents, "energy")[1], judged.energy / judged.energy.mean(), rtol=1e-4)
    force = np.linalg.norm(judged.force, axis=1)
    np.testing.assert_allclose(column(contents, "tension")[1], force / force.mean(), rtol=1e-4)


def test_novelty_is_that_of_the_model(model, points):
    new = points[::-1] * 0.9
    found = column(contents_of(model, new), "novelty")[1]
    np.testing.assert_allclose(found, model.novelty(new)[:, 0], rtol=1e-5)


def test_other_samples_have_neither_springs_nor_energy(model, points):
    contents = contents_of(model, points + 1.0)
    assert "similar_starts" not in contents.arrays
    assert "energy" not in [one["name"] for one in contents.meta["columns"]]
    assert "not those trained on" in contents.meta["subtitle"]


def test_labels_colour_the_points_first_and_are_groups(model, points):
    contents = contents_of(model, points, labels=[f"g{place % 25}" for place in range(40)])
    assert contents.meta["colour"] == 0
    assert contents.meta["columns"][0]["kind"] == "category"
    continuous = contents_of(model, points, labels=points[:, 0])
    assert continuous.meta["colour"] == 0
    assert continuous.meta["columns"][0]["kind"] == "number"


def test_text_ids_and_columns(model, points):
    contents = contents_of(
        model, points, text=["<b>bold</b>"] * 40, ids=range(100, 140), columns={"city": ["Oslo", "Rome"] * 20}
    )
    assert contents.meta["ids"][:2] == ["100", "101"]
    assert column(contents, "text")[0]["values"][0] == "<b>bold</b>"
    assert column(contents, "city")[0]["categories"] == ["Oslo", "Rome"]


@pytest.mark.parametrize("name", ["labels", "text", "ids"])
def test_another_number_of_rows_is_refused_by_name(model, points, name):
    with pytest.raises(ValueError, match=f"Expected '{name}' and 'X' to describe the same samples"):
        contents_of(model, points, **{name: ["a", "b"]})


def test_images_are_thumbnails(points):
    data = datasets.digits()
    images = data.X_train[:60]
    model = DrLIM(max_epochs=1, random_state=0).fit(images)
    contents = contents_of(model, images)
    assert contents.meta["thumbnails"] == {"type": "image/png", "width": 8, "height": 8, "columns": 8}
    assert contents_of(model).meta["thumbnails"] is None
    with pytest.raises(ValueError, match="Expected 'images' and 'X' to describe the same samples"):
        contents_of(model, images, images=images[:5])
    with pytest.raises(ValueError, match="Expected 'images' to have the shape"):
        contents_of(model, images, images=np.zeros((60, 5)))


def test_a_table_is_shown_as_it_was_given():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(size=50), "city": ["Oslo", "Rome"] * 25})
    model = make_pipeline(Table(), DrLIM(max_epochs=2, random_state=0)).fit(frame)
    contents = contents_of(model, frame)
    assert column(contents, "city")[0]["categories"] == ["Oslo", "Rome"]
    assert contents.meta["colour"] == 1
    assert "similar_starts" in contents.arrays  # the same rows as in training


def test_a_scaler_before_the_map(points):
    model = make_pipeline(StandardScaler(), DrLIM(max_epochs=2, random_state=0)).fit(points)
    np.testing.assert_allclose(contents_of(model, points).arrays["positions"], model.transform(points), atol=1e-6)


def test_one_dimension_is_drawn_on_a_line_and_three_stay(points):
    flat = contents_of(DrLIM(1, max_epochs=1, random_state=0).fit(points))
    assert flat.arrays["positions"].shape == (40, 2)
    assert not flat.arrays["positions"][:, 1].any()
    assert contents_of(DrLIM(3, max_epochs=1, random_state=0).fit(points)).meta["dimensions"] == 3


def test_more_dimensions_are_refused(points):
    model = DrLIM(4, max_epochs=1, random_state=0).fit(points)
    with pytest.raises(ValueError, match=r"Expected a map of 1 to 3 dimensions, which a page can show. Got one of 4"):
        contents_of(model)


def test_what_is_no_map_is_refused(points):
    with pytest.raises(TypeError, match="The 'model' parameter of explore must be a DrLIM"):
        contents_of(StandardScaler().fit(points))
    with pytest.raises(NotFittedError):
        contents_of(DrLIM())
    with pytest.raises(ValueError, match="The 'theme' parameter of explore must be"):
        contents_of(DrLIM(), theme="blue")


def test_many_positions_are_stored_in_16_bits(model, points, monkeypatch):
    monkeypatch.setattr("drlim.explorer.contents._MANY", 40)
    contents = contents_of(model, points)
    steps, (low, high) = contents.arrays["positions"], (contents.meta["positions"][end] for end in ("low", "high"))
    assert steps.dtype == np.uint16
    back = low + steps * (np.array(high) - low) / 65535
    np.testing.assert_allclose(back, model.embedding_, atol=np.ptp(model.embedding_) / 65535)


def test_columns_of_arrays_that_are_wide_or_long_are_left_out_and_said(monkeypatch):
    X = np.random.default_rng(0).normal(size=(40, 60))
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X)
    contents = contents_of(model, X)
    assert contents.meta["columns_left_out"].startswith("60 of the 60 columns of the samples are left out")
    assert not any(one["name"].startswith("x") for one in contents.meta["columns"])
    narrow = DrLIM(encoder="linear", max_epochs=1, random_state=0).fit(X[:, :5])
    assert contents_of(narrow, X[:, :5]).meta["columns_left_out"] == ""
    monkeypatch.setattr("drlim.explorer.contents._MOST_VALUES", 80)
    contents = contents_of(narrow, X[:, :5])
    assert [one["name"] for one in contents.meta["columns"]][:3] == ["x0", "x1", "energy"]
    assert contents.meta["columns_left_out"].startswith("3 of the 5 columns")
