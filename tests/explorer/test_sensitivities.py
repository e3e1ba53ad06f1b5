"""What a page holds of the derivative of a map is that of the metrics, in fewer digits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from torch import nn

from drlim import DrLIM, NeighborMap, Table, metrics
from drlim.explorer import contents_of, pack


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(50, 20)) * np.linspace(0.5, 3, 20)


@pytest.fixture(scope="module")
def model(table) -> DrLIM:
    return DrLIM(max_epochs=3, random_state=0, verbose=False).fit(table)


def column(contents, name):
    place = [one["name"] for one in contents.meta["columns"]].index(name)
    return contents.arrays[f"column{place}"]


def slopes_of(contents) -> np.ndarray:
    """Slopes (n, q, d) as the page reads them."""
    arrays = contents.arrays
    factor = arrays["slopes_largest"] / contents.meta["sensitivities"]["levels"]
    return arrays["slopes"].astype(float) * factor[:, None, None]


def test_the_features_that_move_a_sample_most_are_listed_with_their_slopes(model, table) -> None:
    found = contents_of(model, table)
    said = found.meta["sensitivities"]
    assert said["names"] == [f"x{place}" for place in range(20)]
    assert said["directions"] == [["to the right", "to the left"], ["up", "down"]]
    wanted = metrics.jacobian(model, table) * table.std(axis=0)  # (n, d, p)
    numbers = found.arrays["slopes_of"].astype(int)
    assert numbers.shape == (50, 12)
    lengths = np.linalg.norm(wanted, axis=1)
    np.testing.assert_array_equal(numbers, np.argsort(-lengths, axis=1, kind="stable")[:, :12])
    chosen = np.take_along_axis(wanted.transpose(0, 2, 1), numbers[:, :, None], axis=1)
    largest = np.abs(chosen).max(axis=(1, 2))
    assert (np.abs(slopes_of(found) - chosen).max(axis=(1, 2)) <= 0.51 / 127 * largest).all()
    pack(found.meta, found.arrays)


def test_names_of_features_that_no_sample_lists_are_left_out() -> None:
    X = np.zeros((20, 70_000), dtype=np.float32)
    X[:, 66_000:66_020] = np.random.default_rng(0).normal(size=(20, 20))
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    found = contents_of(model, X, encoder=False)
    said = found.meta["sensitivities"]
    assert said["n_features"] == 70_000
    assert set(said["names"]) <= {f"x{place}" for place in range(66_000, 66_020)}
    assert found.arrays["slopes_of"].max() == len(said["names"]) - 1


def test_pixels_are_summed_over_blocks_and_channels() -> None:
    X = np.random.default_rng(0).uniform(size=(30, 3, 40, 44)).astype(np.float32)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(3 * 40 * 44, 2), nn.Tanh())
    model = DrLIM(encoder=encoder, max_epochs=1, random_state=0, verbose=False).fit(X)
    found = contents_of(model, X, encoder=False)
    said = found.meta["sensitivities"]
    assert (said["kind"], said["height"], said["width"]) == ("pixels", 20, 22)
    wanted = metrics.jacobian(model, X).sum(axis=2).reshape(30, 2, 20, 2, 22, 2).sum(axis=(3, 5))
    wanted = wanted.reshape(30, 2, -1).transpose(0, 2, 1)
    largest = np.abs(wanted).max(axis=(1, 2))
    assert (np.abs(slopes_of(found) - wanted).max(axis=(1, 2)) <= 0.51 / 15 * largest).all()


def test_many_images_have_larger_blocks_within_the_bound(monkeypatch) -> None:
    X = np.random.default_rng(0).uniform(size=(40, 12, 12)).astype(np.float32)
    model = DrLIM(encoder="linear", max_epochs=1, random_state=0, verbose=False).fit(X)
    monkeypatch.setattr("drlim.explorer.sensitivities._MOST_SLOPES", 40 * 2 * 6 * 6)
    found = contents_of(model, X)
    assert found.arrays["slopes"].shape == (40, 36, 2)
    monkeypatch.setattr("drlim.explorer.sensitivities._MOST_SLOPES", 40 * 2 * 3 * 3)
    found = contents_of(model, X)  # blocks of 4 x 4 pixels would show nothing
    assert found.meta["sensitivities"] is None
    assert "area distortion" in [one["name"] for one in found.meta["columns"]]


def test_area_distortion_is_that_of_the_metrics_beside_the_median(model, table) -> None:
    areas = metrics.area_distortion(model, table)
    found = column(contents_of(model, table), "area distortion")
    np.testing.assert_allclose(found, np.log2(areas / np.median(areas)), atol=1e-4)


def test_a_neighbor_map_has_its_confidence(table) -> None:
    model = NeighborMap(max_epochs=2, random_state=0, verbose=False).fit(table)
    found = contents_of(model, table)
    np.testing.assert_allclose(column(found, "confidence"), model.confidence(table), rtol=1e-5)
    assert found.arrays["slopes"].shape == (50, 12, 2)


def test_an_ensemble_has_its_uncertainty(model, table) -> None:
    others = [DrLIM(max_epochs=3, random_state=seed, verbose=False).fit(table) for seed in (1, 2)]
    found = column(contents_of(model, table, ensemble=others), "uncertainty")
    np.testing.assert_allclose(found, metrics.uncertainty([model, *others], table).spread, rtol=1e-5)
    with pytest.raises(ValueError, match="'ensemble' parameter of explore needs the samples"):
        contents_of(model, ensemble=others)


def test_they_are_left_out_where_asked_where_samples_are_missing_and_where_there_are_too_many(
    model, table, monkeypatch
) -> None:
    for found in (contents_of(model, table, sensitivities=False), contents_of(model)):
        assert found.meta["sensitivities"] is None
        assert found.meta["sensitivities_left_out"] == ""
        assert "slopes" not in found.arrays
        assert "area distortion" not in [one["name"] for one in found.meta["columns"]]
    monkeypatch.setattr("drlim.explorer.sensitivities.MOST_SAMPLES", 49)
    found = contents_of(model, table)
    assert found.meta["sensitivities"] is None
    assert "up to 49 samples" in found.meta["sensitivities_left_out"]
    monkeypatch.setattr("drlim.explorer.sensitivities.MOST_SAMPLES", 50)
    monkeypatch.setattr("drlim.explorer.sensitivities._MOST_VALUES", 50 * 20 - 1)
    assert "up to 999 values" in contents_of(model, table).meta["sensitivities_left_out"]
    monkeypatch.setattr("drlim.explorer.sensitivities._MOST_VALUES", 50 * 20)
    assert contents_of(model, table).meta["sensitivities"] is not None


def test_an_encoder_without_a_derivative_is_said_in_a_sentence(table) -> None:
    class Steps(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(20, 2)

        def forward(self, x):
            return self.linear(x.detach())

    model = DrLIM(encoder=Steps(), max_epochs=1, random_state=0, verbose=False).fit(table)
    found = contents_of(model, table)
    assert found.meta["sensitivities"] is None
    assert found.meta["sensitivities_left_out"].startswith("There are no sensitivities: ")


def test_features_of_a_table_are_named_as_the_map_gets_them() -> None:
    rng = np.random.default_rng(0)
    columns = {"age": rng.normal(40, 9, 50), "city": np.array(["Oslo", "Bergen"])[rng.integers(0, 2, 50)]}
    model = make_pipeline(Table(), DrLIM(encoder="linear", max_epochs=2, random_state=0, verbose=False)).fit(columns)
    names = contents_of(model, columns).meta["sensitivities"]["names"]
    assert names == list(model[:-1].get_feature_names_out())
    assert "age" in names


@pytest.mark.parametrize(
    ("space", "directions"),
    [
        ("circle", [["anticlockwise", "clockwise"]]),
        ("sphere", [["to the east", "to the west"], ["to the north", "to the south"]]),
        ("cylinder", [["to the right", "to the left"], ["up", "down"]]),
    ],
)
def test_directions_of_a_curved_map(table, space, directions) -> None:
    model = DrLIM(space=space, max_epochs=1, random_state=0, verbose=False).fit(table)
    found = contents_of(model, table)
    assert found.meta["sensitivities"]["directions"] == directions
    assert found.arrays["slopes"].shape == (50, 12, len(directions))
