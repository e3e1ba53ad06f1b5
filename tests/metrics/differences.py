"""Finite differences of maps, and small models to differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Floats = NDArray[np.float64]

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(60, 5))
IMAGES = RNG.uniform(size=(40, 24, 24))


def differences(transform: Callable[[Any], Any], X: Floats, step: float = 1e-5) -> Floats:
    """Central differences of the positions by each value of each sample, shape (n, d, ...)."""
    found = []
    for x in X:
        moved = np.eye(x.size).reshape(x.size, *x.shape) * step
        found.append(np.asarray(transform(x + moved) - transform(x - moved)).T / (2 * step))
    return np.array(found).reshape(len(X), -1, *X.shape[1:])


def linear(*rows: list[float]) -> nn.Linear:
    """A linear map with the given matrix."""
    matrix = torch.tensor(rows)
    layer = nn.Linear(matrix.shape[1], matrix.shape[0], bias=False)
    layer.weight.data.copy_(matrix)
    return layer
