"""Training in several processes: the objective is that of one process, whatever the shares."""

from __future__ import annotations

import copy
import math
import re

import numpy as np
import pytest
import torch
from tests.training.threads import in_threads
from tests.training.threads import shared as in_shards
from torch import nn

from drlim import DivergenceError, NeighborhoodGraph, make_encoder
from drlim._base.group import ALONE
from drlim._base.row_sources import Sliced
from drlim._base.stored_rows import StoredRows
from drlim._base.torch import Rows, seeded
from drlim.forces import balanced
from drlim.relations import with_copies
from drlim.springs import make_springs
from drlim.training import GroupError, Settings, distributed
from drlim.training.distributed import Shares, refuse_batch_statistics
from drlim.training.epochs import choose_epoch, memory_for
from drlim.training.fresh import FreshCopies
from drlim.training.optimizer import WeightAverage, make_optimizer
from drlim.training.problem import Anchor, AnchorSprings, Problem

CPU = torch.device("cpu")
SPRINGS = make_springs(margin=1.0)


def problem_of(n_samples, settings, *, pairs=None, anchor=None, orbit=None, n_features=4):
    rng = np.random.default_rng(n_samples)
    X = rng.normal(size=(n_samples, n_features)).astype(np.float32)
    drawn = rng.choice(n_samples, size=(2 * n_samples, 2))
    pairs = drawn[drawn[:, 0] != drawn[:, 1]] if pairs is None else pairs
    graph = NeighborhoodGraph.from_pairs(n_samples, pairs)
    with seeded(3):
        encoder = make_encoder("two_layer", (n_features,), 2)
    source = X if orbit is None else FreshCopies(X, orbit, 5)
    if orbit is not None:
        graph = with_copies(graph, np.tile(np.arange(n_samples), 2))
    tied = None if anchor is None else AnchorSprings.of(anchor, n_samples, CPU)
    rows = Rows(source, CPU, torch.float32)
    return Problem(encoder, rows, graph, SPRINGS, balanced(graph), settings, 0, tied)


def first_step(problem, group, bounds=None):
    """Return the gradients of the first step, the sums of the epoch, and the weights after it.

    With bounds, each process has the rows of its shard alone.
    """
    rows = problem.rows
    shared = Problem(
        copy.deepcopy(problem.encoder),
        rows if bounds is None else Rows(in_shards(rows.source, bounds, group), CPU, torch.float32),
        problem.graph,
        problem.springs,
        problem.balance,
        problem.settings,
        problem.seed,
        problem.anchor,
        Shares(group),
    )
    optimizer = make_optimizer(shared)
    gradients = []
    step = optimizer.step

    def noted(closure=None):
        if closure is not None:
            closure()
        gradients.append(torch.cat([weight.grad.ravel() for weight in shared.encoder.parameters()]).double())
        return step(closure)

    optimizer.step = noted
    shared.encoder.train()
    average = WeightAverage(shared)
    sums = choose_epoch(shared, optimizer, average, memory_for(shared))(0)
    weights = torch.cat([weight.detach().ravel() for weight in average.module.parameters()])
    return gradients[0], sums, weights


SETTINGS = {
    "all": Settings(batch_size=20, max_epochs=1),
    "batch": Settings(batch_size=20, interactions="batch", max_epochs=1),
    "exact": Settings(batch_size=None, chunk_size=16, max_epochs=1),
    "lbfgs": Settings(batch_size=None, optimizer="lbfgs", learning_rate=1.0, max_epochs=1, chunk_size=16),
}


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("n_samples", [101, 3])
def test_first_gradients_are_those_of_one_process_whatever_the_number_of_processes(n_samples, name, size):
    problem = problem_of(n_samples, SETTINGS[name], pairs=[(0, 1)] if n_samples == 3 else None)
    gradient, sums, _ = first_step(problem, ALONE)
    ranks = in_threads(size, lambda group: first_step(problem, group))
    assert gradient.abs().max() > 1e-3
    for found, found_sums, weights in ranks:
        assert (found - gradient).abs().max() < 1e-6
        assert found_sums[:3] == pytest.approx(sums[:3], rel=1e-4)
        assert found_sums.pairs == sums.pairs
        assert torch.equal(weights, ranks[0][2])


BOUNDS = {
    101: {2: [0, 7, 101], 3: [0, 60, 60, 101], 4: [0, 0, 50, 100, 101]},
    3: {2: [0, 3, 3], 3: [0, 1, 2, 3], 4: [0, 0, 1, 3, 3]},
}
"""First rows of uneven shards, by the number of samples and of processes."""


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("n_samples", [101, 3])
def test_first_gradients_of_shards_are_those_of_one_process_that_has_all_rows(n_samples, name, size):
    problem = problem_of(n_samples, SETTINGS[name], pairs=[(0, 1)] if n_samples == 3 else None)
    gradient, sums, _ = first_step(problem, ALONE)
    ranks = in_threads(size, lambda group: first_step(problem, group, BOUNDS[n_samples][size]))
    for found, found_sums, weights in ranks:
        assert (found - gradient).abs().max() < 1e-6
        assert found_sums[:3] == pytest.approx(sums[:3], rel=1e-4)
        assert found_sums.pairs == sums.pairs
        assert torch.equal(weights, ranks[0][2])


def test_of_shards_no_samples_travel_but_those_that_the_components_are_of():
    problem = problem_of(101, SETTINGS["all"])

    def sent(group):
        first_step(problem, group, [0, 7, 50, 101])
        return group.sent

    n_weights = sum(weight.numel() for weight in problem.encoder.parameters())
    for counts in in_threads(3, sent):
        # The spare row, one by which the size of a sample is known, and all 101 that the components are computed from.
        assert counts["samples"] == 4 * (1 + 1 + 51)
        assert counts["other positions"] == 51 * (2 + 2)  # two coordinates and two components of each row
        assert counts["positions"] <= problem.n_steps * 20 * 2
        assert counts["gradients"] == problem.n_steps * (n_weights + 3)


def test_rows_that_were_read_ahead_are_not_read_again():
    X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    counts = []

    def read(start, stop):
        counts.append(stop - start)
        return X[start:stop]

    rows = Rows(StoredRows(Sliced(X, "X", X.shape, read)), CPU, torch.float32)
    counts.clear()  # of the first row, by which the type is known
    batches = np.array_split(np.random.default_rng(1).permutation(30), 4)
    for batch in rows.ahead(batches):
        Shares(ALONE).mapped(make_encoder("linear", (4,), 2), rows, batch)
    assert sum(counts) == 30


def test_a_process_that_has_left_cannot_map_the_rows_of_others():
    encoder = make_encoder("linear", (4,), 2)
    X = np.zeros((9, 4), dtype=np.float32)

    def left(group):
        rows = Rows(in_shards(X, [0, 4, 9], group), CPU, torch.float32)
        with pytest.raises(GroupError, match="The map of all samples cannot be made: the other processes have their"):
            Shares(ALONE).embedded(encoder, rows)

    in_threads(2, left)


def test_bytes_that_travel_are_the_positions_of_a_batch_and_the_gradient():
    problem = problem_of(101, SETTINGS["all"])

    def sent(group):
        first_step(problem, group)
        return group.sent

    n_weights = sum(weight.numel() for weight in problem.encoder.parameters())
    for counts in in_threads(3, sent):
        n_steps = problem.n_steps
        assert counts["positions"] == n_steps * math.ceil(math.ceil(101 / n_steps) / 3) * 2
        assert counts["positions"] + 3 * n_steps <= n_steps * 20 * 2  # with three marks of what is finite
        assert counts["gradients"] == n_steps * (n_weights + 3)


def test_anchors_count_once():
    tied = Anchor(np.arange(5), torch.zeros(5, 2), 2.0)
    for name in SETTINGS:
        problem = problem_of(61, SETTINGS[name], anchor=tied)
        gradient, sums, _ = first_step(problem, ALONE)
        for found, found_sums, _ in in_threads(3, lambda group, problem=problem: first_step(problem, group)):
            assert (found - gradient).abs().max() < 1e-6
            assert found_sums.anchor == pytest.approx(sums.anchor, rel=1e-4)
            assert sums.anchor > 0


def test_all_processes_draw_the_fresh_copies_that_one_would():
    def noise(X, generator):
        return X + generator.normal(size=X.shape).astype(np.float32)

    for name in SETTINGS:
        gradient, _, _ = first_step(problem_of(41, SETTINGS[name], orbit=noise), ALONE)
        drawn = in_threads(3, lambda group, name=name: first_step(problem_of(41, SETTINGS[name], orbit=noise), group))
        for found, _, _ in drawn:
            assert (found - gradient).abs().max() < 1e-6


def test_a_process_without_a_similar_pair_counts_its_dissimilar_ones():
    problem = problem_of(40, SETTINGS["exact"], pairs=[(0, 1), (1, 2), (2, 3)])  # all in the first of four shares
    gradient, _, _ = first_step(problem, ALONE)
    for found, _, _ in in_threads(4, lambda group: first_step(problem, group)):
        assert (found - gradient).abs().max() < 1e-6


class Breaking(nn.Module):
    """Maps a marked sample to infinity."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return torch.where(x[:, :1] > 100, x.new_full((1,), math.inf), self.linear(x))


@pytest.mark.parametrize("name", SETTINGS)
def test_all_processes_notice_what_is_not_finite_in_one(name):
    settings = SETTINGS[name]
    X = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    X[39] = 1000.0
    graph = NeighborhoodGraph.from_pairs(40, [(0, 1)])
    problem = Problem(Breaking(), Rows(X, CPU, torch.float32), graph, SPRINGS, balanced(graph), settings, 0)

    def caught(group):
        with pytest.raises(DivergenceError) as error:
            first_step(problem, group)
        return str(error.value)

    assert len(in_threads(3, caught)) == 3


def test_shares_are_consecutive_and_differ_by_one_at_most():
    for count in range(12):
        for size in range(1, 6):
            shares = in_threads(size, lambda group, count=count: Shares(group).part(count))
            assert [place for share in shares for place in range(share.start, share.stop)] == list(range(count))
            lengths = [share.stop - share.start for share in shares]
            assert max(lengths) - min(lengths) <= 1


def test_statistics_of_a_batch_are_refused_in_several_processes_alone():
    encoder = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    refuse_batch_statistics(encoder, Shares(ALONE))
    wanted = re.escape("(BatchNorm1d at '1'), of which each of 2 processes has a part only: use nn.GroupNorm")

    def refused(group):
        with pytest.raises(ValueError, match=wanted):
            refuse_batch_statistics(encoder, Shares(group))

    in_threads(2, refused)


def test_rows_mapped_by_blocks_have_the_bytes_of_one_process():
    problem = problem_of(1300, SETTINGS["all"])
    whole = Shares(ALONE).embedded(problem.encoder, problem.rows)
    for size in (2, 3, 4):
        found = in_threads(size, lambda group: Shares(group).embedded(problem.encoder, problem.rows))
        assert all(torch.equal(one, whole) for one in found)
    few = problem_of(3, SETTINGS["all"])
    assert all(len(one) == 3 for one in in_threads(4, lambda group: Shares(group).embedded(few.encoder, few.rows)))


def test_weights_that_came_apart_are_those_of_the_first(monkeypatch):
    said = []
    monkeypatch.setattr(distributed, "warn_user", said.append)

    def repaired(group):
        layer = nn.Linear(2, 2)
        nn.init.constant_(layer.weight, float(group.rank))
        nn.init.zeros_(layer.bias)
        seconds = [Shares(group).compare([layer], epoch, 5.0 + group.rank) for epoch in (6, 7)]
        return seconds, layer.weight[0, 0].item()

    assert in_threads(3, repaired) == [([5.0, 5.0], 0.0)] * 3
    assert len(said) == 3  # one in each, after the first epoch alone
    assert said[0].startswith("The weights of the 3 processes had come apart after epoch 7: ")


def test_masks_differ_between_processes_and_repeat_by_seed_and_epoch():
    drawn = {}
    for rank in range(2):
        shares = Shares(type("G", (), {"rank": rank, "is_several": True})())
        for epoch in (0, 1, 0):
            with seeded(9):
                shares.reseed(4, epoch, CPU)
                drawn.setdefault((rank, epoch), []).append(torch.rand(3).tolist())
    assert drawn[0, 0][0] == drawn[0, 0][1]
    assert len({str(values[0]) for values in drawn.values()}) == 4
