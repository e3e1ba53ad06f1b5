"""The springs of one kind of pair on a map: their sums a sample, the most strained, and how a pair ranks among them.

Sums in float64, in bounded memory: pairs implied by classes are formed a strip of rows at a time, and never kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from drlim.forces.summation import over_all_pairs, pull
from drlim.graph import PairSet
from drlim.metrics._rows import Floats
from drlim.springs import Law

__all__ = ["Strained", "lengths", "pair_energies", "shares", "spring_sums", "strained_pairs"]

Index = NDArray[np.int64]

_CHUNK = 1 << 20
"""Pairs held at once."""

_ALL_PAIRS = 2048
"""Samples up to which a pair is ranked among all pairs implied by classes: two million."""

_DRAWN = 1 << 20
"""Pairs drawn to rank among beyond: the error of a share of 5 % is .0002."""

_MOST_DRAWS = 1 << 23


class Strained(NamedTuple):
    """Pairs of one kind, the highest energy first.

    Attributes
    ----------
    pairs : ndarray of int64, shape (k, 2)
        Rows (i, j) with i < j.
    distance : ndarray of float64, shape (k,)
    energy : ndarray of float64, shape (k,)
        Weight times L(distance).
    """

    pairs: Index
    distance: Floats
    energy: Floats


def lengths(Z: Floats, first: Index, second: Index) -> Floats:
    """Return the distances of given pairs."""
    distances: Floats = np.linalg.norm(Z[first] - Z[second], axis=1)
    return distances


def _energies(law: Law, distances: Floats) -> Floats:
    energies: Floats = law.energy(torch.from_numpy(distances)).detach().numpy()
    return energies


def spring_sums(Z: Floats, pairs: PairSet, law: Law) -> tuple[Floats, Floats]:
    """Return half the energy of each sample's springs (n,), so that all add up to each pair once, and dE/dz (n, d)."""
    energies, gradient = np.zeros(len(Z)), np.zeros(Z.shape)
    for factor, members in pairs.blocks.terms() if pairs.blocks else ():
        samples = slice(None) if members is None else members
        energy, slope = over_all_pairs(torch.from_numpy(Z[samples]), law)
        energies[samples] += factor * energy.numpy()
        gradient[samples] += factor * slope.numpy()
    for first, second, weights in _listing(pairs, corrections=True):
        displacement = Z[first] - Z[second]  # (e, d)
        distance = np.linalg.norm(displacement, axis=1)
        energies += np.bincount(first, weights * _energies(law, distance) / 2, minlength=len(Z))
        slope_of = weights * pull(law, torch.from_numpy(distance)).detach().numpy()
        for axis in range(Z.shape[1]):
            gradient[:, axis] += np.bincount(first, slope_of * displacement[:, axis], minlength=len(Z))
    return energies, gradient


def strained_pairs(Z: Floats, pairs: PairSet, law: Law, n_pairs: int) -> Strained:
    """Return the pairs of highest energy, at most ``n_pairs`` of them and none without energy."""
    best = Strained(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
    for first, second, weights in _listing(pairs, corrections=False):
        once = first < second
        first, second, weights = first[once], second[once], weights[once]
        distance = lengths(Z, first, second)
        best = _merged(best, first, second, distance, weights * _energies(law, distance), n_pairs)
    if pairs.blocks is None:
        return best
    order = np.argsort(Z[:, np.argmax(np.ptp(Z, axis=0))], kind="stable")
    for rows, columns in _strips(Z, order, law.reach):
        best = _best_of_strip(best, Z, pairs, law, rows, columns, n_pairs)
    return best


def pair_energies(Z: Floats, pairs: PairSet, law: Law, first: Index, second: Index) -> Floats:
    """Return the energies of given pairs, (p,): weight times L(distance)."""
    energies: Floats = pairs.weight_of(first, second) * _energies(law, lengths(Z, first, second))
    return energies


def shares(Z: Floats, pairs: PairSet, law: Law, energies: Floats) -> Floats:
    """Return which share of all pairs of the set has at least these energies, (p,)."""
    first, second = _population(pairs)
    found = np.empty(len(first))
    for start in range(0, len(first), _CHUNK):
        some = slice(start, start + _CHUNK)
        found[some] = pair_energies(Z, pairs, law, first[some], second[some])
    found.sort()
    ranks: Floats = 1 - np.searchsorted(found, energies) / max(1, len(found))
    return ranks


def _listing(pairs: PairSet, *, corrections: bool) -> Iterator[tuple[Index, Index, Floats]]:
    """Yield the listed entries, each pair in both its rows, with weights or with what they add to the blocks."""
    listed: Any = pairs.corrections() if corrections else pairs
    rows = pairs.rows()
    for start in range(0, len(rows), _CHUNK):
        some = slice(start, start + _CHUNK)
        first = rows[some]
        yield first, pairs.indices[some], np.ones(len(first)) if listed.weights is None else listed.weights[some]


def _strips(Z: Floats, order: Index, reach: float) -> Iterator[tuple[Index, Index]]:
    """Yield runs of rows of a sorted map, and the columns from there on that they can feel."""
    axis = np.argmax(np.ptp(Z, axis=0))
    along = Z[order, axis]
    step = max(1, _CHUNK // len(Z))
    for start in range(0, len(Z), step):
        stop = min(start + step, len(Z))
        last = np.searchsorted(along, along[stop - 1] + reach, side="right")
        yield order[start:stop], order[start:last]


def _best_of_strip(
    best: Strained, Z: Floats, pairs: PairSet, law: Law, rows: Index, columns: Index, n_pairs: int
) -> Strained:
    """Merge the highest of a strip whose columns begin with its own rows."""
    blocks: Any = pairs.blocks
    distance = cdist(Z[rows], Z[columns])  # (r, c)
    energy = _energies(law, distance)
    energy = energy * (blocks.weight_of(rows[:, None], columns) if blocks.level is None else blocks.level)
    energy[:, : len(rows)][np.tril_indices(len(rows))] = 0.0  # each pair once, no sample with itself
    least = best.energy[-1] if len(best.energy) == n_pairs else 0.0
    found = np.flatnonzero(energy > least)
    # Listed pairs were judged before and are dropped below; of the rest, as many as are wanted remain.
    wanted = n_pairs + int((pairs.indptr[rows + 1] - pairs.indptr[rows]).sum())
    if len(found) > wanted:
        found = found[np.argpartition(energy.flat[found], -wanted)[-wanted:]]
    first, second = rows[found // len(columns)], columns[found % len(columns)]
    first, second = np.minimum(first, second), np.maximum(first, second)
    unlisted = pairs.weight_of(first, second) == blocks.weight_of(first, second)
    first, second, found = first[unlisted], second[unlisted], found[unlisted]
    return _merged(best, first, second, distance.flat[found], energy.flat[found], n_pairs)


def _merged(best: Strained, first: Index, second: Index, distance: Floats, energy: Floats, n_pairs: int) -> Strained:
    """Keep the highest; of equals, those of the lower indices."""
    pairs = np.concatenate([best.pairs, np.column_stack([first, second])])
    distance, energy = np.concatenate([best.distance, distance]), np.concatenate([best.energy, energy])
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -energy))[:n_pairs]
    order = order[energy[order] > 0]
    return Strained(pairs[order], distance[order], energy[order])


def _population(pairs: PairSet) -> tuple[Index, Index]:
    """Return the pairs of a set, or as many drawn at random as tell their distribution."""
    n = pairs.n_samples
    if pairs.blocks is None or n <= _ALL_PAIRS:
        first, second = pairs.pairs().T
        return first, second
    rng = np.random.default_rng(0)
    drawn: list[Index] = []
    for _ in range(_MOST_DRAWS // _DRAWN):
        both = rng.integers(0, n, (2, _DRAWN))
        drawn.append(both[:, pairs.weight_of(*both) > 0])
        if sum(some.shape[1] for some in drawn) >= _DRAWN:
            break
    first, second = np.concatenate(drawn, axis=1)
    return first, second
