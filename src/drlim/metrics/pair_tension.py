"""The energy of given pairs of a map, and the rank of each among all pairs of its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.arrays import Floats, Index
from drlim.graph.checks import check_pairs
from drlim.metrics.energy import check_map

if TYPE_CHECKING:
    from drlim.graph import NeighborhoodGraph
    from drlim.metrics.energy import SpringsLike
    from drlim.spaces import Space

__all__ = ["PairTension", "pair_tension"]


@dataclass(frozen=True, eq=False)
class PairTension:
    """Result of `pair_tension`.

    Attributes
    ----------
    pairs : ndarray of int64, shape (p, 2)
        The pairs judged.
    similar : ndarray of bool, shape (p,)
        True for a similar pair, False for a dissimilar one.
    distance : ndarray of float64, shape (p,)
        Distance of the two samples on the map.
    energy : ndarray of float64, shape (p,)
        The pair's weight times L_S or L_D of its distance.
    share : ndarray of float64, shape (p,)
        Share of all pairs of the same kind, in [0, 1], that have at least this energy: ``share <= 0.05`` selects the
        top 5 %.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> pair_tension([[0.0], [3.0]], NeighborhoodGraph.from_pairs(2, [(0, 1)]), [(0, 1)]).energy.tolist()
    [4.5]
    """

    pairs: Index
    similar: NDArray[np.bool_]
    distance: Floats
    energy: Floats
    share: Floats


def pair_tension(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    pairs: ArrayLike | None = None,
    *,
    margin: float = 1.0,
    springs: SpringsLike = None,
    space: Space | None = None,
) -> PairTension:
    """Compute the energy of pairs, and the rank of each among all pairs of its kind.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, made by any method.
    graph : NeighborhoodGraph
        Which pairs of samples are similar, dissimilar or ignored.
    pairs : array-like of int, shape (p, 2), default=None
        Pairs of samples, each similar or dissimilar. None takes every pair that the graph lists as similar or
        dissimilar, without the pairs that are dissimilar by default.
    margin : float, default=1.0
        The paper's m, in units of the map, in (0, inf).
    springs : None, Springs or pair of callables, default=None
        Laws L_S and L_D, as `drlim.springs.make_springs` takes them; None is the paper's loss (equation 4).
    space : Space, default=None
        ``model.space_`` of a map on a curved space, as `drlim.metrics.tension` takes it. None is flat.

    Returns
    -------
    PairTension
        One entry for each pair, in the order of ``pairs``.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have one finite row for each sample of the graph, a pair is not of two of its samples, or a
        pair is ignored.

    Notes
    -----
    With more than 2048 samples, pairs implied by classes or by default are ranked among a million pairs drawn at
    random.

    Examples
    --------
    The pair 0-4 is similar, but its samples are 9 apart; it is the only pair in the top quarter of the similar ones.

    >>> from drlim import NeighborhoodGraph
    >>> chain = NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2), (2, 3), (0, 4)])
    >>> found = pair_tension([[0.0], [1.0], [2.1], [3.3], [9.0]], chain)
    >>> found.pairs[found.share <= 0.25].tolist()
    [[0, 4]]
    """
    points, laws, curved = check_map(Z, graph, {"margin": margin}, springs, space, "pair_tension")
    from drlim.metrics.pair_energies import distances, pair_energies, shares

    chosen = _listed(graph) if pairs is None else _check_pairs(pairs, graph)
    first, second = chosen.T  # (p,) each
    distance, energy, share = distances(points, first, second, curved), np.zeros(len(chosen)), np.ones(len(chosen))
    similar = graph.similar.weight_of(first, second) > 0
    for kind, law, here in (
        (graph.similar, laws.similar, similar),
        (graph.dissimilar, laws.dissimilar, ~similar),
    ):
        energy[here] = pair_energies(points, kind, law, first[here], second[here], curved)
        share[here] = shares(points, kind, law, energy[here], curved) if here.any() else share[here]
    return PairTension(chosen, similar, distance, energy, share)


def _listed(graph: NeighborhoodGraph) -> Index:
    """Return the pairs (p, 2) that the graph lists as similar or as dissimilar, without ignored ones."""
    stated = graph.stated_dissimilar.pairs()
    dissimilar = stated[graph.dissimilar.weight_of(*stated.T) > 0]  # without those ignored or also stated similar
    return np.concatenate([graph.similar.pairs(), dissimilar])  # (p, 2)


def _check_pairs(pairs: ArrayLike, graph: NeighborhoodGraph) -> Index:
    """Return pairs (p, 2) that are similar or dissimilar, or refuse them."""
    chosen = check_pairs(graph.n_samples, pairs, "pairs")
    idle = (graph.similar.weight_of(*chosen.T) == 0) & (graph.dissimilar.weight_of(*chosen.T) == 0)
    if idle.any():
        row, count = int(np.argmax(idle)), np.count_nonzero(idle)
        ones = "1 pair is" if count == 1 else f"{count} pairs are"
        raise ValueError(
            f"Expected 'pairs' to be similar or dissimilar. {ones} ignored and without a spring, first "
            f"{chosen[row].tolist()} at row {row}: leave out such rows."
        )
    return chosen
