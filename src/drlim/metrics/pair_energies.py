"""Energies of the pairs of one kind on a map: summed for each sample, the highest of them, and their ranks.

Sums are in float64 and memory is bounded: pairs implied by classes are formed a strip of samples at a time. Points of a
curved space are in ambient coordinates, and their distances are those along the space.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial.distance import cdist

from drlim._base.arrays import Floats, Index
from drlim.forces.measuring import measured
from drlim.forces.pairwise import gradient_factor
from drlim.forces.summation import over_all_pairs
from drlim.graph import PairSet
from drlim.graph.blocks import Blocks
from drlim.spaces import Space
from drlim.spaces.unrolled import gradient, unrolled
from drlim.springs import Law

__all__ = ["Strained", "distances", "pair_energies", "shares", "spring_sums", "strained_pairs"]

_CHUNK = 1 << 20
"""Maximum number of pairs in memory at once."""

_ALL_PAIRS = 2048
"""Maximum number of samples for which a pair is ranked among all pairs implied by classes, two million."""

_DRAWN = 1 << 20
"""Number of pairs drawn to rank among in larger sets: a share of 5 % then has a standard error of .0002."""

_MOST_DRAWS = 1 << 23
"""Maximum number of draws for that; those that are not in the set are dropped."""


class Strained(NamedTuple):
    """Pairs of one kind, the highest energy first.

    Attributes
    ----------
    pairs : ndarray of int64, shape (k, 2)
        Samples (i, j) with i < j.
    distance : ndarray of float64, shape (k,)
        Distance on the map.
    energy : ndarray of float64, shape (k,)
        Weight of the pair times L(distance).
    """

    pairs: Index
    distance: Floats
    energy: Floats


def distances(Z: Floats, first: Index, second: Index, space: Space | None = None) -> Floats:
    """Return the distances (p,) of given pairs."""
    if space is not None:
        return np.sqrt(space.squared_distances(Z[first], Z[second]))
    found: Floats = np.linalg.norm(Z[first] - Z[second], axis=1)  # (p,)
    return found


def pair_energies(
    Z: Floats, pairs: PairSet, law: Law, first: Index, second: Index, space: Space | None = None
) -> Floats:
    """Return the energies (p,) of given pairs: weight times L(distance)."""
    energies: Floats = pairs.weight_of(first, second) * _energies(law, distances(Z, first, second, space))
    return energies


def spring_sums(Z: Floats, pairs: PairSet, law: Law, space: Space | None = None) -> tuple[Floats, Floats]:
    """Return half the energy of each sample's pairs (n,), so that all sum to each pair once, and dE/dz (n, d)."""
    at = torch.from_numpy(Z)
    points, measure = (at, None) if space is None else unrolled(space, at)  # (n, w)
    places = points.numpy()  # (n, w)
    energies, slopes = np.zeros(len(Z)), np.zeros(places.shape)  # (n,), (n, w)
    for factor, members in pairs.blocks.terms() if pairs.blocks else ():
        samples = slice(None) if members is None else members
        energy, slope = over_all_pairs(points[samples], law, measure=measure)  # (s,), (s, w)
        energies[samples] += factor * energy.numpy()
        slopes[samples] += factor * slope.numpy()
    for first, second, weights in _listed_differences(pairs):
        between = torch.from_numpy(places[first] - places[second])  # (e, w)
        distance, ways = measured(list(between.unbind(1)), measure)  # (e,), w times (e,)
        energies += np.bincount(first, weights * _energies(law, distance.numpy()) / 2, minlength=len(Z))
        factors = weights * gradient_factor(law, distance).detach().numpy()  # (e,)
        for axis, way in enumerate(ways):
            slopes[:, axis] += np.bincount(first, factors * way.numpy(), minlength=len(Z))
    return energies, slopes if space is None else gradient(space, at, torch.from_numpy(slopes)).numpy()


def strained_pairs(Z: Floats, pairs: PairSet, law: Law, n_pairs: int, space: Space | None = None) -> Strained:
    """Return the pairs of highest energy, at most ``n_pairs`` of them and none with energy 0."""
    best = Strained(np.empty((0, 2), dtype=np.int64), np.empty(0), np.empty(0))
    for first, second, weights in _listed_pairs(pairs):
        once = first < second
        first, second, weights = first[once], second[once], weights[once]  # (e of the chunk,) each
        distance = distances(Z, first, second, space)
        best = _merged(best, first, second, distance, weights * _energies(law, distance), n_pairs)
    if pairs.blocks is None:
        return best
    order = np.argsort(Z[:, np.argmax(np.ptp(Z, axis=0))], kind="stable")  # (n,)
    for strip, partners in _strips(Z, order, law.reach):  # on a curved space, too: no way is shorter than straight
        best = _best_of_strip(best, Z, pairs, pairs.blocks, law, strip, partners, n_pairs, space)
    return best


def shares(Z: Floats, pairs: PairSet, law: Law, energies: Floats, space: Space | None = None) -> Floats:
    """Return the share (p,) of all pairs of the set that have at least these energies."""
    first, second = _population(pairs)
    found = np.empty(len(first))
    for start in range(0, len(first), _CHUNK):
        some = slice(start, start + _CHUNK)
        found[some] = pair_energies(Z, pairs, law, first[some], second[some], space)
    found.sort()
    ranks: Floats = 1 - np.searchsorted(found, energies) / max(1, len(found))  # (p,)
    return ranks


def _energies(law: Law, distances: Floats) -> Floats:
    """Return L of an array of distances, in its shape."""
    energies: Floats = law.energy(torch.from_numpy(distances)).detach().numpy()
    return energies


def _listed_pairs(pairs: PairSet) -> Iterator[tuple[Index, Index, Floats]]:
    """Yield the listed pairs with their weights, (e,) each, in both directions."""
    yield from _chunks(pairs.rows(), pairs.indices, pairs.weights)


def _listed_differences(pairs: PairSet) -> Iterator[tuple[Index, Index, Floats]]:
    """Yield the listed pairs, (e,) each, in both directions, with the difference to their weight in the blocks."""
    yield from _chunks(pairs.rows(), pairs.indices, pairs.corrections().weights)


def _chunks(first: Index, second: Index, weights: Floats | None) -> Iterator[tuple[Index, Index, Floats]]:
    for start in range(0, len(first), _CHUNK):
        some = slice(start, start + _CHUNK)
        yield first[some], second[some], np.ones(len(first[some])) if weights is None else weights[some]


def _strips(Z: Floats, order: Index, reach: float) -> Iterator[tuple[Index, Index]]:
    """Yield strips of a map sorted along its longest axis: their samples, and the samples from there on in reach."""
    axis = np.argmax(np.ptp(Z, axis=0))
    along = Z[order, axis]  # (n,)
    step = max(1, _CHUNK // len(Z))
    for start in range(0, len(Z), step):
        stop = min(start + step, len(Z))
        last = np.searchsorted(along, along[stop - 1] + reach, side="right")
        yield order[start:stop], order[start:last]  # (s,), (c,)


def _best_of_strip(
    best: Strained,
    Z: Floats,
    pairs: PairSet,
    blocks: Blocks,
    law: Law,
    strip: Index,
    partners: Index,
    n_pairs: int,
    space: Space | None,
) -> Strained:
    """Merge the highest energies of a strip (s,) with its partners (c,), which begin with the strip itself."""
    distance = _apart(Z[strip], Z[partners], space)  # (s, c)
    energy = _energies(law, distance)  # (s, c)
    energy = energy * (blocks.weight_of(strip[:, None], partners) if blocks.level is None else blocks.level)
    energy[:, : len(strip)][np.tril_indices(len(strip))] = 0.0  # each pair once, no sample with itself
    least = best.energy[-1] if len(best.energy) == n_pairs else 0.0
    found = np.flatnonzero(energy > least)  # (f,)
    # Listed pairs are in `best` already and are dropped below; as many of the others as are wanted must remain.
    wanted = n_pairs + int((pairs.indptr[strip + 1] - pairs.indptr[strip]).sum())
    if len(found) > wanted:
        found = found[np.argpartition(energy.flat[found], -wanted)[-wanted:]]  # (wanted,)
    first, second = strip[found // len(partners)], partners[found % len(partners)]  # (f,) each
    first, second = np.minimum(first, second), np.maximum(first, second)
    unlisted = pairs.weight_of(first, second) == blocks.weight_of(first, second)
    first, second, found = first[unlisted], second[unlisted], found[unlisted]  # (u,) each
    return _merged(best, first, second, distance.flat[found], energy.flat[found], n_pairs)


def _apart(first: Floats, second: Floats, space: Space | None) -> Floats:
    """Return the distances (s, c) of all pairs of two sets of points."""
    if space is not None:
        return np.sqrt(space.squared_distances(first[:, None], second[None]))  # (s, c)
    return cdist(first, second)


def _merged(best: Strained, first: Index, second: Index, distance: Floats, energy: Floats, n_pairs: int) -> Strained:
    """Keep the highest energies; among equal ones, those of the lower indices."""
    pairs = np.concatenate([best.pairs, np.column_stack([first, second])])  # (b + e, 2)
    distance, energy = np.concatenate([best.distance, distance]), np.concatenate([best.energy, energy])  # (b + e,)
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -energy))[:n_pairs]  # (k,)
    order = order[energy[order] > 0]
    return Strained(pairs[order], distance[order], energy[order])


def _population(pairs: PairSet) -> tuple[Index, Index]:
    """Return the pairs of a set, or enough of them drawn at random to estimate the distribution of their energies."""
    n = pairs.n_samples
    if pairs.blocks is None or n <= _ALL_PAIRS:
        first, second = pairs.pairs().T
        return first, second
    rng = np.random.default_rng(0)
    drawn: list[Index] = []
    for _ in range(_MOST_DRAWS // _DRAWN):
        both = rng.integers(0, n, (2, _DRAWN))
        drawn.append(both[:, pairs.weight_of(*both) > 0])  # (2, pairs of the set)
        if sum(some.shape[1] for some in drawn) >= _DRAWN:
            break
    first, second = np.concatenate(drawn, axis=1)  # (p,) each
    return first, second
