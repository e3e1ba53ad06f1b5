"""Derivatives of an encoder by its input: one forward pass, and one backward pass for each dimension of the map."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn

from drlim._base.calls import user_call
from drlim._base.state import usual_state
from drlim._base.torch import Rows
from drlim.encoders.embedding import called, evaluating

__all__ = ["each_jacobian"]

_LARGEST_BATCH = 2**24
"""Maximum number of derivatives at once, 64 MiB in float32: batches of large samples are made smaller."""

Use = Callable[[slice, Tensor, Tensor], object]
"""A function of the rows of a batch, their positions (b, d) and their derivatives (b, d, ...)."""


def each_jacobian(encoder: nn.Module, rows: Rows, batch_size: int, use: Use) -> None:
    """Call a function with the derivatives of each batch, in evaluation mode and in the dtype of the rows.

    The sum of one output over a batch has, by a sample, the derivative of that sample's output alone, because each
    sample is mapped by itself in evaluation mode. One backward pass then serves a whole batch.

    Parameters
    ----------
    encoder : torch.nn.Module
        Maps (b, ...) to (b, d).
    rows : Rows
        Samples, at least one.
    batch_size : int
        Maximum number of samples at once. It is lowered so that a batch has at most 2^24 derivatives.
    use : callable
        Called with the rows as a slice, z (b, d) and dz/dx (b, d, ...), neither with a gradient.

    Raises
    ------
    ValueError
        When the encoder fails, its output has no gradient by the samples, or a derivative is not finite.
    """
    n_columns = 1
    start = 0
    with evaluating(encoder, rows.dtype) as forward:
        while start < len(rows):
            # The first sample by itself: its derivatives tell how many fit into a batch.
            largest = max(1, min(batch_size, _LARGEST_BATCH // n_columns)) if start else 1
            part = slice(start, min(start + largest, len(rows)))
            positions, derivatives = _differentiated(forward, rows, part, rows.dtype)  # (b, d), (b, d, ...)
            if not bool(torch.isfinite(derivatives.sum())):
                # About a training sample that others equal, quotients of tiny numbers overflow float32.
                with evaluating(encoder, torch.float64) as exact:
                    derivatives = _differentiated(exact, rows, part, torch.float64)[1].to(rows.dtype)  # (b, d, ...)
                _check_finite(derivatives, start)
            use(part, positions, derivatives)
            n_columns = prod(derivatives.shape[1:])
            start = part.stop


def _differentiated(encoder: nn.Module, rows: Rows, part: slice, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return positions (b, d) and derivatives (b, d, ...) of a batch, whatever the caller has switched off."""
    with usual_state(), torch.enable_grad():
        x = rows.take(part).to(dtype).requires_grad_()  # (b, ...)
        z = called(encoder, x)  # (b, d)
        if not isinstance(z, Tensor) or z.ndim != 2 or len(z) != len(x):
            found = f"shape {tuple(z.shape)}" if isinstance(z, Tensor) else type(z).__name__
            raise ValueError(f"Expected the encoder to return positions, ({len(x)}, n_components). Got {found}.")
        derivatives = x.new_empty(len(x), z.shape[1], *x.shape[1:])  # (b, d, ...)
        for place, total in enumerate(z.sum(dim=0).unbind()):  # d times ()
            derivatives[:, place] = _slope(total, x, keep=place + 1 < z.shape[1])
    return z.detach(), derivatives.detach()


def _slope(total: Tensor, x: Tensor, *, keep: bool) -> Tensor:
    """Return the derivative of a number by all samples of a batch, (b, ...)."""
    slope = None
    if total.requires_grad:
        with user_call("The gradient of the encoder"):
            (slope,) = torch.autograd.grad(total, x, retain_graph=keep, allow_unused=True)
    if slope is None:
        raise ValueError(
            "The encoder's output has no gradient by its samples: it is constant, or computed outside of torch's "
            "autograd, by detach(), NumPy or no_grad(). Compute it from the samples by differentiable operations."
        )
    return slope


def _check_finite(derivatives: Tensor, start: int) -> None:
    """Refuse derivatives that are not finite, by the first sample that has one."""
    finite = torch.isfinite(derivatives.flatten(1)).all(dim=1)  # (b,)
    if not bool(finite.all()):
        row = start + int((~finite).nonzero()[0])
        raise ValueError(
            f"The map has no finite derivative at sample {row} of 'X': there it is too steep, or has a corner that "
            "torch gives no slope. Drop the sample, or move it a little."
        )
