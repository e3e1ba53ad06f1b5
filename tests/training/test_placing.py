"""Cross-entropy to places: what it reaches, that it repeats, and that it ends well when it ends badly."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from drlim._base.torch import Rows, seeded
from drlim.encoders.modern import PlaceLogits, make_trunk
from drlim.encoders.places import PlacesHead, Targets, find_places, make_targets
from drlim.training import DivergenceError
from drlim.training import placing as module
from drlim.training.placing import PlacingSettings, learning_rate, place

CPU = torch.device("cpu")
RANDOM = np.random.default_rng(0)
LAYOUT = RANDOM.normal(size=(400, 2)).astype(np.float32)
X = np.concatenate([LAYOUT, RANDOM.normal(size=(400, 4)).astype(np.float32)], axis=1)
SHORT = PlacingSettings(max_epochs=3, batch_size=50)


def rows(samples: np.ndarray = X) -> Rows:
    return Rows(samples, CPU, torch.float32)


def network_of(n_places: int = 30, seed: int = 0) -> PlaceLogits:
    with seeded(seed):
        trunk = make_trunk((6,), 400)
        trunk[0].fit(X)
        return PlaceLogits(trunk, 256, n_places)


def targets_of(n_places: int = 30) -> Targets:
    return make_targets(LAYOUT, find_places(LAYOUT, n_places))


def weights(network: nn.Module) -> bytes:
    return b"".join(value.numpy().tobytes() for value in network.state_dict().values())


def test_two_samples_reach_the_entropy_of_their_targets():
    """The least cross-entropy is the targets' own entropy, -(.75 log .75 + .25 log .25) for both."""
    targets = Targets(np.array([[0, 1], [1, 2]]), np.array([[0.75, 0.25]] * 2, dtype=np.float32), 3)
    with seeded(0):
        network = nn.Linear(2, 3)
    settings = PlacingSettings(max_epochs=400, batch_size=2, learning_rate=0.1, weight_decay=0.0)
    history = place(network, rows(np.eye(2, dtype=np.float32)), targets, settings).history
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert history[-1]["cross_entropy"] == pytest.approx(entropy, abs=3e-3)
    assert network(torch.eye(2)).softmax(dim=1).tolist()[0] == pytest.approx([0.75, 0.25, 0], abs=0.01)


def test_the_first_loss_is_that_of_the_formula():
    targets = targets_of()
    network = nn.Linear(6, 30)
    logits = network(torch.from_numpy(X)).log_softmax(dim=1).detach().numpy()
    expected = -np.mean([logits[i, targets.places[i]] @ targets.weight[i] for i in range(400)])
    settings = PlacingSettings(max_epochs=1, batch_size=400)
    found = place(network, rows(), targets, settings).history[0]["cross_entropy"]
    assert found == pytest.approx(expected, rel=3e-4)  # the error where layers run in bfloat16


def test_samples_are_placed_near_where_the_layout_has_them():
    places = find_places(LAYOUT, 80)
    network = network_of(80)
    result = place(network, rows(), make_targets(LAYOUT, places), PlacingSettings(max_epochs=30, batch_size=50))
    with torch.no_grad():
        Z = PlacesHead(places)(network(torch.from_numpy(X))).numpy()
    assert np.linalg.norm(Z - LAYOUT, axis=1).mean() < 0.3
    assert result.stopped == "max_epochs"
    assert [record["epoch"] for record in result.history] == list(range(1, 31))
    assert result.history[-1]["cross_entropy"] < result.history[0]["cross_entropy"] - 1
    assert not network.training


RUN = """
import sys; sys.path.insert(0, "tests/training")
import hashlib, torch
from test_placing import *
from drlim.training import halves
halves._SMALLEST_STEP = float(sys.argv[2])
network = network_of()
place(network, rows(), targets_of(), SHORT, seed=int(sys.argv[1]))
print(hashlib.sha256(weights(network)).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("smallest_step", ["0", "inf"], ids=["halves", "whole"])
def test_runs_repeat_to_the_byte_in_any_process_and_follow_the_seed(smallest_step):
    def run(seed: int, n_threads: str = "2") -> str:
        done = subprocess.run(
            [sys.executable, "-c", RUN, str(seed), smallest_step],
            capture_output=True,
            text=True,
            check=True,
            env={"OMP_NUM_THREADS": n_threads, "PATH": ""},
        )
        return done.stdout

    first = run(0)
    assert run(0) == first
    assert run(0, n_threads="1") == first
    assert run(1) != first


def test_batches_and_masks_do_not_depend_on_the_generators_before():
    results = []
    for before in (1, 2):
        network = network_of()
        torch.manual_seed(before)
        state = torch.get_rng_state()
        place(network, rows(), targets_of(), SHORT)
        assert torch.equal(torch.get_rng_state(), state)
        results.append(weights(network))
    assert results[0] == results[1]


def test_each_epoch_takes_each_sample_once_in_batches_of_like_size():
    run = module._Run(nn.Identity(), rows(), torch.empty(0), torch.empty(0), 1, PlacingSettings(1, 150), 0, None)
    epochs = [list(module._batches(run, epoch)) for epoch in range(2)]
    assert [len(batch) for batch in epochs[0]] == [134, 133, 133]
    orders = [np.concatenate(batches) for batches in epochs]
    assert all(sorted(order) == list(range(400)) for order in orders)
    assert not np.array_equal(*orders)


def test_the_orbit_changes_samples_and_draws_from_the_seed():
    seen: list[np.ndarray] = []

    def noise(batch, draw):
        seen.append(batch)
        return batch + draw.normal(size=batch.shape)

    results = []
    for orbit in (None, noise, noise):
        network = network_of()
        place(network, rows(), targets_of(), SHORT, orbit=orbit)
        results.append(weights(network))
    assert seen[0].shape == (50, 6)
    assert results[0] != results[1] == results[2]


def test_the_learning_rate_rises_and_falls_to_nearly_nothing():
    settings = PlacingSettings(max_epochs=1, batch_size=1)
    rates = [learning_rate(settings, progress) for progress in np.linspace(0, 1, 101)]
    assert np.argmax(rates) == 30
    assert max(rates) == settings.learning_rate
    assert rates[0] == pytest.approx(settings.learning_rate / 25)
    assert rates[-1] < 1e-6


def test_settings_follow_the_number_of_samples():
    chosen = [PlacingSettings.for_samples(n) for n in (10, 4999, 5000, 12_000, 10**6)]
    assert [settings.batch_size for settings in chosen] == [125, 125, 250, 250, 250]
    assert [settings.max_epochs for settings in chosen] == [20, 18, 18, 7, 2]
    changed = [PlacingSettings.for_samples(n, changed=True).max_epochs for n in (10, 12_000, 10**6)]
    assert changed == [50, 20, 2]


def test_what_is_not_finite_is_refused_with_the_last_finite_weights():
    class Breaks(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.calls = nn.Linear(6, 30), 0

        def forward(self, x):
            self.calls += 1
            return self.linear(x) * (math.nan if self.calls > 10 else 1.0)

    network, seen = Breaks(), []
    with pytest.raises(DivergenceError) as caught:
        place(network, rows(), targets_of(), SHORT, on_epoch=lambda _: seen.append(weights(network)))
    assert str(caught.value) == (
        "Training diverged: the loss of epoch 2, step 2, is not finite (learning rate 0.00194). The encoder keeps the "
        "weights of the last finite epoch. Try a tenth of the learning rate."
    )
    assert weights(network) == seen[-1]
    assert not network.training


def test_weights_that_the_last_step_threw_out_are_refused():
    settings = PlacingSettings(max_epochs=1, batch_size=400, learning_rate=1e38)
    network = nn.Linear(6, 30)
    before = weights(network)
    with pytest.raises(DivergenceError, match="the result of epoch 1, step 1"):
        place(network, rows(X * 1e10), targets_of(), settings)
    assert weights(network) == before


@pytest.mark.parametrize(("held", "refused"), [(math.inf, False), (math.nan, True)])
def test_a_buffer_may_be_infinite_but_must_be_a_number(held, refused):
    network = nn.Linear(6, 30)
    network.register_buffer("bound", torch.tensor(held))
    if refused:
        with pytest.raises(DivergenceError, match="the result of epoch 1"):
            place(network, rows(), targets_of(), SHORT)
    else:
        assert place(network, rows(), targets_of(), SHORT).stopped == "max_epochs"


def test_weights_come_back_in_rows():
    """Training arranges those of convolutions otherwise; a file holds them as they are documented."""
    network = nn.Sequential(nn.Unflatten(1, (2, 1, 3)), nn.Conv2d(2, 4, (1, 2)), nn.Flatten(), nn.Linear(8, 30))
    place(network, rows(), targets_of(), SHORT)
    assert all(weight.is_contiguous() for weight in network.parameters())


def test_an_interrupt_keeps_the_last_whole_epoch():
    network, seen = network_of(), []

    def stop(record):
        seen.append(weights(network))
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    result = place(network, rows(), targets_of(), SHORT, on_epoch=stop)
    assert result.stopped == "interrupted"
    assert len(result.history) == 2
    assert weights(network) == seen[-1]


def test_two_samples_are_enough():
    targets = Targets(np.array([[0], [1]]), np.ones((2, 1), dtype=np.float32), 2)
    network = network_of(2)
    place(network, rows(X[:2]), targets, PlacingSettings.for_samples(2))
    assert network(torch.from_numpy(X[:2])).argmax(dim=1).tolist() == [0, 1]
