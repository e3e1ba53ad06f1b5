"""Global state of NumPy and torch: work of this package neither depends on what the caller has set, nor changes it.

Whatever is changed here is a property of the calling thread, and is restored at the end. Global generators are the
exception, which are seeded under a lock (`drlim._base.torch.seeded`). The default dtype of torch is a property of the
process and is left alone: modules of this package name their dtype, and what a user's own function makes without
naming one is of float32 inside `usual_state`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.overrides import TorchFunctionMode

__all__ = ["usual_state"]

_FLOATING = frozenset(
    (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn, torch.linspace, torch.logspace, torch.eye)
)
"""Functions that make tensors of torch's default dtype unless a dtype is given."""


class _InFloat32(TorchFunctionMode):
    """Make tensors in float32 where no dtype is given. A module's initial weights are drawn in the dtype they have."""

    def __torch_function__(
        self,
        func: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: Mapping[str, object] | None = None,
    ) -> object:
        given = dict(kwargs or {})
        if func in _FLOATING and given.get("dtype") is None:
            given["dtype"] = torch.float32
        return func(*args, **given)


@contextmanager
def usual_state() -> Iterator[None]:
    """Run a block as if NumPy and torch were as they are when imported, in the calling thread alone.

    NumPy's handling of floating-point errors is its default. Tensors are made on the CPU and in float32 where no device
    and no dtype is given, no layer runs in another dtype than its own (autocast), and no tensor is unfit for training
    (inference mode). Where all is as usual, nothing is set, and nothing costs time.

    Examples
    --------
    >>> with np.errstate(under="raise"), usual_state():
    ...     float(np.exp(np.float64(-1000.0)))
    0.0
    """
    with ExitStack() as stack:
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(mode=False))
        if torch.get_default_dtype() != torch.float32:
            stack.enter_context(_InFloat32())
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        yield
