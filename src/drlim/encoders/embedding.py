"""Mapping samples by an encoder, a batch at a time."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from drlim._base.arrays import Array
from drlim._base.calls import user_call
from drlim._base.checks import check_parameters, integer_in
from drlim._base.rows import check_rows
from drlim._base.state import usual_state
from drlim._base.torch import Rows, device_of

__all__ = ["BATCH_SIZE", "called", "embed", "embed_rows", "evaluating"]

BATCH_SIZE = 512
"""Number of samples mapped at once."""

Module = TypeVar("Module", bound=nn.Module)


def embed(encoder: nn.Module, X: ArrayLike, batch_size: int = BATCH_SIZE) -> Array:
    """Map samples by an encoder in evaluation mode: ``Z = G_W(X)``.

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps (b, ...) to (b, n_components). Its mode is restored afterwards.
    X : array-like, shape (n_samples, ...)
        Samples, also sparse ones and those outside memory, which are read a batch at a time. They are mapped in float32
        if they are that, else in float64, whatever the dtype of the weights.
    batch_size : int, default=512
        Samples mapped at once, in [1, inf). It bounds the memory of activations; the result does not depend on it
        beyond rounding. Larger batches are slower on a CPU, where blocks of 32 MiB and more are taken from the system
        each time (docs/performance.md).

    Returns
    -------
    ndarray, shape (n_samples, n_components)

    Raises
    ------
    ValueError, TypeError
        When ``X`` is not a finite real array of two dimensions or more, or ``encoder`` is no module.

    Examples
    --------
    >>> import numpy as np
    >>> from drlim import embed, make_encoder
    >>> embed(make_encoder("linear", (3,), n_components=2), np.zeros((5, 3), dtype=np.float32)).shape
    (5, 2)
    """
    check_parameters(
        {"encoder": encoder, "batch_size": batch_size},
        {"encoder": [nn.Module], "batch_size": [integer_in(1)]},
        "embed",
    )
    samples = check_rows(X)  # (n, ...)
    dtype = torch.float64 if samples.dtype == np.float64 else torch.float32
    with usual_state():
        Z: Array = embed_rows(encoder, Rows(samples, device_of(encoder), dtype), batch_size).cpu().numpy()
    return Z


def embed_rows(
    encoder: Module,
    rows: Rows,
    batch_size: int = BATCH_SIZE,
    output: Callable[[Module, Tensor], Tensor] | None = None,
    part: slice | None = None,
) -> Tensor:
    """Map all rows in evaluation mode, a batch at a time; return (n, ...) without gradient.

    The encoder computes in the dtype of the rows, whatever its own. With ``output``, its results are those of
    ``output(encoder, batch)``. With ``part``, some consecutive rows are mapped.
    """
    first, end = (0, len(rows)) if part is None else (part.start, part.stop)
    with evaluating(encoder, rows.dtype) as forward, torch.no_grad():
        starts = range(first, end, batch_size)
        batches = (rows.take(slice(start, min(start + batch_size, end))) for start in starts)
        outputs = [called(forward, x, output) for x in batches]  # each (b, ...)
        return torch.cat(outputs).to(rows.dtype)  # (n, ...)


@contextmanager
def evaluating(encoder: Module, dtype: torch.dtype) -> Iterator[Module]:
    """Give the encoder in evaluation mode, or a copy that computes in another dtype; restore its mode afterwards."""
    training = [module for module in encoder.modules() if module.training]
    if training:  # to set the modes of 20 modules takes as long as to map a sample
        encoder.eval()
    try:
        yield _in_dtype(encoder, dtype)
    finally:
        for module in training:
            module.training = True


def called(encoder: Module, batch: Tensor, output: Callable[[Module, Tensor], Tensor] | None = None) -> Tensor:
    """Return the outputs of an encoder, which may be the user's own, for a batch; its errors name the parameter."""
    with user_call(f"The 'encoder' on {str(batch.dtype).removeprefix('torch.')} samples, {tuple(batch.shape)},"):
        outputs: Tensor = encoder(batch) if output is None else output(encoder, batch)
        return outputs


def _in_dtype(encoder: Module, dtype: torch.dtype) -> Module:
    """Return the encoder, or a copy of it that computes in another dtype.

    A copy, because weights swapped on the shared module would be seen by other threads that map at the same time.
    """
    tensors = [*encoder.parameters(), *encoder.buffers()]
    if all(tensor.dtype == dtype for tensor in tensors if tensor.is_floating_point()):
        return encoder
    return copy.deepcopy(encoder).to(dtype)
