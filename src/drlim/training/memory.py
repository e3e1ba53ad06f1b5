"""Positions of all samples, remembered between the batches that map them, and moved along as the map moves."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from drlim._base.torch import Rows

__all__ = ["Memory"]

_N_FEATURES = 32
"""Principal components of the samples by which a motion is carried over; 16 to 64 serve alike (docs/training.md)."""

_N_LOOKED_AT = 512
"""Samples that the components are taken from: their Gram matrix is decomposed in 30 ms."""

_MOST_VALUES = 2**25
"""Values held at once while the components are computed: 128 MiB in float32."""

_RIDGE = 0.1
"""Of the regression, for each sample of a batch and a feature of unit variance."""


class Memory:
    """Where each of n samples is on the map, by what batches have shown so far.

    A sample is mapped once an epoch. In between, the map has moved on: early in training by most of its size, and
    a batch that felt the others where they were last seen would be held back by them. So each batch tells how far
    its own samples have moved since they were remembered; a ridge regression of that on a few features of the
    samples (a constant and their first principal components) predicts how far all the others have moved, and they
    are moved by as much.

    Parameters
    ----------
    positions : Tensor, shape (n, d)
        Where all samples are now; changed in place by `update`.
    rows : Rows
        The samples.
    n_features : int
        Principal components to use, at most; no more than an eighth of a batch, or the regression follows its noise.

    Attributes
    ----------
    positions : Tensor, shape (n, d)
    """

    def __init__(self, positions: Tensor, rows: Rows, n_features: int = _N_FEATURES) -> None:
        self.positions = positions
        self._features = _principal(rows, n_features).to(positions.dtype)  # (n, k + 1)

    def update(self, batch: NDArray[np.int64], Z: Tensor) -> None:
        """Take in that the samples ``batch``, shape (b,), are at ``Z``, shape (b, d), and move the others along."""
        index = torch.from_numpy(batch).to(Z.device)
        moved = Z - self.positions.index_select(0, index)  # (b, d)
        features = self._features.index_select(0, index)  # (b, k + 1)
        gram = features.T @ features
        gram.diagonal().add_(_RIDGE * len(batch))
        self.positions.addmm_(self._features, torch.linalg.solve(gram, features.T @ moved))
        self.positions[index] = Z


def _principal(rows: Rows, n_features: int) -> Tensor:
    """Return a constant and the first principal components of the samples, of unit variance; shape (n, k + 1).

    No value is beyond 3, so that no outlier is thrown about by what holds for the rest.
    """
    n_samples = len(rows)
    n_values = rows.take(slice(0, 1)).numel()
    n_seen = min(n_samples, _N_LOOKED_AT, max(2, _MOST_VALUES // n_values))
    seen = rows.take(np.linspace(0, n_samples - 1, n_seen).astype(np.int64)).flatten(1)  # (m, p)
    centre = seen.mean(0)
    size = (seen - centre).abs().max().clamp_min(torch.finfo(seen.dtype).tiny)
    seen = (seen - centre) / size
    variances, axes = torch.linalg.eigh((seen @ seen.T).double())  # ascending
    kept = variances > 1e-4 * variances[-1].clamp_min(torch.finfo(seen.dtype).tiny)
    kept[: max(0, n_seen - n_features)] = False
    weights = (axes[:, kept] / variances[kept] * n_seen**0.5).to(seen.dtype)  # (m, k)
    projection = seen.T @ weights  # (p, k)
    step = max(1, _MOST_VALUES // n_values)
    parts = [
        ((rows.take(slice(start, start + step)).flatten(1) - centre) / size @ projection).clamp_(-3.0, 3.0)
        for start in range(0, n_samples, step)
    ]
    components = torch.cat(parts)  # (n, k)
    return torch.cat([components.new_ones(n_samples, 1), components], 1)
