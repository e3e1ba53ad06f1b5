"""Times of `transform` compared with the network alone, and of one sample."""

from __future__ import annotations

import statistics

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measuring import Measured, alternate, measured, ratio
from drlim import DrLIM, NeighborMap, datasets
from drlim.encoders.place_encoder import PlaceEncoder

__all__ = ["transform", "transform_places"]

_ONE_ROW = 100
"""Number of calls of `transform` with one image in a round."""


def transform(n: int = 10**5, rounds: int = 5, n_train: int = 500, device: str = "cpu") -> Measured:
    """Time ``DrLIM.transform`` of n images against its encoder in torch, which takes the images as a tensor.

    The encoder runs in evaluation and inference mode, in batches of the size that `transform` uses; ``parts`` contains
    times for other sizes.
    """
    digits = np.asarray(datasets.digits49().X_train, dtype=np.float32)
    model = DrLIM(encoder="convnet", max_epochs=1, device=device, random_state=0, verbose=False).fit(digits[:n_train])
    # Repeated images, but each in memory of its own.
    X = np.resize(digits, (n, *digits.shape[1:]))  # (n, 28, 28)
    images, size = torch.from_numpy(X.copy()), _batch_size(model, X)
    off = float(np.abs(model.transform(X) - _bare(model.encoder_, images, size).cpu().numpy()).max())
    if off > 1e-4:
        raise ArithmeticError(f"transform and the bare encoder differ by {off:.1e}.")
    sides = {"transform": lambda: model.transform(X)}
    for name, piece in {"encoder": size, "encoder in 256s": 256, "encoder in 512s": 512}.items():
        sides[name] = lambda piece=piece: _bare(model.encoder_, images, piece)
    times = alternate(sides, rounds, device)
    value, spread = ratio(times["transform"], times["encoder"])
    return measured(
        f"`transform` of {n:,} images / the bare encoder in torch",
        value,
        "ratio",
        at_most=1.05,
        spread=spread,
        parts={f"{name}, s": statistics.median(clocked) for name, clocked in times.items()},
        notes=f"batches of {size}",
    )


def transform_places(n: int = 10**4, rounds: int = 7, n_train: int = 10**4, device: str = "cpu") -> list[Measured]:
    """Time ``NeighborMap.transform`` of n images against its trunk in torch, and of one image.

    With retrieval, as up to 80,000 training samples, and without it, as beyond.
    """
    digits = np.asarray(datasets.digits49().X_train, dtype=np.float32)
    model = NeighborMap(max_epochs=1, device=device, random_state=0, verbose=False).fit(
        np.resize(digits, (n_train, 28, 28))
    )
    X = np.resize(digits, (n, 28, 28))
    images, encoder = torch.from_numpy(X.copy()), model.encoder_
    found = []
    for name, shown in (
        ("with retrieval", encoder),
        ("without retrieval", PlaceEncoder(encoder.network, encoder.head).eval()),
    ):
        model.encoder_ = shown
        times = alternate(
            {
                "transform": lambda: model.transform(X),
                "trunk": lambda: _bare(encoder.network.trunk, images, 512),
                "network": lambda: _bare(encoder.network, images, 512),
                "one": lambda: [model.transform(X[:1]) for _ in range(_ONE_ROW)],
            },
            rounds,
            device,
        )
        value, spread = ratio(times["transform"], times["trunk"])
        found.append(
            measured(
                f"`NeighborMap.transform` of {n:,} images / the bare trunk, {name}",
                value,
                "ratio",
                at_most=1.3 if shown is not encoder else None,
                spread=spread,
                parts={f"{side}, s": statistics.median(clocked) for side, clocked in times.items()},
                notes=f"{n_train:,} training samples",
            )
        )
        one = [1000 * seconds / _ONE_ROW for seconds in times["one"]]
        found.append(
            measured(
                f"`NeighborMap.transform` of one image, {name}",
                statistics.median(one),
                "ms",
                at_most=1.0 if shown is not encoder else None,
            )
        )
    return found


def _batch_size(model: DrLIM, X: np.ndarray) -> int:
    """Return the largest batch that `transform` sends through the encoder."""
    sizes: list[int] = []
    hook = model.encoder_.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    model.transform(X[:20_000])
    hook.remove()
    return max(sizes)


def _bare(encoder: nn.Module, images: Tensor, size: int) -> Tensor:
    device = next(encoder.parameters()).device
    with torch.inference_mode():
        return torch.cat([encoder(images[start : start + size].to(device)) for start in range(0, len(images), size)])
