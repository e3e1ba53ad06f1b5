"""What of a model travels with the page; test_mapping_in_browser.py compares what the page makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer
from torch import nn

from drlim import DrLIM, NeighborMap, explore
from drlim.explorer.mapping import mapping_of
from drlim.explorer.weights import NoStepError, steps_of

X = np.random.default_rng(0).normal(size=(40, 3))


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)


def fitted(**parameters):
    return DrLIM(max_epochs=1, random_state=0, **parameters).fit(X)


def test_weights_of_a_linear_map():
    model = fitted(encoder="linear")
    said, arrays = mapping_of(model, model, "auto")
    assert [step["kind"] for step in said["steps"]] == ["each", "affine"]
    assert said["input_shape"] == [3]
    assert said["pixel"] == 1.0
    weight = arrays[said["steps"][1]["weight"]]
    np.testing.assert_array_equal(weight, model.encoder_[1][1].weight.detach().numpy())


def test_a_module_of_known_layers_travels_and_another_does_not():
    model = fitted(encoder=nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.Linear(4, 2)))
    assert mapping_of(model, model, "auto")[0]["steps"] is not None
    model = fitted(encoder=Own())
    said, arrays = mapping_of(model, model, "auto")
    assert (said["steps"], arrays) == (None, {})
    assert said["why"] == "the encoder has a layer that the page does not have, Own."
    with pytest.raises(ValueError, match="New samples cannot be mapped in the page: the encoder has a layer"):
        explore(model, encoder=True)
    with pytest.raises(ValueError, match="The 'encoder' parameter of explore must be"):
        explore(model, encoder="yes")


def test_large_weights_travel_when_asked_only(monkeypatch):
    model = NeighborMap(max_epochs=1, random_state=0).fit(X)
    monkeypatch.setattr("drlim.explorer.mapping._LARGEST", 1000)
    assert "whose weights take" in mapping_of(model, model, "auto")[0]["why"]
    assert mapping_of(model, model, True)[0]["steps"] is not None
    assert mapping_of(model, model, False)[0]["why"] == "it was made without the encoder."


@pytest.mark.parametrize(
    "step", [QuantileTransformer(n_quantiles=10), MinMaxScaler(clip=True)], ids=["unknown", "clips"]
)
def test_steps_that_the_page_does_not_have_are_named(step):
    model = make_pipeline(step, DrLIM(max_epochs=1, random_state=0)).fit(X)
    why = mapping_of(model, model[-1], "auto")[0]["why"]
    assert type(step).__name__ in why


UNUSUAL = {
    "rectangle": nn.Conv2d(1, 2, (3, 1)),
    "holes": nn.Conv2d(1, 2, 3, dilation=2),
    "same": nn.Conv2d(1, 2, 3, padding="same"),
    "plain": nn.BatchNorm2d(1, affine=False),
}


@pytest.mark.parametrize("layer", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_layers_are_refused(layer):
    with pytest.raises(NoStepError):
        steps_of(nn.Sequential(layer), (1, 9, 9))


def test_pixels_from_0_to_1_are_known():
    images = np.random.default_rng(0).uniform(size=(20, 5, 5))
    model = DrLIM(max_epochs=1, random_state=0).fit(images)
    assert mapping_of(model, model, "auto")[0]["pixel"] == 1 / 255
    model = DrLIM(max_epochs=1, random_state=0).fit(255 * images)
    assert mapping_of(model, model, "auto")[0]["pixel"] == 1.0
