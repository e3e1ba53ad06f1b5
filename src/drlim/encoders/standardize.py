"""What an encoder does to its input first: standardise it, or scale each sample to length 1."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from drlim._base.arrays import Floats
from drlim._base.torch import RowSource

__all__ = ["Standardize", "UnitLength"]


class Standardize(nn.Module):
    """Subtract an offset and divide by one scale, so that networks see values of about unit size.

    Table columns are centred one by one. Images are centred by one number for all pixels, which keeps the relations
    between pixels: a shifted image stays a shifted image. The scale is one number, so that distances keep their
    proportions.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, input_shape: Sequence[int]) -> None:
        super().__init__()
        shape = (input_shape[0],) if len(input_shape) == 1 else (1,)
        self.register_buffer("offset", torch.zeros(shape, dtype=torch.float32))
        self.register_buffer("scale", torch.ones((), dtype=torch.float32))

    def fit(self, X: RowSource, chunk_size: int = 4096) -> Standardize:
        """Compute offset and scale of samples, shape (n, ...), in float64 and a chunk at a time."""
        columns = len(X.shape) == 2
        total: Floats | float = 0.0
        starts = range(0, len(X), chunk_size)
        for start in starts:
            part = np.asarray(X[start : start + chunk_size], dtype=np.float64)  # (c, ...)
            total = total + (part.sum(axis=0) if columns else part.sum())  # (p,) or ()
        mean = total / (len(X) if columns else prod(X.shape))
        squares = 0.0
        for start in starts:
            part = np.asarray(X[start : start + chunk_size], dtype=np.float64) - mean
            squares += float(np.square(part).sum())
        deviation = float(np.sqrt(squares / prod(X.shape)))
        self.offset.copy_(torch.as_tensor(np.atleast_1d(mean)))
        # A constant input has no scale of its own, only the rounding of its mean; and anything below the smallest
        # normal float32 would divide by 0.
        rounding = len(X) * np.finfo(np.float64).eps * float(np.abs(mean).max())
        self.scale.fill_(deviation if deviation > max(rounding, float(np.finfo(np.float32).tiny)) else 1.0)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, ...)."""
        return (x - self.offset) / self.scale


class UnitLength(nn.Module):
    """Scale each sample to length 1, as one vector of all its values, so that only its direction matters."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, ...). A sample of zeros stays one."""
        flat = x.flatten(1)  # (b, p)
        largest = flat.abs().amax(dim=1, keepdim=True)  # (b, 1) divided by first, so that squares stay finite
        flat = flat / torch.where(largest > 0, largest, torch.ones_like(largest))
        return nn.functional.normalize(flat, dim=1).reshape(x.shape)  # (b, ...)
