"""How far the ratio of distances, copies over unrelated samples, may be from that of all samples there are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from drlim._base.arrays import Array, Floats, Index

__all__ = ["Resampled"]

_AT_ONCE = 2**22
"""Maximum number of weights of pairs in memory at once: 32 MiB."""


class _Sorted(NamedTuple):
    """Distances in ascending order, and the two groups whose weights each has; one group twice counts once."""

    distances: Floats  # (p,)
    first: Index  # (p,)
    second: Index | None  # (p,)

    def medians(self, weights: Array) -> Floats:
        """Return the weighted median for each row of weights (b, g); NaN where all weights are 0."""
        of_pairs = weights[:, self.first]  # (b, p)
        if self.second is not None:
            of_pairs = of_pairs * weights[:, self.second]
        sums = np.cumsum(of_pairs, axis=1)  # (b, p)
        medians = np.full(len(weights), np.nan)
        for place, row in enumerate(sums):
            if row[-1] > 0:  # the mean of the lower and the upper median, as numpy.median has it
                lower, upper = np.searchsorted(row, row[-1] / 2, "left"), np.searchsorted(row, row[-1] / 2, "right")
                medians[place] = (self.distances[lower] + self.distances[upper]) / 2
        return medians


class Resampled:
    """Draws of as many groups as there are, with replacement; the samples of a group are drawn together.

    Parameters
    ----------
    n_groups : int
    unrelated : tuple of (ndarray of float64, ndarray of int, ndarray of int), shape (u,) each
        Distances of pairs of unrelated samples, and the group of each of the two.
    least : float
        Least distance of unrelated samples that counts: a draw in which most coincide has a large ratio, and no
        infinite one.
    n_bootstrap : int
        Number of draws, the same for all ratios.
    rng : numpy.random.Generator
    """

    def __init__(
        self,
        n_groups: int,
        unrelated: tuple[Floats, Index, Index],
        least: float,
        n_bootstrap: int,
        rng: np.random.Generator,
    ) -> None:
        self._n_groups = n_groups
        self._n_bootstrap = n_bootstrap
        self._seed = int(rng.integers(2**63))
        self._unrelated = np.maximum(self._of_all(_ascending(*unrelated)), least)  # (n_bootstrap,)

    def interval(self, distances: Floats, groups: Index, level: float = 0.95) -> tuple[float, float]:
        """Return the percentile interval of the ratio of medians, of copies (p,) to unrelated samples."""
        ratios = self._of_all(_ascending(distances, groups, None)) / self._unrelated  # (n_bootstrap,)
        low, high = np.nanquantile(ratios, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def _of_all(self, pairs: _Sorted) -> Floats:
        """Return the median in each draw; draws are made anew, from the same seed, rather than kept: n times g."""
        rng = np.random.default_rng(self._seed)
        medians = np.empty(self._n_bootstrap)
        at_once = max(1, _AT_ONCE // max(len(pairs.distances), self._n_groups))
        for start in range(0, self._n_bootstrap, at_once):
            n_draws = min(at_once, self._n_bootstrap - start)
            drawn = rng.integers(0, self._n_groups, (n_draws, self._n_groups))  # (b, g)
            weights = np.stack([np.bincount(row, minlength=self._n_groups) for row in drawn])  # (b, g)
            medians[start : start + n_draws] = pairs.medians(weights)
        return medians


def _ascending(distances: Floats, first: Index, second: Index | None) -> _Sorted:
    order = np.argsort(distances, kind="stable")
    return _Sorted(distances[order], first[order], None if second is None else second[order])
