"""Gradients of a batch, as a whole or of its two halves on a thread each.

A step of a small network runs on one thread (`drlim._base.threads`), which leaves the second core of a machine idle.
Two halves of the batch, each on a thread of its own, take .6 of the time of the whole. Each half has its own masks of
dropout and its own statistics of batch normalisation, so that the result does not depend on the number of threads.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from drlim._base.calls import user_call
from drlim._base.threads import is_small, one_thread
from drlim.encoders.modern import PlaceLogits
from drlim.encoders.standardize import Standardize, UnitLength

__all__ = ["Halves", "Whole", "batch_gradients"]

_SMALLEST_STEP = 4e8
"""Minimum number of multiplications of a step that is cut in halves. Smaller ones take a few milliseconds, and the
statistics of their small batches would be coarse."""

_KNOWN = (
    PlaceLogits,
    Standardize,
    UnitLength,
    nn.Sequential,
    nn.Unflatten,
    nn.Flatten,
    nn.Conv2d,
    nn.Linear,
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.SiLU,
    nn.Dropout,
)
"""Modules of which it is known what they draw and what they change in training."""

Loss = Callable[[nn.Module, slice], Tensor]
"""Returns the mean loss of a part of a batch by a network, a number."""


@contextmanager
def batch_gradients(network: nn.Module, n_multiplications: float) -> Iterator[Whole | Halves]:
    """Return how a network's gradients are to be computed: by halves where that is faster and known to be safe.

    Parameters
    ----------
    network : torch.nn.Module
    n_multiplications : float
        Of a step.
    """
    is_known = all(type(module) in _KNOWN for module in network.modules())
    on_cpu = all(weight.device.type == "cpu" for weight in network.parameters())
    if not (is_known and on_cpu and is_small(n_multiplications) and n_multiplications >= _SMALLEST_STEP):
        yield Whole(network)
        return
    with ThreadPoolExecutor(1) as beside:
        yield Halves(network, beside if torch.get_num_threads() > 1 else None)


class Whole:
    """Gradients of a whole batch, in the calling thread.

    Parameters
    ----------
    network : torch.nn.Module
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network

    def begin(self, seed: int) -> None:
        """Begin an epoch; masks come from torch's global generator."""

    def compute(self, loss: Loss, n_samples: int) -> float:
        """Put the gradients of a loss into the network's weights; return the loss of n samples."""
        value = loss(self.network, slice(0, n_samples))
        self.network.zero_grad()
        with user_call("The gradient of 'encoder'"):
            value.backward()  # type: ignore[no-untyped-call]  # torch types it so
        return float(value.detach())

    def end(self) -> None:
        """End an epoch."""

    def statistics(self) -> dict[str, Tensor]:
        """Return statistics that are not those of the network: none."""
        return {}

    def set_statistics(self, statistics: Mapping[str, Tensor]) -> None:
        """Go on from statistics that `statistics` returned."""


class Halves:
    """Gradients of the two halves of a batch.

    ::

        gradient = (n_1 g_1 + n_2 g_2) / (n_1 + n_2)

    Parameters
    ----------
    network : torch.nn.Module
        Of modules in `_KNOWN`, on the CPU.
    beside : ThreadPoolExecutor or None
        Where the second half runs; None is the calling thread.
    """

    def __init__(self, network: nn.Module, beside: ThreadPoolExecutor | None) -> None:
        self.network = network
        self._weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._generators = [torch.Generator(), torch.Generator()]
        self._copies = [_with_masks(network, generator).train() for generator in self._generators]
        self._beside = beside

    def begin(self, seed: int) -> None:
        """Begin an epoch, whose masks of dropout depend on the seed."""
        for number, generator in enumerate(self._generators):
            generator.manual_seed(seed + number)

    def compute(self, loss: Loss, n_samples: int) -> float:
        """Put the gradients of a loss into the network's weights; return the loss of n samples, two at least."""
        middle = n_samples // 2
        first, second = slice(0, middle), slice(middle, n_samples)
        if self._beside is None:
            parts = [self._part(loss, number, part) for number, part in enumerate((first, second))]
        else:
            later = self._beside.submit(self._part, loss, 1, second)
            parts = [self._part(loss, 0, first), later.result()]
        shares = middle / n_samples, 1 - middle / n_samples
        for weight, one, other in zip(self._weights, parts[0][1], parts[1][1], strict=True):
            weight.grad = one.mul_(shares[0]).add_(other, alpha=shares[1])
        return shares[0] * parts[0][0] + shares[1] * parts[1][0]

    def _part(self, loss: Loss, number: int, part: slice) -> tuple[float, Sequence[Tensor]]:
        """Return the loss of a half and its gradients."""
        with one_thread():
            value = loss(self._copies[number], part)
            return float(value.detach()), torch.autograd.grad(value, self._weights)

    def end(self) -> None:
        """End an epoch: the network's statistics are the means of those of its copies."""
        pairs = zip(self.network.buffers(), *(part.buffers() for part in self._copies), strict=True)
        with torch.no_grad():
            for kept, one, other in pairs:
                kept.copy_((one + other) / 2 if kept.is_floating_point() else one)

    def statistics(self) -> dict[str, Tensor]:
        """Return the statistics of the copies, which go on from their own, by name."""
        return {
            f"{number}.{name}": buffer
            for number, part in enumerate(self._copies)
            for name, buffer in part.named_buffers()
        }

    def set_statistics(self, statistics: Mapping[str, Tensor]) -> None:
        """Go on from statistics that `statistics` returned."""
        with torch.no_grad():
            for name, buffer in self.statistics().items():
                buffer.copy_(statistics[name])


def _with_masks(network: nn.Module, generator: torch.Generator) -> nn.Module:
    """Return a copy with the same weights, not copies of them, whose dropout draws from a generator of its own."""
    same = {id(weight): weight for weight in network.parameters()}
    found = copy.deepcopy(network, memo=dict(same))
    for parent in list(found.modules()):
        for name, module in parent.named_children():
            if isinstance(module, nn.Dropout):
                setattr(parent, name, _Dropout(module.p, generator))
    return found


class _Dropout(nn.Module):
    """Dropout that draws from a generator: torch's own draws from one that all threads share."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x: Tensor) -> Tensor:
        """Return x, of which a share is 0 and the rest grows by as much."""
        return x * torch.empty_like(x).bernoulli_(1 - self.rate, generator=self.generator).div_(1 - self.rate)
