"""Time of `metrics.jacobian` compared with the backward passes that it cannot do without."""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.measuring import Measured, alternate, measured, ratio
from drlim import datasets, make_encoder
from drlim.metrics import jacobian as jacobian_of

__all__ = ["jacobian"]


def jacobian(n: int = 10**4, rounds: int = 5, batch_size: int = 256, device: str = "cpu") -> Measured:
    """Time `metrics.jacobian` of n digits by the paper's convolutional network against two bare backward passes.

    The bare passes are of the same network on the same images, given as a tensor, in batches of the same size: from
    each of the two outputs to the images alone, without gradients of the weights. Only these are timed, not the forward
    pass before them, which `parts` gives.
    """
    digits = np.asarray(datasets.digits49().X_train, dtype=np.float32)
    X = np.resize(digits, (n, *digits.shape[1:]))  # (n, 28, 28)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        encoder = make_encoder("convnet", X.shape[1:], 2).to(device).eval()
    images = torch.from_numpy(X.copy()).to(device)
    off = float(np.abs(jacobian_of(encoder, X[:500]) - _bare(encoder, images[:500], batch_size)[1].numpy()).max())
    if off > 1e-4:
        raise ArithmeticError(f"jacobian and the bare passes differ by {off:.1e}.")
    whole: list[float] = []

    def passes() -> float:
        began = time.perf_counter()
        backward = _bare(encoder, images, batch_size)[0]
        whole.append(time.perf_counter() - began)
        return backward

    sides = {"jacobian": lambda: jacobian_of(encoder, X, batch_size=batch_size), "two backward passes": passes}
    times = alternate(sides, rounds, device)
    value, spread = ratio(times["jacobian"], times["two backward passes"])
    parts = {f"{name}, s": statistics.median(clocked) for name, clocked in times.items()}
    return measured(
        f"`metrics.jacobian` of {n:,} digits / 2 backward passes of the bare encoder",
        value,
        "ratio",
        at_most=1.3,
        spread=spread,
        parts={**parts, "forward pass, two backward passes and copies, s": statistics.median(whole[1:])},
        notes=f"batches of {batch_size}",
    )


def _bare(encoder: nn.Module, images: Tensor, size: int) -> tuple[float, Tensor]:
    """Return the seconds of the backward passes, and the derivatives (n, 2, 28, 28)."""
    seconds, found = 0.0, []
    for start in range(0, len(images), size):
        x = images[start : start + size].clone().requires_grad_()
        z = encoder(x)
        totals = z.sum(dim=0).unbind()
        _wait(images)
        began = time.perf_counter()
        slopes = [torch.autograd.grad(total, x, retain_graph=total is not totals[-1])[0] for total in totals]
        _wait(images)
        seconds += time.perf_counter() - began
        found.append(torch.stack(slopes, dim=1))
    return seconds, torch.cat(found).cpu()


def _wait(images: Tensor) -> None:
    if images.device.type != "cpu":
        torch.cuda.synchronize()
