"""Places of a map, and the head that turns what is known of a sample's position into one position.

An encoder of two outputs averages: a sample that may belong to either of two clusters is placed between them. Here
the encoder gives probabilities of *candidates*, positions where the sample may lie, such as the K *places* of the map.
The sample's position is the mode of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn

from drlim._base.arrays import Floats, Index

__all__ = ["Candidates", "Places", "PlacesHead", "Targets", "find_places", "make_targets", "number_of_places", "spread"]

_NEAREST_PLACES = 16
"""Maximum number of places of one sample: those of its target, and those among which the head seeks the mode."""

_ROUNDS = 20
"""Number of rounds of k-means."""


class Places(NamedTuple):
    """Places of a map.

    Attributes
    ----------
    centres : ndarray of float32, shape (K, d)
        c_k.
    spacing : float
        s, the mean distance of a centre from its nearest other centre; 1 where there is only one.
    """

    centres: NDArray[np.float32]
    spacing: float


class Targets(NamedTuple):
    """A distribution over places for each sample, of which few entries are not zero.

    Attributes
    ----------
    places : ndarray of int64, shape (n, m)
        k, the nearest first.
    weight : ndarray of float32, shape (n, m)
        Their probabilities; each row adds up to 1.
    n_places : int
        K.
    """

    places: Index
    weight: NDArray[np.float32]
    n_places: int


def number_of_places(n_samples: int) -> int:
    """Return K = min(n / 4, max(400, min(n / 15, 1200))), at least 1.

    Finer places carry more of a sample's position, as far as there are samples to learn each place from.

    Examples
    --------
    >>> [number_of_places(n) for n in (3, 300, 1300, 6000, 12_000, 60_000)]
    [1, 75, 325, 400, 800, 1200]
    """
    return max(1, min(n_samples // 4, max(400, min(n_samples // 15, 1200))))


def find_places(layout: NDArray[np.floating], n_places: int | None = None, *, seed: int = 0) -> Places:
    """Cut a layout into places by k-means.

    Parameters
    ----------
    layout : ndarray, shape (n, d)
        Finite positions, d up to about 3: cells are found by a k-d tree.
    n_places : int, default=None
        K, at most the number of distinct positions; None takes `number_of_places`.
    seed : int, default=0
        Draws the rows from which the centres start.

    Returns
    -------
    Places
        The same bytes for the same layout and seed. Takes .5 s at 60,000 rows.

    Examples
    --------
    >>> places = find_places(np.array([[0.0, 0.0], [0.0, 2.0], [9.0, 1.0], [9.0, 1.0]]), 3)
    >>> sorted(places.centres.tolist()), round(places.spacing, 2)
    ([[0.0, 0.0], [0.0, 2.0], [9.0, 1.0]], 4.35)
    """
    points = np.asarray(layout, dtype=np.float64)
    distinct = np.unique(points, axis=0)  # (n', d)
    n_places = min(number_of_places(len(points)) if n_places is None else n_places, len(distinct))
    chosen = np.random.default_rng(seed).choice(len(distinct), n_places, replace=False)
    centres: Floats = distinct[np.sort(chosen)]  # (K, d)
    for _ in range(_ROUNDS):
        centres = _moved(centres, points)
    if n_places == 1:
        return Places(centres.astype(np.float32), 1.0)
    nearest = cKDTree(centres).query(centres, k=[2])[0]  # (K, 1)
    return Places(centres.astype(np.float32), float(np.mean(nearest)))


def _moved(centres: Floats, points: Floats) -> Floats:
    """Return the mean of each centre's cell; a centre whose cell is empty stays."""
    cell = cKDTree(centres).query(points)[1]  # (n,)
    count = np.bincount(cell, minlength=len(centres))  # (K,)
    sums = [np.bincount(cell, column, len(centres)) for column in points.T]
    means = np.stack(sums, axis=1) / np.maximum(count, 1)[:, None]  # (K, d)
    return np.where(count[:, None] > 0, means, centres)


def make_targets(layout: NDArray[np.floating], places: Places) -> Targets:
    """Return softmax_k of -|z - c_k|^2 / (2 (s/2)^2) over the 16 places nearest to each z.

    Parameters
    ----------
    layout : ndarray, shape (n, d)
    places : Places

    Returns
    -------
    Targets

    Examples
    --------
    A sample in the middle between two places belongs to both:

    >>> places = Places(np.array([[0.0, 0.0], [2.0, 0.0]], dtype=np.float32), spacing=2.0)
    >>> make_targets(np.array([[1.0, 0.0]]), places).weight.tolist()
    [[0.5, 0.5]]
    """
    n_places = len(places.centres)
    nearest = np.arange(1, min(_NEAREST_PLACES, n_places) + 1)
    found = cKDTree(places.centres.astype(np.float64)).query(np.asarray(layout, dtype=np.float64), k=nearest)
    distance, index = np.asarray(found[0]), np.asarray(found[1], dtype=np.int64)  # (n, m)
    energy = distance**2 / (2 * (places.spacing / 2) ** 2)  # (n, m)
    weight = np.exp(energy[:, :1] - energy)  # the nearest has weight 1: a far outlier's would all be 0
    weight /= weight.sum(axis=1, keepdims=True)
    return Targets(index, weight.astype(np.float32), n_places)


def spread(index: Tensor, weight: Tensor, n_places: int) -> Tensor:
    """Write distributions of few entries, (b, m), out over all places, (b, K)."""
    return weight.new_zeros(len(index), n_places).scatter(1, index, weight)


class Candidates(NamedTuple):
    """Positions where each of b samples may lie, and their probabilities.

    Attributes
    ----------
    positions : Tensor, shape (b, m, d)
    mass : Tensor, shape (b, m)
        Each row adds up to at most 1.
    """

    positions: Tensor
    mass: Tensor


class PlacesHead(nn.Module):
    """Turn logits of K places into a position: the mode of their probabilities P under a Cauchy kernel.

    ::

        P = softmax(logits), of which the 16 largest count
        f(z) = sum_k P_k / (1 + |z - c_k|^2 / b^2),    b = 1.5 s
        z_0 = the c_k with the largest f(c_k)
        z <- sum_k w_k c_k / sum_k w_k,    w_k = P_k / (1 + |z - c_k|^2 / b^2)^2,    n_steps times

    Each step is a step up the slope of f. The position jumps from one mode to another where they are equally high,
    and lies within the hull of the places. Takes 14 microseconds a sample at 800 places, 9 for the 16 largest.

    Parameters
    ----------
    places : Places
    n_steps : int, default=3

    Examples
    --------
    Two neighbouring places of .3 each count for more than one of .4 far away:

    >>> head = PlacesHead(Places(np.array([[0, 0], [1, 0], [9, 0]], dtype=np.float32), spacing=1.0))
    >>> logits = torch.tensor([[0.3, 0.3, 0.4]]).log()
    >>> [round(value, 2) for value in head(logits)[0].tolist()]
    [0.54, 0.0]
    >>> round(head.confidence(logits).item(), 2)
    0.55
    """

    centres: Tensor
    bandwidth: Tensor

    def __init__(self, places: Places, n_steps: int = 3) -> None:
        super().__init__()
        self.n_steps = n_steps
        self.register_buffer("centres", torch.from_numpy(np.array(places.centres)))  # (K, d)
        self.register_buffer("bandwidth", torch.tensor(1.5 * places.spacing, dtype=torch.float32))

    def forward(self, logits: Tensor) -> Tensor:
        """Map logits (b, K) to positions (b, d)."""
        return self.locate(self.candidates(logits.softmax(dim=1)))[0]

    def confidence(self, logits: Tensor) -> Tensor:
        """Return f at the position, in (0, 1], shape (b,): the share of P that lies about it."""
        return self.locate(self.candidates(logits.softmax(dim=1)))[1]

    def candidates(self, probabilities: Tensor) -> Candidates:
        """Return the places that are the most probable by P (b, K)."""
        mass, index = probabilities.topk(min(_NEAREST_PLACES, len(self.centres)), dim=1)  # (b, m)
        positions = self.centres.index_select(0, index.flatten()).view(-1, index.shape[1], self.centres.shape[1])
        return Candidates(positions, mass)  # (b, m, d), (b, m)

    def locate(self, candidates: Candidates) -> tuple[Tensor, Tensor]:
        """Return the modes of candidates, (b, d), and f at them, (b,)."""
        mass = candidates.mass
        # One tensor a coordinate: sums over a last axis of two numbers take most of the time otherwise.
        columns = [column.contiguous() for column in candidates.positions.unbind(2)]  # d times (b, m)
        between = sum(((c[:, :, None] - c[:, None]).square() for c in columns), start=torch.zeros(()))  # (b, m, m)
        height = torch.bmm(self._kernel(between), mass[:, :, None]).squeeze(2)  # (b, m)
        first = height.argmax(dim=1, keepdim=True)  # (b, 1)
        z = [c.gather(1, first) for c in columns]  # d times (b, 1)
        for _ in range(self.n_steps):
            weight = mass * self._around(z, columns).square()  # (b, m)
            weight = weight / weight.sum(dim=1, keepdim=True)
            z = [(weight * c).sum(dim=1, keepdim=True) for c in columns]  # d times (b, 1)
        return torch.cat(z, dim=1), (mass * self._around(z, columns)).sum(dim=1)  # (b, d), (b,)

    def _around(self, z: list[Tensor], columns: list[Tensor]) -> Tensor:
        """Return the kernel between each position and its candidates, (b, m)."""
        pairs = zip(z, columns, strict=True)
        return self._kernel(sum(((one - c).square() for one, c in pairs), start=torch.zeros(())))

    def _kernel(self, squared_distance: Tensor) -> Tensor:
        """Return 1 / (1 + D^2 / b^2)."""
        return 1 / (1 + squared_distance / self.bandwidth.square())
