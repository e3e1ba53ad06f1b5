"""Points for force passes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["spread_evenly", "within_a_margin"]


def spread_evenly(n: int, d: int = 2, in_range: float = 50.0, *, device: str = "cpu", seed: int = 0) -> Tensor:
    """Return n uniform points in d dimensions with about ``in_range`` others within distance 1 of each.

    Parameters
    ----------
    n : int
        Number of points.
    d : {1, 2, 3}
        Number of dimensions.
    in_range : float, default=50
        Mean number of other points within distance 1 of a point that is farther than 1 from the edge.
    device : str, default="cpu"
        Device of the tensor.
    seed : int, default=0
        Seed of the positions.

    Returns
    -------
    Tensor of float32, shape (n, d)
        Points in a cube with one corner at the origin.
    """
    ball = (2.0, math.pi, 4.0 / 3.0 * math.pi)[d - 1]
    side = (n * ball / in_range) ** (1.0 / d)
    points = torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float32) * side
    return points.to(device)


def within_a_margin(n: int, d: int = 2, *, device: str = "cpu", seed: int = 0) -> Tensor:
    """Return n uniform points (n, d) in a cube so small that all distances are below 1, as at the start of training."""
    points = torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    return (points * (0.9 / math.sqrt(d))).to(device)
