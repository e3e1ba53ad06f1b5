"""The margin is the unit of length and nothing else: laws and records by hand, then margins from 1e-30 to 1e30."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from drlim import DrLIM, NeighborMap, Settings, knn_graph, make_encoder, make_springs, metrics, train
from drlim.encoders import Scaled
from drlim.encoders.scaled import network_and_unit, scaled
from drlim.springs import Attraction, FreeLaw, Repulsion, Springs
from drlim.training.units import InUnits, in_units, record_in_unit, unit_of

X = np.random.default_rng(0).normal(size=(80, 6))
MARGINS = [1e-30, 1e-6, 0.3, 1e6, 1e30]


def test_a_law_in_units_by_hand():
    # L(D) = D^3 at D = 2 x 3: 216 and -108, divided by 9 and by 3.
    law = InUnits(FreeLaw(lambda distance: distance**3, reach=12.0), 3.0)
    distance = torch.tensor([2.0])
    assert law.energy(distance).tolist() == [24.0]
    assert law.force(distance).tolist() == [-36.0]
    assert law.reach == 4.0
    assert law.energy(distance).dtype == torch.float32


@pytest.mark.parametrize("unit", [1e-30, 0.25, 1e30])
def test_the_paper_s_laws_keep_their_form(unit):
    assert in_units(make_springs(unit), unit) == Springs(Attraction(), Repulsion(1.0))
    wrapped = InUnits(Repulsion(unit), unit)
    distance = torch.tensor([0.0, 0.25, 2.0])
    torch.testing.assert_close(wrapped.energy(distance), Repulsion(1.0).energy(distance))
    torch.testing.assert_close(wrapped.force(distance), Repulsion(1.0).force(distance))


def test_the_unit_is_the_reach_and_1_without_one():
    assert unit_of(make_springs(0.5)) == 0.5
    assert unit_of(make_springs(laws=(torch.square, lambda distance: torch.exp(-distance)))) == 1.0
    springs = make_springs()
    assert in_units(springs, 1.0) is springs


def test_energies_of_a_record_are_in_the_unit_squared():
    record = {"epoch": 3, "energy": 0.5, "energy_similar": 0.25, "energy_anchor": 1.0, "learning_rate": 0.1}
    converted = record_in_unit(record, 2.0)
    assert converted == {"epoch": 3, "energy": 2.0, "energy_similar": 1.0, "energy_anchor": 4.0, "learning_rate": 0.1}
    assert record_in_unit(record, 1.0) is record


def test_a_scaled_network_multiplies_and_is_not_scaled_by_1():
    network = nn.Linear(2, 2)
    encoder = scaled(network, 3.0)
    x = torch.ones(1, 2)
    assert torch.equal(encoder(x), network(x) * 3.0)
    assert network_and_unit(encoder) == (network, 3.0)
    assert scaled(network, 1.0) is network
    assert network_and_unit(network) == (network, 1.0)
    assert "unit=3.0" in repr(encoder)


KINDS = {
    "L-BFGS": {},
    "Adam": {"optimizer": "adam", "max_epochs": 20},
    "in-batch": {"interactions": "batch", "max_epochs": 10, "encoder": "two_layer"},
    "weight decay": {"weight_decay": 1.0, "max_epochs": 10},
    "validation": {"validation": 0.2, "max_epochs": 30},
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_margin_gives_the_same_map_up_to_the_unit(kind):
    parameters = {"max_epochs": 40, **KINDS[kind]}
    usual = DrLIM(random_state=0, **parameters).fit(X)
    for margin in MARGINS:
        model = DrLIM(random_state=0, margin=margin, **parameters).fit(X)
        np.testing.assert_allclose(model.embedding_ / margin, usual.embedding_, rtol=1e-6, atol=1e-7)
        assert (model.stopped_, model.n_iter_) == (usual.stopped_, usual.n_iter_)
        for name in ("energy", "energy_similar", "energy_dissimilar"):
            assert model.history_[-1][name] / margin**2 == pytest.approx(usual.history_[-1][name], rel=1e-6)
        assert model.score(X) / margin**2 == pytest.approx(usual.score(X), rel=1e-6)
        energy = metrics.exact_energy(model.embedding_, model.graph_, margin=margin)
        assert energy / margin**2 == pytest.approx(-usual.score(X), rel=1e-6)


def test_a_small_margin_comes_to_rest():
    # A margin that once did not train: it ended "converged" at 5491 margins squared.
    model = DrLIM(random_state=0, margin=1e-6).fit(np.random.default_rng(0).normal(size=(200, 6)))
    assert model.stopped_ == "converged"
    assert -model.score(np.random.default_rng(0).normal(size=(200, 6))) / 1e-12 == pytest.approx(0.1158, abs=1e-3)


@pytest.mark.parametrize("margin", MARGINS)
def test_training_goes_on_in_any_margin(margin):
    def updated(margin):
        model = DrLIM(random_state=0, margin=margin, max_epochs=20).fit(X[:60].astype(np.float32))
        return model.partial_fit(X[60:].astype(np.float32), anchor=X[:60].astype(np.float32))

    usual, model = updated(1.0), updated(margin)
    np.testing.assert_allclose(np.float64(model.embedding_) / margin, usual.embedding_, rtol=1e-5, atol=1e-6)
    assert model.drift_ == pytest.approx(usual.drift_, rel=1e-5)
    assert model.history_[-1]["energy_anchor"] / margin**2 == pytest.approx(
        usual.history_[-1]["energy_anchor"], rel=1e-4
    )


def test_another_margin_between_two_calls_keeps_the_map():
    model = DrLIM(random_state=0, margin=1e-3, max_epochs=20).fit(X[:60])
    before = model.transform(X)
    model.set_params(margin=2e-3, max_epochs=1, learning_rate=1e-9).partial_fit(X[60:])
    np.testing.assert_allclose(model.transform(X), before, rtol=1e-3, atol=1e-6)
    assert network_and_unit(model.encoder_)[1] == 1e-3


def test_a_margin_of_1_adds_nothing_to_the_encoder():
    assert type(DrLIM(max_epochs=1).fit(X).encoder_) is nn.Sequential
    assert type(DrLIM(max_epochs=1, margin=2.0).fit(X).encoder_) is Scaled


def test_the_margin_of_given_springs_is_a_unit_too():
    springs = make_springs(1e-9)
    by_margin = DrLIM(random_state=0, margin=1e-9, max_epochs=20).fit(X)
    np.testing.assert_array_equal(
        DrLIM(random_state=0, springs=springs, max_epochs=20).fit(X).embedding_, by_margin.embedding_
    )
    own = FreeLaw(lambda distance: 0.5 * (1e-9 - distance).clamp_min(0.0).square(), reach=1e-9)
    model = DrLIM(random_state=0, springs=(Attraction(), own), max_epochs=20).fit(X)
    np.testing.assert_allclose(model.embedding_, by_margin.embedding_, rtol=1e-2, atol=1e-11)


@pytest.mark.parametrize("unit", [1e-15, 1e-3, 1e3, 1e15])
def test_a_layout_relaxes_in_units_of_the_reach(unit):
    def fitted(unit):
        model = NeighborMap(random_state=0, springs=make_springs(unit), max_epochs=3).fit(X.astype(np.float32))
        return model.embedding_ / np.float64(unit), model.confidence(X[:5])

    (usual, certain), (found, confidence) = fitted(1.0), fitted(unit)
    np.testing.assert_allclose(found, usual, atol=2e-3)
    np.testing.assert_allclose(confidence, certain, atol=2e-3)


@pytest.mark.parametrize("margin", [1e-31, 1e31, 10**40])
def test_a_margin_that_float32_cannot_hold_is_refused(margin):
    message = "Expected the margin of DrLIM, or the reach of its springs, to be in the range [1e-30, 1e+30], since"
    with pytest.raises(ValueError, match=re.escape(message)):
        DrLIM(margin=margin).fit(X)
    with pytest.raises(ValueError, match=re.escape(message.replace("DrLIM", "train"))):
        train(make_encoder("mlp", (6,)), X, knn_graph(X), make_springs(margin))


def test_a_layout_has_a_narrower_range():
    message = "Expected the margin of NeighborMap, or the reach of its springs, to be in the range [1e-15, 1e+15]"
    with pytest.raises(ValueError, match=re.escape(message)):
        NeighborMap(springs=make_springs(1e-16)).fit(X)


def own_network(factor):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 2))
    return network if factor == 1 else Scaled(network, factor)


@pytest.mark.parametrize("margin", [1e-6, 1e6])
def test_an_encoder_of_ones_own_keeps_its_outputs_and_is_warned_of(margin):
    message = r"Before any training the encoder places the samples .* margins apart\. .* multiply the encoder's outputs"
    with pytest.warns(UserWarning, match=message):
        model = DrLIM(margin=margin, encoder=own_network(1), max_epochs=1).fit(X)
    assert type(model.encoder_) is nn.Sequential
    fitting = DrLIM(random_state=0, margin=margin, encoder=own_network(margin), max_epochs=20).fit(X)
    usual = DrLIM(random_state=0, encoder=own_network(1), max_epochs=20).fit(X)
    np.testing.assert_allclose(fitting.embedding_ / margin, usual.embedding_, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("margin", [1e-30, 1e-6, 1e30])
def test_train_counts_in_margins_and_warns_of_outputs_that_do_not(margin):
    graph, settings = knn_graph(X, 5), Settings(max_epochs=5)

    def trained(encoder, margin):
        seen = []
        result = train(encoder, X, graph, make_springs(margin), settings, on_epoch=seen.append)
        assert seen == result.history
        assert not encoder.training
        return encoder(torch.from_numpy(X).float()).detach().double().numpy() / margin, result.history[-1]["energy"]

    usual, energy = trained(own_network(1), 1.0)
    found, energy_found = trained(own_network(margin), margin)
    np.testing.assert_allclose(found, usual, rtol=1e-5, atol=1e-6)
    assert energy_found / margin**2 == pytest.approx(energy, rel=1e-5)
    if margin > 1e-20:  # at 1e-30 the first forces overflow, which is an error
        with pytest.warns(UserWarning, match="margins apart"):
            trained(own_network(1), margin)


@pytest.mark.parametrize("strength", [1e-6, 1e16])
def test_springs_of_another_strength_are_warned_of(strength):
    def laws(strength):
        return (lambda d: strength * d.square(), lambda d: strength * torch.exp(-d))

    with pytest.warns(
        UserWarning, match=r"The strongest force of the 'springs' at distances of \.1 to 2 is .* multiply"
    ):
        DrLIM(springs=laws(strength), max_epochs=1).fit(X)
    DrLIM(springs=laws(1.0), max_epochs=1).fit(X)  # warnings are errors here: none


def test_gradients_whose_squares_overflow_are_a_divergence():
    from drlim import DivergenceError

    with pytest.raises(DivergenceError, match="the gradient of epoch 1"):
        DrLIM(dissimilar_weight=1e25, optimizer="adam", max_epochs=2, random_state=0).fit(X)
