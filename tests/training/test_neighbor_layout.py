from __future__ import annotations

import numpy as np
import pytest
import torch

import drlim.training.neighbor_layout
from drlim._base.torch import Rows
from drlim.encoders.modern import make_trunk
from drlim.neighbors.coordinates import measure
from drlim.neighbors.measured import weighted_neighbors
from drlim.relations.listed import listed_springs
from drlim.training.neighbor_layout import Anchored, PlacingProblem, chosen_rows, lay_out, train_places

N = 60
GROUP = np.arange(N) % 3
X = (np.random.default_rng(0).normal(size=(N, 6)) + 6 * np.eye(6)[GROUP]).astype(np.float32)
MEASURED = measure(X, "euclidean", seed=0)
SPRINGS = listed_springs(weighted_neighbors(X, MEASURED, "euclidean", 5, 0), MEASURED.points, 5, seed=0)


def test_up_to_the_largest_layout_all_rows_are_chosen():
    assert chosen_rows(200_000, seed=0) is None
    chosen = chosen_rows(200_001, seed=0)
    assert len(np.unique(chosen)) == 100_000
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, chosen_rows(200_001, seed=0))
    assert not np.array_equal(chosen, chosen_rows(200_001, seed=1))


def test_named_rows_are_chosen_first(monkeypatch):
    monkeypatch.setattr(drlim.training.neighbor_layout, "LARGEST_LAYOUT", 50)
    monkeypatch.setattr(drlim.training.neighbor_layout, "_RELAXED_PART", 10)
    assert set(range(7)) <= set(chosen_rows(N, 0, np.arange(7)).tolist())
    assert set(chosen_rows(N, 0, np.arange(30)).tolist()) < set(range(30))
    assert len(chosen_rows(N, 0, np.arange(30))) == 10


@pytest.mark.parametrize("n_components", [1, 2, 3, 9])
def test_a_layout_gathers_groups(n_components):
    layout = lay_out(SPRINGS, MEASURED, n_components, None, seed=0)
    assert layout.shape == (N, n_components)
    assert layout.dtype == np.float32
    distance = np.linalg.norm(layout[:, None] - layout, axis=2)
    same = GROUP[:, None] == GROUP
    assert distance[same].mean() < 0.5 * distance[~same].mean()


def test_a_layout_that_begins_at_a_map_is_turned_back_onto_it():
    first = lay_out(SPRINGS, MEASURED, 2, None, seed=0)
    turned = np.array([[0.0, 1.0], [-1.0, 0.0]])
    begin = first @ turned + [100, -50]
    layout = lay_out(SPRINGS, MEASURED, 2, None, seed=0, start=begin)
    assert layout.dtype == np.float32
    np.testing.assert_allclose(layout.mean(axis=0), begin.mean(axis=0), atol=1e-3)
    assert np.linalg.norm(layout - begin, axis=1).mean() < 0.3 * begin.std()


def test_anchors_are_taken_back_and_neighbours_follow():
    first = lay_out(SPRINGS, MEASURED, 2, None, seed=0)
    begin = first * 3  # too wide: springs draw it together
    old = np.arange(N) < 40
    free = lay_out(SPRINGS, MEASURED, 2, None, seed=0, start=begin)
    moved = {}
    for kept in (0.5, 0.999):
        layout = lay_out(SPRINGS, MEASURED, 2, None, seed=0, start=begin, anchored=Anchored(old, kept))
        moved[kept] = np.linalg.norm(layout - begin, axis=1)[old].mean()
        centre = np.array([layout[old & (code == GROUP)].mean(axis=0) for code in range(3)])
        away = np.linalg.norm(layout[~old, None] - centre, axis=2)
        assert (away.argmin(axis=1) == GROUP[~old]).all()
    alone = np.linalg.norm(free - begin, axis=1)[old].mean()
    assert moved[0.999] < 0.01 * alone
    assert moved[0.5] < 0.7 * alone


def problem(n_rows=N, **changes):
    samples = X[:n_rows]
    trunk = make_trunk((6,), n_rows)
    given = {
        "trunk": trunk,
        "n_features": 256,
        "rows": Rows(samples, torch.device("cpu"), torch.float32),
        "layout": lay_out(SPRINGS, MEASURED, 2, None, seed=0)[:n_rows],
        "measured": measure(samples, "euclidean", seed=0),
        "by_direction": False,
        "n_places": None,
        "max_epochs": 2,
        "orbit": None,
        "seed": 0,
    }
    return PlacingProblem(**{**given, **changes})


def test_an_encoder_learns_the_places():
    records = []
    task = problem(max_epochs=20)
    encoder, stopped, failure = train_places(task, records.append)
    assert (stopped, failure) == ("max_epochs", None)
    assert [record["epoch"] for record in records] == list(range(1, 21))
    assert not encoder.training
    Z = encoder(torch.from_numpy(X)).detach().numpy()
    assert np.median(np.linalg.norm(Z - task.layout, axis=1)) < 0.3 * task.layout.std()


def test_epochs_follow_the_number_of_samples():
    records = []
    train_places(problem(max_epochs=None), records.append)
    assert len(records) == 20


def test_places_are_as_many_as_asked_for_and_as_samples_where_these_are_few():
    def n_places(task):
        return len(train_places(task).encoder.head.centres)

    assert n_places(problem(n_places=7)) == 7
    assert n_places(problem()) == 16
    assert n_places(problem(10)) == 10
    assert n_places(problem(2)) == 2


def test_few_samples_are_not_averaged_over_all():
    for n_rows, k in ((60, 15), (20, 5), (3, 1)):
        assert {retrieval.n_neighbors for retrieval in train_places(problem(n_rows)).encoder.retrievals} == {k}


def test_components_that_tell_nothing_are_not_retrieved_by():
    layout = problem().layout
    assert len(train_places(problem()).encoder.retrievals) == 2
    shuffled = layout[np.random.default_rng(0).permutation(N)]
    assert len(train_places(problem(layout=shuffled)).encoder.retrievals) == 1


def test_with_an_orbit_components_are_not_retrieved_by():
    """They would show the change that is to be ignored."""
    encoder = train_places(problem(orbit=lambda x, generator: x + 0.01)).encoder
    assert encoder.of_features == [True]
    assert encoder.shares == [0.5]


def test_many_samples_are_not_retrieved(monkeypatch):
    monkeypatch.setattr(drlim.training.neighbor_layout, "_RETRIEVED", 50)
    assert len(train_places(problem()).encoder.retrievals) == 0
    assert len(train_places(problem(50)).encoder.retrievals) > 0


def test_a_divergence_returns_the_last_finite_encoder(monkeypatch):
    loss_of = drlim.training.placing._loss_of

    def broken(*given):
        loss = loss_of(*given)
        return lambda *part: loss(*part) * torch.nan

    monkeypatch.setattr(drlim.training.placing, "_loss_of", broken)
    encoder, stopped, failure = train_places(problem())
    assert stopped == "diverged"
    assert "Training diverged" in str(failure)
    assert bool(torch.isfinite(encoder(torch.from_numpy(X))).all())
