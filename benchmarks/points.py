"""Points to run a force pass on."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["spread_evenly", "within_a_margin"]


def spread_evenly(n: int, d: int = 2, in_range: float = 50.0, *, device: str = "cpu", seed: int = 0) -> Tensor:
    """Return n points in d dimensions, uniform, with ``in_range`` others within distance 1 of each, edges aside.

    Parameters
    ----------
    n : int
    d : {1, 2, 3}
    in_range : float, default=50
        Mean number of others within distance 1 of a point that is farther than that from the edge.
    device : str, default="cpu"
    seed : int, default=0

    Returns
    -------
    Tensor of float32, shape (n, d)
        In a cube whose corner is the origin.
    """
    ball = (2.0, math.pi, 4.0 / 3.0 * math.pi)[d - 1]
    side = (n * ball / in_range) ** (1.0 / d)
    points = torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float32) * side
    return points.to(device)


def within_a_margin(n: int, d: int = 2, *, device: str = "cpu", seed: int = 0) -> Tensor:
    """Return n points, uniform in a cube small enough that every two are closer than 1: the start of training."""
    points = torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float32)
    return (points * (0.9 / math.sqrt(d))).to(device)
