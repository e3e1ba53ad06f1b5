"""Training in several processes: what each of them maps, and what travels.

The gradient with respect to the weights is a sum over samples::

    dE/dW = sum_i (dE/dz_i) (dz_i/dW)

Each process maps its share of a batch and gives the positions, d numbers a sample, to the others. Each then knows the
forces on its own samples exactly, carries them to the weights, and the gradients of the weights are added up. No mean
of a process's own is ever taken, so that shares of unequal size, or of none, change nothing: the objective is that of
one process, and so is its gradient, up to rounding. All processes take the same step from the same sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Index
from drlim._base.checks import InvalidParameterError
from drlim._base.group import ALONE, Group
from drlim._base.hashing import of_module
from drlim._base.joining import present_group
from drlim._base.notices import warn_user
from drlim._base.torch import Rows
from drlim._base.watch import GroupError
from drlim.encoders.embedding import BATCH_SIZE, called, embed_rows
from drlim.forces.energies import Energies

__all__ = ["UNSHARED", "Mapped", "Shares", "present_shares", "refuse_batch_statistics"]


class Mapped(NamedTuple):
    """A batch that was mapped.

    Attributes
    ----------
    own : Tensor, shape (s, d)
        Positions of this process's samples, with a gradient.
    part : slice
        The places of these samples in the batch.
    everyone : Tensor, shape (b, d)
        Positions of all samples of the batch, without a gradient.
    """

    own: Tensor
    part: slice
    everyone: Tensor


@dataclass(frozen=True)
class Shares:
    """How samples are shared out among the processes of a group: in consecutive parts of each batch.

    The parts are equal where each process can read all rows, and those of its rows where each has rows of its own
    (`drlim.training.Shard`).

    Attributes
    ----------
    group : Group
    """

    group: Group = ALONE

    @property
    def is_shared(self) -> bool:
        """Whether there are several processes."""
        return self.group.is_several

    @property
    def first(self) -> int:
        """1 in rank 0, and 0 in the others: the factor of a sum that all processes have."""
        return int(self.group.rank == 0)

    def part(self, count: int) -> slice:
        """Return the places that this process has among ``count``. It may have none."""
        return self.own_part(self._even(count))

    def bounds(self, rows: Rows, batch: Index | None = None) -> Index:
        """Return the first place of each process in a batch, and the number of places, (size + 1,).

        Parameters
        ----------
        rows : Rows
        batch : ndarray of int64, shape (b,), default=None
            Ascending where each process has rows of its own. None is all rows.
        """
        if rows.bounds is not None:
            return rows.bounds if batch is None else np.searchsorted(batch, rows.bounds)
        return self._even(len(rows) if batch is None else len(batch))

    def _even(self, count: int) -> Index:
        return count * np.arange(self.group.size + 1) // self.group.size  # (size + 1,)

    def own_part(self, bounds: Index) -> slice:
        """Return the places of this process, given what `bounds` returns."""
        first, stop = bounds[self.group.rank : self.group.rank + 2].tolist()
        return slice(first, stop)

    def mapped(self, encoder: nn.Module, rows: Rows, batch: Index) -> Mapped:
        """Map this process's share of a batch, and gather the positions of all of it."""
        bounds = self.bounds(rows, batch)
        part = self.own_part(bounds)
        own = self._own(encoder, rows, batch, part)  # (s, d)
        return Mapped(own, part, self.group.gather(own, np.diff(bounds).tolist(), "positions"))

    def _own(self, encoder: nn.Module, rows: Rows, batch: Index, part: slice) -> Tensor:
        """Map a part of a batch, (s, d). Where it is empty, a sample is mapped and left out: the gradients are zero."""
        n_own = part.stop - part.start
        if n_own == len(batch):
            return called(encoder, rows.take_own(batch))  # the batch itself, of which the rows may have been read ahead
        if rows.n_copies > 1:  # all processes draw the same copies, as one process would
            return called(encoder, rows.take(batch)[part if n_own else slice(0, 1)])[:n_own]
        return called(encoder, rows.take_own(batch[part]))[:n_own]

    def add_gradients(self, encoder: nn.Module, energy: Energies) -> Energies:
        """Replace the gradients of an encoder's weights by their sums over all processes.

        An energy, or a force, that is not finite in any process is NaN in what is returned in all of them: they all
        notice, and none waits for another.
        """
        if not self.is_shared:
            return energy
        weights = [weight for weight in encoder.parameters() if weight.requires_grad]
        parts = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        flat = torch.cat([*(part.reshape(-1) for part in parts), _marks(energy).to(parts[0].dtype)])  # (w + 3,)
        self.group.add(flat, "gradients")
        sizes = [weight.numel() for weight in weights]
        for weight, gradient in zip(weights, torch.split(flat[:-3], sizes), strict=True):
            weight.grad = gradient.view_as(weight)
        return _marked(energy, flat[-3:])

    def embedded(self, encoder: nn.Module, rows: Rows, batch_size: int = BATCH_SIZE) -> Tensor:
        """Map all rows in evaluation mode, (n, d). Blocks are those of one process, and so are the bytes.

        Of rows that each process has of its own, it maps these.
        """
        if rows.bounds is not None:
            return self.of_each(rows, lambda own: embed_rows(encoder, own, batch_size))
        if not self.is_shared or rows.n_copies > 1:
            return embed_rows(encoder, rows, batch_size)
        return self.by_blocks(len(rows), batch_size, lambda some: embed_rows(encoder, rows, batch_size, part=some))

    def of_each(self, rows: Rows, made: Callable[[Rows], Tensor]) -> Tensor:
        """Return what a function makes of rows, (n, k): of its own in each process that has rows of its own."""
        if rows.bounds is None:
            return made(rows)
        counts = np.diff(rows.bounds)  # (size,)
        if len(counts) != self.group.size:
            raise GroupError(
                "The map of all samples cannot be made: the other processes have their rows, and this one has left "
                "them, as after Ctrl-C. Set 'checkpoint' to go on from the last epoch, fit(..., resume=True)."
            )
        return self.group.gather(made(rows.own)[: counts[self.group.rank]], counts.tolist(), "other positions")

    def by_blocks(self, n_rows: int, size: int, made: Callable[[slice], Tensor]) -> Tensor:
        """Return what a function makes of all rows, (n, k): each process makes whole blocks, and gets those of others.

        Parameters
        ----------
        n_rows : int
        size : int
            Number of rows of a block.
        made : callable
            Returns (s, k) of consecutive rows, given as a slice.
        """
        bounds = np.minimum(self._even(math.ceil(n_rows / size)) * size, n_rows)  # (group's size + 1,)
        own = self.own_part(bounds)
        part = made(own) if own.stop > own.start else made(slice(0, 1))[:0]  # (s, k)
        return self.group.gather(part, np.diff(bounds).tolist(), "other positions")

    def reseed(self, seed: int, epoch: int, device: torch.device) -> None:
        """Seed torch's generators for an epoch, another way in each process: shares have masks of their own."""
        if self.is_shared:
            drawn = int(np.random.default_rng([seed, epoch, self.group.rank, 2]).integers(2**62))
            (torch.default_generator.manual_seed if device.type == "cpu" else torch.manual_seed)(drawn)

    def compare(self, modules: Sequence[nn.Module], epoch: int, seconds: float) -> float:
        """Give all processes the weights of rank 0, with a warning, where they came apart; return rank 0's seconds.

        Processors of different kinds round differently, and buffers may follow the samples of a process.
        """
        if not self.is_shared:
            return seconds
        found = self.group.lists([*map(_checksum, modules), seconds])
        if any(one[:-1] != found[0][:-1] for one in found):
            for module in modules:
                for tensor in module.state_dict().values():
                    if isinstance(tensor, Tensor):  # a user's module may keep more than tensors
                        self.group.copy_first(tensor)
            warn_user(
                f"The weights of the {self.group.size} processes had come apart after epoch {epoch + 1}: processors of "
                "different kinds round differently, and a buffer of the encoder may follow the samples of a process. "
                "Those of rank 0 are taken."
            )
        return found[0][-1]


UNSHARED = Shares()
"""One process maps all."""


def present_shares() -> Shares:
    """Return the shares of the fit that runs here."""
    return Shares(present_group())


def _checksum(module: nn.Module) -> float:
    """Return 48 bits of a module's fingerprint, which double precision holds exactly."""
    return float(int(of_module(module)[:12], 16))


def _marks(energy: Energies) -> Tensor:
    """Return 0, or NaN where they are not finite, for the two energies and the forces, (3,)."""
    # An infinity times 0 is NaN, and so is NaN.
    return torch.stack([energy.similar * 0.0, energy.dissimilar * 0.0, (energy.gradient * 0.0).sum().double()])  # (3,)


def _marked(energy: Energies, marks: Tensor) -> Energies:
    """Return energies and forces with the sums of all processes' marks added: NaN where one of them is not finite."""
    return energy._replace(
        similar=energy.similar + marks[0],
        dissimilar=energy.dissimilar + marks[1],
        gradient=marks[2:].to(energy.gradient.dtype),
    )


def refuse_batch_statistics(encoder: nn.Module, shares: Shares) -> None:
    """Refuse modules whose outputs depend on the other samples of a batch, of which a process has a part only."""
    if not shares.is_shared:
        return
    for name, module in encoder.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):  # noqa: SLF001 - their common base
            raise InvalidParameterError(
                f"The 'encoder' parameter normalises by statistics of a batch ({type(module).__name__} at {name!r}), "
                f"of which each of {shares.group.size} processes has a part only: use nn.GroupNorm or nn.LayerNorm, "
                "or fit in one process."
            )
