"""One pass through the samples: one exact step, or steps on batches with the forces of all samples or of the batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from drlim._base.arrays import Index
from drlim._base.calls import user_call
from drlim._base.group import Group
from drlim._base.torch import random_state, read, set_random_state
from drlim.encoders.embedding import called
from drlim.encoders.standardize import Standardize
from drlim.forces.energies import Energies
from drlim.forces.sums import graph_sums, pair_sums
from drlim.spaces import OnSpace
from drlim.training.distributed import Mapped
from drlim.training.divergence import FiniteChecks
from drlim.training.memory import Memory
from drlim.training.optimizer import WeightAverage, learning_rate_at, set_learning_rate
from drlim.training.problem import Problem

__all__ = ["EpochSums", "choose_epoch", "memory_for"]

_ACTIVATION_BYTES = 512 * 2**20
"""Maximum size of the activations that a step on all samples keeps; those of 6000 digits in the paper's network fit."""


_LARGER_BATCH = 5 / 3
"""Factor of the batch size where estimated positions are not to be trusted: few similar pairs are in one batch, and 250
in place of 150 is what in-batch training takes."""


class EpochSums(NamedTuple):
    """Sums over an epoch: of L_S, of L_D, of the anchors' energy, and the number of springs evaluated."""

    similar: float
    dissimilar: float
    anchor: float
    pairs: int


class StepSums(NamedTuple):
    """The same over the steps so far, still on the device: tensors of float64, ()."""

    similar: Tensor
    dissimilar: Tensor
    anchor: Tensor
    pairs: int

    @classmethod
    def none(cls, device: torch.device) -> StepSums:
        """Return the sums over no step."""
        nothing = torch.zeros((), dtype=torch.float64, device=device)
        return cls(nothing, nothing, nothing, 0)

    def plus(self, similar: Tensor, dissimilar: Tensor, anchor: Tensor, pairs: int) -> StepSums:
        """Return the sums with those of a step added."""
        return StepSums(self.similar + similar, self.dissimilar + dissimilar, self.anchor + anchor, self.pairs + pairs)

    def read(self) -> EpochSums:
        """Return the sums as numbers, once all steps are done."""
        similar, dissimilar, anchor = read(torch.stack([self.similar, self.dissimilar, self.anchor]))  # (3,)
        return EpochSums(similar, dissimilar, anchor, self.pairs)

    def of_all(self, group: Group) -> StepSums:
        """Return these sums added up over all processes."""
        if not group.is_several:
            return self
        *sums, pairs = group.totals(self.read())
        similar, dissimilar, anchor = torch.tensor(sums, dtype=torch.float64)
        return StepSums(similar, dissimilar, anchor, int(pairs))


def memory_for(problem: Problem) -> Memory | None:
    """Return estimated positions of all samples, where steps on batches take the forces of all; else None."""
    settings = problem.settings
    if _takes_all(problem) or settings.interactions == "batch":
        return None
    n_features = min(32, cast(int, settings.batch_size) // 8)
    network = problem.encoder.network if isinstance(problem.encoder, OnSpace) else problem.encoder
    bounds = [module for module in network.children() if isinstance(module, Standardize) and module.is_bounded]
    positions = problem.shares.embedded(problem.encoder, problem.rows)  # (n, d)
    return Memory(positions, problem.rows, n_features, next(iter(bounds), None), problem.space, problem.shares)


def _takes_all(problem: Problem) -> bool:
    """Whether a step takes all samples."""
    batch_size = problem.settings.batch_size
    return batch_size is None or batch_size >= len(problem.rows)


def choose_epoch(
    problem: Problem, optimizer: torch.optim.Optimizer, average: WeightAverage, memory: Memory | None
) -> Callable[[int], EpochSums]:
    """Return the function that runs one epoch, given its number."""
    if _takes_all(problem):
        n_kept = _n_affordable(problem)
        return lambda epoch: _full_epoch(problem, optimizer, average, epoch, n_kept)
    position = np.full(len(problem.rows), -1, dtype=np.int64)  # (n,) scratch, which a cut of the graph needs
    if memory is None:
        return lambda epoch: _batch_epoch(problem, optimizer, average, epoch, position)
    batch_size = math.ceil(_LARGER_BATCH * cast(int, problem.settings.batch_size))
    in_batch = replace(problem, settings=replace(problem.settings, batch_size=batch_size))

    def run_epoch(epoch: int) -> EpochSums:
        if memory.is_trusted:
            return _all_epoch(problem, optimizer, average, epoch, memory, position)
        return _batch_epoch(in_batch, optimizer, average, epoch, position)

    return run_epoch


def _n_affordable(problem: Problem) -> int:
    """Return how many samples' activations fit into `_ACTIVATION_BYTES`, judged by those of two samples."""
    kept = 0

    def count(tensor: Tensor) -> Tensor:
        nonlocal kept
        kept += tensor.numel() * tensor.element_size() if tensor.shape[:1] == (2,) else 0
        return tensor

    problem.encoder.eval()  # the mode that moves no statistics and draws no mask
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        called(problem.encoder, problem.rows.take(np.arange(2)))
    problem.encoder.train()
    return _ACTIVATION_BYTES // max(1, kept // 2)


def _full_epoch(
    problem: Problem, optimizer: torch.optim.Optimizer, average: WeightAverage, epoch: int, n_kept: int
) -> EpochSums:
    """Take one step on the exact objective. The encoder runs in chunks, so that memory is bounded.

    Activations of the first ``n_kept`` samples are kept for the backward pass; the other chunks are mapped twice.
    """
    rows = problem.rows.drawn()  # the line search of L-BFGS and both passes of a chunk need the same copies
    shares, n_samples, size = problem.shares, len(rows), problem.settings.chunk_size
    bounds = shares.bounds(rows)  # (size + 1,)
    own = shares.own_part(bounds)
    n_own = own.stop - own.start
    # A process without samples of its own maps one, with no force on it, for its gradients to be zero and there.
    chunks = [slice(start, min(start + size, own.stop)) for start in range(own.start, own.stop, size)] or [
        slice(own.start, own.start)
    ]
    asked = np.arange(own.start, own.stop) if shares.is_shared else None  # (s,)
    checks = _checks(problem, epoch)
    trials: list[StepSums] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        states, outputs = [], []
        for chunk in chunks:
            states.append(random_state(rows.device))
            with torch.set_grad_enabled(chunk.stop - own.start <= n_kept):
                outputs.append(called(problem.encoder, rows.take_own(chunk)))  # (c, d)
        Z_own = torch.cat([output.detach() for output in outputs])[:n_own]  # (s, d)
        Z = shares.group.gather(Z_own, np.diff(bounds).tolist(), "positions")  # (n, d)
        energy = graph_sums(Z, problem.graph, problem.springs, problem.balance, rows=asked, space=problem.space)
        energy, anchored = problem.with_anchor(energy, Z_own, own)
        if not shares.is_shared:
            checks.energy(energy, 0)
        forces = iter(_chunked(energy.gradient, size))
        for chunk, output, state in zip(chunks, outputs, states, strict=True):
            Z_chunk = output  # (c, d)
            if not output.requires_grad:
                set_random_state(state, rows.device)  # dropout must drop what it dropped before
                Z_chunk = called(problem.encoder, rows.take_own(chunk))
            with user_call("The gradient of 'encoder'"):
                Z_chunk.backward(next(forces))  # type: ignore[no-untyped-call]  # torch types it so
        _add_gradients(problem, energy, checks, 0)
        trials.append(StepSums(energy.similar, energy.dissimilar, anchored, 0).of_all(shares.group))
        return problem.balance.total(trials[-1].similar, trials[-1].dissimilar) + trials[-1].anchor

    set_learning_rate(problem, optimizer, epoch)
    optimizer.step(closure)  # type: ignore[arg-type]  # torch takes tensors, too
    average.update()
    checks.end()
    return trials[0]._replace(pairs=len(trials) * n_samples * (n_samples - 1) // 2).read()


def _chunked(gradient: Tensor, size: int) -> Sequence[Tensor]:
    """Return the gradient of samples by chunks, (c, d) each; of no samples, a chunk of one without a force."""
    return torch.split(gradient, size) if len(gradient) else [gradient.new_zeros(1, gradient.shape[1])]


def _all_epoch(
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    average: WeightAverage,
    epoch: int,
    memory: Memory,
    position: Index,
) -> EpochSums:
    """Take steps on batches with the forces of all n samples, those outside the batch at their estimated positions.

    While the estimates are not to be trusted, a step takes the forces inside its batch alone.
    """
    sums, checks = StepSums.none(problem.rows.device), _checks(problem, epoch)
    for step, batch in enumerate(_batches(problem, epoch)):
        set_learning_rate(problem, optimizer, epoch, step)
        mapped = problem.shares.mapped(problem.encoder, problem.rows, batch)
        memory.update(batch, mapped.everyone)
        if not memory.is_trusted:
            size, scale, energy, anchored = _within_batch(problem, mapped.everyone, batch, position)
            _step(problem, optimizer, mapped, energy, scale, checks, step)
            # All processes sum all of the batch: one of them counts it.
            first = problem.shares.first
            share = first * scale * size / (len(problem.rows) // problem.rows.n_copies)
            n_pairs = first * _n_pairs(len(batch))
            sums = sums.plus(share * energy.similar, share * energy.dissimilar, first * anchored, n_pairs)
        else:
            own = batch[mapped.part]
            energy = graph_sums(
                memory.positions, problem.graph, problem.springs, problem.balance, rows=own, space=problem.space
            )
            energy, anchored = problem.with_anchor(energy, mapped.own, own)
            # Scaled by the number of steps, not by n/b: every sample then weighs the same, in a short batch too.
            _step(problem, optimizer, mapped, energy, problem.n_steps, checks, step)
            sums = sums.plus(energy.similar, energy.dissimilar, anchored, len(own) * (len(problem.rows) - 1))
        average.update()
    checks.end()
    memory.settle()
    return sums.of_all(problem.shares.group).read()


def _batch_epoch(
    problem: Problem, optimizer: torch.optim.Optimizer, average: WeightAverage, epoch: int, position: Index
) -> EpochSums:
    """Take steps in which every pair inside the batch counts, and no other."""
    sums, checks, seen = StepSums.none(problem.rows.device), _checks(problem, epoch), 0
    for step, batch in enumerate(_batches(problem, epoch)):
        set_learning_rate(problem, optimizer, epoch, step)
        mapped = problem.shares.mapped(problem.encoder, problem.rows, batch)
        size, scale, energy, anchored = _within_batch(problem, mapped.everyone, batch, position)
        _step(problem, optimizer, mapped, energy, scale, checks, step)
        average.update()
        sums = sums.plus(
            energy.similar * scale * size, energy.dissimilar * scale * size, anchored, _n_pairs(len(batch))
        )
        seen += size
    checks.end()
    return sums._replace(similar=sums.similar / seen, dissimilar=sums.dissimilar / seen).read()


def _within_batch(problem: Problem, Z: Tensor, batch: Index, position: Index) -> tuple[int, float, Energies, Tensor]:
    """Return the number of samples in a batch, the scale of its sums, their energy, and the energy of its anchors.

    Two of n samples are in one batch of b with probability b (b - 1) / (n (n - 1)). The sums are divided by it, so that
    batches of any size estimate the same objective. Copies of one sample are in one batch in every epoch, and count for
    that much less.
    """
    n_copies = problem.rows.n_copies
    n_samples = len(problem.rows) // n_copies
    within = problem.graph.subgraph(batch, position)
    energy = graph_sums(Z, within, problem.springs, problem.balance, space=problem.space)
    size = len(batch) // n_copies
    scale = n_samples * (n_samples - 1) / (size * (size - 1))
    if n_copies > 1:
        energy = _discounted(problem, energy, Z, size, (size - 1) / (n_samples - 1))
    energy, anchored = problem.with_anchor(energy, Z, batch, n_samples / size / scale)
    return size, scale, energy, anchored


def _n_pairs(count: int) -> int:
    return count * (count - 1) // 2


def _discounted(problem: Problem, energy: Energies, Z: Tensor, size: int, share: float) -> Energies:
    """Count the springs between copies of one sample, which are similar, by a share of their weight."""
    copies = np.arange(len(Z)).reshape(-1, size)  # (n_copies, size): a column for each sample
    pairs = np.concatenate([copies[[a, b]].T for a in range(len(copies)) for b in range(a)])  # (p, 2)
    excess, gradient = pair_sums(Z, pairs, problem.springs.similar, problem.space)
    return energy._replace(
        similar=energy.similar + (share - 1) * excess,
        gradient=energy.gradient + problem.balance.similar * (share - 1) * gradient,
    )


def _checks(problem: Problem, epoch: int) -> FiniteChecks:
    rate = learning_rate_at(problem, epoch / problem.settings.max_epochs)
    return FiniteChecks(problem.rows.device, epoch, rate)


def _step(
    problem: Problem,
    optimizer: torch.optim.Optimizer,
    mapped: Mapped,
    energy: Energies,
    scale: float,
    checks: FiniteChecks,
    step: int,
) -> None:
    """Carry the forces on a batch, or on this process's part of it, to the weights, and take one step."""
    if len(energy.gradient) != len(mapped.own):  # of all the batch
        energy = energy._replace(gradient=energy.gradient[mapped.part])  # (s, d)
    if not problem.shares.is_shared:
        checks.energy(energy, step)
    optimizer.zero_grad()
    with user_call("The gradient of 'encoder'"):
        mapped.own.backward(energy.gradient * scale)  # type: ignore[no-untyped-call]  # torch types it so
    _add_gradients(problem, energy, checks, step)
    optimizer.step()


def _add_gradients(problem: Problem, energy: Energies, checks: FiniteChecks, step: int) -> None:
    """Add up the gradients of all processes, and refuse what is not finite in any of them."""
    energy = problem.shares.add_gradients(problem.encoder, energy)
    if problem.shares.is_shared:  # not before: one process would stop, and the others wait for its gradients
        checks.energy(energy, step)
    checks.gradients(problem.encoder, energy, step)


def _batches(problem: Problem, epoch: int) -> Iterator[Index]:
    """Yield all samples in a random order drawn from (seed, epoch), in batches of nearly equal size.

    Nearly equal, so that no last batch of one or two samples upsets a batch normalisation. All copies of a sample,
    which are n apart, come in one batch.
    """
    n_samples = len(problem.rows) // problem.rows.n_copies
    first = np.arange(problem.rows.n_copies)[:, None] * n_samples  # (n_copies, 1)
    order = np.random.default_rng([problem.seed, epoch]).permutation(n_samples)  # (n,)
    batches = [(first + batch).ravel() for batch in np.array_split(order, problem.n_steps)]  # (n_copies * b,) each
    if problem.rows.bounds is not None:  # in the order of the processes that have them
        batches = [np.sort(batch) for batch in batches]
    yield from problem.rows.ahead(batches)
