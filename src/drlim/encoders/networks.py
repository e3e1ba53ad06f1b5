"""The map G_W: the paper's two networks, a linear map and a multilayer perceptron, by name.

Any `torch.nn.Module` that maps a batch of samples to shape (b, n_components) serves as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import prod

import torch
from torch import Tensor, nn

from drlim._base.checks import InvalidParameterError, StrOptions, check_parameters, integer_in
from drlim.encoders.standardize import Standardize

__all__ = ["ENCODERS", "Subsample", "make_encoder", "refuse_channels_last", "refuse_huge_map"]

_MOST_COMPONENTS = 10**6
"""Maximum number of dimensions of a map. The last layer of a network for more does not fit into memory."""

_SMALLEST_IMAGE = 24
"""Pixels a side that leave the paper's convnet one output pixel: (24 - 5 - 3) // 2 + 1 - 8 = 1."""


class Subsample(nn.Module):
    """LeNet's subsampling layer: local average, times a coefficient, plus a bias, both learned for each map.

    Parameters
    ----------
    n_maps : int
    kernel_size : int, default=3
        Side of the square averaged; the paper's S2 has 3.
    stride : int, default=2
        The paper's S2 has 2.

    Examples
    --------
    >>> import torch
    >>> Subsample(1, kernel_size=2, stride=2)(torch.arange(4.0).reshape(1, 1, 2, 2)).tolist()
    [[[[1.5]]]]
    """

    def __init__(self, n_maps: int, kernel_size: int = 3, stride: int = 2) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(kernel_size, stride)
        self.coefficient = nn.Parameter(torch.ones(n_maps, 1, 1, dtype=torch.float32))
        self.bias = nn.Parameter(torch.zeros(n_maps, 1, 1, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Map (b, n_maps, h, w) to (b, n_maps, h', w')."""
        pooled: Tensor = self.pool(x)
        return pooled * self.coefficient + self.bias


def _convnet(input_shape: Sequence[int], n_components: int) -> nn.Sequential:
    """Return the paper's network for MNIST (its figure 3): C1, S2, C3, F4, with tanh as in LeNet.

    For 28 x 28: 15 maps 23 x 23, subsampled to 11 x 11, 30 maps 3 x 3, then 270 values to the outputs.
    """
    refuse_channels_last(input_shape)
    if len(input_shape) not in (2, 3) or min(input_shape[-2:]) < _SMALLEST_IMAGE:
        raise ValueError(
            "The 'convnet' encoder takes images of at least 24 x 24 pixels, (n, H, W) or (n, C, H, W): its layers "
            f"shrink smaller ones to nothing. Got samples of shape {tuple(input_shape)}; try encoder='mlp'."
        )
    channels, height, width = (1, *input_shape)[-3:]
    last_height, last_width = (((side - 5 - 3) // 2 + 1) - 8 for side in (height, width))
    convnet = nn.Sequential(
        nn.Unflatten(1, (1, height)) if len(input_shape) == 2 else nn.Identity(),  # (b, c, h, w)
        nn.Conv2d(channels, 15, 6, dtype=torch.float32),  # C1 (b, 15, 23, 23)
        nn.Tanh(),
        Subsample(15),  # S2 (b, 15, 11, 11), linear: see docs/training.md
        nn.Conv2d(15, 30, 9, dtype=torch.float32),  # C3 (b, 30, 3, 3)
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(30 * last_height * last_width, n_components, dtype=torch.float32),  # F4 (b, n_components)
    )
    with torch.no_grad():
        for layer in convnet:
            if isinstance(layer, nn.Conv2d):
                # To variance 1 / fan-in, as LeCun's "Efficient BackProp" (1998) asks for tanh; torch's is a third.
                layer.weight.mul_(3.0**0.5)
    return convnet


def refuse_huge_map(n_components: int, owner: str) -> None:
    """Refuse more dimensions of a map than memory holds, as the parameter ``n_components`` of its owner."""
    if n_components > _MOST_COMPONENTS:
        raise InvalidParameterError(
            f"The 'n_components' parameter of {owner} must be at most {_MOST_COMPONENTS}, since the network has to fit "
            f"into memory. Got {n_components} instead."
        )


def refuse_channels_last(input_shape: Sequence[int]) -> None:
    """Refuse the shape of a sample that looks like an image with the channels last."""
    if len(input_shape) == 3 and input_shape[-1] <= 4 < input_shape[0]:
        raise ValueError(
            "Expected images with the channels first, X of shape (n, C, H, W). "
            f"Got samples of shape {tuple(input_shape)}, which look like (H, W, C): use X.transpose(0, 3, 1, 2)."
        )


def _two_layer(input_shape: Sequence[int], n_components: int) -> nn.Sequential:
    """Return the paper's network for NORB: 20 tanh units, then the outputs."""
    return _dense(input_shape, [20], n_components, nn.Tanh)


def _linear(input_shape: Sequence[int], n_components: int) -> nn.Sequential:
    """Return an affine map, to compare with PCA and to see what the relations alone can do."""
    return _dense(input_shape, [], n_components, nn.Tanh)


def _mlp(input_shape: Sequence[int], n_components: int) -> nn.Sequential:
    """Return two layers of 128 rectified units, for tables and embeddings."""
    return _dense(input_shape, [128, 128], n_components, nn.ReLU)


def _dense(
    input_shape: Sequence[int], hidden: Sequence[int], n_components: int, activation: Callable[[], nn.Module]
) -> nn.Sequential:
    sizes = [prod(input_shape), *hidden]
    layers: list[nn.Module] = [nn.Flatten()]
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, dtype=torch.float32), activation()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], n_components, dtype=torch.float32))


ENCODERS: dict[str, Callable[[Sequence[int], int], nn.Sequential]] = {
    "convnet": _convnet,
    "two_layer": _two_layer,
    "linear": _linear,
    "mlp": _mlp,
}
"""Encoders by name."""


def make_encoder(name: str, input_shape: Sequence[int], n_components: int = 2) -> nn.Sequential:
    """Build an encoder by name.

    Parameters
    ----------
    name : {"auto", "convnet", "two_layer", "linear", "mlp"}
        - ``"convnet"``: the paper's convolutional network for MNIST, 15 maps of 6 x 6, subsampling by 2, 30 maps of
          9 x 9, tanh. Images of at least 24 x 24 pixels;
        - ``"two_layer"``: the paper's network for NORB, 20 tanh units;
        - ``"linear"``: an affine map;
        - ``"mlp"``: two layers of 128 rectified units;
        - ``"auto"``: ``"convnet"`` for images large enough, else ``"mlp"``.
    input_shape : sequence of int
        Shape of one sample: (n_features,), (H, W) or (C, H, W).
    n_components : int, default=2
        Dimensions of the map, in [1, inf).

    Returns
    -------
    torch.nn.Sequential
        `Standardize`, which does nothing until its ``fit``, and the network, in float32 whatever torch's default dtype.
        Initial weights are torch's, drawn from its global generator; the convolutions' are scaled to LeCun's variance,
        1 / fan-in.

    Raises
    ------
    ValueError, TypeError
        When the name is unknown or the network cannot take samples of this shape.

    Examples
    --------
    >>> encoder = make_encoder("convnet", (28, 28), n_components=2)
    >>> sum(parameter.numel() for parameter in encoder.parameters())
    37607
    """
    check_parameters(
        {"name": name, "n_components": n_components},
        {"name": [StrOptions({"auto", *ENCODERS})], "n_components": [integer_in(1)]},
        "make_encoder",
    )
    refuse_huge_map(n_components, "make_encoder")
    return build_encoder(name, input_shape, n_components)


def build_encoder(name: str, input_shape: Sequence[int], n_components: int) -> nn.Sequential:
    """Return what `make_encoder` returns, for parameters that were checked."""
    if name == "auto":
        refuse_channels_last(input_shape)
        is_image = len(input_shape) in (2, 3) and min(input_shape[-2:]) >= _SMALLEST_IMAGE
        name = "convnet" if is_image else "mlp"
    return nn.Sequential(Standardize(input_shape), ENCODERS[name](input_shape, n_components))
