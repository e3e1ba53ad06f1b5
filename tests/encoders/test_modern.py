"""Trunks by the form of the samples, and the logits on top of any trunk."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from drlim.encoders.modern import PlaceLogits, count_features, make_trunk


def kinds(trunk: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in trunk.modules() if isinstance(module, kind)]


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((28, 28), [14, 7, 4]),
        ((1, 28, 28), [14, 7, 4]),
        ((3, 32, 32), [16, 8, 4]),
        ((8, 8), [4, 4, 4]),
        ((20, 9), [10, 10, 10]),
        ((3, 64, 96), [48, 24, 12]),
    ],
)
def test_images_take_three_convolutions(shape, sides):
    trunk = make_trunk(shape, 1000)
    seen: list[int] = []
    for conv in kinds(trunk, nn.Conv2d):
        conv.register_forward_hook(lambda _, __, y: seen.append(max(y.shape[2:])))
    assert trunk(torch.zeros(4, *shape)).shape == (4, 256)
    assert seen == sides


@pytest.mark.parametrize(
    ("shape", "width"), [((10,), 256), ((64,), 256), ((65,), 512), ((784,), 512), ((7, 9), 256), ((3, 4, 4), 256)]
)
def test_tables_and_small_images_take_two_layers(shape, width):
    trunk = make_trunk(shape, 1000)
    assert not kinds(trunk, nn.Conv2d)
    assert [layer.out_features for layer in kinds(trunk, nn.Linear)] == [width, width]
    assert trunk(torch.zeros(4, *shape)).shape == (4, width)


@pytest.mark.parametrize(("n_samples", "dropout"), [(300, 0.3), (19_999, 0.3), (20_000, 0.1)])
@pytest.mark.parametrize("shape", [(10,), (28, 28)])
def test_dropout_follows_the_number_of_samples(shape, n_samples, dropout):
    assert {layer.p for layer in kinds(make_trunk(shape, n_samples), nn.Dropout)} == {dropout}


def test_a_trunk_begins_with_a_standardisation_to_fit():
    X = np.random.default_rng(0).normal(5, 3, size=(100, 10))
    trunk = make_trunk((10,), 100)
    trunk[0].fit(X)
    x = trunk[0](torch.from_numpy(X))
    assert float(x.mean()) == pytest.approx(0, abs=1e-6)
    assert float(x.std()) == pytest.approx(1, abs=0.01)


class Sequence(nn.Module):
    """A user's trunk: features of two dimensions a sample."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([x, x.square()], dim=1)


def test_any_module_serves_as_trunk():
    x = torch.arange(6.0).reshape(3, 2)
    n_features = count_features(Sequence(), x)
    network = PlaceLogits(Sequence(), n_features, n_places=5)
    assert n_features == 4
    assert network.features(x).tolist() == [[0, 1, 0, 1], [2, 3, 4, 9], [4, 5, 16, 25]]
    torch.testing.assert_close(network(x), network.linear(network.features(x)))


def test_counting_features_leaves_the_trunk_as_it_was():
    trunk = make_trunk((10,), 100)
    before = {name: value.clone() for name, value in trunk.state_dict().items()}
    assert count_features(trunk, torch.ones(2, 10)) == 256
    assert all(torch.equal(value, before[name]) for name, value in trunk.state_dict().items())
    assert all(module.training for module in trunk.modules())


@pytest.mark.parametrize(
    ("output", "found"), [(torch.zeros(2), "shape (2,)"), (torch.zeros(3, 2), "shape (3, 2)"), (None, "NoneType")]
)
def test_a_trunk_without_features_is_refused(output, found):
    class Wrong(nn.Module):
        def forward(self, _: Tensor) -> Tensor | None:
            return output

    with pytest.raises(ValueError, match="Expected the encoder to return features") as caught:
        count_features(Wrong(), torch.zeros(2, 3))
    assert str(caught.value) == (
        "Expected the encoder to return features, a tensor of shape (n_samples, n_features). "
        f"Got {found} for 2 samples."
    )
