"""What a graph states of pairs, and the state of every pair that follows from it.

The kinds of pair are spelled in `KINDS`, in the order in which all files and functions of this package list them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drlim._base.arrays import Floats
from drlim._base.checks import short_repr
from drlim.graph.pairset import PairSet, pointwise

__all__ = [
    "KINDS",
    "Rest",
    "Stated",
    "ThreeSets",
    "check_sets",
    "contradictions",
    "dissimilar_pairs",
    "ignored_pairs",
    "refuse_two_states",
    "similar_pairs",
]

KINDS = ("similar", "dissimilar", "ignored")
"""Kinds of statement, and states of a pair."""

Rest = Literal["dissimilar", "ignored"]
"""State of the pairs of which nothing is stated."""

ThreeSets = tuple[PairSet, PairSet, PairSet]
"""The pairs stated similar, dissimilar and ignored."""


class Stated(NamedTuple):
    """What a graph states.

    Attributes
    ----------
    sets : dict of str to PairSet
        Stated pairs by kind; a missing kind means no pairs.
    rest : {"dissimilar", "ignored"}
        State of the pairs of which nothing is stated.
    """

    sets: dict[str, PairSet]
    rest: Rest

    def three_sets(self, n_samples: int) -> ThreeSets:
        """Return the sets in the order of `KINDS`, empty ones for the missing kinds."""
        similar, dissimilar, ignored = (
            self.sets[kind] if kind in self.sets else PairSet.empty(n_samples) for kind in KINDS
        )
        return similar, dissimilar, ignored


def check_sets(n_samples: int, sets: Mapping[str, PairSet | None]) -> dict[str, PairSet]:
    """Return the sets that are given, or refuse one that is no set of ``n_samples`` samples by its name."""
    given = {name: pairs for name, pairs in sets.items() if pairs is not None}
    for name, pairs in given.items():
        if not isinstance(pairs, PairSet):
            raise TypeError(f"Expected '{name}' to be a PairSet. Got {short_repr(pairs)}.")
        if pairs.n_samples != n_samples:
            raise ValueError(f"Expected '{name}' to be of {n_samples} samples. Got one of {pairs.n_samples}.")
    return given


def refuse_two_states(sets: Mapping[str, PairSet]) -> None:
    """Refuse a pair that is in two sets."""
    for first, second in combinations(sets, 2):
        both = sets[first] & sets[second]
        if both.n_pairs:
            pair = both.pairs()[0].tolist()
            count = "1 pair is" if both.n_pairs == 1 else f"{both.n_pairs} pairs are"
            raise ValueError(f"{count} both '{first}' and '{second}', first {pair}: give each pair one state.")


def similar_pairs(similar: PairSet, dissimilar: PairSet, ignored: PairSet) -> PairSet:
    """Return the pairs stated similar, and neither dissimilar nor ignored."""
    if dissimilar.is_empty and ignored.is_empty:
        return similar
    return pointwise(_similar, similar, dissimilar, ignored)


def dissimilar_pairs(similar: PairSet, dissimilar: PairSet, ignored: PairSet, rest: Rest) -> PairSet:
    """Return the pairs stated dissimilar, and neither similar nor ignored; with the rest if it is dissimilar."""
    if rest == "ignored" and similar.is_empty and ignored.is_empty:
        return dissimilar
    return pointwise(_dissimilar(1.0 if rest == "dissimilar" else 0.0), similar, dissimilar, ignored)


def ignored_pairs(similar: PairSet, dissimilar: PairSet, ignored: PairSet) -> PairSet:
    """Return the pairs stated ignored and the contradictions, all of weight 1."""
    has_unit_weights = ignored.weights is None and ignored.blocks is None
    if has_unit_weights and (similar.is_empty or dissimilar.is_empty):
        return ignored
    return pointwise(_ignored, similar, dissimilar, ignored)


def contradictions(similar: PairSet, dissimilar: PairSet, ignored: PairSet) -> PairSet:
    """Return the pairs stated similar and dissimilar, and not stated ignored; all of weight 1."""
    if similar.is_empty or dissimilar.is_empty:
        return PairSet.empty(similar.n_samples)
    return pointwise(_contradicts, similar, dissimilar, ignored)


def _similar(similar: Floats, dissimilar: Floats, ignored: Floats) -> Floats:
    return np.where((dissimilar == 0) & (ignored == 0), similar, 0.0)


def _dissimilar(weight_of_rest: float) -> Callable[[Floats, Floats, Floats], Floats]:
    def weigh(similar: Floats, dissimilar: Floats, ignored: Floats) -> Floats:
        stated = np.where(dissimilar > 0, dissimilar, weight_of_rest)
        return np.where((similar == 0) & (ignored == 0), stated, 0.0)

    return weigh


def _ignored(similar: Floats, dissimilar: Floats, ignored: Floats) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (ignored > 0) | ((similar > 0) & (dissimilar > 0))
    return found


def _contradicts(similar: Floats, dissimilar: Floats, ignored: Floats) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = (similar > 0) & (dissimilar > 0) & (ignored == 0)
    return found
