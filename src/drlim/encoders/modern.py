"""Trunks by the form of the samples, and the linear layer that gives each place a logit.

A trunk maps a batch of samples to features, (b, p). Its sizes follow the form of a sample and the number of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor, nn

from drlim.encoders.standardize import Standardize

__all__ = ["PlaceLogits", "count_features", "make_trunk"]

_SMALLEST_IMAGE = 8
"""Minimum number of pixels a side of a sample that is mapped by convolutions."""

_SMALLEST_STRIDED = 6
"""Minimum number of pixels a side, less one, of maps of which a convolution leaves out every second pixel."""

_LARGE_IMAGE = 64
"""Maximum number of pixels a side of images whose first convolution keeps every second pixel; of larger ones it keeps
every fourth, which takes a third of the time."""

_MANY_SAMPLES = 20_000
"""Minimum number of samples that need less dropout."""

_NARROW = 64
"""Maximum number of columns of a table that two layers of 256 units map; wider ones take 512."""


class PlaceLogits(nn.Module):
    """A trunk and a linear layer: features h (b, p), then logits W h + a (b, K).

    Parameters
    ----------
    trunk : torch.nn.Module
        Any module that maps (b, ...) to (b, p); outputs of more dimensions are flattened.
    n_features : int
        p; see `count_features`.
    n_places : int
        K.

    Examples
    --------
    >>> trunk = make_trunk((64,), n_samples=1000)
    >>> network = PlaceLogits(trunk, count_features(trunk, torch.zeros(2, 64)), n_places=50)
    >>> network(torch.zeros(7, 64)).shape
    torch.Size([7, 50])
    """

    def __init__(self, trunk: nn.Module, n_features: int, n_places: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.linear = nn.Linear(n_features, n_places, dtype=torch.float32)

    def features(self, x: Tensor) -> Tensor:
        """Map (b, ...) to (b, p)."""
        h: Tensor = self.trunk(x)
        return h.flatten(1)  # (b, p)

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, ...) to logits (b, K)."""
        logits: Tensor = self.linear(self.features(x))
        return logits


def count_features(trunk: nn.Module, samples: Tensor) -> int:
    """Return how many features a trunk gives each sample, judged by at least two samples in evaluation mode.

    Raises
    ------
    ValueError
        When the trunk does not return a tensor of one row a sample.
    """
    modes = {module: module.training for module in trunk.modules()}
    trunk.eval()
    try:
        with torch.no_grad():
            output = trunk(samples)
    finally:
        for module, mode in modes.items():
            module.training = mode
    if not isinstance(output, Tensor) or output.ndim < 2 or len(output) != len(samples):
        found = f"shape {tuple(output.shape)}" if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(
            f"Expected the encoder to return features, a tensor of shape (n_samples, n_features). Got {found} for "
            f"{len(samples)} samples."
        )
    return prod(output.shape[1:])


def make_trunk(input_shape: Sequence[int], n_samples: int) -> nn.Sequential:
    """Build the trunk for samples of a form.

    Images of at least 8 x 8, grey (H, W) or with channels (C, H, W), take three convolutions: 16 maps of 5 x 5, 32 of
    3 x 3, twice, of which those keep every second pixel that have more than 6 a side, then 256 units. The first keeps
    every fourth pixel of images with more than 64 a side. Tables and smaller images take two layers of 512 units, or of
    256 up to 64 columns. After each layer stand batch normalisation, SiLU and, before the last layer, dropout.

    Parameters
    ----------
    input_shape : sequence of int
        Shape of one sample: (n_features,), (H, W) or (C, H, W).
    n_samples : int
        Dropout is .3, and .1 from 20,000 samples.

    Returns
    -------
    torch.nn.Sequential
        `Standardize`, which does nothing until its ``fit``, and the layers. Initial weights come from torch's global
        generator.

    Examples
    --------
    >>> trunk = make_trunk((28, 28), n_samples=12_000)
    >>> trunk(torch.zeros(5, 28, 28)).shape
    torch.Size([5, 256])
    """
    dropout = 0.1 if n_samples >= _MANY_SAMPLES else 0.3
    is_image = len(input_shape) in (2, 3) and min(input_shape[-2:]) >= _SMALLEST_IMAGE
    layers = _convolutions(input_shape, dropout) if is_image else _dense(prod(input_shape), dropout)
    return nn.Sequential(Standardize(input_shape), *layers)


def _dense(n_columns: int, dropout: float) -> list[nn.Module]:
    width = 256 if n_columns <= _NARROW else 512
    return [
        nn.Flatten(),
        nn.Linear(n_columns, width, dtype=torch.float32),
        nn.BatchNorm1d(width, dtype=torch.float32),
        nn.SiLU(),
        nn.Dropout(dropout),
        nn.Linear(width, width, dtype=torch.float32),
        nn.BatchNorm1d(width, dtype=torch.float32),
        nn.SiLU(),
        nn.Dropout(dropout),
    ]


def _convolutions(input_shape: Sequence[int], dropout: float) -> list[nn.Module]:
    channels, *sides = (1, *input_shape)[-3:]
    layers: list[nn.Module] = [nn.Unflatten(1, (1, sides[0]))] if len(input_shape) == 2 else []  # (b, c, H, W)
    largest = 4 if min(sides) > _LARGE_IMAGE else 2
    for n_maps, kernel_size, most in ((16, 5, largest), (32, 3, 2), (32, 3, 2)):
        stride = most if min(sides) > _SMALLEST_STRIDED else 1
        layers += [
            # (b, n_maps, h, w)
            nn.Conv2d(channels, n_maps, kernel_size, stride, kernel_size // 2, bias=False, dtype=torch.float32),
            nn.BatchNorm2d(n_maps, dtype=torch.float32),
            nn.SiLU(),
        ]
        channels, sides = n_maps, [(side - 1) // stride + 1 for side in sides]
    return [
        *layers,
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(channels * prod(sides), 256, dtype=torch.float32),
        nn.BatchNorm1d(256, dtype=torch.float32),
        nn.SiLU(),
        nn.Dropout(dropout),
    ]
