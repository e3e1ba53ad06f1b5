from __future__ import annotations

import numpy as np
import pytest
import torch

from drlim._base.torch import Rows
from drlim.training.fresh import FreshCopies
from drlim.training.memory import Memory, _principal

CPU = torch.device("cpu")


def rows_of(X):
    return Rows(np.asarray(X, dtype=np.float32), CPU, torch.float32)


def cloud(n=200, p=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, p)).astype(np.float32)


def test_samples_of_a_batch_are_remembered_where_they_were_mapped():
    X = cloud()
    memory = Memory(torch.zeros(200, 2), rows_of(X), 3)
    batch = np.array([5, 0, 199, 17] * 10)[:4]
    Z = torch.randn(4, 2, generator=torch.Generator().manual_seed(0))
    memory.update(batch, Z)
    assert torch.equal(memory.positions[torch.from_numpy(batch)], Z)


def test_a_map_that_moves_as_a_whole_takes_its_memory_along():
    memory = Memory(torch.zeros(200, 2), rows_of(cloud()), 4)
    memory.update(np.arange(100), torch.tensor([3.0, -1.0]).expand(100, 2))
    # A ridge of .1 for each sample shrinks a motion common to all by about 1 / 1.1.
    torch.testing.assert_close(
        memory.positions[100:], torch.tensor([3.0, -1.0]).expand(100, 2) / 1.1, rtol=0.1, atol=0.1
    )


def test_a_motion_that_follows_the_samples_is_predicted_for_the_others():
    X = cloud(n=2000, p=3)
    motion = torch.from_numpy(X @ np.array([[1.0, 0.0], [0.5, -1.0], [0.0, 2.0]], dtype=np.float32))
    memory = Memory(torch.zeros(2000, 2), rows_of(X), 3)
    memory.update(np.arange(500), motion[:500])
    left = (motion - memory.positions)[500:].square().mean() / motion[500:].square().mean()
    assert left < 0.03  # all but the ridge's share


def test_noise_of_a_batch_moves_no_one_far():
    memory = Memory(torch.zeros(2000, 2), rows_of(cloud(n=2000, p=50)), 31)
    memory.update(np.arange(250), torch.randn(250, 2, generator=torch.Generator().manual_seed(0)))
    assert memory.positions[250:].square().mean() < 0.2


def test_components_are_of_unit_variance_and_not_correlated():
    X = cloud(n=400, p=6) * np.array([100, 10, 1, 0.5, 0.2, 0.1], dtype=np.float32) + 7
    features = _principal(rows_of(X), 3)
    assert features.shape == (400, 4)
    assert torch.equal(features[:, 0], torch.ones(400))
    components = features[:, 1:]
    torch.testing.assert_close(components.T @ components / 400, torch.eye(3), rtol=0.15, atol=0.15)
    first = np.linalg.svd(X - X.mean(0), full_matrices=False)[0][:, 0]
    assert abs(np.corrcoef(first, components.numpy()[:, -1])[0, 1]) > 0.99


def test_an_outlier_is_thrown_about_no_more_than_the_rest():
    X = cloud(n=300, p=4)
    X[299] = 1e6
    assert _principal(rows_of(X), 4).abs().max() <= 3.0


@pytest.mark.parametrize("X", [np.zeros((10, 3)), np.ones((10, 3)) * 1e30, np.ones((2, 1)), np.eye(3) * 1e-30])
def test_samples_without_variance_have_finite_features(X):
    features = _principal(rows_of(X), 5)
    assert torch.isfinite(features).all()
    assert len(features) == len(X)


def test_images_are_read_a_few_at_a_time(monkeypatch):
    X = cloud(n=30, p=36).reshape(30, 6, 6)
    whole = _principal(rows_of(X), 4)
    monkeypatch.setattr("drlim.training.memory._MOST_VALUES", 36 * 30 // 2)
    parts = _principal(Counted(X), 4)
    assert parts.shape == whole.shape
    assert Counted.largest <= 15


class Counted(Rows):
    largest = 0

    def __init__(self, X):
        super().__init__(X, CPU, torch.float32)

    def take(self, index):
        taken = super().take(index)
        Counted.largest = max(Counted.largest, len(taken))
        return taken


def test_estimates_that_are_wrong_by_half_the_map_are_not_trusted_after_the_first_epoch():
    memory = Memory(torch.zeros(200, 2), rows_of(cloud()), 3)
    generator = torch.Generator().manual_seed(0)
    for epoch in range(3):
        for batch in np.arange(200).reshape(4, 50):
            memory.update(batch, torch.randn(50, 2, generator=generator))  # at random: no regression predicts it
            assert memory.is_trusted == (memory.error <= 0.05)
        assert memory.is_trusted == (epoch == 0)
    for _ in range(100):
        memory.update(np.arange(50), memory.positions[:50].clone())  # right ever after
    assert memory.error < 0.01
    assert not memory.is_trusted


def test_estimates_of_a_map_that_rests_are_trusted():
    places = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    memory = Memory(places.clone(), rows_of(cloud()), 3)
    for _ in range(3):
        for batch in np.arange(200).reshape(4, 50):
            memory.update(batch, places[batch])
    assert memory.is_trusted
    assert memory.error == 0.0


def test_fresh_copies_which_are_other_samples_at_every_read_are_not_judged():
    rows = Rows(FreshCopies(cloud(n=100), lambda batch: batch, seed=0), CPU, torch.float32)
    places = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    memory = Memory(places.clone(), rows, 3)
    for epoch in range(3):
        for first in np.arange(100).reshape(4, 25):
            Z = torch.cat([places[first], torch.randn(25, 2, generator=torch.Generator().manual_seed(epoch))])
            memory.update(np.concatenate([first, first + 100]), Z)
            memory.positions[:100] = places[:100]  # as if no motion of the copies had been carried over
    assert memory.is_trusted
