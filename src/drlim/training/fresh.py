"""Fresh random copies of the samples, made as training reads them: invariance to what a function can do to a sample."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Array, Index
from drlim._base.sparse_rows import AnyRows
from drlim.relations import LazyCopies
from drlim.relations.transforms import transformed

__all__ = ["Draws", "FreshCopies", "checked_change"]

Orbit = Callable[..., ArrayLike]

_DRAWN_AT_ONCE = 1024
"""Maximum number of rows that are made in one call while all copies are drawn."""


class FreshCopies:
    """n samples and one copy of each, made anew at every read: rows n to 2n - 1. A source of `Rows`.

    Parameters
    ----------
    X : ndarray of shape (n, ...), or SparseRows
    orbit : callable
        Takes a batch, shape (b, ...), and returns as many changed samples of the same shape; or takes a batch and a
        ``numpy.random.Generator`` to draw from.
    seed : int
        Seed of the generators; the k-th call takes the generator of (seed, k).

    Attributes
    ----------
    n_copies : int
        2, the number of rows that stand for one sample.
    """

    n_copies = 2

    def __init__(self, X: AnyRows, orbit: Orbit, seed: int) -> None:
        self._draws = Draws(orbit, seed)
        self._copies = LazyCopies(X, {"orbit": self._draws})

    @property
    def shape(self) -> tuple[int, ...]:
        """(2n, ...)."""
        return self._copies.shape

    @property
    def n_draws(self) -> int:
        """Number of calls of the orbit so far; set it to go on from there."""
        return self._draws.n_calls

    @n_draws.setter
    def n_draws(self, count: int) -> None:
        self._draws.n_calls = count

    @property
    def originals(self) -> AnyRows:
        """The samples that the rows are copies of."""
        return self._copies.originals

    def __len__(self) -> int:
        return len(self._copies)

    def __getitem__(self, index: Index | slice) -> Array:
        rows: Array = self._copies[index]
        return rows

    def drawn(self) -> Array:
        """Return the samples and one copy of each, shape (2n, ...), in memory."""
        starts = range(0, len(self), _DRAWN_AT_ONCE)
        return np.concatenate([self[start : start + _DRAWN_AT_ONCE] for start in starts])  # (2n, ...)


class Draws:
    """A transform that gives each call of an orbit a generator of its own."""

    def __init__(self, orbit: Orbit, seed: int) -> None:
        self._orbit = orbit
        self._seed = seed
        self.n_calls = 0
        self._wants_generator = wants_generator(orbit)

    def __call__(self, batch: Array) -> ArrayLike:
        """Change a batch."""
        self.n_calls += 1
        if self._wants_generator:
            return self._orbit(batch, np.random.default_rng([self._seed, self.n_calls]))
        return self._orbit(batch)


def checked_change(orbit: Orbit) -> Callable[[Array, np.random.Generator], Array]:
    """Return an orbit as a function of a batch and a generator, whose results are checked."""
    wants = wants_generator(orbit)

    def change(batch: Array, generator: np.random.Generator) -> Array:
        return transformed(batch, lambda x: orbit(x, generator) if wants else orbit(x), "orbit")

    return change


def wants_generator(orbit: Orbit) -> bool:
    """Whether a function needs a second argument."""
    try:
        parameters = inspect.signature(orbit).parameters.values()
    except (ValueError, TypeError):  # some functions written in C have no signature
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in positional and one.default is inspect.Parameter.empty for one in parameters) > 1
