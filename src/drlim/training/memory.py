"""Estimated positions of all samples between the batches that map them, moved along as the map moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Index
from drlim._base.torch import Rows, is_queued, moved, read
from drlim.spaces import Space
from drlim.training.distributed import UNSHARED, Shares

__all__ = ["Memory"]

_N_FEATURES = 32
"""Number of principal components of the samples by which a motion is carried over; 16 to 64 serve alike
(docs/training.md)."""

_N_SEEN = 512
"""Number of samples from which the components are computed: their Gram matrix is decomposed in 30 ms."""

_MOST_VALUES = 2**25
"""Maximum number of values in memory at once while the components are computed: 128 MiB in float32."""

_RIDGE = 0.1
"""Ridge of the regression, for each sample of a batch and a feature of unit variance."""


_LARGEST_ERROR = 0.05
"""Largest mean squared error of estimated positions, in units of the variance of the map, with which forces from them
are used. Runs that settle stay below .035; where the error passes .07, forces from wrong positions move the map, which
makes the positions more wrong (docs/training.md)."""

_LAG = 0.1
"""Share of the newest batch in the mean error."""

_CHANGING = ("positions", "is_trusted", "_n_placed")
"""Attributes that `Memory.update` changes, beside the error."""


class Memory:
    """The position of each of n samples on the map, estimated from the batches that were mapped so far.

    A sample is mapped once an epoch. Between two of its batches the map moves on, early in training by most of its
    size, and forces from old positions would hold a batch back. So after each batch a ridge regression is fitted: the
    motion of the batch's samples since they were last placed, on a few features of the samples (a constant and their
    first principal components). Its prediction is added to the positions of all the others.

    Parameters
    ----------
    positions : Tensor, shape (n, d)
        Positions of all samples now; changed in place by `update`.
    rows : Rows
        The samples.
    n_features : int, default=32
        Maximum number of principal components. With more than an eighth of a batch, the regression follows its noise.
    standardize : torch.nn.Module, default=None
        Applied to the samples first, so that a wild value is no component of its own.
    space : Space, default=None
        The curved space that the positions lie on, onto which estimates are projected.
    shares : Shares, default=UNSHARED
        Which process has which rows, where each has its own.

    Attributes
    ----------
    positions : Tensor, shape (n, d)
    error : float
        Mean squared error of the estimates, in units of the variance of the map: a running mean over batches of the
        squared distance between a sample's estimated position and the one it is then mapped to.
    is_trusted : bool
        Whether the estimates are good enough to take forces from: until the error passes .05, on a GPU to the end of
        that epoch. It does not become True again: a run that goes back and forth between the two kinds of force ends at
        a higher energy.
    """

    def __init__(
        self,
        positions: Tensor,
        rows: Rows,
        n_features: int = _N_FEATURES,
        standardize: nn.Module | None = None,
        space: Space | None = None,
        shares: Shares = UNSHARED,
    ) -> None:
        self.positions = positions
        self.is_trusted = True
        self._error = torch.zeros((), dtype=torch.float64, device=positions.device)
        self._has_passed = torch.zeros((), dtype=torch.bool, device=positions.device)
        self._space = space
        self._n_samples = len(positions) // rows.n_copies
        self._n_placed = 0
        self._features = _principal(rows, n_features, standardize, shares).to(positions.dtype)  # (n, k + 1)

    def _judge(self, batch: Index, moved_by: Tensor, Z: Tensor) -> None:
        """Update the mean error by that of a batch.

        In the first epoch the map only unfolds, and no error counts. Fresh copies are other samples at every read, so
        only the samples themselves count.
        """
        self._n_placed += len(Z)
        if self._n_placed <= len(self.positions):
            return
        away, spread = moved_by, Z - Z.mean(0)  # (b, d) each
        if self._n_samples < len(self.positions):
            same = moved(np.flatnonzero(batch < self._n_samples), Z.device)  # (s,)
            away, spread = away.index_select(0, same), spread.index_select(0, same)  # (s, d) each
        scale = spread.square().sum().double()
        scale = torch.where(scale == 0, 1.0, scale)
        share = (away.square().sum().double() / scale).clamp(max=1.0).nan_to_num(1.0)
        self._error = self._error + _LAG * (share - self._error)
        self._has_passed = self._has_passed | (self._error > _LARGEST_ERROR)
        if not is_queued(Z.device):
            self.settle()

    def settle(self) -> None:
        """Find out whether the estimates are still to be trusted. On a GPU this is done when an epoch ends, not before.

        To ask in each step would be to wait for all that is queued.
        """
        self.is_trusted = self.is_trusted and not any(read(self._has_passed[None]))

    @property
    def error(self) -> float:
        """Mean squared error of the estimates, in units of the variance of the map."""
        return float(self._error)

    def update(self, batch: Index, Z: Tensor) -> None:
        """Place the samples ``batch``, shape (b,), at ``Z``, shape (b, d), and move the others along."""
        index = moved(batch, Z.device)  # (b,)
        moved_by = Z - self.positions.index_select(0, index)  # (b, d)
        self._judge(batch, moved_by, Z)
        features = self._features.index_select(0, index)  # (b, k + 1)
        gram = features.T @ features  # (k + 1, k + 1)
        gram.diagonal().add_(_RIDGE * len(batch))
        # The matrix is never singular: to check it would be to wait for it.
        motion, _ = torch.linalg.solve_ex(gram, features.T @ moved_by)  # (k + 1, d)
        self.positions.addmm_(self._features, motion)  # (n, d)
        if self._space is not None:
            self.positions.copy_(self._space.project(self.positions, like=Z))
        self.positions[index] = Z

    def state(self) -> dict[str, object]:
        """Return what `update` changes, not copied. The features follow from the samples."""
        return {name: getattr(self, name) for name in (*_CHANGING, "error")}

    def restore(self, state: Mapping[str, object]) -> None:
        """Go on from a state."""
        for name in _CHANGING:
            setattr(self, name, state[name])
        self.positions = self.positions.to(self._features)
        self._error = torch.full_like(self._error, cast(float, state["error"]))
        self._has_passed = torch.full_like(self._has_passed, not self.is_trusted)


def _principal(rows: Rows, n_features: int, standardize: nn.Module | None = None, shares: Shares = UNSHARED) -> Tensor:
    """Return a constant and the first principal components of the samples, of unit variance; shape (n, k + 1).

    Values are cut at 3, so that no outlier is moved farther than three times a typical sample.
    """
    n_samples = len(rows)
    n_values = rows.take(slice(0, 1)).numel()
    n_seen = min(n_samples, _N_SEEN, max(2, _MOST_VALUES // n_values))
    standard = torch.nn.Identity() if standardize is None else standardize
    seen = standard(rows.take(np.linspace(0, n_samples - 1, n_seen).astype(np.int64))).flatten(1)  # (m, p)
    centre = seen.mean(0)  # (p,)
    size = (seen - centre).abs().max().clamp_min(torch.finfo(seen.dtype).tiny)
    seen = (seen - centre) / size
    variances, axes = torch.linalg.eigh((seen @ seen.T).double())  # (m,), (m, m) ascending
    kept = variances > 1e-4 * variances[-1].clamp_min(torch.finfo(seen.dtype).tiny)
    kept[: max(0, n_seen - n_features)] = False
    weights = (axes[:, kept] / variances[kept] * n_seen**0.5).to(seen.dtype)  # (m, k)
    projection = seen.T @ weights  # (p, k)
    step = max(1, _MOST_VALUES // n_values)

    def projected(some: Rows) -> Tensor:
        blocks = (standard(some.take(slice(start, start + step))) for start in range(0, len(some), step))
        parts = [((block.flatten(1) - centre) / size @ projection).clamp_(-3.0, 3.0) for block in blocks]  # (b, k)
        return torch.cat(parts)  # (s, k)

    components = shares.of_each(rows, projected)  # (n, k)
    return torch.cat([components.new_ones(n_samples, 1), components], 1)  # (n, k + 1)
