"""Retrieval: where a sample may lie by where the training samples nearest to it lie.

It helps where samples are few, and keeps a continuous change continuous: positions are finer than places.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from drlim.encoders.embedding import BATCH_SIZE
from drlim.encoders.places import Candidates

__all__ = ["Components", "Retrieval"]

_SCALE = 5
"""The neighbour whose distance is the unit of length of a sample's weights."""

_SOFTENING = 1e-3
"""Share of that distance, squared, that is added to each: a training sample lies within 1 % of where its own position
is, and copies share their positions."""


_CUTS = 32
"""Number of stored samples of which only the nearest is compared at first."""

_VALUES_AT_ONCE = 2**22
"""Number of distances of a batch, 16 MiB in float32. Those of 512 samples to 60,000 leave the processor's caches, and a
sample takes three times as long."""

_SMALLEST_BATCH = 16
"""Minimum number of samples of a batch."""


class Components(nn.Module):
    """Coordinates of a sample along given axes: A (x - mean), A of shape (p, D).

    Parameters
    ----------
    mean : ndarray, shape (D,)
    axes : ndarray, shape (p, D)
        Principal components, one a row.

    Examples
    --------
    >>> Components(np.array([1.0, 0.0]), np.array([[0.0, 1.0]]))(torch.tensor([[5.0, 2.0]])).tolist()
    [[2.0]]
    """

    mean: Tensor
    axes: Tensor

    def __init__(self, mean: NDArray[np.floating], axes: NDArray[np.floating]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.from_numpy(np.array(mean, dtype=np.float32)))
        self.register_buffer("axes", torch.from_numpy(np.array(axes, dtype=np.float32)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, p)."""
        return (x.flatten(1) - self.mean) @ self.axes.T  # (b, D) -> (b, p)


class Retrieval(nn.Module):
    """The positions of the training samples nearest to a sample by its features, the nearer the more probable.

    ::

        w_i = 1 / (|x - x_i|^2 / r^2 + .001),    r the distance of the fifth nearest

    over the 15 nearest i, divided by their sum. The search is exact. Each sample of a batch takes n p multiplications
    and n numbers of memory: 90 microseconds of one thread and 240 kB for 60,000 training samples of 50 features, 600
    where it comes alone. The module stores n (p + 1 + d) numbers.

    Parameters
    ----------
    features : ndarray, shape (n, p)
        Of the training samples.
    positions : ndarray, shape (n, d)
        Of the training samples on the map.
    n_neighbors : int, default=15

    Examples
    --------
    >>> retrieval = Retrieval(np.array([[0.0], [1.0], [5.0]]), np.array([[0.0], [10.0], [50.0]]), n_neighbors=2)
    >>> positions, mass = retrieval(torch.tensor([[0.2]]))
    >>> positions.tolist(), [round(share, 2) for share in mass[0].tolist()]
    ([[[0.0], [10.0]]], [0.94, 0.06])
    """

    stored: Tensor
    half_squares: Tensor
    positions: Tensor

    @property
    def batch_size(self) -> int:
        """Number of samples that are best searched at once."""
        return max(_SMALLEST_BATCH, min(BATCH_SIZE, _VALUES_AT_ONCE // len(self.stored)))

    def __init__(self, features: NDArray[np.floating], positions: NDArray[np.floating], n_neighbors: int = 15) -> None:
        super().__init__()
        stored = torch.from_numpy(np.array(features, dtype=np.float32))
        self.n_neighbors = min(n_neighbors, len(stored))
        self.register_buffer("stored", stored)  # (n, p)
        self.register_buffer("half_squares", stored.square().sum(dim=1) / 2)  # (n,)
        self.register_buffer("positions", torch.from_numpy(np.array(positions, dtype=np.float32)))  # (n, d)

    def forward(self, features: Tensor) -> Candidates:
        """Return the candidates of samples by their features (b, p)."""
        # |x - s|^2 / 2 less |x|^2 / 2, which is the same for all stored s.
        order = torch.addmm(self.half_squares, features, self.stored.T, alpha=-1)  # (b, n)
        nearest = _least(order, self.n_neighbors).flatten()  # (b k,)
        found = self.stored.index_select(0, nearest).view(-1, self.n_neighbors, self.stored.shape[1])  # (b, k, p)
        least = torch.finfo(found.dtype).tiny
        away = found - features[:, None]  # (b, k, p)
        away = away / away.abs().amax(dim=(1, 2), keepdim=True).clamp_min(least)  # squares of wild values are finite
        squares = away.square().sum(dim=2)  # (b, k)
        unit = squares.sort(dim=1).values[:, min(_SCALE, self.n_neighbors) - 1, None]  # (b, 1)
        weight = 1 / (squares / unit.clamp_min(least) + _SOFTENING)  # (b, k)
        positions = self.positions.index_select(0, nearest).view(-1, self.n_neighbors, self.positions.shape[1])
        return Candidates(positions, weight / weight.sum(dim=1, keepdim=True))  # (b, k, d), (b, k)


def _least(values: Tensor, k: int) -> Tensor:
    """Return the places of the k smallest values of each row of (b, n), in ascending order, (b, k).

    Of n // 32 groups of every (n // 32)-th value, the k groups with the smallest least values hold the k smallest
    values; they are looked through, and those left over. It takes a seventh of the time of the selection among all.
    """
    groups = values.shape[1] // _CUTS  # m
    if groups <= k:
        return values.topk(k, dim=1, largest=False).indices
    grouped = values[:, : groups * _CUTS].reshape(-1, _CUTS, groups)  # (b, c, m)
    group = grouped.amin(dim=1).topk(k, dim=1, largest=False).indices  # (b, k)
    chosen = grouped.gather(2, group[:, None].expand(-1, _CUTS, -1))  # (b, c, k)
    cut = torch.arange(_CUTS, device=values.device)[:, None]  # (c, 1)
    place = (cut * groups + group[:, None]).flatten(1)  # (b, c k)
    # len(values) would be an int, and a traced file would take batches of that many samples alone.
    left = torch.arange(groups * _CUTS, values.shape[1], device=values.device).expand(values.shape[0], -1)  # (b, r)
    among = torch.cat([chosen.flatten(1), values[:, groups * _CUTS :]], dim=1)  # (b, c k + r)
    return torch.cat([place, left], dim=1).gather(1, among.topk(k, dim=1, largest=False).indices)  # (b, k)
