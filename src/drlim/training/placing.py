"""Training of a network that says which places of a map a sample belongs to: cross-entropy to fixed targets."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Array, Index
from drlim._base.threads import threads_for
from drlim._base.torch import Rows, seeded
from drlim.encoders.embedding import called
from drlim.encoders.places import Targets, spread
from drlim.training.checkpoints import Keeper
from drlim.training.divergence import DivergenceError
from drlim.training.halves import Halves, Loss, Whole, batch_gradients
from drlim.training.packing import under
from drlim.training.problem import EpochRecord, Result, Stopped
from drlim.training.state import RunState, restore_optimizer
from drlim.training.watching import Watch, run_epochs

__all__ = ["PlacingSettings", "place"]

_SAMPLES_READ = 90_000
"""Number of samples, each counted as often as it is read, after which the test samples' places improve little."""

_CHANGED_READ = 240_000
"""The same with an orbit, by which a sample is another one each time that it is read."""

_FEWEST_EPOCHS, _MOST_EPOCHS, _MOST_CHANGED = 2, 20, 50
"""Minimum number of epochs, and maximum numbers without and with an orbit."""

_FEW_SAMPLES = 5000
"""Minimum number of samples of which a batch holds 250."""

_WARM_UP = 0.3
"""Share of the run over which the learning rate rises."""

_START, _END = 1 / 25, 1e-4
"""Learning rates at the start and the end of the run, as shares of the largest."""

Orbit = Callable[[Array, np.random.Generator], Array]
"""Changes a batch of samples in a way that does not matter: (b, ...) and a generator to draw from, to (b, ...)."""


@dataclass(frozen=True)
class PlacingSettings:
    """How to train.

    Attributes
    ----------
    max_epochs : int
    batch_size : int
        Samples a step.
    learning_rate : float
        The largest of the run; see `place`.
    weight_decay : float
        AdamW's.
    betas : tuple of float
        AdamW's.
    """

    max_epochs: int
    batch_size: int
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    betas: tuple[float, float] = (0.9, 0.99)

    @classmethod
    def for_samples(cls, n_samples: int, *, changed: bool = False) -> PlacingSettings:
        """Return the settings for a number of samples.

        Training reads 90,000 samples, within 2 and 20 epochs; with an orbit (``changed``) 240,000, within 2 and 50.
        Batches hold 250, or 125 below 5000 samples.

        Examples
        --------
        >>> [PlacingSettings.for_samples(n).max_epochs for n in (300, 4000, 12_000, 20_000, 60_000)]
        [20, 20, 7, 4, 2]
        >>> PlacingSettings.for_samples(12_000, changed=True).max_epochs
        20
        """
        n_read, most = (_CHANGED_READ, _MOST_CHANGED) if changed else (_SAMPLES_READ, _MOST_EPOCHS)
        epochs = min(most, max(_FEWEST_EPOCHS, n_read // max(1, n_samples)))
        return cls(max_epochs=epochs, batch_size=125 if n_samples < _FEW_SAMPLES else 250)


class _Run(NamedTuple):
    """What stays the same over a run."""

    network: nn.Module
    rows: Rows
    places: Tensor  # (n, m)
    weight: Tensor  # (n, m)
    n_places: int
    settings: PlacingSettings
    seed: int
    orbit: Orbit | None

    @property
    def n_steps(self) -> int:
        """Steps of an epoch; no batch has fewer than two samples."""
        n_samples = len(self.rows)
        return max(1, min(math.ceil(n_samples / self.settings.batch_size), n_samples // 2))


def place(
    network: nn.Module,
    rows: Rows,
    targets: Targets,
    settings: PlacingSettings,
    *,
    seed: int = 0,
    on_epoch: Callable[[dict[str, float]], object] | None = None,
    orbit: Orbit | None = None,
    watch: Watch | None = None,
    keeper: Keeper | None = None,
) -> Result:
    """Train a network in place to give each sample its distribution T over places, by cross-entropy.

    ::

        loss = - mean over samples of sum_k T_k log softmax(logits)_k

    AdamW takes the steps. Its learning rate rises over the first 30 % of the run from 1/25 of the largest and falls
    to nearly 0 at the end, both along half a cosine ("one cycle") [1]_. On a CPU that multiplies numbers of 16 bits
    fast, layers run in bfloat16; small steps run on one thread (`drlim._base.threads`).

    Parameters
    ----------
    network : torch.nn.Module
        Maps (b, ...) to logits (b, K). It is left in evaluation mode.
    rows : Rows
        The n samples, on the network's device and in its dtype.
    targets : Targets
        Of the n samples.
    settings : PlacingSettings
    seed : int, default=0
        Batches, masks of dropout and the orbit's draws depend on this and the epoch alone.
    on_epoch : callable, default=None
        Takes each epoch's record as it ends.
    orbit : callable, default=None
        Changes each batch in a way that does not matter. Targets stay.
    watch : Watch, default=None
        Looks on, and may end the run.
    keeper : Keeper, default=None
        Writes the state to disk, and restores it at first.

    Returns
    -------
    Result
        Records hold ``epoch`` (from 1), ``cross_entropy`` (the mean over the epoch, before each step),
        ``learning_rate`` (in the middle of the epoch) and ``seconds``.

    Raises
    ------
    DivergenceError
        When the loss or a weight stops being finite. The network keeps the weights of the last finite epoch.

    References
    ----------
    .. [1] L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning
       rates", 2018, arXiv:1708.07120.
    """
    places, weight = (torch.from_numpy(array).to(rows.device) for array in (targets.places, targets.weight))
    _arrange(network, torch.channels_last)
    run = _Run(network, rows, places, weight.to(rows.dtype), targets.n_places, settings, seed, orbit)
    optimizer = torch.optim.AdamW(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=run.rows.device.type in ("cpu", "cuda"),
    )
    progress = _Progress(run, optimizer)
    try:
        n_multiplications = _multiplications(run)
        with batch_gradients(network, n_multiplications) as progress.gradients, threads_for(n_multiplications):
            network.train()
            stopped = run_epochs(progress, on_epoch, watch, keeper)
    except DivergenceError:
        network.load_state_dict(progress.last_finite)
        raise
    except KeyboardInterrupt:
        network.load_state_dict(progress.last_finite)
        stopped = "interrupted"
    finally:
        _arrange(network, torch.contiguous_format)
        network.eval()
        if keeper is not None:
            keeper.flush()
    return Result(progress.history, stopped)


class _Progress:
    """All that changes from epoch to epoch; see `drlim.training.run.Run`."""

    def __init__(self, run: _Run, optimizer: torch.optim.Optimizer) -> None:
        self.history: list[EpochRecord] = []
        self.module = run.network
        self.gradients: Whole | Halves = Whole(run.network)
        self.last_finite = copy.deepcopy(run.network.state_dict())
        self._run = run
        self._optimizer = optimizer

    def advance(self) -> EpochRecord:
        """Run an epoch; return its record."""
        record = _run_epoch(self._run, self.gradients, self._optimizer, len(self.history))
        self.last_finite = copy.deepcopy(self.module.state_dict())
        self.history.append(record)
        return record

    @property
    def why_ended(self) -> Stopped | None:
        """Why to stop after the last epoch; None to go on."""
        return "max_epochs" if len(self.history) >= self._run.settings.max_epochs else None

    def state(self) -> RunState:
        """Return all of it. Orders and masks are drawn from (seed, epoch), so that no generator is part of it."""
        return RunState.of(
            {
                "network": self.module.state_dict(),
                "optimizer": self._optimizer.state_dict()["state"],
                "statistics": self.gradients.statistics(),
                "history": self.history,
            }
        )

    def restore(self, state: RunState) -> None:
        """Go on from a state of a run of the same problem."""
        parts = state.parts()
        self.module.load_state_dict(under("network", state.tensors))
        self.last_finite = copy.deepcopy(self.module.state_dict())
        restore_optimizer(self._optimizer, parts["optimizer"])
        self.gradients.set_statistics(under("statistics", state.tensors))
        self.history = state.history


def _arrange(network: nn.Module, memory_format: torch.memory_format) -> None:
    """Arrange the weights of convolutions in memory: with channels last, a step takes 37 milliseconds instead of 53."""
    network.to(memory_format=memory_format)  # type: ignore[call-overload]  # torch's types lack this form


def _run_epoch(run: _Run, gradients: Whole | Halves, optimizer: torch.optim.Optimizer, epoch: int) -> dict[str, float]:
    """Take the steps of one epoch and return its record."""
    began, total = time.perf_counter(), 0.0
    draw = np.random.default_rng([run.seed, epoch, 1])
    seed = int(draw.integers(2**62))
    gradients.begin(seed)
    with seeded(seed, run.rows.device):
        for step, batch in enumerate(_batches(run, epoch)):
            rate = learning_rate(run.settings, (epoch + step / run.n_steps) / run.settings.max_epochs)
            for group in optimizer.param_groups:
                group["lr"] = rate
            value = gradients.compute(_loss_of(run, batch, draw), len(batch))
            if not math.isfinite(value):
                raise _diverged("loss", epoch, step, rate)
            optimizer.step()
            total += value * len(batch)
    gradients.end()
    middle = learning_rate(run.settings, (epoch + 0.5) / run.settings.max_epochs)
    if not _is_usable(run.network):
        raise _diverged("result", epoch, run.n_steps - 1, middle)
    return {
        "epoch": epoch + 1,
        "cross_entropy": total / len(run.rows),
        "learning_rate": middle,
        "seconds": time.perf_counter() - began,
    }


def _is_usable(network: nn.Module) -> bool:
    """Whether weights are finite and buffers are numbers; a module of the user's own may hold an infinite one."""
    are_finite = all(bool(weight.isfinite().all()) for weight in network.parameters())
    return are_finite and not any(bool(buffer.isnan().any()) for buffer in network.buffers())


def _loss_of(run: _Run, batch: Index, draw: np.random.Generator) -> Loss:
    """Return the mean cross-entropy of parts of a batch."""
    x = run.rows.take(batch)  # (b, ...)
    if run.orbit is not None:
        x = torch.from_numpy(np.array(run.orbit(x.cpu().numpy(), draw))).to(x)
    chosen = torch.from_numpy(batch).to(x.device)
    places, weight = run.places.index_select(0, chosen), run.weight.index_select(0, chosen)  # (b, m)

    def loss(network: nn.Module, part: slice) -> Tensor:
        with _precision(x):
            logits = called(network, x[part]).to(x.dtype)  # (b', K)
        return nn.functional.cross_entropy(logits, spread(places[part], weight[part], run.n_places))

    return loss


def _precision(x: Tensor) -> AbstractContextManager[object]:
    """Return the context in which layers run: bfloat16 on a CPU that has instructions for it."""
    # On a CPU without them a step takes eight times as long in bfloat16 as in float32.
    is_supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if x.device.type == "cpu" and x.dtype == torch.float32 and is_supported is not None and is_supported():
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()


def learning_rate(settings: PlacingSettings, progress: float) -> float:
    """Return the learning rate at ``progress`` in [0, 1] of the run.

    Examples
    --------
    >>> settings = PlacingSettings(max_epochs=1, batch_size=2, learning_rate=1.0)
    >>> [round(learning_rate(settings, progress), 3) for progress in (0.0, 0.3, 0.65, 1.0)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if progress < _WARM_UP:
        start, end, share = _START, 1.0, progress / _WARM_UP
    else:
        start, end, share = 1.0, _END, (progress - _WARM_UP) / (1 - _WARM_UP)
    return settings.learning_rate * (end + (start - end) * (1 + math.cos(math.pi * share)) / 2)


def _batches(run: _Run, epoch: int) -> Iterator[Index]:
    """Yield all samples in a random order drawn from (seed, epoch), in batches of nearly equal size.

    Nearly equal, so that no last batch of one sample upsets a batch normalisation.
    """
    order = np.random.default_rng([run.seed, epoch]).permutation(len(run.rows))
    yield from run.rows.ahead(np.array_split(order, run.n_steps))


def _multiplications(run: _Run) -> float:
    """Return how many multiplications a step takes: forwards, and twice as many backwards."""
    from torch.utils.flop_counter import FlopCounterMode

    run.network.eval()  # the mode that moves no statistics and draws no mask
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        called(run.network, run.rows.take(np.arange(1)))
    return 3 * run.settings.batch_size * float(counter.get_total_flops()) / 2


def _diverged(what: str, epoch: int, step: int, rate: float) -> DivergenceError:
    return DivergenceError(
        f"Training diverged: the {what} of epoch {epoch + 1}, step {step + 1}, is not finite (learning rate "
        f"{rate:.3g}). The encoder keeps the weights of the last finite epoch. Try a tenth of the learning rate."
    )
