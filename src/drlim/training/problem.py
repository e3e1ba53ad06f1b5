"""What stays the same over a run: the settings, the samples and their relations, the springs, and the anchors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from drlim._base.arrays import Index
from drlim._base.checks import StrOptions, check_parameters, integer_in, real_in
from drlim._base.torch import Rows, moved
from drlim.forces import Balance
from drlim.forces.energies import Energies
from drlim.forces.tethers import tethers
from drlim.graph import NeighborhoodGraph
from drlim.spaces import Space
from drlim.springs import Springs
from drlim.training.distributed import UNSHARED, Shares

__all__ = ["Anchor", "AnchorSprings", "EpochRecord", "Problem", "Result", "Settings", "Stopped", "refuse_decay"]

EpochRecord = dict[str, float]

Stopped = Literal["converged", "max_epochs", "interrupted", "diverged", "validation", "callback"]
"""Why training ended."""

_ACCEPTED = {
    "optimizer": [StrOptions({"adam", "lbfgs"})],
    "learning_rate": [real_in(0.0)],
    "batch_size": [integer_in(2), None],
    "interactions": [StrOptions({"all", "batch"})],
    "max_epochs": [integer_in(1)],
    "tol": [real_in(0.0, closed="left")],
    "dissimilar_weight": [real_in(0.0, float("inf"))],
    "weight_decay": [real_in(0.0, float("inf"), closed="left")],
    "chunk_size": [integer_in(1)],
}


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes
    ----------
    optimizer : {"adam", "lbfgs"}, default="adam"
        L-BFGS needs all samples in each step.
    learning_rate : float, default=0.002
        Rate of Adam. It is constant, except that it rises over the first tenth of a run with in-batch forces, or over
        the first 50 steps where a batch takes the forces of all samples. L-BFGS finds its own step along each direction
        and takes this as the first trial.
    batch_size : int or None, default=150
        Samples a step; None takes all of them, exactly.
    interactions : {"all", "batch"}, default="all"
        ``"all"``: each step uses forces from all samples; those outside the batch are at their last estimated positions
        (`drlim.training.memory`). ``"batch"``: only pairs inside the batch.
    max_epochs : int, default=100
        Maximum number of passes through the samples.
    tol : float, default=1e-4
        Training stops when a fifth of ``max_epochs`` (ten at least) has not lowered the mean energy of the fifth before
        by this share. With 0 it stops only when the mean energy has risen.
    dissimilar_weight : float, default=1.0
        Balance of the two means; see `drlim.forces.balanced`.
    chunk_size : int, default=250
        Samples mapped at once when a step takes all. Activations of the first chunks are kept for the backward pass, up
        to 512 MiB; the chunks after them are mapped a second time.
    weight_decay : float, default=0.0
        Each of Adam's steps takes the share ``learning_rate * weight_decay`` off every matrix of weights (AdamW).
        Biases and other vectors are left alone.

    Notes
    -----
    Settings are checked when training begins.

    Examples
    --------
    >>> Settings(max_epochs=20).batch_size
    150
    """

    optimizer: Literal["adam", "lbfgs"] = "adam"
    learning_rate: float = 2e-3
    batch_size: int | None = 150
    interactions: Literal["all", "batch"] = "all"
    max_epochs: int = 100
    tol: float = 1e-4
    dissimilar_weight: float = 1.0
    chunk_size: int = 250
    weight_decay: float = 0.0

    def check(self) -> None:
        """Refuse the first setting that is out of range, and what L-BFGS does not do."""
        check_parameters(vars(self), _ACCEPTED, "Settings")
        if self.optimizer == "lbfgs" and self.batch_size is not None:
            raise ValueError(
                f"optimizer='lbfgs' steps on all samples: set batch_size=None. Got batch_size={self.batch_size}."
            )
        refuse_decay(self.optimizer == "lbfgs", self.weight_decay)


def refuse_decay(is_lbfgs: bool, weight_decay: float) -> None:
    """Refuse weight decay by L-BFGS, whose line search would undo what is taken off the weights."""
    if is_lbfgs and weight_decay > 0:
        raise ValueError(
            f"optimizer='lbfgs' takes nothing off the weights: set optimizer='adam'. Got weight_decay={weight_decay}."
        )


class Anchor(NamedTuple):
    """Samples that are tied to where they were, each by a spring of rest length 0.

    Attributes
    ----------
    samples : ndarray of int64, shape (m,)
        Distinct rows.
    positions : Tensor, shape (m, d)
        Position that each is tied to.
    weight : float
        Weight, in the objective, of the mean of 1/2 D^2 over the m samples.

    Examples
    --------
    >>> import numpy as np
    >>> Anchor(np.array([0, 3]), torch.zeros(2, 2), weight=1.0).samples.tolist()
    [0, 3]
    """

    samples: Index
    positions: Tensor
    weight: float


class Result(NamedTuple):
    """Outcome of training: one record an epoch, and why it stopped.

    Examples
    --------
    >>> Result(history=[{"epoch": 1, "energy": 0.5}], stopped="max_epochs").stopped
    'max_epochs'
    """

    history: list[EpochRecord]
    stopped: Stopped


class AnchorSprings(NamedTuple):
    """An `Anchor` by row.

    The position that each of the n rows is tied to, and how stiffly. Free rows have stiffness 0.
    """

    positions: Tensor  # (n, d)
    stiffness: Tensor  # (n, 1)
    space: Space | None = None

    @classmethod
    def of(cls, anchor: Anchor, n_rows: int, device: torch.device, space: Space | None = None) -> AnchorSprings:
        """Lay an anchor out over all rows."""
        tied = torch.from_numpy(anchor.samples).to(device)  # (m,)
        positions = anchor.positions.to(device)  # (m, d)
        stiffness = torch.zeros(n_rows, 1, dtype=positions.dtype, device=device)
        stiffness[tied] = anchor.weight / len(tied)
        everywhere = torch.zeros(n_rows, positions.shape[1], dtype=positions.dtype, device=device)  # (n, d)
        return cls(everywhere.index_copy(0, tied, positions), stiffness, space)

    def energy(self, Z: Tensor, rows: Index | slice) -> tuple[Tensor, Tensor]:
        """Return the energy of the springs of some rows at Z (b, d), float64 (), and its gradient, shape (b, d)."""
        index = rows if isinstance(rows, slice) else moved(rows, Z.device)
        if self.space is not None:
            return self._on_space(Z.detach(), index)
        displacement = Z.detach() - self.positions[index]  # (b, d)
        gradient = self.stiffness[index] * displacement  # (b, d)
        return (0.5 * gradient * displacement).sum(dtype=torch.float64), gradient

    def _on_space(self, Z: Tensor, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Do the same along the shortest paths of a space. Free rows have no place there, and take none."""
        assert self.space is not None  # noqa: S101 - just checked
        stiffness = self.stiffness[index]  # (b, 1)
        places = torch.where(stiffness > 0, self.positions[index], Z)  # (b, d)
        squares, displacement = tethers(Z, places, self.space)
        gradient = stiffness * displacement.to(Z.dtype)  # (b, d)
        return (0.5 * stiffness[:, 0] * squares).sum(dtype=torch.float64), gradient


@dataclass(frozen=True)
class Problem:
    """What stays the same over a run."""

    encoder: nn.Module
    rows: Rows
    graph: NeighborhoodGraph
    springs: Springs
    balance: Balance
    settings: Settings
    seed: int
    anchor: AnchorSprings | None = None
    shares: Shares = UNSHARED
    space: Space | None = None

    @property
    def n_steps(self) -> int:
        """Number of steps of an epoch. No batch has fewer than two samples."""
        n_rows = len(self.rows)
        steps = math.ceil(n_rows / (self.settings.batch_size or n_rows))
        return max(1, min(steps, n_rows // self.rows.n_copies // 2))

    def with_anchor(
        self, energy: Energies, Z: Tensor, rows: Index | slice, share: float = 1.0
    ) -> tuple[Energies, Tensor]:
        """Add the gradient of the rows' anchor springs, times ``share``; return the energy of these springs, too."""
        if self.anchor is None:
            return energy, torch.zeros_like(energy.similar)
        anchored, gradient = self.anchor.energy(Z, rows)
        return energy._replace(gradient=energy.gradient + share * gradient.to(energy.gradient.dtype)), anchored
