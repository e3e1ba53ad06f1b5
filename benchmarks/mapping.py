"""Time of `transform` compared with the encoder alone."""

from __future__ import annotations

import statistics

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measuring import Measured, alternate, measured, ratio
from drlim import DrLIM, datasets

__all__ = ["transform"]


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
