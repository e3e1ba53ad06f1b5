"""Step 2 of the paper's algorithm: move the weights until the springs are at rest.

The gradient with respect to the weights needs of all the pairs only one vector a sample, dE/dz: springs are
summed on the few output coordinates, and one backward pass of the encoder carries the result to the weights. No
pair of images is ever formed.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from drlim._base.torch import Rows, random_state, set_random_state
from drlim.encoders import embed
from drlim.forces import Balance, GraphEnergy, balanced, graph_energy, pair_list
from drlim.graph import NeighborhoodGraph
from drlim.springs import Springs
from drlim.training.memory import Memory

__all__ = ["Anchor", "DivergenceError", "Result", "Settings", "train"]

EpochRecord = dict[str, float]

_WARM_UP = 0.1
"""Share of the run over which Adam's learning rate rises. Full first steps drive the units of a wide dense layer to
their ends, from where they do not come back."""

_WARM_UP_STEPS = 50
"""Steps that the rise takes at most where a batch feels all samples: its force is sure, and the crowded start is
better left soon."""


class _Pace(NamedTuple):
    """How Adam forgets, and how its weights are averaged.

    The average gives step t a weight growing as the power ``averaging`` of t, so that it covers about the last
    1 / (averaging + 1) of the run whenever it ends. At a constant rate Adam wanders about the rest position; its
    mean is nearer. docs/training.md has what led to the numbers.
    """

    betas: tuple[float, float]
    averaging: float


_PACES = {
    # torch's .999 remembers the large forces of a crowded start for a thousand steps, and keeps steps small as long.
    "all": _Pace(betas=(0.9, 0.95), averaging=4.0),
    # Few similar pairs meet in a batch: the noise wants long memories.
    "batch": _Pace(betas=(0.9, 0.999), averaging=1.0),
}
"""By `Settings.interactions`."""

_ACTIVATION_BYTES = 512 * 2**20
"""Activations that a step on all samples may hold; those of 6000 digits in the paper's network fit."""


class DivergenceError(ArithmeticError):
    """Training left the finite numbers; the encoder holds its last finite state."""


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    optimizer : {"adam", "lbfgs"}
        L-BFGS needs all samples in each step.
    learning_rate : float
        Adam's; constant, but that it rises over the first tenth of an in-batch run, or over the first 50 steps where a
        batch feels all samples. L-BFGS finds its own step along each direction and takes this as the first trial.
    batch_size : int or None
        Samples a step; None takes all of them, exactly.
    interactions : {"all", "batch"}
        What a mini-batch feels: all n samples, those outside it where they are remembered to be (`drlim.memory`), or
        only the samples inside it.
    max_epochs : int
    tol : float
        Stop when a fifth of ``max_epochs`` (ten at least) has not lowered the mean energy of the fifth before by this
        share; 0 stops only when it has risen.
    dissimilar_weight : float
        See `drlim.forces.balanced`.
    chunk_size : int
        Samples run at once when a step takes all. Activations of the first chunks are kept for the way back, up to
        512 MiB; the chunks after them are run a second time.
    """

    optimizer: Literal["adam", "lbfgs"] = "adam"
    learning_rate: float = 2e-3
    batch_size: int | None = 150
    interactions: Literal["all", "batch"] = "all"
    max_epochs: int = 100
    tol: float = 1e-4
    dissimilar_weight: float = 1.0
    chunk_size: int = 250


class Anchor(NamedTuple):
    """Samples held where they were: each is tied to a place by a spring of rest length 0.

    Attributes
    ----------
    samples : ndarray of int64, shape (m,)
        Distinct rows.
    positions : Tensor, shape (m, d)
        Where each is held.
    weight : float
        Of the mean of 1/2 D^2 over the m samples, in the objective.
    """

    samples: NDArray[np.int64]
    positions: Tensor
    weight: float


class Result(NamedTuple):
    """Outcome of `train`: one record an epoch, and why it stopped."""

    history: list[EpochRecord]
    stopped: Literal["converged", "max_epochs", "interrupted"]


class _Tethers(NamedTuple):
    """An `Anchor` by row: where each of the n rows is held, and how stiffly. Free rows have stiffness 0."""

    positions: Tensor  # (n, d)
    stiffness: Tensor  # (n, 1)

    def pull(self, Z: Tensor, rows: NDArray[np.int64] | slice) -> tuple[float, Tensor]:
        """Return the energy of the rows' tethers and its gradient, shape (b, d)."""
        index = rows if isinstance(rows, slice) else torch.from_numpy(rows).to(Z.device)
        displacement = Z.detach() - self.positions[index]  # (b, d)
        gradient = self.stiffness[index] * displacement
        return float((0.5 * gradient * displacement).sum(dtype=torch.float64)), gradient


@dataclass(frozen=True)
class _Problem:
    """What stays the same over a run."""

    encoder: nn.Module
    rows: Rows
    graph: NeighborhoodGraph
    springs: Springs
    balance: Balance
    settings: Settings
    seed: int
    tethers: _Tethers | None = None


class _Met(NamedTuple):
    """What an epoch met: the sums of L_S and L_D, the energy of the tethers, and the springs evaluated."""

    similar: float
    dissimilar: float
    anchor: float
    pairs: int


def train(
    encoder: nn.Module,
    rows: Rows,
    graph: NeighborhoodGraph,
    springs: Springs,
    settings: Settings,
    *,
    seed: int = 0,
    anchor: Anchor | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> Result:
    """Train an encoder in place.

    Adam's weights are averaged as training goes, and the encoder is left with the average; L-BFGS's are not.

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps (b, ...) to (b, d).
    rows : Rows
        The n samples, on the encoder's device and in its dtype. Where each stands for several rows (`Rows.n_copies`),
        a mini-batch takes all rows of a sample or none.
    graph : NeighborhoodGraph
        On n samples.
    springs : Springs
    settings : Settings
    seed : int, default=0
        Batches depend on this and the epoch alone.
    anchor : Anchor, default=None
        Rows held near given places while the others move.
    on_epoch : callable, default=None
        Given each epoch's record as it ends.

    Returns
    -------
    Result
        Records hold ``epoch`` (from 1), ``energy`` (the objective), ``energy_similar`` and ``energy_dissimilar``
        (mean L_S and mean L_D), ``learning_rate``, ``pairs`` (springs evaluated) and ``seconds`` (of this epoch),
        and ``energy_anchor`` where there is an anchor. Energies are met on the way, each batch's before its step;
        with ``interactions="batch"`` they are estimates from the pairs that met.

    Raises
    ------
    DivergenceError
        When energies, gradients or outputs stop being finite.
    """
    balance = balanced(graph, settings.dissimilar_weight)
    tethers = None if anchor is None else _tethers(anchor, len(rows), rows.device)
    problem = _Problem(encoder, rows, graph, springs, balance, settings, seed, tethers)
    optimizer = _make_optimizer(problem)
    average = _averaged(problem, optimizer)
    run_epoch = _choose_epoch(problem, optimizer)
    history: list[EpochRecord] = []
    last_finite = copy.deepcopy(average.state_dict())
    encoder.train()
    try:
        for epoch in range(settings.max_epochs):
            began = time.perf_counter()
            try:
                met = run_epoch(epoch)
                _check_average(problem, average, epoch)
            except DivergenceError:
                average.load_state_dict(last_finite)
                raise
            last_finite = copy.deepcopy(average.state_dict())
            history.append(_record(problem, epoch, met, time.perf_counter() - began))
            if on_epoch is not None:
                on_epoch(history[-1])
            if _has_converged([record["energy"] for record in history], settings):
                return Result(history, "converged")
    except KeyboardInterrupt:
        if average is encoder or not _is_finite(average):  # L-BFGS may be in the middle of a line search
            average.load_state_dict(last_finite)
        return Result(history, "interrupted")
    finally:
        encoder.load_state_dict(average.state_dict())
        encoder.eval()
    return Result(history, "max_epochs")


def _tethers(anchor: Anchor, n_rows: int, device: torch.device) -> _Tethers:
    held = torch.from_numpy(anchor.samples).to(device)
    positions = anchor.positions.to(device)
    stiffness = torch.zeros(n_rows, 1, dtype=positions.dtype, device=device)
    stiffness[held] = anchor.weight / len(held)
    places = torch.zeros(n_rows, positions.shape[1], dtype=positions.dtype, device=device)
    return _Tethers(places.index_copy(0, held, positions), stiffness)


def _record(problem: _Problem, epoch: int, met: _Met, seconds: float) -> EpochRecord:
    graph, settings, balance = problem.graph, problem.settings, problem.balance
    record = {
        "epoch": epoch + 1,
        "energy": balance.similar * met.similar + balance.dissimilar * met.dissimilar + met.anchor,
        "energy_similar": met.similar / max(1, graph.similar.total_weight),
        "energy_dissimilar": met.dissimilar / max(1, graph.dissimilar.total_weight),
        "learning_rate": _scheduled(problem, (epoch + 0.5) / settings.max_epochs),
        "pairs": met.pairs,
        "seconds": seconds,
    }
    if problem.tethers is not None:
        record["energy_anchor"] = met.anchor
    return record


def _choose_epoch(problem: _Problem, optimizer: torch.optim.Optimizer) -> Callable[[int], _Met]:
    """Return the function that runs one epoch."""
    batch_size = problem.settings.batch_size
    if batch_size is None or batch_size >= len(problem.rows):
        n_kept = _n_affordable(problem)
        return lambda epoch: _full_epoch(problem, optimizer, epoch, n_kept)
    if problem.settings.interactions == "batch":
        position = np.full(len(problem.rows), -1, dtype=np.int64)
        return lambda epoch: _batch_epoch(problem, optimizer, epoch, position)
    n_features = min(32, batch_size // 8)
    memory = Memory(embed(problem.encoder, problem.rows), problem.rows, n_features)
    return lambda epoch: _remembering_epoch(problem, optimizer, epoch, memory)


def _n_affordable(problem: _Problem) -> int:
    """Return how many samples' activations fit into `_ACTIVATION_BYTES`, judged by those of two samples."""
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size() if tensor.shape[:1] == (2,) else 0
        return tensor

    problem.encoder.eval()  # the mode that moves no statistics and draws no mask
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        problem.encoder(problem.rows.take(np.arange(2)))
    problem.encoder.train()
    return _ACTIVATION_BYTES // max(1, kept // 2)


def _full_epoch(problem: _Problem, optimizer: torch.optim.Optimizer, epoch: int, n_kept: int) -> _Met:
    """One step on the exact objective; the encoder runs in chunks, so that memory is bounded.

    Activations of the first ``n_kept`` samples wait for their gradients; the other chunks are run twice.
    """
    rows = problem.rows.drawn()  # the line search of L-BFGS and both passes of a chunk must meet the same copies
    n_samples, size = len(rows), problem.settings.chunk_size
    chunks = [slice(start, min(start + size, n_samples)) for start in range(0, n_samples, size)]
    met: list[_Met] = []

    def closure() -> float:
        optimizer.zero_grad()
        states, outputs = [], []
        for chunk in chunks:
            states.append(random_state(rows.device))
            with torch.set_grad_enabled(chunk.stop <= n_kept):
                outputs.append(problem.encoder(rows.take(chunk)))
        Z = torch.cat([output.detach() for output in outputs])  # (n, d)
        energy = graph_energy(Z, problem.graph, problem.springs, problem.balance)
        energy, held = _held(problem, energy, Z, slice(None))
        _check_finite(problem, energy, epoch, step=0)
        for chunk, output, state in zip(chunks, outputs, states, strict=True):
            Z_chunk = output
            if not output.requires_grad:
                set_random_state(state, rows.device)  # dropout must drop what it dropped before
                Z_chunk = problem.encoder(rows.take(chunk))
            Z_chunk.backward(energy.gradient[chunk])
        _check_weights(problem, energy, epoch, step=0)
        met.append(_Met(energy.similar, energy.dissimilar, held, 0))
        return problem.balance.similar * energy.similar + problem.balance.dissimilar * energy.dissimilar + held

    _set_learning_rate(problem, optimizer, epoch)
    optimizer.step(closure)
    return met[0]._replace(pairs=len(met) * n_samples * (n_samples - 1) // 2)


def _held(
    problem: _Problem, energy: GraphEnergy, Z: Tensor, rows: NDArray[np.int64] | slice, share: float = 1.0
) -> tuple[GraphEnergy, float]:
    """Add the gradient of the rows' tethers, times ``share``; return their energy."""
    if problem.tethers is None:
        return energy, 0.0
    held, gradient = problem.tethers.pull(Z, rows)
    return energy._replace(gradient=energy.gradient + share * gradient.to(energy.gradient.dtype)), held


def _remembering_epoch(problem: _Problem, optimizer: torch.optim.Optimizer, epoch: int, memory: Memory) -> _Met:
    """Take steps in which each fresh batch feels all n samples, the others where they are remembered to be."""
    n_samples, n_steps = len(problem.rows), _steps(problem)
    similar, dissimilar, anchor = 0.0, 0.0, 0.0
    for step, batch in enumerate(_batches(problem, epoch)):
        _set_learning_rate(problem, optimizer, epoch, step)
        Z = problem.encoder(problem.rows.take(batch))  # (b, d)
        memory.update(batch, Z.detach())
        energy = graph_energy(memory.positions, problem.graph, problem.springs, problem.balance, rows=batch)
        energy, held = _held(problem, energy, Z, batch)
        # Scaled by the number of steps, not by n/b: every sample then weighs the same, in a short batch too.
        _step(problem, optimizer, Z, energy, n_steps, epoch, step)
        similar, dissimilar, anchor = similar + energy.similar, dissimilar + energy.dissimilar, anchor + held
    return _Met(similar, dissimilar, anchor, n_samples * (n_samples - 1))


def _batch_epoch(problem: _Problem, optimizer: torch.optim.Optimizer, epoch: int, position: NDArray[np.int64]) -> _Met:
    """Take steps in which every pair inside the batch counts, and no other.

    Two of n samples meet in a batch of b with probability b (b - 1) / (n (n - 1)); dividing by it, batches of any
    size estimate the same objective. Copies of one sample meet in every epoch, and count for that much less.
    """
    n_copies = problem.rows.n_copies
    n_samples = len(problem.rows) // n_copies
    similar, dissimilar, anchor, pairs, seen = 0.0, 0.0, 0.0, 0, 0
    for step, batch in enumerate(_batches(problem, epoch)):
        _set_learning_rate(problem, optimizer, epoch, step)
        Z = problem.encoder(problem.rows.take(batch))  # (b, d)
        energy = graph_energy(Z, problem.graph.subgraph(batch, position), problem.springs, problem.balance)
        size = len(batch) // n_copies
        scale = n_samples * (n_samples - 1) / (size * (size - 1))
        if n_copies > 1:
            energy = _discounted(problem, energy, Z, size, (size - 1) / (n_samples - 1))
        energy, held = _held(problem, energy, Z, batch, n_samples / size / scale)
        _step(problem, optimizer, Z, energy, scale, epoch, step)
        similar += energy.similar * scale * size
        dissimilar += energy.dissimilar * scale * size
        anchor, pairs, seen = anchor + held, pairs + len(batch) * (len(batch) - 1) // 2, seen + size
    return _Met(similar / seen, dissimilar / seen, anchor, pairs)


def _discounted(problem: _Problem, energy: GraphEnergy, Z: Tensor, size: int, share: float) -> GraphEnergy:
    """Count the springs between copies of one sample, which are similar, by a share of their weight."""
    copies = np.arange(len(Z)).reshape(-1, size)  # (n_copies, size): a column for each sample
    pairs = np.concatenate([copies[[a, b]].T for a in range(len(copies)) for b in range(a)])
    excess, gradient = pair_list(Z, pairs, problem.springs.similar)
    return energy._replace(
        similar=energy.similar + (share - 1) * excess,
        gradient=energy.gradient + problem.balance.similar * (share - 1) * gradient,
    )


def _step(
    problem: _Problem,
    optimizer: torch.optim.Optimizer,
    Z: Tensor,
    energy: GraphEnergy,
    scale: float,
    epoch: int,
    step: int,
) -> None:
    """Carry the forces on a batch to the weights, and take one step."""
    _check_finite(problem, energy, epoch, step)
    optimizer.zero_grad()
    Z.backward(energy.gradient * scale)  # type: ignore[no-untyped-call]  # torch types it so
    _check_weights(problem, energy, epoch, step)
    optimizer.step()


def _batches(problem: _Problem, epoch: int) -> Iterator[NDArray[np.int64]]:
    """Yield all samples in a random order drawn from (seed, epoch), in batches of nearly equal size.

    Nearly equal, so that no last batch of one or two samples upsets a batch normalisation. All copies of a sample,
    which are n apart, come in one batch.
    """
    n_samples = len(problem.rows) // problem.rows.n_copies
    first = np.arange(problem.rows.n_copies)[:, None] * n_samples  # (n_copies, 1)
    order = np.random.default_rng([problem.seed, epoch]).permutation(n_samples)
    for batch in np.array_split(order, _steps(problem)):
        yield (first + batch).ravel()


def _steps(problem: _Problem) -> int:
    """Return the number of steps of an epoch; no batch has fewer than two samples."""
    n_rows = len(problem.rows)
    n_samples = n_rows // problem.rows.n_copies
    return max(1, min(math.ceil(n_rows / (problem.settings.batch_size or n_rows)), n_samples // 2))


def _make_optimizer(problem: _Problem) -> torch.optim.Optimizer:
    parameters = [parameter for parameter in problem.encoder.parameters() if parameter.requires_grad]
    if problem.settings.optimizer == "lbfgs":
        return torch.optim.LBFGS(
            parameters,
            lr=problem.settings.learning_rate,
            max_iter=1,
            max_eval=25,  # else 5/4 of max_iter: a line search of one trial, which stalls at its first refusal
            history_size=20,
            line_search_fn="strong_wolfe",
        )
    return torch.optim.Adam(
        parameters, lr=problem.settings.learning_rate, betas=_PACES[problem.settings.interactions].betas
    )


def _averaged(problem: _Problem, optimizer: torch.optim.Optimizer) -> nn.Module:
    """Return the module whose weights are the result: a running average of the encoder's, or the encoder itself.

    The average is of Shamir and Zhang, "Stochastic gradient descent for non-smooth optimization", ICML 2013: step t
    counts as t to a power. It needs no horizon and is good at any stop.
    """
    if problem.settings.optimizer == "lbfgs":
        return problem.encoder

    power = _PACES[problem.settings.interactions].averaging

    def move(average: Tensor, weight: Tensor, n_averaged: Tensor | int) -> Tensor:
        if not average.is_floating_point():  # a count, such as BatchNorm's of its batches
            return weight
        moved = torch.lerp(average, weight, float((power + 1) / (n_averaged + power + 1)))
        return torch.where(weight.isfinite(), moved, weight)  # a mask may hold infinities

    average = AveragedModel(problem.encoder, avg_fn=move, use_buffers=True)
    optimizer.register_step_post_hook(lambda *_: average.update_parameters(problem.encoder))
    module: nn.Module = average.module
    return module


def _scheduled(problem: _Problem, progress: float) -> float:
    """Return the learning rate at ``progress`` in [0, 1] of the run."""
    settings, warm_up = problem.settings, _WARM_UP
    if settings.interactions == "all":
        warm_up = min(0.5, _WARM_UP_STEPS / (_steps(problem) * settings.max_epochs))
    if settings.optimizer == "lbfgs" or progress >= warm_up:
        return settings.learning_rate
    return settings.learning_rate * (0.05 + 0.95 * progress / warm_up)


def _set_learning_rate(problem: _Problem, optimizer: torch.optim.Optimizer, epoch: int, step: int = 0) -> None:
    rate = _scheduled(problem, (epoch + step / _steps(problem)) / problem.settings.max_epochs)
    for group in optimizer.param_groups:
        group["lr"] = min(rate, 1e37)  # torch divides it by 1 - beta, and the quotient must fit float32


def _has_converged(energies: list[float], settings: Settings) -> bool:
    """Whether the last fifth of the run, ten epochs at least, is on the mean no lower than the fifth before it.

    Means, because in-batch energies are noisy; a fifth, because Adam overshoots and comes back.
    """
    window = max(10, settings.max_epochs // 5)
    if len(energies) < 2 * window:
        return False
    before, lately = float(np.mean(energies[-2 * window : -window])), float(np.mean(energies[-window:]))
    return lately > before - settings.tol * abs(before)


def _is_finite(module: nn.Module) -> bool:
    """Whether all weights are finite, and small enough that float32 holds what they do to a sample."""
    return all(bool((weight.abs() < 1e18).all()) for weight in module.parameters())


def _check_average(problem: _Problem, average: nn.Module, epoch: int) -> None:
    """Refuse weights that the last step of an epoch has thrown out of the finite numbers."""
    if not _is_finite(average):
        nowhere = GraphEnergy(math.nan, math.nan, torch.empty(0))
        raise _diverged(problem, nowhere, epoch, _steps(problem) - 1, "result")


def _check_finite(problem: _Problem, energy: GraphEnergy, epoch: int, step: int) -> None:
    total = energy.similar + energy.dissimilar
    if not (math.isfinite(total) and bool(torch.isfinite(energy.gradient).all())):
        raise _diverged(problem, energy, epoch, step, "forces")


def _check_weights(problem: _Problem, energy: GraphEnergy, epoch: int, step: int) -> None:
    gradients = [weight.grad for weight in problem.encoder.parameters() if weight.grad is not None]
    if gradients and not bool(torch.stack([gradient.isfinite().all() for gradient in gradients]).all()):
        raise _diverged(problem, energy, epoch, step, "gradient")


def _diverged(problem: _Problem, energy: GraphEnergy, epoch: int, step: int, what: str) -> DivergenceError:
    rate = _scheduled(problem, epoch / problem.settings.max_epochs)
    return DivergenceError(
        f"Training diverged: the {what} of epoch {epoch + 1}, step {step + 1}, is not finite (energy of similar "
        f"pairs {energy.similar:.6g}, of dissimilar pairs {energy.dissimilar:.6g}, learning rate {rate:.3g}). The "
        "encoder keeps the weights of the last finite epoch. Try a tenth of the learning rate."
    )
