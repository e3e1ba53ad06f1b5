"""Baselines of the benchmarks: the same sums, written as a competent user would write them.

Each returns the same energy as `drlim.forces`; tests/test_benchmarks.py checks it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

from drlim import NeighborhoodGraph

__all__ = ["LabelledPairs", "by_neighbor_list", "compiled_loop", "contrastive_loss", "siamese_steps"]


def by_neighbor_list(Z: Tensor, margin: float) -> tuple[float, Tensor]:
    """Return the energy of all pairs, by equation 4's second term, and its gradient, from a list of those in range.

    `scipy.spatial.cKDTree.query_pairs` lists each pair once; torch sums energies and gradients with ``index_add_``.

    Parameters
    ----------
    Z : Tensor, shape (n, d)
        Points.
    margin : float
        The paper's m, in (0, inf).

    Returns
    -------
    energy : float
        Sum over all pairs.
    gradient : Tensor, shape (n, d)
        dE/dZ.
    """
    listed = cKDTree(Z.cpu().numpy()).query_pairs(margin, output_type="ndarray")  # (p, 2)
    first, second = torch.from_numpy(listed).to(Z.device).T.contiguous()
    displacement = Z.index_select(0, first) - Z.index_select(0, second)  # (p, d)
    distance = displacement.square().sum(1).sqrt()  # (p,)
    shortfall = (margin - distance).clamp_min(0.0)
    slope = torch.where(distance > 0, -shortfall / distance, 0.0)[:, None] * displacement  # (p, d)
    gradient = torch.zeros_like(Z).index_add_(0, first, slope).index_add_(0, second, slope, alpha=-1.0)
    return 0.5 * float(shortfall.square().sum(dtype=torch.float64)), gradient


def compiled_loop(Z: Tensor, margin: float) -> tuple[float, Tensor]:
    """Return the same as `by_neighbor_list` for points of a plane, by a compiled double loop over ordered pairs.

    Each of torch's threads processes one point after the other. The sums of a point have the type of the points, as in
    the fastest loop.
    """
    import numba

    numba.set_num_threads(min(torch.get_num_threads(), numba.config.NUMBA_NUM_THREADS))
    points = Z.cpu().numpy()
    x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
    energy, gradient = _loop()(x, y, points.dtype.type(margin))
    return 0.5 * float(energy.sum(dtype=np.float64)), torch.from_numpy(gradient)


@functools.cache
def _loop() -> Callable[..., tuple[NDArray[Any], NDArray[Any]]]:
    """Compile the double loop. It has no branches, so that the inner loop is vectorised."""
    import numba

    @numba.njit(parallel=True, fastmath=True)
    def loop(x: Any, y: Any, margin: Any) -> Any:
        n = len(x)
        energy, gradient = np.zeros(n, dtype=x.dtype), np.zeros((n, 2), dtype=x.dtype)
        zero, half, least = x.dtype.type(0.0), x.dtype.type(0.5), x.dtype.type(1e-30)
        for i in numba.prange(n):
            total, slope_x, slope_y = zero, zero, zero
            for j in range(n):
                dx, dy = x[i] - x[j], y[i] - y[j]
                distance = np.sqrt(dx * dx + dy * dy)
                shortfall = max(margin - distance, zero)
                total += half * shortfall * shortfall
                # For coincident points both differences are 0, and so is the product.
                factor = shortfall / max(distance, least)
                slope_x -= factor * dx
                slope_y -= factor * dy
            energy[i] = total - half * margin * margin  # without the term of the point and itself
            gradient[i, 0], gradient[i, 1] = slope_x, slope_y
        return energy, gradient

    compiled: Callable[..., tuple[NDArray[Any], NDArray[Any]]] = loop
    return compiled


class LabelledPairs(Dataset[tuple[Tensor, Tensor, float]]):
    """Every pair of samples once, with the paper's label Y: 0 for pairs similar in the graph, 1 for all others."""

    def __init__(self, X: Tensor, graph: NeighborhoodGraph) -> None:
        self.X = X
        listed = graph.similar.pairs().tolist()
        self.similar = {(first, second) for first, second in listed}

    def __len__(self) -> int:
        return len(self.X) * (len(self.X) - 1) // 2

    def __getitem__(self, place: int) -> tuple[Tensor, Tensor, float]:
        """Return the pair at an index of the list (1, 0), (2, 0), (2, 1), (3, 0) ... and its label."""
        second = int((1 + (1 + 8 * place) ** 0.5) / 2)
        first = place - second * (second - 1) // 2
        return self.X[first], self.X[second], float((first, second) not in self.similar)


def contrastive_loss(first: Tensor, second: Tensor, label: Tensor, margin: float) -> Tensor:
    """Return the sum of equation 4 over pairs of outputs, each (b, d), with labels (b,): 0 similar, 1 dissimilar."""
    distance = (first - second).square().sum(1).clamp_min(1e-24).sqrt()  # (b,) without an infinite slope at 0
    similar, dissimilar = 0.5 * distance.square(), 0.5 * (margin - distance).clamp_min(0.0).square()
    return ((1 - label) * similar + label * dissimilar).sum()


def siamese_steps(
    encoder: nn.Module, X: Tensor, graph: NeighborhoodGraph, margin: float = 1.0, batch_size: int = 1000, seed: int = 0
) -> Iterator[float]:
    """Run the paper's loop, and yield the loss of each batch.

    A batch of labelled pairs is drawn at random from all pairs, and both images go through the network before a step.
    """
    pairs = LabelledPairs(X, graph)
    generator = torch.Generator().manual_seed(seed)
    # With replacement, as a permutation of 18 million indices would take time before the first step.
    sampler = RandomSampler(pairs, replacement=True, num_samples=len(pairs), generator=generator)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=2e-3)
    device = next(encoder.parameters()).device
    for batch in DataLoader(pairs, batch_size=batch_size, sampler=sampler):
        first, second, label = (part.to(device) for part in batch)
        optimizer.zero_grad()
        loss = contrastive_loss(encoder(first), encoder(second), label.to(first.dtype), margin) / len(label)
        loss.backward()
        optimizer.step()
        yield float(loss.detach())
