"""Gradients by halves: their formula, that they share weights, and that no thread changes a byte of them."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor, nn

from drlim._base.torch import seeded
from drlim.encoders.modern import PlaceLogits, make_trunk
from drlim.training.halves import Halves, Whole, _Dropout, batch_gradients

N = 11
X = torch.randn(N, 6, generator=torch.Generator().manual_seed(0))
Y = torch.arange(N) % 4


def network(dropout: float = 0.0) -> PlaceLogits:
    with seeded(0):
        found = PlaceLogits(make_trunk((6,), 400), 256, 4)
    for module in found.modules():
        if isinstance(module, nn.Dropout):
            module.p = dropout
    return found.train()


def loss(module: nn.Module, part: slice) -> Tensor:
    return nn.functional.cross_entropy(module(X[part]), Y[part])


def gradients(module: nn.Module) -> list[Tensor]:
    return [weight.grad for weight in module.parameters()]


def literal(module: nn.Module, part: slice) -> tuple[float, list[Tensor], nn.Module]:
    alone = copy.deepcopy(module)
    value = loss(alone, part)
    value.backward()
    return value.item(), gradients(alone), alone


def test_the_gradient_is_the_mean_of_those_of_the_halves():
    module = network()
    first, second = literal(module, slice(0, 5)), literal(module, slice(5, 11))
    value = Halves(module, None).compute(loss, N)
    assert value == pytest.approx((5 * first[0] + 6 * second[0]) / 11)
    for found, one, other in zip(gradients(module), first[1], second[1], strict=True):
        torch.testing.assert_close(found, (5 * one + 6 * other) / 11)


def test_without_statistics_of_batches_it_is_the_gradient_of_the_whole():
    halves, whole = (nn.Sequential(nn.Linear(6, 5), nn.SiLU(), nn.Linear(5, 4)) for _ in range(2))
    whole.load_state_dict(halves.state_dict())
    assert Halves(halves, None).compute(loss, N) == pytest.approx(Whole(whole).compute(loss, N))
    for found, expected in zip(gradients(halves), gradients(whole), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_thread_beside_changes_no_byte_and_the_seed_draws_the_masks():
    def run(beside: ThreadPoolExecutor | None, seed: int = 3) -> bytes:
        module = network(dropout=0.5)
        halves = Halves(module, beside)
        halves.begin(seed)
        for _ in range(5):
            halves.compute(loss, N)
        halves.end()
        kept = [*gradients(module), *module.buffers()]
        return b"".join(tensor.numpy().tobytes() for tensor in kept)

    before = torch.get_rng_state()
    with ThreadPoolExecutor(1) as beside:
        threaded = run(beside)
    assert torch.equal(torch.get_rng_state(), before)
    assert threaded == run(None)
    assert threaded != run(None, seed=4)


def test_statistics_are_the_means_of_those_of_the_halves_and_weights_are_shared():
    module = network()
    parts = [literal(module, part)[2] for part in (slice(0, 5), slice(5, 11))]
    halves = Halves(module, None)
    halves.compute(loss, N)
    halves.end()
    for kept, one, other in zip(module.buffers(), *(part.buffers() for part in parts), strict=True):
        torch.testing.assert_close(kept, (one + other) / 2 if kept.is_floating_point() else one)
    with torch.no_grad():
        for weight in module.parameters():
            weight.zero_()
    assert halves.compute(loss, N) == pytest.approx(torch.tensor(4.0).log().item())  # all classes alike


def test_dropout_keeps_the_mean():
    kept = _Dropout(0.25, torch.Generator().manual_seed(0))(torch.ones(100_000))
    assert sorted(set(kept.tolist())) == [0.0, pytest.approx(4 / 3)]
    assert kept.mean().item() == pytest.approx(1, abs=0.01)


class Own(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.mark.parametrize(
    ("last", "n_multiplications", "kind"),
    [
        (None, 1e9, Halves),
        (None, 1e8, Whole),  # too small
        (None, 1e11, Whole),  # runs on all threads as it is
        (Own(), 1e9, Whole),  # may draw, or keep, what is not known
    ],
)
def test_what_is_cut_in_halves(last, n_multiplications, kind):
    module: nn.Module = network() if last is None else nn.Sequential(network(), last)
    with batch_gradients(module, n_multiplications) as found:
        assert type(found) is kind
