"""The energy of a graph's springs on a map: in all, and of each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from drlim._base.arrays import Floats
from drlim._base.checks import check_parameters, check_same_length, integer_in, real_in, short_repr
from drlim.metrics.inputs import as_points, on_space

if TYPE_CHECKING:
    from torch import Tensor

    from drlim.graph import NeighborhoodGraph
    from drlim.metrics.pair_energies import Strained
    from drlim.spaces import Space
    from drlim.springs import Law, Springs

    SpringsLike = Springs | tuple[Law | Callable[[Tensor], Tensor], ...] | None

__all__ = ["SpringsLike", "Tension", "check_map", "exact_energy", "spring_tension", "tension"]

_SHOWN = 5
"""Maximum number of pairs of each kind in a printed report."""


@dataclass(frozen=True, eq=False, repr=False)
class Tension:
    """Result of `tension`; ``print`` shows the worst pairs.

    Attributes
    ----------
    energy : ndarray of float64, shape (n_samples,)
        Half the balanced energy of each sample's springs. Their sum is `exact_energy`.
    force : ndarray of float64, shape (n_samples, n_components)
        Net force on each sample, the negative gradient of the same energy: the direction in which the springs would
        move it. On a curved space along its coordinates: round a circle, to the east and to the north of a sphere.
    similar : Strained
        The similar pairs of highest energy, the highest first: ``pairs`` of shape (k, 2), ``distance`` (k,) and
        ``energy`` (k,), the pair's weight times L_S(distance).
    dissimilar : Strained
        The dissimilar pairs of highest energy, likewise with L_D.

    Examples
    --------
    >>> from drlim import NeighborhoodGraph
    >>> tension([[0.0], [3.0]], NeighborhoodGraph.from_pairs(2, [(0, 1)])).force.tolist()
    [[3.0], [-3.0]]
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
        """Return the energy and the worst pairs of both kinds as text."""
        width = len(str(len(self.energy)))
        lines = [f"energy {self.energy.sum():.6g} of {len(self.energy)} samples"]
        for title, worst in (("most stretched similar", self.similar), ("most violated dissimilar", self.dissimilar)):
            lines.append(f"{title} pairs: distance, energy")
            lines += [
                f"  {i:>{width}} {j:>{width}}  {distance:.4g}  {energy:.4g}"
                for (i, j), distance, energy in zip(*(part[:_SHOWN] for part in worst), strict=True)
            ]
        return "\n".join(lines)


def exact_energy(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float = 1.0,
    dissimilar_weight: float = 1.0,
    springs: SpringsLike = None,
    space: Space | None = None,
) -> float:
    r"""Return the paper's loss of a map over all pairs, as the sum of two means.

    .. math:: E = \frac{1}{|S|} \sum_{(i,j) \in S} L_S(D_{ij}) + w \frac{1}{|D|} \sum_{(i,j) \in D} L_D(D_{ij})

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, made by any method.
    graph : NeighborhoodGraph
        Which pairs of samples are similar, dissimilar or ignored.
    margin : float, default=1.0
        The paper's m, in units of the map, in (0, inf).
    dissimilar_weight : float, default=1.0
        w, in (0, inf): the weight of the second mean.
    springs : None, Springs or pair of callables, default=None
        Laws L_S and L_D, as `drlim.springs.make_springs` takes them; None is the paper's loss (equation 4).
    space : Space, default=None
        ``model.space_`` of a map on a curved space, whose ``Z`` holds angles and lengths as ``transform`` returns them:
        distances are those along the space. None is flat.

    Returns
    -------
    float
        Energy, at least 0 for the paper's loss, computed in float64. The sums are exact, over all n (n - 1) / 2
        pairs; a kind of pair that does not occur adds 0.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have one finite row for each sample of the graph, or a column for each coordinate of the
        space, or a parameter is out of range.

    Examples
    --------
    Samples 0 and 1 are similar, at distance 3. Samples 1 and 2 are dissimilar, half a margin apart, and the third pair
    lies beyond the margin: 9/2 + (1/8 + 0) / 2.

    >>> from drlim import NeighborhoodGraph
    >>> graph = NeighborhoodGraph.from_pairs(3, [(0, 1)])
    >>> exact_energy([[0.0], [3.0], [3.5]], graph, margin=1.0)
    4.5625
    """
    import torch  # takes over a second to import, and the metrics of other files do not need it

    from drlim.forces import balanced, graph_energy

    numbers = {"margin": margin, "dissimilar_weight": dissimilar_weight}
    points, laws, curved = check_map(Z, graph, numbers, springs, space, "exact_energy")
    balance = balanced(graph, dissimilar_weight)
    return graph_energy(torch.from_numpy(points), graph, laws, balance, space=curved).total


def tension(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float = 1.0,
    dissimilar_weight: float = 1.0,
    springs: SpringsLike = None,
    n_pairs: int = 100,
    space: Space | None = None,
) -> Tension:
    """Find the pairs and samples where a map contradicts its graph.

    Training minimises the energy of all pairs together, so a pair that contradicts the others keeps a high energy: a
    pair wrongly declared similar stays far apart, a pair wrongly declared dissimilar stays close. Check the worst pairs
    of either kind for wrong labels, and the samples of high energy for structure that the map cannot show in its
    dimensions.

    Parameters
    ----------
    Z : array-like, shape (n_samples, n_components)
        A map, made by any method. On a map trained on neighbours with a few wrong pairs among them, longer training
        separates the wrong pairs more clearly. Long training on labels alone fits the wrong ones as well.
    graph : NeighborhoodGraph
        Which pairs of samples are similar, dissimilar or ignored.
    margin : float, default=1.0
        The paper's m, in units of the map, in (0, inf). Give the margin of training.
    dissimilar_weight : float, default=1.0
        Weight of the dissimilar pairs in the energy and the force of a sample, in (0, inf). Give that of training. It
        does not change the energy of a pair.
    springs : None, Springs or pair of callables, default=None
        Laws L_S and L_D, as `drlim.springs.make_springs` takes them; None is the paper's loss (equation 4).
    n_pairs : int, default=100
        Maximum number of pairs of each kind to return, at least 1. Pairs with energy 0 are left out.
    space : Space, default=None
        ``model.space_`` of a map on a curved space, whose ``Z`` holds angles and lengths as ``transform`` returns them:
        distances are those along the space. None is flat.

    Returns
    -------
    Tension
        Energy and force of each sample, and the worst pairs of both kinds.

    Raises
    ------
    ValueError, TypeError
        When ``Z`` does not have one finite row for each sample of the graph, or a column for each coordinate of the
        space, or a parameter is out of range.

    See Also
    --------
    pair_tension : Rank given pairs, or all pairs that the graph lists, by their energy.

    Notes
    -----
    Energies of samples are balanced as in training (`drlim.forces.balanced`): the sum over each kind of pair is divided
    by the sum of its weights. Energies of pairs are not divided.

    All pairs are examined, in strips, and only the worst are stored: 18 million pairs (6000 samples) take about a
    second.

    Examples
    --------
    Samples 0 and 1 are close on the map and sample 2 is far away. The graph calls 0 and 2 similar and the other pairs
    dissimilar, which contradicts the map for 0-2 and for 0-1:

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
    numbers = {"margin": margin, "dissimilar_weight": dissimilar_weight}
    points, laws, curved = check_map(Z, graph, numbers, springs, space, "tension")
    from drlim.metrics.pair_energies import strained_pairs

    energy, force = _summed(points, graph, laws, dissimilar_weight, curved)
    kinds = ((graph.similar, laws.similar), (graph.dissimilar, laws.dissimilar))
    return Tension(energy, force, *(strained_pairs(points, pairs, law, n_pairs, curved) for pairs, law in kinds))


def spring_tension(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    *,
    margin: float,
    dissimilar_weight: float,
    springs: SpringsLike,
    space: Space | None,
) -> tuple[Floats, Floats]:
    """Return ``energy`` and ``force`` of `tension`, without looking for the worst pairs."""
    numbers = {"margin": margin, "dissimilar_weight": dissimilar_weight}
    points, laws, curved = check_map(Z, graph, numbers, springs, space, "tension")
    return _summed(points, graph, laws, dissimilar_weight, curved)


def _summed(
    points: Floats, graph: NeighborhoodGraph, laws: Springs, dissimilar_weight: float, space: Space | None
) -> tuple[Floats, Floats]:
    """Return energies (n,) and forces (n, d) of ambient coordinates (n, a)."""
    import torch

    from drlim.forces import balanced
    from drlim.metrics.pair_energies import spring_sums

    energy, force = np.zeros(len(points)), np.zeros(points.shape)  # (n,), (n, a)
    kinds = ((graph.similar, laws.similar), (graph.dissimilar, laws.dissimilar))
    for (pairs, law), weight in zip(kinds, balanced(graph, dissimilar_weight), strict=True):
        energies, gradient = spring_sums(points, pairs, law, space)
        energy += weight * energies
        force -= weight * gradient
    if space is not None:
        force = np.einsum("nda,na->nd", space.frame(torch.from_numpy(points)).numpy(), force)
    return energy, force


def check_map(
    Z: ArrayLike,
    graph: NeighborhoodGraph,
    numbers: dict[str, float],
    springs: SpringsLike,
    space: Space | None,
    owner: str,
) -> tuple[Floats, Springs, Space | None]:
    """Return the points, the two laws and the space if it is curved, or refuse what was given.

    Points (n, d) of a curved space are in ambient coordinates, (n, a).
    """
    check_parameters(numbers, {name: [real_in(0.0, float("inf"))] for name in numbers}, owner)
    points = as_points(Z, "Z")
    if not hasattr(graph, "n_samples"):
        raise TypeError(f"Expected 'graph' to be a NeighborhoodGraph. Got {short_repr(graph)}.")
    check_same_length(len(points), "Z", graph.n_samples, "graph")
    if space is not None:
        points = on_space(points, space)  # (n, a)
    from drlim.springs import make_springs  # imports torch, as above

    curved = None if space is None or space.is_flat else space
    return points, make_springs(numbers["margin"], springs), curved
