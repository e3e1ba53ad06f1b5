from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from drlim import DivergenceError, NeighborhoodGraph, make_encoder
from drlim._base.torch import Rows, seeded
from drlim.encoders.embedding import embed_rows as embed
from drlim.forces import balanced, graph_energy
from drlim.relations import with_copies
from drlim.springs import make_springs
from drlim.training import Anchor, Settings, judging, run
from drlim.training import epochs as one_epoch
from drlim.training.fresh import FreshCopies
from drlim.training.loop import train_rows as train
from drlim.training.optimizer import learning_rate_at
from drlim.training.problem import Problem

CPU = torch.device("cpu")
SPRINGS = make_springs(margin=1.0)
CHAIN = NeighborhoodGraph.from_pairs(3, [(0, 1), (1, 2)])


def random_problem(n_samples=20, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, 4)).astype(np.float32)
    pairs = rng.choice(n_samples, size=(2 * n_samples, 2))
    graph = NeighborhoodGraph.from_pairs(n_samples, pairs[pairs[:, 0] != pairs[:, 1]])
    with seeded(seed):
        encoder = make_encoder("two_layer", (4,), 2)
    return encoder, Rows(X, CPU, torch.float32), graph


def exact_energy(encoder, rows, graph):
    balance = balanced(graph)
    energy = graph_energy(embed(encoder, rows).double(), graph, SPRINGS)
    return balance.similar * energy.similar + balance.dissimilar * energy.dissimilar


def literal_objective(Z, graph):
    """Equation 1 with equation 4, pair by pair, each kind averaged."""
    similar = {tuple(pair) for pair in graph.similar.pairs().tolist()}
    sums, counts = [torch.zeros(()), torch.zeros(())], [0, 0]
    for i in range(len(Z)):
        for j in range(i + 1, len(Z)):
            distance = torch.linalg.vector_norm(Z[i] - Z[j])
            kind = 0 if (i, j) in similar else 1
            sums[kind] = sums[kind] + (0.5 * distance**2 if kind == 0 else 0.5 * (1 - distance).clamp_min(0) ** 2)
            counts[kind] += 1
    return sums[0] / counts[0] + sums[1] / counts[1]


def test_three_samples_in_a_chain_come_to_rest_where_the_springs_balance():
    # Free points (a linear map of one-hot inputs). With both links x long and in line, E = x^2/2 + (1 - 2x)^2/2,
    # least at x = 2/5, where E = 1/10.
    with seeded(0):
        encoder = make_encoder("linear", (3,), 2)
    rows = Rows(np.eye(3, dtype=np.float32), CPU, torch.float32)
    settings = Settings(optimizer="lbfgs", learning_rate=1.0, batch_size=None, max_epochs=200, tol=0.0)
    result = train(encoder, rows, CHAIN, SPRINGS, settings)
    Z = embed(encoder, rows)
    assert torch.pdist(Z).tolist() == pytest.approx([0.4, 0.8, 0.4], abs=1e-3)
    assert result.history[-1]["energy"] == pytest.approx(0.1, abs=1e-5)


def test_a_full_step_is_the_gradient_of_the_paper_s_sum_over_pairs():
    encoder, rows, graph = random_problem()
    start = [weight.detach().clone() for weight in encoder.parameters()]
    literal_objective(encoder(rows.take(slice(None))), graph).backward()
    expected = [weight.grad.clone() for weight in encoder.parameters()]
    settings = Settings(learning_rate=1e-3, batch_size=None, max_epochs=1)
    train(encoder, rows, graph, SPRINGS, settings)
    for weight, gradient, before in zip(encoder.parameters(), expected, start, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-7)
        if gradient.abs().max() > 1e-6:  # the last bias has no gradient but rounding
            assert not torch.equal(weight, before)


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_chunks_do_not_change_a_full_step(kept, monkeypatch):
    monkeypatch.setattr(one_epoch, "_n_affordable", lambda problem: kept)
    # Distances are compared, not weights: the last layer's bias has no gradient but rounding, and Adam follows that.
    maps = []
    for chunk_size in (3, 100):
        encoder, rows, graph = random_problem()
        settings = Settings(batch_size=None, max_epochs=5, chunk_size=chunk_size)
        train(encoder, rows, graph, SPRINGS, settings)
        maps.append(torch.pdist(embed(encoder, rows)))
    torch.testing.assert_close(maps[0], maps[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("interactions", ["all", "batch"])
def test_the_gradients_of_mini_batches_add_up_to_the_whole(interactions, monkeypatch):
    # Sizes 7, 7 and 6: uneven batches must not change the objective. Frozen weights make every epoch a fresh sample.
    encoder, rows, graph = random_problem()
    exact_gradient = graph_energy(embed(encoder, rows), graph, SPRINGS, balanced(graph)).gradient
    mean = torch.zeros_like(exact_gradient)
    epochs = 1 if interactions == "all" else 800
    steps = []

    def record(problem, optimizer, Z, energy, scale, checks, step):
        batch = list(one_epoch._batches(problem, checks.epoch))[step]
        mean[torch.from_numpy(batch)] += energy.gradient * scale / (3 * epochs)
        steps.append(len(batch))

    monkeypatch.setattr(one_epoch, "_step", record)
    settings = Settings(batch_size=7, interactions=interactions, max_epochs=epochs, tol=0.0)
    monkeypatch.setattr(judging, "has_converged", lambda energies, settings: False)
    history = train(encoder, rows, graph, SPRINGS, settings).history
    assert sorted(steps[:3]) == [6, 7, 7]
    tolerance = 1e-6 if interactions == "all" else 0.08
    torch.testing.assert_close(mean, exact_gradient, rtol=0.0, atol=tolerance * float(exact_gradient.abs().max()))
    energies = [record["energy"] for record in history]
    assert np.mean(energies) == pytest.approx(exact_energy(encoder, rows, graph), rel=1e-5 if epochs == 1 else 0.02)


def test_each_epoch_visits_every_sample_once_in_an_order_of_its_own():
    encoder, rows, graph = random_problem()
    problem = Problem(encoder, rows, graph, SPRINGS, balanced(graph), Settings(batch_size=7), seed=3)
    orders = [np.concatenate(list(one_epoch._batches(problem, epoch))) for epoch in (0, 1, 0)]
    assert sorted(orders[0].tolist()) == list(range(20))
    assert not np.array_equal(orders[0], orders[1])
    np.testing.assert_array_equal(orders[0], orders[2])


def test_training_lowers_the_exact_energy_whatever_the_batches():
    for settings in (
        Settings(batch_size=None, max_epochs=100, learning_rate=1e-2),
        Settings(batch_size=None, max_epochs=20, optimizer="lbfgs", learning_rate=1.0),
        Settings(batch_size=7, max_epochs=60, learning_rate=1e-2),
        Settings(batch_size=7, max_epochs=200, learning_rate=1e-2, interactions="batch", tol=0.0),
    ):
        encoder, rows, graph = random_problem()
        before = exact_energy(encoder, rows, graph)
        train(encoder, rows, graph, SPRINGS, settings)
        assert exact_energy(encoder, rows, graph) < 0.8 * before, settings


def test_history_is_plain_data_of_each_epoch():
    encoder, rows, graph = random_problem()
    seen = []
    result = train(encoder, rows, graph, SPRINGS, Settings(max_epochs=3, batch_size=5), on_epoch=seen.append)
    assert result.history == seen
    assert [record["epoch"] for record in seen] == [1, 2, 3]
    assert set(seen[0]) == {
        "epoch", "energy", "energy_similar", "energy_dissimilar", "learning_rate", "pairs", "seconds"
    }  # fmt: skip
    for record in seen:
        assert record["energy"] == pytest.approx(record["energy_similar"] + record["energy_dissimilar"])
        assert record["pairs"] == 20 * 19
    assert result.stopped == "max_epochs"


def problem_of(**settings):
    encoder, rows, graph = random_problem()
    return Problem(encoder, rows, graph, SPRINGS, balanced(graph), Settings(**settings), seed=0)


def rates(problem, *progress):
    return [learning_rate_at(problem, share) for share in progress]


def test_the_learning_rate_of_in_batch_training_rises_over_a_tenth_of_the_run():
    problem = problem_of(learning_rate=1.0, interactions="batch")
    assert rates(problem, 0.0, 0.05, 0.1, 0.55, 1.0) == pytest.approx([0.05, 0.525, 1.0, 1.0, 1.0])


def test_where_all_samples_are_felt_it_rises_over_fifty_steps_or_half_a_short_run():
    # 20 samples in batches of 5: 4 steps an epoch, so 125 epochs are 500 steps and a tenth of them 50.
    problem = problem_of(learning_rate=1.0, batch_size=5, max_epochs=125)
    assert rates(problem, 0.0, 0.05, 0.1, 1.0) == pytest.approx([0.05, 0.525, 1.0, 1.0])
    short = problem_of(learning_rate=1.0, batch_size=None, max_epochs=10)
    assert rates(short, 0.0, 0.25, 0.5, 1.0) == pytest.approx([0.05, 0.525, 1.0, 1.0])


def test_a_line_search_has_no_warm_up():
    assert rates(problem_of(optimizer="lbfgs", learning_rate=0.7), 0.0, 0.9) == [0.7, 0.7]


@pytest.mark.parametrize(("interactions", "counts"), [("all", (1, 5, 15, 35)), ("batch", (1, 2, 3, 4))])
def test_the_result_is_the_average_of_the_weights_on_the_way(interactions, counts):
    # Step t counts as t (t + 1) (t + 2) (t + 3), or as t.
    encoder, rows, graph = random_problem()
    met = []
    settings = Settings(batch_size=None, max_epochs=4, learning_rate=1e-2, interactions=interactions)
    train(encoder, rows, graph, SPRINGS, settings, on_epoch=lambda _: met.append(encoder[1][1].weight.detach().clone()))
    expected = sum(weight * count for weight, count in zip(met, counts, strict=True)) / sum(counts)
    torch.testing.assert_close(encoder[1][1].weight, expected)


def test_stops_when_the_energy_stands_still():
    settings = Settings(max_epochs=50, tol=1e-2)  # windows of ten epochs
    falling = [1 / (epoch + 1) for epoch in range(40)]
    assert not judging.has_converged(falling, settings)
    assert not judging.has_converged([1.0] * 19, settings)
    assert judging.has_converged([1.0] * 20, settings)
    assert judging.has_converged([1.0] * 10 + [0.995] * 10, settings)
    assert not judging.has_converged([1.0] * 10 + [0.98] * 10, settings)
    assert not judging.has_converged([1.0] * 100, Settings(max_epochs=1000))  # windows of two hundred
    encoder, rows, graph = random_problem()
    settings = Settings(max_epochs=500, batch_size=None, learning_rate=1e-2, tol=1e-3)
    result = train(encoder, rows, graph, SPRINGS, settings)
    assert result.stopped == "converged"
    assert len(result.history) < 500


def test_divergence_is_named_and_leaves_the_last_finite_weights():
    encoder, rows, graph = random_problem()
    with pytest.raises(
        DivergenceError, match=r"Training diverged: the \w+ of epoch \d+, step \d+, is not finite \(energy of similar"
    ) as refusal:
        train(encoder, rows, graph, SPRINGS, Settings(learning_rate=1e38, max_epochs=20, batch_size=7))
    assert "learning rate" in str(refusal.value)
    assert len(str(refusal.value)) <= 600
    assert torch.isfinite(embed(encoder, rows)).all()


def test_a_gradient_that_is_not_finite_is_caught_before_it_reaches_the_weights():
    class Poisoned(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            return gradient * float("nan")

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 2)

        def forward(self, x):
            return Poisoned.apply(self.linear(x))

    _, rows, graph = random_problem()
    encoder = Encoder()
    before = encoder.linear.weight.detach().clone()
    with pytest.raises(DivergenceError, match=re.escape("the gradient of epoch 1, step 1, is not finite")):
        train(encoder, rows, graph, SPRINGS, Settings(max_epochs=1, batch_size=7))
    torch.testing.assert_close(encoder.linear.weight, before)


def test_an_interrupt_ends_the_run_and_keeps_what_was_learned():
    encoder, rows, graph = random_problem()

    def interrupt(record):
        if record["epoch"] == 2:
            raise KeyboardInterrupt

    result = train(encoder, rows, graph, SPRINGS, Settings(max_epochs=10, batch_size=7), on_epoch=interrupt)
    assert result.stopped == "interrupted"
    assert len(result.history) == 2
    assert not encoder.training
    assert torch.isfinite(embed(encoder, rows)).all()


def test_general_springs_are_trained_on():
    encoder, rows, graph = random_problem()
    soft = make_springs(laws=(lambda d: d.square(), lambda d: torch.exp(-d)))
    history = train(encoder, rows, graph, soft, Settings(max_epochs=100, batch_size=None, learning_rate=1e-2)).history
    assert history[-1]["energy"] < 0.9 * history[0]["energy"]


def test_dropout_drops_the_same_in_both_passes_of_a_chunked_step(monkeypatch):
    monkeypatch.setattr(one_epoch, "_n_affordable", lambda problem: 0)
    encoder, rows, graph = random_problem()
    masks = []

    class Noisy(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder = encoder
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            masks.append(self.drop(torch.ones(len(x), 1)))
            return self.encoder(x) * masks[-1]

    with seeded(0):
        train(Noisy(), rows, graph, SPRINGS, Settings(batch_size=None, max_epochs=1, chunk_size=7))
    first, second = masks[:3], masks[3:]
    assert len(second) == 3
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not all(bool(mask.all()) for mask in masks)


def test_an_anchor_s_energy_and_gradient_are_those_of_its_springs():
    # One step of plain descent (Adam's first steps have one size) shows nothing; the gradient itself is compared.
    encoder, rows, graph = random_problem()
    held = np.array([3, 11])
    places = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
    Z = encoder(rows.take(slice(None)))
    objective = literal_objective(Z, graph) + 2.0 * (0.5 * (Z[held] - places).square().sum(1)).mean()
    encoder.zero_grad()
    objective.backward()
    expected = [weight.grad.clone() for weight in encoder.parameters()]
    history = train(
        encoder, rows, graph, SPRINGS, Settings(batch_size=None, max_epochs=1), anchor=Anchor(held, places, 2.0)
    ).history
    for weight, gradient in zip(encoder.parameters(), expected, strict=True):
        torch.testing.assert_close(weight.grad, gradient, rtol=1e-4, atol=1e-6)
    assert history[0]["energy"] == pytest.approx(float(objective.detach()), rel=1e-5)
    assert history[0]["energy_anchor"] == pytest.approx(
        float((0.5 * (Z[held] - places).square().sum(1)).mean().detach()) * 2.0, rel=1e-5
    )


@pytest.mark.parametrize("interactions", ["all", "batch"])
def test_anchors_count_the_same_in_mini_batches(interactions, monkeypatch):
    encoder, rows, graph = random_problem()
    held, places = np.arange(0, 20, 2), torch.ones(10, 2)
    Z = embed(encoder, rows)
    wanted = torch.zeros_like(Z)
    wanted[held] = 3.0 / 10 * (Z[held] - places)
    met = torch.zeros_like(Z)

    def record(problem, optimizer, Z, energy, scale, checks, step):
        batch = list(one_epoch._batches(problem, checks.epoch))[step]
        met[torch.from_numpy(batch)] += energy.gradient * scale / 3

    monkeypatch.setattr(one_epoch, "_step", record)
    settings = Settings(batch_size=7, interactions=interactions, max_epochs=1)
    train(encoder, rows, graph, SPRINGS, settings)
    without = met.clone()
    met.zero_()
    history = train(encoder, rows, graph, SPRINGS, settings, anchor=Anchor(held, places, 3.0)).history
    # In-batch pairs weigh a short batch's samples a little more; the tethers do as well.
    torch.testing.assert_close(met - without, wanted, rtol=0.15, atol=1e-6)
    assert history[0]["energy_anchor"] == pytest.approx(
        1.5 * float((Z[held] - places).square().sum(1).mean()), rel=1e-5
    )


def test_copies_of_a_sample_come_in_one_batch_and_do_not_change_the_objective(monkeypatch):
    # An identity as orbit: the copies lie on their samples, so springs between them have no energy, and every other
    # pair is met as often as its number of copies says.
    encoder, rows, graph = random_problem()
    twice = Rows(FreshCopies(rows._source, lambda batch: batch, seed=0), CPU, torch.float32)
    doubled = with_copies(graph, np.tile(np.arange(20), 2))
    exact = exact_energy(encoder, twice, doubled)
    monkeypatch.setattr(one_epoch, "_step", lambda *arguments: None)
    monkeypatch.setattr(judging, "has_converged", lambda energies, settings: False)
    settings = Settings(batch_size=14, interactions="batch", max_epochs=600)
    history = train(encoder, twice, doubled, SPRINGS, settings).history
    problem = Problem(encoder, twice, doubled, SPRINGS, balanced(doubled), settings, seed=0)
    batches = list(one_epoch._batches(problem, 0))
    assert [len(batch) for batch in batches] == [14, 14, 12]
    for batch in batches:
        np.testing.assert_array_equal(batch[: len(batch) // 2] + 20, batch[len(batch) // 2 :])
    assert np.mean([record["energy"] for record in history]) == pytest.approx(exact, rel=0.02)


def test_springs_between_copies_count_as_often_as_the_graph_says(monkeypatch):
    # Only the springs between a sample and its own copy are stretched here; in-batch sums must average to the whole.
    encoder, rows, _ = random_problem()
    twice = Rows(FreshCopies(rows._source, lambda batch: batch + 1, seed=0), CPU, torch.float32)
    graph = with_copies(NeighborhoodGraph.from_pairs(20, [(0, 1)]), np.tile(np.arange(20), 2))
    exact = exact_energy(encoder, twice, graph)
    monkeypatch.setattr(one_epoch, "_step", lambda *arguments: None)
    monkeypatch.setattr(judging, "has_converged", lambda energies, settings: False)
    settings = Settings(batch_size=10, interactions="batch", max_epochs=800)
    history = train(encoder, twice, graph, SPRINGS, settings).history
    assert np.mean([record["energy"] for record in history]) == pytest.approx(exact, rel=0.03)


def test_activations_are_kept_as_far_as_memory_is_given(monkeypatch):
    encoder, rows, graph = random_problem()
    monkeypatch.setattr(one_epoch, "_ACTIVATION_BYTES", 10**6)
    problem = Problem(encoder, rows, graph, SPRINGS, balanced(graph), Settings(), seed=0)
    # Kept for each sample: 4 standardised inputs and 20 tanh outputs, some of them twice, 4 bytes each.
    assert 10**6 / (4 * 100) < one_epoch._n_affordable(problem) < 10**6 / (4 * 20)
    assert encoder.training


@pytest.mark.parametrize(("kept", "runs"), [(0, 14), (10, 11), (10**6, 7)])
def test_chunks_whose_activations_are_kept_are_run_once(kept, runs, monkeypatch):
    encoder, rows, graph = random_problem()
    monkeypatch.setattr(one_epoch, "_n_affordable", lambda problem: kept)
    calls = []
    encoder.register_forward_hook(lambda *_: calls.append(1))
    train(encoder, rows, graph, SPRINGS, Settings(batch_size=None, max_epochs=1, chunk_size=3))
    assert len(calls) == runs  # chunks of 3, 3, 3, 3, 3, 3 and 2 samples


def test_steps_take_the_forces_of_their_batch_once_positions_are_not_to_be_trusted(monkeypatch):
    encoder, rows, graph = random_problem()
    settings = Settings(batch_size=7, max_epochs=4, tol=0.0)
    monkeypatch.setattr("drlim.training.memory._LARGEST_ERROR", -1.0)
    history = train(encoder, rows, graph, SPRINGS, settings).history
    assert history[0]["pairs"] == 20 * 19  # all pairs, from both ends
    # From the second epoch on only pairs inside a batch: of seven, and in later epochs of twelve samples.
    assert history[1]["pairs"] < 20 * 19 / 2
    assert history[2]["pairs"] == history[3]["pairs"] == 2 * (10 * 9 // 2)


def rising(monkeypatch, energies):
    """Train with energies that are given instead of met; return the weights after each epoch, and the result."""
    encoder, rows, graph = random_problem()
    record, weights = run._record, []
    given = iter(energies)
    monkeypatch.setattr(run, "_record", lambda *args: {**record(*args), "energy": next(given)})
    settings = Settings(max_epochs=len(energies), batch_size=None, learning_rate=1e-2, optimizer="lbfgs", tol=0.0)

    def keep(_):
        weights.append(encoder[1][1].weight.detach().clone())

    return weights, train(encoder, rows, graph, SPRINGS, settings, on_epoch=keep), encoder[1][1].weight


def test_an_energy_that_rises_is_never_converged_and_leaves_the_best_weights(monkeypatch):
    weights, result, last = rising(monkeypatch, [1.0] * 4 + [0.5] + [1.0] * 5 + [1.2] * 10)
    assert result.stopped == "diverged"
    assert len(result.history) == 20
    assert torch.equal(last, weights[4])
    assert not torch.equal(last, weights[-1])


def test_an_energy_that_stands_still_within_its_noise_is_converged(monkeypatch):
    weights, result, last = rising(monkeypatch, [1.0] * 10 + [1.05] * 10)
    assert result.stopped == "converged"
    assert torch.equal(last, weights[-1])
