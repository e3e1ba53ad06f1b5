"""How far the springs of a graph are from rest on a map: in all, by sample and by pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drlim._base.checks import check_parameters, check_same_length, integer_in, real_in, short_repr
from drlim.graph.checks import check_pairs
from drlim.metrics._rows import Floats, check_rows

if TYPE_CHECKING:
    from drlim.graph import NeighborhoodGraph
    from drlim.metrics._springs import Strained

__all__ = ["PairTension", "Tension", "exact_energy", "pair_tension", "tension"]

_SHOWN = 5
"""Pairs of each kind that a printed report shows."""


@dataclass(frozen=True, eq=False, repr=False)
class Tension:
    """What `tension` found; ``print`` it for the worst pairs.

    Attributes
    ----------
    energy : ndarray of float64, shape (n_samples,)
        Half the energy of each sample's springs, balanced: they add up to `exact_energy`.
    force : ndarray of float64, shape (n_samples, n_components)
        Net force on each sample, of the same balanced energy: where the springs, left alone, would take it.
    similar : Strained
        The most stretched similar pairs, the highest energy first: ``pairs`` of shape (k, 2), ``distance`` (k,) and
        ``energy`` (k,), the pair's weight times L_S(distance).
    dissimilar : Strained
        The most violated dissimilar pairs, with L_D.
    """

    energy: Floats
    force: Floats
    similar: Strained
    dissimilar: Strained

    def __repr__(self) -> str:
        return (
            f"Tension({len(self.energy)} samples, energy {self.energy.sum():.6g}, {len(self.similar.pairs)} similar, "
            f"{len(self.dissimilar.pairs)} dissimilar pairs)"
        )

    def __str__(self) -> str:
        """Return the energy, and the worst pairs of both kinds."""
        width = len(str(len(self.energy)))
        lines = [f"energy {self.energy.sum():.6g} of {len(self.energy)} samples"]
        for title, worst in (("most stretched similar", self.similar), ("most violated dissimilar", self.dissimilar)):
            lines.append(f"{title} pairs: distance, energy")
            lines += [
                f"  {i:>{width}} {j:>{width}}  {distance:.4g}  {energy:.4g}"
                for (i, j), distance, energy in zip(*(part[:_SHOWN] for part in worst), strict=True)
            ]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class PairTension:
    """What `pair_tension` found of each pair.

    Attributes
    ----------
    pairs : ndarray of int64, shape (p, 2)
    similar : ndarray of bool, shape (p,)
        Whether the pair is similar, else it is dissimilar.
    distance : ndarray of float64, shape (p,)
    energy : ndarray of float64, shape (p,)
        The pair's weight times L_S or L_D of its distance.
    share : ndarray of float64, shape (p,)
        Part of all pairs of its kind, in [0, 1], that have at least this energy: ``share <= 0.05`` is the top 5 %.
    """

    pairs: NDArray[np.int64]
    similar: NDArray[np.bool_]
    distance: Floats
    energy: Floats
    share: Floats


def exact_energy(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float = 1.0,
    dissimilar_weight: float = 1.0,
    springs: Any = None,
) -> float:
    r"""Return the paper's loss of a map over all pairs, each kind of pair averaged.

    .. math:: E = \frac{1}{|S|} \sum_{(i,j) \in S} L_S(D_{ij}) + w \frac{1}{|D|} \sum_{(i,j) \in D} L_D(D_{ij})

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, of whatever method.
    graph : NeighborhoodGraph
        What is known of the samples.
    margin : float, default=1.0
        The paper's m, in the map's unit of length, in (0, inf).
    dissimilar_weight : float, default=1.0
        w, in (0, inf).
    springs : None, Springs or pair of callables, default=None
        As for `drlim.springs.make_springs`.

    Returns
    -------
    float
        Computed in float64. The sums are exact, over n (n - 1) / 2 pairs; a kind that does not occur adds nothing.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not one finite row for each of the graph's samples, or a parameter is out of range.

    Examples
    --------
    Only the first two samples are similar, at distance 3; the last two are half a margin apart.

    >>> from drlim import NeighborhoodGraph
    >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    >>> exact_energy([[0.0], [3.0], [3.5]], graph, margin=1.0)
    4.5625
    """
    import torch  # takes over a second, and no metric of another file needs it

    from drlim.forces import balanced, graph_energy

    points, laws = _check(Z, graph, {"margin": margin, "dissimilar_weight": dissimilar_weight}, springs, "exact_energy")
    balance = balanced(graph, dissimilar_weight)
    energy = graph_energy(torch.from_numpy(points), graph, laws)
    return balance.similar * energy.similar + balance.dissimilar * energy.dissimilar


def tension(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float = 1.0,
    dissimilar_weight: float = 1.0,
    springs: Any = None,
    n_pairs: int = 100,
) -> Tension:
    """Find where a map and what is known of its samples disagree.

    A statement that fits the others lets its spring come to rest; one that does not is held off its rest by them. A
    wrong similar pair is stretched, a wrong dissimilar pair pressed together: look at the worst of either kind for
    slips in the labels, and at samples of high energy for what the map has no room for.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, of whatever method. One trained on neighbours, among which a few statements are wrong, shows them the
        clearer the longer it was trained; one trained for long on labels alone has learned the wrong ones by heart.
    graph : NeighborhoodGraph
        What is known of the samples.
    margin : float, default=1.0
        The paper's m, in the map's unit of length, in (0, inf): that of training.
    dissimilar_weight : float, default=1.0
        In (0, inf), as in training; it acts on the energy and the force of a sample, not on pairs.
    springs : None, Springs or pair of callables, default=None
        As for `drlim.springs.make_springs`.
    n_pairs : int, default=100
        How many pairs of each kind are returned, at least 1; fewer where fewer have any energy.

    Returns
    -------
    Tension

    Raises
    ------
    ValueError, TypeError
        When ``Z`` has not one finite row for each of the graph's samples, or a parameter is out of range.

    See Also
    --------
    pair_tension : Any pairs, or all that were stated, ranked.

    Notes
    -----
    Energies of samples are balanced as in training (`drlim.forces.balanced`): each kind of pair is divided by its
    number, or the sum of its weights. Energies of pairs are not.

    All pairs are judged, in strips, with none kept but the worst: 18 million (6000 samples) in about a second.

    Examples
    --------
    Samples 0 and 1 lie together, 2 far away; that 0 and 2 are alike does not fit, nor that 0 and 1 are not:

    >>> from drlim import NeighborhoodGraph
    >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 2)])
    >>> print(tension([[0.0], [0.25], [2.0]], graph))
    energy 2.14062 of 3 samples
    most stretched similar pairs: distance, energy
      0 2  2  2
    most violated dissimilar pairs: distance, energy
      0 1  0.25  0.2812
    """
    check_parameters({"n_pairs": n_pairs}, {"n_pairs": [integer_in(1)]}, "tension")
    points, laws = _check(Z, graph, {"margin": margin, "dissimilar_weight": dissimilar_weight}, springs, "tension")
    from drlim.forces import balanced
    from drlim.metrics._springs import spring_sums, strained_pairs

    energy, force = np.zeros(len(points)), np.zeros(points.shape)
    worst = []
    kinds = ((graph.similar, laws.similar), (graph.dissimilar, laws.dissimilar))
    for (pairs, law), weight in zip(kinds, balanced(graph, dissimilar_weight), strict=True):
        energies, gradient = spring_sums(points, pairs, law)
        energy += weight * energies
        force -= weight * gradient
        worst.append(strained_pairs(points, pairs, law, n_pairs))
    return Tension(energy, force, *worst)


def pair_tension(
    Z: ArrayLike, graph: NeighborhoodGraph, pairs: ArrayLike | None = None, *, margin: float = 1.0, springs: Any = None
) -> PairTension:
    """Rank pairs by their energy, each among all pairs of its kind.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, of whatever method.
    graph : NeighborhoodGraph
        What is known of the samples.
    pairs : array-like of int, shape (p, 2), default=None
        Pairs that are similar or dissimilar. None is every pair that was stated so; those that are dissimilar by
        default only, being listed nowhere, are not among them.
    margin : float, default=1.0
        The paper's m, in (0, inf).
    springs : None, Springs or pair of callables, default=None
        As for `drlim.springs.make_springs`.

    Returns
    -------
    PairTension
        In the order of ``pairs``.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not fit the graph, or a pair is not one of its samples or is ignored.

    Notes
    -----
    Beyond 2048 samples, pairs implied by classes or by default are ranked among a million drawn at random.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> chain = NeighborhoodGraph.from_pairs(5, [(0, 1), (1, 2), (2, 3), (0, 4)])
    >>> found = pair_tension([[0.0], [1.0], [2.1], [3.3], [9.0]], chain)
    >>> found.pairs[found.share <= 0.25].tolist()
    [[0, 4]]
    """
    points, laws = _check(Z, graph, {"margin": margin}, springs, "pair_tension")
    from drlim.metrics._springs import lengths, pair_energies, shares

    chosen = _stated(graph) if pairs is None else _check_pairs(pairs, graph)
    first, second = chosen.T
    distance, energy, share = lengths(points, first, second), np.zeros(len(chosen)), np.ones(len(chosen))
    similar = graph.similar.weight_of(first, second) > 0
    for kind, law, here in (
        (graph.similar, laws.similar, similar),
        (graph.dissimilar, laws.dissimilar, ~similar),
    ):
        energy[here] = pair_energies(points, kind, law, first[here], second[here])
        share[here] = shares(points, kind, law, energy[here]) if here.any() else share[here]
    return PairTension(chosen, similar, distance, energy, share)


def _stated(graph: NeighborhoodGraph) -> NDArray[np.int64]:
    """Return the pairs that were said to be similar or dissimilar, and are."""
    said = [graph.similar.pairs(), graph.stated_dissimilar.pairs()]
    said[1] = said[1][graph.dissimilar.weight_of(*said[1].T) > 0]  # some are ignored, or contradicted
    return np.concatenate(said)


def _check_pairs(pairs: ArrayLike, graph: NeighborhoodGraph) -> NDArray[np.int64]:
    """Return pairs with a spring."""
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


def _check(
    Z: ArrayLike, graph: NeighborhoodGraph, numbers: dict[str, float], springs: Any, owner: str
) -> tuple[Floats, Any]:
    """Return points and laws that fit, or refuse them."""
    check_parameters(numbers, {name: [real_in(0.0, float("inf"))] for name in numbers}, owner)
    points = check_rows(Z, "Z")
    if not hasattr(graph, "n_samples"):
        raise TypeError(f"Expected 'graph' to be a NeighborhoodGraph. Got {short_repr(graph)}.")
    check_same_length(len(points), "Z", graph.n_samples, "graph")
    from drlim.springs import make_springs  # torch: see above

    return points, make_springs(numbers["margin"], springs)
