"""Fresh random copies of the samples, made as training reads them: invariance to what a function can do to a sample."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from drlim._base.torch import Rows
from drlim.relations.lazy import LazyCopies

__all__ = ["FreshCopies"]

Orbit = Callable[..., ArrayLike]

_DRAWN_AT_ONCE = 1024


class FreshCopies(Rows):
    """n samples and a copy of each, made anew whenever it is read: rows n to 2n - 1.

    Parameters
    ----------
    X : ndarray, shape (n, ...)
    device : torch.device
    dtype : torch.dtype
    orbit : callable
        Takes a batch, shape (b, ...), and returns as many changed samples of the same shape; or takes a batch and a
        ``numpy.random.Generator`` to draw from.
    seed : int
        Of the generators; the k-th call is given the one of (seed, k).
    """

    n_copies = 2

    def __init__(self, X: NDArray[Any], device: torch.device, dtype: torch.dtype, orbit: Orbit, seed: int) -> None:
        super().__init__(LazyCopies(np.asarray(X), {"orbit": self._draw}), device, dtype)
        self._orbit = orbit
        self._seed = seed
        self._n_calls = 0
        self._wants_generator = wants_generator(orbit)

    def drawn(self) -> Rows:
        """Return rows that stay what they are: the samples, and one copy of each, in memory."""
        parts = [self._host[start : start + _DRAWN_AT_ONCE] for start in range(0, len(self), _DRAWN_AT_ONCE)]
        return Rows(np.concatenate(parts), self.device, self.dtype)

    def _draw(self, batch: NDArray[Any]) -> ArrayLike:
        self._n_calls += 1
        if self._wants_generator:
            return self._orbit(batch, np.random.default_rng([self._seed, self._n_calls]))
        return self._orbit(batch)


def wants_generator(orbit: Orbit) -> bool:
    """Whether a function has to be given a second argument."""
    try:
        parameters = inspect.signature(orbit).parameters.values()
    except (ValueError, TypeError):  # some functions written in C have no signature
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is inspect.Parameter.empty for one in parameters) > 1
